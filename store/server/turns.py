"""Whose turn it is: what one PC asks waits behind what it asked before, so that it costs the others little.

Each PC has an allowance that refills, and so has each address for what comes before a PC is known. What is above it
waits, and is refused (429) where it would wait long; also a refusal comes late, or a flood of them would be one, too.
It is a leaky bucket, kept as the one moment at which it will be empty (GCRA, as in ITU-T I.371).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from store.errors import Refusal

LONGEST: Final = 10.0  # seconds that a request waits for its turn; an agent waits longer for an answer
_MOST: Final = 65_536  # keys that are remembered, of some 200 bytes


@dataclass(frozen=True, slots=True)
class Allowance:
    """`rate`: units a second. `burst`: units that may come at once after a pause. `unit`: bytes of a body, for which
    one unit is due besides the one for the request."""

    rate: float
    burst: float
    unit: int = 32 * 2**10

    def units(self, size: int) -> float:
        return 1 + size / self.unit


# A PC sends four chunks at once, each in some 50 ms, only when it has fallen behind. Of the rest, an entry of its
# account in ten seconds, its health in sixty, a token in nine minutes; after days without a network, many batches.
CHUNKS: Final = Allowance(rate=30, burst=120, unit=2**20)
REST: Final = Allowance(rate=4, burst=120)
TOKENS: Final = Allowance(rate=0.2, burst=10)


def strangers(connections: int) -> Allowance:
    """Of an address that may have so many connections: each PC behind it wants a token now and then, and all of them
    want one at once after a failure of the network."""
    return Allowance(rate=connections / 60, burst=connections)


def connections(most: int) -> Allowance:
    """New ones of an address that may have so many: each costs a handshake, and an agent keeps the one that it has."""
    return Allowance(rate=most / 20, burst=2 * most)


def own_connections(most: int) -> Allowance:
    """New ones of this machine's own addresses, which may have so many together: a proxy keeps those that it has. In
    the ten seconds of a handshake, which takes more memory than a connection at rest, they come to three quarters."""
    return Allowance(rate=most / 40, burst=most / 2)


class Turns:
    """For the event loop. `now`: seconds of a clock that never jumps."""

    def __init__(self, now: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        self._now = now
        self._most = most
        self._empty_at: dict[tuple[str, Allowance], float] = {}

    def due(self, key: str, allowance: Allowance, units: float = 1.0, longest: float | None = None) -> float:
        """Seconds until its turn, which it has taken then. Refusals: 429 too-many, with nothing taken, where it would
        be longer than `longest` (LONGEST)."""
        longest = LONGEST if longest is None else longest
        now, bucket = self._now(), (key, allowance)
        empty_at = max(now, self._empty_at.get(bucket, now)) + units / allowance.rate
        wait = empty_at - now - max(units, allowance.burst) / allowance.rate
        if wait > longest:
            after = math.ceil(wait - longest)
            raise Refusal(429, "too-many", "this comes too often: send it again later", retry_after=after)
        if bucket not in self._empty_at and len(self._empty_at) >= self._most:
            still = {one: at for one, at in self._empty_at.items() if at > now}
            self._empty_at = still if len(still) <= self._most // 2 else {}  # rarely, as looking at all takes time
        self._empty_at[bucket] = empty_at
        return max(0.0, wait)

    def is_free(self, key: str, allowance: Allowance) -> bool:
        """Whether it is its turn now, which it has taken then."""
        try:
            self.due(key, allowance, longest=0.0)
        except Refusal:
            return False
        return True

    async def wait(self, key: str, allowance: Allowance, units: float = 1.0) -> None:
        """Returns when it is its turn. Refusals: 429 too-many."""
        try:
            seconds = self.due(key, allowance, units)
        except Refusal:
            await asyncio.sleep(LONGEST / 2)
            raise
        if seconds:
            await asyncio.sleep(seconds)
