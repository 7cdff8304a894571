"""One X screen as its events tell it, on a wire that says what the test wants. Without X."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent.desktop.x11.drawn import Drawn
from agent.desktop.x11.events import CompositorChanged, Event
from agent.desktop.x11.screen import Screenful


class _Bare:
    """A display without extensions, and an empty desktop."""

    display: Any = None
    root = 1

    def __init__(self) -> None:
        self.display = self
        self.atom: dict[str, int] = {}
        self.waiting: list[Event] = []

    def has_extension(self, _: str) -> bool:
        return False

    def watch_root(self) -> None: ...

    def tops(self) -> tuple[int, ...]:
        return ()

    def server_windows(self) -> tuple[int, ...]:
        return ()

    def is_servers(self, _: int) -> bool:
        return False

    def outsides(self, _: Sequence[int]) -> tuple[()]:
        return ()

    def compositor(self) -> int:
        return 7

    def events(self) -> list[Event]:
        told, self.waiting = self.waiting, []
        return told


@pytest.mark.parametrize("owner", [0, 8], ids=["went", "came"])
def test_what_was_painted_under_a_compositor_pays_for_nothing(monkeypatch: pytest.MonkeyPatch, owner: int) -> None:
    """Windows painted beside the screen then, and so also where something covered them."""
    wire: Any = _Bare()
    screen = Screenful(wire)
    distrusted: list[Drawn] = []

    def distrust(drawn: Drawn) -> None:
        distrusted.append(drawn)

    monkeypatch.setattr(Drawn, "distrust", distrust)
    screen.absorb()
    assert not distrusted
    wire.waiting.append(CompositorChanged(owner))
    screen.absorb()
    assert len(distrusted) == 1
