"""The main job before your eyes: record a desktop with a browser on it, without what is sensitive, and open what came.

It then does it once more without the rules: a detector that sees nothing there would have proven nothing here. It ends
in the console, with both recordings: for the person at the terminal, or for a check of its own.

    scripts/demo [--here] [--open] [--json] [--seconds N] [--dir D]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import mss
import numpy as np
from rich.console import Console

from review.commands.playing import browser_starter
from scripts.showcase import console, sheet, summary
from scripts.showcase.console import House
from scripts.showcase.play import DISPLAY, Play
from testkit import detector
from testkit.browsers import CHROMIUM
from testkit.fleet import pc, store, without_rules
from testkit.interrupts import in_order
from testkit.opened import OpenedRecording, open_longest
from testkit.stage import Stage, StageError, own_display, real_display

ROOT: Final = Path(__file__).resolve().parents[2]
POLICY: Final = ROOT / "policies" / "demo"
RULE: Final = "card-forms"  # of that policy: by it the console finds one recording and not the other
LEAST: Final = 12.0  # seconds; below that nothing is left between one window's hindsight and the next
CONTROL: Final = 8.0  # seconds of the run without rules


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The demo's one object. Seconds are of the recording's time; `rules`: how long each kept the eye closed.

    `console_url`: where the console stood, in which a browser found and played both; "" where it was not come to.
    """

    recording: str
    seconds: float
    kept_s: float
    closed_s: float
    rules: dict[str, float]
    chunks: int
    bytes: int
    export: str
    leaked_frames: int
    control_leaked_frames: int
    verified: bool
    console_url: str = ""

    @classmethod
    def of(cls, opened: OpenedRecording, control: OpenedRecording) -> DemoResult:
        return cls(
            recording=opened.recording,
            seconds=round(opened.seconds, 3),
            kept_s=round(opened.kept, 3),
            closed_s=round(opened.closed, 3),
            rules={rule: round(seconds, 3) for rule, seconds in opened.rules.items()},
            chunks=opened.listed["chunks"],
            bytes=opened.listed["bytes"],
            export=str(opened.folder),
            leaked_frames=len(opened.counted.leaked),
            control_leaked_frames=len(control.counted.leaked),
            verified=opened.verified,
        )

    def faults(self) -> list[str]:
        """Why this is no success; empty when it is one."""
        found = []
        if self.leaked_frames:
            found.append(f"{self.leaked_frames} frames of the recording show the sensitive colour.")
        if not self.control_leaked_frames:
            found.append("Without the rules no frame shows the sensitive colour either: the count proves nothing.")
        if not self.rules:
            found.append("No rule closed the eye, although sensitive pages and windows were shown.")
        if not self.verified:
            found.append("`eyelid-store verify` found something wrong with the recording.")
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(arguments)
    sits = not asked.json and sys.stdin.isatty() and sys.stdout.isatty()
    if asked.open and not sits:
        parser.error("--open starts a browser for the person at a terminal: leave it out here")
    out = Console(stderr=True, highlight=False)
    folder = (asked.dir or ROOT / "demo" / datetime.now().strftime("%Y-%m-%dT%H-%M-%S")).absolute()  # noqa: DTZ005
    try:
        if asked.here and not _agrees(out, asked.seconds):
            out.print("Nothing was recorded.")
            return 1
        _make(folder)
        with tempfile.TemporaryDirectory(prefix="eyelid-") as short:  # a local socket's path may have 107 bytes
            os.environ["TMPDIR"] = short  # a browser that is ended leaves folders there
            return _demo(folder, Path(short), asked, out, sits=sits)
    except StageError as error:
        out.print(f"demo: {error}", markup=False, style="red", soft_wrap=True)
        return 1


def _demo(folder: Path, short: Path, asked: argparse.Namespace, out: Console, *, sits: bool) -> int:
    opened, control, house = perform(folder, short, asked.seconds, out, here=asked.here, sits=sits)
    outcome = DemoResult.of(opened, control)
    faults = outcome.faults()
    if not asked.json:
        picture = folder / "contact-sheet.png"
        sheet.draw(opened.videos[0], opened.stretches, picture)
        summary.show(Console(highlight=False), opened, control, picture)
    try:
        if not faults:
            with house.served() as links:
                if sits:
                    summary.show_console(Console(highlight=False), links)
                    _stay(links.sign_in, open_it=asked.open)
                else:
                    out.print("\n[bold]Finding and playing both in the console[/]")
                    console.check(house, links, (opened.recording, control.recording), RULE, folder / "player.png")
                outcome = replace(outcome, console_url=links.address)
    finally:
        if asked.json:
            print(json.dumps(asdict(outcome)))
    for fault in faults:
        out.print(f"The demo has failed. {fault}", style="bold red")
    return 1 if faults else 0


