"""Who looked at a recording, as the console's own audit log has it; openings stand in the custodian's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from review.search.log_index import Asked, LogIndex

SIZE: Final = 50  # of a page
MOST: Final = 500  # entries that are opened for one
_KINDS: Final = frozenset({"list", "open", "watched", "export", "comment", "request", "hold", "release", "erase"})


@dataclass(frozen=True, slots=True)
class Look:
    """`at`: ns. `who`: "" for somebody who is not known."""

    at: int
    who: str
    kind: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Looks:
    """`first`, `end`: of the entries that were gone through. `following`: where the next page begins.

    `whole`: whether the index has all of the log.
    """

    first: int
    end: int
    looks: tuple[Look, ...]
    following: int | None
    whole: bool


def looks(entries: LogIndex, recording: str, names: Mapping[str, str], before: int | None = None) -> Looks:
    """Newest first. `names`: of pseudonyms. Raises AuditError, OSError."""
    whole = entries.catch_up(CATCH_UP)
    end = entries.end
    positions = entries.positions(Asked(recording=recording, before=before), MOST + 1)
    found, first, following = list[Look](), 0, None
    for one in entries.read(positions):
        if len(found) == SIZE or one.position == (positions[MOST] if len(positions) > MOST else -1):
            following = first
            break
        first = one.position
        if one.kind in _KINDS and one.said["outcome"] == "success":
            who, purpose = names.get(str(one.said["who"]), ""), str(one.said["facts"].get("purpose", ""))
            found.append(Look(one.time * 1_000_000, who, one.kind, purpose))
    return Looks(first if following is not None else 0, end, tuple(found), following, whole)


CATCH_UP: Final = 5_000  # entries that a page waits for; of more it says so
