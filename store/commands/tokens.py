"""`tokens`: the enrolment tokens that were made, how often each was used, and how one is taken back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from functools import partial
from typing import Any

from sqlalchemy import Row

from protocol.os_user import os_user
from store.catalog import queries
from store.catalog.database import explained
from store.catalog.queries import legible
from store.clock import wall
from store.commands.options import Subcommands, add_command, home_of
from store.errors import DAMAGED, WrongUsage
from store.evidence.isolation import Unreadable, each
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
    states = each(rows, partial(_state, now=now), lambda _, why: DAMAGED)  # noqa: ARG005 - as `each` asks
    listed = zip(rows, states, strict=True)
    shown = [one for one in listed if options.all or one[1] in {_GOOD, DAMAGED} or one[0].id == withdrawn]
    if options.json:
        print_json({"tokens": list(each(shown, _facts, _facts_without))})
    elif shown:
        headings = ["id", "state", "used", "last used", "group", "made", "until"]
        print_table(headings, each(shown, _line, _line_without), below=(4, 5, 6))
    else:
        console().print("No token lets a PC in: `eyelid-store enroll-token` makes one.")
    return 0


def _choose(text: str, rows: list[Row[Any]]) -> Row[Any]:
    found = [row for row in rows if text and legible(row.id).startswith(text.lower())]
    if len(found) != 1:
        many = f"{len(found)} tokens begin with {text!r}: write more of the id"
        raise WrongUsage(many if found else f"there is no token {text!r}: `eyelid-store tokens --all` lists them")
    return found[0]


def _state(row: Row[Any], *, now: int) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    return "used up" if not row.uses_left else "expired" if row.expires_at <= now else _GOOD


def _facts(one: tuple[Row[Any], str]) -> dict[str, object]:
    row, state = one
    return {
        "id": row.id,
        "state": state,
        "group": row.group_name,
        "made": iso(row.created_at),
        "expires": iso(row.expires_at),
        "used": row.used,
        "uses": row.used + row.uses_left,
        "last_used": iso(row.last_used_at),
        "withdrawn": iso(row.withdrawn_at),
    }


def _facts_without(one: tuple[Row[Any], str], why: Unreadable) -> dict[str, object]:
    return {"id": one[0].id, "state": DAMAGED, "error": why.error}


def _line(one: tuple[Row[Any], str]) -> list[str]:
    row, state = one
    used = f"{row.used} of {row.used + row.uses_left}"
    times = (when(row.created_at), when(row.expires_at))
    return [legible(row.id), state, used, when(row.last_used_at), legible(row.group_name) or "-", *times]


def _line_without(one: tuple[Row[Any], str], why: Unreadable) -> list[str]:
    return [legible(one[0].id), f"{DAMAGED} ({why.error})", *("-" for _ in range(5))]
