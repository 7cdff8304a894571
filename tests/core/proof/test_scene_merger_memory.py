"""What the view still knows: who keeps what it tells (recorder.scenes) must not forget a page sooner than it does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.seen import BROWSERS, Browsing, Page, Scene, Tab, WindowKind
from agent.core.model.times import MILLISECOND
from agent.core.proof.timing import PAGE_LAG
from tests.core.proof.desk import PAY, SHOP, WIKI, Desk, tab, window

Act = Callable[[Desk], tuple[Scene, tuple[Page, ...]]]  # what the view made of it, and the pages that it was told


def urls(pages: tuple[Page, ...]) -> set[tuple[str, ...]]:
    """A page stands elsewhere when it counts again, and is the same page."""
    return {page.urls for page in pages}


def windows(*shown: bool) -> Act:
    kinds = (WindowKind.NORMAL, WindowKind.NORMAL, WindowKind.POPUP)
    seen = tuple(window(one, 7 + number, kind) for number, (one, kind) in enumerate(zip(shown, kinds, strict=False)))
    return lambda desk: (desk.look(*seen), ())


def browsers(tabs: list[Tab], *, minimised: bool, silent: bool) -> Act:
    pages = () if silent else tuple(one.page for one in tabs)

    def act(desk: Desk) -> tuple[Scene, tuple[Page, ...]]:
        return (desk.take(BROWSERS, Browsing()) if silent else desk.browse(*tabs, minimised=minimised)), pages

    return act


def event(page: Page, number: int) -> Act:
    def act(desk: Desk) -> tuple[Scene, tuple[Page, ...]]:
        desk.page_event(page, number)
        return Scene(), ()

    return act


def rest(milliseconds: int) -> Act:
    def act(desk: Desk) -> tuple[Scene, tuple[Page, ...]]:
        desk.wait(milliseconds * MILLISECOND)
        return Scene(), ()

    return act


pages = st.sampled_from((SHOP, PAY, WIKI))
tabs = st.builds(
    lambda page, number, visible, painted: tab(page, number, visible=visible, painted=painted),
    pages,
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
)
acts = st.one_of(
    st.lists(st.booleans(), max_size=3).map(lambda shown: windows(*shown)),
    st.builds(
        lambda tabs, minimised, silent: browsers(tabs, minimised=minimised, silent=silent),
        st.lists(tabs, max_size=3, unique_by=lambda tab: tab.id),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(event, pages, st.integers(1, 3)),
    st.sampled_from((30, 100, 400)).map(rest),
)


@given(st.lists(acts, max_size=20))
def test_no_page_counts_that_was_neither_told_just_now_nor_remembered(acts: list[Act]) -> None:
    desk = Desk().settled(tab(SHOP))
    for act in acts:
        remembered = urls(tuple(desk.merger.remembered()))
        scene, told = act(desk)
        assert urls(scene.pages) <= remembered | urls(told)


def test_what_a_tab_has_left_is_remembered_although_browsers_tell_of_it_no_more() -> None:
    desk = Desk().settled(tab(SHOP), tab(WIKI, 2, visible=False))
    assert desk.browse(tab(SHOP)).pages == (SHOP,)
    assert WIKI.urls in urls(tuple(desk.merger.remembered()))
    assert WIKI.urls in urls(desk.look(window(shown=False)).pages)


def test_what_cannot_count_again_is_not_remembered() -> None:
    desk = Desk().settled(tab(PAY))
    desk.page_event(WIKI)
    desk.look()
    desk.take(BROWSERS, Browsing())
    desk.wait(2 * PAGE_LAG)
    desk.look()
    desk.take(BROWSERS, Browsing())
    assert tuple(desk.merger.remembered()) == ()
