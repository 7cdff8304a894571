"""`eyelid-review case`: export spans of recordings as one sealed folder, and say what one proves (docs/cases.md)."""

from __future__ import annotations

import re
import sys
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from protocol.claims import Claims, parse_object
from protocol.envelope import AUDIO, SCREEN, Edition
from protocol.errors import ProtocolError
from protocol.keys import RecipientPrivate, chunk_key, comment_key, public_from_text, thumbprint
from protocol.terminal import printable
from review.cases import beside
from review.cases.beside import Beside, Comment, Gone, Held
from review.cases.sealing import KEY_FILE, SEALED, STATEMENT, Content, Part, Statement
from review.cases.spans import Case, CaseError, Span, moment
from review.cases.verifying import Proven
from review.commands.open_log import public_key
from review.commands.opening import has_signed_end, with_store
from review.commands.people import with_console
from review.commands.shared import SOCKET, Option, Subcommands, answer, command, group, option
from store.admin import passphrase
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.admin.signing import read_reader
from store.catalog import erasure
from store.catalog.database import Database
from store.clock import seconds, wall
from store.commands import sweep
from store.commands.acts import act, add_purpose
from store.commands.audit import check_here, evidence_of, examined, recipient_of
from store.errors import StoreError, WrongUsage
from store.evidence import export
from store.evidence.account import totals
from store.evidence.evidence import Evidence
from store.evidence.opening import Unsound, load_recipient, read_packet, recording_key
from store.evidence.papers import papers
from store.evidence.show import iso, progress, size

if TYPE_CHECKING:
    from review.cases.writing import Chosen

_SPAN: Final = re.compile(r"(?P<recording>[0-9a-fA-F-]+):(?P<start>[0-9:.]+)-(?P<until>[0-9:.]+)")
_LARGEST: Final = 2**24  # bytes of a file with spans, and with the sealed comments on them


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(
        commands, "case", "spans of recordings as one sealed folder, which opens without a server",
        "eyelid-review case export --spans 0193a1b2:83-1:40 --title 'Complaint 4711' --key recipient.key \\\n"
        "      --to lawyer.pub -o complaint", "eyelid-review case verify complaint --key lawyer.key",
        "eyelid-review open complaint --key lawyer.key --open",
    )  # fmt: skip
    command(verbs, "case export", "export spans of recordings, sealed to one reader or a passphrase",
            "--spans 0193a1b2:83-1:40 0193a1c7:0-30 --title 'Complaint 4711' --key recipient.key \\\n"
            "      --to lawyer.pub --purpose 'ticket 4711' -o complaint", _export,
            option("--spans", "a recording and when, such as 0193a1b2:83-1:40.5 (seconds, m:s or h:m:s); or what `case "
                   "show --json` printed: a file, or - for the standard input", "SPAN", nargs="+", required=True),
            option("--title", "of the case; by default that of `case show`, or it is asked for. Others on this machine "
                   "can read a command line: put no names into it", "TEXT", default=""),
            option("--only", "give away this lane alone; the other is left out for the rights of others. By default "
                   "all, or what `case show` says", choices=(AUDIO, SCREEN), default=""),
            option("--key", "a private key that opens the recordings; with --as, that person's own", "FILE", type=Path,
                   required=True),
            option("--as", "ask the custodian for the keys of these spans' chunks in this person's name, once others "
                   "have approved it as the rules say", "PERSON", dest="person", default=""),
            option("--socket", "where the custodian listens (%(default)s)", "FILE", type=Path, default=SOCKET),
            option("--to", "seal it to this reader: their public key, as `eyelid-store bundle reader` makes one",
                   "FILE", type=Path),
            option("--custodian-key", "take the comments along that `case show --json` printed: the public key of the "
                   "custodian's log, or a file with it, by which it is checked whose they are", "KEY"),
            option("--to-passphrase", "seal it under the passphrase in the first line of FILE", "FILE", type=Path),
            option("-o --output", "a folder that is not there yet", "DIR", type=Path, required=True),
            passphrase.add_options, add_purpose, with_store,
            says="Export spans of recordings as one folder, which holds their sealed chunks, what proves them, and the "
            "keys of these chunks alone. Each recording is verified before; nothing is written of one in which "
            "anything is wrong. The act is noted in the operators' log before anything is opened.")  # fmt: skip
    command(verbs, "case verify", "say what a case proves: offline, without a store",
            "complaint --key lawyer.key\n  eyelid-review case verify complaint --passphrase --json", _verify,
            option("folder", "what `case export` wrote", "CASE", type=Path), *opening_options(),
            says="Check a case: that its files are as the store signed them, and, with the key or the passphrase, "
            "what its device signed: each chunk, the account of its spans, and that each chunk opens with its own "
            "key. Exit code 1 where anything is wrong.")  # fmt: skip
    command(verbs, "case show", "print a case of the console whose export is granted",
            "0e4f2a6c-5b1d-4c8e-9a77-3d1f0b6a2c55\n"
            "  eyelid-review case show 0e4f2a6c-5b1d-4c8e-9a77-3d1f0b6a2c55 --json | \\\n"
            "      eyelid-review case export --spans - --key recipient.key --passphrase-file pass.txt \\\n"
            "      --to lawyer.pub --purpose complaint -o complaint", _show,
            option("case", "its number, as its page shows it", "ID", type=UUID), with_console,
            says="Print a case of the console whose export was asked for and is granted by the rules in force. With "
            "--json it is what `case export --spans -` reads. Noted in the console's audit log.")  # fmt: skip


