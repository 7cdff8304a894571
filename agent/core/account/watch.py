"""Rules that are likely mistakes: they close for hours, flap, or take most of the day. Alarms alone; nothing opens.

State as data: `watched(watch, session, now)` is called at least every second, and `alarms` says what is amiss now. A
hold is a break: what is not looked at is not counted. Rules are known by their number, Eyelid's own by their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from agent.core.account.troubles import TroubleCode
from agent.core.matching.decide import BLIND, NOT_RECORDED
from agent.core.model.media import Lane
from agent.core.model.rules import Policy, Reason
from agent.core.model.times import SECOND
from agent.core.session import Session

MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
# More than twelve times in five minutes is every 25 seconds: no person takes payments at that rate.
FLAPS: Final = 12
FLAPS_WITHIN: Final = 5 * MINUTE
# Most of the day: more than half of the last eight hours that were looked at, and not before there are four of them.
DAY: Final = 8  # hours
DAY_BEGINS: Final = 4 * HOUR
LONGEST_TURN: Final = 10 * SECOND  # a longer one is a PC that slept or hung: nothing was looked at

Key = tuple[Lane, Reason]


class Amiss(StrEnum):
    """What may be amiss with a rule, by its code."""

    TOO_LONG = TroubleCode.RULE_CLOSES_TOO_LONG
    FLAPS = TroubleCode.RULE_FLAPS
    MOST_OF_DAY = TroubleCode.RULE_CLOSES_MOST_OF_THE_DAY
    NEVER = TroubleCode.RULE_NEVER_MATCHED


@dataclass(frozen=True, slots=True)
class Tried:
    """How often and how long a rule that is only tried would have closed a lane since its policy came into force."""

    times: int = 0
    ns: int = 0


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour that was looked at, not one of the clock's. `closed`: ns for which each rule closed."""

    ns: int = 0
    closed: Mapping[Key, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """`since`: when each rule that closes now began to. `begun`: when each began lately. `hours`: the present one last.

    `at`: of the last turn; None where nothing was looked at.
    """

    policy: Policy | None = None
    at: int | None = None
    since: Mapping[Key, int] = field(default_factory=dict)
    begun: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)
    hours: tuple[Hour, ...] = (Hour(),)
    trying: frozenset[Key] = frozenset()
    tried: Mapping[Key, Tried] = field(default_factory=dict)

    def alarms(self, now: int) -> dict[Amiss, tuple[Reason, ...]]:
        """What is amiss, each with the rules in question, each rule once."""
        found = {
            Amiss.TOO_LONG: [key for key, since in self.since.items() if self._too_long(key, now - since)],
            Amiss.FLAPS: [key for key, begun in self.begun.items() if len(_lately(begun, now)) > FLAPS],
            Amiss.MOST_OF_DAY: self._most_of_day(),
        }
        return {amiss: tuple(dict.fromkeys(reason for _, reason in keys)) for amiss, keys in found.items() if keys}

    def _too_long(self, key: Key, length: int) -> bool:
        _, reason = key
        if self.policy is None or reason.number is None:
            return False
        return any(rule.id == reason.id and 0 < rule.max_pause < length for rule in self.policy.rules)

    def _most_of_day(self) -> list[Key]:
        looked = sum(hour.ns for hour in self.hours)
        if looked < DAY_BEGINS:
            return []
        keys = dict.fromkeys(key for hour in self.hours for key in hour.closed)
        return [key for key in keys if 2 * sum(hour.closed.get(key, 0) for hour in self.hours) > looked]


def watched(watch: Watch, session: Session, now: int) -> Watch:
    """The watch after a turn in which the session is so. A policy that comes into force begins anew."""
    if watch.policy is None or session.policy is None or watch.policy.hash != session.policy.hash:
        watch = Watch(session.policy)
    if session.held:
        return replace(watch, at=None, since={}, trying=frozenset())
    closing = frozenset(
        (lane, reason) for lane, reasons in session.closed.items() for reason in reasons if reason != NOT_RECORDED
    )
    trying = frozenset((lane, reason) for lane, reasons in session.would.items() for reason in reasons)
    if watch.at is not None and now - watch.at < SECOND and closing == watch.since.keys() and trying == watch.trying:
        return watch
    return _turned(_credited(watch, now), closing, trying, now)


def _credited(watch: Watch, now: int) -> Watch:
    """The time since the last turn, to what closed or would have closed meanwhile."""
    passed = 0 if watch.at is None or now - watch.at > LONGEST_TURN else now - watch.at
    hour = watch.hours[-1]
    closed = {**hour.closed, **{key: hour.closed.get(key, 0) + passed for key in watch.since}}
    hours = (*watch.hours[:-1], Hour(hour.ns + passed, closed))
    if hours[-1].ns >= HOUR:
        hours = (*hours[-DAY + 1 :], Hour())
    tried = {**watch.tried}
    for key in watch.trying:
        tried[key] = replace(tried[key], ns=tried[key].ns + passed)
    return replace(watch, hours=hours, tried=tried)


def _turned(watch: Watch, closing: frozenset[Key], trying: frozenset[Key], now: int) -> Watch:
    # Every alarm and every new policy is a moment of blindness: those come and go by design.
    new = {key for key in closing - watch.since.keys() if key[1] != BLIND}
    begun = {key: _lately(times, now) for key, times in watch.begun.items()}
    begun |= {key: (*begun.get(key, ()), now) for key in new}
    tried = {**watch.tried}
    for key in trying - watch.trying:
        before = tried.get(key, Tried())
        tried[key] = replace(before, times=before.times + 1)
    return replace(
        watch,
        at=now,
        since={key: watch.since.get(key, now) for key in closing},
        begun={key: times[-FLAPS - 1 :] for key, times in begun.items() if times},
        trying=trying,
        tried=tried,
    )


def _lately(times: tuple[int, ...], now: int) -> tuple[int, ...]:
    return tuple(at for at in times if now - at <= FLAPS_WITHIN)
