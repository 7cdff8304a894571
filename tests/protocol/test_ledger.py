"""The account's chain: no line can be changed, left out, doubled or moved without the walk saying so."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import jws, ledger
from protocol.errors import LedgerError, SignatureError
from protocol.ledger import MAX_DEPTH, MAX_VALUES, ZERO, Batch, line, line_hash, parse_line, walk

DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OWN = {"v", "crit", "seq", "prev", "at", "wall", "kind"}
FIELDS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8).filter(lambda name: name not in OWN),
    st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.booleans(),
    max_size=3,
)
ENTRIES = st.lists(st.tuples(st.sampled_from(["start", "hold", "heads", "stop"]), FIELDS), min_size=1, max_size=8)


def chain(entries: list[tuple[str, dict[str, Any]]]) -> list[bytes]:
    lines: list[bytes] = []
    for seq, (kind, fields) in enumerate(entries):
        prev = line_hash(lines[-1]) if lines else ZERO
        lines.append(line(seq, prev, at=seq, wall=seq, kind=kind, **fields))
    return lines


FOUR = chain([("start", {}), ("hold", {"hold": "user"}), ("release", {"hold": "user"}), ("stop", {})])


@given(ENTRIES)
def test_what_was_written_is_whole(entries: list[tuple[str, dict[str, Any]]]) -> None:
    lines = chain(entries)
    assert walk(lines) == ()
    for seq, ((kind, fields), written) in enumerate(zip(entries, lines, strict=True)):
        entry = parse_line(written, seq=seq)
        assert entry["kind"] == kind
        assert fields.items() <= entry.items()
        assert b"\n" not in written


@given(ENTRIES, st.data())
def test_it_can_be_walked_in_parts(entries: list[tuple[str, dict[str, Any]]], data: st.DataObject) -> None:
    lines = chain(entries)
    cut = data.draw(st.integers(0, len(lines)))
    assert walk(lines[:cut]) == ()
    assert walk(lines[cut:], line_hash(lines[cut - 1]) if cut else ZERO, cut) == ()


@given(ENTRIES, st.data())
def test_any_tampering_before_the_last_line_is_seen(
    entries: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """A chain cannot vouch for its own end: that is what the signed batches and their heads are for."""
    lines = chain([*entries, ("stop", {})])
    victim = data.draw(st.integers(0, len(lines) - 2))
    match data.draw(st.sampled_from(["remove", "double", "swap", "flip"])):
        case "remove":
            tampered = lines[:victim] + lines[victim + 1 :]
        case "double":
            tampered = [*lines[: victim + 1], *lines[victim:]]
        case "swap":
            tampered = [*lines[:victim], lines[victim + 1], lines[victim], *lines[victim + 2 :]]
        case _:
            bit = data.draw(st.integers(0, len(lines[victim]) * 8 - 1))
            changed = bytearray(lines[victim])
            changed[bit // 8] ^= 1 << bit % 8
            tampered = [*lines[:victim], bytes(changed), *lines[victim + 1 :]]
    assert walk(tampered)


def test_one_break_is_told_once_and_where() -> None:
    changed = FOUR[1].replace(b"user", b"blind")
    (mistake,) = walk([FOUR[0], changed, *FOUR[2:]])
    assert (mistake.code, mistake.seq) == ("broken-chain", 2)
    (mistake,) = walk([FOUR[0], *FOUR[2:]])
    assert (mistake.code, mistake.seq) == ("wrong-seq", 1)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (b"", "bad-line"),
        (b"[]", "bad-line"),
        (FOUR[0][:-1], "bad-line"),
        (b'{"seq":0}', "bad-field"),
        (FOUR[0].replace(b'"kind":"start"', b'"kind":7'), "bad-field"),
        (FOUR[0].replace(b'"seq":0', b'"seq":-1'), "bad-field"),
        (FOUR[0].replace(b'"at":0', b'"at":"0"'), "bad-field"),
        (FOUR[0].replace(ZERO.encode(), b"0"), "bad-field"),
        (b" " * (ledger.MAX_LINE + 1), "oversized"),
    ],
)
def test_what_is_no_entry_is_refused(written: bytes, code: str) -> None:
    with pytest.raises(LedgerError) as refused:
        parse_line(written, seq=9)
    assert (refused.value.code, refused.value.seq) == (code, 9)
    assert [mistake.code for mistake in walk([written])] == [code]


def test_what_is_no_unicode_is_not_written() -> None:
    with pytest.raises(LedgerError) as refused:
        line(4, ZERO, at=0, wall=0, kind="start", note="\udced")
    assert refused.value.code == "bad-line"


def test_the_longest_entry_fits_and_one_byte_more_does_not() -> None:
    room = ledger.MAX_LINE - len(line(4, ZERO, at=0, wall=0, kind="start", note=""))
    longest = line(4, ZERO, at=0, wall=0, kind="start", note="x" * room)
    assert len(longest) == 64 * 2**10
    assert walk([longest], ZERO, 4) == ()
    with pytest.raises(LedgerError) as refused:
        line(4, ZERO, at=0, wall=0, kind="start", note="x" * (room + 1))
    assert (refused.value.code, refused.value.seq) == ("oversized", 4)


@given(ENTRIES, st.data())
def test_batches_round_trip(entries: list[tuple[str, dict[str, Any]]], data: st.DataObject) -> None:
    lines = chain(entries)
    first = data.draw(st.integers(0, len(lines) - 1))
    batch = Batch("d-7", first, len(lines) - 1, tuple(lines[first:]))
    read = Batch.verify(batch.sign(DEVICE), DEVICE.public_key())
    assert read == batch
    assert read.head == line_hash(lines[-1])
    assert read.prev == (line_hash(lines[first - 1]) if first else ZERO)


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (Batch("d", 0, 0, ()), "bad-count"),
        (Batch("d", 0, 4, tuple(FOUR)), "bad-count"),
        (Batch("d", 1, 4, tuple(FOUR)), "wrong-seq"),
        (Batch("d", 0, 2, (FOUR[0], FOUR[1].replace(b"user", b"blind"), FOUR[2])), "broken-chain"),
        (Batch("d", 0, 1, (b"{}", FOUR[1])), "bad-field"),
    ],
)
def test_a_batch_that_is_not_whole_is_refused(batch: Batch, code: str) -> None:
    with pytest.raises(LedgerError) as refused:
        Batch.verify(batch.sign(DEVICE), DEVICE.public_key())
    assert refused.value.code == code


def test_a_batch_of_another_shape_is_refused() -> None:
    for payload in ({"device": "d", "first": 0, "last": 0, "lines": [7]}, {"device": 7}):
        with pytest.raises(SignatureError) as refused:
            Batch.verify(jws.sign(jws.LEDGER, payload, DEVICE), DEVICE.public_key())
        assert refused.value.code == "bad-field"


def test_an_entry_of_more_levels_than_a_reader_may_have_to_follow_is_refused() -> None:
    deepest = line(0, ZERO, at=0, wall=0, kind="x", told=nested(MAX_DEPTH - 1))
    assert parse_line(deepest, seq=0)["told"] == nested(MAX_DEPTH - 1)
    with pytest.raises(LedgerError) as refused:
        parse_line(line(0, ZERO, at=0, wall=0, kind="x", told=nested(MAX_DEPTH)), seq=0)
    assert refused.value.code == "bad-line"


@pytest.mark.parametrize("value", [[], {}, 0, "x"])
def test_an_entry_of_more_values_than_a_reader_has_memory_for_is_refused(value: object) -> None:
    few = line(0, ZERO, at=0, wall=0, kind="x", told=[])
    room = MAX_VALUES - sum(map(few.count, (b",", b"[", b"{")))
    separators = 1 if value in (0, "x") else 2
    most = [value] * (room // separators)
    assert parse_line(line(0, ZERO, at=0, wall=0, kind="x", told=most), seq=0)["told"] == most
    with pytest.raises(LedgerError) as refused:
        parse_line(line(0, ZERO, at=0, wall=0, kind="x", told=[*most, value, value]), seq=0)
    assert refused.value.code == "bad-line"


def nested(levels: int) -> object:
    inside: object = 7
    for level in range(levels):
        inside = [inside] if level % 2 else {"a": inside}
    return inside
