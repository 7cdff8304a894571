"""Two policies on the same scenes: what would newly open, what would newly close, and what nobody can say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.account.scenes import Ended, GapCause, Hole, Line, Passing, Sighting
from agent.core.linting.replay import MOST_THINGS, ReplaySpan, Sums, replay, sums_of
from agent.core.matching.decide import decide
from agent.core.model.media import Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Box, Page, Scene, Window
from agent.core.model.times import SECOND
from agent.core.proof.timing import PAGE_HINDSIGHT, WINDOW_HINDSIGHT
from tests.core.policies import policy


def window(app: str, number: int = 1, *, shown: bool = True) -> Window:
    return Window(number, app, app.title(), number, Box(0, 0, 10, 10), shown=shown)


NOTES, CHART, TILL = window("notes"), window("chart", 2), window("till", 3)
CHARTS = policy("rules:\n  - {id: charts, why: w, any: [app: [chart]], audio: record}\n")
TILLS = policy("rules:\n  - {id: tills, why: w, any: [app: [till]], audio: record}\n")
BOTH = policy(
    """
    rules:
      - {id: charts, why: w, any: [app: [chart]], audio: record}
      - {id: tills, why: w, any: [app: [till]], audio: record}
    """
)
PAY = policy("rules:\n  - {id: pay, why: w, any: [url: [pay.example]], stay_closed: 2s, audio: record}\n")


def seen(at: int, *windows: Window) -> Sighting:
    """From `at` (s) on."""
    return Sighting(at * SECOND, WINDOWS, Scene(windows))


def browsed(at: int, *pages: Page) -> Sighting:
    return Sighting(at * SECOND, BROWSERS, Scene(pages=pages, pages_only=True))


def ended(at: int) -> Ended:
    return Ended(at * SECOND)


def tried(
    then: Policy, now: Policy, *lines: Line, length: int = 20, lane: Lane = Lane.SCREEN
) -> tuple[ReplaySpan, ...]:
    return replay(then, now, lane, lines, length * SECOND)


def told(spans: tuple[ReplaySpan, ...]) -> list[tuple[float, float, str, str]]:
    """In seconds; what each policy does."""

    def does(one: ReplaySpan, spoke: tuple[object, ...]) -> str:
        return "not judged" if not one.judged else "closed" if spoke else "open"

    return [(one.start / SECOND, one.end / SECOND, does(one, one.then), does(one, one.now)) for one in spans]


EARLY = WINDOW_HINDSIGHT / SECOND


def test_a_rule_that_is_gone_would_newly_open_and_one_that_has_come_newly_close() -> None:
    found = tried(
        CHARTS, TILLS, seen(0, NOTES), seen(5, CHART), seen(8, NOTES), seen(12, TILL), seen(15, NOTES), ended(20)
    )
    assert told(found) == [
        (0, 5 - EARLY, "open", "open"),
        (5 - EARLY, 8, "closed", "open"),
        (8, 12 - EARLY, "open", "open"),
        (12 - EARLY, 15, "open", "closed"),
        (15, 20, "open", "open"),
    ]
    assert [(one.newly_open, one.newly_closed) for one in found] == [
        (False, False), (True, False), (False, False), (False, True), (False, False),
    ]  # fmt: skip
    opened, closed = found[1], found[3]
    assert [(spoke.id, spoke.where) for spoke in opened.then] == [("charts", "a.yaml:5:5")]
    assert opened.things == (CHART,)
    assert [(spoke.id, spoke.where) for spoke in closed.now] == [("tills", "a.yaml:5:5")]
    assert closed.things == (TILL,)
    sums = sums_of(found)
    assert sums.newly_open == opened.length
    assert sums.newly_closed == closed.length
    assert sums.closed == sums.not_judged == 0


def test_what_closes_under_both_names_nothing_and_is_no_difference() -> None:
    [before, closed, after] = tried(CHARTS, BOTH, seen(0, NOTES), seen(5, CHART), seen(8, NOTES), ended(20))
    assert not before.then
    assert not after.now
    assert closed.then == closed.now
    assert not closed.things
    assert sums_of((closed,)) == Sums(closed=closed.length)


def test_sound_is_judged_by_its_own_lane() -> None:
    found = tried(CHARTS, TILLS, seen(0, CHART), ended(20), lane=Lane.AUDIO)
    assert told(found) == [(0, 20, "open", "open")]


def test_a_rule_that_is_only_tried_or_excused_is_named_where_it_lets_pass() -> None:
    only_tried = policy("rules:\n  - {id: charts, why: w, any: [app: [chart]], dry_run: true}\n")
    [one] = tried(CHARTS, only_tried, seen(0, CHART), ended(20))
    assert one.newly_open
    assert [spoke.id for spoke in one.silent] == ["charts"]
    remote = replace(NOTES, remote=True)
    excused = policy("rules:\n  - {id: x, why: w, any: [app: [x]]}\nallow_unseen:\n  - app: [notes]\n")
    [one] = tried(CHARTS, excused, seen(0, remote), ended(20))
    assert [(spoke.id, spoke.where) for spoke in one.then] == [("remote-display", "")]
    assert [(spoke.id, spoke.where) for spoke in one.silent] == [("remote-display", "a.yaml:7:5")]


def test_a_page_that_only_an_event_told_of_closes_as_long_as_its_margins_are() -> None:
    page = Page(("https://pay.example/card",))
    lines = (seen(0, NOTES), browsed(0), Passing(5 * SECOND, BROWSERS, page), ended(20))
    [_, one, _] = tried(CHARTS, PAY, *lines)
    assert (one.start, one.end) == (5 * SECOND - PAGE_HINDSIGHT, 7 * SECOND)
    assert one.things == (page,)
    quick = policy("rules:\n  - {id: pay, why: w, any: [url: [pay.example]]}\n")
    [_, one, _] = tried(CHARTS, quick, *lines)
    assert one.end == 5 * SECOND
    [one] = tried(CHARTS, TILLS, *lines)
    assert one.judged


def test_blindness_closes_under_any_policy() -> None:
    found = tried(CHARTS, TILLS, Sighting(0, WINDOWS, Blind.EMPTY), ended(20))
    assert [[spoke.id for spoke in one.now] for one in found] == [["blind"]]
    assert not found[0].newly_open


# -- interactions -------------------------------------------------------------------------------------------------


def test_an_interaction_goes_on_for_as_long_as_the_policy_says_whoever_saw_it() -> None:
    calls = policy(
        """
        record_when:
          any:
            - app: [phone]
        keep_recording: 4s
        rules:
          - {id: tills, why: w, any: [app: [till]]}
        """
    )
    phone = window("phone", 4, shown=False)
    lines = (browsed(0), seen(0, NOTES, phone), seen(5, NOTES), seen(14, NOTES, phone), seen(15, NOTES), ended(20))
    assert told(tried(TILLS, calls, *lines)) == [
        (0, 9 - EARLY, "open", "open"),
        (9 - EARLY, 14, "open", "closed"),
        (14, 19 - EARLY, "open", "open"),
        (19 - EARLY, 20, "open", "closed"),
    ]
    found = tried(TILLS, calls, *lines)
    assert [spoke.id for spoke in found[1].now] == ["not-recorded"]
    assert not found[1].things  # the whole scene is meant


def test_interactions_that_touch_are_one() -> None:
    calls = policy("record_when:\n  any:\n    - app: [phone, till]\nrules:\n  - {id: x, why: w, any: [app: [x]]}\n")
    found = tried(CHARTS, calls, seen(0, TILL), seen(3, window("phone")), ended(6), length=6)
    assert told(found) == [(0, 6, "open", "open")]


# -- what nobody can say ------------------------------------------------------------------------------------------


def test_before_each_witness_has_spoken_and_after_a_hole_nothing_is_judged() -> None:
    found = tried(
        CHARTS, TILLS, seen(2, CHART), browsed(3), Hole(6 * SECOND, GapCause.HELD), Hole(7 * SECOND, GapCause.BUSY),
        browsed(8), seen(9, CHART), browsed(10), ended(12),
    )  # fmt: skip
    assert told(found) == [
        (0, 3, "not judged", "not judged"),
        (3, 6, "closed", "open"),
        (6, 9, "not judged", "not judged"),
        (9, 12, "closed", "open"),
        (12, 20, "not judged", "not judged"),
    ]
    assert sums_of(found) == Sums(newly_open=6 * SECOND, not_judged=14 * SECOND)


def test_a_lane_that_breaks_off_says_nothing_of_what_came_after_its_last_line() -> None:
    assert told(tried(CHARTS, TILLS, seen(0, CHART), seen(4, NOTES))) == [
        (0, 4, "closed", "open"),
        (4, 20, "not judged", "not judged"),
    ]


@pytest.mark.parametrize("lines", [(), (Hole(0, GapCause.MISSING),), (Passing(0, BROWSERS, Page(())),)])
def test_without_a_scene_nothing_is_judged(lines: tuple[Line, ...]) -> None:
    assert told(tried(CHARTS, TILLS, *lines)) == [(0, 20, "not judged", "not judged")]


def test_what_the_account_calls_held_is_not_judged_and_what_was_kept_is_told() -> None:
    lines = (seen(0, CHART), seen(10, NOTES), ended(20))
    kept, held = ((8 * SECOND, 12 * SECOND),), ((1 * SECOND, 2 * SECOND), (3 * SECOND, 3 * SECOND))
    found = replay(CHARTS, TILLS, Lane.SCREEN, lines, 20 * SECOND, kept=kept, unseen=held)
    assert told(found) == [
        (0, 1, "closed", "open"),
        (1, 2, "not judged", "not judged"),
        (2, 10, "closed", "open"),
        (10, 20, "open", "open"),
    ]
    assert [one.kept / SECOND for one in found] == [0, 0, 2, 2]


def test_nothing_comes_of_no_time() -> None:
    assert tried(CHARTS, TILLS, seen(0, NOTES), ended(0), length=0) == ()


def test_only_the_first_things_are_named() -> None:
    lines = [seen(at, window("chart", at)) for at in range(1, 6)]
    [_, one, _] = tried(CHARTS, TILLS, *lines, ended(6))
    assert [thing.id for thing in one.things if isinstance(thing, Window)] == list(range(1, MOST_THINGS + 1))


# -- whatever was seen --------------------------------------------------------------------------------------------

apps = st.sampled_from(("notes", "chart", "till"))
views = st.lists(st.builds(window, apps, st.integers(1, 3), shown=st.booleans()), max_size=3, unique_by=lambda w: w.id)
tellings = st.builds(lambda at, shown: seen(at, *shown), st.integers(0, 20), views)
holes = st.builds(lambda at: Hole(at * SECOND, GapCause.LARGE), st.integers(0, 20))
anything = st.lists(tellings | holes, max_size=8).map(lambda told: sorted(told, key=lambda line: line.at))
choices = st.sampled_from((CHARTS, TILLS, BOTH))


@given(choices, choices, anything)
def test_the_stretches_are_the_whole_and_the_sums_too(then: Policy, now: Policy, lines: list[Line]) -> None:
    found = tried(then, now, *lines, ended(20))
    assert [one.start for one in found] == [0, *(one.end for one in found[:-1])]
    assert found[-1].end == 20 * SECOND
    assert all(one.length > 0 for one in found)
    sums = sums_of(found)
    parts = (sums.newly_open, sums.newly_closed, sums.closed, sums.open, sums.not_judged)
    assert sum(parts) == 20 * SECOND


@given(choices, anything)
def test_a_policy_tried_against_itself_shows_nothing(one: Policy, lines: list[Line]) -> None:
    sums = sums_of(tried(one, one, *lines, ended(20)))
    assert sums.newly_open == sums.newly_closed == 0


@given(anything)
def test_more_rules_never_open_and_fewer_never_close(lines: list[Line]) -> None:
    assert sums_of(tried(CHARTS, BOTH, *lines, ended(20))).newly_open == 0
    assert sums_of(tried(BOTH, CHARTS, *lines, ended(20))).newly_closed == 0


@given(choices, anything, st.integers(0, 19))
def test_wherever_a_scene_stands_it_closes_what_decide_says(one: Policy, lines: list[Line], second: int) -> None:
    """A moment within a scene, and not within its margins, is closed exactly where the judgement says so."""
    at = second * SECOND + SECOND // 2
    before = [line for line in lines if line.at < at]
    found = next(part for part in tried(one, one, *lines, ended(20)) if part.start <= at < part.end)
    if not before or not isinstance(last := before[-1], Sighting):
        assert not found.judged
    else:
        assert {spoke.id for spoke in found.then} == {reason.id for reason in decide(one, last.seen).screen}
