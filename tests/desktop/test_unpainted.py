"""Who owes which pixels, and for how long: case by case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from agent.core.model.seen import Box, StalePixels
from agent.desktop.x11.changing import MOST_DEEDS, Done, Pane
from agent.desktop.x11.tree import Deed
from agent.desktop.x11.unpainted import (
    DOUBT,
    HANGS,
    KEPT,
    MOST_REGIONS,
    STILL,
    UNPAINTED,
    UNSURE,
    Unpainted,
)

SCREEN = Box(0, 0, 12, 8)
WHOLE = Box(0, 0, 6, 6)
PART = Box(2, 2, 3, 3)


def stale_pixels(*, redirected: bool = False, repaints: bool = True) -> Unpainted:
    made = Unpainted(lambda _: redirected, lambda _: repaints)
    made.follow([], None, {}, SCREEN, 0)
    return made


def pane(window: int, box: Box = WHOLE, *, plain: bool = True) -> Pane:
    return Pane(window, box, plain)


def untils(made: Unpainted, now: int) -> list[int]:
    return [one.until - now for one in made.reported() if one.left == now]


LEFT = {2: Done([Deed.LEFT], [PART])}
LATER = 10 * UNSURE


def uncovered(made: Unpainted, *painted: Box, done: Mapping[int, Done] = LEFT, armed: bool = True) -> Unpainted:
    """Window 2 was above a part of window 1, and has gone at `LATER`."""
    made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
    made.follow([pane(1)], done, {1: painted} if armed else {}, SCREEN, LATER)
    return made


def test_what_nobody_has_painted_is_owed_until_it_is() -> None:
    made = uncovered(stale_pixels())
    assert untils(made, LATER) == [UNPAINTED]
    made.follow([pane(1)], {}, {1: []}, SCREEN, LATER + 2 * UNSURE)
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 3 * UNSURE)
    assert untils(made, LATER) == [3 * UNSURE + STILL]


def test_what_was_painted_by_the_time_of_the_look_has_to_be_still() -> None:
    assert untils(uncovered(stale_pixels(), PART), LATER) == [STILL]


def test_a_part_is_not_the_whole() -> None:
    made = uncovered(stale_pixels(), Box(2, 2, 3, 2))
    assert untils(made, LATER) == [UNPAINTED]
    assert made.painters(LATER) == {1}
    made.follow([pane(1)], {}, {1: [Box(2, 4, 3, 1)]}, SCREEN, LATER + 5)
    assert untils(made, LATER) == [STILL + 5]


def test_every_stroke_where_it_was_begins_the_stillness_anew_up_to_a_second() -> None:
    made = uncovered(stale_pixels(), PART)
    made.follow([pane(1)], {}, {1: [Box(0, 0, 1, 1)]}, SCREEN, LATER + 100)  # elsewhere
    assert untils(made, LATER) == [STILL]
    for at in (STILL - 1, 2 * STILL - 2, 3 * STILL - 3):
        made.follow([pane(1)], {}, {1: [Box(2, 2, 1, 1)]}, SCREEN, LATER + at)
    assert untils(made, LATER) == [DOUBT]


@pytest.mark.parametrize(
    "case",
    [
        lambda: uncovered(stale_pixels(), PART, armed=False),
        lambda: uncovered(stale_pixels(), PART, done={2: Done([Deed.LEFT, Deed.CAME, Deed.LEFT], [PART])}),
        lambda: uncovered(stale_pixels(), PART, done={2: Done([Deed.RESHAPED], [PART])}),
    ],
    ids=["its damage was never emptied", "it left twice", "it has another shape"],
)
def test_who_may_have_painted_too_early_owes_it_anew(case: Callable[[], Unpainted]) -> None:
    made = case()
    assert untils(made, LATER) == [UNSURE]
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [DOUBT]


def test_a_window_that_paints_beside_the_screen_is_a_doubt() -> None:
    made = uncovered(stale_pixels(redirected=True), PART)
    assert untils(made, LATER) == [DOUBT]
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [DOUBT]


def test_near_a_window_of_unknown_shape_what_is_below_and_it_owe_together() -> None:
    made, odd = stale_pixels(), pane(3, Box(4, 4, 2, 2), plain=False)
    made.follow([pane(1), pane(2, PART), odd], {}, {1: [], 3: []}, SCREEN, 1)
    made.follow([pane(1), odd], LEFT, {1: [PART], 3: []}, SCREEN, LATER)
    assert untils(made, LATER) == [UNSURE]
    assert made.painters(LATER) == {1, 3}
    made.follow([pane(1), odd], {}, {1: [Box(2, 2, 3, 2)], 3: []}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [UNSURE]
    made.follow([pane(1), odd], {}, {1: [Box(2, 4, 2, 1)], 3: [Box(0, 0, 2, 2)]}, SCREEN, LATER + 2)
    assert untils(made, LATER) == [DOUBT]


def test_what_shows_through_a_window_of_known_shape_was_never_covered() -> None:
    made = stale_pixels()
    ring = Pane(2, PART, plain=True, parts=(Box(2, 2, 3, 1),))
    made.follow([pane(1), ring], {}, {1: [], 2: []}, SCREEN, 1)
    made.follow([pane(1)], LEFT, {1: [Box(2, 2, 3, 1)], 2: []}, SCREEN, LATER)
    assert untils(made, LATER) == [STILL]


@pytest.mark.parametrize(("repaints", "until"), [(True, STILL), (False, UNPAINTED)])
def test_what_the_root_window_gains_it_paints_at_once_or_never(repaints: bool, until: int) -> None:
    made = stale_pixels(repaints=repaints)
    made.follow([pane(2, PART)], {}, {}, SCREEN, 1)
    made.follow([], LEFT, {}, SCREEN, LATER)
    assert untils(made, LATER) == [until]


def test_a_window_that_is_raised_owes_what_it_gained() -> None:
    made = stale_pixels()
    made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
    raised = {1: Done([Deed.RESTACKED], [WHOLE])}
    made.follow([pane(2, PART), pane(1)], raised, {1: [Box(2, 2, 3, 1)]}, SCREEN, LATER)
    assert untils(made, LATER) == [UNPAINTED]
    made.follow([pane(2, PART), pane(1)], {}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [STILL + 1]


def test_a_window_that_moved_with_others_owes_all_anew() -> None:
    made = stale_pixels()
    made.follow([pane(1, Box(1, 1, 6, 6)), pane(2, PART)], {}, {}, SCREEN, 1)
    both = {1: Done([Deed.MOVED], [Box(1, 1, 6, 6), WHOLE]), **LEFT}
    made.follow([pane(1)], both, {1: [WHOLE]}, SCREEN, LATER)
    assert max(untils(made, LATER)) == UNSURE


NEW: list[tuple[Sequence[Deed], Sequence[Box]]] = [
    ([Deed.CAME], [WHOLE]),
    ([Deed.CAME, Deed.RESTACKED], [WHOLE]),
    ([Deed.CAME, Deed.MOVED, Deed.RESTACKED], [PART, WHOLE]),
]


@pytest.mark.parametrize(("deeds", "places"), NEW)
@pytest.mark.parametrize("armed", [True, False])
def test_a_new_window_that_has_painted_nothing_owes_its_place(
    deeds: Sequence[Deed], places: Sequence[Box], armed: bool
) -> None:
    made = stale_pixels()
    made.follow([pane(2, PART)], {}, {}, SCREEN, 1)
    done = {1: Done(deeds, places)}
    made.follow([pane(2, PART), pane(1)], done, {1: []} if armed else {}, SCREEN, LATER)
    assert untils(made, LATER) == [UNPAINTED if armed else UNSURE]
    made.follow([pane(2, PART), pane(1)], {}, {1: [WHOLE]}, SCREEN, LATER + DOUBT)
    assert untils(made, LATER) == [DOUBT + STILL]


@pytest.mark.parametrize(("deeds", "places"), NEW)
def test_a_new_window_owes_no_more_what_it_has_painted_since_it_came(
    deeds: Sequence[Deed], places: Sequence[Box]
) -> None:
    made = stale_pixels()
    made.follow([pane(2, PART)], {}, {}, SCREEN, 1)
    done = {1: Done(deeds, places)}
    made.follow([pane(2, PART), pane(1)], done, {1: [WHOLE]}, SCREEN, LATER)
    assert untils(made, LATER) == [UNSURE if Deed.MOVED in deeds else STILL]


def test_a_window_that_is_dragged_in_front_of_all_shows_itself() -> None:
    made = stale_pixels()
    below = pane(1, Box(0, 0, 12, 8))
    places = [PART, Box(3, 2, 3, 3), Box(4, 2, 3, 3)]
    made.follow([below, pane(2, PART)], {}, {1: [], 2: []}, SCREEN, 1)
    done = {2: Done([Deed.MOVED] * 2, places)}
    made.follow([below, pane(2, places[-1])], done, {1: [Box(2, 2, 2, 3)], 2: [PART]}, SCREEN, LATER)
    assert untils(made, LATER) == [STILL]


def test_a_window_that_comes_in_from_beside_the_screen_owes_what_was_out_of_it() -> None:
    made = stale_pixels()
    outside, inside = Box(-2, 2, 3, 3), Box(0, 2, 3, 3)
    made.follow([pane(1), pane(2, outside)], {}, {1: [], 2: []}, SCREEN, 1)
    made.follow([pane(1), pane(2, inside)], {2: Done([Deed.MOVED], [outside, inside])}, {1: [], 2: []}, SCREEN, LATER)
    assert untils(made, LATER) == [UNPAINTED]
    made.follow([pane(1), pane(2, inside)], {}, {1: [], 2: [Box(0, 0, 2, 3)]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [STILL + 1]


@pytest.mark.parametrize(("grown", "until"), [(Box(2, 2, 5, 3), STILL), (Box(0, 2, 5, 3), UNSURE)])
def test_a_window_that_grows_owes_what_it_gained(grown: Box, until: int) -> None:
    """To the left, what it painted before counts from a corner that was elsewhere."""
    made = stale_pixels()
    made.follow([pane(1, Box(0, 0, 12, 8)), pane(2, PART)], {}, {1: [], 2: []}, SCREEN, 1)
    done = {2: Done([Deed.MOVED], [PART, grown])}
    drawn = {1: [], 2: [Box(0, 0, 5, 3)]}
    made.follow([pane(1, Box(0, 0, 12, 8)), pane(2, grown)], done, drawn, SCREEN, LATER)
    assert untils(made, LATER) == [until]


THERE = Box(6, 3, 3, 3)
TAKEN_ALONG = Box(0, 0, 3, 3)  # what the server tells of a move, from the window's corner
MOVED = {2: Done([Deed.MOVED], [PART, THERE])}


def covered(*painted: Box) -> Unpainted:
    """Window 2 came over window 1 at `LATER` and has painted this."""
    made = stale_pixels()
    made.follow([pane(1)], {}, {}, SCREEN, 1)
    made.follow([pane(1), pane(2, PART)], {2: Done([Deed.CAME], [PART])}, {1: [], 2: painted}, SCREEN, LATER)
    return made


def test_a_window_that_has_painted_nothing_owes_what_it_took_along_until_it_paints() -> None:
    made = covered()
    moved = [pane(1), pane(2, THERE)]
    made.follow(moved, MOVED, {1: [PART], 2: [TAKEN_ALONG]}, SCREEN, LATER + 5)
    assert max(untils(made, LATER)) == UNPAINTED + 5
    again = {2: Done([Deed.MOVED] * 2, [THERE, Box(0, 0, 3, 3), PART])}
    made.follow([pane(1), pane(2, PART)], again, {1: [], 2: [TAKEN_ALONG]}, SCREEN, LATER + 2 * UNSURE)
    assert max(untils(made, LATER)) == UNPAINTED + 2 * UNSURE
    assert 2 in made.painters(LATER + 2 * UNSURE)
    made.follow([pane(1), pane(2, PART)], {}, {1: [], 2: [Box(0, 0, 3, 2)]}, SCREEN, LATER + 3 * UNSURE)
    assert max(untils(made, LATER)) == UNPAINTED + 2 * UNSURE
    made.follow([pane(1), pane(2, PART)], {}, {1: [], 2: [Box(0, 2, 3, 1)]}, SCREEN, LATER + 4 * UNSURE)
    assert max(untils(made, LATER)) == 4 * UNSURE + STILL


@pytest.mark.parametrize(("after", "until"), [(HANGS, UNPAINTED), (HANGS - 1, UNSURE)])
def test_one_that_has_painted_some_of_it_does_so_if_it_hangs(after: int, until: int) -> None:
    """Else it may have painted the rest in the very look in which it was moved, and then nothing more may come."""
    made = covered(Box(0, 0, 3, 2))
    made.follow([pane(1), pane(2, THERE)], MOVED, {1: [PART], 2: [TAKEN_ALONG]}, SCREEN, LATER + after)
    assert max(untils(made, LATER)) == until + after
    again = {2: Done([Deed.MOVED], [THERE, PART])}
    made.follow([pane(1), pane(2, PART)], again, {1: [], 2: [TAKEN_ALONG]}, SCREEN, LATER + after + 1)
    assert max(untils(made, LATER)) == until + after + 1


def test_what_a_window_took_along_while_damage_was_emptied_is_not_paid_by_the_move_itself() -> None:
    made, moved = covered(), [pane(1), pane(2, THERE)]
    made.follow(moved, MOVED, {1: [PART], 2: []}, SCREEN, LATER + 5, late=True)
    made.follow(moved, {}, {1: [], 2: [TAKEN_ALONG]}, SCREEN, LATER + 6, doubted={1, 2})
    assert max(untils(made, LATER)) == UNPAINTED + 5
    made.follow(moved, {}, {1: [], 2: [TAKEN_ALONG]}, SCREEN, LATER + 7)
    assert max(untils(made, LATER)) == STILL + 7


def test_what_it_uncovered_in_moving_it_owes_until_it_paints_that() -> None:
    outside, inside = Box(-2, 2, 3, 3), Box(0, 2, 3, 3)
    made = stale_pixels()
    made.follow([pane(1)], {}, {}, SCREEN, 1)
    made.follow([pane(1), pane(2, outside)], {2: Done([Deed.CAME], [outside])}, {1: [], 2: []}, SCREEN, LATER)
    done = {2: Done([Deed.MOVED], [outside, inside])}
    made.follow([pane(1), pane(2, inside)], done, {1: [], 2: [Box(2, 0, 1, 3)]}, SCREEN, LATER + 5)
    made.follow([pane(1), pane(2, inside)], {}, {1: [], 2: [Box(2, 0, 1, 3)]}, SCREEN, LATER + 6)
    assert max(one.until for one in made.reported()) == LATER + UNPAINTED + 5
    made.follow([pane(1), pane(2, inside)], {}, {1: [], 2: [Box(0, 0, 2, 3)]}, SCREEN, LATER + 7)
    assert max(one.until for one in made.reported()) == LATER + STILL + 7


def test_a_hidden_window_may_leave_meanwhile() -> None:
    made = stale_pixels()
    three = [pane(3, PART), pane(1), pane(2, PART)]
    made.follow(three, {}, {}, SCREEN, 1)
    made.follow(three[:2], LEFT, {1: []}, SCREEN, LATER)
    made.follow([pane(1)], {3: Done([Deed.LEFT], [PART])}, {1: [PART]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [STILL + 1]


def test_what_a_window_owes_goes_with_it_and_stays_where_it_was() -> None:
    moved = Box(1, 0, 6, 6)
    for after, done, until in (
        ([], Done([Deed.LEFT], [WHOLE]), STILL),  # the root's, which the server paints
        ([pane(1, moved)], Done([Deed.MOVED], [WHOLE, moved]), UNSURE),
    ):
        made = uncovered(stale_pixels())
        made.follow(after, {1: done}, {1: [WHOLE]}, SCREEN, LATER + 7)  # taken along is told as painted
        assert max(untils(made, LATER)) == until + 7


def test_a_window_that_leaves_before_its_doubt_is_over_leaves_no_more_than_what_it_uncovers() -> None:
    """A popup that was in view already when it was first heard of, and that closes within the second."""
    made = stale_pixels()
    below, popup = pane(1), pane(2, PART)
    made.follow([below], {}, {}, SCREEN, 1)
    made.follow([below, popup], {2: Done([Deed.CAME], [PART])}, {1: []}, SCREEN, LATER)
    made.follow([below, popup], {}, {1: [], 2: [Box(0, 0, 3, 3)]}, SCREEN, LATER + 1)
    assert untils(made, LATER) == [DOUBT]
    made.follow([below], LEFT, {1: [PART]}, SCREEN, LATER + 2)
    assert max(untils(made, LATER)) == STILL + 2


def test_nobody_follows_a_flood_or_a_tree_read_anew() -> None:
    flood = {2: Done([Deed.MOVED] * (MOST_DEEDS + 1), [PART])}
    for done, until in ((None, DOUBT), (flood, UNSURE)):
        made = stale_pixels()
        made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
        made.follow([pane(1)], done, {1: [PART]}, SCREEN, LATER)
        assert untils(made, LATER) == [until]


MENU = Box(3, 3, 1, 1)


def test_a_menu_over_what_is_owed_frees_nothing_of_it_but_what_is_painted() -> None:
    made = uncovered(stale_pixels())
    made.follow([pane(1), pane(3, MENU)], {3: Done([Deed.CAME], [MENU])}, {1: []}, SCREEN, LATER + 5)
    made.follow([pane(1)], {3: Done([Deed.LEFT], [MENU])}, {1: [MENU]}, SCREEN, LATER + 10)
    assert max(untils(made, LATER)) == UNPAINTED
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 20)
    assert max(untils(made, LATER)) == DOUBT + 5  # for the menu itself


def test_a_frame_shows_its_client_until_it_is_painted_or_gone() -> None:
    """The client was destroyed; the window manager takes its frame away only a look or two later."""
    made = stale_pixels()
    both = [pane(1), pane(2, PART)]
    made.follow(both, {}, {1: [], 2: []}, SCREEN, 1)
    made.follow(both, {}, {1: [], 2: [WHOLE]}, SCREEN, LATER)  # painted, but maybe by the client
    made.mark_orphaned({2}, SCREEN, LATER)
    assert untils(made, LATER) == [UNSURE]
    assert made.painters(LATER) == {2}
    made.follow(both, {}, {1: [], 2: []}, SCREEN, LATER + 20)
    assert untils(made, LATER) == [UNSURE]
    made.follow([pane(1)], LEFT, {1: []}, SCREEN, LATER + 40)
    # Of the first time, though the frame was seen without it.
    assert untils(made, LATER) == [DOUBT, UNPAINTED + 40]
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 50)
    assert untils(made, LATER) == [DOUBT, STILL + 50]


FLOOD = {9: Done([Deed.MOVED] * (MOST_DEEDS + 1), [PART])}
LOST: list[Mapping[int, Done] | None] = [None, FLOOD]


@pytest.mark.parametrize("done", LOST, ids=["read anew", "flood"])
def test_what_is_owed_stays_owed_when_nobody_knows_what_happened_meanwhile(done: Mapping[int, Done] | None) -> None:
    made = uncovered(stale_pixels())
    for later in (5, 6):
        made.follow([pane(1)], done, {1: []}, SCREEN, LATER + later)
    assert max(untils(made, LATER)) == UNPAINTED
    assert made.painters(LATER + 6) == {1}


@pytest.mark.parametrize("done", LOST, ids=["read anew", "flood"])
def test_what_is_painted_meanwhile_is_paid(done: Mapping[int, Done] | None) -> None:
    made = uncovered(stale_pixels())
    made.follow([pane(1)], done, {1: [Box(2, 2, 3, 2)]}, SCREEN, LATER + 5)
    assert max(untils(made, LATER)) == UNPAINTED
    made.follow([pane(1)], {}, {1: [Box(2, 4, 3, 1)]}, SCREEN, LATER + 6, doubted={1})
    assert min(untils(made, LATER)) == STILL + 6
    assert max(untils(made, LATER)) == (DOUBT if done is None else UNSURE) + 5


@pytest.mark.parametrize("after", [[], [pane(1, Box(1, 0, 6, 6))], [pane(1, plain=False)]])
def test_a_debtor_that_is_not_where_it_was_meanwhile_pays_no_more(after: Sequence[Pane]) -> None:
    made = uncovered(stale_pixels())
    made.follow(after, None, {1: [PART]}, SCREEN, LATER + 5)
    assert max(untils(made, LATER)) == UNSURE + 5
    made.follow(after, {}, {1: [PART]}, SCREEN, LATER + 7)
    assert max(untils(made, LATER)) == UNSURE + 5


def test_who_may_have_been_covered_unseen_pays_nothing_with_what_it_painted_until_now() -> None:
    made = stale_pixels()
    made.follow([pane(1), pane(2, PART)], {}, {}, SCREEN, 1)
    made.follow([pane(1)], LEFT, {1: [PART]}, SCREEN, LATER, doubted={1})
    assert untils(made, LATER) == [UNSURE]


def test_what_was_painted_around_a_late_event_pays_nothing_that_is_unclear() -> None:
    """Damage was emptied, then all of this happened: what is in it next may be from before."""
    made = stale_pixels()
    made.follow([pane(1), pane(2, PART)], {}, {1: []}, SCREEN, 1)
    twice = {2: Done([Deed.LEFT, Deed.CAME, Deed.LEFT], [PART])}
    made.follow([pane(1)], twice, {1: []}, SCREEN, LATER, late=True)
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 1, doubted={1})
    assert max(untils(made, LATER)) == UNSURE
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 2)
    assert max(untils(made, LATER)) == DOUBT


def test_a_window_that_flickers_over_what_is_owed_takes_nothing_of_it() -> None:
    made = uncovered(stale_pixels())
    flicker = {3: Done([Deed.CAME, Deed.LEFT], [MENU])}
    made.follow([pane(1)], flicker, {1: []}, SCREEN, LATER + 5)
    assert sorted(untils(made, LATER)) == [UNSURE + 5, UNPAINTED]
    made.follow([pane(1)], flicker, {1: [PART]}, SCREEN, LATER + 6)
    assert max(untils(made, LATER)) == UNSURE + 6
    made.follow([pane(1)], {}, {1: [PART]}, SCREEN, LATER + 7)
    assert max(untils(made, LATER)) == DOUBT + 6


def test_one_that_was_covered_and_is_in_front_again_may_show_what_covered_it() -> None:
    """Two changes of the order that come to none. It painted before, or between, and that pays for nothing."""
    made = stale_pixels()
    both = [pane(1, PART), pane(2)]
    made.follow(both, {}, {1: [], 2: []}, SCREEN, LATER)
    assert made.reported() == ()
    done = {1: Done([Deed.RESTACKED], [PART]), 2: Done([Deed.RESTACKED], [WHOLE])}
    made.follow(both, done, {1: [PART], 2: [WHOLE]}, SCREEN, LATER)
    assert untils(made, LATER) == [UNSURE]


def test_what_one_owes_it_goes_on_to_owe_when_it_was_covered_and_is_in_front_again() -> None:
    made = uncovered(stale_pixels())
    unpainted = untils(made, LATER)
    both = [pane(3, PART), pane(1)]
    made.follow(both, {3: Done([Deed.CAME], [PART])}, {1: []}, SCREEN, LATER)
    done = {1: Done([Deed.RESTACKED], [WHOLE]), 3: Done([Deed.RESTACKED], [PART])}
    made.follow(both, done, {1: [], 3: [PART]}, SCREEN, LATER)
    assert sorted(untils(made, LATER)) == sorted([UNSURE, *unpainted])


def test_what_one_owes_is_not_made_less_by_what_another_had_all_along() -> None:
    """The other came over it and moved, in one look, so that nobody knows whose the place is: both have it, here."""
    made = uncovered(stale_pixels())
    [unpainted] = untils(made, LATER)
    both = [pane(1), pane(3, PART)]
    made.follow(both, {3: Done([Deed.CAME, Deed.MOVED], [MENU, PART])}, {1: [], 3: []}, SCREEN, LATER)
    assert max(untils(made, LATER)) == unpainted
    made.follow(both, {one.id: Done([Deed.RESTACKED], [one.box]) for one in both}, {1: [], 3: []}, SCREEN, LATER)
    assert max(untils(made, LATER)) == unpainted


def test_two_that_change_places_out_of_each_others_sight_are_owed_nothing() -> None:
    made = stale_pixels()
    apart = [pane(1, Box(0, 0, 4, 4)), pane(2, Box(8, 0, 4, 4))]
    made.follow(apart, {}, {1: [], 2: []}, SCREEN, LATER)
    done = {one.id: Done([Deed.RESTACKED], [one.box]) for one in apart}
    made.follow(apart, done, {1: [], 2: []}, SCREEN, LATER)
    assert made.reported() == ()


def test_what_has_gone_is_forgotten_after_a_while_and_many_become_few() -> None:
    made = uncovered(stale_pixels(), PART)
    made.follow([pane(1)], {}, {}, SCREEN, LATER + STILL + KEPT - 1)
    assert len(made.reported()) == 1
    made.follow([pane(1)], {}, {}, SCREEN, LATER + STILL + KEPT)
    assert made.reported() == ()
    for turn in range(3 * MOST_REGIONS):
        made.follow([pane(1), pane(2, PART)], {2: Done([Deed.CAME], [PART])}, {}, SCREEN, LATER + turn)
        made.follow([pane(1)], LEFT, {1: []}, SCREEN, LATER + turn)
    assert len(made.reported()) <= MOST_REGIONS


def test_the_words_are_ghosts_of_the_core() -> None:
    assert uncovered(stale_pixels(), PART).reported() == (StalePixels(LATER, LATER + STILL),)
