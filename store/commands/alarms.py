"""`alarms`: what raised the alarm, and an operator's note that it was looked at."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import Any

from sqlalchemy import Row

from protocol.claims import MAX_INTEGER
from protocol.numbers import read_number
from store.catalog import queries
from store.catalog.database import explained
from store.clock import wall
from store.commands.options import Subcommands, add_command, home_of
from store.errors import WrongUsage
from store.evidence.show import console, iso, print_json, print_table, when

_LONGEST = 500  # characters of a reason


def add(commands: Subcommands[ArgumentParser]) -> None:
    alarms = add_command(
        commands,
        "alarms",
        "list the alarms, or acknowledge one with a reason that stays in the audit trail",
        "  eyelid-store alarms\n  eyelid-store alarms --all\n"
        '  eyelid-store alarms --ack 7 --reason "desk-12 has an older image, ticket 4711"',
        _alarms,
    )
    alarms.add_argument("--all", action="store_true", help="also those that were acknowledged, with who and why")
    alarms.add_argument("--ack", type=_number, metavar="ID", help="acknowledge this one; needs --reason")
    alarms.add_argument("--reason", metavar="TEXT", help="what was found out; no content of a recording belongs here")


def _number(text: str) -> int:
    number = read_number(text, MAX_INTEGER)
    if number is None:
        raise ValueError
    return number


def _alarms(options: Namespace) -> int:
    """1 while an alarm is open, as `gaps` and `verify` do, so that a timer can ask."""
    home = home_of(options)
    reason = (options.reason or "").strip()
    if (options.ack is None) != (not reason):
        raise WrongUsage("--ack and --reason go together: say which alarm, and what was found out")
    if len(reason) > _LONGEST:
        raise WrongUsage(f"--reason has more than {_LONGEST} characters: name the ticket that has the rest")
    with closing(home.database()) as database, explained(str(home.database_path)):
        if options.ack is not None:
            operator = getpass.getuser()
            with database.writing() as connection:
                settled = queries.acknowledge(connection, options.ack, operator=operator, reason=reason, at=wall())
            if not settled:
                raise WrongUsage(f"there is no open alarm {options.ack}: `eyelid-store alarms --all` lists them")
        with database.reading() as connection:
            rows = queries.all_alarms(connection)
    waiting = [row for row in rows if row.settled_at is None]
    shown = rows if options.all else waiting
    if options.json:
        print_json({"open": len(waiting), "alarms": [_facts(row) for row in shown]})
    elif shown:
        headings = ["id", "raised", "code", "host", "about", "acknowledged"]
        print_table(headings, [_line(row) for row in shown], below=(4, 5))
    else:
        console().print("No alarm is open.")
    if options.ack is not None:
        return 0
    return 1 if waiting else 0


def _facts(row: Row[Any]) -> dict[str, object]:
    return {
        "id": row.id,
        "at": iso(row.at),
        "code": row.code,
        "device": row.device,
        "host": row.host,
        "recording": row.recording,
        "stream": row.stream,
        "sequence": row.sequence,
        "sha256": row.sha256,
        "acknowledged": None
        if row.settled_at is None
        else {"at": iso(row.settled_at), "operator": row.operator, "reason": row.reason},
    }


def _line(row: Row[Any]) -> list[str]:
    about = f"ledger entry {row.sequence}"
    if row.recording is not None:
        about = f"recording {row.recording}, stream {row.stream}, sequence {row.sequence}"
    settled = "-" if row.settled_at is None else f"{when(row.settled_at)} by {row.operator}: {row.reason}"
    return [str(row.id), when(row.at), row.code, row.host, about, settled]
