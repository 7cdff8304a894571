"""A recording over time as one bar, and what closed it as a table: for an auditor's first look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from store.account import Blind, Closed, Held, Kept, Missing, Part, by_reason, by_rule, totals
from store.evidence import Evidence
from store.show import clean, print_table, seconds, when
from store.timeline.recording import rule_name, state

# Signs as well as colours: a bar in a file or for a colour-blind eye says the same.
_SIGNS: Final = {
    "kept": ("█", "green", "kept"),
    "closed": ("▓", "red", "closed by a rule"),
    "closed_margin": ("░", "red", "given up beside a closing"),
    "held": ("=", "yellow", "held"),
    "blind": ("?", "magenta", "blind"),
    "missing": ("!", "bold white on red", "missing"),
}
# For people; whatever else a ledger gives as a reason is shown as it is.
_REASONS: Final = {
    "blind": "nothing could be seen",
    "unproven": "not proven in time",
    "died": "the recorder was not running",
    "lost": "chunks were not received",
    "not-here-yet": "it is on its way",
    "no-ledger": "the ledger has not told of it",
}


def _kind(part: Part) -> str:
    name = {Kept: "kept", Closed: "closed", Held: "held", Blind: "blind", Missing: "missing"}[type(part.cause)]
    return "closed_margin" if part.margin and name == "closed" else name


def bar(parts: Sequence[Part], width: int) -> Text:
    """`width` cells, each showing what most of its time was; what is missing shows however short it is."""
    text = Text()
    length = parts[-1].end if parts else 0
    if not length:
        return text
    place = 0
    for cell in range(width):
        start, end = cell * length // width, (cell + 1) * length // width
        amounts: dict[str, int] = {}
        while place < len(parts) and parts[place].end <= start:
            place += 1
        for part in parts[place:]:
            if part.start >= end:
                break
            kind = _kind(part)
            amounts[kind] = amounts.get(kind, 0) + min(part.end, end) - max(part.start, start)
        if amounts:
            sign, style, _ = _SIGNS["missing" if "missing" in amounts else max(amounts, key=lambda kind: amounts[kind])]
            text.append(sign, style)
    return text


def show(console: Console, evidence: Evidence) -> None:
    recording, parts = evidence.recording, evidence.parts
    console.print(f"[bold]{recording.id}[/bold]  {when(recording.start)}  {state(evidence)}", soft_wrap=True)
    console.print(
        Text(clean(f"{recording.host}, {recording.os_user}, device {recording.device}"), "dim"), soft_wrap=True
    )
    width = min(console.width, 100)
    console.print(bar(parts, width))
    whole = seconds(evidence.length)
    console.print("0" + whole.rjust(width - 1), style="dim")
    sums = totals(parts)
    told = Text()
    for kind, (sign, style, words) in _SIGNS.items():
        amount: int = getattr(sums, kind)
        if amount:
            told.append(f"{sign} ", style).append(f"{words} {seconds(amount)}   ")
    console.print(told, soft_wrap=True)
    rows = [
        (name.id, seconds(time.closed), seconds(time.margin), str(time.times), name.why)
        for time in by_rule(parts)
        for name in (rule_name(evidence, time.policy, time.rule),)
    ]
    if rows:
        console.print()
        print_table(["closed by", "for", "beside it", "times", "why"], rows, numbers=(1, 2, 3))
    others = [
        (f"{kind}: {_REASONS.get(why, why)}", seconds(amount))
        for kind, reasons in by_reason(parts).items()
        for why, amount in reasons.items()
    ]
    if others:
        console.print()
        print_table(["not kept because", "for"], others, numbers=(1,))
