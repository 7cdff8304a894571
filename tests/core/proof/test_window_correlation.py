"""Which window is which: never one that nobody looked into, and never for longer than both are there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.seen import Blind, Box, BrowserWindow, Page, Tab, Window, WindowKind
from agent.core.proof.window_correlation import WindowCorrelation, key_of

PID = 20
PLACES = (Box(0, 0, 800, 600), Box(100, 50, 800, 600))
TITLES = ("Shop", "Wiki", "")
SHOP = Page(("https://shop.example/",))


def told(number: int = 1, title: str = "Shop", place: Box = PLACES[0], *, minimised: bool = False) -> BrowserWindow:
    return BrowserWindow("c", PID, number, title, place, minimised, ())


def seen(number: int = 7, title: str | Blind = "Shop - Chromium", place: Box = PLACES[0], **more: object) -> Window:
    values = {"pid": PID, "engine": True, "shown": True, **more}
    return Window(number, "chromium", title, box=place, **values)  # type: ignore[arg-type]  # a test names what it varies


def bound(browsing: list[BrowserWindow], windows: list[Window]) -> dict[int, frozenset[int]]:
    """Which of the desktop's windows each of the browser's may be."""
    partners = WindowCorrelation().renewed(tuple(browsing), tuple(windows)).partners
    return {number: found for (_, number), found in partners.items()}


def test_a_window_is_found_by_process_place_and_title() -> None:
    assert bound([told()], [seen()]) == {1: {7}}
    assert bound([told()], [seen(pid=21)]) == {}
    assert bound([told()], [seen(pid=Blind.NO_PROCESS)]) == {}
    assert bound([told()], [seen(place=PLACES[1])]) == {}
    assert bound([told()], [seen(title="Wiki - Chromium")]) == {}


def test_only_what_renders_pages_and_is_no_menu_is_a_candidate() -> None:
    assert bound([told()], [seen(engine=False)]) == {}
    assert bound([told()], [seen(kind=WindowKind.POPUP)]) == {}
    assert bound([told()], [seen(), seen(8, kind=WindowKind.POPUP)]) == {1: {7}}


def test_a_browser_puts_its_own_name_behind_the_title() -> None:
    assert bound([told(title="Shop")], [seen(title="Shop")]) == {1: {7}}
    assert bound([told(title=" Shop  one")], [seen(title="Shop one - Chromium")]) == {1: {7}}
    assert bound([told(title="Shop")], [seen(title="Shopping - Chromium")]) == {}
    # No title yet would fit any window: it is waited for.
    assert bound([told(title="")], [seen(title="Chromium")]) == {}
    assert bound([told(title="")], [seen(title="")]) == {}
    assert bound([told()], [seen(title=Blind.NO_TITLE)]) == {}
    assert bound([told(title="!")], [seen(title=Blind.NO_TITLE)]) == {}


# How much the place that a browser tells of may reach beyond the desktop's, in pixels: left, top, right, bottom.
WIDEST = (16, 64, 16, 16)
ROUNDED = 2


def reaching(left: int, top: int, right: int, bottom: int, *, beyond: Box) -> Box:
    return Box(beyond.x - left, beyond.y - top, beyond.width + left + right, beyond.height + top + bottom)


@pytest.mark.parametrize("found", [Box(0, 0, 800, 600), Box(700, 300, 500, 400), Box(-1900, -40, 800, 600)])
@pytest.mark.parametrize("side", range(4))
def test_a_place_may_be_rounded_or_told_with_its_frame(side: int, found: Box) -> None:
    for much, near in ((WIDEST[side], True), (WIDEST[side] + 1, False), (-ROUNDED, True), (-ROUNDED - 1, False)):
        margins = [much if number == side else 0 for number in range(4)]
        place = reaching(*margins, beyond=found)
        assert bound([told(place=place)], [seen(place=found)]) == ({1: {7}} if near else {})


def test_a_minimised_window_has_no_place_to_compare() -> None:
    assert bound([told(place=PLACES[1], minimised=True)], [seen()]) == {1: {7}}
    assert bound([told(place=PLACES[1], minimised=False)], [seen()]) == {}


def test_windows_that_cannot_be_told_apart_share_their_partners() -> None:
    both = WindowCorrelation().renewed((told(1), told(2)), (seen(7), seen(8)))
    assert both.partners == {("c", 1): {7, 8}, ("c", 2): {7, 8}}
    assert both.accounted == {7, 8}
    assert both.inside({("c", 1): (SHOP,), ("c", 2): ()}) == {7: (SHOP,), 8: (SHOP,)}
    assert both.within([7]).partners == {}
    assert both.renewed((told(1),), (seen(7), seen(8))).partners == {}


def test_what_is_bound_stays_so_whatever_becomes_of_title_and_place() -> None:
    once = WindowCorrelation().renewed((told(),), (seen(),))
    later = once.renewed((told(title="Wiki", place=PLACES[1]),), (seen(),))
    assert later.partners == once.partners


def test_a_new_window_finds_its_partner_beside_those_that_have_one() -> None:
    once = WindowCorrelation().renewed((told(1),), (seen(7),))
    later = once.renewed((told(1), told(2, "Wiki")), (seen(7), seen(8, "Wiki - Chromium")))
    assert later.partners == {("c", 1): {7}, ("c", 2): {8}}


def test_a_window_too_many_or_too_few_binds_none() -> None:
    assert bound([told()], [seen(7), seen(8, "Wiki - Chromium")]) == {}
    assert bound([told(1), told(2, "Wiki")], [seen(7)]) == {}
    assert bound([told(1), told(2, "Wiki")], [seen(7), seen(8)]) == {}


BARE = "Mozilla Firefox"
PRIVATE = "Mozilla Firefox Private Browsing"


def untitled(number: int = 1, address: str = "https://shop.example/a") -> BrowserWindow:
    tab = Tab(5, Page((address,)), visible=True, painted=True)
    return replace(told(number, address.partition("://")[2] or "New Tab"), tabs=(tab,))


def test_a_page_without_a_title_is_in_a_window_that_has_only_its_browsers_name() -> None:
    assert bound([untitled()], [seen(title=BARE)]) == {1: {7}}
    assert bound([untitled(address="about:blank")], [seen(title=BARE)]) == {1: {7}}
    assert bound([told()], [seen(title=BARE)]) == {}
    assert bound([replace(untitled(), tabs=())], [seen(title=BARE)]) == {}
    assert bound([untitled()], [seen(title=PRIVATE)]) == {}
    assert bound([untitled()], [seen(title=Blind.NO_TITLE)]) == {}
    assert bound([untitled()], [seen(title=BARE, place=PLACES[1])]) == {}


def test_two_that_cannot_be_told_apart_go_on_fitting_until_both_have_a_title() -> None:
    """One of them may be a private window that has only its browser's name yet."""
    both = (untitled(1), untitled(2))
    titled = seen(7, f"shop.example/a - {BARE}")
    first = WindowCorrelation().renewed(both, (titled, seen(8, BARE)))
    assert first.accounted == {7, 8}
    assert first.renewed(both, (titled, seen(8, PRIVATE))).accounted == set()


