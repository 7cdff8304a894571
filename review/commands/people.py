"""`eyelid-review people`: who can sign in, and the one-time link by which somebody can (docs/people.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from protocol.terminal import printable
from review.commands.open_log import OpenLog, console_home, open_log_in, operator
from review.commands.opening import InForce, decides, opened_store, with_store
from review.commands.shared import Subcommands, answer, command, group, option
from review.people import schema
from review.people.names import Narrowing
from review.people.sealing import Sealer
from review.people.service import LINK_LASTS, People, known_name
from review.people.settings import NAME, read_settings
from store.admin import passphrase
from store.admin.home import Home
from store.catalog.database import Database, explained
from store.commands.values import duration
from store.errors import StoreError
from store.evidence.show import iso, print_table, when

DATABASE: Final = "people.db"
KEY: Final = "people.key"
INDEX: Final = "find.db"  # of what there is to find (review.search)
Run = Callable[[Namespace, People, tuple[str, str]], int]
"""Who runs the command, and where, comes last."""


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(commands, "people", "who can sign in: list, invite, narrow, remove",
                  "eyelid-review people list", "eyelid-review people invite anna@example.com")  # fmt: skip
    person = option("person", "by the name that the rules give them")

    def verb(name: str, summary: str, example: str, run: Run, *options: Any) -> None:
        command(verbs, f"people {name}", summary, example, partial(_run, run), *options, with_console)

    verb("list", "list people, with what the rules and `narrow` leave them", "", _list)
    verb("invite", "print a one-time link by which somebody makes a way to sign in", "anna@example.com --for 4h",
         _invite, person,
         option("--for", "how long (24h)", "TIME", dest="lasts", type=duration, default=LINK_LASTS))  # fmt: skip
    verb("narrow", "leave somebody these roles and teams at most; without either, all again",
         "anna@example.com --role lead --team north", _narrow, person,
         *(option(f"--{one}", f"a {one} that they keep; may be repeated", "NAME", action="append")
           for one in ("role", "team")))  # fmt: skip
    verb("end-sessions", "end every session of somebody", "anna@example.com", _end, person)
    verb("remove", "end sessions, passkeys and password of somebody; `invite` brings them back", "anna@example.com",
         _remove, person)  # fmt: skip


def with_console(parser: ArgumentParser) -> None:
    """What says where the console is, and opens its log."""
    parser.add_argument(
        "--home", type=Path, default=console_home(), metavar="DIR", help="the console's folder (%(default)s)"
    )
    with_store(parser, "--store")
    passphrase.add_options(parser)


def _run(run: Run, asked: Namespace) -> int:
    with opened(asked.home, asked.store, passphrase.existing(asked, str(asked.home / "keys"))) as console:
        return run(asked, console.people, operator())


class OpenConsole(NamedTuple):
    """`home`, `catalog`: the store's."""

    people: People
    log: OpenLog
    home: Home
    catalog: Database


@contextmanager
def opened(home: Path, store: Path, secret: bytes) -> Iterator[OpenConsole]:
    """A console's folder, by the rules that the store has. Raises StoreError, KeyProblem, AuditError."""
    settings = read_settings(home)
    with opened_store(store) as (there, catalog):
        rules = InForce(there, catalog)
        rules()
        log = open_log_in(home / "audit", home / "keys", secret)
        if decides(catalog, log.log.verifier):
            raise StoreError(
                f"the store erases by what {log.log.folder} says: who steals the console could write that. Give the "
                "console a folder (--home) with a log of its own: `eyelid-review audit init --log --keys`, and move "
                f"{NAME}, {DATABASE} and {KEY} there"
            )
        path = home / DATABASE
        with closing(Database.sqlite(path)) as database, explained(str(path)):
            schema.prepare(database, str(path))
            people = People(database, Sealer.of(home / KEY), settings, rules, log.log.append)
            yield OpenConsole(people, log, there, catalog)


def _list(asked: Namespace, people: People, _by: tuple[str, str]) -> int:
    found = people.everybody()
    if asked.json or not found:
        facts = {"people": [one | {"signed_in_at": iso(one["signed_in_at"])} for one in found]}
        return answer(asked, facts, "There are no people yet: `eyelid-review people invite NAME` prints a link.")
    rows = [
        (
            printable(one["person"]), one["state"], ", ".join(one["roles"]) or "-", ", ".join(one["teams"]) or "-",
            str(one["passkeys"]), "yes" if one["password"] else "-", str(one["sessions"]), when(one["signed_in_at"]),
        )
        for one in found
    ]  # fmt: skip
    print_table(["person", "state", "roles", "teams", "passkeys", "password", "sessions", "last sign-in"], rows)
    return 0


def _invite(asked: Namespace, people: People, by: tuple[str, str]) -> int:
    link = people.invite(asked.person, *by, asked.lasts)
    says = f"for {asked.person}: once, and only the newest. Hand it over so that only they read it."
    return answer(asked, {"person": asked.person, "link": link}, link, says)


def _narrow(asked: Namespace, people: People, by: tuple[str, str]) -> int:
    kept = Narrowing(*(None if some is None else frozenset(some) for some in (asked.role, asked.team)))
    people.narrow(asked.person, kept, *by)
    facts = {"person": asked.person, "roles": asked.role, "teams": asked.team}
    return answer(asked, facts, f"{asked.person}: from the next request on.")


def _end(asked: Namespace, people: People, by: tuple[str, str]) -> int:
    ended = people.end(known_name(asked.person), by=by[0], origin=by[1])
    says = f"{ended} sessions of {asked.person} have ended."
    return answer(asked, {"person": asked.person, "ended": ended}, says)


def _remove(asked: Namespace, people: People, by: tuple[str, str]) -> int:
    people.remove(asked.person, *by)
    return answer(asked, {"person": asked.person}, f"{asked.person} can no longer sign in.")
