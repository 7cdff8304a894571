"""What a browser makes of a tab's title, and what it does not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agent.core.proof.captions import DIRECTIONS, is_bare, is_untitled, same_title

HEBREW = "\u05d7\u05d3\u05e9\u05d5\u05ea"
ARABIC = "\u0623\u062e\u0628\u0627\u0631"
RIGHT_TO_LEFT = {"R", "AL"}
NUL = "\0"


def whole_letters(units: bytes) -> str:
    """The text of these units of UTF-16, where half a letter is U+FFFD."""
    return units.decode("utf-16-le", "replace")


def of_chromium(title: str, *, rtl_ui: bool = False) -> str:
    """As `base::i18n::AdjustStringForLocaleDirection` wraps it."""
    named = f"{whole_letters(title.encode('utf-16-le', 'surrogatepass'))} - Chromium"
    has_rtl = any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in named)
    if not (has_rtl or rtl_ui):
        return named
    mark, embedding = ("\u200f" if rtl_ui else "\u200e"), ("\u202b" if has_rtl else "\u202a")
    return f"{mark}{embedding}{named}\u202c{mark}"


def of_firefox(title: str) -> str:
    return f"{whole_letters(title.replace(NUL, '').encode('utf-16-le', 'surrogatepass')[:512])} \u2014 Mozilla Firefox"


letters = st.one_of(st.sampled_from(f"{HEBREW}{ARABIC}\u200e\u200f\u2067 \t\n\u00a0x\U0001f600"), st.characters())
titles = st.one_of(
    st.text(letters, max_size=12),
    st.builds(lambda some, times: some * times, st.text(letters, max_size=4), st.just(90)),
)


@given(titles, st.booleans())
@example(HEBREW, False)
@example(f"Shop {ARABIC} 123", False)
@example("0\ud800", False)
@example(f"Card{NUL} number", False)
def test_a_title_fits_the_window_that_a_browser_gives_it(title: str, rtl_ui: bool) -> None:
    assume(any(letter.isalnum() for letter in title))  # what shows nothing is waited for
    assume(NUL not in title or title.strip(NUL) == title)
    assert same_title(title.replace(NUL, ""), of_chromium(title.replace(NUL, ""), rtl_ui=rtl_ui))
    assert same_title(title, of_firefox(title))


@given(titles, titles)
@example("x" * 300, "x" * 256 + "y")
def test_a_title_fits_no_window_with_another(title: str, other: str) -> None:
    """Whatever is left of both without what cannot be seen: the one is where the other begins, or it does not fit."""
    wanted = _seen(title)
    for window in (of_chromium(other), of_firefox(other)):
        if same_title(title, window):
            cut = _seen(of_firefox(title).removesuffix(" \u2014 Mozilla Firefox"))
            assert any(f"{_seen(window)} ".startswith(f"{part} ") for part in (wanted, cut))


def _seen(title: str) -> str:
    """Letter by letter, another way than the code."""
    shown = ""
    for letter in title.replace("\0", ""):
        if letter.isspace():
            shown += "" if shown.endswith(" ") or not shown else " "
        elif unicodedata.bidirectional(letter) not in BIDI_CONTROLS and letter not in "\u200e\u200f\u061c":
            shown += "\ufffd" if unicodedata.category(letter) == "Cs" else letter
    return shown.rstrip()


BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    "long", ["x" * 257, "\u00e9" * 300, "\U0001f600" * 300, f"x{chr(0x1F600) * 200}", "word " * 80]
)
def test_firefox_cuts_at_256_units_of_utf_16(long: str) -> None:
    assert same_title(long, of_firefox(long))
    assert not same_title(long, of_firefox(long[:100]))
    assert not same_title(long, of_firefox(f"{long[:99]}-"))


def test_what_shows_nothing_fits_no_window() -> None:
    for nothing in ("", " \n", "\u200e", "\u202b\u202c", "\0"):
        assert not same_title(nothing, of_chromium("Shop"))
        assert not same_title(nothing, of_firefox(nothing))
        assert not same_title(nothing, "")


def test_a_word_is_not_a_part_of_another() -> None:
    assert not same_title("Shop", "Shopping - Chromium")
    assert not same_title(HEBREW, of_chromium(f"{HEBREW}{ARABIC}"))


def test_firefox_has_its_own_name_alone_for_want_of_a_title() -> None:
    assert is_bare("Mozilla Firefox")
    assert not is_bare("Mozilla Firefox Private Browsing")
    assert not is_bare("Firefox")  # what any window is called before it is one
    assert not is_bare(of_firefox("Mozilla Firefox"))


@pytest.mark.parametrize(
    ("title", "address", "untitled"),
    [
        ("shop.example/cart?a=1#b", "https://shop.example/cart?a=1#b", True),
        ("shop.example/a b", "https://shop.example/a%20b", True),
        ("New Tab", "about:newtab", True),
        ("Shop", "https://shop.example/", False),
        ("shop.example/cart", "https://shop.example/", False),
        ("", "https://", False),
        ("", "", False),
    ],
)
def test_a_tab_without_a_title_shows_its_address(title: str, address: str, untitled: bool) -> None:
    assert is_untitled(title, address) is untitled


@pytest.mark.parametrize("name", ["Mozilla Firefox", "Firefox Developer Edition", "Firefox Nightly"])
def test_a_window_of_any_firefox_without_a_title_has_its_name_alone(name: str) -> None:
    assert is_bare(name)
    assert not is_bare(f"Shop \u2014 {name}")


def test_all_that_only_sets_a_direction_is_left_out() -> None:
    """The characters with the property Bidi_Control of Unicode: those that embed or isolate, and three marks."""
    sets = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    marks = {ord("\u061c"), ord("\u200e"), ord("\u200f")}
    assert {one for one in range(0x110000) if unicodedata.bidirectional(chr(one)) in sets} | marks == set(DIRECTIONS)
