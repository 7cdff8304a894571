"""How the list of PCs looks on a terminal: the broken ones first, and an id whole, so that it can be copied.

One line a PC where there is room for it. Where there is none: in one line what one looks for first, and below it what
to do, which alarms, and the id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from protocol.terminal import printable
from store.evidence.show import ANY, ago, fits, percent, shortened, size, table, when
from store.evidence.timeline.device_status import DeviceStatus, Level

STYLES: Final = {Level.BROKEN: "bold red", Level.LOOK: "yellow", Level.FINE: "green", Level.AWAY: "dim"}
_WORDS: Final = {Level.BROKEN: "broken", Level.LOOK: "to look at", Level.FINE: "fine", Level.AWAY: "off or shut out"}
_WIDE: Final = (
    "host", "user", "device", "group", "state", "version", "last heard", "last receipt", "blind", "alarms", "waiting",
    "next step",
)  # fmt: skip
_NARROW: Final = ("host", "state", "blind", "last receipt", "alarms")
_BETWEEN: Final = 2  # blanks between two columns
_HOST: Final = 30  # columns; where states need the room, a longer name goes on in the next line
_STATE: Final = 18  # columns that a state has at least
_INDENT: Final = 4


def print_devices(
    out: Console, listed: Sequence[DeviceStatus], now: int, *, wide: bool = False, gone: bool = False
) -> None:
    """`now`: ns since 1970. `wide`: one line a PC whatever the terminal's width is; it may then break it. `gone`: also
    those that left or were enrolled anew."""
    shown = [one for one in listed if gone or not one.gone]
    if hidden := len(listed) - len(shown):
        out.print(
            f"{hidden} left or {'was' if hidden == 1 else 'were'} enrolled anew: --all lists them.\n", soft_wrap=True
        )
    if not shown:
        return
    ordered = sorted(shown, key=lambda one: (one.level, one.device.host, one.device.id))
    whole = table(_WIDE, [_row(one) for one in ordered], numbers=(8, 10))
    if wide:
        out.width = max(out.width, ANY)  # a longer line is the terminal's to break
    if fits(out, whole):
        out.print(whole)
    else:
        for line in _lines(ordered, now, out.width):
            out.print(line, soft_wrap=True)
    _sum_up(out, ordered)


def _row(one: DeviceStatus) -> list[str | Text]:
    return [
        shortened(one.device.host),
        shortened(one.device.user) or "-",
        one.device.id,
        one.device.group or "-",
        _state(one),
        one.version,
        when(one.heard),
        when(one.receipt),
        percent(one.blind_share),
        ", ".join(codes_of(one)) or "-",
        size(one.pending_bytes) if one.pending_chunks else "-",
        one.next_step,
    ]


def _state(one: DeviceStatus) -> Text:
    more = f" (and {len(one.others)} more)" if one.others else ""
    return Text(printable(one.words + more), STYLES[one.level])


def codes_of(one: DeviceStatus) -> list[str]:
    """Of all alarms, the store's open ones and those that the PC has told in the last day."""
    return list(dict.fromkeys((*one.alarms, *one.reported)))


# -- where there is little room -----------------------------------------------------------------------------------


def _lines(listed: Sequence[DeviceStatus], now: int, width: int) -> Iterator[Text]:
    cells = [(ago(one.receipt, now), percent(one.blind_share), str(len(codes_of(one)) or "-")) for one in listed]
    receipt, blind, alarms = (
        max(len(heading), *(len(cell[place]) for cell in cells))
        for place, heading in enumerate(("last receipt", "blind", "alarms"))
    )
    room = width - receipt - blind - alarms - 4 * _BETWEEN
    name = max(cell_len(shortened(one.device.host)) for one in listed)
    state = max(_state(one).cell_len for one in listed)
    host = max(len("host"), min(name, max(room - state, min(_HOST, room - _STATE))))
    widths = (host, max(len("state"), min(state, room - host)), blind, receipt, alarms)
    yield _columns([Text(heading, "bold") for heading in _NARROW], widths)
    for one, (received, share, count) in zip(listed, cells, strict=True):
        names = _split(Text(shortened(one.device.host)), widths[0])
        states = _split(_state(one), widths[1])
        for number in range(max(len(names), len(states))):
            first = number == 0
            beside = [Text(cell if first else "") for cell in (share, received, count)]
            yield _columns([_at(names, number), _at(states, number), *beside], widths)
        for line in _below(one):
            yield from (Text(" " * _INDENT) + part for part in _split(line, max(20, width - _INDENT)))


def _below(one: DeviceStatus) -> Iterator[Text]:
    if one.next_step and one.level <= Level.LOOK:
        yield Text.assemble(("→ ", "cyan"), (one.next_step, "cyan"))
    if one.others:
        yield Text(printable(f"also: {', '.join(one.others)}"))
    if codes := codes_of(one):
        yield Text(printable(f"alarms: {', '.join(codes)}"))
    waiting = f"{size(one.pending_bytes)} waiting there" if one.pending_chunks else ""
    facts = (one.device.id, shortened(one.device.user), one.version, one.device.group, waiting)
    yield Text("  ".join(printable(fact) for fact in facts if fact), "dim")


def _columns(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    """The first two stand to the left, figures to the right."""
    line = Text()
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        blanks = " " * max(0, width - cell.cell_len)
        line.append(" " * _BETWEEN if place else "")
        line.append_text(Text.assemble(blanks, cell) if place > 1 else Text.assemble(cell, blanks))
    line.rstrip()
    return line


def _split(text: Text, width: int) -> list[Text]:
    """In lines of that width, between words where it can be."""
    lines = list(text.wrap(Console(width=width), width))
    for line in lines:
        line.rstrip()
    return lines


def _at(lines: Sequence[Text], number: int) -> Text:
    return lines[number] if number < len(lines) else Text()


def _sum_up(out: Console, listed: Sequence[DeviceStatus]) -> None:
    counted = Counter(one.level for one in listed)
    pcs = len({one.device.host for one in listed})
    of = f"{len(listed)} users of {pcs}" if pcs < len(listed) else str(pcs)
    counts = ", ".join(f"{counted[level]} {word}" for level, word in _WORDS.items() if counted[level])
    out.print(f"\n{of} PC{'s' if pcs > 1 else ''}: {counts}. Blind: share of the time watched in the last day.")
