"""Requests that wait for others: filed once, approved by whose roles the rules name, never by who asks, used once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import personal
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.custodian.custodian import Custodian
from review.enrolled import take_up
from review.refusal import Refusal
from testkit.custody import RULES, House, Kept

CLEO, CARL, PIA, ANN = (f"{name}@example.com" for name in ("cleo", "carl", "pia", "ann"))
EXPORT: dict[str, Any] = {"act": "export", "purpose": "audit", "rendition": "original"}


def ask(house: House, custodian: Custodian, kept: Kept, **changed: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        house.open(custodian, CLEO, kept, **EXPORT | changed)
    return refused.value


def approve(house: House, custodian: Custodian, person: str, filed: str, kept: Kept, **changed: Any) -> str:
    """The refusal's code; "" where it counts."""
    terms = house.terms(CLEO, kept.id, **EXPORT)
    token = house.approval(custodian.nonce(), person, filed, terms, **changed)
    try:
        custodian.approve(Claims({"approval": token}, "approval", ProtocolError), "test")
    except ProtocolError as error:
        code = error.code
    else:
        return ""
    assert house.entries()[-1]["reason"] == code
    return code


def test_an_export_waits_for_two_roles_and_then_happens_once(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    first = ask(house, custodian, kept)
    assert (first.code, len(first.filed)) == ("not-yet", 64)
    assert house.entries()[-2]["kind"] == "request"
    assert approve(house, custodian, PIA, first.filed, kept) == ""
    again = ask(house, custodian, kept, filed=first.filed)
    assert (again.code, str(again), again.filed) == (
        "not-yet", "1 more approval by compliance is missing, within 24 h", "",
    )  # fmt: skip
    assert approve(house, house.start(), CARL, first.filed, kept) == ""  # also after a start
    answer = house.open(custodian, CLEO, kept, **EXPORT, filed=first.filed)
    assert house.received(CLEO, kept, answer) == kept.stream_key(0)
    noted = house.entries()[-1]
    assert (noted["kind"], len(noted["facts"]["approvals"])) == ("export", 2)
    assert ask(house, custodian, kept, filed=first.filed).code == "unknown-request"  # once


@pytest.mark.parametrize(("person", "code"), [(CLEO, "own-request"), (ANN, "refused")])
def test_who_asks_and_who_has_no_such_role_cannot_approve(
    house: House, custodian: Custodian, person: str, code: str
) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, person, filed, kept) == code
    assert "2 more" in str(ask(house, custodian, kept, filed=filed))


def test_one_person_fills_one_role_however_often_they_approve(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, CARL, filed, kept) == ""
    size = (house.folder / "requests" / filed).stat().st_size
    assert approve(house, custodian, CARL, filed, kept) == "approved-before"
    assert (house.folder / "requests" / filed).stat().st_size == size
    assert str(ask(house, custodian, kept, filed=filed)).startswith("1 more approval by privacy")
    assert approve(house, custodian, CARL, filed, kept, verdict="deny") == ""  # they may think better of it


@pytest.mark.parametrize("changed", [{"purpose": "complaint"}, {"act": "play"}, {"session": "A" * 43}])
def test_an_approval_of_something_else_counts_nothing(
    house: House, custodian: Custodian, changed: dict[str, str]
) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, PIA, filed, kept, **changed) == "unknown-request"
    assert approve(house, custodian, PIA, "b" * 64, kept) == "unknown-request"


@pytest.mark.parametrize("changed", [{"purpose": "complaint"}, {"session": "CQ" + "A" * 41}, {"act": "play"}])
def test_what_was_approved_opens_nothing_else(house: House, custodian: Custodian, changed: dict[str, str]) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    for person in (PIA, CARL):
        assert approve(house, custodian, person, filed, kept) == ""
    assert ask(house, custodian, kept, filed=filed, **changed).code == "unknown-request"
    other = house.recording()
    assert ask(house, custodian, other, filed=filed).code == "unknown-request"


