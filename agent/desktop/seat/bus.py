"""What logind and the desktop's screen saver say on D-Bus about the person in front: locked, away, asleep, leaving.

A source that was there and cannot be heard any more is a hold of its own: what it said before may no longer be true.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from dbus_fast import BusType, Message
from dbus_fast.aio import MessageBus

from agent.core.model.rules import Hold
from agent.desktop.seat.dbus_calls import (
    LOGIND,
    LOGIND_PATH,
    LOST,
    MANAGER,
    PROPERTIES,
    SESSION,
    USER,
    Owners,
    Refusal,
    call,
    watch,
)
from agent.desktop.seat.delay import SleepDelay

# name on the bus and interface -> object path. KDE and others answer to the freedesktop name, GNOME to both.
SCREEN_SAVERS: Final[Mapping[str, str]] = {
    "org.freedesktop.ScreenSaver": "/org/freedesktop/ScreenSaver",
    "org.gnome.ScreenSaver": "/org/gnome/ScreenSaver",
    "org.cinnamon.ScreenSaver": "/org/cinnamon/ScreenSaver",
    "org.mate.ScreenSaver": "/org/mate/ScreenSaver",
    "org.xfce.ScreenSaver": "/org/xfce/ScreenSaver",
}


ENDS: Final = frozenset({Hold.LOGOFF, Hold.SHUTDOWN})


class Source(Protocol):
    """One bus and what is read from it."""

    name: str
    bus_type: BusType

    def holds(self) -> frozenset[Hold]: ...

    def believes(self, sender: str) -> bool:
        """Whether what this connection says is read at all."""

    async def begin(self, bus: MessageBus) -> None:
        """Watch first, then ask, so that no change falls between. Raises one of `LOST` when no service answers."""

    def lose(self) -> None:
        """Nothing is heard any more, or nothing was."""

    def hear(self, message: Message) -> None:
        """Any message that reached this connection: its sender is still to be checked."""


class Logind:
    """systemd-logind: this session's LockedHint, Active and end, PrepareForSleep and PrepareForShutdown
    (org.freedesktop.login1(5)). A sleep that it announces waits for `let_sleep`."""

    name = "logind (locked, switched away, about to sleep, ending)"
    bus_type = BusType.SYSTEM

    def __init__(self, on_change: Callable[[], None], address: str | None = None) -> None:
        """`on_change`: called when it has asked again and `holds` may differ, on the seat's thread. `address`: of its
        bus, as in DBUS_SYSTEM_BUS_ADDRESS."""
        self._on_change = on_change
        self._locked = False
        self._active = True
        self._asleep = False
        self._ended = False
        self._shutdown = False
        self._session = ""
        self._heard = False  # at any time
        self._silent = False  # it is there, or was, and has not answered since
        self._bus: MessageBus | None = None
        self._owners = Owners([LOGIND])
        self.believes = self._owners.believes
        self._delay = SleepDelay(address, self.believes)
        self._asking: asyncio.Task[None] | None = None

    @property
    def delays(self) -> bool:
        """Whether a sleep would wait for this recorder."""
        return self._delay.held

    def holds(self) -> frozenset[Hold]:
        said = {
            Hold.LOCKED: self._locked,
            Hold.NOT_IN_FRONT: not self._active,
            Hold.SUSPENDED: self._asleep,
            Hold.LOGOFF: self._ended,
            Hold.SHUTDOWN: self._shutdown,
        }
        holds = frozenset(hold for hold, on in said.items() if on)
        # The end of the session stays true when the bus goes with it.
        return (holds & ENDS or frozenset({Hold.SEAT_UNKNOWN})) if self._silent else holds

    async def begin(self, bus: MessageBus) -> None:
        self._bus = bus
        await self._owners.begin(bus)
        self._silent |= self._owners.is_there(LOGIND)
        try:
            await self._watch(bus)
        except Refusal:
            self._silent = self._heard  # it answers, and knows no session of this user: as if it were not there
            raise

    async def _watch(self, bus: MessageBus) -> None:
        self._session = await _own_session(bus)
        await watch(bus, f"sender='{LOGIND}',interface='{PROPERTIES}',path='{self._session}'")
        for member in ("PrepareForSleep", "PrepareForShutdown", "SessionRemoved"):
            await watch(bus, f"sender='{LOGIND}',interface='{MANAGER}',member='{member}'")
        await self._ask(bus)

    async def _ask(self, bus: MessageBus) -> None:
        [properties] = await call(bus, LOGIND, self._session, f"{PROPERTIES}.GetAll", "s", SESSION)
        self._note(properties)
        self._ended = False  # it has just answered for this session
        [sleeping] = await call(bus, LOGIND, LOGIND_PATH, f"{PROPERTIES}.Get", "ss", MANAGER, "PreparingForSleep")
        self._asleep = bool(sleeping.value)
        if not self._asleep:
            await self._delay.take()
        [ending] = await call(bus, LOGIND, LOGIND_PATH, f"{PROPERTIES}.Get", "ss", MANAGER, "PreparingForShutdown")
        self._shutdown = bool(ending.value)
        self._heard, self._silent = True, False

    async def _ask_again(self, bus: MessageBus) -> None:
        try:
            await self._ask(bus)
        except LOST:
            bus.disconnect()  # following the bus finds out, and comes back

    def lose(self) -> None:
        self._silent |= self._heard

    def hear(self, message: Message) -> None:
        if self._owners.changed(message):
            self.lose()
            if self._owners.is_there(LOGIND):
                self._start(self._ask_again)  # it has started anew, and tells nothing of what changed meanwhile
        elif not self._owners.sent(message, LOGIND):
            return
        elif message.member == "PrepareForSleep" and message.interface == MANAGER:
            self._asleep = bool(message.body[0])
            if not self._asleep:
                self._start(self._delay_again)  # for the next sleep
        elif message.member == "PrepareForShutdown" and message.interface == MANAGER:
            self._shutdown = bool(message.body[0])  # False: it was called off
        elif message.member == "SessionRemoved" and message.body[1] == self._session:
            self._ended = True
        elif message.member == "PropertiesChanged" and message.path == self._session and message.body[0] == SESSION:
            self._note(message.body[1])

    async def _delay_again(self, _: MessageBus) -> None:
        with contextlib.suppress(*LOST):
            await self._delay.take()

    def _start(self, ask: Callable[[MessageBus], Awaitable[None]]) -> None:
        if self._bus is not None:
            self._asking = asyncio.ensure_future(ask(self._bus))
            self._asking.add_done_callback(lambda _: self._on_change())

    def let_sleep(self) -> None:
        """Nothing is open any more: the sleep that was announced need not wait."""
        if self._asleep:
            self._delay.let_go()

    def leave(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._delay.let_go()

    def _note(self, properties: Mapping[str, Any]) -> None:
        if "LockedHint" in properties:
            self._locked = bool(properties["LockedHint"].value)
        if "Active" in properties:
            self._active = bool(properties["Active"].value)


async def _own_session(bus: MessageBus) -> str:
    """The object path of the graphical session that this process belongs to.

    A systemd user service is in no session: then it is the one that logind calls the user's display.
    """
    named = os.environ.get("XDG_SESSION_ID")
    try:
        if named:
            [path] = await call(bus, LOGIND, LOGIND_PATH, f"{MANAGER}.GetSession", "s", named)
        else:
            [path] = await call(bus, LOGIND, LOGIND_PATH, f"{MANAGER}.GetSessionByPID", "u", os.getpid())
    except Refusal:
        [user] = await call(bus, LOGIND, LOGIND_PATH, f"{MANAGER}.GetUser", "u", os.getuid())
        [shown] = await call(bus, LOGIND, user, f"{PROPERTIES}.Get", "ss", USER, "Display")
        path = shown.value[1]
    return str(path)


class ScreenSavers:
    """The screen savers of the desktops: GetActive, and ActiveChanged when it starts or ends."""

    name = "the desktop's screen saver (locked)"
    bus_type = BusType.SESSION

    def __init__(self) -> None:
        self._active: dict[str, bool] = {}
        self._owners = Owners(SCREEN_SAVERS)
        self.believes = self._owners.believes
        self._there = False  # any of them, at any time: a bus that ends may tell of their end first
        self._silent = False

    def holds(self) -> frozenset[Hold]:
        if self._silent:
            return frozenset({Hold.SEAT_UNKNOWN})
        return frozenset({Hold.LOCKED}) if any(self._active.values()) else frozenset()

    async def begin(self, bus: MessageBus) -> None:
        await self._owners.begin(bus)
        for name in SCREEN_SAVERS:
            await watch(bus, f"interface='{name}',member='ActiveChanged'")
        self._active = {name: await _is_active(bus, name, path) for name, path in SCREEN_SAVERS.items()}
        self._there |= any(self._owners.is_there(name) for name in SCREEN_SAVERS)
        self._silent = False

    def lose(self) -> None:
        self._silent |= self._there

    def hear(self, message: Message) -> None:
        if name := self._owners.changed(message):
            self._there |= self._owners.is_there(name)
            self._active[name] &= self._owners.is_there(name)  # it ended, and its lock with it
        elif message.member == "ActiveChanged" and self._owners.sent(message, str(message.interface)):
            self._active[str(message.interface)] = bool(message.body[0])


async def _is_active(bus: MessageBus, name: str, path: str) -> bool:
    try:
        [active] = await call(bus, name, path, f"{name}.GetActive")
    except (Refusal, TimeoutError):
        return False  # this desktop has another, or none
    return bool(active)
