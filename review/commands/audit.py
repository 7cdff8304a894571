"""`eyelid-review audit`: make, read, verify, export, cosign and shred the audit log (docs/audit-log.md)."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.keyfile import save_private
from protocol.keys import signing_key
from protocol.terminal import printable
from review.audit import cosigning, journal, proofs
from review.audit.bodies import Bodies
from review.audit.entries import Entry, ReadingKey
from review.audit.errors import AuditError
from review.audit.kinds import KINDS, pseudonym, read_statement
from review.audit.log import LEAST_KEPT
from review.audit.notes import Checkpoint, KeyType, Signer, VerifierKey, signed_checkpoint
from review.audit.ocsf import event
from review.audit.operators import adopt
from review.audit.verify import Report, VerifyOptions, verify_log
from review.commands.open_log import PUBLIC, READ, SIGN, make_log, open_log, private, public_key, reading_key, with_log
from review.commands.shared import Subcommands, answer, command, group, option
from store.admin import passphrase
from store.commands.values import duration
from store.errors import StoreError, WrongUsage
from store.evidence.show import iso, print_json, print_table
from store.files import write_over

_COSIGNS: Final = "audit-cosign"
CHANGED: Final = "changed"
_WAIT: Final = 0.5  # s between two looks at a log that is followed
_MS: Final = 1_000_000
_DAY: Final = 86_400_000  # ms
_KEPT: Final = 730 * _DAY * _MS  # ns; two years


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(commands, "audit", "the log of what people did: read, verify, export, cosign",
                  "eyelid-review audit show --last 20",
                  "eyelid-review audit verify copy/ --key audit.pub --noted council.note")  # fmt: skip
    copy = option("folder", "a copy of the log's folder", "COPY", type=Path)
    key = option("--key", "the log's public key, or a file with it", "KEY", required=True)
    signer = option("--signer", "the cosigner's private key", "FILE", type=Path, required=True)
    named = option("--name", "the cosigner's name", "NAME", required=True)
    secret: Any = passphrase.add_options
    keep = option("--keep", "how long bodies are kept: 365d or more (730d)", "TIME", type=duration, default=_KEPT)
    home = option("--home", "the store's folder, whose PCs know the time (EYELID_STORE_HOME)", "DIR", type=Path)
    trust = option("--clock-is-right", "do not compare this clock with what PCs report; look at the clock first",
                   action="store_true")  # fmt: skip

    command(verbs, "audit init", "make an empty log and its keys", "--name review.example.com/audit", _init, with_log,
            option("--name", "the log's name for good, as an address", "NAME", required=True))  # fmt: skip
    command(verbs, "audit show", "show entries; that is an entry itself", "--kind open --who ann@example.com", _show,
            with_log,
            option("--first", "from entry N on", "N", type=_count),
            option("--last", "the last N entries (50; with --kind or --who all)", "N", type=_count),
            option("--kind", "entries of this kind alone", choices=sorted(KINDS)),
            option("--who", "what this person did, by the name they sign in with", "PERSON"),
            option("--people", "names, one a line, to show in place of pseudonyms", "FILE", type=Path))  # fmt: skip
    command(verbs, "audit export", "print entries as OCSF JSON lines; that is an entry itself",
            "--follow --cursor siem.cursor", _export, with_log,
            option("--cursor", "go on after what FILE says, and note there how far", "FILE", type=Path),
            option("--follow", "wait for more entries, until interrupted", action="store_true"))  # fmt: skip
    command(verbs, "audit prove", "print an entry and the proof that it is in the log", "17 > entry-17.json", _prove,
            with_log, option("entry", "its number", type=_count))  # fmt: skip
    command(verbs, "audit shred", "destroy old bodies; proofs stay. Without --apply it says what would go",
            "--keep 730d --apply", _shred, with_log, home, keep,
            option("--apply", "destroy them", action="store_true"), trust)  # fmt: skip
    command(verbs, "audit adopt", "take in the log of operators of a store", "/var/lib/eyelid-store", _adopt, with_log,
            option("home", "the store's folder", "DIR", type=Path))  # fmt: skip
    command(verbs, "audit cosigned", "bring a cosigned checkpoint back into the log", "council.note", _cosigned,
            with_log, option("note", "the file that `cosign` wrote", type=Path))  # fmt: skip
    command(verbs, "audit verify", "check a copy of the log, or the proof of an entry: offline, with its public key",
            "copy/ --key audit.pub --noted council.note\n  eyelid-review audit verify entry-17.json --key audit.pub",
            _verify, option("folder", "a copy of the log's folder, or a file that `prove` printed", "COPY", type=Path),
            key, secret, keep,
            option("--reading-key", "open the bodies, too (audit-read.key)", "FILE", type=Path),
            option("--noted", "a checkpoint that was kept elsewhere: the log must continue it", "FILE", type=Path,
                   action="append", default=[]),
            option("--cosigner", "whose signature --noted files and the log's own must have", "KEY"))  # fmt: skip
    command(verbs, "audit cosigner", "make a key that cosigns, on another machine than the log's",
            "--name council.example.com --signer council.key", _cosigner, named, signer, secret)  # fmt: skip
    command(verbs, "audit cosign", "sign that the log continues what was cosigned last",
            "copy/ --key audit.pub --name council.example.com --signer council.key --last council.note", _cosign,
            copy, key, named, signer, secret,
            option("--last", "what it cosigned last; the new one stands there afterwards", "FILE", type=Path,
                   required=True))  # fmt: skip


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ArgumentTypeError(f"{text!r} is no number of entries")
    return int(text)


def _init(asked: Namespace) -> int:
    signer = make_log(asked.log, asked.keys, asked.name, passphrase.new(asked))
    facts = {"log": str(asked.log), "keys": str(asked.keys), "key": str(signer.key)}
    return answer(
        asked, facts,
        f"{asked.log}  the log; copy it whole to verify it elsewhere",
        f"{asked.keys / SIGN}  signs its checkpoints",
        f"{asked.keys / READ}  opens its bodies: give a copy to who may read what people did",
        f"{signer.key}",
        f"is its public key, also in {PUBLIC}: keep it where the log is not. Auditors need it to verify the log.",
    )  # fmt: skip


# -- reading ------------------------------------------------------------------------------------------------------


def _bodies(reading: Bodies, entries: list[journal.Acknowledged]) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
    """(position, ms, body); None for one that was shredded. One that was changed is said, and hides no other."""
    for one in entries:
        entry = Entry.parse(one.raw)
        body: dict[str, Any] | None
        if entry.statement:
            said = read_statement(entry.statement)
            body = {"kind": said.pop("kind"), "statement": said}
        else:
            try:
                body = reading.read(one, entry) or None
            except AuditError as error:
                sys.stderr.write(f"{error}\n")
                body = {"kind": CHANGED, "statement": {"why": str(error)}}
        yield one.position, entry.time, body


def _show(asked: Namespace) -> int:
    if asked.first is not None and asked.last is not None:
        raise WrongUsage("give --first or --last, not both")
    opened = open_log(asked)
    query = {"query": f"{asked.kind or ''} {asked.who or ''}"} if asked.kind or asked.who else {}
    size = opened.log.size
    last = asked.last or (size if query else 50)
    first = asked.first if asked.first is not None else max(0, size - last)
    end = opened.note("read-log", first=first, end=max(first, size), **query)
    who = pseudonym(asked.who, opened.key) if asked.who else None
    people = _people(asked.people, opened.key) if asked.people else {}
    shown, reading = [], Bodies(asked.log, opened.log.verifier, opened.key)
    for found in opened.log.groups(first):
        for position, at, body in _bodies(reading, [one for one in found.entries if one.position < end]):
            said = body or {"kind": "shredded"}
            if asked.kind in (None, said["kind"]) and who in (None, said.get("who")):
                shown.append({"entry": position, "at": iso(at * _MS), **said})
    for one in shown:
        one["who"] = people.get(str(one.get("who")), one.get("who"))
    if asked.json:
        print_json({"entries": shown})
    else:
        rows = [tuple(printable(_cell(one, name)) for name in _COLUMNS) for one in shown]
        print_table(["entry", "at (UTC)", "who", "act", "outcome", "from", "resource", "facts"], rows, below=(6, 7))
    return int(any(one["kind"] == CHANGED for one in shown))


_COLUMNS: Final = ("entry", "at", "who", "kind", "outcome", "origin", "resource", "facts")


def _cell(one: dict[str, Any], name: str) -> str:
    value = one.get(name, one.get("statement", "-") if name == "facts" else "-")
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "-")


def _people(path: Path, key: ReadingKey) -> dict[str, str]:
    names = [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return {pseudonym(name, key): name for name in names}


def _export(asked: Namespace) -> int:
    opened = open_log(asked)
    first = changed = 0
    point = opened.log.publish()
    if asked.cursor and asked.cursor.exists():
        before = signed_checkpoint(asked.cursor.read_bytes(), opened.signer.key)
        cosigning.check_continues(asked.log, before, point)
        first = before.size
    opened.note("export-log", first=first, end=max(first, point.size), format="ocsf", following=int(asked.follow))
    reading = Bodies(asked.log, opened.log.verifier, opened.key)
    while True:
        for found in opened.log.groups(first):
            for position, at, body in _bodies(reading, found.entries):
                changed |= body is not None and body["kind"] == CHANGED
                if body is not None and "statement" not in body:
                    made = event(opened.log.origin, position, at, body)
                    sys.stdout.write(json.dumps(made, ensure_ascii=False) + "\n")
            sys.stdout.flush()
            first = found.entries[-1].position + 1
            if asked.cursor:
                write_over(asked.cursor, found.note)
        if not asked.follow:
            return int(changed)
        time.sleep(_WAIT)


def _prove(asked: Namespace) -> int:
    opened = open_log(asked)
    opened.note("read-log", first=asked.entry, end=asked.entry + 1)
    point = opened.log.publish()
    if asked.entry >= point.size:
        raise WrongUsage(f"the log has {point.size} entries, numbered from 0: there is no entry {asked.entry}")
    entries = proofs.SingleEntries(asked.log, opened.log.verifier)
    sys.stdout.write(proofs.written(proofs.prove(entries, opened.key, asked.entry)))
    return 0


# -- looking after it ---------------------------------------------------------------------------------------------


def _shred(asked: Namespace) -> int:
    opened = open_log(asked)
    kept = asked.keep // _MS
    old = opened.log.to_shred(kept)
    if asked.apply and old:
        if not asked.clock_is_right:
            _check_clock(asked, opened.log.now())
        opened.note("shred-log", bodies=len(old), why="period")
        opened.log.shred(old, kept)
    span = {"from": iso(old[0].time * _MS), "to": iso(old[-1].time * _MS)} if old else {}
    of = f", of {span['from']} to {span['to']}" if old else ""
    done = "are shredded" if asked.apply else "would be shredded (--apply)"
    facts = {"bodies": len(old), "applied": bool(asked.apply), **span}
    return answer(asked, facts, f"{len(old)} bodies {done}{of}; proofs stay")


def _check_clock(asked: Namespace, now: int) -> None:
    """A clock that leaps ahead makes every body old, and what is shredded is gone. Raises StoreError."""
    # Slow to import, and no other act of the log needs a database.
    from review.lifecycle.clock import CLOCK_IS_RIGHT, check_by_pcs  # noqa: PLC0415
    from store.admin.home import Home, default_folder  # noqa: PLC0415

    try:
        home = Home.open(asked.home or default_folder(os.environ))
    except StoreError as error:
        how = f"give the store's folder (--home), or look at the clock and repeat with {CLOCK_IS_RIGHT}"
        raise StoreError(f"nothing is shredded, as no PC can be asked what time it is: {error}; {how}") from None
    with closing(home.database()) as database, database.reading() as connection:
        check_by_pcs(connection, now, done="shredded")


def _adopt(asked: Namespace) -> int:
    opened = open_log(asked)
    adopted = adopt(opened.log, opened.key, asked.home)
    says = f"{adopted.lines} lines of the operators' log were taken in"
    facts = {"lines": adopted.lines, "findings": list(adopted.findings)}
    answer(asked, facts, says, *(f"! {finding}" for finding in adopted.findings))
    return 1 if adopted.findings else 0


def _cosigned(asked: Namespace) -> int:
    opened = open_log(asked)
    opened.log.publish()
    point = cosigning.bring_back(asked.log, opened.signer.key, asked.note.read_bytes())
    says = f"the checkpoint over {point.size} entries is in {asked.log / journal.COSIGNED}"
    return answer(asked, {"size": point.size}, says)


def _cosigner(asked: Namespace) -> int:
    made = Signer.of(asked.name, Ed25519PrivateKey.generate(), KeyType.COSIGNER)
    save_private(asked.signer, _COSIGNS, made.private.private_bytes_raw(), passphrase.new(asked))
    says = f"{asked.signer}  cosigns: keep it on this machine"
    facts = {"key": str(made.key), "signer": str(asked.signer)}
    return answer(asked, facts, says, str(made.key), "is its key for `verify --cosigner`")


def _cosign(asked: Namespace) -> int:
    signing = signing_key(private(asked.signer, _COSIGNS, passphrase.existing(asked, str(asked.signer))))
    cosigner = Signer.of(asked.name, signing, KeyType.COSIGNER)
    note, before = cosigning.cosign_log(asked.folder, public_key(asked.key), cosigner, asked.last, int(time.time()))
    size = Checkpoint.parse(note.text).size
    since = "the first that was seen here" if before is None else f"it continues the {before} that were signed before"
    says = f"signed: {size} entries, {since}; {asked.last} goes back by `eyelid-review audit cosigned`"
    return answer(asked, {"size": size, "before": before, "note": bytes(note).decode()}, says)


# -- verifying ----------------------------------------------------------------------------------------------------


def noted(asked: Namespace) -> list[tuple[str, bytes]]:
    return [(str(path), path.read_bytes()) for path in asked.noted]


def _verify(asked: Namespace) -> int:
    log = public_key(asked.key)
    cosigner = public_key(asked.cosigner) if asked.cosigner else None
    if log.type is not KeyType.LOG or (cosigner and cosigner.type is not KeyType.COSIGNER):
        raise WrongUsage("--key takes the key of a log, and --cosigner that of a cosigner")
    if asked.folder.is_file():
        return _verify_proof(asked, log)
    if not asked.folder.is_dir():
        raise WrongUsage(f"{asked.folder} is no folder: copy the log's folder whole, or give what `prove` printed")
    path = asked.reading_key
    key = reading_key(path, passphrase.existing(asked, str(path))) if path else None
    kept = asked.keep // _MS
    if kept < LEAST_KEPT:
        raise WrongUsage("--keep is 365d or more: nothing is shredded before")
    before = time.time_ns() // _MS - kept
    report = verify_log(asked.folder, VerifyOptions(log, key, cosigner, noted(asked), before))
    if report.over_period:
        days, old = f"{kept // _DAY} days", _bodies_are(report.over_period)
        how = f"`eyelid-review audit shred --keep {kept // _DAY}d --apply` destroys them"
        report.remark("over-period", f"{old} older than {days}: {how}, and the proofs stay")
    unchecked = _unchecked(report, asked)
    first, last = (at and iso(at * _MS) for at in (report.first, report.last))
    found, lines = findings_of(report)
    facts = found | {
        "entries": report.entries, "bodies": report.bodies, "over_period": report.over_period,
        "checkpoint": report.checkpoint.size if report.checkpoint else None, "first": first, "last": last,
        "cosigned": report.cosigned, "unchecked": unchecked,
    }  # fmt: skip
    span = f", {first} to {last}" if first and last else ""
    bodies = ", ".join(f"{count} {what}" for what, count in report.bodies.items())
    verdict = "NOT AS IT WAS WRITTEN" if report.findings else "nothing was changed"
    answer(
        asked, facts,
        *lines,
        *(f"- not checked: {one}" for one in unchecked),
        f"{report.entries} entries{span}; bodies: {bodies}; {verdict}",
    )  # fmt: skip
    return 1 if report.findings else 0


def _bodies_are(count: int) -> str:
    return "1 body is" if count == 1 else f"{count} bodies are"


def _verify_proof(asked: Namespace, log: VerifierKey) -> int:
    """Of one entry, which `prove` or the console gave."""
    if asked.reading_key or asked.noted or asked.cosigner:
        raise WrongUsage(f"{asked.folder} is the proof of one entry: it is checked with --key alone")
    with asked.folder.open("rb") as file:
        content = file.read(proofs.LARGEST + 1)
    proven = proofs.check(content, log)
    at = iso(proven.entry.time * _MS)
    shown = "what it says is the body that was noted" if proven.said else "the proof shows no body"
    facts = {"sound": True, "entry": proven.position, "at": at, "size": proven.point.size, "said": proven.said or None}
    says = json.dumps(proven.said, ensure_ascii=False)
    lines = [f"entry {proven.position} of {at} is in the log of {proven.point.size} entries; {shown}"]
    return answer(asked, facts, *([says] if proven.said else []), *lines)


def findings_of(report: Report) -> tuple[dict[str, Any], list[str]]:
    facts = {"sound": not report.findings, "findings": [one._asdict() for one in report.findings],
             "remarks": [one._asdict() for one in report.remarks]}  # fmt: skip
    return facts, [f"{mark} {one.code}: {one.message}" for mark, several in
                   (("!", report.findings), ("-", report.remarks)) for one in several]  # fmt: skip


def _unchecked(report: Report, asked: Namespace) -> list[str]:
    made = []
    if report.bodies["sealed"]:
        made.append("what the bodies say, which needs --reading-key; that they are those of their entries was checked")
    if report.bodies["shredded"]:
        made.append("bodies that were shredded, as the log says itself; their entries were checked")
    if not asked.noted and not report.cosigned:
        made.append("whether entries after the last checkpoint were cut off: give --noted, or --cosigner")
    return made
