"""Whether a person is in front of this session: one thread that listens to D-Bus and to the X server.

What cannot be heard is named in `blind_to`, for `eyelid doctor`: a session without a bus is recorded on the X
server's word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Final

from dbus_fast import Message

from agent.core.model.rules import Hold
from agent.desktop.seat.bus import Logind, ScreenSavers, Source
from agent.desktop.seat.dbus_calls import LOST
from agent.desktop.seat.display import DarkOrLocked
from agent.desktop.seat.guarded_bus import GuardedBus
from agent.desktop.x11.wire import Disconnected
from agent.errors import EnvironmentFault

log = logging.getLogger(__name__)

FIRST_WORD: Final = 3.0  # seconds to wait at the start for everybody to have been asked
RETRY: Final = 5.0  # seconds between two attempts to reach a bus
AT_ONCE: Final = 0.1  # the same, at first, where somebody was heard: until then the eye is closed
POLL: Final = 1.0  # seconds; the screen saver and the monitors' power give no event on every server
NO_DELAY: Final = "a sleep that is announced (logind lets nothing delay it: the recording's key ends after it)"
X_DISPLAY: Final = "the X display (lockers, screen saver, monitor power)"


class LinuxSeat:
    """Implements `agent.ports.Seat`. `display`: an X display, None for $DISPLAY; addresses as in DBUS_*_BUS_ADDRESS."""

    def __init__(
        self, display: str | None = None, *, system_bus: str | None = None, session_bus: str | None = None
    ) -> None:
        self._display = display
        self._logind = Logind(self._publish, system_bus)
        self._sources: dict[Source, str | None] = {self._logind: system_bus, ScreenSavers(): session_bus}
        self._display_holds: frozenset[Hold] = frozenset()
        self._holds: frozenset[Hold] = frozenset()
        self._deaf: frozenset[str] = frozenset({X_DISPLAY, *(source.name for source in self._sources)})
        self._asked = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="seat", daemon=True)
        self._thread.start()
        self._asked.wait(FIRST_WORD)

    def holds(self) -> frozenset[Hold]:
        """What is known now; costs nothing, safe from any thread."""
        return self._holds

    @property
    def blind_to(self) -> tuple[str, ...]:
        """In words, what no service answers for at the moment."""
        deaf = self._deaf
        if self._logind.name not in deaf and not self._logind.delays and Hold.SUSPENDED not in self._holds:
            deaf |= {NO_DELAY}
        return tuple(sorted(deaf))

    def let_sleep(self) -> None:
        """Nothing is open and no key is here any more: the PC may sleep. Safe from any thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._logind.let_sleep)

    def close(self) -> None:
        """Ends the thread; safe from any other."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        asked = [asyncio.Event() for _ in range(len(self._sources) + 1)]
        tasks = [asyncio.create_task(self._watch_display(asked[0])), asyncio.create_task(self._report(asked))]
        for (source, address), event in zip(self._sources.items(), asked[1:], strict=True):
            tasks.append(asyncio.create_task(self._follow(source, address, event)))
        await self._ending.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._logind.leave()

    async def _report(self, asked: list[asyncio.Event]) -> None:
        for event in asked:
            await event.wait()
        self._asked.set()

    def _publish(self) -> None:
        self._holds = self._display_holds.union(*(source.holds() for source in self._sources))

    # -- the buses -------------------------------------------------------------------------------------------------

    async def _follow(self, source: Source, address: str | None, asked: asyncio.Event) -> None:
        """Stay on the source's bus as long as there is one, and come back when there is one again."""
        pause = AT_ONCE
        while True:
            bus: GuardedBus | None = None
            try:
                bus = GuardedBus(source.believes, source.bus_type, address)
                await bus.connect()
                bus.add_message_handler(lambda message: self._hear(source, message))
                await source.begin(bus)
                self._deaf -= {source.name}
                self._publish()
                asked.set()
                pause = AT_ONCE
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            except LOST as failure:
                log.debug("%s: %s", source.name, type(failure).__name__)
            finally:
                if bus is not None and bus.connected:
                    bus.disconnect()
            source.lose()
            self._deaf |= {source.name}  # until an attempt succeeds
            self._publish()
            asked.set()
            await asyncio.sleep(pause if Hold.SEAT_UNKNOWN in source.holds() else RETRY)
            pause = min(2 * pause, RETRY)

    def _hear(self, source: Source, message: Message) -> None:
        source.hear(message)
        self._publish()

    # -- the display -----------------------------------------------------------------------------------------------

    async def _watch_display(self, asked: asyncio.Event) -> None:
        while True:
            try:
                screen = DarkOrLocked(self._display)
            except EnvironmentFault:
                asked.set()
            else:
                try:
                    await self._attend(screen, asked)
                except Disconnected:
                    self._deaf |= {X_DISPLAY}
                finally:
                    screen.close()
            await asyncio.sleep(RETRY)

    async def _attend(self, screen: DarkOrLocked, asked: asyncio.Event) -> None:
        happened = asyncio.Event()
        descriptor = screen.fileno()
        self._loop.add_reader(descriptor, happened.set)
        try:
            while True:
                screen.ask()  # may bring events along: absorb comes after
                screen.absorb()
                self._display_holds = screen.holds()
                self._deaf -= {X_DISPLAY}
                self._publish()
                asked.set()
                happened.clear()
                await self._until(happened, POLL)
        finally:
            self._loop.remove_reader(descriptor)

    @staticmethod
    async def _until(happened: asyncio.Event, seconds: float) -> None:
        # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with the event, and `close`
        # then waits for ever.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await happened.wait()
