"""A worker is given the keys of one recording for one lease: what its kind is made of, once, noted before, as the
signed rules say; and a stranger, a thief of the console or a worker that asks for more gets none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import base64url, jws, personal
from protocol.claims import Claims
from protocol.envelope import SOUND_STREAM, Edition
from protocol.errors import KeyProblem, ProtocolError
from protocol.keys import comment_key, derived_key, public_to_text
from protocol.released import DERIVED, DERIVED_KEY, STREAM_KEY, receive
from review import leases
from review.custodian.custodian import Custodian
from review.governance.model import Kind, Rendition
from review.leases import LONGEST, label
from review.nonces import NONCE_LIVES
from testkit.custody import RULES, SECOND, House, Kept
from tests.review.custodian.conftest import Meanwhile

SCENES: Final = SOUND_STREAM + 1
ONE, TWO, ANN = "analyst-1", "analyst-2", "ann@example.com"
ANALYSTS: Final = """\
  north-speech:
    may: [analyse]
    of: { team: [north] }
    rendition: original
    analyses: { speech: 3 per hour, personal: 9 per hour }
  all-screens:
    may: [analyse]
    of: all
    from: 30d
    rendition: original
    analyses: { screen-text: 100000 per hour, speech: 100000 per hour }
approvals:
"""
WORKERS: Final = """\
people:
  analyst-1: { roles: [north-speech], since: 2026-01-01 }
  analyst-2: { roles: [all-screens], since: 2026-01-01 }
