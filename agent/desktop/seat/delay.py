"""A suspend waits until the recording is closed and its key forgotten: logind's delay inhibitor.

While its descriptor is open logind puts off the sleep that it has announced, for InhibitDelayMaxSec at most (five
seconds as shipped; org.freedesktop.login1(5), systemd-inhibit(1)).
"""

from __future__ import annotations

import os

from dbus_fast import BusType, Message, MessageType

from agent.desktop.seat.dbus_calls import LOGIND, LOGIND_PATH, MANAGER, Refusal, ask
from agent.desktop.seat.guarded_bus import Believes, GuardedBus


class SleepDelay:
    """Taken and released on the seat's thread. `address`: as in DBUS_SYSTEM_BUS_ADDRESS, None for the system's bus.
    `believes`: who is logind."""

    def __init__(self, address: str | None, believes: Believes) -> None:
        self._address = address
        self._believes = believes
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    async def take(self) -> None:
        """Nothing changes where it is held already, or where logind refuses: while a sleep is under way it does.

        Raises one of `LOST` where the bus cannot be reached.
        """
        if self.held:
            return
        # A connection for this question alone: any user of the PC may send descriptors to one that takes them.
        bus = GuardedBus(self._believes, BusType.SYSTEM, self._address, descriptors=True)
        bus.add_message_handler(_close_descriptors)
        try:
            await bus.connect()
            words = ("sleep", "Eyelid", "The recording is being closed", "delay")
            answer = await ask(bus, LOGIND, LOGIND_PATH, f"{MANAGER}.Inhibit", "ssss", *words)
        except (Refusal, TimeoutError):
            return
        finally:
            if bus.connected:
                bus.disconnect()
        self.let_go()  # another one may have come meanwhile
        self._descriptor = answer.unix_fds[answer.body[0]]

    def let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _close_descriptors(message: Message) -> None:
    """Of all but an answer, which is logind's or the bus's own."""
    if message.message_type is not MessageType.METHOD_RETURN:
        for descriptor in message.unix_fds:
            os.close(descriptor)
