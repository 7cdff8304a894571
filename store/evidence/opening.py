"""Opens what was sealed, with a recipient's private key: the recording's key first, checked against its commitment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from protocol.dumps import refuse_dumps
from protocol.errors import KeyProblem, ProtocolError
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from protocol.packet import KeyPacket
from store.catalog.blobs import BlobFault, BlobMissing, BlobStore
from store.catalog.queries import Device
from store.errors import StoreError
from store.evidence.chain import Stored

KIND: Final = "recipient"
StreamKeys = Callable[[int], bytes]
"""Number of a stream -> what its chunks were sealed with."""


class Unsound(Exception):
    """Something stored is not what it should be. `code` is kebab-case and stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def load_recipient(path: Path, passphrase: bytes) -> RecipientPrivate:
    """A reader's private key from its file. Raises KeyProblem, StoreError."""
    try:
        refuse_dumps()
        key = load_private(path, passphrase)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from None
    if key.kind != KIND:
        raise StoreError(f"{path} is a {key.kind} key, which opens nothing: give the recipient's or the recovery key")
    return RecipientPrivate.from_bytes(key.raw)


def read_body(blobs: BlobStore, stored: Stored) -> bytes:
    """The sealed bytes that a receipt was given for. Raises Unsound: lost, unreadable, damaged."""
    try:
        body = blobs.get(stored.blob)
    except BlobMissing:
        raise Unsound("lost", "the bytes that a receipt was given for are gone") from None
    except BlobFault as fault:
        raise Unsound("unreadable", f"the bytes cannot be read: {fault}") from None
    if len(body) != stored.size or hashlib.sha256(body).hexdigest() != stored.sha256:
        raise Unsound("damaged", "the bytes are not those that a receipt was given for")
    return body


def read_packet(blobs: BlobStore, stored: Stored, device: Device) -> KeyPacket:
    """The key packet, signed by its device. Raises Unsound."""
    body = read_body(blobs, stored)
    try:
        packet = KeyPacket.verify(body.decode("ascii"), device.evidence_key)
    except UnicodeDecodeError:
        raise Unsound("malformed", "not a compact JWS") from None
    except ProtocolError as error:
        raise Unsound(error.code, str(error)) from None
    if packet.recording != stored.recording or packet.device != device.id:
        raise Unsound("misplaced", "signed for another recording or by another device")
    return packet


def recording_key(packet: KeyPacket, recipient: RecipientPrivate) -> bytes:
    """The key, once it fits its commitment. Raises Unsound; KeyProblem where the private key is not a reader's."""
    try:
        return packet.open_key(recipient)
    except KeyProblem as error:
        if error.code == "not-a-recipient":
            raise
        raise Unsound(error.code, str(error)) from None
