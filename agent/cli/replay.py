"""`eyelid replay`: what another policy would have done to a recording, tried on the scenes that were kept with it.

It shows titles and addresses, only on the terminal of the person who has opened the recording.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from agent.cli.policy.reading import read
from agent.core.account.scenes import Line, ScenesError
from agent.core.account.scenes import read as read_lines
from agent.core.linting.diff import SPOKEN_LANE
from agent.core.linting.replay import Interval, ReplaySpan, Spoke, Sums, replay, sums_of
from agent.core.model.media import Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import Blind, Page, Window
from agent.core.model.times import SECOND
from agent.errors import PolicyError, UserError
from agent.witness.browser_words import scan_patterns
from agent.witness.policies import parse_files
from protocol.language.findings import page
from protocol.terminal import Wrapped, printable

FILE: Final = "scenes.jsonl"  # as `eyelid-store export` names it
FORMAT: Final = 1
LONGEST: Final = 90  # signs of a title or an address in a line


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


@dataclass(frozen=True, slots=True)
class Scenes:
    """A recording's scenes. `kept`, `unseen`: of each lane that it has; all in ns since its start."""

    recording: str
    start: str
    host: str
    length: int
    policy: str  # hash
    files: Mapping[str, str]  # of the policy; empty where the store has no text of it
    kept: Mapping[Lane, tuple[Interval, ...]]
    unseen: Mapping[Lane, tuple[Interval, ...]]
    lines: tuple[Line, ...]


