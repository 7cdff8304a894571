"""The daemon turned by hand: what it keeps, what it tells the account, and what holds, sleep and ends are to it."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from agent.control.recorder_state import RecorderState
from agent.control.status import state_of
from agent.core.account.troubles import TroubleCode
from agent.core.holding import UserHold
from agent.core.model.media import Frame, Lane, Monitor
from agent.core.model.rules import Hold, HoldTerms, Policy
from agent.core.model.seen import WINDOWS, Alarm, Box, Look, Scene, StalePixels
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.core.session import RECORDING_LENGTH, Phase
from agent.recorder.messages import Call, Cleared, Failed, GrabWanted, PolicyArrived, Stop, Trouble
from agent.recorder.recording import Close, Gap, Open, TakeOver
from agent.recorder.shutter import Grabbed, Still
from tests.agent.recorder.daemon_rig import CHART, NOTES, POLICY, WITH_CHART, Rig, hold


def test_nothing_is_kept_before_there_is_a_policy() -> None:
    rig = Rig()
    rig.look()
    rig.grab()
    rig.look()
    assert rig.taken() == []
    assert not rig.shutter.permit.open


def test_the_recording_opens_with_the_policy_and_keeps_after_a_look_on_both_sides() -> None:
    rig = Rig()
    rig.daemon.turn(PolicyArrived(POLICY))
    assert rig.witness.policy == "hash-1"
    assert isinstance(rig.taken()[0], Open)
    assert not rig.shutter.permit.open
    rig.look()
    assert rig.shutter.permit.open
    rig.watch()
    frame = rig.grab()
    assert rig.taken() == []
    rig.look()
    assert rig.taken() == []
    rig.watch()
    assert rig.taken() == [frame]


def test_a_chart_drops_what_waits_and_marks_where_the_kept_time_ends() -> None:
    rig = Rig().opened()
    kept = rig.grab()
    rig.watch()
    rig.grab(whole=False)
    rig.look(WITH_CHART)
    assert rig.taken() == [kept]
    rig.daemon.turn(Still(rig.clock.time - 1))
    (gap,) = rig.taken()
    assert isinstance(gap, Gap)
    assert kept.span.end <= gap.until <= rig.clock.time
    assert not rig.shutter.permit.open
    assert rig.ledger.entries[-1] == ("lane-closed", {"lane": "screen", "rules": [0], "policy": "hash-1"})


def test_what_was_covered_before_the_chart_came_is_still_let_go() -> None:
    rig = Rig().opened()
    frame = rig.grab()
    rig.watch()
    assert rig.taken() == [frame]
    rig.look(WITH_CHART)
    still = rig.clock.time - 1
    rig.daemon.turn(Still(still))
    assert rig.taken() == [Gap(still)]  # the screen was what was let go until then
    rig.look(WITH_CHART)
    assert rig.taken() == []  # one gap, not one a look


def test_why_what_was_seen_proves_nothing_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig = Rig().opened()
    rig.daemon.turn(Alarm(WINDOWS, rig.clock.time, "compositor"))
    assert caplog.messages == ["what the window witness has seen so far proves nothing (compositor)"]


def test_a_capture_that_does_not_say_how_still_it_was_is_not_waited_for() -> None:
    rig = Rig().opened()
    frame = rig.grab()
    rig.watch()
    proven = rig.clock.time
    rig.look(WITH_CHART)
    rig.watch(WITH_CHART)
    kept, gap = rig.taken()
    assert kept == frame
    assert isinstance(gap, Gap)
    assert gap.until < proven


def test_after_a_closing_the_canvas_is_void_and_only_a_whole_picture_counts() -> None:
    rig = Rig().opened()
    before = rig.shutter.permit.canvas
    rig.look(WITH_CHART)
    rig.watch()
    assert rig.shutter.permit.canvas > before
    rig.grab(whole=False)
    rig.watch()
    kept = [order for order in rig.taken() if isinstance(order, Frame)]
    whole = rig.grab()
    rig.watch()
    assert kept == []
    assert whole in rig.taken()


def test_a_message_that_found_no_room_is_an_alarm() -> None:
    rig = Rig().opened()
    for _ in range(9):
        rig.inbox.put(GrabWanted())
    rig.daemon.turn(None)
    assert not rig.shutter.permit.open


@pytest.mark.parametrize(
    "hold", [Hold.LOCKED, Hold.NOT_IN_FRONT, Hold.SEAT_UNKNOWN, Hold.DISPLAY_OFF, Hold.LOGOFF, Hold.SHUTDOWN]
)
def test_the_seat_holds_within_a_turn(hold: Hold) -> None:
    rig = Rig().opened()
    rig.grab()
    rig.seat.now = frozenset({hold})
    rig.daemon.turn(None)
    assert not rig.shutter.permit.open
    assert ("hold", {"hold": hold.value}) in rig.ledger.entries
    rig.look()
    assert not any(isinstance(order, Frame) for order in rig.taken())
    rig.seat.now = frozenset()
    rig.daemon.turn(None)
    assert ("release", {"hold": hold.value}) in rig.ledger.entries


def test_a_hold_of_the_user_ends_at_its_time() -> None:
    rig = Rig().opened()
    hold(rig.daemon, UserHold(rig.clock.time, rig.clock.time + 5 * SECOND, "break"))
    assert Hold.USER in rig.daemon.session.holds
    rig.wait(5000)
    rig.daemon.turn(None)
    assert Hold.USER not in rig.daemon.session.holds
    assert ("hold", {"hold": "user", "reason": "break", "for_ms": 5000}) in rig.ledger.entries
    assert rig.ledger.entries[-1] == ("release", {"hold": "user", "why": "time"})


def test_a_hold_that_is_asked_for_again_is_told_again_and_a_release_of_none_is_not() -> None:
    rig = Rig().opened()
    began = rig.clock.time
    hold(rig.daemon, UserHold(began, None, "break"))
    hold(rig.daemon, UserHold(began, began + SECOND, "private"))
    hold(rig.daemon, None)
    hold(rig.daemon, None)
    told = [entry for entry in rig.ledger.entries if entry[0] in {"hold", "release"} and entry[1]["hold"] == "user"]
    assert told == [
        ("hold", {"hold": "user", "reason": "break"}),
        ("hold", {"hold": "user", "reason": "private", "for_ms": 1000}),
        ("release", {"hold": "user", "why": "released"}),
    ]


@pytest.mark.parametrize(
    ("terms", "held"), [(HoldTerms(), True), (HoldTerms(longest=60 * SECOND), True), (HoldTerms(allowed=False), False)]
)
def test_a_policy_that_comes_into_force_bounds_or_ends_the_hold_that_is_on(terms: HoldTerms, held: bool) -> None:
    rig = Rig().opened()
    began = rig.clock.time
    hold(rig.daemon, UserHold(began))
    rig.daemon.turn(PolicyArrived(replace(POLICY, hash="hash-2", revision=2, user_hold=terms)))
    assert (Hold.USER in rig.daemon.session.holds) is held
    left = rig.daemon.user_hold
    assert (left is not None) is held
    assert left is None or left.until == (None if terms.longest is None else began + terms.longest)


def test_another_policy_is_another_recording_and_old_looks_do_not_count_under_it() -> None:
    rig = Rig().opened()
    frame = rig.grab()
    rig.watch()
    rig.daemon.turn(PolicyArrived(Policy("hash-2", 2, "test", (CHART,))))
    kinds = [type(order) for order in rig.taken()]
    assert kinds == [type(frame), Close, Open]
    rig.look(policy="hash-1")
    assert not rig.shutter.permit.open
    rig.look(policy="hash-2")
    assert rig.shutter.permit.open


def test_an_hour_is_handed_over_without_losing_what_waits() -> None:
    rig = Rig().opened()
    assert rig.daemon.session.opened is not None
    rig.clock.time = rig.daemon.session.opened + RECORDING_LENGTH - 50 * MILLISECOND
    rig.look()
    waiting = rig.grab()
    rig.clock.time += 50 * MILLISECOND
    rig.daemon.turn(None)
    (open_,) = rig.taken()
    assert isinstance(open_, Open)
    assert waiting.span.start < open_.start == rig.clock.time
    rig.watch()
    first, then = rig.taken()[:2]
    assert (first, then) == (waiting, TakeOver(Lane.SCREEN, open_.start))


def test_a_picture_that_was_on_its_way_when_its_recording_closed_is_not_kept_in_the_next() -> None:
    rig = Rig().opened()
    early = Frame(0, Span(rig.clock.time, rig.clock.time + 1), 2, 2, bytes(6), whole=True)
    rig.wait(5)
    rig.daemon.turn(PolicyArrived(Policy("hash-2", 2, "test", (CHART,))))
    rig.watch(policy="hash-2")
    rig.daemon.turn(Grabbed((early,), ()))
    rig.watch(policy="hash-2")
    assert early not in rig.taken()


def test_a_lost_picture_takes_along_what_is_painted_over_it() -> None:
    rig = Rig().opened()
    rig.grab()
    for _ in range(9):
        rig.inbox.put(GrabWanted())
    rig.watch()
    rig.taken()
    rig.grab(whole=False)
    rig.watch()
    assert not any(isinstance(order, Frame) for order in rig.taken())


def test_when_monitors_change_what_the_others_showed_ends_there() -> None:
    rig = Rig().opened()
    kept = rig.grab()
    rig.watch()
    before = rig.shutter.permit.canvas
    rig.daemon.turn(Grabbed((), (Monitor(1, Box(0, 0, 9, 9), "new"),)))
    orders = rig.taken()
    assert orders[0] == kept
    assert isinstance(orders[1], Gap)
    assert rig.shutter.permit.canvas > before


def test_a_picture_taken_in_a_hold_is_not_kept_after_it() -> None:
    rig = Rig().opened()
    hold(rig.daemon, UserHold(rig.clock.time))
    rig.grab()
    hold(rig.daemon, None)
    rig.watch()
    assert not any(isinstance(order, Frame) for order in rig.taken())


def test_an_encoder_that_cannot_follow_costs_a_gap_not_a_stall() -> None:
    rig = Rig(room=1)
    rig.daemon.turn(PolicyArrived(POLICY))
    rig.watch()
    first, second = rig.grab(), rig.grab()
    canvas = rig.shutter.permit.canvas
    rig.watch()
    orders = rig.taken()  # Open filled the mailbox: no frame found room
    assert first not in orders
    assert second not in orders
    assert rig.shutter.permit.canvas > canvas


def test_a_dead_stage_holds_drains_and_ends() -> None:
    rig = Rig().opened()
    rig.daemon.turn(Failed(TroubleCode.CAPTURE_FAILED))
    assert rig.daemon.failed
    assert rig.daemon.finished
    assert rig.drained
    assert ("alarm", {"what": "stage-failed-capture"}) in rig.ledger.entries
    assert rig.ledger.kinds()[-1] == "stop"


def test_ten_minutes_of_sleep_are_an_entry_and_another_recording() -> None:
    rig = Rig().opened()
    waiting = rig.grab()
    slept_at = rig.clock.time
    rig.clock.sleep(600)
    rig.daemon.turn(None)
    assert ("slept", {"from": slept_at, "to": rig.clock.time}) in rig.ledger.entries
    orders = rig.taken()
    assert waiting not in orders
    close, opened = (order for order in orders if isinstance(order, Close | Open))
    assert isinstance(close, Close)
    assert close.why == "suspended"
    assert isinstance(opened, Open)
    rig.watch()
    assert rig.shutter.permit.open


@pytest.mark.parametrize("hours", [-1, 366 * 24])
def test_a_wall_clock_that_is_set_is_an_entry_and_the_recording_goes_on(hours: int) -> None:
    rig = Rig().opened()
    before = rig.clock.ahead
    rig.clock.ahead += hours * 3600 * SECOND
    rig.daemon.turn(None)
    assert rig.ledger.entries[-1] == ("wall-jumped", {"before": before, "after": rig.clock.ahead})
    frame = rig.grab()
    rig.watch()
    assert frame in rig.taken()


def test_a_trouble_is_told_once_and_goes() -> None:
    rig = Rig().opened()
    rig.daemon.turn(Trouble("store-lies", "first"))
    rig.daemon.turn(Trouble("store-lies", "second"))
    assert rig.ledger.kinds().count("alarm") == 1
    assert rig.daemon.troubles == {"store-lies": "second"}
    rig.daemon.turn(Cleared("store-lies"))
    assert rig.daemon.troubles == {}


def test_stopping_closes_the_recording_and_runs_out() -> None:
    rig = Rig().opened()
    calls: list[Phase] = []
    rig.daemon.turn(Call(lambda: calls.append(rig.daemon.session.phase)))
    rig.daemon.turn(Stop())
    assert calls == [Phase.RUNNING]
    assert isinstance(rig.taken()[-1], Close)
    assert rig.daemon.finished
    assert rig.ledger.kinds()[-1] == "stop"
    assert not rig.daemon.session.keeps(Lane.SCREEN)


# -- what the display still shows ---------------------------------------------------------------------------------


def test_the_account_names_the_rule_of_a_picture_that_is_still_on_the_display() -> None:
    """The chart's window has gone, and who it covered does not paint: the lane stays closed, by the chart's rule."""
    rig = Rig().opened()
    stale_look(rig, WITH_CHART)
    left = rig.clock.time
    stale_pixels = (StalePixels(left, left + SECOND // 2),)
    for _ in range(3):
        stale_look(rig, NOTES, *stale_pixels)
    assert lanes(rig)[-1] == ("lane-closed", [0])
    assert state_of(rig.daemon.session, rig.daemon.screen.accounted, rig.clock.time) is RecorderState.CLOSED
    assert not rig.shutter.permit.open
    rig.clock.time = left + SECOND // 2
    rig.daemon.turn(None)
    assert lanes(rig)[-1] == ("lane-closed", [0])
    assert rig.daemon._due() == rig.clock.time + 1
    rig.clock.time += 1
    rig.daemon.turn(None)
    assert [kind for kind, _ in lanes(rig)][-2:] == ["lane-closed", "lane-open"]
    assert rig.shutter.permit.open


def stale_look(rig: Rig, seen: Scene, *stale_pixels: StalePixels) -> None:
    rig.wait(1)
    asked = rig.clock.time
    rig.wait(1)
    rig.daemon.turn(Look("window", asked, rig.clock.time, "hash-1", seen, stale_pixels))


def lanes(rig: Rig) -> list[tuple[str, object]]:
    return [(kind, told.get("rules")) for kind, told in rig.ledger.entries if kind.startswith("lane-")]
