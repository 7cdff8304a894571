"""Which categories a call has and why: by example, and random rules over random calls against a naive matcher."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from review.analysis.categories.backtest import Tried, backtest
from review.analysis.categories.match import MOST_HITS, Because, Found, find, for_retention
from review.analysis.categories.model import Categories
from review.analysis.spans import SECOND, Span
from review.analysis.spoken import Call, Party, Speech
from tests.review.analysis.categories.naive import Naive, Rule, calls, phrase_rules, rules
from tests.review.analysis.categories.written import rule, written
from tests.review.analysis.raster import Word

FONDS = {"said": "fonds", "by": "agent", "near": "empfehle"}


def says(text: str, by: Party = Party.AGENT, start: int = 0) -> dict[Party, list[Word]]:
    """A word a second."""
    words = [Word(one, (start + at) * SECOND, (start + at + 1) * SECOND) for at, one in enumerate(text.split())]
    return {party: words if party is by else [] for party in Party}


def call(words: Any, end: int = 60, **more: Any) -> Call:
    masked = {Party.AGENT: more.pop("masked", ())}
    closed_by = frozenset(more.pop("closed_by", ()))
    return Call(Speech(0, end * SECOND, more.pop("agent", ()), (), **more), words, masked, closed_by)


def has(condition: Any, heard: Call) -> bool | None:
    return find(rule(condition), heard)[0].holds


# -- against the naive matcher --------------------------------------------------------------------------------------


@given(rules, calls())
def test_a_category_holds_where_the_naive_matcher_says_so(condition: Rule, heard: Call) -> None:
    assert find(rule(condition), heard)[0].holds is Naive(heard).holds(condition)


@given(phrase_rules, calls())
def test_a_hit_is_where_the_naive_matcher_finds_it(condition: Rule, heard: Call) -> None:
    hits = list(Naive(heard).hits(condition))
    found = find(rule(condition), heard)[0]
    spans = {(one.party, *one.span) for one in found.because if one.party and one.span}
    assert spans == set(hits) if len(hits) <= MOST_HITS else spans <= set(hits)
    assert bool(spans) is bool(hits)


@given(rules, calls())
def test_a_category_that_does_not_hold_has_no_reason(condition: Rule, heard: Call) -> None:
    found = find(rule(condition), heard)[0]
    assert bool(found.because) is (found.holds is True)


# -- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "heard", "found"),
    [
        ("fonds", "Fonds,", True),
        ("fonds", "FONDS!", True),
        ("fonds", "Aktienfonds", False),
        ("*fonds", "Aktienfonds", True),
        ("*fonds", "Fondssparplan", False),
        ("*fonds*", "Aktienfondssparplan", True),
        ("fonds", "Deka-Fonds", True),
        ("deka fonds", "Deka-Fonds", True),
        ("Deka-Fonds", "deka fonds", True),
        ("kündig*", "Kündigung", True),
        ("kündig*", "kündigen", True),
        ("kündig*", "ku\u0308ndigen", True),  # ü in two signs
        ("kündig*", "gekündigt", False),
        ("*kündig*", "gekündigt", True),
        ("empfehl*", "empfiehlt", False),  # another stem: to be written beside it
        ("straße", "STRASSE", True),
        ("geht's", "gehts", True),
        ("geht's", "geht\u2019s", True),
        ("risiko", "Risiko. Sehr", True),
        ("sehr hohes risiko", "Ein sehr hohes Risiko", True),
        ("sehr risiko", "Ein sehr hohes Risiko", False),
    ],
)
def test_what_a_word_fits(said: str, heard: str, found: bool) -> None:
    assert has({"said": said}, call(says(heard))) is found


def test_a_hit_says_which_words_and_when() -> None:
    found = find(rule(FONDS), call(says("Da empfehle ich Ihnen den Deka-Fonds.", start=3)))[0]
    because = Because('agent: "Deka-Fonds." near "empfehle"', "a.yaml:2:24", Party.AGENT, Span(4 * SECOND, 9 * SECOND))
    assert found == Found("c", True, (because,))


@pytest.mark.parametrize(("between", "found"), [(2, True), (3, False)])
def test_near_counts_the_words_between(between: int, found: bool) -> None:
    for text in (f"empfehle {'x ' * between}fonds", f"fonds {'x ' * between}empfehle"):
        hits = find(rule({**FONDS, "within": 2}), call(says(text)))[0].because
        assert [one.says for one in hits] == ['agent: "fonds" near "empfehle"'] * found


def test_near_is_another_word_of_the_same_party() -> None:
    assert has({"said": "fonds", "near": "fond*"}, call(says("fonds"))) is False
    assert has({"said": "fonds", "near": "fond*"}, call(says("fonds fonds"))) is True
    both = {**says("fonds"), Party.CUSTOMER: says("empfehle")[Party.AGENT]}
    assert has({"said": "fonds", "near": "empfehle"}, call(both)) is False


def test_a_masked_word_matches_nothing_and_is_not_jumped_over() -> None:
    heard = call(says("mein Konto 4711 ist leer"), masked=(Span(2 * SECOND, 3 * SECOND),))
    assert has({"said": "4711"}, heard) is False
    assert has({"said": "konto ist"}, heard) is False
    assert has({"said": "konto", "near": "ist", "within": 1}, heard) is True
    partly = call(says("mein Konto 4711"), masked=(Span(2 * SECOND + SECOND // 2, 9 * SECOND),))
    assert has({"said": "4711"}, partly) is False
    assert has({"not": {"said": "4711"}}, partly) is True


def test_a_phrase_does_not_reach_across_closed_time() -> None:
    heard = says("ich empfehle")
    heard[Party.AGENT] += says("den Fonds", start=20)[Party.AGENT]
    assert has({"said": "empfehle den fonds"}, call(heard)) is True
    assert has({"said": "empfehle den fonds"}, call(heard, closed=(Span(5 * SECOND, 6 * SECOND),))) is False


def test_closed_time_is_not_heard() -> None:
    assert has({"said": "fonds"}, call(says("fonds", start=5), closed=(Span(5 * SECOND, 6 * SECOND),))) is False
    assert has({"said": "fonds"}, call(says("fonds", start=6), closed=(Span(5 * SECOND, 6 * SECOND),))) is True


def test_a_word_without_a_length_is_masked_where_it_begins() -> None:
    heard = {Party.AGENT: [Word("4711", 2 * SECOND, 2 * SECOND)]}
    assert has({"said": "4711", "by": "agent"}, call(heard, masked=(Span(2 * SECOND, 3 * SECOND),))) is False
    assert has({"said": "4711", "by": "agent"}, call(heard, masked=(Span(SECOND, 2 * SECOND),))) is True


@pytest.mark.parametrize(
    ("window", "start", "found"),
    [
        ({"first": "30s"}, 29, True),
        ({"first": "30s"}, 30, False),
        ({"last": "20s"}, 40, True),
        ({"last": "20s"}, 39, False),
    ],
)
def test_first_and_last_seconds(window: Rule, start: int, found: bool) -> None:
    assert has({"said": "fonds", **window}, call(says("fonds", start=start))) is found


# -- the rest -------------------------------------------------------------------------------------------------------


def test_silence_overlap_length_and_closed_by() -> None:
    quiet = call({}, agent=(Span(0, 10 * SECOND),), closed=(Span(20 * SECOND, 40 * SECOND),), closed_by=["cards"])
    assert (has({"silence": "over 19s"}, quiet), has({"silence": "over 20s"}, quiet)) == (True, False)
    assert (has({"silence": "over 5s", "first": "10s"}, quiet), has({"silence": "over 5s", "first": "11s"}, quiet)) == (
        False, True,
    )  # fmt: skip
    assert (has({"silence": "over 5s", "last": "20s"}, quiet), has({"silence": "over 5s", "last": "19s"}, quiet)) == (
        True, False,
    )  # fmt: skip
    assert has({"overlap": "over 1s"}, quiet) is False
    assert (has({"length": "over 59s"}, quiet), has({"length": "over 1m"}, quiet)) == (True, False)
    assert (has({"length": "under 61s"}, quiet), has({"length": "under 1m"}, quiet)) == (True, False)
    assert (has({"closed_by": ["cards", "x"]}, quiet), has({"closed_by": ["x"]}, quiet)) == (True, False)
    found = find(rule({"silence": "over 19s"}), quiet)[0].because
    assert found == (Because("silence of 20 s", "a.yaml:2:24", None, Span(40 * SECOND, 60 * SECOND)),)


def test_what_a_missing_channel_would_decide_is_not_known() -> None:
    heard = call({Party.AGENT: says("fonds")[Party.AGENT]})
    assert has({"said": "fonds"}, heard) is True
    assert has({"said": "x"}, heard) is None
    assert has({"not": {"said": "x"}}, heard) is None
    assert has({"all": [{"said": "x"}, {"said": "y", "by": "agent"}]}, heard) is False
    assert has({"said": "x", "by": "agent"}, heard) is False
    assert find(rule({"said": "x"}), heard)[0] == Found("c", None)


def test_not_says_what_was_not_there() -> None:
    condition = {"all": [FONDS, {"not": {"said": ["risik*", "verlust*"], "by": "agent", "first": "90s"}}]}
    found = find(rule(condition), call(says("empfehle Fonds")))[0]
    assert [(one.says, one.span is None) for one in found.because] == [
        ('not (the agent says "risik*" or "verlust*" in the first 90 s)', True),
        ('agent: "Fonds" near "empfehle"', False),
    ]


def test_only_the_earliest_hits_are_listed() -> None:
    found = find(rule({"said": ["ja", "ja ja"]}), call(says("ja " * 50, start=0)))[0]
    assert [one.span.start_ns // SECOND for one in found.because if one.span] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


# -- back-test ------------------------------------------------------------------------------------------------------


def test_a_backtest_says_which_are_new_and_which_go() -> None:
    before = written("category: { a: { any: [{ said: fonds }] }, gone: { any: [{ said: ja }] } }")
    after = written("category: { a: { any: [{ said: aktie* }] }, b: { not: { said: ja, by: customer } } }")
    heard = [
        ("one", call(says("fonds ja"))),
        ("two", call(says("aktien"))),
        ("three", call(says("fonds aktie"))),
        ("four", call({Party.AGENT: says("fonds")[Party.AGENT]})),
    ]
    assert backtest(after, before, heard) == {
        "a": Tried(having=2, unknown=1, new_in=("two",), no_longer_in=("one",)),
        "b": Tried(having=3, unknown=1, new_in=("one", "two", "three")),
        "gone": Tried(no_longer_in=("one",)),
    }
    assert backtest(after, Categories(), heard)["a"].new_in == ("two", "three")


def test_for_retention_nothing_is_taken_away() -> None:
    found = [Found("a", True), Found("b", False), Found("c", None)]
    assert for_retention(frozenset({"b", "d"}), found) == {"a", "b", "c", "d"}
