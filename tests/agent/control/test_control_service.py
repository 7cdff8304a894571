"""What the recorder answers: one moment's truth from its loop, holds within the policy, the day from the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from agent.control.control import NotRunning
from agent.control.control_service import ControlService, Sources
from agent.control.recorder_state import RecorderState, exit_code
from agent.core.account.evidence import Promise
from agent.core.holding import UserHold
from agent.core.model.rules import AllOf, Attribute, HoldTerms, Matcher
from agent.core.model.times import SECOND
from agent.errors import UserError
from agent.recorder.audio_loop import Heard
from agent.recorder.messages import GrabWanted, PolicyArrived, Trouble
from agent.recorder.recording import Blocks, RecordingStats
from agent.recorder.shutter import Grabbed
from testkit.fakes.sound import FakeSound
from tests.agent.recorder.daemon_rig import CHART, POLICY, WITH_CHART, Rig, hold

PROMISE = Promise(sealed=9 * SECOND, grabbed=5 * SECOND, receipt=4 * SECOND, heard=6 * SECOND, sound=6 * SECOND)
BOTH = (True, True)


class Asked:
    """A recorder whose loop the test turns by hand, or lets turn for a while. `hears`: the ends that are wanted."""

    def __init__(self, hears: tuple[bool, bool] = (False, False), *, system: bool = True) -> None:
        """`system`: whether there is anything on this PC that knows its sound."""
        self.rig = Rig(sound=any(hears) and system, room=1000)
        self.sound = FakeSound(self.rig.clock) if any(hears) and system else None
        self.stats = RecordingStats()
        self.receipt_at: int | None = None
        self.waiting = (0, 0)
        self.sending = True
        self.entries: list[dict[str, object]] = []
        self.service = ControlService(
            self.rig.inbox,
            self.rig.clock,
            PROMISE,
            Sources(
                version="0",
                keys="",
                stats=lambda: self.stats,
                receipt_at=lambda: self.receipt_at,
                waiting=lambda: self.waiting,
                oldest=lambda: None,
                sending=lambda: self.sending,
                monitors=lambda: 1,
                browsers=lambda: (),
                hears=hears,
                sound=self.sound,
                entries=lambda _: self.entries,
                notice=lambda: "We record.\nAsk us.",
            ),
        )
        self.service.connect(self.rig.daemon)
        self.rig.daemon._turned = self.service.turned

    @contextmanager
    def turning(self) -> Iterator[None]:
        """The loop takes what comes, in a thread of its own, and does nothing by itself."""
        over = threading.Event()

        def turn() -> None:
            while not over.is_set():
                message = self.rig.inbox.get(0.01)
                if message is not None:
                    self.rig.daemon.turn(message)

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def ask(self, verb: str, **arguments: object) -> Mapping[str, Any]:
        with self.turning():
            return self.service.answer(verb, arguments)

    def state(self) -> RecorderState:
        return RecorderState(self.ask("status")["state"])

    def opened(self) -> Asked:
        self.rig.opened()
        return self

    def later(self, seconds: float, *, heard: bool = True, sealed: bool = True, grabbed: bool = True) -> None:
        """The eye stays open: looks come all the time, and sound. `sealed`: the call is, as soon as it may be kept."""
        for _ in range(round(seconds * 10)):
            self.rig.wait(100)
            if self.sound is not None and heard:
                self.sound.listen(on=not self.rig.daemon.session.held)
                self.rig.daemon.turn(Heard(self.sound.take(0)[0]))
            if grabbed:
                self.rig.daemon.turn(GrabWanted())
            self.rig.look()
            if sealed and any(isinstance(order, Blocks) for order in self.rig.taken()):
                self.stats.sound_at = self.rig.clock.time
            self.stats.pictures_at = self.rig.clock.time if self.sound is not None else None


def test_an_open_eye_that_seals_nothing_stalls_and_one_that_seals_again_does_not() -> None:
    asked = Asked().opened()
    assert asked.state() is RecorderState.RECORDING
    asked.later(8.5)
    assert asked.state() is RecorderState.RECORDING
    asked.later(1)
    assert asked.state() is RecorderState.STALLED
    asked.stats.pictures_at = asked.rig.clock.time
    assert asked.state() is RecorderState.RECORDING


@pytest.mark.parametrize("word", [GrabWanted(), Grabbed((), ())], ids=["begun", "delivered"])
def test_an_open_eye_whose_capture_hangs_stalls_before_its_last_chunk_is_missed(word: GrabWanted | Grabbed) -> None:
    asked = Asked().opened()
    asked.later(1)
    asked.stats.pictures_at = asked.rig.clock.time
    asked.later(4.9, grabbed=False)
    assert asked.state() is RecorderState.RECORDING
    asked.later(0.2, grabbed=False)
    assert asked.state() is RecorderState.STALLED
    asked.rig.daemon.turn(word)
    assert asked.state() is RecorderState.RECORDING


def test_the_loop_turns_when_something_will_be_missed_and_not_up_to_a_second_later() -> None:
    asked = Asked().opened()
    asked.later(0.1)
    opened = asked.service._open_since
    assert opened is not None
    asked.later(8.6)
    assert asked.rig.daemon._due() <= opened + PROMISE.sealed + 1
    asked.later(1)  # it has stalled, and that is nothing to wait for any more
    asked.waiting = (1, 100)
    asked.later(0.1)
    began = asked.rig.clock.time
    asked.later(3.6)
    assert asked.rig.clock.time < asked.rig.daemon._due() <= began + PROMISE.receipt + 1


def test_a_closed_eye_does_not_stall_and_one_that_opens_has_its_time_again() -> None:
    asked = Asked().opened()
    asked.later(9.5)
    asked.rig.look(WITH_CHART)
    assert asked.state() is RecorderState.CLOSED
    assert asked.ask("status")["why"] == {"charts": CHART.why}
    asked.rig.watch()
    assert asked.state() is RecorderState.RECORDING


def test_an_eye_that_closes_for_what_is_not_allowed_says_what_is() -> None:
    """It is closed as the policy wants it, and not blind."""
    many = Matcher(Attribute.APP, ("crm", "phone", "desk", "wiki", "till", "mail", "chat"))
    both = AllOf((Matcher(Attribute.APP, ("desk",)), Matcher(Attribute.TITLE, ("Ticket*",))))
    for number, (allow, said) in enumerate(
        [
            (((Matcher(Attribute.APP, ("crm",)), both),), {"not-allowed": "crm, desk"}),
            (((many,),), {"not-allowed": "crm, phone, desk, wiki, till, mail …"}),
            (((many,), (both,)), {}),  # what both files allow has no list
        ],
        start=2,
    ):
        asked = Asked().opened()
        asked.rig.daemon.turn(PolicyArrived(replace(POLICY, hash=f"h{number}", revision=number, allow=allow)))
        asked.rig.watch(policy=f"h{number}")
        assert asked.state() is RecorderState.CLOSED
        assert asked.ask("status")["rules"] == ("not-allowed",)
        assert asked.ask("status")["why"] == said


def test_what_waits_without_a_receipt_is_offline_and_outside_of_the_hours_it_is_not() -> None:
    asked = Asked().opened()
    asked.waiting = (1, 100)
    asked.later(4.2)
    status = asked.ask("status")
    assert status["offline_s"] >= 4
    assert exit_code(status) == 1
    asked.receipt_at = asked.rig.clock.time
    assert asked.ask("status")["offline_s"] is None
    asked.later(4.2)
    asked.sending = False
    assert asked.ask("status")["offline_s"] is None


# -- the call ---------------------------------------------------------------------------------------------------------


def call(asked: Asked) -> tuple[str, str, int]:
    """State and fault of the call, and the exit code of `eyelid status`."""
    said = asked.ask("status")
    return said["sound"]["state"], said["sound"]["fault"], exit_code(said)


def test_a_call_whose_devices_give_nothing_any_more_is_not_said_to_be_recorded() -> None:
    asked = Asked(BOTH).opened()
    asked.later(12)
    assert call(asked) == ("recording", "", 0)
    asked.later(5.7, heard=False)
    assert call(asked) == ("recording", "", 0)
    asked.later(0.5, heard=False)
    assert asked.state() is RecorderState.RECORDING  # the screen goes on
    assert call(asked) == ("stalled", "silent", 1)
    ends = [asked.ask("status")["sound"][end] for end in ("microphone", "far_end")]
    assert [(end["wanted"], end["device"]) for end in ends] == [(True, "fake-microphone"), (True, "fake-far-end")]
    assert all(end["captured_ago_s"] > 6 for end in ends)
    asked.later(1)
    assert call(asked) == ("recording", "", 0)


def test_a_call_without_any_device_is_not_said_to_be_recorded_and_one_end_alone_is_named() -> None:
    asked = Asked(BOTH).opened()
    assert asked.sound is not None
    asked.sound.unplug(0)
    asked.sound.unplug(1)
    asked.later(6.2)
    assert call(asked) == ("stalled", "no-device", 1)
    asked.sound.plug(1)
    asked.later(12)
    assert call(asked) == ("recording", "microphone", 1)
    asked.sound.plug(0)
    asked.later(1)
    assert call(asked) == ("recording", "", 0)
    asked.sound.unplug(1)
    asked.later(6.2)
    assert call(asked) == ("recording", "far-end", 1)


def alarms(asked: Asked) -> list[str]:
    return [str(fields["what"]) for kind, fields in asked.rig.ledger.entries if kind == "alarm"]


def test_the_account_tells_once_that_the_call_is_not_recorded_and_the_status_until_it_is() -> None:
    asked = Asked(BOTH).opened()
    asked.later(12)
    asked.later(8, heard=False)
    assert asked.ask("status")["troubles"] == {"call-not-recorded": ""}
    assert asked.sound is not None
    asked.sound.unplug(0)
    asked.later(7)
    assert asked.ask("status")["troubles"] == {"call-recorded-in-part": ""}
    asked.sound.plug(0)
    asked.later(1)
    assert asked.ask("status")["troubles"] == {}
    assert alarms(asked) == ["call-not-recorded", "call-recorded-in-part"]


def test_an_end_that_the_settings_do_not_want_is_not_missed() -> None:
    asked = Asked((True, False)).opened()
    assert asked.sound is not None
    asked.sound.unplug(1)
    asked.later(12)
    assert call(asked) == ("recording", "", 0)
    assert not asked.ask("status")["sound"]["far_end"]["wanted"]
    assert Asked().opened().ask("status")["sound"] is None


def test_a_call_that_is_heard_and_reaches_no_disk_is_not_said_to_be_recorded() -> None:
    asked = Asked(BOTH).opened()
    assert asked.rig.daemon.sound is not None
    promised = (PROMISE.sound + asked.rig.daemon.sound.proof.hindsight) / SECOND
    asked.later(promised - 0.5, sealed=False)
    assert call(asked) == ("recording", "", 0)
    asked.later(1, sealed=False)
    assert call(asked) == ("stalled", "unsealed", 1)
    asked.later(1)
    assert call(asked) == ("recording", "", 0)


def test_a_break_of_the_sound_gives_its_next_chunk_the_time_again() -> None:
    asked = Asked(BOTH).opened()
    asked.later(12)
    asked.later(5, heard=False)
    asked.later(6, sealed=False)
    assert call(asked) == ("recording", "", 0)


def test_a_pc_that_knows_no_sound_and_a_thread_that_died_are_told_at_once() -> None:
    deaf = Asked(BOTH, system=False)
    deaf.rig.daemon.turn(Trouble("no-sound"))
    assert call(deaf.opened()) == ("stalled", "no-sound", 1)
    asked = Asked(BOTH).opened()
    asked.later(12)
    asked.rig.daemon.turn(Trouble("sound-died"))
    assert call(asked) == ("stalled", "sound-died", 1)


def test_in_a_hold_nothing_is_missed_and_after_it_the_devices_have_their_time() -> None:
    asked = Asked(BOTH).opened()
    asked.later(12)
    hold(asked.rig.daemon, UserHold(asked.rig.clock.time))
    asked.later(20, heard=False)
    assert call(asked) == ("held", "", 3)
    hold(asked.rig.daemon, None)
    asked.later(5, heard=False)
    assert call(asked)[1] == ""
    asked.later(2, heard=False)
    assert call(asked)[1] == "silent"


def test_a_follower_hears_at_once_that_the_call_is_not_recorded() -> None:
    asked = Asked(BOTH).opened()
    with asked.turning():
        words = asked.service.follow()
        assert next(words)["sound"]["fault"] == ""
        asked.rig.inbox.put(Trouble("sound-died"))
        assert next(word for word in words if word["troubles"])["sound"]["fault"] == "sound-died"
        asked.service.end()


def test_a_follower_hears_at_once_of_what_changed() -> None:
    asked = Asked().opened()
    with asked.turning():
        words = asked.service.follow()
        assert next(words)["state"] == "recording"
        asked.rig.inbox.put(Trouble("disk"))
        heard = next(word for word in words if word["troubles"])
        assert heard["troubles"] == {"disk": ""}
        asked.service.end()
        assert list(words) == []


def test_a_follower_hears_a_beat_while_nothing_changes() -> None:
    asked = Asked().opened()
    with asked.turning():
        words = asked.service.follow()
        assert next(words)["state"] == next(words)["state"] == "recording"


@pytest.mark.parametrize("kept", [True, False])
def test_the_status_says_whether_titles_and_addresses_are_kept(*, kept: bool) -> None:
    asked = Asked()
    asked.rig.daemon.turn(PolicyArrived(replace(POLICY, keep_scenes=kept)))
    with asked.turning():
        assert asked.ask("status")["scenes"] is kept


def test_the_status_says_how_pages_left_the_picture() -> None:
    asked = Asked()
    asked.rig.daemon.marks.seen, asked.rig.daemon.marks.late = 5, 1
    with asked.turning():
        assert asked.ask("status")["marks"] == {"seen": 5, "late": 1, "waiting": False}


def test_the_status_says_the_notice_that_compliance_signed() -> None:
    asked = Asked()
    with asked.turning():
        assert asked.ask("status")["notice"] == "We record.\nAsk us."


def test_holds_are_granted_within_the_policy_and_told_in_the_status() -> None:
    asked = Asked().opened()
    named = replace(POLICY, hash="h2", revision=2, user_hold=HoldTerms(longest=600 * SECOND, reasons=("Break", "Call")))
    asked.rig.daemon.turn(PolicyArrived(named))
    offer = asked.ask("status")["user_hold"]
    assert offer == {"allow": True, "max_s": 600.0, "reasons": ("Break", "Call"), "own": False}
    held = asked.ask("hold", seconds=300, reason="call")
    assert held["state"] == "held"
    assert held["hold"] == {"reason": "Call", "since_s": 0.0, "left_s": 300.0}
    with pytest.raises(UserError, match="10 min at most"):
        asked.ask("hold", seconds=601, reason="call")
    asked.rig.daemon.turn(PolicyArrived(replace(POLICY, hash="h3", revision=3)))
    assert asked.ask("status")["hold"]["reason"] == ""  # the words of its number are of another policy
    assert asked.ask("release")["hold"] is None
    assert ("hold", {"hold": "user", "reason": 1, "policy": "h2", "for_ms": 300_000}) in asked.rig.ledger.entries


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, 10**400, 0, -5])
def test_a_hold_of_a_length_that_is_none_is_refused_and_ends_no_recorder(seconds: float) -> None:
    asked = Asked().opened()
    with pytest.raises(UserError, match="at most a year"):
        asked.ask("hold", seconds=seconds)
    assert asked.state() is RecorderState.RECORDING


def test_the_pauses_of_the_day_have_the_names_of_their_rules() -> None:
    asked = Asked().opened()
    asked.service.turned()
    now, wall = asked.rig.clock.time, asked.rig.clock.wall()
    closed = {"kind": "lane-closed", "lane": "screen", "rules": [0], "policy": "hash-1"}
    asked.entries = [
        {"at": now - 9 * SECOND, "wall": wall - 9 * SECOND, **closed},
        {"at": now - 4 * SECOND, "wall": wall - 4 * SECOND, **closed, "policy": "earlier"},
        {"at": now - SECOND, "wall": wall - SECOND, "kind": "lane-open", "lane": "screen"},
    ]
    first, second = asked.ask("pauses")["pauses"]
    assert (first["kind"], first["names"], first["s"]) == ("closed", ("charts",), 5.0)
    assert (second["names"], second["s"]) == (("1",), 3.0)
    assert (first["why"], second["why"]) == ({"charts": CHART.why}, {})


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"], ids=["spring", "autumn"])
def test_the_day_of_a_clock_change_begins_at_its_midnight(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    asked = Asked().opened()
    noon, midnight = (datetime.fromisoformat(f"{change}T{time}").timestamp() for time in ("12:00", "00:00"))
    monkeypatch.setattr(asked.rig.clock, "wall", lambda: round(noon) * SECOND)  # a day of a clock change
    since: list[int] = []
    asked.service._sources = replace(asked.service._sources, entries=lambda wall: since.append(wall) or [])
    asked.ask("pauses")
    assert since == [round(midnight) * SECOND]


def test_what_is_not_understood_is_refused_and_a_loop_that_hangs_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    with pytest.raises(UserError, match="no request that Eyelid understands"):
        asked.service.answer("dance", {})
    monkeypatch.setattr("agent.control.control.EXCHANGE_WITHIN", 0.02)  # seconds, in which nothing comes
    with pytest.raises(NotRunning, match="has not turned for seconds"):  # the eye in the panel is crossed out
        asked.service.answer("status", {})
