"""Listening through PortAudio, by sounddevice: for PCs without a PulseAudio or PipeWire server (plain ALSA), and macOS.

PortAudio calls back with samples and an estimate of when they were heard; both are passed on at once. It does not
report devices that come or go, and never renews its list of them. So a stream that ends or falls silent is a lost
device, which is tried again; a process of its own checks the list, so that the other end is not disturbed. A stream
stays on its device. A sound server moves streams of ALSA's plugins unreported: where one runs, none of them is chosen.

PortAudio hears what an output plays only where the system has an input for it, chosen by name: ALSA's loopback card, a
monitor named in the ALSA configuration, a virtual device (BlackHole) on macOS.
"""

from __future__ import annotations

import importlib
import json
import logging
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent.capture.sound_feed import DEFAULT, NONE, RATE, SAMPLE, Began, Devices, End, Heard, Lost, Tell, Timed, fits
from agent.capture.sound_polling import Poll
from agent.core.model.times import SECOND
from agent.errors import EnvironmentFault
from agent.ports import Clock

log = logging.getLogger(__name__)

FRAGMENT: Final = RATE // 10  # samples a callback
LATENCY: Final = 0.2  # seconds; PortAudio's own choice is 35 ms, and 130 samples a callback
# Seconds; no sample of a fragment waits longer in a buffer of that size. ALSA's pulse plugin says 0.7 all the same.
LONGEST_AGE: Final = LATENCY + FRAGMENT / RATE + 0.1
EVERY: Final = 1.0  # seconds between two looks at the streams
LOOK_FOR: Final = 5 * SECOND  # between two tries to open an end that is missing
LIST_AGAIN: Final = 5  # tries; listing all devices anew takes a process of its own, 0.2 s of CPU
SILENT: Final = 2 * SECOND  # a stream that says nothing for so long is dead, whatever it claims
STARTS: Final = 5 * SECOND  # until its first samples: ALSA's pulse plugin took 2.1 s on a busy PC
# Of ALSA: what the sound server's plugins are called, and what a desktop's ALSA configuration makes of `default`.
THROUGH_A_SERVER: Final = frozenset({"default", "pulse", "pipewire"})
NOT_NAMED: Final = (End.FAR_END, DEFAULT)
LIST: Final = "import json, sounddevice as sd; print(json.dumps([one['name'] for one in sd.query_devices()]))"


@dataclass(slots=True)
class _Ear:
    """A device that is listened to."""

    end: End
    name: str
    opened_at: int
    stream: Any = None
    counted: int = 0  # samples that have come
    missing: int = 0  # that could not be reported
    heard_at: int | None = None
    overflows: int = 0
    over: bool = False


