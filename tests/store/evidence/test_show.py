"""Facts as words: times, sizes, and nothing that could move a cursor."""

from __future__ import annotations

import io
from datetime import date

import pytest
from rich.console import Console
from rich.text import Text

from store.clock import seconds
from store.evidence.account import BlindCause, Closed, Held, Kept, Missing, Part
from store.evidence.picture import bar, day_bar
from store.evidence.show import ago, iso, print_table, size, when
from store.evidence.timeline.days import Day
from store.evidence.timeline.device_timeline import TimelineSpan, What

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


def test_a_bar_shows_what_most_of_each_cell_was_and_all_that_is_missing() -> None:
    parts = [
        Part(0, 20, Kept()),
        Part(20, 24, Closed("p", (0,)), margin=True),
        Part(24, 40, Closed("p", (0,))),
        Part(40, 50, Held(("user",))),
        Part(50, 60, BlindCause("died")),
        Part(60, 99, Kept()),
        Part(99, 100, Missing("lost")),
    ]
    assert bar(parts, 10).plain == "██▓▓=?███!"
    assert bar(parts, 20).plain == "████░▓▓▓==??███████!"
    assert bar([], 10).plain == ""


def test_how_long_ago() -> None:
    now = 1_800_000_000 * SECOND
    passed = [0, 89, 90, 3600, 5400, 129_600, 700_000]
    words = ["0 s ago", "89 s ago", "2 min ago", "60 min ago", "2 h ago", "2 days ago", "8 days ago"]
    assert [ago(now - seconds * SECOND, now) for seconds in passed] == words
    assert (ago(None, now), ago(now + SECOND, now)) == ("-", "0 s ago")


# -- tables on narrow terminals -----------------------------------------------------------------------------------

ID = "110ab706-504c-4350-b149-d3e024adeffe"
HEADINGS = ("recording", "began", "kept", "")
ROWS = [(ID, "2026-11-26 18:10:11", "4.0 s", ""), ("b" * 36, "-", "12.5 min", Text("not whole", "red"))]


def lines_of(width: int, below: tuple[int, ...] = (0, 3)) -> list[str]:
    out = io.StringIO()
    print_table(HEADINGS, ROWS, numbers=(2,), below=below, out=Console(file=out, width=width, highlight=False))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_table_with_room_is_one_line_a_row() -> None:
    assert lines_of(100) == [
        "recording                             began                    kept",
        f"{ID}  2026-11-26 18:10:11     4.0 s",
        f"{'b' * 36}  -                    12.5 min  not whole",
    ]


def test_where_there_is_none_an_id_goes_below_in_one_piece() -> None:
    assert lines_of(60) == [
        "began                    kept",
        "2026-11-26 18:10:11     4.0 s",
        f"    recording {ID}",
        "-                    12.5 min",
        f"    recording {'b' * 36}",
        "    not whole",
    ]
    assert any(line.startswith("2026-11-26 ") for line in lines_of(60))
    assert len(lines_of(60, below=())) > 3  # where nothing may go below it is folded, and nothing is cut off


def test_a_sentence_below_is_broken_between_words_and_an_id_never() -> None:
    out = io.StringIO()
    rows = [("store", "signs receipts and access tokens: stays here, readable by the server alone", ID)]
    narrow = Console(file=out, width=40, highlight=False)
    print_table(("key", "what for", "id"), rows, below=(1, 2), out=narrow)
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "key",
        "store",
        "    what for signs receipts and access",
        "    tokens: stays here, readable by the",
        "    server alone",
        "    id",
        f"    {ID}",
    ]


def test_a_table_without_rows_is_its_headings_however_narrow() -> None:
    out = io.StringIO()
    print_table(HEADINGS, [], below=(0, 3), out=Console(file=out, width=20, highlight=False))
    assert "began" in out.getvalue()


def test_a_day_has_a_cell_for_each_hour_where_half_hours_have_no_room() -> None:
    day = Day(date(2026, 11, 26), 0, 24 * 3600 * SECOND)
    day.add(TimelineSpan(0, 3600 * SECOND, What.KEPT))
    day.add(TimelineSpan(3600 * SECOND, 5000 * SECOND, What.CLOSED))
    day.add(TimelineSpan(5000 * SECOND, 7200 * SECOND, What.HELD))
    day.add(TimelineSpan(7200 * SECOND, 7201 * SECOND, What.UNEXPLAINED))
    assert day_bar(day).plain[:6] == "██▓=! "
    assert day_bar(day, 24).plain[:4] == "█=! "
    assert [len(day_bar(day, cells).plain) for cells in (48, 24)] == [48, 24]
