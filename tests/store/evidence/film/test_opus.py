"""Sealed sound is decoded as it was said: by libopus, at its own times, and each stretch for itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from agent.encode.cmaf import Sample, fragment
from agent.encode.opus import FRAME, LOOK_AHEAD, Opus
from store.evidence.film import CannotPlay
from store.evidence.film.opus import samples_of
from tests.store.filmed import film

LOUDEST = 0.4  # of full scale; what was said is
SPEECH = Path(__file__).with_name("speech.hex")  # 30 packets that the recorder made of espeak-ng's speech, one a line


def recorded(to: Path, packets: list[bytes], *ats: int) -> Path:
    """The packets once for each place in time, as the recorder's fragments."""
    encoder = Opus()
    samples = [Sample(packet, FRAME, key=True) for packet in packets]
    samples.append(Sample(encoder.end(), LOOK_AHEAD, key=True))
    to.write_bytes(encoder.header + b"".join(fragment(1 + place, at, samples) for place, at in enumerate(ats)))
    return to


def spoken() -> list[bytes]:
    return [bytes.fromhex(line) for line in SPEECH.read_text("ascii").splitlines()]


def loudest_by_ffmpeg(file: Path) -> float:
    with av.open(str(file)) as container:
        return max(float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0))


def test_speech_is_not_made_noise_as_ffmpegs_own_decoder_makes_it(tmp_path: Path) -> None:
    """When the second line fails, FFmpeg's decoder has been mended; it is still not the reference."""
    file = recorded(tmp_path / "sound.mp4", spoken(), 0)
    assert loudest_by_ffmpeg(file) > 2 * LOUDEST
    assert max(int(np.abs(samples.astype(int)).max()) for _, samples in samples_of(file)) < LOUDEST * 32_768


def test_a_stretch_after_a_gap_is_what_it_would_be_alone(tmp_path: Path) -> None:
    gap = 100 * FRAME
    heard = list(samples_of(recorded(tmp_path / "twice.mp4", spoken(), 0, gap)))
    first = [(at, samples) for at, samples in heard if at < 50 * FRAME]
    again = heard[len(first) :]
    assert first[0][0] == -LOOK_AHEAD
    assert [(at + gap, samples.tobytes()) for at, samples in first] == [(at, one.tobytes()) for at, one in again]
    for (at, samples), (later, _) in pairwise(first):
        assert at + len(samples) == later
    assert sum(len(samples) for _, samples in first) == 30 * FRAME + LOOK_AHEAD


def test_what_holds_no_sound_is_said_to(tmp_path: Path) -> None:
    header, fragments = film(1)
    (tmp_path / "screen.mp4").write_bytes(header + b"".join(fragments))
    with pytest.raises(CannotPlay, match=r"screen\.mp4 holds no sound"):
        list(samples_of(tmp_path / "screen.mp4"))
