"""Which pixels still show a window that has left them, told from structure and damage. Without X.

Pixels that change their window are *owed* by the new one, until it has painted there. Its damage tells that without
any order against other events: a window that was covered has no damage there, so what it has was painted after it was
uncovered, as long as that happened once. Whatever is not as plain as that is a doubt, and a doubt lasts a second.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.core.ghosts import Ghost
from agent.core.model import MILLISECOND, SECOND, Box
from agent.desktop.x11.covering import MOST_PIECES, meet, overlap, rests
from agent.desktop.x11.tree import Deed

# Once all has been painted: the display itself, and a program that draws across a place (lines and text are told as
# boxes) before it paints its background. Every further stroke there begins it anew, up to `DOUBT`.
STILL: Final = 350 * MILLISECOND
DOUBT: Final = 1 * SECOND
OWED: Final = 10 * SECOND  # a program that hangs does not paint
KEPT: Final = 2 * SECOND  # after it has gone, for whoever does not take every look
MOST_DEEDS: Final = 24  # between two looks; a flood is not followed
MOST_GHOSTS: Final = 32
ROOT: Final = 0  # owns what no window covers; covers never clip its damage

Drawn = Mapping[int, Sequence[Box]]


@dataclass(frozen=True, slots=True)
class Pane:
    """A top level that is mapped and has pixels. `plain`: a rectangle without shape and border."""

    id: int
    box: Box
    plain: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What happened to a top level since somebody last looked: `places` that it had while it was mapped."""

    deeds: Sequence[Deed]
    places: Sequence[Box]


@dataclass(slots=True)
class _Debt:
    """`region`: where on the screen. `owed`: what `owner` has not painted yet; without an owner nobody can pay."""

    left: int
    until: int
    region: list[Box]
    owner: int | None = None
    owed: list[Box] | None = None
    inside: bool = False  # of something that was in the owner, which may itself go next


