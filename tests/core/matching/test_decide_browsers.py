"""Pages, and the windows that draw them: judged by what a witness tells, and closed where nobody can look inside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.core.matching.decide import Verdict, decide, explain, reasons_of
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Effect, LaneEffect, Matcher, Policy, Reason, Rule
from agent.core.model.seen import Page, Scene
from tests.core.matching.judged import CARDS, CHART, NOTHING, closed, window
from tests.core.policies import policy, rule

# -- web engines and remote displays ------------------------------------------------------------------------------


def test_a_web_engine_without_a_witness_closes() -> None:
    browser = window("chrome", "Inbox - Chrome", engine=True)
    assert closed(CHART, browser) == (["web-engine"], ["web-engine"])
    assert closed(CHART, browser, accounted=frozenset({2}))[0] == ["web-engine"]
    assert closed(CHART, browser, accounted=frozenset({1})) == NOTHING


def test_a_web_engine_in_the_background_counts_where_a_rule_looks_at_pages_there() -> None:
    hidden = window("chrome", "Inbox - Chrome", engine=True, shown=False)
    assert closed(CHART, hidden) == NOTHING
    assert closed(CARDS, hidden) == ([], ["web-engine"])
    mixed = rule("any: [{ app: [till] }, { url: [pay.example.com] }]\naudio: { pause: open }")
    assert closed(mixed, hidden) == ([], ["web-engine"])


def test_a_remote_display_closes() -> None:
    remote = window("wfica", "Epic - chart", remote=True)
    assert closed(CHART, remote) == (["remote-display"], ["remote-display"])
    # A minimised one still counts for the sound: the till may be open in it.
    assert closed(CHART, replace(remote, shown=False)) == ([], ["remote-display"])
    assert closed(rule("any: [app: [x]]"), replace(remote, shown=False)) == NOTHING


def test_both_at_once() -> None:
    assert closed(CHART, window("vdi", engine=True, remote=True))[0] == ["web-engine", "remote-display"]


# -- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page(("https://shop.example/",)), NOTHING),
        (Page(("https://pay.example.com/",)), (["cards"], ["cards"])),
        (Page(("https://shop.example/", "https://pay.example.com/")), (["cards"], ["cards"])),
        (Page(("https://shop.example/",), frozenset({"cc-csc"})), (["cards"], ["cards"])),
        (Page(("https://example.com/docs", "https://pay.example.com/")), NOTHING),
        # An advertisement that embeds the excepted page does not silence the rule.
        (Page(("https://pay.example.com/", "https://example.com/docs")), (["cards"], ["cards"])),
        (Page(("https://shop.example/", "https://pay.example.com/help")), (["cards"], ["cards"])),
        (Page(("about:blank",)), (["unreadable"], ["unreadable"])),
        (Page(("about:blank",), frozenset({"cc-csc"})), (["cards"], ["cards"])),
        (Page(("https://shop.example/", "about:blank")), NOTHING),
        (Page(("https://pay.example.com/",), parked=True), (["cards"], ["cards"])),  # its picture may come up
        (Page(("https://pay.example.com/",), shown=False), ([], ["cards"])),
        (Page(("https://shop.example/",), unread=True), (["unseen-page"], ["unseen-page"])),
    ],
)
def test_pages(page: Page, said: tuple[list[str], list[str]]) -> None:
    assert closed(CARDS, page) == said


def test_parked_tabs_may_be_allowed() -> None:
    allowing = replace(CARDS, parked_tabs_allowed=True)
    assert closed(allowing, Page(("https://pay.example.com/",), parked=True)) == ([], ["cards"])
    assert closed(allowing, Page(("https://pay.example.com/",)))[0] == ["cards"]


# -- what a browser witness says ----------------------------------------------------------------------------------


def test_a_witness_of_pages_alone_is_not_blind_for_having_none() -> None:
    assert decide(CARDS, Scene(pages_only=True)) == Verdict()
    assert [reason.id for reason in decide(CARDS, Scene()).screen] == ["blind"]


def test_a_page_that_did_not_answer_may_be_let_pass_by_its_address() -> None:
    allowing = policy(
        """
        rules:
          - id: cards
            why: PCI
            any:
              - field: [cc-csc]
        allow_unseen:
          - url: ["chrome://newtab"]
        """
    )
    newtab, settings = Page(("chrome://newtab",), unread=True), Page(("chrome://settings",), unread=True)
    assert closed(allowing, newtab) == NOTHING
    assert closed(allowing, newtab, settings) == (["unseen-page"], ["unseen-page"])
    findings = explain(allowing, Scene(pages=(newtab,), pages_only=True))
    assert {(finding.effect, finding.thing) for finding in findings} == {(Effect.RECORD, "page 0")}


def test_a_page_that_did_not_answer_counts_in_the_background_only_where_a_rule_would_look() -> None:
    hidden = Page(("https://shop.example/",), shown=False, unread=True)
    assert closed(CARDS, hidden) == ([], ["unseen-page"])
    assert closed(CHART, hidden) == NOTHING


def test_a_page_that_can_no_longer_be_followed_closes_whatever_is_allowed() -> None:
    assert closed(CARDS, Page((), unread=True))[0] == ["unreadable", "unseen-page"]


def test_parked_tabs_that_are_allowed_do_not_close_for_being_unread() -> None:
    parked = Page(("https://shop.example/",), parked=True, unread=True)
    assert closed(replace(CARDS, parked_tabs_allowed=True), parked)[0] == []
    assert closed(CARDS, parked)[0] == ["unseen-page"]


def test_an_accounted_window_is_no_web_engine_without_a_witness() -> None:
    browser = window("chromium", "Shop", id=7, engine=True)
    assert closed(CARDS, browser) == (["web-engine"], ["web-engine"])
    assert closed(CARDS, browser, accounted=frozenset({7})) == NOTHING


def test_a_page_is_judged_by_what_it_is_alone() -> None:
    cards = Rule(0, "cards", "", (Matcher(Attribute.URL, ("pay.example",)),))
    talk = Rule(
        1, "talk", "", (Matcher(Attribute.URL, ("chat.example",)),), lanes={Lane.SCREEN: LaneEffect(Effect.RECORD)}
    )
    policy = Policy("h", 1, "test", (cards, talk), record_when=(Matcher(Attribute.URL, ("crm.example",)),))
    assert reasons_of(policy, Page(("https://pay.example/",))) == (Reason("cards", 0),)
    assert reasons_of(policy, Page(("https://chat.example/",))) == ()  # it closes the sound alone
    assert reasons_of(policy, Page(("https://shop.example/",))) == ()  # that nothing is to be recorded is no secret
    assert Reason("unseen-page") in reasons_of(policy, Page(("https://shop.example/",), unread=True))
