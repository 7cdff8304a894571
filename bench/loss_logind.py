"""A logind on a private bus that says what a case tells it to: about to sleep, and awake again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from testkit.stage import running

NAME: Final = "org.freedesktop.login1"
PATH: Final = "/org/freedesktop/login1"
SESSION_PATH: Final = f"{PATH}/session/_37"
SESSION_ID: Final = "7"


class Logind:
    """One session, in front and unlocked, in a thread of its own."""

    def __init__(self, address: str) -> None:
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": address, "XDG_SESSION_ID": SESSION_ID}
        self._sleeping = False
        self._delays: list[int] = []  # our ends of the inhibitors that were handed out
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="logind")
        self._thread.start()
        self._bus: MessageBus = self._do(self._begin(address))

    def sleep(self, about_to: bool) -> None:
        """PrepareForSleep, as before a suspend (True) and after it (False)."""
        self._sleeping = about_to
        self._do(self._signal(about_to))

    def may_sleep(self) -> bool:
        """Whether nobody delays it any more: every inhibitor that was handed out has been let go."""
        return bool(self._do(self._count()) == 0)

    async def _count(self) -> int:
        ready, _, _ = select.select(self._delays, [], [], 0)
        for descriptor in ready:  # the other end is closed: nobody writes into one
            os.close(descriptor)
            self._delays.remove(descriptor)
        return len(self._delays)

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError):  # the bus may have gone first, where a run is broken off
            self._do(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _begin(self, address: str) -> MessageBus:
        bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
        bus.add_message_handler(self._hear)
        await bus.request_name(NAME)
        return bus

    async def _signal(self, about_to: bool) -> None:
        await self._bus.send(Message.new_signal(PATH, f"{NAME}.Manager", "PrepareForSleep", "b", [about_to]))

    async def _leave(self) -> None:
        self._bus.disconnect()
        await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _hear(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "Inhibit":
            ours, theirs = os.pipe()
            self._delays.append(ours)
            self._loop.call_later(1, os.close, theirs)  # sent by then
            return Message.new_method_return(message, "h", [0], unix_fds=[theirs])
        answers: dict[tuple[Any, ...], tuple[str, Any]] = {
            ("GetSession", SESSION_ID): ("o", SESSION_PATH),
            ("GetAll", f"{NAME}.Session"): ("a{sv}", {"LockedHint": Variant("b", False), "Active": Variant("b", True)}),
            ("Get", f"{NAME}.Manager", "PreparingForSleep"): ("v", Variant("b", self._sleeping)),
            ("Get", f"{NAME}.Manager", "PreparingForShutdown"): ("v", Variant("b", False)),
        }
        answer = answers.get((message.member, *message.body))
        if answer is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "not here")
        return Message.new_method_return(message, answer[0], [answer[1]])


@contextmanager
def logind(folder: Path) -> Iterator[Logind]:
    address = f"unix:path={folder / 'system-bus'}"
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}"]
    with running("the bus", command, folder / "bus.log", os.environ) as bus:
        bus.until((folder / "system-bus").exists, "it listened")
        made = Logind(address)
        try:
            yield made
        finally:
            made.close()
