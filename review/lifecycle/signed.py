"""What lies in a recording's folder, compared with its sender's key: rows of the catalog only say where to look.

Who owns the database can write rows that no one signed: of a stream that was never recorded, of a later end, of another
sender. So the folder is listed, its key packet is checked, and where the account does not say all (or before an order)
also the first and the last chunk of each stream. What is not the sender's, and every row that goes beyond what was
signed, makes a recording suspect: its end counts as now, so that no period of it is ever over.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from protocol import envelope
from protocol.envelope import KEY_PACKET_STREAM, SCENE_STREAM, Header
from protocol.errors import EnvelopeError, ProtocolError
from protocol.packet import KeyPacket
from store.catalog.blobs import BlobFault, BlobMissing, BlobStore, folder_of, is_sealed, sealed_name
from store.clock import SECOND
from store.evidence.chain import Stored
from store.evidence.evidence import Evidence

OVERRUN: Final = SECOND  # what a recording's last picture may last beyond its end, as `verify` has it


@dataclass(frozen=True, slots=True)
class Signed:
    """`stored`: chunks that were read, as their own headers say, with the sender's signature.

    `unsure`: what is missing or damaged here: every class counts. `suspect`: what its sender did not sign.
    """

    packet: KeyPacket | None = None
    stored: tuple[Stored, ...] = ()
    unsure: tuple[str, ...] = ()
    suspect: tuple[str, ...] = ()


def read_signed(evidence: Evidence, blobs: BlobStore, *, signed: bool, whole: bool) -> Signed:
    """`signed`: whether the account that was read is what the device signed. `whole`: with chunks, which are also read
    where the account does not say which streams there are and how long it is. Raises BlobFault where the folder cannot
    be listed.
    """
    reader = _Reader(evidence, blobs, signed)
    reader.read_packet()
    if whole or not signed or evidence.closing is None or reader.beyond():
        reader.read_chunks()
        if (row := reader.beyond()) is not None:
            reader.suspect.append(f"{row}: a row of the catalog goes beyond what was signed")
    return Signed(reader.packet, tuple(reader.stored), tuple(reader.unsure), tuple(reader.suspect))


@dataclass
class _Reader:
    evidence: Evidence
    blobs: BlobStore
    signed: bool
    packet: KeyPacket | None = None
    stored: list[Stored] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    suspect: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._there: dict[int, dict[int, list[str]]] = {}  # stream -> sequence -> hashes
        folder = folder_of(self.evidence.recording.id)
        for name in self.blobs.names(folder):
            if is_sealed(name):
                stream, sequence, sha256 = name.removeprefix(folder).split("-")
                self._there.setdefault(int(stream), {}).setdefault(int(sequence), []).append(sha256)
        self._packets = [sha for one in self._there.pop(KEY_PACKET_STREAM, {}).values() for sha in one]

    # -- the key packet -------------------------------------------------------------------------------------------

    def read_packet(self) -> None:
        named = {one.sha256 for one in self.evidence.stored if one.is_packet}
        if len(self._packets) > 1:
            self.suspect.append("several key packets lie in its folder")
        elif named - {*self._packets}:
            (self.suspect if self._packets else self.unsure).append("the key packet that the catalog names is not here")
        elif not named:
            self.unsure.append("the catalog names no key packet" if self._packets else "it has no key packet")
        for sha256 in self._packets:
            self._check_packet(sha256)

    def _check_packet(self, sha256: str) -> None:
        if (body := self._body(KEY_PACKET_STREAM, 0, sha256)) is None:
            return
        device = self.evidence.device
        try:
            packet = KeyPacket.verify(body.decode("ascii"), device.evidence_key)
        except (ProtocolError, UnicodeDecodeError):
            self.suspect.append("a key packet lies in its folder that its sender did not sign")
            return
        if packet.recording != self.evidence.recording.id or packet.device != device.id:
            self.suspect.append("its key packet is of another recording or sender")
            return
        self.packet = packet

    # -- chunks ---------------------------------------------------------------------------------------------------

    def read_chunks(self) -> None:
        heads = self.evidence.signed_heads if self.signed else {}
        for stream, sequences in sorted(self._there.items()):
            first, last = min(sequences), max(sequences)
            for sequence in dict.fromkeys((first, last)):
                for sha256 in sequences[sequence]:
                    if (body := self._body(stream, sequence, sha256)) is None:
                        continue
                    named = heads.get(stream, {}).get(sequence) == sha256
                    try:
                        header = self._checked(body, stream, sequence)
                    except (EnvelopeError, ValueError):
                        self.suspect.append(f"stream {stream}, sequence {sequence}: its sender did not sign that chunk")
                        continue
                    if header.edition.is_signed or named:
                        self.stored.append(_stored(header, sha256, len(body)))
                    elif sequence == last:  # an earlier agent signed no chunk: heads alone reach them
                        self.unsure.append(f"stream {stream}, sequence {sequence}: nothing signed reaches that chunk")

    def _checked(self, body: bytes, stream: int, sequence: int) -> Header:
        """Raises EnvelopeError, ValueError."""
        header = Header.parse(body)
        previous = bytes.fromhex(self._packets[0]) if sequence == 0 and self.packet is not None else header.previous
        place = {"recording": self.evidence.recording.id, "stream": stream, "sequence": sequence}
        envelope.expect(header, **place, previous=previous)  # type: ignore[arg-type]
        if self.packet is not None and header.edition is not self.packet.edition:
            raise EnvelopeError("wrong-edition", "sealed chunk: of another edition than its key packet says")
        if header.edition.is_signed:
            envelope.check_signature(body, self.evidence.device.evidence_key)
        return header

    def _body(self, stream: int, sequence: int, sha256: str) -> bytes | None:
        """None where it is gone or damaged: that is its disk's doing, or more than rows can do."""
        where = "key packet" if stream == KEY_PACKET_STREAM else f"stream {stream}, sequence {sequence}"
        try:
            body = self.blobs.get(sealed_name(self.evidence.recording.id, stream, sequence, sha256))
        except BlobMissing:
            body = b""
        except BlobFault as fault:
            self.unsure.append(f"{where}: the bytes cannot be read: {fault}")
            return None
        if hashlib.sha256(body).hexdigest() != sha256:
            self.unsure.append(f"{where}: the bytes are not those that a receipt was given for")
            return None
        return body

    # -- rows -----------------------------------------------------------------------------------------------------

    def beyond(self) -> Stored | None:
        """A chunk that neither lies here nor was named by the device, or that lasts longer than was signed."""
        here = {stream: max(sequences) for stream, sequences in self._there.items()}
        named = self.evidence.last_signed if self.signed else {}
        last = {one: max(here.get(one, -1), named.get(one, -1)) for one in {*here, *named}}
        until = self._until()
        for one in self.evidence.stored:
            long = until is not None and one.stream != SCENE_STREAM and one.span.end > until + OVERRUN
            if not one.is_packet and (long or not 0 <= one.sequence <= last.get(one.stream, -1)):
                return one
        return None

    def _until(self) -> int | None:
        """ns from its start, of which something signed; None where a chunk that may say more is damaged."""
        ended = self.evidence.end if self.signed else None
        ends = [one.span.end for one in self.stored if one.stream != SCENE_STREAM]
        if ended is None and self.unsure:
            return None
        return max([*ends, ended or 0])


def _stored(header: Header, sha256: str, size: int) -> Stored:
    place = (header.recording, header.stream, header.sequence, sha256, size)
    return Stored(*place, 0, header.kind, header.flags, header.start, header.end, header.previous.hex())
