"""`upgrade`: brings a store of an earlier version to this one, and says what that added."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from store.catalog.database import HEAD
from store.commands.options import Subcommands, add_command, home_of
from store.evidence.show import console, print_json


def add(commands: Subcommands[ArgumentParser]) -> None:
    add_command(
        commands,
        "upgrade",
        "bring a store of an earlier version to this one, whole or not at all; back it up first (any other command "
        "brings it up, too, and says nothing)",
        "  systemctl stop eyelid-store\n  eyelid-store upgrade",
        _upgrade,
    )


def _upgrade(options: Namespace) -> int:
    database, steps = home_of(options).upgraded()
    database.close()
    if options.json:
        print_json({"revision": HEAD, "steps": [step._asdict() for step in steps]})
    elif steps:
        console().print(f"The catalog was brought to revision {HEAD}. New in it:")
        for step in steps:
            console().print(f"  {step.revision}  {step.added}")
    else:
        console().print(f"The catalog is at revision {HEAD} and lacks nothing.")
    return 0
