"""`eyelid policy check · test · explain · diff · init · schema`: policies as documents that one reviews before they
count, written for people who write no programs.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from agent.cli.policy import checking, comparing, explaining, starting, trying
from agent.core.language.keys import schema


def add_to(commands: Any) -> None:
    policy = commands.add_parser("policy", help="write, check, test and understand policies")
    verbs = policy.add_subparsers(metavar="VERB", required=True)
    for verb in (checking, trying, explaining, comparing, starting):
        verb.add_to(verbs)
    show = verbs.add_parser(
        "schema",
        help="print the JSON Schema that editors complete from",
        description="An editor that knows it shows which keys there are while you write, and what each means.",
        epilog="example: eyelid policy schema > policies/schema.json",
    )
    show.set_defaults(work=_schema)


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=2))
    return 0
