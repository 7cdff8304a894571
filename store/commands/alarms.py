"""`alarms`: what raised the alarm, and an operator's note that some were looked at."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from time import sleep
from typing import Any, Final

from sqlalchemy import Row

from protocol.claims import MAX_INTEGER
from protocol.numbers import read_number
from protocol.os_user import os_user
from protocol.terminal import printable
from store.catalog.alarms import acknowledge, alarms_after, open_alarm_ids
from store.catalog.database import Database, explained
from store.catalog.queries import legible
from store.clock import wall
from store.commands.options import Subcommands, add_command, home_of
from store.errors import WrongUsage
from store.evidence.show import as_json, console, iso, print_table, shortened, when

_LONGEST: Final = 500  # characters of a reason
_SHOWN: Final = 20  # of each code of a PC, to a person
_PAGE: Final = 1000  # rows asked for at once
# Alarms acknowledged in one transaction, and seconds until the next: a server that waits for its turn to write asks
# again after a tenth of a second at most.
_SLICE: Final = 1000
_BETWEEN: Final = 0.15


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
            _acknowledge(database, options.ack, reason)
        rows = _rows(database, settled=options.all)
        waiting = _tell_json(rows) if options.json else _tell_person(rows)
    return 1 if waiting and not options.ack else 0


def _acknowledge(database: Database, asked: Sequence[tuple[int, int]], reason: str) -> None:
    """None of them where one of these has no open alarm; else in slices, between which others may write."""
    with database.reading() as connection:
        for first, last in asked:
            if not open_alarm_ids(connection, first, last, 1):
                which = f"alarm {first}" if first == last else f"alarm from {first} to {last}"
                raise WrongUsage(f"there is no open {which}: `eyelid-store alarms --all` lists them")
    operator, now = os_user(), wall()
    for first, last in asked:
        after = first - 1
        while True:
            with database.writing() as connection:
                alarms = open_alarm_ids(connection, after + 1, last, _SLICE)
                acknowledge(connection, alarms, operator=operator, reason=reason, at=now)
            if len(alarms) < _SLICE:
                break
            after = alarms[-1]
            sleep(_BETWEEN)


def _rows(database: Database, *, settled: bool) -> Iterator[Row[Any]]:
    after = 0
    while True:
        with database.reading() as connection:
            page = alarms_after(connection, after, _PAGE, settled=settled)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _tell_json(rows: Iterable[Row[Any]]) -> int:
    """How many are open. One object, written as it grows."""
    waiting = 0
    sys.stdout.write('{"alarms": [')
    for number, row in enumerate(rows):
        waiting += row.settled_at is None
        sys.stdout.write((",\n" if number else "\n") + as_json(_facts(row)))
    sys.stdout.write(f'],\n"open": {waiting}}}\n')
    return waiting


def _tell_person(rows: Iterable[Row[Any]]) -> int:
    """How many are open. Of each code of a PC the first are shown: one PC may have thousands, and hide no other's."""
    waiting = 0
    lines: list[list[str]] = []
    found: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        waiting += row.settled_at is None
        kind = (legible(row.code), legible(row.device), legible(row.host))
        found[kind] += 1
        if found[kind] <= _SHOWN:
            lines.append(_line(row))
    if not lines:
        console().print("No alarm is open.")
        return waiting
    print_table(["id", "raised", "code", "host", "about", "acknowledged"], lines, below=(4, 5))
    for (code, device, host), many in found.items():
        if many > _SHOWN:
            more = f"and {many - _SHOWN} more {code} of {shortened(host)} {device}: --json has all"
            console().print(printable(more), markup=False, soft_wrap=True)
    return waiting


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
    return [str(row.id), when(row.at), legible(row.code), shortened(row.host), about, settled]
