"""The pauses of a day, read from the ledger: what a person in front may ask of their own account.

The same entries that the auditor reads, so that both see the same day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.core.model.media import Lane
from agent.core.model.rules import Hold

BLIND: Final = "blind"


@dataclass(frozen=True, slots=True)
class Pause:
    """`began`: wall time, ns since 1970; `length`: ns. `kind`: held, closed or blind. `names`: of holds or rules."""

    began: int
    length: int
    kind: str
    names: tuple[str, ...]


Cause = tuple[str, tuple[str, ...]]  # kind and names
Naming = Callable[[str, int], str]  # (policy hash, number of a rule) -> the rule's id


@dataclass(slots=True)
class _Account:
    """What the entries so far say of the screen."""

    naming: Naming
    holds: dict[str, None] = field(default_factory=dict)
    closed: tuple[str, ...] = (BLIND,)
    running: bool = False

    def take(self, entry: Mapping[str, object]) -> None:
        match entry:
            case {"kind": "start"}:
                self.running, self.closed = True, (BLIND,)
                self.holds.clear()
            case {"kind": "stop" | "blind-since"}:
                self.running = False
            case {"kind": "hold", "hold": str() as hold}:
                self.running = True  # the start may lie in a part of the ledger that is no longer here
                self.holds[hold] = None
            case {"kind": "release", "hold": str() as hold}:
                self.holds.pop(hold, None)
            case {"kind": "lane-open", "lane": Lane.SCREEN.value}:
                self.running, self.closed = True, ()
            case {"kind": "lane-closed", "lane": Lane.SCREEN.value, "rules": list() as rules}:
                self.running = True
                policy = str(entry.get("policy", ""))
                self.closed = tuple(self.naming(policy, rule) if isinstance(rule, int) else str(rule) for rule in rules)
            case _:
                pass

    def cause(self) -> Cause | None:
        """Why nothing is kept; None where something is, or where no recorder runs."""
        if not self.running:
            return None
        if held := tuple(hold for hold in self.holds if hold != Hold.BLIND):
            return "held", held
        if self.holds or BLIND in self.closed:
            return BLIND, ()
        return ("closed", self.closed) if self.closed else None


def pauses(entries: Iterable[Mapping[str, object]], since: int, now: int, naming: Naming) -> tuple[Pause, ...]:
    """In the order in which they began, from wall time `since` (ns since 1970) to `now` (ns of the device's clock).

    One that began before is counted from its own beginning. The last may still go on.
    """
    account = _Account(naming)
    found: list[Pause] = []
    cause: Cause | None = None
    began = began_wall = 0
    for entry in (*entries, {"at": now, "wall": None}):
        at, wall = int(str(entry["at"])), entry["wall"]
        account.take(entry)
        after = account.cause()
        if cause is not None and (after != cause or wall is None):
            found.append(Pause(began_wall, at - began, *cause))
        if after != cause:
            cause, began, began_wall = after, at, 0 if wall is None else int(str(wall))
    return tuple(pause for pause in found if pause.length and pause.began + pause.length >= since)
