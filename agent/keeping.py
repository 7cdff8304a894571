"""One lane at work: what waits at its gate, what is let go to the recorder, and where the kept time ends.

The daemon turns; this carries out for a lane what the eye has decided, and keeps the order of what it hands on: an end
is marked before whatever is kept after it.
"""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

from agent.core.eye import Eye
from agent.core.gate import Item
from agent.core.model import Block, Frame, Lane, Span
from agent.pipeline import Mailbox
from agent.recording import Blocks, Gap, Order

# Orders that may wait before sound is refused: it comes in bursts of a look's distance, and costs little.
ROOM_FOR_SOUND: Final = 64

ItemT = TypeVar("ItemT", bound=Item)
TakenT_contra = TypeVar("TakenT_contra", contravariant=True)


class Outlet(Protocol[TakenT_contra]):
    """The way from a lane to the recorder."""

    def put(self, item: TakenT_contra, /) -> bool:
        """False where the recorder takes no more; the item is then lost."""

    def flush(self) -> None:
        """What was put is on its way when this returns."""


class FrameOutlet:
    """Each picture an order of its own: they are large, and the recorder's room is counted in them."""

    def __init__(self, orders: Mailbox[Order]) -> None:
        self._orders = orders

    def put(self, frame: Frame) -> bool:
        return self._orders.put(frame)

    def flush(self) -> None: ...


class BlockOutlet:
    """Blocks that are let go together are one order."""

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


class Keeping(Generic[ItemT]):
    """`since`: when the lane's present state began, ns."""

    def __init__(self, lane: Lane, eye: Eye[ItemT], outlet: Outlet[ItemT], orders: Mailbox[Order], now: int) -> None:
        self.lane = lane
        self.eye = eye
        self.since = now
        self._outlet = outlet
        self._orders = orders

    def let_go(self, now: int, *, held: bool) -> bool:
        """Judge what waits, and hand on what is proven; whether anything was lost. `held`: then nothing is kept."""
        outcome = self.eye.judge(now)
        lost = outcome.dropped
        for position, item in enumerate(outcome.released):
            if self.eye.begins_anew(item):
                self.mark_gap(item)
            if held or not self._outlet.put(item):
                refused = outcome.released[position:]
                self.eye.lost(refused)
                self.eye.drop_all()
                lost = (*refused, *lost)
                break
            self.eye.kept(item)
        self._outlet.flush()
        if self.eye.stretch_is_over(now):
            self.mark_gap()
        return bool(lost)

    def start_over(self) -> None:
        """Nothing that waits is kept, and what is kept next begins anew."""
        self.eye.drop_all()
        self.mark_gap()

    def mark_gap(self, before: ItemT | None = None) -> None:
        """The kept time ends here, if any was kept. `before`: what is let go next, where it is known."""
        self._outlet.flush()
        until = self.eye.end_of_kept(before)
        if until is not None:
            self._orders.put(Gap(until, self.lane), must=True)

    def earliest(self, now: int) -> int:
        """Where a recording that is renewed now hands over: what still waits at the gate belongs to the new one."""
        return min((item.span.start for item in self.eye.waiting), default=now)

    def last_waiting(self) -> Span | None:
        """Of the newest item at the gate; None where none waits."""
        waiting = self.eye.waiting
        return waiting[-1].span if waiting else None
