"""No word on a window's pixels is too early, held against a screen of a few dozen pixels that knows what each shows."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.core.model.seen import Box
from agent.core.model.times import MILLISECOND
from agent.desktop.x11.changing import Done, Pane
from agent.desktop.x11.covering import meet
from agent.desktop.x11.tree import Deed
from agent.desktop.x11.unpainted import DOUBT, STILL, UNSURE, Unpainted

SCREEN = Box(0, 0, 12, 8)
FEW = Box(0, 0, 3, 3)
LATE = 5  # a window that is watched only once it is in view; 4 is before
WAIT = 1200 * MILLISECOND

Pixel = tuple[int, int]


@dataclass
class Tiny:
    """An X server of 12x8 pixels. A pixel that is not painted anew keeps what it has: windows have no background."""

    stack: list[int] = field(default_factory=list)  # mapped, bottom first
    boxes: dict[int, Box] = field(default_factory=dict)
    painter: dict[Pixel, int] = field(default_factory=dict)  # whose picture the pixel shows; absent: the root's
    damage: dict[int, set[Pixel]] = field(default_factory=dict)
    deeds: dict[int, list[Deed]] = field(default_factory=dict)
    places: dict[int, list[Box]] = field(default_factory=dict)
    origins: dict[Pixel, Pixel] = field(default_factory=dict)  # of pixels that a window took along: where each was

    def pixels(self, window: int) -> set[Pixel]:
        box = self.boxes[window]
        return {
            (x, y)
            for x in range(max(0, box.x), min(SCREEN.width, box.x + box.width))
            for y in range(max(0, box.y), min(SCREEN.height, box.y + box.height))
        }

    def owners(self) -> dict[Pixel, int]:
        found: dict[Pixel, int] = {}
        for window in self.stack:
            found |= dict.fromkeys(self.pixels(window), window)
        return found

    def strange(self) -> dict[Pixel, int]:
        """Pixels that show the picture of another window than the one that has them, and whose."""
        owners = self.owners()
        return {pixel: picture for pixel, picture in self.painter.items() if owners[pixel] != picture}

    def did(self, window: int, deed: Deed) -> None:
        self.deeds.setdefault(window, []).append(deed)
        self.places.setdefault(window, []).append(self.boxes[window])

    def settle(self) -> None:
        """The server paints the root where it is uncovered."""
        owners = self.owners()
        self.painter = {pixel: window for pixel, window in self.painter.items() if pixel in owners}

    def do(self, what: str, window: int, box: Box) -> None:
        mapped = window in self.stack
        if what == "map" and not mapped:
            self.boxes[window] = box
            self.stack.append(window)
            self.did(window, Deed.CAME)
        elif what == "unmap" and mapped:
            self.did(window, Deed.LEFT)
            self.stack.remove(window)
        elif what in {"raise", "lower"} and mapped:
            before = list(self.stack)
            self.stack.remove(window)
            self.stack.insert(len(self.stack) if what == "raise" else 0, window)
            if self.stack != before:
                self.did(window, Deed.RESTACKED)
        elif what == "move" and mapped and (box.x, box.y) != (self.boxes[window].x, self.boxes[window].y):
            old = self.boxes[window]
            self.configure(window, Box(box.x, box.y, old.width, old.height), taken_along=True)
        elif what == "resize" and mapped and box != self.boxes[window]:
            self.configure(window, box, taken_along=window % 2 == 0)
        elif what == "paint" and mapped:
            self.paint(window, box)
        self.settle()

    def configure(self, window: int, new: Box, *, taken_along: bool) -> None:
        """The visible pixels go along, whosever picture they are, and are told as painted; or they stay where they are
        (a program that is resized and paints all itself).
        """
        old, owned = self.boxes[window], {pixel for pixel, owner in self.owners().items() if owner == window}
        self.did(window, Deed.MOVED)
        self.boxes[window] = new
        self.did(window, Deed.MOVED)
        self.deeds[window].pop()
        if not taken_along:
            return
        carried = {(x - old.x + new.x, y - old.y + new.y): ((x, y), self.painter.get((x, y))) for x, y in owned}
        now, origins = self.owners(), dict[Pixel, Pixel]()
        for pixel, (was, picture) in carried.items():
            if now.get(pixel) == window:
                self.damage.setdefault(window, set()).add((pixel[0] - new.x, pixel[1] - new.y))
                if picture is not None:
                    self.painter[pixel] = picture
                    origins[pixel] = self.origins.get(was, was)
        self.origins |= origins

    def paint(self, window: int, part: Box) -> None:
        box, owners = self.boxes[window], self.owners()
        for x in range(box.x + part.x % 3, box.x + box.width):
            for y in range(box.y + part.y % 3, box.y + box.height):
                if owners.get((x, y)) == window:
                    self.painter[x, y] = window
                    self.damage.setdefault(window, set()).add((x - box.x, y - box.y))


boxes = st.builds(Box, st.integers(-2, 5), st.integers(-2, 4), st.integers(3, 8), st.integers(3, 6))
deeds = st.tuples(
    st.sampled_from(["map", "unmap", "raise", "lower", "move", "resize", "paint", "paint", "look", "wait", "take"]),
    st.integers(1, LATE),
    boxes,
)
RESTS = [("wait", 0, SCREEN)]


def opened(*boxes: Box) -> list[tuple[str, int, Box]]:
    """Windows that were looked at and have painted all, so that nothing is owed any more."""
    came = ((what, window, box) for window, box in enumerate(boxes, 1) for what in ("map", "look"))
    return [*came, *(("paint", window, Box(0, 0, 1, 1)) for window in range(1, len(boxes) + 1)), *RESTS]


# Three windows, then what happens, and a rest after which a wrong word is an early one.
openings = st.tuples(boxes, boxes, boxes).map(lambda three: opened(*three))
# A window that has never painted comes, as a window manager maps it: with more than one event.
comings = st.tuples(
    st.sampled_from([4, LATE]),
    boxes,
    st.lists(st.sampled_from(["raise", "move", "resize", "paint"]), max_size=3),
    boxes,
).map(lambda new: [("map", new[0], new[1]), *((what, new[0], new[3]) for what in new[2])])
histories = st.lists(
    st.tuples(st.one_of(st.lists(deeds, max_size=7), comings), st.sampled_from(["look", "wait"])),
    min_size=1,
    max_size=4,
).map(lambda parts: [*(deed for some, look in parts for deed in (*some, (look, 0, SCREEN))), ("rest", 0, SCREEN)])


def _no(_: object) -> bool:
    return False


def _yes(_: object) -> bool:
    return True


@dataclass
class Held:
    """Whatever windows do, a pixel that shows another window than the one that has it is a ghost that was told: from
    before that window was found to have left it, and not gone yet.
    """

    tiny: Tiny = field(default_factory=Tiny)
    made: Unpainted = field(default_factory=lambda: Unpainted(_no, _yes))
    now: int = DOUBT
    armed: set[int] = field(default_factory=set)
    doubts: set[int] = field(default_factory=set)  # not emptied since things happened after they were emptied
    early: dict[int, list[Box]] | None = None  # what was painted when they were
    doubted: set[int] = field(default_factory=set)
    strange: dict[Pixel, tuple[int, int]] = field(default_factory=dict)  # whose picture it shows, found by which look
    certain: int = 0  # a window of which every look could say what it had painted

    def do(self, *history: tuple[str, int, Box]) -> Held:
        for what, window, box in history:
            self.now += {"rest": STILL, "wait": WAIT}.get(what, 0) + MILLISECOND
            if what == "take":
                self.early = self.take() if self.early is None else self.early
            elif what in {"look", "rest", "wait"}:
                self.look()
            else:
                if what == "map" and window != LATE:
                    self.armed.add(window)
                self.tiny.do(what, window, box)
        return self

    def take(self) -> dict[int, list[Box]]:
        """Empties what the desktop would; returns what was painted in those that tell of it."""
        tiny = self.tiny
        places = [place for some in tiny.places.values() for place in some]
        taken = self.made.painters(self.now - MILLISECOND) | tiny.deeds.keys()
        taken |= {one for one in tiny.stack if meet([tiny.boxes[one]], places)}
        self.doubted, self.doubts = set(self.doubts), self.doubts - taken
        drawn = _painted(tiny, self.armed, taken)
        self.armed |= taken
        return drawn

    def look(self) -> None:
        tiny, late = self.tiny, self.early is not None
        drawn = self.take() if self.early is None else self.early
        self.early = None
        done = {one: Done(list(kept), tiny.places[one]) for one, kept in tiny.deeds.items() if _meets(tiny.places[one])}
        panes = [Pane(one, tiny.boxes[one], plain=True) for one in tiny.stack]
        self.made.follow(panes, done, drawn, SCREEN, self.now, doubted=self.doubted, late=late)
        if late:
            self.doubts = set(self.armed)
        found = tiny.strange()
        before = {pixel: self.strange.get(tiny.origins.get(pixel, pixel), (0, 0)) for pixel in found}
        self.strange = {
            pixel: (picture, before[pixel][1] if before[pixel][0] == picture else self.now)
            for pixel, picture in found.items()
        }
        tiny.deeds, tiny.places, tiny.origins = {}, {}, {}
        reported = self.made.reported()
        owners = tiny.owners()
        unpainted = {pixel for pixel in found if owners[pixel] == self.certain}
        for since in {
            since for pixel, (_, since) in self.strange.items() if pixel in unpainted or self.now - since < UNSURE
        }:
            assert any(one.left <= since and one.until > self.now for one in reported), (since, self.now, reported)


@settings(max_examples=300)
@given(openings, histories)
@example(  # a doubt that is over moves with its window, and is none again
    opened(Box(0, -1, 3, 3), Box(2, 0, 3, 3)),
    [("move", 2, Box(2, -1, 3, 3)), ("look", 0, SCREEN), ("rest", 0, SCREEN)],
)
@example(  # one that comes and moves takes along what was there before it, by another name
    opened(FEW, Box(0, 0, 4, 3), Box(3, 0, 3, 3)),
    [
        *(("unmap", 3, FEW), ("wait", 0, SCREEN), ("look", 0, SCREEN)),
        *(("map", 4, Box(1, 0, 3, 3)), ("move", 4, FEW), ("look", 0, SCREEN)),
        *(("unmap", 2, FEW), ("wait", 0, SCREEN), ("rest", 0, SCREEN)),
    ],
)
@example(  # two changes of the order that come to none: the one in front shows the other
    opened(FEW, FEW, FEW),
    [*(("raise", 2, FEW), ("paint", 2, FEW), ("raise", 3, FEW)), *(("look", 0, SCREEN), ("rest", 0, SCREEN))],
)
def test_no_word_is_earlier_than_the_pixels(
    opening: Sequence[tuple[str, int, Box]], history: Sequence[tuple[str, int, Box]]
) -> None:
    held = Held()
    held.made.follow([], None, {}, SCREEN, 0)
    held.do(*opening, *history)


@pytest.mark.timeout(600)
@pytest.mark.slow(reason="some ten thousand histories, all that three steps can be")
@pytest.mark.parametrize(
    ("boxes", "columns"),
    [
        ([Box(0, 0, 2, 1), Box(0, 0, 2, 1), Box(1, 0, 2, 1)], [0, 1]),  # one beside the other two
        ([Box(0, 0, 4, 1), Box(3, 0, 1, 1), Box(0, 0, 2, 1)], [-1, 0, 1, 3]),  # over the edge of the screen
        ([Box(1, 0, 4, 1), Box(4, 0, 1, 1), Box(0, 0, 1, 1)], [0, 1, 4]),  # further under one that stays
    ],
    ids=["beside", "edge", "under"],
)
def test_no_word_is_earlier_than_the_pixels_whatever_three_things_happen(
    boxes: Sequence[Box], columns: Sequence[int]
) -> None:
    """Three windows in a row of pixels, and every order of three things that they can do."""
    steps = [
        *((what, window, box) for what in ("map", "unmap", "raise", "lower") for window, box in enumerate(boxes, 1)),
        *(("paint", window, Box(skipped, 0, 1, 1)) for window in (1, 2, 3) for skipped in (0, 1)),
        *(("move", window, Box(x, 0, 1, 1)) for window in (1, 2, 3) for x in columns),
        ("look", 0, SCREEN),
    ]
    held = Held()
    held.made.follow([], None, {}, SCREEN, 0)
    read = pickle.loads  # eight times as fast as a deep copy
    states = [pickle.dumps(held.do(*opened(*boxes)))]
    for _ in range(2):
        states = [pickle.dumps(read(state).do(step)) for state in states for step in steps]
    for state in states:
        for step in steps:
            read(state).do(step, ("look", 0, SCREEN), ("rest", 0, SCREEN))


inside = st.builds(Box, st.integers(0, 4), st.integers(0, 2), st.integers(3, 8), st.integers(3, 6))
steps = st.one_of(
    st.tuples(st.just("move"), boxes),
    st.tuples(st.just("drag"), st.lists(inside, min_size=2, max_size=3)),
    st.tuples(st.just("paint"), boxes),
)


@settings(max_examples=300)
@given(openings, inside, st.lists(st.tuples(steps, st.booleans(), st.booleans()), max_size=5))
@example(  # out of the screen and in again: what was outside it shows what is there
    opened(Box(0, 0, 8, 6), FEW, FEW),
    FEW,
    [(("move", Box(x, 0, 3, 3)), False, False) for x in (-2, 0, 1)],
)
def test_what_a_window_has_not_painted_it_owes_wherever_it_is_moved(
    opening: Sequence[tuple[str, int, Box]],
    place: Box,
    history: Sequence[tuple[tuple[str, Box | Sequence[Box]], bool, bool]],
) -> None:
    """It comes over the others, and only it moves, so that there is no doubt about it. Once it has painted all it owes
    nothing.
    """
    held = Held(certain=4)
    held.made.follow([], None, {}, SCREEN, 0)
    held.do(*opening, ("map", 4, place), ("look", 0, SCREEN))
    painted = False
    for (what, where), late, wait in history:
        held.do(*[("take", 0, SCREEN)] * late)  # emptied, and then it happens
        places = [where] if isinstance(where, Box) else [box for box in where if _is_within(held.tiny.boxes[4])]
        held.do(*(("move" if what == "drag" else what, 4, box) for box in places))
        painted |= what == "paint"  # then only what has been owed for long is owed for certain
        held.do(("wait" if painted or wait else "look", 0, SCREEN))
        held.do(*[("look", 0, SCREEN)] * late)  # until then what it is found to have painted is doubted
    for _ in range(2):
        held.now += UNSURE
        held.do(("look", 0, SCREEN))
    held.do(("paint", 4, Box(0, 0, 1, 1)), ("look", 0, SCREEN))
    assert 4 not in held.made.painters(held.now + DOUBT)


def _is_within(box: Box) -> bool:
    return box.x >= 0 and box.y >= 0 and box.x + box.width <= SCREEN.width and box.y + box.height <= SCREEN.height


def _painted(tiny: Tiny, armed: set[int], taken: set[int]) -> dict[int, list[Box]]:
    """Of those that are armed; `taken`: those that are emptied, and only they tell."""
    reported = {one: tiny.damage.pop(one, set()) for one in taken}
    return {one: [Box(x, y, 1, 1) for x, y in reported.get(one, ())] for one in armed}


strokes = st.lists(
    st.tuples(
        st.sampled_from(["lose", "late", "look", "rest", "paint", "flicker", "flicker"]), st.integers(1, 3), boxes
    ),
    max_size=10,
)


@settings(max_examples=300)
@given(openings, st.sampled_from(["unmap", "raise"]), st.integers(1, 3), strokes)
def test_what_is_owed_is_told_until_it_is_painted_whatever_nobody_followed(
    opening: Sequence[tuple[str, int, Box]], leave: str, leaving: int, history: Sequence[tuple[str, int, Box]]
) -> None:
    """One window goes, or covers others, and everybody hangs. Whether or not looks can follow what else comes and goes:
    a pixel that its owner has not painted since is told of for ten seconds; and once it has painted all, for one."""
    tiny, made, now = Tiny(), Unpainted(lambda _: False, lambda _: True), DOUBT
    made.follow([], None, {}, SCREEN, 0)
    doubted: frozenset[int] = frozenset()

    def look(*, known: bool = True, late: bool = False) -> None:
        nonlocal now, doubted
        now += MILLISECOND
        done = {one: Done(list(kept), tiny.places[one]) for one, kept in tiny.deeds.items() if _meets(tiny.places[one])}
        panes = [Pane(one, tiny.boxes[one], plain=True) for one in tiny.stack]
        drawn = _painted(tiny, {1, 2, 3}, {1, 2, 3, 4})
        made.follow(panes, done if known else None, drawn, SCREEN, now, doubted=doubted, late=late)
        tiny.damage, tiny.deeds, tiny.places = {}, {}, {}
        doubted = frozenset({1, 2, 3}) if late or not known else frozenset()

    for what, window, box in opening:
        now += STILL
        tiny.do(what, window, box)
        look()
    before = tiny.strange()  # owed since then, and no longer
    tiny.do(leave, leaving, SCREEN)
    look()
    left = now
    unpainted = {pixel: picture for pixel, picture in tiny.strange().items() if before.get(pixel) != picture}
    for what, window, box in history:
        if what in {"lose", "late", "look", "rest"}:
            now += DOUBT if what == "rest" else 0
            look(known=what != "lose", late=what == "late")
        elif what == "flicker":
            tiny.do("map", 4, box)
            tiny.do("unmap", 4, box)
        else:
            tiny.do(what, window, box)
        unpainted = {pixel: picture for pixel, picture in unpainted.items() if tiny.painter.get(pixel) == picture}
        if unpainted and now < left + UNSURE and not tiny.damage:
            assert any(one.left <= left and one.until > now for one in made.reported()), (left, now, made.reported())
    look()  # what was painted before something was found to have come and gone does not count
    for window in tiny.stack:
        tiny.do("paint", window, Box(0, 0, 1, 1))
    look()
    assert max((one.until for one in made.reported()), default=0) <= now + DOUBT


def _meets(places: Sequence[Box]) -> bool:
    return any(_on_screen(place) for place in places)


def _on_screen(place: Box) -> bool:
    return (
        place.x + place.width > 0 and place.y + place.height > 0 and place.x < SCREEN.width and place.y < SCREEN.height
    )
