"""An attacker who owns the console, its database and the socket opens nothing: whatever they hand in, however it is
combined, is opened only if an honest reader of the rules says that this person may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import base64url, personal
from protocol.claims import Claims
from protocol.envelope import Edition
from protocol.errors import ProtocolError
from protocol.keys import public_to_text
from review.audit.verify import VerifyOptions, verify_log
from review.custodian.custodian import Custodian
from review.nonces import NONCE_LIVES
from testkit.custody import DAY, PEOPLE, RULES, House, Kept
from tests.review.custodian.conftest import Meanwhile

ANN, PIA = "ann@example.com", "pia@example.com"
Tokens = dict[str, Any]


def may(person: str, act: str, purpose: str, rendition: str, group: str, age_days: float) -> bool:
    """testkit.custody.RULES, read by a person. To export, two approvals are missing."""
    name = person.partition("@")[0]
    if act != "play":
        return False
    if name in {"ann", "sam"}:
        own = group == {"ann": "north desk", "sam": "south desk"}[name]
        return own and age_days < 30 and purpose in {"coaching", "complaint"} and rendition == "redacted"
    return name in {"cleo", "carl"} and purpose in {"audit", "complaint"} and rendition == "original"


@dataclass
class Attempt:
    """What is handed in; an attack changes it. `key`: that signs."""

    house: House
    custodian: Custodian
    person: str
    kept: Kept
    told: Tokens
    key: Ed25519PrivateKey
    changes: list[Callable[[str], str]] = field(default_factory=list)

    def hand_in(self) -> dict[str, Any]:
        terms = self.house.terms(self.person, self.kept.id, streams=["0"]) | self.told
        token = personal.sign(personal.REQUEST, terms, self.key)
        for change in self.changes:
            token = change(token)
        asked = Claims({"request": token, "papers": self.kept.papers}, "request", ProtocolError)
        return self.house.released(self.custodian.open(asked, "test"))


def forged(one: Attempt) -> None:
    one.key = Ed25519PrivateKey.generate()


def by_another(one: Attempt) -> None:
    one.key = next(key for person, key in one.house.people.items() if person != one.person)


def replayed(one: Attempt) -> None:
    kept = one.house.recording()
    nonce = one.custodian.nonce()
    asked = {"request": one.house.request(nonce, "ann@example.com", kept.id), "papers": kept.papers}
    one.custodian.open(Claims(asked, "request", ProtocolError), "test")
    one.told |= nonce


def late(one: Attempt) -> None:
    one.house.clock.pass_by(NONCE_LIVES + 1)


def of_an_earlier_start(one: Attempt) -> None:
    one.told |= one.house.start().nonce()


def made_up(one: Attempt) -> None:
    one.told["nonce"] = base64url.encode(bytes(40))


def changed_after_signing(one: Attempt) -> None:
    def change(token: str) -> str:
        head, payload, signature = token.split(".")
        raw = base64url.decode(payload).replace(one.told["session"].encode(), b"A" * 43)
        return f"{head}.{base64url.encode(raw)}.{signature}"

    one.told["session"] = one.house.terms(one.person, one.kept.id)["session"]
    one.changes.append(change)


def to_another_custodian(one: Attempt) -> None:
    one.told["custodian"] = "other.example.com/custodian"


def packet_of_another_device(one: Attempt) -> None:
    """The wraps copied into a packet that a PC of one's own team signs: its store never received it."""
    own = one.house.recording(evidence=Ed25519PrivateKey.generate(), device="d-2", of=one.kept)
    one.kept.papers |= {"packet": own.papers["packet"], "closing": own.papers["closing"]}


def device_of_ones_own(one: Attempt) -> None:
    evidence, store = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    one.kept.papers |= one.house.recording(evidence=evidence, store=store, of=one.kept).papers


def papers_of_another(one: Attempt) -> None:
    one.kept.papers |= one.house.recording().papers


def packet_of_another_time(one: Attempt) -> None:
    """By the same device, and not what the store received first."""
    one.kept.papers["packet"] = one.house.recording(of=one.kept, user="another").papers["packet"]


def still_recording(one: Attempt) -> None:
    one.kept.papers["closing"] = one.house.recording(of=one.kept, ended=False).papers["closing"]


def one_key_for_all(one: Attempt) -> None:
    one.kept.papers |= one.house.recording(of=one.kept, edition=Edition.FIRST).papers


def other_stream(one: Attempt) -> None:
    one.told["streams"] = ["0", "7"]


def newer_bundle_withheld(one: Attempt) -> None:
    one.kept.papers |= one.house.recording(of=one.kept, revision=9).papers


def filed_by_nobody(one: Attempt) -> None:
    one.told["filed"] = "a" * 64


