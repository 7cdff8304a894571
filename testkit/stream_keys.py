"""A stranger's way into a recording: one stream, opened with that stream's key alone and without the key packet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol import envelope
from protocol.envelope import Edition
from protocol.errors import EnvelopeError
from protocol.packet import KeyPacket
from store.catalog.blobs import BlobStore
from store.evidence.chain import Stored
from store.evidence.opening import Unsound, read_body


def stream_key(packet: KeyPacket, key: bytes, stream: int) -> bytes:
    """What opens this one stream, to be given to who shall see no other. `key`: the recording's.

    Raises Unsound ("no-stream-keys") for a recording of the first edition, whose one key opens all of it.
    """
    if packet.edition is Edition.FIRST:
        message = "an earlier agent made it, and sealed every stream with one key: none can be given away alone"
        raise Unsound("no-stream-keys", message)
    return packet.stream_key(key, stream)


def open_stream(
    blobs: BlobStore, chain: Iterable[Stored], key: bytes, device: Ed25519PublicKey
) -> Iterator[tuple[Stored, bytes]]:
    """Each chunk of a stream with its content, by the stream's key alone. `device`: the evidence key of its device.

    The device has signed the commitment in each chunk, so the key packet is not needed. Raises Unsound: as `read_body`,
    or with the envelope's code, where a chunk is not the device's, not of this key or not where it says it is. Whether
    chunks are missing `verify` says.
    """
    for stored in chain:
        body = read_body(blobs, stored)
        try:
            envelope.check_signature(body, device)
            header, content = envelope.open_sealed(key, body)
            envelope.expect(
                header,
                recording=stored.recording,
                stream=stored.stream,
                sequence=stored.sequence,
                previous=bytes.fromhex(stored.previous or ""),
            )
        except EnvelopeError as error:
            raise Unsound(error.code, str(error)) from None
        yield stored, content
