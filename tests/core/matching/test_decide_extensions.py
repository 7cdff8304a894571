"""Other extensions of a browser: what one may be showing closes the eye, unless the policy names the extension."""

from __future__ import annotations

import pytest

from agent.core.matching.decide import explain
from agent.core.model.media import Lane
from agent.core.model.rules import Effect
from agent.core.model.seen import UNKNOWN_EXTENSION, Page, Scene
from tests.core.matching.judged import NOTHING, closed
from tests.core.policies import policy

NAMED, OTHER = "ab" * 16, "dialler@example.com"


def showing(extension: str, *, shown: bool = True) -> Page:
    return Page((), shown=shown, unread=True, extension=extension)


RULES = "rules:\n  - {id: fields, why: w, any: [field: [cc-csc]]}\n"
NAMING = policy(f"{RULES}allow_extensions: [{NAMED}]\n")


def test_one_that_is_named_may_show_what_it_likes() -> None:
    assert closed(NAMING, showing(NAMED)) == NOTHING


@pytest.mark.parametrize("extension", [OTHER, UNKNOWN_EXTENSION, NAMED.upper()])
def test_any_other_closes_both_lanes(extension: str) -> None:
    assert closed(NAMING, showing(extension)) == (["unseen-page"], ["unseen-page"])


def test_where_it_may_be_showing_nothing_that_is_in_view_it_closes_nothing() -> None:
    assert closed(NAMING, showing(OTHER, shown=False)) == NOTHING


def test_no_line_of_allow_unseen_names_an_extension() -> None:
    allowing = policy(f"{RULES}allow_unseen: [url: ['*'], app: ['*'], title: ['*']]\n")
    assert closed(allowing, showing(NAMED)) == (["unseen-page"], ["unseen-page"])


def test_what_is_named_names_no_page() -> None:
    page = Page((f"chrome-extension://{NAMED}/popup.html",), unread=True)
    assert closed(NAMING, page) == (["unseen-page"], ["unseen-page"])


def test_a_rule_that_would_need_an_address_is_excused_too() -> None:
    naming = policy(f"rules:\n  - {{id: pay, why: w, any: [url: [pay.example]]}}\nallow_extensions: [{NAMED}]\n")
    assert closed(naming, showing(NAMED)) == NOTHING
    assert closed(naming, showing(OTHER))[0] == ["unreadable", "unseen-page"]


def test_where_all_that_is_not_listed_closes_naming_it_is_enough() -> None:
    closing = policy(f"unlisted: close\n{RULES}allow_extensions: [{NAMED}]\n")
    assert closed(closing, showing(NAMED)) == NOTHING
    assert closed(closing, showing(OTHER))[0] == ["unseen-page"]


def test_the_line_that_lets_it_pass_is_told() -> None:
    found = explain(NAMING, Scene(pages=(showing(NAMED),)))
    assert {(one.lane, one.effect, one.where) for one in found} == {
        (lane, Effect.RECORD, NAMING.allow_extensions[0].where) for lane in Lane
    }