def _scenes(name: str) -> Scenes:
    """Raises UserError for what is none."""
    path = Path(name)
    path = path / FILE if name != "-" and path.is_dir() else path
    try:
        text = sys.stdin.buffer.read() if name == "-" else path.read_bytes()
    except OSError as failure:
        raise UserError(f"{path} cannot be read: {failure.strerror}") from None
    first, *rest = text.splitlines() or [b""]
    where = "standard input" if name == "-" else path
    try:
        return _with_head(json.loads(first), rest)
    except ScenesError as error:
        raise UserError(f"{where}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = f"give {FILE}, which `eyelid-store export` writes where the policy asked for it (keep_scenes: true)"
        raise UserError(f"{where} holds no scenes: {hint}") from None


def _with_head(head: Mapping[str, Any], lines: Sequence[bytes]) -> Scenes:
    if head["eyelid_scenes"] != FORMAT:
        raise ScenesError(f"its format is {head['eyelid_scenes']}, this Eyelid reads {FORMAT}: upgrade the agent")
    lanes = {Lane(lane): parts for lane, parts in head["lanes"].items()}
    return Scenes(
        recording=str(head["recording"]),
        start=str(head["start"]),
        host=str(head["host"]),
        length=int(head["length_ns"]),
        policy=str(head["policy"]),
        files={str(name): str(text) for name, text in head["policy_files"].items()},
        kept={lane: _spans(part for part in parts if part["what"] == "kept") for lane, parts in lanes.items()},
        unseen={lane: _spans(part for part in parts if _nobody_saw(part)) for lane, parts in lanes.items()},
        lines=read_lines(lines, first=2),
    )


def _spans(parts: Iterable[Mapping[str, Any]]) -> tuple[Interval, ...]:
    return tuple((int(part["from"]), int(part["to"])) for part in parts)


def _nobody_saw(part: Mapping[str, Any]) -> bool:
    """Time that is only unproven was seen, and nothing was closed."""
    return bool(part["what"] == "held" or (part["what"] == "blind" and part["why"] != "unproven"))


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
    by_lane = {
        lane: replay(then, now, lane, scenes.lines, scenes.length, kept=scenes.kept[lane], unseen=scenes.unseen[lane])
        for lane in Lane
        if lane in scenes.kept
    }
    differs = any(one.newly_open or one.newly_closed for spans in by_lane.values() for one in spans)
    if asked.json:
        print(json.dumps(_as_json(scenes, then, now, by_lane, differs=differs)))
    else:
        _print(page(), scenes, then, now, by_lane)
    return 1 if differs else 0


def _not_looked_for(then: Policy, now: Policy) -> list[str]:
    """Fields and selectors that only the other policy names: the pages were not searched for them."""
    before, after = scan_patterns(then), scan_patterns(now)
    fields = [f"field {one}" for one in after.fields if one not in before.fields]
    return fields + [f"css {one}" for one in after.css if one not in before.css]


def _as_json(
    scenes: Scenes, then: Policy, now: Policy, by_lane: Mapping[Lane, Sequence[ReplaySpan]], *, differs: bool
) -> dict[str, object]:
    return {
        "recording": scenes.recording,
        "differs": differs,
        "then": {"name": then.name, "revision": then.revision, "hash": then.hash},
        "with": {"name": now.name, "revision": now.revision, "hash": now.hash},
        "not_looked_for": _not_looked_for(then, now),
        "lanes": {
            lane.value: {
                **{f"{name}_ns": amount for name, amount in asdict(sums_of(spans)).items()},
                "spans": (in_json := [_span_as_json(one) for one in spans]),
                "stretches": in_json,  # the key's old name, beside the new one until version 0.2
            }
            for lane, spans in by_lane.items()
        },
    }


def _span_as_json(one: ReplaySpan) -> dict[str, object]:
    return {
        "from": one.start,
        "to": one.end,
        "judged": one.judged,
        "newly": "open" if one.newly_open else "closed" if one.newly_closed else None,
        "then": [asdict(spoke) for spoke in one.then],
        "with": [asdict(spoke) for spoke in one.now],
        "let_pass_by": [asdict(spoke) for spoke in one.silent],
        "kept_ns": one.kept,
        "things": _names(one.things),
    }


def _print(
    out: Console, scenes: Scenes, then: Policy, now: Policy, by_lane: Mapping[Lane, Sequence[ReplaySpan]]
) -> None:
    head = f"Recording {scenes.recording}, from {scenes.start} on {scenes.host}, {_long(scenes.length)}"
    out.print(printable(head), style="bold", markup=False)
    for word, policy in (("then", then), ("with", now)):
        out.print(f"  {word}  {printable(policy.name)}, revision {policy.revision}", markup=False)
    for lane, spans in by_lane.items():
        out.print()
        _print_lane(out, SPOKEN_LANE[lane].capitalize(), spans, sums_of(spans))
    if missing := _not_looked_for(then, now):
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
    for name in _names(one.things):
        out.print(f"      {name}", markup=False)


def _by(rules: Iterable[Spoke]) -> str:
    return f"closed by {', '.join(map(_rule, rules))}"


def _rule(spoke: Spoke) -> str:
    return printable(f"{spoke.id} ({spoke.where})") if spoke.where else f"{spoke.id} (Eyelid's own)"


def _names(things: Iterable[Window | Page]) -> list[str]:
    """Each once: a window that was moved, or had the focus for a while, is several and called the same."""
    return list(dict.fromkeys(map(_named, things)))


def _named(thing: Window | Page) -> str:
    if isinstance(thing, Page):
        return f"page {_short(thing.urls[0])}" if thing.urls else "a page that did not answer"
    app, title = (f"({said.value})" if isinstance(said, Blind) else said for said in (thing.app, thing.title))
    return f'{_short(app)} "{_short(title)}"' if title else _short(app)


def _short(text: str) -> str:
    """On one line, and without what would move a terminal's cursor."""
    line = printable(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _long(ns: int) -> str:
    tenths = round(ns * 10 / SECOND)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02d} min" if minutes else f"{rest / 10:.1f} s"


def _at(ns: int) -> str:
    """Since the recording's start."""
    tenths = ns * 10 // SECOND
    minutes, rest = divmod(tenths, 600)
    return f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
