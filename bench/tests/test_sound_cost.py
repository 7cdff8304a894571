"""What bench/sound says that sound costs: of the talk alone, and beside a recorder without sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import sound_talk
from bench.sound_account import SECOND, Span
from bench.sound_pauses import mb_per_hour, used_more
from testkit.sounds import RATE


def test_what_an_hour_takes_is_of_the_talk_alone(tmp_path: Path) -> None:
    """Silence, as while devices go and come, takes a third of it."""
    talked, half = 8, 8 * RATE
    samples = np.concatenate([np.random.default_rng(1).normal(0, 3000, (half, 2)), np.zeros((half, 2))]).astype("<i2")
    file = tmp_path / "sound.mp4"
    file.write_bytes(b"".join(chunk.data for chunk in sound_talk.chunks_of(samples)))
    zero = 5 * SECOND
    talk, rest = (
        mb_per_hour({file: zero}, Span(zero + at * SECOND, zero + (at + talked) * SECOND)) for at in (0, talked)
    )
    assert talk > 3 * rest > 0
    whole = mb_per_hour({file: zero}, Span(0, 60 * SECOND))
    assert whole == pytest.approx(file.stat().st_size / 1e6 / (2 * talked / 3600), rel=0.01)
    assert whole == pytest.approx((talk + rest) / 2, rel=0.02)
    assert mb_per_hour({file: zero}, Span(0, SECOND)) == 0


def test_an_ordinary_call_takes_less_than_was_asked_for() -> None:
    call, _ = sound_talk.scripted(sound_talk.CALL, sound_talk.voice)
    assert 10 < sound_talk.mb_per_hour(call) < 18
    assert "a call of" in sound_talk.told()


def test_what_sound_costs_is_what_the_recorder_with_it_uses_more_than_the_one_without() -> None:
    before, after = [(1.0, 80_000_000), (2.0, 80_000_000)], [(31.0, 95_000_000), (22.0, 90_000_000)]
    assert used_more(before, after, 4) == {"cpu_s_per_min": 2.5, "memory_mb": 5.0}
    assert used_more(before[:1], after[:1], 4) == {}  # a quick run has none without
