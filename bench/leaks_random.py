"""The random plays of bench/leaks: draws cases, has them played some at a time, and shrinks one that leaked.

Each lot is a recording of its own, judged and written down before the next begins: a run that is broken off loses the
lot that it was at, and the next one goes on after the last that was written.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import harness
from bench.leaks_account import Run
from bench.leaks_acts import acted
from bench.leaks_cases import Case, as_text, drawn, parsed, shrink
from bench.leaks_outcomes import PlayOutcome, faults, kept, next_index, outcome_of
from bench.leaks_scene import Transition
from bench.leaks_table import of_plays

LOT: Final = 40  # plays in one recording: some four minutes
TIMES: Final = 3  # that a simpler case is played until it is believed not to leak
QUICK: Final = 8

Say = Callable[[str], None]
Perform = Callable[[Sequence[Transition], Say], Run]
"""Plays, records, opens and compares; raises StageError."""


@dataclass(slots=True)
class Runner:
    """`add`: where each outcome is written as soon as it is known, or None. `faults`: what no single play is to blame
    for, such as a recording that does not verify."""

    perform: Perform
    say: Say
    add: Path | None = None
    outcomes: list[PlayOutcome] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def random(self, seed: int, first: int, plays: int, browser: str | None) -> None:
        """So many cases of that seed, from that index on."""
        self._play([(index, drawn(seed, index, browser)) for index in range(first, first + plays)], seed)

    def given(self, cases: Sequence[Case]) -> None:
        self._play(list(enumerate(cases)), None)

    def shrunk(self, case: Case) -> Iterator[Case]:
        """Simpler and simpler ones that leaked too."""
        return shrink(case, self._leak)

    def _play(self, cases: Sequence[tuple[int, Case]], seed: int | None) -> None:
        for lot in _lots(cases):
            leaked = sum(one.leaked > 0 for one in self.outcomes)
            doing = f"{len(self.outcomes)} of {len(cases)} judged, {leaked} leaked; "
            first = self._played(lot, seed, doing)
            # A busy PC's recorders miss one now and then; what is untried twice counts as that.
            again = [(one.index, one.case) for one in first if not one.tried]
            second = {one.index: one for one in self._played(again, seed, f"{doing}once more: ")} if again else {}
            played = [second.get(one.index, one) for one in first]
            self.outcomes += played
            harness.keep(self.add, map(asdict, played))

    def _leak(self, cases: Sequence[Case]) -> list[bool]:
        plays = list(enumerate(case for case in cases for _ in range(TIMES)))
        found = [
            one.leaked > 0
            for lot in _lots(plays)
            for one in self._played(lot, None, f"shrinking, {len(cases)} simpler ones, {TIMES} times each; ")
        ]
        return [any(found[place * TIMES : (place + 1) * TIMES]) for place in range(len(cases))]

    def _played(self, cases: Sequence[tuple[int, Case]], seed: int | None, doing: str) -> list[PlayOutcome]:
        keys = [f"{case.browser}/case_{index}" for index, case in cases]
        transitions = [acted(f"case_{index}", case) for index, case in cases]
        run = self.perform(transitions, lambda what: self.say(doing + what))
        self.faults += [fault for fault in run.faults if not fault.startswith(tuple(f"{key}:" for key in keys))]
        load = os.getloadavg()[0]
        played = [
            outcome_of(run, key, case, seed=seed, index=index, load=load)
            for key, (index, case) in zip(keys, cases, strict=True)
        ]
        if run.unplaced:  # nothing sensitive was seen in all the lot, and yet it leaked
            played[0] = replace(played[0], leaked=run.unplaced)
        return played


def _lots(plays: Sequence[tuple[int, Case]]) -> Iterator[Sequence[tuple[int, Case]]]:
    for start in range(0, len(plays), LOT):
        yield plays[start : start + LOT]


# -- the command line -----------------------------------------------------------------------------------------------


def cases_in(text: str) -> list[Case]:
    """For argparse: one case as JSON, or a file with one on each line."""
    try:
        lines = [text] if text.lstrip().startswith("{") else Path(text).read_text("utf-8").splitlines()
        return [parsed(line) for line in lines if line.strip()]
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def are_in(path: Path) -> bool:
    """Whether a file that --add wrote holds cases, and no runs of transitions."""
    with path.open(encoding="ascii") as file:
        return '"case"' in file.readline()


def play(arguments: argparse.Namespace, perform: Perform, console: Console) -> int:
    """The exit status of `--random` and `--play`; raises StageError."""
    before = kept(arguments.add) if arguments.add is not None else []
    with console.status("starting") as status:
        runner = Runner(perform, status.update, arguments.add)
        if arguments.play is not None:
            runner.given([case for case in arguments.play for _ in range(arguments.rounds)])
        else:
            first = next_index(before, arguments.random, arguments.browser)
            runner.random(arguments.random, first, QUICK if arguments.quick else arguments.plays, arguments.browser)
    of_plays([*before, *runner.outcomes]).show(as_json=arguments.json)
    ended = harness.tell([*faults(runner.outcomes), *runner.faults], console)
    usual = 1 if arguments.play is None and not arguments.quick else 0
    most = usual if arguments.shrink is None else arguments.shrink
    for one in [one for one in runner.outcomes if one.leaked][:most]:
        with console.status("shrinking") as status:
            runner.say = status.update
            for simpler in runner.shrunk(one.case):
                harness.tell([f"this leaked, too: scripts/bench leaks --play '{as_text(simpler)}'"], console, "bold")
        less = f"none that is simpler than seed {one.seed}, play {one.index} was seen to leak"
        harness.tell([less], console, "bold")
    return ended
