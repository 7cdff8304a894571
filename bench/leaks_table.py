"""The figures of bench/leaks for people: a table on a terminal, and the same in Markdown for docs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from bench.leaks_account import Run, rows, total

COLUMNS: Final = ("transition", "times", "leaked", "control", "before, ms", "after, ms")


def _figures(three: dict[str, float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:.0f}" for value in three.values())


def _lines(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    for key, row in rows(runs).items():
        name = key.replace("_", " ").replace("/", ": ")
        if "kept_share" in row:
            kept = f"{row['kept_share']:.1%} kept, of {row['least_share']:.0%} asked"
            yield name, str(row["times"]), "", "", kept, ""
        else:
            figures = (_figures(row["before_ms"]), _figures(row["after_ms"]))
            yield name, str(row["intervals"]), str(row["leaked_frames"]), str(row["control_leaked"]), *figures


def table(runs: Sequence[Run]) -> Table:
    found = total(runs)
    drawn = Table(title="What leaked, and what the proof gave up for it (p50 / p95 / max)", title_style="bold")
    for column in COLUMNS:
        drawn.add_column(column, justify="left" if column == COLUMNS[0] else "right")
    browser = ""
    for line in _lines(runs):
        if browser and line[0].split(":")[0] != browser:
            drawn.add_section()
        browser = line[0].split(":")[0]
        leaks = Text(line[2], style="bold red" if line[2] not in ("", "0") else "green")
        blind = Text(line[3], style="bold red" if line[3] == "0" else "")
        drawn.add_row(line[0], line[1], leaks, blind, line[4], line[5])
    drawn.caption = summary(runs, found)
    return drawn


def summary(runs: Sequence[Run], found: dict[str, Any]) -> str:
    over, cost = found["over_pause_ms"], found["cost_percent"]
    said = (
        f"{found['intervals']} intervals in {len(runs)} {'run' if len(runs) == 1 else 'runs'}: "
        f"{found['leaked_frames']} frames leaked, the control without rules leaked {found['control_leaked']}. "
        f"Over-pause, before and after together: {_figures(over)} ms."
    )
    if found["held_up_ms"]["p50"] is not None:
        said += f" Where the bench stopped a part for 2.5 s or more: {_figures(found['held_up_ms'])} ms."
    afters = [one.after for run in runs for one in run.intervals if one.after is not None]
    if afters:
        said += f" No sooner than {min(afters):.0f} ms after the last of it was seen did the eye keep anything again."
    said += f" Called kept while it was in view, without a frame of it: at most {found['overlap_ms_max']:.0f} ms."
    if cost["static"] is not None:
        said += (
            f" Extension and looks: {cost['static']:.1f} % of a core on a static page, {cost['scrolling']:.1f} % "
            "while scrolling."
        )
    gaps = [run.looks for run in runs if run.looks]
    if gaps:
        said += (
            f" The screen was watched every {max(gap['gap_p50'] for gap in gaps):.1f} ms (median), 99 % within "
            f"{max(gap['gap_p99'] for gap in gaps):.1f} ms; longest gap {max(gap['gap_max'] for gap in gaps):.0f} ms."
        )
    return said


def markdown(runs: Sequence[Run]) -> str:
    lines = [summary(runs, total(runs)), "", f"| {' | '.join(COLUMNS)} |", "|---" + "|--:" * (len(COLUMNS) - 1) + "|"]
    lines += [f"| {' | '.join(line)} |" for line in _lines(runs)]
    return "\n".join(lines)
