"""`eyelid policy diff`: what changes when one policy follows another, in words."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from agent.cli.policy.reading import read
from agent.core.linting.diff import Change, Weight, changes
from protocol.language.findings import page

MARKS = {Weight.WEAKER: ("-", "bold red"), Weight.STRONGER: ("+", "green"), Weight.OTHER: ("·", "dim")}
HEADINGS = {
    Weight.WEAKER: "WEAKER: what was closed will be recorded",
    Weight.STRONGER: "Stronger: what was recorded will be closed",
    Weight.OTHER: "Neither weaker nor stronger",
}


def add_to(verbs: Any) -> None:
    diff = verbs.add_parser(
        "diff",
        help="what changes when one policy follows another, in words",
        description="Compares two policies, each a file or a folder, by what they do and not by their letters. "
        "Exit code 0: nothing that was closed will be recorded. 1: something will. 2: one of them has mistakes.",
        epilog="example: eyelid policy diff policies.before/ policies/",
    )
    diff.add_argument("old", metavar="OLD", help="the file or folder that is in force")
    diff.add_argument("new", metavar="NEW", help="the file or folder that is to follow it")
    diff.add_argument("--json", action="store_true", help="print one JSON object")
    diff.set_defaults(work=_diff)


def _diff(asked: argparse.Namespace) -> int:
    old, new = read([asked.old], tested=False), read([asked.new], tested=False)
    found = changes(old, new)
    weaker = any(change.weight is Weight.WEAKER for change in found)
    if asked.json:
        listed = [{"weight": change.weight.value, "says": change.says, "where": change.where} for change in found]
        print(json.dumps({"weaker": weaker, "revisions": [old.revision, new.revision], "changes": listed}))
        return 1 if weaker else 0
    out = page()
    out.print(
        f"{old.name}, revision {old.revision}  →  {new.name}, revision {new.revision}", style="bold", markup=False
    )
    _print(found)
    if old.hash != new.hash and new.revision <= old.revision:
        out.print()
        out.print(f"Its revision is not higher: write {old.revision + 1} to put it in force.", style="yellow")
    return 1 if weaker else 0


def _print(found: Sequence[Change]) -> None:
    out = page()
    if not found:
        out.print()
        out.print("Nothing that a rule does has changed.")
    for weight in Weight:
        group = [change for change in found if change.weight is weight]
        mark, style = MARKS[weight]
        if group:
            out.print()
            out.print(HEADINGS[weight], style=style)
        for change in group:
            out.print(Text.assemble((f"  {mark} ", style), change.says, (f"  {change.where}", "dim")))
