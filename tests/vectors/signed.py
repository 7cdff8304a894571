"""The second edition: a key for each stream, chunks that the device signed, and what readers might make of them."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import keys
from protocol.envelope import (
    COMMITMENT_SIZE,
    SCENE_STREAM,
    SIGNATURE_SIZE,
    SOUND_STREAM,
    Edition,
    Flag,
    Header,
    Kind,
    digest,
    seal,
    sign_digest,
)
from tests.vectors.chunks import CHUNKS, PLAINTEXTS, flip, packet
from tests.vectors.inputs import EVIDENCE, INPUTS, KEY, OTHER_EVIDENCE, OTHER_KEY, RECORDING, SECOND, Case, public
from tests.vectors.two_keys import open_with, two_key_chunk

COMMITTING: Final = keys.commitment_key(KEY, RECORDING)
PACKET: Final = packet(edition=Edition.SIGNED, commitment=keys.commitment(COMMITTING, RECORDING)).sign(EVIDENCE)
STREAMS: Final = (0, 1, SOUND_STREAM, SCENE_STREAM)


def header_of(
    sequence: int, previous: bytes, signer: Ed25519PrivateKey, stream: int, edition: Edition = Edition.SIGNED
) -> Header:
    return Header(
        kind=Kind.MEDIA if sequence else Kind.HEADER,
        flags=Flag.KEY_FRAME if sequence else Flag.NONE,
        stream=stream,
        recording=RECORDING,
        sequence=sequence,
        start=max(0, sequence - 1) * 4 * SECOND,
        end=sequence * 4 * SECOND,
        previous=previous,
        nonce=hashlib.sha256(f"signed {stream} {sequence} {public(signer)}".encode()).digest()[:12],
        edition=edition,
    )


def signed(
    sequence: int,
    previous: bytes,
    plaintext: bytes,
    signer: Ed25519PrivateKey = EVIDENCE,
    *,
    stream: int = 0,
    key: bytes | None = None,
    edition: Edition = Edition.SIGNED,
) -> bytes:
    own = keys.stream_key(KEY, RECORDING, stream) if key is None else key
    return seal(own, header_of(sequence, previous, signer, stream, edition), plaintext, signer)


def chain(packet: str = PACKET, edition: Edition = Edition.SIGNED) -> list[bytes]:
    sealed: list[bytes] = []
    for sequence, plaintext in enumerate(PLAINTEXTS):
        previous = digest(sealed[-1] if sealed else packet.encode("ascii"))
        sealed.append(signed(sequence, previous, plaintext, edition=edition))
    return sealed


SIGNED: Final = chain()


def derived_keys() -> dict[str, Any]:
    own = {stream: keys.stream_key(KEY, RECORDING, stream) for stream in STREAMS}
    return {
        "recording": str(RECORDING),
        "recording_key": KEY.hex(),
        "commitment_key": COMMITTING.hex(),
        "commitment": keys.commitment(COMMITTING, RECORDING).hex(),
        "streams": {
            str(stream): {"key": key.hex(), "commitment": keys.stream_commitment(key, RECORDING, stream).hex()}
            for stream, key in own.items()
        },
    }


def with_two_keys(one: bytes, other: bytes, before: bytes) -> bytes:
    """As a device might sign it that wants two readers to see two things; it can commit to one key only."""
    body = two_key_chunk((one, other), header_of(1, before, EVIDENCE, 0)) + keys.stream_commitment(one, RECORDING, 0)
    return body + sign_digest(digest(body), EVIDENCE, Edition.SIGNED)


def signed_vectors() -> dict[str, Any]:
    good, before = SIGNED[1], digest(SIGNED[0])
    screen, sound = (keys.stream_key(KEY, RECORDING, stream) for stream in (0, SOUND_STREAM))
    heard = signed(1, before, b"what was said", stream=SOUND_STREAM)
    at_sound = {"place": {"recording": str(RECORDING), "stream": SOUND_STREAM, "sequence": 1, "previous": before.hex()}}
    two = with_two_keys(screen, OTHER_KEY, before)
    stray = signed(1, before, b"for other eyes", key=OTHER_KEY)
    seen, unseen = (hashlib.sha256(open_with(key, two[:-96])).hexdigest() for key in (screen, OTHER_KEY))
    assert seen != unseen
    forged = signed(1, before, b"it never was", OTHER_EVIDENCE)
    place = {"recording": str(RECORDING), "stream": 0, "sequence": 1, "previous": before.hex()}

    def case(name: str, sealed: bytes, expect: str, **more: Any) -> Case:
        return {"name": name, "sealed": sealed.hex(), "place": place, "expect": expect, **more}

    plaintext = {"plaintext_sha256": hashlib.sha256(PLAINTEXTS[1]).hexdigest()}
    last = len(good) - 1
    return {
        "about": "A recording of the second edition. Each case: parse, compare its edition with the packet's, verify "
        "the signature with `evidence_key`, check the commitment and open with the key that the packet's gives for the "
        "stream of `place`, or with `stream_key` where there is one; compare `place`. `derived`: what HKDF gives.",
        "derived": derived_keys(),
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
            case("flipped bit: the edition, to the third", flip(good, 3, 0), "truncated"),
            case("flipped bit: the edition, to a later one", flip(good, 3, 2), "bad-magic"),
            case("flipped bit: ciphertext", flip(good, 92), "bad-signature"),
            case("flipped bit: tag", flip(good, last - SIGNATURE_SIZE - COMMITMENT_SIZE), "bad-signature"),
            case("flipped bit: commitment", flip(good, last - SIGNATURE_SIZE), "bad-signature"),
            case("flipped bit: signature", flip(good, last), "bad-signature"),
            case("truncated to 203 bytes", good[:203], "truncated"),
            case("truncated to 204 bytes", good[:204], "bad-signature"),
            case("the signature cut off", good[:-64], "truncated"),
            case("the commitment left out", good[:-96] + good[-64:], "truncated"),
            case("one byte more", good + b"\0", "bad-signature"),
            case("the next chunk in its place", SIGNED[2], "wrong-sequence"),
            case("the screen's key alone", good, "ok", stream_key=screen.hex(), **plaintext),
            case("the sound's key alone, for a chunk of the screen", good, "wrong-commitment", stream_key=sound.hex()),
            case("the recording's key instead of the stream's", good, "wrong-commitment", stream_key=KEY.hex()),
            case("a key of 16 bytes", good, "bad-key", stream_key=screen[:16].hex()),
            case("the sound's chunk in the screen's place", heard, "wrong-commitment"),
            {
                **case("good: the sound, under a key of its own", heard, "ok"),
                **at_sound,
                "plaintext_sha256": hashlib.sha256(b"what was said").hexdigest(),
            },
            {
                **case("the screen's key alone, for the sound", heard, "wrong-commitment", stream_key=screen.hex()),
                **at_sound,
            },
            case("signed by the device under a key that is none of this recording", stray, "wrong-commitment"),
            case("two keys: under the one that is committed to", two, "ok", plaintext_sha256=seen),
            case("two keys: under the other", two, "wrong-commitment", stream_key=OTHER_KEY.hex()),
        ],
    }
