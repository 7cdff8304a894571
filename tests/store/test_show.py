"""Facts as words: times, sizes, and nothing that could move a cursor."""

from __future__ import annotations

import pytest

from store.account import Blind, Closed, Held, Kept, Missing, Part
from store.picture import bar
from store.show import clean, iso, seconds, size, when

SECOND = 10**9


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0.0 s"),
        (1_250_000_000, "1.2 s"),
        (59 * SECOND, "59.0 s"),
        (65 * SECOND, "1:05 min"),
        (3723 * SECOND, "1:02:03 h"),
    ],
)
def test_lengths_of_time(ns: int, words: str) -> None:
    assert seconds(ns) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**9, "5.0 GB"),
        (7 * 10**15, "7000.0 TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words


def test_moments() -> None:
    assert (when(None), iso(None)) == ("-", None)
    assert iso(1_800_000_000 * SECOND + 5_000_000) == "2027-01-15T08:00:00.005+00:00"
    assert len(when(1_800_000_000 * SECOND)) == len("2027-01-15 08:00:00")


def test_clean() -> None:
    assert (
        clean("pc-7 ü [x]\x1b[2J\n\u202e") == "pc-7 ü [x]\N{REPLACEMENT CHARACTER}[2J" + "\N{REPLACEMENT CHARACTER}" * 2
    )


def test_a_bar_shows_what_most_of_each_cell_was_and_all_that_is_missing() -> None:
    parts = [
        Part(0, 20, Kept()),
        Part(20, 24, Closed("p", (0,)), margin=True),
        Part(24, 40, Closed("p", (0,))),
        Part(40, 50, Held(("user",))),
        Part(50, 60, Blind("died")),
        Part(60, 99, Kept()),
        Part(99, 100, Missing("lost")),
    ]
    assert bar(parts, 10).plain == "██▓▓=?███!"
    assert bar(parts, 20).plain == "████░▓▓▓==??███████!"
    assert bar([], 10).plain == ""