def test_another_than_who_asked_cannot_use_it(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    session = house.terms(CLEO, kept.id)["session"]
    with pytest.raises(Refusal) as refused:
        house.open(custodian, CARL, kept, **EXPORT, filed=filed, session=session)
    assert refused.value.code == "unknown-request"


def test_a_stale_approval_counts_nothing(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, PIA, filed, kept) == ""
    house.clock.pass_by(25 * 3600)
    assert approve(house, custodian, CARL, filed, kept) == ""
    assert "the time of the request is over" in str(ask(house, custodian, kept, filed=filed))


def test_a_request_that_somebody_denied_is_gone(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    assert approve(house, custodian, PIA, filed, kept, verdict="perhaps") == "bad-field"
    assert approve(house, custodian, PIA, filed, kept, verdict="deny") == ""
    assert approve(house, custodian, CARL, filed, kept) == "unknown-request"


def test_what_a_key_approved_that_was_removed_since_does_not_count(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    for person in (PIA, CARL):
        assert approve(house, custodian, person, filed, kept) == ""
    custodian.remove(personal.PersonKey(house.people[CARL].public_key()).id, "test")
    assert "1 more approval by compliance" in str(ask(house, custodian, kept, filed=filed))
    house.people[CARL] = Ed25519PrivateKey.generate()
    custodian.enrol(Claims(take_up(*house.invitation(CARL), house.people[CARL]), "test", ProtocolError), "test")
    assert approve(house, custodian, CARL, filed, kept) == ""  # with their new key
    assert house.open(custodian, CLEO, kept, **EXPORT, filed=filed)["entry"]


class Killed(BaseException):
    pass


def test_killed_when_its_entry_is_written_it_opens_no_second_time(
    house: House, custodian: Custodian, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    for person in (PIA, CARL):
        assert approve(house, custodian, person, filed, kept) == ""
    append = custodian._log.append

    def die(act: Any) -> int:
        append(act)
        raise Killed

    monkeypatch.setattr(custodian._log, "append", die)  # no process can be told to die at this place
    with pytest.raises(Killed):
        house.open(custodian, CLEO, kept, **EXPORT, filed=filed)
    assert (house.entries()[-1]["kind"], house.entries()[-1]["outcome"]) == ("export", "success")
    assert ask(house, house.start(), kept, filed=filed).code == "unknown-request"


class Contended:
    """A lock that says when somebody waits for it."""

    def __init__(self, waits: threading.Event) -> None:
        self._lock, self._waits = threading.RLock(), waits

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._waits.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_while_it_is_opened_nobody_approves_or_denies_it(
    house: House, custodian: Custodian, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora = "dora@example.com"
    rules = RULES.replace("people:\n", f"people:\n  {dora}: {{ roles: [privacy] }}\n")
    custodian.take_bundle(house.bundle(2, rules), "test")
    house.people[dora] = Ed25519PrivateKey.generate()
    custodian.enrol(Claims(take_up(*house.invitation(dora), house.people[dora]), "test", ProtocolError), "test")
    kept = house.recording(revision=2)
    filed = ask(house, custodian, kept).filed
    for person in (PIA, CARL):
        assert approve(house, custodian, person, filed, kept) == ""
    came, dropped, codes = threading.Event(), threading.Event(), list[str]()
    note, drop = custodian._note, custodian._requests.drop

    def another() -> None:
        codes.append(approve(house, custodian, dora, filed, kept, verdict=verdict))
        came.set()

    thread = threading.Thread(target=another)

    def noted(said: Any, reason: str | None = None) -> int:
        if said.kind == "export" and reason is None:  # it has been found that it may be opened
            thread.start()
            assert came.wait(30)
        elif verdict == "approve":  # it would be written once the opening has used up what was approved
            came.set()
            assert dropped.wait(30)
        return note(said, reason)

    def dropping(id: str) -> None:  # noqa: A002 - what it is
        drop(id)
        dropped.set()

    monkeypatch.setattr(custodian, "_lock", Contended(came))  # says when somebody waits for it
    monkeypatch.setattr(custodian, "_note", noted)  # the moment between what was read and what is written
    monkeypatch.setattr(custodian._requests, "drop", dropping)  # likewise
    assert house.open(custodian, CLEO, kept, **EXPORT, filed=filed)["entry"]
    thread.join()
    assert codes == ["unknown-request"]
    assert ask(house, custodian, kept, filed=filed).code == "unknown-request"
    assert list((house.folder / "requests").iterdir()) == []


def test_an_approver_whose_role_the_rules_took_since_does_not_count(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = ask(house, custodian, kept).filed
    for person in (PIA, CARL):
        assert approve(house, custodian, person, filed, kept) == ""
    rules = RULES.replace("  pia@example.com: { roles: [privacy] }\n", "")
    custodian.take_bundle(house.bundle(2, rules), "test")
    assert "1 more approval by privacy" in str(ask(house, custodian, kept, filed=filed))


def test_what_no_approval_helps_is_not_filed(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    assert ask(house, custodian, kept, rendition="redacted").filed == ""
    assert ask(house, custodian, kept, purpose="coaching").filed == ""
    assert list((house.folder / "requests").iterdir()) == []


def test_requests_of_one_person_do_not_fill_the_folder_and_old_ones_go(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    filed = [ask(house, custodian, kept) for _ in range(51)]
    assert [one.code for one in filed[-2:]] == ["not-yet", "too-many"]
    house.clock.pass_by(25 * 3600)
    assert ask(house, custodian, kept).filed
    assert len(list((house.folder / "requests").iterdir())) == 1
