"""A call in a real store: what both ends say, as the recorder encodes and seals it, without what a rule closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.core.model.media import Block, Chunk, ChunkKind
from agent.core.model.times import SECOND, Span
from agent.encode.audio import BLOCK_LENGTH, SoundEncoder
from agent.encode.opus import FRAME
from protocol.envelope import SOUND_STREAM, Flag, Kind
from testkit.fakes.pc import FakeRecording, Pc
from testkit.lifecycle import POLICY, Pcs

RATE = 48_000
MARGIN = SECOND // 5  # between what was kept and what the account says


def record_call(
    pcs: Pcs, pc: Pc, ends: npt.NDArray[np.floating[Any]], *, start: int, closed: Sequence[tuple[float, float]] = (),
    lose: frozenset[int] = frozenset(), ended: bool = True, altered: Callable[[bytes], bytes] = bytes, **fields: Any,
) -> FakeRecording:  # fmt: skip
    """`ends`: (samples at RATE, 2), within -1 to 1; it lasts whole seconds. `closed`: s, by rule 0. `lose`: places of
    sealed chunks of the sound that never come. `altered`: what a PC that lies seals in place of each.
    """
    length = len(ends) // RATE * SECOND
    made = FakeRecording(pc, pcs.bundle.recipients, **{"policy": POLICY, "start": start, **fields})
    made.packet = made.make_packet(bundle_revision=pcs.bundle.revision)
    assert pc.put_packet(made).is_success
    at = (len(pc.ledger.lines) + 1) * 4000 * SECOND
    pc.ledger.wall = start - at
    write = pc.ledger.write
    if not pc.ledger.lines:
        write("start", at=at)
    write("recording-open", at=at + 1, recording=str(made.id), policy=made.policy, zero=at)
    write("lane-open", at=at + 2, lane="audio")
    for first, last in closed:
        write("lane-closed", at=at + round(first * SECOND) + MARGIN, lane="audio", rules=[0], policy=made.policy)
        write("lane-open", at=at + round(last * SECOND) - MARGIN, lane="audio")
    sealed = list(_sealed(made, _chunks(ends, closed), altered))
    if ended:
        write("recording-closed", at=at + length, recording=str(made.id), heads=made.heads(), why="stop")
    for place, body in enumerate(sealed):
        assert place in lose or pc.put_sealed(body).is_success
    assert pc.send_ledger().is_success
    return made


def _chunks(ends: npt.NDArray[np.floating[Any]], closed: Sequence[tuple[float, float]]) -> Iterator[Chunk]:
    encoder, shut = SoundEncoder(0), False
    samples = np.rint(np.clip(ends, -1, 1) * 32_767).astype("<i2")
    for number in range(len(samples) // FRAME):
        at = number * BLOCK_LENGTH
        if any(first * SECOND <= at < last * SECOND for first, last in closed):
            yield from () if shut else encoder.gap(at)
            shut = True
            continue
        shut = False
        block = samples[number * FRAME : (number + 1) * FRAME].tobytes()
        yield from encoder.encode(Block(SOUND_STREAM, Span(at, at + BLOCK_LENGTH), at, number * FRAME, block))
    yield from encoder.close(len(samples) * SECOND // RATE)


def _sealed(made: FakeRecording, chunks: Iterator[Chunk], altered: Callable[[bytes], bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        before = made.streams.get(chunk.stream)
        gap = chunk.span.start - (before.at if before else 0)
        kind = Kind.HEADER if chunk.kind is ChunkKind.HEADER else Kind.MEDIA
        length = chunk.span.end - chunk.span.start
        yield made.seal(
            altered(chunk.data), stream=chunk.stream, length=length, gap=gap, kind=kind, flags=Flag(int(chunk.flags))
        )
