"""Where the consent to a recording comes from: people's own signatures, whatever a console or a database says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import personal
from protocol.errors import ProtocolError
from review.custodian.custodian import Custodian
from review.nonces import NONCE_LIVES
from review.refusal import Refusal
from review.samples import Month
from testkit.custody import RULES, SECOND, House, Kept

ANN, PIA, CARL = "ann@example.com", "pia@example.com", "carl@example.com"
MAY = RULES.replace(
    "privacy: { may: [list], of: all }", "privacy: { may: [list, consent], of: all, purposes: [request] }"
)
WRITTEN = MAY.replace("carl@example.com: { roles: [compliance] }", "carl@example.com: { roles: [privacy] }")
REQUIRED = WRITTEN.replace("retention:", "consent: { voice: required }\nretention:")
LINE = next(number for number, line in enumerate(REQUIRED.splitlines(), 1) if line.startswith("consent:"))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house", rules=REQUIRED)


def opens(house: House, custodian: Custodian, kept: Kept) -> bool:
    try:
        answer = house.open(custodian, ANN, kept)
    except Refusal as error:
        if error.code != "refused":
            raise
        return False
    return house.received(ANN, kept, answer) == kept.stream_key(0)


def refused(house: House, hand_in: Callable[[], object]) -> str:
    """The code, after one entry says so, too."""
    before = len(house.entries())
    with pytest.raises(ProtocolError) as error:
        hand_in()
    (noted,) = house.entries()[before:]
    assert (noted["kind"], noted["outcome"], noted["reason"]) == ("consent", "failure", error.value.code)
    return error.value.code


def test_without_it_nothing_opens_with_it_it_does_and_withdrawn_it_stays_shut(
    house: House, custodian: Custodian
) -> None:
    kept, other = house.recording(), house.recording()
    with pytest.raises(ProtocolError, match="there is no consent to the voice, and these rules require it"):
        house.open(custodian, ANN, kept)
    assert house.entries()[-1]["facts"]["rule"] == f"rules.yaml:{LINE}:12"
    house.consent(custodian, PIA, kept, "given")
    noted = house.entries()[-1]
    assert (noted["kind"], noted["outcome"], noted["resource"]) == ("consent", "success", [str(kept.id)])
    assert noted["facts"] == {
        "channel": "voice", "state": "given", "purpose": "request", "reference": "F-1", "rule": "rules.yaml:12:3",
    }  # fmt: skip
    assert opens(house, custodian, kept)
    assert not opens(house, custodian, other)
    assert opens(house, house.start(), kept)
    house.clock.pass_by(1)
    house.consent(custodian, PIA, kept, "withdrawn")
    with pytest.raises(ProtocolError, match="the consent to the voice was withdrawn"):
        house.open(custodian, ANN, kept)
    assert not opens(house, house.start(), kept)
    house.clock.pass_by(1)
    house.consent(custodian, PIA, kept, "given")
    assert opens(house, custodian, kept)


def test_withdrawn_stays_shut_also_where_the_rules_ask_for_none(tmp_path: Path) -> None:
    house = House(tmp_path / "house", rules=WRITTEN)
    custodian = house.ready()
    kept = house.recording()
    assert opens(house, custodian, kept)
    house.consent(custodian, PIA, kept, "withdrawn", channel="screen")
    assert not opens(house, custodian, kept)


def test_a_recording_without_a_voice_needs_none(house: House, custodian: Custodian) -> None:
    silent = house.recording(streams=(0,))
    assert opens(house, custodian, silent)
    assert refused(house, lambda: house.consent(custodian, PIA, silent, "given")) == "unknown-channel"


def test_who_has_no_role_for_it_gives_none_and_takes_none_back(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    for state in ("given", "withdrawn"):
        assert refused(house, lambda said=state: house.consent(custodian, ANN, kept, said)) == "refused"  # type: ignore[misc]
    assert refused(house, lambda: house.consent(custodian, PIA, kept, "given", purpose="")) == "not-yet"
    assert refused(house, lambda: house.consent(custodian, PIA, kept, "given", purpose="audit")) == "refused"
    assert custodian.consents.shown(kept.id) == {}


def test_a_role_with_a_sample_gives_and_withdraws_for_what_was_drawn_alone(tmp_path: Path) -> None:
    house = House(tmp_path / "house", rules=REQUIRED.replace(
        "purposes: [request] }", "purposes: [request], sample: { request: 2 per agent per month } }"
    ))  # fmt: skip
    custodian, kept, other = house.ready(), house.recording(), house.recording()
    month = Month.of(house.clock.now - 60 * SECOND).name
    (house.folder / "samples" / f"{month}.drawn").write_text(json.dumps({"request": {"agent": [str(kept.id)]}}))
    for state in ("given", "withdrawn"):
        house.clock.pass_by(1)
        house.consent(custodian, PIA, kept, state)
        assert custodian.consents.shown(kept.id)["voice"]["state"] == state
        assert refused(house, lambda said=state: house.consent(custodian, PIA, other, said)) == "not-yet"  # type: ignore[misc]


def test_an_attacker_who_owns_the_console_gives_no_consent(house: House, custodian: Custodian) -> None:
    kept, other = house.recording(), house.recording()

    def signed(**changed: Any) -> str:
        return house.consent_token(custodian, PIA, kept, "given", **changed)

    def hand_in(token: str, of: Kept = kept) -> Callable[[], object]:
        return lambda: house.hand_in_consent(custodian, of, token)

    head, payload, signature = signed().split(".")
    forged = personal.sign(personal.CONSENT, {"person": PIA}, Ed25519PrivateKey.generate())
    request = house.request(custodian.nonce(), PIA, kept.id)
    late = signed()
    for token, code in (
        (forged, "unknown-key"),
        (signed(person=ANN), "other-person"),
        (signed(custodian="other.example.com/custodian"), "other-custodian"),
        (f"{head}.{house.consent_token(custodian, PIA, other, 'given').split('.')[1]}.{signature}", "bad-signature"),
        (f"{head}.{payload}.{'A' * 86}", "bad-signature"),
        (request, "wrong-type"),
        (signed(state="missing"), "bad-field"),
        (signed(channel="smell"), "bad-field"),
        (signed(purpose="two words"), "bad-field"),
        (signed(reference="Ann Miller"), "bad-field"),
        (signed(recording="0193a1b2"), "bad-field"),
        (signed(**house.start().nonce()), "stale"),
        ("", "malformed"),
    ):  # fmt: skip
        assert refused(house, hand_in(token)) == code
    assert refused(house, hand_in(signed(), other)) == "other-recording"
    house.clock.pass_by(NONCE_LIVES + 1)
    assert refused(house, hand_in(late)) == "stale"
    good = signed()
    hand_in(good)()
    assert refused(house, hand_in(good)) == "replayed"
    assert opens(house, custodian, kept)
    assert not opens(house, custodian, other)


def test_what_was_signed_before_a_withdrawal_and_kept_back_opens_nothing(house: House, custodian: Custodian) -> None:
    kept, other = house.recording(), house.recording()
    house.clock.pass_by(1)
    early, elsewhere = (house.consent_token(custodian, PIA, one, "given") for one in (kept, other))
    house.consent(custodian, CARL, kept, "withdrawn")
    assert refused(house, lambda: house.hand_in_consent(custodian, kept, early)) == "stale"
    house.hand_in_consent(custodian, other, elsewhere)
    assert (opens(house, custodian, kept), opens(house, custodian, other)) == (False, True)
    again = house.start()
    assert refused(house, lambda: house.hand_in_consent(again, kept, early)) == "stale"


def test_a_stolen_key_that_was_removed_has_given_nothing_and_what_it_withdrew_stays_shut(
    house: House, custodian: Custodian
) -> None:
    given_by_both, withdrawn, reopened = (house.recording() for _ in range(3))
    house.consent(custodian, PIA, given_by_both, "given")
    house.consent(custodian, CARL, withdrawn, "withdrawn")
    house.consent(custodian, PIA, reopened, "withdrawn")
    house.clock.pass_by(1)
    house.consent(custodian, CARL, given_by_both, "withdrawn", channel="screen")
    house.clock.pass_by(1)
    house.consent(custodian, PIA, given_by_both, "given", channel="screen")
    house.consent(custodian, CARL, reopened, "given")
    assert [opens(house, custodian, one) for one in (given_by_both, withdrawn, reopened)] == [True, False, True]
    custodian.remove(personal.PersonKey(house.people[CARL].public_key()).id, "test")
    for one in (custodian, house.start()):
        assert [opens(house, one, kept) for kept in (given_by_both, withdrawn, reopened)] == [True, False, False]
    for kept in (withdrawn, reopened):
        assert custodian.consents.shown(kept.id)["voice"]["state"] == "withdrawn"


def test_what_was_withdrawn_under_one_reference_is_not_undone_under_another(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    for state, reference, then in (
        ("given", "call-1", True),
        ("withdrawn", "call-2", False),
        ("given", "call-1", False),
        ("given", "", False),
        ("given", "call-2", True),
        ("withdrawn", "call-1", False),
    ):
        house.clock.pass_by(1)
        house.consent(custodian, PIA, kept, state, reference=reference)
        for one in (custodian, house.start()):
            assert opens(house, one, kept) is then
            shown = one.consents.shown(kept.id)["voice"]
            assert shown["state"] == ("given" if then else "withdrawn")
            assert then or shown["reference"] == reference or shown["reference"] == "call-2"


def test_a_stolen_key_that_says_again_what_was_given_takes_nothing_with_it(house: House, custodian: Custodian) -> None:
    kept = house.recording()
    for person in (PIA, CARL):
        house.clock.pass_by(1)
        house.consent(custodian, person, kept, "given")
    custodian.remove(personal.PersonKey(house.people[CARL].public_key()).id, "test")
    assert opens(house, custodian, kept)
    assert custodian.consents.shown(kept.id)["voice"]["person"] == PIA


def test_a_key_gives_so_many_references_of_a_recording_and_others_go_on(
    house: House, custodian: Custodian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.consented.MOST_REFERENCES", 2)  # the real bound takes long to reach
    kept = house.recording()
    for number in range(2):
        house.consent(custodian, CARL, kept, "given", reference=f"F-{number}")
    assert refused(house, lambda: house.consent(custodian, CARL, kept, "given", reference="F-2")) == "too-many"
    house.consent(custodian, CARL, kept, "given", reference="F-1")
    house.consent(custodian, CARL, kept, "withdrawn", reference="F-2")
    house.clock.pass_by(1)
    house.consent(custodian, PIA, kept, "given", reference="F-2")
    assert opens(house, custodian, kept)


def test_what_is_kept_of_a_recording_does_not_grow_and_withdrawals_end_in_time(
    house: House, custodian: Custodian
) -> None:
    kept, other = house.recording(), house.recording()
    for state in ("given", "withdrawn") * 3:
        house.clock.pass_by(NONCE_LIVES)
        house.consent(custodian, PIA, kept, state)
        house.consent(custodian, PIA, other, state)
    assert [len(custodian.consents.kept(one.id)) for one in (kept, other)] == [2, 2]
    assert set(custodian.consents._withdrawn) == {kept.id, other.id}
    house.clock.pass_by(NONCE_LIVES)
    house.consent(custodian, PIA, kept, "withdrawn")
    assert set(custodian.consents._withdrawn) == {kept.id}


def test_files_that_are_not_what_was_signed_open_nothing(house: House, custodian: Custodian) -> None:
    kept, other = house.recording(), house.recording()
    for one in (kept, other):
        house.consent(custodian, PIA, one, "given")
    ours, theirs = (house.folder / "consent" / str(one.id) for one in (kept, other))
    whole = ours.read_text()
    stranger = Ed25519PrivateKey.generate()
    said: dict[str, Any] = {"recording": str(kept.id), "channel": "voice", "state": "given", "purpose": "",
                            "reference": "", "custodian": house.settings.name, "person": PIA}  # fmt: skip
    for content, code in (
        (theirs.read_text(), "other-recording"),
        (personal.sign(personal.CONSENT, said, stranger), "unknown-key"),
        (whole[:-4] + "AAAA", "bad-signature"),
        (personal.sign(personal.CONSENT, said | {"person": ANN}, house.people[PIA]), "other-person"),
        (personal.sign(personal.CONSENT, said | {"custodian": "other"}, house.people[PIA]), "other-custodian"),
        ("\xe9", "malformed"),
    ):
        ours.write_bytes(content.encode("latin-1"))
        with pytest.raises(ProtocolError) as error:
            house.open(custodian, ANN, kept)
        assert error.value.code == code
        assert house.entries()[-1]["outcome"] == "failure"
    ours.write_text(whole)
    assert opens(house, custodian, kept)


def test_a_withdrawal_between_entry_and_keys_shuts_it(
    house: House, custodian: Custodian, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = house.recording()
    house.consent(custodian, PIA, kept, "given")
    append = custodian._log.append

    def meanwhile(act: Any) -> int:
        position = append(act)
        if act.kind == "open" and act.outcome == "success":
            house.consent(custodian, CARL, kept, "withdrawn")
        return position

    monkeypatch.setattr(custodian._log, "append", meanwhile)  # hands the withdrawal in after the entry
    with pytest.raises(ProtocolError) as error:
        house.open(custodian, ANN, kept)
    assert error.value.code == "consent-changed"
    assert [(one["kind"], one["outcome"]) for one in house.entries()[-3:]] == [
        ("open", "success"), ("consent", "success"), ("open", "failure"),
    ]  # fmt: skip


def test_no_entry_no_consent_and_a_withdrawal_counts_all_the_same(house: House, custodian: Custodian) -> None:
    kept, other = house.recording(), house.recording()
    house.consent(custodian, PIA, kept, "given")
    lock = house.folder / "audit" / "lock"
    lock.unlink()
    lock.mkdir()
    for one, state in ((kept, "withdrawn"), (other, "given")):
        with pytest.raises(ProtocolError) as error:
            house.consent(custodian, PIA, one, state)
        assert error.value.code == "not-written"
    lock.rmdir()
    assert [opens(house, house.start(), one) for one in (kept, other)] == [False, False]


def test_rules_that_would_have_a_withdrawal_wait_for_approval_are_mistaken(house: House, custodian: Custodian) -> None:
    rules = REQUIRED.replace("revision: 1", "revision: 2").replace("act: [export]", "act: [export, consent]")
    with pytest.raises(ProtocolError, match="consent") as error:
        custodian.take_bundle(house.bundle(2, rules), "test")
    assert error.value.code == "mistaken-rules"


Step = tuple[str, str]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("lasting"), rules=REQUIRED, cap=100_000)
    house.ready()
    return house


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hold back", "hand in", "start"]),
            st.sampled_from(["given", "withdrawn"]),
        ),
        max_size=8,
    )
)
def test_the_newest_counts_and_no_order_of_handing_in_opens_after_a_withdrawal(
    lasting: House, steps: list[Step]
) -> None:
    """The oracle knows when each was signed. The console hands in what it kept back the newest first."""
    custodian, kept = lasting.start(), lasting.recording()
    held: list[tuple[int, str, str]] = []  # what the console keeps back: when it was signed, what it says
    state, withdrawn_at = "missing", -1
    for number, (step, says) in enumerate(steps):
        lasting.clock.pass_by(1)
        if step == "start":
            custodian, held = lasting.start(), []
        elif step == "hold back":
            held.append((number, says, lasting.consent_token(custodian, PIA, kept, says)))
        else:
            held.append((number, says, lasting.consent_token(custodian, CARL, kept, says)))
            for at, said, token in reversed(held):
                lasting.clock.pass_by(1)
                if said == "given" and at <= withdrawn_at:
                    with pytest.raises(ProtocolError, match="withdrawn since"):
                        lasting.hand_in_consent(custodian, kept, token)
                else:
                    lasting.hand_in_consent(custodian, kept, token)
                    state = said
                    withdrawn_at = number if said == "withdrawn" else withdrawn_at
            held = []
        assert opens(lasting, custodian, kept) is (state == "given")
