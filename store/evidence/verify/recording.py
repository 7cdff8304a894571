"""Checks a recording as a stranger would: bytes, signatures, chains, commitment, tags, gaps and heads, in that order.

What needs the private key is checked only with it; what was not checked is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from protocol import envelope
from protocol.bundle import verify as verify_bundle
from protocol.envelope import SCENE_STREAM, Header, Kind, lane_of
from protocol.errors import EnvelopeError, KeyProblem, LedgerError, ProtocolError
from protocol.keys import RecipientPrivate
from protocol.ledger import ZERO, Batch, walk
from protocol.packet import KeyPacket
from store.catalog.blobs import BlobStore
from store.evidence.chain import Stored, gaps
from store.evidence.evidence import Evidence
from store.evidence.opening import Unsound, read_body, read_packet, recording_key

CHECKS: Final = {
    "bytes": "every byte that a receipt was given for is here, unchanged",
    "key-packet": "the key packet is signed by the device",
    "headers": "every chunk stands where it says it stands",
    "chain": "every chunk follows from the one before it, without a gap",
    "ledger": "the device's ledger is signed and unbroken",
    "heads": "the recording ends where the device's signed heads say",
    "account": "nothing is kept from a time at which the ledger says that the eye was closed",
    "commitment": "the recording's key is the one committed to",
    "tags": "every chunk opens, unchanged since it was sealed",
}
_NEED_KEY: Final = ("commitment", "tags")


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong. `code` is kebab-case and stable; `check` is one of CHECKS, or "alarm"."""

    check: str
    code: str
    where: str
    message: str


@dataclass(frozen=True)
class Report:
    """`not_checked`: name of a check and why it could not be done. `notes`: true, and no fault."""

    findings: tuple[Defect, ...]
    checked: tuple[str, ...]
    not_checked: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    unsound: frozenset[Stored] = field(default_factory=frozenset)  # chunks that must not be opened or played

    @property
    def sound(self) -> bool:
        return not self.findings


def _ignore(done: int) -> None:
    del done


