"""A sensitive window above a program's, and a watcher that sees their pixels; the desktop looks at none."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

import pytest
from Xlib import X

from agent.core.model.seen import Box
from agent.core.model.times import SECOND
from agent.desktop.clock import BootClock
from testkit import displays
from testkit.desktops import X11Stage, look_until
from testkit.windows import Program, program

SENSITIVE = 0xFF00FF
GREY = 0x808080
PLACE = Box(120, 140, 200, 100)  # of the sensitive window
BEHIND = Box(60, 80, 500, 400)
ALL = (0, 0, BEHIND.width, BEHIND.height)
WITHIN = 20 * SECOND
CLOCK = BootClock()


class Watcher:
    """Looks at the pixels of a place as often as it can, or every `pause` seconds; `seen`: when each look that saw the
    colour began, ns.
    """

    def __init__(self, name: str, place: Box, pause: float = 0) -> None:
        self.seen: list[int] = []
        self.looks = 0
        self.place = place
        self._name, self._pause, self._ending = name, pause, False
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        colour = SENSITIVE.to_bytes(3, "little")
        with displays.connection(self._name) as link:
            root = link.screen().root
            while not self._ending:
                at = CLOCK.now()
                box = self.place
                pixels = root.get_image(box.x, box.y, box.width, box.height, X.ZPixmap, 0xFFFFFFFF).data
                if any(pixels[place : place + 3] == colour for place in range(0, len(pixels), 4 * 7)):
                    self.seen.append(at)
                self.looks += 1
                if self._pause:
                    time.sleep(self._pause)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()


@dataclass
class Trial:
    """`words`: at each look when it was answered, and until when the display shows something of before, ns."""

    stage: X11Stage
    behind: Program
    back: int
    window: int
    watcher: Watcher
    began: int = 0
    words: list[tuple[int, int]] = field(default_factory=list)

    def look(self) -> int:
        self.stage.desktop.look()
        stale_pixels = self.stage.desktop.stale_pixels()
        assert stale_pixels is not None
        until = max((one.until for one in stale_pixels if one.left >= self.began), default=0)
        self.words.append((CLOCK.now(), until))
        return until

    def look_while(self, goes_on: Callable[[], bool]) -> None:
        end = CLOCK.now() + WITHIN
        while goes_on():
            assert CLOCK.now() < end
            self.stage.desktop.wait(0.02)
            self.look()

    def look_until_gone(self) -> int:
        """Looks until by the desktop's own word nothing is left; returns that word."""
        self.look()
        self.look_while(lambda: self.words[-1][1] > self.words[-1][0])
        return self.words[-1][1]

    def later(self, seconds: float, deed: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, deed)
        timer.start()
        self.look_while(timer.is_alive)

    def paint(self) -> None:
        self.behind.paint(window=self.back, color=GREY, place=ALL)

    def was_seen(self) -> bool:
        return any(at > self.began for at in self.watcher.seen)

    def verdict(self) -> tuple[int, int]:
        """(when the colour was last seen, when the desktop says that it was gone). Fails where the word was early."""
        told = self.look_until_gone()
        seen = [at for at in self.watcher.seen if at > self.began]
        for answered, until in self.words:
            early = [at for at in seen if until < at <= answered]
            assert not early or until == 0, f"said {until}, seen {early[-1] - until} ns later"
        last = max(seen, default=self.began)
        assert last < told
        return last, told


def shows_stale(stage: X11Stage) -> bool:
    return any(one.until > CLOCK.now() for one in stage.desktop.stale_pixels() or ())


@contextlib.contextmanager
def trial(stage: X11Stage, *, color: int | None = None, override: bool = False) -> Iterator[Trial]:
    """A sensitive window above a program's, which has painted itself."""
    with program(stage.display, "behind") as behind:
        size = {"width": BEHIND.width, "height": BEHIND.height}
        back = behind.open(title="behind", x=BEHIND.x, y=BEHIND.y, color=color, override=override, **size)
        look_until(stage.desktop, lambda seen: any(w.id == back and w.shown for w in seen.windows), "the one behind")
        behind.paint(window=back, color=GREY, place=ALL)
        window = stage.open(
            title="card", x=PLACE.x, y=PLACE.y, width=PLACE.width, height=PLACE.height, color=SENSITIVE,
            override=override,
        )  # fmt: skip
        behind.paint(window=back, color=GREY, place=ALL)  # under the cover, which must not pass for a repaint
        # Painted once more when it is known: until then a new window may show for ten seconds what was there before it.
        look_until(stage.desktop, lambda seen: any(w.id == window and w.shown for w in seen.windows), "the card")
        stage.application.paint(window=window, color=SENSITIVE, place=(0, 0, PLACE.width, PLACE.height))
        look_until(stage.desktop, lambda _: not stage.desktop.wait(0.1) and not shows_stale(stage), "a quiet desktop")
        with displays.connection(stage.display) as link:
            there = link.screen().root.translate_coords(window, 0, 0)
            place = Box(there.x, there.y, PLACE.width, PLACE.height)
        with Watcher(stage.display, place) as watcher:
            yield Trial(stage, behind, back, window, watcher, began=CLOCK.now())


def close(tried: Trial) -> None:
    tried.stage.destroy(tried.window)


def unmap(tried: Trial) -> None:
    tried.stage.application.unmap(window=tried.window)


def raise_over(tried: Trial) -> None:
    tried.behind.stack(window=tried.back, above=True)


def move_off(tried: Trial) -> None:
    tried.stage.application.move(window=tried.window, x=700, y=500)


def shrink(tried: Trial) -> None:
    place = tried.watcher.place
    tried.watcher.place = Box(place.x + 50, place.y + 30, place.width - 50, place.height - 30)
    tried.stage.application.resize(window=tried.window, width=40, height=20)


def lose_track(tried: Trial, meanwhile: Callable[[], object] = lambda: None) -> None:
    """A look that could not keep up: `meanwhile` happens after it has taken what was painted."""
    screen = tried.stage.desktop._screen
    follow = screen.tracker.follow

    def belated(
        _: object,
        airy: Container[int],
        box: Box,
        *,
        known: bool,
        late: bool,
        orphaned: Container[int],
        composited: bool,
    ) -> None:
        assert known
        assert not late
        meanwhile()
        screen.absorb()
        follow(screen._panes(), airy, box, known=known, late=True, orphaned=orphaned, composited=composited)

    tried.behind.retitle(window=tried.back, title="behind")  # else there is nothing to look at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen.tracker, "follow", belated)
        tried.look()
