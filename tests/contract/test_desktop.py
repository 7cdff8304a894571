"""The promises of `agent.ports.Desktop`, held by the real X11 desktop, by the portable one and by the fake.

The first half is what a desktop that answers scenes must do. The second is what every desktop must do, also one that
cannot vouch: it never answers a scene that lacks a window in view.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from agent.core.model.seen import Blind, Scene
from agent.desktop.portable import PortableDesktop
from agent.ports import Desktop
from testkit import displays
from testkit.desktops import FakeStage, Stage, find, is_shown, look_until, settled, x11_stage
from testkit.fakes.desktop import FakeDesktop
from testkit.windows import program

pytestmark = pytest.mark.desktop

REAL = ["x11 with openbox", "x11 without a window manager"]


@pytest.fixture(params=[*REAL, "fake"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    managed = request.param == REAL[0]
    display = request.getfixturevalue("openbox_display" if managed else "bare_display")
    with x11_stage(display, managed=managed) as real:
        yield real


# -- a scene ----------------------------------------------------------------------------------------------------------


def test_a_window_in_view_is_told_with_its_process_and_title(stage: Stage) -> None:
    opened = stage.open(title="Patient chart")
    seen = find(settled(stage.desktop), opened)
    assert seen is not None
    assert (seen.app, seen.title, seen.pid, seen.shown) == (stage.app, "Patient chart", stage.pid, True)


def test_nothing_changed_is_the_very_same_scene(stage: Stage) -> None:
    stage.open(title="still")
    first = settled(stage.desktop)
    assert all(stage.desktop.look() is first for _ in range(20))


def test_a_new_title_is_in_the_next_look(stage: Stage) -> None:
    window = stage.open(title="before")
    stage.retitle(window, "after")
    seen = find(stage.desktop.look(), window)
    assert seen is not None
    assert seen.title == "after"


def test_a_closed_window_was_shown_until_it_closed_and_is_gone_after(stage: Stage) -> None:
    window = stage.open(title="closing")
    stage.destroy(window)
    assert is_shown(stage.desktop.look(), window)
    look_until(stage.desktop, lambda seen: find(seen, window) is None, "the end of the window")


def test_a_window_that_comes_and_goes_between_two_looks_is_in_the_second(stage: Stage) -> None:
    before = settled(stage.desktop)
    stage.flash(title="flash")
    seen = stage.desktop.look()
    assert isinstance(seen, Scene)
    known = {window.id for window in before.windows}
    assert [window.shown for window in seen.windows if window.id not in known] == [True]
    assert settled(stage.desktop).windows == before.windows


@pytest.mark.parametrize("stage", [REAL[0], "fake"], indirect=True)  # minimising is what a window manager does
def test_a_minimised_window_is_open_and_not_shown(stage: Stage) -> None:
    window = stage.open(title="minimised")
    stage.minimise(window)
    seen = look_until(stage.desktop, lambda seen: not is_shown(seen, window), "the minimised window's disappearance")
    assert find(seen, window) is not None


def test_a_desktop_without_windows_is_a_scene_without_windows(stage: Stage) -> None:
    seen = settled(stage.desktop)
    assert [window for window in seen.windows if window.shown] == []


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_wait_ends_when_something_happened(stage: Stage) -> None:
    window = stage.open(title="waited for")
    settled(stage.desktop)
    stage.retitle(window, "now")
    assert stage.desktop.wait(10.0)


def test_wait_on_a_quiet_desktop_says_that_nothing_happened(stage: Stage) -> None:
    look_until(stage.desktop, lambda _: not stage.desktop.wait(0.1), "a quiet desktop")


def test_wake_ends_a_wait_from_another_thread(stage: Stage) -> None:
    look_until(stage.desktop, lambda _: not stage.desktop.wait(0.1), "a quiet desktop")
    waker = threading.Timer(0.05, stage.desktop.wake)
    waker.start()
    began = time.monotonic()
    assert not stage.desktop.wait(60.0)
    waker.join()
    assert time.monotonic() - began < 30.0  # not a measure of speed: the whole wait was 60 s


def test_a_wake_before_a_wait_is_not_lost(stage: Stage) -> None:
    look_until(stage.desktop, lambda _: not stage.desktop.wait(0.1), "a quiet desktop")
    stage.desktop.wake()
    began = time.monotonic()
    assert not stage.desktop.wait(60.0)
    assert time.monotonic() - began < 30.0


def test_close_ends_a_wait_from_another_thread_and_may_be_repeated(stage: Stage) -> None:
    look_until(stage.desktop, lambda _: not stage.desktop.wait(0.1), "a quiet desktop")
    closer = threading.Timer(0.05, stage.desktop.close)
    closer.start()
    began = time.monotonic()
    stage.desktop.wait(60.0)
    closer.join()
    assert time.monotonic() - began < 30.0
    stage.desktop.close()
    assert stage.desktop.look() is Blind.NO_DISPLAY


# -- blindness --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def on_a_display_that_can_be_lost(kind: str) -> Iterator[Stage]:
    if kind == "fake":
        yield FakeStage()
        return
    with contextlib.ExitStack() as servers:
        display = servers.enter_context(displays.xvfb(displays.own_number()))
        with x11_stage(display, managed=False, kill_server=servers.close) as real:
            yield real


@pytest.mark.parametrize("kind", ["x11", "fake"])
def test_a_lost_display_is_blind_for_good_and_ends_a_wait(kind: str) -> None:
    with on_a_display_that_can_be_lost(kind) as stage:
        stage.open(title="last seen")
        stage.lose_display()
        assert stage.desktop.wait(10.0)
        assert stage.desktop.look() is Blind.NO_DISPLAY
        assert stage.desktop.look() is Blind.NO_DISPLAY


def portable(display: str, monkeypatch: pytest.MonkeyPatch) -> PortableDesktop:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    return PortableDesktop()


@pytest.mark.parametrize("traits", [{}, {"override": True}, {"pid": None}, {"title": None}], ids=str)
@pytest.mark.parametrize("kind", ["x11", "portable", "fake"])
@pytest.mark.parametrize("managed", [True, False], ids=["openbox", "bare"])
def test_no_scene_lacks_a_window_in_view(
    kind: str, managed: bool, traits: dict[str, object], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "fake":
        fake = FakeStage()
        opened = fake.open(**traits)
        assert is_shown(fake.desktop.look(), opened)
        return
    display = request.getfixturevalue("openbox_display" if managed else "bare_display")
    with x11_stage(display, managed=managed) as real:
        window = real.open(**traits)
        desktop: Desktop = real.desktop if kind == "x11" else portable(display, monkeypatch)
        seen = desktop.look()
        assert isinstance(seen, Blind) or is_shown(seen, window)


# -- what the portable desktop lists
# ------------------------------------------------------------------------------------


def test_portable_never_vouches_and_never_hears(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = portable(openbox_display, monkeypatch)
    assert desktop.look() is Blind.CANNOT_VOUCH
    assert desktop.composited()
    desktop.wake()
    assert not desktop.wait(60.0)
    desktop.close()
    assert not desktop.wait(60.0)


def test_portable_lists_what_a_window_manager_lists(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with x11_stage(openbox_display, managed=True) as real:
        chart = real.open(title="Patient chart")
        anonymous = real.open(title="nobody's", pid=None)
        hidden = real.open(title="minimised")
        real.minimise(hidden)
        look_until(real.desktop, lambda seen: not is_shown(seen, hidden))
        seen = portable(openbox_display, monkeypatch).listed()
    listed, unowned, minimised = find(seen, chart), find(seen, anonymous), find(seen, hidden)
    assert listed is not None
    assert (listed.app, listed.title, listed.pid, listed.shown) == (real.app, "Patient chart", real.pid, True)
    assert unowned is not None
    assert (unowned.app, unowned.pid) == (Blind.NO_PROCESS, Blind.NO_PROCESS)
    assert minimised is not None
    assert not minimised.shown


def test_portable_does_not_take_an_empty_list_for_an_empty_screen(
    bare_display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with program(bare_display) as application:
        application.open(title="in view, and listed by nobody")
        assert portable(bare_display, monkeypatch).listed() is Blind.CANNOT_VOUCH


def test_portable_without_a_display_cannot_vouch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert portable("", monkeypatch).listed() is Blind.CANNOT_VOUCH


def test_portable_survives_windows_that_die_while_they_are_listed(
    openbox_display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop = portable(openbox_display, monkeypatch)
    with program(openbox_display) as steady, program(openbox_display, "flicker") as flicker:
        steady.open(title="steady")
        stop = threading.Event()

        def flash() -> None:
            while not stop.is_set():
                flicker.flash(times=5, override=False)

        flashing = threading.Thread(target=flash)
        flashing.start()
        answers = [desktop.listed() for _ in range(3)]
        stop.set()
        flashing.join()
    assert all(isinstance(answer, Scene) or answer is Blind.CANNOT_VOUCH for answer in answers)


def test_the_fake_says_what_it_was_told() -> None:
    desktop = FakeDesktop()
    assert desktop.look() == Scene()
    desktop.go_blind(Blind.EMPTY)
    assert desktop.look() is Blind.EMPTY
    desktop.start_compositor(True)
    assert desktop.composited()
