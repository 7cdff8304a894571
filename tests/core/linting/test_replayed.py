"""A recording's scenes are read whole, or refused in words that quote none of them; another policy is told as facts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.account.scenes import Ended, Line, ScenesError, Sighting, written
from agent.core.linting.replayed import (
    LONGEST,
    Scenes,
    as_json,
    by_lane,
    differs,
    names,
    not_looked_for,
    read_scenes,
)
from agent.core.model.media import Lane
from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Box, Page, Scene, Window
from agent.core.model.times import SECOND
from tests.core.policies import policy

CHARTS = policy("rules:\n  - {id: charts, why: w, any: [title: ['Chart *']]}\n")
DRY = policy("rules:\n  - {id: charts, why: w, any: [title: ['Chart *']], dry_run: true}\n")
CARDS = policy("rules:\n  - {id: cards, why: w, any: [url: [pay.example], field: [cc-csc], css: ['#pan']]}\n")
PAY = Page(("https://pay.example/",))
SECRET = "Chart of Ada"
STAYS = SECOND  # the language's own stay_closed


def window(title: str | Blind, app: str | Blind = "epic") -> Window:
    return Window(1, app, title, 1, Box(0, 0, 9, 9), shown=True)


LINES: tuple[Line, ...] = (
    Sighting(0, WINDOWS, Scene((window("Notes"),))),
    Sighting(0, BROWSERS, Scene(pages_only=True)),
    Sighting(10 * SECOND, WINDOWS, Scene((window(SECRET),))),
    Sighting(20 * SECOND, WINDOWS, Scene((window("Notes"),))),
    Sighting(30 * SECOND, BROWSERS, Scene(pages=(PAY,), pages_only=True)),
    Sighting(40 * SECOND, BROWSERS, Scene(pages_only=True)),
    Ended(60 * SECOND),
)
HEAD: dict[str, Any] = {
    "eyelid_scenes": 1,
    "recording": "0193a1b2",
    "start": "2026-11-24T10:00:00Z",
    "host": "pc-7",
    "length_ns": 60 * SECOND,
    "policy": "a" * 64,
    "policy_files": {"p.yaml": "name: P"},
    "lanes": {
        "screen": [
            {"from": 0, "to": 50 * SECOND, "what": "kept"},
            {"from": 50 * SECOND, "to": 53 * SECOND, "what": "held"},
            {"from": 53 * SECOND, "to": 54 * SECOND, "what": "blind", "why": "unproven"},
            {"from": 54 * SECOND, "to": 56 * SECOND, "what": "blind", "why": "died"},
        ]
    },
}


def text(head: object = HEAD, lines: bytes = written(LINES, 0)) -> bytes:
    return json.dumps(head).encode() + b"\n" + lines


@pytest.fixture
def scenes() -> Scenes:
    return read_scenes(text())


def test_what_was_seen_and_what_was_not_is_read(scenes: Scenes) -> None:
    assert (scenes.recording, scenes.host, scenes.length) == ("0193a1b2", "pc-7", 60 * SECOND)
    assert (scenes.policy, scenes.files) == ("a" * 64, {"p.yaml": "name: P"})
    assert scenes.kept == {Lane.SCREEN: ((0, 50 * SECOND),)}
    assert scenes.unseen == {Lane.SCREEN: ((50 * SECOND, 53 * SECOND), (54 * SECOND, 56 * SECOND))}
    assert scenes.lines == LINES


@pytest.mark.parametrize("wrong", [b"", b"{}", b"[1]", b"{", b"\xff", b"[" * 100_000, text({**HEAD, "lanes": [1]})])
def test_what_is_no_scenes_at_all_is_refused_and_not_quoted(wrong: bytes) -> None:
    with pytest.raises(ScenesError) as caught:
        read_scenes(wrong)
    assert not str(caught.value)


def test_another_format_asks_for_an_upgrade() -> None:
    with pytest.raises(ScenesError, match="this Eyelid reads 1: upgrade"):
        read_scenes(text({**HEAD, "eyelid_scenes": 2}))


@given(st.data())
def test_a_damaged_text_is_refused_or_read_and_its_content_is_never_told(data: st.DataObject) -> None:
    whole = text()
    at = data.draw(st.integers(0, len(whole) - 1))
    until = data.draw(st.integers(at, min(len(whole), at + 40)))
    said = ""
    try:
        read_scenes(whole[:at] + data.draw(st.binary(max_size=3)) + whole[until:])
    except ScenesError as error:
        said = str(error)
    assert "Ada" not in said


def test_of_each_lane_that_is_there_what_differs_is_told_as_facts(scenes: Scenes) -> None:
    spans = by_lane(scenes, CHARTS, DRY)
    assert list(spans) == [Lane.SCREEN]
    assert differs(spans)
    facts = as_json(scenes, CHARTS, DRY, spans)
    assert facts["then"] == {"name": CHARTS.name, "revision": CHARTS.revision, "hash": CHARTS.hash}
    told = [one for one in facts["lanes"]["screen"]["spans"] if one["newly"]]
    assert [(one["newly"], one["to"], one["with"], one["things"]) for one in told] == [
        ("open", 20 * SECOND + STAYS, [], [f'epic "{SECRET}"'])
    ]
    assert [spoke["id"] for spoke in told[0]["let_pass_by"]] == ["charts"]
    assert facts["lanes"]["screen"]["newly_open_ns"] == told[0]["to"] - told[0]["from"]
    json.dumps(facts)


def test_the_same_policy_differs_in_nothing_and_the_other_way_round_is_newly_closed(scenes: Scenes) -> None:
    assert not differs(by_lane(scenes, CHARTS, CHARTS))
    spans = by_lane(scenes, DRY, CHARTS)
    assert differs(spans)
    assert {one["newly"] for one in as_json(scenes, DRY, CHARTS, spans)["lanes"]["screen"]["spans"]} == {
        None,
        "closed",
    }


def test_what_the_pages_were_not_searched_for_is_named() -> None:
    assert not_looked_for(CHARTS, CARDS) == ["field cc-csc", "css #pan"]
    assert not_looked_for(CARDS, CHARTS) == []


def test_things_are_named_once_on_one_line_and_never_move_a_cursor() -> None:
    long = "x" * (LONGEST + 1)
    things = [
        window("Notes"),
        window("Notes"),
        window(Blind.NO_ANSWER, Blind.NO_ANSWER),
        window(""),
        window("a\x1b[2J\nb"),
        window(long),
        PAY,
        Page(()),
    ]
    *first, escaped, shortened, page, silent = names(things)
    assert first == ['epic "Notes"', f'({Blind.NO_ANSWER.value}) "({Blind.NO_ANSWER.value})"', "epic"]
    assert "\x1b" not in escaped
    assert "\n" not in escaped
    assert shortened == f'epic "{long[: LONGEST - 1]}…"'
    assert (page, silent) == ("page https://pay.example/", "a page that did not answer")
