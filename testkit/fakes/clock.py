"""A clock that a test turns by hand; the wall clock can be set apart from it, as people do."""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.model.times import SECOND

NEW_YEAR_2026 = 1_767_225_600 * SECOND


@dataclass
class HandClock:
    """`time`: ns of the clock that never jumps; `ahead`: what the wall clock shows beyond it."""

    time: int = 1000 * SECOND
    ahead: int = NEW_YEAR_2026
    slept: int = 0

    def now(self) -> int:
        return self.time

    def wall(self) -> int:
        return self.time + self.ahead

    def awake(self) -> int:
        return self.time - self.slept

    def boot(self) -> str:
        return "boot-1"

    def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)
        self.slept += int(seconds * SECOND)

    def pass_by(self, seconds: float) -> None:
        self.time += int(seconds * SECOND)
