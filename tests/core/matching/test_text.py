"""Names and titles are compared whole, and as a reader sees them."""

from __future__ import annotations

import re
import sys
import unicodedata
from itertools import product
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.matching.text import fold, fold_app, fold_case, glob, may_go_on


@pytest.mark.parametrize(
    ("title", "same"),
    [
        ("Patient Chart", "patient chart"),
        ("Patient\u00a0chart\u202f: Doe", "patient chart : doe"),  # French spaces
        ("Patient chart \u2013 Epic", "patient chart - epic"),  # a dash for a hyphen
        ("Inbox - Microsoft\u200b Edge", "inbox - microsoft edge"),  # as Edge titles every window
        ("\u200fMail\u200e", "mail"),  # marks of direction
        ("sal\u00adary", "salary"),  # a soft hyphen
        ("\u260e\ufe0f Call", "\u260e Call"),  # an emoji's variation selector
        ("sal\u034fary", "salary"),  # a combining grapheme joiner
        ("sal\u3164ary\uffa0\u115f", "salary"),  # Hangul fillers
        ("sal\U000e0101ary", "salary"),
        ("sal\x01ary\x7f", "salary"),  # control characters, also where all else is ASCII
        ("sal\x9bary", "salary"),
        ("  two \t lines\n", "two lines"),
        ("STRASSE", "stra\u00dfe"),
        ("\uff23\uff41\uff52\uff44", "card"),
        ("Cafe\u0301", "caf\u00e9"),
        ("\u0130stanbul", "i\u0307stanbul"),
    ],
)
def test_what_looks_alike_is_alike(title: str, same: str) -> None:
    assert fold(title) == fold(same)


@pytest.mark.parametrize(
    "unseen",
    [
        *("\ufe0f", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u3164", "\uffa0", "\ufff3", "\U000e0101"),
        *("\0", "\x07", "\x1b", "\x1c", "\x7f", "\x80", "\x9f"),
    ],
)
def test_what_no_reader_sees_hides_no_title(unseen: str) -> None:
    assert fold(f"\u260e{unseen} Ca{unseen}ll{unseen}") == "\u260e call"


@pytest.mark.slow(reason="each of Unicode's characters is folded")
def test_of_all_characters_those_that_cannot_be_seen_are_passed_over_and_no_others() -> None:
    """By names and categories; tests/browser compares with the browser's table."""
    named = re.compile("VARIATION SELECTOR|GRAPHEME JOINER|HANGUL .*FILLER|KHMER VOWEL INHERENT")
    seen, unlike = [], []
    for character in map(chr, range(sys.maxunicode + 1)):
        category = unicodedata.category(character)
        if category == "Cn":
            continue  # some places are kept free for such characters
        unseen = category in {"Cf", "Cc"} and not character.isspace()
        unseen |= bool(named.search(unicodedata.name(character, "")))
        unseen |= "\x1c" <= character <= "\x1f"  # spaces to Python, not to Unicode
        if not unseen:
            seen.append(character)
        elif fold(f"ca{character}ll") != "call":
            unlike.append(character)
    # Hundreds of thousands can be seen. Many are folded as one text, each in a word of its own: "a" would be one.
    for first in range(0, len(seen), 500):
        some = seen[first : first + 500]
        if "a" in fold(" ".join(f"a{character}" for character in some)).split(" "):
            unlike += [character for character in some if fold(f"ca{character}ll") == "call"]
    assert unlike == []


def test_a_word_among_many_is_folded_as_it_is_alone() -> None:
    assert fold("a\u00e9 a\u200b b\u3164").split(" ") == ["a\u00e9", "a", "b"]


def test_white_space_between_words_is_one_space_and_none_around() -> None:
    assert fold("\u00a0 two \t lines\n") == "two lines"


def test_an_addresss_parts_are_alike_without_case_and_nothing_else() -> None:
    assert fold_case("STRASSE") == fold_case("stra\u00dfe") == "strasse"
    assert fold_case("Cafe\u0301") == fold_case("caf\u00e9")
    assert fold_case("a\u200bb") != fold_case("ab")
    assert fold_case("\uff41") != fold_case("a")


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold_case(fold_case(text)) == fold_case(text)


@given(st.text())
def test_case_never_matters(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


def test_a_programs_name() -> None:
    assert fold_app("Slack.EXE") == "slack" == fold_app("slack")


@pytest.mark.parametrize(
    ("pattern", "title", "fits"),
    [
        ("chart", "chart", True),
        ("chart", "my chart", False),
        ("*chart*", "my chart of today", True),
        ("chart*", "my chart", False),
        ("*chart", "my chart", True),
        ("ch?rt", "chart", True),
        ("ch?rt", "chaart", False),
        ("*a*b*", "xxaxxbxx", True),
        ("*a*b*", "xxbxxaxx", False),
        ("*ab", "ababab", True),
        ("a*a", "a", False),
        ("**", "", True),
        ("[abc]", "[abc]", True),
        ("[abc]", "a", False),
        ("a.c", "abc", False),
        ("*", "two\nlines", True),
    ],
)
def test_wildcards(pattern: str, title: str, fits: bool) -> None:
    assert bool(glob((pattern,)).fullmatch(title)) is fits


def test_one_of_several_patterns_is_enough() -> None:
    assert glob(("a", "b*")).fullmatch("bcd")
    assert not glob(("a", "b*")).fullmatch("ab")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=12))
def test_wildcards_against_a_slow_and_simple_judge(pattern: str, title: str) -> None:
    def judge(pattern: str, title: str) -> bool:
        if not pattern:
            return not title
        if pattern[0] == "*":
            return any(judge(pattern[1:], title[skipped:]) for skipped in range(len(title) + 1))
        return bool(title) and pattern[0] in ("?", title[0]) and judge(pattern[1:], title[1:])

    assert bool(glob((pattern,)).fullmatch(title)) is judge(pattern, title)


def test_no_title_makes_a_comparison_slow() -> None:
    """With backtracking this would run for years: pytest's time limit is the judge."""
    assert not glob(("*a*a*a*a*a*a*a*a*a*b",)).fullmatch("a" * 100_000)


@given(st.text("ab*?", max_size=5), st.text("ab", max_size=4))
def test_a_text_may_go_on_if_any_that_begins_so_fits(pattern: str, beginning: str) -> None:
    ends = ("".join(signs) for length in range(6) for signs in product("ab", repeat=length))
    assert may_go_on((pattern,), beginning) is any(glob((pattern,)).fullmatch(beginning + end) for end in ends)


@pytest.mark.parametrize("whole", ["caf\u00e9s", "\u1ec7", "x\u0323\u0301y", "\uac01!", "a*\u00e9", "caf\u00e9*"])
def test_a_text_may_be_cut_before_or_between_its_accents(whole: str) -> None:
    apart = normalize("NFD", whole.partition("*")[0])
    assert all(may_go_on((fold(whole),), fold(apart[:at])) for at in range(1, len(apart) + 1))


def test_another_letter_is_no_accent() -> None:
    assert not may_go_on(("caf\u00e9",), "cafa")
    assert not may_go_on(("caf\u00e9s",), "cafes")
    assert not may_go_on(("cay",), "caf\u0301")
    assert may_go_on(("cafy",), "caf\u0301")


def test_a_whole_name_begins_like_itself() -> None:
    assert may_go_on(("till",), "till.exe")
    assert not may_go_on(("till",), "till.exe2")
