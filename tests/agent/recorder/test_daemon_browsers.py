"""The whole daemon over a small world of browser windows: nothing sensitive is kept, and everything harmless is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.model.media import Frame
from agent.core.model.rules import Policy
from agent.core.model.seen import BROWSERS, WINDOWS
from agent.core.model.times import MILLISECOND
from agent.pipeline import Mailbox
from agent.recorder.daemon import Daemon
from agent.recorder.messages import GrabWanted, Message, PolicyArrived, Stop
from agent.recorder.recording import Close, Gap, Open, Order
from agent.recorder.shutter import Grabbed, Shutter
from tests.agent.recorder.daemon_rig import EmptySeat, Pages
from tests.agent.recorder.desk_with_browsers import POLICY, AWindow, World

pytestmark = pytest.mark.slow(reason="scores of whole desks are played in each, every moment of them")


@dataclass
class WorldClock:
    world: World

    def now(self) -> int:
        return self.world.now * MILLISECOND

    def wall(self) -> int:
        return self.now()

    def awake(self) -> int:
        return self.now()

    def boot(self) -> str:
        return ""


class WorldInbox(Mailbox[Message]):
    """The daemon waits for its next message: meanwhile the world goes on."""

    def __init__(self, world: World, end: int) -> None:
        super().__init__(8)
        self._world = world
        self._end = end

    def get(self, timeout: float | None = None) -> Message | None:
        world = self._world
        until = world.now + 1 + int((timeout or 0) * 1000)
        while not world.messages and world.now < self._end and world.step(until):
            pass
        if world.messages:
            message = world.messages.pop(0)
            return Grabbed((message,), ()) if isinstance(message, Frame) else message  # type: ignore[return-value]
        return Stop() if world.now >= self._end else None


@dataclass
class Truthful:
    name: str
    world: World

    def ask(self) -> None:
        self.world.ask(self.name)

    def judge_with(self, policy: Policy) -> None: ...


class Quick(Mailbox[Order]):
    """A recorder that takes each order at once: none waits."""

    def __init__(self) -> None:
        super().__init__(1_000_000)

    def __len__(self) -> int:
        return 0


def watch(world: World, end: int, policy: Policy = POLICY) -> list[Order]:
    """The daemon watches the world until `end` (ms); what it has ordered."""
    clock = WorldClock(world)
    orders = Quick()
    daemon = Daemon(
        WorldInbox(world, end),
        clock=clock,
        witnesses=(Truthful(WINDOWS, world), Truthful(BROWSERS, world)),
        seat=EmptySeat(),
        shutter=Shutter(clock),
        wake_capture=lambda: None,
        orders=orders,
        ledger=Pages(),
        drain=lambda: None,
        show=world.show,
        seek=world.seek,
    )
    world.messages.append(PolicyArrived(policy))
    daemon.run()
    ordered = []
    while (order := orders.get(0)) is not None:
        ordered.append(order)
    return ordered


SETTLED = 5000  # ms after the last change: a window's second, a page that draws late, and a look or two
PROVEN = 1500  # ms that a picture may still have to wait at the end

OPS = (
    "dirty",
    "clean",
    "switch",
    "close tab",
    "move",
    "leave",
    "minimise",
    "come",
    "open",
    "open private",
    "close",
    "preview",
)


@dataclass(frozen=True)
class Op:
    after: int
    what: str
    window: int
    tab: int
    told: bool
    drawing: bool
    loads: bool = False

    def happen(self, world: World) -> None:
        if not world.windows:
            if self.what == "open":
                world.open_window(1 + self.tab % 2)
            return
        any_window = world.windows[self.window % len(world.windows)]
        windows = [window for window in world.windows if not window.private]
        match self.what:
            case "open" if len(world.windows) < 4:
                world.open_window(1 + self.tab % 2, alike=any_window.alike if self.told else None)
            case "open private" if len(world.windows) < 4:
                world.open_private_window(any_window.alike)
            case "leave" | "minimise":
                world.leave(any_window, minimised=self.what == "minimise", drawing=self.drawing)
            case "come":
                world.come(any_window)
            case "close":
                world.close_window(any_window)
            case _ if windows:
                self._happen_to_a_tab(world, windows)

    def _happen_to_a_tab(self, world: World, windows: list[AWindow]) -> None:
        window = windows[self.window % len(windows)]
        tab = window.tabs[self.tab % len(window.tabs)]
        match self.what:
            case "dirty" | "clean":
                if self.what == "dirty" or tab.content:
                    world.change(tab, sensitive=self.what == "dirty", told=self.told, loads=self.loads)
            case "switch":
                world.switch(window, tab)
            case "close tab":
                world.close_tab(window, tab)
            case "move":
                world.move_tab(window, tab, windows[(self.window + 1) % len(windows)])
            case "preview":
                world.preview(tab, 200)


ops = st.builds(
    Op,
    after=st.sampled_from((5, 30, 100, 250, 400, 700, 1500)),
    what=st.sampled_from(OPS),
    window=st.integers(0, 2),
    tab=st.integers(0, 2),
    told=st.booleans(),
    drawing=st.booleans(),
    loads=st.booleans(),
)


def play(world: World, acts: list[Op], every: int) -> int:
    """Puts all on the clock, with a picture at least every so many ms; returns when the last has happened (ms)."""
    now = 4500  # what was in front before is known by then
    for act in acts:
        now += act.after
        world.at(now, lambda act=act: act.happen(world))
        world.at(now + 2, lambda: world.grab(1))
    for moment in range(4000, now + 7500, every):
        world.at(moment - 10, lambda: world.messages.append(GrabWanted()))
        world.at(moment, lambda: world.grab(2))
    return now


worlds = st.builds(
    lambda windows, seed, previews: World(Random(seed), windows, previews=previews),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.booleans(),
)
HARMLESS = st.lists(ops.filter(lambda op: op.what not in ("dirty", "open private")), max_size=14)
PICTURES_EVERY = st.sampled_from((17, 45, 110))


def kept_of(world: World, acts: list[Op], every: int) -> tuple[list[Order], int]:
    """What the daemon orders to be kept, and when the last act was (ms)."""
    last = play(world, acts, every)
    return watch(world, last + 7500, replace(POLICY, parked_tabs_allowed=not world.previews)), last


def shows_no_sensitive_page(world: World, orders: list[Order]) -> None:
    for order in orders:
        if isinstance(order, Frame):
            assert not world.sensitive(order.span.start, order.span.end), order.span


def stands_unchanged_for_no_sensitive_time(world: World, orders: list[Order]) -> None:
    for before, order in pairwise(orders):
        if isinstance(before, Frame) and isinstance(order, Gap | Close):
            assert not world.sensitive(before.span.start, order.until)


def never_goes_back_in_time(orders: list[Order]) -> None:
    reached = 0
    for order in orders:
        match order:
            case Frame(span=span):
                assert span.start >= reached
                reached = span.end
            case Gap(until) | Close(until):
                assert until >= reached
                reached = until
            case Open():
                continue


@settings(max_examples=60)  # each is seconds of a whole desk, so that all is judged by the same
@given(worlds, st.lists(ops, max_size=14), PICTURES_EVERY)
def test_no_kept_picture_shows_a_sensitive_page(world: World, acts: list[Op], every: int) -> None:
    """Nor does an unchanged one stand for time in which there was one; and time never goes back in what is kept."""
    orders, _ = kept_of(world, acts, every)
    shows_no_sensitive_page(world, orders)
    stands_unchanged_for_no_sensitive_time(world, orders)
    never_goes_back_in_time(orders)


@settings(max_examples=40)  # each is seconds of a whole desk
@given(worlds, HARMLESS, PICTURES_EVERY)
def test_all_that_is_harmless_is_kept_once_the_windows_have_settled(world: World, acts: list[Op], every: int) -> None:
    orders, last = kept_of(world, acts, every)
    settled, proven = last + SETTLED, last + 7500 - PROVEN
    kept = {order.span for order in orders if isinstance(order, Frame)}
    due = {span for span in world.grabbed if settled * MILLISECOND < span.start < proven * MILLISECOND}
    assert due
    assert due <= kept
