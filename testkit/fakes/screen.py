"""A screen in memory: solid colours on any number of monitors, grabbed by the same rules as a real one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.core.model.media import Frame, Monitor
from agent.core.model.seen import Box
from agent.core.model.times import Span
from agent.ports import Clock

Colour = tuple[int, int, int]


@dataclass
class Picture:
    monitor: Monitor
    rgb: np.ndarray = field(init=False)
    drawn: bool = True
    since: int = 0

    def __post_init__(self) -> None:
        self.rgb = np.zeros((self.monitor.box.height, self.monitor.box.width, 3))


class FakeScreen:
    """Implements `agent.ports.Screen`. `draw` and `plug` are what a desktop would do, from any thread."""

    def __init__(self, clock: Clock, monitors: Sequence[tuple[str, Box]] = (("FAKE0", Box(0, 0, 320, 240)),)) -> None:
        self._clock = clock
        self._news = threading.Condition()
        self._numbers = 0
        self._woken = self._closed = False
        self._void = True
        self._pictures: list[Picture] = []
        self.plug(monitors)

    def draw(self, box: Box, colour: Colour) -> None:
        """`box` in desktop coordinates."""
        with self._news:
            for picture in self._pictures:
                place = picture.monitor.box
                left, top = box.x - place.x, box.y - place.y
                part = picture.rgb[max(0, top) : top + box.height, max(0, left) : left + box.width]
                if part.size and not np.array_equal(part, np.broadcast_to(np.array(colour), part.shape)):
                    part[:] = colour
                    if not picture.drawn:
                        picture.drawn, picture.since = True, self._clock.now()
            self._news.notify_all()

    def plug(self, monitors: Sequence[tuple[str, Box]]) -> None:
        """All monitors there are now, as (name, place). What was drawn on one that stays, stays."""
        with self._news:
            known = {(picture.monitor.name, picture.monitor.box): picture for picture in self._pictures}
            self._pictures = [known.get((name, box)) or self._new(name, box) for name, box in monitors]
            self._void = True
            self._news.notify_all()

    def _new(self, name: str, box: Box) -> Picture:
        self._numbers += 1
        return Picture(Monitor(self._numbers - 1, box, name))

    def monitors(self) -> tuple[Monitor, ...]:
        return tuple(picture.monitor for picture in self._pictures)

    def wait(self, timeout: float) -> bool:
        with self._news:
            self._news.wait_for(lambda: self._woken or self._closed or self._drawn(), timeout)
            self._woken, woken = False, self._woken
            return self._drawn() and not woken and not self._closed

    def _drawn(self) -> bool:
        return self._void or any(picture.drawn for picture in self._pictures)

    def wake(self) -> None:
        with self._news:
            self._woken = True
            self._news.notify_all()

    def void(self) -> None:
        with self._news:
            self._void = True

    def grab(self, *, repeat: bool = False) -> tuple[Frame, ...]:
        with self._news:
            if self._closed:
                return ()
            start = self._clock.now()
            for picture in self._pictures if self._void else ():
                picture.drawn, picture.since = True, start  # what was there before is unknown
            whole, self._void = repeat or self._void, False
            wanted = [picture for picture in self._pictures if whole or picture.drawn]
            return tuple(self._frame(picture, start, whole) for picture in wanted)

    def still_until(self) -> int:
        with self._news:
            waiting = [picture.since for picture in self._pictures if picture.drawn]
            return 0 if self._void or self._closed else min([self._clock.now(), *waiting])

    def _frame(self, picture: Picture, start: int, whole: bool) -> Frame:
        height, width, _ = picture.rgb.shape
        rgb = np.pad(picture.rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") / 255
        luma = rgb @ (0.299, 0.587, 0.114)
        blue = 128 + 224 * (rgb[..., 2] - luma) / 1.772
        red = 128 + 224 * (rgb[..., 0] - luma) / 1.402
        planes = (16 + 219 * luma, _halved(blue), _halved(red))
        pixels = b"".join(plane.round().astype(np.uint8).tobytes() for plane in planes)
        span = Span(start, self._clock.now())
        still, picture.drawn = not picture.drawn, False
        drawn_at = None if still else picture.since
        size = (rgb.shape[1], rgb.shape[0])
        return Frame(picture.monitor.stream, span, *size, pixels, whole, drawn_at=drawn_at, repeats=still)

    def close(self) -> None:
        with self._news:
            self._closed = True
            self._news.notify_all()


def _halved(plane: np.ndarray) -> np.ndarray:
    """The mean of each 2 x 2 pixels."""
    height, width = plane.shape
    halved: np.ndarray = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return halved
