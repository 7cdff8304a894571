"""Which windows may show what was on the screen when they came, under a compositor. Without X.

There a window has a pixmap of its own, new when it is mapped or gets another size, and the server fills it with what
the screen showed at that place (Composite). The window shows that until it has painted all of it, wherever it goes
and whatever has left meanwhile. What it painted needs no place on the screen: covers do not clip it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.core.model.seen import Box, StalePixels
from agent.desktop.x11.changing import Done, Pane
from agent.desktop.x11.covering import MOST_PIECES, around, overlap, rests, within
from agent.desktop.x11.tree import Deed
from agent.desktop.x11.unpainted import DOUBT, KEPT, UNPAINTED, UNSURE, Drawn


@dataclass(slots=True)
class _Copy:
    """In one window. `found`: when; `lefts`: then, and when what was copied had been found copied itself.

    `unpainted`: from the window's corner. `most`: as in `StalePixels`. `since`: painting before that does not count;
    `late`: nor does what the next look tells of it in doubt, which may be from before.
    """

    found: int
    lefts: frozenset[int]
    unpainted: list[Box]
    most: int
    until: int
    since: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True)
class Painting:
    """Since the last look, by window, from its corner. `drawn`: as told by windows that were watched all that time;
    `doubted` ones may have more than that; `fresh`: since the window was first watched, while it was mapped.
    """

    drawn: Drawn
    doubted: Collection[int] = ()
    fresh: Drawn = field(default_factory=dict)


class Copied:
    """`follow` every look."""

    def __init__(self) -> None:
        self._copies: dict[int, list[_Copy]] = {}
        self._parts: dict[int, list[Box]] = {}  # of each window at the last look, from its corner
        self._gone: list[_Copy] = []  # painted over, or their window is no longer there

    def reported(self) -> tuple[StalePixels, ...]:
        known = {(left, copy.until, copy.most) for copy in self._all() for left in copy.lefts}
        return tuple(StalePixels(*one) for one in sorted(known))

    def painters(self, now: int) -> set[int]:
        """Windows of which it matters when they paint. One that may have painted long ago is asked by the way."""
        return {
            window
            for window, copies in self._copies.items()
            if any(copy.most > UNSURE or now < copy.found + UNSURE for copy in copies)
        }

    def _all(self) -> Iterator[_Copy]:
        yield from self._gone
        for copies in self._copies.values():
            yield from copies

    def follow(
        self,
        panes: Sequence[Pane],
        done: Mapping[int, Done] | None,
        painting: Painting,
        screen: Box,
        now: int,
        *,
        composited: bool,
        renewed: bool = False,
        late: bool = False,
    ) -> None:
        """`panes`: all that are mapped. `done`: since the last call, by window; None if not known. `renewed`: a
        compositor came or went, so that each window may have another pixmap now or soon. `late`: some of it happened
        after it was taken what was painted. `now`: ns, after all of that.
        """
        self._gone = [copy for copy in self._gone if copy.until + KEPT > now]
        self._subtract_painted(painting, now)
        live = frozenset(left for copy in self._all() if copy.until > now for left in copy.lefts) | {now}
        shown = {pane.id: pane for pane in panes}
        for window in self._copies.keys() - shown.keys():
            self._end(self._copies.pop(window), now)
        for pane in panes if composited or renewed else ():
            unknown = done is None or renewed
            own = None if done is None or renewed else done.get(pane.id)
            parts: Iterable[tuple[list[Box], int]] = ()
            if unknown or (own is not None and _is_anew(own)):
                self._end(self._copies.pop(pane.id, []), now)
                parts = _copied(pane, own, painting, screen, late=late)
            elif own is not None and Deed.RESHAPED in own.deeds:
                parts = [(rests(_parts(pane), self._parts.get(pane.id, ())), UNSURE)]
            since = now + DOUBT if renewed else 0
            doubt = late and not (own is not None and Deed.CAME in own.deeds)
            made = [_Copy(now, live, part, most, now + UNPAINTED, since, doubt) for part, most in parts if part]
            if made:
                self._copies.setdefault(pane.id, []).extend(made)
        self._parts = {pane.id: _parts(pane) for pane in panes} if composited else {}

    def _subtract_painted(self, painting: Painting, now: int) -> None:
        for window, copies in tuple(self._copies.items()):
            strokes = painting.drawn.get(window)
            for copy in copies:
                if strokes is None:
                    copy.most = UNSURE  # what it painted is lost
                elif now > copy.since and not (copy.late and window in painting.doubted):
                    copy.unpainted = rests(copy.unpainted, strokes)
                    copy.late = False
                if len(copy.unpainted) > MOST_PIECES:
                    copy.unpainted, copy.most = [around(copy.unpainted)], UNSURE  # some of that has been painted
            painted = [copy for copy in copies if not copy.unpainted]
            if painted:
                self._end(painted, now)
                self._copies[window] = [copy for copy in copies if copy.unpainted]
                if not self._copies[window]:
                    del self._copies[window]

    def _end(self, copies: Sequence[_Copy], now: int) -> None:
        """The compositor may go on showing them for a moment."""
        for copy in copies:
            copy.until = now + DOUBT
        self._gone += copies


def _is_anew(own: Done) -> bool:
    return Deed.CAME in own.deeds or len({(box.width, box.height) for box in own.places}) > 1


def _parts(pane: Pane, screen: Box | None = None) -> list[Box]:
    """What the window has pixels of, from its corner; `screen`: only what is on it."""
    pixels = [part if screen is None else overlap(part, screen) for part in pane.pixels]
    return [Box(one.x - pane.box.x, one.y - pane.box.y, one.width, one.height) for one in pixels if one is not None]


def _copied(
    pane: Pane, own: Done | None, painting: Painting, screen: Box, *, late: bool
) -> Iterator[tuple[list[Box], int]]:
    """What the window may not have painted since it has this pixmap, and for how long at most that is believed.

    `own`: what happened to it; None if not known.
    """
    places = [pane.box] if own is None else own.places
    region = _parts(pane, screen if own is not None and len(places) == 1 else None)
    # A shape clips what is painted, and undoes none of it.
    deeds = [] if own is None else [deed for deed in own.deeds if deed not in {Deed.RESTACKED, Deed.RESHAPED}]
    one_size = len({(box.width, box.height) for box in places}) == 1
    watched = pane.plain and pane.id in painting.drawn and pane.id not in painting.doubted
    if deeds.count(Deed.CAME) == 1 and one_size and set(deeds) <= {Deed.CAME, Deed.MOVED}:
        # It had no pixels before, so all that it painted is its own.
        if watched:
            yield rests(region, painting.drawn[pane.id]), UNPAINTED
        else:
            yield rests(region, painting.fresh.get(pane.id, ())), UNSURE
    elif deeds and set(deeds) == {Deed.MOVED} and watched and not late:
        strokes = painting.drawn[pane.id]
        yield rests(region, strokes), UNPAINTED
        yield within(region, strokes), UNSURE
    else:
        yield region, UNSURE
