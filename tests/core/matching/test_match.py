"""Matchers against windows and pages: whole values, no substrings, doubt where something is unread."""

from __future__ import annotations

import pytest

from agent.core.matching.match import (
    PAGE_ATTRIBUTES,
    WINDOW_ATTRIBUTES,
    PageSight,
    WindowSight,
    any_of,
    attributes,
    fits,
    searched_for,
)
from agent.core.matching.ternary import Ternary
from agent.core.model.rules import AllOf, Attribute, Matcher, Policy, Rule
from agent.core.model.seen import Blind, Box, Page, Window

NO, DOUBT, YES = Ternary.NO, Ternary.DOUBT, Ternary.YES


def app(*patterns: str) -> Matcher:
    return Matcher(Attribute.APP, patterns)


def title(*patterns: str) -> Matcher:
    return Matcher(Attribute.TITLE, patterns)


def url(*patterns: str) -> Matcher:
    return Matcher(Attribute.URL, patterns)


def window(app: str | Blind = "epic", title: str | Blind = "Doe - chart") -> WindowSight:
    return WindowSight.of(Window(1, app, title, 1, Box(0, 0, 1, 1), shown=True))


def page(*urls: str, fields: tuple[str, ...] = (), selectors: tuple[str, ...] = ()) -> PageSight:
    return PageSight.of(Page(urls, frozenset(fields), frozenset(selectors)))


@pytest.mark.parametrize(
    ("matcher", "sight", "said"),
    [
        (app("epic"), window("Epic"), YES),
        (app("EPIC.exe"), window("epic"), YES),
        (app("epic"), window("epic.exe"), YES),
        (app("epi?"), window("epic"), YES),
        (app("epi"), window("epic"), NO),
        (app("x", "epic*"), window("EpicHyperdrive"), YES),
        (app("patient-records-viewer"), window("patient-records\u2026"), DOUBT),
        (app("patient-records-viewer"), window("patient-records"), NO),
        (app("x", "Patient-Records"), window("patient-records\u2026"), YES),
        (app("patient-*"), window("patient-records\u2026"), YES),
        (app("*-viewer"), window("patient-records\u2026"), DOUBT),
        (app("p*t-r*s?view*r"), window("patient-records\u2026"), DOUBT),
        (app("patient-recordings"), window("patient-records\u2026"), NO),
        (app("patient"), window("patient-records\u2026"), NO),
        (app("HospitalViewer"), window("HospitalViewer.\u2026"), DOUBT),
        (app("hospitalvie?"), window("hospitalview.ex\u2026"), DOUBT),
        (app("hospital"), window("hospitalview.ex\u2026"), NO),
        (app("till"), window("till.exe!\u2026"), NO),
        (app("patient!-records"), window("patient-records\u2026"), NO),
        (app("*"), window("patient-records\u2026"), YES),
        (app("epic"), window(Blind.NO_PROCESS), DOUBT),
        (app("*"), window(Blind.NO_PROCESS), DOUBT),
        (title("*CHART"), window(), YES),
        (title("chart"), window(), NO),
        (title("*chart - *"), window(title="Doe - Chart \u2013 Epic"), YES),
        (title("*chart"), window(title=Blind.NO_TITLE), DOUBT),
        (title(""), window(title=""), YES),
        (url("*"), window(), NO),
        (app("*"), page("https://example.com"), NO),
        (url("example.com"), page("https://www.example.com/"), YES),
        (url("example.com"), page("https://shop.example.org/", "https://example.com/"), YES),
        (url("example.com", "example.org"), page("https://example.org/"), YES),
        (url("example.com"), page("https://shop.example.org/"), NO),
        (Matcher(Attribute.FIELD, ("cc-csc",)), page("https://a.example", fields=("email", "CC-CSC")), YES),
        (Matcher(Attribute.FIELD, ("cc-csc",)), page("https://a.example", fields=("email",)), NO),
        (Matcher(Attribute.CSS, ("#pan", ".cvv")), page("https://a.example", selectors=(".cvv",)), YES),
        (Matcher(Attribute.CSS, ("#pan",)), page("https://a.example", selectors=("#PAN",)), NO),
        (AllOf((app("epic"), title("*chart*"))), window(), YES),
        (AllOf((app("epic"), title("inbox"))), window(), NO),
        (AllOf((app("epic"), title("*chart*"))), window(title=Blind.NO_TITLE), DOUBT),
        (AllOf((app("notes"), title("*chart*"))), window(title=Blind.NO_TITLE), NO),
        (AllOf((url("a.example"), Matcher(Attribute.FIELD, ("cc-csc",)))), page("https://a.example"), NO),
    ],
)
def test_matchers(matcher: Matcher | AllOf, sight: WindowSight | PageSight, said: Ternary) -> None:
    assert fits(matcher, sight) is said


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ((), DOUBT),  # a page that tells no address at all
        (("",), DOUBT),
        (("about:blank",), DOUBT),  # its opener may have written a form into it
        (("data:text/html,x",), DOUBT),
        (("https://shop.example", "about:blank", "about:srcdoc", "data:,x"), NO),  # made by the page around them
        (("https://shop.example", "https://exa mple.com"), DOUBT),
        (("https://shop.example", "https://exa mple.com", "https://pay.example"), YES),
    ],
)
def test_frames(urls: tuple[str, ...], said: Ternary) -> None:
    assert fits(url("pay.example"), page(*urls)) is said


