"""Plays tests/scenarios: a policy, looks and pictures in; what is kept and dropped out. Its README has the words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.core.model.media import Lane
from agent.core.model.seen import (
    BROWSERS,
    WINDOWS,
    Alarm,
    Blind,
    Box,
    BrowserWindow,
    Browsing,
    Look,
    Page,
    PageEvent,
    Scene,
    Tab,
    Window,
)
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.core.proof.gate import PATIENCE
from agent.core.proof.lane import LaneProof
from agent.core.proof.scene_merger import SceneMerger
from agent.core.proof.timing import timings
from agent.witness.policies import parse_files

FOLDER = Path(__file__).parent.parent / "scenarios"
STORIES = sorted(FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Picture:
    name: str
    span: Span
    whole: bool
    stream: int = 0
    repeats: bool = False

    @property
    def changed(self) -> int:
        return self.span.start


@dataclass
class Reports:
    kept: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def tell(story: dict[str, Any]) -> tuple[Reports, list[str]]:
    policy = parse_files({"story.yaml": story["policy"].encode()})
    needed = {name: timing for name, timing in timings(policy, Lane.SCREEN).items() if name in witnesses(story)}
    proof: LaneProof[Picture] = LaneProof(Lane.SCREEN, tuple(needed), PATIENCE[Lane.SCREEN], now=-1)
    proof.put_in_force(policy, needed, now=-1)
    merger = SceneMerger()
    told = Reports()
    for start, verb, rest in sorted(moments(story["story"]), key=lambda moment: moment[0]):
        end = start + MILLISECOND
        match verb:
            case "look":
                proof.see(merger.take(Look(WINDOWS, start, end, policy.hash, seen(rest, story["windows"]))))
            case "browser":
                proof.see(merger.take(Look(BROWSERS, start, end, policy.hash, browsing(rest, story))))
            case "event":
                proof.page_event(PageEvent(BROWSERS, start, page(rest, story)))
            case "picture" | "patch":
                proof.push(Picture(rest, Span(start, end), whole=verb == "picture"))
            case "alarm":
                proof.alarm(Alarm(WINDOWS, start, "story"))
            case "policy":
                proof.put_in_force(policy, needed, now=start)
            case _:
                pytest.fail(f"the story knows no {verb!r}")
        outcome = proof.judge(end)
        told.kept += [picture.name for picture in outcome.released]
        told.dropped += [picture.name for picture in outcome.dropped]
    return told, [reason.id for reason in proof.reasons]


def witnesses(story: dict[str, Any]) -> tuple[str, ...]:
    return (WINDOWS, BROWSERS) if "pages" in story else (WINDOWS,)


def moments(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """(ns, verb, what about it) of each line; one with two times is a look every fifth of a second between them."""
    for line in lines:
        at, verb, rest = (*str(line).split(maxsplit=2), "")[:3]
        first, _, last = at.partition("-")
        start, end = (round(float(time) * SECOND) for time in (first, last or first))
        for moment in range(start, end + 1, SECOND // 5):
            yield moment, verb.removesuffix("s"), rest.replace("see ", "sees ")


def seen(words: str, windows: dict[str, dict[str, Any]]) -> Scene | Blind:
    if words == "is blind":
        return Blind.NO_ANSWER
    _, _, names = words.partition("sees ")
    if names == "nothing":
        return Scene()
    return Scene(tuple(window(name, windows) for name in names.split(", ")))


def window(words: str, windows: dict[str, dict[str, Any]]) -> Window:
    name, _, place = words.partition(" ")
    what, number = windows[name], number_of(name, windows)
    app = Blind.NO_PROCESS if what["app"] == "unreadable" else what["app"]
    return Window(
        number, app, what["title"], number, Box(0, 0, 9, 9), shown=place != "behind", engine=bool(what.get("engine"))
    )


def number_of(name: str, things: dict[str, Any]) -> int:
    """By its place in the story's list; of a window it is its process's number too."""
    return 1 + list(things).index(name)


def browsing(words: str, story: dict[str, Any]) -> Browsing:
    """`shop has cart, till behind; wiki has home loading`"""
    return Browsing(tuple(browser_window(part, story) for part in words.split("; ")))


def browser_window(words: str, story: dict[str, Any]) -> BrowserWindow:
    name, _, tabs = words.partition(" has ")
    number = number_of(name, story["windows"])
    return BrowserWindow(
        "browser",
        number,
        number,
        story["windows"][name]["title"],
        Box(0, 0, 9, 9),
        minimised=False,
        tabs=tuple(tab(place, one, story) for place, one in enumerate(tabs.split(", "))),
    )


def tab(place: int, words: str, story: dict[str, Any]) -> Tab:
    """Tabs keep their order: the first stays the first."""
    name, _, how = words.partition(" ")
    return Tab(place, page(name, story), visible=how != "behind", painted=how == "")


def page(name: str, story: dict[str, Any]) -> Page:
    return Page((story["pages"][name],))


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_story(path: Path) -> None:
    story = yaml.safe_load(path.read_text(encoding="utf-8"))
    told, closed_by = tell(story)
    assert told.kept == story["expect"]["kept"]
    assert told.dropped == story["expect"]["dropped"]
    assert closed_by == story["expect"]["closed by"]


def test_there_are_stories() -> None:
    assert len(STORIES) >= 16
