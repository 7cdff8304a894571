"""The benches' tables: the same lines for a terminal and, in Markdown, for docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

Lines = Iterable[Sequence[str]]


def drawn(title: str, columns: Sequence[str], lines: Lines, *, words: int = 1, styles: Iterable[str] = ()) -> Table:
    """`words`: so many columns stand left, the others are figures. `styles`: of each line, where they differ."""
    table = Table(title=title, title_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < words else "right", no_wrap=place == 0)
    rest = iter(styles)
    for line in lines:
        table.add_row(*line, style=next(rest, ""))
    return table


def facts(title: str, found: Mapping[str, object]) -> Table:
    """Each with its name, where all that was measured is a figure or two."""
    return drawn(title, ("what", "figure"), ((name, str(value)) for name, value in found.items()))


def markdown(columns: Sequence[str], lines: Lines, *, words: int = 1) -> str:
    sides = ["---"] * words + ["--:"] * (len(columns) - words)
    return "\n".join([_row(columns), "|" + "|".join(sides) + "|", *map(_row, lines)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
