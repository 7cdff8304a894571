"""Who is let in: enrolment tokens, one-time assertions, bearer tokens, and devices that were shut out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select, update

from protocol import api, base64url, jws, successor
from protocol.application import Application
from protocol.bundle import Bundle, verify
from protocol.claims import Claims
from protocol.errors import ProtocolError, SignatureError
from protocol.keys import public_to_text
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import schema
from store.server.services import Services
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.conftest import SetClock, serving

MakeSecret = Callable[..., str]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def devices(services: Services) -> int:
    with services.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(schema.devices)) or 0


def revoke(services: Services, pc: Pc) -> None:
    with services.database.writing() as connection:
        connection.execute(update(schema.devices).where(schema.devices.c.id == pc.device).values(revoked_at=1))


# -- enrolment ----------------------------------------------------------------------------------------------------


def test_a_pc_enrols_and_gets_the_bundle(client: httpx.Client, secret: MakeSecret, home: Home) -> None:
    pc = Pc(client)
    answer = pc.enrol(secret())
    assert answer.status_code == 200
    assert str(UUID(pc.device)) == pc.device
    assert verify(answer.json()["bundle"], home.key(COMPLIANCE).id).revision == 1
    assert answer.json()["successors"] == []


def test_the_secret_is_kept_nowhere(client: httpx.Client, secret: MakeSecret, home: Home) -> None:
    made = secret()
    assert Pc(client).enrol(made).status_code == 200
    stored = b"".join(path.read_bytes() for path in home.folder.rglob("*") if path.is_file())
    assert made.encode() not in stored


def test_a_token_is_good_for_its_uses_and_no_more(client: httpx.Client, secret: MakeSecret, services: Services) -> None:
    made = secret(uses=3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: Pc(client).enrol(made), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [403] * 5
    assert {answer.json()["error"] for answer in answers if answer.status_code == 403} == {"used-up-enrolment"}
    assert devices(services) == 3


def test_an_answer_that_was_lost_costs_no_second_use(
    client: httpx.Client, secret: MakeSecret, services: Services, clock: SetClock
) -> None:
    made = secret(uses=1, lasts=60)
    pc = Pc(client)
    first = pc.enrol(made).json()
    clock.pass_by(61)
    assert pc.enrol(made).json()["device"] == first["device"]
    assert devices(services) == 1
    assert refusal(Pc(client).enrol(made)) == (403, "expired-enrolment")


def test_an_expired_token(client: httpx.Client, secret: MakeSecret, clock: SetClock, services: Services) -> None:
    made = secret(lasts=60)
    clock.pass_by(60)
    assert refusal(Pc(client).enrol(made)) == (403, "expired-enrolment")
    assert devices(services) == 0


def test_an_unknown_token(client: httpx.Client, services: Services) -> None:
    assert refusal(Pc(client).enrol("made up")) == (403, "unknown-enrolment")
    assert devices(services) == 0


def test_keys_of_another_device_are_not_taken_over(client: httpx.Client, secret: MakeSecret) -> None:
    known, thief = Pc(client), Pc(client)
    known.enrol(secret())
    thief.evidence_key = known.evidence_key
    assert refusal(thief.enrol(secret())) == (409, "key-taken")


def test_a_revoked_device_does_not_come_back_by_enrolling(
    client: httpx.Client, secret: MakeSecret, services: Services
) -> None:
    pc, made = Pc(client), secret()
    pc.enrol(made)
    revoke(services, pc)
    assert refusal(pc.enrol(made)) == (403, api.DEVICE_REVOKED)


ONE_KEY = public_to_text(Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token_key": "AAAA"}, "bad-key"),
        ({"evidence_key": "not base64url!"}, "bad-key"),
        ({"token_key": ONE_KEY, "evidence_key": ONE_KEY}, "same-key"),
        ({"host": 7}, "bad-field"),
        ({"os": None}, "bad-field"),
        ({"secret": ["a"]}, "bad-field"),
    ],
)
def test_an_enrolment_that_makes_no_sense(
    client: httpx.Client, secret: MakeSecret, services: Services, changes: dict[str, object], code: str
) -> None:
    answer = client.post(api.ENROLL, json=Pc(client).application(secret()) | changes)
    assert refusal(answer) == (400, code)
    assert devices(services) == 0


@pytest.mark.parametrize("changes", [{"host": "h" * 256}, {"user": "a\0b"}])
def test_an_enrolment_with_texts_that_the_catalog_does_not_take(
    client: httpx.Client, secret: MakeSecret, services: Services, changes: dict[str, str]
) -> None:
    answer = client.post(api.ENROLL, json=Pc(client).application(secret(), **changes))
    assert refusal(answer) == (400, "bad-field")
    assert devices(services) == 0


@pytest.mark.parametrize("changed", ["secret", "store", "host", "user", "os", "agent_version", "nonce"])
def test_both_keys_have_signed_all_that_an_enrolment_says(
    client: httpx.Client, secret: MakeSecret, services: Services, changed: str
) -> None:
    other = base64url.encode(bytes(16))
    answer = client.post(api.ENROLL, json=Pc(client).application(secret()) | {changed: other})
    assert refusal(answer) == (400, "unproven-key")
    assert devices(services) == 0


@pytest.mark.parametrize("missing", ["token_proof", "evidence_proof"])
def test_a_key_that_has_signed_nothing_is_not_enrolled(
    client: httpx.Client, secret: MakeSecret, services: Services, missing: str
) -> None:
    """As by agents from before: the answer says what to do."""
    application = dict(Pc(client).application(secret()))
    del application[missing]
    answer = client.post(api.ENROLL, json=application)
    assert refusal(answer) == (400, "unproven-key")
    assert "up to the store's version" in answer.json()["message"]
    assert devices(services) == 0


@pytest.mark.parametrize("key", ["token_key", "evidence_key"])
def test_another_s_public_key_cannot_be_enrolled(
    client: httpx.Client, secret: MakeSecret, services: Services, key: str
) -> None:
    thief, other = Pc(client), Ed25519PrivateKey.generate().public_key()
    answer = client.post(api.ENROLL, json=thief.application(secret(), **{key: other}))
    assert refusal(answer) == (400, "unproven-key")
    assert devices(services) == 0


def test_an_enrolment_for_another_store_is_good_for_nothing_here(
    client: httpx.Client, secret: MakeSecret, services: Services
) -> None:
    """A store that was applied to cannot pass the application on to another one whose token it has."""
    answer = client.post(api.ENROLL, json=Pc(client).application(secret(), store="a" * 43))
    assert refusal(answer) == (403, "other-store")
    assert devices(services) == 0


def test_the_answer_is_signed_by_the_store_for_this_enrolment(
    client: httpx.Client, secret: MakeSecret, services: Services
) -> None:
    body = Pc(client).application(secret())
    application = Application.verify(Claims(body, "enrolment", ProtocolError))
    answer = client.post(api.ENROLL, json=body).json()
    told = (answer["proof"], answer["device"], answer["bundle"], services.store_key.public_key())
    application.check_admission(*told)
    with pytest.raises(SignatureError, match="another enrolment"):
        replace(application, nonce=base64url.encode(bytes(16))).check_admission(*told)


def test_a_token_from_before_the_store_had_a_new_key_is_still_good(
    home: Home, services: Services, secret: MakeSecret
) -> None:
    new, before = Ed25519PrivateKey.generate(), services.store_key
    statement = successor.sign(new.public_key(), before, at=1)
    with services.database.writing() as connection:
        connection.execute(insert(schema.successors).values(token=statement, added_at=1))
    with serving(home, replace(services, store_key=new)) as client:  # which knows the key of before
        body = Pc(client).application(secret())
        answer = client.post(api.ENROLL, json=body).json()
    trusted = successor.trusted(before.public_key(), answer["successors"])
    application = Application.verify(Claims(body, "enrolment", ProtocolError))
    application.check_admission(answer["proof"], answer["device"], answer["bundle"], trusted)


GARBAGE = [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"a":1,"a":2}', b"NaN", b"[" * 100_000]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("path", [api.ENROLL, api.TOKEN])
def test_garbage_is_no_json(client: httpx.Client, path: str, body: bytes) -> None:
    size = len(body)
    expected = (413, "oversized") if size > api.MAX_JSON_BODY else (400, "bad-json")
    assert refusal(client.post(path, content=body)) == expected


# -- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_names_its_device_for_ten_minutes(pc: Pc, clock: SetClock, services: Services) -> None:
    claims = jws.verify(jws.TOKEN, pc.token, services.store_key.public_key())
    assert claims == {"device": pc.device, "iat": clock.seconds, "exp": clock.seconds + 600}
    clock.pass_by(599)
    assert pc.client.get(api.BUNDLE, headers=pc.bearer).status_code == 200
    clock.pass_by(1)
    assert refusal(pc.client.get(api.BUNDLE, headers=pc.bearer)) == (401, "expired-token")


def test_an_assertion_is_good_once_even_after_a_restart(pc: Pc, clock: SetClock) -> None:
    assertion = pc.assertion(clock.seconds)
    answers = [pc.client.post(api.TOKEN, json={"assertion": assertion}) for _ in range(2)]
    assert answers[0].status_code == 200
    assert refusal(answers[1]) == (401, "replayed-assertion")


def test_an_assertion_sent_by_many_hands_at_once_is_good_once(pc: Pc, clock: SetClock) -> None:
    assertion = pc.assertion(clock.seconds)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: pc.client.post(api.TOKEN, json={"assertion": assertion}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


def test_spent_assertions_are_forgotten_once_they_could_not_be_used(
    pc: Pc, clock: SetClock, services: Services
) -> None:
    for _ in range(3):
        pc.ask_token(clock.seconds)
    clock.pass_by(600)
    pc.ask_token(clock.seconds)
    with services.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.spent_assertions)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"iat": 3600, "exp": 3660}, 401, "wrong-time", id="from the future"),
        pytest.param({"iat": -3660, "exp": -3600}, 401, "wrong-time", id="from the past"),
        pytest.param({"iat": 0, "exp": 0}, 401, "wrong-time", id="just over"),
        pytest.param({"iat": 0, "exp": 301}, 401, "wrong-time", id="good for too long"),
        pytest.param({"iat": 59, "exp": 119}, 200, "", id="a clock a little ahead"),
        pytest.param({"iat": -200, "exp": 1}, 200, "", id="nearly over"),
        pytest.param({"jti": "short"}, 400, "bad-field", id="a name that may come twice"),
        pytest.param({"jti": "x" * 65}, 400, "bad-field", id="a name too long"),
        pytest.param({"jti": None}, 400, "bad-field", id="no name"),
        pytest.param({"device": "another"}, 403, "unknown-device", id="another device's"),
        pytest.param({"exp": "soon"}, 400, "bad-field", id="no time"),
    ],
)
def test_what_an_assertion_may_say(pc: Pc, clock: SetClock, changes: dict[str, object], status: int, code: str) -> None:
    moved = {name: value + clock.seconds if isinstance(value, int) else value for name, value in changes.items()}
    answer = pc.ask_token(clock.seconds, **moved)
    assert answer.status_code == status
    assert answer.json().get("error", "") == code


def test_a_pc_with_a_wrong_clock_learns_the_time_from_the_answer(pc: Pc, clock: SetClock) -> None:
    wrong = clock.seconds - 86400
    answer = pc.ask_token(wrong)
    assert refusal(answer) == (401, "wrong-time")
    date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert date == clock.seconds
    assert pc.ask_token(int(date)).status_code == 200


def test_every_answer_is_dated_by_the_store_s_clock(client: httpx.Client, clock: SetClock) -> None:
    clock.pass_by(86400 * 100)
    for answer in (client.get(api.HEALTH), client.get("/nowhere"), client.get(api.BUNDLE), client.delete(api.LEDGER)):
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == clock.seconds
        assert answer.headers.get_list("Date") == [answer.headers["Date"]]


def test_assertions_of_others(client: httpx.Client, pc: Pc, clock: SetClock) -> None:
    stranger = Pc(client)
    stranger.device = pc.device
    assert refusal(stranger.ask_token(clock.seconds)) == (403, "unknown-device")
    by_evidence = jws.sign(
        jws.AUTH,
        {"device": pc.device, "iat": clock.seconds, "exp": clock.seconds + 60, "jti": "j" * 32},
        pc.evidence_key,
    )
    assert refusal(client.post(api.TOKEN, json={"assertion": by_evidence})) == (403, "unknown-device")


def test_an_assertion_that_is_something_else(client: httpx.Client, pc: Pc, clock: SetClock, bundle: Bundle) -> None:
    packet = FakeRecording(pc, bundle.recipients).packet.decode()
    good = pc.assertion(clock.seconds)
    for assertion, code in (
        (packet, "wrong-type"),
        (pc.token, "wrong-type"),
        ("a.b", "malformed"),
        (good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"), "bad-signature"),
    ):
        status, found = refusal(client.post(api.TOKEN, json={"assertion": assertion}))
        assert (status, found) in ((400, code), (400, "malformed"))


# -- revoked ------------------------------------------------------------------------------------------------------


def test_a_revoked_device_is_shut_out_everywhere(
    pc: Pc, services: Services, clock: SetClock, bundle: Bundle, client: httpx.Client
) -> None:
    recording = pc.open_recording(bundle)
    pc.ledger.write("start", at=0)
    revoke(services, pc)
    answers = [
        pc.put_sealed(recording.seal()),
        pc.put_packet(recording),
        pc.send_ledger(),
        client.get(api.BUNDLE, headers=pc.bearer),
        client.put(api.policy_path("a" * 64), json={"files": {}}, headers=pc.bearer),
        client.put(api.device_health_path(pc.device), json={}, headers=pc.bearer),
        pc.ask_token(clock.seconds),
    ]
    assert {refusal(answer) for answer in answers} == {(403, api.DEVICE_REVOKED)}


def test_a_token_of_a_device_that_the_store_forgot(pc: Pc, services: Services, clock: SetClock) -> None:
    """As after a restore from an old backup: the agent must not take it for a refusal of its chunks."""
    forgotten = jws.sign(
        jws.TOKEN, {"device": str(uuid4()), "iat": clock.seconds, "exp": clock.seconds + 60}, services.store_key
    )
    pc.token = forgotten
    assert refusal(pc.client.get(api.BUNDLE, headers=pc.bearer)) == (403, api.DEVICE_UNKNOWN)


def test_a_token_signed_by_another_store(pc: Pc, clock: SetClock) -> None:
    claims = {"device": pc.device, "iat": clock.seconds, "exp": clock.seconds + 600}
    pc.token = jws.sign(jws.TOKEN, claims, Ed25519PrivateKey.generate())
    assert refusal(pc.client.get(api.BUNDLE, headers=pc.bearer)) == (401, "bad-token")


# -- versions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "status"),
    [("0.0.9", 426), ("0.1.0", 401), ("0.2.0", 401), ("1.0", 401), ("", 401), ("garbage", 401), ("0.x", 401)],
)
def test_agents_that_are_too_old_are_told_so(client: httpx.Client, version: str, status: int) -> None:
    answer = client.get(api.BUNDLE, headers={api.AGENT_VERSION_HEADER: version})
    assert answer.status_code == status
    assert (answer.json()["error"] == api.AGENT_UNSUPPORTED) == (status == 426)