def outside_of_the_folder(one: Attempt) -> None:
    one.told["filed"] = "../settings.json"


ATTACKS: dict[Callable[[Attempt], None], set[str]] = {
    forged: {"unknown-key"},
    by_another: {"other-person"},
    replayed: {"replayed"},
    late: {"stale"},
    of_an_earlier_start: {"stale"},
    made_up: {"stale"},
    changed_after_signing: {"bad-signature"},
    to_another_custodian: {"other-custodian"},
    packet_of_another_device: {"wrong-signer"},
    device_of_ones_own: {"wrong-signer"},
    papers_of_another: {"other-recording"},
    packet_of_another_time: {"other-packet"},
    still_recording: {"not-closed"},
    one_key_for_all: {"no-stream-keys"},
    other_stream: {"unknown-stream"},
    newer_bundle_withheld: {"stale-bundle"},
    filed_by_nobody: {"unknown-request"},
    outside_of_the_folder: {"unknown-request"},
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"), cap=100_000)


@pytest.fixture(scope="module")
def custodian(house: House) -> Custodian:
    return house.ready()


def attempt(house: House, custodian: Custodian, person: str, kept: Kept, **told: Any) -> Attempt:
    return Attempt(house, custodian, person, kept, custodian.nonce() | told, house.people[person])


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: str(one.__name__))
def test_each_attack_is_refused_by_name_noted_and_opens_nothing(
    house: House, custodian: Custodian, attack: Callable[[Attempt], None]
) -> None:
    one = attempt(house, custodian, "ann@example.com", house.recording())
    attack(one)
    before = len(house.entries())
    with pytest.raises(ProtocolError) as refused:
        one.hand_in()
    assert refused.value.code in ATTACKS[attack]
    (noted,) = house.entries()[before:]
    assert (noted["outcome"], noted["reason"]) == ("failure", refused.value.code)
    # The same person, the same recording, without the attack.
    kept = house.recording()
    assert house.received("ann@example.com", kept, house.open(custodian, "ann@example.com", kept)) == kept.stream_key(0)


@settings(max_examples=80)
@given(
    st.sampled_from(PEOPLE),
    st.sampled_from(["play", "export", "analyse", "erase", "legal-hold", "list"]),
    st.sampled_from(["coaching", "complaint", "audit", "curiosity", ""]),
    st.sampled_from(["redacted", "original"]),
    st.sampled_from(["north desk", "south desk", "a group that is no team's"]),
    st.sampled_from([0.01, 29.0, 31.0]),
    st.lists(st.sampled_from(list(ATTACKS)), max_size=2, unique=True),
)
def test_only_what_the_rules_allow_is_opened_whatever_is_combined(
    house: House, custodian: Custodian, name: str, act: str, purpose: str, rendition: str, group: str, age: float,
    attacks: list[Callable[[Attempt], None]],
) -> None:  # fmt: skip
    person = f"{name}@example.com"
    kept = house.recording(group, age=age * 86_400)
    one = attempt(house, custodian, person, kept, act=act, purpose=purpose, rendition=rendition)
    for attack in attacks:
        attack(one)
    expected = not attacks and may(person, act, purpose, rendition, group, age)
    before = len(house.entries())
    if not expected:
        with pytest.raises(ProtocolError):
            one.hand_in()
        assert house.entries()[-1]["outcome"] == "failure"
        return
    answer = one.hand_in()
    assert house.received(person, kept, answer) == kept.stream_key(0)
    assert list(answer["keys"]) == ["0"]
    whose = {"recording": str(kept.id), "evidence_key": public_to_text(house.evidence.public_key())}
    assert answer | whose == answer
    (noted,) = house.entries()[before:]
    assert (noted["kind"], noted["outcome"], noted["resource"]) == ("open", "success", [str(kept.id)])


def test_a_refusal_by_the_rules_names_their_line_in_answer_and_log(house: House, custodian: Custodian) -> None:
    with pytest.raises(ProtocolError) as refused:
        house.open(custodian, "sam@example.com", house.recording())
    (reason,) = refused.value.reasons  # type: ignore[attr-defined]
    assert reason.where == "rules.yaml:5:3"
    assert house.entries()[-1]["facts"]["rule"] == "rules.yaml:5:3"


def test_the_log_has_neither_names_nor_addresses_of_people(house: House, custodian: Custodian) -> None:
    house.open(custodian, "ann@example.com", house.recording())
    assert "example.com" not in str([{**one, "origin": ""} for one in house.entries()])


