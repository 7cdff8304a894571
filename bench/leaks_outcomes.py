"""What came of the cases that bench/leaks played: written down one a line, so that runs add up, and judged together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from bench import harness
from bench.leaks_account import Interval, Run, over_pauses, percentiles
from bench.leaks_cases import DIMENSIONS, Case, Value, as_text, completed, from_json

UNTRIED: Final = 0.05  # of the plays may be
COUNTED: Final = ("plays", "leaked_plays", "untried")


@dataclass(frozen=True, slots=True)
class PlayOutcome:
    """One case, played once. `seed` and `index`: where it was drawn from; None where it was given.

    `leaked`, `control`: frames that show it in the recording, and in the one without rules. `opened`: the recorder kept
    something before it came. `over_pauses`: ms, as leaks_account.over_pauses. `faults`: what did not come or go.
    `load`: the machine's load average over a minute, at the end.
    """

    seed: int | None
    index: int
    case: Case
    leaked: int
    control: int
    opened: bool
    over_pauses: tuple[float, ...] = ()
    faults: tuple[str, ...] = ()
    setting: str = "plain"
    load: float = 0.0

    @property
    def tried(self) -> bool:
        """Whether it could have leaked, as far as is known: an eye that was closed before it came proves nothing,
        and nothing leaks of what no recorder catches. A frame that leaked needs no other proof."""
        return self.leaked > 0 or (self.control > 0 and self.opened)

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> PlayOutcome:
        lists = {name: tuple(written[name]) for name in ("over_pauses", "faults")}
        return cls(**{**written, **lists, "case": from_json(written["case"])})


def outcome_of(run: Run, key: str, case: Case, *, seed: int | None, index: int, load: float) -> PlayOutcome:
    """What the run says about the transition `key`, which played that case."""
    those: list[Interval] = [one for one in run.intervals if one.key == key]
    return PlayOutcome(
        seed=seed,
        index=index,
        case=case,
        leaked=sum(one.leaked for one in those),
        control=sum(one.control for one in those),
        opened=bool(those) and those[0].before is not None,
        over_pauses=tuple(round(ms, 1) for ms in over_pauses(those)),
        faults=tuple(fault for fault in run.faults if fault.startswith(f"{key}:")),
        setting=run.setting,
        load=load,
    )


def kept(path: Path) -> list[PlayOutcome]:
    """Those in a file. Raises ValueError where it holds something else."""
    lines = harness.runs_in(path) if path.exists() else []
    if any("case" not in line for line in lines):
        raise ValueError(f"{path} has runs of transitions in it, not of cases")
    return [PlayOutcome.from_json(line) for line in lines]


def next_index(outcomes: Iterable[PlayOutcome], seed: int, browser: str | None) -> int:
    """Where a run of that seed goes on: after the last one that was played."""
    those = [one.index for one in outcomes if one.seed == seed and browser in (None, one.case.browser)]
    return max(those, default=-1) + 1


# -- figures --------------------------------------------------------------------------------------------------------


def total(outcomes: Sequence[PlayOutcome]) -> dict[str, Any]:
    """Over-pauses are of plays in which no process was stopped, without load wherever there are any."""
    tried = [one for one in outcomes if one.tried]
    free = [one for one in tried if not one.case.hung]
    idle = [one for one in free if not one.case.load] or free
    over = percentiles([ms for one in idle for ms in one.over_pauses])
    return {
        "plays": len(outcomes),
        "leaked_frames": sum(one.leaked for one in outcomes),
        "leaked_plays": sum(one.leaked > 0 for one in outcomes),
        "control_leaked": sum(one.control for one in outcomes),
        "untried": len(outcomes) - len(tried),
        "over_pause_ms": {name: over[name] for name in ("p50", "p95")},
        "cells": cells(outcomes),
    }


def cells(outcomes: Sequence[PlayOutcome]) -> dict[str, dict[str, dict[str, int]]]:
    """Dimension -> value -> how many plays had it, and what came of them."""
    found = {name: {str(value): dict.fromkeys(COUNTED, 0) for value in among} for name, among in DIMENSIONS.items()}
    for one in outcomes:
        for name, value in asdict(one.case).items():
            for what, counts in zip(COUNTED, (True, one.leaked > 0, not one.tried), strict=True):
                found[name][str(value)][what] += counts
    return found


def pairs_possible() -> set[tuple[str, Value, str, Value]]:
    """Every two values of two dimensions that some case has together."""
    return {
        (one, value, other, another)
        for one, other in combinations(DIMENSIONS, 2)
        for value in DIMENSIONS[one]
        for another in DIMENSIONS[other]
        if completed({one: value, other: another}, DIMENSIONS.__getitem__) is not None
    }


def pairs_played(outcomes: Iterable[PlayOutcome]) -> set[tuple[str, Value, str, Value]]:
    return {
        (one, getattr(outcome.case, one), other, getattr(outcome.case, other))
        for outcome in outcomes
        if outcome.tried
        for one, other in combinations(DIMENSIONS, 2)
    }


def faults(outcomes: Sequence[PlayOutcome]) -> list[str]:
    """Why the bench fails; empty where every case was tried and none leaked."""
    found = [
        f"{_name(one)} leaked {one.leaked} {'frame' if one.leaked == 1 else 'frames'}: "
        f"scripts/bench leaks --play '{as_text(one.case)}'"
        for one in outcomes
        if one.leaked
    ]
    untried = [one for one in outcomes if not one.tried]
    if len(untried) > UNTRIED * len(outcomes):
        found += [f"{_name(one)} was not tried: {_why(one)}: --play '{as_text(one.case)}'" for one in untried]
        found.append(f"{len(untried)} of {len(outcomes)} plays were not tried, at most {UNTRIED:.0%} may be")
    if not outcomes:
        found.append("no play at all: nothing was tried")
    return found


def _name(one: PlayOutcome) -> str:
    return f"play {one.index}" if one.seed is None else f"seed {one.seed}, play {one.index}"


def _why(one: PlayOutcome) -> str:
    if one.faults:
        return "; ".join(one.faults)
    return "the eye was closed before it came" if one.control else "the control shows nothing of it"
