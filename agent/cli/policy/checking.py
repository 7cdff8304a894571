"""`eyelid policy check`: every mistake at once, and what is well formed and hardly meant."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console

from agent.cli.policy.reading import add_files, read
from agent.core.linting.cautions import Caution, Kind, cautions
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from protocol.language.findings import FindingAsJson, counted, finding_as_json, page, print_with_line


def add_to(verbs: Any) -> None:
    check = verbs.add_parser(
        "check",
        help="every mistake at once, with its place",
        description="Reads files, or a whole folder, as one policy, and runs the tests inside it. Beside mistakes it "
        "warns of rules that can never close, that another rule makes superfluous, or that reach too far. "
        "Exit code 0: it would come into force. 1: it has mistakes; with --strict, or warnings. 2: wrong usage.",
        epilog="example: eyelid policy check policies/payments",
    )
    add_files(check)
    check.add_argument("--strict", action="store_true", help="take warnings for mistakes (exit code 1)")
    check.set_defaults(work=_check)


def _check(asked: argparse.Namespace) -> int:
    mistakes, policy = _read(asked.files)
    warnings = cautions(policy) if policy is not None else ()
    doubtful = any(warning.kind is not Kind.SCENES for warning in warnings)
    good = not mistakes and not (asked.strict and doubtful)
    if asked.json:
        print(json.dumps(_as_json(mistakes, warnings, policy, good=good)))
    else:
        _print(page(), mistakes, warnings, policy, _rest_of_it(asked.files, mistakes))
        if not asked.files:
            from agent.cli.policy.status import say_whether_the_folder_counts  # noqa: PLC0415 - half of a start

            say_whether_the_folder_counts(page())
    return 0 if good else 1


def _read(named: Sequence[str]) -> tuple[tuple[str, ...], Policy | None]:
    """(mistakes, what can be read of the policy)."""
    try:
        return (), read(named, tested=True)
    except PolicyError as error:
        mistakes = error.mistakes
    try:
        return mistakes, read(named, tested=False)
    except PolicyError:
        return mistakes, None


def _as_json(
    mistakes: tuple[str, ...], warnings: tuple[Caution, ...], policy: Policy | None, *, good: bool
) -> dict[str, object]:
    return {
        "ok": good,
        "mistakes": [finding_as_json(mistake) for mistake in mistakes],
        "warnings": [_warning_as_json(warning) for warning in warnings],
        "hash": policy.hash if policy and not mistakes else None,
    }


def _warning_as_json(caution: Caution) -> FindingAsJson:
    """`where` and `says` are the same as a line for people has them."""
    same: FindingAsJson = {"where": caution.where, "kind": caution.kind.value, "says": caution.says}
    return same | finding_as_json(f"{caution.where} {caution.says}", "warning")


def _rest_of_it(named: Sequence[str], mistakes: tuple[str, ...]) -> str:
    """What is missing may stand in the files beside: a file of a policy is often checked by itself."""
    paths = [Path(name) for name in named]
    are_files = bool(paths) and all(path.is_file() for path in paths)
    if not are_files or not any(" no file has " in mistake for mistake in mistakes):
        return ""
    folder = paths[0].parent
    others = sorted(path.name for path in folder.glob("*.yaml") if path not in paths and not path.name.startswith("."))
    if not others:
        return ""
    check = f"eyelid policy check {quote(str(folder))}"
    return f"Beside it lies {' and '.join(others[:3])}: of all files as one policy, {check}"


def _print(
    out: Console, mistakes: tuple[str, ...], warnings: tuple[Caution, ...], policy: Policy | None, beside: str
) -> None:
    for mistake in mistakes:
        print_with_line(out, mistake, style="red")
    for warning in warnings:
        print_with_line(out, str(warning), style="yellow", prefix="warning: ")
    if mistakes or warnings:
        out.print()
    if beside:
        out.print(beside, style="yellow", markup=False)
    warned = f", {counted(len(warnings), 'warning')}" if warnings else ""
    if mistakes:
        out.print(f"[red]{counted(len(mistakes), 'mistake')}{warned}[/red]: this would not come into force.")
    elif policy is not None:
        rules, tests = counted(len(policy.rules), "rule"), counted(len(policy.tests), "test")
        out.print(f"{policy.name}, revision {policy.revision}: {rules}, {tests}, no mistake{warned}.", markup=False)
