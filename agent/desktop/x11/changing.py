"""What changed hands between two looks at a screen of windows, and where that is not known. Rectangles, without X."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agent.core.model.seen import Box
from agent.desktop.x11.covering import meet, overlap, rests, within
from agent.desktop.x11.tree import Deed

ROOT: Final = 0  # owns what no window covers; covers never clip its damage
MOST_DEEDS: Final = 24  # between two looks; of a flood it is not asked what each was
FEW: Final = 2  # deeds at one place: what came to a window there has not left it in between


@dataclass(frozen=True, slots=True)
class Pane:
    """A top level that is mapped and has pixels: `parts` of `box`, or all of it. `plain`: its parts are known, and no
    border is around them.
    """

    id: int
    box: Box
    plain: bool
    parts: tuple[Box, ...] | None = None

    @property
    def pixels(self) -> tuple[Box, ...]:
        return (self.box,) if self.parts is None else self.parts


@dataclass(frozen=True, slots=True)
class Done:
    """What happened to a top level since the last look: `places` that it had while it was mapped, each once, in
    the order in which it first had them.
    """

    deeds: Sequence[Deed]
    places: Sequence[Box]


@dataclass(frozen=True, slots=True)
class Unclear:
    """`new`: the part that its one owner had not before. `origins`: where owners may have taken pixels from."""

    owners: frozenset[int]
    region: list[Box]
    new: Sequence[Box] = ()
    origins: Sequence[Box] = ()


def visible(pane: Pane, above: Iterable[Pane], screen: Box) -> list[Box]:
    inside = [part for one in pane.pixels if (part := overlap(one, screen)) is not None]
    return rests(inside, [part for other in above for part in other.pixels])


def _shifted(part: Box, was: Box, now: Box) -> Box:
    """A part of a window that was at `was`, now that it is at `now`."""
    return Box(part.x - was.x + now.x, part.y - was.y + now.y, part.width, part.height)


class Change:
    """`pending`: where windows may show more than themselves; who moves takes it along. `unpainted`: where they do.

    `gained`: what a window has and had not before; what it has painted there, it painted since it came to it.
    `taken`: what of `unpainted` a window took along to where it is now.
    `unclear`: where that may be otherwise, with the windows that may have it. `moved`: windows of which it is not known
    where on the screen they painted what.
    """

    def __init__(
        self,
        before: Sequence[Pane],
        after: Sequence[Pane],
        done: Mapping[int, Done],
        screen: Box,
        pending: Mapping[int, Sequence[Box]],
        *,
        unpainted: Mapping[int, Sequence[Box]],
    ) -> None:
        self._root = Pane(ROOT, screen, plain=True)
        self._before, self._after, self._screen, self._pending = before, after, screen, pending
        self._unpainted = unpainted
        self._done = done
        self.gained: list[tuple[int, list[Box]]] = []
        self.taken: list[tuple[int, list[Box]]] = []
        self.unclear: list[Unclear] = []
        boxes = {pane.id: pane.box for pane in before}
        self.moved = {pane.id for pane in after if boxes.get(pane.id, pane.box) != pane.box}
        self.moved |= {window for window, one in self._done.items() if set(one.deeds) - {Deed.RESTACKED}}
        area = list(dict.fromkeys(box for one in done.values() for box in one.places))
        flood = sum(len(one.deeds) for one in done.values()) > MOST_DEEDS
        if flood or any(not pane.plain and meet([pane.box], area) for pane in (*before, *after)):
            self._lose(area)
        elif area:
            self._follow(area)

    def _lose(self, area: Sequence[Box]) -> None:
        """All of it is unclear; where a window is involved that is not the rectangle that it seems to be, also whose it
        is.
        """
        near = [pane for pane in self._after if meet([pane.box], area)]
        if all(pane.plain for pane in near):
            for place, pane in enumerate((self._root, *self._after)):
                self._add_unclear([pane.id], within(visible(pane, self._after[place:], self._screen), area))
            return
        bare = within(visible(self._root, self._after, self._screen), area)
        self._add_unclear([ROOT], bare)
        self._add_unclear([pane.id for pane in near], rests(within([self._screen], area), bare))

    def _follow(self, area: Sequence[Box]) -> None:
        for place, pane in enumerate((self._root, *self._after)):
            now = visible(pane, self._after[place:], self._screen) if meet([pane.box], area) else []
            if not now:
                continue
            gained, unclear = self._sort(pane, now)
            if gained:
                self.gained.append((pane.id, gained))
            self._add_unclear([pane.id], unclear)

    def _add_unclear(self, owners: Sequence[int], region: list[Box]) -> None:
        if region:
            new = rests(region, self._visible_before(owners[0])) if len(owners) == 1 else []
            origins = [box for owner in owners if owner in self._done for box in self._done[owner].places]
            self.unclear.append(Unclear(frozenset(owners), region, new, origins))

    def _sort(self, pane: Pane, now: list[Box]) -> tuple[list[Box], list[Box]]:
        """What of `now`, that of the pane which is in view, it has gained, and what is unclear."""
        own = self._done.get(pane.id)
        gained = rests(now, self._visible_before(pane.id))
        places = [pane.box] if own is None else own.places
        others = [one for window, one in self._done.items() if window != pane.id and meet(one.places, places)]
        if own is None:
            unclear = within(now, [box for one in others for box in self._hidden_and_bared(one)])
            return rests(gained, unclear), unclear
        if set(own.deeds) <= {Deed.CAME, Deed.RESTACKED} and own.deeds.count(Deed.CAME) <= 1:
            few = len(own.deeds) + sum(len(one.deeds) for one in others) <= FEW
            covers = [box for one in others for box in one.places]
            if len(own.deeds) > 1:
                covers += [box for other in self._after if other.id != pane.id for box in other.pixels]
            kept = within(rests(now, gained), covers)
            return (gained, kept) if few else ([], [*gained, *kept])
        corners = {(box.x, box.y) for box in own.places}
        sizes = {(box.width, box.height) for box in own.places}
        pending = self._pending.get(pane.id, ())
        if set(own.deeds) == {Deed.MOVED} and not others and (len(sizes) == 1 or not pending):
            uncovered = self._uncovered_in_moving(pane, own, now)
            plain = len(own.deeds) == 1 and 1 in {len(corners), len(sizes)}
            gained, unclear = (uncovered, []) if plain else ([], uncovered)
            if pending:
                taken, doubtful = (
                    [_shifted(box, own.places[0], pane.box) for box in boxes]
                    for boxes in (self._unpainted.get(pane.id, ()), pending)
                )
                taken = rests(within(now, taken), uncovered)
                if taken:
                    self.taken.append((pane.id, taken))
                unclear = rests(within(now, [*unclear, *doubtful]), [*gained, *taken])
            return gained, unclear
        return [], now

    def _hidden_and_bared(self, one: Done) -> Sequence[Box]:
        """Where what is below may have been covered, and uncovered again."""
        if len(one.deeds) == 1 and one.deeds[0] is not Deed.RESHAPED:
            return ()
        if set(one.deeds) == {Deed.MOVED} and len(one.places) == len(one.deeds) + 1:
            return [box for was, now in pairwise(one.places) for box in rests([now], [was])]
        return one.places

    def _uncovered_in_moving(self, pane: Pane, own: Done, now: list[Box]) -> list[Box]:
        """What the window has not shown all the while: the server has taken along only what could be seen."""
        above = self._after[self._after.index(pane) + 1 :]
        if any((box.width, box.height) != (pane.box.width, pane.box.height) for box in own.places):
            shown = now
            for box in own.places:
                shown = within(shown, visible(Pane(pane.id, box, plain=True), above, self._screen))
            return rests(now, shown)
        lost: list[Box] = []
        for box in own.places:
            hidden = rests([box], visible(Pane(pane.id, box, plain=True), above, self._screen))
            lost += [_shifted(part, box, pane.box) for part in hidden]
        return within(now, lost)

    def _visible_before(self, window: int) -> list[Box]:
        for place, pane in enumerate((self._root, *self._before)):
            if pane.id == window:
                return visible(pane, self._before[place:], self._screen)
        return []