class PortAudioFeed:
    """Implements `agent.capture.sound_feed.Feed`."""

    pausing: Final = frozenset[End]()

    def __init__(self, clock: Clock, devices: Devices, tell: Tell, *, avoid: Collection[str] = ()) -> None:
        """`avoid`: inputs that are never chosen. Raises EnvironmentFault without sounddevice or PortAudio."""
        try:
            self._library: Any = importlib.import_module("sounddevice")
        except (ImportError, OSError):  # OSError: sounddevice is there, PortAudio is not
            raise EnvironmentFault(
                "PortAudio is not on this PC, so its sound cannot be recorded: install libportaudio2 (Debian, Ubuntu) "
                "or portaudio (Fedora, Arch, Homebrew), or set both ends to `none` in the configuration"
            ) from None
        self._clock = clock
        self._devices = devices
        self._avoid = avoid
        self._tell = tell
        self._ears: dict[End, _Ear] = {}
        self._listed: list[str] = []  # device names as PortAudio knows them since it began
        self._look_at = self._tries = 0
        self._poll = Poll(lambda: self._follow(clock.now()), lambda: self._let_go(""), EVERY)

    def listen(self, *, on: bool) -> None:
        self._poll.turn(on=on)

    def close(self) -> None:
        self._poll.close()

    def _follow(self, now: int) -> None:
        """Begin anew where a stream has ended, or where another look at the devices finds others than before."""
        for end in [end for end, ear in self._ears.items() if self._is_dead(ear, now)]:
            self._close(end, "device-lost")
            self._look_at, self._tries = now + SECOND, 0
        if not self._ears:
            if now >= self._look_at:
                self._open_all(now)
        elif self._missing() and now >= self._look_at:
            self._look_at = now + LOOK_FOR
            self._tries += 1
            # The first tries in a row, then seldom: it may not come back today.
            if self._tries <= LIST_AGAIN or self._tries % LIST_AGAIN == 0:
                found = _devices_now()
                if found not in (None, self._listed):
                    self._let_go("device-changed")
                    self._open_all(now)
                    return
            self._open_missing(now)

    def _is_dead(self, ear: _Ear, now: int) -> bool:
        silent = now - ear.opened_at > STARTS if ear.heard_at is None else now - ear.heard_at > SILENT
        return ear.over or silent or not ear.stream.active

    def _missing(self) -> list[End]:
        """Ends that should be heard and are not. A far end that the settings do not name is none."""
        named = [end for end in End if self._devices.of(end) != NONE]
        return [end for end in named if end not in self._ears and (end, self._devices.of(end)) != NOT_NAMED]

    # -- opening and closing ------------------------------------------------------------------------------------------

    def _open_all(self, now: int) -> None:
        """With a fresh list of devices: PortAudio reads it only when it begins."""
        self._look_at, self._tries = now + LOOK_FOR, 0
        self._library._terminate()  # noqa: SLF001 - the only way to a fresh list, says its author
        self._library._initialize()  # noqa: SLF001
        self._listed = [str(one["name"]) for one in self._library.query_devices()]
        self._open_missing(now)

    def _open_missing(self, now: int) -> None:
        listed = [dict(one) for one in self._library.query_devices()]
        default = int(self._library.default.device[0])
        for end in self._missing():
            name = choose(end, self._devices, listed, default, self._avoid)
            if name is not None:
                self._open(end, name, now)

    def _open(self, end: End, name: str, now: int) -> None:
        ear = _Ear(end, name, now)

        def heard(samples: Any, frames: int, times: Any, status: Any) -> None:
            self._heard(ear, bytes(samples), frames, times, overflow=bool(status.input_overflow))

        def finished() -> None:
            ear.over = True
            self._poll.nudge()

        try:
            ear.stream = self._library.RawInputStream(
                device=name,
                samplerate=RATE,
                channels=1,
                dtype="int16",
                blocksize=FRAGMENT,
                latency=LATENCY,
                callback=heard,
                finished_callback=finished,
            )
        except (self._library.PortAudioError, ValueError):
            log.warning("the %s cannot be opened at %d samples a second", end.word, RATE)
            return
        self._ears[end] = ear
        self._tell(Began(end, name))
        try:
            ear.stream.start()
        except self._library.PortAudioError:
            ear.over = True

    def _let_go(self, why: str) -> None:
        for end in list(self._ears):
            self._close(end, why)

    def _close(self, end: End, why: str) -> None:
        ear = self._ears.pop(end)
        ear.stream.close(ignore_errors=True)
        if ear.overflows:
            log.warning("the %s has overflowed %d times", end.word, ear.overflows)
        self._tell(Lost(end, why))

    # -- in PortAudio's thread ----------------------------------------------------------------------------------------

    def _heard(self, ear: _Ear, samples: bytes, frames: int, times: Any, *, overflow: bool) -> None:
        """Its clock is not ours: what counts is how long ago, by its own, it says that it was."""
        before = self._clock.now()
        since = ear.stream.time - times.currentTime
        age = times.currentTime - times.inputBufferAdcTime
        arrived = self._clock.now()
        ear.heard_at = arrived
        ear.overflows += overflow
        # The first of a fragment is at least as old as the fragment is long. What says otherwise only arrives in time.
        known = 0 <= since < 1 and frames / RATE <= age <= LONGEST_AGE
        if known:
            earlier = round((since + age) * SECOND)
            self._tell(Timed(ear.end, ear.counted, before - earlier, arrived - earlier))
        ear.counted += frames
        if not known:  # then it has come now, and cannot be older than a buffer is long
            self._tell(Timed(ear.end, ear.counted, before, arrived, round(LATENCY * SECOND)))
        if self._tell(Heard(ear.end, arrived, samples, ear.missing)):
            ear.missing = 0
        else:
            ear.missing += len(samples) // SAMPLE


def choose(
    end: End, devices: Devices, listed: Sequence[dict[str, Any]], default: int, avoid: Collection[str] = ()
) -> str | None:
    """The name of the input for that end. The far end is an input only where the settings name one."""
    wanted = devices.of(end)
    if wanted == NONE or (end, wanted) == NOT_NAMED:
        return None
    inputs = [one for one in listed if one["max_input_channels"] > 0 and one["name"] not in avoid]
    if wanted == DEFAULT:
        return next((str(one["name"]) for one in inputs if one["index"] == default), None)
    return next((str(one["name"]) for one in inputs if fits(wanted, str(one["name"]))), None)


def _devices_now() -> list[str] | None:
    """As a process of its own finds them, which has no old list; None where it could not tell."""
    try:
        asked = subprocess.run(
            [sys.executable, "-I", "-c", LIST], capture_output=True, text=True, timeout=10, check=True
        )
        return [str(name) for name in json.loads(asked.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
