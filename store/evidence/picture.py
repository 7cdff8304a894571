"""Time as bars, for an auditor's first look: a recording as one, and a device's days as one each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from protocol.terminal import printable
from store.catalog.queries import Device
from store.clock import MINUTE, seconds
from store.evidence.account import BlindCause, Closed, Held, Kept, Missing, Part, by_reason, by_rule, totals
from store.evidence.evidence import Evidence
from store.evidence.isolation import Unreadable
from store.evidence.rules import REASONS, hold_words
from store.evidence.show import fits, percent, print_table, shortened, size, table, when
from store.evidence.timeline.days import CELLS, Day
from store.evidence.timeline.device_timeline import What
from store.evidence.timeline.gaps import MOST_LISTED, DeviceGaps
from store.evidence.timeline.padding import padding_in
from store.evidence.timeline.recording import rule_name, state

# Signs as well as colours: a bar in a file or for a colour-blind eye says the same.
_SIGNS: Final = {
    "kept": ("█", "green", "kept"),
    "closed": ("▓", "red", "closed by a rule"),
    "closed_margin": ("░", "red", "given up beside a closing"),
    "held": ("=", "yellow", "held"),
    "blind": ("?", "magenta", "blind"),
    "missing": ("!", "bold white on red", "missing"),
}
HOURS: Final = 24  # cells of a day where the terminal has no room for half hours

# Of a day: the same signs where they mean the same.
_DAY_SIGNS: Final = {
    What.KEPT: ("█", "green", "kept"),
    What.CLOSED: ("▓", "red", "closed by a rule"),
    What.UNSEEN: ("x", "magenta", "closed, because something could not be looked into"),
    What.HELD: ("=", "yellow", "held"),
    What.BLIND: ("?", "magenta", "blind"),
    What.UNPROVEN: ("░", "green", "open, and not kept: not proven in time, or not here yet"),
    What.OFF: ("·", "dim", "off"),
    What.UNEXPLAINED: ("!", "bold white on red", "no entry explains it"),
}
_STATES: Final = {
    "heard": ("", "heard"),
    "off": ("dim", "off"),
    "revoked": ("dim", "revoked"),
    "never": ("yellow", "enrolled, and never heard of"),
    "silent": ("bold red", "SILENT"),
}
ENDS: Final = {"microphone": "microphone", "far-end": "far end"}
MOST_LINES: Final = 50  # of what is not here; one PC may tell of a hundred thousand recordings that never come
_LOST: Final = "bold red"
BLIND_ALL_DAY: Final = 0.5  # of the time watched: from here on a day is marked


def _kind(part: Part) -> str:
    name = {Kept: "kept", Closed: "closed", Held: "held", BlindCause: "blind", Missing: "missing"}[type(part.cause)]
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
    who = Text(f"{shortened(evidence.host)}, {shortened(evidence.os_user)}, device {recording.device}", "dim")
    if evidence.other_name is not None:
        who.append(f"; its key packet says {', '.join(map(shortened, evidence.other_name))}", "yellow")
    console.print(who, soft_wrap=True)
    if evidence.erased is not None:
        console.print(Text(printable(str(evidence.erased))), soft_wrap=True)
    width = min(console.width, 100)
    console.print(bar(parts, width))
    whole = seconds(evidence.length)
    console.print("0" + whole.rjust(width - 1), style="dim")
    sums = totals(parts)
    line = Text()
    for kind, (sign, style, words) in _SIGNS.items():
        amount: int = getattr(sums, kind)
        if amount:
            line.append(f"{sign} ", style).append(f"{words} {seconds(amount)}   ")
    console.print(line, soft_wrap=True)
    for end, amount in padding_in(evidence).items():
        words = f"sound: {seconds(amount)} of what is kept is silence that was put in for the {ENDS.get(end, end)}"
        console.print(Text(printable(words)), soft_wrap=True)
    rows = [
        (name.id, seconds(time.closed), seconds(time.margin), str(time.times), name.why)
        for time in by_rule(parts)
        for name in (rule_name(evidence, time.policy, time.rule),)
    ]
    if rows:
        console.print()
        print_table(["closed by", "for", "beside it", "times", "why"], rows, numbers=(1, 2, 3))
    sums_by = by_reason(parts) | {"held": _held(evidence, parts)}
    others = [
        (f"{kind}: {REASONS.get(why, why)}", seconds(amount))
        for kind, reasons in sums_by.items()
        for why, amount in reasons.items()
    ]
    if others:
        console.print()
        print_table(["not kept because", "for"], others, numbers=(1,))


def _held(evidence: Evidence, parts: Sequence[Part]) -> dict[str, int]:
    """ns by hold, the person's by its reason."""
    sums: dict[str, int] = {}
    for part in parts:
        if not isinstance(part.cause, Held):
            continue
        for hold in part.cause.holds:
            words = hold_words(hold, part.cause, evidence.names_of)
            sums[words] = sums.get(words, 0) + part.end - part.start
    return sums


