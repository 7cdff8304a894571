"""What whoever installs Eyelid may set, read once at the start into values that never change.

A file of settings is written by hand, so every mistake in it is told at once, with its place and what was meant.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml
from platformdirs import site_config_path, user_config_path, user_state_path

from agent.errors import UserError

MAX_FILE: Final = 64 * 2**10  # bytes
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """How much may wait for the store. When either bound is reached recording holds; nothing is dropped."""

    max_bytes: int = 4 * 10**9  # about three working days of one busy monitor without a network
    keep_free: int = 1 * 10**9  # bytes of the disk that Eyelid leaves to everybody else


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    fps: float = 5.0  # at most so many pictures a second of a monitor that changes


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """Which sources are the two ends of the call: `default`, `none`, or a pattern for the device's name (`*Jabra*`).

    `through`: the sound system; `auto` takes a PulseAudio or PipeWire server where there is one, else PortAudio.
    """

    microphone: str = "none"
    far_end: str = "none"  # what this PC plays
    through: str = "auto"

    @property
    def wanted(self) -> bool:
        return {self.microphone, self.far_end} != {"none"}


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until before `end`, minutes since local midnight; over midnight where `end` is the smaller."""

    start: int
    end: int

    def contain(self, minute: int) -> bool:
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """How what is sealed travels to the store. Recording never waits for it; only a full spool holds."""

    max_kbit: float | None = None  # thousand bits a second that this PC may send; None: no limit
    hours: tuple[Hours, ...] = ()  # when recordings are sent; (): always. The account and health go at all hours
    parallel: int = 4  # recordings on their way at once
    proxy: str = field(default="system", repr=False)  # an address (it may hold a password), "system" or "none"
    ca: Path | None = None  # PEM; whom the store's certificate may come from besides

    def open_at(self, wall: int) -> bool:
        """Whether recordings may be sent at this moment (ns since 1970)."""
        local = time.localtime(wall // 10**9)
        return not self.hours or any(span.contain(local.tm_hour * 60 + local.tm_min) for span in self.hours)


@dataclass(frozen=True, slots=True)
class Config:
    """`home`: keys, spool and ledger of this user. `policies`: the folder whose *.yaml are the policy."""

    home: Path
    policies: Path
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    upload: UploadSettings = field(default_factory=UploadSettings)
    chunk_seconds: float = 4.0  # what a crash can cost at most; shorter ones are for tests
    log_level: str = "info"


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """The settings in force: a value in the file, else the environment, else the default.

    EYELID_CONFIG names the file; without it the machine's agent.yaml counts, then the user's, then none.
    EYELID_HOME is the state folder where the file names none.
    Raises UserError with every mistake as `file:line:column what is wrong, what was meant`.
    """
    home = Path(environment["EYELID_HOME"]) if environment.get("EYELID_HOME") else user_state_path("eyelid")
    defaults = Config(home=home.absolute(), policies=home.absolute() / "policies")
    named = environment.get("EYELID_CONFIG")
    if named:
        return read(Path(named), defaults)
    for folder in (site_config_path("eyelid"), user_config_path("eyelid")):
        if _is_there(folder / "agent.yaml"):
            return read(folder / "agent.yaml", defaults)
    return defaults


def _is_there(path: Path) -> bool:
    """Also where it may not be looked at: then reading it says so, and nobody's settings are passed over in silence."""
    try:
        return path.is_file()
    except PermissionError:
        return True


def read(path: Path, defaults: Config) -> Config:
    """The settings of one file over `defaults`. Raises UserError as `load`."""
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(f"{where} this is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError:
        raise UserError(f"{path} this is not YAML: it has characters that text does not have") from None
    reading = _Reading(path)
    values = {} if root is None else reading.section(root, _fields(path.parent), "")
    if reading.mistakes:
        raise UserError("\n".join(reading.mistakes))
    home = values.get("home", defaults.home)
    return Config(
        home=home,
        policies=values.get("policies", home / "policies" if "home" in values else defaults.policies),
        spool=SpoolSettings(**values.get("spool", {})),
        screen=ScreenSettings(**values.get("screen", {})),
        audio=AudioSettings(**values.get("audio", {})),
        upload=UploadSettings(**values.get("upload", {})),
        chunk_seconds=values.get("chunk_seconds", defaults.chunk_seconds),
        log_level=values.get("log_level", defaults.log_level),
    )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE:
            raise UserError(f"{path} is larger than {MAX_FILE // 1024} KiB: this cannot be a file of settings")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; is EYELID_CONFIG right?") from None


# -- what each field may be: text in, value out, or ValueError that says what is wanted -----------------------------

_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
                 "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None or match[2].upper() not in _UNITS:
        raise ValueError("a size such as 500 MB or 4 GB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return value

    return parse


def _path(folder: Path) -> Callable[[str], Path]:
    def parse(text: str) -> Path:
        if not text:
            raise ValueError("a path")
        return (folder / Path(text).expanduser()).absolute()

    return parse


def _device(text: str) -> str:
    if not text.strip():
        raise ValueError("default, none, or a pattern for the device's name such as *Jabra*")
    return text


def _level(text: str) -> str:
    if text not in LOG_LEVELS:
        raise ValueError(f"one of {', '.join(LOG_LEVELS)}")
    return text


_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def _span_of_hours(text: str) -> Hours:
    match = _HOURS.fullmatch(text.replace(" ", ""))
    start, end = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else (0, 0)
    if start == end or start >= 24 * 60 or end > 24 * 60:
        raise ValueError('hours such as "22:00-06:00", a list of such, or always')
    return Hours(start, end)


def _hours(texts: list[str]) -> tuple[Hours, ...]:
    if texts == ["always"]:
        return ()
    return tuple(_span_of_hours(text) for text in texts or [""])


def _limit(text: str) -> float | None:
    try:
        return None if text == "none" else _number(16, 10_000_000)(text)
    except ValueError as wanted:
        raise ValueError(f"{wanted}, or none") from None


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _through(text: str) -> str:
    if text not in {"auto", "pulse", "portaudio"}:
        raise ValueError("auto, pulse or portaudio")
    return text


class _Private(ValueError):
    """What was written is not repeated: it may hold a password."""


def _proxy(text: str) -> str:
    if text in {"system", "none"}:
        return text
    wanted = "system, none, or an address such as http://proxy.example.com:3128"
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not parts.path.strip("/")
    except ValueError:  # a port that is none
        good = False
    if not good:
        raise _Private(wanted)
    return text


def _path_or_none(folder: Path) -> Callable[[str], Path | None]:
    return lambda text: None if text == "none" else _path(folder)(text)


@dataclass(frozen=True, slots=True)
class _Several:
    """One value or a list of them."""

    parse: Callable[[list[str]], Any]


_Parse = Callable[[str], Any]  # each key its own type; `read` puts it into the field of that type
_Fields = Mapping[str, "_Parse | _Several | _Fields"]


def _fields(folder: Path) -> _Fields:
    """Every key that a file may have. Relative paths begin at the file's own folder."""
    return {
        "home": _path(folder),
        "policies": _path(folder),
        "spool": {"max_bytes": _size, "keep_free": _size},
        "screen": {"fps": _number(0.2, 30)},
        "audio": {"microphone": _device, "far_end": _device, "through": _through},
        "upload": {
            "max_kbit": _limit,
            "hours": _Several(_hours),
            "parallel": _whole(1, 16),
            "proxy": _proxy,
            "ca": _path_or_none(folder),
        },
        "chunk_seconds": _number(0.5, 10),
        "log_level": _level,
    }


class _Reading:
    """Walks one file and gathers its mistakes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.mistakes: list[str] = []

    def _mistake(self, node: yaml.Node, what: str) -> None:
        self.mistakes.append(f"{self._path}:{node.start_mark.line + 1}:{node.start_mark.column + 1} {what}")

    def section(self, node: yaml.Node, fields: _Fields, within: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return values  # a heading whose keys are all commented out
        if not isinstance(node, yaml.MappingNode):
            self._mistake(node, f"{within or 'the file'} must be keys and values, one `key: value` a line")
            return values
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            name = f"{within}.{key}" if within else key
            if key not in fields:
                self._mistake(key_node, f"`{name}` is no setting{self._suggest(key, fields)}")
            elif key in values:
                self._mistake(key_node, f"`{name}` comes twice; which one was meant?")
            else:
                values[key] = self._value(value_node, fields[key], name)
        return values

    def _value(self, node: yaml.Node, parse: _Parse | _Several | _Fields, name: str) -> Any:
        if isinstance(parse, Mapping):
            return self.section(node, parse, name)
        if isinstance(parse, _Several):
            return self._several(node, parse, name)
        if not isinstance(node, yaml.ScalarNode):
            self._mistake(node, f"`{name}` must be one value")
            return None
        try:
            return parse(node.value)
        except _Private as wanted:
            self._mistake(node, f"`{name}` must be {wanted}")
            return None
        except ValueError as wanted:
            self._mistake(node, f"`{name}` must be {wanted}, not {node.value!r}")
            return None

    def _several(self, node: yaml.Node, parse: _Several, name: str) -> Any:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        texts = [item.value if isinstance(item, yaml.ScalarNode) else "" for item in items]
        try:
            return parse.parse(texts)
        except ValueError as wanted:
            self._mistake(node, f"`{name}` must be {wanted}, not {', '.join(map(repr, texts)) or 'nothing'}")
            return None

    @staticmethod
    def _suggest(key: str, fields: _Fields) -> str:
        near = difflib.get_close_matches(key, fields, n=1)
        return f": did you mean `{near[0]}`?" if near else f"; settings here are {', '.join(fields)}"
