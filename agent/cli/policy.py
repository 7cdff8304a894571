"""`eyelid policy check · test · explain · schema`: policies as documents that one can review before they count."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent import config
from agent.core.decide import Finding, explain
from agent.core.model import Box, Effect, Lane, Page, Policy, Scene, Window
from agent.core.policy_keys import schema
from agent.core.policy_tests import Outcome, run_tests
from agent.errors import PolicyError, UserError
from agent.witness.policies import parse_files, read_files

SOMEWHERE = Box(0, 0, 800, 600)  # no rule looks at the place


def add_to(commands: Any) -> None:
    policy = commands.add_parser("policy", help="check, test and understand policies")
    verbs = policy.add_subparsers(metavar="VERB", required=True)

    check = verbs.add_parser(
        "check",
        help="every mistake at once, with its place",
        description="Reads files, or a whole folder, as one policy, and runs the tests inside it.",
        epilog="example: eyelid policy check policies/payments.yaml",
    )
    _add_common(check)
    check.set_defaults(work=_check)

    test = verbs.add_parser(
        "test",
        help="run the tests inside the files",
        description="Says of each test what was expected and what the policy does, and which rules none makes speak.",
        epilog="example: eyelid policy test policies/",
    )
    _add_common(test)
    test.set_defaults(work=_test)

    ask = verbs.add_parser(
        "explain",
        help="what would happen, and which line says so",
        description="Judges one page or one window, shown in front, by the policy.",
        epilog='example: eyelid policy explain --app slack --title "general"',
    )
    ask.add_argument("url", nargs="?", help="the address of a page")
    ask.add_argument("--frame", action="append", default=[], metavar="URL", help="the address of a frame in the page")
    ask.add_argument(
        "--field", action="append", default=[], metavar="TOKEN", help="a field in the page, e.g. cc-number"
    )
    ask.add_argument("--app", help="the window's process name")
    ask.add_argument("--title", default="", help="the window's title")
    ask.add_argument("--policy", action="append", default=[], metavar="FILE", help="files or a folder (default: yours)")
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.set_defaults(work=_explain)

    show = verbs.add_parser("schema", help="print the JSON Schema that editors complete from")
    show.set_defaults(work=_schema)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="files or one folder (default: the configured folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _read(named: Iterable[str], *, tested: bool) -> Policy:
    """Files of one folder, or a whole folder, are one policy, with the hash that it would have in force."""
    paths = [Path(name) for name in named] or [config.load().policies]
    if len(paths) == 1 and paths[0].is_dir():
        return parse_files(read_files(paths[0]), tested=tested, shown_in=str(paths[0]))
    folders = {path.parent for path in paths}
    if len(folders) > 1:
        raise UserError("the files lie in different folders; a policy is the files of one folder")
    files: dict[str, bytes] = {}
    for path in paths:
        try:
            files[path.name] = path.read_bytes()
        except OSError as failure:
            raise UserError(f"{path} cannot be read: {failure.strerror}") from None
    return parse_files(files, tested=tested, shown_in=str(folders.pop()))


def _check(asked: argparse.Namespace) -> int:
    mistakes: tuple[str, ...] = ()
    policy: Policy | None = None
    try:
        policy = _read(asked.files, tested=True)
    except PolicyError as error:
        mistakes = error.mistakes
    if asked.json:
        print(json.dumps({"ok": not mistakes, "mistakes": list(mistakes), "hash": policy.hash if policy else None}))
    elif policy is None:
        print("\n".join(mistakes))
        print(f"{len(mistakes)} {'mistake' if len(mistakes) == 1 else 'mistakes'}: this would not come into force.")
    else:
        print(f"{policy.name}, revision {policy.revision}: {len(policy.rules)} rules, no mistake.")
    return 1 if mistakes else 0


def _test(asked: argparse.Namespace) -> int:
    policy = _read(asked.files, tested=False)
    outcomes = run_tests(policy)
    silent = _never_speak(policy, outcomes)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if asked.json:
        tests = [
            {"name": o.name, "where": o.where, "lane": o.lane.value, "expected": o.expected.value, "got": o.got.value}
            for o in outcomes
        ]
        print(json.dumps({"ok": not failed, "tests": tests, "rules_without_a_test": silent}))
        return 1 if failed else 0
    for outcome in outcomes:
        mark = "ok " if outcome.passed else "NOT"
        spoke = f" ({', '.join(outcome.spoke)})" if outcome.spoke else ""
        print(f"{mark}  {outcome.name}: {outcome.lane} {outcome.got}{spoke}")
        if not outcome.passed:
            print(f"     {outcome.where} expected {outcome.expected}")
    print(f"{len(outcomes) - len(failed)} of {len(outcomes)} expectations hold.")
    for rule in policy.rules:
        print(f"rule {rule.id}: {'no test makes it speak' if rule.id in silent else 'tested'}")
    return 1 if failed else 0


def _never_speak(policy: Policy, outcomes: Iterable[Outcome]) -> list[str]:
    spoke = {rule for outcome in outcomes for rule in outcome.spoke}
    return [rule.id for rule in policy.rules if rule.id not in spoke]


def _explain(asked: argparse.Namespace) -> int:
    if (asked.url is None) == (asked.app is None):
        raise UserError("say what to judge: an address, or --app with --title. `eyelid policy explain --help`")
    policy = _read(asked.policy, tested=False)
    if asked.url is not None:
        scene = Scene(pages=(Page((asked.url, *asked.frame), frozenset(asked.field)),))
    else:
        scene = Scene((Window(1, asked.app, asked.title, 1, SOMEWHERE, shown=True, focused=True),))
    findings = explain(policy, scene)
    if asked.json:
        print(json.dumps({lane.value: _lane_as_json(findings, lane) for lane in Lane}))
        return 0
    for lane in Lane:
        print(f"{lane.value}: {_lane_as_json(findings, lane)['effect']}")
        for found in findings:
            if found.lane is lane:
                says = "pauses" if found.effect is Effect.PAUSE else "would pause, but is let pass"
                print(f"  {found.reason.id} {says}: {found.where or 'a rule of Eyelid itself'}")
    return 0


def _lane_as_json(findings: Iterable[Finding], lane: Lane) -> dict[str, object]:
    of_lane = [found for found in findings if found.lane is lane]
    pauses = any(found.effect is Effect.PAUSE for found in of_lane)
    return {
        "effect": (Effect.PAUSE if pauses else Effect.RECORD).value,
        "rules": [{"id": f.reason.id, "effect": f.effect.value, "where": f.where} for f in of_lane],
    }


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=2))
    return 0
