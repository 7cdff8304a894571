"""The committed vectors: Eyelid's own code answers each as it says, and so does a program in another language."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from protocol import base64url, bundle, enrolment, keys, ledger, successor
from protocol.api import VERSION
from protocol.carried import read_carried
from protocol.envelope import Edition, Header, check_signature, digest, expect, open_by_chunk_key, open_sealed
from protocol.errors import EnvelopeError, ProtocolError
from protocol.packet import KeyPacket
from protocol.receipt import Receipt
from protocol.report import DeviceReport
from tests.vectors.freeze import SUMS, sums
from tests.vectors.make import build
from tests.vectors.programs import lay_out, run_program

VECTORS: Final = Path(__file__).parent.parent / "vectors"
FILES: Final = ("chunks", "packets", "ledger", "statements")


def load(name: str, folder: Path = VECTORS) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return vector


def cases(name: str, folder: Path = VECTORS) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(name, folder)["cases"]
    return found


def seal_of(case: dict[str, Any]) -> bytes:
    sealed = bytes.fromhex(case["sealed"])
    return sealed.ljust(case.get("grow_to", 0), b"\0")


def open_chunk(case: dict[str, Any], opens: Any = open_sealed) -> dict[str, str]:
    header, plaintext = opens(bytes.fromhex(case["key"]), seal_of(case))
    if place := case.get("place"):
        expect(
            header,
            recording=UUID(place["recording"]),
            stream=place["stream"],
            sequence=place["sequence"],
            previous=bytes.fromhex(place["previous"]),
        )
    return {"plaintext_sha256": hashlib.sha256(plaintext).hexdigest()}


def open_signed(case: dict[str, Any], name: str = "signed") -> dict[str, str]:
    """As `verify` does: edition, signature, commitments, tag, place."""
    vector = load(name)
    sealed, device = bytes.fromhex(case["sealed"]), keys.public_from_text(vector["evidence_key"])
    packet = KeyPacket.verify(vector["packet"], device)
    if Header.parse(sealed).edition is not packet.edition:
        raise EnvelopeError("wrong-edition", "another edition than the key packet's")
    check_signature(sealed, device)
    if own := case.get("chunk_key"):
        return open_chunk(case | {"key": own}, open_by_chunk_key)
    key = packet.open_key(keys.RecipientPrivate.from_bytes(bytes.fromhex(vector["auditor"])))
    own = packet.stream_key(key, case["place"]["stream"]).hex()
    return open_chunk(case | {"key": case.get("stream_key", own)})


def open_keyed(case: dict[str, Any]) -> dict[str, str]:
    return open_signed(case, "keyed")


def open_packet(case: dict[str, Any]) -> dict[str, str]:
    packet = KeyPacket.verify(case["token"], keys.public_from_text(case["evidence_key"]))
    recipient = keys.RecipientPrivate.from_bytes(bytes.fromhex(case["recipient"]))
    return {"recording_key_sha256": hashlib.sha256(packet.open_key(recipient)).hexdigest()}


def read_statement(case: dict[str, Any]) -> dict[str, Any]:
    """What the statement says, in the vector's words."""
    match case["kind"]:
        case "receipt":
            receipt = Receipt.verify(case["token"], keys.public_from_text(case["store_key"]))
            return {
                "recording": str(receipt.recording),
                "stream": receipt.stream,
                "sequence": receipt.sequence,
                "sha256": receipt.sha256,
                "at": receipt.at,
                "device": receipt.device,
            }
        case "batch":
            batch = ledger.Batch.verify(case["token"], keys.public_from_text(case["evidence_key"]))
            return {
                "device": batch.device,
                "first": batch.first,
                "last": batch.last,
                "prev": batch.prev,
                "head": batch.head,
            }
        case "bundle":
            read = bundle.verify(case["token"], case["fingerprint"])
            return {
                "revision": read.revision,
                "created": read.created,
                "recipients": [recipient.key_id for recipient in read.recipients],
                "policy_files": read.policy_files,
            } | {name: said for name in ("governance", "notice") if (said := getattr(read, name))}
        case "report":
            report = DeviceReport.verify(case["token"], keys.public_from_text(case["evidence_key"]))
            return {
                "device": report.device,
                "wall": report.wall,
                "recording": None if report.recording is None else str(report.recording),
                "heads": {str(stream): list(head) for stream, head in report.heads.items()},
                "receipted": {str(stream): following for stream, following in report.receipted.items()},
                "ledger": list(report.ledger),
                "confirmed": report.confirmed,
            }
        case "successor":
            return {"trusted": sorted(successor.trusted(keys.public_from_text(case["store_key"]), case["tokens"]))}
        case "enrolment":
            read_token = enrolment.parse(case["token"])
            return {
                "address": read_token.address,
                "compliance": read_token.compliance,
                "secret": read_token.secret,
                "group": read_token.group,
            }
        case kind:
            raise AssertionError(f"no test reads a {kind}")