def test_what_is_no_request_at_all_is_refused_and_noted(house: House, custodian: Custodian) -> None:
    signed = house.request(custodian.nonce(), "ann@example.com", house.recording().id)
    for token in ("", "a.b.c", "..", signed[:-4], signed.rpartition(".")[0], "x" * 20_000, signed + "A"):
        before = len(house.entries())
        with pytest.raises(ProtocolError):
            custodian.open(Claims({"request": token, "papers": {}}, "request", ProtocolError), "test")
        assert [one["outcome"] for one in house.entries()[before:]] == ["failure"]


# -- what changes the custodian's own state -------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> House:
    return House(tmp_path / "own", cap=3)


def refused(house: House, custodian: Custodian, person: str = "ann@example.com", **changed: Any) -> str:
    before = len(house.entries())
    with pytest.raises(ProtocolError) as error:
        house.open(custodian, person, house.recording(), **changed)
    assert [one["reason"] for one in house.entries()[before:]] == [error.value.code]
    return error.value.code


def test_a_clock_that_is_set_back_a_year_opens_nothing_also_after_a_start(own: House) -> None:
    custodian = own.ready()
    own.open(custodian, "ann@example.com", own.recording())
    own.clock.now -= 365 * DAY
    assert refused(own, custodian) == "clock-set-back"
    assert refused(own, own.start()) == "clock-set-back"
    own.clock.now += 365 * DAY
    own.open(custodian, "ann@example.com", own.recording())


def test_a_bundle_older_than_the_last_is_refused_also_after_a_start(own: House) -> None:
    custodian = own.ready()
    first, second = own.bundle(1), own.bundle(2, rules="")
    custodian.take_bundle(second, "test")
    assert refused(own, custodian) == "no-rules"
    for one in (custodian, own.start()):
        with pytest.raises(ProtocolError, match="older than the last") as error:
            one.take_bundle(first, "test")
        assert error.value.code == "old-bundle"
        assert refused(own, one) == "no-rules"


def test_a_log_whose_last_tile_is_missing_is_named_and_loses_nothing(own: House) -> None:
    custodian, log = own.ready(), own.folder / "audit"

    def findings() -> list[str]:
        custodian._log.publish()
        (tile,) = (log / "tile" / "0").glob(f"000.p/{custodian._log.size}")
        assert verify_log(log, VerifyOptions(own.signer.key, None, None, ())).findings == []
        tile.unlink()
        return [one.code for one in verify_log(log, VerifyOptions(own.signer.key, None, None, ())).findings]

    assert findings() == ["tile-missing"]
    own.open(custodian, ANN, own.recording())  # and the next entry's tiles are whole
    assert findings() == ["tile-missing"]


def test_another_bundle_of_the_same_revision_and_one_of_another_signer_are_refused(own: House) -> None:
    custodian = own.ready()
    for text, code in (
        (own.bundle(1, rules=""), "old-bundle"),
        (own.bundle(2, signer=Ed25519PrivateKey.generate()), "wrong-fingerprint"),
        (own.bundle(2).partition("\n")[0] + '\n{"v":1,"files":{"rules.yaml":"x"}}', "wrong-governance"),
        (own.bundle(2, rules="schema: 1\nroles: 7\n...\n"), "mistaken-rules"),
        (own.bundle(2, rules=RULES.replace("keep: 180d", "keep: 180d, minimum: 1y, why: law")), "mistaken-rules"),
    ):
        with pytest.raises(ProtocolError) as error:
            custodian.take_bundle(text, "test")
        assert (error.value.code, own.entries()[-1]["reason"]) == (code, code)
    own.open(custodian, "ann@example.com", own.recording())


def test_a_team_that_is_gone_from_the_rules_opens_nothing(own: House) -> None:
    custodian = own.ready()
    custodian.take_bundle(own.bundle(2, rules=RULES.replace("  north: { groups: [north desk] }\n", "").replace(
        "teams: [north], since", "teams: [south], since")), "test")  # fmt: skip
    assert refused(own, custodian) == "refused"


def test_a_key_that_was_removed_is_named_and_signs_nothing_also_after_a_start(own: House) -> None:
    custodian = own.ready()
    key = personal.PersonKey(own.people["ann@example.com"].public_key()).id
    custodian.remove(key, "test")
    assert refused(own, custodian) == "key-removed"
    assert refused(own, own.start()) == "key-removed"


def test_openings_are_capped_for_a_person_and_an_hour(own: House) -> None:
    custodian = own.ready()
    for _ in range(3):
        own.open(custodian, "ann@example.com", own.recording())
    assert refused(own, custodian) == "too-many"
    own.open(custodian, "sam@example.com", own.recording("south desk"))
    own.clock.pass_by(3601)
    own.open(custodian, "ann@example.com", own.recording())


