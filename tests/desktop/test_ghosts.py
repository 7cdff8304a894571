"""Who owes which pixels, held against a screen of a few dozen pixels that knows what each of them really shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.ghosts import Ghost
from agent.core.model import MILLISECOND, Box
from agent.desktop.x11.ghosts import DOUBT, KEPT, MOST_DEEDS, MOST_GHOSTS, OWED, STILL, Done, Ghosts, Pane
from agent.desktop.x11.tree import Deed

SCREEN = Box(0, 0, 12, 8)
WHOLE = Box(0, 0, 6, 6)
PART = Box(2, 2, 3, 3)


def ghosts(*, redirected: bool = False, repaints: bool = True) -> Ghosts:
    made = Ghosts(lambda _: redirected, lambda _: repaints)
    made.follow([], None, {}, SCREEN, 0)
    return made


def pane(window: int, box: Box = WHOLE, *, plain: bool = True) -> Pane:
    return Pane(window, box, plain)


def untils(made: Ghosts, now: int) -> list[int]:
    return [ghost.until - now for ghost in made.told() if ghost.left == now]


LEFT = {2: Done([Deed.LEFT], [PART])}
LATER = 10 * OWED


def uncovered(made: Ghosts, *painted: Box, done: Mapping[int, Done] = LEFT, armed: bool = True) -> Ghosts:
    """Window 2 was above a part of window 1, and has gone at `LATER`."""
    made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
    made.follow([pane(1)], done, {1: painted} if armed else {}, SCREEN, LATER)
    return made


def test_what_nobody_has_painted_is_owed_for_ten_seconds() -> None:
    assert untils(uncovered(ghosts()), LATER) == [OWED]


def test_what_was_painted_by_the_time_of_the_look_has_to_be_still() -> None:
    assert untils(uncovered(ghosts(), PART), LATER) == [STILL]


def test_a_part_is_not_the_whole() -> None:
    made = uncovered(ghosts(), Box(2, 2, 3, 2))
    assert untils(made, LATER) == [OWED]
    assert made.debtors(LATER) == {1}
    made.follow([pane(1)], {}, {1: [Box(2, 4, 3, 1)]}, SCREEN, LATER + 5)
    assert untils(made, LATER) == [STILL + 5]


def test_every_stroke_where_it_was_begins_the_stillness_anew_up_to_a_second() -> None:
    made = uncovered(ghosts(), PART)
    made.follow([pane(1)], {}, {1: [Box(0, 0, 1, 1)]}, SCREEN, LATER + 100)  # elsewhere
    assert untils(made, LATER) == [STILL]
    for at in (STILL - 1, 2 * STILL - 2, 3 * STILL - 3):
        made.follow([pane(1)], {}, {1: [Box(2, 2, 1, 1)]}, SCREEN, LATER + at)
    assert untils(made, LATER) == [DOUBT]


@pytest.mark.parametrize(
    "case",
    [
        lambda: uncovered(ghosts(), PART, armed=False),
        lambda: uncovered(ghosts(redirected=True), PART),
        lambda: uncovered(ghosts(), PART, done={2: Done([Deed.LEFT, Deed.CAME, Deed.LEFT], [PART])}),
        lambda: uncovered(ghosts(), PART, done={2: Done([Deed.RESHAPED], [PART])}),
    ],
    ids=["its damage was never emptied", "painted beside the screen", "it left twice", "it has another shape"],
)
def test_doubts_last_a_second(case: object) -> None:
    assert callable(case)
    made = case()
    assert untils(made, LATER) == [DOUBT]
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [DOUBT]


def test_a_shaped_window_near_it_is_a_doubt() -> None:
    made = ghosts()
    made.follow([pane(1), pane(2, PART), pane(3, Box(4, 4, 2, 2), plain=False)], {}, {}, SCREEN, 1)
    made.follow([pane(1), pane(3, Box(4, 4, 2, 2), plain=False)], LEFT, {1: [PART]}, SCREEN, LATER)
    assert untils(made, LATER) == [DOUBT]


@pytest.mark.parametrize(("repaints", "until"), [(True, STILL), (False, DOUBT)])
def test_what_the_root_window_gains_it_paints_at_once_or_never(repaints: bool, until: int) -> None:
    made = ghosts(repaints=repaints)
    made.follow([pane(2, PART)], {}, {}, SCREEN, 1)
    made.follow([], LEFT, {}, SCREEN, LATER)
    assert untils(made, LATER) == [until]


def test_a_window_that_is_raised_owes_what_it_gained() -> None:
    made = ghosts()
    made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
    raised = {1: Done([Deed.RESTACKED], [WHOLE])}
    made.follow([pane(2, PART), pane(1)], raised, {1: [Box(2, 2, 3, 1)]}, SCREEN, LATER)
    assert untils(made, LATER) == [OWED]
    made.follow([pane(2, PART), pane(1)], {}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [STILL + 1]


@pytest.mark.parametrize("deed", [Deed.MOVED, Deed.CAME])
def test_a_window_that_moved_or_came_with_others_is_a_doubt(deed: Deed) -> None:
    made = ghosts()
    made.follow([pane(2, PART)], {}, {}, SCREEN, 1)
    both = {1: Done([deed], [WHOLE]), **LEFT}
    made.follow([pane(1)], both, {1: [WHOLE]}, SCREEN, LATER)
    assert set(untils(made, LATER)) == {DOUBT}


def test_a_hidden_window_may_leave_meanwhile() -> None:
    made = ghosts()
    three = [pane(3, PART), pane(1), pane(2, PART)]
    made.follow(three, {}, {}, SCREEN, 1)
    made.follow(three[:2], LEFT, {1: []}, SCREEN, LATER)
    made.follow([pane(1)], {3: Done([Deed.LEFT], [PART])}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [STILL + 1]


def test_a_debtor_that_goes_or_moves_leaves_a_doubt_of_the_first_time() -> None:
    for after, deed in (([], Deed.LEFT), ([pane(1, Box(1, 0, 6, 6))], Deed.MOVED)):
        made = uncovered(ghosts())
        made.follow(after, {1: Done([deed], [WHOLE])}, {1: [PART]}, SCREEN, LATER + 7)
        assert Ghost(LATER, LATER + 7 + DOUBT) in made.told()


def test_nobody_follows_a_flood_or_a_tree_read_anew() -> None:
    flood = {2: Done([Deed.MOVED] * (MOST_DEEDS + 1), [PART])}
    for done in (None, flood):
        made = ghosts()
        made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
        made.follow([pane(1)], done, {1: [PART]}, SCREEN, LATER)
        assert untils(made, LATER) == [DOUBT]


MENU = Box(3, 3, 1, 1)


def test_a_menu_over_what_is_owed_frees_nothing_of_it_but_what_is_painted() -> None:
    made = uncovered(ghosts())
    made.follow([pane(1), pane(3, MENU)], {3: Done([Deed.CAME], [MENU])}, {1: []}, SCREEN, LATER + 5)
    made.follow([pane(1)], {3: Done([Deed.LEFT], [MENU])}, {1: [MENU]}, SCREEN, LATER + 10)
    assert max(untils(made, LATER)) == OWED
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 20)
    assert max(untils(made, LATER)) == DOUBT + 10  # for the menu itself


def test_a_frame_shows_its_client_until_it_is_painted_or_gone() -> None:
    """The client was destroyed; the window manager takes its frame away only a look or two later."""
    made = ghosts()
    both = [pane(1), pane(2, PART)]
    made.follow(both, {}, {1: [], 2: []}, SCREEN, 1)
    made.follow(both, {}, {1: [], 2: [WHOLE]}, SCREEN, LATER)  # painted, but maybe by the client
    made.bereave({2}, SCREEN, LATER)
    assert untils(made, LATER) == [DOUBT]
    assert made.debtors(LATER) == {2}
    made.follow(both, {}, {1: [], 2: []}, SCREEN, LATER + 20)
    assert untils(made, LATER) == [DOUBT]
    made.follow([pane(1)], LEFT, {1: []}, SCREEN, LATER + 40)
    assert untils(made, LATER) == [STILL + 40, OWED + 40]  # of the first time, though the frame was seen without it
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 50)
    assert untils(made, LATER) == [STILL + 40, STILL + 50]


FLOOD = {9: Done([Deed.MOVED] * (MOST_DEEDS + 1), [PART])}
LOST: list[Mapping[int, Done] | None] = [None, FLOOD]


@pytest.mark.parametrize("done", LOST, ids=["read anew", "flood"])
def test_what_is_owed_stays_owed_when_nobody_knows_what_happened_meanwhile(done: Mapping[int, Done] | None) -> None:
    made = uncovered(ghosts())
    for later in (5, 6):
        made.follow([pane(1)], done, {1: []}, SCREEN, LATER + later)
    assert sorted(untils(made, LATER)) == [DOUBT + 6, OWED]
    assert made.debtors(LATER + 6) == {1}


@pytest.mark.parametrize("done", LOST, ids=["read anew", "flood"])
def test_what_is_painted_meanwhile_is_paid(done: Mapping[int, Done] | None) -> None:
    made = uncovered(ghosts())
    made.follow([pane(1)], done, {1: [Box(2, 2, 3, 2)]}, SCREEN, LATER + 5)
    assert max(untils(made, LATER)) == OWED
    made.follow([pane(1)], {}, {1: [Box(2, 4, 3, 1)]}, SCREEN, LATER + 6, doubted={1})
    assert sorted(untils(made, LATER)) == [STILL + 6, DOUBT + 5]


@pytest.mark.parametrize("after", [[], [pane(1, Box(1, 0, 6, 6))], [pane(1, plain=False)]])
def test_a_debtor_that_is_not_where_it_was_meanwhile_pays_no_more(after: Sequence[Pane]) -> None:
    made = uncovered(ghosts())
    made.follow(after, None, {1: [PART]}, SCREEN, LATER + 5)
    assert max(untils(made, LATER)) == OWED
    made.follow([pane(1)], {1: Done([Deed.MOVED], [WHOLE])}, {1: [PART]}, SCREEN, LATER + 6)
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 7)
    assert max(untils(made, LATER)) == OWED


def test_who_may_have_been_covered_unseen_pays_and_owes_nothing_anew() -> None:
    made = ghosts()
    made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
    made.follow([pane(1)], LEFT, {1: [PART]}, SCREEN, LATER, doubted={1})
    assert untils(made, LATER) == [DOUBT]


def test_a_window_that_flickers_over_what_is_owed_takes_nothing_of_it() -> None:
    made = uncovered(ghosts())
    flicker = {3: Done([Deed.CAME, Deed.LEFT], [MENU])}
    made.follow([pane(1)], flicker, {1: []}, SCREEN, LATER + 5)
    assert sorted(untils(made, LATER)) == [DOUBT + 5, OWED]
    made.follow([pane(1)], flicker, {1: [PART]}, SCREEN, LATER + 6)
    assert max(untils(made, LATER)) == DOUBT + 6


def test_what_has_gone_is_forgotten_after_a_while_and_many_become_few() -> None:
    made = uncovered(ghosts(), PART)
    made.follow([pane(1)], {}, {}, SCREEN, LATER + STILL + KEPT - 1)
    assert len(made.told()) == 1
    made.follow([pane(1)], {}, {}, SCREEN, LATER + STILL + KEPT)
    assert made.told() == ()
    for turn in range(3 * MOST_GHOSTS):
        made.follow([pane(1), pane(2, PART)], {2: Done([Deed.CAME], [PART])}, {}, SCREEN, LATER + turn)
        made.follow([pane(1)], LEFT, {1: []}, SCREEN, LATER + turn)
    assert len(made.told()) <= MOST_GHOSTS


# -- against pixels ---------------------------------------------------------------------------------------------------

Pixel = tuple[int, int]


@dataclass
class Tiny:
    """An X server of 12x8 pixels. `shows`: for each pixel the time at which it was painted, and by whom it counts: a
    pixel that is not painted anew keeps what it has. Windows have no background."""

    stack: list[int] = field(default_factory=list)  # mapped, bottom first
    boxes: dict[int, Box] = field(default_factory=dict)
    painter: dict[Pixel, int] = field(default_factory=dict)  # whose picture the pixel shows; absent: the root's
    damage: dict[int, set[Pixel]] = field(default_factory=dict)
    deeds: dict[int, list[Deed]] = field(default_factory=dict)
    places: dict[int, list[Box]] = field(default_factory=dict)

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
        carried = {(x - old.x + new.x, y - old.y + new.y): self.painter.get((x, y)) for x, y in owned}
        now = self.owners()
        for pixel, picture in carried.items():
            if now.get(pixel) == window:
                self.damage.setdefault(window, set()).add((pixel[0] - new.x, pixel[1] - new.y))
                if picture is not None:
                    self.painter[pixel] = picture

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


@settings(max_examples=300)
@given(openings, histories)
def test_no_word_is_earlier_than_the_pixels(
    opening: Sequence[tuple[str, int, Box]], history: Sequence[tuple[str, int, Box]]
) -> None:
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
        tiny.damage, tiny.deeds, tiny.places, emptied = {}, {}, {}, {1, 2, 3, 4}
        owners = tiny.owners()
        found = {pixel: picture for pixel, picture in tiny.painter.items() if owners[pixel] != picture}
        strange = {
            pixel: (picture, strange[pixel][1] if strange.get(pixel, (0, 0))[0] == picture else now)
            for pixel, picture in found.items()
        }
        told = made.told()
        for since in {since for _, since in strange.values()}:
            if now - since < DOUBT:  # what nobody can follow is told for a second
                assert any(ghost.left <= since and ghost.until > now for ghost in told), (since, now, told)


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
    tiny.do(leave, leaving, SCREEN)
    look()
    left, owners = now, tiny.owners()
    owed = {pixel: picture for pixel, picture in tiny.painter.items() if owners[pixel] != picture}
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


def test_the_words_are_ghosts_of_the_core() -> None:
    assert uncovered(ghosts()).told() == (Ghost(0, DOUBT), Ghost(LATER, LATER + OWED))[1:]