def read_beside_a_bundle(case: dict[str, Any]) -> dict[str, Any]:
    files = read_carried(case["text"], case["hash"])
    return {"files": {name: content.decode("utf-8") for name, content in files.items()}}


def answer(case: dict[str, Any], attempt: Any) -> dict[str, Any]:
    try:
        return {"expect": "ok", **attempt(case)}
    except ProtocolError as error:
        return {"expect": error.code}


def wanted(case: dict[str, Any]) -> dict[str, Any]:
    return {"expect": case["expect"]} | {
        name: case[name] for name in ("plaintext_sha256", "recording_key_sha256") if name in case
    }


# Today's, and those of every version of the protocol that was ever frozen.
FOLDERS: Final = [VECTORS, *sorted(VECTORS.glob("v[0-9]*"))]
every_version = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@every_version
def test_every_vector_is_answered_as_it_says(folder: Path) -> None:
    answered = 0
    for case in cases("chunks", folder):
        assert answer(case, open_chunk) == wanted(case), case["name"]
        answered += 1
    for case in cases("packets", folder):
        assert answer(case, open_packet) == wanted(case), case["name"]
        answered += 1
    for case in cases("statements", folder):
        says = {"expect": case["expect"], **case.get("says", {})}
        read = read_beside_a_bundle if case["kind"] == "carried" else read_statement
        assert answer(case, read) == says, case["name"]
        answered += 1
    for case in cases("ledger", folder):
        mistakes = ledger.walk([line.encode() for line in case["lines"]], case["prev"], case["seq"])
        assert [mistake.code for mistake in mistakes] == case["expect"], case["name"]
        answered += 1
    assert answered == sum(len(cases(name, folder)) for name in FILES) > 90


def test_every_vector_of_the_second_edition_is_answered_as_it_says() -> None:
    for case in cases("signed"):
        assert answer(case, open_signed) == wanted(case), case["name"]
    assert {"ok", "bad-signature", "wrong-edition", "truncated"} <= {case["expect"] for case in cases("signed")}


def test_every_vector_of_the_third_edition_is_answered_as_it_says() -> None:
    for case in cases("keyed"):
        assert answer(case, open_keyed) == wanted(case), case["name"]
    assert {"ok", "bad-signature", "wrong-commitment", "truncated"} <= {case["expect"] for case in cases("keyed")}


def test_a_chunk_of_the_third_edition_needs_no_other_key_than_its_own() -> None:
    """Of its recording, neither the packet nor any chunk beside it is looked at."""
    vector = load("keyed")
    for chunk in vector["chunks"]:
        sealed = bytes.fromhex(chunk["sealed"])
        check_signature(sealed, keys.public_from_text(vector["evidence_key"]))
        _, plaintext = open_by_chunk_key(bytes.fromhex(chunk["chunk_key"]), sealed)
        assert hashlib.sha256(plaintext).hexdigest() == chunk["plaintext_sha256"]


def test_every_key_of_the_third_edition_is_derived_as_it_says() -> None:
    """With HMAC alone (RFC 5869, section 2), by nothing of ours."""
    vector = load("keyed")
    recording = UUID(vector["recording"]).bytes
    for one in vector["derived"]:
        place = one["stream"].to_bytes(2, "big") + one["sequence"].to_bytes(8, "big")
        extracted = hmac.digest(recording, bytes.fromhex(one["stream_key"]), "sha256")
        own = hmac.digest(extracted, b"eyelid chunk key v3" + place + b"\1", "sha256")
        assert one["key"] == own.hex()
        assert one["commitment"] == hmac.digest(own, b"eyelid chunk commit" + recording + place, "sha256").hex()
    assert len({one["key"] for one in vector["derived"]}) == len(vector["derived"])


def test_every_key_of_the_second_edition_is_derived_as_it_says() -> None:
    """With HMAC alone (RFC 5869, section 2), by nothing of ours."""
    derived = load("signed")["derived"]
    recording, key = UUID(derived["recording"]).bytes, bytes.fromhex(derived["recording_key"])

    def mac(key: bytes, text: bytes) -> bytes:
        return hmac.digest(key, text, "sha256")

    extracted = mac(recording, key)
    committing = mac(extracted, b"eyelid commitment key v2" + b"\1")
    assert derived["commitment_key"] == committing.hex()
    assert derived["commitment"] == mac(committing, b"eyelid commit" + recording).hex()
    for stream, own in derived["streams"].items():
        number = int(stream).to_bytes(2, "big")
        stream_key = mac(extracted, b"eyelid stream key v2" + number + b"\1")
        assert own["key"] == stream_key.hex()
        assert own["commitment"] == mac(stream_key, b"eyelid stream commit" + recording + number).hex()
    keys_seen = {
        derived["recording_key"],
        derived["commitment_key"],
        *(one["key"] for one in derived["streams"].values()),
    }
    assert len(keys_seen) == 2 + len(derived["streams"])


RECORDINGS: Final = [*((folder, "recording") for folder in FOLDERS), (VECTORS, "signed"), (VECTORS, "keyed")]


