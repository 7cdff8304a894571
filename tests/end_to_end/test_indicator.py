"""Law 7: the indicator tells the truth. A real recorder, tray and panel; capture, spool, network and recorder stop in
turn, and within ten seconds the eye in the panel says so, judged by its pixels; status says the same.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any, Final

import pytest

from agent.tray.drawing import COLOURS, OFFLINE
from agent.tray.icon_state import Lid
from testkit import menus
from testkit.fleet import Founded, announced, entries, installed
from testkit.panel import missing
from testkit.stage import running
from tests.end_to_end.desk import Desk, desk_of

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
]

POLICY: Final = {
    "policy.yaml": """schema: 1
revision: 1
name: Indicator
rules:
  - id: card-terminal
    why: PCI DSS 3.3.1.2
    any:
      - app: [eyelid-demo-till]
user_hold: { max: 10m, reasons: [Break, Private call] }
...
"""
}


@pytest.fixture(scope="module")
def desk(founded: Founded) -> Iterator[Desk]:
    with desk_of(founded, POLICY) as made:
        yield made


def holds(desk: Desk) -> list[dict[str, Any]]:
    """The person's holds and what ended them, as the account on this PC has them."""
    return [entry for entry in entries(desk.home, "hold", "release") if entry["hold"] == "user"]


@pytest.mark.parametrize("what", ["capture", "spool"])
def test_an_eye_whose_capture_or_spool_hangs_is_not_shown_open(desk: Desk, what: str) -> None:
    desk.until_well()
    (desk.wedge / what).touch()
    try:
        turned = desk.turning(COLOURS[Lid.FAULT])
        assert turned.kept, turned
        assert desk.status()["state"] == "stalled"
        assert not desk.sees(COLOURS[Lid.OPEN])
        shown = desk.command("status")
        assert shown.returncode == 1
        assert "no picture of the screen reaches the disk" in shown.stdout
    finally:
        (desk.wedge / what).unlink()
    desk.until_well()


def test_a_store_that_does_not_answer_is_a_mark_of_its_own(desk: Desk) -> None:
    desk.until_well()
    os.kill(desk.store.pid, signal.SIGSTOP)  # takes connections and bytes, and answers nothing
    try:
        turned = desk.turning(OFFLINE)
        assert turned.kept, turned
        assert desk.status()["state"] == "recording"  # the eye itself is open: what is sealed waits here
        assert desk.sees(COLOURS[Lid.OPEN])
        shown = desk.command("status")
        assert shown.returncode == 1
        assert "Offline" in shown.stdout
    finally:
        os.kill(desk.store.pid, signal.SIGCONT)
    desk.until_well()


def test_a_store_that_is_gone_turns_the_watched_status_offline_and_one_that_is_back_turns_it_back(desk: Desk) -> None:
    desk.until_well()
    log = desk.home / "watch.log"
    with running("the watch", installed("eyelid", "status", "--watch", "--json"), log, desk.environment) as watch:

        def told() -> dict[str, Any]:
            whole, _, _ = log.read_text("utf-8").rpartition("\n")
            return dict(json.loads(whole.splitlines()[-1])) if whole else {}

        watch.until(
            lambda: told().get("state") == "recording" and told()["offline_s"] is None, "it told that all is well"
        )
        desk.store.kill()  # from here on every connection is refused
        turned = desk.turning(OFFLINE)
        assert turned.kept, turned
        said = watch.until(lambda: last if (last := told())["offline_s"] else None, "it missed the store")
        assert said["state"] == "recording"
        assert desk.command("status").returncode == 1
        desk.store = desk.store_again()
        desk.store.until(lambda: announced(desk.store.log), "it listened again")
        # The longer it was away, the later the recorder tries again (core.backoff).
        watch.until(lambda: told()["offline_s"] is None and not told()["waiting_chunks"], "all had arrived", 90)
        assert told()["state"] == "recording"
    desk.until_well()


def test_the_lid_follows_the_gate_and_a_hold_is_in_the_account_with_its_reason(desk: Desk) -> None:
    desk.until_well()
    desk.until(lambda: desk.command("status").returncode == 0, "status said that all was well")
    with desk.stage.program("till", (400, 150)):
        desk.until_state("closed")
        desk.until_seen(COLOURS[Lid.SHUT])
        closed = desk.command("status")
        assert (closed.returncode, "card-terminal" in closed.stdout) == (0, True)
    desk.until_well()
    missing_reason = desk.command("hold", "--for", "5m")
    assert missing_reason.returncode == 2
    assert "Break, Private call" in missing_reason.stderr
    assert desk.command("hold", "--for", "20m", "--reason", "Break").returncode == 2
    assert desk.command("hold", "--for", "5m", "--reason", "private call").returncode == 0
    desk.until_seen(COLOURS[Lid.HELD])
    assert desk.command("status").returncode == 3
    assert desk.command("release").returncode == 0
    desk.until_well()
    hold, release = holds(desk)
    assert (hold["kind"], hold["reason"], hold["for_ms"]) == ("hold", 1, 300_000)
    assert (release["kind"], release["why"]) == ("release", "released")


def test_a_hold_until_i_release_is_clicked_and_in_the_account_with_its_bound(desk: Desk) -> None:
    desk.until_well()
    before = len(holds(desk))
    menu = menus.open_menu(desk.pointer, desk.icon(COLOURS[Lid.OPEN]))
    menus.click_first(desk.pointer, menus.open_submenu(desk.pointer, menu, 2, upwards=True))  # above help
    desk.until_seen(COLOURS[Lid.HELD])
    desk.until(lambda: not desk.pointer.popups(), "the menu was closed")
    hold = desk.status()["hold"]
    assert (hold["reason"], 0 < hold["left_s"] <= 600) == ("Break", True)  # the policy bounds it
    icon = desk.icon(COLOURS[Lid.HELD])
    menus.click_upwards(desk.pointer, icon, lambda: desk.status()["hold"] is None)
    desk.until_well()
    kinds = [(entry["kind"], entry.get("reason"), entry.get("why")) for entry in holds(desk)[before:]]
    assert kinds == [("hold", 0, None), ("release", None, "released")]


def test_a_recorder_that_hangs_is_not_shown_open_and_seen_again_when_it_goes_on(desk: Desk) -> None:
    desk.until_well()
    assert desk.recorder is not None
    os.kill(desk.recorder.pid, signal.SIGSTOP)
    try:
        turned = desk.turning(COLOURS[Lid.GONE])
        assert turned.kept, turned
        assert not desk.sees(COLOURS[Lid.OPEN])
    finally:
        os.kill(desk.recorder.pid, signal.SIGCONT)
    desk.until_well()


def test_a_tray_that_dies_harms_nobody_and_a_recorder_that_dies_is_not_shown_open(desk: Desk) -> None:
    desk.until_well()
    assert desk.recorder is not None
    desk.tray.kill()
    chunks = desk.status()["chunks"]
    desk.until(lambda: desk.status()["chunks"] > chunks, "it went on recording")
    with running("the tray", installed("eyelid", "tray"), desk.tray.log, desk.environment) as desk.tray:
        desk.until_seen(COLOURS[Lid.OPEN])
        desk.recorder.kill()
        turned = desk.turning(COLOURS[Lid.GONE])
        assert turned.kept, turned
        assert not desk.sees(COLOURS[Lid.OPEN])
        gone = desk.command("status")
        assert (gone.returncode, gone.stdout) == (3, "")