def _stay(link: str, *, open_it: bool) -> None:
    """Until Ctrl-C, which is how it ends well."""
    try:
        with browser_starter(open_it) as start:
            start(link)
            signal.pause()
    except KeyboardInterrupt:
        return


def perform(
    folder: Path, short: Path, seconds: float, out: Console, *, here: bool, sits: bool
) -> tuple[OpenedRecording, OpenedRecording, House]:
    """Both runs; what came of the one with the rules and of the one without, and where both can be looked at."""
    if shutil.which(CHROMIUM) is None:
        raise StageError("the demo opens Chromium, and it is not on this machine; scripts/setup --for demo installs it")
    policy = {path.name: path.read_text("utf-8") for path in sorted(POLICY.glob("*.yaml"))}
    with (
        _display(folder, here=here) as stage,
        store(folder) as services,
    ):
        house = House.furnish(folder, services, short, secure=not sits)
        opened = []
        runs = (("pc", policy, seconds, console.WITH), ("control", without_rules(policy), CONTROL, console.WITHOUT))
        for name, files, length, group in runs:
            out.print(f"\n[bold]{'Recording' if name == 'pc' else 'Once more, with the rules taken out'}[/]")
            with pc(services, stage, short / name, files, group=group) as recorded:
                play = Play(stage, recorded, short / f"{name}-browser", length, summary.teller(out))
                play.whole() if name == "pc" else play.control()
            shutil.copy(short / name / "agent.log", folder / f"{name}.log")
            opened.append(open_longest(services, recorded.device, folder / ("export" if name == "pc" else "control")))
    return opened[0], opened[1], house


@contextmanager
def _display(folder: Path, *, here: bool) -> Iterator[Stage]:
    logs = folder / "display"
    with real_display(os.environ.get("DISPLAY", ""), logs) if here else own_display(logs, DISPLAY) as stage:
        if _already_there(stage.name):
            raise StageError(
                "the screen already shows the colour by which the demo counts leaks (magenta), so that its count would "
                "be worth nothing: close what shows it, or run scripts/demo without --here"
            )
        yield stage


def _already_there(name: str) -> bool:
    with mss.MSS(display=name) as screen:
        shot = screen.grab(screen.monitors[0])
    frame = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)[:, :, 2::-1]
    return detector.shows(frame)


def _agrees(out: Console, seconds: float) -> bool:
    if not os.environ.get("DISPLAY"):
        raise StageError("--here needs an X11 session to record, and there is none: DISPLAY is not set")
    if not sys.stdin.isatty():
        raise StageError("--here asks before it records, and this is no terminal: run it in one")
    out.print(
        f"This records your real screens for about {seconds + CONTROL:.0f} seconds, opens a few small windows on "
        "them and a Chromium with a profile of its own, and leaves the opened recording in a folder of yours. Nothing "
        "leaves this PC. Close other browsers first: no extension answers for them, so they would keep the eye closed."
    )
    return out.input("Record now? (y/N) ").strip().lower() in ("y", "yes")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StageError(f"{folder} is not empty: name another folder with --dir")
    except OSError as error:
        raise StageError(f"{folder} cannot be used: {error.strerror}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not LEAST <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds from {LEAST:.0f} to 3600")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Records a desktop with a browser, leaves out what is sensitive, and opens the recording. At a "
        "terminal it then serves the console until Ctrl-C. Without a terminal a headless browser plays both "
        "recordings, and the demo ends.",
        epilog="examples: scripts/demo --open; scripts/demo --json --seconds 20 --dir /tmp/eyelid-demo",
    )
    parser.add_argument("--here", action="store_true", help="record the real screen instead of a display of its own")
    parser.add_argument("--open", action="store_true", help="start the browser with the console at the end")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument(
        "--seconds", type=_seconds, default=30.0, metavar="N", help="length of the recording (default %(default).0f)"
    )
    parser.add_argument("--dir", type=Path, metavar="D", help="an empty or new folder for store and export (demo/...)")
    return parser


if __name__ == "__main__":
    sys.exit(in_order(main))
