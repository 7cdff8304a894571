"""Asking on D-Bus, the names of those who are asked, and who may speak for a name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

BUS: Final = "org.freedesktop.DBus"
BUS_PATH: Final = "/org/freedesktop/DBus"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
LOGIND: Final = "org.freedesktop.login1"
LOGIND_PATH: Final = "/org/freedesktop/login1"
MANAGER: Final = f"{LOGIND}.Manager"
SESSION: Final = f"{LOGIND}.Session"
USER: Final = f"{LOGIND}.User"


class Refusal(Exception):
    """The service is not there or does not answer the question."""


ANSWER: Final = 10.0  # seconds for an answer. logind takes milliseconds
LOST: Final = (Refusal, DBusFastError, OSError, EOFError)  # what reaching a bus and asking on it may raise


async def ask(bus: MessageBus, name: str, path: str, member: str, signature: str = "", *body: Any) -> Message:
    """The reply; `member` with its interface. Starts no service that is not running. Raises Refusal, and
    TimeoutError where nothing is said."""
    interface, _, method = member.rpartition(".")
    question = Message(
        destination=name,
        path=path,
        interface=interface,
        member=method,
        signature=signature,
        body=list(body),
        flags=MessageFlag.NO_AUTOSTART,
    )
    async with asyncio.timeout(ANSWER):
        answer = await bus.call(question)
    if answer is None or answer.message_type is MessageType.ERROR:
        raise Refusal(f"{name} does not answer {method}")
    return answer


async def call(bus: MessageBus, name: str, path: str, member: str, signature: str = "", *body: Any) -> list[Any]:
    """The reply's body; otherwise as `ask`."""
    return list((await ask(bus, name, path, member, signature, *body)).body)


async def watch(bus: MessageBus, rule: str) -> None:
    await call(bus, BUS, BUS_PATH, f"{BUS}.AddMatch", "s", f"type='signal',{rule}")


class Owners:
    """The connection behind each of some names.

    A match rule does not keep others out: a signal that is sent to one connection reaches it without any. The bus
    writes every message's sender itself, as the connection's own name, so what speaks for a name can be checked.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._owners: dict[str, str] = dict.fromkeys(names, "")

    async def begin(self, bus: MessageBus) -> None:
        for name in self._owners:
            await watch(bus, f"sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{name}'")
            try:
                [self._owners[name]] = await call(bus, BUS, BUS_PATH, f"{BUS}.GetNameOwner", "s", name)
            except Refusal:
                self._owners[name] = ""

    def changed(self, message: Message) -> str | None:
        """The name whose owner has changed, if that is what the bus says here."""
        if message.sender != BUS or message.member != "NameOwnerChanged" or message.body[0] not in self._owners:
            return None
        name, _, owner = message.body
        self._owners[name] = owner
        return str(name)

    def believes(self, sender: str) -> bool:
        """Whether what this connection says can matter: it is the bus, or behind one of the names."""
        return sender == BUS or (bool(sender) and sender in self._owners.values())

    def is_there(self, name: str) -> bool:
        return bool(self._owners[name])

    def sent(self, message: Message, name: str) -> bool:
        return message.message_type is MessageType.SIGNAL and message.sender == (self._owners.get(name) or None)
