"""Who is told, and of what: nobody of a pause; of faults that last, of the end of a hold, each once."""

from __future__ import annotations

from typing import Any

from agent.tray.icon_state import icon_state_of
from agent.tray.notifier import LASTING, OFFLINE, Notice, Notifier
from agent.tray.words import Words
from testkit.played import held, sound, status


class Day:
    """A herald, and the states of a day with their times in seconds."""

    def __init__(self) -> None:
        self.notifier = Notifier(Words("en"))
        self.now = 0.0

    def hear(self, said: dict[str, Any] | None, seconds: float = 0.0) -> list[Notice]:
        self.now += seconds
        return self.notifier.hear(icon_state_of(said), said, self.now)


def topics(notices: list[Notice]) -> list[str]:
    return [notice.topic for notice in notices]


def test_no_pause_is_told_of() -> None:
    day = Day()
    for _ in range(3):
        for said in (status(), status("closed", rules=("card-forms",)), status("held", holds=("locked",)), status()):
            assert day.hear(said, 600.0) == []


def test_a_fault_is_told_of_when_it_lasts_and_once() -> None:
    day = Day()
    assert day.hear(status("stalled")) == []
    assert day.hear(status("stalled"), LASTING - 1) == []
    [notice] = day.hear(status("stalled"), 2.0)
    assert notice.urgent
    assert "no picture of the screen reaches the disk" in notice.body
    assert "Log off and on again" in notice.body
    assert day.hear(status("stalled"), 3600.0) == []
    assert day.hear(status()) == []
    assert day.hear(status("stalled"), LASTING) == []
    assert topics(day.hear(status("stalled"), LASTING)) == ["fault"]


DEAF = status(sound=sound("stalled", fault="no-device"))


def test_a_call_that_is_not_recorded_is_told_of_when_it_lasts_and_once() -> None:
    day = Day()
    assert day.hear(DEAF) == []
    [notice] = day.hear(DEAF, LASTING)
    assert notice.urgent
    assert "NOT the call" in notice.title
    assert "Plug in your headset" in notice.body
    assert day.hear(DEAF, 3600.0) == []
    for said in (status("held", holds=("locked",), sound=sound("held")), DEAF):  # no word at each unlocking
        assert day.hear(said, 3600.0) == []
    assert day.hear(status(sound=sound())) == []
    assert day.hear(DEAF, 1.0) == []
    assert topics(day.hear(DEAF, LASTING)) == ["call"]


def test_a_hold_before_the_call_was_missed_for_long_gives_it_its_time_again() -> None:
    day = Day()
    assert day.hear(DEAF) == []
    assert day.hear(status("held", holds=("locked",), sound=sound("held")), 3600.0) == []
    assert day.hear(DEAF, 3600.0) == []
    assert topics(day.hear(DEAF, LASTING)) == ["call"]


def test_a_lid_that_comes_and_goes_takes_no_time_from_the_call() -> None:
    day = Day()
    day.hear(DEAF)
    day.hear({**DEAF, "state": "blind", "rules": ("web-engine",)}, LASTING / 2)
    assert topics(day.hear(DEAF, LASTING / 2)) == ["call"]


def test_another_fault_has_its_own_time() -> None:
    day = Day()
    day.hear(status("stalled"))
    assert day.hear(status("held", holds=("spool-full",)), LASTING) == []
    assert topics(day.hear(status("held", holds=("spool-full",)), LASTING)) == ["fault"]


def test_a_recorder_that_is_gone_is_told_of_and_one_that_is_ending_is_not() -> None:
    day = Day()
    day.hear(status("stopping"))
    assert day.hear(status("stopping"), LASTING * 2) == []
    day.hear(None)
    [notice] = day.hear(None, LASTING)
    assert "not running" in notice.title


def test_the_end_of_a_hold_is_announced_before_and_when_it_comes() -> None:
    day = Day()
    assert day.hear(held(300.0, since=0.0)) == []
    assert day.hear(held(31.0, since=269.0)) == []
    [soon] = day.hear(held(29.8, since=270.2))
    assert soon.title == "Recording resumes in 30 s"
    assert day.hear(held(10.0, since=290.0)) == []
    [over] = day.hear(status())
    assert over.title == "Recording goes on"
    assert over.topic == soon.topic  # takes its place
    assert day.hear(status()) == []


def test_a_short_hold_is_not_announced_before() -> None:
    day = Day()
    assert day.hear(held(30.0, since=0.0)) == []
    assert topics(day.hear(status())) == ["hold"]


def test_a_hold_asked_for_anew_is_announced_anew() -> None:
    day = Day()
    day.hear(held(20.0, since=280.0))
    assert day.hear(held(300.0, since=300.0)) == []
    assert topics(day.hear(held(20.0, since=580.0))) == ["hold"]


def test_who_released_it_needs_no_word_of_it() -> None:
    day = Day()
    day.hear(held(None))
    day.notifier.released()
    assert day.hear(status()) == []
    day.hear(held(None))
    assert topics(day.hear(status())) == ["hold"]  # another one, which somebody else ended, or the policy


def test_a_store_that_is_away_for_long_is_told_of_once() -> None:
    day = Day()
    assert day.hear(status(offline_s=OFFLINE - 1)) == []
    assert topics(day.hear(status(offline_s=OFFLINE))) == ["offline"]
    assert day.hear(status(offline_s=OFFLINE * 2)) == []
    assert day.hear(status()) == []
    assert topics(day.hear(status(offline_s=OFFLINE))) == ["offline"]
