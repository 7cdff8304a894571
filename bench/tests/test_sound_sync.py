"""The judge of sound and picture: it finds what is there to the sample, and says what is not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bench.sound_account import SECOND
from bench.sound_sync import ALLOWED_MS, Flash, Offset, apart, best, compare, sounded, whitened
from testkit.flashes import PLACE, WAVE, Word, heard
from testkit.sounds import RATE
from testkit.stage import StageError

SIZE = (800, 480)
MS = SECOND // 1000


def film(
    to: Path, white: tuple[float, ...], left: tuple[float, ...], right: tuple[float, ...], length: int = 8
) -> Path:
    """Dark, at 50 pictures a second; white for half a second from each time on, and each channel beeps at its own."""
    with av.open(str(to), "w") as container:
        video, audio = container.add_stream("libx264", rate=50), container.add_stream("aac", rate=RATE, layout="stereo")
        video.width, video.height = SIZE
        video.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        for number in range(length * 50):
            picture = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
            picture[: SIZE[1]] = 20
            if any(at <= number / 50 < at + 0.5 for at in white):
                picture[PLACE[1] : PLACE[1] + PLACE[3], PLACE[0] : PLACE[0] + PLACE[2]] = 235
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 50)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = np.zeros((length * RATE, 2), np.int16)
        for channel, beeps in enumerate((left, right)):
            for at in beeps:
                samples[round(at * RATE) : round(at * RATE) + len(WAVE), channel] = WAVE
        whole = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        whole.sample_rate, whole.pts = RATE, 0
        container.mux(audio.encode(whole))
        container.mux(audio.encode(None))
    return to


def flash(at: float, when: str = "start", beeped: float | None = None) -> Flash:
    heard = round((at if beeped is None else beeped) * SECOND)
    return Flash(when, round(at * SECOND), heard, heard)


def test_what_is_there_is_found_to_the_millisecond(tmp_path: Path) -> None:
    made = film(tmp_path / "film.mp4", (2.0, 5.0), (2.01, 4.95), (1.99, 5.0))
    assert whitened(made) == [2.0, 5.0]
    for found, wanted in zip(sounded(made), ((2.01, 4.95), (1.99, 5.0)), strict=True):
        assert found == pytest.approx(wanted, abs=0.001)
    first, second = compare(made, [flash(2.0), flash(4.98, "after a pause")])
    assert (first.left, first.right) == pytest.approx((-10, 10), abs=1)
    assert (second.left, second.right, second.picture_late) == pytest.approx((50, 0, 20), abs=1)
    (late,) = compare(made, [flash(5.0, beeped=4.95)])  # by as much as the beep itself was before the flash
    assert (late.left, late.right, late.sound_late) == pytest.approx((0, -50, 25), abs=1)
    assert apart(second) > ALLOWED_MS > apart(first)


def test_what_is_missing_or_comes_twice_is_said(tmp_path: Path) -> None:
    made = film(tmp_path / "film.mp4", (2.0,), (2.0,), (2.0, 2.5))
    with pytest.raises(StageError, match=r"0 flashes are in the film at 5\.00 s"):
        compare(made, [flash(5.0)])
    with pytest.raises(StageError, match="2 beeps right"):
        compare(made, [flash(2.0)])


def test_a_quick_run_is_judged_by_the_best_of_each_time() -> None:
    late = Offset("after a pause", 520, 524, 523, 1)
    assert best([Offset("start", -3, 2, 0, 0), late, Offset("after a pause", 1, -7, 0, 0)]) == 7
    assert best([late, late, Offset("start", 1, 1, 0, 0)]) > ALLOWED_MS


def test_the_worst_is_of_either_side() -> None:
    assert [apart(Offset("start", -3, 2, 0, 0)), apart(Offset("start", 1, -7, 0, 0))] == [3, 7]


def words(stumble: float = 0.0, *, cycle: float = 0.043) -> list[Word]:
    """A server's of four seconds, every 7 ms: as of its last cycle, and later by `stumble` (s) from 2.05 s on."""
    told = []
    for said in (0.007 * number for number in range(570)):
        count = round((said // cycle * cycle if cycle else said) * RATE)
        at = said + 0.1 + (stumble if said > 2.05 else 0.0)
        told.append(Word(round(said * SECOND), count, round(at * SECOND)))
    return told


def test_a_beep_is_dated_by_the_cycle_in_which_the_server_answers() -> None:
    """And heard one cycle after the server took it."""
    first = 2 * RATE
    assert heard(words(), first, in_cycles=True) == pytest.approx(2.143 * SECOND, abs=7 * MS)
    assert heard(words(cycle=0.01), first, in_cycles=True) == pytest.approx(2.11 * SECOND, abs=7 * MS)
    assert heard(words(cycle=0), first, in_cycles=False) == pytest.approx(2.1 * SECOND, abs=MS)


def test_a_beep_is_not_dated_where_the_player_stumbled_or_nobody_said_anything() -> None:
    assert heard(words(0.02), 2 * RATE, in_cycles=True) is None
    assert heard(words()[:200], 2 * RATE, in_cycles=True) is None
    assert heard([], 0, in_cycles=False) is None
