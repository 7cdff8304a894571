"""Frames in, chunks out, and back: what a player shows is what was on screen, when it was on screen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.capture.canvas import Canvas
from agent.core.cut import CHUNK_LENGTH, FULL, KEY_FRAME_EVERY
from agent.core.model.media import Chunk, ChunkFlag, ChunkKind, Frame
from agent.core.model.seen import Box
from agent.core.model.times import MILLISECOND, Span
from agent.encode.h264 import TIMESCALE
from agent.encode.video import ScreenEncoder
from protocol.envelope import MAX_SEALED
from tests.capture.colours import BLUE, GREEN, MAGENTA, WHITE, Colour, ycbcr
from tests.encode import boxes
from tests.encode.films import START, durations, film, frame, media, ms, noise, play, probe, times

MS_TICKS = TIMESCALE // 1000


def record(events: Sequence[Frame | int], close: int) -> list[Chunk]:
    """Frames, and gaps by their time in ms; closed at `close` ms."""
    encoder = ScreenEncoder(START)
    chunks: list[Chunk] = []
    for event in events:
        if isinstance(event, Frame):
            chunks += encoder.encode(event)
        else:
            chunks += encoder.gap(START + event * MILLISECOND)
    return [*chunks, *encoder.close(START + close * MILLISECOND)]


def spans(chunks: Sequence[Chunk]) -> list[tuple[int, int]]:
    return [(ms(chunk.span.start), ms(chunk.span.end)) for chunk in chunks]


def medians(picture: av.VideoFrame) -> tuple[int, int, int]:
    """Y, Cb and Cr of most of the picture."""
    pixels = picture.to_ndarray().reshape(-1)
    luma = picture.width * picture.height
    parts = (pixels[:luma], pixels[luma : luma * 5 // 4], pixels[luma * 5 // 4 :])
    return tuple(int(np.median(part)) for part in parts)


# -- what a player sees -----------------------------------------------------------------------------------------------


def test_header_and_fragments_are_a_film_with_the_screens_own_times(tmp_path: Path) -> None:
    starts = [37, 240, 441, 1003, 5003, 5204]
    chunks = record([frame(at, (at % 200, 50, 90)) for at in starts], close=6000)
    assert chunks[0].kind is ChunkKind.HEADER
    assert times(play(film(chunks))) == starts
    packets, frames = probe(film(chunks), tmp_path)
    assert [round(1000 * float(one["pts_time"])) for one in frames] == starts
    assert [one["pict_type"] for one in frames] == ["I", "P", "P", "P", "P", "P"]
    assert [one["dts"] for one in packets] == [one["pts"] for one in packets]
    ends = [*starts[1:], 6000]
    # ffprobe guesses durations from the frame rate; the file's own are what a player goes by.
    assert durations(film(chunks)) == [end - start for start, end in zip(starts, ends, strict=True)]


def test_a_pause_is_a_hole_in_time(tmp_path: Path) -> None:
    chunks = record([frame(0), frame(200, WHITE), 900, frame(60_000, BLUE), frame(60_200, GREEN)], close=61_000)
    assert spans(media(chunks)) == [(0, 900), (60_000, 61_000)]
    assert times(play(film(chunks))) == [0, 200, 60_000, 60_200]
    assert len(probe(film(chunks), tmp_path)[1]) == 4


@pytest.mark.parametrize("colour", [MAGENTA, GREEN, BLUE, WHITE, (0, 0, 0), (200, 30, 40)])
def test_colours_survive(colour: Colour) -> None:
    chunks = record([frame(0, (128, 128, 128)), frame(200, colour), frame(400, colour)], close=600)
    for picture in play(film(chunks))[1:]:
        assert all(abs(a - b) <= 4 for a, b in zip(medians(picture), ycbcr(colour), strict=True))
        red, green, blue = np.median(picture.to_ndarray(format="rgb24"), axis=(0, 1))
        assert all(abs(a - b) <= 10 for a, b in zip((red, green, blue), colour, strict=True))


@pytest.mark.parametrize(("width", "height"), [(64, 48 + more) for more in range(0, 16, 2)] + [(66, 50), (1680, 1050)])
def test_every_pixel_has_its_colour_whatever_the_height(width: int, height: int) -> None:
    """1680x1050 is a common monitor. Four colours, so that a plane that begins in a wrong place shows."""
    canvas = Canvas(width, height)
    corners = ((0, 0, MAGENTA), (1, 0, GREEN), (0, 1, BLUE), (1, 1, WHITE))
    across, down = width // 4 * 2, height // 4 * 2
    for right, below, colour in corners:
        box = Box(right * across, below * down, (across, width - across)[right], (down, height - down)[below])
        canvas.paint(box, np.full((box.height, box.width, 4), (*colour[::-1], 255), np.uint8))
    shown = Frame(0, Span(START, START + 200 * MILLISECOND), width, height, canvas.picture())
    (picture,) = play(film(record([shown], close=200)))
    seen = picture.to_ndarray(format="rgb24").astype(int)
    wanted = np.empty((height, width, 3), int)
    for right, below, colour in corners:
        wanted[slice(down, None) if below else slice(down), slice(across, None) if right else slice(across)] = colour
    inside = np.ones((height, width), bool)  # chroma is shared by 2x2 px, and blurs at an edge between colours
    inside[down - 4 : down + 4], inside[:, across - 4 : across + 4] = False, False
    assert np.abs(seen - wanted)[inside].max() <= 16


def test_a_player_is_told_how_to_read_the_colours() -> None:
    (picture,) = play(film(record([frame(0)], close=100)))
    assert picture.color_range == av.video.reformatter.ColorRange.MPEG
    assert picture.colorspace == av.video.reformatter.Colorspace.SMPTE170M
    assert picture.color_primaries == av.video.reformatter.ColorPrimaries.BT709
    assert picture.color_trc == av.video.reformatter.ColorTrc.IEC61966_2_1


def test_details_survive() -> None:
    """A page of thin lines, which is what text is to an encoder."""
    plain = frame(0)
    luma = np.frombuffer(plain.pixels, np.uint8).copy()
    luma[: 64 * 48].reshape(48, 64)[10:40:4, 8:56] = 16
    page = Frame(0, plain.span, 64, 48, luma.tobytes())
    (picture,) = play(film(record([page], close=100)))
    seen = picture.to_ndarray()[:48]
    wanted = luma[: 64 * 48].reshape(48, 64)
    assert np.abs(seen.astype(int) - wanted).mean() < 3


@pytest.mark.parametrize("size", [(18, 34), (322, 242), (242, 322), (1366, 768)])
def test_any_even_size(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    shown = [frame(at, colour, width=width, height=height) for at, colour in ((0, WHITE), (300, MAGENTA))]
    chunks = record(shown, close=500)
    pictures = play(film(chunks))
    assert [(one.width, one.height) for one in pictures] == [size, size]
    assert len(probe(film(chunks), tmp_path)[1]) == 2
    assert all(abs(a - b) <= 4 for a, b in zip(medians(pictures[1]), ycbcr(MAGENTA), strict=True))


# -- what a chunk is --------------------------------------------------------------------------------------------------


def test_a_chunk_ends_with_the_frame_that_comes_after_its_length() -> None:
    chunks = media(record([noise(at, at) for at in range(0, 9000, 500)], close=9000))
    assert spans(chunks) == [(0, 4000), (4000, 8000), (8000, 9000)]


def test_a_still_screen_is_a_chunk_a_repeat() -> None:
    chunks = media(record([frame(at) for at in (0, 4000, 8000, 12_000)], close=13_000))
    assert spans(chunks) == [(0, 4000), (4000, 8000), (8000, 12_000), (12_000, 13_000)]
    assert [bool(chunk.flags & ChunkFlag.KEY_FRAME) for chunk in chunks] == [True, False, False, False]


def test_a_picture_that_stands_past_its_chunks_length_opens_the_next() -> None:
    chunks = media(record([frame(0), frame(3900, WHITE), frame(7900, WHITE)], close=8000))
    assert spans(chunks) == [(0, 3900), (3900, 7900), (7900, 8000)]


def test_a_chunk_of_pictures_too_large_for_the_envelope_ends_early() -> None:
    """Twelve pictures of noise at 1080p are 21 MB, and the envelope takes 16 MiB."""
    pixels = np.random.default_rng(0)
    encoder = ScreenEncoder(START)
    chunks: list[Chunk] = []
    for number in range(12):
        drawn = frame(200 * number, width=1920, height=1080)
        noisy = pixels.integers(16, 235, len(drawn.pixels), dtype=np.uint8).tobytes()
        chunks += encoder.encode(replace(drawn, pixels=noisy))
    chunks += encoder.close(START + 2400 * MILLISECOND)
    assert sum(len(chunk.data) for chunk in chunks) > MAX_SEALED
    assert max(len(chunk.data) for chunk in chunks) < MAX_SEALED / 2 + FULL


def test_a_gap_ends_chunks_where_it_says_and_marks_the_next() -> None:
    chunks = media(record([frame(0), 700, 800, frame(2000), frame(2200, WHITE), frame(6000)], close=6500))
    assert spans(chunks) == [(0, 700), (2000, 6000), (6000, 6500)]
    assert [chunk.flags for chunk in chunks][:2] == [
        ChunkFlag.KEY_FRAME,
        ChunkFlag.KEY_FRAME | ChunkFlag.AFTER_GAP,
    ]
    assert all(not chunk.flags & ChunkFlag.AFTER_GAP for chunk in chunks[2:])


def test_a_gap_that_ends_within_a_grab_keeps_the_grab() -> None:
    """A released frame's whole span is proven, whatever came right after it."""
    (chunk,) = media(record([frame(100), 101], close=101))
    assert spans([chunk]) == [(100, 102)]


