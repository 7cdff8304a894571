"""What the three clocks of a PC say together: whether the wall clock was set, and whether the PC has slept.

The clock of all spans runs through sleep and never jumps. Beside it the wall clock shows when it was set, and a
clock that stands still in sleep shows how long the PC slept, also where no signal ever said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.core.model.times import MILLISECOND, SECOND
from agent.core.session import Slept, WallJumped

JUMP: Final = 1 * SECOND  # smaller steps are how time servers keep a clock right
TOGETHER: Final = 50 * MILLISECOND  # readings that lie further apart than this say nothing about one another


@dataclass(frozen=True, slots=True)
class Reading:
    """`now`, `wall`, `awake` of `agent.ports.Clock`, read one after another; `until`: `now` once more, after them."""

    now: int
    wall: int
    awake: int
    until: int

    @property
    def together(self) -> bool:
        """False where the process stood still in between: then the next reading tells."""
        return self.until - self.now <= TOGETHER


@dataclass(frozen=True, slots=True)
class Clocks:
    """The differences that were told last."""

    offset: int  # of the wall clock to ours
    asleep: int  # of ours to the one that stands still in sleep

    @classmethod
    def of(cls, reading: Reading) -> Clocks:
        return cls(reading.wall - reading.now, reading.now - reading.awake)

    def note(self, reading: Reading) -> tuple[Clocks, tuple[Slept | WallJumped, ...]]:
        """What has happened since, and what is told from now on. Slow drift is told once it has come to a jump."""
        if not reading.together:
            return self, ()
        seen = Clocks.of(reading)
        events: list[Slept | WallJumped] = []
        offset, asleep = self.offset, self.asleep
        if seen.asleep - asleep > JUMP:
            # It may have ended up to a turn of the loop ago. What was kept before it ends before the earlier bound.
            events.append(Slept(reading.now - (seen.asleep - asleep), reading.now))
        if abs(seen.offset - offset) > JUMP:
            events.append(WallJumped(offset, seen.offset))
            offset = seen.offset
        return Clocks(offset, seen.asleep), tuple(events)
