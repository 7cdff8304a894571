"""Whether anything sealed is ever lost, doubled or unexplained: real recorder, real store, every fault between them.

    scripts/bench loss [--quick] [--json] [--rounds N] [--only CASE,...] [--chunk SECONDS] [--add FILE] [--dir D]
    scripts/bench loss --table FILE

A recorder records a display on which something moves; each case breaks something, mends it, and compares what the
recorder's spool had promised with what the store can give back. `--add` keeps a run in FILE; runs there add up.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import harness, loss_clock, loss_disks, loss_flips, loss_kills, loss_lanes, loss_network, tables
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
    *loss_lanes.CASES,
    *loss_disks.CASES,
    *loss_network.CASES,
    *loss_clock.CASES,
)

SIZE: Final = (1280, 720)  # of the display, pixels
WIDE: Final = 140  # columns of a terminal in which all figures of a case fit into a line
Say = Callable[[str], None]


@contextmanager
def moving_screen(folder: Path) -> Iterator[Stage]:
    """A display on which somebody types without end, and nothing is sensitive."""
    with own_display(folder, SIZE) as stage, stage.program("notes", (60, 60)):
        yield stage


class Theatre:
    """Worlds for the cases of one run: those that want nothing special share one."""

    def __init__(self, stage: Stage, folder: Path, chunk: float) -> None:
        self._stage = stage
        self._folder = folder
        self._chunk = chunk
        self._stack = ExitStack()
        self._shared: World | None = None
        self._model = cache(self._found)  # once a run: its keys take seconds

    def __enter__(self) -> Theatre:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def close_shared(self) -> None:
        """For a case with a world of its own: two recorders at once would only be slower."""
        self._stack.close()
        self._shared = None

    def world_of(self, case: Case) -> AbstractContextManager[World]:
        return self._sharing() if case.world is everyday else self._own(case)

    @contextmanager
    def _sharing(self) -> Iterator[World]:
        if self._shared is None:
            self._shared = self._stack.enter_context(everyday(self._ground("everyday")))
        yield self._shared

    @contextmanager
    def _own(self, case: Case) -> Iterator[World]:
        self.close_shared()
        with case.world(self._ground(case.name)) as own:
            yield own

    def _ground(self, name: str) -> Ground:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return Ground(self._stage, folder, self._chunk, self._model)

    def _found(self) -> tuple[Path, Path]:
        folder = self._folder / "model"
        folder.mkdir()
        return fleet.found(folder)


def play(case: Case, rounds: int, theatre: Theatre, chunk: float, say: Say) -> LossCounts:
    """One case to its end, or to the first thing that did not happen as it should."""
    counts = LossCounts(case.name, case.title, chunk)
    if why := case.needs():
        counts.skipped = why
        return counts
    try:
        with theatre.world_of(case) as world:
            for one in case.run(world, rounds):
                counts.add(one)
                said = f"{case.name}: round {counts.rounds} of {rounds}, {counts.acknowledged} chunks acknowledged"
                say(f"{said}, {counts.lost} lost" + "".join(f"\n    {fault}" for fault in one.faults))
            counts.finished = True
    except CannotMount as why:
        # Whether root may mount only mounting tells. Once it could, it is a fault.
        if counts.rounds:
            counts.faults.append(str(why))
        else:
            counts.skipped = str(why)
        theatre.close_shared()
    except StageError as failure:
        counts.faults.append(str(failure))
        theatre.close_shared()  # what it left behind is unknown
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    if asked.table is not None:
        sums = added_up(_runs(asked.table))
        print(
            "\n".join(
                [
                    tables.markdown(COLUMNS, lines(sums), words=WORDS),
                    *(f"\nWRONG: {fault}" for counts in sums for fault in wrong(counts)),
                ]
            )
        )
        return 0
    played: list[LossCounts] = []
    with harness.folder(asked.dir) as folder:
        try:
            with console.status("starting") as status:
                _play_all(asked, folder, played, status.update)
        except StageError as failure:
            console.print(str(failure), markup=False, style="red")
            return 1
    shown = played if asked.add is None else added_up(_runs(asked.add))
    if asked.json:
        print(json.dumps(total(played)))
    else:
        Console().print(shown_at(Console().width, shown))
    return harness.tell([fault for counts in played for fault in wrong(counts)], console)


def _play_all(asked: argparse.Namespace, folder: Path, played: list[LossCounts], say: Say) -> None:
    chosen = [case for case in CASES if not asked.only or case.name in asked.only]
    with moving_screen(folder / "display") as stage, Theatre(stage, folder, asked.chunk) as theatre:
        for case in chosen:
            rounds = asked.rounds or (case.quick_rounds if asked.quick else case.rounds)
            if not rounds:
                continue  # --quick has no time for it
            counts = play(case, rounds, theatre, asked.chunk, say)
            played.append(counts)
            harness.keep(asked.add, [counts.to_json()])


def _runs(path: Path) -> list[LossCounts]:
    return [LossCounts.from_json(run) for run in harness.runs_in(path)]


def shown_at(width: int, tallies: Sequence[LossCounts]) -> Table:
    """For a terminal of so many columns: where they are too few for all figures side by side, below each other."""
    styles = ["bold red" if wrong(counts) else "dim" if counts.skipped else "" for counts in tallies]
    title, rows = "What was lost", [*lines(tallies)]
    if width >= WIDE:
        return tables.drawn(title, COLUMNS, rows, words=WORDS, styles=styles)
    table = Table("case", "what came of it", title=title, title_style="bold", show_lines=True)
    for counts, (name, *figures), style in zip(tallies, rows, styles, strict=True):
        named = [f"{column} {figure}" for column, figure in zip(COLUMNS[1:], figures, strict=True)]
        table.add_row(name, f"skipped: {counts.skipped}" if counts.skipped else "; ".join(named), style=style)
    return table


def _names(text: str) -> list[str]:
    known = [case.name for case in CASES]
    if strange := [name for name in text.split(",") if name not in known]:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(strange)}; there are {', '.join(known)}")
    return text.split(",")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.5 <= seconds <= 10:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds from 0.5 to 10")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = harness.parser(
        "loss",
        __doc__,
        "a few rounds of each case, at most 90 seconds in all",
        "--only kill-agent,kill-store --rounds 20 --chunk 4 --add losses.jsonl\n\ncases:\n"
        + "\n".join(f"  {case.name}: {case.title} ({case.rounds} rounds)" for case in CASES),
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="of each case, instead of the case's own number")
    parser.add_argument("--only", type=_names, metavar="CASE,...", help="these cases alone")
    parser.add_argument(
        "--chunk", type=_seconds, default=1.0, metavar="S", help="length of a chunk (%(default)s; shipped is 4)"
    )
    harness.add_runs(parser)
    harness.add_folder(parser)
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