# -- a device's days ----------------------------------------------------------------------------------------------


def day_bar(day: Day, cells: int = CELLS) -> Text:
    """A cell for each half hour, or for more: what most of it was; what no entry explains shows however short it is."""
    text = Text()
    joined = [_together(day.cells[at : at + CELLS // cells]) for at in range(0, CELLS, CELLS // cells)]
    for cell in joined:
        what = What.UNEXPLAINED if What.UNEXPLAINED in cell else max(cell, key=lambda one: cell[one], default=None)
        sign, style, _ = _DAY_SIGNS[what] if what else (" ", "", "")
        text.append(sign, style)
    return text


def _together(cells: Sequence[Mapping[What, int]]) -> dict[What, int]:
    return {what: sum(cell.get(what, 0) for cell in cells) for cell in cells for what in cell}


def show_device(console: Console, device: DeviceGaps) -> None:
    """Its state in a line, a bar for each of its days, then one line for each thing that is not here."""
    style, words = _STATES[device.state]
    line = Text(f"{shortened(device.device.host)}  ", "bold").append(device.device.id, "not bold").append("  ")
    line.append(words, style)
    if device.state != "never":
        line.append(f", last sign of life {when(device.heard)}")
    if device.held:
        line.append(printable(f", held: {', '.join(device.held)}"))
    if device.pending_chunks:
        line.append(f", {device.pending_chunks} chunks ({size(device.pending_bytes)}) waiting there", "yellow")
    if device.pending_entries:
        line.append(f", {device.pending_entries} ledger entries waiting there", "red" if device.late else "yellow")
    if abs(device.clock_off) > MINUTE:
        ahead = "ahead" if device.clock_off > 0 else "behind"
        line.append(f", its clock is {seconds(abs(device.clock_off))} {ahead}", "yellow")
    console.print(line, soft_wrap=True)
    if device.days:
        made = _days(device, CELLS)
        console.print(made if fits(console, made) else _days(device, HOURS))
    lines = sorted(_not_here(device), key=lambda line: not line.style)  # what is lost before what is on its way
    for line in lines[:MOST_LINES]:
        console.print(line, soft_wrap=True)
    if len(lines) > MOST_LINES:
        rest = f"--json has {MOST_LISTED} of a kind" if device.more else "--json has all"
        console.print(f"! and {len(lines) - MOST_LINES} more of these: {rest}", style=_LOST)
    console.print()


def _not_here(device: DeviceGaps) -> Iterator[Text]:
    for part in device.unexplained:
        why = ", ".join(REASONS.get(reason, reason) for reason in part.why)
        yield Text(f"! {when(part.start)} for {seconds(part.end - part.start)}: {printable(why)}", _LOST)
    for one in device.contradicted:
        what = f"ledger entry {one.sequence}"
        if one.recording is not None:
            what = f"recording {one.recording}, stream {one.stream}, sequence {one.sequence}"
        text = f"! {what}: not what the PC's health had named (wrong-head; settle it: eyelid-store alarms)"
        yield Text(text, _LOST)
    for gone in device.erased:
        yield Text(printable(f"- recording {gone.recording}: {gone}"))
    for short in device.recordings:
        if short.start is None:
            text = f"! recording {short.recording}: the PC reported it, and nothing of it has come ({short.why})"
            yield Text(text, _LOST if short.lost else "")
        for hole in short.holes:
            numbers = f"sequence {hole.first}" if hole.first == hole.last else f"sequences {hole.first} to {hole.last}"
            text = f"! recording {short.recording}, stream {hole.stream}, {numbers} ({hole.why})"
            yield Text(text, _LOST if hole.why == "lost" else "")
        if short.more:
            yield Text(f"! recording {short.recording}: it has more chunks, entries or gaps than are read", _LOST)


def show_unreadable(console: Console, device: Device, why: Unreadable) -> None:
    line = Text(f"{shortened(device.host)}  ", "bold").append(device.id, "not bold").append(f"  {why}\n", "bold red")
    console.print(line, soft_wrap=True)


def _days(device: DeviceGaps, cells: int) -> Table:
    hours = "".join(f"{hour:<{cells // 8}}" for hour in range(0, 24, 3)).rstrip()
    headings = ("day", hours, "kept", "held", "blind", "mostly")
    return table(headings, [_day_row(day, cells) for day in device.days], numbers=(2, 3, 4))


def _day_row(day: Day, cells: int) -> tuple[str | Text, ...]:
    blind = Text(percent(day.blind_share), "bold red" if day.blind_share >= BLIND_ALL_DAY else "")
    mostly = max(day.why, key=lambda reason: day.why[reason], default="")
    kept, held = percent(day.share(What.KEPT)), percent(day.share(What.HELD))
    return (str(day.date), day_bar(day, cells), kept, held, blind, REASONS.get(mostly, mostly))


def legend() -> Text:
    """What the signs of the day bars mean."""
    text = Text()
    for sign, style, words in _DAY_SIGNS.values():
        text.append(sign, style).append(f" {words}   ")
    return text
