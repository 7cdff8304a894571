"""`tokens`: the enrolment tokens that were made, how often each was used, and how one is taken back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import Any

from sqlalchemy import Row

from protocol.os_user import os_user
from store.catalog import queries
from store.catalog.database import explained
from store.clock import wall
from store.commands.options import Subcommands, add_command, home_of
from store.errors import WrongUsage
from store.evidence.show import console, iso, print_json, print_table, when

_GOOD = "good"


def add(commands: Subcommands[ArgumentParser]) -> None:
    tokens = add_command(
        commands,
        "tokens",
        "list the enrolment tokens that still let PCs in, or withdraw one; the secret itself is kept nowhere",
        "  eyelid-store tokens\n  eyelid-store tokens --all\n  eyelid-store tokens --withdraw 3f2c91d0",
        _tokens,
    )
    tokens.add_argument("--all", action="store_true", help="also those that are used up, expired or withdrawn")
    tokens.add_argument(
        "--withdraw", metavar="ID", help="it lets in no PC any more; those that it has let in stay (see `revoke`)"
    )


def _tokens(options: Namespace) -> int:
    home = home_of(options)
    now = wall()
    withdrawn = ""
    with closing(home.database()) as database, explained(str(home.database_path)):
        if options.withdraw is not None:
            with database.writing() as connection:
                chosen = _choose(options.withdraw, queries.enrolments(connection))
                withdrawn = chosen.id
                if chosen.withdrawn_at is None:
                    queries.withdraw(connection, withdrawn, operator=os_user(), at=now)
        with database.reading() as connection:
            rows = queries.enrolments(connection)
    shown = [row for row in rows if options.all or _state(row, now) == _GOOD or row.id == withdrawn]
    if options.json:
        print_json({"tokens": [_facts(row, now) for row in shown]})
    elif shown:
        headings = ["id", "state", "used", "last used", "group", "made", "until"]
        print_table(headings, [_line(row, now) for row in shown], below=(4, 5, 6))
    else:
        console().print("No token lets a PC in: `eyelid-store enroll-token` makes one.")
    return 0


def _choose(text: str, rows: list[Row[Any]]) -> Row[Any]:
    found = [row for row in rows if text and row.id.startswith(text.lower())]
    if len(found) != 1:
        many = f"{len(found)} tokens begin with {text!r}: write more of the id"
        raise WrongUsage(many if found else f"there is no token {text!r}: `eyelid-store tokens --all` lists them")
    return found[0]


def _state(row: Row[Any], now: int) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    return "used up" if not row.uses_left else "expired" if row.expires_at <= now else _GOOD


def _facts(row: Row[Any], now: int) -> dict[str, object]:
    return {
        "id": row.id,
        "state": _state(row, now),
        "group": row.group_name,
        "made": iso(row.created_at),
        "expires": iso(row.expires_at),
        "used": row.used,
        "uses": row.used + row.uses_left,
        "last_used": iso(row.last_used_at),
        "withdrawn": iso(row.withdrawn_at),
    }


def _line(row: Row[Any], now: int) -> list[str]:
    used = f"{row.used} of {row.used + row.uses_left}"
    times = (when(row.created_at), when(row.expires_at))
    return [row.id, _state(row, now), used, when(row.last_used_at), row.group_name or "-", *times]
