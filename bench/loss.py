"""Whether anything sealed is ever lost, doubled or unexplained: real recorder, real store, every fault between them.

    scripts/bench loss [--quick] [--json] [--rounds N] [--only CASE,...] [--chunk SECONDS] [--add FILE] [--dir D]
    scripts/bench loss --table FILE

A recorder records a display on which something moves; each case breaks something, mends it, and compares what the
recorder's spool had promised with what the store can give back. `--add` keeps a run in FILE; runs there add up.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Final

from rich.console import Group
from rich.text import Text

from bench import harness, loss_clock, loss_disks, loss_flips, loss_kills, loss_network, tables
from bench.harness import Said, Say
from bench.loss_account import COLUMNS, WORDS, LossCounts, added_up, lines, total, wrong
from bench.loss_world import Case, Ground, World, everyday
from testkit import fleet
from testkit.disks import CannotMount
from testkit.interrupts import in_order
from testkit.stage import Stage, StageError, own_display

# Each family of cases is a module with its CASES; they are played in this order.
CASES: Final[tuple[Case, ...]] = (
    *loss_flips.CASES,
    *loss_kills.CASES,
    *loss_disks.CASES,
    *loss_network.CASES,
    *loss_clock.CASES,
)

SIZE: Final = (1280, 720)  # of the display, pixels


@contextmanager
def moving_screen(folder: Path) -> Iterator[Stage]:
    """A display on which somebody types without end, and nothing is sensitive."""
    with own_display(folder, SIZE) as stage, stage.program("notes", (60, 60)):
        yield stage


class Theatre:
    """Worlds for the cases of one run: those that want nothing special share one, until another needs the machine or
    something was left behind in it. Two recorders at once would only be slower."""

    def __init__(self, stage: Stage, folder: Path, chunk: float) -> None:
        self._stage, self._folder, self._chunk = stage, folder, chunk
        self._made = ExitStack()
        self._shared: World | None = None
        self._model = cache(lambda: fleet.found(self._place("model")))  # once a run: its keys take seconds

    def world_of(self, case: Case) -> World:
        """Open until another is asked for, or `close`."""
        if self._shared is not None and case.world is everyday:
            return self._shared
        self.close()
        made = self._made.enter_context(
            case.world(Ground(self._stage, self._place(case.name), self._chunk, self._model))
        )
        self._shared = made if case.world is everyday else None
        return made

    def close(self) -> None:
        self._made.close()
        self._shared = None

    def _place(self, name: str) -> Path:
        (self._folder / name).mkdir(exist_ok=True)
        return self._folder / name


def play(case: Case, rounds: int, theatre: Theatre, chunk: float, say: Say) -> LossCounts:
    """One case to its end, or to the first thing that did not happen as it should."""
    counts = LossCounts(case=case.name, title=case.title, chunk=chunk, skipped=case.needs())
    if counts.skipped:
        return counts
    try:
        for one in case.run(theatre.world_of(case), rounds):
            counts.add(one)
            said = f"{case.name}: round {counts.rounds} of {rounds}, {counts.acknowledged} chunks acknowledged"
            say(f"{said}, {counts.lost} lost" + "".join(f"\n    {fault}" for fault in one.faults))
        if case.world is not everyday:
            theatre.close()
        counts.finished = True
    except StageError as failure:
        # Whether root may mount only mounting tells. Once it could, it is a fault.
        if isinstance(failure, CannotMount) and not counts.rounds:
            counts.skipped = str(failure)
        else:
            counts.faults.append(str(failure))
        theatre.close()  # what it left behind is unknown
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.table is not None:
        sums = _runs(asked.table)
        print(tables.markdown(COLUMNS, lines(sums), words=WORDS))
        for fault in (fault for counts in sums for fault in wrong(counts)):
            print(f"\nWRONG: {fault}")
        return 0
    return harness.play_alone(partial(_play_all, asked), asked, asked.dir)


def _play_all(asked: argparse.Namespace, folder: Path, say: Say) -> Said:
    played: list[LossCounts] = []
    chosen = [case for case in CASES if not asked.only or case.name in asked.only]
    with moving_screen(folder / "display") as stage, closing(Theatre(stage, folder, asked.chunk)) as theatre:
        for case in chosen:
            # --quick has no time for some.
            if rounds := asked.rounds or (case.quick_rounds if asked.quick else case.rounds):
                played.append(play(case, rounds, theatre, asked.chunk, say))
                harness.keep(asked.add, [asdict(played[-1])])
    shown = table(played if asked.add is None else _runs(asked.add))
    return Said(total(played), shown, [fault for counts in played for fault in wrong(counts)])


def _runs(path: Path) -> list[LossCounts]:
    return added_up(LossCounts(**run) for run in harness.runs_in(path))


def table(played: Sequence[LossCounts]) -> Group:
    """Each figure with its name: side by side they are more than a terminal has room for."""
    told = []
    for counts, (name, *figures) in zip(played, lines(played), strict=True):
        said = "; ".join(f"{column} {figure}" for column, figure in zip(COLUMNS[1:], figures, strict=True))
        style = "bold red" if wrong(counts) else "dim" if counts.skipped else ""
        told.append(Text(f"{name}: {f'skipped: {counts.skipped}' if counts.skipped else said}", style))
    return Group(*told)


def _parser() -> argparse.ArgumentParser:
    parser = harness.parser(
        "loss",
        __doc__,
        "a few rounds of each case, at most 90 seconds in all",
        "--only kill-agent,kill-store --rounds 20 --chunk 4 --add losses.jsonl\n\ncases:\n"
        + "\n".join(f"  {case.name}: {case.title} ({case.rounds} rounds)" for case in CASES),
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="of each case, instead of the case's own number")
    names = harness.some_of(case.name for case in CASES)
    parser.add_argument("--only", type=names, metavar="CASE,...", help="these cases alone")
    parser.add_argument(
        "--chunk", type=float, default=1.0, metavar="S", help="length of a chunk (%(default)s; shipped is 4)"
    )
    harness.add_runs(parser)
    harness.add_folder(parser)
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
