"""What a policy names to be let pass, or to be kept at all, and every line that excuses."""

from __future__ import annotations

import pytest

from agent.core.matching.decide import RuleFinding, Verdict, decide, explain, interaction_is_on
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, Reason
from agent.core.model.seen import Blind, Page, Scene, Window, WindowKind
from tests.core.matching.judged import CHART, NOTHING, closed, menu, window
from tests.core.policies import policy

# -- allow_unseen -------------------------------------------------------------------------------------------------

ALLOWING = policy(
    """
    rules:
      - id: titles
        why: w
        any:
          - title: [secret]
          - url: [pay.example.com]
        audio: record
    allow_unseen:
      - app: [slack, shell]
      - title: ["Dial pad"]
      - url: ["about:blank", "chrome://newtab"]
    """
)


@pytest.mark.parametrize(
    "seen",
    [
        window("Slack", "General", engine=True),
        window("slack", Blind.NO_TITLE),
        window("slack", "x", remote=True),
        window("phone", "dial pad", engine=True),
        Page(("about:blank",)),
    ],
)
def test_what_a_person_has_looked_at_is_let_pass(seen: Window | Page) -> None:
    assert closed(ALLOWING, seen) == NOTHING


def test_a_name_that_may_go_on_is_let_pass_by_what_names_its_beginning_alone() -> None:
    named = "rules: [{{id: a, why: w, any: [url: [pay.example]]}}]\nallow_unseen: [app: [{}]]\n"
    cut = window("patient-records\u2026", engine=True)
    assert closed(policy(named.format("patient-records")), cut) == (["web-engine"], ["web-engine"])
    assert closed(policy(named.format("'patient-records*'")), cut) == NOTHING
    assert closed(policy(named.format("other, 'patient-records*'")), cut) == NOTHING


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (window("slack", "secret", engine=True), ["titles"]),  # no exception from a rule of the policy
        (window(Blind.NO_PROCESS, Blind.NO_TITLE), ["unreadable"]),
        (window(Blind.NO_PROCESS, "Dial pad", engine=True), []),  # its title names it
        (window("phone", Blind.NO_TITLE), ["unreadable"]),
        (window("phone", Blind.NO_TITLE, engine=True), ["unreadable", "web-engine"]),
        (window("notslack", "x", engine=True), ["web-engine"]),
        (Page(("https://exa mple.com",)), ["unreadable"]),
        (Page(("https://shop.example", "https://exa mple.com")), ["unreadable"]),
    ],
)
def test_nothing_else_is_let_pass(seen: Window | Page, said: list[str]) -> None:
    assert closed(ALLOWING, seen)[0] == said


def test_an_overview_can_be_let_pass() -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    assert closed(ALLOWING, window("x", "secret", shown=False), overview) == NOTHING


# -- unlisted, and recording only interactions --------------------------------------------------------------------

LISTED = policy(
    """
    unlisted: close
    record_when:
      any:
        - app: [crm]
        - url: [crm.example.com]
    rules:
      - id: tools
        why: w
        any:
          - app: [phone, calc]
          - url: [wiki.example.com]
        unless:
          - title: ["*private*"]
          - url: [wiki.example.com/secret]
        screen: record
        audio: record
      - id: till
        why: w
        any: [app: [till]]
        audio: record
    """
)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ((window("crm"), window("phone", id=2)), NOTHING),
        ((window("crm"), window("mail", id=2)), (["unlisted"], ["unlisted"])),
        ((window("crm"), window("mail", id=2, shown=False)), NOTHING),
        ((window("crm"), window(Blind.NO_PROCESS, id=2)), (["unreadable", "unlisted"], ["unlisted"])),
        ((window("crm"), window("phone", "private", id=2)), (["unlisted"], ["unlisted"])),
        ((window("crm"), window("phone", Blind.NO_TITLE, id=2)), (["unlisted"], ["unlisted"])),
        ((window("crm"), window("till", id=2)), (["till"], [])),
        ((window("crm"), window("panel", id=2, kind=WindowKind.DESKTOP)), (["unlisted"], ["unlisted"])),
        ((window("crm"), menu()), NOTHING),
        ((window("phone"),), (["not-recorded"], ["not-recorded"])),
        ((window("phone"), window("crm", id=2, shown=False)), NOTHING),
        ((window("phone"), window(Blind.NO_PROCESS, id=2, shown=False)), (["not-recorded"], ["not-recorded"])),
        ((Page(("https://crm.example.com/",)),), NOTHING),
        ((Page(("https://crm.example.com/",)), Page(("https://wiki.example.com/",))), NOTHING),
        ((Page(("https://crm.example.com/",)), Page(("https://mail.example/",))), (["unlisted"], ["unlisted"])),
        # What opens is the page's own address, not a frame that anybody may embed.
        (
            (Page(("https://mail.example/", "https://crm.example.com/")),),
            (["unlisted", "not-recorded"], ["unlisted", "not-recorded"]),
        ),
        (
            (Page(("https://crm.example.com/",)), Page(("https://wiki.example.com/secret",))),
            (["unlisted"], ["unlisted"]),
        ),
    ],
)
def test_only_what_is_named_is_kept(seen: tuple[Window | Page, ...], said: tuple[list[str], list[str]]) -> None:
    assert closed(LISTED, *seen) == said


