"""The daemon's watch over its policy: what reaches ledger, status and troubles, in its own loop."""

from __future__ import annotations

from dataclasses import replace

from agent.control.status import TriedRule, tried_rules
from agent.core.account.troubles import degrades
from agent.core.holding import UserHold
from agent.core.model.media import Lane
from agent.core.model.seen import Scene
from agent.core.model.times import MILLISECOND, SECOND
from agent.recorder.messages import PolicyArrived
from tests.agent.recorder.daemon_rig import NOTES, POLICY, WITH_CHART, Rig, hold

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def rig(**of_rule: object) -> Rig:
    """With a policy whose one rule is so."""
    made = Rig()
    [rule] = POLICY.rules
    made.daemon.turn(PolicyArrived(replace(POLICY, rules=(replace(rule, **of_rule),))))  # type: ignore[arg-type]
    made.watch()
    return made


def pass_time(made: Rig, seconds: float, seen: Scene) -> None:
    """Looks at it twice a second."""
    for _ in range(round(2 * seconds)):
        made.wait(500)
        made.look(seen)


def alarms_of(made: Rig) -> list[dict[str, object]]:
    """As the account has them."""
    return [fields for kind, fields in made.ledger.entries if kind == "alarm"]


def test_a_rule_that_is_only_tried_closes_nothing_and_is_counted() -> None:
    made = rig(dry_run=True)
    pass_time(made, 30, WITH_CHART)
    assert made.shutter.permit.open
    assert made.daemon.session.keeps(Lane.SCREEN)
    assert ("would-close", {"lane": "screen", "rules": [0], "policy": "hash-1"}) in made.ledger.entries
    [tried, _] = tried_rules(made.daemon.policy_monitor.watch)
    assert (tried.id, tried.lane, tried.times, tried.now) == (POLICY.rules[0].id, "screen", 1, True)
    assert 28 < tried.seconds < 31
    pass_time(made, 2, NOTES)
    assert made.ledger.entries[-1] == ("would-close", {"lane": "screen", "rules": [], "policy": "hash-1"})
    pass_time(made, 5, WITH_CHART)
    [tried, sound] = tried_rules(made.daemon.policy_monitor.watch)
    assert tried.times == 2
    assert sound == TriedRule(POLICY.rules[0].id, "audio", 0, 0.0, now=False)  # no sound is recorded here


def test_a_rule_that_closes_too_long_is_an_alarm_and_then_none() -> None:
    made = rig(max_pause=5 * MINUTE)
    pass_time(made, 4 * 60, WITH_CHART)
    assert made.daemon.troubles == {}
    pass_time(made, 2 * 60, WITH_CHART)
    assert made.daemon.troubles == {"rule-closes-too-long": POLICY.rules[0].id}
    assert alarms_of(made) == [{"what": "rule-closes-too-long", "rules": [0], "policy": "hash-1"}]
    made.wait(100)
    made.look(NOTES)
    assert made.daemon.troubles == {}


def test_a_rule_that_flaps_is_an_alarm_and_in_the_account_once() -> None:
    made = rig()
    for _ in range(12):
        pass_time(made, 5, WITH_CHART)
        pass_time(made, 5, NOTES)
    assert made.daemon.troubles == {}
    for _ in range(2):
        pass_time(made, 5, WITH_CHART)
        pass_time(made, 5, NOTES)
    assert made.daemon.troubles == {"rule-flaps": POLICY.rules[0].id}
    assert alarms_of(made) == [{"what": "rule-flaps", "rules": [0], "policy": "hash-1"}]
    made.clock.time += 6 * MINUTE
    made.daemon.turn(None)
    assert made.daemon.troubles == {}
    assert made.clock.time % MILLISECOND == 0


def pass_hours(made: Rig, hours: float, seen: Scene) -> None:
    """Looks at it as seldom as the watch allows a turn to be late."""
    for _ in range(round(hours * HOUR / (9 * SECOND))):
        made.wait(9000)
        made.look(seen)


def test_a_rule_that_closes_most_of_the_day_is_an_alarm_until_it_no_longer_does() -> None:
    made = rig()
    pass_hours(made, 3, WITH_CHART)
    assert made.daemon.troubles == {}  # it is no day yet
    pass_hours(made, 1.1, WITH_CHART)
    assert made.daemon.troubles == {"rule-closes-most-of-the-day": POLICY.rules[0].id}
    assert alarms_of(made) == [{"what": "rule-closes-most-of-the-day", "rules": [0], "policy": "hash-1"}]
    assert not any(map(degrades, made.daemon.troubles))  # it does as its rule says
    pass_hours(made, 4.5, NOTES)
    assert made.daemon.troubles == {}
    assert len(alarms_of(made)) == 1


def test_no_time_of_a_hold_counts_for_the_day() -> None:
    made = rig()
    pass_hours(made, 3, WITH_CHART)
    hold(made.daemon, UserHold(made.clock.time))
    pass_hours(made, 4, WITH_CHART)
    assert made.daemon.troubles == {}
    hold(made.daemon, None)
    pass_hours(made, 1.1, WITH_CHART)
    assert made.daemon.troubles == {"rule-closes-most-of-the-day": POLICY.rules[0].id}
