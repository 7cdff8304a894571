"""Facts of the store that have no signature, as they were first seen, beside the audit log. Later commands compare.

Who owns the store's folder can write another compliance key into its settings, take the newest bundle out of its
database, and give a PC another key.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from store.catalog import schema
from store.catalog.queries import legible
from store.errors import StoreError
from store.files import write_over

_BUNDLE: Final = "followed-bundle"
_COMPLIANCE: Final = "compliance-key"
_SENDERS: Final = "sender-keys.json"


def check_revision(folder: Path, revision: int) -> None:
    """Raises StoreError for a bundle that is older than the one before."""
    path = folder / _BUNDLE
    try:
        before = int(path.read_text("ascii")) if path.exists() else 0
    except ValueError:
        raise StoreError(f"{path} is damaged: it has the number of the store's newest bundle") from None
    if revision < before:
        message = f"the store's newest bundle is {revision}, and by bundle {before} it was decided before"
        stays = "nothing is erased, and no hold is taken off"
        raise StoreError(f"{message}: {stays}, until `eyelid-store bundle put` brings that one back")
    if revision > before:
        write_over(path, f"{revision}\n".encode("ascii"))


def check_compliance(folder: Path, fingerprint: str) -> None:
    """Raises StoreError for another compliance key than before. The first is taken as it is."""
    path = folder / _COMPLIANCE
    if not path.exists():
        write_over(path, f"{fingerprint}\n".encode())
    elif (before := path.read_text("utf-8", "replace").strip()) != fingerprint:
        raise StoreError(
            f"the store says that compliance's key is {fingerprint}, and here it was {before}: nothing is decided by "
            f"it. Ask compliance: if their key is really another now, remove {path}; else somebody changed store.json"
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """A PC or an integration: its evidence key, and since when (ns) it is known; 0: since the first look.

    `group`, `host`, `user`: of a PC, as it was in the catalog then. No signature says its group, and the names only its
    key packets, in which it writes what it likes.
    """

    key: str
    since: int
    group: str = ""
    host: str = ""
    user: str = ""


def _sender(key: object, since: Any, *placed: object) -> Sender:
    return Sender(str(key), int(since), *map(str, placed))


class Senders:
    """Those that were seen before, each with its key. None ever gets another: who enrols anew has a new id."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError."""
        self._path = folder / _SENDERS
        self._looked, self._known = 0, dict[str, Sender]()
        self._complete = False
        try:
            said = json.loads(self._path.read_bytes())
            self._looked = int(said["looked"])
            self._known = {name: _sender(*words) for name, words in said["senders"].items()}
        except (FileNotFoundError, PermissionError):
            return  # who may not read it does not erase either: that needs the log's keys
        except (ValueError, KeyError, TypeError, AttributeError):
            message = "it has the keys of PCs and integrations as they were first seen"
            raise StoreError(f"{self._path} is damaged ({message}): put it back from a backup") from None

    def look(self, connection: Connection, now: int) -> None:
        """Note those that are new. What came before the last look is of none of them: see `since`."""
        devices, integrations = schema.devices.c, schema.integrations.c
        placed = (devices.group_name, devices.host, devices.os_user)
        chosen = (
            select(devices.id, devices.evidence_key, *placed),
            select(integrations.id, integrations.evidence_key),
        )
        rows = [[*map(legible, row)] for one in chosen for row in connection.execute(one)]
        for name, key, *words in rows:
            known = self._known.get(name, Sender(key, self._looked))
            if words and not known.group:  # a file of an earlier version has keys alone
                known = Sender(known.key, known.since, *words)
            self._known[name] = known
        self._looked, self._complete = max(self._looked, now), True
        said = {name: list(astuple(one)) for name, one in self._known.items()}
        write_over(self._path, json.dumps({"looked": self._looked, "senders": said}, indent=0).encode())

    def mistake(self, sender: str, key: str) -> str:
        """Why the key is not believed; "" where it is."""
        if (known := self._known.get(sender)) is None:
            return "its sender came while this runs" if self._complete else ""
        return "" if known.key == key else "the catalog has another key of its sender than was first seen"

    def first(self, sender: str) -> Sender | None:
        """As its group and names first were; None where that was not noted."""
        known = self._known.get(sender)
        return known if known is not None and known.group else None

    def since(self, sender: str) -> int:
        """ns: it sent nothing before."""
        return 0 if (known := self._known.get(sender)) is None else known.since
