"""The pixels of a rectangle of the desktop, by mss, with as few copies as the platform allows.

mss has the X server write into shared memory and then copies it (1.2 ms for 1080p); read in place it takes 0.27 ms, and
0.01 for a line of text. In place needs mss's private parts, so it is used only where they are exactly as expected;
everywhere else the public `grab` serves.
"""

from __future__ import annotations

import contextlib
from contextlib import closing
from mmap import mmap
from typing import Final, NamedTuple

import mss
import numpy as np
from mss.exception import ScreenShotError
from mss.linux.base import ALL_PLANES
from mss.linux.xcbgen import ImageFormat, ShmSeg, shm_get_image
from mss.linux.xcbhelpers import XProtoError
from mss.linux.xshmgetimage import MSSImplXShmGetImage, ShmStatus
from numpy.typing import NDArray

from agent.core.model.seen import Box
from agent.desktop.x11.wire import Disconnected, Wire
from agent.errors import EnvironmentFault

CUT: Final = (
    ScreenShotError,
    AssertionError,
)  # mss asserts that there is a reply: on a connection that was cut, none is

BGRA = NDArray[np.uint8]  # (height, width, 4); the fourth byte means nothing


class OutOfReach(Exception):
    """The rectangle is not on the desktop as it is now: the monitors have changed, read them anew."""


class _Shared(NamedTuple):
    """mss's own connection and the memory that the X server writes into."""

    platform: MSSImplXShmGetImage
    segment: ShmSeg
    memory: NDArray[np.uint8]


class Pixels:
    """A connection of its own to the display. Used by one thread."""

    def __init__(self, display: str) -> None:
        """Raises EnvironmentFault when the display cannot be captured."""
        self._display = display
        self._open()

    def _open(self) -> None:
        try:
            self._mss = mss.MSS(display=self._display)
            self._mss.grab((0, 0, 1, 1))  # mss learns only from a grab whether shared memory works
        except CUT as failure:
            raise EnvironmentFault(f"the X display {self._display} cannot be captured: {failure}") from failure
        self._shared = self._find_shared()

    def _find_shared(self) -> _Shared | None:
        """None where only mss's public `grab` may be used."""
        platform = self._mss._impl  # noqa: SLF001 - see the head of this file
        if not isinstance(platform, MSSImplXShmGetImage) or platform.shm_status is not ShmStatus.AVAILABLE:
            return None
        memory, segment = getattr(platform, "_buf", None), getattr(platform, "_shmseg", None)
        if not isinstance(memory, mmap) or not isinstance(segment, ShmSeg):
            return None
        return _Shared(platform, segment, np.frombuffer(memory, np.uint8))

    @property
    def in_place(self) -> bool:
        """Whether grabs are read from shared memory without a copy."""
        return self._shared is not None

    def reopen(self) -> None:
        """After a change of monitors: mss sizes its shared memory once, by the desktop at that moment."""
        self.close()
        self._open()

    def monitors(self) -> tuple[tuple[str, Box], ...]:
        """Name and place of each picture that is captured (see `agent.desktop.x11.monitors`).

        Asked on a connection of its own: mss believes the monitors that any program may have set.
        """
        try:
            with closing(Wire(self._display)) as wire:
                return wire.captured()
        except Disconnected as failure:
            raise EnvironmentFault(f"the monitors of X display {self._display} cannot be read") from failure

    def grab(self, box: Box) -> BGRA:
        """The pixels now: use them before the next `grab`, which may overwrite them, and keep no view of them.

        Raises OutOfReach, and EnvironmentFault when the display is gone.
        """
        try:
            if self._shared is None:
                shot = self._mss.grab((box.x, box.y, box.x + box.width, box.y + box.height))
                return np.frombuffer(shot.raw, np.uint8).reshape(box.height, box.width, 4)
            return _grab_in_place(self._shared, box)
        except XProtoError as failure:
            raise OutOfReach(str(failure)) from failure
        except CUT as failure:
            raise EnvironmentFault(f"the X display {self._display} can be captured no longer: {failure}") from failure

    def close(self) -> None:
        self._shared = None  # mss cannot unmap memory that is still looked at
        with contextlib.suppress(*CUT):  # the connection may have ended before us
            self._mss.close()


def _grab_in_place(shared: _Shared, box: Box) -> BGRA:
    size = box.width * box.height * 4
    if size > shared.memory.size or shared.platform.conn is None:
        raise OutOfReach(f"{box} is larger than the desktop was when it was opened")
    shm_get_image(
        shared.platform.conn,
        shared.platform.drawable,
        box.x,
        box.y,
        box.width,
        box.height,
        ALL_PLANES,
        ImageFormat.ZPixmap,
        shared.segment,
        0,
    )
    return shared.memory[:size].reshape(box.height, box.width, 4)
