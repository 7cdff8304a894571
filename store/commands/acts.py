"""What a person does with recordings is noted before it begins, and how it ended; `operators` shows it.

A command that is asked to end puts in order what it began: nothing decrypted stays, and its outcome is noted.
"""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Final

from protocol.terminal import printable
from store.admin.home import Home
from store.admin.operators import BEGIN, OperatorsLog, outcomes
from store.catalog.queries import oldest_recording
from store.commands.options import Subcommands, add_command, home_of
from store.errors import WrongUsage
from store.evidence.show import console, print_json, print_table, when

ASKED: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_LONGEST: Final = 200  # characters of a purpose
_NAMED: Final = 3  # recordings that a row of the list names


def add_purpose(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--purpose", default="", metavar="TEXT", help="why, such as a ticket's number, for the operators' log"
    )


class Act:
    """`exit_code`: what the command ends with, for the log."""

    exit_code = 0


@contextmanager
def act(home: Home, options: Namespace, name: str, **facts: object) -> Iterator[Act]:
    """Inside, the act is in the operators' log; outside, so is its end. Raises StoreError where it cannot be noted.

    `facts`: JSON; ids alone, never what a recording holds. SIGTERM and a terminal that goes end what is inside by
    SystemExit, as Ctrl-C does by KeyboardInterrupt; in the main thread, where alone signals are heard.
    """
    purpose = options.purpose.strip()
    if len(purpose) > _LONGEST:
        raise WrongUsage(f"--purpose has more than {_LONGEST} characters: name the ticket that has the rest")
    try:
        purpose.encode("utf-8")
    except UnicodeEncodeError:
        raise WrongUsage("--purpose is no UTF-8 text: write it anew, without what came from another encoding") from None
    log = OperatorsLog(home.folder)
    done = Act()
    heard = ASKED if current_thread() is main_thread() else ()
    before = {number: signal.signal(number, _end) for number in heard}
    try:
        line = log.begin(name, **facts, **({"purpose": purpose} if purpose else {}))
        try:
            yield done
        except (KeyboardInterrupt, SystemExit):
            log.end(line, "interrupted")
            raise
        except BaseException as failure:  # whatever it was, the log has how the act ended; it goes on from here
            log.end(line, "failed", error=type(failure).__name__)
            raise
        log.end(line, "done", exit=done.exit_code)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    for one in ASKED:  # once: what is put in order now is not disturbed
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(128 + number)


# -- operators ----------------------------------------------------------------------------------------------------


def add(commands: Subcommands[ArgumentParser]) -> None:
    asked = add_command(
        commands,
        "operators",
        "list who opened or listed recordings, and check that the log was not changed",
        "  eyelid-store operators\n  eyelid-store operators --verify\n"
        "  eyelid-store operators --verify --head 5f0c...  # noted elsewhere\n"
        "  eyelid-store operators --json | jq '.acts[] | select(.act == \"export\")'",
        _operators,
    )
    asked.add_argument("--verify", action="store_true", help="check its chain; exit code 1 where it was changed")
    asked.add_argument("--head", metavar="HASH", help="with --verify: an entry with this hash must be in it")


def _operators(options: Namespace) -> int:
    if options.head is not None and not options.verify:
        raise WrongUsage("--head goes with --verify")
    home = home_of(options)
    checked = OperatorsLog(home.folder).check(options.head)
    note = _of_an_empty_log(home) if options.verify and not (checked.entries or checked.findings) else ""
    ends = outcomes(checked.entries)
    acts = [
        entry | {"outcome": "not ended: killed, or still at it"} | _ended(ends.get(entry["line"]))
        for entry in checked.entries
        if entry.get("what") == BEGIN and isinstance(entry.get("line"), int)
    ]
    if options.json:
        findings = [{"line": one.line, "message": one.message} for one in checked.findings]
        print_json(
            {"acts": acts, "head": checked.head, "sound": not checked.findings, "findings": findings, "note": note}
        )
    else:
        _print(acts)
        for finding in checked.findings:
            console().print(f"! {finding}", markup=False, soft_wrap=True)
        if options.verify:
            verdict = "NOT AS IT WAS WRITTEN" if checked.findings else note or "nothing was changed"
            console().print(f"{len(acts)} acts, {verdict}; head {checked.head}", markup=False, soft_wrap=True)
    return 1 if checked.findings and options.verify else 0


def _of_an_empty_log(home: Home) -> str:
    """A log that was removed with its head is as empty as one of a store in which no recording was opened."""
    with closing(home.database()) as database, database.reading() as connection:
        oldest = oldest_recording(connection)
    if oldest is None:
        return ""
    return (
        f"worth a look as recordings are here since {when(oldest)}: none was opened or listed with these commands, "
        "or the log is gone, as after a backup without it"
    )


def _ended(end: Any) -> dict[str, Any]:
    return {} if end is None else {name: end[name] for name in ("outcome", "exit", "error") if name in end}


def _print(acts: list[dict[str, Any]]) -> None:
    if not acts:
        console().print("No recording was opened or listed yet.")
        return
    rows = []
    for one in acts:
        named = one.get("recordings")
        ids = named if isinstance(named, list) else []
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        which = ", ".join(map(str, ids[:_NAMED])) + more if ids else "all" if one.get("all") else "-"
        user = str(one.get("user", one.get("uid", "-")))
        user += f" ({one['sudo_user']})" if one.get("sudo_user") else ""
        outcome = str(one["outcome"]) + (f", exit code {one['exit']}" if one.get("exit") else "")
        cells = (str(one.get("at", "-"))[:19], user, str(one.get("host", "-")), str(one.get("act", "-")), which)
        rows.append(tuple(printable(cell) for cell in (*cells, str(one.get("purpose", "-")), outcome)))
    print_table(["when (UTC)", "user", "host", "act", "recordings", "purpose", "outcome"], rows, below=(4, 5, 6))
