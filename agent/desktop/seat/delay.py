"""A suspend waits until the recording is closed and its key forgotten: logind's delay inhibitor.

While its descriptor is open logind puts off the sleep that it has announced, for InhibitDelayMaxSec at most (five
seconds as shipped; org.freedesktop.login1(5), systemd-inhibit(1)).
"""

from __future__ import annotations

import os

from dbus_fast.aio import MessageBus

from agent.desktop.seat.dbus_calls import LOGIND, LOGIND_PATH, MANAGER, Refusal, ask


class SleepDelay:
    """Taken and released on the seat's thread."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    async def take(self, bus: MessageBus) -> None:
        """Nothing changes where it is held already, or where logind refuses: while a sleep is under way it does."""
        if self.held:
            return
        try:
            words = ("sleep", "Eyelid", "The recording is being closed", "delay")
            answer = await ask(bus, LOGIND, LOGIND_PATH, f"{MANAGER}.Inhibit", "ssss", *words)
        except Refusal:
            return
        self.let_go()  # another one may have come meanwhile
        self._descriptor = answer.unix_fds[answer.body[0]]

    def let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
