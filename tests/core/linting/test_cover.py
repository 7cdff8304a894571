"""Does one condition name all that another names: certain where it says so, for whatever it is asked about."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.core.linting.cover import contradiction, covers
from agent.core.matching.match import PageSight, WindowSight, fits
from agent.core.matching.ternary import Ternary
from agent.core.matching.text import fold
from agent.core.model.rules import AllOf, Attribute, Matcher
from agent.core.model.seen import Blind, Page


def app(*patterns: str) -> Matcher:
    return Matcher(Attribute.APP, patterns)


def title(*patterns: str) -> Matcher:
    return Matcher(Attribute.TITLE, patterns)


def url(*patterns: str) -> Matcher:
    return Matcher(Attribute.URL, patterns)


def field(*patterns: str) -> Matcher:
    return Matcher(Attribute.FIELD, patterns)


def css(*patterns: str) -> Matcher:
    return Matcher(Attribute.CSS, patterns)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (app("epic*"), app("epic")),
        (app("epic*"), app("Epic.exe")),
        (app("*"), app("a", "b*")),
        (app("a*c"), app("ab*c")),
        (app("?pic"), app("epic")),
        (app("?pic"), app("?pic")),
        (app("a", "b*"), app("bcd")),
        (title("*chart*"), title("*the chart of*")),
        (title("*"), title("epic")),
        (app("epic"), AllOf((app("epic"), title("*chart*")))),
        (AllOf((app("epic*"), title("*"))), AllOf((app("epic"), title("*chart*")))),
        (url("stripe.com"), url("js.stripe.com/v3")),
        (url("stripe.com"), url("https://stripe.com")),
        (url("stripe.com"), url(".stripe.com")),
        (url("*"), url("stripe.com")),
        (url("*"), url("file:///a")),
        (url("*/pay"), url("shop.example/pay/card")),
        (url("shop.example/*/pay"), url("shop.example/en/*/pay/now")),
        (url("shop.example?step=*"), url("shop.example?step=pay&a=b")),
        (url("shop.example?step=p*"), url("shop.example?step=pa*")),
        (url("shop.example#/pay"), url("shop.example#/pay/2")),
        (url("shop.example"), url("shop.example:8080")),
        (url("about:*"), url("about:blank")),
        (field("cc-number", "cc-csc"), field("cc-csc")),
        (css("#pan"), css("#pan")),
    ],
)
def test_covers(wide: Matcher | AllOf, narrow: Matcher | AllOf) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (app("epic"), app("epic*")),
        (app("?pic"), app("*pic")),
        (app("epic"), app("epic", "till")),
        (app("epic"), title("epic")),
        (app("*"), url("stripe.com")),
        (url("*"), app("epic")),
        # "*" is a doubt for what cannot be read, and for a page without an address of its own
        (title("*"), app("epic")),
        (AllOf((app("*"), title("*"))), app("epic")),
        (url("*"), field("cc-csc")),
        (url("*"), url("about:blank")),
        (url("*"), url("data:*")),
        (css("*"), url("stripe.com")),
        (AllOf((app("epic"), title("*chart*"))), app("epic")),
        (url("js.stripe.com"), url("stripe.com")),
        (url(".stripe.com"), url("stripe.com")),
        (url("stripe.com"), url("notstripe.com")),
        (url("stripe.com"), url("*")),
        (url("https://stripe.com"), url("stripe.com")),
        (url("stripe.com:443"), url("stripe.com")),
        (url("shop.example/pay/card"), url("shop.example/pay")),
        (url("shop.example/en/*/pay"), url("shop.example/*/pay")),
        (url("shop.example?step=pay"), url("shop.example?step=p*")),
        (url("shop.example?step=pay"), url("shop.example")),
        (url("shop.example#/pay"), url("shop.example#/p")),
        (url("about:blank"), url("about:*")),
        (url("about:*"), url("stripe.com")),
        (url("https://*"), url("stripe.com")),
        (url("https://*"), field("cc-csc")),
        (field("cc-csc"), field("cc-csc", "cc-number")),
        (field("cc-csc"), css("#pan")),
        (css("#pan"), css("#pan2")),
    ],
)
def test_does_not_cover(wide: Matcher | AllOf, narrow: Matcher | AllOf) -> None:
    assert not covers(wide, narrow)


GLOBS = st.text("ab*?", max_size=6)
TEXTS = st.text("ab", max_size=6)


@given(GLOBS, GLOBS, TEXTS)
@example("a?", "a?", "ab")
def test_whatever_fits_the_covered_fits_the_covering(wide: str, narrow: str, text: str) -> None:
    sight = WindowSight("app", fold(text), cut=False)
    if covers(title(wide), title(narrow)) and fits(title(narrow), sight) is Ternary.YES:
        assert fits(title(wide), sight) is Ternary.YES


MEMBERS = st.lists(st.builds(Matcher, st.sampled_from([Attribute.APP, Attribute.TITLE]), st.tuples(GLOBS)), min_size=1)
CONDITIONS = MEMBERS.map(lambda members: members[0] if len(members) == 1 else AllOf(tuple(members)))
READ = TEXTS.map(fold) | st.sampled_from([Blind.NO_TITLE])


@given(CONDITIONS, CONDITIONS, READ, READ)
@example(title("*"), app("a"), "a", Blind.NO_TITLE)
def test_what_is_covered_is_covered_also_where_a_part_is_unread(
    wide: Matcher | AllOf, narrow: Matcher | AllOf, called: str | Blind, titled: str | Blind
) -> None:
    sight = WindowSight(called, titled, cut=False)
    if covers(wide, narrow) and fits(narrow, sight) is Ternary.YES:
        assert fits(wide, sight) is Ternary.YES


@given(GLOBS, GLOBS, TEXTS)
def test_nothing_fits_both_sides_of_a_contradiction(one: str, other: str, text: str) -> None:
    sight = WindowSight("app", fold(text), cut=False)
    if contradiction(AllOf((title(one), title(other)))):
        assert Ternary.NO in {fits(title(one), sight), fits(title(other), sight)}


ADDRESSES = st.sampled_from([
    "https://pay.example/a/b?x=1&y=2#/c", "http://eu.pay.example:8080/a", "https://example/", "about:blank",
    "https://pay.example/b/a?x=12", "file:///a/b",
])  # fmt: skip
PATTERNS = st.sampled_from([
    "*", "example", "pay.example", ".pay.example", "https://pay.example", "pay.example:8080", "pay.example/a",
    "pay.example/*/b", "*/a", "*/a/b", "pay.example?x=1", "pay.example?x=1*", "pay.example#/c", "about:*", "file:///a",
    "about:blank", "https://*",
])  # fmt: skip


@given(PATTERNS, PATTERNS, ADDRESSES)
@example("*", "about:*", "about:blank")
def test_whatever_address_fits_the_covered_fits_the_covering(wide: str, narrow: str, address: str) -> None:
    sight = PageSight.of(Page((address,)))
    if covers(url(wide), url(narrow)) and fits(url(narrow), sight) is Ternary.YES:
        assert fits(url(wide), sight) is Ternary.YES


@pytest.mark.parametrize(
    "members",
    [
        (app("epic"), app("till")),
        (app("epic*"), title("x"), app("till*")),
        (title("Chart of ?"), title("Chart of")),
        (app("a", "b"), app("c", "d*")),
    ],
)
def test_contradictions(members: tuple[Matcher, ...]) -> None:
    assert contradiction(AllOf(members))


@pytest.mark.parametrize(
    "members",
    [
        (app("epic*"), app("*ic")),
        (app("epic"), title("till")),
        (app("a", "b"), app("B")),
        (url("a.example"), url("b.example")),  # a page has frames
        (title("*a"), title("b*")),
        (title("a?c"), title("*b*")),
    ],
)
def test_no_contradictions(members: tuple[Matcher, ...]) -> None:
    assert contradiction(AllOf(members)) is None
