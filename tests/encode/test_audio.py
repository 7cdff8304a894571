"""Blocks in, chunks out, and back: what a player lets hear is what was said, when it was said, by whom it was said."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.cut import CHUNK_LENGTH
from agent.core.model.media import Block, Chunk, ChunkFlag, ChunkKind
from agent.core.model.times import MILLISECOND, Span
from agent.encode.audio import BLOCK_LENGTH, FRAME, RATE, SoundEncoder
from agent.encode.opus import CHANNELS, Opus
from store.evidence.film.opus import samples_of
from tests.encode import boxes
from tests.encode.films import START, film, media, ms, probe

STREAM = 5


def sound(blocks: int, *, ends: tuple[int, ...] = (0, 1)) -> np.ndarray:
    """Clicks, ten a second: of the left and the right channel at different times. Only the `ends` make any."""
    samples = np.zeros((blocks * FRAME, 2), np.int16)
    click = (12_000 * np.sin(2 * np.pi * np.arange(40) / 40)).astype(np.int16)
    for end in ends:
        for place in range((500, 2900)[end], len(samples) - 40, 4800):
            samples[place : place + 40, end] = click
    return samples


def block(samples: np.ndarray, number: int, *, shift: int = 0) -> Block:
    """Block `number` of the samples, heard `shift` ns later than its number says."""
    at = START + number * BLOCK_LENGTH + shift
    span = Span(at - MILLISECOND, at + BLOCK_LENGTH + MILLISECOND)
    return Block(STREAM, span, at, number * FRAME, samples[number * FRAME : (number + 1) * FRAME].tobytes())


def record(samples: np.ndarray, kept: Sequence[range], *, shift: int = 0) -> list[Chunk]:
    """The `kept` ranges of blocks, with gaps between them."""
    encoder = SoundEncoder(START)
    chunks: list[Chunk] = []
    for run in kept:
        for number in run:
            chunks += encoder.encode(block(samples, number, shift=shift))
        chunks += encoder.gap(START + run.stop * BLOCK_LENGTH + 700 * MILLISECOND)
    return [*chunks, *encoder.close(START + 10**12)]


def hear(data: bytes, length: int) -> np.ndarray:
    """What libopus decodes, every sample at its time, from -1 to 1; silence where there is nothing."""
    heard = np.zeros((length, 2))
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        for place, decoded in samples_of(Path(file.name)):
            samples = decoded[max(0, -place) :][: max(0, length - max(0, place))] / 32_768
            heard[max(0, place) : max(0, place) + len(samples)] = samples
    return heard


def lag(said: np.ndarray, heard: np.ndarray) -> int:
    """By how many samples what is heard comes late."""
    fit = np.fft.irfft(np.fft.rfft(heard) * np.conj(np.fft.rfft(said)), len(said))
    return int((np.argmax(np.roll(fit, 400)[:801])) - 400)


def test_every_sample_is_heard_when_it_was_said_before_and_after_a_gap(tmp_path: Path) -> None:
    said = sound(400)
    chunks = record(said, [range(10, 130), range(200, 400)])
    heard = hear(film(chunks, STREAM), len(said))
    for run in (slice(10 * FRAME, 130 * FRAME), slice(200 * FRAME, 400 * FRAME)):
        for end in (0, 1):
            assert abs(lag(said[run, end] / 32_768, heard[run, end])) <= 1
    gap = heard[131 * FRAME : 199 * FRAME]
    assert not gap.any()
    packets, frames = probe(film(chunks, STREAM), tmp_path)
    assert len(packets) == len(frames) == 120 + 1 + 200 + 1


def test_the_last_sample_before_a_gap_is_heard_and_the_first_after_it() -> None:
    said = np.zeros((100 * FRAME, 2), np.int16)
    said[40 * FRAME - 60 : 40 * FRAME - 20] = said[60 * FRAME + 20 : 60 * FRAME + 60] = 12_000
    heard = np.abs(hear(film(record(said, [range(40), range(60, 100)]), STREAM), len(said)))
    assert heard[40 * FRAME - 60 : 40 * FRAME - 20].max() > 0.1
    assert heard[60 * FRAME + 20 : 60 * FRAME + 60].max() > 0.1


def test_nothing_of_before_a_gap_is_in_what_comes_after_it() -> None:
    loud, quiet = sound(200), sound(200)
    quiet[: 100 * FRAME] = 0
    after = [media(record(said, [range(100), range(120, 200)]), STREAM)[-1].data for said in (loud, quiet)]
    assert boxes.samples(after[0])[0].data == boxes.samples(after[1])[0].data
    assert [one.data for one in boxes.samples(after[0])] == [one.data for one in boxes.samples(after[1])]


@pytest.mark.parametrize("end", [0, 1])
def test_one_end_is_not_heard_on_the_others_channel(end: int) -> None:
    seconds = np.arange(200 * FRAME) / RATE
    said = np.zeros((200 * FRAME, 2), np.int16)
    said[:, end] = 8000 * np.sin(2 * np.pi * 300 * seconds) * (1 + np.sin(2 * np.pi * 4 * seconds))
    heard = hear(film(record(said, [range(200)]), STREAM), len(said))[RATE // 2 :]
    power = (heard**2).mean(axis=0)
    assert power[end] > 1e-3
    assert 10 * np.log10(power[1 - end] / power[end] + 1e-20) < -60


def test_speech_is_never_encoded_in_the_mode_for_speech() -> None:
    """SILK makes bursts of some of it (decision 28). The configuration is a packet's first five bits (RFC 6716 3.1)."""
    at = np.arange(100 * FRAME) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * overtone * at) / overtone for overtone in range(1, 25))
    heard = (3000 * voice * (1 + np.sin(2 * np.pi * 4 * at))).clip(-32_768, 32_767).astype("<i2")
    encoder = Opus()
    packets = [encoder.encode(np.repeat(block, CHANNELS).tobytes()) for block in heard.reshape(-1, FRAME)]
    assert {packet[0] >> 3 for packet in (*packets, encoder.end())} <= set(range(16, 32))


