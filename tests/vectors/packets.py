"""Key packets: what a device signs about a recording, and the ways in which somebody may have tampered with it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, jws, keys
from tests.vectors.chunks import PACKET, packet
from tests.vectors.inputs import AUDITOR, EVIDENCE, INPUTS, KEY, OTHER_EVIDENCE, OTHER_RECORDING, Case, public


def raw_jws(header: object, payload: object, key: Ed25519PrivateKey) -> str:
    """A JWS whose header says whatever a liar likes."""
    parts = (json.dumps(part, separators=(",", ":"), ensure_ascii=False).encode("utf-8") for part in (header, payload))
    signed = ".".join(base64url.encode(part) for part in parts)
    return f"{signed}.{base64url.encode(key.sign(signed.encode('ascii')))}"


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    return json.loads(base64url.decode(header)), json.loads(base64url.decode(payload)), signature


def packet_vectors() -> dict[str, Any]:
    header, payload, _ = parts_of(PACKET)

    def case(name: str, token: str, expect: str, **more: Any) -> Case:
        return {
            "name": name,
            "token": token,
            "evidence_key": public(EVIDENCE),
            "recipient": INPUTS["auditor"],
            **more,
            "expect": expect,
        }

    def resigned(name: str, expect: str, **fields: Any) -> Case:
        return case(name, raw_jws(header, {**payload, **fields}, EVIDENCE), expect)

    opens = {"recording_key_sha256": hashlib.sha256(KEY).hexdigest()}
    wrapped = INPUTS["wrapped"]
    for_other_key = packet(wrapped={AUDITOR.key_id: bytes.fromhex(wrapped["other key for auditor"])})
    for_stranger = packet(wrapped={AUDITOR.key_id: bytes.fromhex(wrapped["key for stranger"])})
    elsewhere = packet(recording=OTHER_RECORDING, commitment=keys.commitment(KEY, OTHER_RECORDING))
    signature_at = PACKET.rindex(".") + 1
    return {
        "about": "Verify `token` with `evidence_key`, unwrap with the recipient's seed, check the commitment.",
        "cases": [
            {**case("good: the auditor", PACKET, "ok"), **opens},
            {**case("good: the recovery key", PACKET, "ok", recipient=INPUTS["recovery"]), **opens},
            {**resigned("good: a field that is not known yet", "ok", later="ignored"), **opens},
            case("wrong key: not a recipient", PACKET, "not-a-recipient", recipient=INPUTS["stranger"]),
            case("wrong key: wrapped for somebody else", for_stranger.sign(EVIDENCE), "wrong-key"),
            case("wrong recording: its wrapped key belongs to another", elsewhere.sign(EVIDENCE), "wrong-key"),
            case(
                "wrong commitment: another key than was committed to", for_other_key.sign(EVIDENCE), "wrong-commitment"
            ),
            case(
                "bad signature: one letter of it",
                PACKET[:signature_at] + swap(PACKET[signature_at]) + PACKET[signature_at + 1 :],
                "bad-signature",
            ),
            case(
                "bad signature: of another packet",
                PACKET[:signature_at] + elsewhere.sign(EVIDENCE).rsplit(".", 1)[1],
                "bad-signature",
            ),
            case(
                "bad signature: another key that names this one",
                raw_jws(header, payload, OTHER_EVIDENCE),
                "bad-signature",
            ),
            case("signed by another device", packet().sign(OTHER_EVIDENCE), "wrong-signer"),
            case("wrong typ: a receipt", raw_jws({**header, "typ": jws.RECEIPT}, payload, EVIDENCE), "wrong-type"),
            case(
                "wrong typ: none",
                raw_jws({k: v for k, v in header.items() if k != "typ"}, payload, EVIDENCE),
                "wrong-type",
            ),
            case("wrong alg: EdDSA", raw_jws({**header, "alg": "EdDSA"}, payload, EVIDENCE), "wrong-algorithm"),
            case(
                "wrong alg: none",
                raw_jws({**header, "alg": "none"}, payload, EVIDENCE).rsplit(".", 1)[0] + ".",
                "wrong-algorithm",
            ),
            case("wrong alg: HS256", raw_jws({**header, "alg": "HS256"}, payload, EVIDENCE), "wrong-algorithm"),
            case(
                "a header that may not be there", raw_jws({**header, "crit": ["exp"]}, payload, EVIDENCE), "malformed"
            ),
            case("truncated: half of it", PACKET[: len(PACKET) // 2], "malformed"),
            case(
                "truncated: a signature of 63 bytes", PACKET[:signature_at] + base64url.encode(bytes(63)), "malformed"
            ),
            case("another spelling of the same signature", PACKET[:-1] + other_spelling(PACKET[-1]), "malformed"),
            case("payload with a name twice", doubled(header, EVIDENCE), "malformed"),
            resigned("unknown version", "unknown-version", v=2),
            {**resigned("good: a critical name that is understood", "ok", crit=["envelope"], envelope=1), **opens},
            resigned("a critical name that is not understood", "unknown-critical", crit=["later"], later=1),
            resigned("two critical names, one understood", "unknown-critical", crit=["envelope", "later"], envelope=1),
            resigned("a critical name that is not there", "bad-field", crit=["envelope"]),
            resigned("critical: no list", "bad-field", crit="envelope", envelope=1),
            resigned("critical: an empty list", "bad-field", crit=[]),
            resigned("critical: a name twice", "bad-field", crit=["envelope", "envelope"], envelope=1),
            resigned("critical: more than 16 names", "bad-field", crit=[f"n{number}" for number in range(17)]),
            resigned("critical: a name of 65 characters", "bad-field", crit=["n" * 65]),
            resigned("unknown suite", "unknown-suite", suite={"kem": 0x0020, "kdf": 1, "aead": 2}),
            resigned("a wrapped key cut short", "bad-field", wrapped={AUDITOR.key_id: base64url.encode(bytes(1167))}),
            resigned("no recipient", "no-recipients", wrapped={}),
        ],
    }


def swap(letter: str) -> str:
    return "A" if letter != "A" else "B"


def other_spelling(letter: str) -> str:
    """The last letter of 64 bytes in base64url carries four spare bits that must be zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) + 1]


def doubled(header: dict[str, Any], key: Ed25519PrivateKey) -> str:
    signed = base64url.encode(json.dumps(header).encode()) + "." + base64url.encode(b'{"v":1,"v":1}')
    return f"{signed}.{base64url.encode(key.sign(signed.encode('ascii')))}"