def opening_options() -> tuple[Option, ...]:
    return (
        option("--key", "the private key that it is sealed to", "FILE", type=Path),
        option("--passphrase", "it is sealed under a passphrase: that of --passphrase-file, or asked for",
               action="store_true"),
        option("--signer", "the key that must have signed it: the fingerprint that `case export` printed", "ID"),
        passphrase.add_options,
    )  # fmt: skip


def _show(asked: Namespace) -> int:
    from review.commands.case_show import show  # noqa: PLC0415 - slow to import, and others need none of it

    return show(asked)


# -- export -----------------------------------------------------------------------------------------------------------


def _export(asked: Namespace) -> int:
    # Slow to import, and `verify` needs none of them.
    from review.cases import writing  # noqa: PLC0415
    from review.commands import case_released  # noqa: PLC0415
    from review.player.source import Source  # noqa: PLC0415

    if (asked.to is None) == (asked.to_passphrase is None):
        raise WrongUsage("say whom it is for: --to a reader's public key, or --to-passphrase a file")
    if asked.person and asked.to is None:
        raise WrongUsage("--as takes --to: people approve for which reader it is")
    home = Home.open(asked.home)
    export.check_target(asked.output)
    sweep.abandoned(home)
    reader = None if asked.to is None else read_reader(asked.to)
    secret = b"" if asked.to is not None else _new_passphrase(asked.to_passphrase)
    case, found, comments = _case_of(home, asked)
    gone = _gone(home, found)
    for one in gone:
        del found[one.recording]
    for evidence in found.values():
        _check_spans(home, evidence, case)
    spans = [[str(one.recording), one.start, one.until] for one in case.spans]
    noted = {"recordings": list(map(str, case.recordings)), "case": str(case.id), "spans": spans}
    noted |= {"only": case.only} if case.only else {}
    with act(home, asked, "export", **noted), closing(home.database()) as database:
        recipient = None if asked.person else recipient_of(asked)
        chosen, shown = list[writing.Chosen](), dict[UUID, dict[str, Any]]()
        for recording, evidence in found.items():
            keys, to_comments = _verified_keys(home, evidence, recipient)
            source = Source.of(evidence, home.blobs(), database, compliance=home.key(COMPLIANCE).id)
            with database.reading() as connection:
                shown[recording] = papers(connection, evidence, home.blobs(), home.store_key())
            origin, own = str(shown[recording]["origin"]), case.of(recording)
            chosen.append(writing.Chosen(source, origin, keys, own, case.gives, to_comments))
        if asked.person:
            chosen = case_released.with_keys(asked, case, reader.key_id if reader else "", chosen, shown)
        chosen = _with_what_is_beside(database, asked, chosen, comments)
        with progress("exporting", writing.amount(chosen)) as advance:
            done = writing.write(
                case, wall(), chosen, asked.output, reader=reader, passphrase=secret, signer=home.store_key(),
                register=home.exports, advance=advance, gone=gone,
            )  # fmt: skip
    signer = thumbprint(home.store_key().public_key())
    facts = {
        "case": str(case.id), "folder": str(done.folder), "recordings": len(found), "spans": len(case.spans),
        "chunks": done.chunks, "bytes": done.bytes, "sealed_to": None if reader is None else reader.key_id,
        "signer": signer, "comments": sum(len(one.beside.comments) for one in chosen),
        "erased": [str(one.recording) for one in gone],
    }  # fmt: skip
    whom = "the passphrase" if reader is None else f"the reader {reader.key_id}"
    return answer(
        asked, facts,
        f"{done.folder}  case {case.id}: {_count(len(case.spans), 'span')} of {_count(len(found), 'recording')}, "
        f"{done.chunks} chunks, {size(done.bytes)}, sealed to {whom}",
        f"signed by this store's key {signer}: send this fingerprint to the reader, and not together with the folder",
    )  # fmt: skip


