"""How a policy's rules are used on one PC: how often and how long each closed, or would have, and whether it ever did.

Pure: a device's entries in, sums out. Rules are put together by their id, since their numbers change with the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from protocol.envelope import AUDIO, SCREEN
from store.evidence.account import Entry, rules_of
from store.evidence.rules import NamesOf

# Rules that were put in force, with every change of the policy anew: ten changes a day for a season and more.
MOST_PUT: Final = 1_000_000
MOST_DAYS: Final = 100  # that are told apart of a rule: a PC's clock may name any


class TooManyChanges(ValueError):
    """The account puts another policy in force more often than is followed."""


@dataclass(slots=True)
class DayUse:
    """A day's part of a RuleUse. `last`: as there."""

    times: int = 0
    ns: int = 0
    would_times: int = 0
    would_ns: int = 0
    last: int = 0


DayOf = Callable[[int], int]
"""From a moment of the PC's wall clock (ns) to the number of a day."""


@dataclass(slots=True)
class RuleUse:
    """Of a rule that the PC's last policy has. `known`: since when it has had it without a break, ns by its wall clock.

    `ns` and `times`: for how long and how often it closed any lane outside a hold; `would_*`: would have, had it not
    only been tried. `last`: when it last began to do either; None for never. `days`: the same by day, for who asks.
    """

    why: str
    known: int
    times: int = 0
    ns: int = 0
    would_times: int = 0
    would_ns: int = 0
    last: int | None = None
    days: dict[int, DayUse] = field(default_factory=dict)

    def on(self, day: int) -> DayUse:
        if day in self.days or len(self.days) < MOST_DAYS:
            return self.days.setdefault(day, DayUse())
        return DayUse()


def rule_usage(
    entries: Iterable[Entry], names_of: NamesOf, since: int, day_of: DayOf | None = None
) -> dict[str, RuleUse]:
    """By the id, in the order of the last policy. Only what began since `since` (ns by the wall clock) counts.

    `day_of`: for who wants each day; what was closed up to an entry counts on the entry's day. Raises TooManyChanges.
    """
    counts = _Counts(names_of, since, day_of)
    for entry in entries:
        counts.take(entry)
    return counts.found


class _Counts:
    def __init__(self, names_of: NamesOf, since: int, day_of: DayOf | None) -> None:
        self.found: dict[str, RuleUse] = {}
        self._day_of = day_of
        self._names_of = names_of
        self._policy = ""  # that `found` is of
        self._put = 0
        self._since = since
        self._closed: dict[str, frozenset[str]] = {}  # lane -> ids
        self._would: dict[str, frozenset[str]] = {}
        self._holds: set[str] = set()
        self._at: int | None = None

    def take(self, entry: Entry) -> None:
        wall = entry.time("wall") or 0
        if entry.kind in ("start", "blind-since"):
            self._closed, self._would, self._holds, self._at = {}, {}, set(), None
        self._credit(entry.at, wall)
        match entry.kind:
            case "policy":
                self._put_in_force(entry.policy, wall)
            case "hold":
                self._holds.add(entry.hold)
            case "release":
                self._holds.discard(entry.hold)
            case "lane-closed" | "lane-open":
                self._closed = self._begin(self._closed, entry, wall, would=False)
            case "would-close":
                self._would = self._begin(self._would, entry, wall, would=True)
            case _:
                pass
        self._at = entry.at

    def _put_in_force(self, policy: str, wall: int) -> None:
        names = () if policy == self._policy else self._names_of(policy).rules
        if names:
            self._put += len(names)
            if self._put > MOST_PUT:
                raise TooManyChanges
            self._policy = policy
            self.found = {name.id: self.found.get(name.id) or RuleUse(name.why, wall) for name in names}

    def _begin(
        self, before: dict[str, frozenset[str]], entry: Entry, wall: int, *, would: bool
    ) -> dict[str, frozenset[str]]:
        if (lane := entry.text("lane")) not in (SCREEN, AUDIO):
            return before
        names = self._names_of(entry.policy).rules
        numbers = [rule for rule in rules_of(entry.fields.get("rules")) if isinstance(rule, int)]
        ids = frozenset(names[number].id for number in numbers if 0 <= number < len(names))
        after = {**before, lane: ids}
        for rule in _all(after) - _all(before):
            use = self.found.get(rule)
            if use is not None and wall >= self._since:
                use.last = wall
                use.times += not would
                use.would_times += would
                if self._day_of is not None:
                    day = use.on(self._day_of(wall))
                    day.last = max(day.last, wall)
                    day.times += not would
                    day.would_times += would
        return after

    def _credit(self, at: int, wall: int) -> None:
        passed = 0 if self._at is None or self._holds or wall < self._since else max(0, at - self._at)
        for ids, would in ((_all(self._closed), False), (_all(self._would), True)):
            for rule in ids & self.found.keys():
                use = self.found[rule]
                use.ns += 0 if would else passed
                use.would_ns += passed if would else 0
                if self._day_of is not None and passed:
                    day = use.on(self._day_of(wall))
                    day.ns += 0 if would else passed
                    day.would_ns += passed if would else 0


def _all(lanes: dict[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*lanes.values())
