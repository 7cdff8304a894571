"""Which windows may show what the screen showed when they came: the rules, without X."""

from __future__ import annotations

from typing import Any, Final

import pytest

from agent.core.model.seen import Box, StalePixels
from agent.core.model.times import SECOND
from agent.desktop.x11.changing import Done, Pane
from agent.desktop.x11.copied import Copied, Painting
from agent.desktop.x11.tree import Deed
from agent.desktop.x11.unpainted import DOUBT, KEPT, UNPAINTED, UNSURE

SCREEN: Final = Box(0, 0, 100, 100)
PLACE: Final = Box(10, 10, 20, 20)
GROWN: Final = Box(10, 10, 40, 20)
ALL: Final = Box(0, 0, 20, 20)
LEFT_HALF: Final = Box(0, 0, 10, 20)
WINDOW: Final = 5
CAME: Final = Done([Deed.CAME], [PLACE])
AT: Final = 100 * SECOND


def pane(box: Box = PLACE, window: int = WINDOW, *, plain: bool = True, parts: tuple[Box, ...] | None = None) -> Pane:
    return Pane(window, box, plain, parts)


def follow(made: Copied, now: int, *panes: Pane, done: dict[int, Done] | None = None, **traits: Any) -> None:
    painting = Painting(traits.pop("drawn", {}), traits.pop("doubted", ()), traits.pop("fresh", {}))
    known = {} if done is None else done
    made.follow(panes, known, painting, SCREEN, now, **{"composited": True, **traits})


def came(done: Done = CAME, box: Box = PLACE, **traits: Any) -> Copied:
    made = Copied()
    follow(made, AT, pane(box, plain=traits.pop("plain", True)), done={WINDOW: done}, **traits)
    return made


def held(made: Copied, now: int) -> list[StalePixels]:
    return [one for one in made.reported() if one.until > now]


def test_one_that_was_watched_is_held_until_it_has_painted_all_of_it() -> None:
    made = came(drawn={WINDOW: []})
    assert made.reported() == (StalePixels(AT, AT + UNPAINTED, UNPAINTED),)
    assert made.painters(AT + UNSURE) == {WINDOW}
    later = AT + 60 * SECOND
    follow(made, later, pane(), drawn={WINDOW: [LEFT_HALF]})
    assert held(made, later)
    follow(made, later + 1, pane(), drawn={WINDOW: [Box(10, 0, 10, 20)]})
    assert made.reported() == (StalePixels(AT, later + 1 + DOUBT, UNPAINTED),)
    assert made.painters(later + 1) == set()
    follow(made, later + 1 + DOUBT + KEPT, pane(), drawn={WINDOW: []})
    assert made.reported() == ()


def test_one_that_painted_all_of_it_before_the_look_is_held_by_nothing() -> None:
    assert came(drawn={WINDOW: [ALL]}).reported() == ()


def test_a_moved_one_keeps_what_it_copied_and_what_it_painted() -> None:
    made = came(drawn={WINDOW: [LEFT_HALF]})
    away = Box(60, 60, 20, 20)
    follow(made, AT + 1, pane(away), done={WINDOW: Done([Deed.MOVED], [PLACE, away])}, drawn={WINDOW: []})
    assert held(made, AT + 1)[0].left == AT
    follow(made, AT + 2, pane(away), drawn={WINDOW: [Box(10, 0, 10, 20)]})
    assert held(made, AT + 2 + DOUBT) == []


def test_one_that_was_first_watched_in_view_is_believed_for_ten_seconds() -> None:
    made = came(fresh={WINDOW: [LEFT_HALF]})
    assert made.reported() == (StalePixels(AT, AT + UNPAINTED, UNSURE),)
    assert (made.painters(AT + UNSURE - 1), made.painters(AT + UNSURE)) == ({WINDOW}, set())
    follow(made, AT + 1, pane(), drawn={WINDOW: [Box(10, 0, 10, 20)]})
    assert held(made, AT + 1 + DOUBT) == []


@pytest.mark.parametrize("traits", [{"doubted": [WINDOW]}, {"plain": False}])
def test_so_is_one_of_which_it_is_not_known_what_it_painted(traits: dict[str, Any]) -> None:
    [one] = came(drawn={WINDOW: []}, **traits).reported()
    assert one.most == UNSURE


@pytest.mark.parametrize("deeds", [[Deed.CAME, Deed.LEFT, Deed.CAME], [Deed.LEFT, Deed.CAME]])
def test_what_one_painted_before_it_came_again_does_not_count(deeds: list[Deed]) -> None:
    assert came(Done(deeds, [PLACE]), drawn={WINDOW: [ALL]}).reported() == (StalePixels(AT, AT + UNPAINTED, UNSURE),)


def test_painting_that_is_lost_makes_it_unsure() -> None:
    made = came(drawn={WINDOW: []})
    follow(made, AT + 1, pane())
    assert made.reported() == (StalePixels(AT, AT + UNPAINTED, UNSURE),)


def test_what_was_beside_the_screen_is_no_copy() -> None:
    half_out = Box(90, 10, 20, 20)
    assert came(Done([Deed.CAME], [half_out]), half_out, drawn={WINDOW: [LEFT_HALF]}).reported() == ()
    twice = Done([Deed.CAME, Deed.MOVED], [PLACE, half_out])
    assert came(twice, half_out, drawn={WINDOW: [LEFT_HALF]}).reported()