def _gone(home: Home, found: dict[UUID, Evidence]) -> list[Gone]:
    """Those that were erased, with their certificates. Raises StoreError where nothing is left."""
    erased = {recording: one.erased for recording, one in found.items() if one.erased is not None}
    with closing(home.database()) as database, database.reading() as connection:
        named = erasure.decider(connection)
    gone = [Gone(recording, one.token, named.key) for recording, one in erased.items() if one.token and named]
    if found and len(gone) == len(found):
        raise StoreError(f"all of it was erased: {'; '.join(f'recording {one.recording}' for one in gone)}")
    return gone


def _with_what_is_beside(
    database: Database, asked: Namespace, chosen: list[Chosen], comments: list[dict[str, str]]
) -> list[Chosen]:
    """Comments on their spans, and legal holds. Raises StoreError for a comment that is not as it was signed."""
    signer = None if asked.custodian_key is None else public_key(asked.custodian_key)
    with database.reading() as connection:
        holds = erasure.holds_on(connection, [str(one.recording) for one in chosen])
    made = []
    for one in chosen:
        held = tuple(Held(*hold) for hold in holds.get(str(one.recording), ()))
        said, refused = tuple[Comment, ...](), 0
        if signer is not None:
            said, refused = beside.opened(comments, one.recording, one.comments, signer.public, one.spans)
        if refused:
            raise StoreError(
                f"recording {one.recording}: {refused} comments are not as they were signed, and nothing was written"
            )
        made.append(replace(one, beside=Beside(said, held)))
    return made


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _new_passphrase(file: Path) -> bytes:
    """Never the one of the environment: that is of the archive's key."""
    return passphrase.new(Namespace(passphrase_file=file, key_file=None))


def _case_of(home: Home, asked: Namespace) -> tuple[Case, dict[UUID, Evidence], list[dict[str, str]]]:
    """The case that is asked for, its recordings, in its order, and the comments that came with it, sealed."""
    found: dict[UUID, Evidence] = {}
    spans: list[Span] = []
    title, own, only, comments = asked.title, uuid.uuid4(), asked.only, list[dict[str, str]]()
    for text in asked.spans:
        if match := _SPAN.fullmatch(text):
            evidence = evidence_of(home, match["recording"])
            spans.append(Span(evidence.recording.id, _moment(match["start"]), _moment(match["until"])))
            found[evidence.recording.id] = evidence
            continue
        if len(asked.spans) > 1:
            raise WrongUsage(f"{text!r} is no span, such as 0193a1b2:83-1:40; a file with a case must be the only one")
        case, comments = _read_case(text)
        if only and case.only:
            raise WrongUsage(f"the case says which lane is given away ({case.only}): leave out --only")
        own, spans, title, only = case.id, list(case.spans), title or case.title, only or case.only
    for one in spans:
        if one.recording not in found:
            found[one.recording] = evidence_of(home, str(one.recording))
    title = title or asked_title()
    case = Case(own, title, tuple(spans), only)
    return case, {recording: found[recording] for recording in case.recordings}, comments


def asked_title() -> str:
    """By who exports. Raises WrongUsage where there is no terminal."""
    if not sys.stdin.isatty():
        raise WrongUsage("a case needs a --title")
    sys.stderr.write("Title of the case: ")
    return input()


def _read_case(text: str) -> tuple[Case, list[dict[str, str]]]:
    name = "the standard input" if text == "-" else text
    if text == "-":
        read = sys.stdin.buffer.read(_LARGEST + 1)
    elif not Path(text).is_file():
        raise WrongUsage(f"{text!r} is neither a span, such as 0193a1b2:83-1:40, nor a file with a case")
    else:
        with Path(text).open("rb") as file:
            read = file.read(_LARGEST + 1)
    if not read.strip():
        raise WrongUsage(f"{name} is empty: did `case show --json` refuse?")
    if len(read) > _LARGEST:
        raise WrongUsage(f"{name} has more than {_LARGEST} bytes: it is not what `case show --json` prints")
    try:
        return Case.read(read), _comments(Claims(parse_object(read), "case", CaseError))
    except CaseError as error:
        raise WrongUsage(f"{name} is not what `case show --json` prints: {error}") from None


