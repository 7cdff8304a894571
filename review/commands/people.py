"""`eyelid-review people`: who can sign in, and the one-time link by which somebody can (docs/people.md)."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from protocol.language.errors import MistakesError
from protocol.os_user import os_user
from protocol.terminal import Wrapped, printable
from review.commands.audit import open_log_in
from review.people import schema
from review.people.names import Narrowing
from review.people.sealing import Sealer
from review.people.service import LINK_LASTS, People, known_name
from review.people.settings import read_settings
from review.rules import read_folder
from store.admin import passphrase
from store.catalog.database import Database, explained
from store.commands.options import Subcommands, duration
from store.errors import StoreError
from store.evidence.show import console, iso, print_json, print_table, when

DATABASE: Final = "people.db"
KEY: Final = "people.key"
Run = Callable[[Namespace, People], int]


def add(commands: Subcommands[ArgumentParser]) -> None:
    top = commands.add_parser("people", help="who can sign in: list, invite, narrow, remove", epilog=(
        "examples:\n  eyelid-review people list\n  eyelid-review people invite anna@example.com"
    ), formatter_class=Wrapped)  # fmt: skip
    group = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _command(group, "list", "list people, with what the rules and `narrow` leave them", "", _list)
    one = _command(group, "invite", "print a one-time link by which somebody makes a way to sign in",
                   "anna@example.com --for 4h", _invite, person=True)  # fmt: skip
    one.add_argument("--for", dest="lasts", type=duration, default=LINK_LASTS, metavar="TIME", help="how long (24h)")
    one = _command(group, "narrow", "leave somebody these roles and teams at most; without either, all again",
                   "anna@example.com --role lead --team north", _narrow, person=True)  # fmt: skip
    for name in ("role", "team"):
        one.add_argument(f"--{name}", action="append", metavar="NAME", help=f"a {name} that they keep; may be repeated")
    _command(group, "end-sessions", "end every session of somebody", "anna@example.com", _end, person=True)
    _command(group, "remove", "end sessions, passkeys and password of somebody; `invite` brings them back",
             "anna@example.com", _remove, person=True)  # fmt: skip


def _command(
    group: Subcommands[ArgumentParser], name: str, summary: str, example: str, run: Run, *, person: bool = False
) -> ArgumentParser:
    parser = group.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", formatter_class=Wrapped,
        epilog=f"examples:\n  eyelid-review people {name} {example}",
    )  # fmt: skip
    parser.set_defaults(run=partial(_run, run))
    if person:
        parser.add_argument("person", help="by the name that the rules give them")
    add_home(parser)
    return parser


def add_home(parser: ArgumentParser) -> None:
    """What says where the console is, and opens its log."""
    base = Path(os.environ.get("EYELID_REVIEW_HOME", "/var/lib/eyelid-review"))
    parser.add_argument("--home", type=Path, default=base, metavar="DIR", help="the console's folder (%(default)s)")
    parser.add_argument("--governance", type=Path, metavar="DIR", help="the governance files (governance in --home)")
    passphrase.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")


def _run(run: Run, options: Namespace) -> int:
    with opened(options.home, options.governance, passphrase.existing(options, str(options.home / "keys"))) as people:
        return run(options, people)


def who() -> tuple[str, str]:
    """Who runs the command, and where, for the log."""
    here = socket.gethostname()
    return f"{os_user()}@{here}", here


@contextmanager
def opened(home: Path, governance: Path | None, secret: bytes) -> Iterator[People]:
    """The people of a console's folder. Raises StoreError, KeyProblem, AuditError."""
    settings = read_settings(home)
    try:
        rules = read_folder(governance or home / "governance")
        log = open_log_in(home / "audit", home / "keys", secret).log
    except MistakesError as error:
        raise StoreError(str(error)) from None
    except OSError as error:
        raise StoreError(f"{error.filename or home} cannot be read or written: {error.strerror or error}") from None
    path = home / DATABASE
    with closing(Database.sqlite(path)) as database, explained(str(path)):
        schema.prepare(database, str(path))
        yield People(database, Sealer.of(home / KEY), settings, lambda: rules, log.append)


def _list(options: Namespace, people: People) -> int:
    found = people.everybody()
    if options.json:
        print_json({"people": [one | {"signed_in_at": iso(one["signed_in_at"])} for one in found]})
        return 0
    if not found:
        console().print("There are no people yet: `eyelid-review people invite NAME` prints a link.")
        return 0
    rows = [
        (
            printable(one["person"]), one["state"], ", ".join(one["roles"]) or "-", ", ".join(one["teams"]) or "-",
            str(one["passkeys"]), "yes" if one["password"] else "-", str(one["sessions"]), when(one["signed_in_at"]),
        )
        for one in found
    ]  # fmt: skip
    print_table(["person", "state", "roles", "teams", "passkeys", "password", "sessions", "last sign-in"], rows)
    return 0


def _invite(options: Namespace, people: People) -> int:
    link = people.invite(options.person, *who(), options.lasts)
    said = "for {person}: once, and only the newest. Hand it over so that only they read it."
    return _say(options, {"person": options.person, "link": link}, "{link}\n" + said)


def _narrow(options: Namespace, people: People) -> int:
    kept = Narrowing(*(None if some is None else frozenset(some) for some in (options.role, options.team)))
    people.narrow(options.person, kept, *who())
    facts = {"person": options.person, "roles": options.role, "teams": options.team}
    return _say(options, facts, "{person}: from the next request on.")


def _end(options: Namespace, people: People) -> int:
    by, origin = who()
    ended = people.end(known_name(options.person), by=by, origin=origin)
    return _say(options, {"person": options.person, "ended": ended}, "{ended} sessions of {person} have ended.")


def _remove(options: Namespace, people: People) -> int:
    people.remove(options.person, *who())
    return _say(options, {"person": options.person}, "{person} can no longer sign in.")


def _say(options: Namespace, facts: dict[str, object], text: str) -> int:
    if options.json:
        print_json(facts)
    else:
        said = text.format(**{name: printable(str(value)) for name, value in facts.items()})
        console().print(said, markup=False, soft_wrap=True)
    return 0
