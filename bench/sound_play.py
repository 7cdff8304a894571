"""What bench/sound plays: speech at both ends, a window that comes and goes with its marker, devices that go and come.

Speech is espeak-ng's, held to the band of a telephone, so that markers have the band above it for themselves.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.desktop.clock import BootClock
from bench.sound_account import BEEP, BEEP_EVERY, RATE, marker
from bench.stage import StageError
from tests.stage.sounds import SoundServer

LOOP: Final = 30  # seconds of speech that come again and again; a multiple of the beeps' distance
TELEPHONE: Final = 3400.0  # Hz; nothing of the speech lies above
MARKED: Final = 1.6  # seconds of each marker
AFTER: Final = 0.15  # seconds that the window stays when the last of its marker was played
CLEAN: Final = 4.0  # seconds between two windows
SINKS: Final = ("micfeed", "farend")
VOICES: Final = ("en-us", "en-gb")
AGENT, OTHER, CUSTOMER = 440.0, 1700.0, 1000.0  # Hz, for devices that go and come
CASES: Final = ("unplug", "replug", "default change", "server restart")
SETTLED: Final = 3.5  # seconds after each of those: longer than any recovery that is on its way

TEXT: Final = (
    "Thank you for calling. My order number is four eight two one three, and it has not arrived. It left the depot on "
    "Monday, and since this morning it says that it is out for delivery. Let me look that up for you. I can see the "
    "driver is two stops away. Would you like a call when he is near? Yes, please, in the afternoon. I will note that "
    "down. Is there anything else that I can do for you today? No, that was all. Have a nice day. "
)


def speech(voice: str, folder: Path) -> npt.NDArray[np.int16]:
    """`LOOP` seconds, mono, with a beep every `BEEP_EVERY`. Raises StageError without espeak-ng."""
    file = folder / f"{voice}.wav"
    command = ["espeak-ng", "-v", voice, "-s", "150", "-w", str(file), TEXT * 3]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise StageError("espeak-ng does not speak; scripts/setup --for test installs it") from None
    with wave.open(str(file), "rb") as read:
        rate = read.getframerate()
        spoken = np.frombuffer(read.readframes(read.getnframes()), "<i2").astype(np.float64) / 32_768
    spoken = np.resize(spoken, LOOP * rate)
    spectrum = np.fft.rfft(spoken)
    spectrum[np.fft.rfftfreq(len(spoken), 1 / rate) > TELEPHONE] = 0
    filtered = np.fft.irfft(spectrum, len(spoken))
    samples = np.interp(np.arange(LOOP * RATE) / RATE, np.arange(len(filtered)) / rate, filtered)
    spectrum = np.fft.rfft(samples)  # straight lines between samples have overtones
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) > TELEPHONE] = 0
    samples = np.fft.irfft(spectrum, len(samples))
    samples *= 0.4 / np.abs(samples).max()
    length = RATE // 50
    beep = np.sin(2 * np.pi * BEEP * np.arange(length) / RATE) * np.hanning(length) * 0.3
    for second in range(BEEP_EVERY // 2, LOOP, BEEP_EVERY):
        samples[second * RATE : second * RATE + length] += beep
    return (samples * 32_767).astype("<i2")


@contextmanager
def talking(server: SoundServer, folder: Path) -> Iterator[None]:
    """Both ends talk without a pause for as long as the context lasts."""
    with ExitStack() as stack:
        for sink, voice in zip(SINKS, VOICES, strict=True):
            stack.enter_context(_endless(server, sink, speech(voice, folder).tobytes()))
        yield


@contextmanager
def _endless(server: SoundServer, sink: str, loop: bytes) -> Iterator[None]:
    form = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1"]
    command = ["pacat", "--playback", f"--server={server.address}", f"--device={sink}", *form]
    player = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def pour() -> None:
        assert player.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            while True:
                player.stdin.write(loop)

    thread = threading.Thread(target=pour, daemon=True)
    thread.start()
    try:
        yield
    finally:
        player.kill()
        player.wait()
        thread.join()


class Till:
    """The window that a rule closes for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "bench.sound_window"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(environment)
        )

    def _say(self, word: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise StageError("the bench's window is gone")
        return int(answer)

    def show(self) -> int:
        """When it is in view, ns."""
        return self._say("show")

    def hide(self) -> int:
        return self._say("hide")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


def marked(server: SoundServer, number: int, folder: Path) -> None:
    """Play the span's marker at both ends, to its end."""
    file = folder / f"marker-{number}.wav"
    at = np.arange(round(MARKED * RATE)) / RATE
    both = sum(np.sin(2 * np.pi * hertz * at) * 0.3 for hertz in marker(number))
    with wave.open(str(file), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes((np.asarray(both) * 32_767).astype("<i2").tobytes())
    with ExitStack() as stack:
        for player in [stack.enter_context(server.plays(sink, file)) for sink in SINKS]:
            if player.wait():
                raise StageError(f"the sound server plays nothing: paplay ended with {player.returncode}")
    file.unlink()


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to the devices at `at`; what is heard at that end again is `hertz`."""

    case: str
    at: int
    channel: int
    hertz: float


def hot_plug(server: SoundServer, cases: Sequence[str], say: Callable[[str], None]) -> list[Event]:
    """Each of the cases once, in the order of `CASES`, followed by enough time to recover."""
    clock = BootClock()
    events: list[Event] = []

    def happen(case: str, do: Callable[[], object], channel: int, hertz: float) -> None:
        say(f"{server.kind}: {case}")
        do()
        events.append(Event(case, clock.now(), channel, hertz))
        time.sleep(SETTLED)

    with _humming(server):
        time.sleep(SETTLED)
        happen("unplug", lambda: server.unplug("agentmic"), 1, CUSTOMER)
        happen("replug", lambda: _plug(server), 0, AGENT)
        if "default change" in cases:
            server.plug_sink("otherfeed")
            server.plug_microphone("othermic", "otherfeed")
            with server.playing("otherfeed", OTHER, level=0.3):
                time.sleep(SETTLED)
                happen("default change", lambda: server.set_default_source("othermic"), 0, OTHER)
            server.set_default_source("agentmic")
            time.sleep(SETTLED)
            server.unplug("othermic")
            server.unplug("otherfeed")
    if "server restart" in cases:
        server.kill()
        server.start()
        with _humming(server):
            # Counted from when the devices are back: how long the server takes is not the recorder's.
            happen("server restart", lambda: None, 0, AGENT)
    return events


@contextmanager
def _humming(server: SoundServer) -> Iterator[None]:
    with server.playing("micfeed", AGENT, level=0.3), server.playing("farend", CUSTOMER, level=0.3):
        yield


def _plug(server: SoundServer) -> None:
    server.plug_microphone("agentmic")
    server.set_default_source("agentmic")
