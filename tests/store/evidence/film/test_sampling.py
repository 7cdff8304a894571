"""Sealed sound comes back as samples of one channel at 16 kHz, at its own times, from a process that is confined."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.core.model.media import Block
from agent.core.model.times import SECOND, Span
from agent.encode.audio import BLOCK_LENGTH, SoundEncoder
from agent.encode.opus import FRAME
from protocol.envelope import SOUND_STREAM
from store.evidence.film import CannotPlay, sampling
from store.evidence.film.sampling import BLOCK, RATE, Said

TONES = (440, 1000)  # Hz, of either end


def sound(*spans: tuple[int, int]) -> Iterator[bytes]:
    """As the recorder seals it: a tone at either end within the spans, ns."""
    encoder = SoundEncoder(0)
    for start, end in spans:
        for number in range(start // BLOCK_LENGTH, end // BLOCK_LENGTH):
            moments = (number * FRAME + np.arange(FRAME)) / 48_000
            ends = np.stack([8000 * np.sin(2 * np.pi * tone * moments) for tone in TONES], axis=1).astype("<i2")
            at = number * BLOCK_LENGTH
            block = Block(SOUND_STREAM, Span(at, at + BLOCK_LENGTH), at, number * FRAME, ends.tobytes())
            yield from (chunk.data for chunk in encoder.encode(block))
        yield from (chunk.data for chunk in encoder.gap(end))


def still(_: int) -> None:
    """No beat is waited for."""


def tone_of(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.argmax(spectrum)) * RATE / len(samples)


@pytest.mark.parametrize("channel", [0, 1])
def test_each_end_is_heard_alone_at_its_own_times(channel: int) -> None:
    made = sampling.samples(sound((0, 2 * SECOND), (5 * SECOND, 8 * SECOND)), channel, 9 * SECOND, beat=still)
    assert made.dtype == np.int16
    assert len(made) == 9 * RATE
    for first, last in ((0, 2), (5, 8)):
        assert tone_of(made[first * RATE + 800 : last * RATE - 800]) == pytest.approx(TONES[channel], abs=1)
    assert not made[2 * RATE + 800 : 5 * RATE - 800].any()
    assert not made[8 * RATE + 800 :].any()


def test_nothing_is_written_beyond_the_recordings_end() -> None:
    assert len(sampling.samples(sound((0, 2 * SECOND)), 0, SECOND, beat=still)) == RATE


@pytest.mark.parametrize("stream", [[b""], [b"#EXTM3U\nfile:///etc/passwd\n"], [bytes(100_000)]])
def test_what_no_decoder_takes_is_said(stream: list[bytes]) -> None:
    with pytest.raises(CannotPlay, match="no decoder takes it"):
        sampling.samples(stream, 0, SECOND, beat=still)


def test_what_opens_the_stream_may_fail() -> None:
    def pieces() -> Iterator[bytes]:
        yield from list(sound((0, SECOND)))[:1]
        raise LookupError("altered")

    with pytest.raises(LookupError, match="altered"):
        sampling.samples(pieces(), 0, SECOND, beat=still)


def test_who_asks_may_end_it() -> None:
    """The stream never ends, and the process waits for it."""
    over = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield from sound((0, SECOND))
        over.wait()

    def ends(_: int) -> None:
        over.set()
        raise InterruptedError("to end")

    with pytest.raises(InterruptedError, match="to end"):
        sampling.samples(pieces(), 0, SECOND, beat=ends, every=0.01)


SAYS = "import os; os.read(0, 1); os.write(1, {!r})"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "before it was done"),
        (b"\x00" * 5, "before it was done"),
        (BLOCK.pack(-1, 4) + bytes(8), "before it was done"),
        (BLOCK.pack(0, 2**31 - 1), "before it was done"),
        (BLOCK.pack(0, 4) + bytes(3), "before it was done"),
        (BLOCK.pack(99, -1), "before it was done"),
        (BLOCK.pack(0, -2), "before it was done"),
        (BLOCK.pack(Said.MEMORY, -1), "more memory"),
        (BLOCK.pack(Said.NO_SOUND, -1), "no sound"),
    ],
)
def test_whatever_the_process_says(monkeypatch: pytest.MonkeyPatch, said: bytes, words: str) -> None:
    """In its place runs what a hostile stream may have made of it."""
    monkeypatch.setattr(sampling, "command", lambda *_: [sys.executable, "-c", SAYS.format(said)])
    with pytest.raises(CannotPlay, match=words):
        sampling.samples([b"x"], 0, SECOND, beat=still)


def test_one_that_says_nothing_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "command", lambda *_: [sys.executable, "-c", "import signal; signal.pause()"])
    monkeypatch.setattr(sampling, "STALLED_AFTER", 0)  # the real one is minutes
    with pytest.raises(CannotPlay, match="before it was done"):
        sampling.samples([b"x"], 0, SECOND, beat=still, every=0.01)


def test_a_place_far_away_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    said = BLOCK.pack(2**62, 4) + bytes(8) + BLOCK.pack(Said.DONE, -1)
    monkeypatch.setattr(sampling, "command", lambda *_: [sys.executable, "-c", SAYS.format(said)])
    assert not sampling.samples([b"x"], 0, SECOND, beat=still).any()


def test_it_is_confined_as_the_maker_of_films_is() -> None:
    """tests/store/evidence/film/test_confined.py says what that means."""
    text = Path(sampling.__file__).with_name("sampler.py").read_text("ascii")
    assert text.index("    confine(") < text.index("        for at, samples in _resampled(channel)")
