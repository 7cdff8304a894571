"""Which sound system this PC is heard through. docs/decisions/0018 says why in this order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from agent.capture.audio import LiveSound, pulse_sound
from agent.capture.sound_feed import Devices, End
from agent.capture.sound_portaudio import NOT_NAMED, THROUGH_A_SERVER, PortAudioFeed
from agent.capture.sound_windows import WasapiFeed
from agent.errors import EnvironmentFault
from agent.ports import Clock
from protocol.system import ON_LINUX, ON_WINDOWS

AUTO: Final = "auto"
PULSE: Final = "pulse"
PORTAUDIO: Final = "portaudio"
THROUGH: Final = (AUTO, PULSE, PORTAUDIO)

SERVERS: Final = ("pulseaudio", "pipewire-pulse")


def system_sound(clock: Clock, devices: Devices, through: str = AUTO) -> LiveSound:
    """`through`: one of `THROUGH`. Raises EnvironmentFault where this PC lacks what it takes."""
    if through == PULSE or (through == AUTO and ON_LINUX and has_server(os.environ)):
        return pulse_sound(clock, devices)
    if through == AUTO and ON_WINDOWS:
        return LiveSound(clock, lambda tell: WasapiFeed(clock, devices, tell))
    avoid = _moved_by_a_server(devices) if ON_LINUX and has_server(os.environ) else frozenset()
    try:
        return portaudio_sound(clock, devices, avoid)
    except EnvironmentFault:
        if through == AUTO and ON_LINUX:
            return pulse_sound(clock, devices)  # a server may come yet
        raise


def portaudio_sound(clock: Clock, devices: Devices, avoid: Collection[str] = ()) -> LiveSound:
    """`avoid`: inputs that are never chosen. Raises EnvironmentFault without PortAudio."""
    return LiveSound(clock, lambda tell: PortAudioFeed(clock, devices, tell, avoid=avoid))


def _moved_by_a_server(devices: Devices) -> frozenset[str]:
    """Inputs that a sound server may turn to another microphone untold. Raises EnvironmentFault where one is wanted."""
    for end in End:
        wanted = devices.of(end)
        # A far end that the settings do not name is none here.
        if wanted in THROUGH_A_SERVER and (end, wanted) != NOT_NAMED:
            raise EnvironmentFault(
                f"`through: portaudio` would hear the {end.word} `{wanted}` through this PC's sound server, which may "
                "turn it to another device untold: take that line out of `audio` in agent.yaml, so that the server is "
                "asked itself, or name an input of a sound card"
            )
    return THROUGH_A_SERVER


def has_server(environment: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> bool:
    """Whether a PulseAudio or PipeWire server is there, or comes with the desktop: it may start after the recorder."""
    if environment.get("PULSE_SERVER"):
        return True
    folders = [environment.get("PULSE_RUNTIME_PATH", ""), f"{environment.get('XDG_RUNTIME_DIR', '')}/pulse"]
    if any(Path(folder, "native").exists() for folder in folders if folder):
        return True
    return any(which(server) for server in SERVERS)
