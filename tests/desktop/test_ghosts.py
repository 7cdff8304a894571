"""Who owes which pixels, and for how long: case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from agent.core.ghosts import Ghost
from agent.core.model import Box
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


def test_one_that_was_covered_and_is_in_front_again_may_show_what_covered_it() -> None:
    """Two changes of the order that come to none. It painted before, or between, and that pays for nothing."""
    made = ghosts()
    both = [pane(1, PART), pane(2)]
    made.follow(both, {}, {1: [], 2: []}, SCREEN, LATER)
    assert made.told() == ()
    done = {1: Done([Deed.RESTACKED], [PART]), 2: Done([Deed.RESTACKED], [WHOLE])}
    made.follow(both, done, {1: [PART], 2: [WHOLE]}, SCREEN, LATER)
    assert untils(made, LATER) == [DOUBT]


def test_what_one_owes_it_goes_on_to_owe_when_it_was_covered_and_is_in_front_again() -> None:
    made = uncovered(ghosts())
    owed = untils(made, LATER)
    both = [pane(3, PART), pane(1)]
    made.follow(both, {3: Done([Deed.CAME], [PART])}, {1: []}, SCREEN, LATER)
    done = {1: Done([Deed.RESTACKED], [WHOLE]), 3: Done([Deed.RESTACKED], [PART])}
    made.follow(both, done, {1: [], 3: [PART]}, SCREEN, LATER)
    assert sorted(untils(made, LATER)) == sorted([DOUBT, *owed])


def test_what_one_owes_is_not_made_less_by_what_another_had_all_along() -> None:
    """The other came over it and moved, in one look, so that nobody knows whose the place is: both have it, here."""
    made = uncovered(ghosts())
    [owed] = untils(made, LATER)
    both = [pane(1), pane(3, PART)]
    made.follow(both, {3: Done([Deed.CAME, Deed.MOVED], [MENU, PART])}, {1: []}, SCREEN, LATER)
    assert max(untils(made, LATER)) == owed
    made.follow(both, {one.id: Done([Deed.RESTACKED], [one.box]) for one in both}, {1: [], 3: []}, SCREEN, LATER)
    assert max(untils(made, LATER)) == owed


def test_two_that_change_places_out_of_each_others_sight_are_owed_nothing() -> None:
    made = ghosts()
    apart = [pane(1, Box(0, 0, 4, 4)), pane(2, Box(8, 0, 4, 4))]
    made.follow(apart, {}, {1: [], 2: []}, SCREEN, LATER)
    done = {one.id: Done([Deed.RESTACKED], [one.box]) for one in apart}
    made.follow(apart, done, {1: [], 2: []}, SCREEN, LATER)
    assert made.told() == ()


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


def test_the_words_are_ghosts_of_the_core() -> None:
    assert uncovered(ghosts()).told() == (Ghost(0, DOUBT), Ghost(LATER, LATER + OWED))[1:]
