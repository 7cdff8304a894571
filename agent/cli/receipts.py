"""`eyelid receipts verify`: what the store has signed that it took from this PC, so that it cannot deny it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from agent import config
from agent.core.model.times import SECOND
from agent.sending import RECEIPTS
from agent.state import identity
from agent.state.identity import Trust
from agent.upload.receipts import Held, held


def add_to(commands: Any) -> None:
    receipts = commands.add_parser("receipts", help="what the store has signed that it took from this PC")
    verify = receipts.add_subparsers(metavar="COMMAND", required=True).add_parser(
        "verify",
        help="check the receipts that this PC keeps",
        description="Checks the store's signature on each receipt, and says for how many chunks of each recording "
        "there are some. A chunk with a receipt that the store does not have was lost there. Exit code 1: a line "
        "proves nothing.",
        epilog="example: eyelid receipts verify --json",
    )
    verify.add_argument("--json", action="store_true", help="print one JSON object")
    verify.set_defaults(work=_verify)


def _verify(asked: argparse.Namespace) -> int:
    home = config.load().home
    who = identity.load(home)
    found = list(held(home / RECEIPTS, Trust(who).store_keys, who.device))
    if asked.json:
        print(json.dumps({"device": who.device, "recordings": [asdict(one) for one in found]}))
    else:
        for one in found:
            print(_line(one))
        print(f"{sum(one.chunks for one in found)} chunks of {len(found)} recordings have receipts")
    return 1 if any(one.worthless for one in found) else 0


def _line(one: Held) -> str:
    words = f"{one.recording}  {one.chunks} chunks"
    if one.first is not None and one.last is not None:
        words += f", {_time(one.first)} to {_time(one.last)}"
    if one.missing:
        words += f", {len(one.missing)} before the last without a receipt"
    return words + (f", {one.worthless} LINES PROVE NOTHING" if one.worthless else "")


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / SECOND, UTC).isoformat(sep=" ", timespec="seconds")
