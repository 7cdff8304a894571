"""What has been painted in the top levels of a screen, asked of the server at need.

A damage object for each top level, with report level NonEmpty: one event, then silent until it is emptied. It has what
the window's clip lets through: nothing drawn under a cover, but what children draw. Rectangles count from the window's
own corner. A new one has the whole window first. Lines, arcs, text and what a program clips come as bounding boxes.
Sources: damageproto 1.1, fixesproto 5.0, compositeproto 0.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from Xlib import X, error
from Xlib.ext import composite, damage
from Xlib.protocol import request

from agent.core.model.seen import Box
from agent.desktop.x11.covering import overlap
from agent.desktop.x11.regions import CreateRegion, FetchRegion
from agent.desktop.x11.wire import Disconnected

MOST_RECTANGLES: Final = 512  # of one answer; what comes in more is not told


class Drawn:
    """`display`: python-xlib's, shared with the wire, so that damage and structure come in the server's order."""

    def __init__(self, display: Any) -> None:
        self._low: Any = display.display
        self._objects: dict[int, int] = {}  # window -> damage
        self._emptied: set[int] = set()
        self._armed: set[int] = set()  # those of them that were emptied before the last `collect`
        self._anew: set[int] = set()  # those that were emptied since it
        self._taken: dict[int, list[Box]] = {}  # since the last `collect`, by window
        self._seen_late: set[int] = set()  # watched since then, when they were in view already
        self.fresh: dict[int, list[Box]] = {}  # as of the last `collect`: what those painted since they were watched
        self._doubts: set[int] = set()  # those that were last emptied before track was lost
        self.doubted: frozenset[int] = frozenset()
        self.able = all(display.has_extension(name) for name in (damage.extname, "XFIXES"))
        if not self.able:
            return
        display.damage_query_version()  # both answer BadRequest to a client that has not sent its version
        display.xfixes_query_version()
        self._opcode: int = self._low.get_extension_major(damage.extname)
        self._fixes: int = self._low.get_extension_major("XFIXES")
        self._composite: int | None = self._low.get_extension_major(composite.extname)
        self._root: int = display.screen().root.id
        self._region: int = self._low.allocate_resource_id()
        CreateRegion(display=self._low, opcode=self._fixes, region=self._region)

    def watch(self, window: int) -> None:
        """From now on. One that has gone, or is only for input, is never reported. What one that is not in view yet
        paints is told at the next `collect` already: it paints all of it after it came into view.
        """
        if not self.able:
            return
        self.forget(window)
        self._objects[window] = self._low.allocate_resource_id()
        damage.DamageCreate(
            display=self._low,
            onerror=_ignored,
            opcode=self._opcode,
            damage=self._objects[window],
            drawable=window,
            level=damage.DamageReportNonEmpty,
        )
        painted = self._empty(self._objects[window])
        if painted is None:
            self.forget(window)
        elif painted.whole and not painted.boxes:
            self._emptied.add(window)
            self._armed.add(window)
        else:
            self._seen_late.add(window)

    def forget(self, window: int) -> None:
        for kept in (self._emptied, self._armed, self._anew, self._doubts, self._seen_late):
            kept.discard(window)
        self._taken.pop(window, None)
        known = self._objects.pop(window, None)
        if known is not None:
            damage.DamageDestroy(display=self._low, onerror=_ignored, opcode=self._opcode, damage=known)
            self._low.free_resource_id(known)

    def keep(self, windows: Iterable[int]) -> None:
        """Forget all others."""
        for window in self._objects.keys() - set(windows):
            self.forget(window)

    def take(self, windows: Iterable[int]) -> None:
        """Empty these; what was in them is for the next `collect`. A round trip for each."""
        for window in windows:
            known = self._objects.get(window)
            if known is None:
                continue
            painted = self._empty(known)
            if painted is None:
                self.forget(window)
                continue
            if not painted.whole:
                self._armed.discard(window)
            if window in self._armed or window in self._seen_late:
                self._taken.setdefault(window, []).extend(painted.boxes)
            self._emptied.add(window)
            self._anew.add(window)

    def _empty(self, known: int) -> _Drawing | None:
        """None when the server refuses: the region would still be another's."""
        refusal = _Refusal()
        try:
            damage.DamageSubtract(
                display=self._low,
                onerror=refusal,
                opcode=self._opcode,
                damage=known,
                repair=X.NONE,
                parts=self._region,
            )
            answer = FetchRegion(display=self._low, opcode=self._fixes, region=self._region)
        except (error.ConnectionClosedError, OSError) as lost:
            raise Disconnected from lost
        if refusal.came:
            return None
        raw = bytes(answer.rectangles)
        if len(raw) > 8 * MOST_RECTANGLES:
            return _Drawing([], whole=False)
        return _Drawing([Box(*edges) for edges in struct.iter_unpack("=hhHH", raw)], whole=True)

    def collect(self) -> dict[int, list[Box]]:
        """What was painted since the last call, from the window's corner; of windows that were emptied before that.

        `doubted`, until the next call: those of them that were not emptied again in the time since track was lost.
        """
        taken = {window: self._taken.get(window, []) for window in self._armed}
        self.fresh = {window: self._taken.get(window, []) for window in self._seen_late}
        self._taken, self._seen_late = {}, set()
        self._armed = set(self._emptied)
        self.doubted, self._doubts = frozenset(self._doubts), self._doubts - self._anew
        self._anew = set()
        return taken

    def lose_track(self) -> None:
        """After `collect`: what happened since these were emptied is not known. What is in them may be from before
        something covered them, but it was painted after the last `take`.
        """
        self._doubts = set(self._emptied)

    def distrust(self) -> None:
        """What they hold may never have been on the screen: each has to be emptied once more."""
        self._emptied.clear()
        self._armed.clear()

    def repaints_root(self, place: Box) -> bool:
        """Whether the root window has a background. `place`: where it has been uncovered; one pixel of it is painted
        once more, with that background, and damage tells whether it was.
        """
        if not self.able:
            return False
        self.watch(self._root)
        known = self._objects.get(self._root)
        if known is None:
            return False
        try:
            request.ClearArea(
                display=self._low,
                onerror=_ignored,
                exposures=False,
                window=self._root,
                x=place.x,
                y=place.y,
                width=1,
                height=1,
            )
            painted = self._empty(known)
        except (error.ConnectionClosedError, OSError) as lost:
            raise Disconnected from lost
        finally:
            self.forget(self._root)
        pixel = Box(place.x, place.y, 1, 1)
        return painted is not None and any(overlap(box, pixel) is not None for box in painted.boxes)

    def redirected(self, window: int) -> bool:
        """Whether the window paints beside the screen (Composite), so that covers do not clip it; True in doubt.

        The server gives such a window's pixmap a name, and refuses to for any other.
        """
        if not self.able or self._composite is None:
            return not self.able
        refusal = _Refusal()
        name = self._low.allocate_resource_id()
        try:
            composite.NameWindowPixmap(
                display=self._low,
                onerror=refusal,
                opcode=self._composite,
                window=window,
                pixmap=name,
            )
            request.FreePixmap(display=self._low, onerror=_ignored, pixmap=name)
            request.GetInputFocus(display=self._low)
        except (error.ConnectionClosedError, OSError) as lost:
            raise Disconnected from lost
        self._low.free_resource_id(name)
        return not refusal.came


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What was in a damage; not `whole`: it came in too many pieces, and none of them is here."""

    boxes: list[Box]
    whole: bool


class _Refusal:
    """Hears the error of a request that has no reply, once a later reply has come."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, *_: object) -> bool:
        self.came = True
        return True


def _ignored(*_: object) -> bool:
    return True
