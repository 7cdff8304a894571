"""Every second of a recording accounted for: kept, closed by which rule, held by whom, blind, or missing here.

Pure: intervals in, parts out, and the parts always add up to the whole, to the nanosecond. What is kept is what the
chunks' spans say; the ledger gives the reasons for the rest (facts: design section 6, law 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final, NamedTuple

from protocol.claims import MAX_INTEGER
from protocol.ledger import MAX_TEXT
from protocol.numbers import is_integer

Rule = int | str
"""A rule of a policy by its number, or one of Eyelid's own by its name."""

BLIND: Final = "blind"  # the name of Eyelid's own rule, and of the hold, for "nothing could be seen"
PERSON: Final = "user"  # the hold of the person in front
SUSPENDED: Final = "suspended"  # the hold of a PC that sleeps, whether it was said before or seen afterwards
MOST_HOLDS: Final = 32  # at once, of a PC that may name as many as it likes: each state tells all of them
_HASH: Final = 64  # characters of one
UNPROVEN: Final = "unproven"  # no state was written down: looks came too late or not at all for the proof


class Interval(NamedTuple):
    """[start, end) in ns since the recording's start."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Kept:
    """It was proven clean and lies here."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Rules kept the eye closed. `policy`: the hash that gives the numbers their meaning."""

    policy: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Reasons not to record at all: user, locked, spool-full, ...

    `reason`: what the person in front chose for theirs: its place in `user_hold.reasons` of the policy of that hash, or
    a word of Eyelid's own; None where they chose none.
    """

    holds: tuple[str, ...]
    reason: int | str | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class BlindCause:
    """Nothing could be proven, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """It should be here and is not: `lost` (sequence numbers are missing), `not-here-yet`, or `no-ledger`; or `erased`:
    it should not, and is not."""

    why: str


Cause = Kept | Closed | Held | BlindCause | Missing


@dataclass(frozen=True, slots=True)
class NotKept:
    """A span that the ledger gives a cause for; `end` is None where nothing ended it."""

    start: int
    end: int | None
    cause: Closed | Held | BlindCause


