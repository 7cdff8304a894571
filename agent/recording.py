"""One recording after another: what was released is encoded, sealed and spooled, in order, in one thread.

The encoder gets nothing that the gate has not released; the disk gets nothing that is not sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from agent.core import scenes
from agent.core.model import SECOND, Block, Chunk, ChunkFlag, ChunkKind, Frame, Hold, Lane, Monitor, Span
from agent.errors import SpoolFull, Transient
from agent.pipeline import Mailbox
from agent.ports import Clock, Encoder, Ledger, Sealed, Sealer, Spool
from protocol.envelope import KEY_PACKET_STREAM, SCENE, SCENE_STREAM, SCREEN, lane_of

RETRY: Final = 1.0  # seconds between tries to spool what did not fit
HEADS_EVERY: Final = 10 * SECOND


@dataclass(frozen=True, slots=True)
class Open:
    policy: str  # hash
    start: int
    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Sound that was let go together, in its order."""

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
class AtRest:
    """Whoever waits for all orders before this one may go on."""


Order = Open | Frame | Blocks | Gap | Scenes | Close | AtRest
Heads = dict[int, tuple[int, str]]  # stream -> (next sequence, hex SHA-256 of the last sealed chunk)


@dataclass(frozen=True, slots=True)
class Studio:
    """What a recording is made with. All of it is made anew for each: a new key, a new zero of time.

    `sound`: None where none is recorded.
    """

    sealer: Callable[[Open], Sealer]
    encoder: Callable[[Open], Encoder[Frame]]
    sound: Callable[[Open], Encoder[Block]] | None = None


@dataclass(slots=True)
class Tally:
    """What the status shows: read from other threads, so each field is written whole."""

    recording: str | None = None  # the one that is open
    heads: Heads = field(default_factory=dict)
    sealed_at: int | None = None
    pictures_at: int | None = None  # when a chunk of a screen last became durable
    chunks: int = 0
    bytes: int = 0
    frames: int = 0


class Recorder:
    """Carries out the orders.

    `hold`: called with True when the spool takes no more, with False when it does again. `spooled`: something new lies
    there to be sent. `rested`: every order up to an `AtRest` is carried out.
    """

    def __init__(
        self,
        orders: Mailbox[Order],
        *,
        studio: Studio,
        spool: Spool,
        ledger: Ledger,
        clock: Clock,
        hold: Callable[[Hold, bool], None],
        spooled: Callable[[], None] = lambda: None,
        rested: Callable[[], None] = lambda: None,
    ) -> None:
        self._orders = orders
        self._studio = studio
        self._spool = spool
        self._ledger = ledger
        self._clock = clock
        self._hold = hold
        self._spooled = spooled
        self._rested = rested
        self._sealer: Sealer | None = None
        self._zero = 0  # of the open recording, ns
        self._pictures: Encoder[Frame] | None = None
        self._sound: Encoder[Block] | None = None
        self._stranded: list[Sealed] = []  # sealed, so their sequence is spent: the same bytes are tried again
        self._unclosed: list[tuple[UUID, str]] = []  # closed, but what is stranded may still belong to them
        self._durable: dict[UUID, Heads] = {}  # what lies in the spool of each recording that is not closed
        self._heads_at = 0
        self._told_heads: Heads = {}
        self.tally = Tally()

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
        if self._stranded:
            return RETRY
        return HEADS_EVERY / SECOND if self.tally.heads != self._told_heads else None

    def _carry_out(self, order: Order) -> None:
        match order:
            case Open():
                self._open(order)
            case Frame() if self._pictures is not None:
                self.tally.frames += 1
                self._keep(self._pictures.encode(order))
            case Blocks(blocks) if self._sound is not None:
                for block in blocks:
                    self._keep(self._sound.encode(block))
            case Gap(until, Lane.SCREEN) if self._pictures is not None:
                self._keep(self._pictures.gap(until))
            case Gap(until, Lane.AUDIO) if self._sound is not None:
                self._keep(self._sound.gap(until))
            case Scenes(lines) if self._sealer is not None:
                self._keep([self._scene_chunk(lines)])
            case Close(until, why) if self._sealer is not None:
                for encoder in (self._pictures, self._sound):
                    self._keep(() if encoder is None else encoder.close(until))
                self._sealer.forget()
                self._unclosed.append((self._sealer.recording, why))
                self._sealer = self._pictures = self._sound = None
                self.tally.recording, self.tally.heads, self._told_heads = None, {}, {}
                self._account_closings()
            case AtRest():
                self._rested()
            case _:
                pass  # released into a recording that has just closed: nothing to keep it in

    def _scene_chunk(self, lines: tuple[scenes.Line, ...]) -> Chunk:
        """Sealed like any other. Each can be read without the one before, as a key frame can."""
        times = [line.at for line in lines]
        span = Span(max(self._zero, min(times)), max(self._zero, *times))
        data = scenes.written(lines, self._zero)
        return Chunk(SCENE_STREAM, ChunkKind.MEDIA, span, data, ChunkFlag.KEY_FRAME)

    def _open(self, order: Open) -> None:
        self._zero = order.start
        self._sealer = self._studio.sealer(order)
        self._pictures = self._studio.encoder(order)
        self._sound = None if self._studio.sound is None else self._studio.sound(order)
        # The key packet is durable before the recording exists for anyone: without it nothing could ever be opened.
        self._spool_all([self._sealer.packet()])
        self.tally.recording = str(self._sealer.recording)
        self._ledger.write("recording-open", recording=self.tally.recording, policy=order.policy, zero=order.start)

    def _keep(self, chunks: Iterable[Chunk]) -> None:
        assert self._sealer is not None  # noqa: S101 - encoder and sealer come and go together
        self._spool_all([self._sealer.seal(chunk) for chunk in chunks])

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
            lane = lane_of(one.stream)
            if lane != SCENE:  # nobody is to take scenes for a recording that goes on
                self.tally.sealed_at = self._clock.now()
            if lane == SCREEN:
                self.tally.pictures_at = self.tally.sealed_at
            self.tally.chunks += 1
            self.tally.bytes += len(one.data)
            self._note_head(one)
            self._spooled()

    def _retry(self) -> None:
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
        if self._sealer is not None and self._sealer.recording == sealed.recording:
            self.tally.heads = heads

    def _account_heads(self) -> None:
        due = self._clock.now() - self._heads_at >= HEADS_EVERY
        if self._sealer is not None and due and self.tally.heads != self._told_heads:
            self._write_heads("heads", self._sealer.recording)
            self._heads_at, self._told_heads = self._clock.now(), self.tally.heads

    def _account_closings(self) -> None:
        if not self._stranded:
            for recording, why in self._unclosed:
                self._write_heads("recording-closed", recording, why=why)
                self._durable.pop(recording, None)
            self._unclosed.clear()

    def _write_heads(self, kind: str, recording: UUID, **fields: object) -> None:
        """Only what is durable: a head that is signed and then lost would look like a tail that was cut off."""
        heads = {str(stream): list(head) for stream, head in self._durable.get(recording, {}).items()}
        self._ledger.write(kind, recording=str(recording), heads=heads, **fields)