def _comments(said: Claims) -> list[dict[str, str]]:
    """As the console keeps them; none of a case from before it printed any. Raises CaseError."""
    listed = said.objects("comments") if said.has("comments") else ()
    return [{name: one.text(name) for name in ("comment", "commented")} for one in listed]


def _moment(text: str) -> int:
    """ns."""
    if (found := moment(text)) is None:
        raise WrongUsage(f"{text!r} is no time of a recording: write seconds, m:s or h:m:s, such as 1:23.5")
    return found


def _check_spans(home: Home, evidence: Evidence, case: Case) -> None:
    """Raises StoreError, WrongUsage."""
    check_here(home, evidence)
    which = f"recording {evidence.recording.id}"
    if not has_signed_end(home, evidence):
        raise StoreError(f"{which} has no end that its device signed yet: export it later")
    last = case.of(evidence.recording.id)[-1][1]
    if last > evidence.length:
        raise WrongUsage(f"{which} lasts {seconds(evidence.length)}, and a span of it ends at {seconds(last)}")


def _verified_keys(
    home: Home, evidence: Evidence, recipient: RecipientPrivate | None
) -> tuple[Callable[[int, int], bytes], bytes]:
    """What opens its chunks and its comments, once nothing wrong was found in it; nothing does without a recipient.

    Raises StoreError, KeyProblem.
    """
    own, which = evidence.recording.id, f"recording {evidence.recording.id}"
    if evidence.chosen.packet is None:
        raise StoreError(f"{which} has no key packet: nothing of it can be opened")
    try:
        packet = read_packet(home.blobs(), evidence.chosen.packet, evidence.device)
        key = b"" if recipient is None else recording_key(packet, recipient)
    except Unsound as error:
        raise StoreError(f"{which}, key packet: {error} ({error.code})") from None
    if packet.edition is not Edition.KEYED:
        raise StoreError(
            f"{which}: its chunks have no keys of their own (its recorder was of an earlier version), so that no part "
            "of it can be given away alone: export the whole recording with `eyelid-store export`"
        )
    findings = export.in_the_way(examined(home, evidence, recipient))
    if findings:
        listed = "\n".join(f"  {one.where}: {one.message} ({one.code})" for one in findings[:20])
        more = f"\n  and {len(findings) - 20} more" if len(findings) > 20 else ""
        raise StoreError(f"{which} does not verify, and nothing was written:\n{listed}{more}")
    if not key:
        return lambda _stream, _sequence: b"", b""
    of_stream = cache(partial(packet.stream_key, key))
    return lambda stream, one: chunk_key(of_stream(stream), own, stream, one), comment_key(key, own)


# -- verify -----------------------------------------------------------------------------------------------------------


def _verify(asked: Namespace) -> int:
    from review.cases import reading, verifying  # noqa: PLC0415 - as above

    statement = statement_of(asked)
    damaged = reading.findings(asked.folder, statement)
    wrong = [f"{name} {what}" for name, what in damaged.items()]
    others = reading.others(asked.folder, statement)
    content = None
    if (asked.key is not None or asked.passphrase) and not damaged.keys() & {SEALED, KEY_FILE}:
        content = reading.content_of(asked.folder, statement, case_key(asked, statement))
    proven = []
    if content is not None:
        sources = list(reading.sources_of(asked.folder, statement, content).values())
        with progress("checking", sum(len(rows) for one in sources for rows in one.rows.values())) as advance:
            proven = [verifying.prove(one, statement.signer, advance) for one in sources]
    wrong += [str(found) for one in proven for found in one.found]
    wrong += [message for one in (content.gone if content else ()) if (message := _not_certified(one))]
    erased = [_erased(one) for one in (content.gone if content else ()) if not _not_certified(one)]
    checked_signer = asked.signer is not None
    facts = {
        "case": str(statement.case), "sound": not wrong, "findings": wrong, "not_signed": others,
        "made": iso(statement.made), "signer": statement.fingerprint, "signer_compared": checked_signer,
        "opened": content is not None, "title": content.case.title if content else None,
        "recordings": [_facts_of(one) | _part(content, one).beside.facts() for one in proven],
        "erased": [facts for facts, _ in erased],
    }  # fmt: skip
    answer(
        asked, facts, *(f"! {one}" for one in wrong), *(f"- {one} is no part of it" for one in others),
        *(line for one in proven for line in (*_lines_of(one), *_beside(_part(content, one).beside))),
        *(line for _, line in erased),
        f"exported {iso(statement.made)}, signed by the store's key {statement.fingerprint}"
        + ("" if checked_signer else " (compare it with the fingerprint that the exporter sent you: --signer ID does)"),
        *([] if content else ["its files are as they were signed; without the key nothing more can be checked"]
          if not wrong else []),
        f"case {statement.case}" + (f", {content.case.title}" if content else "") + ": "
        + ("NOT AS IT WAS EXPORTED" if wrong else "nothing wrong was found"),
    )  # fmt: skip
    return 1 if wrong else 0


