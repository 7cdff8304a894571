"""The desktop, seat and clock of the system that Eyelid runs on."""

from __future__ import annotations

import os
from typing import Final

from agent.core.model.seen import Blind, Scene
from agent.desktop.clock import BootClock, CounterClock
from agent.desktop.null_seat import NullSeat
from agent.errors import EnvironmentFault, UserError
from agent.ports import Clock, Desktop, Seat
from protocol.system import ON_LINUX

FORCED: Final = "EYELID_DESKTOP"  # names the desktop to use instead of the system's own: `x11` or `portable`

WAYLAND: Final = (
    "This is a Wayland session. Wayland lets no program see which windows are in view, so Eyelid could not close in "
    "time and does not record it. Eyelid records X11 sessions. To get one, log out and choose it on the login screen "
    "before you log in again: 'GNOME on Xorg' under the gear, 'Plasma (X11)' in the list of sessions."
)
NO_DISPLAY: Final = (
    "There is no display here: DISPLAY is not set. Eyelid runs inside the desktop session that it records. Start it "
    "from there, or set DISPLAY (and XAUTHORITY) to that session's, for example DISPLAY=:0."
)


def current_desktop(display: str | None = None) -> Desktop:
    """What windows are in view. `display`: an X display, None for $DISPLAY.

    Raises EnvironmentFault without a display and on Wayland, UserError if EYELID_DESKTOP names none that exists.
    """
    forced = os.environ.get(FORCED, "")
    if forced == "portable" or (not forced and not ON_LINUX):
        from agent.desktop.portable import PortableDesktop  # noqa: PLC0415 - needs no X

        return PortableDesktop()
    if forced not in {"", "x11"}:
        raise UserError(f"EYELID_DESKTOP is {forced!r}. Set it to x11 or portable, or do not set it.")
    if display is None and not os.environ.get("DISPLAY"):
        raise EnvironmentFault(WAYLAND if _says_wayland() else NO_DISPLAY)
    from agent.desktop.x11 import X11Desktop  # noqa: PLC0415 - needs python-xlib, which only Linux has

    desktop = X11Desktop(display)
    if desktop.is_wayland:
        desktop.close()
        raise EnvironmentFault(WAYLAND)
    return desktop


def listed_by_system() -> Scene | Blind:
    """A second opinion of what is open, by PyWinCtl. It proves nothing; a window that only it knows is worth a look."""
    from agent.desktop.portable import PortableDesktop  # noqa: PLC0415 - starts a process of its own

    return PortableDesktop().listed()


def current_seat(display: str | None = None) -> Seat:
    """Whether a person is in front. `display` as for `current_desktop`. Never raises: what it cannot hear, it names."""
    if ON_LINUX:
        from agent.desktop.seat import LinuxSeat  # noqa: PLC0415 - needs dbus-fast, which only Linux has

        return LinuxSeat(display)
    return NullSeat()


def current_clock() -> Clock:
    """The clock of all spans on this system."""
    return BootClock() if ON_LINUX else CounterClock()


def _says_wayland() -> bool:
    return os.environ.get("XDG_SESSION_TYPE", "").casefold() == "wayland" or bool(os.environ.get("WAYLAND_DISPLAY"))
