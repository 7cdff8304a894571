"""`holds`, `due`, `erase`, `restored`, `certificate`: how long recordings stay, and how they go (docs/lifecycle.md)."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from protocol.erasure import Erasure, hash_of
from review.audit.verify import VerifyOptions, verify_log
from review.commands.audit import noted
from review.commands.choosing import KEYS, OpenStore, choose, each_known, note, to_hold
from review.commands.open_log import open_log, operator, public_key, with_log
from review.commands.opening import opened_store, signed_rules, with_store
from review.commands.shared import Subcommands, answer, command, day, group, option, say
from review.filed import REFERENCE, set_of
from review.governance.model import Act
from review.governance.retention import Disposal
from review.governance.times import DAY, FOR_EVER, day_of, end_of
from review.governance.words import moment
from review.lifecycle.approvals import SignedBy, line_of, signs
from review.lifecycle.facts import Facts, Known, when, why
from review.lifecycle.lifecycle import AT_ONCE, ErasureRun, Houserules, Lifecycle
from review.lifecycle.pinned import Senders, check_compliance, check_revision
from review.refusal import Refusal
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import erasure, schema, statements
from store.catalog.database import Database
from store.commands.values import count, duration
from store.errors import StoreError, WrongUsage
from store.evidence.show import print_table, progress, size
from store.files import write_over

SETTINGS: Final = "lifecycle.json"  # beside the log's folder
_OF_A_CONSOLE: Final = ("people.yaml", "people.db")  # as `commands.people` has them, which is slow to import


def add(commands: Subcommands[ArgumentParser]) -> None:
    name = option("name", "of the hold: one that was never used", "NAME", type=_reference)
    because = option("--why", "the reason", "TEXT", required=True)
    key = option("--key", "the log's public key, or a file with it", "KEY", required=True)
    choice = (
        option("recordings", "ids of recordings or interactions, or the beginnings of them", "REC", nargs="*"),
        option("--agent", "all of whom the rules say that this person worked at the PC", "PERSON"),
        option("--where", f"all that fit: {', '.join(KEYS)}, from=DAY, to=DAY; if repeated, all must", "KEY=VALUE",
               type=_condition, action="append", default=[]),
    )  # fmt: skip
    apply = option("--apply", "do it", action="store_true")
    signed = option("--approved", "id of the signed request (printed by `custodian ask-erasure`, `ask-hold` or "
                    "`ask-release`)", "ID", default="")  # fmt: skip
    trust = option("--clock-is-right", "do not compare the store's clock with what PCs report; look at the clock first",
                   action="store_true")  # fmt: skip
    rate = option("--rate", "erase N a minute at most (%(default)s)", "N", type=count, default=600)

    verbs = group(commands, "holds", "legal holds: what is under one is not erased")
    command(verbs, "holds list", "list legal holds, by the day of their review", "", _holds, with_store,
            option("--all", "also those that were taken off", action="store_true"))  # fmt: skip
    command(verbs, "holds place", "put recordings on hold",
            "case-17 0193a1b2 --why 'letter of 3 May' --owner carla@example.com --review 2027-03-01\n"
            "  eyelid-review holds place case-18 0193a1b2 --why letter --owner carla@example.com --review 2027-03-01 "
            "--approved 6f1c...",
            _place,
            with_store, with_log, name, *choice, because,
            option("--owner", "who answers for it", "PERSON", required=True),
            option("--review", "when it is looked at again", "DAY", type=day, required=True), signed)  # fmt: skip
    command(verbs, "holds release", "take a hold off; without --apply show what dies next, and when",
            "case-17 --why settled", _release, with_store, with_log, name, because, apply, signed)  # fmt: skip
    command(
        verbs,
        "holds derive",
        "make holds and requests anew from the whole audit log, where the catalog has others",
        "",
        _derive,
        with_store,
        with_log,
    )
    command(commands, "due", "show what the rules delete, and when; --apply deletes what is due now",
            "--until 2027-06-30\n  eyelid-review due --apply", _due, with_store, with_log, apply, rate, trust,
            option("--until", "forecast up to this day (in 30 days)", "DAY", type=day))  # fmt: skip
    command(commands, "erase", "erase recordings by request; without --apply show what would go, and what not",
            "0193a1b2 --request DSR-2026-17\n  eyelid-review erase --agent anna@example.com --request DSR-2026-18 "
            "--apply\n  eyelid-review erase 0193a1b2 --request DSR-2026-19 --apply --approved 6f1c...\n"
            "  eyelid-review erase --go-on", _erase, with_store, with_log, *choice, apply, rate, trust,
            option("--request", "the request's number; no name, no text", "ID", type=_reference),
            signed,
            option("--go-on", "end what was begun, and remove what came back", action="store_true"))  # fmt: skip
    command(commands, "restored", "let a store that was put back from a backup be served: erase again what came back",
            "--noted council.note --cosigner council.pub", _restored, with_store, with_log,
            option("--noted", "a checkpoint of the audit log that is kept elsewhere, such as the cosigner's", "FILE",
                   type=Path, action="append", required=True),
            option("--cosigner", "whose signature --noted files must have", "KEY"))  # fmt: skip
    verbs = group(commands, "certificate", "certificates of erasure")
    command(verbs, "certificate init", "let the audit log decide what this store erases",
            "--backups 35d --replica /mirror/blobs", _init, with_store, with_log,
            option("--backups", "how long a backup lives, such as 35d", "TIME", type=duration, required=True),
            option("--replica", "a folder with a copy of the store's blobs; keys are shredded there, too", "DIR",
                   type=Path, action="append", default=[]),
            option("--custodian", "the custodian's folder: its wraps are shredded too, and people sign for it", "DIR",
                   type=Path))  # fmt: skip
    command(verbs, "certificate show", "print a recording's certificate", "0193a1b2 > erased.jws", _show, with_store,
            option("recording", "its id, or the beginning of it", "REC"))  # fmt: skip
    command(verbs, "certificate verify", "check certificates offline, with the audit log's public key alone",
            "erased.jws --key audit.pub", _verify, key, option("file", "one a line", "FILE", type=Path))  # fmt: skip


def _reference(text: str) -> str:
    if not REFERENCE.fullmatch(text):
        raise ArgumentTypeError(f"{text!r}: a number or word of letters, digits and _ . : / - alone")
    return text


def _condition(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if key in {"from", "to"}:
        day(value)
    elif key not in KEYS or not value:
        raise ArgumentTypeError(f"{text!r}: one of {', '.join(KEYS)}, from or to, then = and a value")
    return key, value


# -- what is open -------------------------------------------------------------------------------------------------


@contextmanager
def _store(asked: Namespace, *, erases: bool = False) -> Iterator[OpenStore]:
    """`erases`: by rules, and so not without any."""
    with opened_store(asked.home) as (home, database):
        _, rules, revision = signed_rules(home, database)
        if erases and not rules.hash:
            message = "compliance signs rules with `eyelid-store bundle sign --governance`"
            raise StoreError(f"the store's newest bundle has no governance, so nothing is erased: {message}")
        facts = Facts(database, home.blobs(), rules, Senders(asked.log.parent))
        yield OpenStore(home, database, rules, revision, facts, time.time_ns())


def _lifecycle(asked: Namespace, home: Home, database: Database) -> Lifecycle:
    opened = open_log(asked)
    check_compliance(asked.log.parent, home.key(COMPLIANCE).id)
    who, origin = operator()
    return Lifecycle(
        home, database, opened.log, opened.key, opened.signer.private, house=_house(asked), who=who, origin=origin,
        clock_is_right=getattr(asked, "clock_is_right", False),
    )  # fmt: skip


def _house(asked: Namespace) -> Houserules:
    path = asked.log.parent / SETTINGS
    try:
        said = json.loads(path.read_bytes())
        custodian = said.get("custodian")
        return Houserules(int(said["backups"]), tuple(map(Path, said["replicas"])), custodian and Path(custodian))
    except FileNotFoundError:
        raise WrongUsage(f"{path} is not there: `eyelid-review certificate init` makes it") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(f"{path} is damaged: put it back, or remove it and run `certificate init` again") from None


def _erasing(asked: Namespace, store: OpenStore) -> Lifecycle | None:
    """None where nothing is to be done."""
    if not asked.apply:
        return None
    lifecycle = _lifecycle(asked, store.home, store.database)
    check_revision(asked.log.parent, store.revision)
    if store.facts.senders is not None:
        now = lifecycle.erasing_clock()
        with store.database.reading() as connection:
            store.facts.senders.look(connection, now)
    lifecycle.follow()
    return lifecycle


# -- holds --------------------------------------------------------------------------------------------------------


def _holds(asked: Namespace) -> int:
    columns = schema.holds.c
    with opened_store(asked.home) as (_, database), database.reading() as connection:
        chosen = select(schema.holds).order_by(columns.review, columns.hold, columns.recording)
        rows = connection.execute(chosen if asked.all else chosen.where(columns.released_at.is_(None))).all()
    made: dict[str, dict[str, Any]] = {}
    for row in rows:
        facts = {"hold": row.hold, "why": row.why, "owner": row.owner, "review": row.review}
        facts |= {"placed": _date(row.placed_at), "released": _date(row.released_at), "recordings": []}
        made.setdefault(row.hold, facts)["recordings"].append(row.recording)
    if asked.json:
        return answer(asked, {"holds": list(made.values())})
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


def _place(asked: Namespace) -> int:
    with _store(asked) as store:
        if asked.review <= day_of(store.now):
            raise WrongUsage("--review is a day to come")
        lifecycle = _lifecycle(asked, store.home, store.database)
        lifecycle.follow()
        chosen, open_question = to_hold(asked, store)
        if not chosen:
            raise WrongUsage("no recording fits: nothing is held")
        signed = _signed(asked, store, Act.LEGAL_HOLD, chosen)
        with _refusals():
            lifecycle.hold(asked.name, chosen, why=asked.why, owner=asked.owner, review=asked.review, by=signed)
    says = f"{asked.name} holds {_many(len(chosen))} until it is taken off; look at it again on {asked.review}"
    answer(asked, {"hold": asked.name, "recordings": chosen}, says)
    return 1 if open_question else 0


def _release(asked: Namespace) -> int:
    with _store(asked) as store:
        lifecycle, now = _lifecycle(asked, store.home, store.database), store.now
        lifecycle.follow()
        held = lifecycle.held_by(asked.name)
        found = [store.facts.of(UUID(one), now) for one in held]
        known = [one for one in found if isinstance(one, Known)]
        disposals = [(one, one.disposal(store.governance, now, without=asked.name)) for one in known]
        dies = min((now if found.deletes else found.at for _, found in disposals if found.at is not None), default=None)
        day = None if dies is None or dies >= FOR_EVER else day_of(max(dies, now))
        if asked.apply:
            check_revision(asked.log.parent, store.revision)  # by older rules who may, or who approves, is another
            signed = _signed(asked, store, Act.RELEASE_HOLD, held)
            with _refusals():
                lifecycle.release(asked.name, why=asked.why, dies=day, by=signed)
        elif not asked.json and _signs(asked, store, Act.RELEASE_HOLD):
            say(f"set {set_of(held)}")
    facts = {"hold": asked.name, "next": None if day is None else day.isoformat(), "set": set_of(held)}
    return _tell(asked, disposals, facts)


def _derive(asked: Namespace) -> int:
    with opened_store(asked.home) as (home, database):
        missing, foreign = _lifecycle(asked, home, database).derive()
    says = f"holds and requests are the log's: {missing} rows were missing, and {foreign} were not from it"
    return answer(asked, {"missing": missing, "foreign": foreign}, says)


# -- what goes ----------------------------------------------------------------------------------------------------


def _due(asked: Namespace) -> int:
    with _store(asked, erases=True) as store:
        governance, now = store.governance, store.now
        until = end_of(asked.until) if asked.until else now + 30 * DAY
        lifecycle = _erasing(asked, store)
        ends = [until - (one.keep.ns or one.keep.years * 365 * DAY) for one in governance.retention]
        with store.database.reading() as connection:
            requests = connection.scalar(select(schema.erasure_requests.c.recording).limit(1)) is not None
        # What was opened later than this cannot be over by then, whatever it is, unless somebody asked for it.
        opened = until if requests or not ends else max(ends)
        disposals, suspect = [], {}
        for known in each_known(store.database, store.facts, now, range(max(opened, 0) + 1)):
            if known.suspect:
                suspect[known.id] = known.suspect
                note(known.id, f"is kept until that is explained (`eyelid-store verify`): {known.suspect}")
            found = known.disposal(governance, now)
            if found.deletes or (found.at is not None and found.at < until):
                disposals.append((known, found))
        if lifecycle is not None:
            ready = [known.id for known, found in disposals if found.deletes]
            outcome = _paced(asked, store, partial(lifecycle.erase, store.facts, governance), ready)
            outcome.suspect.update(suspect)
            return _ended(asked, outcome)
    return _tell(asked, disposals, {"until": day_of(until - 1).isoformat()}) or int(bool(suspect))


def _erase(asked: Namespace) -> int:
    if asked.go_on:
        return _go_on(asked)
    if not asked.request:
        raise WrongUsage("say by which --request; `eyelid-review due` erases what the rules say by themselves")
    with _store(asked, erases=True) as store:
        governance, signed = store.governance, _signs(asked, store, Act.ERASE)
        if signed and asked.apply and not asked.approved:
            raise _unsigned(store, Act.ERASE, "Without --apply this command prints the recordings' set")
        if not signed:
            _check_none_given(asked, Act.ERASE)
        lifecycle = _erasing(asked, store)
        chosen, open_question = choose(asked, store)
        ids = [known.id for known in chosen]
        if lifecycle is not None:
            if signed and ids:
                with _refusals():
                    lifecycle.approved(SignedBy(store.facts, governance, asked.approved), ids, asked.request)
            erase = partial(lifecycle.erase, store.facts, governance, request=asked.request)
            return _ended(asked, _paced(asked, store, erase, ids)) or int(open_question)
    disposals = [(known, known.disposal(governance, store.now, asked=True)) for known in chosen]
    if signed and not asked.json:
        say(f"set {set_of(ids)}")
    return _tell(asked, disposals, {"request": asked.request, "set": set_of(ids)}) or int(open_question)


def _signs(asked: Namespace, store: OpenStore, act: Act) -> bool:
    house = _house(asked) if (asked.log.parent / SETTINGS).exists() else None
    return signs(store.governance, act, custodian=house is not None and house.custodian is not None)


_ASKS: Final = {Act.ERASE: "ask-erasure", Act.LEGAL_HOLD: "ask-hold", Act.RELEASE_HOLD: "ask-release"}


def _unsigned(store: OpenStore, act: Act, set_: str) -> WrongUsage:
    line = line_of(store.governance, act)
    return WrongUsage(
        f"{line}: a person with the act {act} must sign this. {set_}: give it to `custodian {_ASKS[act]}`, and repeat "
        "this command with --approved and the id which that prints."
    )


def _check_none_given(asked: Namespace, act: Act) -> None:
    if asked.approved:
        raise WrongUsage(f"--approved: no person has to sign the act {act} here, and nothing checks it: leave it out")


def _signed(asked: Namespace, store: OpenStore, act: Act, ids: list[str]) -> SignedBy | None:
    """None where no person signs for it. Raises WrongUsage."""
    if not _signs(asked, store, act):
        _check_none_given(asked, act)
        return None
    if not asked.approved:
        raise _unsigned(store, act, f"The recordings' set is {set_of(ids)}")
    return SignedBy(store.facts, store.governance, asked.approved)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Refusal as error:
        raise StoreError(f"{error.line}: {error} ({error.code})") from None


def _go_on(asked: Namespace) -> int:
    with opened_store(asked.home) as (home, database):
        lifecycle = _lifecycle(asked, home, database)
        done = lifecycle.finish()
        with database.reading() as connection:
            gone = erasure.certified(connection)
        if lifecycle.sweep(gone):
            sys.stderr.write("eyelid-review: files of erased recordings had come back, and were removed\n")
        return _ended(asked, done)


def _paced(
    asked: Namespace, store: OpenStore, erase: Callable[[list[str]], ErasureRun], ready: list[str]
) -> ErasureRun:
    """All of them, so many a minute at most, while the rules are in force by which they were chosen.

    What was done stays done when it is interrupted.
    """
    outcome = ErasureRun({}, {}, {})
    each = max(1, min(AT_ONCE, asked.rate // 6))
    with progress("erasing", len(ready)) as advance:
        for at in range(0, len(ready), each):
            began, some = time.monotonic(), ready[at : at + each]
            with store.database.reading() as connection:
                newest = statements.newest_bundle(connection)
            if newest is None or newest[0] != store.revision:
                message = (
                    f"bundle {store.revision} is no longer the store's newest: run this again, to go by the new rules"
                )
                raise StoreError(f"{len(outcome.erased)} of {len(ready)} were erased, then {message}")
            done = erase(some)
            outcome.erased.update(done.erased)
            outcome.kept.update(done.kept)
            outcome.stuck.update(done.stuck)
            outcome.suspect.update(done.suspect)
            outcome = replace(outcome, log_emptied=done.log_emptied)
            advance(len(some))
            if at + each < len(ready):
                sleep(max(0.0, len(some) * 60 / asked.rate - (time.monotonic() - began)))
    return outcome


def _tell(asked: Namespace, disposals: list[tuple[Known, Disposal]], more: dict[str, object]) -> int:
    """What would become of them; nothing was done."""
    if asked.json:
        listed = [_as_facts(*one) for one in disposals]
        return answer(asked, more | {"applied": bool(asked.apply), "recordings": listed})
    counts, sizes = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for known, found in disposals:
        said = _as_facts(known, found)
        row = (str(said["when"]), str(said["why"]))
        counts[row] += 1
        sizes[row] += known.bytes
    rows = [(*row, str(counts[row]), size(sizes[row])) for row in sorted(counts)]
    print_table(["goes", "because of", "recordings", "size"], rows, numbers=(2, 3))
    if unsure := sum(bool(known.unsure) for known, _ in disposals):
        say(f"{_many(unsure)} cannot be judged surely, and is kept as long as any class asks for: "
            "`eyelid-store verify`")  # fmt: skip
    if not asked.apply:
        say("nothing was done: --apply does it")
    return 0


def _as_facts(known: Known, found: Disposal) -> dict[str, object]:
    said = {"recording": known.id, "when": when(found), "why": why(known, found), "bytes": known.bytes}
    return said | {"unsure": list(known.unsure)}


_LOG_LEFT: Final = (
    "! something else read the catalog (a backup, `verify`, the console): erased rows may still lie in the database's "
    "log, store.db-wal, until `eyelid-review erase --go-on` has emptied it"
)


def _ended(asked: Namespace, outcome: ErasureRun) -> int:
    """Exit code 1 where something could not be ended, or is kept because not all of it is its sender's."""
    kept = f", {len(outcome.kept)} kept" if outcome.kept else ""
    stuck = f", {len(outcome.stuck)} NOT ENDED: `eyelid-review erase --go-on`" if outcome.stuck else ""
    hashes = {one: hash_of(token) for one, token in outcome.erased.items()}
    facts = {"erased": hashes, "kept": outcome.kept, "stuck": outcome.stuck, "log_emptied": outcome.log_emptied}
    answer(
        asked, facts,
        *(f"erased {recording}, certificate {certificate}" for recording, certificate in hashes.items()),
        *(f"kept   {recording}: {words}" for recording, words in outcome.kept.items()),
        *(f"! begun {recording}: {words}" for recording, words in outcome.stuck.items()),
        *(() if outcome.log_emptied else (_LOG_LEFT,)),
        f"{len(outcome.erased)} erased{kept}{stuck}",
    )  # fmt: skip
    return 1 if outcome.stuck or outcome.suspect else 0