def statement_of(asked: Namespace) -> Statement:
    """Signed by whom --signer says, if it was given. Raises StoreError."""
    from review.cases import reading  # noqa: PLC0415 - as above

    try:
        statement = reading.statement_of(asked.folder)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUsage(f"{asked.folder} is no case: it has no {STATEMENT}") from None
    except ProtocolError as error:
        raise StoreError(f"{asked.folder / STATEMENT}: {error} ({error.code})") from None
    if asked.signer is not None and asked.signer != statement.fingerprint:
        raise StoreError(f"{asked.folder} is signed by another store: its key is {statement.fingerprint}")
    return statement


def case_key(asked: Namespace, statement: Statement) -> bytes:
    """By --key or --passphrase. Raises StoreError, KeyProblem."""
    from review.cases import reading  # noqa: PLC0415 - as above

    if (asked.key is None) == (not asked.passphrase):
        raise WrongUsage("say what opens it: --key with a private key, or --passphrase")
    if asked.passphrase:
        return reading.by_passphrase(asked.folder, statement, passphrase.existing(asked, str(asked.folder)))
    reader = load_recipient(asked.key, passphrase.existing(asked, str(asked.key)))
    return reading.by_key(statement, reader)


def _part(content: Content | None, one: Proven) -> Part:
    assert content is not None  # noqa: S101 - what is proven came out of it
    return next(part for part in content.parts if part.recording == one.recording)


def _not_certified(one: Gone) -> str:
    """What is wrong with it; "" for nothing."""
    try:
        one.certified()
    except ProtocolError as error:
        return f"recording {one.recording}, certificate: {error} ({error.code})"
    return ""


def _erased(one: Gone) -> tuple[dict[str, str | None], str]:
    """Facts, and a line."""
    said, which = one.certified(), f"recording {one.recording}"
    at = iso(said.destroyed.at if said.destroyed else said.at)
    signer = thumbprint(public_from_text(one.signer))
    facts = {"recording": str(one.recording), "at": at, "basis": said.basis, "rule": said.rule, "signer": signer}
    return facts, f"{which} was erased {at}, by its {said.basis}; certified by the audit log's key {signer}"


def _beside(found: Beside) -> Iterator[str]:
    for one in found.comments:
        when = f"{seconds(one.start)} to {seconds(one.end)}"
        yield f"  {when}, {printable(one.person)}, {iso(one.at)}: {printable(one.text)}"
    for held in found.holds:
        yield f"  on legal hold {printable(held.hold)} since {iso(held.since)}, to be reviewed by {held.review}"


def _facts_of(one: Proven) -> dict[str, object]:
    return {
        "recording": str(one.recording), "device": one.device, "host": one.host, "start": iso(one.start),
        "spans": [{"from": start, "until": until} for start, until in one.spans], "chunks": one.chunks,
        "lanes": {lane: asdict(totals(parts)) for lane, parts in one.account.items()},
        "left_out": list(one.left_out),
        "sound": not one.found,
    }  # fmt: skip


def _lines_of(one: Proven) -> Iterator[str]:
    spans = ", ".join(f"{seconds(start)} to {seconds(until)}" for start, until in one.spans)
    yield f"recording {one.recording} of {one.host}, {iso(one.start)}: {spans}; {one.chunks} chunks"
    for lane, parts in one.account.items():
        sums = {name: amount for name, amount in asdict(totals(parts)).items() if amount}
        yield f"  {lane}: " + ", ".join(f"{name.replace('_', ' ')} {seconds(amount)}" for name, amount in sums.items())
    for lane in one.left_out:
        yield f"  {lane}: left out for the rights of others"
