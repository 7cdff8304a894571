"""No word on a window's pixels is too early, held against a screen of a few dozen pixels that knows what each shows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.core.model import MILLISECOND, Box
from agent.desktop.x11.ghosts import DOUBT, OWED, STILL, Done, Ghosts, Pane
from agent.desktop.x11.tree import Deed

SCREEN = Box(0, 0, 12, 8)
FEW = Box(0, 0, 3, 3)

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
            self.move(window, box)
        elif what == "paint" and mapped:
            self.paint(window, box)
        self.settle()

    def move(self, window: int, box: Box) -> None:
        """The visible pixels go along, whosever picture they are, and are told as painted."""
        old, owned = self.boxes[window], {pixel for pixel, owner in self.owners().items() if owner == window}
        self.did(window, Deed.MOVED)
        self.boxes[window] = new = Box(box.x, box.y, old.width, old.height)
        self.did(window, Deed.MOVED)
        self.deeds[window].pop()
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
    st.sampled_from(["map", "unmap", "raise", "lower", "move", "paint", "paint", "look"]), st.integers(1, 3), boxes
)
# Three windows that were painted and looked at, then what happens, and a rest after which a wrong word is an early one.
openings = st.tuples(boxes, boxes, boxes).map(
    lambda three: [
        *((what, window, box) for window, box in enumerate(three, 1) for what in ("map", "paint")),
        *[("rest", 0, SCREEN)] * 4,
    ]
)
histories = st.lists(st.tuples(st.lists(deeds, max_size=7), st.just(("look", 0, SCREEN))), min_size=1, max_size=4).map(
    lambda parts: [*(deed for some, look in parts for deed in (*some, look)), ("rest", 0, SCREEN)]
)


def hold_to_pixels(opening: Sequence[tuple[str, int, Box]], history: Sequence[tuple[str, int, Box]]) -> None:
    """Whatever windows do, a pixel that shows another window than the one that has it is a ghost that was told: from
    before that window was found to have left it, and not gone yet."""
    tiny, made, now = Tiny(), Ghosts(lambda _: False, lambda _: True), DOUBT
    emptied: set[int] = set()
    strange: dict[Pixel, tuple[int, int]] = {}  # pixel -> (whose picture it shows, when a look first found it strange)
    made.follow([], None, {}, SCREEN, 0)
    for what, window, box in (*opening, *history):
        now += STILL + MILLISECOND if what == "rest" else MILLISECOND
        if what not in {"look", "rest"}:
            tiny.do(what, window, box)
            continue
        drawn = _painted(tiny, emptied)
        done = {one: Done(list(kept), tiny.places[one]) for one, kept in tiny.deeds.items()}
        visible = {one: kept for one, kept in done.items() if _meets(kept.places)}
        made.follow([Pane(one, tiny.boxes[one], plain=True) for one in tiny.stack], visible, drawn, SCREEN, now)
        found = tiny.strange()
        before = {pixel: strange.get(tiny.origins.get(pixel, pixel), (0, 0)) for pixel in found}
        strange = {
            pixel: (picture, before[pixel][1] if before[pixel][0] == picture else now)
            for pixel, picture in found.items()
        }
        tiny.damage, tiny.deeds, tiny.places, tiny.origins, emptied = {}, {}, {}, {}, {1, 2, 3, 4}
        told = made.told()
        for since in {since for _, since in strange.values()}:
            if now - since < DOUBT:  # what nobody can follow is told for a second
                assert any(ghost.left <= since and ghost.until > now for ghost in told), (since, now, told)


@settings(max_examples=300)
@given(openings, histories)
@example(  # a doubt that is over moves with its window, and is none again
    [
        *((what, window, Box(*box, 3, 3)) for window, box in ((1, (0, -1)), (2, (2, 0))) for what in ("map", "paint")),
        *[("rest", 0, SCREEN)] * 4,
    ],
    [("move", 2, Box(2, -1, 3, 3)), ("look", 0, SCREEN), ("rest", 0, SCREEN)],
)
@example(  # two changes of the order that come to none: the one in front shows the other
    [*((what, window, FEW) for window in (1, 2, 3) for what in ("map", "paint")), *[("rest", 0, SCREEN)] * 4],
    [*(("raise", 2, FEW), ("paint", 2, FEW), ("raise", 3, FEW)), *(("look", 0, SCREEN), ("rest", 0, SCREEN))],
)
def test_no_word_is_earlier_than_the_pixels(
    opening: Sequence[tuple[str, int, Box]], history: Sequence[tuple[str, int, Box]]
) -> None:
    hold_to_pixels(opening, history)


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
    opening = [(what, window, box) for window, box in enumerate(boxes, 1) for what in ("map", "paint")]
    rests = [("rest", 0, SCREEN)] * 4
    steps = [
        *((what, window, box) for what in ("map", "unmap", "raise", "lower") for window, box in enumerate(boxes, 1)),
        *(("paint", window, Box(skipped, 0, 1, 1)) for window in (1, 2, 3) for skipped in (0, 1)),
        *(("move", window, Box(x, 0, 1, 1)) for window in (1, 2, 3) for x in columns),
        ("look", 0, SCREEN),
    ]
    for history in itertools.product(steps, repeat=3):
        hold_to_pixels([*opening, *rests], [*history, ("look", 0, SCREEN), ("rest", 0, SCREEN)])


def _painted(tiny: Tiny, emptied: set[int]) -> dict[int, list[Box]]:
    return {one: [Box(x, y, 1, 1) for x, y in tiny.damage.get(one, ())] for one in emptied}


strokes = st.lists(
    st.tuples(st.sampled_from(["lose", "look", "rest", "paint", "flicker", "flicker"]), st.integers(1, 3), boxes),
    max_size=10,
)


@settings(max_examples=300)
@given(openings, st.sampled_from(["unmap", "raise"]), st.integers(1, 3), strokes)
def test_what_is_owed_is_told_until_it_is_painted_whatever_nobody_followed(
    opening: Sequence[tuple[str, int, Box]], leave: str, leaving: int, history: Sequence[tuple[str, int, Box]]
) -> None:
    """One window goes, or covers others, and everybody hangs. Whether or not looks can follow what else comes and goes:
    a pixel that its owner has not painted since is told of for ten seconds; and once it has painted all, for one."""
    tiny, made, now = Tiny(), Ghosts(lambda _: False, lambda _: True), DOUBT
    made.follow([], None, {}, SCREEN, 0)
    doubted: frozenset[int] = frozenset()

    def look(*, known: bool = True) -> None:
        nonlocal now, doubted
        now += MILLISECOND
        done = {one: Done(list(kept), tiny.places[one]) for one, kept in tiny.deeds.items() if _meets(tiny.places[one])}
        panes = [Pane(one, tiny.boxes[one], plain=True) for one in tiny.stack]
        drawn = _painted(tiny, {1, 2, 3})
        made.follow(panes, done if known else None, drawn, SCREEN, now, doubted=doubted)
        tiny.damage, tiny.deeds, tiny.places = {}, {}, {}
        doubted = frozenset() if known else frozenset({1, 2, 3})

    for what, window, box in opening:
        now += STILL
        tiny.do(what, window, box)
        look()
    before = tiny.strange()  # owed since then, and no longer
    tiny.do(leave, leaving, SCREEN)
    look()
    left = now
    owed = {pixel: picture for pixel, picture in tiny.strange().items() if before.get(pixel) != picture}
    for what, window, box in history:
        if what in {"lose", "look", "rest"}:
            now += DOUBT if what == "rest" else 0
            look(known=what != "lose")
        elif what == "flicker":
            tiny.do("map", 4, box)
            tiny.do("unmap", 4, box)
        else:
            tiny.do(what, window, box)
        owed = {pixel: picture for pixel, picture in owed.items() if tiny.painter.get(pixel) == picture}
        if owed and now < left + OWED and not tiny.damage:
            assert any(ghost.left <= left and ghost.until > now for ghost in made.told()), (left, now, made.told())
    for window in tiny.stack:
        tiny.do("paint", window, Box(0, 0, 1, 1))
    look()
    assert max((ghost.until for ghost in made.told()), default=0) <= now + DOUBT


def _meets(places: Sequence[Box]) -> bool:
    return any(_on_screen(place) for place in places)


def _on_screen(place: Box) -> bool:
    return (
        place.x + place.width > 0 and place.y + place.height > 0 and place.x < SCREEN.width and place.y < SCREEN.height
    )