def test_it_is_the_address_of_the_page_in_front_that_stands_for_a_title() -> None:
    one = untitled()
    frames = Tab(5, Page(("https://shop.example/a", "https://ads.example/b")), visible=True, painted=True)
    assert bound([replace(one, tabs=(frames,))], [seen(title=BARE)]) == {1: {7}}
    behind = Tab(6, Page(("https://wiki.example/",)), visible=False, painted=False)
    assert bound([replace(one, tabs=(behind, *one.tabs))], [seen(title=BARE)]) == {1: {7}}
    assert bound([replace(one, tabs=(replace(one.tabs[0], visible=False),))], [seen(title=BARE)]) == {}


def test_what_is_bound_without_a_title_has_to_go_on_fitting_until_it_has_one() -> None:
    """A private window has only its browser's name for its first moments."""
    first = WindowCorrelation().renewed((untitled(),), (seen(title=BARE),))
    assert first.renewed((untitled(),), (seen(title=BARE),)).accounted == {7}
    assert first.renewed((untitled(),), (seen(title=PRIVATE),)).accounted == set()
    assert first.renewed((told(),), (seen(title=BARE),)).accounted == {7}  # the window's is still to come
    assert first.renewed((untitled(),), ()).accounted == {7}  # when nobody can say what there is
    named = first.within([7]).renewed((told(),), (seen(title="Shop - Chromium"),))
    assert named.renewed((told(title="Wiki"),), (seen(title=PRIVATE),)).accounted == {7}


