"""How the leak bench leads a play: what it waits for between two steps, with a watcher that is only played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from agent.control.recorder_state import RecorderState
from agent.desktop.clock import BootClock
from bench.leaks_play import Pace, Player
from bench.leaks_scene import Scene, Step, row
from bench.leaks_steps import pay, start
from testkit.fleet import Pc
from testkit.screen_watch import Edge, Watcher


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


def played(watched: Watched, *steps: Step, kept: Callable[[], int] | None = None) -> Player:
    recorder = SimpleNamespace(
        state=lambda: RecorderState.RECORDING, status=lambda: {"frames": kept()} if kept else None
    )
    pace = Pace(0.0, (0.0,), frames=kept is not None)
    player = Player(cast("Watcher", watched), cast("Pc", recorder), pace)
    browser = SimpleNamespace(name="chromium")
    scene = SimpleNamespace(browser=browser, presences=[], gone=lambda: None, leave_all=lambda: None)
    player.play(row("shown", *steps), cast("Scene", scene))
    return player


def test_a_play_ends_when_what_it_showed_has_gone() -> None:
    watched = Watched()

    player = played(watched, lambda _: watched.turn(shown=True), lambda _: watched.turn(shown=False))

    assert player.faults == []
    assert [phase.key for phase in player.phases] == ["chromium/shown"]


def test_a_play_may_put_away_what_it_needed_once_all_is_clean() -> None:
    watched = Watched()
    away = []

    player = played(
        watched,
        lambda _: watched.turn(shown=True),
        lambda _: watched.turn(shown=False),
        lambda _: away.append(watched.shown()),
    )

    assert away == [False]
    assert player.faults == []


def test_where_frames_are_counted_one_more_is_waited_for_before_it_comes() -> None:
    watched = Watched()
    counts = iter(range(100))
    asked: list[int] = []
    asked_before: list[int] = []

    def kept() -> int:
        asked.append(next(counts))
        return asked[-1]

    def come(_: Scene) -> None:
        asked_before.append(len(asked))  # one before, and one more
        watched.turn(shown=True)

    player = played(watched, come, lambda _: watched.turn(shown=False), (), kept=kept)

    assert player.faults == []
    assert asked_before == [2]
    assert len(asked) == 4


def test_a_browser_that_a_play_started_has_ended_and_is_none_of_the_next_one() -> None:
    """Or the next play would stop the processes of a browser that is gone."""
    ended: list[str] = []

    @contextmanager
    def another(*_: object, **__: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(name="second", pid=2)
        ended.append("second")

    desk = SimpleNamespace(all=list, new_of=lambda *_: 7)
    first = SimpleNamespace(name="chromium", pid=1)
    scene = Scene(*cast("Any", (None, None, desk, first, {}, {}, another)))

    start(pay())(scene)
    assert scene.latest.name == "second"
    scene.leave_all()

    assert ended == ["second"]
    assert scene.latest.name == "chromium"
