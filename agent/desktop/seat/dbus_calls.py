"""Asking on D-Bus, and the names of those who are asked."""

from __future__ import annotations

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


LOST: Final = (Refusal, DBusFastError, OSError, EOFError)  # what reaching a bus and asking on it may raise


async def ask(bus: MessageBus, name: str, path: str, member: str, signature: str = "", *body: Any) -> Message:
    """The reply; `member` with its interface. Starts no service that is not running. Raises Refusal."""
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
    answer = await bus.call(question)
    if answer is None or answer.message_type is MessageType.ERROR:
        raise Refusal(f"{name} does not answer {method}")
    return answer


async def call(bus: MessageBus, name: str, path: str, member: str, signature: str = "", *body: Any) -> list[Any]:
    """The reply's body; otherwise as `ask`."""
    return list((await ask(bus, name, path, member, signature, *body)).body)


async def watch(bus: MessageBus, rule: str) -> None:
    await call(bus, BUS, BUS_PATH, f"{BUS}.AddMatch", "s", f"type='signal',{rule}")
