"""`eyelid-review report`: the signed report of a period, and whether one is as it was signed (docs/report.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from protocol.errors import ProtocolError
from protocol.terminal import Wrapped
from review.audit.entries import ReadingKey
from review.audit.errors import AuditError
from review.audit.kinds import pseudonym
from review.audit.notes import VerifierKey
from review.commands.open_log import PUBLIC, READ, console_home, open_log, operator, public_key, reading_key, with_log
from review.commands.opening import InForce, opened_store, with_store
from review.commands.shared import Subcommands, answer, command, day, in_words
from review.report.model import LogRead
from store.admin import passphrase
from store.admin.init import COMPLIANCE
from store.errors import StoreError, WrongUsage
from store.evidence.show import iso, progress

_MAKE = "eyelid-review report --from 2026-11-01 --to 2026-11-30 -o november"


def add(commands: Subcommands[ArgumentParser]) -> None:
    parser = commands.add_parser(
        "report", help="make the signed report of a period, or check one", formatter_class=Wrapped, allow_abbrev=False,
        description="Make the signed report of a period: what was kept, closed, held, blind and missing, who looked, "
        "which policies were in force, what was verified, and what it does not know. As JSON, HTML and PDF in a "
        "folder, with the audit log's signature over the three.",
        epilog=f"examples:\n  {_MAKE}\n  {_MAKE} --names --language de\n"
        "  eyelid-review report verify november --key audit.pub",
    )  # fmt: skip
    for flag, says in (("--from", "the first day"), ("--to", "the last day")):
        parser.add_argument(flag, dest=flag[2:] + "_day", type=day, metavar="DAY", help=says)
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="a folder that is not there yet, or empty")
    with_store(parser, "--store")
    with_log(parser, console_home())
    parser.add_argument("--no-verify", action="store_true", help="leave the store's verify out; the report says so")
    parser.add_argument("--names", action="store_true", help="people by their names in the rules, not by pseudonyms")
    parser.add_argument("--language", choices=("en", "de"), default="en", help="%(default)s")
    parser.add_argument("--custodian", type=Path, metavar="DIR", help="the custodian's folder, to read its log as well")
    parser.add_argument("--lifecycle", type=Path, metavar="DIR", help="the lifecycle's folder, to read its holds")
    for one in ("custodian", "lifecycle"):
        parser.add_argument(
            f"--{one}-key-file", type=Path, metavar="FILE", help="its passphrase (by default that of --keys)"
        )
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    parser.set_defaults(run=in_words(_make))
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")
    command(verbs, "report verify", "check a report: offline, with the log's public key alone",
            "november --key audit.pub", _verify,
            lambda one: one.add_argument("folder", type=Path, metavar="FOLDER", help="what `report` wrote"),
            lambda one: one.add_argument("--key", metavar="KEY", required=True,
                                         help="the log's public key, or a file with it"))  # fmt: skip


def _make(asked: Namespace) -> int:
    # Slow to import, and `verify` needs none of them.
    from review.report import signing  # noqa: PLC0415
    from review.report.gather import Period, Sources, amount, gather  # noqa: PLC0415
    from review.report.logs import Source  # noqa: PLC0415

    if asked.from_day is None or asked.to_day is None or asked.output is None:
        raise WrongUsage(f"say which days and where to: {_MAKE}")
    try:
        period = Period(asked.from_day, asked.to_day)
    except ValueError as error:
        raise WrongUsage(str(error)) from None
    if asked.output.exists() and (not asked.output.is_dir() or any(asked.output.iterdir())):
        raise WrongUsage(f"{asked.output} is not empty: a report goes into a folder of its own")
    opened = open_log(asked)
    with opened_store(asked.store) as (home, database):
        rules = InForce(home, database)()
        who, origin = operator()
        people = [*(one.person for one in rules.people if "*" not in one.person), who] if asked.names else []

        def source(name: str, folder: Path, key: VerifierKey, reading: ReadingKey) -> Source:
            return Source(name, folder, key, reading, {pseudonym(one, reading): one for one in people})

        opened.note("read-log", first=0, end=opened.log.size)
        logs = [source("console", asked.log, opened.log.verifier, opened.key)]
        custodian, why_not = _custodian(asked)
        if custodian is not None:
            logs.append(source("custodian", asked.custodian / "audit", *custodian))
        if asked.lifecycle is not None:
            logs.append(source("lifecycle", asked.lifecycle / "audit", *_keys(asked, asked.lifecycle, "lifecycle")))
        sources = Sources(
            database, home.blobs(), home.key(COMPLIANCE).id, opened.log.verifier, logs, why_not
        )  # fmt: skip
        with progress("reading", amount(sources, period)) as advance:
            model = gather(
                sources, period, who, verify=not asked.no_verify, language=asked.language, named=asked.names,
                advance=advance,
            )  # fmt: skip
        signing.write(signing.signed(model, opened.log, who, origin), asked.output)
    facts = {
        "folder": str(asked.output), "recordings": model.recordings, "verified": model.verified.recordings,
        "unsound": model.verified.recordings - model.verified.sound, "unreadable": model.states.get("unreadable", 0),
    }  # fmt: skip
    return answer(
        asked, facts,
        f"{asked.output}  {signing.JSON}, {signing.HTML}, {signing.PDF}, and {signing.SIGNATURE} over the three",
        f"{model.recordings} recordings; check it with `eyelid-review report verify {asked.output} --key {PUBLIC}`",
    )  # fmt: skip


def _custodian(asked: Namespace) -> tuple[tuple[VerifierKey, ReadingKey] | None, list[LogRead]]:
    """Public and reading key of its log; or why that is not read."""
    if asked.custodian is None:
        return None, [LogRead("custodian", why_not="its folder was not named (--custodian)")]
    try:
        return _keys(asked, asked.custodian, "custodian"), []
    except OSError as error:
        return None, [LogRead("custodian", why_not=f"its folder cannot be read: {error.strerror}")]


def _keys(asked: Namespace, folder: Path, name: str) -> tuple[VerifierKey, ReadingKey]:
    """Raises OSError, KeyProblem, StoreError."""
    keys, file = folder / "keys", getattr(asked, f"{name}_key_file")
    own = {"key_file": file, "passphrase_file": None} if file else {}
    secret = passphrase.existing(Namespace(**(vars(asked) | own)), str(keys))
    return public_key(str(keys / PUBLIC)), reading_key(keys / READ, secret)


def _verify(asked: Namespace) -> int:
    from review.report import signing  # noqa: PLC0415

    key = public_key(asked.key)
    try:
        checked = signing.check(asked.folder, key.public, key.name)
    except (ProtocolError, AuditError) as error:
        raise StoreError(f"{asked.folder / signing.SIGNATURE}: {error}") from None
    facts = {
        "sound": not checked.findings, "findings": list(checked.findings), "first": checked.first,
        "last": checked.last, "made": iso(checked.made), "entry": checked.entry, "not_signed": list(checked.others),
    }  # fmt: skip
    verdict = "NOT AS IT WAS SIGNED" if checked.findings else f"as {key.name} signed it"
    answer(
        asked, facts,
        *(f"! {one}" for one in checked.findings),
        *(f"- {one} is no part of it" for one in checked.others),
        f"report of {checked.first} to {checked.last}, made {iso(checked.made)}, entry {checked.entry} of the log: "
        f"{verdict}",
    )  # fmt: skip
    return 1 if checked.findings else 0
