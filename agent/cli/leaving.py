"""`eyelid unenroll`: leave the store, once it has all that this PC keeps for it, and forget keys and state."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from agent import config, enrolment
from agent.desktop.privacy import refuse_dumps
from agent.enrolment import Remains
from agent.errors import UserError


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "unenroll",
        help="leave the store: send what waits, then forget keys and state",
        description="Sends what waits, tells the store, and then removes keys, spool, account, log, and the policy "
        "that came from the store. Where something cannot be sent nothing is forgotten, unless --force: it says "
        "first what would be lost. Asks before it forgets anything, unless --yes. Exit code 0: left. 1: not.",
        epilog="example: eyelid unenroll --yes",
    )
    parser.add_argument("--force", action="store_true", help="also where the store does not have everything")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(work=_unenroll)


def _unenroll(asked: argparse.Namespace) -> int:
    refuse_dumps()
    settings = config.load()
    remains = enrolment.drain_to_leave(settings)
    if not remains.nothing:
        _complain(remains)
        if not asked.force:
            print(
                "eyelid: nothing was forgotten. Try again once the store answers (`eyelid doctor` says what is in the "
                "way), or lose it with --force",
                file=sys.stderr,
            )
            return 1
    who = remains.device or "a device whose keys cannot be read"
    loses = "The store has all of it." if remains.nothing else f"Lost for good: {remains}."
    if not asked.yes and not _agrees(f"This PC, {who}, leaves its store and forgets its keys. {loses} Go on? [y/N] "):
        print("Nothing was forgotten.")
        return 1
    informed, stays = enrolment.leave(settings)
    print(f"This PC has left its store and holds no keys any more; it was {who}.")
    for path in stays:
        print(f"{path} stays: it is not the policy that the store handed out.")
    if not informed:
        print(f"The store has not heard of it: its operator says `eyelid-store revoke {remains.device or 'DEVICE'}`.")
    return 0


def _complain(remains: Remains) -> None:
    print(f"eyelid: the store does not have {remains}", file=sys.stderr)
    for why in remains.why:
        print(f"eyelid: {why}", file=sys.stderr)


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError("this is no terminal, so there is no one to ask: confirm with --yes")
    return input(question).strip().lower() in {"y", "yes"}
