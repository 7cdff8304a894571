"""The files of a policy: all the *.yaml of a folder are one policy with one hash, or one list of every mistake."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from agent.core.language.policy import parse
from agent.core.language.tests import failed_tests
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from protocol.language.yaml_marks import read_marks
from protocol.policyhash import policy_hash

LARGEST: Final = 1 << 20  # bytes of one file; a policy of a thousand rules has a quarter of that
MOST_FILES: Final = 100

Files = Mapping[str, bytes]
Fingerprint = tuple[tuple[str, int, int, int, int], ...]  # name, mode, time in ns, size, inode


def read_folder(folder: Path, *, tested: bool = True) -> Policy:
    """The policy of the folder. Raises PolicyError with every mistake, also where it holds no policy at all.

    `tested`: a policy whose own tests do not hold is a mistaken one.
    """
    return parse_files(read_files(folder), tested=tested)


def parse_files(files: Files, *, tested: bool = True, shown_in: str = "") -> Policy:
    """The policy that these files (name -> content) are together. Raises PolicyError with every mistake.

    `shown_in`: the folder that mistakes name before the file's own name. The hash is over the names alone.
    """
    names = sorted(files, key=os.fsencode)
    large = [f"{name}:1:1 {_too_large(len(files[name]))}" for name in names if len(files[name]) > LARGEST]
    if large:
        raise PolicyError(tuple(large))
    marked = [read_marks(str(Path(shown_in, name)), files[name]) for name in names]
    mistakes = [f"{mark} {mistake}" for file in marked for mark, mistake in file.mistakes]
    documents = [file.document for file in marked if file.document is not None]
    if marked and not documents:
        raise PolicyError(tuple(mistakes))
    whole = len(documents) == len(marked)
    try:
        policy = parse(documents, policy_hash(files), whole=whole)
    except PolicyError as error:
        raise PolicyError((*mistakes, *error.mistakes)) from None
    if whole and tested:  # else a test may fail for want of a rule that cannot be read yet
        mistakes += failed_tests(policy)
    if mistakes or not whole:
        raise PolicyError(tuple(mistakes))
    return policy


def read_files(folder: Path) -> dict[str, bytes]:
    """The folder's policy files as they are. Raises PolicyError for what cannot be read, or not be meant."""
    for _ in range(3):
        before = fingerprint(folder)
        files = _read_all(folder)
        if before == fingerprint(folder):
            break  # no file was replaced while another one was read
    return files


def _read_all(folder: Path) -> dict[str, bytes]:
    mistakes: list[str] = []
    files: dict[str, bytes] = {}
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)  # noqa: PTH208 - names, of which only some become paths
    except OSError as failure:
        raise PolicyError(
            (f"{folder} is no folder that can be read ({failure.strerror}), put a policy there",)
        ) from None
    for name in names:
        meant = _meant_as_policy(name)
        if meant:
            mistakes.append(f"{name}:1:1 {meant}")
        elif _is_policy(name):
            content = _read(folder / name)
            if isinstance(content, str):
                mistakes.append(f"{name}:1:1 {content}")
            else:
                files[name] = content
    if len(files) > MOST_FILES:
        mistakes.append(f"{folder} holds {len(files)} policy files, at most {MOST_FILES} are read, join some")
    if not files and not mistakes:
        mistakes.append(f"{folder} holds no policy, a policy is one or more files whose names end in .yaml")
    if mistakes:
        raise PolicyError(tuple(mistakes))
    return files


def _is_policy(name: str) -> bool:
    """Editors' own files (`.x.yaml.swp`, `x.yaml~`, `.#x.yaml`, `#x.yaml#`) are none."""
    return name.endswith(".yaml") and not name.startswith(".")


def _meant_as_policy(name: str) -> str:
    """What is wrong with a name that looks like a policy's and would be passed over silently; empty for any other."""
    lower = name.lower()
    if name.startswith("."):
        return ""
    if lower.endswith((".yaml.txt", ".yml.txt")):
        return "the name ends in .txt, so that it is not read, rename it to end in .yaml"
    if lower.endswith(".yml") or (lower.endswith(".yaml") and not name.endswith(".yaml")):
        return "only names that end in .yaml in small letters are read, rename it"
    if lower.endswith(".yaml") and not name.isprintable():
        return "the name has signs that cannot be shown, rename it"
    return ""


def _read(path: Path) -> bytes | str:
    """The content, or in words why there is none."""
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode):
            return "this is not a file, remove or rename it"
        if before.st_size > LARGEST:
            return _too_large(before.st_size)
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as failure:
        return f"the file cannot be read ({failure.strerror}), correct that or remove it"
    return content if len(content) <= LARGEST else _too_large(len(content))


def _too_large(size: int) -> str:
    return f"the file has {size} bytes, at most {LARGEST} are read, split it"


def fingerprint(folder: Path) -> Fingerprint:
    """Changes when the folder is another one or a policy file in it changes; empty where the folder is missing."""

    def of(path: Path) -> Iterator[tuple[str, int, int, int, int]]:
        try:
            found = path.stat()
        except OSError:
            return
        yield path.name, found.st_mode, found.st_mtime_ns, found.st_size, found.st_ino

    try:
        names = sorted(name for name in os.listdir(folder) if _is_policy(name) or _meant_as_policy(name))  # noqa: PTH208
        identity = folder.stat()
    except OSError:
        return ()
    return (
        ("", identity.st_mode, 0, identity.st_dev, identity.st_ino),
        *(seen for name in names for seen in of(folder / name)),
    )