def test_another_size_is_another_copy() -> None:
    made = came(drawn={WINDOW: [ALL]})
    grown = {WINDOW: Done([Deed.MOVED], [PLACE, GROWN])}
    follow(made, AT + 1, pane(GROWN), done=grown, drawn={WINDOW: [ALL]})
    new = AT + 1
    assert made.reported() == tuple(StalePixels(new, new + UNPAINTED, most) for most in (UNSURE, UNPAINTED))
    follow(made, AT + 2, pane(GROWN), drawn={WINDOW: [Box(20, 0, 20, 20)]})
    assert [one.most for one in held(made, AT + 2 + DOUBT)] == [UNSURE], "what may have been painted too early"
    follow(made, AT + 3, pane(GROWN), drawn={WINDOW: [ALL]})
    assert held(made, AT + 3 + DOUBT) == []


def test_a_size_that_came_after_it_was_asked_counts_what_is_painted_at_the_look_after_the_next() -> None:
    made = came(drawn={WINDOW: [ALL]})
    whole = {WINDOW: [Box(0, 0, 40, 20)]}
    grown = {WINDOW: Done([Deed.MOVED], [PLACE, GROWN])}
    follow(made, AT + 1, pane(GROWN), done=grown, drawn=whole, late=True)
    follow(made, AT + 2, pane(GROWN), drawn=whole, doubted=[WINDOW])
    assert [one.most for one in held(made, AT + 2 + DOUBT)] == [UNSURE]
    follow(made, AT + 3, pane(GROWN), drawn=whole)
    assert held(made, AT + 3 + DOUBT) == []


def test_one_that_came_after_it_was_asked_counts_all_that_it_painted() -> None:
    made = came(drawn={WINDOW: []}, late=True)
    follow(made, AT + 1, pane(), drawn={WINDOW: [ALL]}, doubted=[WINDOW])
    assert held(made, AT + 1 + DOUBT) == []


def test_a_shape_adds_what_it_uncovers_and_takes_nothing_back() -> None:
    made = Copied()
    corner = Box(10, 10, 10, 20)
    follow(made, AT, pane(parts=(corner,)), done={WINDOW: CAME}, drawn={WINDOW: [LEFT_HALF]})
    assert made.reported() == ()
    shaped = {WINDOW: Done([Deed.RESHAPED], [PLACE])}
    follow(made, AT + 1, pane(), done=shaped, drawn={WINDOW: []})
    assert made.reported() == (StalePixels(AT + 1, AT + 1 + UNPAINTED, UNSURE),)
    follow(made, AT + 2, pane(), drawn={WINDOW: [Box(10, 0, 10, 20)]})
    assert held(made, AT + 2 + DOUBT) == []


def test_what_comes_over_a_copy_may_show_what_that_showed() -> None:
    made = came(drawn={WINDOW: []})
    over = Done([Deed.CAME], [PLACE])
    follow(made, AT + 9, pane(), pane(window=6), done={6: over}, drawn={WINDOW: [], 6: []})
    follow(made, AT + 10, pane(window=6), done={WINDOW: Done([Deed.LEFT], [PLACE])}, drawn={6: []})
    assert [one.left for one in held(made, AT + 10 + DOUBT)] == [AT, AT + 9]
    follow(made, AT + 11, pane(window=6), drawn={6: [ALL]})
    assert held(made, AT + 11 + DOUBT) == []


def test_what_comes_when_a_copy_was_long_gone_does_not() -> None:
    made = came(drawn={WINDOW: []})
    follow(made, AT + 1, done={WINDOW: Done([Deed.LEFT], [PLACE])})
    now = AT + 1 + DOUBT
    follow(made, now, pane(window=6), done={6: CAME}, drawn={6: []})
    assert [one.left for one in held(made, now)] == [now]


def test_where_it_is_not_known_what_happened_every_window_may_have_another_pixmap() -> None:
    made = Copied()
    made.follow([pane()], None, Painting({WINDOW: [ALL]}), SCREEN, AT, composited=True)
    assert made.reported() == (StalePixels(AT, AT + UNPAINTED, UNSURE),)


def test_without_a_compositor_nothing_is_copied() -> None:
    assert came(drawn={WINDOW: []}, composited=False).reported() == ()


@pytest.mark.parametrize("composited", [True, False])
def test_a_compositor_that_comes_or_goes_gives_every_window_another_pixmap_within_a_second(*, composited: bool) -> None:
    made = Copied()
    follow(made, AT, pane(), renewed=True, composited=composited, drawn={WINDOW: [ALL]})
    follow(made, AT + DOUBT, pane(), composited=composited, drawn={WINDOW: [ALL]})
    assert made.reported() == (StalePixels(AT, AT + UNPAINTED, UNSURE),)
    follow(made, AT + DOUBT + 1, pane(), composited=composited, drawn={WINDOW: [ALL]})
    assert held(made, AT + 1 + 2 * DOUBT) == []


def test_what_is_painted_in_very_many_pieces_is_believed_for_ten_seconds() -> None:
    made = came(Done([Deed.CAME], [SCREEN]), SCREEN, drawn={WINDOW: []})
    dots = [Box(x, y, 1, 1) for x in range(0, 100, 4) for y in range(0, 100, 4)]
    follow(made, AT + 1, pane(SCREEN), drawn={WINDOW: dots[:5]})
    assert made.reported()[0].most == UNPAINTED
    follow(made, AT + 2, pane(SCREEN), drawn={WINDOW: dots})
    assert made.reported()[0].most == UNSURE
