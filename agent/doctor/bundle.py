"""The archive that goes to support: what the doctor said, settings, versions, the log's end, and the ledger in numbers.

Only what is named here goes in, each made for it: no file of a user is copied. So nothing that was in view can be in
it, and no key.
"""

from __future__ import annotations

import io
import json
import platform
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from agent import durable
from agent.config import Resolved, keys
from agent.errors import EnvironmentFault
from agent.log import tail

LOG_LINES: Final = 2000
LOG: Final = "log"  # the folder in home
FOLDER: Final = "eyelid-support"
# What may say something of an entry: words of our own and numbers, never a field that could hold another's words.
COUNTED: Final = ("what", "why")


def write(path: Path, report: Mapping[str, object], resolved: Resolved) -> None:
    """`report`: the doctor's JSON. Raises EnvironmentFault where the file cannot be written."""
    files = {
        "README.txt": _ABOUT,
        "doctor.json": _json(report),
        "settings.json": _json(_settings(resolved)),
        "versions.json": _json(_versions()),
        "ledger.json": _json(ledger(resolved.config.home / "ledger")),
        "log.jsonl": "".join(f"{line}\n" for line in _log(resolved.config.home / LOG)),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            content = text.encode("utf-8")
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o644
            archive.addfile(entry, io.BytesIO(content))
    try:
        durable.write(path.absolute(), packed.getvalue())
    except OSError as failure:
        raise EnvironmentFault(f"{path} cannot be written: {failure.strerror}") from None


_ABOUT: Final = """What `eyelid doctor --bundle` gathered on one PC, for the person who helps with it.

doctor.json    each check: mark, what was found, the next step
settings.json  the settings in force and where each comes from, passwords masked
versions.json  Eyelid, Python, the system, the libraries
ledger.json    how many entries of each kind the account on this PC has, and when the first and last were made
log.jsonl      the end of the recorder's log

No title of a window, no address of a page, no picture, no sound, no key and no policy text is in here. The names of
this PC's files and of its sound devices are.
"""


def _json(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _settings(resolved: Resolved) -> dict[str, Any]:
    return {
        name: {"value": keys()[name].kind.write(said[0].value), "origin": said[0].layer.value, "place": said[0].place}
        for name, said in resolved.settings.items()
    }


def _versions() -> dict[str, Any]:
    return {
        "eyelid": metadata.version("eyelid"),
        "python": sys.version,
        "system": platform.platform(),
        "libraries": {
            name: one.version for one in metadata.distributions() if (name := one.metadata["Name"]) is not None
        },
    }


def _log(folder: Path) -> list[str]:
    try:
        return tail(folder, LOG_LINES)
    except OSError as failure:
        return [_json({"message": f"the log cannot be read: {failure.strerror}"}).strip()]


def ledger(folder: Path) -> dict[str, Any]:
    """How many entries of each kind, and of which causes; without any field of theirs that is free text."""
    kinds: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    walls: list[int] = []
    damaged = 0
    for line in _lines(folder):
        try:
            entry = json.loads(line)
            kind = str(entry["kind"])
            walls.append(int(entry["wall"]))
        except (ValueError, KeyError, TypeError):
            damaged += 1
            continue
        kinds[kind] += 1
        for name in COUNTED:
            if isinstance(cause := entry.get(name), str):
                causes[f"{kind} {name}={cause}"] += 1
    return {
        "entries": sum(kinds.values()),
        "damaged_lines": damaged,
        "first_wall_ns": min(walls, default=None),
        "last_wall_ns": max(walls, default=None),
        "kinds": dict(sorted(kinds.items())),
        "causes": dict(sorted(causes.items())),
    }


def _lines(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.glob("segment-*")):
        try:
            yield from path.read_bytes().rstrip(b"\0").splitlines()
        except OSError:
            continue  # sent and removed meanwhile
