"""What whoever installs Eyelid may set, read once at the start into values that never change.

A file of settings is written by hand, so every mistake in it is told at once, with its place and what was meant.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

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
class Config:
    """`home`: keys, spool and ledger of this user. `policies`: the folder whose *.yaml are the policy."""

    home: Path
    policies: Path
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
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
        if (folder / "agent.yaml").is_file():
            return read(folder / "agent.yaml", defaults)
    return defaults


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


def _level(text: str) -> str:
    if text not in LOG_LEVELS:
        raise ValueError(f"one of {', '.join(LOG_LEVELS)}")
    return text


_Parse = Callable[[str], Any]  # each key its own type; `read` puts it into the field of that type
_Fields = Mapping[str, "_Parse | _Fields"]


def _fields(folder: Path) -> _Fields:
    """Every key that a file may have. Relative paths begin at the file's own folder."""
    return {
        "home": _path(folder),
        "policies": _path(folder),
        "spool": {"max_bytes": _size, "keep_free": _size},
        "screen": {"fps": _number(0.2, 30)},
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

    def _value(self, node: yaml.Node, parse: _Parse | _Fields, name: str) -> Any:
        if isinstance(parse, Mapping):
            return self.section(node, parse, name)
        if not isinstance(node, yaml.ScalarNode):
            self._mistake(node, f"`{name}` must be one value")
            return None
        try:
            return parse(node.value)
        except ValueError as wanted:
            self._mistake(node, f"`{name}` must be {wanted}, not {node.value!r}")
            return None

    @staticmethod
    def _suggest(key: str, fields: _Fields) -> str:
        near = difflib.get_close_matches(key, fields, n=1)
        return f": did you mean `{near[0]}`?" if near else f"; settings here are {', '.join(fields)}"
