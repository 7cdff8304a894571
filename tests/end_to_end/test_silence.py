"""A rule that has fitted nothing for weeks: in status, in the account and at the store; and silent once it fits."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.control.recorder_state import RecorderState
from agent.state.rule_usage_file import NAME
from testkit.fleet import NewStore, Store, pc
from testkit.stage import own_display

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

POLICY = """\
schema: 1
revision: 1
name: Tills
rules:
  - {id: tills, why: PCI DSS, any: [app: [eyelid-demo-till]]}
  - {id: counters, why: PCI DSS, any: [app: [counter]], dry_run: true}
  - {id: others, why: PCI DSS, any: [app: [other]], never_matched: ignore}
...
"""
A_MINUTE = 75.0  # s: how often a PC tells of its account at the latest, on a busy machine
CODE = "rule-never-matched"


def listed(services: Store) -> dict[str, Any]:
    [device] = services.ask("devices")["devices"]
    return dict(device)


def test_a_rule_that_never_fits_is_told_of_in_three_places(new_store: NewStore, tmp_path: Path) -> None:
    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        own_display(tmp_path / "display") as stage,
        stage.program("notes", (20, 20), still=True),
        new_store(tmp_path) as services,
    ):
        home = Path(homes) / "pc"
        home.mkdir(mode=0o700)
        quiet = {"days": 29, "day": 20_000, "told": False}  # as a recorder leaves it after as many mornings
        (home / NAME).write_text(json.dumps({"policy": "", "rules": {"tills": quiet, "counters": quiet}}))
        with pc(services, stage, home, {"tills.yaml": POLICY}) as recorded:
            recorded.wait_for(RecorderState.RECORDING)
            recorded.recorder.until(lambda: CODE in (recorded.status() or {})["troubles"], "it said so")
            assert (recorded.status() or {})["troubles"][CODE] == "tills, counters"  # a busy machine has others, too
            recorded.recorder.until(lambda: services.ran("alarms").returncode == 1, "the store had the alarm", A_MINUTE)
            alarms = json.loads(services.ran("alarms", "--json").stdout)["alarms"]
            assert (CODE, recorded.device) in {(alarm["code"], alarm["device"]) for alarm in alarms}
            recorded.recorder.until(lambda: CODE in listed(services)["words"], "the PC's health came", A_MINUTE)
            assert listed(services)["level"] == "look"
            assert CODE in listed(services)["alarms"]
            with stage.program("till", (200, 200)):
                said = "the one that fits was named no more"
                recorded.recorder.until(lambda: (recorded.status() or {})["troubles"].get(CODE) == "counters", said)
        saved = json.loads((home / NAME).read_text())["rules"]
        assert {name: (one["days"], one["told"]) for name, one in saved.items()} == {
            "tills": (0, False),
            "counters": (30, True),
        }
