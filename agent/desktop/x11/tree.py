"""The top levels of an X screen as its events report them, and what was touched since the last look. Without X.

A look answers for all moments since the look before. Replaying every state in between would be costly; instead a
window that was touched in that time counts as shown, and hides nothing. Windows that were left alone all that time
have kept their order among themselves, so what they hide from each other was hidden all along.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from agent.core.model.seen import Box


@dataclass(slots=True)
class Top:
    """A child of the root window. `box` includes the border."""

    id: int
    box: Box
    mapped: bool = False
    override: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    window: int
    box: Box
    override: bool


@dataclass(frozen=True, slots=True)
class Destroyed:
    window: int


@dataclass(frozen=True, slots=True)
class Mapped:
    window: int
    override: bool


@dataclass(frozen=True, slots=True)
class Unmapped:
    window: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Moved, resized or restacked; `above` is the window right below it, 0 for none."""

    window: int
    box: Box
    above: int
    override: bool


@dataclass(frozen=True, slots=True)
class Shifted:
    """Moved by the server when the root was resized (window gravity); size and order stay."""

    window: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Circulated:
    window: int
    to_top: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """Reparented to the root."""

    window: int
    x: int
    y: int
    override: bool


@dataclass(frozen=True, slots=True)
class Left:
    """Reparented from the root into `parent`."""

    window: int
    parent: int


class Deed(Enum):
    """What happened to a top level that changes which window is on top somewhere."""

    CAME = auto()
    LEFT = auto()
    MOVED = auto()  # or its size changed
    RESTACKED = auto()
    RESHAPED = auto()


TreeEvent = Created | Destroyed | Mapped | Unmapped | Moved | Shifted | Circulated | Entered | Left


class Tree:
    """`order`: bottom first. `touched`: for each window that events spoke of since the last look, every place that it
    had while it was mapped; also for windows that are gone. `deeds`: what happened to each in that time, in order.
    `begun`: whether the tree was read anew since, so that nothing is known of what happened."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self.tops: dict[int, Top] = {}
        self.touched: dict[int, list[Box]] = {}
        self.deeds: dict[int, list[Deed]] = {}
        self.begun = False

    def start(self, tops: list[Top]) -> None:
        """Begin anew with these windows, bottom first. All of them count as touched: nothing is known of before."""
        for top in (*self.tops.values(), *tops):
            self._touch(top)
        self.begun = True
        self.tops = {top.id: top for top in tops}
        self.order = [top.id for top in tops]

    def looked(self) -> bool:
        """Forget what was touched. True when anything was: what counted as shown only for that may not be."""
        unsettled = bool(self.touched)
        self.touched, self.deeds, self.begun = {}, {}, False
        return unsettled

    def was_mapped(self, top: Top) -> bool:
        """Now, or at some moment since the last look."""
        return top.mapped or bool(self.touched.get(top.id))

    def disturb(self, window: int) -> None:
        """Something else about the window changed that decides what can be seen through it."""
        if window in self.tops:
            self._touch(self.tops[window])

    def did(self, window: int, deed: Deed) -> None:
        self.deeds.setdefault(window, []).append(deed)

    def apply(self, event: TreeEvent) -> None:
        match event:
            case Created(window, box, override):
                self._enter(Top(window, box, override=override))
            case Entered(window, x, y, override):
                # Its size comes with the next Moved, or is read; a reparented window is unmapped first and mapped
                # after.
                self._enter(Top(window, Box(x, y, 1, 1), override=override))
            case _:
                top = self.tops.get(event.window)
                if top is not None:
                    self._change(top, event)

    def _change(self, top: Top, event: TreeEvent) -> None:
        self._touch(top)
        was, before = top.mapped, top.box
        match event:
            case Mapped(_, override):
                top.mapped, top.override = True, override
            case Unmapped():
                top.mapped = False
            case Moved(_, box, above, override):
                top.box, top.override = box, override
                self._restack(top, above)
            case Shifted(_, x, y):
                top.box = Box(x, y, top.box.width, top.box.height)
            case Circulated(_, to_top):
                self._restack(top, self.order[-1] if to_top else 0)
            case _:  # Destroyed, Left
                self._drop(top)
                return
        if was != top.mapped:
            self.did(top.id, Deed.CAME if top.mapped else Deed.LEFT)
        elif was and before != top.box:
            self.did(top.id, Deed.MOVED)
        self._touch(top)

    def _drop(self, top: Top) -> None:
        if top.mapped:
            self.did(top.id, Deed.LEFT)
        self.order.remove(top.id)
        del self.tops[top.id]

    def _enter(self, top: Top) -> None:
        if top.id in self.tops:
            self._drop(self.tops[top.id])
        self.order.append(top.id)
        self.tops[top.id] = top
        self._touch(top)

    def _restack(self, top: Top, above: int) -> None:
        if top.id == above:
            return
        place = self.order.index(top.id)
        self.order.remove(top.id)
        self.order.insert(self.order.index(above) + 1 if above in self.tops else 0, top.id)
        if top.mapped and self.order.index(top.id) != place:
            self.did(top.id, Deed.RESTACKED)

    def place(self, window: int, box: Box) -> None:
        """Its place as the server says now; newer than every event applied so far."""
        top = self.tops[window]
        if top.mapped and top.box != box:
            self._touch(top)
            self.did(window, Deed.MOVED)
        top.box = box
        if window in self.touched:
            self._touch(top)

    def _touch(self, top: Top) -> None:
        boxes = self.touched.setdefault(top.id, [])
        if top.mapped and top.box not in boxes:
            boxes.append(top.box)
