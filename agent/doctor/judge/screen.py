"""What the display, its windows and the seat come to."""

from __future__ import annotations

from typing import Final

from agent.core.model.seen import Blind
from agent.core.model.times import SECOND
from agent.core.proof.timing import WINDOW_LINGERS
from agent.doctor.facts import Display, Facts, ScreenFacts, SeatFacts, WindowsFacts
from agent.doctor.findings import Check, Finding, beside, good, warning, wrong
from agent.doctor.judge.words import several

GROUP: Final = "Screen"


def display(screen: ScreenFacts, _: Facts) -> Finding:
    match screen.display:
        case Display.X11:
            sizes = ", ".join(f"{width}x{height}" for width, height in screen.monitors)
            return good(
                f"X11 on {screen.name}" + (f": {several(len(screen.monitors), 'monitor')}, {sizes}" if sizes else "")
            )
        case Display.WAYLAND:
            return wrong(
                "a Wayland session: no program may see which windows are in view, so nothing is recorded",
                "log out, and choose an X11 session on the login screen: 'GNOME on Xorg' or 'Plasma (X11)'",
            )
        case Display.MISSING:
            return wrong(
                "DISPLAY is not set: this is no desktop session, as over ssh or in a plain service",
                "run it from a terminal of the desktop that is to be recorded",
                "DISPLAY=:0 XAUTHORITY=/run/user/$(id -u)/gdm/Xauthority eyelid doctor",
            )
        case Display.REFUSED:
            return wrong(
                f"{screen.name or 'the display'} does not let this user in",
                "ls /tmp/.X11-unix",
                "set XAUTHORITY to the session's file; a terminal on that desktop has it: echo $XAUTHORITY",
            )
        case Display.UNVOUCHED:
            return wrong(
                "nothing on this system can say for sure which windows are in view, so nothing is recorded",
                "docs/platforms.md lists the systems that are recorded",
            )


def permission(screen: ScreenFacts, _: Facts) -> Finding:
    if screen.display is not Display.X11:
        return beside("not tried: there is no display")
    if screen.no_picture or not screen.pictures:
        return wrong(
            f"no picture can be taken: {screen.no_picture or 'the display has no monitor'}",
            "xdpyinfo | grep -e MIT-SHM -e DAMAGE -e RANDR -e Composite",
        )
    return good(f"{several(screen.pictures, 'picture')} taken and dropped")


def compositor(screen: ScreenFacts, _: Facts) -> Finding:
    if screen.display is not Display.X11:
        return beside("not asked: there is no display")
    waits = f"{WINDOW_LINGERS / SECOND:g} s"
    if screen.composited:
        return good(f"one runs: a window counts as shown for {waits} after it has gone; fades must be shorter")
    return good(f"none runs: a window counts as shown for {waits} after it has gone")


def witness(windows: WindowsFacts, _: Facts) -> Finding:
    if windows.blind == Blind.CANNOT_VOUCH.value:
        return wrong(f"{windows.blind}, so nothing is recorded")
    if windows.blind:
        return wrong(f"blind: {windows.blind}", "eyelid windows")
    odd = [
        (windows.unreadable, "cannot be read"),
        (windows.remote, "shows another machine" if windows.remote == 1 else "show another machine"),
    ]
    said = [f"{several(count, 'window')} {what}" for count, what in odd if count]
    if said:
        return warning(f"sees {several(windows.seen, 'window')}; {', '.join(said)}", "eyelid windows")
    return good(f"sees {several(windows.seen, 'window')} and can read all of them")


def cross_check(windows: WindowsFacts, _: Facts) -> Finding:
    if windows.blind:
        return beside("not made: the recorder itself sees nothing")
    if windows.listed is None:
        return beside("PyWinCtl lists no window: without a window manager, or with nothing open, it cannot")
    if windows.overlooked:
        return wrong(
            f"PyWinCtl lists {several(windows.overlooked, 'window')} that the recorder does not see",
            "eyelid windows",
            "please report this with the archive of: eyelid doctor --bundle eyelid-support.tar.gz",
        )
    if windows.differing:
        return warning(
            f"PyWinCtl says another process or title of {several(windows.differing, 'window')}", "eyelid windows"
        )
    return good(f"PyWinCtl lists {several(windows.listed, 'window')}, and the recorder sees the same")


def seat(seat: SeatFacts, _: Facts) -> Finding:
    if seat.deaf_to:
        return warning(
            f"does not answer: {'; '.join(seat.deaf_to)}. What only it tells is noticed late or not at all",
            "loginctl show-session $XDG_SESSION_ID -p Type -p Active -p LockedHint",
            "systemctl --user show-environment | grep DBUS_SESSION_BUS_ADDRESS",
        )
    if seat.holds:
        return beside(f"locks and sleep are told; at this moment nothing would be recorded: {', '.join(seat.holds)}")
    return good("locks, sleep and the end of the session are told")


CHECKS: Final = (
    Check("display", GROUP, "display", "screen", display),
    Check("screen-permission", GROUP, "pictures", "screen", permission),
    Check("window-witness", GROUP, "windows", "windows", witness),
    Check("cross-check", GROUP, "cross-check", "windows", cross_check),
    Check("compositor", GROUP, "compositor", "screen", compositor),
    Check("seat", GROUP, "person in front", "seat", seat),
)