def test_what_opens_looks_at_the_pages_own_address_only() -> None:
    sight = page("https://shop.example", "https://pay.example")
    assert fits(url("pay.example"), sight) is YES
    assert fits(url("pay.example"), sight.own_address_only()) is NO
    assert fits(url("shop.example"), sight.own_address_only()) is YES


@pytest.mark.parametrize(
    ("pattern", "called", "said"),
    [
        ("patient-records", "patient-records\u2026", DOUBT),
        ("patient-record?", "patient-records\u2026", DOUBT),
        ("*-records", "patient-records\u2026", DOUBT),
        ("patient-*", "patient-records\u2026", YES),
        ("patient-recordings", "patient-records\u2026", NO),
        ("patient-records", "patient-records", YES),
        ("patient-records", Blind.NO_PROCESS, DOUBT),
    ],
)
def test_what_opens_asks_for_a_whole_name(pattern: str, called: str | Blind, said: Ternary) -> None:
    assert fits(app(pattern), window(called).whole_name_only()) is said


def test_a_title_is_needed_unless_it_is_said_otherwise() -> None:
    untitled = Window(1, "epic", Blind.NO_TITLE, 1, Box(0, 0, 1, 1), shown=True)
    assert WindowSight.of(untitled).title is Blind.NO_TITLE


def test_one_condition_of_several_is_enough() -> None:
    assert any_of((app("x"), app("epic")), window()) is YES
    assert any_of((), window()) is NO


def test_what_is_looked_at_is_a_windows_or_a_pages_and_never_both() -> None:
    assert set(Attribute) - {Attribute.EXTENSION} == WINDOW_ATTRIBUTES | PAGE_ATTRIBUTES
    assert not WINDOW_ATTRIBUTES & PAGE_ATTRIBUTES


def test_a_page_without_any_address_is_like_one_whose_address_says_nothing() -> None:
    assert page() == page("") == page("https://exa mple.com")


def test_what_a_condition_looks_at() -> None:
    assert attributes(app("x")) == {Attribute.APP}
    assert attributes(AllOf((app("x"), title("y")))) == {Attribute.APP, Attribute.TITLE}


def test_pages_are_searched_for_what_a_policy_names_anywhere() -> None:
    number, either = Matcher(Attribute.FIELD, ("cc-number",)), Matcher(Attribute.FIELD, ("cc-number", "cc-csc"))
    pay, done, call = (Matcher(Attribute.CSS, (of,)) for of in (".pay", "#done", ".call"))
    rule = Rule(0, "cards", "PCI", any=(number, AllOf((url("shop.example"), pay))), unless=(done,))
    policy = Policy("h", 1, "test", (rule,), record_when=(call,), allow_unseen=(either,))
    assert searched_for(policy) == (("cc-number", "cc-csc"), (".pay", "#done", ".call"))
    assert searched_for(Policy("h", 1, "test", ())) == ((), ())