@given(st.permutations([7, 8]), st.booleans())
def test_no_private_window_stays_bound_beside_one_without_a_title(order: list[int], late: bool) -> None:
    """Two windows come at once, one of them private: whichever is on the desktop first, by the time that the private
    one has its name it is bound to nothing.
    """
    own, private = order
    windows = (seen(private, BARE),) if late else (seen(own, BARE), seen(private, BARE))
    first = WindowCorrelation().renewed((untitled(),), windows)
    later = first.renewed((untitled(),), (seen(own, BARE), seen(private, PRIVATE)))
    assert private not in later.accounted


# -- whatever is open ---------------------------------------------------------------------------------------------


@st.composite
def desks(draw: st.DrawFn) -> tuple[list[BrowserWindow], list[Window], set[int]]:
    """A browser's windows, the desktop's true windows for them in any order, and private ones that look like them."""
    own = draw(st.lists(st.tuples(st.sampled_from(TITLES), st.sampled_from(PLACES), st.booleans()), max_size=3))
    private = draw(st.lists(st.tuples(st.sampled_from(TITLES), st.sampled_from(PLACES)), max_size=2))
    browsing = [told(n, title, place, minimised=small) for n, (title, place, small) in enumerate(own)]
    windows = [seen(100 + n, f"{title} - Chromium".lstrip(" -"), place) for n, (title, place, _) in enumerate(own)]
    others = [seen(200 + n, f"{title} - Chromium".lstrip(" -"), place) for n, (title, place) in enumerate(private)]
    return browsing, draw(st.permutations(windows + others)), {window.id for window in others}


@given(desks())
def test_a_private_window_is_never_accounted_for_beside_the_browsers_own(
    desk: tuple[list[BrowserWindow], list[Window], set[int]],
) -> None:
    browsing, windows, private = desk
    assert WindowCorrelation().renewed(tuple(browsing), tuple(windows)).accounted.isdisjoint(private)


@given(desks(), desks())
def test_a_private_window_opened_later_takes_nobodys_place(
    desk: tuple[list[BrowserWindow], list[Window], set[int]],
    other: tuple[list[BrowserWindow], list[Window], set[int]],
) -> None:
    browsing, windows, private = desk
    late = [replace(window, id=300 + window.id) for window in other[1]]
    own = [window for window in windows if window.id not in private]
    first = WindowCorrelation().renewed(tuple(browsing), tuple(own))
    second = first.renewed(tuple(browsing), (*own, *late))
    assert second.accounted.isdisjoint(window.id for window in late)
    assert first.accounted <= second.accounted


@given(desks(), st.data())
def test_a_bond_goes_with_either_of_the_two(
    desk: tuple[list[BrowserWindow], list[Window], set[int]], data: st.DataObject
) -> None:
    browsing, windows, private = desk
    own = tuple(window for window in windows if window.id not in private)
    correlation = WindowCorrelation().renewed(tuple(browsing), own)
    gone = frozenset(data.draw(st.sets(st.sampled_from([window.id for window in own])) if own else st.just(set())))
    alive = correlation.within(window.id for window in own if window.id not in gone)
    assert alive.accounted.isdisjoint(gone)
    closed = {key_of(window) for window in browsing if data.draw(st.booleans())}
    left = correlation.renewed(tuple(window for window in browsing if key_of(window) not in closed), ())
    assert closed.isdisjoint(left.partners)
    for partners in left.partners.values():
        assert len(partners) == sum(other == partners for other in left.partners.values())
