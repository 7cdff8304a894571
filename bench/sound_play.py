"""What bench/sound plays beside speech: a window that comes and goes with its marker, devices that go and come.

Speech is held to the band of a telephone (testkit/speech.py), so that markers have the band above it for themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.sound_account import BEEP, BEEP_EVERY, BEEP_LENGTH, BEEP_LEVEL, SECOND, Beep, Span, marker
from testkit.flashes import AHEAD, AROUND_A_BEEP, beepers_of, now
from testkit.sounds import RATE, SoundServer, write
from testkit.stage import Stage
from testkit.waits import until
from testkit.windows import Program, program

NAME: Final = "eyelid-till"  # of the program that the bench's rule closes for
SOON: Final = 30.0  # seconds until its window is in view
MARKED: Final = 1.6  # seconds of each marker
MARKED_LONG: Final = 30.0  # of one while devices go and come; it is ended before
AFTER: Final = 0.3  # seconds that the window stays when the last of its marker was played
CLEAN: Final = 4.0  # seconds between two windows
AGENT, OTHER, CUSTOMER, HEADSET = 440.0, 1700.0, 1000.0, 1300.0  # Hz, for devices that go and come
HUMS: Final = {"micfeed": AGENT, "farend": CUSTOMER, "otherfeed": OTHER, "headset": HEADSET}  # sink -> what is heard
RESTART: Final = "server restart"
# Case -> the end that is listened to afterwards, and what it has to hear. What is unplugged is the microphone, unless
# it is said; the far end goes on at another sink, which is the default one then.
CASES: Final = {
    "unplug": (1, CUSTOMER),
    "replug": (0, AGENT),
    "default change": (0, OTHER),
    "far-end unplug": (1, HEADSET),
    "default sink change": (1, HEADSET),
    RESTART: (0, AGENT),
}
SETTLED: Final = 3.5  # seconds after each of those: longer than any recovery that is on its way
RESTARTED: Final = 8.0  # seconds after a server's restart; its null sinks take two for their first samples
BEFORE: Final = 1.5  # seconds of a marker before something happens to a device
SURELY: Final = 1.0  # of which each end hears so much, whatever its player took to start
BEEP_KNOWN: Final = (AHEAD + AROUND_A_BEEP) / SECOND + 0.1  # seconds from the word to beep until its moment is known
FADED: Final = 0.5  # seconds that the window stays when a marker was cut off: what a server still had of it


class Till:
    """The window that a rule closes for."""

    def __init__(self, stage: Stage, program: Program) -> None:
        self._stage, self._program = stage, program
        self._window = program.open(title="Till", x=300, y=200, width=400, height=300, mapped=False)

    def show(self) -> int:
        """When it is in view, ns."""
        self._program.map(window=self._window)
        until(lambda: self._stage.shows(self._program.pid), "the bench's window", SOON, beat=0.002)
        return now()

    def hide(self) -> int:
        self._program.unmap(window=self._window)
        return now()


@contextmanager
def a_till(stage: Stage) -> Iterator[Till]:
    with program(stage.name, NAME) as running:
        yield Till(stage, running)


@contextmanager
def beeping(server: SoundServer) -> Iterator[list[Beep]]:
    """A short beep at both ends every few seconds; grows by those of which it is known when they were heard."""
    at = np.arange(BEEP_LENGTH)
    wave = np.sin(2 * np.pi * BEEP * at / RATE) * np.hanning(BEEP_LENGTH) * BEEP_LEVEL
    beeps: list[Beep] = []
    over = threading.Event()
    with beepers_of(server, wave=(wave * 32_767).astype("<i2")) as beepers:

        def beep() -> None:
            while not over.wait(BEEP_EVERY - BEEP_KNOWN):
                for beeper in beepers:
                    beeper.beep(now() + AHEAD)
                over.wait(BEEP_KNOWN)
                for channel, beeper in enumerate(beepers):
                    if (heard := beeper.beeped()) is not None:
                        beeps.append(Beep(channel, heard))

        thread = threading.Thread(target=beep)
        thread.start()
        try:
            yield beeps
        finally:
            over.set()
            thread.join()


def marked(number: int, folder: Path, seconds: float = MARKED) -> Path:
    """The span's marker as a file."""
    at = np.arange(round(seconds * RATE)) / RATE
    both = sum(np.sin(2 * np.pi * hertz * at) * 0.3 for hertz in marker(number))
    return write(folder / "marker.wav", np.asarray(both) * 32_767)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to the devices at `at`; what is heard at that end again is `hertz`."""

    case: str
    at: int
    channel: int
    hertz: float


def hot_plug(
    server: SoundServer, case: str, folder: Path, till: Till | None = None, number: int = 0
) -> tuple[Event, Span | None]:
    """The case once, followed by enough time to recover. With a `till` while that is in view, as the span of that
    `number`, with its marker before, during and after it."""
    file = None if till is None else marked(number, folder, MARKED_LONG)
    channel, hertz = CASES[case]
    with _ready_for(case, server):
        shown = 0 if till is None else till.show()
        with _playing(server, file):
            time.sleep(SETTLED if till is None else BEFORE)
            at = _happen(case, server)
            if case != RESTART:
                time.sleep(SETTLED)
        if case == RESTART:
            with _playing(server, file):
                at = now()  # when the devices are back: how long the server takes is not the recorder's
                time.sleep(RESTARTED)
        if till is None:
            return Event(case, at, channel, hertz), None
        time.sleep(FADED)
        span = Span(shown, till.hide(), case=f"{case}, in view", played=1000 * SURELY)
        return Event(span.case, at, channel, marker(number)[0]), span


def _happen(case: str, server: SoundServer) -> int:
    """When it had happened, ns."""
    match case:
        case "unplug":
            server.unplug("agentmic")
        case "replug":
            server.plug_microphone("agentmic")
            server.set_default_source("agentmic")
        case "default change":
            server.set_default_source("othermic")
        case "far-end unplug":
            server.unplug("farend")
            server.set_default_sink("headset")  # as a desktop does
        case "default sink change":
            server.set_default_sink("headset")
        case _:
            server.kill()
            server.start()
    return now()


@contextmanager
def _ready_for(case: str, server: SoundServer) -> Iterator[None]:
    """What there has to be before, and what there should not be after."""
    match case:
        case "default change":
            server.plug_sink("otherfeed")
            server.plug_microphone("othermic", "otherfeed")
            time.sleep(SETTLED)
            yield
            server.set_default_source("agentmic")
            time.sleep(SETTLED)
            server.unplug("othermic")
            server.unplug("otherfeed")
        case "far-end unplug" | "default sink change":
            server.plug_sink("headset")
            time.sleep(SETTLED)
            yield
            if not server.has("farend"):
                server.plug_sink("farend")
            server.set_default_sink("farend")
            time.sleep(SETTLED)
            server.unplug("headset")
        case _:
            yield


@contextmanager
def _playing(server: SoundServer, file: Path | None = None) -> Iterator[None]:
    """To each of the sinks that are plugged in; without a file a tone of its own."""
    with ExitStack() as stack:
        for sink, hertz in HUMS.items():
            if server.has(sink):
                plays = server.plays(sink, file) if file else server.playing(sink, hertz, level=0.3)
                stack.enter_context(plays)
        yield
