"""Scenes as lines: what is written is read back, whatever it is, and what is none of it is refused by its number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.account.scenes import (
    LARGEST,
    Ended,
    GapCause,
    Hole,
    Line,
    Passing,
    ScenesError,
    Sighting,
    moved,
    read,
    written,
)
from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Box, Page, Scene, Window, WindowKind

NOTES = Window(1, "notes", "Notes", 10, Box(0, 0, 100, 100), shown=True)
FORM = Page(("https://shop.example/pay",), frozenset({"cc-csc"}))

whole = st.integers(-(2**40), 2**40)
words = st.text(max_size=8)
blind = st.sampled_from(Blind)
windows = st.builds(
    Window,
    id=whole,
    app=words | blind,
    title=words | blind,
    pid=whole | blind,
    box=st.builds(Box, whole, whole, whole, whole),
    shown=st.booleans(),
    focused=st.booleans(),
    kind=st.sampled_from(WindowKind),
    engine=st.booleans(),
    remote=st.booleans(),
)
pages = st.builds(
    Page,
    urls=st.lists(words, max_size=3).map(tuple),
    fields=st.frozensets(words, max_size=3),
    selectors=st.frozensets(words, max_size=3),
    shown=st.booleans(),
    parked=st.booleans(),
    unread=st.booleans(),
    extension=st.none() | words,
)
scenes = st.builds(
    Scene,
    windows=st.lists(windows, max_size=3).map(tuple),
    pages=st.lists(pages, max_size=3).map(tuple),
    accounted=st.frozensets(whole, max_size=3),
    pages_only=st.booleans(),
)
times = st.integers(0, 2**60)
witnesses = st.sampled_from((WINDOWS, BROWSERS))
lines = st.lists(
    st.builds(Sighting, times, witnesses, scenes | blind)
    | st.builds(Passing, times, witnesses, pages)
    | st.builds(Hole, times, st.sampled_from(GapCause))
    | st.builds(Ended, times),
    max_size=6,
)


def text_of(*chunks: list[Line], zero: int = 0) -> list[bytes]:
    return b"".join(written(chunk, zero) for chunk in chunks).splitlines()


@pytest.mark.slow(reason="two lists of whole scenes are drawn for each of a hundred tries")
@given(lines, lines, st.integers(0, 2**60))
def test_what_is_written_is_read_back_chunk_after_chunk(one: list[Line], other: list[Line], zero: int) -> None:
    """Also where two chunks number their windows and pages alike."""
    expected = sorted((moved(line, line.at - zero) for line in (*one, *other)), key=lambda line: line.at)
    assert list(read(text_of(one, other, zero=zero))) == expected


def test_each_kind_of_line_is_read_back() -> None:
    told: list[Line] = [
        Sighting(1, WINDOWS, Blind.NO_DISPLAY),
        Sighting(2, BROWSERS, Scene((NOTES,), (FORM,), accounted=frozenset({1}))),
        Passing(3, BROWSERS, FORM),
        Hole(4, GapCause.LARGE),
        Ended(5),
    ]
    assert list(read(text_of(told, zero=1))) == [moved(line, line.at - 1) for line in told]


def test_a_window_that_stays_is_written_once() -> None:
    text = text_of([Sighting(at, WINDOWS, Scene((NOTES,), (FORM,))) for at in range(5)])
    assert sum(b"Notes" in line for line in text) == 1
    assert sum(b"shop.example" in line for line in text) == 1
    assert len(text) == 7


def test_half_a_sign_in_a_title_stops_nobody() -> None:
    """No encoding takes it; a program may set such a title all the same."""
    torn = Sighting(0, WINDOWS, Scene((Window(1, "notes", "a\ud83d", 10, Box(0, 0, 1, 1), shown=True),)))
    assert read(text_of([torn])) == (torn,)


def test_more_than_a_chunk_holds_is_a_hole() -> None:
    huge = Window(1, "notes", "x" * LARGEST, 10, Box(0, 0, 1, 1), shown=True)
    text = text_of([Sighting(7, WINDOWS, Scene((huge,)))], zero=2)
    assert read(text) == (Hole(5, GapCause.LARGE),)


WINDOW: dict[str, Any] = json.loads(text_of([Sighting(0, WINDOWS, Scene((NOTES,)))])[0])
PAGE: dict[str, Any] = json.loads(text_of([Passing(0, BROWSERS, FORM)])[0])
SCENE: dict[str, Any] = {"at": 1, "witness": "window", "windows": [], "pages": [], "accounted": [], "pages_only": False}


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'{"at": 1}',
        {"at": True, "ended": True},
        {"at": "1", "ended": True},
        {"at": 1, "untold": "because"},
        {"at": 1, "witness": "window", "blind": "NO_REASON"},
        {"at": 1, "witness": "stranger", "blind": "EMPTY"},
        {"at": 1, "witness": ["window"], "blind": "EMPTY"},
        {"at": 1, "witness": "browser", "passing": 3},
        SCENE | {"windows": [3]},
        SCENE | {"windows": 3},
        SCENE | {"accounted": ["1"]},
        SCENE | {"pages_only": 1},
        WINDOW | {"title": None},
        WINDOW | {"title": {"blind": "NOTHING"}},
        WINDOW | {"title": {}},
        WINDOW | {"box": [1, 2, 3]},
        WINDOW | {"shown": "yes"},
        WINDOW | {"kind": "big"},
        PAGE | {"urls": [1]},
        PAGE | {"fields": 4},
        PAGE | {"unread": None},
    ],
)
def test_what_is_none_of_it_is_refused_by_its_number(told: bytes | dict[str, Any]) -> None:
    line = told if isinstance(told, bytes) else json.dumps(told).encode()
    with pytest.raises(ScenesError, match=r"^line 8 is none of scenes"):
        read([b'{"at": 0, "ended": true}', line], first=7)


def test_a_refusal_quotes_nothing() -> None:
    with pytest.raises(ScenesError) as refused:
        read([json.dumps({"at": 1, "witness": "Chart of Ada"}).encode()])
    assert "Ada" not in str(refused.value)