class Examination:
    """One recording under examination; `report` does it all. `advance` is called for each object that was looked at."""

    def __init__(
        self,
        evidence: Evidence,
        blobs: BlobStore,
        recipient: RecipientPrivate | None,
        *,
        compliance: str,
        advance: Callable[[int], None] = _ignore,
    ) -> None:
        self._evidence = evidence
        self._blobs = blobs
        self._recipient = recipient
        self._compliance = compliance
        self._advance = advance
        self._findings: list[Defect] = []
        self._notes: list[str] = []
        self._skipped: dict[str, str] = {}
        self._unsound: set[Stored] = set()

    def report(self) -> Report:
        packet = self._packet()
        key = self._key(packet)
        self._streams(key)
        self._rejected()
        self._ledger()
        self._heads()
        self._account()
        self._alarms()
        order = list(CHECKS)
        findings = sorted(self._findings, key=lambda one: order.index(one.check) if one.check in order else len(order))
        return Report(
            findings=tuple(findings),
            checked=tuple(check for check in CHECKS if check not in self._skipped),
            not_checked=tuple(self._skipped.items()),
            notes=tuple(self._notes),
            unsound=frozenset(self._unsound),
        )

    def _find(self, check: str, code: str, where: object, message: str) -> None:
        self._findings.append(Defect(check, code, str(where), message))

    # -- the key packet and the key -------------------------------------------------------------------------------

    def _packet(self) -> KeyPacket | None:
        stored = self._evidence.chosen.packet
        if stored is None:
            self._find(
                "key-packet", "no-key-packet", "key packet", "it never came: nothing of the recording can be opened"
            )
            return None
        self._advance(1)
        try:
            packet = read_packet(self._blobs, stored, self._evidence.device)
        except Unsound as error:
            check = "bytes" if error.code in ("lost", "unreadable", "damaged") else "key-packet"
            self._find(check, error.code, stored, str(error))
            return None
        known = self._evidence.recording
        said = (packet.policy, packet.start, packet.host, packet.os_user)
        if said != (known.policy, known.start, known.host, known.os_user):
            message = "the catalog says another policy, start, host or user than it does"
            self._find("key-packet", "changed-catalog", stored, message)
        opening = self._evidence.opening
        if opening is not None and opening.fields.get("policy") != packet.policy:
            self._find("key-packet", "other-policy", stored, "the ledger opened the recording under another policy")
        self._check_readers(packet, stored)
        return packet

    def _check_readers(self, packet: KeyPacket, stored: Stored) -> None:
        if self._evidence.bundle is None:
            return
        try:
            bundle = verify_bundle(self._evidence.bundle, self._compliance)
        except ProtocolError as error:
            self._find("key-packet", "bad-bundle", "newest bundle", str(error))
            return
        if bundle.revision != packet.bundle_revision:
            self._notes.append(
                f"sealed under bundle revision {packet.bundle_revision}, the newest is {bundle.revision}"
            )
            return
        wanted = {recipient.key_id for recipient in bundle.recipients}
        if wanted != set(packet.wrapped):
            self._find("key-packet", "other-readers", stored, "sealed to other readers than compliance has signed")

    def _key(self, packet: KeyPacket | None) -> bytes | None:
        why = "no private key was given (--key)"
        if packet is not None and self._recipient is not None:
            try:
                return recording_key(packet, self._recipient)
            except Unsound as error:
                self._find("commitment", error.code, "key packet", str(error))
                why = "the recording's key could not be had"
            except KeyProblem as error:
                why = str(error)
        elif self._recipient is not None:
            why = "there is no key packet to be trusted"
        self._skipped |= dict.fromkeys(_NEED_KEY, why)
        if any(finding.check == "commitment" for finding in self._findings):
            del self._skipped["commitment"]
        return None

    # -- chunks ---------------------------------------------------------------------------------------------------

    def _streams(self, key: bytes | None) -> None:
        packet = self._evidence.chosen.packet
        root = packet.sha256 if packet else ""
        for stream, chain in self._evidence.chosen.streams.items():
            for first, last, _ in gaps(chain):
                numbers = f"sequence {first}" if first == last else f"sequences {first} to {last}"
                self._find("chain", "gap", f"stream {stream}, {numbers}", "missing: what they held was not received")
            before: Stored | None = None
            for chunk in chain:
                self._advance(1)
                for check, code, message in self._chunk(chunk, key):
                    self._find(check, code, chunk, message)
                    self._unsound.add(chunk)
                expected = root if chunk.sequence == 0 else before.sha256 if _adjoins(before, chunk) and before else ""
                if expected and chunk.previous != expected:
                    self._find("chain", "wrong-previous", chunk, "it does not follow from the one before it")
                    self._unsound.add(chunk)
                before = chunk

    def _chunk(self, chunk: Stored, key: bytes | None) -> Iterator[tuple[str, str, str]]:
        """(check, code, message) of everything wrong with it alone."""
        try:
            body = read_body(self._blobs, chunk)
        except Unsound as error:
            yield "bytes", error.code, str(error)
            return
        try:
            header = Header.parse(body)
            envelope.expect(
                header,
                recording=chunk.recording,
                stream=chunk.stream,
                sequence=chunk.sequence,
                previous=bytes.fromhex(chunk.previous or ""),
            )
            envelope.check_span(header.start, header.end)
        except EnvelopeError as error:
            yield "headers", error.code, str(error)
            return
        if (header.kind, header.flags, header.start, header.end) != (chunk.kind, chunk.flags, *chunk.span):
            yield "headers", "changed-catalog", "the catalog says another kind, flags or span than the chunk"
        if key is not None:
            try:
                envelope.open_sealed(key, body)
            except EnvelopeError as error:
                yield "tags", error.code, str(error)

    def _rejected(self) -> None:
        chosen = self._evidence.chosen
        for stored in chosen.undecided:
            self._find(
                "chain", "undecided", stored, "two bodies under one name, and nothing signed says which is right"
            )
        for stored in chosen.rejected:
            try:
                read_body(self._blobs, stored)
            except Unsound as error:
                self._find("bytes", error.code, f"{stored} (the body not chosen)", str(error))
        self._notes += [f"{stored}: another body of this name is kept as evidence" for stored in chosen.rejected]

    # -- the ledger -----------------------------------------------------------------------------------------------

    def _ledger(self) -> None:
        evidence = self._evidence
        if not evidence.lines:
            self._skipped |= dict.fromkeys(("ledger", "heads", "account"), "the device's ledger has not told of it yet")
            return
        signed: dict[int, bytes] = {}
        for batch in evidence.batches:
            try:
                lines = Batch.verify(batch.token, evidence.device.evidence_key).lines
            except (ProtocolError, LedgerError) as error:
                self._find("ledger", error.code, f"batch from entry {batch.first}", str(error))
                continue
            signed |= dict(enumerate(lines, batch.first))
        for line in evidence.lines:
            if signed.get(line.seq, b"").decode("utf-8") != line.text:
                self._find(
                    "ledger", "unsigned", f"entry {line.seq}", "the catalog's line is in no batch the device signed"
                )
        first = evidence.lines[0].seq
        before = evidence.before if first else ZERO
        for mistake in walk((line.text.encode("utf-8") for line in evidence.lines), before, first):
            self._find("ledger", mistake.code, f"entry {mistake.seq}", str(mistake))

    def _heads(self) -> None:
        if "heads" in self._skipped:
            return
        for seq, heads in self._evidence.head_entries:
            for stream, (following, sha256) in heads.items():
                chain = self._evidence.chosen.streams.get(stream, ())
                chunk = next((one for one in chain if one.sequence == following - 1), None)
                if chunk is not None and chunk.sha256 != sha256:
                    self._find("heads", "wrong-head", chunk, f"ledger entry {seq} signed another body of this name")
        self._reported_heads()
        self._tails()
        self._end()

    def _reported_heads(self) -> None:
        for stream, (following, sha256) in self._evidence.reported_heads.items():
            here = [one for one in self._evidence.stored if (one.stream, one.sequence) == (stream, following - 1)]
            if here and sha256 not in {one.sha256 for one in here}:
                self._find("heads", "wrong-head", here[0], "the device's health named another body of this name")

    def _tails(self) -> None:
        """Whether every stream reaches the end that the device has named."""
        evidence = self._evidence
        latest = {stream: max(signed) for stream, signed in evidence.signed_heads.items()}
        for stream, (following, _) in evidence.reported_heads.items():
            latest[stream] = max(latest.get(stream, -1), following - 1)
        for stream, last in sorted(latest.items()):
            chain = evidence.chosen.streams.get(stream, ())
            have = chain[-1].sequence if chain else -1
            if have < last and evidence.ended:
                where = f"stream {stream}, sequences {have + 1} to {last}"
                self._find(
                    "heads", "tail-missing", where, "sealed and not received: cut off, or still in the PC's spool"
                )
            elif have < last:
                self._notes.append(f"stream {stream}: {last - have} chunks are still on their way")

    def _end(self) -> None:
        evidence = self._evidence
        if evidence.closing is not None:
            closed = evidence.head_entries[-1][1] if evidence.head_entries else {}
            for stream, chain in evidence.chosen.streams.items():
                if chain[-1].sequence >= closed.get(stream, (0, ""))[0]:
                    self._find("heads", "beyond-closing", chain[-1], "the recording was closed before this chunk")
        elif evidence.ended:
            self._notes.append("the agent ended without closing it: what it had not yet sealed is lost, as designed")
        else:
            self._notes.append("it is still open")

    def _account(self) -> None:
        """What is kept ends before the entry that closes, and begin after the one that opens: law 1, seen from here."""
        for stream, chain in self._evidence.chosen.streams.items():
            if stream == SCENE_STREAM:
                continue  # a scene that closes the eye is what it is for
            stated = self._evidence.stated_then(lane_of(stream))
            for chunk in chain:
                if chunk.kind is Kind.MEDIA and any(
                    chunk.span.start < (state.end if state.end is not None else chunk.span.end)
                    and state.start < chunk.span.end
                    for state in stated
                ):
                    self._find("account", "kept-while-closed", chunk, "the ledger says that the eye was closed then")

    def _alarms(self) -> None:
        for code, stream, sequence, _ in self._evidence.alarms:
            where = f"stream {stream}, sequence {sequence}" if stream is not None else "recording"
            self._find("alarm", code, where, "the store raised this alarm when it was received")


def _adjoins(before: Stored | None, chunk: Stored) -> bool:
    return before is not None and before.sequence + 1 == chunk.sequence


def examine(
    evidence: Evidence,
    blobs: BlobStore,
    recipient: RecipientPrivate | None,
    *,
    compliance: str,
    advance: Callable[[int], None] = _ignore,
) -> Report:
    """Everything that can be checked. `compliance`: fingerprint of the key that signs bundles."""
    return Examination(evidence, blobs, recipient, compliance=compliance, advance=advance).report()
