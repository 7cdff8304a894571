"""What sort of window it is: a menu, a toast, the shell itself, or something that shows pictures of other windows.

Types are those of the Extended Window Manager Hints 1.5, "_NET_WM_WINDOW_TYPE". Previews are data, with their sources.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from agent.core.model.seen import WindowKind

POPUP_TYPES: Final = frozenset({"MENU", "DROPDOWN_MENU", "POPUP_MENU", "TOOLTIP", "COMBO", "DND"})
SHELL_TYPES: Final = frozenset({"DESKTOP", "DOCK"})
KNOWN_TYPES: Final = (*sorted(POPUP_TYPES | SHELL_TYPES), "NOTIFICATION")  # all others are alike

# Programs all of whose windows, apart from docks and desktops, show pictures of other windows (lower case): the window
# switchers of Xfce, KDE, Compiz, MATE and GNOME 2 draw previews while they composite; exposé programs do nothing else.
# By their documentation; none was run for this list.
SWITCHERS: Final = frozenset({"xfwm4", "kwin_x11", "kwin", "compiz", "marco", "metacity", "skippy-xd", "xfdashboard"})

# Panels whose tooltips or untyped popups may be a preview of the window that a button stands for (lower case).
PREVIEWING_PANELS: Final = frozenset(
    {"tint2", "cairo-dock", "mate-panel", "plasmashell", "xfce4-panel", "dde-dock", "budgie-panel"}
)

# Window managers that draw overviews and switchers themselves, on the compositor's canvas: X cannot tell when. They
# keep minimised windows and those of other workspaces mapped for that purpose. Beginnings of the `_NET_WM_NAME` of
# the window that _NET_SUPPORTING_WM_CHECK names, lower case; Cinnamon's is "Mutter (Muffin)".
PREVIEWING_WINDOW_MANAGERS: Final = (
    "gnome shell",
    "mutter",
    "muffin",
    "gala",
    "budgie",
    "kwin",
    "compiz",
    "deepin",
    "enlightenment",
)


def kind_of(types: Collection[str], *, override_redirect: bool, app: str) -> WindowKind:
    """`types`: without their `_NET_WM_WINDOW_TYPE_` prefix. `app`: the process name, empty when it cannot be read."""
    program = app.casefold()
    if SHELL_TYPES.intersection(types):
        return WindowKind.DESKTOP
    passing = bool(POPUP_TYPES.intersection(types))
    if program in SWITCHERS or (
        program in PREVIEWING_PANELS and ("TOOLTIP" in types or (override_redirect and not types))
    ):
        return WindowKind.OVERVIEW
    if passing:
        return WindowKind.POPUP
    if "NOTIFICATION" in types:
        return WindowKind.NOTIFICATION
    return WindowKind.NORMAL


def shows_hidden_windows(window_manager: str) -> bool:
    """Whether pictures of covered and minimised windows may appear without any X window that says so."""
    return window_manager.casefold().startswith(PREVIEWING_WINDOW_MANAGERS)