# -- backups and certificates -------------------------------------------------------------------------------------


def _restored(asked: Namespace) -> int:
    log = public_key(str(asked.keys / "audit.pub"))
    cosigner = public_key(asked.cosigner) if asked.cosigner else None
    report = verify_log(asked.log, VerifyOptions(log, None, cosigner, noted(asked)))
    if report.findings:
        for found in report.findings:
            sys.stderr.write(f"eyelid-review: {found.code}: {found.message}\n")
        raise StoreError("the audit log here is not the newest, or not whole: with it what was erased would come back")
    with opened_store(asked.home) as (home, database):
        return _ended(asked, _lifecycle(asked, home, database).restored())


def _init(asked: Namespace) -> int:
    path = asked.log.parent / SETTINGS
    custodian = asked.custodian and str(asked.custodian.absolute())
    replicas = [str(one.absolute()) for one in asked.replica]
    said = {"backups": asked.backups, "replicas": replicas, "custodian": custodian}
    if there := [name for name in _OF_A_CONSOLE if (asked.log.parent / name).exists()]:
        raise WrongUsage(
            f"{asked.log.parent} is a console's folder ({there[0]}): with its key a stolen console could erase. Name "
            "another log (--log, --keys), which `eyelid-review audit init` makes"
        )
    with opened_store(asked.home) as (home, database):
        signer = open_log(asked).signer
        with database.reading() as connection:
            named = erasure.decider(connection)
        write_over(path, json.dumps(said, indent=1).encode() + b"\n")
        lifecycle = _lifecycle(asked, home, database)
        if named is None:
            lifecycle.begin()
        else:
            lifecycle.follow()
    return answer(
        asked, {"log": signer.key.name, "key": str(signer.key), "settings": str(path)},
        f"{path}  how long backups live, and where replicas are; run this again to change it", str(signer.key),
        "signs orders and certificates of erasure: auditors have it already, it is the log's key",
    )  # fmt: skip


