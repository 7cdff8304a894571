"""`eyelid-review up`: serves the console, and prints the link by which the first person gets in."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from protocol.terminal import printable
from review.commands.analyse import shelf
from review.commands.open_log import PUBLIC, READ, operator, public_key, reading_key
from review.commands.opening import finding_key_in
from review.commands.people import INDEX, opened, with_console
from review.commands.shared import SOCKET, command, option
from review.commands.signed_papers import OPTION as PAPERS
from review.commands.signed_papers import Papers, papers_command
from review.people.service import People
from store.admin import passphrase
from store.admin.init import COMPLIANCE
from store.commands.options import Subcommands
from store.commands.values import loopback, port
from store.errors import StoreError

if TYPE_CHECKING:
    from review.analysis.derived import Sweeper
    from review.analysis.job_states import Kind
    from review.analysis.jobs import Jobs
    from review.governance.model import Governance
    from review.search.index import SearchIndex
    from review.search.log_index import LogIndex
    from review.search.to_analyse import ToAnalyse
    from store.catalog.database import Database

LOG_INDEX: Final = "log.db"
PC_INDEX: Final = "pcs.db"
OPENINGS_INDEX: Final = "openings.db"  # of the copy of the custodian's log
_COMMAND: Final = (sys.executable, "-m")


def add(commands: Subcommands[ArgumentParser]) -> None:
    command(commands, "up", "serve the console until it is told to stop; prints a link for the first person",
            "--first anna@example.com\n"
            "  eyelid-review up --http --host 127.0.0.1 --port 8080   # behind a proxy that has the certificate", _up,
            option("--first", "who gets that link, by the name that the rules give them", "PERSON"),
            option("--host", "the address to listen on (%(default)s)", default="0.0.0.0"),  # noqa: S104
            option("--port", "the port to listen on (that of `address` in people.yaml)", type=port),
            option("--finding-key", "find by a caller's number, address or id: the house's finding key, under the same "
                   "passphrase as the console's; who steals the console can then guess numbers (none)", "FILE",
                   type=Path),
            option("--http", "without TLS: on loopback alone, behind a proxy of your own", action="store_true"),
            option("--custodian", "where the custodian listens (%(default)s)", "FILE", type=Path, default=SOCKET),
            option("--openings", "show who opened a recording: a folder with a copy of the custodian's log in `audit`, "
                   "and what `custodian share-log` wrote, under the console's passphrase (none)", "DIR", type=Path),
            option("--metrics", "answer Prometheus there, at /metrics: an address of this machine alone, such as "
                   "127.0.0.1:9465 (none)", "HOST:PORT", type=loopback),
            PAPERS,
            option("--no-player", "leave the player's page to an `eyelid-review player serve` of its own",
                   action="store_true"),
            with_console,
            says="Serve the console until it is told to stop (SIGINT, SIGTERM). Where no person can sign in yet, it "
            "prints the link by which the first person makes a passkey, or a password with a code. Where people.yaml "
            "has `player`, it starts the player's page at that port, too.")  # fmt: skip


def _up(asked: Namespace) -> int:
    # Slow to import, and no other command needs it.
    from review.people.routes import SignIn  # noqa: PLC0415
    from review.requests.cases import Cases  # noqa: PLC0415
    from review.requests.reviews import Reviews  # noqa: PLC0415
    from review.search import log_index, pc_index, pc_schema, schema  # noqa: PLC0415
    from review.search.index import SearchIndex  # noqa: PLC0415
    from review.web.comments import Comments  # noqa: PLC0415
    from review.web.custody import Custody  # noqa: PLC0415
    from review.web.fleet import Fleet  # noqa: PLC0415
    from review.web.pages import Console  # noqa: PLC0415
    from review.web.pcs_read import PcLists  # noqa: PLC0415
    from review.web.reports import Reports  # noqa: PLC0415
    from review.web.routes import create_app  # noqa: PLC0415
    from store.server import log  # noqa: PLC0415
    from store.server.web_server import check_plain, make_server, run  # noqa: PLC0415

    if asked.http:
        check_plain(asked.host)
    tls = None if asked.http else asked.home / "tls"
    if tls and not (tls / "server.crt").exists():
        raise StoreError(f"{tls}: put server.crt and server.key there, or serve with --http behind a proxy of yours")
    secret = passphrase.existing(asked, str(asked.home / "keys"))
    finding = finding_key_in(asked.finding_key, secret) if asked.finding_key else None
    with opened(asked.home, asked.store, secret) as opens:
        people = opens.people
        alone = not _can_sign_in(people)
        link = people.invite(asked.first, *operator()) if alone and asked.first else ""
        address = urlsplit(people.settings.address)
        chosen = asked.port if asked.port is not None else address.port or 443

        def announce(here: str) -> None:
            if asked.json:
                sys.stdout.write(json.dumps({"address": here} | ({"link": link} if link else {}) | scraped) + "\n")
            else:
                if link:
                    sys.stdout.write(f"{link}\nfor {printable(asked.first)}: once, and for 24 hours.\n")
                elif alone and not people.settings.providers:
                    sys.stdout.write("No person can sign in yet: `eyelid-review people invite NAME` prints a link.\n")
                sys.stdout.write(f"People sign in at {address.geturl()}, served at {here} (end it with Ctrl-C)\n")
            sys.stdout.flush()

        def forget(erased: Collection[str]) -> None:
            # The shelf after the jobs: none of these is leased any more, and what a late worker puts is swept.
            for one in (Comments(people.database), Cases(people), Reviews(people), jobs, shelf(asked.home)):
                one.forget(erased)

        own, compliance = opens.log.log, opens.home.key(COMPLIANCE).id
        with (
            log.to_stderr(),
            closing(schema.opened(asked.home / INDEX)) as found,
            closing(log_index.opened(asked.home / LOG_INDEX)) as in_log,
            closing(pc_schema.opened(asked.home / PC_INDEX)) as of_pcs,
            _analysing(asked.home, found, people.rules, log.say) as (jobs, readers),
            _scraped(asked.metrics, jobs) as scraped,
            _openings(asked.openings, asked.home, secret) as openings,
            closing(Papers(papers_command(asked.papers, asked.store))) as papers,
            _player(asked, people.settings.address, people.settings.player, tls, log.say),
        ):
            index = SearchIndex(opens.catalog, opens.home.blobs(), found, forgets=forget)
            fleet, lists = Fleet(opens.catalog), PcLists(pc_index.PcIndex(opens.catalog, of_pcs))
            entries = log_index.LogIndex(in_log, own.folder, own.verifier, opens.log.key)
            reports = Reports(opens.catalog, opens.home.blobs(), compliance, own, entries, openings=openings)
            parts = index, own, entries, reports, fleet, Custody(asked.custodian, papers, compliance), lists
            console = Console(
                SignIn(people), *parts, finding=finding, openings=openings, jobs=jobs, readers=readers,
                shelf=shelf(asked.home),
            )  # fmt: skip
            with (
                closing(reports),
                closing(console.trials),
                closing(console.judge),
                _following(index, log.say),
                _following(entries, log.say),
                nullcontext() if openings is None else _following(openings, log.say),
                fleet.looking(lambda kind: log.say("fleet-unread", logging.ERROR, kind=kind)),
                lists.looking(lambda kind: log.say("fleet-unread", logging.ERROR, kind=kind)),
            ):
                run(make_server(create_app(console), tls), asked.host, chosen, announce=announce)
    return 0


@contextmanager
def _analysing(
    home: Path, index: Database, rules: Callable[[], Governance], say: Callable[..., None]
) -> Iterator[tuple[Jobs, frozenset[Kind]]]:
    """The job table, what fills it, and what removes what was made for nothing; the kinds that are made here."""
    from review.analysis.derived import Sweeper  # noqa: PLC0415 - as above
    from review.analysis.job_states import versions  # noqa: PLC0415
    from review.analysis.jobs import Jobs  # noqa: PLC0415
    from review.commands.analyse import readers_of, table  # noqa: PLC0415
    from review.search.to_analyse import ToAnalyse  # noqa: PLC0415

    readers = readers_of(home)
    with (
        closing(Jobs(table(home))) as jobs,
        _following(ToAnalyse(index, jobs, rules, versions(readers)), say),
        _following(Sweeper(shelf(home), jobs), say, "not-swept"),
    ):
        yield jobs, frozenset(readers)


@contextmanager
def _scraped(where: tuple[str, int] | None, jobs: Jobs) -> Iterator[dict[str, str]]:
    """What `up` says of it, with the port that it has."""
    from review.commands import metrics  # noqa: PLC0415 - as above
    from store.server.serving import scraped  # noqa: PLC0415

    if where is None:
        yield {}
        return
    with scraped(metrics.app(jobs), *where) as answers:
        yield {} if answers is None else {"metrics": f"http://{where[0]}:{answers}/metrics"}


@contextmanager
def _openings(folder: Path | None, home: Path, secret: bytes) -> Iterator[LogIndex | None]:
    """Of the copy of the custodian's log, which this process reads and nothing writes from here."""
    from review.search import log_index  # noqa: PLC0415 - as above

    if folder is None:
        yield None
        return
    public, key = public_key(str(folder / PUBLIC)), reading_key(folder / READ, secret)
    with closing(log_index.opened(home / OPENINGS_INDEX)) as index:
        yield log_index.LogIndex(index, folder / "audit", public, key)