def test_a_browser_with_a_witness_is_listed_by_its_pages() -> None:
    browser = window("chrome", "CRM - Chrome", engine=True)
    crm = Page(("https://crm.example.com/",))
    assert closed(LISTED, browser, crm, accounted=frozenset({1})) == NOTHING
    assert closed(LISTED, browser, crm) == (["web-engine", "unlisted"], ["web-engine", "unlisted"])


def test_a_menu_of_a_window_that_its_title_names_is_named_with_it() -> None:
    by_title = policy(
        "unlisted: close\nrules:\n  - {id: crm, why: w, any: [title: ['CRM*']], screen: record, audio: record}"
    )
    assert closed(by_title, window(title="CRM - Doe")) == NOTHING
    assert closed(by_title, window(title="CRM - Doe"), menu(title="File")) == NOTHING


def test_an_overview_shows_what_is_not_listed() -> None:
    shell = window("phone", "", id=5, kind=WindowKind.OVERVIEW)
    assert closed(LISTED, window("crm"), window("mail", id=2, shown=False), shell)[0] == ["unlisted", "overview"]


def test_an_interaction_that_another_witness_sees() -> None:
    scene = Scene((window("phone"),))
    assert not interaction_is_on(LISTED, scene)
    assert decide(LISTED, scene, interaction=True) == Verdict()
    assert interaction_is_on(LISTED, Scene((window("crm", shown=False),)))
    assert not interaction_is_on(LISTED, Blind.NO_ANSWER)
    assert interaction_is_on(CHART, Blind.NO_ANSWER)  # a policy that always records asks for none


# -- what is said of it -------------------------------------------------------------------------------------------


def test_who_spoke_for_what_and_in_which_line() -> None:
    scene = Scene((window("till", id=7),))
    assert explain(CHART, scene) == (
        RuleFinding(Lane.SCREEN, Reason("till", 1), Effect.PAUSE, "a.yaml:14:5", "window 7"),
        RuleFinding(Lane.AUDIO, Reason("till", 1), Effect.PAUSE, "a.yaml:14:5", "window 7"),
    )


def test_explaining_without_more_ado_asks_for_the_interaction_too() -> None:
    assert {found.reason.id for found in explain(LISTED, Scene((window("phone"),)))} == {"not-recorded"}


def test_what_was_let_pass_names_the_line() -> None:
    overview = window("shell", "", id=5, kind=WindowKind.OVERVIEW)
    scene = Scene((window("slack", Blind.NO_TITLE, id=7, engine=True), overview), (Page(("about:blank",)),))
    let_pass = explain(ALLOWING, scene)
    assert {found.effect for found in let_pass} == {Effect.RECORD}
    assert [(found.reason.id, found.thing, found.where) for found in let_pass if found.lane is Lane.SCREEN] == [
        ("unreadable", "window 7", "a.yaml:12:5"),
        ("unreadable", "page 0", "a.yaml:14:5"),
        ("web-engine", "window 7", "a.yaml:12:5"),
        ("overview", "window 5", "a.yaml:12:5"),
    ]
    assert decide(ALLOWING, scene) == Verdict()


def test_blindness_is_said_of_the_whole_scene_and_no_line_says_it() -> None:
    said = [(one.effect, one.where, one.thing, one.dry) for one in explain(CHART, Blind.EMPTY)]
    assert said == [(Effect.PAUSE, "", "", False)] * 2
    assert explain(CHART, Blind.EMPTY) == (
        RuleFinding(Lane.SCREEN, Reason("blind")),
        RuleFinding(Lane.AUDIO, Reason("blind")),
    )
