"""Which of the sound server's sources each end is, by the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.capture.sound_feed import DEFAULT, NONE, Devices, End, fits

NO_DEVICE: Final = "auto_null"  # what both servers call the sink that they make up when there is none


@dataclass(frozen=True, slots=True)
class Source:
    """As the server tells of it. `index` is new at every replug. `monitor_of`: the sink whose sound it is, else ""."""

    index: int
    name: str
    description: str
    monitor_of: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """What there is to choose from."""

    default_source: str
    default_sink: str
    sources: tuple[Source, ...]


def choose(end: End, devices: Devices, server: Server) -> Source | None:
    """None where there is no such device.

    A monitor is no microphone, even where the server makes it the default because the last microphone is gone; only a
    name that fits one may choose it. Of several that fit, the default, else the first by name.
    """
    wanted = devices.of(end)
    if wanted == NONE:
        return None
    if end is End.FAR_END:
        found = [one for one in server.sources if one.monitor_of and one.monitor_of != NO_DEVICE]
        default = [one for one in found if one.monitor_of == server.default_sink]
    else:
        found = [one for one in server.sources if one.monitor_of != NO_DEVICE]
        default = [one for one in found if one.name == server.default_source]
    if wanted == DEFAULT:
        return next((one for one in default if end is End.FAR_END or not one.monitor_of), None)
    fitting = [one for one in found if fits(wanted, one.name, one.description, one.monitor_of)]
    if end is End.MICROPHONE:
        fitting = [one for one in fitting if not one.monitor_of] or fitting
    return next((one for one in default if one in fitting), None) or min(fitting, key=_by_name, default=None)


def _by_name(source: Source) -> str:
    return source.name
