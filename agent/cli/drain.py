"""`eyelid drain`: send what a session left behind, for one user or, by the system, for all."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from agent import config
from agent.desktop.privacy import refuse_dumps
from agent.drain import DrainReport, DrainState, drain, drain_all
from agent.errors import EyelidError, UserError
from agent.log import write_log

WORDS = {
    DrainState.DRAINED: "nothing waits",
    DrainState.WAITING: "the rest waits for the next time",
    DrainState.IN_USE: "Eyelid is recording and sends without this command",
    DrainState.NOT_ENROLLED: "not enrolled",
    DrainState.FAILED: "nothing was sent",
}


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "drain",
        help="send what an ended session has left to send",
        description="Sends sealed chunks and the account that wait on this PC, without recording anything. A recorder "
        "that starts meanwhile takes over. Exit code 0: nothing waits, or a recorder sends it. 1: something waits.",
        epilog="example: sudo eyelid drain --system   (eyelid-drain.timer does it every quarter of an hour)",
    )
    parser.add_argument("--system", action="store_true", help="for every user of this PC, each as themselves; for root")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(work=_drain)


def _drain(asked: argparse.Namespace) -> int:
    refuse_dumps()
    return _for_all(asked) if asked.system else _for_one(asked)


def _for_one(asked: argparse.Namespace) -> int:
    try:
        settings = config.load()
        write_log(None, settings.log_level)
        outcome = drain(settings)
    except EyelidError as failure:
        if not asked.json:
            raise
        outcome = DrainReport(DrainState.FAILED, troubles=(str(failure),))
    if asked.json:
        print(outcome.as_json(), flush=True)
    elif outcome.state is DrainState.NOT_ENROLLED:
        raise UserError("this PC is not enrolled: run `eyelid enroll` with a token from the store")
    else:
        print(_line(outcome))
        _complain("", outcome)
    return outcome.state.exit_code


def _for_all(asked: argparse.Namespace) -> int:
    outcomes = drain_all()
    if asked.json:
        users = [{"user": user.name, "home": str(user.home), **asdict(outcome)} for user, outcome in outcomes.items()]
        print(json.dumps({"users": users}))
    else:
        for user, outcome in outcomes.items():
            if outcome.state is not DrainState.NOT_ENROLLED:
                print(f"{user.name}: {_line(outcome)}")
                _complain(f"{user.name}: ", outcome)
    return max((outcome.state.exit_code for outcome in outcomes.values()), default=0)


def _line(outcome: DrainReport) -> str:
    words = f"{outcome.sent} chunks sent, {WORDS[outcome.state]}"
    if outcome.waiting_chunks:
        words += f": {outcome.waiting_chunks} chunks, {outcome.waiting_bytes / 1e6:.1f} MB"
    return words


def _complain(whose: str, outcome: DrainReport) -> None:
    for trouble in outcome.troubles:
        print(f"eyelid: {whose}{trouble}", file=sys.stderr)
