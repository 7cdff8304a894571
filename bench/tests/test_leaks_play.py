"""How the leak bench leads a play: what it waits for between two steps, with a watcher that is only played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from agent.desktop.clock import BootClock
from bench.leaks_play import Player
from bench.leaks_scene import Play, Scene, Transition
from bench.leaks_watch import Edge, Watcher


@dataclass
class Watched:
    """The colour as the play turns it."""

    seen: list[Edge] = field(default_factory=list)

    def turn(self, shown: bool) -> None:
        self.seen.append(Edge(shown, BootClock().now(), 0))

    def edges(self) -> list[Edge]:
        return self.seen

    def shown(self) -> bool:
        return bool(self.seen) and self.seen[-1].shown


def played(watched: Watched, play: Callable[[Scene], Play], kept: Callable[[], int] | None = None) -> Player:
    player = Player(cast("Watcher", watched), lambda: True, kept, clean=0.0, holds=(0.0,))
    scene = SimpleNamespace(browser=SimpleNamespace(name="chromium"), turn=0, presences=[], gone=lambda: None)
    player.play(Transition("shown", play, ("chromium",), ("plain",), quick=False, least=None), cast("Scene", scene))
    return player


def test_a_play_ends_when_what_it_showed_has_gone() -> None:
    watched = Watched()

    def play(_: Scene) -> Play:
        yield
        watched.turn(shown=True)
        yield
        watched.turn(shown=False)

    player = played(watched, play)

    assert player.faults == []
    assert [phase.key for phase in player.phases] == ["chromium/shown"]


def test_a_play_may_put_away_what_it_needed_once_all_is_clean() -> None:
    watched = Watched()
    away = []

    def play(_: Scene) -> Play:
        yield
        watched.turn(shown=True)
        yield
        watched.turn(shown=False)
        yield
        away.append(watched.shown())

    player = played(watched, play)

    assert away == [False]
    assert player.faults == []


def test_where_frames_are_counted_one_more_is_waited_for_before_it_comes() -> None:
    watched = Watched()
    counts = iter(range(100))
    asked: list[int] = []

    def kept() -> int:
        asked.append(next(counts))
        return asked[-1]

    def play(_: Scene) -> Play:
        yield
        assert len(asked) == 2  # one before, and one more
        watched.turn(shown=True)
        yield
        watched.turn(shown=False)
        yield

    player = played(watched, play, kept)

    assert player.faults == []
    assert len(asked) == 4
