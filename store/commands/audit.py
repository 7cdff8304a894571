"""`recordings`, `timeline`, `verify` and `export`: what is there, what was not recorded and why, and is it sound."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from rich.console import Console
from sqlalchemy import Connection, Row

from protocol.keys import RecipientPrivate
from protocol.packet import KeyPacket
from store.admin import passphrase
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog.blobs import BlobStore
from store.catalog.database import explained
from store.catalog.erasure import Tombstone, without_row
from store.catalog.queries import legible, newest_recordings, recordings_after, recordings_beginning
from store.catalog.statements import bundle_of
from store.clock import seconds
from store.commands import sweep
from store.commands.acts import act, add_purpose
from store.commands.options import Subcommands, add_command, home_of
from store.commands.values import count
from store.errors import StoreError, WrongUsage
from store.evidence import export, picture
from store.evidence.account import totals
from store.evidence.earlier import MOST_EACH, Earlier
from store.evidence.evidence import Evidence, gather, policy_texts
from store.evidence.isolation import Unreadable, each, isolated
from store.evidence.opening import StreamKeys, Unsound, load_recipient, read_packet, recording_key
from store.evidence.papers import identity, papers
from store.evidence.show import console, iso, print_json, print_table, progress, shortened, size, when
from store.evidence.timeline import recording as timeline
from store.evidence.verify.catalog import with_indexes
from store.evidence.verify.ledger import SignedLedger
from store.evidence.verify.recording import CHECKS, Report, examine, examine_erased

T = TypeVar("T")
_PAGE: Final = 500  # recordings that are asked for at once


def add(commands: Subcommands[ArgumentParser]) -> None:
    recordings = add_command(
        commands, "recordings", "list recordings, newest first", "  eyelid-store recordings --limit 100", _recordings
    )
    recordings.add_argument("--limit", type=count, default=20, metavar="N", help="how many (%(default)s)")
    recordings.add_argument("--device", metavar="ID", help="of this device alone")
    add_purpose(recordings)

    shown = add_command(
        commands,
        "timeline",
        "show every second of a recording: kept, closed by which rule, held, blind",
        "  eyelid-store timeline 0193a1b2\n  eyelid-store timeline 0193a1b2 --json | jq .closed_ns",
        _timeline,
    )
    _add_recording(shown)
    add_purpose(shown)

    paper = add_command(
        commands, "papers", "print, signed, what the custodian wants to see of a recording before it opens it",
        "  eyelid-store papers 0193a1b2\n  eyelid-store papers --month 2026-11 > november.papers", _papers,
    )  # fmt: skip
    paper.add_argument("recording", metavar="REC", nargs="?", help="its id, or the beginning of it; - for those whose "
                       "ids come on stdin, a line each, as `eyelid-review up` asks")  # fmt: skip
    paper.add_argument("--month", type=_month, metavar="MONTH", help="of all that may have begun in this month, a line "
                       "each and without their ends: what `eyelid-review samples draw` asks for")  # fmt: skip
    add_purpose(paper)

    verify = add_command(
        commands,
        "verify",
        "check a recording or everything: bytes, signatures, chains, gaps, heads, and with a key every tag",
        "  eyelid-store verify 0193a1b2\n"
        "  eyelid-store verify 0193a1b2 --key recipient.key --passphrase-file pass.txt\n"
        "  eyelid-store verify --all\n  eyelid-store verify --all --after 0193a1b2-0000-7000-8000-0000000000a1",
        _verify,
    )
    verify.add_argument("recording", metavar="REC", nargs="?", help="its id, or the beginning of it")
    verify.add_argument("--all", action="store_true", help="every recording, ledger, bundle and policy")
    verify.add_argument("--after", type=UUID, metavar="REC", help="with --all: go on behind this recording")
    verify.add_argument(
        "--key", type=Path, metavar="FILE", help="a reader's private key; without it no chunk is opened"
    )
    passphrase.add_options(verify)
    add_purpose(verify)

    opened = add_command(
        commands,
        "export",
        "open a recording into a folder: one film of all, a playable file for each stream, and its timeline",
        "  eyelid-store export 0193a1b2 --key recipient.key -o opened/\n  mpv opened/recording.mp4\n"
        "  eyelid-store export 0193a1b2 --key recipient.key -o short/ --gaps cut --json",
        _export,
    )
    _add_recording(opened)
    opened.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="a folder that is not there yet"
    )
    opened.add_argument("--key", type=Path, required=True, metavar="FILE", help="a reader's private key")
    opened.add_argument(
        "--gaps",
        type=export.Gaps,
        choices=list(export.Gaps),
        default=export.Gaps.SLATE,
        metavar="WHAT",
        help="where nothing was kept, recording.mp4 has a `slate` that says why, as long as the gap, or it is `cut`; "
        "`no-film` makes the single streams alone (%(default)s)",
    )
    # `--what-opens`, the old name, is taken until version 0.2.
    opened.add_argument(
        "--partial", "--what-opens", action="store_true", help="leave out, and name, what does not open"
    )
    passphrase.add_options(opened)
    add_purpose(opened)


def _add_recording(parser: ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help="its id, or the beginning of it")


# -- reading ------------------------------------------------------------------------------------------------------


@contextmanager
def catalog_of(home: Home) -> Iterator[Any]:
    database = home.database()
    try:
        with explained(str(home.database_path)), database.reading() as connection:
            yield connection
    finally:
        database.close()


def evidence_of(home: Home, text: str, *, policies: bool = True) -> Evidence:
    """`policies`: as in `gather`."""
    with catalog_of(home) as connection:
        found = recordings_beginning(connection, text.lower()) if text else []
        if not found:
            raise WrongUsage(f"{home.folder} has no recording {text!r}: `eyelid-store recordings` lists them")
        if len(found) > 1:
            raise WrongUsage(f"several recordings begin with {text!r}: write more of the id")
        return _readable(found[0], lambda: gather(connection, UUID(found[0]), policies=policies))


def _readable(recording: object, read: Callable[[], T]) -> T:
    """Raises StoreError where something of the recording is such that no reader bears it."""
    found = isolated(read)
    if isinstance(found, Unreadable):
        raise StoreError(f"recording {recording}: {found}")
    return found


def _recordings(options: Namespace) -> int:
    home = home_of(options)
    with catalog_of(home) as connection:
        listed = newest_recordings(connection, options.limit, options.device)
        tell = partial(_facts_of if options.json else _line_of, connection, Earlier())
        lines = list(each(listed, tell, _facts_without if options.json else _line_without))
        erased = without_row(connection, options.limit, device=options.device)
        lines += map(_facts_of_erased if options.json else _line_of_erased, erased)
    facts = {"recordings": [legible(row.id) for row in listed], "limit": options.limit}
    with act(home, options, "recordings", **facts, **({"device": options.device} if options.device else {})):
        return _print_recordings(options, lines)


def _print_recordings(options: Namespace, lines: list[Any]) -> int:
    if options.json:
        print_json({"recordings": lines})
    elif lines:
        headings = ["recording", "began", "host", "kept", "closed", "chunks", "size", "state"]
        print_table(headings, lines, numbers=(3, 4, 5, 6), below=(0,))
    else:
        console().print("There is no recording yet.")
    return 0


def _facts_of(connection: Connection, runs: Earlier, row: Row[Any]) -> dict[str, Any]:
    # Nothing is checked here, and no rule is named.
    return _summary(gather(connection, UUID(row.id), whole=True, runs=runs, most=MOST_EACH, policies=False))


def _facts_without(row: Row[Any], why: Unreadable) -> dict[str, Any]:
    known = {"recording": row.id, "device": row.device, "host": row.host}
    return known | {"start": iso(row.start), "state": "unreadable", "error": why.error}


def _line_of(connection: Connection, runs: Earlier, row: Row[Any]) -> list[str]:
    found = _facts_of(connection, runs, row)
    closed = found["closed_ns"] + found["closed_margin_ns"]
    alarms = f", {found['alarms']} ALARMS" if found["alarms"] else ""
    what = [seconds(found["kept_ns"]), seconds(closed), str(found["chunks"]), size(found["bytes"])]
    return [*_which(row), *what, str(found.get("said") or found["state"]) + alarms]


def _line_without(row: Row[Any], why: Unreadable) -> list[str]:
    return [*_which(row), "-", "-", "-", "-", str(why)]


def _facts_of_erased(erased: Tombstone) -> dict[str, Any]:
    """Of one that the catalog has no row of."""
    state = "erased" if erased.explained else "gone"
    known = {"recording": erased.recording, "device": erased.device, "state": state}
    return known | {"erased": erased.facts(), "said": str(erased)}


def _line_of_erased(erased: Tombstone) -> list[str]:
    return [legible(erased.recording), *"------", str(erased)]


def _which(row: Row[Any]) -> tuple[str, str, str]:
    return legible(row.id), when(row.start), shortened(row.host)


def _summary(evidence: Evidence) -> dict[str, Any]:
    facts = timeline.facts(evidence)
    kept = ("recording", "device", "host", "os_user", "start", "state", "whole_ns")
    chunks = [stored for stored in evidence.stored if not stored.is_packet]
    return {
        **{name: facts[name] for name in kept},
        **{f"{name}_ns": amount for name, amount in asdict(totals(evidence.parts)).items()},
        "streams": len(evidence.chosen.streams),
        "chunks": len(chunks),
        "bytes": sum(stored.size for stored in evidence.stored),
        "alarms": len(evidence.alarms),
        **({"erased": facts["erased"], "said": str(evidence.erased)} if "erased" in facts else {}),
    }


def _timeline(options: Namespace) -> int:
    home = home_of(options)
    evidence = evidence_of(home, options.recording)
    recording = evidence.recording.id
    with act(home, options, "timeline", **ids(evidence)):
        if options.json:
            print_json(_readable(recording, lambda: timeline.facts(evidence)))
        else:
            _readable(recording, lambda: picture.show(console(), evidence))
    return 0


def ids(evidence: Evidence) -> dict[str, Any]:
    """For the operators' log."""
    recording = str(evidence.recording.id)
    return {"recordings": [recording], "streams": _readable(recording, lambda: sorted(evidence.chosen.streams))}


