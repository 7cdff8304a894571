"""Plays tests/scenarios: a policy, looks and pictures in; what is kept and dropped out. Its README has the words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.core.asking import window_timing
from agent.core.eye import Eye
from agent.core.gate import PATIENCE
from agent.core.model import MILLISECOND, SECOND, Alarm, Blind, Box, Lane, Look, Scene, Span, Window
from agent.witness.policies import parse_files

FOLDER = Path(__file__).parent.parent / "scenarios"
STORIES = sorted(FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Picture:
    name: str
    span: Span
    whole: bool
    stream: int = 0


@dataclass
class Told:
    kept: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def tell(story: dict[str, Any]) -> tuple[Told, list[str]]:
    policy = parse_files({"story.yaml": story["policy"].encode()})
    timing = window_timing(policy, Lane.SCREEN)
    eye: Eye[Picture] = Eye(Lane.SCREEN, ("window",), PATIENCE[Lane.SCREEN], now=-1)
    eye.put_in_force(policy, {"window": timing}, now=-1)
    told = Told()
    for start, verb, rest in moments(story["story"]):
        end = start + MILLISECOND
        match verb:
            case "look":
                eye.see(Look("window", start, end, policy.hash, seen(rest, story["windows"])))
            case "picture" | "patch":
                eye.push(Picture(rest, Span(start, end), whole=verb == "picture"))
            case "alarm":
                eye.alarm(Alarm("window", start, "story"))
            case "policy":
                eye.put_in_force(policy, {"window": timing}, now=start)
            case _:
                pytest.fail(f"the story knows no {verb!r}")
        outcome = eye.judge(end)
        told.kept += [picture.name for picture in outcome.released]
        told.dropped += [picture.name for picture in outcome.dropped]
    return told, [reason.id for reason in eye.reasons]


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
    return Scene(tuple(window(number, name, windows) for number, name in enumerate(names.split(", "), start=1)))


def window(number: int, words: str, windows: dict[str, dict[str, Any]]) -> Window:
    name, _, place = words.partition(" ")
    what = windows[name]
    app = Blind.NO_PROCESS if what["app"] == "unreadable" else what["app"]
    return Window(
        number, app, what["title"], number, Box(0, 0, 9, 9), shown=place != "behind", engine=bool(what.get("engine"))
    )


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_story(path: Path) -> None:
    story = yaml.safe_load(path.read_text(encoding="utf-8"))
    told, closed_by = tell(story)
    assert told.kept == story["expect"]["kept"]
    assert told.dropped == story["expect"]["dropped"]
    assert closed_by == story["expect"]["closed by"]


def test_there_are_stories() -> None:
    assert len(STORIES) >= 12
