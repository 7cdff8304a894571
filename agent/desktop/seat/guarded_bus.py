"""A connection to a message bus on which a stranger's bytes never reach the D-Bus library.

On the system bus any user of the PC may send a signal to any connection by its own name, of up to 32 MB and with 64
containers in each other: dbus-fast takes seconds for the first and ends the connection at the second. So only the
header of a message is read here, and what is not from the bus or from a name that was asked for is dropped
(dbus.freedesktop.org/doc/dbus-specification.html, "Message Format").
"""

from __future__ import annotations

import errno
import os
import socket
from array import array
from collections.abc import Callable
from struct import Struct
from typing import Any, Final, cast

from dbus_fast import BusType
from dbus_fast.aio import MessageBus

FIXED: Final = 16  # bytes of a header before its fields
LONGEST: Final = 1 << 16  # bytes of a message. What logind and the bus say takes a few hundred
READ: Final = 1 << 18  # bytes of a message that is too long, in one call
STEPS: Final = 256  # in a row, three for a message, before the seat's other work has its turn
SENDER: Final = 7
FIELDS: Final = dict(enumerate((b"o", b"s", b"s", b"s", b"u", b"s", b"s", b"g", b"u"), start=1))  # code -> type
NUMBER: Final = {ord("l"): Struct("<I"), ord("B"): Struct(">I")}  # by a message's first byte

Believes = Callable[[str], bool]


def length_of(fixed: bytes | bytearray) -> tuple[int, int]:
    """Of the header, padded, and of the whole message. Raises ConnectionError where no message begins."""
    number = NUMBER.get(fixed[0])
    if number is None:
        raise ConnectionError("the bus sends what is no message")
    header = FIXED + number.unpack_from(fixed, 12)[0]
    header += -header % 8
    return header, header + number.unpack_from(fixed, 4)[0]


def sender_of(message: bytes | bytearray) -> str:
    """ "" without one, and where the header holds anything that the specification does not name. Never raises for a
    message whose length is that of `length_of`: what this reads and what dbus-fast reads must not differ."""
    number = NUMBER[message[0]]
    at, end = FIXED, FIXED + number.unpack_from(message, 12)[0]
    sender, seen = b"", set()
    while at < end:
        at += -at % 8
        code = message[at] if at < end else 0
        kind = FIELDS.get(code)
        if kind is None or code in seen or message[at + 1 : at + 4] != b"\1" + kind + b"\0":
            return ""
        seen.add(code)
        at += 4
        if kind == b"u":
            at += 4
        else:
            wide = 1 if kind == b"g" else 4
            if at + wide > end:
                return ""
            long = message[at] if wide == 1 else number.unpack_from(message, at)[0]
            text = message[at + wide : at + wide + long]
            at += wide + long + 1
            if at > end or message[at - 1]:
                return ""
            sender = bytes(text) if code == SENDER else sender
    return sender.decode("ascii", "replace") if at == end else ""


class Filter:
    """In place of the connection's socket: gives one whole message a call, of those whose sender is believed."""

    def __init__(self, sock: socket.socket, believes: Believes) -> None:
        self._sock = sock
        self._believes = believes
        self.passed = 0  # messages
        self._message = bytearray()
        self._wanted = FIXED
        self._skipped = 0  # bytes that are still to come of a message that is too long
        self._descriptors: list[int] = []  # of the message that is being read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int) -> bytes:
        """One whole message, whatever its size: what was held back here would wait for the next one to come."""
        return self.recvmsg(size, 0)[0]

    def recvmsg(self, _size: int, room: int) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        for _ in range(STEPS):
            if self._skipped:
                self._skipped -= len(self._skip())
            elif not self._read(room):
                return b"", []
            elif self._wanted == FIXED:
                _, self._wanted = length_of(self._message)
                if self._wanted > LONGEST:
                    self._skipped = self._wanted - FIXED
                    self._begin_next()
            else:
                message, descriptors = bytes(self._message), self._descriptors
                if self._believes(sender_of(message)):
                    self.passed += 1
                    self._descriptors = []
                    self._begin_next()
                    given = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors).tobytes())]
                    return message, given if descriptors else []
                self._begin_next()
        raise BlockingIOError(errno.EAGAIN, "strangers send a lot: the rest in the loop's next turn")

    def close(self) -> None:
        self._begin_next()
        self._sock.close()

    def _skip(self) -> bytes:
        return self._sock.recv(min(self._skipped, READ)) or self._gone()

    @staticmethod
    def _gone() -> bytes:
        raise EOFError

    def _read(self, room: int) -> bool:
        """Up to the end of what is wanted, so that descriptors always belong to the message that is being read. False
        when the bus has gone."""
        while missing := self._wanted - len(self._message):
            part, sent, _, _ = self._sock.recvmsg(missing, room)
            for level, kind, data in sent:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    self._descriptors += array("i", data[: len(data) // 4 * 4])
            if not part:
                return False
            self._message += part
        return True

    def _begin_next(self) -> None:
        self._message, self._wanted = bytearray(), FIXED
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


class GuardedBus(MessageBus):
    """`believes`: whether what this sender says is read; asked anew for each message."""

    def __init__(self, believes: Believes, kind: BusType, address: str | None, *, descriptors: bool = False) -> None:
        super().__init__(bus_type=kind, bus_address=address, negotiate_unix_fd=descriptors)
        self._believes = believes
        self._filter: Filter | None = None

    async def connect(self) -> MessageBus:
        await super().connect()
        if self._filter is None or not self._filter.passed:  # a dbus-fast that reads in another way
            self.disconnect()
            raise ConnectionError("strangers cannot be kept from this connection")
        return self

    async def _authenticate(self) -> None:
        """What reads messages is made after this, of `_sock`. What writes them has the socket already."""
        await super()._authenticate()
        if self._sock is not None:
            self._filter = Filter(self._sock, self._believes)
            self._sock = cast("socket.socket", self._filter)
