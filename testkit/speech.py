"""A call's two ends that talk: espeak-ng's speech, held to the band of a telephone, and recordings of a voice."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from testkit.sounds import RATE, SINKS, SoundServer
from testkit.stage import StageError

LOOP: Final = 30  # seconds of speech that come again and again
TELEPHONE: Final = 3400.0  # Hz; nothing of the speech lies above
VOICES: Final = ("en-us", "en-gb")
TEXT: Final = (
    "Thank you for calling. My order number is four eight two one three, and it has not arrived. It left the depot on "
    "Monday, and since this morning it says that it is out for delivery. Let me look that up for you. I can see the "
    "driver is two stops away. Would you like a call when he is near? Yes, please, in the afternoon. I will note that "
    "down. Is there anything else that I can do for you today? No, that was all. Have a nice day. "
)

Spoken = npt.NDArray[np.float64]
"""One voice, at `RATE`."""


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
