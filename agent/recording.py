"""One recording after another: what was released is encoded, sealed and spooled, in order, in one thread.

The encoder gets nothing that the gate has not released; the disk gets nothing that is not sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from agent.core.model import SECOND, Chunk, Frame, Hold, Monitor
from agent.errors import SpoolFull, Transient
from agent.pipeline import Mailbox
from agent.ports import Clock, Encoder, Ledger, Sealed, Sealer, Spool

RETRY: Final = 1.0  # seconds between tries to spool what did not fit
HEADS_EVERY: Final = 10 * SECOND


@dataclass(frozen=True, slots=True)
class Open:
    policy: str  # hash
    start: int
    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing after `until` is kept for now."""

    until: int


@dataclass(frozen=True, slots=True)
class Close:
    until: int
    why: str


Order = Open | Frame | Gap | Close


@dataclass(frozen=True, slots=True)
class Studio:
    """What a recording is made with. Both are made anew for each: a new key, a new zero of time."""

    sealer: Callable[[Open], Sealer]
    encoder: Callable[[Open], Encoder]


@dataclass(slots=True)
class Tally:
    """What the status shows: read from other threads, so each field is written whole."""

    recording: str | None = None  # the one that is open
    heads: dict[int, tuple[int, str]] = field(default_factory=dict)
    sealed_at: int | None = None
    chunks: int = 0
    bytes: int = 0
    frames: int = 0


class Recorder:
    """Carries out the orders.

    `hold`: called with True when the spool takes no more, with False when it does again. `spooled`: something new lies
    there to be sent.
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
    ) -> None:
        self._orders = orders
        self._studio = studio
        self._spool = spool
        self._ledger = ledger
        self._clock = clock
        self._hold = hold
        self._spooled = spooled
        self._sealer: Sealer | None = None
        self._encoder: Encoder | None = None
        self._stranded: list[Sealed] = []  # sealed, so their sequence is spent: the same bytes are tried again
        self._heads_at = 0
        self._told_heads: dict[int, tuple[int, str]] = {}
        self.tally = Tally()

    def run(self) -> None:
        """Until the mailbox is closed and empty, and what was sealed lies in the spool or cannot."""
        while not self._orders.ended:
            order = self._orders.get(self._patience())
            if order is not None:
                self._carry_out(order)
            self._retry()
            self._account_heads()
        self._retry()

    def _patience(self) -> float | None:
        """Seconds to wait for an order; None where nothing else is to be done meanwhile."""
        if self._stranded:
            return RETRY
        return HEADS_EVERY / SECOND if self.tally.heads != self._told_heads else None

    def _carry_out(self, order: Order) -> None:
        match order:
            case Open():
                self._open(order)
            case Frame() if self._encoder is not None:
                self.tally.frames += 1
                self._keep(self._encoder.encode(order))
            case Gap(until) if self._encoder is not None:
                self._keep(self._encoder.gap(until))
            case Close(until, why) if self._encoder is not None and self._sealer is not None:
                self._keep(self._encoder.close(until))
                self._write_heads("recording-closed", self._sealer, why=why)
                self._sealer.forget()
                self._sealer = self._encoder = None
                self.tally.recording, self.tally.heads, self._told_heads = None, {}, {}
            case _:
                pass  # released into a recording that has just closed: nothing to keep it in

    def _open(self, order: Open) -> None:
        self._sealer = self._studio.sealer(order)
        self._encoder = self._studio.encoder(order)
        # The key packet is durable before the recording exists for anyone: without it nothing could ever be opened.
        self._spool_all([self._sealer.packet()])
        self.tally.recording = str(self._sealer.recording)
        self._ledger.write("recording-open", recording=self.tally.recording, policy=order.policy, zero=order.start)

    def _keep(self, chunks: Iterable[Chunk]) -> None:
        assert self._sealer is not None  # noqa: S101 - encoder and sealer come and go together
        self._spool_all([self._sealer.seal(chunk) for chunk in chunks])
        self.tally.heads = self._sealer.heads()

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
            self.tally.sealed_at = self._clock.now()
            self.tally.chunks += 1
            self.tally.bytes += len(one.data)
            self._spooled()

    def _retry(self) -> None:
        if self._stranded:
            again, self._stranded = self._stranded, []
            self._spool_all(again)
            if not self._stranded:
                self._hold(Hold.SPOOL_FULL, False)

    def _account_heads(self) -> None:
        due = self._clock.now() - self._heads_at >= HEADS_EVERY
        if self._sealer is not None and due and self.tally.heads != self._told_heads:
            self._write_heads("heads", self._sealer)

    def _write_heads(self, kind: str, sealer: Sealer, **fields: object) -> None:
        heads = {str(stream): list(head) for stream, head in sealer.heads().items()}
        self._ledger.write(kind, recording=str(sealer.recording), heads=heads, **fields)
        self._heads_at, self._told_heads = self._clock.now(), sealer.heads()
