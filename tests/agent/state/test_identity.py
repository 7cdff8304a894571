"""Enrolling and what it leaves on disk: keys for this user alone, pins, and a bundle that only ever gets newer."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import EnvironmentFault, Transient, Untrusted, UserError
from agent.state.identity import IDENTITY, TRUST, Identity, Trust, enrol, load
from protocol import api, base64url, jws, successor
from protocol.keys import RecipientPrivate, thumbprint
from protocol.location import Location
from testkit.fakes.clock import HandClock
from testkit.fakes.store import FakeStore, Reply, problem


@pytest.fixture
def store() -> Iterator[FakeStore]:
    with FakeStore() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "eyelid"


def enrolled(store: FakeStore, home: Path, pasted: str = "") -> Identity:
    return enrol(
        pasted or store.pasted(),
        home,
        HandClock(),
        host="pc-17",
        user="alice",
        system="Debian 13",
        agent_version="0.1.0",
    )


# -- enrolling ----------------------------------------------------------------------------------------------------


def test_an_enrolled_pc_knows_itself_its_store_and_whom_to_trust(store: FakeStore, home: Path) -> None:
    identity = enrolled(store, home, "\n  ".join((store.pasted(group="sales")[:50], store.pasted(group="sales")[50:])))
    assert (identity.device, identity.address, identity.group) == ("device-1", store.address, "sales")
    assert identity.compliance == thumbprint(store.compliance_key.public_key())
    device = store.devices["device-1"]
    assert device.token_key == identity.keys.token.public_key()
    assert device.evidence_key == identity.keys.evidence.public_key()
    assert device.token_key != device.evidence_key
    trust = Trust(identity)
    assert trust.bundle.revision == 1
    assert trust.bundle.recipients == (store.recipient.public,)
    assert trust.store_keys == {thumbprint(store.pinned): store.pinned}


def test_a_later_process_reads_the_same(store: FakeStore, home: Path) -> None:
    identity = enrolled(store, home)
    again = load(home)
    assert again.device == identity.device
    assert again.keys.evidence.private_bytes_raw() == identity.keys.evidence.private_bytes_raw()


def test_keys_are_for_this_user_alone_and_in_no_message(store: FakeStore, home: Path) -> None:
    identity = enrolled(store, home)
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert "Key" not in repr(identity)
    assert "CERTIFICATE" not in repr(identity)


def test_enrolling_over_tls_trusts_the_tokens_ca(tmp_path: Path, home: Path) -> None:
    with FakeStore(tls=tmp_path) as store:
        assert enrolled(store, home).ca == store.ca


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("", "begins with eyelid1."),
        ("eyelid1.AAAA", "not whole"),
        ("https://store", "begins with eyelid1."),
    ],
)
def test_a_token_that_is_not_whole_is_told(store: FakeStore, home: Path, pasted: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        enrolled(store, home, pasted or " ")
    assert not home.exists()


def test_a_store_elsewhere_over_plain_http_is_refused(store: FakeStore, home: Path) -> None:
    with pytest.raises(UserError, match="must be an https address"):
        enrolled(store, home, store.pasted(address="http://10.1.2.3"))


def test_a_used_up_token_is_told_in_the_stores_words_and_leaves_nothing(store: FakeStore, home: Path) -> None:
    store.secrets.clear()
    with pytest.raises(UserError, match=r"did not enrol this PC: scripted: used-up \(used-up\)"):
        enrolled(store, home)
    assert not home.exists()


@pytest.mark.parametrize("reply", [problem(503, "busy"), problem(429, "busy"), Reply(502, b"<html>"), Reply(drop=True)])
def test_a_store_that_cannot_now_is_told_and_leaves_nothing(store: FakeStore, home: Path, reply: Reply) -> None:
    store.says(api.ENROLL, reply)
    with pytest.raises(Transient):
        enrolled(store, home)
    assert not home.exists()
    assert enrolled(store, home).device == "device-1"


def test_a_store_that_is_not_reached_is_named_with_its_address(store: FakeStore, home: Path) -> None:
    """A token made for a name that this PC does not know is the commonest reason."""
    store.says(api.ENROLL, Reply(drop=True))
    with pytest.raises(Transient, match=r"^https?://\S+, of the token: the store cannot be reached"):
        enrolled(store, home)


def test_a_second_enrolment_is_refused_and_changes_nothing(store: FakeStore, home: Path) -> None:
    enrolled(store, home)
    before = (home / IDENTITY).read_bytes()
    store.secrets.add("another")
    with pytest.raises(UserError, match="is enrolled already, as device-1"):
        enrolled(store, home)
    assert (home / IDENTITY).read_bytes() == before
    assert store.secrets == {"another"}


def test_a_bundle_that_the_token_does_not_vouch_for_is_refused(store: FakeStore, home: Path) -> None:
    """A store operator cannot add a reader."""
    store.bundle = store.signed_bundle(1, Ed25519PrivateKey.generate())
    with pytest.raises(Untrusted, match="not signed by the compliance key"):
        enrolled(store, home)
    assert not home.exists()


def test_an_answer_that_is_no_enrolment_is_refused(store: FakeStore, home: Path) -> None:
    store.says(api.ENROLL, Reply(body=b"<html>Welcome to the hotel</html>"), Reply(body=b'{"device": 1}'))
    for _ in range(2):
        with pytest.raises(Untrusted):
            enrolled(store, home)
    assert not home.exists()


def test_an_answer_that_the_store_did_not_sign_for_this_pc_is_refused(store: FakeStore, home: Path) -> None:
    enrolled(store, home)
    shutil.rmtree(home)
    unsigned = {name: value for name, value in store.admission.items() if name != "proof"}  # as by a store of before
    store.says(api.ENROLL, *(Reply(body=json.dumps(body).encode()) for body in (store.admission, unsigned)))
    store.secrets.add("another")
    with pytest.raises(Untrusted, match="to another enrolment"):
        enrolled(store, home)
    with pytest.raises(Untrusted, match="bring the store up to date"):
        enrolled(store, home)
    assert not home.exists()


def test_a_home_that_cannot_be_written_is_told(store: FakeStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written: Not a directory"):
        enrolled(store, tmp_path / "file" / "eyelid")


# -- loading ------------------------------------------------------------------------------------------------------


def test_a_pc_that_is_not_enrolled_is_told_how(home: Path) -> None:
    with pytest.raises(UserError, match="run `eyelid enroll`"):
        load(home)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_keys_that_others_can_read_are_not_used(store: FakeStore, home: Path, mode: int) -> None:
    enrolled(store, home)
    (home / IDENTITY).chmod(mode)
    with pytest.raises(UserError, match="chmod 600"):
        load(home)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"device": "x"', b"\xff", b"[]"])
@pytest.mark.parametrize("name", [IDENTITY, TRUST])
def test_a_damaged_file_is_told(store: FakeStore, home: Path, name: str, content: bytes) -> None:
    identity = enrolled(store, home)
    (home / name).write_bytes(content)
    with pytest.raises(EnvironmentFault, match="is damaged"):
        load(home) if name == IDENTITY else Trust(identity)


def test_a_key_that_is_none_is_damage(store: FakeStore, home: Path) -> None:
    enrolled(store, home)
    saved = json.loads((home / IDENTITY).read_text())
    (home / IDENTITY).write_text(json.dumps(saved | {"evidence_key": "AAAA"}))
    with pytest.raises(EnvironmentFault, match="a private signing key is 32 bytes") as raised:
        load(home)
    assert saved["token_key"] not in str(raised.value)


# -- what the store hands out later -------------------------------------------------------------------------------


@pytest.fixture
def identity(store: FakeStore, home: Path) -> Identity:
    return enrolled(store, home)


def test_a_newer_bundle_is_taken_over_and_kept(store: FakeStore, identity: Identity) -> None:
    trust = Trust(identity)
    assert not trust.adopt(store.bundle, [])
    assert trust.adopt(store.signed_bundle(5, policy="rules: []"), [])
    assert trust.bundle.revision == 5
    assert Trust(identity).bundle.policy_files == {"policy": "rules: []"}


def test_an_older_bundle_changes_nothing(store: FakeStore, identity: Identity) -> None:
    trust = Trust(identity)
    trust.adopt(store.signed_bundle(5), [])
    for old in (store.signed_bundle(4), store.bundle, store.signed_bundle(5, other="same revision")):
        with pytest.raises(Untrusted, match="revision must rise"):
            trust.adopt(old, [])
    assert trust.bundle.revision == 5
    assert Trust(identity).bundle.revision == 5


def test_a_bundle_of_somebody_else_changes_nothing(store: FakeStore, identity: Identity) -> None:
    trust = Trust(identity)
    with pytest.raises(Untrusted, match="not signed by the compliance key"):
        trust.adopt(store.signed_bundle(9, store.store_key), [])
    assert trust.bundle.revision == 1


def test_a_reader_whom_nothing_can_be_sealed_to_leaves_the_bundle_before_in_force(
    store: FakeStore, identity: Identity
) -> None:
    """Signed by compliance, and refused: each recording would fail under it."""
    trust, good = Trust(identity), RecipientPrivate.generate().public.raw
    recipients = [base64url.encode(good), base64url.encode(good[:1184] + bytes(32))]
    bad = {"revision": 5, "created": 0, "recipients": recipients, "policy_files": {}}
    with pytest.raises(Untrusted, match="small order"):
        trust.adopt(jws.sign(jws.BUNDLE, bad, store.compliance_key, with_key=True), [])
    assert trust.bundle.revision == Trust(identity).bundle.revision == 1


def test_a_successor_of_the_stores_key_is_trusted_from_then_on(store: FakeStore, identity: Identity) -> None:
    trust = Trust(identity)
    store.new_key()
    store.new_key()
    assert not trust.adopt(store.bundle, store.successors)
    assert thumbprint(store.store_key.public_key()) in trust.store_keys
    assert len(trust.store_keys) == 3
    trust.adopt(store.bundle, [])  # one that is no longer handed out is not forgotten
    assert len(Trust(identity).store_keys) == 3


def test_a_key_that_nobody_here_vouches_for_is_not_trusted(store: FakeStore, identity: Identity) -> None:
    stranger = Ed25519PrivateKey.generate()
    foreign = successor.sign(Ed25519PrivateKey.generate().public_key(), stranger, at=0)
    trust = Trust(identity)
    trust.adopt(store.bundle, [foreign])
    assert trust.store_keys.keys() == {thumbprint(store.pinned)}
    assert foreign not in (identity.home / TRUST).read_text()


def test_a_forged_successor_changes_nothing(store: FakeStore, identity: Identity) -> None:
    store.new_key()
    [honest] = store.successors
    forged = honest[:-4] + ("AAAA" if honest[-4:] != "AAAA" else "BBBA")
    trust = Trust(identity)
    with pytest.raises(Untrusted, match="not signed by whom it must be"):
        trust.adopt(store.signed_bundle(2), [forged])
    assert trust.bundle.revision == 1
    assert len(trust.store_keys) == 1


def test_where_the_store_goes_is_kept_and_only_ever_newer(store: FakeStore, identity: Identity) -> None:
    trust = Trust(identity)
    assert (trust.location, trust.places) == (0, ((identity.address, identity.ca),))
    moved = Location(2, "https://new.example.com:8443", "")
    assert not trust.adopt(store.bundle, [], moved.sign(store.store_key))
    wanted = (("https://new.example.com:8443", ""), (identity.address, ""))
    for other in (Location(1, "https://old.example.com", ""), Location(2, "https://other.example.com", "")):
        trust.adopt(store.bundle, [], other.sign(store.store_key))
        trust.adopt(store.bundle, [])
        for known in (trust, Trust(identity)):
            assert (known.location, known.places) == (2, wanted)
    store.new_key()
    trust.adopt(store.bundle, store.successors, Location(3, "https://third.example.com", "").sign(store.store_key))
    assert Trust(identity).places[0] == ("https://third.example.com", "")


def test_nobody_but_the_store_says_where_it_is(store: FakeStore, identity: Identity) -> None:
    trust = Trust(identity)
    lie = Location(9, "https://thief.example.com", "").sign(Ed25519PrivateKey.generate())
    with pytest.raises(Untrusted, match="was not signed by it"):
        trust.adopt(store.signed_bundle(2), [], lie)
    assert (trust.location, trust.bundle.revision) == (0, 1)
