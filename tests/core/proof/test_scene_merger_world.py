"""What the merger says of windows and pages, held against a world in which the truth is known.

The world knows what may be on the display at each moment (`desk_with_browsers`). The oracle knows one sentence of the
law: a witness proves the time between two of its clean looks. If the merger leaves out of one look a page whose
picture may be there, a moment is proven in which the display shows it. Looks come when they like, late, blind or not
at all; browsers are silent for a while; there are menus, an overview and the popups of extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.model.media import Lane
from agent.core.model.rules import Reason
from agent.core.model.seen import (
    BROWSERS,
    WINDOWS,
    Blind,
    Box,
    Browsing,
    Look,
    PageEvent,
    Scene,
    Window,
    WindowKind,
)
from agent.core.model.times import MILLISECOND
from agent.core.proof.clearance import ANSWERS_WITHIN, Run, alarmed, looked
from agent.core.proof.marks import UNKNOWN_FOR
from agent.core.proof.scene_merger import SceneMerger
from agent.core.proof.timing import timings
from tests.agent.recorder.desk_with_browsers import PID, POLICY, ATab, AWindow, Content, World

TIMINGS: Final = timings(POLICY, Lane.SCREEN)
SENSITIVE: Final = (Reason("cards", 0),)
LATE: Final = ANSWERS_WITHIN // MILLISECOND + 200
OVERVIEW: Final = 2
SHELL: Final = Box(0, 0, 9, 9)


SLOW = pytest.mark.slow(reason="scores of whole desks are played, each look of them judged")


@dataclass(eq=False)
class Menu:
    id: int
    contents: frozenset[Content]
    was_open: bool = True
    open: bool = True
    remains: int = 0


class Desk(World):
    """The world, and looks at it that may go wrong. Where a picture is drawn, browsers know: marks have told them."""

    def __init__(self, dice: Random, windows: list[int], *, previews: bool = True) -> None:
        self.overview = self.was_overview = False
        self.menus: list[Menu] = []
        self.extensions: dict[int, Content] = {}  # window -> what an extension's popup over it shows
        self._busy: set[str] = set()
        self._answered: set[int] = set()  # windows of the last look at the browsers
        self._unknown: dict[int, int] = {}  # window -> when it was not known what it showed, ns
        self._views: list[tuple[int, frozenset[Content]]] = [(0, frozenset())]  # since when browsers have it in view
        self.in_view: list[tuple[int, frozenset[int]]] = [(0, frozenset())]  # since when which windows are
        self.once_sensitive: set[int] = set()  # tabs
        super().__init__(dice, windows, previews=previews)

    def step(self, until: int) -> bool:
        went_on = super().step(until)
        mine = [window for window in self.windows if not window.private]
        seen = [window for window in mine if window.in_view] or mine
        drawn = (one.content for window in seen for one in window.surface if not one.old)
        self._views.append((self.now, frozenset(drawn)))
        self.in_view.append((self.now, frozenset(one.id for one in self.windows if self._is_on_screen(one))))
        self.once_sensitive |= {tab.id for window in mine for tab in window.tabs if tab.content}
        return went_on

    def _is_on_screen(self, window: AWindow) -> bool:
        return window.in_view or self.overview

    # -- more that people do --------------------------------------------------------------------------------------

    def open_menu(self, late: int) -> None:
        """The browser paints it from what it has had in view a moment ago."""
        contents = next(view for since, view in reversed(self._views) if since <= max(0, self.now - late))
        menu = Menu(1000 + self.next_number(), contents)
        menu.remains = self._remain(contents, 1_000_000)
        self.menus.append(menu)
        self.at(self.now + 1500, self.close_menu)

    def open_for_a_moment(self, alike: int) -> None:
        private = self.open_private_window(alike)
        self.at(self.now + 500, lambda: self.close_window(private) if private in self.windows else None)

    def close_menu(self) -> None:
        for menu in self.menus:
            menu.open = False
            self._remains.pop(menu.remains, None)

    def hide(self, window: AWindow, *, loads: bool) -> None:
        """Its page is sensitive, and then it is covered."""
        self.change(window.front, sensitive=True, told=True, loads=loads)
        self.at(self.now + 200, lambda: self.leave(window))

    def look_at_all(self) -> None:
        self.overview = self.was_overview = True
        self.at(self.now + 300, self.close_overview)

    def close_overview(self) -> None:
        self.overview = False

    def leave_a_card(self, window: AWindow, tab: ATab, *, loads: bool) -> None:
        """A page is sensitive in front, and turns harmless behind another tab; then its card is looked at."""
        others = [other for other in window.tabs if other is not tab]
        if not others or tab is not window.front:
            return
        self.change(tab, sensitive=True, told=True, loads=loads)
        self.at(self.now + 200, lambda: self.switch(window, others[0]))
        self.at(
            self.now + 350, lambda: tab.content and self.change(tab, sensitive=False, told=False, loads=loads) and None
        )
        for later in (500, 1200, 2500):
            self.at(self.now + later, lambda: self.preview(tab, 200))

    def open_extension(self, window: AWindow) -> None:
        if window.in_view and not window.private and window.id not in self.extensions:
            self.extensions[window.id] = content = self.next_number()
            self._remain(frozenset({content}), 400)
            self.at(
                self.now + 400 - self.dice.choice((1, 20, 63)), lambda: self.extensions.pop(window.id, None) and None
            )

    def calm_down(self) -> None:
        """What no browser answers for goes."""
        self.close_menu()
        self.close_overview()
        for window in [window for window in self.windows if window.private]:
            self.close_window(window)

    # -- looks ----------------------------------------------------------------------------------------------------

    def look(self, witness: str, course: str) -> None:
        """`course`: what becomes of the question. One at a time."""
        if witness in self._busy or course == "unasked":
            return
        self._busy.add(witness)
        asked = self.now
        longest = LATE // 2 if course == "late" else 3 if witness == WINDOWS else self.dice.choice((2, 10, 30, 40))
        instant = asked + (longest if course == "late" else self.dice.randint(1, longest))
        answered = instant + (longest if course == "late" else self.dice.randint(1, longest))
        if course in {"late", "lost"}:
            alarm = asked + ANSWERS_WITHIN // MILLISECOND + 1
            self.at(alarm, lambda: self.messages.append(witness))
        if course == "lost":
            self.at(asked + LATE, lambda: self._busy.discard(witness))
            return

        def see() -> None:
            seen, contents = self._see(witness, course, asked)
            look = Look(witness, asked * MILLISECOND, answered * MILLISECOND, POLICY.hash, seen)

            def answer() -> None:
                self._busy.discard(witness)
                self.looked_at |= contents
                self.messages.append(look)

            self.at(answered, answer)

        self.at(instant, see)

    def _see(self, witness: str, course: str, asked: int) -> tuple[Scene | Browsing | Blind, set[Content]]:
        known, self.looked_at = self.looked_at, set()  # what is looked at counts when the answer is there
        seen = self._survey() if witness == WINDOWS else self._browse_at(asked, silent=course == "silent")
        contents, self.looked_at = self.looked_at, known
        if course == "blind":
            return Blind.NO_DISPLAY if witness == WINDOWS else Blind.NO_ANSWER, set()
        return seen, contents

    def _survey(self) -> Scene:
        scene = super()._survey()
        more = [
            Window(menu.id, "chromium", "", PID, SHELL, shown=menu.was_open, kind=WindowKind.POPUP, engine=True)
            for menu in self.menus
        ]
        if self.was_overview:
            more.append(Window(OVERVIEW, "shell", "", 11, SHELL, shown=True, kind=WindowKind.OVERVIEW))
        self.menus = [menu for menu in self.menus if menu.open]
        self.was_overview = self.overview
        return replace(scene, windows=(*scene.windows, *more)) if more else scene

    def _browse_at(self, asked: int, *, silent: bool) -> Browsing:
        """What is in the picture of a window that was not in the look before is not known until it has drawn."""
        windows = () if silent else super()._browse().windows
        by_id = {window.id: window for window in self.windows}
        if silent:
            self.looked_at.clear()
        for window in windows:
            if not self._answered:
                self._unknown[window.id] = asked * MILLISECOND - 1
        self._answered = {window.id for window in windows}
        told = []
        for window in windows:
            real, tabs = by_id[window.id], []
            painted = real.contents() <= {0, real.front.content}
            if painted and not window.minimised:
                self._unknown.pop(window.id, None)
            unknown = self._unknown[window.id] + UNKNOWN_FOR if window.id in self._unknown else 0
            for tab in window.tabs:
                closes = any("pay.example" in url for url in tab.page.urls)
                front = {"painted": painted, "unknown": unknown} if tab.visible else {"painted": False}
                tabs.append(replace(tab, closes=closes, **front))
            extensions = ("x",) if window.id in self.extensions else ()
            self.looked_at |= {self.extensions[window.id]} if extensions else set()
            told.append(replace(window, tabs=tuple(tabs), extensions=extensions))
        return Browsing(tuple(told))


@dataclass
class Law:
    """Which time a witness has proven, by what the merger made of its looks."""

    previews: bool
    runs: dict[str, Run] = field(default_factory=lambda: {name: Run.unproven(0) for name in TIMINGS})
    looks: list[tuple[Look, Look]] = field(default_factory=list)  # as they came, and what the merger made of them
    proven: dict[str, dict[int, int]] = field(default_factory=lambda: {name: {} for name in TIMINGS})

    def alarm(self, witness: str, at: int) -> None:
        self.runs[witness] = alarmed(self.runs[witness], at)

    def see(self, look: Look) -> None:
        reasons = SENSITIVE if self.closes(look.seen) else ()
        before, timing = self.runs[look.witness], TIMINGS[look.witness]
        run = looked(before, look.asked, look.answered, reasons, timing, display_known=False, lag=look.lag)
        self.runs[look.witness] = run
        if run.clearance.before - timing.hindsight > run.clearance.after:
            self.proven[look.witness][run.clearance.after] = run.clearance.before - timing.hindsight

    def closes(self, seen: Scene | Browsing | Blind) -> bool:
        if not isinstance(seen, Scene):
            return True
        shown = [page for page in seen.pages if page.shown and (self.previews or not page.parked)]
        sensitive = any(page.unread or "pay.example" in "".join(page.urls) for page in shown)
        everything = any(window.shown and window.kind is WindowKind.OVERVIEW for window in seen.windows)
        unseen = any(
            window.engine and window.kind is WindowKind.NORMAL and window.id not in seen.accounted
            for window in seen.windows
            if window.shown or everything
        )
        return sensitive or unseen

    def opened(self) -> list[tuple[int, int]]:
        """The moments that both have proven, ns: from each first one until before the other."""
        both = [
            (max(after, other_after) + 1, min(before, other_before))
            for after, before in self.proven[WINDOWS].items()
            for other_after, other_before in self.proven[BROWSERS].items()
        ]
        return [(first, until) for first, until in both if first < until]


def watch(desk: Desk, end: int) -> Law:
    law, merger = Law(desk.previews), SceneMerger()
    while desk.now < end:
        desk.step(end)
        while desk.messages:
            message = desk.messages.pop(0)
            if isinstance(message, str):
                law.alarm(message, desk.now * MILLISECOND)
            elif isinstance(message, PageEvent):
                if "pay.example" in message.page.urls[0]:
                    law.alarm(BROWSERS, message.at)
                    merger.page_event(message)
            elif isinstance(message, Look):
                judged = merger.take(message)
                law.see(judged)
                law.looks.append((message, judged))
                if merger.lost_account:
                    law.alarm(WINDOWS, message.answered)
    return law


# -- what happens -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    after: int
    what: str
    window: int
    tab: int
    flag: bool
    other: bool

    def happen(self, desk: Desk) -> None:
        if self.what == "open" and len(desk.windows) < 4:
            alike = desk.windows[self.window % len(desk.windows)].alike if self.flag and desk.windows else None
            desk.open_window(1 + self.tab % 2, alike=alike)
        if not desk.windows:
            return
        any_window = desk.windows[self.window % len(desk.windows)]
        on_any: dict[str, Callable[[], object]] = {
            "private": lambda: len(desk.windows) < 4 and desk.open_for_a_moment(any_window.alike),
            "leave": lambda: desk.leave(any_window, minimised=self.flag, drawing=self.other),
            "come": lambda: desk.come(any_window),
            "close": lambda: desk.close_window(any_window),
            "menu": lambda: desk.open_menu(400 if self.flag else 0),
            "close menu": desk.close_menu,
            "overview": desk.look_at_all,
        }
        on_any.get(self.what, lambda: None)()
        windows = [window for window in desk.windows if not window.private]
        if not windows:
            return
        window = windows[self.window % len(windows)]
        tab = window.tabs[self.tab % len(window.tabs)]
        on_tab: dict[str, Callable[[], object]] = {
            "dirty": lambda: desk.change(tab, sensitive=True, told=self.flag, loads=self.other),
            "clean": lambda: tab.content and desk.change(tab, sensitive=False, told=False, loads=self.other),
            "switch": lambda: desk.switch(window, tab),
            "close tab": lambda: desk.close_tab(window, tab),
            "move": lambda: desk.move_tab(window, tab, windows[(self.window + 1) % len(windows)]),
            "preview": lambda: desk.preview(tab, 200),
            "extension": lambda: desk.open_extension(window),
            "hide": lambda: desk.hide(window, loads=self.other),
            "card": lambda: desk.leave_a_card(window, window.front, loads=self.other),
        }
        on_tab.get(self.what, lambda: None)()


OFTEN: Final = ("dirty", "clean", "switch", "leave", "come", "move", "preview", "open", "close", "close tab")
KINDS: Final = (*OFTEN, *OFTEN, *["card", "hide"] * 4, "private", "menu", "close menu", "overview", "extension")
COURSES: Final = (*["told"] * 60, *["unasked"] * 6, "late", "lost", "blind", *["silent"] * 4)

acts = st.lists(
    st.builds(
        Act,
        after=st.sampled_from((5, 30, 100, 250, 400, 700)),
        what=st.sampled_from(KINDS),
        window=st.integers(0, 2),
        tab=st.integers(0, 2),
        flag=st.booleans(),
        other=st.booleans(),
    ),
    max_size=14,
)
# When the windows are asked (ms after the time before), and how long after them the browsers; what becomes of each.
rounds = st.lists(
    st.tuples(
        st.sampled_from((10, 40, 70, 110)),
        st.sampled_from((0, 2, 8, 30)),
        st.sampled_from(COURSES),
        st.sampled_from(COURSES),
    ),
    min_size=30,
    max_size=30,
)
desks = st.builds(
    lambda windows, seed, previews: Desk(Random(seed), windows, previews=previews),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.sampled_from((True, True, True, False)),
)
Round = tuple[int, int, str, str]
BEGIN: Final = 400
AFTERWARDS: Final = 1500  # ms in which looks may still go wrong
SETTLED: Final = 4500  # ms: what has been drawn last is on the display, and what was left is off it
AT_LAST: Final = 3000  # ms in which looks come as they should


def play(desk: Desk, happens: list[Act], asked: list[Round]) -> int:
    """Puts all on the clock; when the last has happened (ms)."""

    def regularly(since: int, until: int) -> None:
        for moment in range(since, until, 60):
            desk.at(moment, lambda: desk.look(WINDOWS, "told"))
            desk.at(moment + 10, lambda: desk.look(BROWSERS, "told"))

    regularly(0, BEGIN)
    now = last = BEGIN
    for act in happens:
        last += act.after
        desk.at(last, lambda act=act: act.happen(desk))
    while now < last + AFTERWARDS:
        for after, later, of_windows, of_browsers in asked:
            now += after
            desk.at(now, lambda course=of_windows: desk.look(WINDOWS, course))
            desk.at(now + later, lambda course=of_browsers: desk.look(BROWSERS, course))
    end = now + 200
    regularly(end, end + SETTLED + AT_LAST)
    return end


def on_display(desk: Desk, end: int) -> Iterator[tuple[int, int, frozenset[Content]]]:
    """From when until when (ns) the display may show which pages that browsers have reported."""
    ends = [since for since, _, _ in desk.screen[1:]] + [end]
    for (since, fresh, old), until in zip(desk.screen, ends, strict=True):
        yield since * MILLISECOND, until * MILLISECOND, (fresh | old) & (desk.looked_at | desk.told_of)


@SLOW
@settings(max_examples=80)
@given(desks, acts, rounds)
def test_no_moment_is_proven_in_which_the_display_may_show_something_sensitive(
    desk: Desk, happens: list[Act], asked: list[Round]
) -> None:
    end = play(desk, happens, asked) + SETTLED
    opened = watch(desk, end).opened()
    for since, until, shown in on_display(desk, end):
        assert not shown or not any(max(since, first) < min(until, last) for first, last in opened), (since, shown)


@SLOW
@settings(max_examples=30)
@given(desks, acts, rounds)
def test_a_page_counts_where_its_window_was_in_view_since_browsers_last_answered(
    desk: Desk, happens: list[Act], asked: list[Round]
) -> None:
    """As far as the desktop was looked at: what came later is in its next look. What left between a question and its
    answer counts as left behind, with what the next look finds in it, and before the hindsight has passed.
    """
    since = surveyed = 0
    for look, judged in watch(desk, play(desk, happens, asked)).looks:
        if look.witness == WINDOWS and isinstance(look.seen, Scene):
            surveyed = look.asked
        if not isinstance(look.seen, Browsing) or not isinstance(judged.seen, Scene):
            continue
        seen = {
            one
            for (begun, windows), (ended, _) in pairwise([*desk.in_view, (desk.now, frozenset())])
            if begun * MILLISECOND < surveyed and since < ended * MILLISECOND
            for one in windows
        }
        shown = {page.urls for page in judged.seen.pages if page.shown}
        told = {tab.page.urls for window in look.seen.windows if window.id in seen for tab in window.tabs}
        assert told <= shown
        since = look.answered


@SLOW
@settings(max_examples=30)
@given(desks, acts, rounds)
def test_all_is_proven_once_nothing_sensitive_can_be_in_view(
    desk: Desk, happens: list[Act], asked: list[Round]
) -> None:
    """What is sensitive may still be open: in a covered window that is not mixed up with one that is in view."""
    last = play(desk, happens, asked)
    desk.at(last, desk.calm_down)
    end = last + SETTLED + AT_LAST
    opened = watch(desk, end).opened()
    in_view = {window.alike for window in desk.windows if window.in_view}
    may_show = [window for window in desk.windows if window.alike in in_view]
    fronts = any(window.front.content for window in may_show)
    behind = {tab.id for window in may_show for tab in window.tabs if tab is not window.front}
    if not fronts and not (desk.previews and behind & desk.once_sensitive):
        assert any(last >= (end - AT_LAST // 2) * MILLISECOND for _, last in opened)
