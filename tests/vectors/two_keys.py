"""Forges one sealed chunk that opens under two keys: the reason why a key is checked against its commitment first.

AES-GCM's tag is GHASH over header, ciphertext and lengths, plus one block of key stream, and GHASH is linear. So the
middle one of three ciphertext blocks can be chosen so that both keys ask for the same tag (Dodis, Grubbs, Ristenpart,
Woodage: "Fast message franking", CRYPTO 2018).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from protocol.envelope import Header

_FIRST, _LAST = b"reads one way or", b"the other, at li"


def two_key_chunk(keys: tuple[bytes, bytes], header: Header) -> bytes:
    authenticated = header.pack()
    padded = authenticated + bytes(-len(authenticated) % 16)
    lengths = (len(authenticated) * 8).to_bytes(8, "big") + (48 * 8).to_bytes(8, "big")

    def ghash(subkey: int, middle: bytes) -> int:
        total = 0
        blocks = padded + _FIRST + middle + _LAST + lengths
        for at in range(0, len(blocks), 16):
            total = _multiply(total ^ int.from_bytes(blocks[at : at + 16], "big"), subkey)
        return total

    difference, slope = 0, 0
    for key in keys:
        subkey, mask = _subkeys(key, header.nonce)
        difference ^= ghash(subkey, bytes(16)) ^ mask
        slope ^= _multiply(_multiply(subkey, subkey), subkey)  # two blocks follow the middle one
    middle = _multiply(difference, _inverse(slope)).to_bytes(16, "big")
    subkey, mask = _subkeys(keys[0], header.nonce)
    tag = (ghash(subkey, middle) ^ mask).to_bytes(16, "big")
    return authenticated + _FIRST + middle + _LAST + tag


def open_with(key: bytes, sealed: bytes) -> bytes:
    """The content under a key, by AES in counter mode alone."""
    counter = Cipher(algorithms.AES(key), modes.CTR(sealed[80:92] + b"\0\0\0\2")).decryptor()
    return counter.update(sealed[92:-16])


def _subkeys(key: bytes, nonce: bytes) -> tuple[int, int]:
    """GHASH's key and the block that hides the tag (NIST SP 800-38D section 7.1)."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - GCM is built of single blocks
    subkey, mask = block.update(bytes(16)), block.update(nonce + b"\0\0\0\1")
    return int.from_bytes(subkey, "big"), int.from_bytes(mask, "big")


def _multiply(x: int, y: int) -> int:
    """In GCM's field, where the first bit is the most significant (NIST SP 800-38D section 6.3)."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return product


def _inverse(x: int) -> int:
    """x to the power 2^128 - 2."""
    result = 1 << 127
    for _ in range(127):
        x = _multiply(x, x)
        result = _multiply(result, x)
    return result
