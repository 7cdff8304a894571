"""Options that several commands share, and what they name in a store."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable
from pathlib import Path
from typing import Final

from protocol.terminal import Wrapped
from store.admin.home import Home, default_folder
from store.catalog.queries import Device
from store.commands.values import size
from store.errors import WrongUsage
from store.server.room import Quota

Subcommands = _SubParsersAction  # argparse gives it no public name
_OFF: Final = "off"


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


def quota(text: str) -> Quota:
    """DAY or DAY/ALL, each a size or `off`."""
    day, _, total = text.partition("/")
    return Quota(*(None if part in {"", _OFF} else size(part) for part in (day or _OFF, total)))


def choose_device(text: str, known: list[Device], home: Home) -> Device:
    found = [device for device in known if device.id.startswith(text.lower())] if text else []
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongUsage(f"{len(found)} devices begin with {text!r}: write more of the id")
    raise WrongUsage(f"{home.folder} knows no device {text!r}: `eyelid-store devices` lists them")
