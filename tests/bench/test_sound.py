"""The account of the sound bench: a judge that does not hear would find every recorder innocent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.sound import CONTROL, RULED
from bench.sound_account import (
    BEEP,
    BEEP_LENGTH,
    BEEP_LEVEL,
    MS,
    RATE,
    SECOND,
    Beep,
    Kept,
    Run,
    Span,
    charge,
    faults,
    heard_at,
    marker,
    measure,
    offsets,
    recovered,
    total,
)
from bench.sound_table import markdown, table
from bench.sound_talk import mb_per_hour, talk, told
from bench.sound_window import NAME


def silence(seconds: float) -> np.ndarray:
    return np.zeros((2, round(seconds * RATE)), np.float32)


def put(sound: np.ndarray, hertz: float, at: float, seconds: float, level: float = 0.3, channel: int = 0) -> None:
    first, length = round(at * RATE), round(seconds * RATE)
    sound[channel, first : first + length] += level * np.sin(2 * np.pi * hertz * np.arange(length) / RATE)


def span(shown: float, hidden: float) -> Span:
    return Span(round(shown * SECOND), round(hidden * SECOND))


@pytest.mark.parametrize("seconds", [0.004, 0.02, 1.0])
@pytest.mark.parametrize("channel", [0, 1])
def test_any_marker_anywhere_is_a_leak_however_short(seconds: float, channel: int) -> None:
    sound = silence(10)
    put(sound, marker(3)[0], 7.0, seconds, channel=channel)
    spans = [span(2, 4), span(6, 8)]
    charge(spans, [Kept(0, sound)], [])
    assert spans[0].leaked == 0
    assert spans[1].leaked >= seconds * 1000


def test_speech_and_what_else_is_played_is_no_marker() -> None:
    sound = silence(5)
    put(sound, 440.0, 0.5, 4, level=0.5)
    put(sound, 3300.0, 1.0, 2, level=0.4)
    put(sound, BEEP, 2.0, 0.02)
    sound[0, round(2.01 * RATE) : round(2.02 * RATE)] = 0
    faded = sound * np.hanning(sound.shape[1]).astype(np.float32)
    assert heard_at([Kept(0, silence(1)), Kept(0, faded)], marker(0)) == []


def test_every_span_has_a_marker_of_its_own_and_the_control_has_to_have_both_its_tones() -> None:
    assert len({marker(number) for number in range(256)}) == 256
    sound = silence(10)
    for hertz in marker(0):
        put(sound, hertz, 2.2, 1.5)
    put(sound, marker(1)[0], 6.2, 1.5)  # one tone alone
    spans = [span(2, 4), span(6, 8)]
    assert charge(spans, [], [Kept(0, sound)]) == []
    assert 1400 < spans[0].control < 1600
    assert spans[1].control == 0
    assert faults([Run("pipewire", 1, spans)]) == [
        "pipewire: the control does not have the marker of span 1: nothing was tried"
    ]


def test_a_span_of_which_the_control_kept_nothing_is_not_counted() -> None:
    spans = [span(2, 4), span(6, 8)]
    control = silence(6.01)
    for hertz in marker(0):
        put(control, hertz, 2.2, 1.5)
    leaking = silence(1)
    put(leaking, marker(1)[0], 0.2, 0.5)
    charge(spans, [Kept(6 * SECOND, leaking)], [Kept(0, control)])
    assert [one.untried for one in spans] == [False, True]
    found = total([Run("pipewire", 1, spans)])
    assert (found["spans"], found["untried"]) == (1, 1)
    assert found["leaked_ms"] > 500  # what leaks is a leak all the same


def test_a_marker_that_was_played_without_the_window_is_a_fault_of_the_play() -> None:
    sound = silence(10)
    for hertz in marker(0):
        put(sound, hertz, 3.5, 1.2)
    assert charge([span(2, 4)], [], [Kept(0, sound)]) == [
        "the marker of span 0 was played when its window was not in view"
    ]


def test_over_pause_is_clean_time_that_was_not_kept() -> None:
    spans = [span(2, 4), span(8, 9)]
    measure(spans, [Kept(0, silence(1.5)), Kept(round(4.4 * SECOND), silence(3)), Kept(10 * SECOND, silence(1))])
    assert [(round(one.before or 0), round(one.after or 0)) for one in spans] == [(500, 400), (600, 1000)]
    measure(spans, [Kept(0, silence(1))])
    assert spans[0].after is None
    assert spans[0].over_pause is None


def test_a_beep_that_lies_elsewhere_than_it_was_heard_is_seen() -> None:
    sound = silence(20)
    tone = BEEP_LEVEL * np.sin(2 * np.pi * BEEP * np.arange(BEEP_LENGTH) / RATE)
    for second in (3.0, 8.03, 13.0):
        first = round(second * RATE)
        sound[1, first : first + BEEP_LENGTH] = tone * np.hanning(BEEP_LENGTH)
    heard = [Beep(1, 3 * SECOND), Beep(1, 8 * SECOND), Beep(0, 3 * SECOND), Beep(1, 25 * SECOND)]
    assert offsets([Kept(0, sound)], heard) == pytest.approx([0, 30], abs=0.1)
    assert offsets([Kept(0, sound[:, : 8 * RATE])], [Beep(1, 8 * SECOND)]) == []


def test_a_span_in_which_devices_went_and_came_has_no_over_pause() -> None:
    spans = [span(2, 4), Span(8 * SECOND, 9 * SECOND, case="replug, in view")]
    measure(spans, [Kept(0, silence(1.5)), Kept(round(4.4 * SECOND), silence(3)), Kept(10 * SECOND, silence(1))])
    assert [one.over_pause is None for one in spans] == [False, True]
    assert total([Run("pipewire", 1, spans)])["over_pause_ms"]["p50"] == 900


def test_recovery_is_counted_from_the_event_to_the_first_that_is_heard_again() -> None:
    sound = silence(10)
    put(sound, 1000.0, 0, 4)
    put(sound, 1000.0, 6.5, 2)
    assert recovered([Kept(0, sound)], 0, 1000.0, 5 * SECOND) == pytest.approx(1.5, abs=0.02)
    assert recovered([Kept(0, sound)], 1, 1000.0, 5 * SECOND) is None


def test_runs_add_up_and_survive_being_written_down() -> None:
    one = Span(0, 2 * SECOND, control=1500, before=400, after=200)
    run = Run("pulseaudio", 2, [one], [1.0, -3.0], {"cpu_s_per_min": 2.5}, {"replug": [1.0, 2.0]})
    again = Run.from_json(json.loads(json.dumps(run.to_json())))
    assert again == run
    found = total([run, again])
    assert found["spans"] == 2
    assert found["leaked_ms"] == 0
    assert found["over_pause_ms"] == {"p50": 600, "p95": 600}
    assert found["offset_ms_max"] == 3.0
    assert found["cpu_s_per_min"] == 2.5
    assert found["recoveries"] == {"replug": {"times": 4, "median_s": 1.5, "worst_s": 2.0}}
    assert faults([run]) == []
    assert faults([Run("pulseaudio", 1, [Span(0, MS, leaked=20, control=9)], recoveries={"replug": [None]})]) == [
        "pulseaudio: 20 ms of the marker of span 0 leaked",
        "pulseaudio: after replug nothing was heard again",
    ]
    assert "| pulseaudio | 2 | 2 | 0 | 0 | 0 | 3000 | 600.0 / 600 | 2.0 / 3.0 / 3.0 | 2 |" in markdown([run, again])
    assert table([run, again]).row_count == 1


def test_the_control_has_no_rule_for_the_window() -> None:
    assert NAME in RULED["sound.yaml"]
    assert NAME not in CONTROL["sound.yaml"]


def test_an_ordinary_call_takes_less_than_was_asked_for(tmp_path: Path) -> None:
    call = talk(tmp_path)
    assert 10 < mb_per_hour(call) < 18
    assert "a call of" in told(call)