# -- opening ------------------------------------------------------------------------------------------------------


def check_here(home: Home, evidence: Evidence) -> None:
    """Raises StoreError where it was erased, or may have been: in a catalog that was put back."""
    with closing(home.database()) as database:
        home.check_not_put_back(database)
    if evidence.erased is not None:
        raise StoreError(f"recording {evidence.recording.id}: {evidence.erased}")


def examined(home: Home, evidence: Evidence, recipient: RecipientPrivate | None) -> Report:
    def bundles(revision: int) -> str | None:
        with catalog_of(home) as connection:
            return bundle_of(connection, revision)

    database, compliance = home.database(), home.key(COMPLIANCE).id
    try:
        ledger = SignedLedger(database, evidence.device)
        check = partial(
            examine, evidence, home.blobs(), recipient, compliance=compliance, bundles=bundles, ledger=ledger
        )
        with explained(str(home.database_path)), progress("checking", len(evidence.stored)) as advance:
            return _readable(evidence.recording.id, lambda: with_indexes(check(advance=advance), database))
    finally:
        database.close()


def recipient_of(options: Namespace) -> RecipientPrivate:
    return load_recipient(options.key, passphrase.existing(options, str(options.key)))


def keys_of(evidence: Evidence, blobs: BlobStore, recipient: RecipientPrivate) -> tuple[KeyPacket, StreamKeys]:
    """The recording's key packet, and what opens its streams.

    Raises StoreError; KeyProblem where the private key is not a reader's.
    """
    if evidence.chosen.packet is None:
        raise StoreError(f"recording {evidence.recording.id} has no key packet: nothing of it can be opened")
    try:
        packet = read_packet(blobs, evidence.chosen.packet, evidence.device)
        return packet, partial(packet.stream_key, recording_key(packet, recipient))
    except Unsound as error:
        raise StoreError(f"recording {evidence.recording.id}, key packet: {error} ({error.code})") from None


