"""Which chunks a case has, against an oracle that asks of each chunk; and the shape of a case."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import Flag, Kind
from review.cases.selecting import Row, belonging
from review.cases.spans import LONGEST_TITLE, MOST_SPANS, Case, CaseError, Span, united

HASH = "0" * 64


@st.composite
def streams(draw: st.DrawFn) -> list[Row]:
    """A header, then fragments with holes in time and in numbers, of which some begin with a key frame."""
    rows = [Row(0, 0, 0, Kind.HEADER, 0, 300, HASH)]
    at, sequence = 0, 0
    for _ in range(draw(st.integers(0, 12))):
        sequence += draw(st.sampled_from([1, 1, 1, 2]))
        at += draw(st.sampled_from([0, 0, 3]))
        end = at + draw(st.integers(0, 4))
        flags = Flag.KEY_FRAME if draw(st.booleans()) else Flag.NONE
        rows.append(Row(sequence, at, end, Kind.MEDIA, flags, 300, HASH))
        at = end
    return rows


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda one: (one[0], sum(one))), max_size=4)


def wanted(rows: list[Row], asked: list[tuple[int, int]]) -> list[int]:
    """Of each chunk: whether it has a moment of a span, or one that does needs it."""

    def shows(row: Row) -> bool:
        moments = {row.start, *range(row.start, row.end)}
        return row.kind == Kind.MEDIA and any(start <= at < until for at in moments for start, until in asked)

    def needs(later: int, earlier: int) -> bool:
        run = rows[earlier : later + 1]
        numbers = [one.sequence for one in run] == list(range(run[0].sequence, run[0].sequence + len(run)))
        return numbers and all(one.kind == Kind.MEDIA and not one.flags & Flag.KEY_FRAME for one in run[1:]) and (
            run[0].kind == Kind.MEDIA
        )  # fmt: skip

    shown = [place for place, row in enumerate(rows) if shows(row)]
    return [
        place
        for place, row in enumerate(rows)
        if any(place == one or (place < one and needs(one, place)) for one in shown)
        or (row.kind == Kind.HEADER and shown)
    ]  # fmt: skip


@given(streams(), spans)
def test_a_case_has_the_chunks_of_its_spans_and_what_they_need(rows: list[Row], asked: list[tuple[int, int]]) -> None:
    assert belonging(rows, united(asked)) == wanted(rows, asked)


@given(spans)
def test_united_spans_have_the_same_moments_without_overlaps(asked: list[tuple[int, int]]) -> None:
    whole = united(asked)
    assert {at for one in whole for at in range(*one)} == {at for one in asked for at in range(*one)}
    assert all(one[1] < after[0] for one, after in pairwise(whole))


cases = st.builds(
    Case,
    st.uuids(),
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=LONGEST_TITLE),
    st.lists(
        st.builds(lambda of, start, long: Span(of, start, start + long), st.uuids(), st.integers(0, 2**40),
                  st.integers(1, 2**40)),
        min_size=1, max_size=5,
    ).map(tuple),
)  # fmt: skip


@given(cases)
def test_a_case_is_read_as_it_was_written(case: Case) -> None:
    assert Case.read(case.write()) == case == Case.read(case.facts())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " "}, "bad-title"),
        ({"title": "x" * (LONGEST_TITLE + 1)}, "bad-title"),
        ({"title": "two\nlines"}, "bad-title"),
        ({"title": 7}, "bad-field"),
        ({"spans": []}, "no-spans"),
        ({"spans": [{"recording": str(uuid4()), "from": 0, "until": 1}] * (MOST_SPANS + 1)}, "many-spans"),
        ({"spans": [{"recording": str(uuid4()), "from": 1, "until": 1}]}, "bad-span"),
        ({"spans": [{"recording": str(uuid4()), "from": 0, "until": 2**62}]}, "bad-span"),
        ({"spans": [{"recording": "../../etc", "from": 0, "until": 1}]}, "bad-field"),
        ({"spans": [{"recording": str(uuid4()), "from": -1, "until": 1}]}, "bad-field"),
        ({"case": "x"}, "bad-field"),
        ({"v": 2}, "unknown-version"),
    ],
)
def test_another_shape_is_refused(change: dict[str, object], code: str) -> None:
    facts = Case(UUID(int=1), "title", (Span(UUID(int=2), 0, 1),)).facts()
    with pytest.raises(CaseError) as refused:
        Case.read(facts | change)
    assert refused.value.code == code


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(CaseError, match="case: not a JSON object"):
        Case.read(b"[]x")
