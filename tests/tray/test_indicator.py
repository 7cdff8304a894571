"""The icon's other half: it follows whatever recorder is there, and asks it for what was clicked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.control.control import NotRunning
from agent.errors import UserError
from agent.pipeline import Mailbox
from agent.tray import indicator as module
from agent.tray import listener
from agent.tray.icon_state import NOT_UNDERSTOOD, Lid, icon_state_of
from agent.tray.indicator import Indicator, Memory
from agent.tray.menu import Action
from agent.tray.words import Words
from testkit.played import held, sound, status

PAUSES: list[dict[str, Any]] = [{"began": 0.0, "s": 5.0, "kind": "closed", "names": ["r"]}]


class Reports:
    """A recorder whose states the test gives; it ends with None."""

    def __init__(self) -> None:
        self.states: Mailbox[dict[str, Any] | Exception] = Mailbox(8)
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.refusal: Exception | None = None
        self.pauses: list[dict[str, Any]] = PAUSES
        self.counting = threading.Event()
        self.counting.set()

    def follow(self) -> Iterator[Mapping[str, Any]]:
        for state in self.states:
            if isinstance(state, Exception):
                raise state
            yield state

    def ask(self, verb: str, **arguments: object) -> Mapping[str, Any]:
        self.asked.append((verb, arguments))
        if self.refusal is not None:
            raise self.refusal
        assert self.counting.wait(30)
        return {"pauses": self.pauses}


@pytest.fixture
def recorder() -> Reports:
    return Reports()


@pytest.fixture
def shown(recorder: Reports, tmp_path: Path) -> Indicator:
    return Indicator(recorder, Words("en"), tmp_path)


def test_it_shows_what_the_recorder_says(shown: Indicator) -> None:
    assert shown.view.icon.lid is Lid.GONE
    shown.take(status("stalled", offline_s=20.0))
    view = shown.view
    assert view.title == "Eyelid: not recording, something is wrong"
    assert "no picture of the screen reaches the disk" in view.text
    assert "Offline" in view.text
    assert "Log off" in view.text
    assert shown.sentence().body == view.text


def test_a_trouble_is_seen_and_said_and_no_notice(shown: Indicator) -> None:
    """The store tells IT; whoever is recorded sees it where they look, and is called for nothing they cannot mend."""
    shown.take(status())
    assert shown.take(status(troubles={"store-lies": ""})) == []
    view = shown.view
    assert view.icon.look != icon_state_of(status()).look
    assert view.title == "Eyelid: recording; tell IT that something is wrong"
    assert "Tell IT: something is wrong that only they can fix (store-lies)." in view.text


def test_the_first_start_says_that_recording_is_on_and_no_later_one(recorder: Reports, tmp_path: Path) -> None:
    first = Indicator(recorder, Words("de"), tmp_path)
    assert first.take(status("blind")) == []
    assert [notice.title for notice in first.take(status())] == ["Ihr Bildschirm wird aufgenommen"]
    assert first.take(status()) == []
    assert Indicator(recorder, Words("de"), tmp_path).take(status()) == []


def test_who_was_told_of_the_screen_alone_is_told_anew_when_calls_are_recorded_too(
    recorder: Reports, tmp_path: Path
) -> None:
    assert len(Indicator(recorder, Words("en"), tmp_path).take(status())) == 1
    later = Indicator(recorder, Words("en"), tmp_path)
    [notice] = later.take(status("closed", rules=("charts",), sound=sound()))  # the call alone is enough
    assert notice.title == "Your screen and your calls are being recorded"
    assert later.take(status(sound=sound())) == []
    assert Indicator(recorder, Words("en"), tmp_path).take(status()) == []


def test_where_no_tray_is_it_is_said_once(recorder: Reports, tmp_path: Path) -> None:
    [notice] = Indicator(recorder, Words("en"), tmp_path).no_host()
    assert "eyelid status" in notice.body
    assert Indicator(recorder, Words("en"), tmp_path).no_host() == []


def test_a_memory_that_cannot_be_kept_is_said_again_next_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory(tmp_path / "no-such-folder" / "tray.json")
    assert memory.first("recording")
    assert not memory.first("recording")
    assert "cannot be written" in caplog.text
    (tmp_path / "tray.json").write_text("not json")
    assert Memory(tmp_path / "tray.json").first("recording")


def test_what_was_clicked_is_asked_of_the_recorder(shown: Indicator, recorder: Reports) -> None:
    assert shown.act(Action("hold", 300.0, "break")) is None
    assert shown.act(Action("release")) is None
    assert recorder.asked == [("hold", {"seconds": 300.0, "reason": "break"}), ("release", {})]


def test_the_privacy_notice_is_opened_where_it_has_an_address(
    recorder: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(module.webbrowser, "open", opened.append)  # no browser is started by a test of the menu
    shown = Indicator(recorder, Words("en"), tmp_path, "https://intranet.example/privacy")
    assert [entry.label for entry in shown.view.entries if entry.action] == [
        "Privacy notice (GDPR 13): why and how you are recorded"
    ]
    assert shown.act(Action("notice")) is None
    assert opened == ["https://intranet.example/privacy"]


def test_the_signed_notice_counts_before_the_settings_own(
    recorder: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(module.webbrowser, "open", opened.append)  # no browser is started
    shown = Indicator(recorder, Words("en"), tmp_path, "Intranet")

    def notice() -> str:
        [entry] = [entry for entry in shown.view.entries if entry.key == "notice"]
        return " ".join((entry.label, *(child.label for child in entry.children)))

    assert notice().endswith(": Intranet")
    shown.take(status(notice="We record.\nAsk us."))
    assert notice().endswith("We record. Ask us.")
    shown.take(None)  # no recorder: what was signed is not forgotten
    assert notice().endswith("We record. Ask us.")
    shown.take(NOT_UNDERSTOOD)
    assert notice().endswith("We record. Ask us.")
    shown.take(status(notice="https://signed.example/notice"))
    shown.act(Action("notice"))
    assert opened == ["https://signed.example/notice"]
    shown.take(status(notice=""))  # compliance has taken it out
    assert notice().endswith(": Intranet")
    old = status()
    old.pop("notice", None)  # of a recorder of before
    shown.take(old)
    assert notice().endswith(": Intranet")


def test_a_refusal_is_shown_in_its_own_words(shown: Indicator, recorder: Reports) -> None:
    for refusal in (UserError("not here"), NotRunning("nobody is there")):
        recorder.refusal = refusal
        notice = shown.act(Action("hold", None, "break"))
        assert notice is not None
        assert notice.body == str(refusal)


def test_who_released_here_is_not_told_that_it_is_over(shown: Indicator) -> None:
    shown.take(status())
    shown.take(held(None))
    shown.act(Action("release"))
    assert shown.take(status()) == []


def test_whatever_it_hears_it_never_shows_an_old_state_for_ever(
    shown: Indicator, recorder: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that died of a word it does not understand would leave the eye as it was: open."""
    monkeypatch.setattr(listener, "AGAIN", 0.01)
    heard: Mailbox[str] = Mailbox(99)
    recorder.states.put(status())
    recorder.states.put(OSError(11, "Resource temporarily unavailable"))
    recorder.states.put({"state": "recording"})  # of a version that says less
    recorder.states.put({**status(), "user_hold": 5})  # of one that says it otherwise
    recorder.states.put(UserError("there is no verb follow"))  # of one that is older than this
    recorder.states.put(NotRunning("gone"))
    recorder.states.put(status("closed", rules=("r",)))

    def deliver(said: Mapping[str, Any] | None, pauses: object) -> None:  # noqa: ARG001 - of the lid alone
        lid = "gone" if said is None else said.get("state", "unclear")
        if lid != told[-1] or lid == "unclear":
            told.append(lid)
            heard.put(lid)

    told = [""]
    shown.listen(deliver)
    assert [heard.get(30) for _ in range(7)] == ["recording", *["unclear"] * 4, "gone", "closed"]


