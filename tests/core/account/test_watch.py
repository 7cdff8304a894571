"""The watch over the policy itself: closing too long, flapping, most of the day, and what is only tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent.core.account.watch import DAY, FLAPS, HOUR, MINUTE, Amiss, Tried, Watch, watched
from agent.core.matching.decide import BLIND, NOT_RECORDED
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Hold, Matcher, Policy, Reason, Rule
from agent.core.model.times import SECOND
from agent.core.session import HoldsAre, LaneJudged, LaneWould, Phase, Session
from agent.core.session import step as happened

ANY = (Matcher(Attribute.APP, ("x",)),)
POLICY = Policy("one", 1, "n", (Rule(0, "cards", "", ANY, max_pause=20 * MINUTE), Rule(1, "charts", "", ANY)))
CARDS, CHARTS, ENGINE = Reason("cards", 0), Reason("charts", 1), Reason("web-engine")
OPEN = Session(Phase.RUNNING, frozenset(), {Lane.SCREEN: ()}, POLICY)


def closed(*reasons: Reason, lane: Lane = Lane.SCREEN) -> Session:
    return happened(OPEN, LaneJudged(lane, reasons), 0)[0]


def held() -> Session:
    user = frozenset({Hold.USER})
    return happened(OPEN, HoldsAre(user, user), 0)[0]


def over(watch: Watch, session: Session, start: int, end: int, every: int = 10 * SECOND) -> Watch:
    """The watch after the session has been so from `start` to `end`."""
    for now in range(start, end + 1, every):
        watch = watched(watch, session, now)
    return watch


def amiss(watch: Watch, now: int) -> dict[str, list[str]]:
    return {code.value: [reason.id for reason in reasons] for code, reasons in watch.alarms(now).items()}


# -- too long -----------------------------------------------------------------------------------------------------


def test_longer_than_its_bound() -> None:
    watch = over(Watch(), closed(CARDS, CHARTS), 0, 20 * MINUTE)
    assert amiss(watch, 20 * MINUTE) == {}
    watch = over(watch, closed(CARDS, CHARTS), 20 * MINUTE, 21 * MINUTE)
    assert amiss(watch, 21 * MINUTE) == {"rule-closes-too-long": ["cards"]}  # charts has no bound
    assert amiss(watched(watch, OPEN, 22 * MINUTE), 22 * MINUTE) == {}


def test_on_both_lanes_a_rule_is_told_once() -> None:
    both = happened(closed(CARDS), LaneJudged(Lane.AUDIO, (CARDS,)), 0)[0]
    assert watched(over(Watch(), both, 0, MINUTE), both, 30 * MINUTE).alarms(30 * MINUTE) == {Amiss.TOO_LONG: (CARDS,)}


def test_a_hold_is_a_break() -> None:
    watch = over(Watch(), closed(CARDS), 0, 15 * MINUTE)
    watch = over(watch, held(), 15 * MINUTE, 16 * MINUTE)
    assert watch.at is None
    watch = over(watch, closed(CARDS), 16 * MINUTE, 35 * MINUTE)
    assert amiss(watch, 35 * MINUTE) == {}


def test_another_policy_begins_anew() -> None:
    watch = over(Watch(), closed(CARDS), 0, 21 * MINUTE)
    other = replace(closed(CARDS), policy=replace(POLICY, hash="two"))
    assert amiss(watched(watch, other, 21 * MINUTE), 21 * MINUTE) == {}
    nothing = replace(held(), policy=None)
    assert watched(watch, nothing, 21 * MINUTE) == Watch()
    assert watched(watch, replace(OPEN, policy=None), 0).alarms(0) == {}


def test_without_a_policy_nothing_is_too_long() -> None:
    assert Watch(since={(Lane.SCREEN, CARDS): 0}).alarms(HOUR) == {}


# -- flapping -----------------------------------------------------------------------------------------------------


def flapping(reason: Reason, times: int, every: int) -> tuple[Watch, int]:
    watch, now = watched(Watch(), OPEN, 0), 0
    for number in range(times):
        now = number * every
        watch = watched(watch, closed(reason), now)
        watch = watched(watch, OPEN, now + every // 2)
    return watch, now


def test_flapping() -> None:
    watch, now = flapping(CARDS, FLAPS + 1, 20 * SECOND)
    assert amiss(watch, now) == {"rule-flaps": ["cards"]}
    assert amiss(watch, now + 6 * MINUTE) == {}
    assert watched(watch, OPEN, now + 6 * MINUTE).begun == {}
    watch, now = flapping(ENGINE, 100, 20 * SECOND)
    assert amiss(watch, now) == {"rule-flaps": ["web-engine"]}
    assert all(len(times) == FLAPS + 1 for times in watch.begun.values())


def test_what_is_no_flapping() -> None:
    assert amiss(*flapping(CARDS, FLAPS, 20 * SECOND)) == {}
    assert amiss(*flapping(CARDS, FLAPS + 1, 30 * SECOND)) == {}
    assert amiss(*flapping(BLIND, 100, 2 * SECOND)) == {}  # every alarm is a moment of it
    assert amiss(*flapping(NOT_RECORDED, 100, 2 * SECOND)) == {}


# -- most of the day ----------------------------------------------------------------------------------------------


def day(parts: Iterable[tuple[Session, int]]) -> tuple[Watch, int]:
    watch, now = Watch(), 0
    for session, length in parts:
        watch = over(watch, session, now, now + length)
        now += length
    return watch, now


def test_most_of_the_day() -> None:
    assert amiss(*day([(closed(CHARTS), 2 * HOUR), (OPEN, HOUR)])) == {}  # no day yet
    assert amiss(*day([(closed(CHARTS), 3 * HOUR), (OPEN, 2 * HOUR)])) == {"rule-closes-most-of-the-day": ["charts"]}
    assert amiss(*day([(OPEN, 2 * HOUR), (closed(ENGINE), 3 * HOUR)])) == {
        "rule-closes-most-of-the-day": ["web-engine"]
    }
    assert amiss(*day([(closed(CHARTS), 2 * HOUR), (OPEN, 3 * HOUR)])) == {}


def test_the_day_moves_on() -> None:
    watch, now = day([(closed(CHARTS), 6 * HOUR), (OPEN, 6 * HOUR)])
    assert amiss(watch, now) == {}
    assert len(watch.hours) == DAY
    assert sum(hour.ns for hour in watch.hours) <= DAY * HOUR


def test_time_in_which_nobody_looked_counts_for_nobody() -> None:
    watch, now = day([(closed(CHARTS), HOUR), (held(), 8 * HOUR), (OPEN, 3 * HOUR)])
    assert amiss(watch, now) == {}
    asleep = watched(watched(Watch(), closed(CHARTS), 0), closed(CHARTS), 9 * HOUR)
    assert amiss(asleep, 9 * HOUR) == {}


def test_not_to_record_is_no_fault_of_a_rule() -> None:
    assert amiss(*day([(closed(NOT_RECORDED), 6 * HOUR)])) == {}


# -- what is only tried -------------------------------------------------------------------------------------------


def test_what_a_rule_would_have_closed_is_counted() -> None:
    would = happened(OPEN, LaneWould(Lane.AUDIO, (CARDS,)), 0)[0]
    watch = over(Watch(), OPEN, 0, MINUTE)
    watch = over(watch, would, MINUTE, 3 * MINUTE)
    watch = over(watch, OPEN, 3 * MINUTE, 4 * MINUTE)
    watch = over(watch, would, 4 * MINUTE, 5 * MINUTE)
    assert watch.tried == {(Lane.AUDIO, CARDS): Tried(2, 3 * MINUTE)}
    assert watch.trying == {(Lane.AUDIO, CARDS)}
    assert amiss(watch, 5 * MINUTE) == {}
    watch = watched(watch, held(), 6 * MINUTE)
    assert (watch.trying, watch.tried) == (frozenset(), {(Lane.AUDIO, CARDS): Tried(2, 3 * MINUTE)})


def test_turns_between_which_nothing_happens_cost_nothing() -> None:
    watch = watched(Watch(), closed(CARDS), 0)
    assert watched(watch, closed(CARDS), SECOND // 2) is watch
    assert watched(watch, OPEN, SECOND // 2) is not watch
