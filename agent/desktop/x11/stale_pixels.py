"""What the screen goes on showing of windows that have left it: structure, damage and clock put together."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Final

from agent.core.model.seen import Box, StalePixels
from agent.desktop.clock import BootClock
from agent.desktop.x11.changing import Done, Pane
from agent.desktop.x11.copied import Copied, Painting
from agent.desktop.x11.covering import meet
from agent.desktop.x11.drawn import Drawn
from agent.desktop.x11.tree import Tree
from agent.desktop.x11.unpainted import Unpainted
from agent.desktop.x11.wire import Wire

MOST_PLACES: Final = 100  # that windows had between two looks; more are not followed


class StalePixelTracker:
    """At every look: `take` as often as the tree is read, then `follow` once. Both may raise `Disconnected`."""

    def __init__(self, wire: Wire, tree: Tree) -> None:
        self._tree = tree
        self._clock = BootClock()
        self._drawn = Drawn(wire.display)
        self._regions = Unpainted(self._drawn.redirected, self._drawn.repaints_root)
        self._copied = Copied()
        self._renewed = False  # a compositor came or went since the last look
        self._painters: set[int] = set()
        self.painted = False  # something that matters, since it was last taken

    def watch(self, window: int) -> None:
        """A top level that is new here, or was."""
        self._drawn.watch(window)

    def forget(self, window: int) -> None:
        self._drawn.forget(window)

    def note(self, window: int) -> None:
        """Its damage is no longer empty."""
        self.painted |= window in self._painters

    def distrust(self) -> None:
        """A compositor came or went: windows that painted beside the screen did so under what covers them, too."""
        self._drawn.distrust()
        self._renewed = True

    def take(self, orphaned: Iterable[int] = ()) -> None:
        """What was painted so far in windows that have to paint, or may have to. `orphaned`: see `mark_orphaned`."""
        self.painted = False
        places = [box for boxes in self._tree.touched.values() for box in boxes]
        places += [self._tree.tops[window].box for window in orphaned if window in self._tree.tops]
        near = {top.id for top in self._tree.tops.values() if top.mapped and meet([top.box], places)}
        # Also those that have left: what they painted before that must not be told when they come again.
        self._drawn.take(near | self._painters | (self._tree.touched.keys() & self._tree.tops.keys()))

    def follow(
        self,
        panes: Sequence[Pane],
        airy: Container[int],
        screen: Box,
        *,
        known: bool,
        late: bool,
        orphaned: Container[int] = (),
        composited: bool = False,
    ) -> None:
        """`panes` as of now, bottom first; `airy`: windows without pixels, which change nothing. `known`: whether the
        tree has told all that happened; `late`: some of it after `take`.
        """
        tree = self._tree
        done = {
            window: Done(deeds, places)
            for window, deeds in tree.deeds.items()
            if window not in airy and meet(places := tree.touched.get(window, ()), [screen])
        }
        known = known and len({box for one in done.values() for box in one.places}) <= MOST_PLACES
        now = self._clock.now()
        drawn = self._drawn.collect()
        self._regions.follow(panes, done if known else None, drawn, screen, now, doubted=self._drawn.doubted, late=late)
        painting = Painting(drawn, self._drawn.doubted, self._drawn.fresh)
        self._copied.follow(
            panes,
            done if known else None,
            painting,
            screen,
            now,
            composited=composited,
            renewed=self._renewed,
            late=late,
        )
        self._renewed = False
        if late or not known:
            self._drawn.lose_track()
        self._regions.mark_orphaned(orphaned, screen, now)
        self._painters = self._regions.painters(now) | self._copied.painters(now)
        self._drawn.keep(tree.tops)

    def reported(self, *, composited: bool) -> tuple[StalePixels, ...] | None:
        """Under a compositor only what windows have copied; what else it goes on showing it says to none."""
        if not self._drawn.able:
            return None
        return (*self._copied.reported(), *(() if composited else self._regions.reported()))