@contextmanager
def _player(
    asked: Namespace, console: str, origin: str, tls: Path | None, say: Callable[..., None]
) -> Iterator[None]:  # fmt: skip
    """The player's page, by a process of its own: this one, which faces people, never serves it. The log says where it
    ends too soon.
    """
    if not origin or asked.no_player:
        yield
        return
    parts = urlsplit(origin)
    where = ["--tls", str(tls)] if tls else ["--http"]
    at = ["--host", asked.host, "--port", str(parts.port or 443)]
    words = [*_COMMAND, "review", "player", "serve", "--console", console, *at, *where, "--json", "--piped"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        over = threading.Event()

        def watch() -> None:
            code = running.wait()
            if not over.is_set():
                say("player-ended", logging.ERROR, code=code)

        watching = threading.Thread(target=watch, name="player")
        try:
            assert running.stdout is not None  # noqa: S101 - as was asked
            if not running.stdout.readline():
                raise StoreError(
                    f"the player's page is not served: is port {parts.port or 443} free? See `player` in people.yaml"
                )
            watching.start()
            yield
        finally:
            over.set()
            running.terminate()
            if watching.ident is not None:
                watching.join()


@contextmanager
def _following(
    index: SearchIndex | LogIndex | ToAnalyse | Sweeper, say: Callable[..., None], fault: str = "index-behind"
) -> Iterator[None]:
    """`fault`: how the log calls an error, after which it goes on."""
    stop = threading.Event()

    def failed(kind: str) -> None:
        say(fault, logging.ERROR, kind=kind)

    thread = threading.Thread(target=index.follow, args=(stop, failed), name=type(index).__name__)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _can_sign_in(people: People) -> bool:
    return any(one["passkeys"] or one["password"] for one in people.everybody() if one["state"] == "good")
