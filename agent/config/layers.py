"""The settings in force and where each comes from: machine policy before file before environment before default.

The file stands above the environment, because a user who starts a program may set its environment, and the machine's
policy above both, because a user may write their own file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from platformdirs import site_config_path, user_config_path, user_state_path

from agent.config import managed
from agent.config.reading import Read, read_file, read_words
from agent.config.settings import Config, build, keys
from agent.errors import UserError

FILE_VARIABLE: Final = "EYELID_CONFIG"
NAME: Final = "agent.yaml"


class Layer(StrEnum):
    """Who said a value, the one that counts first."""

    MANAGED = "machine policy"
    FILE = "file"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """`place`: the file with line and column, the variable, the registry's key; "" for a default."""

    value: Any
    layer: Layer
    place: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """`settings`: by name, all that was said of it, the one in force first. `file`: which was read, where any was."""

    config: Config
    settings: Mapping[str, tuple[Setting, ...]]
    file: Path | None


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """The settings in force.

    EYELID_CONFIG names the file; without it the machine's agent.yaml counts, then the user's, then none.
    Raises UserError with every mistake of all sources, each as `place what is wrong, what was meant`.
    """
    return resolve(environment).config


def resolve(environment: Mapping[str, str] = os.environ) -> Resolved:
    """As `load`, with where each value comes from."""
    file = _file(environment)
    layers = {
        Layer.MANAGED: managed.read_managed(),
        Layer.FILE: Read() if file is None else read_file(file),
        Layer.ENVIRONMENT: _from_environment(environment),
    }
    mistakes = [mistake for read in layers.values() for mistake in read.mistakes]
    if mistakes:
        raise UserError("\n".join(mistakes))
    return _resolved(layers, file)


def pinned(name: str) -> bool:
    """Whether the machine's policy says this setting, so that the person who is recorded cannot."""
    return name in managed.read_managed().values


def _resolved(layers: Mapping[Layer, Read], file: Path | None) -> Resolved:
    said = {name: _said(name, layers) for name in keys()}
    home: Path = said["home"][0].value
    said["policies"] = tuple(
        Setting(home / "policies", Layer.DEFAULT) if one.layer is Layer.DEFAULT else one for one in said["policies"]
    )
    return Resolved(build({name: settings[0].value for name, settings in said.items()}), said, file)


def defaults(environment: Mapping[str, str] = os.environ) -> Resolved:
    """The defaults, for this home: for callers that must go on although `load` raises."""
    return _resolved({Layer.ENVIRONMENT: _from_environment({"EYELID_HOME": environment.get("EYELID_HOME", "")})}, None)


def check(file: Path) -> tuple[str, ...]:
    """Every mistake of one file, as it would be told at the start; none where all of it can come into force."""
    return tuple(read_file(file).mistakes)


def _said(name: str, layers: Mapping[Layer, Read]) -> tuple[Setting, ...]:
    said = [
        Setting(read.values[name][0], layer, read.values[name][1])
        for layer, read in layers.items()
        if name in read.values
    ]
    default = keys()[name].default
    if default is MISSING:
        default = user_state_path("eyelid")  # of the home; that of `policies` follows the home in force
    return (*said, Setting(default, Layer.DEFAULT))


def _from_environment(environment: Mapping[str, str]) -> Read:
    """Empty variables say nothing, as is usual. A list is written with commas."""
    given = {}
    for key in keys().values():
        text = environment.get(key.variable, "")
        if text:
            texts = [part.strip() for part in text.split(",")] if key.kind.several else [text]
            given[key.name] = (texts, key.variable)
    return read_words(given, Path.cwd())


def _file(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(FILE_VARIABLE)
    if named:
        return Path(named)
    for folder in (site_config_path("eyelid"), user_config_path("eyelid")):
        if _is_there(folder / NAME):
            return folder / NAME
    return None


def _is_there(path: Path) -> bool:
    """Also where it may not be looked at: then reading it says so, and no settings are passed over in silence."""
    try:
        return path.is_file()
    except PermissionError:
        return True
