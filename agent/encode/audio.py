"""Blocks of a recording's sound into chunks: both ends of the call as the two channels of one Opus stream.

A run is what is kept without a gap. Each begins with a new encoder, so nothing from before a gap is in what comes after
it, and ends with a packet of nothing, so that the last sample before the gap is heard, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from agent.core.cut import CHUNK_LENGTH, chunk_ends
from agent.core.model.media import Block, Chunk, ChunkFlag, ChunkKind
from agent.core.model.times import SECOND, Span
from agent.encode.cmaf import Sample, fragment
from agent.encode.opus import BIT_RATE, FRAME, LOOK_AHEAD, RATE, Opus

BLOCK_LENGTH: Final = FRAME * SECOND // RATE  # ns


@dataclass(slots=True)
class _Stream:
    """Between runs it has no encoder and holds nothing but its header."""

    header: bytes = b""
    encoder: Opus | None = None
    start: int = 0  # of the run, in ticks since the recording's zero
    first: int = 0  # the run's first block, by its position
    last: Block | None = None
    opened: int = 0  # when the open chunk's first sample was heard, ns
    packets: list[bytes] = field(default_factory=list)  # of the open chunk
    encoded: int = 0  # packets of the run that are in chunks already
    ended: int = 0  # ticks: where the run before ended
    after_gap: bool = False
    chunks: int = 0


class SoundEncoder:
    """Implements `agent.ports.Encoder` of blocks for one recording.

    Costs an encoder (0.1 MB) and the packets of at most a chunk (16 KB). Each chunk can be played on its own behind the
    header: Opus finds its feet within 80 ms.
    """

    def __init__(self, start: int, *, bit_rate: int = BIT_RATE, chunk_length: int = CHUNK_LENGTH) -> None:
        """`start`: the recording's zero; `chunk_length`: what a chunk covers at most. In ns."""
        self._start = start
        self._bit_rate = bit_rate
        self._chunk_length = chunk_length
        self._streams: dict[int, _Stream] = {}
        self._closed = False

    def encode(self, block: Block, /) -> Iterator[Chunk]:
        """Done when it returns. A position that does not follow the one before ends the run, as a gap does; one whose
        time is taken is left out.

        Raises ValueError for a block of another length or from outside the recording, EnvironmentFault when libopus
        fails.
        """
        stream = self._streams.setdefault(block.stream, _Stream())
        self._refuse_disorder(block)
        if self._is_past(block, stream):
            return iter(())
        chunks: list[Chunk] = []
        if stream.last is not None and block.position != stream.last.position + FRAME:
            chunks += self._end_run(block.stream, stream)
        if stream.encoder is None:
            chunks += self._begin_run(block, stream)
        if stream.packets and chunk_ends(stream.opened, block.at + BLOCK_LENGTH, self._chunk_length + 1):
            chunks.append(self._chunk(block.stream, stream, block.at))
        if not stream.packets:
            stream.opened = block.at
        assert stream.encoder is not None  # noqa: S101 - a run has begun
        stream.packets.append(stream.encoder.encode(block.samples))
        stream.last = block
        return iter(chunks)

    def gap(self, until: int) -> Iterator[Chunk]:
        """Ends every run with its last block: nothing is known of what was heard between that and `until`."""
        del until
        return iter([chunk for number, stream in self._streams.items() for chunk in self._end_run(number, stream)])

    def close(self, until: int) -> Iterator[Chunk]:
        self._closed = True
        return self.gap(until)

    def _refuse_disorder(self, block: Block) -> None:
        if self._closed:
            raise ValueError("a block after the recording's end")
        if block.at < self._start:
            raise ValueError(f"a block from {self._start - block.at} ns before the recording")
        if len(block.samples) != FRAME * 4:
            raise ValueError(f"a block of {len(block.samples)} bytes where {FRAME * 4} make 20 ms")

    def _is_past(self, block: Block, stream: _Stream) -> bool:
        """Whether its time is taken: a device that comes back may be stamped anew. Nothing is told twice."""
        if stream.last is not None:
            return block.position <= stream.last.position
        return self._ticks(block.at) < stream.ended

    def _begin_run(self, block: Block, stream: _Stream) -> list[Chunk]:
        """Also announces the stream, at its first."""
        stream.encoder = Opus(self._bit_rate)
        stream.start, stream.first, stream.encoded = self._ticks(block.at), block.position, 0
        if stream.header:
            return []
        stream.header = stream.encoder.header
        return [Chunk(block.stream, ChunkKind.HEADER, Span(block.at, block.at), stream.header)]

    def _end_run(self, number: int, stream: _Stream) -> list[Chunk]:
        if stream.encoder is None or stream.last is None:
            return []
        rest = stream.encoder.end()
        chunk = self._chunk(number, stream, stream.last.at + BLOCK_LENGTH, rest)
        stream.ended = stream.start + stream.last.position + FRAME - stream.first
        stream.encoder = stream.last = None
        stream.after_gap = True
        return [chunk]

    def _chunk(self, number: int, stream: _Stream, end: int, rest: bytes = b"") -> Chunk:
        """`rest`: the run's last packet, of which only what was looked ahead to counts."""
        flags = ChunkFlag.KEY_FRAME | (ChunkFlag.AFTER_GAP if stream.after_gap else ChunkFlag.NONE)
        stream.after_gap = False
        stream.chunks += 1
        samples = [Sample(packet, FRAME, key=True) for packet in stream.packets]
        if rest:
            samples.append(Sample(rest, LOOK_AHEAD, key=True))
        at = stream.start + stream.encoded * FRAME
        stream.encoded += len(stream.packets)
        stream.packets = []
        return Chunk(number, ChunkKind.MEDIA, Span(stream.opened, end), fragment(stream.chunks, at, samples), flags)

    def _ticks(self, at: int) -> int:
        """Of the media's time, which begins with the recording; to the nearest sample."""
        return ((at - self._start) * RATE + SECOND // 2) // SECOND
