"""What a witness's proof needs under a policy."""

from __future__ import annotations

import pytest

from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, Effect, Extent, LaneEffect, Matcher, Policy, Rule
from agent.core.model.seen import BROWSERS, WINDOWS
from agent.core.model.times import MILLISECOND, SECOND
from agent.core.proof.clearance import ANSWERS_WITHIN, Timing
from agent.core.proof.timing import (
    CARD_LINGERS,
    EXTENSION_LINGERS,
    MAX_GAP,
    PAGE_HINDSIGHT,
    PAGE_LAG,
    PAGE_SETTLE,
    TITLE_HINDSIGHT,
    TITLE_SETTLE,
    WINDOW_HINDSIGHT,
    WINDOW_LINGERS,
    page_lag,
    timings,
)
from tests.core.proof.published import published

TIMING = Timing(settle=0, hindsight=300, max_gap=1000)


def policy(*attributes: Attribute, lead: int = 0) -> Policy:
    rules = tuple(
        Rule(
            number,
            attribute,
            "",
            (Matcher(attribute, ("x",)),),
            lanes={Lane.AUDIO: LaneEffect(Effect.PAUSE, Extent.SHOWN, lead)},
        )
        for number, attribute in enumerate(attributes)
    )
    return Policy("hash", 1, "name", rules)


@pytest.mark.parametrize(
    ("row", "times"),
    [
        ("doubt, windows", [WINDOW_LINGERS]),
        ("hindsight, windows", [WINDOW_HINDSIGHT, TITLE_HINDSIGHT]),
        ("lag, pages", [PAGE_LAG, PAGE_SETTLE]),
        ("lingers, an extension's popup", [EXTENSION_LINGERS]),
        ("lingers, a tab's hover card", [CARD_LINGERS]),
        ("hindsight, pages", [PAGE_HINDSIGHT]),
        ("max_gap, screen", [MAX_GAP[Lane.SCREEN]]),
        ("max_gap, sound", [MAX_GAP[Lane.AUDIO]]),
        ("silence", [ANSWERS_WITHIN]),
    ],
)
def test_each_time_is_the_published_one(row: str, times: list[int]) -> None:
    assert published(row) == times


def test_pixels_outlive_their_window_and_the_truth_may_come_late() -> None:
    timing = timings(policy(Attribute.APP), Lane.SCREEN)[WINDOWS]
    assert timing == Timing(0, 300 * MILLISECOND, 250 * MILLISECOND, lingers=1 * SECOND)
    assert (timing.hindsight, timing.lingers) == (WINDOW_HINDSIGHT, WINDOW_LINGERS)


TITLE = Matcher(Attribute.TITLE, ("*chart*",))
APP = Matcher(Attribute.APP, ("till",))


@pytest.mark.parametrize(
    "asks",
    [
        policy(Attribute.APP, Attribute.TITLE),
        Policy("hash", 1, "name", (Rule(0, "id", "", (AllOf((APP, TITLE)),)),)),
        Policy("hash", 1, "name", (Rule(0, "id", "", (APP,), unless=(TITLE,)),)),
        Policy("hash", 1, "name", (), record_when=(APP, TITLE)),
        Policy("hash", 1, "name", (), allow_unseen=(TITLE,)),
        Policy("hash", 1, "name", (), allow=((APP,), (AllOf((APP, TITLE)),))),
    ],
    ids=["a rule", "with others", "an exception", "record_when", "allow_unseen", "allow"],
)
def test_a_policy_that_asks_for_titles_anywhere_waits_for_them_at_both_ends(asks: Policy) -> None:
    timing = timings(asks, Lane.SCREEN)[WINDOWS]
    assert timing == Timing(1 * SECOND, 1 * SECOND, 250 * MILLISECOND, lingers=1 * SECOND)
    assert (timing.settle, timing.hindsight) == (TITLE_SETTLE, TITLE_HINDSIGHT)


def test_sound_reaches_back_by_the_longest_lead_of_any_rule() -> None:
    short, long = (policy(Attribute.APP, lead=lead).rules[0] for lead in (1 * SECOND, 3 * SECOND))
    for rules in ((long,), (short, long), (long, short)):
        timing = timings(Policy("hash", 1, "name", rules), Lane.AUDIO)[WINDOWS]
        assert timing == Timing(0, 3 * SECOND, 1 * SECOND, lingers=1 * SECOND)


def test_nothing_settles_after_a_page_whose_mark_was_seen_and_the_truth_about_it_comes_soon() -> None:
    timing = timings(policy(Attribute.URL), Lane.SCREEN)[BROWSERS]
    assert timing == Timing(settle=0, hindsight=300 * MILLISECOND, max_gap=250 * MILLISECOND)
    assert timing.hindsight == PAGE_HINDSIGHT


@pytest.mark.parametrize(("stalled", "lag"), [(0.0, 0), (0.12, 60), (1.0, 500)])
def test_a_display_is_behind_as_far_as_programs_wait_for_a_core(stalled: float, lag: int) -> None:
    assert page_lag(stalled) == lag * MILLISECOND


def test_a_lead_reaches_back_for_pages_too() -> None:
    timing = timings(policy(Attribute.URL, lead=3 * SECOND), Lane.AUDIO)[BROWSERS]
    assert timing == Timing(0, 3 * SECOND, 1 * SECOND)
