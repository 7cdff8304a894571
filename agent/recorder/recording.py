"""One recording after another: what was released is encoded, sealed and spooled, in order, in one thread.

Where one takes over from another in mid-work, both are open until each lane has gone over: sound waits at the gate for
longer than pictures do.

The encoder gets nothing that the gate has not released; the disk gets nothing that is not sealed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from agent.core.account import scenes
from agent.core.cut import CHUNK_LENGTH
from agent.core.model.media import Block, Chunk, ChunkFlag, ChunkKind, Frame, Lane, Monitor
from agent.core.model.rules import Hold
from agent.core.model.times import SECOND, Span
from agent.errors import EyelidError, Refused, SpoolFull, Transient
from agent.pipeline import Mailbox
from agent.ports import Clock, Encoder, Ledger, Sealed, Sealer, Spool
from protocol.envelope import AUDIO, KEY_PACKET_STREAM, SCENE, SCENE_STREAM, SCREEN, lane_of

log = logging.getLogger(__name__)

RETRY: Final = 1.0  # seconds between tries to spool what did not fit
# Seconds until keys that sign no more are asked for another recording. Twice as long each time that they sign none.
SIGNED_AGAIN: Final = 1.0
SIGNED_AGAIN_MOST: Final = 60.0
HEADS_EVERY: Final = 10 * SECOND
STANDS: Final = 2 * CHUNK_LENGTH  # a monitor that gave no picture for longer is gone


@dataclass(frozen=True, slots=True)
class Open:
    """`renews`: why the one before ends at `start` (ns). It stays open until each lane is told to go over."""

    policy: str  # hash
    start: int
    monitors: tuple[Monitor, ...]
    renews: str | None = None


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What comes in the lane from now on belongs to the newer recording; what stands at the seam (ns) goes on in it."""

    lane: Lane
    seam: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """Sound that was released together, in its order."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing of the lane after `until` is kept for now."""

    until: int
    lane: Lane = Lane.SCREEN


@dataclass(frozen=True, slots=True)
class Scenes:
    """What was in view, in the order of its times; never empty."""

    lines: tuple[scenes.Line, ...]


@dataclass(frozen=True, slots=True)
class Close:
    until: int
    why: str


@dataclass(frozen=True, slots=True)
class FlushBarrier:
    """A mark in the orders: once it is reached, all orders before it are carried out."""


Order = Open | TakeOver | Frame | Blocks | Gap | Scenes | Close | FlushBarrier
Heads = dict[int, tuple[int, str]]  # stream -> (next sequence, hex SHA-256 of the last sealed chunk)


@dataclass(frozen=True, slots=True)
class Factories:
    """What a recording is made with. All of it is made anew for each: a new key, a new zero of time.

    `sound`: None where none is recorded.
    """

    sealer: Callable[[Open], Sealer]
    encoder: Callable[[Open], Encoder[Frame]]
    sound: Callable[[Open], Encoder[Block]] | None = None


@dataclass(slots=True)
class _Work:
    """A recording that is being made. `lanes`: those that are in it, each with its encoder."""

    sealer: Sealer
    zero: int  # ns
    lanes: dict[Lane, Encoder[Any]]
    unsigned: bool = False  # its keys sign no more of it: it waits for its end


@dataclass(slots=True)
class RecordingStats:
    """What the status shows: read from other threads, so each field is written whole."""

    recording: str | None = None  # the one that is open; written after `heads`, see `named`
    heads: Heads = field(default_factory=dict)
    sealed_at: int | None = None
    pictures_at: int | None = None  # when a chunk of a screen last became durable
    sound_at: int | None = None  # when a chunk of sound did
    chunks: int = 0
    bytes: int = 0
    frames: int = 0

    def named(self) -> tuple[str | None, Heads]:
        """The open recording and its own heads. What health once named is looked for until it comes: heads under
        another recording's id, read while one took over from the other, would be missed for ever."""
        while True:
            recording, heads = self.recording, self.heads
            if self.recording == recording:
                return recording, heads


def _scene_chunk(lines: tuple[scenes.Line, ...], zero: int) -> Chunk:
    """Sealed like any other. Each can be read without the one before, as a key frame can."""
    times = [line.at for line in lines]
    span = Span(max(zero, min(times)), max(zero, *times))
    return Chunk(SCENE_STREAM, ChunkKind.MEDIA, span, scenes.written(lines, zero), ChunkFlag.KEY_FRAME)