def test_a_stolen_review_key_stops_everything_until_a_bundle_no_longer_seals_to_it(own: House) -> None:
    own.ready()
    replace(own.settings, compromised=(own.review.key_id,)).write(own.folder)
    assert refused(own, own.start()) == "compromised"


def test_no_entry_no_key(own: House) -> None:
    custodian = own.ready()
    (own.folder / "audit" / "lock").unlink()
    (own.folder / "audit" / "lock").mkdir()
    with pytest.raises(ProtocolError) as error:
        own.open(custodian, "ann@example.com", own.recording())
    assert error.value.code == "not-written"


def test_a_flood_of_what_nobody_signed_fills_no_disk_and_keeps_nobody_out(own: House) -> None:
    custodian = own.ready()
    for _ in range(700):
        with pytest.raises(ProtocolError):
            custodian.open(Claims({"request": "x", "papers": {}}, "request", ProtocolError), "test")
    assert len(own.entries()) < 650
    own.open(custodian, "ann@example.com", own.recording())


def test_a_pc_whose_clock_is_ahead_makes_no_recording_younger(own: House) -> None:
    custodian = own.ready()
    kept = own.recording(age=-90 * 86_400, at=own.clock.now - 31 * DAY)
    with pytest.raises(ProtocolError, match="older than role"):
        own.open(custodian, "ann@example.com", kept)


def test_what_no_rule_could_know_is_refused_before_it_is_asked(house: House, custodian: Custodian) -> None:
    changes: list[dict[str, Any]] = [
        {"act": "watch"}, {"rendition": "blurred"}, {"purpose": "Complaint by Ann"},
        {"session": "x"}, {"streams": []}, {"streams": [0]}, {"nonce": "x"},
    ]  # fmt: skip
    for changed in changes:
        with pytest.raises(ProtocolError) as error:
            house.open(custodian, "ann@example.com", house.recording(), **changed)
        assert error.value.code in {"bad-field", "bad-key", "unknown-stream"}
        assert house.entries()[-1]["reason"] == error.value.code


def test_an_account_of_another_device_ends_no_recording(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    kept.papers["closing"] = house.recording(of=kept, device="d-2").papers["closing"]
    with pytest.raises(ProtocolError, match="another device's"):
        house.open(custodian, "ann@example.com", kept)


def test_what_was_sealed_to_no_review_key_is_named_and_the_same_bundle_may_come_again(own: House) -> None:
    custodian = own.ready()
    custodian.take_bundle(own.bundle(), "test")
    with pytest.raises(ProtocolError, match="custodian adopt") as error:
        own.open(custodian, "ann@example.com", own.recording(recipients=[own.recovery]))
    assert error.value.code == "not-a-recipient"


@pytest.mark.parametrize("taken", ["key", "role"])
@pytest.mark.parametrize("at", ["papers", "entry"])
def test_a_key_or_role_that_is_taken_away_while_papers_are_read_opens_nothing(
    own: House, meanwhile: Meanwhile, taken: str, at: str
) -> None:
    custodian, kept = own.ready(), own.recording()

    def take_away() -> None:
        if taken == "key":
            custodian.remove(personal.PersonKey(own.people[ANN].public_key()).id, "test")
        else:
            rules = RULES.replace("revision: 1", "revision: 2").replace(
                "  ann@example.com: { roles: [supervisor]", "  #"
            )
            custodian.take_bundle(own.bundle(2, rules), "test")

    meanwhile(custodian, at, "open", take_away)
    with pytest.raises(ProtocolError) as refused:
        own.open(custodian, ANN, kept)
    assert refused.value.code == {"key": "key-removed", "role": "rules-changed"}[taken]
    assert own.entries()[-1]["reason"] == refused.value.code


def test_consent_by_a_key_that_is_removed_while_papers_are_read_is_not_noted(
    tmp_path: Path, meanwhile: Meanwhile
) -> None:
    own = House(
        tmp_path / "house", rules=RULES.replace("[list], of: all", "[list, consent], of: all, purposes: [request]")
    )
    custodian, kept = own.ready(), own.recording()
    key = personal.PersonKey(own.people[PIA].public_key()).id
    meanwhile(custodian, "papers", "consent", lambda: custodian.remove(key, "test"))
    with pytest.raises(ProtocolError) as refused:
        own.consent(custodian, PIA, kept, "given")
    assert (refused.value.code, custodian.consents.kept(kept.id)) == ("key-removed", ())


def test_papers_with_thousands_of_successors_are_refused_before_any_is_read(own: House) -> None:
    custodian, kept = own.ready(), own.recording()
    kept.papers["successors"] = ["junk"] * 30_000
    with pytest.raises(ProtocolError) as refused:
        own.open(custodian, ANN, kept)
    assert refused.value.code == "oversized"
