"""Whether what should happen does happen: judged by what was really sealed and really receipted, not by what is meant.

A recorder that only asked itself whether it means to record would show an open eye over a capture that hangs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.core.model import SECOND

# An unchanged screen is grabbed again every 3.9 s and a chunk of it is complete with the second grab, 7.7 s after the
# eye opened as measured. The rest is for a machine that is busy: with the second in which the loop turns at the latest,
# a capture that hangs shows within ten.
SLACK: Final = 1 * SECOND
# The store's receipt comes within a second on any line that works. Longer, and less than what is left of the ten
# seconds in which a lost network must show: up to 3.9 s pass before there is anything to send.
RECEIPT_WITHIN: Final = 4 * SECOND
# Where a limit holds the chunks back, one may be on its way for long.
RECEIPT_WITHIN_LIMIT: Final = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Promise:
    """How soon what was promised must be seen, ns."""

    sealed: int  # of the eye's opening, or of the last seal
    receipt: int = RECEIPT_WITHIN

    @classmethod
    def of(cls, chunk_length: int, repeat_every: int, *, limited: bool = False) -> Promise:
        return cls(chunk_length + repeat_every + SLACK, RECEIPT_WITHIN_LIMIT if limited else RECEIPT_WITHIN)


@dataclass(frozen=True, slots=True)
class Evidence:
    """When each was last seen, ns; None: not yet.

    `open_since`: the eye has been open all the time since. `sealed_at`: a chunk of the screen became durable.
    `waiting_since`: something has been waiting for the store all the time since, and may be sent.
    """

    open_since: int | None = None
    sealed_at: int | None = None
    waiting_since: int | None = None
    receipt_at: int | None = None

    def stalled(self, promise: Promise, now: int) -> bool:
        """The eye is open, and still nothing is sealed."""
        return self.open_since is not None and now - _later(self.open_since, self.sealed_at) > promise.sealed

    def unheard(self, promise: Promise, now: int) -> int | None:
        """For how long (ns) the store has confirmed nothing although something waits; None while all is well."""
        if self.waiting_since is None:
            return None
        silence = now - _later(self.waiting_since, self.receipt_at)
        return silence if silence > promise.receipt else None


def _later(since: int, seen: int | None) -> int:
    return since if seen is None else max(since, seen)
