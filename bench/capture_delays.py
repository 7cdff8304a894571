"""What bench/capture measures by the clock: an end, the relay's start, a look, and how far the display lags behind.

Each of these is one function: it returns its figures, and raises StageError where what it times did not happen.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from Xlib import X

from agent.browser.manifests import HOST_NAME, SOCKET_NAME, write_launcher
from agent.control.recorder_state import RecorderState
from agent.core.model.media import Frame, Monitor
from agent.core.model.seen import Box, Scene
from agent.core.model.times import SECOND, Span
from agent.desktop import current_clock
from agent.desktop.clock import BootClock
from agent.desktop.pressure import Pressure
from agent.desktop.x11 import X11Desktop
from agent.encode.video import ScreenEncoder
from agent.keys.home import HomeKeys
from agent.ledger import DiskLedger
from agent.pipeline import Mailbox
from agent.recorder.recording import Close, Factories, Open, Order, Recorder
from agent.seal import Provenance, RecordingSealer
from agent.spool import DiskSpool
from bench.harness import Say
from protocol.bundle import Bundle
from protocol.keys import RecipientPrivate
from testkit import displays, web
from testkit.desktops import is_shown, look_until, settled
from testkit.fleet import entries, found, pc, serving
from testkit.screen_watch import watcher
from testkit.stage import StageError, busy_cores, own_display, running
from testkit.windows import Program, program

SIZE: Final = (1920, 1080)
POLICY: Final = {"demo.yaml": resources.files("policies").joinpath("demo", "demo.yaml").read_text(encoding="utf-8")}


def _figures(seconds: Sequence[float]) -> dict[str, float]:
    middle, longest = statistics.median(seconds), max(seconds)
    return {"rounds": len(seconds), "median_s": round(middle, 3), "max_s": round(longest, 3)}


# -- the end of a recording ---------------------------------------------------------------------------------------

WAITING: Final = 12  # pictures
BLOCK: Final = 4  # pixels of one grain of noise: pictures of finer noise do not fit a chunk


def ending(rounds: int, folder: Path, say: Say) -> dict[str, Any]:
    """Beside two processes that use a core each. Fails where an end was not in order, never for its time."""
    say("drain")
    with busy_cores():
        drained = [_drain(folder / f"drain-{number}") for number in range(rounds)]
    say("end of a recorder whose store hangs")
    return {"busy": 2, "drain": _figures(drained), "whole": _figures(list(_ends(rounds, folder)))}


def _drain(folder: Path) -> float:
    """Seconds from the close of the queue until pictures far worse than any desktop's are sealed and durable."""
    clock = current_clock()
    keys, reader = HomeKeys.generate(), RecipientPrivate.generate()
    bundle = Bundle(revision=1, recipients=(reader.public,), created=clock.wall())
    width, height = SIZE
    monitors = (Monitor(0, Box(0, 0, width, height), "one"),)
    orders: Mailbox[Order] = Mailbox(2 * WAITING)
    spool = DiskSpool(folder / "spool", max_bytes=10**9, keep_free=0, alarm=print)
    factories = Factories(
        sealer=lambda order: RecordingSealer(
            Provenance("bench", keys, "bench", "bench", "bench"),
            bundle,
            policy=order.policy,
            monitors=order.monitors,
            start=order.start,
            wall=clock.wall(),
        ),
        encoder=lambda order: ScreenEncoder(order.start, chunk_length=4 * SECOND, hurry=lambda: orders.closed),
    )
    ledger = DiskLedger(folder / "ledger", clock, device="bench", keys=keys)
    recorder = Recorder(orders, factories=factories, spool=spool, ledger=ledger, clock=clock, hold=lambda *_: None)
    chance = np.random.default_rng(1)
    start = clock.now()
    orders.put(Open("ab" * 32, start, monitors))
    for number in range(WAITING):
        blocks = chance.integers(0, 256, (height // BLOCK, width // BLOCK), dtype=np.uint8)
        noise = blocks.repeat(BLOCK, 0).repeat(BLOCK, 1).tobytes() + bytes([128]) * (width * height // 2)
        at = start + number * SECOND // 5
        orders.put(Frame(0, Span(at, at + 1), width, height, noise, whole=True))
    orders.put(Close(start + WAITING * SECOND // 5, "stop"), must=True)
    orders.close()
    began = time.perf_counter()
    recorder.run()
    took = time.perf_counter() - began
    if recorder.stats.frames != WAITING or spool.waiting()[0] < 3:
        raise StageError(f"{recorder.stats.frames} of {WAITING} pictures were drained")
    return took


def _ends(rounds: int, folder: Path) -> Iterator[float]:
    """Seconds from SIGTERM to the exit, each of a recorder that was at work and whose store answers nothing."""
    with (
        own_display(folder / "display", SIZE) as stage,
        stage.program("notes", (100, 100)),
        serving(*found(folder), folder) as (store, process),
    ):
        for number in range(rounds):
            home = folder / f"pc-{number}"
            with pc(store, stage, home, POLICY) as recorded:
                recorded.wait_for(RecorderState.RECORDING)
                time.sleep(0.1 * (number % 10))  # not always at the same point of its work
                os.kill(process.pid, signal.SIGSTOP)
                try:
                    with busy_cores():
                        began = time.perf_counter()
                        recorded.stop()
                        took = time.perf_counter() - began
                finally:
                    os.kill(process.pid, signal.SIGCONT)
            if entries(home)[-1]["kind"] != "stop":
                raise StageError("the account does not end with a stop")
            yield took


# -- the start of the relay ---------------------------------------------------------------------------------------

HELLO: Final = json.dumps({"n": 1, "kind": "hello"}).encode()
MESSAGE: Final = len(HELLO).to_bytes(4, sys.byteorder) + HELLO
WITHIN: Final = 30.0  # seconds for one start, on whatever machine
NOTHING: Final = (sys.executable, "-I", "-S", "-c", "pass")  # a Python that loads as little as the relay's


def relay(rounds: int, folder: Path, say: Say) -> dict[str, Any]:
    """From the start of the relay's launcher, as a browser starts it, with a message already in its pipe, until an
    agent's socket has all of that: until then no page is heard of, and the eye is closed. Beside a Python that does
    nothing, in turn, so that both meet the same machine."""
    say("starts of the relay")
    launcher = write_launcher(folder / HOST_NAME, folder / SOCKET_NAME)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(folder / SOCKET_NAME))
        listening.listen()
        listening.settimeout(WITHIN)
        _first_message(launcher, listening)  # so that the files are in memory, as they are after a login
        pairs = []
        for _ in range(rounds):
            took = _first_message(launcher, listening)
            began = time.perf_counter()
            subprocess.run(NOTHING, check=True, timeout=WITHIN)
            pairs.append((1000 * took, 1000 * (time.perf_counter() - began)))
    relays, bare = zip(*pairs, strict=True)
    middle, nothing = statistics.median(relays), statistics.median(bare)
    figures = {"relay_ms": middle, "relay_ms_max": max(relays), "python_ms": nothing}
    return {**{name: round(ms, 1) for name, ms in figures.items()}, "ratio": round(middle / nothing, 2)}


def _first_message(launcher: Path, listening: socket.socket) -> float:
    began = time.perf_counter()
    with subprocess.Popen([launcher, "chrome-extension://bench/"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(MESSAGE)
        process.stdin.flush()
        try:
            end, _ = listening.accept()
            with end, end.makefile("rb") as incoming:
                end.settimeout(WITHIN)
                got = incoming.read(len(MESSAGE))
        except TimeoutError:
            got = b""
        took = time.perf_counter() - began
        process.stdin.close()
    if got != MESSAGE:
        raise StageError("the relay's first message did not come")
    return took


# -- looks, and the display behind them ---------------------------------------------------------------------------

WINDOWS: Final = 20
STILL: Final = 20.0  # seconds in which nothing changes
UNMAPPINGS: Final = 12


def looks(_rounds: int, folder: Path, say: Say) -> dict[str, Any]:
    """What looks cost at windows of openbox, and how long pixels stay after X says that their window is unmapped.

    CPU is that of the looking thread, and of the X server where it says so.
    """
    with displays.xvfb(size="1920x1080x24") as display, displays.openbox(display, folder):
        with program(display) as application, closing(X11Desktop(display)) as desktop:
            say("looks")
            told = _costs(application, desktop)
        for kind, compositor in ("openbox alone", nullcontext()), ("picom --fading", displays.picom(display, folder)):
            say(kind)
            with compositor, program(display) as application, closing(X11Desktop(display)) as desktop:
                gone = _left(display, application, desktop)
            told[f"pixels after X says unmapped, {kind}"] = {
                "median_ms": round(statistics.median(gone)),
                "max_ms": round(max(gone)),
                "times": len(gone),
            }
    return told


def _costs(application: Program, desktop: X11Desktop) -> dict[str, Any]:
    windows = [application.open(title=f"window {n}", x=90 * (n % 5), y=90 * (n // 5)) for n in range(WINDOWS)]
    look_until(desktop, lambda seen: all(any(w.id == window for w in seen.windows) for window in windows))
    server = next(p for p in psutil.process_iter() if p.name() == "Xvfb" and p.ppid() == os.getpid())
    changes: dict[str, tuple[Callable[[int], object], int]] = {
        "a look, nothing changed": (lambda _: None, 5000),
        "a look after a new title": (lambda n: application.retitle(window=windows[0], title=str(n)), 500),
        "a look after a move": (lambda n: application.move(window=windows[0], x=n % 400, y=10), 200),
    }
    told: dict[str, Any] = {}
    for name, (change, times) in changes.items():
        settled(desktop)
        spent, walls = 0.0, []
        for n in range(times):
            change(n)
            desktop.wait(0.0)
            cpu, wall = time.thread_time(), time.perf_counter()
            desktop.look()
            spent += time.thread_time() - cpu
            walls.append(1000 * (time.perf_counter() - wall))
        figures = (spent / times * 1000, statistics.median(walls), sorted(walls)[-times // 100])
        told[name] = dict(zip(("cpu_ms", "median_ms", "p99_ms"), (round(one, 3) for one in figures), strict=True))
    settled(desktop)
    mine, its = time.thread_time(), sum(server.cpu_times()[:2])
    until = time.monotonic() + STILL
    while time.monotonic() < until:
        if desktop.wait(until - time.monotonic()):
            desktop.look()
    waited = {"cpu_ms": round((time.thread_time() - mine) * 1000, 1)}
    waited["x_server_cpu_ms"] = round((sum(server.cpu_times()[:2]) - its) * 1000)
    return {**told, f"waiting {STILL:.0f} s, nothing changed": waited}


def _left(display: str, application: Program, desktop: X11Desktop) -> list[float]:
    """ms from the look that says unmapped to the first grab without the window's pixels."""
    found = []
    with displays.connection(display) as link:
        root = link.screen().root

        def in_view() -> bool:
            image = root.get_image(100, 100, 1, 1, X.ZPixmap, 0xFFFFFFFF)
            return bytes(image.data[:3]) != b"\0\0\0"  # neither black nor a half faded black

        window = application.open(title="fades", x=50, y=50, color=0xFF00FF)
        for _ in range(UNMAPPINGS):
            look_until(desktop, lambda seen: is_shown(seen, window))
            displays.await_true(in_view, "the window's pixels")
            application.unmap(window=window)
            look_until(desktop, lambda seen: isinstance(seen, Scene) and not is_shown(seen, window))
            gone = time.perf_counter()
            while in_view():
                pass
            found.append((time.perf_counter() - gone) * 1000)
            application.map(window=window)
    return found


PAGE: Final = """<!doctype html><meta charset="utf-8"><title>lag</title><body style="margin:0"><script>
const now = () => performance.timeOrigin + performance.now();
let on = false;
setInterval(() => {
  on = !on;
  document.body.style.background = on ? "#ff00ff" : "white";
  const turned = now();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    fetch("/", {method: "POST", body: JSON.stringify({on, turned, drawn: now()})});
  }));
}, 700 + 100 * Math.random());
</script>"""
STRIPS: Final = [(300, 0, 8, 800), (900, 0, 8, 800)]
TURN: Final = 700_000_000  # ns; what left the screen later than that left it another time
APART: Final = 20_000_000  # ns; so far the two clocks may differ
MINUTES: Final = 2
FLAGS: Final = ("--no-sandbox", "--no-first-run", "--disable-background-networking", "--window-size=1200,760")


def pages(_rounds: int, folder: Path, say: Say) -> dict[str, Any]:
    """How far the display is behind a page that has drawn twice: it becomes magenta and white in turn, and says when it
    had drawn; testkit/screen_watch says when the colour left the screen.

    As the machine is: to see a busy one, keep it busy meanwhile. The two clocks agree to within some 10 ms, so a
    display may seem to be ahead of its page.
    """
    told = {}
    for name in ("chromium", "firefox"):
        say(name)
        pressure = Pressure(BootClock().now)
        pressure.stalled()
        lags = sorted(_lags(name, folder / name))
        told[name] = {
            "turns": len(lags),
            "median_ms": round(lags[len(lags) // 2]),
            "p95_ms": round(lags[int(len(lags) * 0.95)]),
            "max_ms": round(lags[-1]),
            "above_60_ms": sum(lag > 60 for lag in lags),
            "stalled": round(pressure.stalled(), 2),
        }
    return told


def _lags(name: str, folder: Path) -> list[float]:
    """ms from the page's word that it has drawn twice to the last of the colour."""
    told: list[dict[str, float]] = []

    class Page(web.Answer):
        def get(self, path: str, query: dict[str, list[str]]) -> None:
            del path, query
            self.send("text/html", PAGE)

        def post(self, body: bytes) -> None:
            told.append(json.loads(body))
            self.send("text/plain", "")

    clock = BootClock()
    apart = min(clock.now() - time.time_ns() for _ in range(100))
    profile = folder / "profile"
    profile.mkdir(parents=True)
    with web.serving(Page) as port:
        url = f"http://{web.HERE}:{port}/"
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", url]
        if name == "firefox":
            command = ["firefox-esr", "--profile", str(profile), "--width", "1200", "--height", "760", url]
        with own_display(folder, (1280, 800)) as stage, watcher(stage.name, STRIPS, folder) as watching:
            home = {**os.environ, **stage.environment, "HOME": str(folder)}
            with running(name, command, folder / "browser.log", home):
                time.sleep(60 * MINUTES)
                gone = [edge.at for edge in watching.edges() if not edge.shown]
    found = []
    for one in told:
        turned, drawn = (one[key] * 1e6 + apart for key in ("turned", "drawn"))
        left = min((at for at in gone if at > turned - APART), default=0)
        if not one["on"] and turned - APART < left < turned + TURN:
            found.append((left - drawn) / 1e6)
    if not found:
        raise StageError(f"{name}: no turn of the page was seen to leave the screen")
    return found