class Ghosts:
    """`follow` every look. `redirected`: whether a window paints beside the screen, asked of new owners; `repaints`:
    whether the server itself paints the root window where it is uncovered, asked with such a place.
    """

    def __init__(self, redirected: Callable[[int], bool], repaints: Callable[[Box], bool]) -> None:
        self._redirected, self._repaints = redirected, repaints
        self._debts: list[_Debt] = []
        self._panes: tuple[Pane, ...] = ()

    def told(self) -> tuple[Ghost, ...]:
        return tuple(Ghost(debt.left, debt.until) for debt in self._debts)

    def debtors(self, now: int) -> set[int]:
        """Windows of which it matters when they paint."""
        return {debt.owner for debt in self._debts if debt.owner is not None and debt.until > now}

    def follow(
        self,
        panes: Sequence[Pane],
        done: Mapping[int, Done] | None,
        drawn: Drawn,
        screen: Box,
        now: int,
        *,
        doubted: Container[int] = (),
    ) -> None:
        """`panes`: bottom first. `done`: since the last call, by window; None when nobody knows. `drawn`: in the same
        time, of windows whose damage was emptied at the call before; `doubted`: those of them that may have been
        covered unseen since, so that what they tell pays only what they owed before; `now`: ns, after all of that.
        """
        before, self._panes = self._panes, tuple(panes)
        if done is None or sum(len(one.deeds) for one in done.values()) > MOST_DEEDS:
            self._lose_track(before, drawn, screen, now)
            return
        change = _Change(before, self._panes, done, drawn, screen, doubted=doubted)
        new = [
            self._doubt(region, now) if window is None else self._debt(window, region, drawn, change, now)
            for window, region in change.gains
        ]
        new += [self._doubt(region, now) for region in change.contested]
        self._pay(change.gains, change.contested, done, drawn, now)
        self._take_in(new, now)

    def _take_in(self, new: Sequence[_Debt], now: int) -> None:
        self._debts = [debt for debt in (*self._debts, *new) if debt.until + KEPT > now]
        while len(self._debts) > MOST_GHOSTS:
            one, other, *others = self._debts
            both = [*one.region, *other.region]
            self._debts = [_Debt(min(one.left, other.left), max(one.until, other.until, now), both), *others]

    def bereave(self, windows: Container[int], screen: Box, now: int) -> None:
        """After `follow`: something inside has left these, such as its client a frame, and they may still show it.

        What was painted so far may have been that, so all is owed. Whoever gains the place when they go owes it then.
        """
        for place, pane in enumerate(self._panes):
            region = _visible(pane.box, self._panes[place + 1 :], screen) if pane.id in windows else []
            if region:
                debt = _Debt(self._earliest(region, now), now + DOUBT, region, pane.id, list(region), inside=True)
                self._debts.append(debt)

    def _lose_track(self, before: Sequence[Pane], drawn: Drawn, screen: Box, now: int) -> None:
        """Anything may have left, which is a doubt. What is owed stays owed beside it: its owner pays with all that it
        has painted since, whatever else happened, and one that is not where it was can no longer pay.
        """
        doubt = self._doubt([screen], now)
        stayed = {pane.id for pane in set(before) & set(self._panes)}
        for debt in self._debts:
            if debt.owner not in stayed:
                debt.owner, debt.owed = None, None
        self._pay([], [], {}, drawn, now)
        self._debts = [debt for debt in self._debts if not now < debt.until <= doubt.until]
        self._take_in([doubt], now)

    def _earliest(self, region: Sequence[Box], now: int) -> int:
        """Since when what is in the pixels may have been there: a ghost stays when the window under it changes."""
        return min((debt.left for debt in self._debts if debt.until > now and meet(debt.region, region)), default=now)

    def _doubt(self, region: list[Box], now: int) -> _Debt:
        return _Debt(self._earliest(region, now), now + DOUBT, region)

    def _debt(self, window: int, gained: list[Box], drawn: Drawn, change: _Change, now: int) -> _Debt:
        left = self._earliest(gained, now)
        if window == ROOT and self._repaints(gained[0]):
            return _Debt(left, now + STILL, gained)
        if not change.may_owe(window) or self._redirected(window):
            return _Debt(left, now + DOUBT, gained)
        owed = _bounded(rests(gained, _placed(drawn[window], change.boxes[window])))
        return _Debt(left, now + (OWED if owed else STILL), gained, window, owed)

    def _pay(
        self,
        gains: Sequence[tuple[int | None, list[Box]]],
        contested: Sequence[Sequence[Box]],
        done: Mapping[int, Done],
        drawn: Drawn,
        now: int,
    ) -> None:
        boxes = {pane.id: pane.box for pane in self._panes}
        restless = {window for window, one in done.items() if set(one.deeds) - {Deed.RESTACKED}}
        for debt in self._debts:
            if debt.until <= now:
                continue
            near = [(window, region) for window, region in gains if meet(region, debt.region)]
            gained = [box for window, region in near if window is not None for box in region]
            unclear = None in {window for window, _ in near}
            strange = debt.owner in restless or debt.owner not in {None, *boxes}
            doubtful = near or any(meet(region, debt.region) for region in contested)
            if strange or (doubtful and not debt.owed):
                gone = debt.inside and debt.owed and debt.owner not in boxes
                passed_on = gone and not unclear and not rests(debt.owed or (), gained)
                # Where nobody has taken the debt over, it lasts as long as it did.
                least = debt.until if unclear or debt.owner is None else now
                debt.until = now + STILL if passed_on else max(least, now + DOUBT)
                debt.owner, debt.owed = None, None
            elif debt.owner is not None and debt.owed is not None:
                painted = _placed(drawn.get(debt.owner, ()), boxes[debt.owner])
                paid = not debt.owed
                # What others gained is a debt of theirs by now.
                debt.owed = _bounded(rests(debt.owed, [*painted, *gained]))
                if not debt.owed and not paid:
                    debt.until = now + STILL
                elif paid and meet(painted, debt.region):
                    debt.until = max(debt.until, min(now + STILL, debt.left + DOUBT))


