"""What every bench has: its arguments, runs kept in a file, a folder to work in, and how it says its faults."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console, RenderableType

from testkit.waits import StageError

LONG: Final = 120.0  # seconds for anything to mend: after failures the recorder waits up to minutes before it tries
Say = Callable[[str], None]
"""Shows how far a bench is."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a bench's part: its JSON object, its table, what fails the run, and what a quick run only remarks.

    A quick run is a test, and no test judges by how busy its machine is.
    """

    facts: Any
    table: RenderableType
    wrong: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)

    def tell(self, console: Console, *, quick: bool = False) -> int:
        """Exit status."""
        wrong = tell(self.wrong, console)
        short = tell(self.short, console, "yellow" if quick else "bold red")
        return wrong or (0 if quick else short)


def parser(name: str, doc: str | None, quick: str, example: str = "") -> argparse.ArgumentParser:
    """With --quick, which `scripts/test --all` runs, and --json. `quick`: what it leaves out, or how long it takes."""
    made = argparse.ArgumentParser(
        prog=f"scripts/bench {name}",
        description=doc,
        epilog=example and f"example: scripts/bench {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return made


def add_runs(to: argparse.ArgumentParser) -> None:
    to.add_argument("--add", type=Path, metavar="FILE", help="keep this run in FILE and show all of them together")
    to.add_argument("--table", type=_kept_runs, metavar="FILE", help="print the runs in it as Markdown, play nothing")


def add_folder(to: argparse.ArgumentParser) -> None:
    to.add_argument("--dir", type=Path, metavar="D", help="a new folder for stores, recordings and logs, to look into")


def _kept_runs(text: str) -> Path:
    """For argparse: the file in which `--add` has kept runs."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}; a run with --add {text} makes it")
    return Path(text)


def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """For argparse: several of these names, with commas in between."""
    every = list(known)

    def names(text: str) -> list[str]:
        if strange := [name for name in text.split(",") if name not in every]:
            raise argparse.ArgumentTypeError(f"there is no {', '.join(strange)}; there are {', '.join(every)}")
        return text.split(",")

    return names


def keep(file: Path | None, runs: Iterable[Mapping[str, Any]]) -> None:
    """A line for each, at the end of the file; nothing without one."""
    if file is not None:
        with file.open("a", encoding="ascii") as kept:
            kept.writelines(json.dumps(run) + "\n" for run in runs)


def runs_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("ascii").splitlines()]


@contextmanager
def folder(chosen: Path | None = None) -> Iterator[Path]:
    """The one of --dir, or one that goes again. Its name is short: a local socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="eyelid-") as passing:
        place = chosen or Path(passing)
        place.mkdir(parents=True, exist_ok=True)
        yield place


def tell(faults: Iterable[str], console: Console, style: str = "bold red") -> int:
    """Exit status: 1 where there is any."""
    found = list(faults)
    for fault in found:
        console.print(fault, style=style, markup=False, highlight=False, soft_wrap=True)
    return 1 if found else 0


def play(parts: Mapping[str, Callable[[Path, Say], Said]], asked: argparse.Namespace, place: Path) -> int:
    """Each part in a folder of its own in `place`, and what came of it; the exit status. A part that cannot be played
    does not end the others. A bench of one part calls it "", and has its facts as the one object.

    With --quick a part that could not be played is played once more: on a busy machine what it waits for comes too
    late, and that says nothing of what is measured. What was played and found wrong is never played again.
    """
    console, facts, status = Console(stderr=True, highlight=False), {}, 0
    for name, part in parts.items():
        tries = (name, f"{name}again") if asked.quick else (name,)
        said = _played(part, [place / one for one in tries], console, name and f"{name}: ")
        if said is None:
            status = 1
            continue
        facts[name] = said.facts
        if not asked.json:
            Console().print(said.table)
        status = max(status, said.tell(console, quick=asked.quick))
    if asked.json:
        print(json.dumps(facts.get("", facts)))
    return status


def play_alone(part: Callable[[Path, Say], Said], asked: argparse.Namespace, chosen: Path | None = None) -> int:
    """A bench of one part, in a folder that goes again where none was chosen."""
    with folder(chosen) as place:
        return play({"": part}, asked, place)


def _played(part: Callable[[Path, Say], Said], folders: list[Path], console: Console, head: str) -> Said | None:
    """What came of it in the first of the folders in which it could be played."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with console.status(f"{head}starting") as progress:
                return part(folder, progress.update)
        except StageError as failure:
            last = folder == folders[-1]
            tell([f"{head}{failure}{'' if last else '; once more'}"], console, "bold red" if last else "yellow")
    return None
