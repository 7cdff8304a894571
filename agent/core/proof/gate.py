"""Holds frames and blocks until every witness has proven their time clean, or drops them.

Nothing is encoded before it leaves here, so no encoder, no disk and no network ever sees an unproven pixel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic

from agent.core.model.media import ItemT, Lane
from agent.core.model.times import SECOND
from agent.core.proof.clearance import Clearance

PATIENCE: Final = {Lane.SCREEN: 2 * SECOND, Lane.AUDIO: 10 * SECOND}


@dataclass(frozen=True, slots=True)
class Proof:
    """What one witness has proven at this moment, and how long after an item its looks must reach."""

    clearance: Clearance
    hindsight: int


@dataclass(frozen=True, slots=True)
class Waiting(Generic[ItemT]):
    """An item at the gate and the witnesses that have covered it: covered stays covered, an ended run's proof holds."""

    item: ItemT
    covered_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GateResult(Generic[ItemT]):
    released: tuple[ItemT, ...] = ()
    dropped: tuple[ItemT, ...] = ()


class Gate(Generic[ItemT]):
    """One lane's queue. Items come in the order of their spans and leave in it.

    A picture is composed of its own grab and of those before it. So what follows a dropped item, up to the next whole
    one of its stream, is dropped with it: its own time may be proven, but not that of every pixel in it.
    """

    def __init__(self, patience: int) -> None:
        """`patience`: ns that an item may wait after its end; then it is dropped, whatever may still be proven."""
        self._patience = patience
        self._queue: tuple[Waiting[ItemT], ...] = ()
        self._unbroken: set[int] = set()  # streams whose next item may build on the last
        self._refused: tuple[ItemT, ...] = ()

    @property
    def waiting(self) -> tuple[ItemT, ...]:
        return tuple(waiting.item for waiting in self._queue)

    def push(self, item: ItemT) -> None:
        if item.whole:
            self._unbroken.add(item.stream)
        if item.stream in self._unbroken:
            self._queue += (Waiting(item),)
        else:
            self._refused += (item,)

    def judge(self, proofs: Mapping[str, Proof], now: int) -> GateResult[ItemT]:
        """Release what every witness has covered; drop what can be covered no more. No witness proves nothing."""
        released: list[ItemT] = []
        dropped = list(self._refused)
        kept: list[Waiting[ItemT]] = []
        broken: set[int] = set()
        for position, waiting in enumerate(self._queue):
            item = waiting.item
            if not broken and self._too_new(item, proofs, now):
                kept += self._queue[position:]  # blocks of sound wait in hundreds
                break
            covered_by = waiting.covered_by | {
                name for name, proof in proofs.items() if proof.clearance.covers(item.span, proof.hindsight)
            }
            if item.whole:
                broken.discard(item.stream)
            if item.stream in broken or self._hopeless(item, covered_by, proofs, now):
                dropped.append(item)
                broken.add(item.stream)
            elif proofs and proofs.keys() <= covered_by and not kept:
                released.append(item)
            else:
                kept.append(Waiting(item, covered_by))
        self._queue = tuple(kept)
        self._unbroken -= broken
        self._refused = ()
        return GateResult(tuple(released), tuple(dropped))

    def _too_new(self, item: ItemT, proofs: Mapping[str, Proof], now: int) -> bool:
        """Whether no witness says anything yet of what starts now or later, neither for it nor against it."""
        start = item.span.start
        return now - start <= self._patience and all(
            proof.clearance.after < start and proof.clearance.before <= start + proof.hindsight
            for proof in proofs.values()
        )

    def _hopeless(self, item: ItemT, covered_by: frozenset[str], proofs: Mapping[str, Proof], now: int) -> bool:
        uncovered = proofs.keys() - covered_by
        if not uncovered and proofs:
            return False
        return now - item.span.end > self._patience or any(
            proofs[name].clearance.never_covers(item.span) for name in uncovered
        )

    def drop_all(self) -> GateResult[ItemT]:
        """Everything that waits goes, and every stream must begin anew: a hold, a stop, a lost witness."""
        dropped = self._refused + self.waiting
        self._queue = self._refused = ()
        self._unbroken.clear()
        return GateResult(dropped=dropped)