def texts_in_force(home: Home, evidence: Evidence) -> dict[str, str]:
    """File name -> text of the recording's policy; empty where it is not here."""
    with catalog_of(home) as connection:
        return policy_texts(connection, evidence.recording.policy)


def _month(text: str) -> tuple[int, int]:
    """From a day before it, as clocks differ, to four after it; wall clock, ns."""
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        since, until = (int(one.timestamp()) * 10**9 for one in (first - timedelta(1), first + timedelta(35)))
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no month: write it as 2026-11") from None
    return since, until


def _papers_of(home: Home, month: tuple[int, int]) -> int:
    """Exit code 1 where one of them has none; it hides no other."""
    with closing(home.database()) as database:
        home.check_not_put_back(database)
    lacking = 0
    with catalog_of(home) as connection:
        key, blobs = home.store_key(), home.blobs()

        def listed() -> Iterator[UUID]:
            after = ""
            while page := recordings_after(connection, after, _PAGE, opened_since=month[0], opened_until=month[1]):
                yield from (one.id for one in page)
                after = str(page[-1].id)

        def tell(recording: UUID) -> str:
            evidence = gather(connection, recording, whole=True, policies=False, entries=False)
            return "" if evidence.erased else json.dumps(identity(connection, evidence, blobs, key))

        for one in each(listed(), tell, lambda recording, why: f"! recording {recording}: {why}"):
            lacking += one.startswith("!")
            (sys.stderr if one.startswith("!") else sys.stdout).write(f"{one}\n" if one else "")
    return int(lacking > 0)


