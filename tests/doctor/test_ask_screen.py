"""The display as the doctor asks it: real X servers, with and without windows, compositor and window manager."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent import desktop
from agent.core.model.seen import Blind, Scene
from agent.desktop.x11 import X11Desktop
from agent.doctor.ask import screen
from agent.doctor.facts import Display
from agent.doctor.findings import Unasked
from testkit import displays
from testkit.windows import program

pytestmark = pytest.mark.desktop


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "EYELID_DESKTOP"):
        monkeypatch.delenv(name, raising=False)


def test_a_display_gives_its_monitors_and_a_picture(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    seen = screen.ask_screen()
    assert (seen.display, seen.name, len(seen.monitors), seen.pictures) == (Display.X11, openbox_display, 1, 1)
    assert not seen.composited


def test_a_compositor_is_noticed(openbox_display: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    with displays.picom(openbox_display, tmp_path):
        assert screen.ask_screen().composited


def test_without_a_display_there_is_nothing_to_look_at() -> None:
    assert screen.ask_screen().display is Display.MISSING
    assert screen.ask_windows() == Unasked("not asked: there is no display", follows=True)


def test_a_wayland_session_is_told_from_a_missing_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    assert screen.ask_screen().display is Display.WAYLAND


@pytest.mark.parametrize("name", [":4999", "nonsense"])
def test_a_display_that_lets_nobody_in(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", name)
    assert screen.ask_screen().display is Display.REFUSED


def test_a_desktop_that_vouches_for_nothing(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    monkeypatch.setenv("EYELID_DESKTOP", "portable")
    assert screen.ask_screen().display is Display.UNVOUCHED
    assert screen.ask_windows().blind == Blind.CANNOT_VOUCH.value  # type: ignore[union-attr]


# -- the cross-check ----------------------------------------------------------------------------------------------


def test_the_recorder_and_pywinctl_see_the_same_windows(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    with program(openbox_display, "till") as till, program(openbox_display, "notes") as notes:
        till.open(title="Payment")
        notes.open(title="Notes", x=400)
        seen = screen.ask_windows()
    assert not isinstance(seen, Unasked)
    assert (seen.blind, seen.seen, seen.listed, seen.shared) == ("", 2, 2, 2)
    assert (seen.overlooked, seen.differing, seen.unreadable) == (0, 0, 0)


class Shortsighted(X11Desktop):
    """The recorder's own desktop with a fault: it leaves a window out, or takes its title for another's."""

    def __init__(self, display: str, *, leaves_out: int = 0, renames: int = 0) -> None:
        super().__init__(display)
        self._leaves_out = leaves_out
        self._renames = renames

    def look(self) -> Scene | Blind:
        seen = super().look()
        if isinstance(seen, Blind):
            return seen
        windows = (window for window in seen.windows if window.id != self._leaves_out)
        return Scene(tuple(replace(one, title="other") if one.id == self._renames else one for one in windows))


def test_a_window_that_the_recorder_overlooks_is_found(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    with program(openbox_display, "till") as till:
        window = till.open(title="Payment")
        till.open(title="Other", x=400)
        here = Shortsighted(openbox_display, leaves_out=window)
        seen = screen.compare(here)
        here.close()
        assert (seen.listed, seen.shared, seen.overlooked) == (2, 1, 1)
        here = Shortsighted(openbox_display, renames=window)
        seen = screen.compare(here)
        here.close()
        assert (seen.overlooked, seen.differing) == (0, 1)


def test_without_a_window_manager_pywinctl_has_no_list(bare_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", bare_display)
    with program(bare_display, "till") as till:
        till.open(title="Payment")
        seen = screen.ask_windows()
    assert not isinstance(seen, Unasked)
    assert (seen.blind, seen.seen, seen.listed) == ("", 1, None)


def test_windows_that_cannot_be_read_and_other_machines_are_counted(
    openbox_display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    with program(openbox_display, "xfreerdp") as remote, program(openbox_display, "till") as till:
        remote.open(title="There")
        till.open(title="Here", x=400, machine="elsewhere")
        seen = screen.ask_windows()
    assert not isinstance(seen, Unasked)
    assert (seen.remote, seen.unreadable) == (1, 1)


def test_a_seat_without_logind_says_who_is_silent(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", openbox_display)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    seen = screen.ask_seat()
    assert any("logind" in name for name in seen.deaf_to)
    assert not any("X display" in name for name in seen.deaf_to)


def test_the_second_opinion_is_pywinctls(openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared with is another program's word, not the same code asked twice."""
    monkeypatch.setenv("DISPLAY", openbox_display)
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        listed = desktop.listed_by_system()
    assert isinstance(listed, Scene)
    assert [window.title for window in listed.windows] == ["Payment"]
