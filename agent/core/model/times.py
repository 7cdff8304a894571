"""Times: nanoseconds of one clock that never jumps and runs through sleep (see `agent.ports.Clock`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end] in ns; start may equal end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span cannot end ({self.end}) before it starts ({self.start})")
