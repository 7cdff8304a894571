"""Whose key is whose: nothing but an invitation that compliance signed, its secret and the key itself enrols one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.custodian.custodian import Custodian
from review.enrolled import take_up
from testkit.custody import DAY, House

DAN = "dan@example.com"


def enrol(custodian: Custodian, taken: dict[str, str]) -> dict[str, object]:
    return custodian.enrol(Claims(taken, "test", ProtocolError), "test")


@pytest.mark.parametrize("key", [Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())])
def test_a_person_enrols_a_key_of_either_kind_and_opens_with_it(house: House, key: Any) -> None:
    custodian = house.ready()
    assert enrol(custodian, take_up(*house.invitation("Ann@Example.com"), key))["person"] == "ann@example.com"
    house.people["ann@example.com"] = key
    house.open(custodian, "ann@example.com", house.recording())
    house.open(house.start(), "ann@example.com", house.recording())


def swapped(house: House) -> dict[str, str]:
    """The console keeps back what the person sent, and sends a key of its own under their invitation."""
    invitation, secret = house.invitation(DAN)
    proof = take_up(invitation, secret, Ed25519PrivateKey.generate())["proof"]
    return take_up(invitation, base64url.encode(bytes(32)), Ed25519PrivateKey.generate()) | {"proof": proof}


def of_another_invitation(house: House) -> dict[str, str]:
    invitation, secret = house.invitation(DAN)
    taken = take_up(house.invitation(DAN)[0], secret, Ed25519PrivateKey.generate())
    return taken | {"invitation": invitation}


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "not compliance's": ("wrong-fingerprint", {"signer": Ed25519PrivateKey.generate()}),
    "expired": ("expired", {"expires": 1}),
    "to another custodian": ("other-custodian", {"custodian": "other.example.com"}),
}


@pytest.mark.parametrize("case", CASES)
def test_an_invitation_that_is_none_enrols_nobody(house: House, case: str) -> None:
    custodian, (code, changed) = house.start(), CASES[case]
    with pytest.raises(ProtocolError) as error:
        enrol(custodian, take_up(*house.invitation(DAN, **changed), Ed25519PrivateKey.generate()))
    assert (error.value.code, house.entries()[-1]["reason"]) == (code, code)
    assert custodian.people.keys == {}


@pytest.mark.parametrize(("make", "code"), [(swapped, "wrong-secret"), (of_another_invitation, "other-invitation")])
def test_the_console_cannot_put_in_a_key_of_its_own(house: House, make: Any, code: str) -> None:
    custodian = house.start()
    with pytest.raises(ProtocolError) as error:
        enrol(custodian, make(house))
    assert error.value.code == code


def test_an_invitation_counts_once_also_after_a_start_and_when_its_key_was_removed(house: House) -> None:
    invited = house.invitation(DAN)
    first = enrol(house.start(), take_up(*invited, Ed25519PrivateKey.generate()))
    custodian = house.start()
    custodian.remove(str(first["key"]), "test")
    for one in (custodian, house.start()):
        with pytest.raises(ProtocolError) as error:
            enrol(one, take_up(*invited, Ed25519PrivateKey.generate()))
        assert error.value.code == "used"


def test_who_writes_the_custodians_file_of_keys_enrols_nobody(house: House) -> None:
    """Beside what its user's alone may write: what is not signed does not count there either."""
    house.ready()
    path = house.folder / "keys.jsonl"
    mallory = take_up(*house.invitation("ann@example.com", signer=Ed25519PrivateKey.generate()),
                      Ed25519PrivateKey.generate())  # fmt: skip
    path.write_text(path.read_text() + json.dumps({"at": house.clock.now, **mallory}) + "\n")
    with pytest.raises(ProtocolError) as error:
        house.start()
    assert error.value.code == "wrong-fingerprint"


def test_an_expired_invitation_that_was_taken_up_in_time_still_counts(house: House) -> None:
    house.ready()
    house.clock.pass_by(3 * DAY // 10**9)
    house.open(house.start(), "ann@example.com", house.recording())


def test_no_secret_looks_like_an_option_of_the_command_that_takes_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(Ed25519PrivateKey.from_private_bytes(bytes([first] * 32)) for first in (0xF8, 0xFB, 0x01))
    # Chance would make one such in 64: here two, then one that does not look like it.
    monkeypatch.setattr("review.enrolled.Ed25519PrivateKey.generate", lambda: next(made))
    assert base64url.decode(house.invitation(DAN, signer=house.compliance)[1]) == bytes([1] * 32)
