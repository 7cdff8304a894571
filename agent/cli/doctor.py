"""`eyelid doctor`: what is right and wrong on this PC, and the next step for each; and the archive for support."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from agent import config
from agent.config import Resolved
from agent.desktop.privacy import refuse_dumps
from agent.doctor import bundle, checks
from agent.doctor.ask import ask_all
from agent.doctor.checks import Said
from agent.doctor.findings import Mark
from agent.errors import UserError

SIGNS: Final = {
    Mark.GOOD: ("✓", "green"),
    Mark.BESIDE: ("·", "dim"),
    Mark.WARNING: ("!", "yellow"),
    Mark.WRONG: ("✗", "red"),
}
PLAIN: Final = {Mark.GOOD: "ok  ", Mark.BESIDE: "-   ", Mark.WARNING: "WARN", Mark.WRONG: "BAD "}
NAMES: Final = {Mark.WRONG: ("cross", "crosses"), Mark.WARNING: ("warning", "warnings"), Mark.GOOD: ("tick", "ticks")}
NARROW: Final = 30  # columns that words need beside a title
TITLE: Final = 23  # columns; the longest is "Chromium: tab previews"


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "doctor",
        help="what is right and wrong on this PC, and the next step for each",
        description="Checks all that recording and sending depend on. It changes nothing, and needs no recorder to "
        "run; start it as the user who is recorded, in their desktop session. Exit code 0: nothing to do. "
        "1: warnings. 3: a cross, so that something is not recorded or not sent.",
        epilog="example: eyelid doctor --bundle eyelid-support.tar.gz",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="only warnings and crosses")
    parser.add_argument(
        "--bundle", type=Path, metavar="FILE",
        help="also write an archive (.tar.gz) for support; it holds no title, no address of a page, no content, no key",
    )  # fmt: skip
    parser.set_defaults(work=_doctor)


def _doctor(asked: argparse.Namespace) -> int:
    refuse_dumps()
    resolved, mistakes = _settings()
    said = checks.judge_all(ask_all(resolved, mistakes))
    report = {
        "eyelid": version("eyelid"),
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        **checks.as_json(said),
    }
    if asked.bundle is not None:
        bundle.write(asked.bundle, report, resolved)
    if asked.json:
        print(json.dumps(report))
    else:
        show(Console(), said, quiet=asked.quiet)
        if asked.bundle is not None:
            print(f"\nWrote {asked.bundle}: it holds no title, no address of a page, no content and no key.")
    return checks.EXIT_CODES[checks.worst(said)]


def _settings() -> tuple[Resolved, tuple[str, ...]]:
    """Those in force; with mistakes in them, what would count without any file."""
    try:
        return config.resolve(), ()
    except UserError as error:
        return config.defaults(), tuple(str(error).splitlines())


def show(console: Console, said: Iterable[Said], *, quiet: bool = False) -> None:
    """Words where the terminal has no signs of its own: an icon alone says nothing to a screen reader or a log file."""
    said = tuple(said)
    signs = console.is_terminal and not console.is_dumb_terminal and console.encoding.lower().startswith("utf")
    before: Said | None = None
    for one in said:
        if quiet and one.finding.mark in {Mark.GOOD, Mark.BESIDE}:
            continue
        if before is not None and one.check.group == before.check.group and one.finding == before.finding:
            continue  # several checks that were not made for one reason
        if before is None or one.check.group != before.check.group:
            console.print(Text(f"{'' if before is None else chr(10)}{one.check.group}", style="bold"))
        _show_one(console, one, signs)
        before = one
    console.print(Text(f"{'' if before is None else chr(10)}{summary(said)}", style="bold"))


def _show_one(console: Console, one: Said, signs: bool) -> None:
    mark = one.finding.mark
    sign, style = SIGNS[mark]
    begin = Text.assemble(
        "  ",
        (sign, style) if signs else PLAIN[mark],
        " ",
        (f"{one.title:{TITLE}} ", {Mark.GOOD: "", Mark.BESIDE: "dim"}.get(mark, "bold")),
    )
    _hang(console, begin, Text(one.finding.found, "dim" if mark is Mark.BESIDE else ""))
    for step in one.finding.next:
        # Never broken by us: a command that wraps in the terminal is still copied as one line.
        console.print(Text.assemble(f"{' ' * 6}{'→' if signs else '->'} ", (step, "cyan")), soft_wrap=True)


def _hang(console: Console, begin: Text, words: Text) -> None:
    """The words beside the title where there is room, else below it."""
    indent = begin.cell_len
    if console.width - indent < NARROW:
        console.print(begin, soft_wrap=True)
        indent, begin = 6, Text(" " * 6)
    for number, line in enumerate(words.wrap(console, max(NARROW, console.width - indent))):
        line.rstrip()
        console.print((Text(" " * indent) if number else begin) + line, soft_wrap=True)


def summary(said: Iterable[Said]) -> str:
    marks = [one.finding.mark for one in said]
    parts = [f"{count} {NAMES[mark][count != 1]}" for mark in NAMES if (count := marks.count(mark))]
    return f"{', '.join(parts)}."
