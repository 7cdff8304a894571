"""The menu on D-Bus: com.canonical.dbusmenu, which every StatusNotifier host understands.

https://github.com/AyatanaIndicators/libdbusmenu/blob/master/libdbusmenu-glib/dbus-menu.xml
"""

# No `from __future__ import annotations` here: dbus-fast reads signatures from annotations, and takes no "None".

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

from dbus_fast import PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.tray.menu import Action, Entry

ROOT: Final = 0
Read: Final = PropertyAccess.READ
Properties = dict[str, Variant]
Layout = Annotated[list[Any], DBusSignature("u(ia{sv}av)")]
Ids = Annotated[list[int], DBusSignature("ai")]
Names = Annotated[list[str], DBusSignature("as")]
Described = Annotated[list[Any], DBusSignature("a(ia{sv})")]
Events = Annotated[list[Any], DBusSignature("a(isvu)")]
TwoIds = Annotated[list[Any], DBusSignature("aiai")]
Updated = Annotated[list[Any], DBusSignature("a(ia{sv})a(ias)")]
Revised = Annotated[list[Any], DBusSignature("ui")]


class BusMenu(ServiceInterface):
    """`clicked`: an entry with an action was chosen."""

    def __init__(self, entries: tuple[Entry, ...], clicked: Callable[[Action], None]) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._clicked = clicked
        self._revision = 1
        self._ids: dict[str, int] = {}  # an entry keeps its number, so that a click that is late hits what was meant
        self._root = Entry("root", children=entries)
        self._number(self._root)

    def show(self, entries: tuple[Entry, ...]) -> None:
        """A menu that is open stays open: only labels that changed are told, unless entries came or went."""
        before = {self._ids[entry.key]: entry for entry in _walk(self._root)}
        shape = _shape(self._root)
        self._root = Entry("root", children=entries)
        self._number(self._root)
        if _shape(self._root) != shape:
            self._revision += 1
            self.LayoutUpdated(self._revision, ROOT)
            return
        changed = [
            [number, _properties(entry)]
            for entry in _walk(self._root)
            if before[number := self._ids[entry.key]].label != entry.label
        ]
        if changed:
            self.ItemsPropertiesUpdated(changed, [])

    def _number(self, entry: Entry) -> None:
        self._ids.setdefault("root", ROOT)
        for each in _walk(entry):
            self._ids.setdefault(each.key, len(self._ids))

    def _found(self, number: int) -> Entry | None:
        return next((entry for entry in _walk(self._root) if self._ids[entry.key] == number), None)

    def _laid_out(self, entry: Entry, depth: int) -> list[Any]:
        """`depth`: how many levels below it are wanted, -1 for all."""
        children = entry.children if depth else ()
        below = [Variant("(ia{sv}av)", self._laid_out(child, depth - 1)) for child in children]
        return [self._ids[entry.key], _properties(entry), below]

    def _happened(self, number: int, event: str) -> None:
        entry = self._found(number)
        if event == "clicked" and entry is not None and entry.action is not None:
            self._clicked(entry.action)

    # -- by their names on the bus --------------------------------------------------------------------------------

    @dbus_property(Read)
    def Version(self) -> DBusUInt32:  # noqa: N802
        return 3

    @dbus_property(Read)
    def TextDirection(self) -> DBusStr:  # noqa: N802
        return "ltr"

    @dbus_property(Read)
    def Status(self) -> DBusStr:  # noqa: N802
        return "normal"

    @dbus_property(Read)
    def IconThemePath(self) -> Names:  # noqa: N802
        return []

    @dbus_method()
    def GetLayout(self, parent: DBusInt32, depth: DBusInt32, names: Names) -> Layout:  # noqa: N802, ARG002
        return [self._revision, self._laid_out(self._found(parent) or self._root, depth)]

    @dbus_method()
    def GetGroupProperties(self, numbers: Ids, names: Names) -> Described:  # noqa: N802, ARG002
        wanted = set(numbers)
        entries = [(self._ids[entry.key], entry) for entry in _walk(self._root)]
        return [[number, _properties(entry)] for number, entry in entries if not wanted or number in wanted]

    @dbus_method()
    def GetProperty(self, number: DBusInt32, name: DBusStr) -> DBusVariant:  # noqa: N802
        entry = self._found(number)
        return Variant("s", "") if entry is None else _properties(entry).get(name, Variant("s", ""))

    @dbus_method()
    def Event(self, number: DBusInt32, event: DBusStr, data: DBusVariant, at: DBusUInt32) -> None:  # noqa: N802, ARG002
        self._happened(number, event)

    @dbus_method()
    def EventGroup(self, events: Events) -> Ids:  # noqa: N802
        for number, event, _, _ in events:
            self._happened(number, event)
        return []

    @dbus_method()
    def AboutToShow(self, number: DBusInt32) -> DBusBool:  # noqa: N802, ARG002
        return False  # it is always kept up to date

    @dbus_method()
    def AboutToShowGroup(self, numbers: Ids) -> TwoIds:  # noqa: N802, ARG002
        return [[], []]

    @dbus_signal()
    def LayoutUpdated(self, revision: int, parent: int) -> Revised:  # noqa: N802
        return [revision, parent]

    @dbus_signal()
    def ItemsPropertiesUpdated(self, changed: list[Any], removed: list[Any]) -> Updated:  # noqa: N802
        return [changed, removed]


def _walk(entry: Entry) -> Iterable[Entry]:
    yield entry
    for child in entry.children:
        yield from _walk(child)


def _shape(entry: Entry) -> tuple[object, ...]:
    return (entry.key, entry.action is None, *(_shape(child) for child in entry.children))


def _properties(entry: Entry) -> Properties:
    if entry.key == "root":
        return {"children-display": Variant("s", "submenu")}
    if not entry.label:
        return {"type": Variant("s", "separator")}
    said = {"label": Variant("s", entry.label.replace("_", "__"))}  # a single one would underline the letter after it
    if entry.children:
        said["children-display"] = Variant("s", "submenu")
    # What only says something is no greyer than the rest: it is what people open the menu for.
    return said