"""
ALLOWED: Final = RULES.replace("approvals:\n", ANALYSTS).replace("people:\n", WORKERS)


def furnished(folder: Path, rules: str = ALLOWED) -> House:
    house = House(folder, rules=rules)
    house.people |= {name: Ed25519PrivateKey.generate() for name in (ONE, TWO)}
    return house


@dataclass
class Asked:
    """A worker's request for a lease; an attack changes it. `key`: that signs."""

    house: House
    custodian: Custodian
    worker: str
    kept: Kept
    told: dict[str, Any] = field(default_factory=dict)
    key: Ed25519PrivateKey | None = None
    typ: str = personal.LEASE
    session: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    def token(self) -> str:
        said = {
            "person": self.worker, "recording": str(self.kept.id), "kind": "speech", "version": "whisper-base.1",
            "fence": 7, "session": base64url.encode(self.session.public_key().public_bytes_raw()),
            "expires": self.house.clock.now + 120 * SECOND,
        }  # fmt: skip
        key = self.key or self.house.people[self.worker]
        return personal.sign(self.typ, {**said, **self.custodian.nonce(), **self.told}, key)

    def hand_in(self, token: str = "") -> dict[str, Any]:
        """What the custodian signed."""
        asked = {"lease": token or self.token(), "papers": self.kept.papers}
        answer = self.custodian.lease(Claims(asked, "request", ProtocolError), "test")
        return jws.verify(jws.LEASED, str(answer["leased"]), self.house.signer.key.public)

    def opened(self, answer: dict[str, Any], session: X25519PrivateKey | None = None) -> dict[str, bytes]:
        """Every key that left, by its stream or label."""

        def of(sealed: str, stream: int, use: bytes) -> bytes:
            return receive(
                session or self.session, base64url.decode(sealed), request=answer["request"],
                recording=UUID(answer["recording"]), stream=stream, label=use,
            )  # fmt: skip

        found = {name: of(sealed, int(name), STREAM_KEY) for name, sealed in answer["keys"].items()}
        derived = answer["seals"] | answer.get("opens", {})
        return found | {name: of(sealed, DERIVED, DERIVED_KEY) for name, sealed in derived.items()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return furnished(tmp_path / "house")


@pytest.fixture
def custodian(house: House) -> Custodian:
    return house.ready()


def recording(house: House, **told: Any) -> Kept:
    return house.recording(**{"streams": (0, 1, SOUND_STREAM, SCENES)} | told)


def refused(one: Asked, token: str = "") -> str:
    """The code, which the log has as well, and nothing else."""
    before = len(one.house.entries())
    with pytest.raises(ProtocolError) as error:
        one.hand_in(token)
    (noted,) = one.house.entries()[before:]
    assert (noted["kind"], noted["outcome"], noted["reason"]) == ("lease", "failure", error.value.code)
    return error.value.code


# -- what is given ----------------------------------------------------------------------------------------------------


def test_speech_gets_the_keys_of_the_sound_and_of_its_words_and_no_other(house: House, custodian: Custodian) -> None:
    one = Asked(house, custodian, ONE, recording(house))
    answer = one.hand_in()
    words = derived_key(one.kept.key, one.kept.id, "speech/original")
    assert one.opened(answer) == {str(SOUND_STREAM): one.kept.stream_key(SOUND_STREAM), "speech/original": words}
    noted = house.entries()[answer["entry"]]
    assert (noted["kind"], noted["outcome"], noted["resource"]) == ("lease", "success", [str(one.kept.id)])
    assert noted["facts"] == {
        "kind": "speech", "version": "whisper-base.1", "fence": 7, "rule": "rules.yaml:13:3",
        "lanes": [str(SOUND_STREAM)], "seals": "speech/original", "until": house.clock.now + 120 * SECOND,
    }  # fmt: skip
    assert answer["until"] == noted["facts"]["until"]


def test_screen_text_gets_the_keys_of_the_screens_alone(house: House, custodian: Custodian) -> None:
    one = Asked(house, custodian, TWO, recording(house), {"kind": "screen-text"})
    assert set(one.opened(one.hand_in())) == {"0", "1", "screen-text/original"}


def test_personal_gets_the_keys_of_what_others_made_and_of_no_lane(house: House, custodian: Custodian) -> None:
    one = Asked(house, custodian, ONE, recording(house), {"kind": "personal"})
    answer = one.hand_in()
    labels = ("speech/original", "screen-text/original", "personal/original")
    assert one.opened(answer) == {name: derived_key(one.kept.key, one.kept.id, name) for name in labels}
    assert answer["keys"] == {}
    workers = {public_to_text(house.people[name].public_key()) for name in (ONE, TWO)}
    assert set(answer["workers"]) == workers  # what others have signed is worth nothing to it
    facts = house.entries()[answer["entry"]]["facts"]
    assert (facts["opens"], facts["seals"], "lanes" in facts) == (list(labels[:2]), labels[2], False)
    silent = Asked(house, custodian, ONE, recording(house, streams=(0, SCENES)), {"kind": "personal"})
    assert set(silent.opened(silent.hand_in())) == set(labels[1:])


def test_each_kind_and_rendition_is_sealed_under_a_key_of_its_own(house: House) -> None:
    kept, other = recording(house), recording(house)
    labels = [label(kind, rendition) for kind in Kind for rendition in Rendition]
    found = {derived_key(kept.key, kept.id, one) for one in labels} | {derived_key(other.key, other.id, labels[0])}
    found |= {kept.stream_key(one) for one in (0, SOUND_STREAM)} | {comment_key(kept.key, kept.id), kept.key}
    assert len(found) == len(labels) + 1 + 4


def test_the_key_of_a_label_is_the_one_in_the_pages(house: House) -> None:
    """docs/envelope.md, by HMAC alone (RFC 5869)."""
    kept = recording(house)
    info = b"eyelid derived key v1" + hashlib.sha256(b"speech/original").digest()
    extracted = hmac.digest(kept.id.bytes, kept.key, "sha256")
    assert derived_key(kept.key, kept.id, "speech/original") == hmac.digest(extracted, info + b"\x01", "sha256")


def test_workers_that_ask_at_once_get_no_more_than_their_line_allows(house: House, custodian: Custodian) -> None:
    asked = [Asked(house, custodian, ONE, recording(house)) for _ in range(12)]

    with ThreadPoolExecutor(6) as several:
        answers = [several.submit(one.hand_in) for one in asked]
    refusals = [one.exception() for one in answers if one.exception()]
    assert [getattr(one, "code", "") for one in refusals] == ["too-many"] * 9
    noted = [one["outcome"] for one in house.entries() if one["kind"] == "lease"]
    assert sorted(noted) == ["failure"] * 9 + ["success"] * 3


def test_keys_open_for_the_workers_session_and_this_request_alone(house: House, custodian: Custodian) -> None:
    one = Asked(house, custodian, ONE, recording(house))
    answer = one.hand_in()
    with pytest.raises(KeyProblem):
        one.opened(answer, X25519PrivateKey.generate())
    with pytest.raises(KeyProblem):
        one.opened(answer | {"request": "ab" * 32})
    with pytest.raises(KeyProblem):
        one.opened(answer | {"recording": str(recording(house).id)})


def test_a_person_of_another_role_gets_none_whatever_else_they_may(house: House, custodian: Custodian) -> None:
    assert refused(Asked(house, custodian, ANN, recording(house))) == "refused"


def test_a_workers_key_opens_no_recording(house: House, custodian: Custodian) -> None:
    kept = recording(house)
    told = house.terms(ANN, kept.id, person=ONE, purpose="", rendition="original", streams=["0"])
    for act, code in (("analyse", "not-here"), ("play", "refused")):
        token = personal.sign(personal.REQUEST, {**told, **custodian.nonce(), "act": act}, house.people[ONE])
        with pytest.raises(ProtocolError) as error:
            custodian.open(Claims({"request": token, "papers": kept.papers}, "request", ProtocolError), "test")
        assert error.value.code == code


# -- what is refused --------------------------------------------------------------------------------------------------


def replayed(one: Asked) -> None:
    nonce = one.custodian.nonce()
    Asked(one.house, one.custodian, TWO, recording(one.house), dict(nonce)).hand_in()
    one.told |= nonce


def by_a_stranger(one: Asked) -> None:
    one.key = Ed25519PrivateKey.generate()


def by_another_workers_key(one: Asked) -> None:
    one.key = one.house.people[TWO if one.worker == ONE else ONE]


def nonce_too_old(one: Asked) -> None:
    one.told |= one.custodian.nonce()
    one.house.clock.pass_by(NONCE_LIVES + 1)


def nonce_of_another_start(one: Asked) -> None:
    one.told |= one.house.start().nonce()


def lease_that_is_over(one: Asked) -> None:
    one.told["expires"] = one.house.clock.now


def lease_longer_than_any(one: Asked) -> None:
    one.told["expires"] = one.house.clock.now + LONGEST + 1


def to_another_custodian(one: Asked) -> None:
    one.told["custodian"] = "other.example.com/custodian"


def another_statement_of_the_workers(one: Asked) -> None:
    one.typ = personal.REQUEST


def still_recording(one: Asked) -> None:
    one.kept.papers["closing"] = recording(one.house, of=one.kept, ended=False).papers["closing"]


def erased(one: Asked) -> None:
    """Its store shows no key packet any more."""
    one.kept.papers.pop("packet", None)


def papers_of_another(one: Asked) -> None:
    one.kept.papers |= recording(one.house).papers


def packet_of_a_pc_of_ones_own(one: Asked) -> None:
    evidence, store = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    one.kept.papers |= recording(one.house, of=one.kept, evidence=evidence, store=store).papers


def one_key_for_all(one: Asked) -> None:
    one.kept.papers |= recording(one.house, of=one.kept, edition=Edition.FIRST).papers


def newer_bundle_withheld(one: Asked) -> None:
    one.kept.papers |= recording(one.house, of=one.kept, revision=9).papers


def without_sound(one: Asked) -> None:
    one.kept.papers |= recording(one.house, of=one.kept, streams=(0, SCENES)).papers


def of_a_team_that_no_rule_names(one: Asked) -> None:
    one.kept.papers |= recording(one.house, of=one.kept, group="south desk").papers


def kind_that_no_line_names(one: Asked) -> None:
    one.told["kind"] = "screen-text"


def kind_without_keys(one: Asked) -> None:
    one.told["kind"] = "index"


def kind_that_is_none(one: Asked) -> None:
    one.told["kind"] = "emotion"


def session_of_another_curve(one: Asked) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    one.told["session"] = base64url.encode(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def no_fence(one: Asked) -> None:
    one.told["fence"] = 0


def version_that_is_a_text(one: Asked) -> None:
    one.told["version"] = "said: my card is 4111"


ATTACKS: dict[Callable[[Asked], None], str] = {
    replayed: "replayed",
    by_a_stranger: "unknown-key",
    by_another_workers_key: "other-person",
    nonce_too_old: "stale",
    nonce_of_another_start: "stale",
    lease_that_is_over: "stale",
    lease_longer_than_any: "stale",
    to_another_custodian: "other-custodian",
    another_statement_of_the_workers: "wrong-type",
    still_recording: "not-closed",
    erased: "bad-field",
    papers_of_another: "other-recording",
    packet_of_a_pc_of_ones_own: "wrong-signer",
    one_key_for_all: "no-stream-keys",
    newer_bundle_withheld: "stale-bundle",
    without_sound: "unknown-stream",
    of_a_team_that_no_rule_names: "refused",
    kind_that_no_line_names: "refused",
    kind_without_keys: "not-here",
    kind_that_is_none: "bad-field",
    session_of_another_curve: "bad-key",
    no_fence: "bad-field",
    version_that_is_a_text: "bad-field",
}


OF_ONE: Final = {without_sound, of_a_team_that_no_rule_names, kind_that_no_line_names}  # refused by the first role


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: str(one.__name__))
def test_each_is_refused_by_name_and_noted(house: House, custodian: Custodian, attack: Callable[[Asked], None]) -> None:
    one = Asked(house, custodian, ONE, recording(house))
    attack(one)
    assert refused(one) == ATTACKS[attack]


def test_a_request_counts_once(house: House, custodian: Custodian) -> None:
    one = Asked(house, custodian, ONE, recording(house))
    token = one.token()
    one.hand_in(token)
    assert refused(one, token) == "replayed"


def test_a_session_to_which_nothing_can_be_sealed_gets_nothing(house: House, custodian: Custodian) -> None:
    one = Asked(house, custodian, ONE, recording(house), {"session": base64url.encode(bytes(32))})
    assert refused(one) == "bad-key"


def test_without_a_line_nothing_is_analysed_and_the_custodian_says_so(tmp_path: Path) -> None:
    house = furnished(tmp_path / "house", RULES)
    one = Asked(house, house.ready(), ONE, recording(house))
    assert refused(one) == "refused"
    with pytest.raises(ProtocolError, match="no line of the signed rules lets speech be made of recordings"):
        one.hand_in()
    assert house.entries()[-1]["facts"]["rule"] == "rules.yaml:2:1"


def test_so_many_an_hour_for_all_workers_of_a_line(tmp_path: Path) -> None:
    house = furnished(
        tmp_path / "house", ALLOWED.replace("analyst-2: { roles: [all-screens]", "analyst-2: { roles: [north-speech]")
    )
    custodian = house.ready()
    for worker in (ONE, TWO, ONE):
        Asked(house, custodian, worker, recording(house)).hand_in()
    assert refused(Asked(house, custodian, TWO, recording(house))) == "too-many"
    house.clock.pass_by(3601)
    Asked(house, custodian, TWO, recording(house)).hand_in()


def test_consent_counts_as_for_every_opening(tmp_path: Path) -> None:
    rules = ALLOWED.replace("privacy: { may: [list], of: all }",
                            "privacy: { may: [list, consent], of: all, purposes: [request] }")  # fmt: skip
    house = furnished(tmp_path / "house", rules.replace("retention:", "consent: { voice: required }\nretention:"))
    custodian, kept = house.ready(), recording(house)
    one = Asked(house, custodian, ONE, kept)
    assert refused(one) == "no-consent"
    house.consent(custodian, "pia@example.com", kept, "given")
    one.hand_in()
    house.consent(custodian, "pia@example.com", kept, "withdrawn")
    assert refused(one) == "refused"


def test_a_worker_whose_key_was_taken_away_gets_none_also_after_a_start(house: House, custodian: Custodian) -> None:
    custodian.remove(personal.PersonKey(house.people[ONE].public_key()).id, "test")
    for each in (custodian, house.start()):
        assert refused(Asked(house, each, ONE, recording(house))) == "key-removed"


def test_a_stolen_review_key_stops_leases_too(house: House) -> None:
    house.ready()
    replace(house.settings, compromised=(house.review.key_id,)).write(house.folder)
    assert refused(Asked(house, house.start(), ONE, recording(house))) == "compromised"


def test_no_entry_no_key(house: House, custodian: Custodian) -> None:
    (house.folder / "audit" / "lock").unlink()
    (house.folder / "audit" / "lock").mkdir()
    with pytest.raises(ProtocolError) as error:
        Asked(house, custodian, ONE, recording(house)).hand_in()
    assert error.value.code == "not-written"


@pytest.mark.parametrize("taken", ["key", "role"])
@pytest.mark.parametrize("at", ["papers", "entry"])
def test_what_is_taken_away_while_papers_are_read_gives_no_key(
    house: House, custodian: Custodian, meanwhile: Meanwhile, taken: str, at: str
) -> None:
    def take_away() -> None:
        if taken == "key":
            custodian.remove(personal.PersonKey(house.people[ONE].public_key()).id, "test")
        else:
            rules = ALLOWED.replace("revision: 1", "revision: 2").replace("speech: 3 per", "index: 3 per")
            custodian.take_bundle(house.bundle(2, rules), "test")

    meanwhile(custodian, at, "lease", take_away)
    with pytest.raises(ProtocolError) as error:
        Asked(house, custodian, ONE, recording(house)).hand_in()
    assert error.value.code == {"key": "key-removed", "role": "rules-changed"}[taken]
    assert house.entries()[-1]["reason"] == error.value.code


# -- whatever is combined ---------------------------------------------------------------------------------------------


def given_by(worker: str, kind: str, group: str, days: float, streams: tuple[int, ...]) -> set[str] | None:
    """ALLOWED, read by a person: what leaves, or None. Of the cap: `many` has a higher one."""
    if worker == ONE:
        may = kind in {"speech", "personal"} and group == "north desk"
    else:
        may = worker == TWO and kind in {"speech", "screen-text"} and days < 30
    sound, screens = {one for one in streams if one == SOUND_STREAM}, {one for one in streams if one < SOUND_STREAM}
    results = {"speech/original" if one == SOUND_STREAM else "screen-text/original" for one in sound | screens}
    of = {"speech": set(map(str, sound)), "screen-text": set(map(str, screens)), "personal": results}.get(kind)
    return of | {f"{kind}/original"} if may and of else None


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Custodian]:
    rules = ALLOWED.replace("speech: 3 per", "speech: 100000 per").replace("personal: 9 per", "personal: 100000 per")
    house = furnished(tmp_path_factory.mktemp("many"), rules)
    return house, house.ready()