def test_whoever_is_not_understood_is_said_to_run_and_offered_nothing(shown: Indicator) -> None:
    assert shown.take(NOT_UNDERSTOOD) == []  # nor is it the first word that recording is on
    view = shown.view
    assert view.title == "Eyelid: it runs, and may be recording"
    assert "may be recorded. Log off and on again." in view.text
    assert [entry.key for entry in view.entries if entry.action] == []


def test_what_cannot_be_told_is_shown_as_not_understood_and_the_icon_lives_on(shown: Indicator) -> None:
    shown.take({**held(20.0), "hold": {"left_s": 20.0}})  # of a version that does not say since when
    assert shown.view.icon.unclear
    shown.take(status())
    assert shown.view.icon.lid is Lid.OPEN


@pytest.fixture
def heard(shown: Indicator) -> Iterator[Mailbox[tuple[str, bool | None]]]:
    """What is delivered: the state, and whether the pauses of today are known. One that came before the last was dealt
    with would be a fault."""
    mailbox: Mailbox[tuple[str, bool | None]] = Mailbox(999)
    dealing = threading.Lock()

    def deliver(said: Mapping[str, Any] | None, pauses: Sequence[Mapping[str, Any]] | None) -> None:
        assert dealing.acquire(blocking=False), "two threads at once"
        time.sleep(0.005)
        mailbox.put(("gone" if said is None else said.get("state", "unclear"), pauses is not None))
        dealing.release()

    shown.listen(deliver)
    return mailbox


