"""The icon on D-Bus: a StatusNotifierItem (freedesktop.org, and KDE's properties for screen readers).

https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/
"""

# No `from __future__ import annotations` here: dbus-fast reads signatures from annotations, and takes no "None".

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

from dbus_fast import PropertyAccess
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.tray.drawing import SIZES, pixels
from agent.tray.icon_state import IconState
from agent.tray.indicator import IconView

PATH: Final = "/StatusNotifierItem"
MENU_PATH: Final = "/MenuBar"
APART: Final = 0.1  # seconds between two signals
WORDS: Final = "words"  # title, tooltip and what screen readers say, behind the picture

Pixmaps = Annotated[list[tuple[int, int, bytes]], DBusSignature("a(iiay)")]
ToolTip = Annotated[list[object], DBusSignature("(sa(iiay)ss)")]
Read: Final = PropertyAccess.READ


class Item(ServiceInterface):
    """`clicked`: where the panel opens no menu of its own at a click."""

    def __init__(self, view: IconView, clicked: Callable[[], None]) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._view = view
        self._clicked = clicked
        self._signals: dict[str, None] = {}  # signals, in the order in which they go out
        self._next: asyncio.TimerHandle | None = None

    def show(self, view: IconView) -> None:
        """On the loop. Panels listen to the signals, screen readers to the properties.

        At each signal some panels read everything anew, pictures included, which is more than a socket takes of three
        at once: so signals go out one after the other, that for the picture in view first and at once.
        """
        before, self._view = self._view, view
        self._signals |= dict.fromkeys(self._changes(before, view))
        if self._next is None:
            self._tell_next()

    @staticmethod
    def _changes(before: IconView, view: IconView) -> list[str]:
        """Which signals are owed. While a person is needed panels show the attention's picture, else the icon's."""
        needed, needs = before.icon.needs_a_person, view.icon.needs_a_person
        pictures = ["NewAttentionIcon", "NewIcon"] if needs and needed else ["NewIcon", *["NewAttentionIcon"] * needs]
        signals = pictures if view.icon.look != before.icon.look or needs != needed else []
        if needs != needed:
            signals = [*signals, "NewStatus"] if needs else ["NewStatus", *signals]
        return signals if (view.title, view.text) == (before.title, before.text) else [*signals, WORDS]

    def _tell_next(self) -> None:
        self._next = None
        if self._signals:
            signal = next(iter(self._signals))
            del self._signals[signal]
            self._tell(signal)
            self._next = asyncio.get_running_loop().call_later(APART, self._tell_next)

    def _tell(self, signal: str) -> None:
        match signal:
            case "NewIcon":
                self.NewIcon()
            case "NewAttentionIcon":
                self.NewAttentionIcon()
            case "NewStatus":
                self.NewStatus(self._status(self._view))
            case _:
                self.NewTitle()
                self.NewToolTip()
                said = ("Title", "ToolTip", "IconAccessibleDesc", "AttentionAccessibleDesc", "Status")
                self.emit_properties_changed({name: getattr(self, name) for name in said})

    @staticmethod
    def _status(view: IconView) -> str:
        return "NeedsAttention" if view.icon.needs_a_person else "Active"

    @staticmethod
    def _pixmaps(icon: IconState) -> list[list[object]]:
        return [[size, size, pixels(icon, size)] for size in SIZES]

    # -- properties, by their names on the bus --------------------------------------------------------------------

    @dbus_property(Read)
    def Category(self) -> DBusStr:  # noqa: N802
        return "SystemServices"

    @dbus_property(Read)
    def Id(self) -> DBusStr:  # noqa: N802
        return "eyelid"

    @dbus_property(Read)
    def Title(self) -> DBusStr:  # noqa: N802
        return self._view.title

    @dbus_property(Read)
    def Status(self) -> DBusStr:  # noqa: N802
        return self._status(self._view)

    @dbus_property(Read)
    def WindowId(self) -> DBusInt32:  # noqa: N802
        return 0

    @dbus_property(Read)
    def IconName(self) -> DBusStr:  # noqa: N802
        return ""  # no theme has our eye

    @dbus_property(Read)
    def IconPixmap(self) -> Pixmaps:  # noqa: N802
        return self._pixmaps(self._view.icon)  # type: ignore[return-value]

    @dbus_property(Read)
    def IconAccessibleDesc(self) -> DBusStr:  # noqa: N802
        return f"{self._view.title}. {self._view.text}"

    @dbus_property(Read)
    def OverlayIconName(self) -> DBusStr:  # noqa: N802
        return ""

    @dbus_property(Read)
    def AttentionIconName(self) -> DBusStr:  # noqa: N802
        return ""

    @dbus_property(Read)
    def AttentionIconPixmap(self) -> Pixmaps:  # noqa: N802
        return self._pixmaps(self._view.icon) if self._view.icon.needs_a_person else []  # type: ignore[return-value]

    @dbus_property(Read)
    def AttentionAccessibleDesc(self) -> DBusStr:  # noqa: N802
        return f"{self._view.title}. {self._view.text}"

    @dbus_property(Read)
    def ToolTip(self) -> ToolTip:  # noqa: N802
        return ["", [], self._view.title, self._view.text]

    @dbus_property(Read)
    def ItemIsMenu(self) -> DBusBool:  # noqa: N802
        return True

    @dbus_property(Read)
    def Menu(self) -> DBusObjectPath:  # noqa: N802
        return MENU_PATH

    # -- what the panel asks --------------------------------------------------------------------------------------

    @dbus_method()
    def Activate(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: N802, ARG002
        self._clicked()

    @dbus_method()
    def SecondaryActivate(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: N802, ARG002
        self._clicked()

    @dbus_method()
    def ContextMenu(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: N802, ARG002
        self._clicked()

    @dbus_method()
    def Scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:  # noqa: N802
        """Nothing: a wheel that pauses a recording would be an accident."""

    # -- what it tells the panel ----------------------------------------------------------------------------------

    @dbus_signal()
    def NewTitle(self) -> None: ...  # noqa: N802

    @dbus_signal()
    def NewIcon(self) -> None: ...  # noqa: N802

    @dbus_signal()
    def NewAttentionIcon(self) -> None: ...  # noqa: N802

    @dbus_signal()
    def NewToolTip(self) -> None: ...  # noqa: N802

    @dbus_signal()
    def NewStatus(self, status: str) -> DBusStr:  # noqa: N802
        return status
