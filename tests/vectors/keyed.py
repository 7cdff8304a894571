"""The third edition: a key for each chunk that opens no other, and what readers or the device might make of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Final

from protocol import keys
from protocol.envelope import (
    COMMITMENT_SIZE,
    SIGNATURE_SIZE,
    SOUND_STREAM,
    Edition,
    digest,
    seal_unsigned,
    sign_digest,
)
from tests.vectors.chunks import PLAINTEXTS, flip, packet
from tests.vectors.inputs import EVIDENCE, INPUTS, KEY, OTHER_EVIDENCE, OTHER_KEY, RECORDING, Case, public
from tests.vectors.signed import COMMITTING, SIGNED, STREAMS, chain, header_of, signed
from tests.vectors.two_keys import open_with, two_key_chunk

EDITION: Final = Edition.KEYED
PACKET: Final = packet(edition=EDITION, commitment=keys.commitment(COMMITTING, RECORDING)).sign(EVIDENCE)
KEYED: Final = chain(PACKET, EDITION)
_BOTH: Final = COMMITMENT_SIZE + SIGNATURE_SIZE  # behind the commitment to the stream's key


def own_key(sequence: int, stream: int = 0) -> bytes:
    return keys.chunk_key(keys.stream_key(KEY, RECORDING, stream), RECORDING, stream, sequence)


def derived_keys() -> list[dict[str, Any]]:
    made = []
    for stream in STREAMS:
        stream_key = keys.stream_key(KEY, RECORDING, stream)
        for sequence in (0, 1, 2**40):
            own = keys.chunk_key(stream_key, RECORDING, stream, sequence)
            said = keys.chunk_commitment(own, RECORDING, stream, sequence)
            place = {"stream": stream, "sequence": sequence, "stream_key": stream_key.hex()}
            made.append({**place, "key": own.hex(), "commitment": said.hex()})
    return made


def signed_anew(body: bytes, edition: Edition = EDITION) -> bytes:
    """As a device might sign it that lies. `body`: all before the signature."""
    return body + sign_digest(digest(body), EVIDENCE, edition)


def keyed_vectors() -> dict[str, Any]:
    good, before = KEYED[1], digest(KEYED[0])
    screen, own, neighbour = keys.stream_key(KEY, RECORDING, 0), own_key(1), own_key(2)
    heard = signed(1, before, b"what was said", stream=SOUND_STREAM, edition=EDITION)
    forged = signed(1, before, b"it never was", OTHER_EVIDENCE, edition=EDITION)
    stray = signed(1, before, b"for other eyes", key=OTHER_KEY, edition=EDITION)
    place = {"recording": str(RECORDING), "stream": 0, "sequence": 1, "previous": before.hex()}
    written = header_of(1, before, EVIDENCE, 0, EDITION)
    tag_end = len(good) - SIGNATURE_SIZE - 2 * COMMITMENT_SIZE
    to_stream, to_chunk = good[tag_end:-_BOTH], good[-_BOTH:-SIGNATURE_SIZE]
    swapped = signed_anew(good[:tag_end] + to_chunk + to_stream)
    next_one_s = signed_anew(good[:-_BOTH] + KEYED[2][-_BOTH:-SIGNATURE_SIZE])
    untrue = signed_anew(flip(good[:-64], tag_end - 1))
    sound_s = signed_anew(good[:tag_end] + heard[-COMMITMENT_SIZE - _BOTH : -_BOTH] + to_chunk)
    two = signed_anew(two_key_chunk((own, OTHER_KEY), written) + to_stream + to_chunk)
    seen, unseen = (hashlib.sha256(open_with(key, two[: 92 + 48 + 16])).hexdigest() for key in (own, OTHER_KEY))
    assert seen != unseen
    second = b"".join(seal_unsigned(screen, replace(written, edition=Edition.SIGNED), PLAINTEXTS[1]).parts)
    plaintext = {"plaintext_sha256": hashlib.sha256(PLAINTEXTS[1]).hexdigest()}
    last = len(good) - 1

    def case(name: str, sealed: bytes, expect: str, **more: Any) -> Case:
        return {"name": name, "sealed": sealed.hex(), "place": place, "expect": expect, **more}

    def by(key: bytes) -> dict[str, str]:
        return {"chunk_key": key.hex()}

    return {
        "about": "A recording of the third edition. Each case: parse, compare its edition with the packet's, verify "
        "the signature with `evidence_key`, check the commitments and open: with `chunk_key` alone where there is one, "
        "else with `stream_key`, else with the key that the packet's gives for the stream of `place`; compare `place`. "
        "`derived`: what HKDF gives.",
        "recording": str(RECORDING),
        "derived": derived_keys(),
        "evidence_key": public(EVIDENCE),
        "auditor": INPUTS["auditor"],
        "packet": PACKET,
        "chunks": [
            {
                "sealed": sealed.hex(),
                "chunk_key": own_key(sequence).hex(),
                "plaintext_sha256": hashlib.sha256(content).hexdigest(),
            }
            for sequence, (sealed, content) in enumerate(zip(KEYED, PLAINTEXTS, strict=True))
        ],
        "cases": [
            case("good: in its place, by the recording's key", good, "ok", **plaintext),
            case("good: by the stream's key alone", good, "ok", stream_key=screen.hex(), **plaintext),
            case("good: by its own key alone", good, "ok", **by(own), **plaintext),
            case("the key of the next chunk", good, "wrong-commitment", **by(neighbour)),
            case("the key of the sound's chunk 1", good, "wrong-commitment", **by(own_key(1, SOUND_STREAM))),
            case("the stream's key instead of the chunk's", good, "wrong-commitment", **by(screen)),
            case("the chunk's key instead of the stream's", good, "wrong-commitment", stream_key=own.hex()),
            case("the recording's key instead of the stream's", good, "wrong-commitment", stream_key=KEY.hex()),
            case("the recording's key instead of the chunk's", good, "wrong-commitment", **by(KEY)),
            case("a stream's key of 16 bytes", good, "bad-key", stream_key=screen[:16].hex()),
            case("a chunk's key of 16 bytes", good, "bad-key", **by(own[:16])),
            case("the next chunk in its place, by its own key", KEYED[2], "wrong-sequence", **by(neighbour)),
            case("the sound's chunk in the screen's place", heard, "wrong-commitment"),
            case("forged by a reader: signed with another key", forged, "bad-signature", **by(own)),
            case("forged by a reader: with the signature of the true one", forged[:-64] + good[-64:], "bad-signature"),
            case("a chunk of the second edition", SIGNED[1], "wrong-edition"),
            case("a chunk of the second edition, by a chunk's key", SIGNED[1], "wrong-edition", **by(own)),
            case("signed as one of the second edition", signed_anew(good[:-64], Edition.SIGNED), "bad-signature"),
            case("sealed as one of the second edition", signed_anew(b"EYL3" + second[4:]), "truncated"),
            case("flipped bit: the edition, to the first", flip(good, 3, 1), "wrong-edition"),
            case("flipped bit: the edition, to the second", flip(good, 3, 0), "wrong-edition"),
            case("flipped bit: the edition, to a later one", flip(good, 3, 2), "bad-magic"),
            case("flipped bit: ciphertext", flip(good, 92), "bad-signature", **by(own)),
            case("flipped bit: tag", flip(good, tag_end - 1), "bad-signature", **by(own)),
            case("flipped bit: the stream's commitment", flip(good, tag_end), "bad-signature", **by(own)),
            case("flipped bit: the chunk's commitment", flip(good, last - SIGNATURE_SIZE), "bad-signature"),
            case("flipped bit: signature", flip(good, last), "bad-signature", **by(own)),
            case("truncated to 235 bytes", good[:235], "truncated"),
            case("truncated to 236 bytes", good[:236], "bad-signature"),
            case("the signature cut off", good[:-64], "truncated"),
            case("one commitment left out", good[:-96] + good[-64:], "truncated"),
            case("one byte more", good + b"\0", "bad-signature"),
            case("signed by the device: the commitments swapped", swapped, "wrong-commitment"),
            case("signed by the device: the same, by its own key", swapped, "wrong-commitment", **by(own)),
            case("signed by the device: committed to the next chunk's key", next_one_s, "wrong-commitment"),
            case("signed by the device: the same, by its own key", next_one_s, "wrong-commitment", **by(own)),
            case("signed by the device: the same, by the next one's", next_one_s, "wrong-commitment", **by(neighbour)),
            case("signed by the device: committed to the sound's key", sound_s, "wrong-commitment"),
            case("signed by the device: the same, by its own key", sound_s, "ok", **by(own), **plaintext),
            case("signed by the device under a key that is none of this recording", stray, "wrong-commitment"),
            case("signed by the device: another tag", untrue, "wrong-tag"),
            case("signed by the device: another tag, by its own key", untrue, "wrong-tag", **by(own)),
            case("two keys: under the one that is committed to", two, "ok", **by(own), plaintext_sha256=seen),
            case("two keys: under the stream's", two, "ok", plaintext_sha256=seen),
            case("two keys: under the other", two, "wrong-commitment", **by(OTHER_KEY)),
        ],
    }  # fmt: skip
