"""A recording by the real encoders in a real store: two screens and both ends of a call, closed, held, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from agent.core.model.media import Block, Chunk, ChunkKind, Frame
from agent.core.model.times import MILLISECOND, Span
from agent.encode.audio import BLOCK_LENGTH, FRAME, SoundEncoder
from agent.encode.video import ScreenEncoder
from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import SOUND_STREAM, Edition, Flag, Kind
from protocol.packet import Monitor
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.recorded import POLICY, POLICY_FILES, ZERO, start_run

SIZES: Final = ((960, 540), (640, 480))
SCREEN: Final = ((0, 8000), (13_000, 18_000), (20_000, 24_000))  # ms, kept
SOUND: Final = ((0, 8500), (12_500, 24_000))
EVERY: Final = 200  # ms from one picture to the next
LENGTH: Final = 24 * SECOND
TONES: Final = ((440, 6000), (660, 1500))  # Hz and amplitude, of the microphone and the far end
QUIET: Final = (14_500, 17_500)  # ms, in which both ends are


@dataclass
class MadeRecording:
    """`sealed`: in the order of sealing; `pc` has told its ledger when `send` was called."""

    pc: Pc
    recording: FakeRecording
    sealed: list[bytes]

    def send(self) -> None:
        for body in self.sealed:
            assert self.pc.put_sealed(body).status_code == 200
        before = self.pc.ledger.batch(0, len(self.pc.ledger.lines) - 3)
        for batch in (before, None):  # the last heads and the closing come in a batch of their own
            assert self.pc.send_ledger(batch).status_code == 200


def make(pc: Pc, bundle: Bundle, edition: Edition = Edition.KEYED, start: int | None = None) -> MadeRecording:
    """Sealed and told, the key packet sent, and nothing else yet. `start`: ns; None for a time that is to come."""
    assert pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer).is_success
    recording = FakeRecording(pc, bundle.recipients, policy=POLICY, edition=edition)
    if start is not None:
        recording.start, pc.ledger.wall = start, start - ZERO
    monitors = tuple(
        Monitor(stream, 960 * stream, 0, width, height, name)
        for stream, ((width, height), name) in enumerate(zip(SIZES, ("DP-1", "DP-2"), strict=True))
    )
    recording.packet = recording.make_packet(monitors=monitors, bundle_revision=bundle.revision)
    assert pc.put_packet(recording).status_code == 200
    start_run(pc)
    write = pc.ledger.write
    write("lane-open", at=ZERO - 5 * SECOND, lane="audio")
    write("recording-open", at=ZERO + SECOND // 10, recording=str(recording.id), policy=POLICY, zero=ZERO)
    sealed = [_sealed(recording, chunk) for chunk in _media()]
    write("lane-closed", at=ZERO + 8_300_000_000, lane="screen", rules=[0], policy=POLICY)
    write("lane-closed", at=ZERO + 8_600_000_000, lane="audio", rules=[0], policy=POLICY)
    write("lane-open", at=ZERO + 12_400_000_000, lane="audio")
    write("lane-open", at=ZERO + 12_600_000_000, lane="screen")
    write("lane-closed", at=ZERO + 18_100_000_000, lane="screen", rules=["unreadable"], policy=POLICY)
    write("lane-open", at=ZERO + 19_800_000_000, lane="screen")
    write("heads", at=ZERO + 23 * SECOND, recording=str(recording.id), heads=recording.heads())
    write("recording-closed", at=ZERO + LENGTH, recording=str(recording.id), heads=recording.heads(), why="stop")
    return MadeRecording(pc, recording, sealed)


def _sealed(recording: FakeRecording, chunk: Chunk) -> bytes:
    start, end = chunk.span.start - ZERO, chunk.span.end - ZERO
    stream = recording.streams.get(chunk.stream)
    gap = start - (stream.at if stream else 0)
    kind = Kind.HEADER if chunk.kind is ChunkKind.HEADER else Kind.MEDIA
    return recording.seal(
        chunk.data, stream=chunk.stream, length=end - start, gap=gap, kind=kind, flags=Flag(int(chunk.flags))
    )


@cache
def _media() -> tuple[Chunk, ...]:
    """Encoded once for all recordings of a run of tests."""
    return (*_screens(), *_sound())


def _screens() -> Iterator[Chunk]:
    encoder = ScreenEncoder(ZERO)
    for begin, end in SCREEN:
        for at in range(begin, end, EVERY):
            for stream in range(len(SIZES)):
                yield from encoder.encode(_picture(stream, at))
        yield from encoder.gap(ZERO + end * MILLISECOND)
    yield from encoder.close(ZERO + LENGTH)


def _picture(stream: int, at: int) -> Frame:
    width, height = SIZES[stream]
    image = Image.new("RGB", (width, height), (244, 246, 248) if stream == 0 else (28, 34, 44))
    draw = ImageDraw.Draw(image)
    ink, bar = ((30, 36, 48), (32, 84, 147)) if stream == 0 else ((210, 220, 232), (92, 62, 130))
    large, small = ImageFont.load_default(size=64), ImageFont.load_default(size=18)
    draw.rectangle((0, 0, width, 44), fill=bar)
    draw.text((16, 10), "Customer desk" if stream == 0 else "Knowledge base", font=small, fill=(255, 255, 255))
    for row in range(6):
        top = 150 + 48 * row
        draw.rectangle((24, top, width - 24, top + 34), outline=(150, 158, 170))
        draw.text((34, top + 7), f"Order {4711 + row + at // 2000}   open   {19 + row},90", font=small, fill=ink)
    draw.text((24, 64), f"{at // 1000}.{at // 100 % 10} s", font=large, fill=ink)
    draw.rectangle((0, height - 10, width * (at % 4000) // 4000, height), fill=(29, 143, 80))
    planes = av.VideoFrame.from_image(image).reformat(format="yuv420p").to_ndarray()
    start = ZERO + at * MILLISECOND
    return Frame(stream, Span(start, start + 2 * MILLISECOND), width, height, planes.tobytes())


def _sound() -> Iterator[Chunk]:
    encoder = SoundEncoder(ZERO)
    for begin, end in SOUND:
        yield from _tones(encoder, range(begin // 20, end // 20))
        yield from encoder.gap(ZERO + (end + 20) * MILLISECOND)
    yield from encoder.close(ZERO + LENGTH)


def _tones(encoder: SoundEncoder, blocks: Iterable[int]) -> Iterator[Chunk]:
    for number in blocks:
        at = ZERO + number * BLOCK_LENGTH
        moments = (number * FRAME + np.arange(FRAME)) / 48_000
        quiet = QUIET[0] <= number * 20 < QUIET[1]
        ends = [(0 if quiet else loud) * np.sin(2 * np.pi * tone * moments) for tone, loud in TONES]
        samples = np.stack(ends, axis=1).astype("<i2").tobytes()
        yield from encoder.encode(Block(SOUND_STREAM, Span(at - 1, at + BLOCK_LENGTH + 1), at, number * FRAME, samples))
