"""`eyelid enroll · run · status · hold · release`: the life of the recorder on one PC."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from agent import config
from agent.cli.durations import in_seconds, spoken
from agent.control import control
from agent.control.recorder_state import exit_code
from agent.errors import UserError
from protocol.system import ON_WINDOWS
from protocol.terminal import Wrapped

Commands = Any  # argparse's own type for it has no public name


def add_to(commands: Commands) -> None:
    enroll = commands.add_parser(
        "enroll",
        help="join a store with the token that it issued",
        description="Makes this PC's keys, registers them with the store and fetches who may open its recordings.",
        epilog="examples: eyelid enroll   (and paste what `eyelid-store enroll-token` printed)\n"
        "  eyelid enroll token.txt\n  ssh store eyelid-store enroll-token | eyelid enroll -\n"
        "  sudo eyelid enroll --system /etc/eyelid/enrolment-token",
        formatter_class=Wrapped,
    )
    enroll.add_argument(
        "source",
        nargs="?",
        metavar="FILE",
        help="where the token stands, - for standard input; without it, it is asked for. The token itself has no place "
        "on a command line, which every user of this PC can read",
    )
    enroll.add_argument(
        "--system",
        action="store_true",
        help="for every user of this PC who is not enrolled, each with keys of their own; for root, with a FILE that "
        "root alone can read",
    )
    enroll.add_argument("--handed", action="store_true", help=argparse.SUPPRESS)
    enroll.set_defaults(work=_enroll)

    run = commands.add_parser(
        "run",
        help="record until stopped",
        description="Records this session in the foreground; a service runs it in the background.",
        epilog="example: EYELID_HOME=~/.eyelid eyelid run",
    )
    run.set_defaults(work=_run)

    status = commands.add_parser(
        "status",
        help="what the recorder is doing",
        description="Exit code 0: recording or rightly closed. 1: degraded (blind, nothing sealed, the call or an end "
        "of it not recorded, store silent, a trouble that a person must mend). 3: not recording (held, ending, nobody "
        "there).",
        epilog="example: eyelid status --json",
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.add_argument(
        "--watch", action="store_true", help="as it changes, until Ctrl-C; with --json a line each time"
    )
    status.set_defaults(work=_status)

    hold = commands.add_parser(
        "hold",
        help="keep nothing until released",
        description="Stops keeping anything at once, where the policy allows it. The ledger records that there was a "
        "hold, for how long, and the reason that was chosen.",
        epilog="example: eyelid hold --for 5m --reason break",
    )
    hold.add_argument(
        "--reason",
        default="",
        help="one of the policy's reasons, which the ledger names; where it has none: break, private, other",
    )
    hold.add_argument("--for", dest="duration", metavar="TIME", help="release by itself after this: 90s, 5m, 1h")
    hold.set_defaults(work=_hold)

    release = commands.add_parser("release", help="end the hold", epilog="example: eyelid release")
    release.set_defaults(work=_release)


def _enroll(asked: argparse.Namespace) -> int:
    from agent import enrolment  # noqa: PLC0415 - imports for half a second, which the other commands need not pay

    if asked.handed:
        print(enrolment.IS_ENROLLED if enrolment.handed(sys.stdin.read(), config.load()) else "not enrolled")
        return 0
    if asked.system:
        return _enroll_all(asked.source)
    print(enrolment.enrol(_token(asked.source), config.load()), "`eyelid run` starts recording.")
    return 0


def _enroll_all(source: str | None) -> int:
    from agent import enrolment  # noqa: PLC0415 - as above

    if source in {None, "-"}:
        raise UserError("`eyelid enroll --system FILE` takes the token from a file that root alone can read")
    status = 0
    for user, trouble in enrolment.enrol_all(Path(str(source)), config.load()):
        print(f"{user.name}: {trouble or 'enrolled; it records from their next session on'}", flush=True)
        status = 1 if trouble else status
    return status


def _token(source: str | None) -> str:
    """An enrolment token out of a file, standard input (-) or the person at hand. Raises UserError."""
    from protocol.enrolment import MAX_SIZE, PREFIX  # noqa: PLC0415 - as above

    if source is None:
        if not sys.stdin.isatty():
            raise UserError(
                "where is the token? `eyelid enroll FILE` takes it from a file, `eyelid enroll -` from standard input"
            )
        return getpass.getpass("Enrolment token (from `eyelid-store enroll-token`; it is not shown): ")
    if source.startswith(PREFIX):
        raise UserError(
            "a token on the command line can be read by every user of this PC, who can then enrol with it: withdraw it "
            "(`eyelid-store tokens`), make another, and paste that when `eyelid enroll` asks for it, or give the name "
            "of a file or - instead"
        )
    if source == "-":
        return sys.stdin.readline() if sys.stdin.isatty() else sys.stdin.read(MAX_SIZE + 1)
    try:
        with Path(source).open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & 0o077 and not ON_WINDOWS:  # Windows keeps who may read elsewhere
                raise UserError(
                    f"{source} can be read by others, who can then enrol with it: run `chmod 600 {source}`; where they "
                    "had the time, withdraw the token (`eyelid-store tokens`) and make another"
                )
            return file.read(MAX_SIZE + 1)
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "no token is in it"
        raise UserError(f"{source}: the token cannot be read from this file: {reason}") from None


def _run(_: argparse.Namespace) -> int:
    from agent import app  # noqa: PLC0415 - as above

    return app.run(config.load())


def _hold(asked: argparse.Namespace) -> int:
    seconds = None if asked.duration is None else in_seconds(asked.duration)
    held = control.request(config.load().home, "hold", seconds=seconds, reason=asked.reason)["hold"]
    left = held["left_s"] if isinstance(held, dict) else None
    print("On hold: nothing is being kept." + ("" if left is None else f" It ends in {spoken(left)}."))
    return 0


def _release(_: argparse.Namespace) -> int:
    control.request(config.load().home, "release")
    print("Released.")
    return 0


def _status(asked: argparse.Namespace) -> int:
    home = config.load().home
    try:
        if not asked.watch:
            return _tell(control.request(home, "status"), asked)
        if asked.json:
            for status in control.follow(home):
                _tell(status, asked)
    except control.NotRunning:
        if asked.json:
            print(json.dumps({"state": "not-running"}), flush=True)
        raise
    from agent.cli import status_table  # noqa: PLC0415 - as above

    return status_table.watch(home)


def with_earlier_names(status: dict[str, Any]) -> dict[str, Any]:
    """What was renamed since 0.1 under both names, for programs that read it. For one version."""
    sound, troubles = status.get("sound"), status.get("troubles", {})
    for end in ("microphone", "far_end"):
        if sound and "padding_s" in sound[end]:
            sound[end]["filled_s"] = sound[end]["padding_s"]
    if "usage-not-remembered" in troubles:
        troubles["silence-not-remembered"] = troubles["usage-not-remembered"]
    return status


def _tell(status: dict[str, Any], asked: argparse.Namespace) -> int:
    if asked.json:
        print(json.dumps(with_earlier_names(status)), flush=True)
    else:
        from agent.cli import status_table  # noqa: PLC0415 - draws, which a program that asks does not need

        status_table.show(status)
    return exit_code(status)
