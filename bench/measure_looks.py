"""What looks cost and how far the display lags behind the truth: the figures of docs/platforms.md.

    .venv/bin/python -m bench.measure_looks

Starts its own display, openbox and picom. CPU is that of the looking thread, and of the X server where it says so.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from Xlib import X

from agent.core.model.seen import Scene
from agent.desktop.x11 import X11Desktop
from testkit import displays
from testkit.desktops import is_shown, look_until, settled
from testkit.windows import Program, program

WINDOWS = 20
COLOR = 0xFF00FF
UNMAPPINGS = 12


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with displays.xvfb(size="1920x1080x24") as display, displays.openbox(display, folder):
            with program(display) as application, contextlib.closing(X11Desktop(display)) as desktop:
                print_costs(application, desktop)
            for kind, compositor in (
                ("openbox alone", contextlib.nullcontext),
                ("picom --fading", lambda: displays.picom(display, folder)),
            ):
                with compositor(), program(display) as application, contextlib.closing(X11Desktop(display)) as desktop:
                    print(f"pixels after X says unmapped, {kind}: {lags(display, application, desktop)}")


def print_costs(application: Program, desktop: X11Desktop) -> None:
    windows = [application.open(title=f"window {n}", x=90 * (n % 5), y=90 * (n // 5)) for n in range(WINDOWS)]
    look_until(desktop, lambda seen: all(any(w.id == window for w in seen.windows) for window in windows))
    settled(desktop)
    server = next(p for p in psutil.process_iter() if p.name() == "Xvfb" and p.ppid() == os.getpid())
    measured = [
        ("a look, nothing changed", lambda _: None, 5000),
        ("a look after a new title", lambda n: application.retitle(window=windows[0], title=str(n)), 500),
        ("a look after a move", lambda n: application.move(window=windows[0], x=n % 400, y=10), 200),
    ]
    for name, change, times in measured:
        print(f"{name}, {WINDOWS} windows: {cost(desktop, change, times)}")
    settled(desktop)
    before, cpu = time.thread_time(), sum(server.cpu_times()[:2])
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if desktop.wait(until - time.monotonic()):
            desktop.look()
    print(f"waiting 20 s, nothing changed: {(time.thread_time() - before) * 1000:.1f} ms CPU")
    print(f"of the X server meanwhile: {(sum(server.cpu_times()[:2]) - cpu) * 1000:.0f} ms CPU")


def cost(desktop: X11Desktop, change: Callable[[int], object], times: int) -> str:
    spent, walls = 0.0, []
    for n in range(times):
        change(n)
        desktop.wait(0.0)
        cpu, wall = time.thread_time(), time.perf_counter()
        desktop.look()
        spent += time.thread_time() - cpu
        walls.append(time.perf_counter() - wall)
    walls.sort()
    median, p99 = statistics.median(walls) * 1e3, walls[-times // 100] * 1e3
    return f"{spent / times * 1e3:.3f} ms CPU, wall median {median:.3f} p99 {p99:.3f} ms"


def lags(display: str, application: Program, desktop: X11Desktop) -> str:
    """ms from the look that says unmapped to the first grab without the window's pixels."""
    found = []
    with displays.connection(display) as link:
        root = link.screen().root

        def in_view() -> bool:
            image = root.get_image(100, 100, 1, 1, X.ZPixmap, 0xFFFFFFFF)
            return bytes(image.data[:3]) != b"\0\0\0"  # neither black nor a half faded black

        window = application.open(title="fades", x=50, y=50, color=COLOR)
        for _ in range(UNMAPPINGS):
            look_until(desktop, lambda seen: is_shown(seen, window))
            displays.await_true(in_view, "the window's pixels")
            application.unmap(window=window)
            look_until(desktop, lambda seen: isinstance(seen, Scene) and not is_shown(seen, window))
            gone = time.perf_counter()
            while in_view():
                pass
            found.append((time.perf_counter() - gone) * 1e3)
            application.map(window=window)
    found.sort()
    return f"median {statistics.median(found):.0f} ms, longest {found[-1]:.0f} ms ({UNMAPPINGS} times)"


if __name__ == "__main__":
    main()
