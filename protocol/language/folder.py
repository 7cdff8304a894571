"""The folder of a language's files: all its *.yaml together, read whole, and marked trees of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.language.errors import MistakesError
from protocol.language.marks import MarkedDocument
from protocol.language.yaml_marks import read_marks

LARGEST: Final = 1 << 20  # bytes of one file; a policy of a thousand rules has a quarter of that
MOST_FILES: Final = 100
# Of all files together. A store reads names from a policy within these alone, or one PC's text could take its memory.
LARGEST_FOLDER: Final = 2 * LARGEST
MOST_NODES: Final = 100_000  # words, lists and tables; a policy of a thousand rules has a tenth of that
_NONE_OF_IT: Final = "a {} is one or more files whose names end in .yaml"

Files = Mapping[str, bytes]
Fingerprint = tuple[tuple[str, int, int, int, int], ...]  # name, mode, time in ns, size, inode


@dataclass(frozen=True, slots=True)
class Documents:
    """What could be read as YAML, in the order of the files' names. `whole`: that is every file."""

    documents: tuple[MarkedDocument, ...]
    mistakes: tuple[str, ...]
    whole: bool


def read_documents(files: Files, shown_in: str = "") -> Documents:
    """`shown_in`: the folder that mistakes name before the file's own name.

    Raises MistakesError where a file, or all together, are too large, or none can be read as YAML.
    """
    names = sorted(files, key=os.fsencode)
    large = [f"{name}:1:1 {_too_large(len(files[name]))}" for name in names if len(files[name]) > LARGEST]
    if not large and (size := sum(map(len, files.values()))) > LARGEST_FOLDER:
        large = [f"{names[-1]}:1:1 the files have {size} bytes together, at most {LARGEST_FOLDER} are read"]
    if large:
        raise MistakesError(tuple(large))
    marked = [read_marks(str(Path(shown_in, name)), files[name]) for name in names]
    if (nodes := sum(file.nodes for file in marked)) > MOST_NODES:
        many = f"the files have {nodes} words, lists and tables together, at most {MOST_NODES} are read"
        raise MistakesError((f"{names[-1]}:1:1 {many}",))
    mistakes = tuple(f"{mark} {mistake}" for file in marked for mark, mistake in file.mistakes)
    documents = tuple(file.document for file in marked if file.document is not None)
    if marked and not documents:
        raise MistakesError(mistakes)
    return Documents(documents, mistakes, whole=len(documents) == len(marked))


def read_files(folder: Path, what: str) -> dict[str, bytes]:
    """The folder's *.yaml files as they are. Raises MistakesError for what cannot be read, or not be meant.

    `what` they are together, such as "policy".
    """
    for _ in range(3):
        before = fingerprint(folder)
        files = _read_all(folder, what)
        if before == fingerprint(folder):
            break  # no file was replaced while another one was read
    return files


def _read_all(folder: Path, what: str) -> dict[str, bytes]:
    mistakes: list[str] = []
    files: dict[str, bytes] = {}
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)  # noqa: PTH208 - names, of which only some become paths
    except OSError as failure:
        raise MistakesError(
            (f"{folder} is no folder that can be read ({failure.strerror}), put a {what} there",)
        ) from None
    for name in names:
        if not _is_read(name) or _meant_to_be_read(name):
            continue
        content = _read(folder / name)
        if isinstance(content, str):
            mistakes.append(f"{name}:1:1 {content}")
        else:
            files[name] = content
    mistakes = sorted([*mistakes, *_misnamed(names)])
    if len(files) > MOST_FILES:
        mistakes.append(f"{folder} holds {len(files)} {what} files, at most {MOST_FILES} are read, join some")
    if not files and not mistakes:
        mistakes.append(f"{folder} holds no {what}, {_NONE_OF_IT.format(what)}")
    if mistakes:
        raise MistakesError(tuple(mistakes))
    return files


def only_read(files: Files, what: str) -> dict[str, bytes]:
    """Of files that lie in no folder, those that are read. Raises MistakesError as `read_files`."""
    mistakes = _misnamed(sorted(files))
    found = {name: content for name, content in files.items() if _is_read(name)}
    if len(found) > MOST_FILES:
        mistakes.append(f"these are {len(found)} {what} files, at most {MOST_FILES} are read, join some")
    if not found and not mistakes:
        mistakes.append(f"there is no {what}, {_NONE_OF_IT.format(what)}")
    if mistakes:
        raise MistakesError(tuple(mistakes))
    return found


def _misnamed(names: Iterable[str]) -> list[str]:
    return [f"{name}:1:1 {meant}" for name in names if (meant := _meant_to_be_read(name))]


def _is_read(name: str) -> bool:
    """Editors' own files (`.x.yaml.swp`, `x.yaml~`, `.#x.yaml`, `#x.yaml#`) are none."""
    return name.endswith(".yaml") and not name.startswith(".")


def _meant_to_be_read(name: str) -> str:
    """What is wrong with a name that looks like a read one and would be passed over silently; empty for any other."""
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
    """Changes when the folder is another one or a file that is read changes; empty where the folder is missing."""

    def of(path: Path) -> Iterator[tuple[str, int, int, int, int]]:
        try:
            found = path.stat()
        except OSError:
            return
        yield path.name, found.st_mode, found.st_mtime_ns, found.st_size, found.st_ino

    try:
        names = sorted(name for name in os.listdir(folder) if _is_read(name) or _meant_to_be_read(name))  # noqa: PTH208
        identity = folder.stat()
    except OSError:
        return ()
    return (
        ("", identity.st_mode, 0, identity.st_dev, identity.st_ino),
        *(seen for name in names for seen in of(folder / name)),
    )
