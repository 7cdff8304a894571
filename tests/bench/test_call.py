"""What bench/call says of a call: a good recording has no fault, and whatever a person would hear is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.call import faults, through_opus
from bench.call_heard import CLICK, RATE, SPREAD, Heard, Samples, judged, placed
from bench.sound_play import limited
from bench.stage import StageError

KEPT = [(RATE // 2, 4 * RATE), (6 * RATE, 9 * RATE)]
LATE = 7_000  # samples by which the film begins before the call
FADE = RATE // 200


def said() -> Samples:
    """Nine seconds: noise in the band of speech, half a second of it and half a second of nothing, at each end."""
    drawn = np.random.default_rng(7)
    ends = np.zeros((9 * RATE, 2))
    for end, band in enumerate((8000.0, 3400.0)):
        ends[:, end] = limited(drawn.normal(0, 0.1, len(ends)), band)
        for half in range(end, 18, 2):
            ends[half * RATE // 2 : (half + 1) * RATE // 2, end] = 0
    return ends


def film(change: Callable[[Samples], object] = lambda _: None, *, fade: int = FADE) -> Samples:
    """The call as it is kept, changed, and cut."""
    there = np.zeros((10 * RATE, 2))
    there[LATE : LATE + 9 * RATE] = said()
    change(there)
    share = np.zeros(len(there))
    for first, last in KEPT:
        steps = np.minimum(np.arange(last - first), np.arange(last - first)[::-1]) + 0.5
        share[first:last] = np.minimum(steps / max(fade, 0.5), 1)
    return there * share[:, None]


def found(heard: Samples) -> Heard:
    lying, apart = zip(*(placed(said()[:, end], heard[:, end], KEPT) for end in (0, 1)), strict=True)
    there = np.stack(lying, axis=1)
    return judged(there, film(fade=0), heard, KEPT, (apart[0], apart[1]))


def test_a_call_that_was_kept_whole_has_no_fault() -> None:
    heard = found(film())
    assert faults(heard) == []
    assert [end.like > 60 for end in heard.ends] == [True, True]
    assert (heard.kept, heard.cuts) == (6.5, 4)
    assert heard.hard > heard.clicks + 10


def silence(there: Samples) -> None:
    there[LATE + 5 * RATE // 2 :][: RATE // 10, 0] = 0


def whistle(there: Samples) -> None:
    at = np.arange(RATE // 10)
    there[LATE + 8 * RATE // 5 :][: len(at), 1] += 0.02 * np.sin(2 * np.pi * 1000 * at / RATE)


def distort(there: Samples) -> None:
    there[:] = np.clip(there, -0.05, 0.05)


def click(there: Samples) -> None:
    there[LATE + 2 * RATE + 7, :] += 0.1


def move(there: Samples) -> None:
    there[5 * RATE :] = np.roll(there, RATE // 10, axis=0)[5 * RATE :]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (silence, "the agent's end: 100 ms of speech are missing"),
        (whistle, "the caller's end: 120 ms have something that nobody said"),
        (distort, "dB like the call, where the encoder alone comes to"),
        (click, "the caller's end: clicks of -2"),
        (move, "its stretches are up to 100 ms apart"),
    ],
)
def test_what_a_person_would_hear_is_found(change: Callable[[Samples], object], words: str) -> None:
    assert any(words in fault for fault in faults(found(film(change)))), faults(found(film(change)))


def test_an_edge_that_does_not_fade_clicks() -> None:
    assert any("an edge clicks" in fault for fault in faults(found(film(fade=0))))


def test_a_sample_where_nothing_was_kept_is_found_and_what_the_films_encoder_spreads_is_not() -> None:
    heard = film()
    heard[KEPT[0][1] + SPREAD - 1] = 1e-4
    assert faults(found(heard)) == []
    heard[KEPT[0][1] + SPREAD + CLICK] = 1e-4
    assert faults(found(heard)) == ["something is heard where nothing was kept"]


def test_a_film_without_the_call_is_no_proof() -> None:
    with pytest.raises(StageError, match="nothing of what was said"):
        placed(np.zeros(RATE), film()[:, 0], KEPT)


def test_the_encoder_alone_is_heard_where_something_was_kept_and_nowhere_else(tmp_path: Path) -> None:
    there = film(fade=0)
    alone = through_opus(there, KEPT, tmp_path)
    heard = judged(there, alone, film(), KEPT, (0.0, 0.0))
    assert min(end.opus for end in heard.ends) > 2  # noise is the hardest that an encoder can get
    assert not np.any(alone[KEPT[0][1] : KEPT[1][0]])
    assert list(tmp_path.iterdir()) == []
