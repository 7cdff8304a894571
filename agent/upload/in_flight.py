"""Chunks under way: one request each in a thread of its own, of one recording never two.

So a recording's key packet is receipted before its first chunk leaves, and each chunk before the next. One thread
starts requests, takes their completions, and decides.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from agent.core import backoff
from agent.core.model.times import SECOND
from agent.ports import Clock, Sealed
from agent.wire import Answer


@dataclass(frozen=True, slots=True)
class Completion:
    """`epoch`: as given to `start`. `at`: when it was over, ns of the clock."""

    sealed: Sealed
    epoch: int
    outcome: Answer | BaseException
    at: int

    def answer(self) -> Answer:
        """Raises what sending it raised."""
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    @property
    def come_back_at(self) -> int:
        """When the store wants to be asked again; `at` where it does not say."""
        after = self.outcome.retry_after if isinstance(self.outcome, Answer) else None
        return self.at + int(min(backoff.CAP, after or 0.0) * SECOND)


class InFlight:
    """`send` is called in other threads, `completion` (from them too) when `next_completion` has something new."""

    def __init__(self, send: Callable[[Sealed], Answer], completion: Callable[[], None], clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._tell = completion
        self._under_way: set[UUID] = set()
        self._completions: deque[Completion] = deque()

    @property
    def recordings(self) -> frozenset[UUID]:
        """Those with a chunk under way, or completed and not yet looked at."""
        return frozenset(self._under_way)

    def start(self, sealed: Sealed, epoch: int) -> None:
        self._under_way.add(sealed.recording)
        # Threads are made as they are needed: a PC sends a chunk every few seconds, and waiting ones would cost memory.
        # Daemons, for a request that is stuck in the network must not keep a process alive.
        threading.Thread(target=self._send_one, args=(sealed, epoch), name="send", daemon=True).start()

    def _send_one(self, sealed: Sealed, epoch: int) -> None:
        outcome: Answer | BaseException
        try:
            outcome = self._send(sealed)
        except BaseException as failure:  # noqa: BLE001 - raised again by `answer`, in the thread that others watch
            outcome = failure
        self._completions.append(Completion(sealed, epoch, outcome, self._clock.now()))
        self._tell()

    def next_completion(self) -> Completion | None:
        """After it, the next chunk of its recording may be sent."""
        if not self._completions:
            return None
        completion = self._completions.popleft()
        self._under_way.discard(completion.sealed.recording)
        return completion
