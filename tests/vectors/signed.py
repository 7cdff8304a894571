"""The second edition: a recording whose chunks the device signed, and what its readers might make of it."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.envelope import SIGNATURE_SIZE, Edition, Flag, Header, Kind, digest, seal
from tests.vectors.chunks import CHUNKS, PLAINTEXTS, flip, packet
from tests.vectors.inputs import EVIDENCE, INPUTS, KEY, OTHER_EVIDENCE, RECORDING, SECOND, Case, public

PACKET: Final = packet(edition=Edition.SIGNED).sign(EVIDENCE)


def signed(sequence: int, previous: bytes, plaintext: bytes, signer: Ed25519PrivateKey = EVIDENCE) -> bytes:
    header = Header(
        kind=Kind.MEDIA if sequence else Kind.HEADER,
        flags=Flag.KEY_FRAME if sequence else Flag.NONE,
        stream=0,
        recording=RECORDING,
        sequence=sequence,
        start=max(0, sequence - 1) * 4 * SECOND,
        end=sequence * 4 * SECOND,
        previous=previous,
        nonce=hashlib.sha256(f"signed {sequence} {public(signer)}".encode()).digest()[:12],
        edition=Edition.SIGNED,
    )
    return seal(KEY, header, plaintext, signer)


def chain() -> list[bytes]:
    sealed: list[bytes] = []
    for sequence, plaintext in enumerate(PLAINTEXTS):
        previous = digest(sealed[-1] if sealed else PACKET.encode("ascii"))
        sealed.append(signed(sequence, previous, plaintext))
    return sealed


SIGNED: Final = chain()


def signed_vectors() -> dict[str, Any]:
    good, before = SIGNED[1], digest(SIGNED[0])
    forged = signed(1, before, b"it never was", OTHER_EVIDENCE)
    place = {"recording": str(RECORDING), "stream": 0, "sequence": 1, "previous": before.hex()}

    def case(name: str, sealed: bytes, expect: str, **more: Any) -> Case:
        return {"name": name, "sealed": sealed.hex(), "place": place, "expect": expect, **more}

    plaintext = {"plaintext_sha256": hashlib.sha256(PLAINTEXTS[1]).hexdigest()}
    last = len(good) - 1
    return {
        "about": "A recording of the second edition. Each case: parse, compare its edition with the packet's, verify "
        "the signature with `evidence_key`, open with the packet's key, compare `place`.",
        "evidence_key": public(EVIDENCE),
        "auditor": INPUTS["auditor"],
        "packet": PACKET,
        "chunks": [
            {"sealed": sealed.hex(), "plaintext_sha256": hashlib.sha256(content).hexdigest()}
            for sealed, content in zip(SIGNED, PLAINTEXTS, strict=True)
        ],
        "cases": [
            case("good: in its place", good, "ok", **plaintext),
            case("forged by a reader: signed with another key", forged, "bad-signature"),
            case("forged by a reader: with the signature of the true one", forged[:-64] + good[-64:], "bad-signature"),
            case("forged by a reader: with another signature", good[:-64] + SIGNED[0][-64:], "bad-signature"),
            case("forged by a reader: without a signature", CHUNKS[1], "wrong-edition"),
            case("flipped bit: the edition, to the first", flip(flip(good, 3, 0), 3, 1), "wrong-edition"),
            case("flipped bit: the edition, to a later one", flip(good, 3, 0), "bad-magic"),
            case("flipped bit: ciphertext", flip(good, 92), "bad-signature"),
            case("flipped bit: tag", flip(good, last - SIGNATURE_SIZE), "bad-signature"),
            case("flipped bit: signature", flip(good, last), "bad-signature"),
            case("truncated to 171 bytes", good[:171], "truncated"),
            case("truncated to 172 bytes", good[:172], "bad-signature"),
            case("the signature cut off", good[:-64], "truncated"),
            case("one byte more", good + b"\0", "bad-signature"),
            case("the next chunk in its place", SIGNED[2], "wrong-sequence"),
        ],
    }
