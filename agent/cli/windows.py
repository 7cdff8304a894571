"""`eyelid windows`: what is in view now, as the recorder sees it, and what each rule says of every window and page.

The tool with which one writes a rule. It shows titles and addresses, so it prints to the terminal of the person who
asks and nowhere else. Pages are known only to a recorder that runs: browsers speak to it alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent import config, desktop
from agent.cli.policy.status import Follower, PolicyStatus
from agent.control import control
from agent.core.linting.explain import Does, Word, words_of
from agent.core.matching.decide import decide
from agent.core.model.media import Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import Blind, Page, Scene, Window
from agent.errors import EyelidError
from agent.ports import Desktop
from protocol.terminal import printable

EVERY: Final = 0.5  # seconds between two pictures with --watch
NO_RECORDER: Final = "No recorder runs, so that pages in browsers cannot be told: `eyelid run` starts one."
NO_PAGES: Final = "No browser's extension answers: `eyelid browser status` says what is next."


def add_to(commands: Any) -> None:
    windows = commands.add_parser(
        "windows",
        help="what is in view, and what each rule says of it",
        description="Lists every window and every page with the names that rules match, and what each rule says of it. "
        "Pages are listed while the recorder runs and their browser has Eyelid's extension.",
        epilog="example: eyelid windows --watch",
    )
    windows.add_argument("--json", action="store_true", help="print one JSON object; with --watch one a line")
    windows.add_argument("--watch", action="store_true", help="go on until Ctrl-C")
    windows.set_defaults(work=_windows)


@dataclass(frozen=True, slots=True)
class Browsers:
    """What the running recorder has been told. `trouble`: why there is nothing, in words."""

    pages: tuple[Page, ...] = ()
    accounted: frozenset[int] = frozenset()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """`status`: None where it cannot be told which policy counts, for the `trouble`."""

    status: PolicyStatus | None
    trouble: str = ""

    @property
    def policy(self) -> Policy | None:
        """The one to judge by: that is in force, or would be once a recorder runs."""
        if self.status is None or self.why_not:
            return None
        return self.status.foretold.policy

    @property
    def why_not(self) -> tuple[str, ...]:
        """Why what lies there does not come into force."""
        return () if self.status is None else self.status.foretold.mistakes or self.status.foretold.refused


@dataclass(frozen=True, slots=True)
class Sight:
    """One moment: windows and pages together, and the policy that counts."""

    seen: Scene | Blind
    browsers: Browsers
    judge: Judge

    @property
    def policy(self) -> Policy | None:
        return self.judge.policy


def _windows(asked: argparse.Namespace) -> int:
    settings = config.load()
    follower = Follower()
    here = desktop.current_desktop()
    try:
        if asked.watch:
            _watch(here, settings.home, follower, as_json=asked.json)
        second = desktop.listed_by_system()
        seen = here.look()
        sight = _sight(second if seen is Blind.CANNOT_VOUCH else seen, settings.home, _judge(follower))
        overlooked = _overlooked(sight.seen, second)
        if asked.json:
            print(json.dumps({**_as_json(sight), "overlooked": overlooked}))
            return 0
        Console().print(_picture(sight))
        if overlooked:
            print(f"The system lists {overlooked} more: the recorder does not see them. Please report this.")
        return 0
    finally:
        here.close()


def _watch(here: Desktop, home: Path, follower: Follower, *, as_json: bool) -> NoReturn:
    """Until Ctrl-C. What is saved meanwhile judges from the next picture on."""

    def look() -> Sight:
        seen = here.look()
        return _sight(desktop.listed_by_system() if seen is Blind.CANNOT_VOUCH else seen, home, _judge(follower))

    if as_json:
        while True:
            print(json.dumps(_as_json(look())), flush=True)
            time.sleep(EVERY)
    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        while True:
            live.update(_picture(look()), refresh=True)
            time.sleep(EVERY)


def _sight(seen: Scene | Blind, home: Path, judge: Judge) -> Sight:
    browsers = _ask_browsers(home)
    if isinstance(seen, Scene):
        seen = replace(seen, pages=browsers.pages, accounted=browsers.accounted)
    return Sight(seen, browsers, judge)


def _ask_browsers(home: Path) -> Browsers:
    try:
        answer: dict[str, Any] = control.request(home, "pages")
    except control.NotRunning:
        return Browsers(trouble=NO_RECORDER)
    except EyelidError as refusal:
        return Browsers(trouble=str(refusal))
    pages = tuple(
        Page(
            tuple(page["urls"]),
            frozenset(page["fields"]),
            frozenset(page["selectors"]),
            shown=page["shown"],
            parked=page["parked"],
            unread=page["unread"],
            extension=page.get("extension"),  # a recorder that an update has left running does not say
        )
        for page in answer["pages"]
    )
    return Browsers(pages, frozenset(answer["accounted"]), "" if pages or answer["accounted"] else NO_PAGES)


def _overlooked(seen: Scene | Blind, second: Scene | Blind) -> int:
    """How many windows only the second listing knows. Windows that come or go meanwhile may count for a moment."""
    if isinstance(seen, Blind) or isinstance(second, Blind):
        return 0
    return len({window.id for window in second.windows} - {window.id for window in seen.windows})


def _judge(follower: Follower) -> Judge:
    """The windows are worth seeing also where no policy can be had."""
    try:
        return Judge(follower.now())
    except EyelidError as error:
        return Judge(None, str(error))


# -- what is said of it -------------------------------------------------------------------------------------------


def _rules(policy: Policy | None, seen: Scene | Blind, lane: Lane) -> tuple[str, ...]:
    return () if policy is None else tuple(reason.id for reason in decide(policy, seen).on(lane))


def _alone(thing: Window | Page, scene: Scene) -> Scene:
    """The thing as if there were nothing else."""
    if isinstance(thing, Window):
        return Scene((thing,), accounted=scene.accounted)
    return Scene(pages=(thing,), pages_only=True)


def _words(policy: Policy | None, thing: Window | Page, scene: Scene) -> tuple[Word, ...]:
    if policy is None:
        return ()
    words = words_of(policy, thing, _alone(thing, scene))
    # What no interaction is going on for is said of the whole scene, not of each thing in it.
    return tuple(word for word in words if word.id != "not-recorded")


def _said(words: tuple[Word, ...], lane: Lane) -> Text:
    """The rules that fit, those that close before the others; what does not close is dim and says why not."""
    said = Text()
    why_not = {
        Does.TRIED: "dry run",
        Does.EXCUSED: "excused",
        Does.RECORDS: "says record",
        Does.OUT_OF_VIEW: "not in view",
    }
    of_lane = [word for word in words if word.lane is lane]
    for word in sorted(of_lane, key=lambda word: word.does is not Does.CLOSES):
        said.append(", " if said else "")
        if word.does is Does.CLOSES:
            said.append(word.id, style="yellow")
        else:
            said.append(f"{word.id} ({why_not[word.does]})", style="dim")
    return said


def _spoken(reading: str | int | Blind) -> str:
    return f"? ({reading.value})" if isinstance(reading, Blind) else printable(str(reading))


def _picture(sight: Sight) -> RenderableType:
    seen = sight.seen
    if isinstance(seen, Blind):
        return Text(f"Blind, so closed: {seen.value}", style="red")
    parts: list[RenderableType] = [_headline(sight), Text(""), _window_table(sight, seen)]
    if seen.pages:
        parts += [Text(""), _page_table(sight, seen)]
    if sight.browsers.trouble:
        parts += [Text(""), Text(sight.browsers.trouble, style="dim")]
    return Group(*parts)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _window_table(sight: Sight, scene: Scene) -> Table:
    table = _table("app", "title", "in view", "kind", "screen", "sound")
    for window in scene.windows:
        marks = [name for name, on in (("web engine", window.engine), ("remote display", window.remote)) if on]
        answered = ["looked into"] if window.id in scene.accounted else []
        words = _words(sight.policy, window, scene)
        table.add_row(
            Text(_spoken(window.app), style="bold" if window.focused else ""),
            Text(_spoken(window.title)),
            ("in front" if window.focused else "yes") if window.shown else "",
            ", ".join([window.kind.value, *marks, *answered]),
            *(_said(words, lane) for lane in Lane),
        )
    return table


def _page_table(sight: Sight, scene: Scene) -> Table:
    table = _table("page", "in view", "screen", "sound")
    for page in scene.pages:
        words = _words(sight.policy, page, scene)
        place = "behind a tab" if page.parked else "yes"
        table.add_row(
            Text("\n".join(map(printable, _lines(page)))),
            place if page.shown else "",
            *(_said(words, lane) for lane in Lane),
        )
    return table


def _lines(page: Page) -> Iterator[str]:
    """Its address, and below it what a rule may ask for."""
    if page.extension is not None:
        yield f"extension {page.extension or 'that its browser does not name'}"
        yield "  may be showing something that is no tab"
        return
    yield page.urls[0] if page.urls else "a page that can no longer be followed"
    yield from (f"  frame {url}" for url in dict.fromkeys(page.urls[1:]))
    if page.fields:
        yield f"  field {', '.join(sorted(page.fields))}"
    if page.selectors:
        yield f"  css {', '.join(sorted(page.selectors))}"
    if page.unread:
        yield "  a part of it does not answer"


def _headline(sight: Sight) -> Text:
    policy = sight.policy
    if policy is None:
        return _without_policy(sight.judge)
    said = Text(f"{policy.name}, revision {policy.revision}. ", style="bold")
    for lane, name in ((Lane.SCREEN, "Screen"), (Lane.AUDIO, "Sound")):
        rules = _rules(policy, sight.seen, lane)
        said.append(f"{name}: ", style="bold")
        if rules:
            said.append(f"closed by {', '.join(rules)}. ", style="yellow")
        else:
            said.append("would be kept. ", style="green")
    if (counts := sight.judge.status) is not None:
        said.append(f"\n{counts.origin()}", style="not bold dim")
        for doubt in counts.doubts():
            said.append(f"\n{doubt}", style="not bold yellow")
    return said


def _without_policy(judge: Judge) -> Text:
    counts = judge.status
    if counts is None:
        return Text(f"It cannot be told which policy counts.\n{judge.trouble}", style="red")
    why = "\n".join(judge.why_not)
    if counts.running is not None:
        return Text(f"{counts.runs_otherwise()} What lies there changes nothing:\n{why}", style="red")
    return Text(f"No policy is in force, so nothing is kept.\n{why}", style="red")


def _as_json(sight: Sight) -> dict[str, object]:
    seen, policy, counts = sight.seen, sight.policy, sight.judge.status
    common = {"policy": None if counts is None else counts.as_json()}
    if isinstance(seen, Blind):
        return {**common, "blind": seen.value, "windows": [], "pages": [], "screen": ["blind"], "audio": ["blind"]}
    return {
        **common,
        "blind": None,
        "windows": [{**_window_as_json(window), **_words_as_json(sight, window)} for window in seen.windows],
        "pages": [{**_page_as_json(page), **_words_as_json(sight, page)} for page in seen.pages],
        "browsers": sight.browsers.trouble or None,
        **{lane.value: list(_rules(policy, seen, lane)) for lane in Lane},
    }


def _words_as_json(sight: Sight, thing: Window | Page) -> dict[str, object]:
    """By lane the rules that close, and under `rules` what each rule that fits says, with its line."""
    assert isinstance(sight.seen, Scene)  # noqa: S101 - a thing was seen
    words = _words(sight.policy, thing, sight.seen)
    return {
        **{lane.value: [w.id for w in words if w.lane is lane and w.does is Does.CLOSES] for lane in Lane},
        "rules": [
            {"id": word.id, "lane": word.lane.value, "does": word.does.value, "where": word.where} for word in words
        ],
    }


def _window_as_json(window: Window) -> dict[str, object]:
    return {
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
    }


def _page_as_json(page: Page) -> dict[str, object]:
    return {
        "urls": list(page.urls),
        "fields": sorted(page.fields),
        "selectors": sorted(page.selectors),
        "shown": page.shown,
        "parked": page.parked,
        "unread": page.unread,
        "extension": page.extension,
    }
