"""An entry and the body beside it: opened by its key in its place alone, and every changed byte seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.audit.entries import WRAPPED, Entry, ReadingKey, is_shredded
from review.audit.errors import AuditError
from tests.review.audit.making import KEY, ORIGIN, RAW

BODY = b'{"kind":"open"}'
ENTRY, REST = KEY.seal(ORIGIN, 7, 1_800_000_000_000, BODY)


def code(call: object, *arguments: object) -> str:
    with pytest.raises(AuditError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def test_what_is_sealed_is_opened_again() -> None:
    assert KEY.open(ORIGIN, 7, ENTRY, REST)[0] == BODY
    assert Entry.parse(bytes(ENTRY)) == ENTRY
    assert len(bytes(ENTRY)) == 73
    assert len(REST) == WRAPPED + 12 + len(BODY) + 16
    assert ENTRY.matches(REST)
    assert not is_shredded(REST)
    assert is_shredded(bytes(len(REST)))


def test_it_opens_in_its_place_alone() -> None:
    for wrong in ((ORIGIN, 8, ENTRY), ("another", 7, ENTRY), (ORIGIN, 7, Entry(1, ENTRY.salted, ENTRY.beside))):
        assert code(KEY.open, *wrong, REST) == "other-key"
    assert code(ReadingKey(bytes(32)).open, ORIGIN, 7, ENTRY, REST) == "other-key"
    assert code(KEY.open, ORIGIN, 7, ENTRY, b"") == "other-key"
    other, _ = KEY.seal(ORIGIN, 7, ENTRY.time, BODY)
    assert other.salted != ENTRY.salted  # the same act twice looks like two
    assert code(KEY.open, ORIGIN, 7, other, REST) == "bad-body"


@given(place=st.integers(0, len(REST) - 1), flip=st.integers(1, 255))
def test_every_changed_byte_is_seen(place: int, flip: int) -> None:
    changed = bytearray(REST)
    changed[place] ^= flip
    assert not ENTRY.matches(bytes(changed))
    assert code(KEY.open, ORIGIN, 7, ENTRY, bytes(changed)) == "other-key"


def test_a_statement_lies_in_the_tree_whole() -> None:
    said = Entry(5, statement=b"{}")
    assert Entry.parse(bytes(said)) == said
    assert said.matches(b"")
    assert not said.matches(b"x")


@pytest.mark.parametrize(
    "raw",
    [b"", b"\1", bytes(ENTRY)[:-1], bytes(ENTRY) + b"x", b"\2" + bytes(8), b"\3" + bytes(80)],
    ids=[
        "empty",
        "its first byte",
        "cut",
        "more",
        "a statement without a word",
        "another version",
    ],  # sealed anew each run
)
def test_what_is_no_entry_is_refused(raw: bytes) -> None:
    assert code(Entry.parse, raw) == "bad-entry"


def test_a_key_has_its_length() -> None:
    assert code(ReadingKey, RAW[:-1]) == "bad-key"
