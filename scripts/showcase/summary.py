"""What the demo says to a person: one line for each thing that happens, and an account at the end."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.control.recorder_state import RecorderState
from scripts.showcase.console import WITH, WITHOUT, Links
from scripts.showcase.play import Tell
from testkit.opened import OpenedRecording

PLAYERS: Final = (("ffplay", "-autoexit"), ("mpv",), ("vlc",), ("xdg-open",))

EYES: Final = {
    RecorderState.RECORDING: Text("(o) open   ", "green"),
    RecorderState.CLOSED: Text("(-) closed ", "yellow"),
    RecorderState.BLIND: Text("(-) blind  ", "red"),
    RecorderState.HELD: Text("(-) held   ", "magenta"),
    RecorderState.STALLED: Text("(!) stalled", "red"),
}


def teller(out: Console) -> Tell:
    """Prints each scene, and each change of the eye, with its time."""

    def tell(seconds: float, state: RecorderState | None, text: str) -> None:
        eye = EYES.get(state, Text("           ")) if state else Text("           ")
        out.print(Text.assemble(f"{seconds:6.1f} s  ", eye, text))

    return tell


def show(out: Console, opened: OpenedRecording, control: OpenedRecording, picture: Path) -> None:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", justify="right")
    rows.add_column(overflow="fold")
    rows.add_row("kept", f"{opened.kept:.1f} of {opened.seconds:.1f} s")
    rows.add_row("closed", f"{opened.closed:.1f} s, with what the proof gives up before and after")
    rows.add_row("", _closed_by(opened))
    rows.add_row(
        "sealed",
        f"{opened.listed['chunks']} chunks, {opened.listed['bytes'] / 1000:.0f} kB; neither PC nor store can open them",
    )
    rows.add_row("verified", _verdict(opened))
    rows.add_row("leaked", _count(opened, bad=bool(opened.counted.leaked)))
    rows.add_row("control", f"{_count(control, bad=not control.counted.leaked)} with the rules taken out")
    rows.add_row("opened", escape(str(opened.folder)))
    rows.add_row("at a glance", escape(str(picture)))
    rows.add_row("play it", escape(play_command(opened.film)))
    out.print()
    out.print(Panel(rows, title="What was recorded, and what was not", expand=False))


def show_console(out: Console, links: Links) -> None:
    """Links stand whole on lines of their own, so that a terminal's window cuts none of them."""
    out.print(
        f"\nThe console, at {links.address}, has both recordings: its teams are *{WITH}* and *{WITHOUT}*.\n"
        "[bold]Sign in[/] by this link, which is good once: make a passkey, or a password with a code.\n"
        f"{links.sign_in}\n"
        "[bold]To play[/], open this second link in the same browser: it makes your signing key. Then press Play at a "
        "recording.\nIn production the second link comes from compliance, not from the console.\n"
        f"{links.enrol}\n"
        "Press Ctrl-C to end the demo.",
        soft_wrap=True,
    )


def _closed_by(opened: OpenedRecording) -> Table:
    """Which rule kept the eye closed, for how long, and why the policy (or Eyelid itself) has it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("rule", style="yellow")
    table.add_column("seconds", justify="right")
    table.add_column("why", overflow="fold")
    for rule, seconds in opened.rules.items():
        table.add_row(escape(rule), f"{seconds:.1f}" if seconds >= 0.1 else "< 0.1", escape(opened.reasons[rule]))
    return table


def _verdict(opened: OpenedRecording) -> str:
    if opened.verified:
        return f"[green]yes[/]: {len(opened.verdict['checked'])} kinds of checks found nothing wrong"
    return f"[red]no[/]: {escape('; '.join(finding['message'] for finding in opened.verdict['findings']))}"


def _count(opened: OpenedRecording, *, bad: bool) -> str:
    counted = opened.counted
    return f"[{'red' if bad else 'green'}]{len(counted.leaked)}[/] of {counted.frames} frames show the sensitive colour"


def play_command(video: Path) -> str:
    for player in PLAYERS:
        if shutil.which(player[0]):
            return shlex.join([*player, str(video)])
    return f"no player found here; any will do, for example: mpv {shlex.quote(str(video))}"