def until(heard: Mailbox[tuple[str, bool | None]], last: tuple[str, bool]) -> list[tuple[str, bool | None]]:
    told = [heard.get(30)]
    while told[-1] != last:
        told.append(heard.get(30))
    return told


@pytest.mark.parametrize("failure", [NotRunning("slow"), UserError("there is no verb pauses")])
def test_pauses_that_are_not_to_be_had_say_nothing_of_the_lid_and_are_asked_for_again(
    recorder: Reports, heard: Mailbox[tuple[str, bool | None]], failure: Exception
) -> None:
    recorder.states.put(status())
    until(heard, ("recording", True))
    recorder.refusal = failure
    recorder.states.put(status("closed", rules=("r",)))
    assert until(heard, ("closed", False))[0] == ("closed", True)  # of before, until they were asked for
    recorder.refusal = None
    recorder.states.put(status())
    assert until(heard, ("recording", True))[0] == ("recording", False)


def test_an_icon_that_cannot_be_drawn_once_is_drawn_again(
    shown: Indicator, recorder: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "AGAIN", 0.01)
    drawn: Mailbox[str] = Mailbox(99)

    def deliver(said: Mapping[str, Any] | None, _: Sequence[Mapping[str, Any]] | None) -> None:
        if said is None or said == NOT_UNDERSTOOD:
            raise OSError(11, "the panel is not there")
        drawn.put(said["state"])

    recorder.states.put(NotRunning("gone"))
    recorder.states.put(status())
    shown.listen(deliver)
    assert drawn.get(30) == "recording"


def test_it_follows_one_recorder_after_the_other(
    recorder: Reports, heard: Mailbox[tuple[str, bool | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "AGAIN", 0.01)
    recorder.states.put(status())
    assert until(heard, ("recording", True))[0] == ("recording", False)
    recorder.states.put(status())
    assert heard.get(30) == ("recording", True)  # they are asked for when the sign has changed, and kept meanwhile
    recorder.states.put(NotRunning("gone"))
    assert heard.get(30) == ("gone", False)
    recorder.states.put(status("closed", rules=("r",)))
    assert until(heard, ("closed", True))[0] == ("closed", False)


def test_the_lid_does_not_wait_for_the_pauses(recorder: Reports, heard: Mailbox[tuple[str, bool | None]]) -> None:
    recorder.counting.clear()
    recorder.states.put(status())
    recorder.states.put(status("closed", rules=("r",)))
    assert [heard.get(30) for _ in range(2)] == [("recording", False), ("closed", False)]
    recorder.counting.set()
    assert heard.get(30) == ("closed", True)  # beside the state that counts now, not the one they were asked in


def test_what_is_told_from_two_threads_comes_in_turn(
    recorder: Reports, heard: Mailbox[tuple[str, bool | None]], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        while not recorder.states.put(status("closed", rules=(f"r{number}",))):
            time.sleep(0.001)
    told = [heard.get(30) for _ in range(100)]
    assert ("closed", True) in told
    assert "cannot be drawn" not in caplog.text


def test_pauses_that_are_not_understood_say_nothing_of_the_lid(
    recorder: Reports, heard: Mailbox[tuple[str, bool | None]], caplog: pytest.LogCaptureFixture
) -> None:
    recorder.pauses = [{"began": "noon"}]  # of another version
    recorder.states.put(status())
    assert [heard.get(30) for _ in range(2)] == [("recording", False)] * 2
    assert "the pauses of today are not understood" in caplog.text
    recorder.pauses = PAUSES
    recorder.states.put(status("closed", rules=("r",)))
    assert until(heard, ("closed", True))[0] == ("closed", False)
