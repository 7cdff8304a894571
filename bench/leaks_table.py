"""The figures of bench/leaks for people: a table on a terminal, and the same in Markdown for docs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from bench import leaks_account, leaks_outcomes, tables
from bench.leaks_account import Run
from bench.leaks_outcomes import PlayOutcome


@dataclass(frozen=True, slots=True)
class Figures:
    """`total`: as one object. `words`: so many columns are no figures; the one after the first figure is of leaks."""

    title: str
    total: dict[str, Any]
    summary: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    words: int = 1

    def show(self, *, as_json: bool) -> None:
        if as_json:
            print(json.dumps(self.total), flush=True)
            return
        styles = ["bold red" if line[self.words + 1] not in ("", "0") else "" for line in self.lines]
        drawn = tables.drawn(self.title, self.columns, self.lines, words=self.words, styles=styles)
        drawn.caption = self.summary
        Console().print(drawn)

    def markdown(self) -> str:
        return f"{self.summary}\n\n{tables.markdown(self.columns, self.lines, words=self.words)}"


def of_runs(runs: Sequence[Run]) -> Figures:
    found = leaks_account.total(runs)
    lines: list[tuple[str, ...]] = []
    for key, row in found["transitions"].items():
        if "kept_share" in row:
            kept = f"{row['kept_share']:.1%} kept, of {row['least_share']:.0%} asked"
            figures: tuple[str, ...] = (str(row["times"]), "", "", kept, "")
        else:
            counts = (str(row[what]) for what in ("intervals", "leaked_frames", "control_leaked"))
            figures = (*counts, _three(row["before_ms"]), _three(row["after_ms"]))
        lines.append((key.replace("_", " ").replace("/", ": "), *figures))
    title = "What leaked, and what the proof gave up for it (p50 / p95 / max)"
    columns = ("transition", "times", "leaked", "control", "before, ms", "after, ms")
    return Figures(title, found, _said_of_runs(runs, found), columns, lines)


def _three(figures: dict[str, float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:.0f}" for value in figures.values())


def _said_of_runs(runs: Sequence[Run], found: dict[str, Any]) -> str:
    cost = found["cost_percent"]
    said = (
        f"{found['intervals']} intervals in {len(runs)} {'run' if len(runs) == 1 else 'runs'}: "
        f"{found['leaked_frames']} frames leaked, the control without rules leaked {found['control_leaked']}. "
        f"Over-pause, before and after together: {_three(found['over_pause_ms'])} ms."
    )
    if found["held_up_ms"]["p50"] is not None:
        said += f" Where the bench stopped a part for 2.5 s or more: {_three(found['held_up_ms'])} ms."
    if afters := [one.after for run in runs for one in run.intervals if one.after is not None]:
        said += f" No sooner than {min(afters):.0f} ms after the last of it was seen did the eye keep anything again."
    said += f" Called kept while it was in view, without a frame of it: at most {found['overlap_ms_max']:.0f} ms."
    if cost["static"] is not None:
        said += (
            f" Extension and looks: {cost['static']:.1f} % of a core on a static page, {cost['scrolling']:.1f} % "
            "while scrolling."
        )
    if gaps := [run.looks for run in runs if run.looks]:
        p50, p99, most = (max(gap[what] for gap in gaps) for what in ("gap_p50", "gap_p99", "gap_max"))
        said += (
            f" The screen was watched every {p50:.1f} ms (median), 99 % within {p99:.1f} ms; longest gap {most:.0f} ms."
        )
    return said


def of_plays(outcomes: Sequence[PlayOutcome]) -> Figures:
    found = leaks_outcomes.total(outcomes)
    possible = leaks_outcomes.pairs_possible()
    said = (
        f"{found['plays']} plays, {found['untried']} of them untried: {found['leaked_frames']} frames leaked in "
        f"{found['leaked_plays']} plays, the control without rules leaked {found['control_leaked']}. Over-pause, "
        f"before and after together: {_three(found['over_pause_ms'])} ms. Of {len(possible)} pairs of values that go "
        f"together {len(possible & leaks_outcomes.pairs_played(outcomes))} were tried."
    )
    lines = [
        (name, value.replace("_", " "), *(str(row[what]) for what in ("plays", "leaked_plays", "untried")))
        for name, values in found["cells"].items()
        for value, row in values.items()
    ]
    columns = ("dimension", "value", "plays", "leaked", "untried")
    return Figures("What leaked, by what was played", found, said, columns, lines, words=2)
