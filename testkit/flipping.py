"""Where one bit may turn over in what is kept, and how: for bench/loss_flips and tests/store/test_bit_flips."""

from __future__ import annotations

import json
from typing import Final

from protocol import base64url

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# Name -> (byte, bit) of a sealed chunk, docs/envelope.md: every class of its bytes.
CHUNK: Final = {
    "magic, first": (0, 0),
    "magic, to the first edition": (3, 1),
    "magic, to the second edition": (3, 0),
    "magic, last": (3, 6),
    "kind, to the other": (4, 0),
    "kind, to none": (4, 1),
    "flags, to a flag that exists": (5, 1),
    "flags, to none": (5, 7),
    "stream, first": (6, 0),
    "stream, last": (7, 0),
    "recording, first": (8, 0),
    "recording, last": (23, 0),
    "sequence, first": (24, 0),
    "sequence, last": (31, 0),
    "start, to one after the end": (33, 0),
    "start, last": (39, 0),
    "end, beyond the catalog": (40, 7),
    "end, last": (47, 0),
    "previous, first": (48, 0),
    "previous, last": (79, 0),
    "nonce, first": (80, 0),
    "nonce, last": (91, 0),
    "ciphertext, first": (92, 0),
    "ciphertext, last": (-145, 0),
    "tag, first": (-144, 0),
    "tag, last": (-129, 7),
    "commitment to the stream's key, first": (-128, 0),
    "commitment to the stream's key, last": (-97, 7),
    "commitment to the chunk's key, first": (-96, 0),
    "commitment to the chunk's key, last": (-65, 7),
    "signature, first": (-64, 0),
    "signature, last": (-1, 7),
}

# (part of the JWS: 0 header, 1 payload, 2 signature; member, "" for the part's first letter), as `flip_in` takes them.
_HEADER: Final = ((0, ""), (0, "alg"), (0, "typ"), (0, "kid"))
PACKET: Final = (
    *_HEADER,
    *((1, name) for name in ("recording", "wrapped", "commitment", "policy", "device", "host", "os_user", "monitors")),
    (2, ""),
)
BUNDLE: Final = (*_HEADER, (0, "jwk"), *((1, name) for name in ("revision", "created", "recipients")), (2, ""))
BATCH: Final = (*_HEADER, *((1, name) for name in ("device", "first", "last", "lines")), (2, ""))


def flip(body: bytes, at: int, bit: int = 0) -> bytes:
    """`at` counts from the end where it is negative."""
    at %= len(body)
    return body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :]


def flip_in(token: str, part: int, name: str = "") -> str:
    """The lowest bit of a letter of a JWS's part (0 header, 1 payload, 2 signature) in the value of a member, or of the
    first letter. It stays base64url in its one spelling, so that only what it says changes.
    """
    parts = token.split(".")
    place = 0
    if name:
        text = base64url.decode(parts[part]).decode("utf-8")
        value = json.dumps(json.loads(text)[name], ensure_ascii=False, separators=(",", ":"))
        start = text.index(f'"{name}"') + len(name) + 2
        inside = text.index(value.lstrip('"[{')[:3], start) + 1
        place = len(text[:inside].encode("utf-8")) * 4 // 3
    letter = LETTERS[LETTERS.index(parts[part][place]) ^ 1]
    parts[part] = parts[part][:place] + letter + parts[part][place + 1 :]
    return ".".join(parts)


def flip_in_line(text: str, name: str) -> str:
    """The lowest bit of the first letter of a member's value in a line of the ledger."""
    value = json.dumps(json.loads(text)[name], separators=(",", ":")).lstrip('"[')
    place = text.index(value, text.index(f'"{name}":') + len(name) + 3)
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