def test_an_hour_takes_at_most_18_megabytes() -> None:
    noise = np.random.default_rng(3).normal(0, 3000, (1000 * FRAME, 2)).clip(-32_768, 32_767).astype(np.int16)
    chunks = record(noise, [range(1000)])
    assert sum(len(chunk.data) for chunk in chunks) * 180 <= 18_000_000  # of 20 s of the worst there is


def test_a_chunk_stands_for_four_seconds_at_most_and_they_touch() -> None:
    chunks = media(record(sound(500), [range(450)]), STREAM)
    spans = [(ms(one.span.start), ms(one.span.end)) for one in chunks]
    assert spans == [(0, 4000), (4000, 8000), (8000, 9000)]
    assert all(one.flags == ChunkFlag.KEY_FRAME for one in chunks)


def test_a_gap_ends_with_the_last_block_and_marks_the_next_chunk() -> None:
    chunks = media(record(sound(200), [range(20), range(100, 150)]), STREAM)
    assert [(ms(one.span.start), ms(one.span.end)) for one in chunks] == [(0, 400), (2000, 3000)]
    assert [bool(one.flags & ChunkFlag.AFTER_GAP) for one in chunks] == [False, True]


def test_a_missing_block_is_a_gap_that_nobody_announced() -> None:
    chunks = media(record(sound(200), [range(20)]), STREAM)
    encoder = SoundEncoder(START)
    silent = [*itertools.chain(*(encoder.encode(block(sound(200), number)) for number in (*range(20), *range(21, 40))))]
    rest = list(encoder.close(0))
    assert media(silent, STREAM)[0].data == chunks[0].data
    assert rest[0].flags & ChunkFlag.AFTER_GAP


def test_times_in_the_file_are_the_clocks_to_the_sample() -> None:
    shift = 7_654_321  # ns
    (only,) = media(record(sound(50), [range(3, 50)], shift=shift), STREAM)
    assert boxes.samples(only.data)[0].at == round((3 * BLOCK_LENGTH + shift) * RATE / 10**9)


def test_any_chunk_can_be_played_by_itself() -> None:
    said = sound(500)
    chunks = record(said, [range(500)])
    (header,) = (one for one in chunks if one.kind is ChunkKind.HEADER)
    second = media(chunks, STREAM)[1]
    heard = hear(header.data + second.data, len(said))
    run = slice(205 * FRAME, 395 * FRAME)
    assert abs(lag(said[run, 0] / 32_768, heard[run, 0])) <= 1
    assert not heard[: 199 * FRAME].any()


def test_what_has_its_time_taken_is_left_out_and_ends_nothing() -> None:
    """A device that comes back may be stamped a little earlier than what was kept before it went."""
    said = sound(20)
    encoder = SoundEncoder(START)
    list(encoder.encode(block(said, 5)))
    assert list(encoder.encode(block(said, 5))) == []
    list(encoder.encode(block(said, 6)))
    (ended,) = media(list(encoder.gap(0)), STREAM)
    assert ended.span.end - ended.span.start == 2 * BLOCK_LENGTH
    assert list(encoder.encode(block(said, 4))) == []
    list(encoder.encode(block(said, 7)))
    assert len(media(list(encoder.close(0)), STREAM)) == 1


def test_disorder_is_refused() -> None:
    said = sound(20)
    encoder = SoundEncoder(START)
    list(encoder.encode(block(said, 5)))
    with pytest.raises(ValueError, match="before the recording"):
        encoder.encode(block(said, 0, shift=-1))
    with pytest.raises(ValueError, match="where 3840 make 20 ms"):
        encoder.encode(Block(STREAM, Span(START, START), START, 0, b"1234"))
    list(encoder.close(0))
    with pytest.raises(ValueError, match="after the recording's end"):
        encoder.encode(block(said, 6))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 250), st.integers(1, 50)), min_size=1, max_size=4), st.integers(0, 10**8))
def test_any_session(runs: list[tuple[int, int]], shift: int) -> None:
    """(kept, left out) numbers of blocks."""
    kept, at = [], 0
    for length, pause in runs:
        kept.append(range(at, at + length))
        at += length + pause
    chunks = media(record(sound(at), kept, shift=shift), STREAM)
    assert [boxes.number(one.data) for one in chunks] == list(range(1, len(chunks) + 1))
    for before, after in itertools.pairwise(chunks):
        assert (before.span.end == after.span.start) != bool(after.flags & ChunkFlag.AFTER_GAP)
        ended = boxes.samples(before.data)[-1]
        if not after.flags & ChunkFlag.AFTER_GAP:
            assert ended.at + ended.duration == boxes.samples(after.data)[0].at
    assert all(one.span.end - one.span.start <= CHUNK_LENGTH for one in chunks)
    assert sum(one.span.end - one.span.start for one in chunks) == sum(len(run) for run in kept) * BLOCK_LENGTH
