"""The tray of Linux desktops: shows the icon wherever a StatusNotifier host is, again whenever one comes back.

Where there is none a notice says so once. Everything here runs in one asyncio loop; the recorder is heard in threads
of their own, and what was clicked is carried out in another, so that the panel never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from html import escape
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType, NameFlag, RequestNameReply, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from agent.errors import EnvironmentFault, UserError
from agent.tray.bus_menu import BusMenu
from agent.tray.icon_state import Status
from agent.tray.indicator import Indicator
from agent.tray.item import MENU_PATH, PATH, Item
from agent.tray.listener import Pauses
from agent.tray.menu import Action
from agent.tray.notifier import Notice
from agent.tray.sd_notify import still_here

log = logging.getLogger(__name__)

NAME: Final = "org.eyelid.Tray"  # one a session
WATCHER: Final = "org.kde.StatusNotifierWatcher"
WATCHER_PATH: Final = "/StatusNotifierWatcher"
NOTIFICATIONS: Final = "org.freedesktop.Notifications"
NOTIFICATIONS_PATH: Final = "/org/freedesktop/Notifications"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
HOST_WITHIN: Final = 10.0  # seconds after our start in which a panel should be there: both start with the session
URGENT: Final = {True: 2, False: 1}  # urgency levels: critical, normal


class _Refused(Exception):
    """The service is not there, or says no."""


class Panel:
    """`agent.tray.indicator.Icon` on the session bus."""

    def __init__(self, *, host_within: float = HOST_WITHIN) -> None:
        self._host_within = host_within
        self._listening = False
        self._notified: dict[str, int] = {}  # topic -> number of the notice that stands
        self._work: set[asyncio.Task[None]] = set()  # that is under way: a task without a reference may be collected

    def run(self, indicator: Indicator) -> None:
        """Raises EnvironmentFault without a session bus, UserError where the eye is shown already."""
        asyncio.run(self._serve(indicator))

    async def _serve(self, indicator: Indicator) -> None:
        serving = asyncio.ensure_future(self._serve_until_gone(indicator))
        for number in (signal.SIGTERM, signal.SIGINT):
            # Whatever it waits for: also for an answer of a bus that gives none any more.
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    async def _serve_until_gone(self, indicator: Indicator) -> None:
        while await self._serve_once(indicator):
            log.info("the session bus was busy and broke off; the icon is shown anew")

    async def _serve_once(self, indicator: Indicator) -> bool:
        """Whether it must be begun anew: dbus-fast 5.2 gives a connection up whose socket is full for a moment."""
        try:
            bus = await MessageBus(bus_type=BusType.SESSION).connect()
        except (DBusFastError, OSError, EOFError) as failure:
            raise EnvironmentFault(
                "There is no session bus here, so no tray can be reached: start `eyelid tray` in the desktop session."
            ) from failure
        try:
            await self._begin(bus, indicator)
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        except BlockingIOError:
            return True
        finally:
            bus.disconnect()
        return False

    async def _begin(self, bus: MessageBus, indicator: Indicator) -> None:
        still_here()  # starting takes its time on a busy PC
        self._bus, self._indicator, self._loop = bus, indicator, asyncio.get_running_loop()
        if await bus.request_name(NAME, NameFlag.DO_NOT_QUEUE) is not RequestNameReply.PRIMARY_OWNER:
            raise UserError("The eye is already shown in this session.")
        view = indicator.view
        self._item, self._menu = Item(view, self._icon_clicked), BusMenu(view.entries, self._entry_clicked)
        bus.export(PATH, self._item)
        bus.export(MENU_PATH, self._menu)
        self._own_name = f"org.kde.StatusNotifierItem-{os.getpid()}-1"
        await bus.request_name(self._own_name)
        bus.add_message_handler(self._hear)
        await self._watch(f"sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{WATCHER}'")
        # The keeper of the list of icons may hang, at a log-on above all: nothing here waits for it.
        self._start(self._register())
        self._start(self._look_for_host())
        if not self._listening:
            self._listening = True
            indicator.listen(self._deliver)

    # -- the panel ------------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        """Tell the keeper of the list of icons. A panel that starts anew has forgotten us."""
        try:
            await self._call(WATCHER, WATCHER_PATH, f"{WATCHER}.RegisterStatusNotifierItem", "s", self._own_name)
        except _Refused:
            log.info("no tray is here yet; the icon appears as soon as there is one")

    def _hear(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if name == WATCHER and owner:
                self._start(self._register())

    async def _look_for_host(self) -> None:
        await asyncio.sleep(self._host_within)
        try:
            [registered] = await self._call(
                WATCHER, WATCHER_PATH, f"{PROPERTIES}.Get", "ss", WATCHER, "IsStatusNotifierHostRegistered"
            )
            found = bool(registered.value)
        except _Refused:
            found = False
        if not found:
            for notice in self._indicator.no_host():
                await self._notify(notice)

    # -- what the recorder tells ----------------------------------------------------------------------------------

    def _deliver(self, status: Status | None, pauses: Pauses | None) -> None:
        """From the threads that listen."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, status, pauses)

    def _take(self, status: Status | None, pauses: Pauses | None) -> None:
        """Comes every second or two, and at most about nine apart, whatever becomes of the recorder."""
        notices = self._indicator.take(status, pauses)
        view = self._indicator.view
        self._item.show(view)
        self._menu.show(view.entries)
        still_here()  # shown, and not only heard
        for notice in notices:
            self._start(self._notify(notice))

    # -- what the person does -------------------------------------------------------------------------------------

    def _icon_clicked(self) -> None:
        self._start(self._notify(self._indicator.sentence()))

    def _entry_clicked(self, action: Action) -> None:
        self._start(self._act(action))

    async def _act(self, action: Action) -> None:
        refusal = await self._loop.run_in_executor(None, self._indicator.act, action)
        if refusal is not None:
            await self._notify(refusal)

    async def _notify(self, notice: Notice) -> None:
        hints = {"urgency": Variant("y", URGENT[notice.urgent]), "desktop-entry": Variant("s", "eyelid")}
        replaced = self._notified.get(notice.topic, 0)
        body = ["Eyelid", replaced, "", notice.title, escape(notice.body, quote=False), [], hints, -1]
        try:
            [number] = await self._call(
                NOTIFICATIONS, NOTIFICATIONS_PATH, f"{NOTIFICATIONS}.Notify", "susssasa{sv}i", *body
            )
            self._notified[notice.topic] = number
        except _Refused:
            log.warning("this desktop shows no notices: %s: %s", notice.title, notice.body)

    # -- the bus --------------------------------------------------------------------------------------------------

    def _start(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _watch(self, rule: str) -> None:
        bus = "org.freedesktop.DBus"
        await self._call(bus, "/org/freedesktop/DBus", f"{bus}.AddMatch", "s", f"type='signal',{rule}")

    async def _call(self, name: str, path: str, member: str, signature: str, *body: Any) -> list[Any]:
        """The answer's body; `member` with its interface. Raises _Refused."""
        interface, _, method = member.rpartition(".")
        question = Message(
            destination=name, path=path, interface=interface, member=method, signature=signature, body=list(body)
        )
        try:
            answer = await self._bus.call(question)
        except (DBusFastError, OSError, EOFError) as failure:
            raise _Refused(str(failure)) from failure
        if answer is None or answer.message_type is MessageType.ERROR:
            raise _Refused(f"{name} does not answer {member}")
        return list(answer.body)
