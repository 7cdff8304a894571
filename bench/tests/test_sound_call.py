"""What bench/sound says of a call: a good recording has no fault, and whatever a person would hear is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.sound import kept as kept_in
from bench.sound import main
from bench.sound_call import CUT, IN_VIEW, INTO, QUICK_LENGTH, Played, faults, missed, through_opus
from bench.sound_call_heard import EDGE, SPREAD, Call, Heard, judged, placed
from bench.sound_talk import CALL, CALLER, NUMBER, scripted, voice
from testkit.listening import Samples
from testkit.sounds import RATE
from testkit.speech import limited
from testkit.stage import StageError

KEPT = [(RATE // 2, 4 * RATE), (6 * RATE, 9 * RATE)]
LATE = 7_000  # samples by which the film begins before the call
FADE = RATE // 200
ROOM = 0.001

Change = Callable[[Samples], object]


@cache
def said() -> Samples:
    """Nine seconds: noise in the band of speech, half a second of it and half a second of nothing, at each end; the
    agent's is never without that of a room."""
    drawn = np.random.default_rng(7)
    ends = np.zeros((9 * RATE, 2))
    for end, band in enumerate((8000.0, 3400.0)):
        ends[:, end] = limited(drawn.normal(0, 0.1, len(ends)), band)
        for half in range(end, 18, 2):
            ends[half * RATE // 2 : (half + 1) * RATE // 2, end] = 0
    ends[:, 0] += limited(drawn.normal(0, ROOM, len(ends)), 8000.0)
    ends.flags.writeable = False
    return ends


def film(change: Change = lambda _: None, *, fade: int = FADE) -> Samples:
    """The call as it is kept, changed, and cut."""
    there = np.zeros((10 * RATE, 2))
    there[LATE : LATE + 9 * RATE] = said()
    change(there)
    share = np.zeros(len(there))
    for first, last in KEPT:
        steps = np.minimum(np.arange(last - first), np.arange(last - first)[::-1]) + 0.5
        share[first:last] = np.minimum(steps / max(fade, 0.5), 1)
    return there * share[:, None]


def heard(changed: Samples) -> Heard:
    lying, apart = zip(*(placed(said()[:, end], changed[:, end], KEPT) for end in (0, 1)), strict=True)
    alone = film(fade=0)
    return judged(Call(np.stack(lying, axis=1), alone, alone, changed), KEPT, (apart[0], apart[1]))


def found(changed: Samples, *, cuts: int = 1, least: float = 6.5, sound: bool = True) -> list[str]:
    played = Played("pipewire", heard(changed), cuts, least, verified=sound)
    return faults(played) + missed(played)


def test_a_call_that_was_kept_whole_has_no_fault() -> None:
    assert found(film()) == []
    told = heard(film())
    assert [end.like > 60 for end in told.ends] == [True, True]
    assert (told.kept, told.cuts) == (6.5, 1)
    assert told.hard > told.soft + 10
    assert abs(told.edges - told.soft) < 1


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ({"cuts": 2}, "1 cuts, where a window came into view 2 times"),
        ({"least": 14.0}, "too little to judge"),
        ({"sound": False}, "does not verify"),
    ],
)
def test_where_little_was_played_or_kept_nothing_is_proven(there: dict[str, object], words: str) -> None:
    [fault] = found(film(), **there)  # type: ignore[arg-type]
    assert words in fault


