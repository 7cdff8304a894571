"""What `crit` names must be understood by who reads the object; all refuse a strange name with the same code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import base64url, bundle, enrolment, jws, keys, ledger, successor
from protocol.errors import LedgerError, ProtocolError
from protocol.packet import KeyPacket
from protocol.receipt import Receipt
from protocol.report import DeviceReport
from tests.vectors import chunks, signed
from tests.vectors.inputs import AUDITOR, COMPLIANCE, EVIDENCE, NEXT_STORE, RECORDING, START, STORE
from tests.vectors.packets import parts_of, raw_jws

LINE: Final = ledger.line(0, ledger.ZERO, at=0, wall=START, kind="start")
ENROLMENT: Final = enrolment.make(
    enrolment.Enrolment("https://store.example", "", STORE.public_key(), keys.thumbprint(COMPLIANCE.public_key()), "s")
)
Change = dict[str, Any]
Reader = Callable[[Change], object]
"""Reads a good object that says this beside what it says anyway."""


def statement(token: str, signer: Ed25519PrivateKey, read: Callable[[str], object]) -> Reader:
    header, payload, _ = parts_of(token)
    return lambda change: read(raw_jws(header, payload | change, signer))


def read_line(change: Change) -> None:
    for mistake in ledger.walk([json.dumps(json.loads(LINE) | change).encode()]):
        raise mistake


def read_line_in_batch(change: Change) -> int:
    batch = ledger.Batch("d-7", 0, 0, (json.dumps(json.loads(LINE) | change).encode(),))
    return ledger.Batch.verify(batch.sign(EVIDENCE), EVIDENCE.public_key()).last


def read_enrolment(change: Change) -> enrolment.Enrolment:
    fields = json.loads(base64url.decode(ENROLMENT.removeprefix(enrolment.PREFIX))) | change
    return enrolment.parse(enrolment.PREFIX + base64url.encode(json.dumps(fields).encode()))


def as_type(typ: str, signer: Ed25519PrivateKey) -> Reader:
    def read(token: str) -> object:
        return jws.verify(typ, token, signer.public_key())["device"]

    return statement(jws.sign(typ, {"device": "d-7"}, signer), signer, read)


DEVICE: Final = EVIDENCE.public_key()
READERS: Final[dict[str, Reader]] = {
    "packet": statement(chunks.PACKET, EVIDENCE, lambda token: KeyPacket.verify(token, DEVICE)),
    "packet, second edition": statement(signed.PACKET, EVIDENCE, lambda token: KeyPacket.verify(token, DEVICE)),
    "receipt": statement(
        Receipt(RECORDING, 0, 0, "0" * 64, START, "d-7").sign(STORE),
        STORE,
        lambda token: Receipt.verify(token, STORE.public_key()),
    ),
    "report": statement(
        DeviceReport("d-7", START, None, {}, {}, (0, ledger.ZERO), 0).sign(EVIDENCE),
        EVIDENCE,
        lambda token: DeviceReport.verify(token, DEVICE),
    ),
    "batch": statement(
        ledger.Batch("d-7", 0, 0, (LINE,)).sign(EVIDENCE), EVIDENCE, lambda token: ledger.Batch.verify(token, DEVICE)
    ),
    "entry": read_line,
    "entry in a batch": read_line_in_batch,
    "bundle": statement(
        bundle.sign(bundle.Bundle(1, (AUDITOR.public,), START), COMPLIANCE),
        COMPLIANCE,
        lambda token: bundle.verify(token, keys.thumbprint(COMPLIANCE.public_key())),
    ),
    "successor": statement(
        successor.sign(NEXT_STORE.public_key(), STORE, at=START),
        STORE,
        lambda token: successor.trusted(STORE.public_key(), [token]),
    ),
    "assertion": as_type(jws.AUTH, EVIDENCE),
    "bearer token": as_type(jws.TOKEN, STORE),
    "enrolment token": read_enrolment,
}
every_object = pytest.mark.parametrize("read", READERS.values(), ids=READERS)
KNOWN: Final = frozenset({"envelope"})  # to the packet; no other object knows any
NAMES: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)


def refusal(read: Reader, change: Change) -> str:
    with pytest.raises(ProtocolError) as refused:
        read(change)
    return refused.value.code


@every_object
def test_every_object_says_its_version_and_may_leave_it_out_as_the_first_edition_did(read: Reader) -> None:
    assert read({"v": 1}) == read({})
    assert refusal(read, {"v": 2}) == refusal(read, {"v": 0}) == "unknown-version"
    for lie in ("1", True, None, -1, 2**63):
        assert refusal(read, {"v": lie}) == "bad-field"


def test_what_is_written_has_a_version() -> None:
    for typ in jws.TYPES:
        assert list(parts_of(jws.sign(typ, {"a": 1}, STORE))[1].items()) == [("v", 1), ("a", 1)]
    assert json.loads(LINE)["v"] == 1
    assert json.loads(base64url.decode(ENROLMENT.removeprefix(enrolment.PREFIX)))["v"] == 1
    assert parts_of(signed.PACKET)[1]["crit"] == ["envelope"]
    assert "crit" not in parts_of(chunks.PACKET)[1]


@every_object
@settings(max_examples=25)  # for each of twelve objects
@given(
    st.lists(NAMES, min_size=1, max_size=16, unique=True).filter(lambda names: not KNOWN.issuperset(names)), st.data()
)
def test_a_strange_critical_name_is_refused(read: Reader, names: list[str], data: st.DataObject) -> None:
    there = data.draw(st.sets(st.sampled_from(names)))
    reserved = {"v", "crit"}  # these are what they are, whatever else they are named in
    said = dict.fromkeys(there - reserved, 1) | {"crit": names}
    assert refusal(read, said) == "unknown-critical"


@every_object
@settings(max_examples=25)
@given(NAMES.filter(lambda name: len(name) > 24))
def test_a_strange_name_that_is_not_critical_is_passed_over(read: Reader, name: str) -> None:
    assert read({name: {"anything": [1, None]}}) == read({})


HOSTILE: Final[dict[str, object]] = {
    "a text": "envelope",
    "a number": 7,
    "null": None,
    "an object": {"envelope": 1},
    "empty": [],
    "not of texts": [1],
    "nested": [["envelope"]],
    "a name twice": ["later", "later"],
    "an empty name": [""],
    "a huge name": ["x" * 65],
    "a name of 32 KB": ["x" * 2**15],
    "17 names": [f"n{number}" for number in range(17)],
    "a thousand names": [f"n{number}" for number in range(1000)],
}


@every_object
@pytest.mark.parametrize("crit", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_list_is_refused_as_what_it_is(read: Reader, crit: object) -> None:
    assert refusal(read, {"crit": crit}) == "bad-field"


def test_what_is_named_must_be_there() -> None:
    assert refusal(READERS["packet"], {"crit": ["envelope"]}) == "bad-field"
    assert READERS["packet"]({"crit": ["envelope"], "envelope": 1}) == READERS["packet"]({})


def test_no_message_quotes_what_was_named() -> None:
    with pytest.raises(ProtocolError) as refused:
        READERS["receipt"]({"crit": ["sesame"]})
    assert "sesame" not in str(refused.value)


def test_an_entry_that_is_not_understood_keeps_its_place_in_the_chain() -> None:
    """A store that was set back to an older version says so of this entry, and of no other."""
    strange = ledger.line(1, ledger.line_hash(LINE), at=1, wall=START, kind="later", crit=["later"], later=1)
    after = ledger.line(2, ledger.line_hash(strange), at=2, wall=START, kind="stop")
    (mistake,) = ledger.walk([LINE, strange, after])
    assert (mistake.code, mistake.seq) == ("unknown-critical", 1)
    assert isinstance(mistake, LedgerError)
    assert ledger.parse_line(strange, seq=1)["kind"] == "later"
