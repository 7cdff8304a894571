"""Numbers in foreign text: any text has an answer, however long it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.numbers import read_number, read_release


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_number_is_read_up_to_the_most(number: int, most: int) -> None:
    assert read_number(str(number), most) == (number if number <= most else None)


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    plain = text.isascii() and text.isdigit() and len(text) <= 40
    assert read_number(text, 10**40) == (int(text) if plain else None)


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1\n", "1_0", "1.0", "٣", "²", "9" * 5000, "0" * 5000])
def test_what_is_no_plain_number_is_none(text: str) -> None:
    assert read_number(text, 10**9) is None


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("0.1.0", (0, 1)),
        ("12.34", (12, 34)),
        ("1.2.x", (1, 2)),
        ("1", None),
        ("", None),
        ("1.", None),
        ("x.1", None),
        ("1.x", None),
        ("9" * 5000 + ".1", None),
        ("1." + "9" * 5000, None),
        ("0.٣", None),
    ],
)
def test_the_release_of_a_version(version: str, release: tuple[int, int] | None) -> None:
    assert read_release(version) == release