@dataclass(frozen=True, slots=True)
class Part:
    """`margin`: not in the state itself but given up for it, before (hindsight) or after (until proven clean again)."""

    start: int
    end: int
    cause: Cause
    margin: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger entry; `at`: ns of the device's clock. `fields` are those of its kind.

    A device may write what it likes: what has another shape than its kind's counts as not told.
    """

    seq: int
    at: int
    kind: str
    fields: Mapping[str, object] = field(default_factory=dict)
    size: int = field(default=0, compare=False)  # bytes of memory, at most; 0 for one that is not from a line

    def text(self, name: str, otherwise: str = "") -> str:
        value = self.fields.get(name)
        return value if isinstance(value, str) and len(value) <= MAX_TEXT else otherwise

    def time(self, name: str) -> int | None:
        """ns of a clock."""
        value = self.fields.get(name)
        return value if is_integer(value) and 0 <= value <= MAX_INTEGER else None

    @property
    def policy(self) -> str:
        """Hash of the policy that its numbers are of; "" for none."""
        named = self.text("policy")
        return named if len(named) <= _HASH and named.isascii() and named.isprintable() else ""

    @property
    def hold(self) -> str:
        return self.text("hold", "unnamed")


# -- what the ledger says -----------------------------------------------------------------------------------------


def states(entries: Iterable[Entry], lane: str, zero: int) -> tuple[NotKept, ...]:
    """When the lane was not open and why; where two overlap, the earlier in the tuple counts. Times become ns since
    `zero`. What lasted no time is left out.

    A hold stands above a closing: while it lasts, nothing would be recorded whatever is shown. `entries` are of one
    run of the agent in the order of their numbers, so that their clock is one and does not go back. A hold that comes
    while MOST_HOLDS others last is not told.
    """
    in_order = tuple(entries)
    found: list[NotKept] = []
    holds: dict[str, Held] = {}  # in the order they came
    closed: Closed | None = None
    since = 0
    cause: Closed | Held | BlindCause | None = None
    for entry in in_order:
        match entry.kind:
            case "hold":
                if entry.hold in holds or len(holds) < MOST_HOLDS:
                    holds[entry.hold] = held_of(entry)
            case "release":
                holds.pop(entry.hold, None)
            case "lane-closed" if entry.fields.get("lane") == lane:
                closed = Closed(entry.policy, rules_of(entry.fields.get("rules")))
            case "lane-open" if entry.fields.get("lane") == lane:
                closed = None
            case _:
                continue
        now = cause_of(tuple(holds), closed, holds.get(PERSON))
        if now != cause:
            if cause is not None:
                found.append(NotKept(since - zero, entry.at - zero, cause))
            since, cause = entry.at, now
    if cause is not None:
        found.append(NotKept(since - zero, None, cause))
    blind = [_reported_later(entry, zero, BlindCause(BLIND)) for entry in in_order if entry.kind == "blind-since"]
    slept = [_reported_later(entry, zero, Held((SUSPENDED,))) for entry in in_order if entry.kind == "slept"]
    lasting = (one for one in (*slept, *found, *blind) if one.end is None or one.start < one.end)
    return tuple(lasting)


def rules_of(value: object) -> tuple[Rule, ...]:
    """The rules as a ledger entry names them; members of another shape count as not told."""
    rules = value if isinstance(value, list) else []
    return tuple(one for one in rules if is_integer(one) or (isinstance(one, str) and len(one) <= MAX_TEXT))


def held_of(entry: Entry) -> Held:
    """One `hold` entry; a reason of another shape counts as not told."""
    hold, reason = entry.hold, entry.fields.get("reason")
    if hold == PERSON and is_integer(reason):
        return Held((hold,), reason, entry.policy)
    return Held((hold,), entry.text("reason") or None if hold == PERSON else None)


def cause_of(
    holds: tuple[str, ...], closed: Closed | None, person: Held | None = None
) -> Closed | Held | BlindCause | None:
    """Seeing nothing is no rule and no hold: alone it is blind. `person`: their hold, with its reason."""
    if others := tuple(hold for hold in holds if hold != BLIND):
        return Held(others) if person is None else Held(others, person.reason, person.policy)
    if closed is not None and closed.rules != (BLIND,):
        return closed
    return BlindCause(BLIND) if holds or closed is not None else None


def _reported_later(entry: Entry, zero: int, cause: Held | BlindCause) -> NotKept:
    start, end = entry.time("from"), entry.time("to")
    start = entry.at if start is None else start
    end = entry.at if end is None else end
    if isinstance(cause, BlindCause):
        cause = BlindCause(entry.text("why", cause.why))
    return NotKept(start - zero, end - zero, cause)


# -- the account --------------------------------------------------------------------------------------------------


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time without overlaps or seams, in order."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, end))
        elif start < end:
            merged.append(Interval(start, end))
    return merged


def without(intervals: Iterable[Interval], taken: Sequence[Interval]) -> Iterator[Interval]:
    """What is left of the intervals beside those that are taken. Both in order and without overlaps."""
    passed = 0  # of those taken: they end before this interval begins
    for start, end in intervals:
        while passed < len(taken) and taken[passed].end <= start:
            passed += 1
        for place in range(passed, len(taken)):
            from_, to = taken[place]
            if from_ >= end:
                break
            if start < from_:
                yield Interval(start, from_)
            start = max(start, to)  # noqa: PLW2901 - the rest of this interval is what is still to be told
        if start < end:
            yield Interval(start, end)


def account(
    length: int,
    kept: Iterable[Interval],
    stated: Sequence[NotKept] = (),
    missing: Sequence[tuple[Interval, Missing]] = (),
    otherwise: Cause = BlindCause(UNPROVEN),
) -> tuple[Part, ...]:
    """The whole of [0, length) in parts, in order, without a seam between equals.

    Kept time stands above all, unless a chunk of another stream is known to be missing from it: what one monitor kept
    says nothing of the other. Then comes the first state that covers a moment, then the first of what is missing. What
    is left in a stretch without kept time is the margin of the state before it, else of the one after it, else
    `otherwise`.
    """
    layers: list[tuple[Interval, Cause]] = [
        *missing[::-1],
        *((Interval(state.start, length if state.end is None else state.end), state.cause) for state in stated[::-1]),
        *((interval, Kept()) for interval in without(union(kept), union(interval for interval, _ in missing))),
    ]
    clipped = [(max(start, 0), min(end, length), cause) for (start, end), cause in layers]
    bounds = sorted({0, length}.union(*((start, end) for start, end, _ in clipped if start < end)))
    causes = _uppermost(bounds, clipped)
    before = _carried(causes)
    after = _carried(causes[::-1])[::-1]
    parts = []
    for (start, end), own, earlier, later in zip(pairwise(bounds), causes, before, after, strict=True):
        near = earlier or later
        parts.append(Part(start, end, own or near or otherwise, margin=own is None and near is not None))
    return tuple(_join(parts))


def _uppermost(bounds: Sequence[int], layers: Sequence[tuple[int, int, Cause]]) -> list[Cause | None]:
    """For each piece between two bounds the cause of the last layer that covers it."""
    waiting = sorted(((start, number) for number, (start, end, _) in enumerate(layers) if start < end), reverse=True)
    covering: list[int] = []  # a heap of negative numbers of layers, so that the last of them comes first
    causes: list[Cause | None] = []
    for bound in bounds[:-1]:
        while waiting and waiting[-1][0] <= bound:
            heappush(covering, -waiting.pop()[1])
        while covering and layers[-covering[0]][1] <= bound:
            heappop(covering)
        causes.append(layers[-covering[0]][2] if covering else None)
    return causes


def _carried(causes: Iterable[Cause | None]) -> list[Cause | None]:
    """For each piece the last state up to it that no kept or missing time separates from it."""
    last: Cause | None = None
    carried = []
    for cause in causes:
        if cause is not None:
            last = None if isinstance(cause, Kept | Missing) else cause
        carried.append(last)
    return carried


def _join(parts: Iterable[Part]) -> Iterable[Part]:
    current: Part | None = None
    for part in parts:
        if current is not None and (part.cause, part.margin) == (current.cause, current.margin):
            current = Part(current.start, part.end, part.cause, part.margin)
            continue
        if current is not None:
            yield current
        current = part
    if current is not None:
        yield current


# -- sums ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Totals:
    """ns; the sum of the six is the whole. The margins of holds and blindness are within them."""

    kept: int = 0
    closed: int = 0
    closed_margin: int = 0
    held: int = 0
    blind: int = 0
    missing: int = 0


def totals(parts: Iterable[Part]) -> Totals:
    names = {Kept: "kept", Closed: "closed", Held: "held", BlindCause: "blind", Missing: "missing"}
    sums = dict.fromkeys([*names.values(), "closed_margin"], 0)
    for part in parts:
        name = names[type(part.cause)]
        sums["closed_margin" if part.margin and name == "closed" else name] += part.end - part.start
    return Totals(**sums)


@dataclass(frozen=True, slots=True)
class RuleTime:
    """How long one rule kept the eye closed (ns, alone or with others), the margins given up for it, how often."""

    policy: str
    rule: Rule
    closed: int
    margin: int
    times: int


def by_rule(parts: Sequence[Part]) -> list[RuleTime]:
    """Longest first. Where several rules spoke at once, each is given the whole time."""
    found: dict[tuple[str, Rule], RuleTime] = {}
    spoke: set[tuple[str, Rule]] = set()
    for part in parts:
        closed = part.cause if isinstance(part.cause, Closed) else Closed("", ())
        length = part.end - part.start
        # Eyelid's own rules mean the same under every policy.
        speaking = {(closed.policy if isinstance(rule, int) else "", rule) for rule in closed.rules}
        for policy, rule in speaking:
            time = found.get((policy, rule), RuleTime(policy, rule, 0, 0, 0))
            found[policy, rule] = RuleTime(
                policy,
                rule,
                time.closed + (0 if part.margin else length),
                time.margin + (length if part.margin else 0),
                time.times + ((policy, rule) not in spoke),
            )
        spoke = speaking
    return sorted(found.values(), key=lambda time: (-time.closed - time.margin, str(time.rule)))


def by_reason(parts: Iterable[Part]) -> dict[str, dict[str, int]]:
    """ns by hold, by cause of blindness, by kind of what is missing."""
    sums: dict[str, dict[str, int]] = {"held": {}, "blind": {}, "missing": {}}
    for part in parts:
        length = part.end - part.start
        match part.cause:
            case Held(holds):
                for hold in holds:
                    sums["held"][hold] = sums["held"].get(hold, 0) + length
            case BlindCause(why):
                sums["blind"][why] = sums["blind"].get(why, 0) + length
            case Missing(why):
                sums["missing"][why] = sums["missing"].get(why, 0) + length
            case _:
                pass
    return sums
