"""`eyelid status` for people: what the recorder says of itself, as a table, and drawn anew as it changes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent.cli.durations import spoken
from agent.control import control
from agent.core.account.troubles import degrades
from agent.errors import EyelidError
from agent.tray.icon_state import OVER, PARTS, Lid, Mark, icon_state_of
from agent.tray.words import Words

AGAIN = 0.25  # seconds between tries to find a recorder
MISSED = 3.0  # seconds; a device that is heard gives samples ten times a second

# As in the panel: a shape and a colour for each lid.
EYES = {Lid.OPEN: "(o)", Lid.SHUT: "(-)", Lid.HELD: "(=)", Lid.FAULT: "(!)", Lid.GONE: "(x)"}
MARKS = {Mark.NONE: "", Mark.CALL: ".", Mark.WARNING: "!"}
COLOURS = {Lid.OPEN: "green", Lid.SHUT: "blue", Lid.HELD: "magenta", Lid.FAULT: "red", Lid.GONE: "bright_black"}
WORDS = Words("en")


def show(status: dict[str, Any]) -> None:
    Console().print(picture(status))


def watch(home: Path) -> NoReturn:
    """As it changes, until Ctrl-C. Raises NotRunning where the output is no terminal and the recorder ends."""
    console = Console()
    if not console.is_terminal:  # a file or a pipe, in which nothing can be drawn over
        _tell_changes(control.follow(home))
    with Live(console=console, auto_refresh=False) as live:
        while True:
            try:
                for status in control.follow(home):
                    live.update(picture(status), refresh=True)
            except EyelidError as gone:
                live.update(Text(str(gone)), refresh=True)
            time.sleep(AGAIN)


def _tell_changes(followed: Iterable[dict[str, Any]]) -> None:
    """A line with its time for each new sentence. Raises NotRunning when the recorder ends."""
    said = ""
    for status in followed:
        sentence = WORDS.sentence(icon_state_of(status), status)
        if sentence != said:
            print(f"{datetime.now().astimezone().isoformat(timespec='seconds')}  {sentence}", flush=True)
        said = sentence


def picture(status: dict[str, Any]) -> Table:
    """The same truth as in the panel, in the same words, and what IT asks for."""
    icon = icon_state_of(status)
    colour = COLOURS[icon.lid]
    table = Table.grid(padding=(0, 2))
    eye = EYES[icon.lid] + MARKS[icon.mark]
    table.add_row(Text(eye, style=f"bold {colour}"), Text(WORDS.sentence(icon, status), style=colour))
    for words, style in ((WORDS.advice(icon), "bold"), (WORDS.offline(status), "yellow")):
        if words:
            table.add_row("", Text(words, style=style))
    if status["rules"]:
        table.add_row("rule", f"{', '.join(status['rules'])}, for {spoken(status['since_s'])}")
    if status["holds"]:
        table.add_row("hold", ", ".join(status["holds"]) + _of_hold(status["hold"]))
    revision = status["policy_revision"]
    table.add_row("policy", "none in force" if revision is None else f"{status['policy_name']}, revision {revision}")
    if status.get("scenes"):
        table.add_row("scenes", Text(WORDS.say("menu.scenes"), style="yellow"))
    table.add_row("kept", f"{status['chunks']} chunks, {status['bytes'] / 1e6:.1f} MB, {status['frames']} pictures")
    table.add_row("last sealed", _ago(status.get("pictures_ago_s", status["sealed_ago_s"])))
    table.add_row("last receipt", _ago(status["receipt_ago_s"]))
    table.add_row("waiting", f"{status['waiting_chunks']} chunks, {status['waiting_bytes'] / 1e6:.1f} MB")
    table.add_row("call", _call(status["sound"]))
    for end, name in (("microphone", "microphone"), ("far_end", "far end")):
        if status["sound"] is not None and status["sound"]["state"] not in OVER:  # then no sound is taken
            table.add_row(name, _end(status["sound"][end]))
    if status.get("keys"):  # a recorder of another version may not say
        table.add_row("keys", f"in the keys service at {status['keys']}")
    for browser in status["browsers"]:
        blind_to = "" if browser["private"] else "; private windows close the eye"
        table.add_row("looks into", f"{browser['browser']} {browser['version']}{blind_to}")
    for tried in status.get("tried", ()):  # a recorder of another version may not say
        table.add_row("dry run", _tried(tried))
    for code, message in status["troubles"].items():
        colour = "red" if degrades(code) else "yellow"
        table.add_row(Text("trouble", style=colour), f"{code}{': ' if message else ''}{message}")
    return table


def _of_hold(hold: dict[str, Any] | None) -> str:
    if hold is None:
        return ""
    left = "until released" if hold["left_s"] is None else f"{spoken(hold['left_s'])} left"
    return f" ({hold['reason']}, {left})" if hold["reason"] else f" ({left})"


def _call(sound: dict[str, Any] | None) -> str:
    """A recorder of another version may not say all of it."""
    if sound is None:
        return "not recorded: both ends are none in agent.yaml"
    said = {"recording": "recorded", "blind": "closed"}.get(sound["state"], sound["state"])
    fault = sound.get("fault") if sound["state"] not in OVER else ""
    if said == "closed" and sound["rules"]:
        said = f"{said} by {', '.join(sound['rules'])}, for {spoken(sound.get('since_s', 0.0))}"
    if fault:
        said = f"{said}, but an end is missing: {fault}" if fault in PARTS else f"NOT recorded: {fault}"
    return f"{said}; last sealed {_ago(sound.get('sealed_ago_s'))}"


def _end(end: dict[str, Any]) -> str:
    """A muted microphone shows here, and not in an audit."""
    if not end.get("wanted", True):
        return "not recorded: none in agent.yaml"
    if not end["device"]:
        return "no device"
    level = "silence" if end["peak_dbfs"] is None else f"{end['peak_dbfs']:.0f} dBFS"
    captured = end.get("captured_ago_s", 0.0)
    given = "" if captured is not None and captured < MISSED else f"; gave Eyelid its last samples: {_ago(captured)}"
    put_in = end.get("padding_s", 0.0)  # a recorder of another version may not say
    filled = f"; silence put in for {spoken(put_in)} since the start" if put_in >= 1 else ""
    return f"{end['device']}: {level}, last heard {_ago(end['heard_ago_s'])}{given}{filled}"


def _tried(tried: dict[str, Any]) -> str:
    lane = {"screen": "screen", "audio": "sound"}[tried["lane"]]
    if not tried["times"]:
        return f"{tried['id']} would not have closed the {lane} yet"
    times = "once" if tried["times"] == 1 else f"{tried['times']} times"
    now = "; it would now" if tried["now"] else ""
    return f"{tried['id']} would have closed the {lane} {times}, for {spoken(tried['seconds'])} in all{now}"


def _ago(seconds: float | None) -> str:
    return "not yet" if seconds is None else f"{spoken(seconds)} ago"
