"""`eyelid-review audit`: make, read, verify, export, cosign and shred the audit log (docs/audit-log.md)."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.keyfile import load_private, save_private
from protocol.keys import signing_key
from protocol.os_user import os_user
from protocol.terminal import Wrapped, printable
from review.audit import cosigning, journal
from review.audit.entries import KEY_SIZE, Entry, ReadingKey, is_shredded
from review.audit.kinds import KINDS, Act, read_body, read_statement
from review.audit.log import AuditLog, Signer
from review.audit.notes import Checkpoint, KeyType, VerifierKey, signed_checkpoint
from review.audit.ocsf import event
from review.audit.operators import adopt
from review.audit.tree import inclusion
from review.audit.verify import Asked, Report, verify_log
from store.admin import passphrase
from store.commands.options import Subcommands, duration
from store.errors import StoreError, WrongUsage
from store.evidence.show import console, print_json, print_table
from store.files import write_new, write_over

_SIGN, _READ, _PUBLIC = "audit-sign.key", "audit-read.key", "audit.pub"
_SIGNS, _READS, _COSIGNS = "audit-sign", "audit-read", "audit-cosign"
CHANGED: Final = "changed"
_WAIT: Final = 0.5  # s between two looks at a log that is followed
_MS: Final = 1_000_000


def add(commands: Subcommands[ArgumentParser]) -> None:
    top = commands.add_parser("audit", help="the log of what people did: read, verify, export, cosign", epilog=(
        "examples:\n  eyelid-review audit show --last 20\n"
        "  eyelid-review audit verify copy/ --key audit.pub --noted council.note"
    ), formatter_class=Wrapped)  # fmt: skip
    group = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    one = _command(group, "init", "make an empty log and its keys", "--name review.example.com/audit", _init)
    one.add_argument(
        "--name", required=True, metavar="NAME", help="the log's name for good, as an address without https"
    )

    one = _command(group, "show", "show entries; that is an entry itself", "--kind open --who ann@example.com", _show)
    one.add_argument("--first", type=_count, default=None, metavar="N", help="from entry N on")
    one.add_argument(
        "--last", type=_count, default=None, metavar="N", help="the last N entries (50; with --kind or --who all)"
    )
    one.add_argument("--kind", choices=sorted(KINDS), help="entries of this kind alone")
    one.add_argument("--who", metavar="PERSON", help="what this person did, by the name they sign in with")
    one.add_argument("--people", type=Path, metavar="FILE", help="names, one a line, to show in place of pseudonyms")

    one = _command(group, "export", "print entries as OCSF JSON lines; that is an entry itself",
                   "--follow --cursor siem.cursor", _export)  # fmt: skip
    one.add_argument("--cursor", type=Path, metavar="FILE", help="go on after what FILE says, and note there how far")
    one.add_argument("--follow", action="store_true", help="wait for more entries, until interrupted")

    one = _command(group, "prove", "print an entry and the proof that it is in the log", "17 > entry-17.json", _prove)
    one.add_argument("entry", type=_count)

    one = _command(group, "shred", "destroy old bodies; proofs stay. Without --apply it says what would go",
                   "--keep 730d --apply", _shred)  # fmt: skip
    one.add_argument(
        "--keep", type=duration, required=True, metavar="TIME", help="how long bodies are kept: 365d or more"
    )
    one.add_argument("--apply", action="store_true", help="destroy them")

    one = _command(group, "adopt", "take in the log of operators of a store", "/var/lib/eyelid-store", _adopt)
    one.add_argument("home", type=Path, metavar="DIR", help="the store's folder")

    one = _command(group, "cosigned", "bring a cosigned checkpoint back into the log", "council.note", _cosigned)
    one.add_argument("note", type=Path)

    one = _command(group, "verify", "check a copy of the log: offline, with its public key alone",
                   "copy/ --key audit.pub --noted council.note", _verify, copy=True)  # fmt: skip
    one.add_argument("--reading-key", type=Path, metavar="FILE", help="open the bodies, too (audit-read.key)")
    one.add_argument("--noted", type=Path, action="append", default=[], metavar="FILE",
                     help="a checkpoint that was kept elsewhere: the log must continue it")  # fmt: skip
    one.add_argument("--cosigner", metavar="KEY", help="whose signature --noted files and the log's own must have")

    one = _command(group, "cosigner", "make a key that cosigns, on another machine than the log's",
                   "--name council.example.com --signer council.key", _cosigner, keys=False)  # fmt: skip
    one.add_argument("--name", required=True, metavar="NAME")
    one.add_argument("--signer", type=Path, required=True, metavar="FILE", help="the new file with the private key")
    passphrase.add_options(one)

    one = _command(group, "cosign", "sign that the log continues what was cosigned last",
                   "copy/ --key audit.pub --name council.example.com --signer council.key --last council.note",
                   _cosign, copy=True)  # fmt: skip
    one.add_argument("--name", required=True, metavar="NAME", help="the cosigner's name")
    one.add_argument("--signer", type=Path, required=True, metavar="FILE", help="its private key")
    one.add_argument("--last", type=Path, required=True, metavar="FILE",
                     help="what it cosigned last; the new one stands there afterwards")  # fmt: skip


def _command(
    group: Subcommands[ArgumentParser], name: str, summary: str, example: str, run: Callable[[Namespace], int], *,
    copy: bool = False, keys: bool = True,
) -> ArgumentParser:  # fmt: skip
    """With a copy of the log and its public key, or the log itself and its private keys."""
    parser = group.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n  eyelid-review audit {name} {example}",
        formatter_class=Wrapped,
    )
    parser.set_defaults(run=lambda options: _run(run, options))
    if copy:
        parser.add_argument("folder", type=Path, metavar="COPY", help="a copy of the log's folder")
        parser.add_argument("--key", required=True, metavar="KEY", help="the log's public key, or a file with it")
    elif keys:
        base = Path(os.environ.get("EYELID_REVIEW_HOME", "/var/lib/eyelid-review"))
        parser.add_argument("--log", type=Path, default=base / "audit", metavar="DIR", help="its folder (%(default)s)")
        parser.add_argument("--keys", type=Path, default=base / "keys", metavar="DIR", help="of its keys (%(default)s)")
    if copy or keys:
        passphrase.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ArgumentTypeError(f"{text!r} is no number of entries")
    return int(text)


def _run(run: Callable[[Namespace], int], options: Namespace) -> int:
    try:
        return run(options)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(
            f"{error.filename or 'the log'} cannot be read or written: {error.strerror or error}"
        ) from None


class OpenLog(NamedTuple):
    log: AuditLog
    key: ReadingKey
    signer: Signer

    def note(self, kind: str, of: str = "", **facts: object) -> int:
        """`of`: what it was done to, by default the log."""
        who = f"{os_user()}@{socket.gethostname()}"
        return self.log.append(Act(kind, who, socket.gethostname(), [of or self.log.origin], facts))


def open_log(options: Namespace) -> OpenLog:
    return open_log_in(options.log, options.keys, passphrase.existing(options, str(options.keys)))


def open_log_in(log: Path, keys: Path, secret: bytes) -> OpenLog:
    """Raises StoreError, KeyProblem, AuditError, OSError."""
    public = public_key(str(keys / _PUBLIC))
    signer = Signer.of(public.name, signing_key(_private(keys / _SIGN, _SIGNS, secret)))
    if str(signer.key) != str(public):
        raise StoreError(f"{keys / _PUBLIC} is not the public half of {keys / _SIGN}")
    key = ReadingKey(_private(keys / _READ, _READS, secret))
    return OpenLog(AuditLog(log, signer, key), key, signer)


def make_log(log: Path, keys: Path, name: str, secret: bytes) -> Signer:
    """An empty one and its keys. Raises KeyProblem, AuditError, OSError."""
    private, reading = Ed25519PrivateKey.generate(), os.urandom(KEY_SIZE)
    signer = Signer.of(name, private)
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_private(keys / _SIGN, _SIGNS, private.private_bytes_raw(), secret)
    save_private(keys / _READ, _READS, reading, secret)
    write_new(keys / _PUBLIC, f"{signer.key}\n".encode(), 0o644)
    AuditLog.create(log, signer)
    return signer


def _private(path: Path, kind: str, secret: bytes) -> bytes:
    read = load_private(path, secret)
    if read.kind != kind:
        raise WrongUsage(f"{path} is a key of another kind: {read.kind}, not {kind}")
    return read.raw


def public_key(text: str) -> VerifierKey:
    return VerifierKey.parse(
        text if "+" in text and not Path(text).exists() else Path(text).read_text("utf-8", "replace").strip()
    )


def _init(options: Namespace) -> int:
    signer = make_log(options.log, options.keys, options.name, passphrase.new(options))
    if options.json:
        print_json({"log": str(options.log), "keys": str(options.keys), "key": str(signer.key)})
        return 0
    _say(f"{options.log}  the log; copy it whole to verify it elsewhere")
    _say(f"{options.keys / _SIGN}  signs its checkpoints")
    _say(f"{options.keys / _READ}  opens its bodies: give a copy to who may read what people did")
    _say(f"{signer.key}\nis its public key: keep it where the log is not. Auditors need it to verify the log.")
    return 0


# -- reading ------------------------------------------------------------------------------------------------------


def _bodies(opened: OpenLog, entries: list[journal.Acknowledged]) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
    """(position, ms, body); None for one that was shredded. One that was changed is said, and hides no other."""
    for one in entries:
        entry = Entry.parse(one.raw)
        if entry.statement:
            said = read_statement(entry.statement)
            yield one.position, entry.time, {"kind": said.pop("kind"), "statement": said}
        elif is_shredded(one.rest):
            yield one.position, entry.time, None
        elif not entry.matches(one.rest):
            why = "what lies beside it was changed: `eyelid-review audit verify` says more"
            sys.stderr.write(f"entry {one.position}: {why}\n")
            yield one.position, entry.time, {"kind": CHANGED, "statement": {"why": why}}
        else:
            yield (
                one.position,
                entry.time,
                read_body(opened.key.open(opened.log.origin, one.position, entry, one.rest)[0]),
            )


def _show(options: Namespace) -> int:
    if options.first is not None and options.last is not None:
        raise WrongUsage("give --first or --last, not both")
    opened = open_log(options)
    asked = {"query": f"{options.kind or ''} {options.who or ''}"} if options.kind or options.who else {}
    size = opened.log.size
    last = options.last or (size if asked else 50)
    first = options.first if options.first is not None else max(0, size - last)
    end = opened.note("read-log", first=first, end=max(first, size), **asked)
    who = (
        Act("read-log", options.who, "-", ["-"], {"first": 0, "end": 0}).pseudonym(opened.key) if options.who else None
    )
    people = _people(options.people, opened.key) if options.people else {}
    shown = []
    for group in journal.groups(options.log, first):
        for position, at, body in _bodies(opened, [one for one in group.entries if one.position < end]):
            if (options.kind or who) and (body is None or body["kind"] != (options.kind or body["kind"])):
                continue
            if who and body is not None and body.get("who") != who:
                continue
            shown.append({"entry": position, "at": _iso(at), **(body or {"kind": "shredded"})})
    for one in shown:
        one["who"] = people.get(str(one.get("who")), one.get("who"))
    changed = int(any(one["kind"] == CHANGED for one in shown))
    if options.json:
        print_json({"entries": shown})
        return changed
    rows = [tuple(printable(_cell(one, name)) for name in _COLUMNS) for one in shown]
    print_table(["entry", "at (UTC)", "who", "act", "outcome", "from", "resource", "facts"], rows, below=(6, 7))
    return changed


_COLUMNS: Final = ("entry", "at", "who", "kind", "outcome", "origin", "resource", "facts")


def _cell(one: dict[str, Any], name: str) -> str:
    value = one.get(name, one.get("statement", "-") if name == "facts" else "-")
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "-")


def _people(path: Path, key: ReadingKey) -> dict[str, str]:
    names = [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return {Act("list", name, "-", ["-"], {"results": 0}).pseudonym(key): name for name in names}


def _iso(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return "in no calendar"


def _export(options: Namespace) -> int:
    opened = open_log(options)
    first = changed = 0
    point = opened.log.publish()
    if options.cursor and options.cursor.exists():
        before = signed_checkpoint(options.cursor.read_bytes(), opened.signer.key)
        cosigning.check_continues(options.log, before, point)
        first = before.size
    opened.note("export-log", first=first, end=max(first, point.size), format="ocsf", following=int(options.follow))
    while True:
        for group in journal.groups(options.log, first):
            for position, at, body in _bodies(opened, group.entries):
                changed |= body is not None and body["kind"] == CHANGED
                if body is not None and "statement" not in body:
                    sys.stdout.write(
                        json.dumps(event(opened.log.origin, position, at, body), ensure_ascii=False) + "\n"
                    )
            sys.stdout.flush()
            first = group.entries[-1].position + 1
            if options.cursor:
                write_over(options.cursor, group.note)
        if not options.follow:
            return int(changed)
        time.sleep(_WAIT)


def _prove(options: Namespace) -> int:
    opened = open_log(options)
    opened.note("read-log", first=options.entry, end=options.entry + 1)
    point = opened.log.publish()
    if options.entry >= point.size:
        raise WrongUsage(f"the log has {point.size} entries, numbered from 0: there is no entry {options.entry}")
    found = next(iter(journal.groups(options.log, options.entry))).entries[0]
    entry = Entry.parse(found.raw)
    revealed: dict[str, object] = {}
    if not entry.statement and not is_shredded(found.rest):
        body, salt = opened.key.open(opened.log.origin, found.position, entry, found.rest)
        revealed = {"body": body.decode("utf-8"), "salt": salt.hex()}
    steps = inclusion(options.entry, point.size, cosigning.hashes(options.log, point.size))
    note = (options.log / journal.CHECKPOINT).read_text("utf-8", "replace")
    proof = [step.hex() for step in steps]
    print_json({"entry": options.entry, "raw": found.raw.hex(), **revealed, "proof": proof, "checkpoint": note})
    return 0


# -- looking after it ---------------------------------------------------------------------------------------------


def _shred(options: Namespace) -> int:
    opened = open_log(options)
    kept = options.keep // _MS
    old = opened.log.to_shred(kept)
    if options.apply and old:
        opened.note("shred-log", bodies=len(old), why="period")
        opened.log.shred(old, kept)
    facts: dict[str, object] = {"bodies": len(old), "applied": bool(options.apply)}
    if old:
        facts |= {name: _iso(old[at].time) for name, at in (("from", 0), ("to", -1))}
    if options.json:
        print_json(facts)
        return 0
    span = f", of {facts['from']} to {facts['to']}" if old else ""
    _say(f"{len(old)} bodies {'are shredded' if options.apply else 'would be shredded (--apply)'}{span}; proofs stay")
    return 0


def _adopt(options: Namespace) -> int:
    opened = open_log(options)
    adopted = adopt(opened.log, opened.key, options.home)
    if options.json:
        print_json({"lines": adopted.lines, "findings": list(adopted.findings)})
    else:
        _say(f"{adopted.lines} lines of the operators' log were taken in")
        for finding in adopted.findings:
            _say(f"! {finding}")
    return 1 if adopted.findings else 0


def _cosigned(options: Namespace) -> int:
    opened = open_log(options)
    opened.log.publish()
    point = cosigning.bring_back(options.log, opened.signer.key, options.note.read_bytes())
    if options.json:
        print_json({"size": point.size})
    else:
        _say(f"the checkpoint over {point.size} entries is in {options.log / journal.COSIGNED}")
    return 0


def _cosigner(options: Namespace) -> int:
    private = Ed25519PrivateKey.generate()
    made = cosigning.Cosigner.of(options.name, private)
    save_private(options.signer, _COSIGNS, private.private_bytes_raw(), passphrase.new(options))
    if options.json:
        print_json({"key": str(made.key), "signer": str(options.signer)})
    else:
        _say(f"{options.signer}  cosigns: keep it on this machine\n{made.key}\nis its key for `verify --cosigner`")
    return 0


def _cosign(options: Namespace) -> int:
    private = signing_key(_private(options.signer, _COSIGNS, passphrase.existing(options, str(options.signer))))
    cosigner = cosigning.Cosigner.of(options.name, private)
    log = public_key(options.key)
    note, before = cosigning.cosign_log(options.folder, log, cosigner, options.last, int(time.time()))
    size = Checkpoint.parse(note.text).size
    if options.json:
        print_json({"size": size, "before": before, "note": bytes(note).decode()})
        return 0
    since = "the first that was seen here" if before is None else f"it continues the {before} that were signed before"
    _say(f"signed: {size} entries, {since}; {options.last} goes back by `eyelid-review audit cosigned`")
    return 0


# -- verifying ----------------------------------------------------------------------------------------------------


def _verify(options: Namespace) -> int:
    log = public_key(options.key)
    cosigner = public_key(options.cosigner) if options.cosigner else None
    if log.type is not KeyType.LOG or (cosigner and cosigner.type is not KeyType.COSIGNER):
        raise WrongUsage("--key takes the key of a log, and --cosigner that of a cosigner")
    if not options.folder.is_dir():
        raise WrongUsage(f"{options.folder} is no folder: copy the log's folder whole")
    key = None
    if options.reading_key:
        secret = passphrase.existing(options, str(options.reading_key))
        key = ReadingKey(_private(options.reading_key, _READS, secret))
    noted = [(str(path), path.read_bytes()) for path in options.noted]
    report = verify_log(options.folder, Asked(log, key, cosigner, noted))
    unchecked = _unchecked(report, options)
    if options.json:
        print_json({
            "sound": not report.findings, "entries": report.entries, "bodies": report.bodies,
            "checkpoint": report.checkpoint.size if report.checkpoint else None,
            "first": report.first and _iso(report.first), "last": report.last and _iso(report.last),
            "cosigned": report.cosigned, "findings": [one._asdict() for one in report.findings],
            "remarks": [one._asdict() for one in report.remarks], "unchecked": unchecked,
        })  # fmt: skip
        return 1 if report.findings else 0
    for found in report.findings:
        _say(printable(f"! {found.code}: {found.message}"))
    for remark in report.remarks:
        _say(printable(f"- {remark.code}: {remark.message}"))
    for one in unchecked:
        _say(f"- not checked: {one}")
    span = f", {_iso(report.first)} to {_iso(report.last)}" if report.first and report.last else ""
    bodies = ", ".join(f"{count} {what}" for what, count in report.bodies.items())
    verdict = "NOT AS IT WAS WRITTEN" if report.findings else "nothing was changed"
    _say(f"{report.entries} entries{span}; bodies: {bodies}; {verdict}")
    return 1 if report.findings else 0


def _unchecked(report: Report, options: Namespace) -> list[str]:
    made = []
    if report.bodies["sealed"]:
        made.append("what the bodies say, which needs --reading-key; that they are those of their entries was checked")
    if report.bodies["shredded"]:
        made.append("bodies that were shredded, as the log says itself; their entries were checked")
    if not options.noted and not report.cosigned:
        made.append("whether entries after the last checkpoint were cut off: give --noted, or --cosigner")
    return made


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)
