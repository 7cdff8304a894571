"""Which pixels still show a window that has left them, told from structure and damage. Without X.

Pixels that change their window are *owed* by the new one until it has painted there, however long that takes. Its
damage tells that without any order against other events: a window that was covered has no damage there, so what it has
was painted after it was uncovered, as long as that happened once. Where it is not as plain as that, the new window may
have painted too early to count: it owes the whole place from now on, but for ten seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.core.model.seen import Box, Ghost
from agent.core.model.times import MILLISECOND, SECOND
from agent.desktop.x11.changing import ROOT, Change, Done, Pane, Unclear, visible
from agent.desktop.x11.covering import MOST_PIECES, around, meet, rests

# Once all has been painted: the display itself, and a program that draws across a place (lines and text are told as
# boxes) before it paints its background. Every further stroke there begins it anew, up to `DOUBT`.
STILL: Final = 350 * MILLISECOND
DOUBT: Final = 1 * SECOND  # at least, where nobody can tell who painted what
OWED: Final = 10 * SECOND  # at most, where the owner may have painted already: then nothing more may come
UNPAINTED: Final = 24 * 3600 * SECOND  # where it certainly has not; a later look knows better
HANGS: Final = 500 * MILLISECOND  # one that has not painted for so long is not about to
KEPT: Final = 2 * SECOND  # after it has gone, for whoever does not take every look
MOST_GHOSTS: Final = 32

Drawn = Mapping[int, Sequence[Box]]


@dataclass(slots=True, eq=False)
class _Debt:
    """`region`: where on the screen. `owed`: what `owners` have not painted yet; without one nobody can pay.

    `least`: not over before that, even if all is paid. `late`: it began after damage was last emptied, so that what an
    owner is found to have painted may be from before. `since`: when it was first owed for certain.
    """

    left: int
    until: int
    region: list[Box]
    owners: frozenset[int] = frozenset()
    owed: list[Box] = field(default_factory=list)
    least: int = 0
    late: bool = False
    since: int = 0

    def owe(self, owed: list[Box], now: int) -> None:
        """A place in more pieces than anybody follows is owed whole, although some of it has been painted."""
        self.owed = owed
        if len(owed) > MOST_PIECES:
            self.owed = [around(owed)]
            self.until = min(self.until, now + OWED)


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
        return {owner for debt in self._debts if debt.until > now for owner in debt.owners}

    def follow(
        self,
        panes: Sequence[Pane],
        done: Mapping[int, Done] | None,
        drawn: Drawn,
        screen: Box,
        now: int,
        *,
        doubted: Container[int] = (),
        late: bool = False,
    ) -> None:
        """`panes`: bottom first. `done`: since the last call, by window; None when nobody knows. `drawn`: in the same
        time, of windows whose damage was emptied at the call before, or before anything of them was in view;
        `doubted`: those of them that may have been covered unseen since, so that what they tell pays only what they
        owed before; `late`: some of `done` happened after damage was emptied; `now`: ns, after all of that.
        """
        before, self._panes = self._panes, tuple(panes)
        if done is None:
            self._lose_track(before, drawn, screen, now)
            return
        owing: dict[int, list[Box]] = {}
        for debt in self._debts:
            for owner in debt.owners if debt.until > now else ():
                owing.setdefault(owner, []).extend(debt.owed)
        unpainted = {
            pane.id: self._unpainted(pane.id, visible(pane, before[place + 1 :], screen), now)
            for place, pane in enumerate(before)
            if pane.id in owing.keys() & done
        }
        change = Change(before, self._panes, done, screen, owing, unpainted=unpainted)
        believed = {window: boxes for window, boxes in drawn.items() if window not in doubted}
        new = [self._debt(window, region, believed, now, late=late) for window, region in change.gained]
        for window, region in change.taken:
            new.append(self._taken_along(window, region, done[window].places[0], now, late=late))
        for unclear in change.unclear:
            new += self._doubts(unclear, believed, now, late=late)
        self._pay(change, drawn, doubted, now)
        self._take_in(new, now)

    def _take_in(self, new: Sequence[_Debt], now: int) -> None:
        self._debts = [debt for debt in (*self._debts, *new) if debt.until + KEPT > now]
        while len(self._debts) > MOST_GHOSTS:
            self._join(now)

    def _lose_track(self, before: Sequence[Pane], drawn: Drawn, screen: Box, now: int) -> None:
        """Anything may have left, which is a doubt. What is owed stays owed beside it: its owner pays with all that it
        has painted since, whatever else happened, and one that is not where it was can no longer pay.
        """
        doubt = _Debt(self._earliest([screen], now), now + DOUBT, [screen])
        stayed = {pane.id for pane in set(before) & set(self._panes)}
        for debt in self._debts:
            if not debt.owners <= stayed:
                debt.owners, debt.until = frozenset(), min(debt.until, now + OWED)
        self._pay(Change(self._panes, self._panes, {}, screen, {}, unpainted={}), drawn, (), now)
        self._debts = [debt for debt in self._debts if not now < debt.until <= doubt.until]
        self._take_in([doubt], now)

    def bereave(self, windows: Container[int], screen: Box, now: int) -> None:
        """After `follow`: something inside has left these, such as its client a frame, and they may still show it.

        What was painted so far may have been that, so all is owed. Whoever gains the place when they go owes it then.
        """
        for place, pane in enumerate(self._panes):
            region = visible(pane, self._panes[place + 1 :], screen) if pane.id in windows else []
            if region:
                self._debts += self._doubts(Unclear(frozenset({pane.id}), region), {}, now)

    def _earliest(self, region: Sequence[Box], now: int) -> int:
        """Since when what is in the pixels may have been there: a ghost stays when the window under it changes."""
        return min((debt.left for debt in self._debts if debt.until > now and meet(debt.region, region)), default=now)

    def _owed_for_certain(self, window: int, now: int) -> list[_Debt]:
        return [debt for debt in self._debts if debt.until > now + OWED and debt.owners == {window}]

    def _unpainted(self, window: int, shown: Sequence[Box], now: int) -> list[Box]:
        """Where it certainly showed another until it moved, and is not taken to have painted since: its damage does not
        tell, for a move is in it. One that paints may have done so in that moment, and then has no more to paint.
        """
        debts = self._owed_for_certain(window, now)
        bare = not rests(shown, [box for debt in debts for box in debt.owed])
        return [box for debt in debts if bare or now - debt.since >= HANGS for box in debt.owed]

    def _taken_along(self, window: int, region: list[Box], was: Box, now: int, *, late: bool) -> _Debt:
        since = min(debt.since for debt in self._owed_for_certain(window, now))
        debt = self._sure(self._earliest([*region, was], now), window, region, region, now)
        debt.since, debt.late = since, late
        return debt

    def _debt(self, window: int, gained: list[Box], drawn: Drawn, now: int, *, late: bool) -> _Debt:
        """What it has painted in this place it has painted since it came to it."""
        left = self._earliest(gained, now)
        if window == ROOT:
            painted = self._repaints(gained[0])
            return _Debt(left, now + STILL, gained) if painted else _Debt(left, now + UNPAINTED, gained, owed=gained)
        if window not in drawn or self._redirected(window):
            return self._doubt(left, frozenset({window}), gained, now, late=late)
        return self._sure(left, window, gained, rests(gained, self._placed(window, drawn[window])), now)

    def _doubts(self, unclear: Unclear, drawn: Drawn, now: int, *, late: bool = False) -> Iterator[_Debt]:
        """What they have painted in this place may be from before: they owe all of it from now on. What one of them has
        not painted at all it certainly owes.
        """
        left = self._earliest([*unclear.region, *unclear.origins], now)
        region = unclear.region
        [owner, *_] = unclear.owners
        if unclear.new and not late and owner in drawn and not self._redirected(owner):
            unpainted = rests(unclear.new, self._placed(owner, drawn[owner]))
            region = rests(region, unpainted)
            if unpainted:
                yield self._sure(left, owner, unpainted, unpainted, now)
        if region:
            yield self._doubt(left, unclear.owners, region, now, late=late)

    def _sure(self, left: int, owner: int, region: list[Box], owed: list[Box], now: int) -> _Debt:
        debt = _Debt(left, now + (UNPAINTED if owed else STILL), region, frozenset({owner}), since=now)
        debt.owe(owed, now)
        return debt

    def _doubt(self, left: int, owners: frozenset[int], region: list[Box], now: int, *, late: bool = False) -> _Debt:
        payers = frozenset(owner for owner in owners if owner != ROOT and not self._redirected(owner))
        if not payers:
            unpainted = ROOT in owners and not self._repaints(region[0])
            return _Debt(left, now + (OWED if unpainted else DOUBT), region)
        debt = _Debt(left, now + OWED, region, payers, least=now + DOUBT, late=late)
        debt.owe(region, now)
        return debt

    def _pay(self, change: Change, drawn: Drawn, doubted: Container[int], now: int) -> None:
        shown = {pane.id for pane in self._panes}
        stayed = shown - change.moved
        painted = {window: self._placed(window, boxes) for window, boxes in drawn.items() if window in stayed}
        for debt in self._debts:
            if debt.until <= now:
                continue
            passed_on = self._passed_on(debt, change)
            payers = {owner for owner in debt.owners if not (debt.late and owner in doubted)}
            strokes = [box for owner in payers for box in painted.get(owner, ())]
            if debt.owed:
                if not debt.owners <= drawn.keys():
                    debt.until = min(debt.until, now + OWED)  # of some nobody can tell any more what they paint
                if debt.owners & change.moved:
                    debt.until = min(debt.until, now + OWED)
                # What a window took along it owes where it is now, and others what it left.
                gone = bool(debt.owners) and debt.owners <= change.moved
                debt.owe([] if gone else rests(debt.owed, [*passed_on, *strokes]), now)
                if not debt.owed:
                    debt.until = max(now + STILL, debt.least)
            elif not (debt.owners & shown or rests(debt.region, passed_on)):
                debt.until = now  # who has the place now owes it for this one, too
            elif meet(debt.region, passed_on):
                debt.until, debt.owners = max(debt.until, now + DOUBT), frozenset()
            elif meet(debt.region, strokes):
                debt.until = max(debt.until, min(now + STILL, debt.left + DOUBT))

    def _passed_on(self, debt: _Debt, change: Change) -> list[Box]:
        """What others owe by now, or its owners in another place. Where only something came and went over it, what they
        have not painted they go on to owe.
        """
        stays = not debt.owners & change.moved
        gained = [box for _, region in (*change.gained, *change.taken) for box in region]
        anew = (unclear for unclear in change.unclear if not (stays and unclear.owners & debt.owners))
        return [*gained, *(box for unclear in anew for box in unclear.region)]

    def _placed(self, window: int, painted: Iterable[Box]) -> list[Box]:
        corner = next(pane.box for pane in self._panes if pane.id == window)
        return [Box(corner.x + box.x, corner.y + box.y, box.width, box.height) for box in painted]

    def _join(self, now: int) -> None:
        """Two of one sort become one: what is certainly owed must not hold what would soon be over by itself."""
        owed = [debt for debt in self._debts if debt.until > now + OWED]
        rest = [debt for debt in self._debts if debt.until <= now + OWED]
        one, other, *_ = max(owed, rest, key=len)
        joined = _Debt(
            min(one.left, other.left),
            max(one.until, other.until),
            [around([*one.region, *other.region])],
            one.owners | other.owners,
            least=max(one.least, other.least),
            late=one.late or other.late,
            since=min(one.since, other.since),
        )
        joined.owe([*one.owed, *rests(other.owed, one.owed)], now)
        self._debts = [joined, *(debt for debt in self._debts if debt is not one and debt is not other)]
