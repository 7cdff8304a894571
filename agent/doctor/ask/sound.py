"""Both ends of the call: from the recorder that has them open, or listened to for a moment and forgotten."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from agent import desktop
from agent.capture.sound_feed import Devices
from agent.capture.sound_systems import system_sound
from agent.config import AudioSettings
from agent.core.account.evidence import Deaf
from agent.doctor.facts import EndFacts, SoundFacts
from agent.errors import EnvironmentFault

LISTENS: Final = 3.0  # seconds, of which a device's start takes the first


def ask(audio: AudioSettings, status: Mapping[str, Any] | None) -> SoundFacts:
    if not audio.wanted:
        return SoundFacts(False, EndFacts(audio.microphone, "", None), EndFacts(audio.far_end, "", None))
    # A recorder that knows no sound does not say why; asking here finds the same, with its words.
    if status is not None and status["sound"] is not None and status["sound"].get("fault") != Deaf.NO_SOUND:
        ends = status["sound"]
        microphone, far_end = (
            EndFacts(wanted, ends[end]["device"], ends[end]["peak_dbfs"])
            for end, wanted in (("microphone", audio.microphone), ("far_end", audio.far_end))
        )
        return SoundFacts(True, microphone, far_end)
    return listen(audio, LISTENS)


def listen(audio: AudioSettings, seconds: float) -> SoundFacts:
    """What is heard is dropped as it comes; only its loudest sample is told."""
    nothing = (EndFacts(audio.microphone, "", None), EndFacts(audio.far_end, "", None))
    try:
        heard = system_sound(desktop.current_clock(), Devices(audio.microphone, audio.far_end), audio.through)
    except EnvironmentFault as fault:
        return SoundFacts(True, *nothing, fault=str(fault))
    peaks: list[float | None] = [None, None]
    devices = ["", ""]
    try:
        heard.listen(on=True)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            heard.take(0.2)
            for at, channel in enumerate(heard.channels()):
                devices[at] = channel.device or devices[at]
                if channel.peak is not None:
                    peaks[at] = max(channel.peak, -200.0 if (before := peaks[at]) is None else before)
    finally:
        heard.close()
    return SoundFacts(
        True, EndFacts(audio.microphone, devices[0], peaks[0]), EndFacts(audio.far_end, devices[1], peaks[1])
    )
