"""Who looked at a recording, as the console's own audit log has it; openings stand in the custodian's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from review.audit import journal
from review.audit.bodies import bodies
from review.audit.entries import ReadingKey
from review.audit.kinds import pseudonym
from review.audit.notes import VerifierKey, signed_checkpoint
from review.search.facts import Listed

MOST: Final = 5_000  # entries that are gone through: a quarter of a second
SIZE: Final = 50  # looks of a page
# No requests, holds or erasures: a hold tells whom an inquiry is about.
DID: Final = {
    "list": "looked at the account", "open": "opened it", "watched": "watched it", "export": "exported it",
    "comment": "commented on it",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """Of one log."""

    folder: Path
    log: VerifierKey
    key: ReadingKey


@dataclass(frozen=True, slots=True)
class Look:
    """`at`: ns. `who`: "" for somebody who is not known. `recordings`: ids that it names."""

    position: int
    at: int
    who: str
    kind: str
    purpose: str
    recordings: frozenset[str]


@dataclass(frozen=True, slots=True)
class Looks:
    """`first`, `end`: the entries that were gone through."""

    first: int
    end: int
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Mirror:
    """Who looked at one's own. `looks`: each with the recording. `before`: the entry before which it goes on."""

    first: int
    end: int
    looks: tuple[tuple[Look, Listed], ...]
    before: int | None


def looks(reader: Reader, recording: str, people: Iterable[str]) -> Looks:
    """Newest first. `people`: whose names are given for pseudonyms. Raises AuditError, OSError."""
    first = max(0, _size(reader) - MOST)
    found, end = _read(reader, first, None, people)
    return Looks(first, end, tuple(one for one in reversed(found) if recording in one.recordings))


def mirror(
    reader: Reader, person: str, people: Iterable[str], own: Callable[[Collection[str]], Mapping[str, Listed]],
    before: int | None = None,
) -> Mirror:  # fmt: skip
    """What others looked at of what `own` gives, newest first. Raises as `looks`."""
    size = _size(reader)
    first = max(0, (size if before is None else min(before, size)) - MOST)
    read, end = _read(reader, first, before, people)
    found = [one for one in read if one.who != person]
    mine = own(frozenset[str]().union(*(one.recordings for one in found)))
    shown: list[tuple[Look, Listed]] = []
    for one in reversed(found):
        if len(shown) >= SIZE:
            return Mirror(shown[-1][0].position, end, tuple(shown), shown[-1][0].position)
        shown += [(one, mine[name]) for name in sorted(one.recordings & mine.keys())]
    return Mirror(first, end, tuple(shown), first or None)


def _size(reader: Reader) -> int:
    return signed_checkpoint(journal.read_note(reader.folder / journal.CHECKPOINT), reader.log).size


def _read(reader: Reader, first: int, before: int | None, people: Iterable[str]) -> tuple[list[Look], int]:
    """In order, and where they end: at the log's own end, which is newer than its published checkpoint."""
    names = {str(pseudonym(one, reader.key)): one for one in people if "*" not in one}
    found, end = list[Look](), first
    for entry in bodies(reader.folder, reader.log, reader.key, first):
        if before is not None and entry.position >= before:
            break
        end = entry.position + 1
        said = entry.said
        if said and said["kind"] in DID and said["outcome"] == "success":
            facts = said["facts"]
            found.append(
                Look(
                    entry.position, entry.time * 1_000_000, names.get(str(said["who"]), ""), str(said["kind"]),
                    str(facts.get("purpose", "")), frozenset([*said["resource"], *facts.get("recordings", [])]),
                )
            )  # fmt: skip
    return found, end