def _papers_asked(home: Home, options: Namespace) -> int:
    """For a process that is not to read the store's key. What there is none of has `error` and `message`.

    Each answer names what was asked, so that none is taken for another's.
    """
    for line in sys.stdin:
        code = "no-papers"
        try:
            evidence = evidence_of(home, line.strip(), policies=False)
            code = "no-papers" if evidence.closing or evidence.end_signed_after_death else "not-closed"
            made = _papers_of_one(home, options, evidence)
        except StoreError as error:
            made = {"error": code, "message": str(error)}
        sys.stdout.write(json.dumps(made | {"recording": line.strip()}) + "\n")
        sys.stdout.flush()
    return 0


def _papers_of_one(home: Home, options: Namespace, evidence: Evidence) -> dict[str, Any]:
    check_here(home, evidence)
    with act(home, options, "papers", recording=str(evidence.recording.id)), catalog_of(home) as connection:
        recording, blobs, key = evidence.recording.id, home.blobs(), home.store_key()
        return _readable(recording, lambda: papers(connection, evidence, blobs, key))


def _papers(options: Namespace) -> int:
    home = home_of(options)
    if (options.month is None) == (options.recording is None):
        raise WrongUsage("say which recording, or --month for all of a month")
    if options.recording == "-":
        return _papers_asked(home, options)
    if options.month:
        with act(home, options, "papers", all=True) as done:
            done.exit_code = _papers_of(home, options.month)
        return done.exit_code
    print_json(_papers_of_one(home, options, evidence_of(home, options.recording, policies=False)))
    return 0


def _verify(options: Namespace) -> int:
    home = home_of(options)
    if options.all == (options.recording is not None) or (options.after and not options.all):
        raise WrongUsage("say which recording to verify, or --all for everything (only then with --after)")
    if options.all:
        if not options.key:
            return sweep.verify(home, None, options)
        with act(home, options, "verify", all=True, after=str(options.after or "")) as done:
            done.exit_code = sweep.verify(home, recipient_of(options), options)
        return done.exit_code
    with catalog_of(home) as connection:
        listed = recordings_beginning(connection, options.recording.lower()) if options.recording else []
        alone = without_row(connection, 2, beginning=options.recording.lower()) if options.recording else []
    if not listed and len(alone) == 1:
        return _print_verified(options, alone[0].recording, examine_erased(alone[0], home.blobs()))
    evidence = evidence_of(home, options.recording, policies=False)
    name = str(evidence.recording.id)
    if not options.key:
        return _print_verified(options, name, examined(home, evidence, None))
    with act(home, options, "verify", **ids(evidence)) as done:
        done.exit_code = _print_verified(options, name, examined(home, evidence, recipient_of(options)))
    return done.exit_code


def _print_verified(options: Namespace, recording: str, report: Report) -> int:
    if options.json:
        print_json(
            {
                "recording": recording,
                "sound": report.sound,
                "findings": [asdict(finding) for finding in report.findings],
                "checked": list(report.checked),
                "not_checked": dict(report.not_checked),
                "notes": list(report.notes),
            }
        )
    else:
        _print_report(recording, report)
    return 0 if report.sound else 1


