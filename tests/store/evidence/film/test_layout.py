"""Where screens lie in the film: as on the desk, never over each other, and small enough for a decoder."""

from __future__ import annotations

from protocol.packet import Monitor
from store.evidence.account import Interval
from store.evidence.film.layout import ALONE, WIDEST, Layout, Place, lay_out

LEFT, RIGHT = Monitor(0, -1280, 0, 1280, 720, "one"), Monitor(1, 0, -40, 1920, 1080, "two")
SIZES = {0: (1280, 720), 1: (1920, 1080)}
WHOLE = (Interval(0, 100),)


def test_two_monitors_lie_as_on_the_desk() -> None:
    assert lay_out([LEFT, RIGHT], SIZES, {0: WHOLE, 1: WHOLE}) == Layout(
        3200, 1080, {0: Place(0, 40, 1280, 720), 1: Place(1280, 0, 1920, 1080)}
    )


def test_more_than_a_decoder_takes_is_shrunk_and_stays_apart() -> None:
    wall = [Monitor(number, number * 2560, 0, 2560, 1440, "") for number in range(4)]
    made = lay_out(wall, dict.fromkeys(range(4), (2560, 1440)), {})
    assert (made.width, made.height) == (WIDEST[0], 540)
    assert [place.x for place in made.places.values()] == [0, 960, 1920, 2880]
    assert {(place.width, place.height) for place in made.places.values()} == {(960, 540)}


def test_a_monitor_that_came_when_another_was_gone_takes_its_place() -> None:
    later = {0: (Interval(0, 40),), 1: WHOLE, 2: (Interval(50, 100),)}
    made = lay_out([LEFT, RIGHT], SIZES | {2: (1000, 700)}, later)
    assert (made.width, made.height) == (3200, 1080)
    assert made.places[2] == Place(140, 50, 1000, 700)


def test_a_larger_one_in_its_place_is_shrunk_to_it() -> None:
    made = lay_out([LEFT], {0: (1280, 720), 2: (2560, 1600)}, {0: (Interval(0, 40),), 2: (Interval(40, 100),)})
    assert made == Layout(1280, 720, {0: Place(0, 0, 1280, 720), 2: Place(64, 0, 1152, 720)})


def test_a_monitor_that_came_beside_the_others_stands_to_the_right() -> None:
    made = lay_out([LEFT], {0: (1280, 720), 5: (800, 600)}, {0: WHOLE, 5: (Interval(50, 60),)})
    assert made == Layout(2080, 720, {0: Place(0, 0, 1280, 720), 5: Place(1280, 0, 800, 600)})


def test_odd_places_become_even_and_stay_inside() -> None:
    made = lay_out([Monitor(0, 0, 0, 1367, 769, ""), Monitor(1, 1367, 13, 641, 481, "")], {0: (1366, 768)}, {})
    assert all(
        value % 2 == 0 for place in made.places.values() for value in (place.x, place.y, place.width, place.height)
    )
    assert all(
        place.x + place.width <= made.width and place.y + place.height <= made.height for place in made.places.values()
    )


def test_a_film_without_screens_has_a_size_all_the_same() -> None:
    assert lay_out([], {}, {}) == Layout(*ALONE, {})
    assert lay_out([Monitor(0, 0, 0, 0, 0, "")], {}, {}) == Layout(*ALONE, {})
