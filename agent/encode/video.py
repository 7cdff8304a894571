"""Frames of a recording's monitors into chunks: how long each picture stands, and where a chunk ends.

A picture's duration is known only when the next one has come, so the last of each stream waits; it waits encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.core.cut import CHUNK_LENGTH, chunk_ends, chunk_full, key_frame_due
from agent.core.model.media import Chunk, ChunkFlag, ChunkKind, Frame
from agent.core.model.times import SECOND, Span
from agent.encode.cmaf import Sample, fragment
from agent.encode.h264 import H264, TIMESCALE, VideoSettings
from agent.errors import EnvironmentFault

TICK: Final = SECOND // TIMESCALE  # ns

# While the eye is open an unchanged screen gives a frame every 4 s. A stream that has missed two has lost its monitor.
ENDS_AFTER: Final = 2 * CHUNK_LENGTH


@dataclass(frozen=True, slots=True)
class _Picture:
    """Encoded. It stands from its span's start to that of the next, or to the end that a gap or a close names."""

    span: Span
    data: bytes
    key: bool


@dataclass(slots=True)
class _Stream:
    """One monitor's. From a gap to its next frame it has no encoder and holds nothing but its header."""

    size: tuple[int, int]
    header: bytes = b""
    encoder: H264 | None = None
    last_key: int | None = None  # start of the last key frame since the last gap
    last_pixels: bytes = b""
    pictures: list[_Picture] = field(default_factory=list)  # of the open chunk; none while there is none
    after_gap: bool = False
    chunks: int = 0


