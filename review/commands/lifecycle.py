"""`holds`, `due`, `erase`, `restored`, `certificate`: how long recordings stay, and how they go (docs/lifecycle.md)."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from protocol.erasure import Erasure, hash_of
from protocol.language.errors import MistakesError
from protocol.os_user import os_user
from protocol.terminal import Wrapped, printable
from review.audit.verify import Asked, verify_log
from review.commands.audit import open_log, public_key
from review.commands.governance import FOLDER
from review.governance.model import Governance
from review.governance.retention import Disposal
from review.governance.times import DAY, FOR_EVER, day_of, end_of, start_of
from review.lifecycle.facts import Facts, Known, why
from review.lifecycle.lifecycle import AT_ONCE, ErasureRun, Houserules, Lifecycle
from review.rules import read_folder
from store.admin import passphrase
from store.admin.home import Home, default_folder
from store.catalog import erasure, interactions, queries, schema
from store.catalog.database import Database, explained
from store.commands.options import Subcommands, count, duration
from store.errors import StoreError, WrongUsage
from store.evidence.show import console, print_json, print_table, progress, size
from store.files import write_over

SETTINGS: Final = "lifecycle.json"  # beside the log's folder
KEYS: Final = ("device", "host", "user", "agent", "group", "team", "closed_by", "channel")
_PAGE: Final = 500
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


def add(commands: Subcommands[ArgumentParser]) -> None:
    holds = commands.add_parser("holds", help="legal holds: what is under one is not erased", formatter_class=Wrapped)
    verbs = holds.add_subparsers(title="commands", metavar="COMMAND", required=True)
    one = _command(verbs, "holds list", "list legal holds, by the day of their review", "", _holds)
    one.add_argument("--all", action="store_true", help="also those that were taken off")
    one = _command(verbs, "holds place", "put recordings on hold",
                   "case-17 0193a1b2 --why 'letter of 3 May' --owner carla@example.com --review 2027-03-01", _place,
                   keys=True, rules=True)  # fmt: skip
    one.add_argument("name", type=_reference, metavar="NAME", help="of the hold: one that was never used")
    _add_choice(one)
    one.add_argument("--why", required=True, metavar="TEXT")
    one.add_argument("--owner", required=True, metavar="PERSON", help="who answers for it")
    one.add_argument("--review", required=True, type=_day, metavar="DAY", help="when it is looked at again")
    one = _command(verbs, "holds release", "take a hold off; without --apply show what dies next, and when",
                   "case-17 --why settled", _release, keys=True, rules=True)  # fmt: skip
    one.add_argument("name", type=_reference, metavar="NAME")
    one.add_argument("--why", required=True, metavar="TEXT")
    one.add_argument("--apply", action="store_true", help="take it off")

    one = _command(commands, "due", "show what the rules delete, and when; --apply deletes what is due now",
                   "--until 2027-06-30\n  eyelid-review due --apply", _due, keys=True, rules=True)  # fmt: skip
    one.add_argument("--until", type=_day, metavar="DAY", help="forecast up to this day (in 30 days)")
    _add_apply(one)

    one = _command(commands, "erase", "erase recordings by request; without --apply show what would go, and what not",
                   "0193a1b2 --request DSR-2026-17\n  eyelid-review erase --agent anna@example.com --request "
                   "DSR-2026-18 --apply\n  eyelid-review erase --go-on", _erase, keys=True, rules=True)  # fmt: skip
    _add_choice(one)
    one.add_argument("--request", type=_reference, metavar="ID", help="the request's number; no name, no text")
    one.add_argument("--unapproved", action="store_true",
                     help="although the rules ask for approvals: none is checked here")  # fmt: skip
    one.add_argument("--go-on", action="store_true", help="end what was begun, and remove what came back")
    _add_apply(one)

    one = _command(commands, "restored", "let a store that was put back from a backup be served: erase again what came "
                   "back", "--noted council.note --cosigner council.pub", _restored, keys=True)  # fmt: skip
    one.add_argument("--noted", type=Path, action="append", required=True, metavar="FILE",
                     help="a checkpoint of the audit log that is kept elsewhere, such as the cosigner's")  # fmt: skip
    one.add_argument("--cosigner", metavar="KEY", help="whose signature --noted files must have")

    certificate = commands.add_parser("certificate", help="certificates of erasure", formatter_class=Wrapped)
    verbs = certificate.add_subparsers(title="commands", metavar="COMMAND", required=True)
    one = _command(verbs, "certificate init", "let the audit log decide what this store erases",
                   "--backups 35d --replica /mirror/blobs", _init, keys=True)  # fmt: skip
    one.add_argument(
        "--backups", type=duration, required=True, metavar="TIME", help="how long a backup lives, such as 35d"
    )
    one.add_argument("--replica", type=Path, action="append", default=[], metavar="DIR",
                     help="a folder with a copy of the store's blobs; keys are shredded there, too")  # fmt: skip
    one = _command(verbs, "certificate show", "print a recording's certificate", "0193a1b2 > erased.jws", _show)
    one.add_argument("recording", metavar="REC")
    one = _command(verbs, "certificate verify", "check certificates offline, with the audit log's public key alone",
                   "erased.jws --key audit.pub", _verify, home=False)  # fmt: skip
    one.add_argument("file", type=Path, metavar="FILE", help="one a line")
    one.add_argument("--key", required=True, metavar="KEY", help="the log's public key, or a file with it")


def _command(
    group: Subcommands[ArgumentParser], name: str, summary: str, example: str, run: Callable[[Namespace], int], *,
    home: bool = True, keys: bool = False, rules: bool = False,
) -> ArgumentParser:  # fmt: skip
    parser = group.add_parser(
        name.rpartition(" ")[2],
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n  eyelid-review {name} {example}",
        formatter_class=Wrapped,
    )
    parser.set_defaults(run=lambda options: _run(run, options))
    base = Path(os.environ.get("EYELID_REVIEW_HOME", "/var/lib/eyelid-review"))
    if home:
        parser.add_argument("--home", type=Path, default=default_folder(os.environ), metavar="DIR",
                            help="the store's folder (EYELID_STORE_HOME; now: %(default)s)")  # fmt: skip
    if keys:
        parser.add_argument(
            "--log", type=Path, default=base / "audit", metavar="DIR", help="the audit log (%(default)s)"
        )
        parser.add_argument("--keys", type=Path, default=base / "keys", metavar="DIR", help="its keys (%(default)s)")
        passphrase.add_options(parser)
    if rules:
        parser.add_argument("--rules", type=Path, default=Path(FOLDER), metavar="DIR",
                            help="the governance files (now: %(default)s)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    return parser


def _add_choice(parser: ArgumentParser) -> None:
    parser.add_argument("recordings", nargs="*", metavar="REC", help="ids of recordings or interactions, or beginnings")
    parser.add_argument("--agent", metavar="PERSON", help="all of whom the rules say that this person worked at the PC")
    parser.add_argument("--where", type=_condition, action="append", default=[], metavar="KEY=VALUE",
                        help=f"all that fit: {', '.join(KEYS)}, from=DAY, to=DAY; if repeated, all must")  # fmt: skip


def _add_apply(parser: ArgumentParser) -> None:
    parser.add_argument("--apply", action="store_true", help="do it")
    parser.add_argument("--rate", type=count, default=600, metavar="N", help="erase N a minute at most (%(default)s)")


def _run(run: Callable[[Namespace], int], options: Namespace) -> int:
    try:
        return run(options)
    except MistakesError as error:
        raise WrongUsage("\n".join(error.mistakes)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(f"{error.filename or 'a file'} cannot be used: {error.strerror or error}") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2027-01-31") from None


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ArgumentTypeError(f"{text!r}: a number or word of letters, digits and _ . : / - alone")
    return text


def _condition(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if key in {"from", "to"}:
        _day(value)
    elif key not in KEYS or not value:
        raise ArgumentTypeError(f"{text!r}: one of {', '.join(KEYS)}, from or to, then = and a value")
    return key, value


# -- what is open -------------------------------------------------------------------------------------------------


@contextmanager
def _store(options: Namespace) -> Iterator[tuple[Home, Database]]:
    home = Home.open(options.home)
    with closing(home.database()) as database, explained(str(home.database_path)):
        yield home, database


def _lifecycle(options: Namespace, home: Home, database: Database) -> Lifecycle:
    opened = open_log(options)
    path = options.log.parent / SETTINGS
    try:
        said = json.loads(path.read_bytes())
        house = Houserules(int(said["backups"]), tuple(map(Path, said["replicas"])))
    except FileNotFoundError:
        raise WrongUsage(f"{path} is not there: `eyelid-review certificate init` makes it") from None
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"{path} is damaged: put it back, or remove it and run `certificate init` again") from None
    host = socket.gethostname()
    return Lifecycle(
        home,
        database,
        opened.log,
        opened.key,
        opened.signer.private,
        house=house,
        who=f"{os_user()}@{host}",
        origin=host,
    )


def _choose(options: Namespace, database: Database, facts: Facts, now: int) -> list[Known]:
    """Raises WrongUsage where nothing is asked for, or a recording is not there."""
    if not (options.recordings or options.agent or options.where):
        raise WrongUsage("say which recordings: their ids, --agent, or --where")
    wanted = [*options.where, *([("agent", options.agent)] if options.agent else [])]
    if not options.recordings:
        return [known for known in _each(database, facts, now, FOR_EVER - 1) if _fits(known, wanted)]
    found = [facts.of(_only(database, text), now) for text in dict.fromkeys(options.recordings)]
    if why_not := next((one for one in found if isinstance(one, str)), None):
        raise StoreError(why_not)
    return [known for known in found if isinstance(known, Known) and _fits(known, wanted)]


def _only(database: Database, text: str) -> UUID:
    with database.reading() as connection:
        found = queries.recordings_beginning(connection, text.lower()) if text else []
        found += [row.id for row in interactions.beginning(connection, text.lower())] if text else []
    if len(found) != 1:
        few = "no recording or interaction begins" if not found else "several begin"
        raise WrongUsage(f"{few} with {text!r}: `eyelid-store recordings` and `interactions find` list them")
    return UUID(found[0])


def _each(database: Database, facts: Facts, now: int, opened_until: int) -> Iterator[Known]:
    """All that are here, but those that cannot be read: they are named, and nothing is done to them."""
    kinds = ((schema.recordings, "opened_at"), (schema.interactions, "received_at"))
    with database.reading() as connection:
        total = sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table, _ in kinds)
    with progress("reading", total) as advance:
        for table, at in kinds:
            page, after = [""] * _PAGE, ""
            while len(page) == _PAGE:
                with database.reading() as connection:
                    asked = select(table.c.id).where(table.c.id > after, table.c[at] <= opened_until)
                    page = list(connection.scalars(asked.order_by(table.c.id).limit(_PAGE)))
                    gone = erasure.among(connection, page) if page else {}
                for one in page:
                    known = facts.of(UUID(one), now) if one not in gone else ""
                    if isinstance(known, Known):
                        yield known
                    elif known:
                        sys.stderr.write(f"eyelid-review: {one} is kept: {printable(known)}\n")
                    advance(1)
                after = page[-1] if page else after


def _fits(known: Known, wanted: Sequence[tuple[str, str]]) -> bool:
    one = known.recording
    said: dict[str, frozenset[str]] = {
        "device": frozenset({known.device}),
        "host": frozenset({known.host}),
        "user": frozenset({known.os_user}),
        "agent": frozenset({one.person}),
        "group": frozenset({one.group}),
        "team": one.teams,
        "closed_by": one.closed_by,
        "channel": frozenset(map(str, one.consent)),
    }
    for key, value in wanted:
        if key == "from" and one.end < start_of(_day(value)):
            return False
        if key == "to" and one.end >= end_of(_day(value)):
            return False
        if key in said and (value.lower() if key == "agent" else value) not in said[key]:
            return False
    return True


# -- holds --------------------------------------------------------------------------------------------------------


def _holds(options: Namespace) -> int:
    columns = schema.holds.c
    with _store(options) as (_, database), database.reading() as connection:
        asked = select(schema.holds).order_by(columns.review, columns.hold, columns.recording)
        rows = connection.execute(asked if options.all else asked.where(columns.released_at.is_(None))).all()
    made: dict[str, dict[str, Any]] = {}
    for row in rows:
        facts = {"hold": row.hold, "why": row.why, "owner": row.owner, "review": row.review}
        facts |= {"placed": _date(row.placed_at), "released": _date(row.released_at), "recordings": []}
        made.setdefault(row.hold, facts)["recordings"].append(row.recording)
    if options.json:
        print_json({"holds": list(made.values())})
        return 0
    today = datetime.now(UTC).date().isoformat()
    table = [
        (one["hold"], one["review"] + (" OVERDUE" if one["review"] < today and not one["released"] else ""),
         one["owner"], str(len(one["recordings"])), one["placed"] or "-", one["released"] or "-", one["why"])
        for one in made.values()
    ]  # fmt: skip
    print_table(["hold", "review", "owner", "recordings", "placed", "off", "why"], table, numbers=(3,), below=(6,))
    return 0


def _date(ns: int | None) -> str | None:
    return None if ns is None else day_of(ns).isoformat()


def _place(options: Namespace) -> int:
    now = time.time_ns()
    if options.review <= day_of(now):
        raise WrongUsage("--review is a day to come")
    with _store(options) as (home, database):
        lifecycle = _lifecycle(options, home, database)
        lifecycle.follow()
        facts = Facts(database, home.blobs(), read_folder(options.rules))
        chosen = [known.id for known in _choose(options, database, facts, now)]
        if not chosen:
            raise WrongUsage("no recording fits: nothing is held")
        lifecycle.hold(options.name, chosen, why=options.why, owner=options.owner, review=options.review)
    if options.json:
        print_json({"hold": options.name, "recordings": chosen})
    else:
        _say(f"{options.name} holds {_many(len(chosen))} until it is taken off; look at it again on {options.review}")
    return 0


def _release(options: Namespace) -> int:
    now = time.time_ns()
    with _store(options) as (home, database):
        lifecycle = _lifecycle(options, home, database)
        lifecycle.follow()
        governance = read_folder(options.rules)
        facts = Facts(database, home.blobs(), governance)
        found = [facts.of(UUID(one), now) for one in lifecycle.held_by(options.name)]
        known = [one for one in found if isinstance(one, Known)]
        disposals = [(one, one.disposal(governance, now, without=options.name)) for one in known]
        dies = min((now if found.deletes else found.at for _, found in disposals if found.at is not None), default=None)
        day = None if dies is None or dies >= FOR_EVER else day_of(max(dies, now))
        if options.apply:
            lifecycle.release(options.name, why=options.why, dies=day)
    return _tell(options, disposals, {"hold": options.name, "next": None if day is None else day.isoformat()})


# -- what goes ----------------------------------------------------------------------------------------------------


def _due(options: Namespace) -> int:
    now = time.time_ns()
    until = end_of(options.until) if options.until else now + 30 * DAY
    governance = read_folder(options.rules)
    with _store(options) as (home, database):
        lifecycle = _lifecycle(options, home, database) if options.apply else None
        if lifecycle is not None:
            lifecycle.follow()
        facts = Facts(database, home.blobs(), governance)
        shortest = [one.keep for one in governance.retention]
        with database.reading() as connection:
            asked = connection.scalar(select(schema.erasure_requests.c.recording).limit(1)) is not None
        # What was opened later than this cannot be over by then, whatever it is, unless somebody asked for it.
        opened = until if asked or not shortest else max(
            (at for at in (until - (one.ns or one.years * 365 * DAY) for one in shortest)), default=until
        )  # fmt: skip
        disposals = []
        for known in _each(database, facts, now, max(opened, 0)):
            found = known.disposal(governance, now)
            if found.deletes or (found.at is not None and found.at < until):
                disposals.append((known, found))
        if lifecycle is not None:
            ready = [known.id for known, found in disposals if found.deletes]
            return _ended(options, _paced(options, partial(lifecycle.erase, facts, governance), ready))
    return _tell(options, disposals, {"until": day_of(until - 1).isoformat()})


def _erase(options: Namespace) -> int:
    now = time.time_ns()
    with _store(options) as (home, database):
        if options.go_on:
            lifecycle = _lifecycle(options, home, database)
            done = lifecycle.finish()
            with database.reading() as connection:
                gone = [one.recording for one in erasure.tombstones(connection) if one.explained]
            if lifecycle.sweep(gone):
                sys.stderr.write("eyelid-review: files of erased recordings had come back, and were removed\n")
            return _ended(options, done)
        if not options.request:
            raise WrongUsage("say by which --request; `eyelid-review due` erases what the rules say by themselves")
        governance = read_folder(options.rules)
        _check_approvals(options, governance)
        applying = _lifecycle(options, home, database) if options.apply else None
        if applying is not None:
            applying.follow()
        facts = Facts(database, home.blobs(), governance)
        chosen = _choose(options, database, facts, now)
        if applying is not None:
            erase = partial(applying.erase, facts, governance, request=options.request)
            return _ended(options, _paced(options, erase, [known.id for known in chosen]))
    disposals = [(known, known.disposal(governance, now, asked=True)) for known in chosen]
    return _tell(options, disposals, {"request": options.request})


def _check_approvals(options: Namespace, governance: Governance) -> None:
    for rule in governance.approvals:
        if "erase" in rule.acts and not options.unapproved:
            raise WrongUsage(
                f"{rule.where}: the rules ask for approvals by {', '.join(rule.by)}. None is checked here, as they "
                "cannot be signed yet: --unapproved is the word of who holds the audit log's keys, whom the log names"
            )


def _paced(options: Namespace, erase: Callable[[list[str]], ErasureRun], ready: list[str]) -> ErasureRun:
    """All of them, so many a minute at most. What was done stays done when it is interrupted."""
    outcome = ErasureRun({}, {}, {})
    each = max(1, min(AT_ONCE, options.rate // 6))
    with progress("erasing", len(ready)) as advance:
        for at in range(0, len(ready), each):
            began, some = time.monotonic(), ready[at : at + each]
            done = erase(some)
            outcome.erased.update(done.erased)
            outcome.kept.update(done.kept)
            outcome.stuck.update(done.stuck)
            advance(len(some))
            if at + each < len(ready):
                time.sleep(max(0.0, len(some) * 60 / options.rate - (time.monotonic() - began)))
    return outcome


def _tell(options: Namespace, disposals: list[tuple[Known, Disposal]], more: dict[str, object]) -> int:
    """What would become of them; nothing was done."""
    if options.json:
        print_json(more | {"applied": bool(options.apply), "recordings": [_as_facts(*one) for one in disposals]})
        return 0
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for known, found in disposals:
        said = _as_facts(known, found)
        row = (str(said["when"]), str(said["why"]))
        counts[row] += 1
        sizes[row] += known.bytes
    rows = [(when, because, str(counts[when, because]), size(sizes[when, because])) for when, because in sorted(counts)]
    print_table(["goes", "because of", "recordings", "size"], rows, numbers=(2, 3))
    unsure = sum(bool(known.unsure) for known, _ in disposals)
    if unsure:
        _say(
            f"{_many(unsure)} cannot be judged surely, and is kept as long as any class asks for: `eyelid-store verify`"
        )
    if not options.apply:
        _say("nothing was done: --apply does it")
    return 0


def _as_facts(known: Known, found: Disposal) -> dict[str, object]:
    kept = "kept" if found.at is None or found.at >= FOR_EVER else f"{day_of(found.at)}"
    when = "now" if found.deletes else kept
    said = {"recording": known.id, "when": when, "why": why(known, found), "bytes": known.bytes}
    return said | {"unsure": list(known.unsure)}


def _ended(options: Namespace, outcome: ErasureRun) -> int:
    """Exit code 1 where something could not be ended."""
    if options.json:
        print_json({"erased": {one: hash_of(token) for one, token in outcome.erased.items()}, "kept": outcome.kept,
                    "stuck": outcome.stuck})  # fmt: skip
        return 1 if outcome.stuck else 0
    for recording, token in outcome.erased.items():
        _say(f"erased {recording}, certificate {hash_of(token)}")
    for recording, words in outcome.kept.items():
        _say(printable(f"kept   {recording}: {words}"))
    for recording, words in outcome.stuck.items():
        _say(printable(f"! begun {recording}: {words}"))
    kept = f", {len(outcome.kept)} kept" if outcome.kept else ""
    stuck = f", {len(outcome.stuck)} NOT ENDED: `eyelid-review erase --go-on`" if outcome.stuck else ""
    _say(f"{len(outcome.erased)} erased{kept}{stuck}")
    return 1 if outcome.stuck else 0


# -- backups and certificates -------------------------------------------------------------------------------------


def _restored(options: Namespace) -> int:
    log = public_key(str(options.keys / "audit.pub"))
    cosigner = public_key(options.cosigner) if options.cosigner else None
    noted = [(str(path), path.read_bytes()) for path in options.noted]
    report = verify_log(options.log, Asked(log, None, cosigner, noted))
    if report.findings:
        for found in report.findings:
            sys.stderr.write(f"eyelid-review: {found.code}: {found.message}\n")
        raise StoreError("the audit log here is not the newest, or not whole: with it what was erased would come back")
    with _store(options) as (home, database):
        return _ended(options, _lifecycle(options, home, database).restored())


def _init(options: Namespace) -> int:
    path = options.log.parent / SETTINGS
    said = {"backups": options.backups, "replicas": [str(one.absolute()) for one in options.replica]}
    with _store(options) as (home, database):
        opened = open_log(options)
        with database.reading() as connection:
            named = erasure.decider(connection)
        write_over(path, json.dumps(said, indent=1).encode() + b"\n")
        lifecycle = _lifecycle(options, home, database)
        if named is None:
            lifecycle.begin()
        else:
            lifecycle.follow()
    if options.json:
        print_json({"log": opened.log.origin, "key": str(opened.signer.key), "settings": str(path)})
        return 0
    _say(f"{path}  how long backups live, and where replicas are; run this again to change it")
    _say(
        f"{opened.signer.key}\nsigns orders and certificates of erasure: auditors have it already, it is the log's key"
    )
    return 0


def _show(options: Namespace) -> int:
    with _store(options) as (_, database), database.reading() as connection:
        chosen = schema.erasures.c.recording.startswith(options.recording.lower(), autoescape=True)
        found = erasure.tombstones(connection, chosen)
    if len(found) != 1:
        few = "no erased recording begins" if not found else "several begin"
        raise WrongUsage(f"{few} with {options.recording!r}")
    if options.json:
        print_json({"recording": found[0].recording, **found[0].facts(), "token": found[0].token})
    elif found[0].certificate is None:
        raise StoreError(f"recording {found[0].recording}: {found[0]}")
    else:
        sys.stdout.write(f"{found[0].token}\n")
    return 0


def _verify(options: Namespace) -> int:
    log = public_key(options.key)
    lines = options.file.read_text("utf-8", "replace").split()
    if not lines:
        raise WrongUsage(f"{options.file} has no certificate in it")
    said = [Erasure.verify(line, log.public) for line in lines]
    for one in said:
        if one.destroyed is None:
            raise StoreError(f"recording {one.recording} was only ordered to be erased: this is no certificate")
        if one.log != log.name:
            raise StoreError(
                f"recording {one.recording}: it names the log {one.log}, and the key is that of {log.name}"
            )
    if options.json:
        certificates = [
            {**asdict(one), "recording": str(one.recording), "hash": hash_of(line)}
            for one, line in zip(said, lines, strict=True)
        ]
        print_json({"certificates": certificates})
        return 0
    for one, line in zip(said, lines, strict=True):
        done = one.destroyed
        assert done is not None  # noqa: S101 - refused above
        because = f"class {one.rule}" if one.basis == "period" else f"request {one.reference}"
        _say(f"recording {one.recording} of device {one.device}, by {because} under rules {one.rules[:12]}")
        _say(f"  key packets {', '.join(done.packets) or 'none'} shredded at {_moment(done.at)}")
        where = f" and in {', '.join(done.replicas)}" if done.replicas else ""
        _say(f"  {done.objects} chunks removed ({size(done.bytes)}) from the store{where}")
        _say(f"  the last backup dies on {done.backups_until}; exports known: {', '.join(done.exports) or 'none'}")
        _say(f"  ordered by entry {one.position} of {one.log}; certificate {hash_of(line)}")
    _say(f"{len(said)} good, signed by {log}")
    return 0


def _moment(ns: int) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=ns // 1000)).strftime("%Y-%m-%d %H:%M:%S UTC")


def _many(number: int) -> str:
    return f"{number} recording{'' if number == 1 else 's'}"


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)