@pytest.mark.parametrize(("folder", "name"), RECORDINGS, ids=lambda part: getattr(part, "name", part))
def test_the_recording_opens_in_the_order_that_the_docs_give(folder: Path, name: str) -> None:
    vector = load(name, folder)
    packet = KeyPacket.verify(vector["packet"], keys.public_from_text(vector["evidence_key"]))
    key = packet.open_key(keys.RecipientPrivate.from_bytes(bytes.fromhex(vector["auditor"])))
    previous = digest(vector["packet"].encode("ascii"))
    for sequence, chunk in enumerate(vector["chunks"]):
        sealed = bytes.fromhex(chunk["sealed"])
        if packet.edition is not Edition.FIRST:
            check_signature(sealed, keys.public_from_text(vector["evidence_key"]))
        header, plaintext = open_sealed(packet.stream_key(key, 0), sealed)
        expect(header, recording=packet.recording, stream=0, sequence=sequence, previous=previous)
        assert hashlib.sha256(plaintext).hexdigest() == chunk["plaintext_sha256"]
        previous = digest(sealed)


def test_what_was_frozen_stays_as_it_was_and_today_s_version_is_frozen() -> None:
    assert VERSION in {folder.name for folder in FOLDERS}
    for folder in FOLDERS[1:]:
        files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
        assert len(files) == len(FILES) + 2
        assert (folder / SUMS).read_text(encoding="ascii") == sums(files), f"{folder.name} is not to be changed"


def test_make_still_makes_the_committed_vectors() -> None:
    for name, content in build().items():
        assert (VECTORS / name).read_text(encoding="utf-8") == content, f"{name}: run python -m tests.vectors.make"


def test_the_random_part_of_the_inputs_opens() -> None:
    """What HPKE once answered cannot be made again, but it can be opened."""
    inputs = load("inputs")
    recording = UUID(inputs["recording"])
    for name, key, recipient in (
        ("key for auditor", "recording_key", "auditor"),
        ("key for recovery", "recording_key", "recovery"),
        ("key for stranger", "recording_key", "stranger"),
        ("other key for auditor", "other_recording_key", "auditor"),
    ):
        private = keys.RecipientPrivate.from_bytes(bytes.fromhex(inputs[recipient]))
        assert keys.unwrap(private, recording, bytes.fromhex(inputs["wrapped"][name])).hex() == inputs[key]


def test_the_two_key_chunk_has_two_contents() -> None:
    """The attack that the commitment stops is real: one tag, two keys, two plaintexts."""
    one, other = (case for case in cases("chunks") if case["name"].startswith("two keys"))
    assert one["sealed"] == other["sealed"]
    assert one["key"] != other["key"]
    assert one["plaintext_sha256"] != other["plaintext_sha256"]
    inputs = load("inputs")
    recording = UUID(inputs["recording"])
    committed = keys.commitment(bytes.fromhex(one["key"]), recording)
    keys.check_commitment(bytes.fromhex(one["key"]), recording, committed)
    with pytest.raises(ProtocolError) as refused:
        keys.check_commitment(bytes.fromhex(other["key"]), recording, committed)
    assert refused.value.code == "wrong-commitment"


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory)


def test_a_program_in_another_language_gives_the_same_answers(node_folder: Path) -> None:
    ran = run_program(node_folder, "open.mjs", VECTORS)
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout)
    assert answers["recording"] == [
        {"answer": "ok", "plaintext_sha256": chunk["plaintext_sha256"]} for chunk in load("recording")["chunks"]
    ]
    for name, vector in (("signed_recording", "signed"), ("keyed_recording", "keyed"), ("keyed_one_by_one", "keyed")):
        assert answers[name] == [
            {"answer": "ok", "plaintext_sha256": chunk["plaintext_sha256"]} for chunk in load(vector)["chunks"]
        ]
    for name in ("chunks", "packets", "signed", "keyed"):
        for case, given in zip(cases(name), answers[name], strict=True):
            given["expect"] = given.pop("answer")
            assert given == wanted(case), case["name"]
    bundles = [case for case in cases("statements") if case["kind"] in {"bundle", "carried"}]
    assert len(bundles) > 10
    for case, given in zip(bundles, answers["bundles"], strict=True):
        known = {"revision", "recipients", "governance", "notice", "files"}
        says = {name: said for name, said in case.get("says", {}).items() if name in known}
        assert given == {"answer": case["expect"], **says}, case["name"]


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((VECTORS / "node" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages.values())


def test_base64url_of_the_vectors_is_ours() -> None:
    """The names in the packet are the recipients' key ids as docs/envelope.md defines them."""
    vector = load("recording")
    public = keys.RecipientPrivate.from_bytes(bytes.fromhex(vector["auditor"])).public.to_bytes()
    payload = json.loads(base64url.decode(vector["packet"].split(".")[1]))
    assert base64url.encode(hashlib.sha256(public).digest()) in payload["wrapped"]
