"""Which openings and exports a person is shown as waiting: what they asked, and what their roles may still approve."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.custodian.custodian import Custodian
from review.enrolled import take_up
from review.refusal import Refusal
from testkit.custody import RULES, SECOND, House
from tests.review.custodian.test_approvals import ANN, CARL, CLEO, PIA, approve, ask

PEOPLE = (ANN, "sam@example.com", CLEO, CARL, PIA)
HOUR = 3600 * SECOND
BOTH = [{"need": 2, "by": ["compliance", "privacy"]}]
# Only originals are approved, and these by privacy; after a delay in which others may deny it.
DELAYED = RULES.replace(
    "retention:", "  - { act: [play-original], by: [privacy], need: 1, within: 2h, delay: 5h }\nretention:", 1
)


def waiting(custodian: Custodian, person: str) -> list[dict[str, Any]]:
    found = custodian.waiting(Claims({"person": person}, "question", ProtocolError), "test")["waiting"]
    assert isinstance(found, list)
    return found


def who_sees(custodian: Custodian, filed: str) -> set[str]:
    return {who for who in PEOPLE if filed in {one["filed"] for one in waiting(custodian, who)}}


def test_the_asker_and_those_whose_role_is_missing_see_it_and_others_do_not(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    asked = house.clock.now
    filed = ask(house, custodian, kept).filed
    assert who_sees(custodian, filed) == {CLEO, CARL, PIA}
    (seen,) = waiting(custodian, CARL)
    assert seen == {
        "filed": filed, "person": CLEO, "act": "export", "recording": str(kept.id), "purpose": "audit", "case": "",
        "asked": asked, "until": asked + 24 * HOUR, "approved_by": [], "missing": BOTH,
    }  # fmt: skip
    assert waiting(custodian, CLEO) == waiting(custodian, PIA) == [seen]
    assert waiting(custodian, "stranger@example.com") == []


def test_what_one_approved_is_gone_for_them_and_for_those_of_their_role(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, CARL, filed, kept) == ""
    assert who_sees(custodian, filed) == {CLEO, PIA}
    (seen,) = waiting(custodian, PIA)
    assert (seen["approved_by"], seen["missing"]) == ([CARL], [{"need": 1, "by": ["privacy"]}])
    assert approve(house, custodian, PIA, filed, kept) == ""
    assert who_sees(custodian, filed) == {CLEO}
    assert waiting(custodian, CLEO)[0]["missing"] == []
    house.open(custodian, CLEO, kept, act="export", purpose="audit", rendition="original", filed=filed)
    assert who_sees(custodian, filed) == set()


def test_what_is_denied_is_gone(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, PIA, filed, kept, verdict="deny") == ""
    assert who_sees(custodian, filed) == set()


def test_what_is_over_is_gone(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    house.clock.pass_by(24 * 3600 - 1)
    assert who_sees(custodian, filed) == {CLEO, CARL, PIA}
    house.clock.pass_by(1)
    assert who_sees(custodian, filed) == set()
    house.clock.pass_by(1)
    assert who_sees(custodian, filed) == set()
    assert not (house.folder / "requests" / filed).exists()


def test_an_approval_by_a_key_that_was_removed_is_missing_again(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, CARL, filed, kept) == ""
    custodian.remove(personal.PersonKey(house.people[CARL].public_key()).id, "test")
    house.people[CARL] = Ed25519PrivateKey.generate()
    custodian.enrol(Claims(take_up(*house.invitation(CARL), house.people[CARL]), "test", ProtocolError), "test")
    assert who_sees(custodian, filed) == {CLEO, CARL, PIA}
    assert waiting(custodian, CARL)[0]["approved_by"] == []


def test_what_ends_first_comes_first_and_a_delay_is_waited_for(house: House, custodian: Custodian) -> None:
    custodian.take_bundle(house.bundle(2, DELAYED), "test")
    export = ask(house, custodian, house.recording(revision=2)).filed
    kept, asked = house.recording(revision=2), house.clock.now
    with pytest.raises(Refusal) as refused:
        house.open(custodian, ANN, kept, purpose="coaching")
    play = refused.value.filed
    assert [one["filed"] for one in waiting(custodian, PIA)] == [play, export]
    (seen,) = waiting(custodian, ANN)
    assert (seen["filed"], seen["act"], seen["until"]) == (play, "play", asked + 2 * HOUR)
    terms = house.terms(ANN, kept.id, purpose="coaching")
    token = house.approval(custodian.nonce(), PIA, play, terms)
    custodian.approve(Claims({"approval": token}, "approval", ProtocolError), "test")
    assert [one["filed"] for one in waiting(custodian, PIA)] == [export]
    assert waiting(custodian, ANN)[0]["until"] == asked + 7 * HOUR  # when it has to be done


def test_once_approvals_come_too_late_it_waits_no_longer(house: House, custodian: Custodian) -> None:
    custodian.take_bundle(house.bundle(2, DELAYED), "test")
    with pytest.raises(Refusal) as refused:
        house.open(custodian, ANN, house.recording(revision=2), purpose="coaching")
    house.clock.pass_by(2 * 3600)
    assert who_sees(custodian, refused.value.filed) == set()


def test_erasures_and_holds_are_not_in_it(house: House, custodian: Custodian) -> None:
    """The lifecycle's: it knows the recordings, and people approve these by a command."""
    rules = RULES.replace("may: [list, play, export]", "may: [list, play, export, erase]")
    custodian.take_bundle(house.bundle(2, rules.replace("act: [export]", "act: [export, erase]")), "test")
    assert house.erasure(custodian, CLEO, [str(UUID(int=1))])["filed"]
    assert all(waiting(custodian, who) == [] for who in PEOPLE)


def test_without_rules_in_force_it_is_refused(house: House) -> None:
    with pytest.raises(Refusal) as refused:
        waiting(house.start(), CLEO)
    assert refused.value.code == "no-rules"
