"""`alarms`: what raised the alarm, and an operator's note that some were looked at."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import Any

from sqlalchemy import Row

from protocol.claims import MAX_INTEGER
from protocol.numbers import read_number
from protocol.os_user import os_user
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
        "list the alarms, or acknowledge some with a reason that stays in the audit trail",
        "  eyelid-store alarms\n  eyelid-store alarms --all\n"
        '  eyelid-store alarms --ack 7 12-90 --reason "an older image, ticket 4711"',
        _alarms,
    )
    alarms.add_argument("--all", action="store_true", help="also those that were acknowledged, with who and why")
    alarms.add_argument(
        "--ack",
        type=_numbers,
        nargs="+",
        default=(),
        metavar="ID",
        help="acknowledge these, each an id or the first and the last of many (12-90); needs --reason",
    )
    alarms.add_argument("--reason", metavar="TEXT", help="what was found out; no content of a recording belongs here")


def _numbers(text: str) -> tuple[int, int]:
    """The first and the last."""
    first, dash, last = text.partition("-")
    numbers = read_number(first, MAX_INTEGER), read_number(last if dash else first, MAX_INTEGER)
    if numbers[0] is None or numbers[1] is None or numbers[0] > numbers[1]:
        raise ValueError
    return numbers[0], numbers[1]


def _alarms(options: Namespace) -> int:
    """1 while an alarm is open, as `gaps` and `verify` do, so that a timer can ask."""
    home = home_of(options)
    reason = (options.reason or "").strip()
    if (not options.ack) != (not reason):
        raise WrongUsage("--ack and --reason go together: say which alarms, and what was found out")
    if len(reason) > _LONGEST:
        raise WrongUsage(f"--reason has more than {_LONGEST} characters: name the ticket that has the rest")
    with closing(home.database()) as database, explained(str(home.database_path)):
        if options.ack:
            operator, now = os_user(), wall()
            with database.writing() as connection:  # all of them or none
                for first, last in options.ack:
                    if not queries.acknowledge(connection, first, last, operator=operator, reason=reason, at=now):
                        which = f"alarm {first}" if first == last else f"alarm from {first} to {last}"
                        raise WrongUsage(f"there is no open {which}: `eyelid-store alarms --all` lists them")
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
    if options.ack:
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
