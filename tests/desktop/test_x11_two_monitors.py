"""Windows on monitors that come and go: Xorg's dummy driver can plug a second one, which Xvfb cannot."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from testkit import displays
from testkit.desktops import X11Stage, find, is_shown, look_until, settled, x11_stage

pytestmark = pytest.mark.desktop

SECOND = "DUMMY1"


def xrandr(display: str, *options: str) -> None:
    subprocess.run(["/usr/bin/xrandr", *options], env=displays.environment(display), check=True, capture_output=True)


def plug(display: str) -> None:
    xrandr(
        display, "--addmode", SECOND, "1280x800"
    )  # outputs of the dummy driver know no mode until they are given one
    xrandr(display, "--output", SECOND, "--mode", "1280x800", "--right-of", "DUMMY0")


def unplug(display: str) -> None:
    xrandr(display, "--output", SECOND, "--off")


@pytest.fixture
def stage(two_monitors: str) -> Iterator[X11Stage]:
    plug(two_monitors)
    with x11_stage(two_monitors, managed=True) as real:
        yield real


def test_a_window_moved_to_the_second_monitor_stays_shown(stage: X11Stage) -> None:
    window = stage.open(title="wanders", x=100, y=100)
    stage.application.move(window=window, x=1500, y=100)
    seen = look_until(stage.desktop, lambda seen: bool((w := find(seen, window)) and w.box.x > 1280), "the move")
    assert is_shown(seen, window)
    assert is_shown(settled(stage.desktop), window)


def test_a_window_on_a_monitor_that_is_unplugged_is_not_shown_unless_it_is_brought_back(stage: X11Stage) -> None:
    # Without a window manager's care, as menus and other programs' overlays are: openbox moves its windows back.
    window = stage.open(title="left behind", x=1500, y=100, override=True)
    assert is_shown(settled(stage.desktop), window)
    unplug(stage.display)
    look_until(stage.desktop, lambda seen: not is_shown(seen, window), "the window's disappearance")
    plug(stage.display)
    look_until(stage.desktop, lambda seen: is_shown(seen, window), "the window's return")


def test_a_managed_window_is_brought_back_from_an_unplugged_monitor(stage: X11Stage) -> None:
    window = stage.open(title="brought back", x=1500, y=100)
    unplug(stage.display)
    look_until(
        stage.desktop,
        lambda seen: bool((w := find(seen, window)) and w.shown and w.box.x < 1280),
        "the window's return",
    )


def test_a_cover_on_one_monitor_hides_nothing_on_the_other(stage: X11Stage) -> None:
    wide = stage.open(title="across both", x=900, y=100, width=800, height=300)
    stage.open(title="covers the left part", x=700, y=50, width=560, height=500)
    assert all(is_shown(stage.desktop.look(), wide) for _ in range(5))


def test_a_window_that_a_larger_screen_showed_for_a_moment_was_shown(stage: X11Stage) -> None:
    window = stage.open(title="left behind", x=1500, y=100, override=True)
    unplug(stage.display)
    look_until(stage.desktop, lambda seen: not is_shown(seen, window), "the window's disappearance")
    settled(stage.desktop)
    plug(stage.display)
    unplug(stage.display)
    assert is_shown(stage.desktop.look(), window)
    look_until(stage.desktop, lambda seen: not is_shown(seen, window), "the window's disappearance")
