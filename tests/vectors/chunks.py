"""One whole recording as it lies in a store, and everything that can be wrong with one of its sealed chunks."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import UUID

from protocol import keys
from protocol.envelope import MAX_SEALED, Flag, Header, Kind, digest, seal
from protocol.packet import KeyPacket, Monitor
from tests.vectors.inputs import (
    AUDITOR,
    EVIDENCE,
    INPUTS,
    KEY,
    OTHER_KEY,
    OTHER_RECORDING,
    POLICY,
    RECORDING,
    RECOVERY,
    SECOND,
    START,
    Case,
    public,
)
from tests.vectors.two_keys import open_with, two_key_chunk


def packet(**changed: Any) -> KeyPacket:
    fields: dict[str, Any] = {
        "recording": RECORDING,
        "wrapped": {
            AUDITOR.key_id: bytes.fromhex(INPUTS["wrapped"]["key for auditor"]),
            RECOVERY.key_id: bytes.fromhex(INPUTS["wrapped"]["key for recovery"]),
        },
        "bundle_revision": 3,
        "policy": POLICY,
        "commitment": keys.commitment(KEY, RECORDING),
        "start": START,
        "device": "d-7",
        "host": "desk-12",
        "os_user": "maría",
        "monitors": (Monitor(0, 0, 0, 1920, 1080, "DP-1"), Monitor(1, -1080, 0, 1080, 1920, "HDMI-1")),
        "agent_version": "0.1.0",
    }
    return KeyPacket(**{**fields, **changed})


PACKET: Final = packet().sign(EVIDENCE)
PLAINTEXTS: Final = (b"the stream's header", b"the first four seconds", b"what came after a pause", b"")


def chunks(recording: UUID = RECORDING, key: bytes = KEY, stream: int = 0) -> list[bytes]:
    """Four sealed chunks in their chain: header, media, media after a gap, and one without any content."""
    spans = ((0, 0), (0, 4 * SECOND), (9 * SECOND, 13 * SECOND), (13 * SECOND, 13 * SECOND))
    flags = (Flag.NONE, Flag.KEY_FRAME, Flag.KEY_FRAME | Flag.AFTER_GAP, Flag.NONE)
    sealed: list[bytes] = []
    for sequence, (plaintext, span, flag) in enumerate(zip(PLAINTEXTS, spans, flags, strict=True)):
        header = Header(
            kind=Kind.MEDIA if sequence else Kind.HEADER,
            flags=flag,
            stream=stream,
            recording=recording,
            sequence=sequence,
            start=span[0],
            end=span[1],
            previous=digest(sealed[-1] if sealed else PACKET.encode("ascii")),
            nonce=hashlib.sha256(f"nonce {recording} {stream} {sequence}".encode()).digest()[:12],
        )
        sealed.append(seal(key, header, plaintext))
    return sealed


CHUNKS: Final = chunks()


def recording_vector() -> dict[str, Any]:
    return {
        "about": "One recording as a store holds it: open the packet, check the commitment, then the chunks in order.",
        "evidence_key": public(EVIDENCE),
        "auditor": INPUTS["auditor"],
        "packet": PACKET,
        "chunks": [
            {"sealed": sealed.hex(), "plaintext_sha256": hashlib.sha256(plaintext).hexdigest()}
            for sealed, plaintext in zip(CHUNKS, PLAINTEXTS, strict=True)
        ],
    }


TWO_KEYS: Final = two_key_chunk(
    (KEY, OTHER_KEY), Header(Kind.MEDIA, Flag.NONE, 0, RECORDING, 1, 0, 4 * SECOND, digest(CHUNKS[0]), bytes(range(12)))
)


def flip(sealed: bytes, at: int, bit: int = 0) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]


def chunk_vectors() -> dict[str, Any]:
    good = CHUNKS[1]
    elsewhere = chunks(OTHER_RECORDING)[1]
    place = {
        "recording": str(RECORDING),
        "stream": 0,
        "sequence": 1,
        "previous": digest(CHUNKS[0]).hex(),
    }

    def ok(name: str, sealed: bytes, plaintext: bytes, **more: Any) -> Case:
        return {
            "name": name,
            "key": KEY.hex(),
            "sealed": sealed.hex(),
            **more,
            "expect": "ok",
            "plaintext_sha256": hashlib.sha256(plaintext).hexdigest(),
        }

    def refused(name: str, sealed: bytes, code: str, **more: Any) -> Case:
        return {"name": name, "key": KEY.hex(), "sealed": sealed.hex(), **more, "expect": code}

    flipped = (
        ("magic", 0, 0, "bad-magic"),
        ("kind, to one that exists", 4, 0, "wrong-tag"),
        ("kind, to one that does not exist", 4, 1, "unknown-kind"),
        ("flags, to a flag that exists", 5, 1, "wrong-tag"),
        ("flags, to a flag that does not exist", 5, 7, "unknown-flags"),
        ("stream", 7, 0, "wrong-tag"),
        ("recording", 8, 0, "wrong-tag"),
        ("sequence", 31, 0, "wrong-tag"),
        ("span's start", 39, 0, "wrong-tag"),
        ("span's start, to one after its end", 32, 0, "bad-span"),
        ("span's end", 47, 0, "wrong-tag"),
        ("previous", 48, 0, "wrong-tag"),
        ("nonce", 80, 0, "wrong-tag"),
        ("ciphertext", 92, 0, "wrong-tag"),
        ("tag", len(good) - 1, 7, "wrong-tag"),
    )
    lengths = (
        (0, "truncated"),
        (3, "truncated"),
        (91, "truncated"),
        (92, "truncated"),
        (107, "truncated"),
        (108, "wrong-tag"),
        (len(good) - 1, "wrong-tag"),
    )
    return {
        "about": "Open `sealed` with `key`; where `place` is given, then check that the chunk stands there. "
        "`grow_to`: append zero bytes up to that length first.",
        "cases": [
            ok("good: the stream's header", CHUNKS[0], PLAINTEXTS[0]),
            ok("good: media in its place", good, PLAINTEXTS[1], place=place),
            ok("good: after a gap, with a key frame", CHUNKS[2], PLAINTEXTS[2]),
            ok("good: no content", CHUNKS[3], PLAINTEXTS[3]),
            *(refused(f"flipped bit: {where}", flip(good, at, bit), code) for where, at, bit, code in flipped),
            refused("the key packet's stream number", good[:6] + b"\xff\xff" + good[8:], "bad-stream"),
            *(refused(f"truncated to {length} bytes", good[:length], code) for length, code in lengths),
            refused("one byte more", good + b"\0", "wrong-tag"),
            refused("oversized", good, "oversized", grow_to=MAX_SEALED + 1),
            refused("swapped sequence: the next chunk in its place", CHUNKS[2], "wrong-sequence", place=place),
            refused("swapped sequence: written into the header", good[:24] + CHUNKS[2][24:32] + good[32:], "wrong-tag"),
            refused("wrong recording: another's chunk under the same key", elsewhere, "wrong-recording", place=place),
            refused(
                "wrong recording: written into the header",
                elsewhere[:8] + RECORDING.bytes + elsewhere[24:],
                "wrong-tag",
            ),
            refused("wrong stream", chunks(stream=1)[1], "wrong-stream", place=place),
            refused("another chunk before it", good, "wrong-previous", place={**place, "previous": "00" * 32}),
            {**refused("wrong key", good, "wrong-tag"), "key": OTHER_KEY.hex()},
            {**refused("a key of 16 bytes", good, "bad-key"), "key": KEY[:16].hex()},
            ok("two keys: under the one", TWO_KEYS, open_with(KEY, TWO_KEYS)),
            {
                **ok(
                    "two keys: under the other; only the commitment tells them apart",
                    TWO_KEYS,
                    open_with(OTHER_KEY, TWO_KEYS),
                ),
                "key": OTHER_KEY.hex(),
            },
        ],
    }
