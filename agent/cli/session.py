"""`eyelid enroll · run · status · hold · release`: the life of the recorder on one PC."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import stat
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent import config
from agent.control import control
from agent.control.status import exit_code
from agent.core.account.troubles import degrades
from agent.errors import EyelidError, UserError
from agent.tray.icon_state import OVER, PARTS, Lid, Mark, icon_state_of
from agent.tray.words import Words
from protocol.system import ON_WINDOWS
from protocol.terminal import Wrapped

AGAIN = 0.25  # seconds between tries to find a recorder
MISSED = 3.0  # seconds; a device that is heard gives samples ten times a second
Commands = Any  # argparse's own type for it has no public name

# As in the panel: a shape and a colour for each lid.
EYES = {Lid.OPEN: "(o)", Lid.SHUT: "(-)", Lid.HELD: "(=)", Lid.FAULT: "(!)", Lid.GONE: "(x)"}
MARKS = {Mark.NONE: "", Mark.CALL: ".", Mark.WARNING: "!"}
COLOURS = {Lid.OPEN: "green", Lid.SHUT: "blue", Lid.HELD: "magenta", Lid.FAULT: "red", Lid.GONE: "bright_black"}
WORDS = Words("en")


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
    seconds = None if asked.duration is None else _seconds(asked.duration)
    held = control.request(config.load().home, "hold", seconds=seconds, reason=asked.reason)["hold"]
    left = held["left_s"] if isinstance(held, dict) else None
    print("On hold: nothing is being kept." + ("" if left is None else f" It ends by itself in {_spoken(left)}."))
    return 0


def _release(_: argparse.Namespace) -> int:
    control.request(config.load().home, "release")
    print("Released.")
    return 0


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    if text[-1:] not in units or not text[:-1].isdecimal() or int(text[:-1]) == 0:
        raise UserError(f"--for {text}: write a whole number and s, m or h, for example 90s, 5m or 1h")
    return int(text[:-1]) * units[text[-1]]


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
    console = Console()
    if not console.is_terminal:  # a file or a pipe, in which nothing can be drawn over
        _tell_changes(control.follow(home))
    with Live(console=console, auto_refresh=False) as live:
        while True:
            try:
                for status in control.follow(home):
                    live.update(picture(status), refresh=True)
            except EyelidError as gone:
                live.update(Text(str(gone)), refresh=True)
            time.sleep(AGAIN)


def _tell_changes(followed: Iterable[dict[str, Any]]) -> None:
    """A line with its time for each new sentence. Raises NotRunning when the recorder ends."""
    said = ""
    for status in followed:
        sentence = WORDS.sentence(icon_state_of(status), status)
        if sentence != said:
            print(f"{datetime.now().astimezone().isoformat(timespec='seconds')}  {sentence}", flush=True)
        said = sentence


def _tell(status: dict[str, Any], asked: argparse.Namespace) -> int:
    if asked.json:
        print(json.dumps(status), flush=True)
    else:
        Console().print(picture(status))
    return exit_code(status)


def picture(status: dict[str, Any]) -> Table:
    """The same truth as in the panel, in the same words, and what IT asks for."""
    icon = icon_state_of(status)
    colour = COLOURS[icon.lid]
    table = Table.grid(padding=(0, 2))
    eye = EYES[icon.lid] + MARKS[icon.mark]
    table.add_row(Text(eye, style=f"bold {colour}"), Text(WORDS.sentence(icon, status), style=colour))
    for words, style in ((WORDS.advice(icon), "bold"), (WORDS.offline(status), "yellow")):
        if words:
            table.add_row("", Text(words, style=style))
    if status["rules"]:
        table.add_row("rule", f"{', '.join(status['rules'])}, for {_spoken(status['since_s'])}")
    if status["holds"]:
        table.add_row("hold", ", ".join(status["holds"]) + _of_hold(status["hold"]))
    revision = status["policy_revision"]
    table.add_row("policy", "none in force" if revision is None else f"{status['policy_name']}, revision {revision}")
    if status.get("scenes"):
        table.add_row("scenes", Text(WORDS.say("menu.scenes"), style="yellow"))
    table.add_row("kept", f"{status['chunks']} chunks, {status['bytes'] / 1e6:.1f} MB, {status['frames']} pictures")
    table.add_row("last sealed", _ago(status.get("pictures_ago_s", status["sealed_ago_s"])))
    table.add_row("last receipt", _ago(status["receipt_ago_s"]))
    table.add_row("waiting", f"{status['waiting_chunks']} chunks, {status['waiting_bytes'] / 1e6:.1f} MB")
    table.add_row("call", _call(status["sound"]))
    for end, name in (("microphone", "microphone"), ("far_end", "far end")):
        if status["sound"] is not None and status["sound"]["state"] not in OVER:  # then no sound is taken
            table.add_row(name, _end(status["sound"][end]))
    if status.get("keys"):  # a recorder of another version may not say
        table.add_row("keys", f"in the keys service at {status['keys']}")
    for browser in status["browsers"]:
        blind_to = "" if browser["private"] else "; private windows close the eye"
        table.add_row("looks into", f"{browser['browser']} {browser['version']}{blind_to}")
    for tried in status.get("tried", ()):  # a recorder of another version may not say
        table.add_row("dry run", _tried(tried))
    for code, message in status["troubles"].items():
        colour = "red" if degrades(code) else "yellow"
        table.add_row(Text("trouble", style=colour), f"{code}{': ' if message else ''}{message}")
    return table


def _of_hold(hold: dict[str, Any] | None) -> str:
    if hold is None:
        return ""
    left = "until released" if hold["left_s"] is None else f"{_spoken(hold['left_s'])} left"
    return f" ({hold['reason']}, {left})" if hold["reason"] else f" ({left})"


def _call(sound: dict[str, Any] | None) -> str:
    """A recorder of another version may not say all of it."""
    if sound is None:
        return "not recorded: both ends are none in agent.yaml"
    said = {"recording": "recorded", "blind": "closed"}.get(sound["state"], sound["state"])
    fault = sound.get("fault") if sound["state"] not in OVER else ""
    if said == "closed" and sound["rules"]:
        said = f"{said} by {', '.join(sound['rules'])}, for {_spoken(sound.get('since_s', 0.0))}"
    if fault:
        said = f"{said}, but an end is missing: {fault}" if fault in PARTS else f"NOT recorded: {fault}"
    return f"{said}; last sealed {_ago(sound.get('sealed_ago_s'))}"


def _end(end: dict[str, Any]) -> str:
    """A muted microphone shows here, and not in an audit."""
    if not end.get("wanted", True):
        return "not recorded: none in agent.yaml"
    if not end["device"]:
        return "no device"
    level = "silence" if end["peak_dbfs"] is None else f"{end['peak_dbfs']:.0f} dBFS"
    captured = end.get("captured_ago_s", 0.0)
    given = "" if captured is not None and captured < MISSED else f"; gave Eyelid its last samples: {_ago(captured)}"
    put_in = end.get("filled_s", 0.0)  # a recorder of another version may not say
    filled = f"; silence put in for {_spoken(put_in)} since the start" if put_in >= 1 else ""
    return f"{end['device']}: {level}, last heard {_ago(end['heard_ago_s'])}{given}{filled}"


def _tried(tried: dict[str, Any]) -> str:
    lane = {"screen": "screen", "audio": "sound"}[tried["lane"]]
    if not tried["times"]:
        return f"{tried['id']} would not have closed the {lane} yet"
    times = "once" if tried["times"] == 1 else f"{tried['times']} times"
    now = "; it would now" if tried["now"] else ""
    return f"{tried['id']} would have closed the {lane} {times}, for {_spoken(tried['seconds'])} in all{now}"


def _ago(seconds: float | None) -> str:
    return "not yet" if seconds is None else f"{_spoken(seconds)} ago"


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