def hole(there: Samples) -> None:
    there[LATE + 5 * RATE // 2 + 999 :][: RATE // 25, 0] = 0


def holes(there: Samples) -> None:
    """Shorter than a piece and its half, one after the other."""
    for number in range(8):
        there[LATE + 5 * RATE // 2 + number * RATE // 20 :][: RATE // 40, 0] = 0


def whistle(end: int) -> Change:
    """While that end is silent: the agent from 2 s on, the caller from 1.5."""

    def change(there: Samples) -> None:
        at = np.arange(RATE // 10)
        there[LATE + (2 * RATE, 3 * RATE // 2)[end] + RATE // 5 :][: len(at), end] += 0.02 * np.sin(at / 8)

    return change


def distort(there: Samples) -> None:
    there[:] = np.clip(there, -0.05, 0.05)


def click(there: Samples) -> None:
    there[LATE + 2 * RATE + 7, :] += 0.1


def click_near_an_edge(there: Samples) -> None:
    there[KEPT[0][1] - EDGE // 2, :] += 0.1


def move(there: Samples) -> None:
    there[5 * RATE :] = np.roll(there, RATE // 10, axis=0)[5 * RATE :]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (hole, "the agent's end: 35 ms of speech are missing"),
        (holes, "ms of speech are missing"),
        (whistle(0), "the agent's end: 130 ms have something that nobody said"),
        (whistle(1), "the caller's end: 130 ms have something that nobody said"),
        (distort, "dB like the call, where the encoder alone comes to"),
        (click, "the caller's end: clicks of -2"),
        (click_near_an_edge, "an edge clicks"),
        (move, "its stretches are up to 100 ms apart"),
    ],
)
def test_what_a_person_would_hear_is_found(change: Change, words: str) -> None:
    told = found(film(change))
    assert any(words in fault for fault in told), told


def test_an_edge_that_does_not_fade_clicks() -> None:
    assert any("an edge clicks" in fault for fault in found(film(fade=0)))


def test_a_sample_where_nothing_was_kept_is_found_and_what_the_films_encoder_spreads_is_not() -> None:
    changed = film()
    changed[KEPT[0][1] + SPREAD - 1] = 1e-4
    assert found(changed) == []
    changed[KEPT[0][1] + SPREAD + 1] = 1e-4
    assert found(changed) == ["something is heard where nothing was kept"]


def test_a_film_without_the_call_is_no_proof() -> None:
    for without in (np.zeros(10 * RATE), np.random.default_rng(3).normal(0, 0.1, 10 * RATE)):
        with pytest.raises(StageError, match="is not in the film"):
            placed(said()[:, 0], without, KEPT)


def test_a_short_stretch_before_a_sentence_lies_where_the_whole_does() -> None:
    """Beside speech, and without any of its own."""
    kept = [KEPT[0], (LATE + 6 * RATE + RATE // 10, LATE + 6 * RATE + RATE // 2 - RATE // 20), (7 * RATE, 9 * RATE)]
    there = np.zeros(10 * RATE)
    for first, last in kept:
        there[first:last] = film(fade=0)[first:last, 0]
    lying, apart = placed(said()[:, 0], there, kept)
    assert apart == 0
    assert np.abs(lying - there).max() < 1e-9


def test_the_encoder_alone_is_heard_where_something_was_kept_and_nowhere_else(tmp_path: Path) -> None:
    there = film(fade=0)
    alone = through_opus(there, KEPT, tmp_path)
    told = judged(Call(there, alone, there, film()), KEPT, (0.0, 0.0))
    assert min(end.like_opus for end in told.ends) > 2  # noise is the hardest that an encoder can get
    assert not np.any(alone[KEPT[0][1] : KEPT[1][0]])
    assert list(tmp_path.iterdir()) == []


def test_kept_runs_are_judged_as_they_were(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = Played("pipewire", heard(film()), cuts=1, least=6.5, verified=True)
    kept = tmp_path / "runs.jsonl"
    kept.write_text(json.dumps(asdict(good)) + "\n")
    assert kept_in(kept) == ("call", [good])
    assert main(["--table", str(kept)]) == 0
    assert "|  | pipewire, agent | pipewire, caller |\n" in capsys.readouterr().out
    with kept.open("a") as file:
        print(json.dumps(asdict(replace(good, heard=heard(film(hole))))), file=file)
    assert main(["--table", str(kept)]) == 1
    told = capsys.readouterr()
    assert "pipewire: the agent's end: 35 ms of speech are missing" in told.err
    assert "|  | pipewire 1, agent | pipewire 1, caller | pipewire 2, agent | pipewire 2, caller |\n" in told.out
    with pytest.raises(SystemExit):
        main(["call", "--quick", "--add", str(kept)])
    with pytest.raises(SystemExit):
        main(["--add", str(kept)])


def test_the_cuts_lie_within_a_line_of_the_call() -> None:
    _, begins = scripted(CALL, voice)
    for line in CUT:
        assert begins[line] + INTO + IN_VIEW + 1 < begins[line + 1] - CALL[line][2]
    assert max(line for line in CUT if line < QUICK_LENGTH) == NUMBER
    assert CALL[NUMBER][0] == CALLER


def test_a_voice_that_is_not_installed_is_said_with_what_to_do() -> None:
    with pytest.raises(StageError, match=r"no-such-words\.g722 is missing; on Debian scripts/setup"):
        voice(CALLER, "no-such-words")
