"""Facts on a terminal: tables and times for people, JSON for programs, nothing that a device could make dance."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from protocol.numbers import is_integer
from protocol.terminal import printable
from store.clock import SECOND
from store.errors import DAMAGED

BELOW: Final = "    "  # before what goes on lines of its own
ANY: Final = 10_000  # columns; wider is no list
_LONGEST: Final = 64  # characters of a name in a list; a host has as many


def console(*, stderr: bool = False) -> Console:
    """As wide as it needs to be where it is no terminal: a table in a file must not be cut to a terminal's width."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 1000)


@contextmanager
def progress(words: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where a person is looking; call what it gives with how many more are done."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    out = console(stderr=True)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as shown:
        task = shown.add_task(words, total=total)
        yield lambda done: shown.advance(task, done)


def as_json(facts: Any, indent: int | None = None) -> str:
    """What JSON has no word for was no value of ours: null."""
    return json.dumps(facts, ensure_ascii=False, indent=indent, default=lambda _: None)


def print_json(facts: Any) -> None:
    sys.stdout.write(as_json(facts, indent=1) + "\n")


def when(ns: object) -> str:
    """Local time to the second; "-" for never. `ns`: a cell of the catalog, in which SQLite keeps anything."""
    if ns is None:
        return "-"
    if not is_integer(ns):
        return DAMAGED
    try:
        return datetime.fromtimestamp(ns / SECOND, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "in no calendar"


def ago(at: object, now: int) -> str:
    """How long before `now`, both ns, in the one unit that says it best; "-" for never."""
    if at is None:
        return "-"
    if not is_integer(at):
        return DAMAGED
    passed = max(0, now - at) // SECOND
    for unit, long in (("days", 86_400), ("h", 3600), ("min", 60)):
        if passed >= 1.5 * long:
            return f"{round(passed / long)} {unit} ago"
    return f"{passed} s ago"


def iso(ns: object) -> str | None:
    """RFC 3339 in UTC, for JSON; None also for a time that no calendar has."""
    try:
        return (
            None if not is_integer(ns) else datetime.fromtimestamp(ns / SECOND, UTC).isoformat(timespec="milliseconds")
        )
    except (OverflowError, ValueError, OSError):
        return None


def shortened(name: object) -> str:
    """What a PC calls itself or its user, for a line of a list: a name may have hundreds of characters."""
    whole = DAMAGED if not isinstance(name, str) else name
    return printable(whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 1]}…")


def size(count: int) -> str:
    """Bytes in the units of disks: 1 MB is 10^6."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def percent(share: float) -> str:
    """Nothing that is there is called 0 %, and nothing incomplete 100 %."""
    return "-" if not share else "<1 %" if share < 0.01 else f"{int(share * 100)} %"


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, numbers: Iterable[int] = ()) -> Table:
    """`numbers`: which columns stand to the right. Nothing is cut off: what does not fit goes on in the next line."""
    right = set(numbers)
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, heading in enumerate(headings):
        made.add_column(heading, justify="right" if place in right else "left", no_wrap=place == 0, overflow="fold")
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def fits(out: Console, made: Table) -> bool:
    """Whether no line of it has to be broken."""
    return out.measure(made, options=out.options.update(width=ANY)).maximum <= out.width


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    numbers: Iterable[int] = (),
    below: Sequence[int] = (),
    out: Console | None = None,
) -> None:
    """As `table` makes it. `below`: columns that go on lines of their own, under their row, where the terminal is too
    narrow for all: so that an id stays in one piece. `out`: by default stdout."""
    out, rows, right = out or console(), list(rows), set(numbers)
    made = table(headings, rows, numbers=right)
    if not below or fits(out, made):
        out.print(made)
        return
    beside = [place for place in range(len(headings)) if place not in below]
    cells = [[_cell(row[place]) for place in range(len(headings))] for row in rows]
    widths = {place: max([len(headings[place]), *(row[place].cell_len for row in cells)]) for place in beside}
    for number, row in enumerate([[Text(heading, "bold") for heading in headings], *cells]):
        line = Text("  ").join(_padded(row[place], widths[place], right=place in right) for place in beside)
        line.rstrip()
        out.print(line, soft_wrap=True)
        for place in below if number else ():
            if row[place].plain not in {"", "-"}:
                said = Text.assemble((f"{headings[place]} ".lstrip(), "dim"), row[place])
                longest = max(map(len, said.plain.split()))  # breaks come between words only
                for part in said.wrap(out, max(out.width - len(BELOW), longest)):
                    out.print(Text.assemble(BELOW, part), soft_wrap=True)


def _cell(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(printable(cell))


def _padded(cell: Text, width: int, *, right: bool) -> Text:
    blanks = " " * (width - cell.cell_len)
    return Text.assemble(blanks, cell) if right else Text.assemble(cell, blanks)
