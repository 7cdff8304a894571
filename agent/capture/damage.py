"""What was drawn on an X display since it was last asked, without looking at a pixel and without polling.

XDamage with report level NonEmpty: the server keeps the damaged region, sends one event when it stops being empty, and
hands the region over in one request that empties it. So drawing costs no event per glyph, and whatever is drawn
is in exactly one answer (with DeltaRectangles events, one change in 492 was missed).
Sources: damageproto 1.1, fixesproto 5.0, randrproto 1.5.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import damage, randr, xfixes

from agent.core.model.seen import Box
from agent.desktop.x11.events import read_unknown_events
from agent.desktop.x11.regions import CreateRegion, FetchRegion
from agent.desktop.x11.wire import somebody_listens
from agent.errors import EnvironmentFault

MILLISECOND: Final = 1_000_000  # ns; what the X server's stamps count in

RANDR_EVENTS: Final = randr.RRScreenChangeNotifyMask | randr.RRCrtcChangeNotifyMask | randr.RROutputChangeNotifyMask


@contextlib.contextmanager
def connected(display: str) -> Iterator[None]:
    """Turns the end of the X connection into words."""
    try:
        yield
    except (ConnectionClosedError, OSError) as failure:
        raise EnvironmentFault(
            f"the connection to the X display {display} is gone: the session has ended or its X server has died; "
            "recording goes on when Eyelid is started in a new session"
        ) from failure


class Damage:
    """A connection of its own to the display. One thread uses it; `wake` is safe from any.

    `drawn_at`: when the first was drawn of what may have been drawn since the last `take`, ns; None if nothing was.
    `monitors_changed`: RandR or the root window said so; the reader of the monitors sets it back.
    """

    def __init__(self, now: Callable[[], int], display: str | None = None) -> None:
        """`now`: ns of the clock that `drawn_at` is told in. `display` as in $DISPLAY, which is the default.

        Raises EnvironmentFault when it cannot be watched.
        """
        self._now = now
        self._wanted = display
        self._selector = selectors.DefaultSelector()
        self._pipe = threading.Lock()
        self._open = True
        self._wake_reading, self._wake_writing = os.pipe()
        os.set_blocking(self._wake_reading, False)
        os.set_blocking(self._wake_writing, False)
        self._selector.register(self._wake_reading, selectors.EVENT_READ)
        self._disconnect = contextlib.ExitStack()
        try:
            self._connect()
        except EnvironmentFault:
            self.close()
            raise

    def _connect(self) -> None:
        try:
            if not somebody_listens(self._wanted):
                raise ConnectionRefusedError
            self._display = Display(self._wanted)
        except (DisplayError, ConnectionClosedError, OSError) as failure:
            raise EnvironmentFault(
                f"the X display {self._wanted or os.environ.get('DISPLAY', '(DISPLAY is not set)')} cannot be opened: "
                "start Eyelid inside the graphical session, or name its display"
            ) from failure
        self._disconnect.callback(_close, self._display)
        read_unknown_events(self._display)
        self.name: str = self._display.get_display_name()
        self._lead = 0  # how far our clock is ahead of the server's stamps at least, ns
        self.drawn_at: int | None = None
        self._first: int | None = None  # of what the present `take` takes
        self._taken_at = self._rung_at = self._now()
        self.monitors_changed = False
        self._complaints: list[XError] = []
        self._display.set_error_handler(lambda complaint, _request: self._complaints.append(complaint))
        socket = self._display.fileno()
        self._selector.register(socket, selectors.EVENT_READ)
        self._disconnect.callback(self._selector.unregister, socket)
        with connected(self.name):
            self._watch_drawing()
            self._watch_monitors()
            self._ring()
            self._refuse_complaints()

    def reopen(self) -> None:
        """On a new connection, with nothing known of before. Raises EnvironmentFault when it cannot be had."""
        self._disconnect.close()
        self._connect()

    def _watch_drawing(self) -> None:
        for extension in (damage.extname, xfixes.extname):
            if not self._display.has_extension(extension):
                raise EnvironmentFault(
                    f"the X display {self.name} has no {extension} extension, so what is drawn on it cannot be "
                    "followed: use an X server that has it (every Xorg since 2007 does)"
                )
        # Both answer BadRequest to a client that has not sent its version.
        self._display.damage_query_version()
        self._display.xfixes_query_version()
        self._opcode: int = self._display.display.get_extension_major(damage.extname)
        self._fixes: int = self._display.display.get_extension_major(xfixes.extname)
        self._region: int = self._display.display.allocate_resource_id()
        CreateRegion(display=self._display.display, opcode=self._fixes, region=self._region)
        self._root = self._display.screen().root
        self._damage_event: int = self._display.extension_event.DamageNotify
        self._damage: int = self._root.damage_create(damage.DamageReportNonEmpty)
        self._bell = self._root.create_window(
            -1, -1, 1, 1, 0, X.CopyFromParent, X.InputOnly, event_mask=X.PropertyChangeMask, override_redirect=True
        )

    def _watch_monitors(self) -> None:
        # A monitor that was set by hand (a split wide screen) is told by the root's ConfigureNotify alone.
        self._root.change_attributes(event_mask=X.StructureNotifyMask)
        self._monitor_events: set[int] = {X.ConfigureNotify}
        if self._display.has_extension(randr.extname):
            self._root.xrandr_select_input(RANDR_EVENTS)
            first = self._display.query_extension(randr.extname).first_event
            self._monitor_events |= {first + randr.RRScreenChangeNotify, first + randr.RRNotify}

    def sleep(self, seconds: float) -> bool:
        """Until an event comes, `wake` is called (then True), or `seconds` have passed."""
        ready = {key.fd for key, _ in self._selector.select(max(0.0, seconds))}
        if ready - {self._wake_reading}:
            with connected(self.name):
                self._read_events()
        if self._wake_reading in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_reading, 4096)
            return True
        return False

    def pause(self, seconds: float) -> bool:
        """As `sleep`, and no event ends it: for while there is no connection."""
        ready, _, _ = select.select([self._wake_reading], [], [], max(0.0, seconds))
        if ready:
            os.read(self._wake_reading, 4096)
        return bool(ready)

    def wake(self) -> None:
        """End the `sleep` of the other thread, or its next, at once."""
        with self._pipe, contextlib.suppress(BlockingIOError):  # full: it is as awake as it can be
            if self._open:
                os.write(self._wake_writing, b"\0")

    def take(self) -> tuple[tuple[Box, ...], int]:
        """What was drawn since the last `take`, in desktop coordinates, and when the first of it was (ns).

        What is drawn later is in the next. Also reads every event up to this moment, so `monitors_changed` is then as
        new as the answer.
        """
        asked = self._now()
        self._first, self.drawn_at = self.drawn_at, None
        display = self._display.display
        with connected(self.name):
            emptied = damage.DamageSubtract(
                display=display, opcode=self._opcode, damage=self._damage, repair=X.NONE, parts=self._region
            )
            region = FetchRegion(display=display, opcode=self._fixes, region=self._region)
            self._read_events(emptied._serial)  # noqa: SLF001 - python-xlib has no other name for it
            self._refuse_complaints()
        first = self._taken_at if self._first is None else self._first
        self._taken_at = asked
        return tuple(Box(*edges) for edges in struct.iter_unpack("=hhHH", bytes(region.rectangles))), first

    def _read_events(self, emptied: int | None = None) -> None:
        """`emptied`: number of the request that emptied the region; events from before it tell of what was in it.

        No event stays in python-xlib's queue, where `sleep` would not see it.
        """
        while self._display.pending_events():
            event: Any = self._display.next_event()
            if event.send_event:
                continue  # another program's word, not the server's
            if event.type == self._damage_event:
                # Sequence numbers are of 16 bits and run over.
                if emptied is None or (event.sequence_number - emptied) % 0x10000 < 0x8000:
                    self.drawn_at = self._when(event.timestamp)
                else:
                    self._first = self._when(event.timestamp)
            elif event.type == X.PropertyNotify:
                # Stamped after it was asked for, at any moment of that millisecond.
                self._lead = max(self._lead, self._rung_at - (event.time + 1) * MILLISECOND)
            elif event.type in self._monitor_events:
                self.monitors_changed = True

    def untouched_until(self) -> int:
        """Up to when (ns) surely nothing was drawn since the last `take`: until something was, or until now."""
        with connected(self.name):
            self._ring()
        return self._rung_at if self.drawn_at is None else min(self._rung_at, self.drawn_at)

    def _ring(self) -> None:
        """Have the server stamp something of ours, and read every event from before it.

        Its stamps count milliseconds of a clock of its own, which stands still while the PC sleeps. It cannot have
        stamped before it was asked, so each time tells how far our clock is ahead at least.
        """
        self._rung_at = self._now()
        self._bell.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"")
        self._display.sync()
        self._read_events()

    def _when(self, stamp: int) -> int:
        """Our time of the server's stamp, never later than it was; but nothing was drawn before the last `take`."""
        return max(self._taken_at, min(self._now(), stamp * MILLISECOND + self._lead))

    def _refuse_complaints(self) -> None:
        if self._complaints:
            complaint = self._complaints.pop()
            raise EnvironmentFault(
                f"the X display {self.name} refuses to say what was drawn on it ({type(complaint).__name__}, request "
                f"{complaint.major_opcode}.{complaint.minor_opcode}): restart the session; if it goes on, report it"
            )

    def close(self) -> None:
        self._disconnect.close()
        self._selector.close()
        with self._pipe:  # a number that was closed may by now be another file's
            self._open = False
            os.close(self._wake_reading)
            os.close(self._wake_writing)


def _close(display: Display) -> None:
    with contextlib.suppress(ConnectionClosedError, OSError):
        display.close()
