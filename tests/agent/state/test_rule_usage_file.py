"""How long rules have been silent, across restarts: on the disk, and in the account."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.core.account.rule_usage import RuleUsage, Unused
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, LaneEffect, Policy
from agent.core.model.seen import Scene
from agent.errors import Transient
from agent.recorder.messages import PolicyArrived
from agent.recorder.policy_monitor import DAY
from agent.state.rule_usage_file import NAME, RuleUsageFile
from tests.agent.recorder.daemon_rig import NOTES, POLICY, WITH_CHART, Rig

[CHART] = POLICY.rules


def policy(hash_: str = "hash-1", **of_rule: Any) -> Policy:
    return replace(POLICY, hash=hash_, rules=(replace(CHART, **({"never_matched": 3} | of_rule)),))


def rig(home: Path, in_force: Policy, day: int) -> Rig:
    """A recorder that starts on this day."""
    made = Rig(usage=RuleUsageFile(home))
    made.clock.ahead += day * DAY
    made.daemon.turn(PolicyArrived(in_force))
    made.watch(policy=in_force.hash)
    return made


def alarms(made: Rig) -> list[dict[str, object]]:
    return [fields for kind, fields in made.ledger.entries if kind == "alarm"]


def work(home: Path, day: int, seen: Scene = NOTES, in_force: Policy | None = None) -> Rig:
    """One day of a recorder that starts in the morning."""
    in_force = in_force or policy()
    made = rig(home, in_force, day)
    made.watch(seen, policy=in_force.hash)
    return made


@pytest.mark.parametrize("of_rule", [{}, {"dry_run": True}])
def test_days_of_silence_are_an_alarm_and_one_entry_of_the_account(tmp_path: Path, of_rule: dict[str, Any]) -> None:
    in_force = policy(**of_rule)
    for day in range(3):
        assert work(tmp_path, day, in_force=in_force).daemon.troubles == {}
    made = work(tmp_path, 3, in_force=in_force)
    assert made.daemon.troubles == {"rule-never-matched": CHART.id}
    assert alarms(made) == [{"what": "rule-never-matched", "rules": [0], "policy": "hash-1"}]
    made = work(tmp_path, 4, in_force=in_force)  # after a restart: still so, and nothing new to tell
    assert made.daemon.troubles == {"rule-never-matched": CHART.id}
    assert alarms(made) == []
    made.watch(WITH_CHART)
    assert made.daemon.troubles == {}
    assert work(tmp_path, 6, in_force=in_force).daemon.troubles == {}


def test_a_rule_that_speaks_now_and_then_is_none(tmp_path: Path) -> None:
    for day in range(10):
        made = work(tmp_path, day, WITH_CHART if day % 3 == 2 else NOTES)
        assert made.daemon.troubles == {}


def test_a_rule_of_the_sound_alone_counts_where_no_sound_is_recorded(tmp_path: Path) -> None:
    in_force = policy(lanes={Lane.SCREEN: LaneEffect(Effect.RECORD)})
    for day in range(6):
        assert work(tmp_path, day, WITH_CHART, in_force).daemon.troubles == {}


def test_midnight_counts_while_the_recorder_goes_on(tmp_path: Path) -> None:
    made = rig(tmp_path, policy(), 0)
    for _ in range(3):
        made.clock.ahead += DAY
        made.watch()
    assert made.daemon.troubles == {"rule-never-matched": CHART.id}


def test_a_policy_that_follows_clears_what_was_told(tmp_path: Path) -> None:
    made = rig(tmp_path, policy(), 0)
    for _ in range(3):
        made.clock.ahead += DAY
        made.watch()
    assert made.daemon.troubles != {}
    made.daemon.turn(PolicyArrived(policy("hash-2")))
    made.watch(policy="hash-2")
    assert made.daemon.troubles == {}


def test_the_file_has_ids_and_numbers_alone(tmp_path: Path) -> None:
    work(tmp_path, 1)
    file = tmp_path / NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    saved = json.loads(file.read_bytes())
    assert set(saved) == {"policy", "rules"}
    assert list(saved["rules"]) == [CHART.id]
    assert set(saved["rules"][CHART.id]) == {"days", "day", "told"}
    assert RuleUsageFile(tmp_path).recall().rules[CHART.id].days == 0


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"policy": "x", "rules": {"a": {"days": "many"}}}', '{"rules": 3}']
)
def test_what_cannot_be_read_begins_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content)
    assert RuleUsageFile(tmp_path).recall() == RuleUsage()


def test_where_the_disk_refuses_it_counts_until_the_end_and_is_told(tmp_path: Path) -> None:
    home = tmp_path / "gone"
    with pytest.raises(Transient, match="cannot be written"):
        RuleUsageFile(home).remember(RuleUsage("x", {"a": Unused(1, 2)}))
    made = rig(home, policy(), 0)
    assert made.daemon.troubles == {"usage-not-remembered": ""}
    home.mkdir()
    made.clock.ahead += DAY
    made.watch()
    assert made.daemon.troubles == {}