class ScreenEncoder:
    """Implements `agent.ports.Encoder` for one recording.

    Costs per stream: an encoder (see H264), the last frame's pixels, and the compressed pictures of at most a chunk.
    A key frame always opens a chunk, so a player or a verifier can begin at a chunk and needs no index.
    """

    def __init__(
        self,
        start: int,
        settings: VideoSettings | None = None,
        *,
        chunk_length: int = CHUNK_LENGTH,
        hurry: Callable[[], bool] = lambda: False,
    ) -> None:
        """`start`: the recording's zero; `chunk_length`: what a chunk covers at most; both in ns.

        `hurry`: whether time counts more than bytes. Then every new picture is a key frame: x264 looks for nothing
        that moved, which takes four fifths of its time where everything has changed (measured: 125 and 29 ms).
        """
        self._start = start
        self._settings = settings or VideoSettings()
        self._chunk_length = chunk_length
        self._hurry = hurry
        self._streams: dict[int, _Stream] = {}
        self._closed = False

    def encode(self, frame: Frame) -> Iterator[Chunk]:
        """Done when it returns. Raises ValueError for a frame out of order, EnvironmentFault when x264 fails."""
        stream = self._streams.setdefault(frame.stream, _Stream((frame.width, frame.height)))
        self._refuse_disorder(frame, stream)
        start = frame.span.start
        chunks = self._end_forsaken(start)
        repeat = frame.pixels == stream.last_pixels
        key = key_frame_due(stream.last_key, start, repeat=repeat) or (self._hurry() and not repeat)
        if stream.pictures:
            full = chunk_full(sum(len(picture.data) for picture in stream.pictures))
            chunks += self._cut(frame.stream, start, must=key or full)
        if stream.encoder is None:
            stream.encoder = H264(frame.width, frame.height, self._settings)
            chunks += self._announce(frame, stream)
        data = stream.encoder.encode(frame.pixels, self._ticks(start), key=key)
        stream.pictures.append(_Picture(frame.span, data, key))
        stream.last_pixels = frame.pixels
        if key:
            stream.last_key = start
        return iter(chunks)

    def gap(self, until: int) -> Iterator[Chunk]:
        """Also gives back the memory of every encoder: after a gap there must be a key frame anyway."""
        return iter([chunk for number in self._streams for chunk in self._pause(number, until)])

    def close(self, until: int) -> Iterator[Chunk]:
        self._closed = True
        return self.gap(until)

    def _refuse_disorder(self, frame: Frame, stream: _Stream) -> None:
        start = frame.span.start
        if self._closed:
            raise ValueError("a frame after the recording's end")
        if start < self._start:
            raise ValueError(f"a frame from {self._start - start} ns before the recording")
        if stream.size != (frame.width, frame.height):
            raise ValueError(f"stream {frame.stream} changed its size: that must be a new stream")
        if stream.pictures and self._ticks(start) <= self._ticks(stream.pictures[-1].span.start):
            raise ValueError(f"a frame of stream {frame.stream} that is not later than the one before")

    def _announce(self, frame: Frame, stream: _Stream) -> list[Chunk]:
        """The header of a new stream. One that goes on after a gap must go on under the header it has."""
        assert stream.encoder is not None  # noqa: S101 - just made
        header, stream.header = stream.header, stream.encoder.header
        if not header:
            moment = Span(frame.span.start, frame.span.start)
            return [Chunk(frame.stream, ChunkKind.HEADER, moment, stream.header)]
        if header != stream.header:
            raise EnvironmentFault("x264 made another header from the same settings: install the locked PyAV")
        return []

    def _end_forsaken(self, now: int) -> list[Chunk]:
        """Nothing says how long the last picture of a monitor that is gone was on it: it covers its own span."""
        forsaken = [
            (number, stream.pictures[-1].span.end)
            for number, stream in self._streams.items()
            if stream.pictures and now - stream.pictures[-1].span.start > ENDS_AFTER
        ]
        return [chunk for number, end in forsaken for chunk in self._pause(number, end)]

    def _pause(self, number: int, until: int) -> list[Chunk]:
        """Ends the open chunk and frees the encoder. What was shown was shown for its whole span at least."""
        stream = self._streams[number]
        if stream.encoder is None:
            return []
        end = max(until, stream.pictures[-1].span.end)
        chunks = self._repeat(number, end) + self._cut(number, end, must=True)
        stream.encoder.close()
        stream.encoder = stream.last_key = None
        stream.last_pixels = b""
        stream.after_gap = True
        return chunks

    def _repeat(self, number: int, end: int) -> list[Chunk]:
        """The chunks before the last, where the last picture stands longer than a chunk may: it opens the next again.

        A still screen gives a repeat in time; but one that had to wait for its proof may have been dropped.
        """
        stream, chunks = self._streams[number], []
        while stream.encoder is not None and end - (start := stream.pictures[-1].span.start) > CHUNK_LENGTH:
            again = start + CHUNK_LENGTH
            chunks += self._cut(number, again, must=True)
            data = stream.encoder.encode(stream.last_pixels, self._ticks(again), key=False)
            stream.pictures.append(_Picture(Span(again, again), data, key=False))
        return chunks

    def _cut(self, number: int, end: int, *, must: bool) -> list[Chunk]:
        """The chunks that are complete when the last picture stands until `end`; all of them where they `must` be."""
        pictures = self._streams[number].pictures
        chunks = []
        if len(pictures) > 1 and end - pictures[0].span.start > self._chunk_length:
            # The last picture stands longer than its chunk has room for: it opens the next.
            chunks.append(self._chunk(number, pictures[:-1], pictures[-1].span.start))
            del pictures[:-1]
        if must or chunk_ends(pictures[0].span.start, end, self._chunk_length):
            chunks.append(self._chunk(number, pictures, end))
            pictures.clear()
        return chunks

    def _chunk(self, number: int, pictures: Sequence[_Picture], end: int) -> Chunk:
        stream = self._streams[number]
        flags = ChunkFlag.KEY_FRAME if pictures[0].key else ChunkFlag.NONE
        if stream.after_gap:
            flags |= ChunkFlag.AFTER_GAP
        stream.after_gap = False
        stream.chunks += 1
        ticks = [self._ticks(picture.span.start) for picture in pictures] + [self._ticks(end)]
        samples = [
            Sample(picture.data, after - at, picture.key)
            for picture, at, after in zip(pictures, ticks, ticks[1:], strict=False)
        ]
        span = Span(pictures[0].span.start, end)
        return Chunk(number, ChunkKind.MEDIA, span, fragment(stream.chunks, ticks[0], samples), flags)

    def _ticks(self, at: int) -> int:
        """Of the media's time, which begins with the recording."""
        return (at - self._start) // TICK
