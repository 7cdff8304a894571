"""A recording of an hour in a real store: two screens, both ends of a call, and a closed span at each turn.

One turn is encoded by the real encoders; the others are the same chunks at later times. Each picture carries its number
within its turn in sixteen squares, so that a canvas can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from agent.core.model.media import Block, Chunk, ChunkKind, Frame
from agent.core.model.times import SECOND, Span
from agent.encode.audio import BLOCK_LENGTH, SoundEncoder
from agent.encode.opus import FRAME
from agent.encode.video import TICK, ScreenEncoder
from protocol.envelope import SOUND_STREAM, Flag, Kind
from protocol.packet import Monitor
from store.admin.home import Home
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import POLICY, World

SIZES: Final = ((1920, 1080), (1280, 1024))
EVERY: Final = SECOND // 5
CLOSED: Final = 12 * SECOND  # of each turn, at its end
MARGIN: Final = SECOND // 5  # between what was kept and what the account says
SQUARE: Final = 40  # px
SQUARES: Final = 16


@dataclass(frozen=True)
class Hour:
    """`turns` of `turn` ns each, of which the last CLOSED ns are closed."""

    home: Home
    id: str
    turn: int
    turns: int

    @property
    def kept(self) -> int:
        return self.turn - CLOSED


def make(folder: Path, turns: int = 36, turn: int = 100 * SECOND) -> Hour:
    world = World.found(folder)
    with world.serving() as pcs:
        pc = pcs.pc()
        began = world.days() - turns * turn
        recording = FakeRecording(pc, pcs.bundle.recipients, policy=POLICY, start=began)
        monitors = (Monitor(n, 1920 * n, 0, *size, f"DP-{n + 1}") for n, size in enumerate(SIZES))
        recording.packet = recording.make_packet(monitors=tuple(monitors))
        assert pc.put_packet(recording).is_success
        zero = 1000 * SECOND
        pc.ledger.wall = began - zero
        write = pc.ledger.write
        write("start", at=zero - SECOND)
        write("recording-open", at=zero, recording=str(recording.id), policy=POLICY, zero=zero)
        chunks = [*_screens(turn - CLOSED), *_sound(turn - CLOSED)]
        for number in range(turns):
            at = number * turn
            for chunk in chunks:
                if sealed := _sealed(recording, chunk, at):
                    assert pc.put_sealed(sealed).is_success
            for lane in ("screen", "audio"):
                write("lane-closed", at=zero + at + turn - CLOSED + MARGIN, lane=lane, rules=[0], policy=POLICY)
            for lane in ("screen", "audio"):
                write("lane-open", at=zero + at + turn - MARGIN, lane=lane)
        end = {"heads": recording.heads(), "why": "stop"}
        write("recording-closed", at=zero + turns * turn, recording=str(recording.id), **end)
        assert pc.send_ledger().is_success
        assert pc.put_health(pc.report()).is_success
    return Hour(world.home, str(recording.id), turn, turns)


def _sealed(recording: FakeRecording, chunk: Chunk, at: int) -> bytes | None:
    """The chunk at a later turn; None for a header, which comes once."""
    stream, header = recording.streams.get(chunk.stream), chunk.kind is ChunkKind.HEADER
    if stream is not None and header:
        return None
    flags, gap = Flag(int(chunk.flags)), chunk.span.start + at - (stream.at if stream else 0)
    if at and gap:
        flags |= Flag.AFTER_GAP
    timescale = SECOND // TICK if chunk.stream != SOUND_STREAM else 48_000
    data = chunk.data if header else _moved(chunk.data, at * timescale // SECOND)
    length, kind = chunk.span.end - chunk.span.start, Kind.HEADER if header else Kind.MEDIA
    return recording.seal(data, stream=chunk.stream, length=length, gap=gap, kind=kind, flags=flags)


def _moved(fragment: bytes, ticks: int) -> bytes:
    """With another base media decode time (ISO/IEC 14496-12, 8.8.12), of version 1."""
    at = fragment.index(b"tfdt") + 4
    assert fragment[at] == 1
    time = int.from_bytes(fragment[at + 4 : at + 12], "big") + ticks
    return fragment[: at + 4] + time.to_bytes(8, "big") + fragment[at + 12 :]


def _screens(kept: int) -> Iterator[Chunk]:
    """Text that is typed and a page that is turned every five seconds."""
    encoder, random = ScreenEncoder(0), np.random.default_rng(19)
    luma = [np.full((height, width), 235, np.uint8) for width, height in SIZES]
    for number in range(kept // EVERY):
        for stream, (width, height) in enumerate(SIZES):
            picture = luma[stream]
            if number % 25 == 0:
                lines = np.repeat(random.integers(0, 2, (height // 20, width // 10)), 10, axis=1)
                picture[: height // 20 * 20, : width // 10 * 10] = np.where(np.repeat(lines, 20, axis=0), 90, 235)
                picture[8::20] = picture[::20] = 235
            picture[200:216, 12 * (number % 100) : 12 * (number % 100) + 8] = 40
            for bit in range(SQUARES):
                picture[:SQUARE, SQUARE * bit : SQUARE * (bit + 1)] = 235 if number >> bit & 1 else 16
            pixels = picture.tobytes() + bytes([128]) * (width * height // 2)
            span = Span(number * EVERY, number * EVERY + SECOND // 500)
            yield from encoder.encode(Frame(stream, span, width, height, pixels))
    yield from encoder.close(kept)


def _sound(kept: int) -> Iterator[Chunk]:
    """The ends speak in turn for three seconds each, and are quiet for three."""
    encoder = SoundEncoder(0)
    for number in range(kept // BLOCK_LENGTH):
        at, turn = number * BLOCK_LENGTH, number * BLOCK_LENGTH // (3 * SECOND) % 3
        moments = (number * FRAME + np.arange(FRAME)) / 48_000
        ends = [
            (8000 if turn == end else 0) * np.sin(2 * np.pi * tone * moments) for end, tone in enumerate((220, 330))
        ]
        samples = np.stack(ends, axis=1).astype("<i2").tobytes()
        yield from encoder.encode(Block(SOUND_STREAM, Span(at, at + BLOCK_LENGTH), at, number * FRAME, samples))
    yield from encoder.close(kept)
