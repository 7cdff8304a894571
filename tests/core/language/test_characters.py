"""Characters that an author did not mean as such are found, and those of real names and titles are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.language.characters import first_odd, is_odd, name_of, of_regular_expressions


@pytest.mark.parametrize(
    "text",
    [
        *(r"\d+", "[0-9]+", ".*Kreditkarte.*", "^", "a|b", "^sap$", "foo.+bar", r"a\.b", "(?i)karte", "[a-z]{2}"),
        *("card (no|number)", "x{3}", "karte.*$", r"\bcvc\b", "[A-Za-z0-9]*", r"\(new\)"),
    ],
)
def test_a_regular_expression_is_known_by_what_only_it_has(text: str) -> None:
    piece = of_regular_expressions(text)
    assert piece is not None
    assert piece in text


@pytest.mark.parametrize(
    "text",
    [
        *("Inbox | Mail", "Page [1-3] of 4", "*card*", "Price $", "(a) b", "file.*.pdf", "v1.2", "report.*", "D:*"),
        *("Invoices [2024-2025]", "C++", "What?", "shop.example.com/pay?step=*", "[::1]/pay", "a - b", "50% {draft}"),
    ],
)
def test_a_title_an_address_or_a_glob_is_none(text: str) -> None:
    assert of_regular_expressions(text) is None


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        ("pay.exa\u200bmple.com", 7, "a zero width space (U+200B)"),
        ("pay.exa\ufe0fmple.com", 7, "a variation selector-16 (U+FE0F)"),
        ("a\u00a0b", 1, "a no-break space (U+00A0)"),
        ("\u2013", 0, "an en dash (U+2013)"),
        ("\u201ecard\u201c", 0, "a double low-9 quotation mark (U+201E)"),
        ("wait\u2026", 4, "a horizontal ellipsis (U+2026)"),
    ],
)
def test_an_odd_character_is_named_with_its_place(text: str, place: int, name: str) -> None:
    assert first_odd(text) == place
    assert name_of(text[place]) == name


@given(st.text(st.characters(codec="ascii")) | st.sampled_from(["Übersicht", "Каталог", "目录", "Ödeme", "a'b"]))
def test_letters_of_any_language_are_not_odd(text: str) -> None:
    assert first_odd(text) is None


@given(st.characters())
def test_every_character_has_a_name(character: str) -> None:
    assert f"U+{ord(character):04X}" in name_of(character)
    assert isinstance(is_odd(character), bool)