def _show(asked: Namespace) -> int:
    with opened_store(asked.home) as (_, database), database.reading() as connection:
        chosen = schema.erasures.c.recording.startswith(asked.recording.lower(), autoescape=True)
        found = erasure.tombstones(connection, chosen)
    if len(found) != 1:
        few = "no erased recording begins" if not found else "several begin"
        raise WrongUsage(f"{few} with {asked.recording!r}")
    [one] = found
    if one.certificate is None and not asked.json:
        raise StoreError(f"recording {one.recording}: {one}")
    return answer(asked, {"recording": one.recording, **one.facts(), "token": one.token}, one.token)


def _verify(asked: Namespace) -> int:
    log = public_key(asked.key)
    said: list[dict[str, Any]] = []
    lines: list[str] = []
    for token in asked.file.read_text("utf-8", "replace").split():
        one = Erasure.verify(token, log.public)
        done = one.destroyed
        if done is None:
            raise StoreError(f"recording {one.recording} was only ordered to be erased: this is no certificate")
        if one.log != log.name:
            message = f"it names the log {one.log}, and the key is that of {log.name}"
            raise StoreError(f"recording {one.recording}: {message}")
        because = f"class {one.rule}" if one.basis == "period" else f"request {one.reference}"
        where = f" and in {', '.join(done.replicas)}" if done.replicas else ""
        said.append({**asdict(one), "recording": str(one.recording), "hash": hash_of(token)})
        lines += (
            f"recording {one.recording} of device {one.device}, by {because} under rules {one.rules[:12]}",
            f"  key packets {', '.join(done.packets) or 'none'} shredded at {moment(done.at)}",
            *([f"  NOT FOUND in {', '.join(done.absent)}: nothing is said of copies there"] if done.absent else []),
            f"  {done.objects} chunks removed ({size(done.bytes)}) from the store{where}",
            f"  the last backup dies on {done.backups_until}; exports known: {', '.join(done.exports) or 'none'}",
            f"  ordered by entry {one.position} of {one.log}; certificate {hash_of(token)}",
        )
    if not said:
        raise WrongUsage(f"{asked.file} has no certificate in it")
    return answer(asked, {"certificates": said}, *lines, f"{len(said)} good, signed by {log}")


def _many(number: int) -> str:
    return f"{number} recording{'' if number == 1 else 's'}"
