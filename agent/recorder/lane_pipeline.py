"""One lane at work: what waits at its gate, what is released to the recorder, and where the kept time ends.

Where one recording follows the next without a break, each lane goes over alone: what began before the seam belongs to
the old one, however long its proof takes, and the other lane does not wait.

This carries out what the lane's proof has decided, in order: an end is marked before what is kept after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Block, Frame, Item, Lane
from agent.core.model.times import MILLISECOND, Span
from agent.core.proof.gate import PATIENCE
from agent.pipeline import Mailbox
from agent.recorder.recording import Blocks, Gap, Order, TakeOver

# Orders that may wait before sound is refused: it comes in bursts of a look's distance, and costs little.
ROOM_FOR_SOUND: Final = 64
BLOCK: Final = 20 * MILLISECOND  # how long each block is (agent.core.model.media)

ItemT = TypeVar("ItemT", bound=Item)
TakenT_contra = TypeVar("TakenT_contra", contravariant=True)


class Outlet(Protocol[TakenT_contra]):
    """The way from a lane to the recorder."""

    def put(self, item: TakenT_contra, /) -> bool:
        """False where the recorder takes no more; the item is then lost."""

    def flush(self) -> None:
        """What was put is on its way when this returns."""

    def is_from(self, item: TakenT_contra, seam: int, /) -> bool:
        """Whether it belongs to the recording that begins at the seam (ns), and not to the one before."""


class FrameOutlet:
    """Each picture an order of its own: they are large, and the recorder's room is counted in them."""

    def __init__(self, orders: Mailbox[Order]) -> None:
        self._orders = orders

    def put(self, frame: Frame) -> bool:
        return self._orders.put(frame)

    def flush(self) -> None: ...

    def is_from(self, frame: Frame, seam: int) -> bool:
        """The picture before stands at the seam: none can begin with it, at the same tick."""
        return frame.span.start > seam + MILLISECOND


class BlockOutlet:
    """Blocks that are released together are one order."""

    def __init__(self, orders: Mailbox[Order]) -> None:
        self._orders = orders
        self._blocks: list[Block] = []

    def put(self, block: Block) -> bool:
        if len(self._orders) >= ROOM_FOR_SOUND:
            return False
        self._blocks.append(block)
        return True

    def flush(self) -> None:
        if self._blocks:
            self._orders.put(Blocks(tuple(self._blocks)), must=True)
            self._blocks.clear()

    def is_from(self, block: Block, seam: int) -> bool:
        """By when it was heard: its span reaches back over the error of its stamp."""
        return block.at >= seam


def between_blocks(waiting: Sequence[Block], now: int) -> int:
    """The last moment before `now` (ns) that falls between two blocks of those that are heard; `now`, if none waits."""
    return now - (now - waiting[-1].at) % BLOCK if waiting else now


class LanePipeline(Generic[ItemT]):
    """`since`: when the lane's present state began, ns."""

    def __init__(
        self, lane: Lane, accounted: AccountedProof[ItemT], outlet: Outlet[ItemT], orders: Mailbox[Order], now: int
    ) -> None:
        self.lane = lane
        self.accounted = accounted
        self.proof = accounted.proof
        self.since = now
        self.zero = 0  # of the recording that the lane is in, ns
        self._seam: int | None = None  # where the next one takes over, until this lane has gone over to it
        self._outlet = outlet
        self._orders = orders

    def let_go(self, now: int, *, held: bool) -> bool:
        """Judge what waits, and hand on what is proven; whether anything was lost. `held`: then nothing is kept."""
        outcome = self.accounted.judge(now)
        lost = outcome.dropped
        for position, item in enumerate(outcome.released):
            if self.accounted.begins_anew(item):
                self.mark_gap(item)
            if self._seam is not None and self._outlet.is_from(item, self._seam):
                self._take_over(self._seam)
            if held or not self._outlet.put(item):
                refused = outcome.released[position:]
                self.accounted.lost(refused)
                self.accounted.drop_all()
                lost = (*refused, *lost)
                break
            self.accounted.kept(item)
        self._outlet.flush()
        if self.accounted.kept_span_is_over(now):
            self.mark_gap()
        if self._seam is not None and (held or self._is_past(self._seam, now)):
            self.finish()
        return bool(lost)

    def begin(self, zero: int) -> None:
        """A recording opens, and nothing went before it."""
        self.zero = zero

    def hand_over(self, seam: int) -> None:
        """The next recording takes over at `seam` (ns): the lane goes there when nothing from before it is to come."""
        self._seam = seam

    def finish(self) -> None:
        """Nothing more is to come from before the seam, if the lane was on its way over one."""
        if self._seam is not None and not self.accounted.holds_until(self._seam):
            self.mark_gap()
        if self._seam is not None:
            self._take_over(self._seam)

    def start_over(self) -> None:
        """Nothing that waits is kept, and what is kept next begins anew."""
        self.accounted.drop_all()
        self.mark_gap()
        self.finish()

    def mark_gap(self, before: ItemT | None = None) -> None:
        """The kept time ends here, if any was kept. `before`: what is released next, where it is known."""
        self._outlet.flush()
        until = self.accounted.end_of_kept(before)
        if until is None:
            return
        if self._seam is not None and until > self._seam and not self._waits_before(self._seam):
            self._take_over(self._seam)
        self._orders.put(Gap(until, self.lane), must=True)

    def earliest(self, now: int) -> int:
        """Where a recording that is renewed now hands over: what still waits at the gate belongs to the new one."""
        return min((item.span.start for item in self.proof.waiting), default=now)

    def _is_past(self, seam: int, now: int) -> bool:
        """Whether all that began before the seam has come, and was released or dropped.

        Sound comes late. A lane of which nothing is kept may have something under way as long as anything may wait.
        """
        if self._waits_before(seam):
            return False
        stands = self.lane is Lane.SCREEN and self.accounted.holds_until(seam)
        return stands or now - seam >= PATIENCE[self.lane]

    def _waits_before(self, seam: int) -> bool:
        return any(not self._outlet.is_from(item, seam) for item in self.proof.waiting[:1])  # they wait in order

    def _take_over(self, seam: int) -> None:
        self._seam, self.zero = None, seam
        self._outlet.flush()
        self._orders.put(TakeOver(self.lane, seam), must=True)

    def last_waiting(self) -> Span | None:
        """Of the newest item at the gate; None where none waits."""
        waiting = self.proof.waiting
        return waiting[-1].span if waiting else None