def _print_report(recording: str, report: Report) -> None:
    out = console()
    failed = {finding.check for finding in report.findings}
    for check in report.checked:
        mark = "[bold red]wrong[/]" if check in failed else "[green]good [/]"
        out.print(f"{mark}  {CHECKS[check]}", soft_wrap=True)
    _print_not_checked(report.not_checked, out)
    _print_findings(report)
    for note in report.notes:
        out.print(f"note   {note}", markup=False, soft_wrap=True)
    verdict = f"{len(report.findings)} things are wrong with" if len(report.findings) > 1 else "one thing is wrong with"
    if report.sound:
        verdict = "nothing wrong was found in"
    out.print(f"\n{verdict} recording {recording}", markup=False, soft_wrap=True)


def _print_not_checked(skipped: Iterable[tuple[str, str]], out: Console) -> None:
    for check, why in skipped:
        out.print("[yellow]not checked[/]  ", end="")
        out.print(f"{CHECKS[check]}: {why}", markup=False, soft_wrap=True)


def _print_findings(report: Report, *, stderr: bool = False) -> None:
    out = console(stderr=stderr)
    for finding in report.findings:
        out.print(f"  {finding.where}: {finding.message} ({finding.code})", markup=False, soft_wrap=True)


def _export(options: Namespace) -> int:
    home = home_of(options)
    export.check_target(options.output)
    sweep.abandoned(home)
    evidence = evidence_of(home, options.recording)
    check_here(home, evidence)
    with act(home, options, "export", **ids(evidence)) as ended:
        done = open_recording(home, evidence, options, recipient_of(options))
        ended.exit_code = 0 if done.complete else 1
    _print_not_checked(done.not_checked, console(stderr=True))
    if options.json:
        print_json(export.facts(done))
    else:
        _print_export(done)
    return ended.exit_code


def open_recording(home: Home, evidence: Evidence, options: Namespace, recipient: RecipientPrivate) -> export.Export:
    """`options`: output, gaps, partial. Raises StoreError, KeyProblem."""
    blobs = home.blobs()
    packet, keys = keys_of(evidence, blobs, recipient)
    report = examined(home, evidence, recipient)
    if export.in_the_way(report) and not options.partial:
        _print_findings(report, stderr=True)
        raise StoreError("nothing was written, because of the above; --partial exports the rest")
    return export.write(
        evidence,
        blobs,
        keys,
        report,
        options.output,
        register=home.exports,
        monitors=packet.monitors,
        gaps=options.gaps,
        texts=texts_in_force(home, evidence),
    )


def _print_export(done: export.Export) -> None:
    out = console()
    film = done.film
    if film is not None and not film.why_not:
        line = f"{done.folder / export.FILM}  all in step, {seconds(film.length)}, {size(film.bytes)}"
        out.print(line, markup=False, soft_wrap=True)
    for file in done.files:
        out.print(f"{done.folder / file.name}  {file.chunks} chunks, {size(file.bytes)}", markup=False, soft_wrap=True)
    out.print(f"{done.folder / 'timeline.json'}  what was not recorded, and why", markup=False, soft_wrap=True)
    if not done.complete:
        out.print("\n[bold red]THIS EXPORT IS INCOMPLETE. MISSING FROM IT:[/]")
        for finding in done.missing:
            out.print(f"  {finding.where}: {finding.message} ({finding.code})", markup=False, soft_wrap=True)
        for file in done.files:
            if file.left_out:
                names = ", ".join(str(chunk.sequence) for chunk in file.left_out)
                out.print(f"  {file.name}: left out sequences {names}", markup=False, soft_wrap=True)
        if film is not None and film.why_not:
            out.print(f"  {export.FILM}: {film.why_not}", markup=False, soft_wrap=True)
    media = [file.name for file in done.files if file.name != export.SCENES]
    if media:
        playing = export.FILM if film is not None and not film.why_not else media[0]
        out.print(f"\nPlay it:  mpv {done.folder / playing}", markup=False, soft_wrap=True)
