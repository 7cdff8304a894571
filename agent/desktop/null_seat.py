"""The seat of systems whose sessions Eyelid cannot watch yet: it holds nothing, and says that it hears nothing."""

from __future__ import annotations

from agent.core.model.rules import Hold


class NullSeat:
    """For systems whose seat Eyelid cannot watch yet. Nothing is recorded there: their desktop is blind."""

    blind_to = ("everything: Eyelid cannot watch this system's session yet",)

    def holds(self) -> frozenset[Hold]:
        return frozenset()

    def let_sleep(self) -> None:
        return

    def close(self) -> None:
        return
