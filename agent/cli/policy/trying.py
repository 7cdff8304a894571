"""`eyelid policy test`: runs the tests inside the files, and says which rules they leave untried."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.cli.policy.reading import add_files, read
from agent.core.language.tests import Tested, run_tests
from agent.core.linting.coverage import Coverage, coverage
from agent.core.model.media import Lane
from agent.core.model.rules import Effect
from protocol.language.findings import counted, page

SPOKEN = {Lane.SCREEN: "screen", Lane.AUDIO: "sound"}


def add_to(verbs: Any) -> None:
    test = verbs.add_parser(
        "test",
        help="run the tests inside the files",
        description="Says of each test what was expected and what the policy does, and of each rule how many tests "
        "make it close, and how many show something alike that stays open. Exit code 0: all tests hold. 1: one fails.",
        epilog="example: eyelid policy test policies/payments",
    )
    add_files(test)
    test.set_defaults(work=_test)


def _test(asked: argparse.Namespace) -> int:
    policy = read(asked.files, tested=False)
    outcomes = run_tests(policy)
    tried = coverage(policy)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if asked.json:
        print(json.dumps(_as_json(outcomes, tried)))
        return 1 if failed else 0
    out = page()
    out.print(f"{policy.name}, revision {policy.revision}", style="bold", markup=False)
    out.print()
    if outcomes:
        out.print(_tests(outcomes))
        out.print()
    out.print(_rules(tried))
    out.print()
    _sum_up(out, outcomes, failed, tried)
    if not asked.files:
        from agent.cli.policy.status import say_whether_the_folder_counts  # noqa: PLC0415 - half of a start

        say_whether_the_folder_counts(out)
    return 1 if failed else 0


def _as_json(outcomes: Sequence[Tested], tried: Sequence[Coverage]) -> dict[str, object]:
    return {
        "ok": all(outcome.passed for outcome in outcomes),
        "tests": [
            {
                "name": o.name,
                "where": o.where,
                "lane": o.lane.value,
                "expected": o.expected.value,
                "got": o.got.value,
                "rules": list(o.spoke),
            }
            for o in outcomes
        ],
        "rules": [
            {
                "id": one.id,
                "where": one.where,
                "closes": {lane.value: tests for lane, tests in one.closes.items()},
                "alike": one.alike,
            }
            for one in tried
        ],
        "rules_without_a_test": [one.id for one in tried if one.closes and not any(one.closes.values())],
    }


def _tests(outcomes: Sequence[Tested]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "test", "screen", "sound", "closed by"):
        table.add_column(heading, overflow="fold")
    for _, group in groupby(outcomes, key=lambda outcome: outcome.where):
        lanes = {outcome.lane: outcome for outcome in group}
        first = next(iter(lanes.values()))
        holds = all(outcome.passed for outcome in lanes.values())
        rules = dict.fromkeys(rule for outcome in lanes.values() for rule in outcome.spoke)
        name = Text(first.name) if holds else Text(f"{first.name}\n{first.where}", style="red")
        table.add_row(
            Text("ok", style="green") if holds else Text("NOT", style="bold red"),
            name,
            *(_got(lanes.get(lane)) for lane in Lane),
            Text(", ".join(rules), style="yellow"),
        )
    return table


def _got(outcome: Tested | None) -> Text:
    if outcome is None:
        return Text("")
    word = _word(outcome.got)
    return Text(word) if outcome.passed else Text(f"{word}, expected {_word(outcome.expected)}", style="bold red")


def _word(effect: Effect) -> str:
    return {Effect.PAUSE: "closed", Effect.RECORD: "recorded"}[effect]


def _rules(tried: Sequence[Coverage]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "rule", "closed in tests", "look-alikes", "missing"):
        table.add_column(heading, overflow="fold")
    for one in tried:
        closes = ", ".join(f"{SPOKEN[lane]} {tests}" for lane, tests in one.closes.items()) or "nothing to close"
        table.add_row(
            Text("ok", style="green") if one.whole else Text("!", style="bold yellow"),
            Text(one.id + (" (dry run)" if one.rule and one.rule.dry_run else "")),
            closes,
            str(one.alike) if one.closes else "",
            Text(_missing(one), style="yellow"),
        )
    return table


def _missing(one: Coverage) -> str:
    lanes = [SPOKEN[lane] for lane in one.untested]
    missing = [f"a test that closes the {' and the '.join(lanes)}"] if lanes else []
    if one.closes and not one.alike:
        missing.append("a look-alike that stays open" if one.rule else "a test of what is kept")
    return "; ".join(missing)


def _sum_up(out: Console, outcomes: Sequence[Tested], failed: Sequence[Tested], tried: Sequence[Coverage]) -> None:
    hold = len(outcomes) - len(failed)
    style = "red" if failed else "green"
    if outcomes:
        out.print(f"{hold} of {counted(len(outcomes), 'expectation')} hold.", style=style)
    else:
        out.print("The policy has no tests.", style="yellow")
    untried = [one for one in tried if not one.whole]
    if untried:
        verb = "is" if len(untried) == 1 else "are"
        out.print(f"{counted(len(untried), 'rule')} {verb} not wholly tried.", style="yellow")
    if failed:
        out.print("Such a policy does not come into force: correct the rule or the test.")
