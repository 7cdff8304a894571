"""Comments at the custodian: whose they are, what they are on, and that neither text nor key of theirs is here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

import pytest

from protocol import base64url, jws, personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from protocol.keys import comment_key
from protocol.released import COMMENTS, receive
from review.commented import LARGEST, SMALLEST
from review.custodian.custodian import Custodian
from testkit.custody import House, Kept

ANN, PIA, SAM = "ann@example.com", "pia@example.com", "sam@example.com"
SEALED: Final = base64url.encode(secrets.token_bytes(SMALLEST + 256))


def token(house: House, custodian: Custodian, kept: Kept, person: str = ANN, /, **changed: Any) -> str:
    said = {"recording": str(kept.id), "purpose": "complaint", "start": 1, "end": 2, "sealed": SEALED}
    signer = house.people[changed.pop("signer", person)]
    return personal.sign(personal.COMMENT, {**said, **custodian.nonce(), "person": person, **changed}, signer)


def hand_in(custodian: Custodian, kept: Kept, signed: str) -> dict[str, Any]:
    return custodian.comment(Claims({"comment": signed, "papers": kept.papers}, "request", ProtocolError), "test")


def test_the_custodian_signs_whose_it_is_after_its_entry(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    signed = token(house, custodian, kept)
    answer = hand_in(custodian, kept, signed)
    told = jws.verify(jws.COMMENTED, answer["commented"], house.signer.key.public)
    made = personal.read(personal.COMMENT, signed).id
    assert {name: told[name] for name in ("comment", "person", "recording", "at")} == {
        "comment": made, "person": ANN, "recording": str(kept.id), "at": house.clock.now,
    }  # fmt: skip
    noted = house.entries()[told["entry"]]
    assert (noted["kind"], noted["outcome"], noted["resource"]) == ("comment", "success", [str(kept.id)])
    assert noted["facts"] == {
        "comment": made,
        "purpose": "complaint",
        "rule": noted["facts"]["rule"],
        "spans": [[1, 2]],
    }
    assert noted["facts"]["rule"].startswith("rules.yaml:")


def test_the_key_of_comments_comes_with_an_opening_and_opens_no_stream(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    answer = house.open(custodian, ANN, kept)
    sealed = base64url.decode(answer["comments"])
    about = {"request": answer["request"], "recording": kept.id}
    key = receive(house.sessions[ANN], sealed, stream=COMMENTS, **about)
    assert key == comment_key(kept.key, kept.id)
    assert key not in {kept.key, *(kept.stream_key(one) for one in (0, COMMENTS))}
    with pytest.raises(ProtocolError, match="released to another"):
        receive(house.sessions[SAM], sealed, stream=COMMENTS, **about)


REFUSED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "in another's name": ({"person": SAM}, "other-person"),
    "another's key": ({"signer": SAM}, "other-person"),
    "to another custodian": ({"custodian": "x"}, "other-custodian"),
    "no nonce of this one": ({"nonce": base64url.encode(bytes(40))}, "stale"),
    "no purpose": ({"purpose": ""}, "not-yet"),
    "a purpose of others": ({"purpose": "request"}, "refused"),
    "no word": ({"purpose": "A b"}, "bad-field"),
    "ends before it starts": ({"start": 2, "end": 2}, "bad-field"),
    "starts before the recording": ({"start": -1}, "bad-field"),
    "no number": ({"end": "2"}, "bad-field"),
    "nothing in it": ({"sealed": base64url.encode(bytes(SMALLEST))}, "bad-field"),
    "too long": ({"sealed": base64url.encode(bytes(LARGEST + 1))}, "bad-field"),
    "no base64url": ({"sealed": "="}, "bad-field"),
}


def refused(house: House, tried: Callable[[], object]) -> str:
    before = len(house.entries())
    with pytest.raises(ProtocolError) as error:
        tried()
    (noted,) = house.entries()[before:]
    assert (noted["kind"], noted["outcome"], noted["reason"]) == ("comment", "failure", error.value.code)
    return error.value.code


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_as_it_must_be_is_an_entry_and_no_comment(house: House, custodian: Custodian, case: str) -> None:
    changed, wanted = REFUSED[case]
    kept = house.recording()
    assert refused(house, lambda: hand_in(custodian, kept, token(house, custodian, kept, **changed))) == wanted


def test_who_may_not_comment_on_it_does_not(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    for person, purpose in ((PIA, ""), (SAM, "complaint")):
        signed = token(house, custodian, kept, person, purpose=purpose)
        assert refused(house, lambda one=signed: hand_in(custodian, kept, one)) in {"refused", "not-yet"}  # type: ignore[misc]


def test_a_comment_counts_once_on_its_own_recording_and_by_a_key_that_is_enrolled(
    house: House, custodian: Custodian
) -> None:
    kept, other = house.recording(), house.recording()
    signed = token(house, custodian, kept)
    hand_in(custodian, kept, signed)
    assert refused(house, lambda: hand_in(custodian, kept, signed)) == "replayed"
    again = token(house, custodian, kept)
    assert refused(house, lambda: hand_in(custodian, other, again)) == "other-recording"
    last = token(house, custodian, kept)
    custodian.remove(personal.read(personal.COMMENT, last).key, "root")
    assert refused(house, lambda: hand_in(custodian, kept, last)) == "key-removed"