class _Change:
    """What happened between two looks."""

    def __init__(
        self,
        before: Sequence[Pane],
        after: Sequence[Pane],
        done: Mapping[int, Done],
        drawn: Drawn,
        screen: Box,
        *,
        doubted: Container[int],
    ) -> None:
        self._before, self._after, self._done, self._screen = before, after, done, screen
        self._drawn, self._doubted = drawn, doubted
        self.boxes = {pane.id: pane.box for pane in after}
        area = [box for one in done.values() for box in one.places]
        self.gains: list[tuple[int | None, list[Box]]] = []  # without a window where nobody can say whose they are now
        self.contested: list[list[Box]] = []  # what windows had and have, with another's in it, perhaps
        if not all(map(_is_plain, done.values())) or self._is_odd(area):
            self.gains.append((None, area))
        elif area:
            self._follow(area)

    def _is_odd(self, area: Sequence[Box]) -> bool:
        """Whether a window is involved that is not the rectangle that it seems to be."""
        return any(not pane.plain and meet([pane.box], area) for pane in (*self._before, *self._after))

    def _follow(self, area: Sequence[Box]) -> None:
        root = Pane(ROOT, self._screen, plain=True)
        for place, pane in enumerate((root, *self._after)):
            if not meet([pane.box], area):
                continue
            now = _visible(pane.box, self._after[place:], self._screen)
            gained = rests(now, self._visible(pane.id, self._before, root))
            if gained:
                self.gains.append((pane.id, gained))
            kept = rests(now, gained)
            if kept and self._is_contested(pane.id):
                self.contested.append(kept)

    def _is_contested(self, window: int) -> bool:
        """Whether it did something where another did, too. It may have been covered, painted over and be in front
        again, which the order does not tell; or have moved, with what the other left in it.
        """
        if window not in self._done:
            return False
        others = [box for other, one in self._done.items() if other != window for box in one.places]
        return meet(self._done[window].places, others)

    def _visible(self, window: int, panes: Sequence[Pane], root: Pane) -> list[Box]:
        for place, pane in enumerate((root, *panes)):
            if pane.id == window:
                return _visible(pane.box, panes[place:], self._screen)
        return []

    def may_owe(self, window: int) -> bool:
        """Whether the damage of this new owner tells when it has painted. The root's is not clipped by what covers it.

        One that changed its own place in the stack, or came, must be the only one that did anything near it.
        """
        if window == ROOT or window not in self._drawn or window in self._doubted:
            return False
        if window not in self._done:
            return True
        near = (meet(one.places, [self.boxes[window]]) for other, one in self._done.items() if other != window)
        return self._done[window].deeds[0] in {Deed.CAME, Deed.RESTACKED} and not any(near)


def _is_plain(done: Done) -> bool:
    """Whether what it covered changed once: else a window below may have painted, and been covered again."""
    return len(done.deeds) == 1 and done.deeds[0] is not Deed.RESHAPED


def _visible(box: Box, above: Iterable[Pane], screen: Box) -> list[Box]:
    inside = overlap(box, screen)
    return [] if inside is None else rests([inside], [pane.box for pane in above])


def _placed(painted: Iterable[Box], window: Box) -> list[Box]:
    return [Box(window.x + box.x, window.y + box.y, box.width, box.height) for box in painted]


def _bounded(owed: list[Box]) -> list[Box]:
    """A place in more pieces than anybody follows is owed whole."""
    if len(owed) <= MOST_PIECES:
        return owed
    left, top = min(box.x for box in owed), min(box.y for box in owed)
    right, bottom = max(box.x + box.width for box in owed), max(box.y + box.height for box in owed)
    return [Box(left, top, right - left, bottom - top)]
