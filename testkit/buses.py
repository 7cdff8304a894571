"""D-Bus: a private bus, and a logind and a screen saver on it that say what they are told to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from struct import pack
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from testkit.displays import end

PROPERTIES = "org.freedesktop.DBus.Properties"
LOGIND = "org.freedesktop.login1"
SESSION = "7"
SESSION_PATH = "/org/freedesktop/login1/session/_37"
USER_PATH = "/org/freedesktop/login1/user/_1000"


@contextlib.contextmanager
def private_bus(folder: Path, name: str = "bus") -> Iterator[str]:
    """A message bus of its own; yields its address."""
    address = f"unix:path={folder / name}"
    command = [
        "/usr/bin/dbus-daemon",
        "--session",
        "--nofork",
        "--nopidfile",
        "--print-address",
        f"--address={address}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith(b"unix:path=")  # printed once it listens
        yield address
    finally:
        process.stdout.close()
        end(process)


def frame(fields: Sequence[tuple[int, str, str | int]], body: bytes = b"", *, kind: int = 4, order: str = "<") -> bytes:
    """A message to the byte: header fields as (code, type, value), in their order. `kind` 4: a signal."""
    head = b""
    for code, of_type, value in fields:
        head += b"\0" * (-len(head) % 8) + bytes([code, len(of_type)]) + of_type.encode() + b"\0"
        head += b"\0" * (-len(head) % (1 if of_type in "gy" else 4))
        if isinstance(value, int):
            head += pack(f"{order}I", value)
        else:
            text = value.encode()
            head += (bytes([len(text)]) if of_type == "g" else pack(f"{order}I", len(text))) + text + b"\0"
    start = (b"l" if order == "<" else b"B") + bytes([kind, 0, 1]) + pack(f"{order}III", len(body), 7, len(head))
    return start + head + b"\0" * (-len(head) % 8) + body


class Service(ABC):
    """A service on a bus, in a thread of its own. Subclasses answer calls."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name)
        self._thread.start()
        self._bus: MessageBus = self._do(self._begin(address))

    async def _begin(self, address: str) -> MessageBus:
        bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
        bus.add_message_handler(self._hear)
        await bus.request_name(self.name)
        return bus

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _hear(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        answer = self.answer(message)
        if answer is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "not here")
        signature, body = answer
        return Message.new_method_return(message, signature, [body])

    @abstractmethod
    def answer(self, message: Message) -> tuple[str, Any] | None:
        """Signature and body of the answer to a call; None: there is no such method."""

    def signal(self, path: str, interface: str, member: str, signature: str, *body: Any) -> None:
        async def send() -> None:
            await self._bus.send(Message.new_signal(path, interface, member, signature, list(body)))

        self._do(send())

    def signal_to_all(self, path: str, interface: str, member: str, signature: str, *body: Any) -> None:
        """To each connection by its own name, which no match rule keeps out. When it returns the bus has sent it on."""

        async def send() -> None:
            bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")
            names = await self._bus.call(Message(*bus))
            assert names is not None
            for name in names.body[0]:
                if name.startswith(":") and name != self._bus.unique_name:
                    message = Message.new_signal(path, interface, member, signature, list(body))
                    message.destination = name
                    await self._bus.send(message)
            await self._bus.call(Message(*bus[:3], "GetId"))

        self._do(send())

    def close(self) -> None:
        """Leaves the bus, as a service does that ends."""

        async def leave() -> None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

        with contextlib.suppress(OSError, EOFError):  # the bus may have gone first, where a bench is broken off
            self._do(leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Logind(Service):
    """One session. `by_process`: whether it knows which session a process is in (for a user service it does not)."""

    def __init__(self, address: str, *, by_process: bool = True, locked: bool = False) -> None:
        self.state = {"LockedHint": Variant("b", locked), "Active": Variant("b", True)}
        self.sleeping = False
        self.shutting_down = False
        self.mute = False  # hangs: answers nothing
        self.by_process = by_process
        self._delays: list[int] = []  # our ends of what was handed out
        self.address = address
        super().__init__(address, LOGIND)

    def _hear(self, message: Message) -> Message | None:
        if self.mute:
            return Message.new_signal("/", "org.example.Mute", "Mute")  # dbus-fast answers what no handler does
        if message.message_type is MessageType.METHOD_CALL and message.member == "Inhibit":
            read, written = os.pipe()
            self._delays.append(read)
            self._loop.call_later(1, os.close, written)  # sent by then
            return Message.new_method_return(message, "h", [0], unix_fds=[written])
        return super()._hear(message)

    def may_sleep(self) -> bool:
        """Whether nothing delays it any more: every inhibitor that was handed out has been released."""
        return bool(self._do(self._count()) == 0)

    async def _count(self) -> int:
        ready, _, _ = select.select(self._delays, [], [], 0)
        for descriptor in ready:  # the other end is closed: nothing is ever written into one
            os.close(descriptor)
            self._delays.remove(descriptor)
        return len(self._delays)

    def close(self) -> None:
        super().close()
        for descriptor in self._delays:
            os.close(descriptor)

    def answer(self, message: Message) -> tuple[str, Any] | None:
        answers: dict[tuple[Any, ...], tuple[str, Any]] = {
            ("GetSession", SESSION): ("o", SESSION_PATH),
            ("GetUser", os.getuid()): ("o", USER_PATH),
            ("Get", f"{LOGIND}.User", "Display"): ("v", Variant("(so)", [SESSION, SESSION_PATH])),
            ("Get", f"{LOGIND}.Manager", "PreparingForSleep"): ("v", Variant("b", self.sleeping)),
            ("Get", f"{LOGIND}.Manager", "PreparingForShutdown"): ("v", Variant("b", self.shutting_down)),
            ("GetAll", f"{LOGIND}.Session"): ("a{sv}", self.state),
        }
        if self.by_process:
            answers["GetSessionByPID", os.getpid()] = ("o", SESSION_PATH)
        return answers.get((message.member, *message.body))

    def set(self, name: str, value: bool) -> None:
        self.state[name] = Variant("b", value)
        changed = {name: Variant("b", value)}
        self.signal(SESSION_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", f"{LOGIND}.Session", changed, [])

    def sleep(self, about_to: bool) -> None:
        self.sleeping = about_to
        self.signal("/org/freedesktop/login1", f"{LOGIND}.Manager", "PrepareForSleep", "b", about_to)

    def shut_down(self, about_to: bool) -> None:
        self.shutting_down = about_to
        self.signal("/org/freedesktop/login1", f"{LOGIND}.Manager", "PrepareForShutdown", "b", about_to)

    def log_off(self, session: str = SESSION_PATH) -> None:
        """The session ends; the process that belonged to it may still run."""
        self.signal("/org/freedesktop/login1", f"{LOGIND}.Manager", "SessionRemoved", "so", SESSION, session)


class Stranger(Service):
    """Another program of any user that is on the bus, too."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "org.example.Stranger")

    async def _others(self, keeper: str) -> set[str]:
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        names = await self._bus.call(Message(*bus, "ListNames"))
        owner = await self._bus.call(Message(*bus, "GetNameOwner", signature="s", body=[keeper]))
        assert names is not None
        assert owner is not None
        others = {name for name in names.body[0] if name.startswith(":")} - {self._bus.unique_name, *owner.body}
        assert others
        return others

    def hand_descriptors(self, keeper: str, times: int) -> None:
        """Each time 16 of them to every connection but that of `keeper`. When it returns the bus has sent them on, or
        refused them."""

        async def send() -> None:
            bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
            others = await self._others(keeper)
            with open(os.devnull) as handed:  # noqa: ASYNC230, PTH123 - at once, and only its descriptor is wanted
                for name in [*others] * times:
                    fds = [handed.fileno()] * 16
                    message = Message.new_signal("/", "org.example.Stranger", "Take", "h" * 16, [*range(16)], fds)
                    message.destination = name
                    await self._bus.send(message)
            await self._bus.call(Message(*bus, "GetId"))

        self._do(send())

    def frame_to_others(self, keeper: str, signature: str, body: bytes) -> None:
        """A signal whose body no library would write, to all but `keeper`. When it returns the bus has sent it on."""

        async def send() -> None:
            bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
            for name in await self._others(keeper):
                head = [(1, "o", "/x"), (2, "s", "a.b"), (3, "s", "X"), (6, "s", name), (8, "g", signature)]
                assert self._bus._sock is not None
                await self._loop.sock_sendall(self._bus._sock, frame(head, body))
            await self._bus.call(Message(*bus, "GetId"))

        self._do(send())

    def answer(self, _: Message) -> None:
        return None


class ScreenSaver(Service):
    """`name` such as `org.gnome.ScreenSaver`."""

    def __init__(self, address: str, name: str, *, active: bool = False) -> None:
        self.active = active
        super().__init__(address, name)

    def answer(self, message: Message) -> tuple[str, Any] | None:
        return ("b", self.active) if message.member == "GetActive" else None

    def set(self, active: bool) -> None:
        self.active = active
        self.signal("/" + self.name.replace(".", "/"), self.name, "ActiveChanged", "b", active)
