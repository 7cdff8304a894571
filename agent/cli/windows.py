"""`eyelid windows`: what is in view now, as the recorder sees it, and what the policy says of each window.

The tool with which one writes a rule. It shows titles, so it prints to the terminal of the person who asks and nowhere
else.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent import config, desktop
from agent.core.decide import decide
from agent.core.model import Blind, Lane, Policy, Scene, Window
from agent.errors import PolicyError
from agent.ports import Desktop
from agent.witness.policies import read_folder

EVERY = 0.5  # seconds between two pictures with --watch


def add_to(commands: Any) -> None:
    windows = commands.add_parser(
        "windows",
        help="what is in view, and what each rule says of it",
        description="Lists every window with the names that rules match, and which rules close for it.",
        epilog="example: eyelid windows --watch",
    )
    windows.add_argument("--json", action="store_true", help="print one JSON object")
    windows.add_argument("--watch", action="store_true", help="go on until Ctrl-C")
    windows.set_defaults(work=_windows)


def _windows(asked: argparse.Namespace) -> int:
    policy, trouble = _policy()
    here = desktop.current_desktop()
    try:
        if not asked.watch:
            second = desktop.listed_by_system()
            seen = _seen(here, second)
            overlooked = _overlooked(seen, second)
            if asked.json:
                print(json.dumps({**_as_json(seen, policy), "overlooked": overlooked}))
                return 0
            Console().print(_picture(seen, policy, trouble))
            if overlooked:
                print(f"The system lists {overlooked} more: the recorder does not see them. Please report this.")
            return 0
        with Live(console=Console(), auto_refresh=False, screen=True) as live:
            while True:
                seen = here.look()
                if seen is Blind.CANNOT_VOUCH:
                    seen = desktop.listed_by_system()
                live.update(_picture(seen, policy, trouble), refresh=True)
                time.sleep(EVERY)
    finally:
        here.close()


def _seen(here: Desktop, second: Scene | Blind) -> Scene | Blind:
    """What the recorder sees; where this platform's desktop vouches for nothing, at least what the system lists."""
    seen = here.look()
    return second if seen is Blind.CANNOT_VOUCH else seen


def _overlooked(seen: Scene | Blind, second: Scene | Blind) -> int:
    """How many windows only the second listing knows. Windows that come or go meanwhile may count for a moment."""
    if isinstance(seen, Blind) or isinstance(second, Blind):
        return 0
    return len({window.id for window in second.windows} - {window.id for window in seen.windows})


def _policy() -> tuple[Policy | None, str]:
    """The policy of the folder, or why there is none: the windows are worth seeing without one."""
    folder = config.load().policies
    try:
        return read_folder(folder), ""
    except PolicyError as error:
        return None, str(error)


def _spoken(reading: str | int | Blind) -> str:
    return f"? ({reading.value})" if isinstance(reading, Blind) else str(reading)


def _rules(policy: Policy | None, seen: Scene | Blind, lane: Lane) -> tuple[str, ...]:
    return () if policy is None else tuple(reason.id for reason in decide(policy, seen).on(lane))


def _of(policy: Policy | None, window: Window, scene: Scene, lane: Lane) -> tuple[str, ...]:
    """What the rules would say if this window were the only one."""
    return _rules(policy, Scene((window,), accounted=scene.accounted), lane)


def _picture(seen: Scene | Blind, policy: Policy | None, trouble: str) -> Table:
    if isinstance(seen, Blind):
        return Table(title=Text(f"Blind, so closed: {seen.value}", style="red"))
    closed = {lane: _rules(policy, seen, lane) for lane in Lane}
    table = Table(title=_headline(policy, closed, trouble), title_justify="left")
    for heading in ("app", "title", "shown", "kind", "screen", "sound"):
        table.add_column(heading, overflow="fold")
    for window in seen.windows:
        marks = [name for name, on in (("web engine", window.engine), ("remote display", window.remote)) if on]
        screen, sound = (_of(policy, window, seen, lane) for lane in Lane)
        table.add_row(
            Text(_spoken(window.app)),
            Text(_spoken(window.title)),
            ("focused" if window.focused else "yes") if window.shown else "",
            ", ".join([window.kind.value, *marks]),
            Text(", ".join(screen), style="yellow"),
            Text(", ".join(sound), style="yellow"),
        )
    return table


def _headline(policy: Policy | None, closed: dict[Lane, tuple[str, ...]], trouble: str) -> Text:
    if policy is None:
        return Text(f"No policy is in force, so nothing is kept.\n{trouble}", style="red")
    words = [
        f"{lane.value}: {'closed by ' + ', '.join(rules) if rules else 'would be kept'}"
        for lane, rules in closed.items()
    ]
    return Text(f"{policy.name}, revision {policy.revision}. {'; '.join(words)}.")


def _as_json(seen: Scene | Blind, policy: Policy | None) -> dict[str, object]:
    if isinstance(seen, Blind):
        return {"blind": seen.value, "windows": [], "screen": ["blind"], "audio": ["blind"]}
    return {
        "blind": None,
        "windows": [
            {
                "app": None if isinstance(window.app, Blind) else window.app,
                "title": None if isinstance(window.title, Blind) else window.title,
                "unreadable": [r.value for r in (window.app, window.title) if isinstance(r, Blind)],
                "pid": None if isinstance(window.pid, Blind) else window.pid,
                "place": [window.box.x, window.box.y, window.box.width, window.box.height],
                "shown": window.shown,
                "focused": window.focused,
                "kind": window.kind.value,
                "engine": window.engine,
                "remote": window.remote,
                **{lane.value: list(_of(policy, window, seen, lane)) for lane in Lane},
            }
            for window in seen.windows
        ],
        **{lane.value: list(_rules(policy, seen, lane)) for lane in Lane},
    }
