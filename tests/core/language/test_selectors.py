"""Which selectors are closed in themselves."""

from __future__ import annotations

from itertools import product

import pytest

from agent.core.language.selectors import first_open

PIECES = ("a", "'", '"', "\\", "/*", "*/", "(", ")", "[", "]", "\n")


def closes(text: str) -> bool:
    """The same by one state and one sign at a time, as CSS Syntax 3 consumes them."""
    state, brackets, place = "", "", 0
    while place < len(text):
        two, one = text[place : place + 2], text[place]
        place += 1
        if state == "comment":
            if two == "*/":
                state, place = "", place + 1
        elif one == "\\":
            if place == len(text) or (text[place] == "\n" and not state):
                return False
            place += 1
        elif state:
            if one == "\n":
                return False
            state = "" if one == state else state
        elif two == "/*":
            state, place = "comment", place + 1
        elif one in "\"'":
            state = one
        elif one in "([":
            brackets += one
        elif one in ")]":
            if brackets[-1:] != {")": "(", "]": "["}[one]:
                return False
            brackets = brackets[:-1]
    return not state and not brackets


def test_what_is_open_at_the_end_is_found_in_every_short_text() -> None:
    for length in range(6):
        for pieces in product(PIECES, repeat=length):
            text = "".join(pieces)
            assert (first_open(text) is None) == closes(text), text


@pytest.mark.parametrize(
    "selector",
    [
        "#pan",
        ".card-form > input:not([type=hidden i])",
        "[name='a]b(']",
        '[name="it\'s"]',
        "#a\\:b",
        "a/* ' ( */b",
        "li:nth-child(2n + 1 of .x)",
        r"[data-x='a\'b']",
    ],
)
def test_what_is_closed_is_no_mistake(selector: str) -> None:
    assert first_open(selector) is None