class Recorder:
    """Carries out the orders.

    `hold`: called with True when the spool takes no more or the keys sign no more, with False when the spool takes it
    again or the keys are to be tried again. `spooled`: something new lies there to be sent. `rested`: every order up to
    an `FlushBarrier` is carried out.
    """

    def __init__(
        self,
        orders: Mailbox[Order],
        *,
        factories: Factories,
        spool: Spool,
        ledger: Ledger,
        clock: Clock,
        hold: Callable[[Hold, bool], None],
        spooled: Callable[[], None] = lambda: None,
        rested: Callable[[], None] = lambda: None,
    ) -> None:
        self._orders = orders
        self._factories = factories
        self._spool = spool
        self._ledger = ledger
        self._clock = clock
        self._hold = hold
        self._spooled = spooled
        self._rested = rested
        self._work: _Work | None = None
        self._former: _Work | None = None  # until every lane has gone over to the newer one
        self._former_why = ""
        self._shown: dict[int, Frame] = {}  # stream -> the picture that it shows; none after a gap
        self._stranded: list[Sealed] = []  # sealed, so their sequence is spent: the same bytes are tried again
        # Closed, but what is stranded may still belong to them.
        self._unclosed: list[tuple[UUID, dict[str, object]]] = []
        self._ask_again_at: int | None = None  # when the keys are tried again, ns; None while they sign
        self._pause = SIGNED_AGAIN
        self._durable: dict[UUID, Heads] = {}  # what lies in the spool of each recording that is not closed
        self._unopened: dict[UUID, dict[str, object]] = {}  # their key packets are not durable yet
        self._heads_at = 0
        self._written_heads: Heads = {}
        self.stats = RecordingStats()

    def run(self) -> None:
        """Until the mailbox is closed and empty, and what was sealed lies in the spool or is given up by name."""
        while not self._orders.ended:
            order = self._orders.get(self._patience())
            if order is not None:
                self._carry_out(order)
            self._retry()
            self._account_heads()
        self._give_up()

    def _patience(self) -> float | None:
        """Seconds to wait for an order; None where nothing else is to be done meanwhile."""
        if self._stranded or self._ask_again_at is not None:
            return RETRY
        return HEADS_EVERY / SECOND if self.stats.heads != self._written_heads else None

    def _carry_out(self, order: Order) -> None:
        match order:
            case Open():
                self._open(order)
            case TakeOver(lane, seam):
                self._take_over(lane, seam)
            case Frame():
                self._take_picture(order)
            case Blocks(blocks):
                for block in blocks:
                    self._encode(Lane.AUDIO, block)
            case Gap(until, lane):
                self._end_span(lane, until)
            case Scenes(lines) if self._work is not None:
                self._keep(self._work, [_scene_chunk(lines, self._work.zero)])
            case Close():
                self._close(order)
            case FlushBarrier():
                self._rested()
            case _:
                pass  # released into a recording that has just closed: nothing to keep it in

    def _work_of(self, lane: Lane) -> _Work | None:
        """The recording that the lane is in."""
        return next((work for work in (self._former, self._work) if work is not None and lane in work.lanes), None)

    def _take_picture(self, frame: Frame) -> None:
        if self._work is not None:
            self.stats.frames += 1
            self._shown[frame.stream] = frame
            self._encode(Lane.SCREEN, frame)

    def _encode(self, lane: Lane, item: Frame | Block) -> None:
        if (work := self._work_of(lane)) is not None:
            self._keep(work, work.lanes[lane].encode(item))

    def _end_span(self, lane: Lane, until: int) -> None:
        if lane is Lane.SCREEN:
            self._shown.clear()
        if (work := self._work_of(lane)) is not None:
            self._keep(work, work.lanes[lane].gap(until))

    def _take_over(self, lane: Lane, seam: int) -> None:
        """The lane ends in the former recording; what stands on the screen is the first picture in the newer one."""
        former = self._former
        if former is None or lane not in former.lanes:
            return
        self._keep(former, former.lanes.pop(lane).close(seam))
        for frame in self._shown.values() if lane is Lane.SCREEN else ():
            if seam - frame.span.start <= STANDS:
                self._encode(lane, replace(frame, span=Span(seam, seam)))
        if not former.lanes:
            self._former = None
            self._forget(former, {"why": self._former_why, "until": seam})

    def _close(self, order: Close) -> None:
        work, self._work = self._work, None
        if work is not None:
            for encoder in work.lanes.values():
                self._keep(work, encoder.close(order.until))
            self._shown.clear()
            self.stats.heads, self.stats.recording, self._written_heads = {}, None, {}
            self._forget(work, {"why": order.why})

    def _forget(self, work: _Work, fields: dict[str, object]) -> None:
        """Its key, at once; the account says so when all of it is durable."""
        work.sealer.forget()
        self._unclosed.append((work.sealer.recording, fields))
        self._account_closings()

    def _open(self, order: Open) -> None:
        lanes: dict[Lane, Encoder[Any]] = {Lane.SCREEN: self._factories.encoder(order)}
        if self._factories.sound is not None:
            lanes[Lane.AUDIO] = self._factories.sound(order)
        if order.renews is not None:
            self._former, self._former_why = self._work, order.renews
        self._work = None
        self.stats.heads, self.stats.recording, self._written_heads = {}, None, {}
        try:
            sealer = self._factories.sealer(order)
        except (Refused, Transient) as failure:
            self._hold_unsigned(failure)
            return
        self._work = _Work(sealer, order.start, lanes)
        self._pause = SIGNED_AGAIN
        # The key packet is durable before the recording exists for anyone: without it nothing could ever be opened.
        self._unopened[sealer.recording] = {"policy": order.policy, "zero": order.start}
        self._spool_all([sealer.packet()])
        self.stats.heads, self.stats.recording, self._written_heads = {}, str(sealer.recording), {}

    def _keep(self, work: _Work, chunks: Iterable[Chunk]) -> None:
        if work.unsigned:
            return
        sealed: list[Sealed] = []
        try:
            sealed.extend(map(work.sealer.seal, chunks))  # what came before one that is refused stays
        except (Refused, Transient) as failure:
            work.unsigned = True  # a chunk is missing: none may come after it
            self._hold_unsigned(failure)
        self._spool_all(sealed)

    def _hold_unsigned(self, failure: EyelidError) -> None:
        """The session ends its recording, and begins another when the hold is over: that is the next try."""
        log.warning("nothing is recorded for now: %s", failure)
        self._ask_again_at = self._clock.now() + round(self._pause * SECOND)
        self._pause = min(2 * self._pause, SIGNED_AGAIN_MOST)
        self._hold(Hold.NO_SIGNATURE, True)

    def _spool_all(self, sealed: list[Sealed]) -> None:
        if self._stranded:
            self._stranded += sealed  # never overtake: the chain of a stream stays in order
            return
        for position, one in enumerate(sealed):
            try:
                self._spool.put(one)
            except (SpoolFull, Transient):
                self._stranded = sealed[position:]
                self._hold(Hold.SPOOL_FULL, True)
                return
            self._account_opening(one.recording)
            lane = lane_of(one.stream)
            if lane != SCENE:  # scenes are no sign of a recording that goes on
                self.stats.sealed_at = self._clock.now()
            if lane == SCREEN:
                self.stats.pictures_at = self.stats.sealed_at
            if lane == AUDIO and one.stream != KEY_PACKET_STREAM:
                self.stats.sound_at = self.stats.sealed_at
            self.stats.chunks += 1
            self.stats.bytes += len(one.data)
            self._note_head(one)
            self._spooled()

    def _retry(self) -> None:
        if self._ask_again_at is not None and self._clock.now() >= self._ask_again_at:
            self._ask_again_at = None
            self._hold(Hold.NO_SIGNATURE, False)
        if self._stranded:
            again, self._stranded = self._stranded, []
            self._spool_all(again)
            if not self._stranded:
                self._hold(Hold.SPOOL_FULL, False)
                self._account_closings()

    def _give_up(self) -> None:
        """At the end: what the disk takes no more is a gap with a name, not a tail that somebody might have cut off."""
        self._retry()
        lost, self._stranded = self._stranded, []
        for one in lost:
            self._ledger.write("given-up", recording=str(one.recording), stream=one.stream, sequence=one.sequence)
        self._account_closings()

    # -- the account of it ----------------------------------------------------------------------------------------

    def _note_head(self, sealed: Sealed) -> None:
        heads = dict(self._durable.get(sealed.recording, {}))
        if sealed.stream != KEY_PACKET_STREAM:
            heads[sealed.stream] = (sealed.sequence + 1, sealed.sha256.hex())
        self._durable[sealed.recording] = heads
        if self._work is not None and self._work.sealer.recording == sealed.recording:
            self.stats.heads = heads

    def _account_heads(self) -> None:
        due = self._clock.now() - self._heads_at >= HEADS_EVERY
        if self._work is not None and due and self.stats.heads != self._written_heads:
            self._write_heads("heads", self._work.sealer.recording)
            self._heads_at, self._written_heads = self._clock.now(), self.stats.heads

    def _account_opening(self, recording: UUID) -> None:
        """Something of it is durable, and that is its key packet: nothing overtakes it."""
        if (fields := self._unopened.pop(recording, None)) is not None:
            self._ledger.write("recording-open", recording=str(recording), **fields)

    def _account_closings(self) -> None:
        if not self._stranded:
            for recording, fields in self._unclosed:
                if self._unopened.pop(recording, None) is None:
                    self._write_heads("recording-closed", recording, **fields)
                self._durable.pop(recording, None)
            self._unclosed.clear()

    def _write_heads(self, kind: str, recording: UUID, **fields: object) -> None:
        """Only what is durable: a head that is signed and then lost would look like a tail that was cut off."""
        heads = {str(stream): list(head) for stream, head in self._durable.get(recording, {}).items()}
        self._ledger.write(kind, recording=str(recording), heads=heads, **fields)
