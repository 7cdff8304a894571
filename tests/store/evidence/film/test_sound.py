"""The film's sound: what was kept, silence for the rest, and no click between the two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.encode.cmaf import Sample, fragment
from agent.encode.opus import FRAME, Opus
from store.clock import SECOND
from store.evidence.account import Interval
from store.evidence.film.opus import RATE
from store.evidence.film.sound import FADE, Sound

LENGTH = 50 * FRAME  # a second
LOUD = 10_000  # of 32768


@pytest.fixture
def humming(tmp_path: Path) -> Path:
    """A second of a deep hum at both ends, deep enough to be loud at any edge."""
    encoder = Opus()
    wave = (LOUD * np.sin(2 * np.pi * 150 * np.arange(LENGTH) / RATE)).astype("<i2")
    both = np.repeat(wave, 2).reshape(-1, FRAME * 2)
    packets = [encoder.encode(block.tobytes()) for block in both]
    (tmp_path / "sound.mp4").write_bytes(
        encoder.header + fragment(1, 0, [Sample(one, FRAME, key=True) for one in packets])
    )
    return tmp_path / "sound.mp4"


def kept(first: int, last: int) -> Interval:
    """By samples."""
    return Interval(first * SECOND // RATE, last * SECOND // RATE)


def test_what_was_kept_comes_and_goes_softly_and_is_itself_in_between(humming: Path) -> None:
    whole = Sound(humming, [kept(0, LENGTH)]).between(0, LENGTH)
    first, last = 10_000, 30_000
    heard = Sound(humming, [kept(first, last)]).between(0, LENGTH)
    assert not heard[:first].any()
    assert not heard[last:].any()
    assert (heard[first + FADE : last - FADE] == whole[first + FADE : last - FADE]).all()
    for edge, inward in ((first, 1), (last - 1, -1)):
        into = edge + inward * np.arange(FADE)
        assert (np.abs(heard[into]) <= np.abs(whole[into]) * (np.arange(FADE)[:, None] + 1) / FADE + 1).all()
        assert np.abs(heard[into]).max() > LOUD / 4
    steps = np.abs(np.diff(heard.astype(int), axis=0))
    assert steps[first - 2 : first + 2].max() < LOUD / 100
    assert steps[last - 2 : last + 2].max() < LOUD / 100


def test_it_is_the_same_however_much_is_asked_for_at_once(humming: Path) -> None:
    spans = [kept(5_000, 5_000 + FADE), kept(9_000, 20_123)]
    whole = Sound(humming, spans).between(0, LENGTH)
    small = Sound(humming, spans)
    parts = [small.between(at, min(at + 77, LENGTH)) for at in range(0, LENGTH, 77)]
    assert (np.concatenate(parts) == whole).all()
    assert whole[5_000 : 5_000 + FADE].any()
