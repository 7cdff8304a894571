"""Which desktop, seat and clock Eyelid takes, and what it says where it can take none."""

from __future__ import annotations

import time

import pytest

from agent.desktop import current_clock, current_desktop, current_seat
from agent.desktop.portable import PortableDesktop
from agent.desktop.x11 import X11Desktop
from agent.errors import EnvironmentFault, UserError

SESSION = ("DISPLAY", "XDG_SESSION_TYPE", "WAYLAND_DISPLAY", "EYELID_DESKTOP", "XDG_SESSION_ID")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SESSION:
        monkeypatch.delenv(name, raising=False)


def test_without_a_display_it_says_where_to_start_it() -> None:
    with pytest.raises(EnvironmentFault, match=r"DISPLAY is not set.*Start it from there") as fault:
        current_desktop()
    assert fault.value.exit_code == 3


@pytest.mark.parametrize(("name", "value"), [("XDG_SESSION_TYPE", "wayland"), ("WAYLAND_DISPLAY", "wayland-0")])
def test_on_wayland_it_says_why_not_and_how_to_get_a_session_that_it_can_record(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentFault, match=r"Wayland.*does not record it.*X11 sessions.*log out.*GNOME on Xorg"):
        current_desktop()


def test_a_display_that_does_not_answer_is_named() -> None:
    with pytest.raises(EnvironmentFault, match=r"no X display answers at :4999"):
        current_desktop(":4999")


def test_a_display_name_that_is_none_is_named() -> None:
    with pytest.raises(EnvironmentFault, match=r"no X display answers at nonsense"):
        current_desktop("nonsense")


@pytest.mark.desktop
def test_a_real_x_server_is_recorded_also_from_within_a_wayland_session(
    bare_display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    monkeypatch.setenv("DISPLAY", bare_display)
    desktop = current_desktop()
    assert isinstance(desktop, X11Desktop)
    desktop.close()


@pytest.mark.desktop
def test_xwayland_is_wayland(bare_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's answer is the only thing made up here: Xwayland 24.1 in weston was seen to give it."""
    monkeypatch.setattr("agent.desktop.x11.wire.Wire.is_xwayland", property(lambda _: True))
    with pytest.raises(EnvironmentFault, match="Wayland"):
        current_desktop(bare_display)


def test_a_desktop_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYELID_DESKTOP", "portable")
    assert isinstance(current_desktop(), PortableDesktop)
    monkeypatch.setenv("EYELID_DESKTOP", "vms")
    with pytest.raises(UserError, match="'vms'"):
        current_desktop()


def test_other_systems_get_what_exists_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.desktop.ON_LINUX", False)
    assert isinstance(current_desktop(), PortableDesktop)
    assert current_seat().holds() == frozenset()
    first = current_clock().now()
    assert current_clock().now() >= first
    assert abs(current_clock().wall() - time.time_ns()) < 60 * 10**9


@pytest.mark.desktop
def test_the_seat_of_this_system(bare_display: str) -> None:
    seat = current_seat(bare_display)
    assert isinstance(seat.holds(), frozenset)
    seat.close()


def test_the_clock_runs_through_sleep_and_never_back() -> None:
    clock = current_clock()
    stamps = [clock.now() for _ in range(1000)]
    assert stamps == sorted(stamps)
    assert len(set(stamps)) > 500  # a fine tick: a coarse one would repeat itself
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before <= clock.now() <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert abs(clock.wall() - time.time_ns()) < 60 * 10**9
