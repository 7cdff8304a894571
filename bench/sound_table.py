"""The runs of bench/sound as tables: in a terminal, and as Markdown for docs/sound.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table

from bench import sound_account as account
from bench.sound_account import Run
from bench.tables import drawn

COLUMNS: Final = (
    "server",
    "runs",
    "spans",
    "with devices",
    "untried",
    "leaked, ms",
    "control, ms",
    "over-pause, ms",
    "offset, ms",
    "minutes",
)
RECOVERY: Final = ("after", "times", "median, s", "worst, s")


def table(runs: Sequence[Run]) -> Table:
    """A column for each server: ten figures beside each other are more than a terminal has room for."""
    servers, *figures = zip(*_lines(runs), strict=True)
    lines = [(name, *told) for name, told in zip(COLUMNS[1:], figures, strict=True)]
    return drawn("What was kept of what was said while a sensitive window was in view", ("", *servers), lines)


def _lines(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    for server in sorted({run.server for run in runs}):
        mine = [run for run in runs if run.server == server]
        found = account.total(mine)
        over, off = found["over_pause_ms"], found["offset_ms"]
        yield (
            server,
            str(len(mine)),
            str(found["spans"]),
            str(sum(bool(span.case) and not span.untried for run in mine for span in run.spans)),
            str(found["untried"]),
            f"{found['leaked_ms']:.0f}",
            f"{found['control_leaked_ms']:.0f}",
            f"{over['p50']} / {over['p95']}",
            f"{off['p50']} / {off['p95']} / {found['offset_ms_max']}",
            f"{max(run.minutes for run in mine):.0f}",
        )


def markdown(runs: Sequence[Run]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" + "|--:" * (len(COLUMNS) - 1) + "|"]
    lines += [f"| {' | '.join(line)} |" for line in _lines(runs)]
    lines += ["", f"| {' | '.join(RECOVERY)} |", "|---" + "|--:" * (len(RECOVERY) - 1) + "|"]
    for server in sorted({run.server for run in runs}):
        for case, took in account.total([run for run in runs if run.server == server])["recoveries"].items():
            lines.append(f"| {server}: {case} | {took['times']} | {took['median_s']} | {took['worst_s']} |")
    for server in sorted({run.server for run in runs}):
        found = account.total([run for run in runs if run.server == server])
        cost = f"{found['cpu_s_per_min']} CPU-s a minute and {found['memory_mb']} MB more than a recorder without sound"
        lines += ["", f"{server}: {cost}; {found['mb_per_h']} MB an hour."]
    return "\n".join(lines)
