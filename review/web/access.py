"""Who looked at a recording: by the console's own audit log, and by a copy of the custodian's, which has openings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from review.audit.errors import AuditError
from review.cases.spans import united
from review.search.facts import Listed
from review.search.log_index import Asked, LogIndex

WALK: Final = 2_000  # entries of these kinds that are gone through for a page: a second where they lie far apart
CATCH_UP: Final = 5_000  # entries that a page waits for; of more it says so
MOST: Final = 500  # entries that are opened for one
SIZE: Final = 50  # looks of a page
# No requests, holds or erasures: a hold tells whom an inquiry is about.
DID: Final = {
    "list": "looked at the account", "open": "opened it", "watched": "watched it", "export": "exported it",
    "comment": "commented on it", "lease": "had it analysed",
}  # fmt: skip

OPENED: Final = frozenset({"open", "export"})  # of the custodian's log: it released keys to people
RELEASED: Final = OPENED | {"lease"}  # and to workers, which are too many for a list of all recordings
REPORTS: Final = 1_000  # of what was played, that are read for a page
SPANS: Final = 8  # of a lane, that a page shows


@dataclass(frozen=True, slots=True)
class Lane:
    """What a page reported of one lane, ns. `name`: a screen's stream, microphone or far-end. `more`: spans beyond."""

    name: str
    total: int
    spans: tuple[tuple[int, int], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Look:
    """`at`: ns. `who`: "" for somebody who is not known. `recordings`: ids that it names. `played`: as its page
    reported it; None where there are more reports than are read.
    """

    position: int
    at: int
    who: str
    kind: str
    purpose: str
    recordings: frozenset[str]
    rule: str = ""
    played: tuple[Lane, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Looks:
    """`first`, `end`: of the entries that were gone through. `following`: where the next page begins.

    `whole`: whether the index has all of the log. `readable`: whether that is as it was signed.
    """

    first: int
    end: int
    looks: tuple[Look, ...]
    following: int | None
    whole: bool
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Mirror:
    """Who looked at one's own. `looks`: each with the recording. `before`: the entry before which it goes on. `whole`:
    as in `Looks`."""

    first: int
    end: int
    looks: tuple[tuple[Look, Listed], ...]
    before: int | None
    whole: bool = True
    readable: bool = True


def looks(
    entries: LogIndex, recording: str, names: Mapping[str, str], before: int | None = None, *,
    kinds: Container[str] = DID,
) -> Looks:  # fmt: skip
    """Newest first. `names`: of pseudonyms. Raises AuditError, OSError."""
    whole = entries.catch_up(CATCH_UP)
    end = entries.end
    # Of a log in which pages report as well: not those among them.
    asked = Asked(recording=recording, before=before)
    positions = _newest(entries, asked, sorted(RELEASED) if kinds is RELEASED else [""], MOST + 1)
    found, first, following = list[Look](), 0, None
    for one in entries.read(positions):
        if len(found) == SIZE or one.position == (positions[MOST] if len(positions) > MOST else -1):
            following = first
            break
        first = one.position
        if one.kind in kinds and one.said["outcome"] == "success":
            found.append(_look(one.position, one.time, one.said, names))
    return Looks(first if following is not None else 0, end, tuple(found), following, whole)


def mirror(
    reader: LogIndex, person: str, names: Mapping[str, str], own: Callable[[Collection[str]], Mapping[str, Listed]],
    before: int | None = None, *, kinds: Iterable[str] = DID,
) -> Mirror:  # fmt: skip
    """What others looked at of what `own` gives, newest first. Raises as `looks`."""
    whole, end = reader.catch_up(CATCH_UP), reader.end
    end = end if before is None else min(before, end)
    positions = _newest(reader, Asked(before=before, outcome="success"), sorted(kinds), WALK + 1)
    shown: list[tuple[Look, Listed]] = []
    for at in range(0, min(len(positions), WALK), MOST):
        several = positions[at : min(at + MOST, WALK)]
        found = [_look(one.position, one.time, one.said, names) for one in reader.read(several) if one.said]
        found = [one for one in found if one.who != person]
        mine = own(frozenset[str]().union(*(one.recordings for one in found)))
        for one in found:
            if len(shown) >= SIZE:
                return Mirror(shown[-1][0].position, end, tuple(shown), shown[-1][0].position, whole)
            shown += [(one, mine[name]) for name in sorted(one.recordings & mine.keys())]
    first = positions[WALK - 1] if len(positions) > WALK else 0
    return Mirror(first, max(first, end), tuple(shown), first or None, whole)


def _newest(entries: LogIndex, asked: Asked, kinds: Iterable[str], most: int) -> list[int]:
    """Positions of entries of these kinds, newest first: others among them, however many, hide none."""
    found = (entries.positions(replace(asked, kind=kind), most) for kind in kinds)
    return sorted((one for some in found for one in some), reverse=True)[:most]


def openings(
    entries: LogIndex | None, recording: str, names: Callable[[LogIndex], Mapping[str, str]], before: int | None
) -> Looks | None:
    """What the custodian released of it; None where the console has no copy of its log."""
    if entries is None:
        return None
    try:
        found = looks(entries, recording, names(entries), before, kinds=RELEASED)
        return replace(found, looks=tuple(played(entries, found.looks)))
    except (AuditError, OSError):  # a copy that is being made, or was changed
        return Looks(0, 0, (), None, True, readable=False)


def opened_since(entries: LogIndex | None, since: int, names: Callable[[LogIndex], Mapping[str, str]]) -> Looks | None:
    """What the custodian released from `since` (ns) on, newest first; None as `openings`. Of more than WALK openings
    the newest are read; then `following` is the first of them."""
    if entries is None:
        return None
    try:
        whole, end = entries.catch_up(CATCH_UP), entries.end
        asked = Asked(since=since // 1_000_000, outcome="success")
        positions = _newest(entries, asked, sorted(OPENED), WALK + 1)
        known = names(entries)
        shown = tuple(_look(one.position, one.time, one.said, known) for one in entries.read(positions[:WALK])
                      if one.said)  # fmt: skip
        first = positions[:WALK][-1] if positions else end
        return Looks(first, max(first, end), shown, first if len(positions) > WALK else None, whole)
    except (AuditError, OSError):
        return Looks(0, 0, (), None, True, readable=False)


def opened_of_mine(
    entries: LogIndex | None, person: str, names: Callable[[LogIndex], Mapping[str, str]],
    own: Callable[[Collection[str]], Mapping[str, Listed]], before: int | None,
) -> Mirror | None:  # fmt: skip
    """As `mirror`, of what the custodian released; None as `openings`."""
    if entries is None:
        return None
    try:
        found = mirror(entries, person, names(entries), own, before, kinds=OPENED)
        shown = played(entries, [look for look, _ in found.looks])
        return replace(found, looks=tuple(zip(shown, (one for _, one in found.looks), strict=True)))
    except (AuditError, OSError):
        return Mirror(0, 0, (), None, readable=False)


def played(entries: LogIndex, shown: Collection[Look]) -> list[Look]:
    """These, with what their pages reported. Raises AuditError, OSError."""
    recordings = sorted({one for look in shown for one in look.recordings})
    spans: dict[int, dict[str, list[tuple[int, int]]]] = {}
    oldest = 0  # of the entries that are read: of an opening before it not all reports are
    for recording in recordings:
        most = max(1, REPORTS // len(recordings))
        positions = entries.positions(Asked(recording=recording, kind="watched", outcome="success"), most + 1)
        oldest = max(oldest, positions[most]) if len(positions) > most else oldest
        for one in entries.read(positions[:most]):
            facts = one.said.get("facts", {})
            lanes = spans.setdefault(int(facts.get("opening", -1)), {})
            for lane, (start, end) in zip(facts.get("lanes", ()), facts.get("spans", ()), strict=False):
                lanes.setdefault(str(lane), []).append((start, end))
    made = {opening: tuple(_lane(*one) for one in sorted(lanes.items())) for opening, lanes in spans.items()}
    return [replace(one, played=made.get(one.position, ()) if one.position >= oldest else None) for one in shown]


def _lane(name: str, spans: Collection[tuple[int, int]]) -> Lane:
    whole = united(spans)
    return Lane(name, sum(end - start for start, end in whole), whole[:SPANS], max(0, len(whole) - SPANS))


def _look(position: int, ms: int, said: Mapping[str, Any], names: Mapping[str, str]) -> Look:
    facts = said["facts"]
    named = frozenset(map(str, [*said["resource"], *facts.get("recordings", [])]))
    who, purpose = names.get(str(said["who"]), ""), str(facts.get("purpose", ""))
    purpose = "" if purpose == "none" else purpose  # the custodian's word for one that was left out
    return Look(position, ms * 1_000_000, who, str(said["kind"]), purpose, named, str(facts.get("rule", "")))
