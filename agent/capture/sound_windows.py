"""Listening on Windows: WASAPI through PyAudioWPatch, whose PortAudio can also hear what an output plays (loopback).

NOT RUN: there was no Windows to run it on. Written from PyAudioWPatch 0.2.12.9 and PortAudio's documentation; see
docs/platforms.md. Two things differ from Linux. A loopback gives nothing while nothing plays, which the merger fills
with silence. And PortAudio does not report devices that come and go, and keeps one list of them while any stream is
open: a device that ends is noticed within two seconds, and another default only at the next start. A stream stays on
its endpoint in any case.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from agent.capture.sound_feed import DEFAULT, NONE, RATE, SAMPLE, Began, Devices, End, Heard, Lost, Tell, Timed, fits
from agent.capture.sound_polling import Poll
from agent.core.model.times import SECOND
from agent.errors import EnvironmentFault
from agent.ports import Clock

EVERY: Final = 2.0  # seconds between two looks at the devices
FRAGMENT: Final = RATE // 10  # samples a callback

Choice = tuple[int, str, int, float]  # index, name, channels, rate


class WasapiFeed:
    """Implements `agent.capture.sound_feed.Feed`. NOT RUN."""

    pausing: Final = frozenset({End.FAR_END})

    def __init__(self, clock: Clock, devices: Devices, tell: Tell) -> None:
        """Raises EnvironmentFault without PyAudioWPatch."""
        try:
            self._library: Any = importlib.import_module("pyaudiowpatch")
        except ImportError:
            raise EnvironmentFault(
                "PyAudioWPatch is not installed, so the sound of this PC cannot be recorded: pip install "
                "PyAudioWPatch, or set both ends to `none` in the configuration"
            ) from None
        self._clock = clock
        self._devices = devices
        self._tell = tell
        self._audio: Any = None
        self._streams: dict[End, tuple[Choice, Any]] = {}
        self._poll = Poll(self._follow, lambda: self._let_go(""), EVERY)

    def listen(self, *, on: bool) -> None:
        self._poll.turn(on=on)

    def close(self) -> None:
        self._poll.close()

    def _follow(self) -> None:
        """Compare what is open with what the list of devices says should be."""
        fresh = self._library.PyAudio()
        try:
            wanted = {end: self._choose(end, fresh) for end in End}
        finally:
            fresh.terminate()
        same = all(self._named(end) == (choice[1] if choice else "") for end, choice in wanted.items())
        alive = all(stream.is_active() for _, stream in self._streams.values())
        if same and alive:
            return
        self._let_go("device-changed" if alive else "device-lost")
        self._audio = self._library.PyAudio()
        for end in End:
            choice = self._choose(end, self._audio)
            if choice is not None:
                self._open(end, choice)

    def _named(self, end: End) -> str:
        return self._streams[end][0][1] if end in self._streams else ""

    def _choose(self, end: End, audio: Any) -> Choice | None:
        wanted = self._devices.of(end)
        if wanted == NONE:
            return None
        try:
            wasapi = audio.get_host_api_info_by_type(self._library.paWASAPI)
            if wanted == DEFAULT:
                if end is End.FAR_END:
                    return _choice(audio.get_default_wasapi_loopback())
                return _choice(audio.get_device_info_by_index(wasapi["defaultInputDevice"]))
            devices = [audio.get_device_info_by_index(number) for number in range(audio.get_device_count())]
        except (OSError, LookupError):
            return None  # no such device now
        for device in devices:
            mine = device["hostApi"] == wasapi["index"] and device["maxInputChannels"] > 0
            loopback = bool(device.get("isLoopbackDevice"))
            if mine and loopback == (end is End.FAR_END) and fits(wanted, device["name"]):
                return _choice(device)
        return None

    def _open(self, end: End, choice: Choice) -> None:
        index, name, channels, rate = choice
        if rate != RATE:
            return  # shared mode records at the mixer's rate only: Windows must be set to 48 kHz

        counted = missing = 0

        def heard(samples: bytes, count: int, times: dict[str, float], _status: int) -> tuple[None, int]:
            nonlocal counted, missing
            mono = _first_channel(samples, channels)
            arrived = self._clock.now()
            age = max(0.0, times["current_time"] - times["input_buffer_adc_time"])
            first = arrived - round(age * SECOND)
            self._tell(Timed(end, counted, first, first))
            counted += count
            missing = 0 if self._tell(Heard(end, arrived, mono, missing)) else missing + count
            return None, self._library.paContinue

        self._tell(Began(end, name))
        try:
            stream = self._audio.open(
                format=self._library.paInt16,
                channels=channels,
                rate=RATE,
                input=True,
                input_device_index=index,
                frames_per_buffer=FRAGMENT,
                stream_callback=heard,
            )
        except OSError:
            self._tell(Lost(end, "device-lost"))  # tried again at the next look
            return
        self._streams[end] = (choice, stream)

    def _let_go(self, why: str) -> None:
        for end, (_, stream) in list(self._streams.items()):
            stream.close()
            del self._streams[end]
            self._tell(Lost(end, why))
        if self._audio is not None:
            self._audio.terminate()
            self._audio = None


def _choice(device: dict[str, Any]) -> Choice:
    return device["index"], device["name"], device["maxInputChannels"], device["defaultSampleRate"]


def _first_channel(samples: bytes, channels: int) -> bytes:
    if channels == 1:
        return samples
    return b"".join(samples[place : place + SAMPLE] for place in range(0, len(samples), SAMPLE * channels))
