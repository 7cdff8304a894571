"""Screen lockers that cover the screen with a window of their own and report nothing.

Data. Process names, lower case. Those of the desktops say so on D-Bus as well (org.*.ScreenSaver, logind's
LockedHint); they are here for sessions whose bus cannot be reached. i3lock 2.15 and xsecurelock 1.9 were run
(docs/platforms.md).
"""

from __future__ import annotations

from typing import Final

LOCKERS: Final = frozenset(
    {
        *("i3lock", "i3lock-color", "xsecurelock", "slock", "xlock", "alock", "sflock", "xtrlock", "pyxtrlock"),
        *("xscreensaver", "xscreensaver-auth", "xscreensaver-gfx", "xscreensaver-gl", "light-locker"),
        *("gnome-screensaver", "gnome-screensaver-dialog", "mate-screensaver", "mate-screensaver-dialog"),
        *("cinnamon-screensaver", "cinnamon-screen", "xfce4-screensaver", "xfce4-screensaver-dialog"),
        *("kscreenlocker_greet", "dde-lock", "ukui-screensaver", "ukui-screensaver-dialog"),
    }
)
