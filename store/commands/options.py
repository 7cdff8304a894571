"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Callable
from pathlib import Path
from typing import Final

from protocol.numbers import read_number
from protocol.terminal import Wrapped
from store.admin.home import Home, default_folder
from store.catalog.queries import Device
from store.clock import SECOND
from store.errors import WrongUsage
from store.server.room import Quota

Subcommands = _SubParsersAction  # argparse gives it no public name
_SIZES: Final = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_OFF: Final = "off"
_UNITS: Final = {"m": 60, "h": 3600, "d": 86400}


def add_command(
    commands: Subcommands[ArgumentParser],
    name: str,
    summary: str,
    example: str,
    run: Callable[[Namespace], int],
    *,
    home: bool = True,
) -> ArgumentParser:
    """A command with --json, and --home unless it needs no store; `run` returns the exit code."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{example}",
        formatter_class=Wrapped,
    )
    parser.set_defaults(run=run)
    if home:
        parser.add_argument(
            "--home",
            type=Path,
            default=default_folder(os.environ),
            metavar="DIR",
            help="the store's folder (EYELID_STORE_HOME; now: %(default)s)",
        )
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    return parser


def home_of(options: Namespace) -> Home:
    return Home.open(options.home)


def duration(text: str) -> int:
    """30m, 12h, 7d -> ns."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no length of time: write 30m, 12h or 7d")
    return int(match[1]) * _UNITS[match[2]] * SECOND


def port(text: str) -> int:
    number = read_number(text, 65535)
    if number is None:
        raise ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535 (0 takes a free one)")
    return number


def size(text: str) -> int:
    """500MB, 20GB, 2TB -> bytes."""
    match = re.fullmatch(r"([1-9][0-9]{0,5}) ?([MGT]B)", text)
    if not match:
        raise ArgumentTypeError(f"{text!r} is no size: write 500MB, 20GB or 2TB")
    return int(match[1]) * _SIZES[match[2]]


def quota(text: str) -> Quota:
    """DAY or DAY/ALL, each a size or `off`."""
    day, _, total = text.partition("/")
    return Quota(*(None if part in {"", _OFF} else size(part) for part in (day or _OFF, total)))


def count(text: str) -> int:
    number = read_number(text, 100_000)
    if not number:
        raise ArgumentTypeError(f"{text!r} must be a number from 1 to 100000")
    return number


def choose_device(text: str, known: list[Device], home: Home) -> Device:
    found = [device for device in known if device.id.startswith(text.lower())] if text else []
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongUsage(f"{len(found)} devices begin with {text!r}: write more of the id")
    raise WrongUsage(f"{home.folder} knows no device {text!r}: `eyelid-store devices` lists them")
