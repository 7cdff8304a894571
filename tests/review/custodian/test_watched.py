"""What a page reports of its playing: taken from that page alone, once, and within what was released to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import base64url
from protocol.claims import Claims
from protocol.envelope import SOUND_STREAM
from protocol.errors import ProtocolError
from protocol.released import COMMENTS, REPORT_KEY, receive
from review.custodian.custodian import Custodian
from review.played import EARLY, EVERY, LARGEST, LASTS, LATE, MOST, MOST_SPANS, SLACK, seal
from testkit.custody import SECOND, House, Kept

ANN, SAM = "ann@example.com", "sam@example.com"
LANES: Final = {"0": "0-500 700-900", "microphone": "0-900"}


@dataclass
class OpenPage:
    """As the page that opened it: what the custodian released to it, and its key of reports."""

    house: House
    custodian: Custodian
    kept: Kept
    answer: dict[str, Any]
    key: bytes

    @classmethod
    def of(
        cls, house: House, custodian: Custodian, kept: Kept, streams: tuple[int, ...] = (0, SOUND_STREAM)
    ) -> OpenPage:
        answer = house.open(custodian, ANN, kept, streams=[str(one) for one in streams])
        place = {"request": answer["request"], "recording": kept.id, "stream": COMMENTS}
        key = receive(house.sessions[ANN], base64url.decode(answer["reports"]), label=REPORT_KEY, **place)
        return cls(house, custodian, kept, answer, key)

    def sealed(self, number: int = 1, lanes: Any = None, **more: Any) -> bytes:
        said = {"number": number, "lanes": LANES if lanes is None else lanes, **more}
        return seal(self.key, self.answer["request"], self.kept.id, json.dumps(said).encode() + b"  ")

    def hand_in(self, sealed: bytes, opening: str = "") -> int:
        asked = {"opening": opening or self.answer["request"], "sealed": base64url.encode(sealed)}
        return int(str(self.custodian.watched(Claims(asked, "request", ProtocolError), "test")["entry"]))

    def refused(self, sealed: bytes, opening: str = "") -> str:
        """The code; and that nothing was noted."""
        before = len(self.house.entries())
        with pytest.raises(ProtocolError) as refused:
            self.hand_in(sealed, opening)
        assert len(self.house.entries()) == before
        return refused.value.code


@pytest.fixture
def opened(house: House, custodian: Custodian) -> OpenPage:
    return OpenPage.of(house, custodian, house.recording())


def test_a_report_is_noted_with_its_opening_and_nothing_else_of_the_recording(opened: OpenPage) -> None:
    opening = opened.house.entries()[-1]
    noted = opened.hand_in(opened.sealed())
    entry = opened.house.entries()[-1]
    assert (noted, opening["kind"]) == (opened.answer["entry"] + 1, "open")
    assert (entry["kind"], entry["outcome"], entry["who"]) == ("watched", "success", opening["who"])
    assert entry["resource"] == [str(opened.kept.id)] == opening["resource"]
    assert entry["facts"] == {
        "opening": opened.answer["entry"], "spans": [[0, 500], [700, 900], [0, 900]], "lanes": ["0", "0", "microphone"]
    }  # fmt: skip


def test_the_key_is_this_openings_alone(opened: OpenPage) -> None:
    other = OpenPage.of(opened.house, opened.custodian, opened.kept)
    assert other.key != opened.key
    place = {"request": other.answer["request"], "recording": other.kept.id, "stream": COMMENTS}
    with pytest.raises(ProtocolError):
        receive(opened.house.sessions[SAM], base64url.decode(other.answer["reports"]), label=REPORT_KEY, **place)
    assert opened.refused(other.sealed()) == "not-its-page"
    assert other.refused(opened.sealed(), other.answer["request"]) == "not-its-page"
    assert opened.refused(opened.sealed(), "0" * 64) == "unknown-opening"
    opened.hand_in(opened.sealed())
    other.hand_in(other.sealed())


@pytest.mark.parametrize("place", [0, 11, 12, -17, -1])
def test_what_was_changed_on_the_way_is_not_taken(opened: OpenPage, place: int) -> None:
    sealed = bytearray(opened.sealed())
    sealed[place] ^= 1
    assert opened.refused(bytes(sealed)) == "not-its-page"


def test_a_report_counts_once_and_no_earlier_one_after_it(opened: OpenPage) -> None:
    first, second, third = (opened.sealed(number) for number in (1, 2, 3))
    opened.hand_in(first)
    assert opened.refused(first) == "replayed"
    opened.hand_in(third)  # one that is withheld keeps no other out
    assert opened.refused(second) == "replayed"


def test_a_start_anew_goes_on_with_the_openings_before_it(opened: OpenPage) -> None:
    """And none is handed in twice around it."""
    first, second = opened.sealed(1), opened.sealed(2)
    for number in range(3, 3 + EARLY):
        opened.hand_in(opened.sealed(number))
    third = opened.sealed(3 + EARLY)
    assert opened.refused(third) == "too-many"
    opened.custodian = opened.house.start()
    assert [opened.refused(one) for one in (first, second)] == ["replayed", "replayed"]
    opened.hand_in(third)
    noted = opened.house.entries()[-1]
    assert noted["facts"]["opening"] == opened.answer["entry"]


def test_openings_that_are_over_leave_nothing_behind(opened: OpenPage) -> None:
    folder = opened.house.folder / "watching"
    assert [path.name for path in folder.iterdir()] == [opened.answer["request"]]
    opened.house.clock.now += LASTS + LATE
    opened.custodian = opened.house.start()
    other = OpenPage.of(opened.house, opened.custodian, opened.kept)
    assert [path.name for path in folder.iterdir()] == [other.answer["request"]]


END: Final = SECOND + SLACK  # of a recording of the house's, which lasts a second
BAD: Final[dict[str, Any]] = {
    "none": {}, "no lanes": None, "a list": [], "a number": {"0": 5}, "spans as lists": {"0": [[0, 5]]},
    "empty": {"0": ""}, "another screen": {"1": "0-5"}, "a stream's number of sound": {str(SOUND_STREAM): "0-5"},
    "a title": {"Frau Müller": "0-5"}, "an address": {"https://x.example": "0-5"}, "words": {"0": "from-to"},
    "backwards": {"0": "5-0"}, "nothing": {"0": "5-5"}, "out of order": {"0": "5-9 1-2"}, "touching": {"0": "1-5 5-9"},
    "negative": {"0": "-5-9"}, "a fraction": {"0": "0.5-9"}, "other digits": {"0": "\u0661-\u0669"},
    "beyond the end": {"0": f"0-{END + 1}"}, "far beyond": {"0": "0-" + "9" * 17},
    "too many": {"0": " ".join(f"{2 * one}-{2 * one + 1}" for one in range(MOST_SPANS + 1))},
    "too many together": {lane: " ".join(f"{2 * one}-{2 * one + 1}" for one in range(MOST_SPANS // 2 + 1))
                          for lane in ("0", "microphone")},
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_report_of_the_release_is_refused(opened: OpenPage, case: str) -> None:
    said = {"number": 1, "lanes": BAD[case]} if case != "no lanes" else {"number": 1}
    sealed = seal(opened.key, opened.answer["request"], opened.kept.id, json.dumps(said).encode())
    assert opened.refused(sealed) == "bad-field"
    opened.hand_in(opened.sealed())  # its number was not used up


def test_the_longest_report_is_taken_and_a_longer_one_is_not(opened: OpenPage) -> None:
    step = END // MOST_SPANS // 2
    most = " ".join(f"{2 * one * step}-{(2 * one + 1) * step}" for one in range(MOST_SPANS))
    opened.hand_in(opened.sealed(1, {"far-end": most}))
    opened.hand_in(opened.sealed(2, {"0": f"0-{END}"}))
    for size in (LARGEST - 12 - 16 + 1, 10 * LARGEST):
        assert opened.refused(seal(opened.key, opened.answer["request"], opened.kept.id, b" " * size)) == "oversized"
    assert opened.refused(b"") == "oversized"


@pytest.mark.parametrize("number", [0, -1, 1.5, "1", None, True])
def test_a_number_that_is_none_is_refused(opened: OpenPage, number: Any) -> None:
    assert opened.refused(opened.sealed(number)) == "bad-field"


def test_lanes_that_were_not_released_are_not_reported(house: House, custodian: Custodian) -> None:
    opened = OpenPage.of(house, custodian, house.recording(), (0,))
    assert opened.refused(opened.sealed(1, {"0": "0-5", "far-end": "0-5"})) == "bad-field"
    opened.hand_in(opened.sealed(1, {"0": "0-5"}))


def test_a_page_reports_only_so_often(opened: OpenPage) -> None:
    for number in range(1, EARLY + 1):
        opened.hand_in(opened.sealed(number))
    assert opened.refused(opened.sealed(EARLY + 1)) == "too-many"
    opened.house.clock.pass_by(EVERY)
    opened.hand_in(opened.sealed(EARLY + 1))
    assert opened.refused(opened.sealed(EARLY + 2)) == "too-many"


@pytest.mark.slow(reason="a thousand entries are noted")
def test_an_opening_has_so_many_reports_whatever_time_it_has(opened: OpenPage) -> None:
    for number in range(1, MOST + 1):
        opened.house.clock.pass_by(EVERY)
        opened.hand_in(opened.sealed(number))
    opened.house.clock.pass_by(100 * EVERY)
    assert opened.refused(opened.sealed(MOST + 1)) == "too-many"


def test_reports_end_with_the_release_and_with_the_longest_session(house: House, custodian: Custodian) -> None:
    opened = OpenPage.of(house, custodian, house.recording())
    ends = min(opened.answer["until"] + LATE, opened.answer["at"] + LASTS)
    house.clock.pass_by((ends - house.clock.now) / SECOND - 1)
    opened.hand_in(opened.sealed(1))
    house.clock.pass_by(2)
    assert opened.refused(opened.sealed(2)) == "over"


@settings(max_examples=60, deadline=None)
@given(raw=st.one_of(
    st.binary(max_size=200),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                 lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
                 max_leaves=9).map(lambda one: json.dumps({"number": 1, "lanes": one}).encode()),
))  # fmt: skip
def test_whatever_a_changed_page_seals_is_refused_in_words_or_noted_within_bounds(
    raw: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    opened = OpenPage.of(house, house.ready(), house.recording())
    for sealed in (raw, seal(opened.key, opened.answer["request"], opened.kept.id, raw)):
        assert opened.refused(sealed) in {"bad-field", "malformed", "not-its-page", "oversized"}


def test_nesting_ends_no_custodian(opened: OpenPage) -> None:
    deep = b'{"number": 1, "lanes": ' + b"[" * 20_000
    sealed = seal(opened.key, opened.answer["request"], opened.kept.id, deep)
    assert opened.refused(sealed) == "malformed"
