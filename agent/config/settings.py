"""Every setting there is, one line each: its type, what may be written, what it is for, and its default.

A line here is all that a new setting needs. Reading, `eyelid config`, the variable of the environment and the check of
the shipped agent.yaml go by these lines.
"""

# ruff: noqa: RUF009 - `_set` makes a field, which dataclasses take for what it is

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from agent.config.values import (
    DEVICE,
    HOURS,
    NOTICE,
    PATH,
    PATH_OR_NONE,
    PROXY,
    SIZE,
    Hours,
    Kind,
    number,
    number_or_none,
    one_of,
    whole,
)

LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def _set(kind: Kind, words: str, default: Any = MISSING) -> Any:
    """A field of a dataclass that is a setting. `words`: what it is for, as `eyelid config show` says it."""
    return field(default=default, repr=not kind.secret, metadata={"kind": kind, "words": words})


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """How much may wait for the store. When either bound is reached recording holds; nothing is dropped."""

    # 4 GB are about three working days of one busy monitor without a network.
    max_bytes: int = _set(SIZE, "what may wait for the store; when it is used up recording holds", 4 * 10**9)
    keep_free: int = _set(SIZE, "of the disk, for everybody else; below it recording holds too", 1 * 10**9)


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    fps: float = _set(number(0.2, 30), "at most so many pictures a second of a monitor that changes", 5.0)


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """Which sources are the two ends of the call: `default`, `none`, or a pattern for the device's name (`*Jabra*`)."""

    microphone: str = _set(DEVICE, "the agent's end of the call", "default")
    far_end: str = _set(DEVICE, "what this PC plays, the caller's end", "default")
    through: str = _set(
        one_of("auto", "pulse", "portaudio"), "the sound system; auto: a sound server, else PortAudio", "auto"
    )

    @property
    def wanted(self) -> bool:
        return {self.microphone, self.far_end} != {"none"}


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """How what is sealed travels to the store. Recording never waits for it; only a full spool holds."""

    max_kbit: float | None = _set(number_or_none(16, 10_000_000), "thousand bits a second that this PC may send", None)
    hours: tuple[Hours, ...] = _set(HOURS, "when recordings are sent, local time; the account goes at all hours", ())
    parallel: int = _set(whole(1, 16), "recordings that are sent at once", 4)
    proxy: str = _set(PROXY, "an address, what the system names, or none", "system")
    ca: Path | None = _set(PATH_OR_NONE, "PEM; whom the store's certificate may come from besides", None)

    def open_at(self, wall: int) -> bool:
        """Whether recordings may be sent at this moment (ns since 1970)."""
        local = time.localtime(wall // 10**9)
        return not self.hours or any(span.contain(local.tm_hour * 60 + local.tm_min) for span in self.hours)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings in force. `home` and `policies` have defaults that depend on the user: see `agent.config.layers`."""

    home: Path = _set(PATH, "keys, what waits for the store, and the account of this user")
    policies: Path = _set(PATH, "the folder whose *.yaml files are the policy")
    keys_socket: Path | None = _set(PATH_OR_NONE, "the keys service's; none: the device's keys lie in home", None)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    upload: UploadSettings = field(default_factory=UploadSettings)
    privacy_notice: str | None = _set(NOTICE, "the notice of GDPR 13: its address, or a line of text", None)
    chunk_seconds: float = _set(number(0.5, 10), "what a crash can cost at most; shorter ones are for tests", 4.0)
    log_level: str = _set(one_of(*LOG_LEVELS), "no level writes a title, an address or content", "info")
    log_size: int = _set(SIZE, "what the log may take on the disk; the oldest lines go", 10 * 10**6)


# -- the lines as a table -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. `name` as in a file, sections with a dot: `upload.proxy`. `default` is MISSING for two paths."""

    name: str
    kind: Kind
    words: str
    default: Any

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"EYELID_{self.name.upper().replace('.', '_')}"


def _walk(owner: type, within: str) -> Iterator[Key]:
    for line in fields(owner):
        name = f"{within}{line.name}"
        section: Any = line.default_factory
        if section is not MISSING:
            yield from _walk(section, f"{name}.")
        else:
            yield Key(name, line.metadata["kind"], line.metadata["words"], line.default)


_KEYS: Final = {key.name: key for key in _walk(Config, "")}


def keys() -> dict[str, Key]:
    """All of them by name, in the order of the shipped agent.yaml."""
    return dict(_KEYS)


def build(values: dict[str, Any], owner: type = Config, within: str = "") -> Any:
    """The settings from values by name; every name must be there."""
    given = {}
    for line in fields(owner):
        name = f"{within}{line.name}"
        section: Any = line.default_factory
        given[line.name] = values[name] if section is MISSING else build(values, section, f"{name}.")
    return owner(**given)
