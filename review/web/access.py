"""Who looked at a recording, as the console's own audit log has it; openings stand in the custodian's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from review.audit import journal
from review.audit.bodies import bodies
from review.audit.entries import ReadingKey
from review.audit.kinds import pseudonym
from review.audit.notes import VerifierKey, signed_checkpoint

MOST: Final = 5_000  # entries that are gone through: a quarter of a second
_KINDS: Final = frozenset({"list", "open", "watched", "export", "comment", "request", "hold", "release", "erase"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Of one log."""

    folder: Path
    log: VerifierKey
    key: ReadingKey


@dataclass(frozen=True, slots=True)
class Look:
    """`at`: ns. `who`: "" for somebody who is not known."""

    at: int
    who: str
    kind: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Looks:
    """`first`, `end`: the entries that were gone through."""

    first: int
    end: int
    looks: tuple[Look, ...]


def looks(reader: Reader, recording: str, people: Iterable[str]) -> Looks:
    """Newest first. `people`: whose names are given for pseudonyms. Raises AuditError, OSError."""
    names = {str(pseudonym(one, reader.key)): one for one in people if "*" not in one}
    published = journal.read_note(reader.folder / journal.CHECKPOINT)
    first = max(0, signed_checkpoint(published, reader.log).size - MOST)
    end, found = first, list[Look]()
    for entry in bodies(reader.folder, reader.log, reader.key, first):
        end = entry.position + 1
        said = entry.said
        if said and said["kind"] in _KINDS and said["outcome"] == "success":
            named = [*said["resource"], *said["facts"].get("recordings", [])]
            if recording in named:
                who, purpose = names.get(str(said["who"]), ""), str(said["facts"].get("purpose", ""))
                found.append(Look(entry.time * 1_000_000, who, str(said["kind"]), purpose))
    return Looks(first, end, tuple(reversed(found)))
