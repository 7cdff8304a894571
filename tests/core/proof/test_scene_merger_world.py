"""What the merger says of windows and pages, held against a world in which the truth is known.

The world knows what may be on the display at each moment (`desk_with_browsers`). The oracle knows one sentence of the
law: a witness proves the time between two of its clean looks. If the merger leaves out of one look a page whose
picture may be there, a moment is proven in which the display shows it. Looks come when they like, late, blind or not
at all; browsers are silent for a while; there are menus, an overview and the popups of extensions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

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
from tests.agent.recorder.desk_with_browsers import PID, POLICY, AWindow, Content, World

TIMINGS: Final = timings(POLICY, Lane.SCREEN)
SENSITIVE: Final = (Reason("cards", 0),)
LATE: Final = ANSWERS_WITHIN // MILLISECOND + 200
OVERVIEW: Final = 2
SHELL: Final = Box(0, 0, 9, 9)


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
        self.once_sensitive: set[int] = set()  # tabs
        super().__init__(dice, windows, previews=previews)

    def step(self, until: int) -> bool:
        went_on = super().step(until)
        mine = [window for window in self.windows if not window.private]
        seen = [window for window in mine if window.in_view] or mine
        drawn = (one.content for window in seen for one in window.surface if not one.old)
        self._views.append((self.now, frozenset(drawn)))
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

    def close_menu(self) -> None:
        for menu in self.menus:
            menu.open = False
            self._remains.pop(menu.remains, None)

    def open_overview(self) -> None:
        self.overview = self.was_overview = True

    def close_overview(self) -> None:
        self.overview = False

    def open_extension(self, window: AWindow) -> None:
        if window.in_view and not window.private and window.id not in self.extensions:
            self.extensions[window.id] = content = self.next_number()
            self._remain(frozenset({content}), 400)
            self.at(
                self.now + 400 - self.dice.choice((1, 20, 63)), lambda: self.extensions.pop(window.id, None) and None
            )

    # -- looks ----------------------------------------------------------------------------------------------------

    def look(self, witness: str, fate: str) -> None:
        """`fate`: of the answer. One question at a time."""
        if witness in self._busy:
            return
        self._busy.add(witness)
        asked = self.now
        longest = LATE // 2 if fate == "late" else 3 if witness == WINDOWS else self.dice.choice((2, 10, 30, 40))
        instant = asked + (longest if fate == "late" else self.dice.randint(1, longest))
        answered = instant + (longest if fate == "late" else self.dice.randint(1, longest))
        if fate in {"late", "lost"}:
            alarm = asked + ANSWERS_WITHIN // MILLISECOND + 1
            self.at(alarm, lambda: self.messages.append(witness))
        if fate == "lost":
            self.at(asked + LATE, lambda: self._busy.discard(witness))
            return

        def see() -> None:
            seen, contents = self._see(witness, fate, asked)
            look = Look(witness, asked * MILLISECOND, answered * MILLISECOND, POLICY.hash, seen)

            def answer() -> None:
                self._busy.discard(witness)
                self.looked_at |= contents
                self.messages.append(look)

            self.at(answered, answer)

        self.at(instant, see)

    def _see(self, witness: str, fate: str, asked: int) -> tuple[Scene | Browsing | Blind, set[Content]]:
        known, self.looked_at = self.looked_at, set()  # what is looked at counts when the answer is there
        seen = self._survey() if witness == WINDOWS else self._browse_at(asked, silent=fate == "silent")
        contents, self.looked_at = self.looked_at, known
        if fate == "blind":
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
    proven: dict[str, dict[int, int]] = field(default_factory=lambda: {name: {} for name in TIMINGS})

    def alarm(self, witness: str, at: int) -> None:
        self.runs[witness] = alarmed(self.runs[witness], at)

    def see(self, look: Look) -> None:
        reasons = SENSITIVE if self.closes(look.seen) else ()
        before, timing = self.runs[look.witness], TIMINGS[look.witness]
        run = looked(before, look.asked, look.answered, reasons, timing, told=False, lag=look.lag)
        self.runs[look.witness] = run
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

    def is_open(self, since: int, until: int) -> bool:
        """Whether both have proven a moment in [since, until), ns."""
        return any(
            max(since, after + 1, other_after + 1) < min(until, before, other_before)
            for after, before in self.proven[WINDOWS].items()
            for other_after, other_before in self.proven[BROWSERS].items()
        )


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
                law.see(merger.take(message))
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
            "private": lambda: len(desk.windows) < 4 and desk.open_private_window(any_window.alike),
            "leave": lambda: desk.leave(any_window, minimised=self.flag, drawing=self.other),
            "come": lambda: desk.come(any_window),
            "close": lambda: desk.close_window(any_window),
            "menu": lambda: desk.open_menu(400 if self.flag else 0),
            "close menu": desk.close_menu,
            "overview": desk.open_overview,
            "close overview": desk.close_overview,
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
        }
        on_tab.get(self.what, lambda: None)()


KINDS: Final = (
    *("dirty", "dirty", "clean", "switch", "switch", "leave", "come", "move", "preview", "open", "close", "close tab"),
    *("private", "menu", "close menu", "overview", "close overview", "extension"),
)
FATES: Final = (*["told"] * 16, "late", "lost", "blind", "silent")

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
looks = st.lists(
    st.tuples(st.sampled_from((5, 20, 60, 90, 140)), st.sampled_from((WINDOWS, BROWSERS)), st.sampled_from(FATES)),
    min_size=40,
    max_size=40,
)
desks = st.builds(
    lambda windows, seed, previews: Desk(Random(seed), windows, previews=previews),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.booleans(),
)
BEGIN: Final = 1000
SETTLED: Final = 4500  # ms: what has been drawn last is on the display, and what was left is off it
AT_LAST: Final = 3000  # ms in which looks come as they should


def play(desk: Desk, happens: list[Act], asked: list[tuple[int, str, str]]) -> int:
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
    while now < last:
        for after, witness, fate in asked:
            now += after
            desk.at(now, lambda witness=witness, fate=fate: desk.look(witness, fate))
    end = max(now, last) + LATE
    regularly(end, end + SETTLED + AT_LAST)
    return end


@settings(max_examples=300)
@given(desks, acts, looks)
def test_no_moment_is_proven_in_which_the_display_may_show_something_sensitive(
    desk: Desk, happens: list[Act], asked: list[tuple[int, str, str]]
) -> None:
    end = play(desk, happens, asked) + SETTLED
    law = watch(desk, end)
    ends = [since for since, _, _ in desk.screen[1:]] + [end]
    for (since, fresh, old), until in zip(desk.screen, ends, strict=True):
        if shown := (fresh | old) & (desk.looked_at | desk.told_of):
            assert not law.is_open(since * MILLISECOND, until * MILLISECOND), (since, until, shown)