@settings(max_examples=120)
@given(
    st.sampled_from([ONE, TWO, ANN, "cleo@example.com"]),
    st.sampled_from([*map(str, Kind), "emotion"]),
    st.sampled_from(["north desk", "south desk", "a group that is no team's"]),
    st.sampled_from([0.01, 29.0, 31.0]),
    st.sampled_from([(0, 1, SOUND_STREAM, SCENES), (0,), (SOUND_STREAM,), (SCENES,)]),
    st.lists(st.sampled_from(sorted(ATTACKS.keys() - OF_ONE, key=lambda one: str(one.__name__))), max_size=2),
)
def test_only_what_the_rules_allow_leaves_and_each_key_has_its_entry_before_it(
    many: tuple[House, Custodian], worker: str, kind: str, group: str, days: float, streams: tuple[int, ...],
    attacks: list[Callable[[Asked], None]],
) -> None:  # fmt: skip
    house, custodian = many
    kept = house.recording(group, age=days * 86_400, streams=streams)
    one = Asked(house, custodian, worker, kept, {"kind": kind})
    expected = given_by(worker, kind, group, days, streams)
    for attack in attacks:
        attack(one)
        expected = None
    wrapped = list[bytes]()
    wrap = leases.release

    def noted_before(session: Any, key: bytes, **told: Any) -> bytes:
        last = house.entries()[-1]
        assert (last["kind"], last["outcome"], last["resource"]) == ("lease", "success", [str(kept.id)])
        wrapped.append(key)
        return wrap(session, key, **told)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(leases, "release", noted_before)
        before = len(house.entries())
        if expected is None:
            refused(one)
            assert wrapped == []
            return
        answer = one.hand_in()
    keys = one.opened(answer)
    assert set(keys) == expected
    assert sorted(wrapped) == sorted(keys.values())
    assert kept.key not in wrapped
    (noted,) = house.entries()[before:]
    said = [noted["facts"].get(name, []) for name in ("lanes", "opens")]
    assert said == [list(answer["keys"]), list(answer.get("opens", ()))]
    assert (noted["outcome"], [noted["facts"]["seals"]]) == ("success", list(answer["seals"]))
