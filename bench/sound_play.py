"""What bench/sound plays: speech at both ends, a window that comes and goes with its marker, devices that go and come.

Speech is espeak-ng's, held to the band of a telephone, so that markers have the band above it for themselves.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from bench.harness import expect
from bench.sound_account import BEEP, BEEP_EVERY, BEEP_LENGTH, BEEP_LEVEL, RATE, SECOND, Beep, Span, marker
from testkit.flashes import AHEAD, AROUND_A_BEEP, Beeper, now
from testkit.sounds import SoundServer, write
from testkit.stage import Stage, StageError
from testkit.windows import Program, program

NAME: Final = "eyelid-till"  # of the program that the bench's rule closes for
SOON: Final = 30.0  # seconds until its window is in view
LOOP: Final = 30  # seconds of speech that come again and again
TELEPHONE: Final = 3400.0  # Hz; nothing of the speech lies above
MARKED: Final = 1.6  # seconds of each marker
MARKED_LONG: Final = 30.0  # of one while devices go and come; it is ended before
AFTER: Final = 0.3  # seconds that the window stays when the last of its marker was played
CLEAN: Final = 4.0  # seconds between two windows
SINKS: Final = ("micfeed", "farend")
VOICES: Final = ("en-us", "en-gb")
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

TEXT: Final = (
    "Thank you for calling. My order number is four eight two one three, and it has not arrived. It left the depot on "
    "Monday, and since this morning it says that it is out for delivery. Let me look that up for you. I can see the "
    "driver is two stops away. Would you like a call when he is near? Yes, please, in the afternoon. I will note that "
    "down. Is there anything else that I can do for you today? No, that was all. Have a nice day. "
)

Spoken = npt.NDArray[np.float64]


def speech(voice: str, folder: Path) -> npt.NDArray[np.int16]:
    """`LOOP` seconds, mono, held to `TELEPHONE`. Raises StageError without espeak-ng."""
    file = folder / f"{voice}.wav"
    try:
        command = ["espeak-ng", "-v", voice, "-s", "150", "-w", str(file), TEXT]
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise StageError("espeak-ng does not speak; scripts/setup --for test installs it") from None
    samples = limited(np.resize(samples_in(file), LOOP * RATE), TELEPHONE)
    return np.asarray((samples * (0.4 / np.abs(samples).max()) * 32_767).astype("<i2"))


def samples_in(file: Path, form: str | None = None) -> Spoken:
    """Of a recording of one voice, at `RATE`. `form`: of the file, where it does not tell it itself."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(file), format=form) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float64)


def limited(samples: Spoken, band: float) -> Spoken:
    """Without anything above `band`, Hz."""
    # Of a length that has large prime factors it would take seconds.
    padded = 1 << (len(samples) - 1).bit_length()
    spectrum = np.fft.rfft(samples, padded)
    spectrum[np.fft.rfftfreq(padded, 1 / RATE) > band] = 0
    return np.fft.irfft(spectrum, padded)[: len(samples)]


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

    def __init__(self, stage: Stage, program: Program) -> None:
        self._stage, self._program = stage, program
        self._window = program.open(title="Till", x=300, y=200, width=400, height=300, mapped=False)

    def show(self) -> int:
        """When it is in view, ns."""
        self._program.map(window=self._window)
        expect(lambda: self._stage.shows(self._program.pid), "the bench's window", SOON, beat=0.002)
        return now()

    def hide(self) -> int:
        self._program.unmap(window=self._window)
        return now()


@contextmanager
def a_till(stage: Stage) -> Iterator[Till]:
    with program(stage.name, NAME) as running:
        yield Till(stage, running)


@contextmanager
def beepers_of(server: SoundServer, **wave: npt.NDArray[np.int16]) -> Iterator[list[Beeper]]:
    """One for each end."""
    with ExitStack() as stack:
        in_cycles = server.kind == "pipewire"
        yield [stack.enter_context(Beeper(server.address, sink, in_cycles=in_cycles, **wave)) for sink in SINKS]


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


@contextmanager
def played(server: SoundServer, files: Sequence[Path]) -> Iterator[None]:
    """One at each end, to its end unless the block fails. Raises StageError where the server plays nothing."""
    with ExitStack() as stack:
        players = [stack.enter_context(server.plays(sink, file)) for sink, file in zip(SINKS, files, strict=True)]
        yield
        for player in players:
            if player.wait():
                raise StageError(f"the sound server plays nothing: paplay ended with {player.returncode}")


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
