"""Which pixels still show a window that has left them, found from structure and damage. Without X.

Pixels that change their window are *unpainted* until the new window has painted there, however long that takes. Damage
shows that without any order against other events: a covered window has no damage there, so its damage was painted
after it was uncovered, provided that happened once. Otherwise the new window may have painted too early to count:
the whole place counts as unpainted from now on, for ten seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.core.model.seen import Box, StalePixels
from agent.core.model.times import MILLISECOND, SECOND
from agent.desktop.x11.changing import ROOT, Change, Done, Pane, Unclear, visible
from agent.desktop.x11.covering import MOST_PIECES, around, meet, rests

# Once all has been painted: the display itself, and a program that draws across a place (lines and text are reported
# as boxes) before it paints its background. Every further stroke there begins it anew, up to `DOUBT`.
STILL: Final = 350 * MILLISECOND
DOUBT: Final = 1 * SECOND  # at least, where it is not known which window painted what
UNSURE: Final = 10 * SECOND  # at most, where the owner may have painted already
UNPAINTED: Final = 24 * 3600 * SECOND  # where it certainly has not; a later look ends it sooner
HANGS: Final = 500 * MILLISECOND  # one that has not painted for so long is not about to
KEPT: Final = 2 * SECOND  # after it has gone, for callers that skip looks
MOST_REGIONS: Final = 32

Drawn = Mapping[int, Sequence[Box]]


@dataclass(slots=True, eq=False)
class _Region:
    """`region`: where on the screen. `unpainted`: what `owners` have not painted yet; without one only time ends it.

    `least`: not over before that, even if all is painted. `late`: it began after damage was last emptied, so that an
    owner's damage may be from before. `since`: since when it is certainly unpainted.
    """

    left: int
    until: int
    region: list[Box]
    owners: frozenset[int] = frozenset()
    unpainted: list[Box] = field(default_factory=list)
    least: int = 0
    late: bool = False
    since: int = 0

    def set_unpainted(self, unpainted: list[Box], now: int) -> None:
        """More than `MOST_PIECES` pieces are replaced by the box around them, although some of it has been painted."""
        self.unpainted = unpainted
        if len(unpainted) > MOST_PIECES:
            self.unpainted = [around(unpainted)]
            self.until = min(self.until, now + UNSURE)


class Unpainted:
    """`follow` every look. `redirected`: whether a window paints beside the screen, asked of new owners; `repaints`:
    whether the server itself paints the root window where it is uncovered, asked with such a place.
    """

    def __init__(self, redirected: Callable[[int], bool], repaints: Callable[[Box], bool]) -> None:
        self._redirected, self._repaints = redirected, repaints
        self._regions: list[_Region] = []
        self._panes: tuple[Pane, ...] = ()

    def reported(self) -> tuple[StalePixels, ...]:
        return tuple(StalePixels(stale.left, stale.until) for stale in self._regions)

    def painters(self, now: int) -> set[int]:
        """Windows of which it matters when they paint."""
        return {owner for stale in self._regions if stale.until > now for owner in stale.owners}

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
        """`panes`: bottom first. `done`: since the last call, by window; None if not known. `drawn`: in the same time,
        of windows whose damage was emptied at the call before, or before anything of them was in view; `doubted`: the
        ones that may have been covered unseen since, so that their damage counts only for what was unpainted before;
        `late`: some of `done` happened after damage was emptied; `now`: ns, after all of that.
        """
        before, self._panes = self._panes, tuple(panes)
        if done is None:
            self._lose_track(before, drawn, screen, now)
            return
        pending: dict[int, list[Box]] = {}
        for stale in self._regions:
            for owner in stale.owners if stale.until > now else ():
                pending.setdefault(owner, []).extend(stale.unpainted)
        unpainted = {
            pane.id: self._unpainted(pane.id, visible(pane, before[place + 1 :], screen), now)
            for place, pane in enumerate(before)
            if pane.id in pending.keys() & done
        }
        change = Change(before, self._panes, done, screen, pending, unpainted=unpainted)
        believed = {window: boxes for window, boxes in drawn.items() if window not in doubted}
        new = [self._gained(window, region, believed, now, late=late) for window, region in change.gained]
        for window, region in change.taken:
            new.append(self._taken_along(window, region, done[window].places[0], now, late=late))
        for unclear in change.unclear:
            new += self._doubts(unclear, believed, now, late=late)
        self._subtract_painted(change, drawn, doubted, now)
        self._take_in(new, now)

    def _take_in(self, new: Sequence[_Region], now: int) -> None:
        self._regions = [stale for stale in (*self._regions, *new) if stale.until + KEPT > now]
        while len(self._regions) > MOST_REGIONS:
            self._join(now)

    def _lose_track(self, before: Sequence[Pane], drawn: Drawn, screen: Box, now: int) -> None:
        """Anything may have left: the whole screen is in doubt. Beside it, regions stay unpainted until their owner
        paints, whatever else happened. An owner that is not where it was no longer counts as one.
        """
        doubt = _Region(self._earliest([screen], now), now + DOUBT, [screen])
        stayed = {pane.id for pane in set(before) & set(self._panes)}
        for stale in self._regions:
            if not stale.owners <= stayed:
                stale.owners, stale.until = frozenset(), min(stale.until, now + UNSURE)
        self._subtract_painted(Change(self._panes, self._panes, {}, screen, {}, unpainted={}), drawn, (), now)
        self._regions = [stale for stale in self._regions if not now < stale.until <= doubt.until]
        self._take_in([doubt], now)

    def mark_orphaned(self, windows: Container[int], screen: Box, now: int) -> None:
        """After `follow`: something inside has left these windows, such as its client a frame. They may still show it.

        Treat each region as unpainted; ownership passes to the next window.
        """
        for place, pane in enumerate(self._panes):
            region = visible(pane, self._panes[place + 1 :], screen) if pane.id in windows else []
            if region:
                self._regions += self._doubts(Unclear(frozenset({pane.id}), region), {}, now)

    def _earliest(self, region: Sequence[Box], now: int) -> int:
        """Since when these pixels may have been stale: they stay so when the window under them changes."""
        return min(
            (stale.left for stale in self._regions if stale.until > now and meet(stale.region, region)), default=now
        )

    def _certainly_unpainted(self, window: int, now: int) -> list[_Region]:
        return [stale for stale in self._regions if stale.until > now + UNSURE and stale.owners == {window}]

    def _unpainted(self, window: int, shown: Sequence[Box], now: int) -> list[Box]:
        """What certainly showed another window until this one moved, and counts as unpainted since: damage after a move
        proves nothing. A window that paints may have done so in that moment, and then has no more to paint.
        """
        regions = self._certainly_unpainted(window, now)
        bare = not rests(shown, [box for stale in regions for box in stale.unpainted])
        return [box for stale in regions if bare or now - stale.since >= HANGS for box in stale.unpainted]

    def _taken_along(self, window: int, region: list[Box], was: Box, now: int, *, late: bool) -> _Region:
        since = min(stale.since for stale in self._certainly_unpainted(window, now))
        stale = self._sure(self._earliest([*region, was], now), window, region, region, now)
        stale.since, stale.late = since, late
        return stale

    def _gained(self, window: int, gained: list[Box], drawn: Drawn, now: int, *, late: bool) -> _Region:
        """What it has painted in this place was painted after it came there."""
        left = self._earliest(gained, now)
        if window == ROOT:
            painted = self._repaints(gained[0])
            until, unpainted = (STILL, []) if painted else (UNPAINTED, gained)
            return _Region(left, now + until, gained, unpainted=unpainted)
        if window not in drawn or self._redirected(window):
            return self._doubt(left, frozenset({window}), gained, now, late=late)
        return self._sure(left, window, gained, rests(gained, self._placed(window, drawn[window])), now)

    def _doubts(self, unclear: Unclear, drawn: Drawn, now: int, *, late: bool = False) -> Iterator[_Region]:
        """What they have painted in this place may be from before, so all of it counts as unpainted from now on. What
        one of them has not painted at all is certainly unpainted.
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

    def _sure(self, left: int, owner: int, region: list[Box], unpainted: list[Box], now: int) -> _Region:
        stale = _Region(left, now + (UNPAINTED if unpainted else STILL), region, frozenset({owner}), since=now)
        stale.set_unpainted(unpainted, now)
        return stale

    def _doubt(self, left: int, owners: frozenset[int], region: list[Box], now: int, *, late: bool = False) -> _Region:
        painters = frozenset(owner for owner in owners if owner != ROOT and not self._redirected(owner))
        if not painters:
            unpainted = ROOT in owners and not self._repaints(region[0])
            return _Region(left, now + (UNSURE if unpainted else DOUBT), region)
        stale = _Region(left, now + UNSURE, region, painters, least=now + DOUBT, late=late)
        stale.set_unpainted(region, now)
        return stale

    def _subtract_painted(self, change: Change, drawn: Drawn, doubted: Container[int], now: int) -> None:
        shown = {pane.id for pane in self._panes}
        stayed = shown - change.moved
        painted = {window: self._placed(window, boxes) for window, boxes in drawn.items() if window in stayed}
        for stale in self._regions:
            if stale.until <= now:
                continue
            passed_on = self._passed_on(stale, change)
            painters = {owner for owner in stale.owners if not (stale.late and owner in doubted)}
            strokes = [box for owner in painters for box in painted.get(owner, ())]
            if stale.unpainted:
                if not stale.owners <= drawn.keys():
                    stale.until = min(stale.until, now + UNSURE)  # what some of them paint is no longer known
                if stale.owners & change.moved:
                    stale.until = min(stale.until, now + UNSURE)
                # What a window took along is unpainted where it is now, and for others where it was.
                gone = bool(stale.owners) and stale.owners <= change.moved
                stale.set_unpainted([] if gone else rests(stale.unpainted, [*passed_on, *strokes]), now)
                if not stale.unpainted:
                    stale.until = max(now + STILL, stale.least)
            elif not (stale.owners & shown or rests(stale.region, passed_on)):
                stale.until = now  # the new owner of the place has this to paint, too
            elif meet(stale.region, passed_on):
                stale.until, stale.owners = max(stale.until, now + DOUBT), frozenset()
            elif meet(stale.region, strokes):
                stale.until = max(stale.until, min(now + STILL, stale.left + DOUBT))

    def _passed_on(self, stale: _Region, change: Change) -> list[Box]:
        """What others have to paint by now, or its owners in another place. Something that only came and went over it
        changes nothing.
        """
        stays = not stale.owners & change.moved
        gained = [box for _, region in (*change.gained, *change.taken) for box in region]
        anew = (unclear for unclear in change.unclear if not (stays and unclear.owners & stale.owners))
        return [*gained, *(box for unclear in anew for box in unclear.region)]

    def _placed(self, window: int, painted: Iterable[Box]) -> list[Box]:
        corner = next(pane.box for pane in self._panes if pane.id == window)
        return [Box(corner.x + box.x, corner.y + box.y, box.width, box.height) for box in painted]

    def _join(self, now: int) -> None:
        """Join two of one sort: the certainly unpainted must not prolong what would soon be over."""
        unpainted = [stale for stale in self._regions if stale.until > now + UNSURE]
        rest = [stale for stale in self._regions if stale.until <= now + UNSURE]
        one, other, *_ = max(unpainted, rest, key=len)
        joined = _Region(
            min(one.left, other.left),
            max(one.until, other.until),
            [around([*one.region, *other.region])],
            one.owners | other.owners,
            least=max(one.least, other.least),
            late=one.late or other.late,
            since=min(one.since, other.since),
        )
        joined.set_unpainted([*one.unpainted, *rests(other.unpainted, one.unpainted)], now)
        self._regions = [joined, *(stale for stale in self._regions if stale is not one and stale is not other)]
