"""Agents of neighbouring versions: frozen vectors are taken as ever, and what is too new is told so in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, update

from protocol import api, base64url, jws
from protocol.bundle import Bundle, sign
from protocol.envelope import KEY_PACKET_STREAM, digest
from protocol.keys import RecipientPrivate, public_from_text, thumbprint
from protocol.packet import KeyPacket
from protocol.receipt import Receipt
from store.catalog import schema
from store.catalog.queries import find_device
from store.evidence.evidence import gather
from store.evidence.verify.ledger import SignedLedger
from store.evidence.verify.recording import examine
from store.evidence.verify.sweep import check_ledger
from store.server.services import Services
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.conftest import SetClock
from tests.vectors import freeze
from tests.vectors.inputs import AUDITOR, RECOVERY

FROZEN = sorted(freeze.HERE.glob("v[0-9]*"))


@pytest.mark.parametrize("folder", FROZEN, ids=lambda folder: folder.name)
def test_a_recording_of_a_frozen_version(folder: Path, pc: Pc, services: Services, clock: SetClock) -> None:
    """As an agent of that version sent them, byte for byte: received, receipted, sound, and it opens."""
    vector = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    packet = KeyPacket.verify(vector["packet"], public_from_text(vector["evidence_key"]))
    key = vector["evidence_key"]
    with services.database.writing() as connection:
        connection.execute(delete(schema.spent_assertions))
        connection.execute(update(schema.devices).values(id=packet.device, evidence_key=key))
    pc.device = packet.device
    assert pc.ask_token(clock.seconds).is_success
    bodies = [(KEY_PACKET_STREAM, 0, vector["packet"].encode("ascii"))]
    bodies += [(0, number, bytes.fromhex(chunk["sealed"])) for number, chunk in enumerate(vector["chunks"])]
    for stream, sequence, body in bodies:
        answer = pc.put(packet.recording, stream, sequence, body)
        assert answer.is_success, answer.text
        receipt = Receipt.verify(answer.json()["receipt"], services.store_key.public_key())
        assert receipt.sha256 == digest(body).hex()
    with services.database.reading() as connection:
        evidence = gather(connection, packet.recording)
    reader = RecipientPrivate.from_bytes(bytes.fromhex(vector["auditor"]))
    compliance = Ed25519PrivateKey.generate()
    readers = Bundle(packet.bundle_revision, (AUDITOR.public, RECOVERY.public), packet.start)
    bundles = {packet.bundle_revision: sign(readers, compliance)}
    who = thumbprint(compliance.public_key())
    ledger = SignedLedger(services.database, evidence.device)
    report = examine(evidence, services.blobs, reader, compliance=who, bundles=bundles.get, ledger=ledger)
    assert "tags" in report.checked
    assert "signatures" not in report.checked  # an agent of that version signs no chunks
    assert report.findings == ()


@pytest.mark.parametrize("folder", FROZEN, ids=lambda folder: folder.name)
def test_a_ledger_of_a_frozen_version(folder: Path, pc: Pc, services: Services, clock: SetClock) -> None:
    statements = json.loads((folder / "statements.json").read_text(encoding="utf-8"))["cases"]
    case = next(case for case in statements if case["kind"] == "batch" and case["expect"] == "ok")
    account = json.loads((folder / "account.json").read_text(encoding="utf-8"))
    assert (case["says"]["device"], case["evidence_key"]) == (account["device"], account["evidence_key"])
    with services.database.writing() as connection:
        connection.execute(delete(schema.spent_assertions))
        values = {"id": account["device"], "evidence_key": account["evidence_key"]}
        connection.execute(update(schema.devices).values(values))
    pc.device = account["device"]
    assert pc.ask_token(clock.seconds).is_success
    answer = pc.send_ledger(case["token"])  # it begins at entry 2: understood, and asked for what comes before
    assert (answer.status_code, answer.json()["error"], answer.json()["next"]) == (409, "ledger-gap", 0)
    end = {"next": account["next"], "head": account["head"]}
    answer = pc.send_ledger(account["token"])
    assert (answer.status_code, answer.json()) == (200, end)
    answer = pc.send_ledger(case["token"])  # repeats its end to the byte
    assert (answer.status_code, answer.json()) == (200, end)
    with services.database.reading() as connection:
        device = find_device(connection, schema.devices.c.id == account["device"])
    assert device is not None
    assert check_ledger(services.database, device)[:2] == ([], [])


# -- too new ------------------------------------------------------------------------------------------------------


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["message"]


def test_an_envelope_of_a_later_version_is_kept_by_its_agent(pc: Pc, bundle: Bundle) -> None:
    """426 and not 400: the agent would set a chunk aside that is refused for good."""
    recording = pc.open_recording(bundle)
    later = b"EYL4" + recording.seal()[4:]
    status, code, message = refusal(pc.put(recording.id, 0, 0, later))
    assert (status, code) == (426, api.AGENT_UNSUPPORTED)
    assert "version 3 of the envelope: upgrade the store" in message


@pytest.mark.parametrize("change", [{"v": 2}, {"envelope": 3}, {"suite": {"kem": 1, "kdf": 1, "aead": 2}}])
def test_a_key_packet_of_a_later_version(pc: Pc, bundle: Bundle, change: dict[str, object]) -> None:
    recording = FakeRecording(pc, bundle.recipients)
    payload = json.loads(base64url.decode(recording.packet.decode("ascii").split(".")[1]))
    token = jws.sign(jws.PACKET, payload | change, pc.evidence_key)
    status, code, message = refusal(pc.put(recording.id, KEY_PACKET_STREAM, 0, token.encode("ascii")))
    assert (status, code) == (426, api.AGENT_UNSUPPORTED)
    assert "upgrade the store" in message


LATER: Final = {"crit": ["later"], "later": 1}


def with_later(typ: str, token: str, key: Ed25519PrivateKey) -> str:
    """The same statement with a name in it that its signer says must be understood."""
    return jws.sign(typ, jws.verify(typ, token, key.public_key()) | LATER, key)


def send_packet(pc: Pc, bundle: Bundle) -> httpx.Response:
    recording = FakeRecording(pc, bundle.recipients)
    packet = with_later(jws.PACKET, recording.packet.decode("ascii"), pc.evidence_key)
    return pc.put(recording.id, KEY_PACKET_STREAM, 0, packet.encode("ascii"))


def send_batch(pc: Pc, bundle: Bundle) -> httpx.Response:
    del bundle
    pc.ledger.write("start", 1)
    return pc.send_ledger(with_later(jws.LEDGER, pc.ledger.batch(), pc.evidence_key))


def send_entry(pc: Pc, bundle: Bundle) -> httpx.Response:
    del bundle
    pc.ledger.write("start", 1, **LATER)
    return pc.send_ledger()


def send_report(pc: Pc, bundle: Bundle) -> httpx.Response:
    del bundle
    report = pc.report()
    return pc.put_health(report, with_later(jws.REPORT, report.sign(pc.evidence_key), pc.evidence_key))


def send_assertion(pc: Pc, bundle: Bundle) -> httpx.Response:
    del bundle
    return pc.ask_token(0, **LATER)


def send_enrolment(pc: Pc, bundle: Bundle) -> httpx.Response:
    del bundle
    return pc.client.post(api.ENROLL, json={**pc.application("any"), **LATER})


@pytest.mark.parametrize(
    "send",
    [send_packet, send_batch, send_entry, send_report, send_assertion, send_enrolment],
    ids=lambda one: one.__name__,
)
def test_what_must_be_understood_and_is_not_is_kept_by_its_agent(
    pc: Pc, bundle: Bundle, send: Callable[[Pc, Bundle], httpx.Response]
) -> None:
    status, code, message = refusal(send(pc, bundle))
    assert (status, code) == (426, api.UNKNOWN_CRITICAL)
    assert message.endswith("upgrade the store first")


def test_another_version_of_the_api(client: httpx.Client) -> None:
    status, code, message = refusal(client.post("/v2/ledger", json={}))
    assert (status, code) == (426, api.AGENT_UNSUPPORTED)
    assert "speaks v1 of the API and not v2" in message
    assert refusal(client.get("/v1/nothing"))[:2] == (404, "no-such-path")
    assert refusal(client.get("/vx/ledger"))[:2] == (404, "no-such-path")


def test_names_that_a_later_agent_adds_are_passed_over(pc: Pc) -> None:
    """Docs: names that a version does not know are ignored in payloads."""
    body = {
        "wall": 1, "agent_version": "0.2.0", "holds": ["a-hold-of-tomorrow"], "heads": {}, "pending_chunks": 0,
        "pending_bytes": 0, "ledger": {"next": 0, "head": "0" * 64, "more": 1}, "bundle_revision": 1, "more": {},
    }  # fmt: skip
    headers = pc.bearer | {api.AGENT_VERSION_HEADER: "0.2.0"}
    assert pc.client.put(api.device_health_path(pc.device), json=body, headers=headers).is_success
    pc.ledger.write("a-kind-of-tomorrow", at=1, more=[1])
    assert pc.send_ledger().is_success