def test_key_frames_come_after_a_gap_and_with_the_first_change_after_thirty_seconds() -> None:
    still = [frame(at, WHITE) for at in range(4000, 33_000, 4000)]
    chunks = record([frame(0), *still, frame(33_000, BLUE), 34_000, frame(40_000, BLUE)], close=41_000)
    read = [sample for chunk in media(chunks) for sample in boxes.samples(chunk.data)]
    keys = [sample.at // MS_TICKS for sample in read if sample.sync]
    assert keys == [0, 33_000, 40_000]
    assert all(sample.kinds == [5 if sample.sync else 1] for sample in read)


def test_a_key_frame_opens_a_chunk() -> None:
    chunks = media(record([noise(at, at) for at in range(0, 36_000, 700)], close=36_000))
    for chunk in chunks:
        first, *others = boxes.samples(chunk.data)
        assert first.sync == bool(chunk.flags & ChunkFlag.KEY_FRAME)
        assert not any(sample.sync for sample in others)
    assert sum(bool(chunk.flags & ChunkFlag.KEY_FRAME) for chunk in chunks) == 2


def test_a_new_page_is_no_key_frame() -> None:
    chunks = record([noise(0, 1), noise(200, 2), noise(400, 3)], close=600)
    read = [sample.sync for chunk in media(chunks) for sample in boxes.samples(chunk.data)]
    assert read == [True, False, False]


# -- several streams --------------------------------------------------------------------------------------------------


def test_each_stream_is_a_film_of_its_own(tmp_path: Path) -> None:
    left = [frame(at, GREEN, stream=3) for at in (0, 300, 600)]
    right = [frame(at, MAGENTA, stream=4, width=48, height=64) for at in (10, 310)]
    order = sorted(left + right, key=lambda one: one.span.start)
    chunks = record([*order, 1000, frame(5000, GREEN, stream=3)], close=6000)
    assert times(play(film(chunks, 3))) == [0, 300, 600, 5000]
    assert times(play(film(chunks, 4))) == [10, 310]
    for stream in (3, 4):
        probe(film(chunks, stream), tmp_path)
    assert spans(media(chunks, 4)) == [(10, 1000)]


def test_a_monitor_that_is_gone_ends_with_its_last_picture() -> None:
    other = [frame(at, stream=1) for at in range(100, 12_000, 1000)]
    chunks = record([frame(0, stream=0), *other], close=12_000)
    assert spans(media(chunks, 0)) == [(0, 2)]
    assert spans(media(chunks, 1))[-1][1] == 12_000


def test_the_encoder_is_given_back_while_the_eye_is_closed() -> None:
    encoder = ScreenEncoder(START)
    list(encoder.encode(frame(0)))
    list(encoder.gap(START + 500 * MILLISECOND))
    (stream,) = encoder._streams.values()
    assert stream.encoder is None
    assert stream.last_pixels == b""
    assert not stream.pictures


# -- what it refuses --------------------------------------------------------------------------------------------------


def test_it_refuses_frames_out_of_order() -> None:
    encoder = ScreenEncoder(START)
    with pytest.raises(ValueError, match="before the recording"):
        encoder.encode(frame(-1))
    encoder.encode(frame(100))
    with pytest.raises(ValueError, match="not later"):
        encoder.encode(frame(100))
    with pytest.raises(ValueError, match="changed its size"):
        encoder.encode(frame(200, width=32))
    encoder.close(START + 300 * MILLISECOND)
    with pytest.raises(ValueError, match="after the recording's end"):
        encoder.encode(frame(400))


def test_in_a_hurry_every_new_picture_is_a_key_frame_and_opens_a_chunk() -> None:
    hurried = False
    encoder = ScreenEncoder(START, hurry=lambda: hurried)
    shots = [noise(at, at) for at in (0, 200, 400, 600)]
    chunks = [chunk for shot in shots[:2] for chunk in encoder.encode(shot)]
    hurried = True
    repeat = replace(shots[3], span=noise(800, 1).span)
    chunks += [chunk for shot in (*shots[2:], repeat) for chunk in encoder.encode(shot)]
    chunks += encoder.close(START + 1000 * MILLISECOND)
    assert [ms(chunk.span.start) for chunk in media(chunks)] == [0, 400, 600]  # what repeats costs little as it is
    assert all(chunk.flags & ChunkFlag.KEY_FRAME for chunk in media(chunks))
    assert times(play(film(chunks))) == [0, 200, 400, 600, 800]


# -- at random --------------------------------------------------------------------------------------------------------


Shot = tuple[int, int, int]  # at (ms), seed of the noise, stream


@st.composite
def sessions(draw: st.DrawFn) -> tuple[list[Shot | int], int]:
    """Shots of two streams, never further apart than a repeat, and gaps by their time in ms; the end in ms."""
    at = draw(st.integers(0, 3000))
    events: list[Shot | int] = []
    for _ in range(draw(st.integers(1, 20))):
        if draw(st.integers(0, 9)) == 0:
            events.append(at + draw(st.integers(2, 200)))
            at += draw(st.integers(201, 20_000))
        for stream in draw(st.sampled_from([(0,), (0,), (0, 1)])):
            events.append((at, draw(st.integers(0, 3)), stream))  # noqa: PERF401 - a draw is an event, not a filter
        at += draw(st.integers(2, 3800))  # with a gap's 200 ms, never past the next repeat
    return events, at


def runs(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """From each chunk that a player may start at to the end."""
    for position, chunk in enumerate(chunks):
        if chunk.flags & ChunkFlag.KEY_FRAME:
            yield list(chunks[position:])


@settings(max_examples=60, deadline=None)
@given(sessions())
def test_any_session(session: tuple[list[Shot | int], int]) -> None:
    events, end = session
    shots = [event for event in events if isinstance(event, tuple)]
    chunks = record([event if isinstance(event, int) else noise(*event) for event in events], end)
    for stream in {stream for _, _, stream in shots}:
        fed = [at for at, _, of in shots if of == stream]
        mine = media(chunks, stream)
        header = film(chunks, stream)[: -sum(len(chunk.data) for chunk in mine)]
        assert boxes.timescale(header) == TIMESCALE
        assert [boxes.number(chunk.data) for chunk in mine] == list(range(1, len(mine) + 1))
        for chunk in mine:
            read = boxes.samples(chunk.data)
            assert read[0].at == (chunk.span.start - START) // 1000
            assert read[0].at + sum(sample.duration for sample in read) == (chunk.span.end - START) // 1000
        for before, after in itertools.pairwise(mine):
            touching = before.span.end == after.span.start
            assert touching != bool(after.flags & ChunkFlag.AFTER_GAP)
            assert before.span.end <= after.span.start
        for run in runs(mine):
            data = header + b"".join(chunk.data for chunk in run)
            shown = times(play(data))
            assert [at for at in shown if at in fed] == [at for at in fed if at >= ms(run[0].span.start)]
            # A picture that stood longer than a chunk may when a gap came is there once more.
            again = [(before, at) for before, at in itertools.pairwise(shown) if at not in fed]
            assert all(at - before == CHUNK_LENGTH // MILLISECOND for before, at in again)
    for chunk in media(chunks, 0):
        assert chunk.span.end - chunk.span.start <= CHUNK_LENGTH


def test_the_law_of_key_frames_is_the_cores() -> None:
    """The figures above are those of core.cut; this fails when they move apart."""
    assert (CHUNK_LENGTH, KEY_FRAME_EVERY) == (4_000 * MILLISECOND, 30_000 * MILLISECOND)
