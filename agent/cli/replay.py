"""`eyelid replay`: what another policy would have done to a recording, tried on the scenes that were kept with it.

It shows titles and addresses, only on the terminal of the person who has opened the recording.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from agent.cli.policy.reading import read
from agent.core.account.scenes import ScenesError
from agent.core.linting.diff import SPOKEN_LANE
from agent.core.linting.replay import ReplaySpan, Spoke, Sums, sums_of
from agent.core.linting.replayed import Scenes, as_json, by_lane, differs, names, not_looked_for, read_scenes
from agent.core.model.media import Lane
from agent.core.model.rules import Policy
from agent.core.model.times import SECOND
from agent.errors import PolicyError, UserError
from agent.witness.policies import parse_files
from protocol.language.findings import page
from protocol.terminal import Wrapped, printable

FILE: Final = "scenes.jsonl"  # as `eyelid-store export` names it


def add_to(commands: Any) -> None:
    ask = commands.add_parser(
        "replay",
        help="what another policy would have done to a recording",
        description="Tries another policy on the scenes of a recording, which its own policy must have asked to be "
        "kept (keep_scenes: true), and says for each stretch of time what the one did and what the other would do, and "
        "which line says so. Exit code 0: the same would be recorded. 1: something would newly open or newly close. "
        "2: wrong usage, or the scenes or a policy cannot be read.",
        epilog="examples:\n  eyelid-store export 0193a1b2 --key recipient.key -o opened/\n"
        "  eyelid replay opened/ --with new.yaml",
        formatter_class=Wrapped,
    )
    ask.add_argument("scenes", metavar="SCENES", help=f"{FILE}, or the folder of an export; - reads standard input")
    ask.add_argument(
        "--with", dest="now", action="append", required=True, metavar="FILE", help="the other policy: files or a folder"
    )
    ask.add_argument(
        "--then",
        action="append",
        default=[],
        metavar="FILE",
        help="compare with this policy, and not with the one that was in force",
    )
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.set_defaults(work=_replay)


# -- what is read -------------------------------------------------------------------------------------------------


def _scenes(name: str) -> Scenes:
    """Raises UserError for what is none."""
    path = Path(name)
    path = path / FILE if name != "-" and path.is_dir() else path
    try:
        text = sys.stdin.buffer.read() if name == "-" else path.read_bytes()
    except OSError as failure:
        raise UserError(f"{path} cannot be read: {failure.strerror}") from None
    where = "standard input" if name == "-" else path
    try:
        return read_scenes(text)
    except ScenesError as error:
        if str(error):
            raise UserError(f"{where}: {error}") from None
    hint = f"give {FILE}, which `eyelid-store export` writes where the policy asked for it (keep_scenes: true)"
    raise UserError(f"{where} holds no scenes: {hint}")


def _policy_then(scenes: Scenes) -> Policy:
    if not scenes.files:
        raise UserError(f"the text of the policy {scenes.policy} is not at the store: give it with --then FILE")
    try:
        policy = parse_files({name: text.encode() for name, text in scenes.files.items()}, tested=False)
    except PolicyError as error:
        raise UserError(f"the recording's own policy cannot be read any more, give one with --then:\n{error}") from None
    if policy.hash != scenes.policy:
        raise UserError(f"the policy's text is not that of {scenes.policy}: give one with --then FILE")
    return policy


# -- the answer ---------------------------------------------------------------------------------------------------


def _replay(asked: argparse.Namespace) -> int:
    now = read(asked.now, tested=False)
    scenes = _scenes(asked.scenes)
    then = read(asked.then, tested=False) if asked.then else _policy_then(scenes)
    spans = by_lane(scenes, then, now)
    if asked.json:
        print(json.dumps(_as_json(scenes, then, now, spans)))
    else:
        _print(page(), scenes, then, now, spans)
    return 1 if differs(spans) else 0


def _as_json(scenes: Scenes, then: Policy, now: Policy, spans: Mapping[Lane, Sequence[ReplaySpan]]) -> dict[str, Any]:
    """With the key's old name beside the new one until version 0.2."""
    facts = as_json(scenes, then, now, spans)
    for lane in facts["lanes"].values():
        lane["stretches"] = lane["spans"]
    return facts


def _print(out: Console, scenes: Scenes, then: Policy, now: Policy, found: Mapping[Lane, Sequence[ReplaySpan]]) -> None:
    head = f"Recording {scenes.recording}, from {scenes.start} on {scenes.host}, {_long(scenes.length)}"
    out.print(printable(head), style="bold", markup=False)
    for word, policy in (("then", then), ("with", now)):
        out.print(f"  {word}  {printable(policy.name)}, revision {policy.revision}", markup=False)
    for lane, spans in found.items():
        out.print()
        _print_lane(out, SPOKEN_LANE[lane].capitalize(), spans, sums_of(spans))
    if missing := not_looked_for(then, now):
        says = "Only the other policy names these, so that the pages were not searched for them; it may close more"
        out.print()
        out.print(printable(f"{says}: {', '.join(missing)}"), style="yellow", markup=False)


def _print_lane(out: Console, lane: str, spans: Sequence[ReplaySpan], sums: Sums) -> None:
    out.print(lane, style="bold")
    opened = [one for one in spans if one.newly_open]
    closed = [one for one in spans if one.newly_closed]
    if opened:
        line = f"  WOULD NEWLY OPEN: {_long(sums.newly_open)} that were closed would be recorded. Possible leaks."
        out.print(line, style="bold red")
        for one in opened:
            _print_span(out, one, "red")
    if closed:
        was = _long(sum(one.kept for one in closed))
        out.print(f"  Would newly close: {_long(sums.newly_closed)}, of which {was} were recorded.", style="yellow")
        for one in closed:
            _print_span(out, one, "yellow")
    same = f"  The same under both: {_long(sums.open)} open, {_long(sums.closed)} closed."
    out.print(same if opened or closed else f"  No difference: {_long(sums.open)} open, {_long(sums.closed)} closed.")
    if sums.not_judged:
        why = "nothing tells what was in view, or it was held"
        out.print(f"  Not judged: {_long(sums.not_judged)}, in which {why}.", style="dim")


def _print_span(out: Console, one: ReplaySpan, style: str) -> None:
    when = f"    {_at(one.start)} - {_at(one.end)}  {_long(one.length)}"
    would = _by(one.now) if one.now else "no rule closes"
    out.print(Text.assemble((when, style), f"  then: {_by(one.then) if one.then else 'open'}; with: {would}"))
    for spoke in one.silent if one.newly_open else ():
        out.print(f"      lets it pass: {_rule(spoke)}", markup=False, style="dim")
    for name in names(one.things):
        out.print(f"      {name}", markup=False)


def _by(rules: Iterable[Spoke]) -> str:
    return f"closed by {', '.join(map(_rule, rules))}"


def _rule(spoke: Spoke) -> str:
    return printable(f"{spoke.id} ({spoke.where})") if spoke.where else f"{spoke.id} (Eyelid's own)"


def _long(ns: int) -> str:
    tenths = round(ns * 10 / SECOND)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02d} min" if minutes else f"{rest / 10:.1f} s"


def _at(ns: int) -> str:
    """Since the recording's start."""
    tenths = ns * 10 // SECOND
    minutes, rest = divmod(tenths, 600)
    return f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
