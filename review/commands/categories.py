"""`categories`: rules of what a call is about, as a reviewed document: check, test, schema. They need no transcript."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from protocol.language.errors import MistakesError
from protocol.language.findings import counted, finding_as_json, page, print_with_line
from review.analysis.categories.examples import Tested, cautions, failed_tests, run_tests
from review.analysis.categories.explain import explain
from review.analysis.categories.keys import LARGEST, schema
from review.analysis.categories.model import Categories
from review.analysis.categories.parse import parse_file
from review.commands.shared import Subcommands, command, group, option
from review.governance.cautions import Caution


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(
        commands, "categories", "write, check and test what calls are about, as rules on what was said",
        "eyelid-review categories check categories.yaml", "eyelid-review categories test categories.yaml",
    )  # fmt: skip
    file = option("file", "the categories", "FILE", type=Path)
    command(verbs, "categories check", "every mistake at once, with its place", "categories.yaml", _check, file,
            option("--strict", "take warnings for mistakes (exit code 1)", action="store_true"),
            says="Reads the file and runs the tests inside it. Exit code 0: no mistake. 1: it has mistakes; with "
            "--strict, or warnings. 2: wrong usage.")  # fmt: skip
    command(verbs, "categories test", "run the tests inside the file", "categories.yaml", _test, file,
            says="Says of each test which categories its call has, by which words at which time. Exit code 0: all "
            "hold. 1: not all. 2: it has mistakes.")  # fmt: skip
    command(verbs, "categories schema", "print the JSON Schema that editors complete from", "> categories.json",
            _schema, says="An editor that has it shows keys and what they mean while you write.")  # fmt: skip


def _schema(_: Namespace) -> int:
    print(json.dumps(schema(), indent=2))
    return 0


def _read(path: Path) -> Categories:
    """Raises MistakesError, OSError."""
    with path.open("rb") as file:
        return parse_file(str(path), file.read(LARGEST + 1))


def _check(asked: Namespace) -> int:
    categories = Categories()
    warnings: tuple[Caution, ...] = ()
    try:
        categories = _read(asked.file)
    except MistakesError as error:
        mistakes = error.mistakes
    else:
        mistakes = failed_tests(run_tests(categories))
        warnings = tuple(cautions(categories))
    good = not mistakes and not (asked.strict and warnings)
    if asked.json:
        found = {
            "ok": good,
            "mistakes": [finding_as_json(mistake) for mistake in mistakes],
            "warnings": [finding_as_json(str(warning), "warning") for warning in warnings],
            "categories": [category.name for category in categories.categories],
        }
        print(json.dumps(found))
    else:
        _print_check(page(), categories, mistakes, warnings)
    return 0 if good else 1


def _print_check(out: Console, categories: Categories, mistakes: Sequence[str], warnings: Sequence[Caution]) -> None:
    for mistake in mistakes:
        print_with_line(out, mistake, style="red")
    for warning in warnings:
        print_with_line(out, str(warning), style="yellow", prefix="warning: ")
    warned = f", {counted(len(warnings), 'warning')}" if warnings else ""
    if mistakes:
        out.print(f"\n[red]{counted(len(mistakes), 'mistake')}{warned}[/red]: these categories would not be used.")
        return
    number = len(categories.categories)
    names = "1 category" if number == 1 else f"{number} categories"
    out.print(f"{names}, {counted(len(categories.tests), 'test')}, no mistake{warned}.")


def _test(asked: Namespace) -> int:
    categories = _read(asked.file)
    tried = run_tests(categories)
    failed = [one for one in tried if not one.passed]
    if asked.json:
        print(json.dumps({"ok": not failed, "tests": [_as_json(one) for one in tried]}))
        return 1 if failed else 0
    out = page()
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "test", "its categories", "because"):
        grid.add_column(heading, overflow="fold")
    for one in tried:
        name = one.test.name or one.test.where
        says = ", ".join(sorted(one.got)) or "none"
        if not one.passed:
            name = f"{name}\n{one.test.where}" if one.test.name else name
            says = f"{says}, expected {', '.join(sorted(one.test.expect)) or 'none'}"
        mark = Text("ok", style="green") if one.passed else Text("NOT", style="bold red")
        grid.add_row(mark, Text(name), Text(says), Text("\n".join(_because(categories, one)), style="dim"))
    if not tried:
        out.print("There is no test in the file.")
        return 0
    out.print(grid)
    style = "red" if failed else "green"
    out.print(f"\n{len(tried) - len(failed)} of {counted(len(tried), 'test')} hold.", style=style)
    return 1 if failed else 0


def _because(categories: Categories, one: Tested) -> list[str]:
    """Of the categories that it has, and of those that it should have."""
    return [
        f"{category.name} {'; '.join(explain(category, found))}"
        for category, found in zip(categories.categories, one.found, strict=True)
        if category.name in one.got | one.test.expect
    ]


def _as_json(one: Tested) -> dict[str, object]:
    return {
        "name": one.test.name,
        "where": one.test.where,
        "expected": sorted(one.test.expect),
        "got": sorted(one.got),
        "passed": one.passed,
        "because": [
            {
                "category": found.category,
                "says": because.says,
                "where": because.where,
                "by": because.party,
                "start_ns": because.span and because.span.start_ns,
                "end_ns": because.span and because.span.end_ns,
            }
            for found in one.found
            for because in found.because
        ],
    }
