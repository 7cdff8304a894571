"""Checks a recording as a stranger would: bytes, signatures, chains, commitment, tags, gaps and heads, in that order.

What needs the private key is checked only with it; what was not checked is said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from protocol import envelope
from protocol.bundle import verify as verify_bundle
from protocol.envelope import SCENE_STREAM, Header, Kind, lane_of
from protocol.errors import EnvelopeError, KeyProblem, ProtocolError
from protocol.keys import RecipientPrivate
from protocol.packet import KeyPacket
from protocol.report import DeviceReport
from store.catalog import erasure
from store.catalog.blobs import BlobStore
from store.catalog.erasure import Tombstone
from store.clock import SECOND
from store.evidence.account import Interval, NotKept
from store.evidence.chain import Stored, gaps
from store.evidence.evidence import AFTER_RUN, Evidence, heads_of
from store.evidence.opening import Unsound, read_body, read_packet, recording_key
from store.evidence.show import iso, shortened
from store.evidence.verify.ledger import OTHER_DEVICE, Defect, SignedLedger, defect

CHECKS: Final = {
    "bytes": "every byte that the catalog names is here, unchanged",
    "key-packet": "the key packet is signed by the device",
    "headers": "every chunk stands where it says it stands",
    "signatures": "every chunk is signed by the device",
    "chain": "every chunk follows from the one before it, without a gap",
    "ledger": "what the device's ledger says of it is signed and unbroken",
    "heads": "every stream reaches as far as the device's signed heads say",
    "account": "nothing is kept from a time at which the ledger says that the eye was closed",
    "commitment": "the keys are those committed to",
    "tags": "every chunk opens, unchanged since it was sealed",
}
CUT: Final = "the device has signed that the store had confirmed them, and they are not here: they were cut off"
NOT_WHOLE: Final = "the catalog has not one row for each entry up to the last: some are gone, or were put in"
NOT_REPORTED: Final = "the device's ledger has not reported it yet"
ERASURE: Final = "erasure"  # of what is wrong with one; no check of a recording that is here
# ns after a recording's end that a chunk may reach. Where another takes over, the picture and the sound that began
# before stand for their own spans; of sound the times are an estimate.
OVERRUN: Final = SECOND
NOT_READ: Final = frozenset({"lost", "unreadable", "damaged"})  # the bytes are not those that came
_AFTER: Final = {  # what is not looked at in a chunk after this check has failed
    "bytes": ("headers", "signatures", "commitment", "tags"),
    "headers": ("signatures", "commitment", "tags"),
}
# Without an opening the account is looked through from here on, so that a recording that has just begun costs a day of
# it, not a year. A PC whose clock was set back by more than this right after the opening is the price.
BEFORE_PACKET: Final = 24 * 3600 * SECOND
# A PC that signs its chunks signs a report every minute. So long may the first take that the store gets of it.
FIRST_REPORT: Final = 600 * SECOND
_NEED_KEY: Final = ("commitment", "tags")


@dataclass(frozen=True)
class Report:
    """`not_checked`: name of a check and why it could not be done. `notes`: true, and no fault."""

    findings: tuple[Defect, ...]
    checked: tuple[str, ...]
    not_checked: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    unsound: frozenset[Stored] = field(default_factory=frozenset)  # chunks that must not be opened or played
    erased: Tombstone | None = None

    @property
    def sound(self) -> bool:
        return not self.findings


Bundles = Callable[[int], str | None]
"""The bundle (JWS) of a revision; None where the store has none of it."""


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
        bundles: Bundles,
        ledger: SignedLedger,
        run: bool = True,
        advance: Callable[[int], None] = _ignore,
    ) -> None:
        self._evidence = evidence
        self._signed = ledger
        self._run = run
        self._blobs = blobs
        self._recipient = recipient
        self._compliance = compliance
        self._bundles = bundles
        self._advance = advance
        self._findings: dict[tuple[str, str, str], Defect] = {}  # by check, code and place: each is told once
        self._notes: list[str] = []
        self._skipped: dict[str, str] = {}
        self._unsound: set[Stored] = set()
        self._unread: dict[str, int] = {}  # check -> chunks that it could not be made of
        self._committed: dict[int, bytes | None] = {}  # stream -> the commitment in its first chunk
        self._receipted: Mapping[int, int] = {}  # stream -> next sequence after those that it had a receipt for
        self._reported_at: int | None = None
        self._reported: Mapping[int, tuple[int, str]] = {}  # heads of this recording in the device's last report
        # By stream and sequence: a device may name as many heads as its account has lines.
        self._at = {(one.stream, one.sequence): one for chain in evidence.chosen.streams.values() for one in chain}

    def report(self) -> Report:
        if self._evidence.erased is not None:
            return self._erased(self._evidence.erased)
        packet = self._packet()
        key = self._key(packet)
        self._streams(key, packet)
        self._rejected(packet)
        self._ledger(packet)
        self._device_report(packet)
        self._heads(packet)
        self._account()
        self._alarms()
        self._say_what_was_unread()
        order = list(CHECKS)
        findings = sorted(
            self._findings.values(), key=lambda one: order.index(one.check) if one.check in order else len(order)
        )
        return Report(
            findings=tuple(findings),
            checked=tuple(check for check in CHECKS if check not in self._skipped),
            not_checked=tuple(self._skipped.items()),
            notes=tuple(self._notes),
            unsound=frozenset(self._unsound),
        )

    def _erased(self, erased: Tombstone) -> Report:
        """Of what was destroyed nothing can be checked but why, and that it is not here."""
        self._ledger(None)
        words = str(erased)
        if not erased.explained:
            message = (
                "no order to erase it is signed by the audit log's key: it was deleted, or the catalog was changed"
            )
            self._take(Defect(ERASURE, "unexplained", "recording", message))
        elif erased.step == erasure.Step.ERASED and (left := erasure.left_over(self._blobs, [erased.recording])):
            message = f"{len(left)} files of it are here again: `eyelid-review erase --go-on` removes them"
            self._take(Defect(ERASURE, "not-erased", "recording", message))
        self._notes.append(f"{words}; the key that signs such orders here has the fingerprint {erased.signer or '-'}")
        skipped = {check: words for check in CHECKS if check != "ledger"} | self._skipped
        checked = tuple(check for check in CHECKS if check not in skipped)
        return Report(
            tuple(self._findings.values()), checked, tuple(skipped.items()), tuple(self._notes), erased=erased
        )

    def _say_what_was_unread(self) -> None:
        """A check that found nothing because it had nothing to look at has found nothing good."""
        failed = {finding.check for finding in self._findings.values()}
        for check, number in self._unread.items():
            if check not in failed:
                chunks = "1 chunk" if number == 1 else f"{number} chunks"
                self._skipped.setdefault(check, f"{chunks} could not be read so far")

    def _find(self, check: str, code: str, where: object, message: str) -> None:
        self._take(Defect(check, code, str(where), message))

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
            unread = error.code in NOT_READ
            self._find("bytes" if unread else "key-packet", error.code, stored, str(error))
            if unread:
                self._skipped["key-packet"] = "its bytes are not here"
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
        self._note_other_name()
        return packet

    def _note_other_name(self) -> None:
        """No finding: a PC or an account that was renamed does so honestly."""
        evidence = self._evidence
        if evidence.other_name is not None:
            said, enrolled = (
                ", ".join(map(shortened, names)) for names in (evidence.other_name, (evidence.host, evidence.os_user))
            )
            self._notes.append(
                f"its key packet says {said}, and its device enrolled as {enrolled}: it was renamed, or records in "
                "another's name (other-name)"
            )

    def _check_readers(self, packet: KeyPacket, stored: Stored) -> None:
        """With the bundle that the packet names: one of an older revision was right in its time."""
        revision, newest = packet.bundle_revision, self._evidence.newest_bundle
        token = self._bundles(revision)
        if token is None:
            message = f"sealed under bundle revision {revision}, which is not here: nothing says who its readers may be"
            self._find("key-packet", "unknown-bundle", stored, message)
            return
        try:
            bundle = verify_bundle(token, self._compliance)
        except ProtocolError as error:
            self._find("key-packet", "bad-bundle", f"bundle revision {revision}", str(error))
            return
        if bundle.revision != revision:
            message = f"compliance signed this one as revision {bundle.revision}"
            self._find("key-packet", "bad-bundle", f"bundle revision {revision}", message)
        elif {recipient.key_id for recipient in bundle.recipients} != set(packet.wrapped):
            self._find("key-packet", "other-readers", stored, "sealed to other readers than compliance has signed")
        elif revision != newest:
            self._notes.append(f"sealed under bundle revision {revision}, the newest is {newest}")

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
        if any(finding.check == "commitment" for finding in self._findings.values()):
            del self._skipped["commitment"]
        return None

    # -- chunks ---------------------------------------------------------------------------------------------------

    def _streams(self, key: bytes | None, packet: KeyPacket | None) -> None:
        stored = self._evidence.chosen.packet
        root = stored.sha256 if stored else ""
        if packet is None:
            self._skipped["signatures"] = "there is no key packet to be trusted"
        elif not packet.edition.is_signed:
            self._skipped["signatures"] = "an earlier agent made it and signed no chunk: its readers could make some"
        for stream, chain in self._evidence.chosen.streams.items():
            for first, last, _ in gaps(chain):
                numbers = f"sequence {first}" if first == last else f"sequences {first} to {last}"
                self._find("chain", "gap", f"stream {stream}, {numbers}", "missing: what they held was not received")
            before: Stored | None = None
            for chunk in chain:
                self._advance(1)
                for check, code, message in self._chunk(chunk, key, packet):
                    self._find(check, code, chunk, message)
                    self._unsound.add(chunk)
                    for unread in _AFTER.get(check, ()) if check == "bytes" or code != "changed-catalog" else ():
                        self._unread[unread] = self._unread.get(unread, 0) + 1
                expected = root if chunk.sequence == 0 else before.sha256 if _adjoins(before, chunk) and before else ""
                if expected and chunk.previous != expected:
                    self._find("chain", "wrong-previous", chunk, "it does not follow from the one before it")
                    self._unsound.add(chunk)
                before = chunk

    def _chunk(self, chunk: Stored, key: bytes | None, packet: KeyPacket | None) -> Iterator[tuple[str, str, str]]:
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
        if packet is not None and header.edition is not packet.edition:
            yield "signatures", "wrong-edition", f"the key packet says edition {packet.edition:d} of the envelope"
            return
        if header.edition.is_signed:
            try:
                envelope.check_signature(body, self._evidence.device.evidence_key)
            except EnvelopeError as error:
                yield "signatures", error.code, str(error)
            else:
                committed = envelope.committed(body)
                if self._committed.setdefault(chunk.stream, committed) != committed:
                    yield "chain", "other-key", "it commits to another key than the first chunk of its stream"
        if packet is not None and key is not None:
            try:
                envelope.open_sealed(packet.stream_key(key, chunk.stream), body)
            except EnvelopeError as error:
                yield "commitment" if error.code == "wrong-commitment" else "tags", error.code, str(error)

    def _rejected(self, packet: KeyPacket | None) -> None:
        chosen = self._evidence.chosen
        for stored in chosen.undecided:
            self._find(
                "chain", "undecided", stored, "two bodies under one name, and nothing signed says which is right"
            )
        signed = packet is not None and packet.edition.is_signed
        for stored in chosen.rejected:
            note = f"{stored}: another body of this name is kept as evidence"
            try:
                body = read_body(self._blobs, stored)
                if signed and not stored.is_packet:
                    envelope.check_signature(body, self._evidence.device.evidence_key)
            except Unsound as error:
                self._find("bytes", error.code, f"{stored} (the body not chosen)", str(error))
            except EnvelopeError:
                # No finding: it is not played, and the alarm about it can be settled.
                note += "; the device did not sign it"
            self._notes.append(note)

    # -- the ledger -----------------------------------------------------------------------------------------------

    def _ledger(self, packet: KeyPacket | None) -> None:
        evidence = self._evidence
        if not evidence.ledger_whole:
            self._take(defect("changed-catalog", "the device's ledger", NOT_WHOLE))
        lines = evidence.lines
        if lines is None:
            if self._run:  # else the whole account was compared already, once for all of its recordings
                for one in self._signed.naming(evidence.recording.id):  # its opening would hide with all that follows
                    self._take(one)
            if self._run and packet is not None:
                for one in self._signed.since(packet.start - BEFORE_PACKET):  # and so would one that became another
                    self._take(one)
            self._skipped |= dict.fromkeys(("ledger", "account"), NOT_REPORTED)
            return
        for one in self._signed.defects(lines.start if self._run else lines.first, lines.last):
            self._take(one)
        if lines.following is not None:  # entries may lie between: it goes on from what its first names
            for one in self._signed.defects(lines.following, lines.following + AFTER_RUN, tied=False):
                self._take(one)

    def _take(self, one: Defect) -> None:
        self._findings.setdefault((one.check, one.code, one.where), one)

    def _device_report(self, packet: KeyPacket | None) -> None:
        """What the device last reported of its ends, signed. A store that is behind what it had confirmed was cut."""
        evidence = self._evidence
        if evidence.device_report is None:
            signed = packet is not None and packet.edition.is_signed
            if signed and evidence.length > FIRST_REPORT:
                message = "its PC signs one every minute, and none is here: what was cut off cannot be named"
                self._find("ledger", "no-report", "the device's last report", message)
            return
        try:
            report = DeviceReport.verify(evidence.device_report, evidence.device.evidence_key)
        except ProtocolError as error:
            self._find("ledger", error.code, "the device's last report", str(error))
            return
        if report.device != evidence.device.id:
            self._find("ledger", "misplaced", "the device's last report", OTHER_DEVICE)
            return
        self._reported_at = report.wall
        if report.recording == evidence.recording.id:
            self._reported, self._receipted = report.heads, report.receipted
        following, named = evidence.ledger_next, report.ledger[0]
        if evidence.closing is not None or evidence.end_signed_after_death:
            return  # what is missing came after this recording
        if report.confirmed > following:
            self._find("ledger", "ledger-cut", f"entries {following} to {report.confirmed - 1}", CUT)
        elif named > following:
            message = f"entries {following} to {named - 1} of the ledger are not here"
            self._notes.append(f"{message}: its PC named them in the report of {iso(report.wall)}")

    def _heads(self, packet: KeyPacket | None) -> None:
        for seq, heads in self._evidence.head_entries:
            for stream, head in heads.items():
                self._compare_head(stream, head, f"ledger entry {seq} signed another body of this name")
        for stream, head in self._reported.items():
            self._compare_head(stream, head, "the device's last report signed another body of this name")
        self._reported_heads()
        self._tails()
        if self._evidence.lines is None:
            self._leave_open(NOT_REPORTED)
            return
        signed = packet is not None and packet.edition.is_signed
        self._end(signed=signed)
        self._after_end()
        if self._evidence.closing is None:
            self._beyond(signed=signed)
        if packet is not None and not signed:
            self._loose()

    def _compare_head(self, stream: int, head: tuple[int, str], message: str) -> None:
        following, sha256 = head
        chunk = self._at.get((stream, following - 1))
        if chunk is not None and chunk.sha256 != sha256:
            self._find("heads", "wrong-head", chunk, message)

    def _reported_heads(self) -> None:
        named = {(stream, following - 1) for stream, (following, _) in self._evidence.reported_heads.items()}
        bodies: dict[tuple[int, int], list[Stored]] = {}
        for one in self._evidence.stored:
            if (one.stream, one.sequence) in named:
                bodies.setdefault((one.stream, one.sequence), []).append(one)
        for stream, (following, sha256) in self._evidence.reported_heads.items():
            here = bodies.get((stream, following - 1), [])
            if here and sha256 not in {one.sha256 for one in here}:
                self._find("heads", "wrong-head", here[0], "the device's health named another body of this name")

    def _signed_until(self) -> dict[int, int]:
        """stream -> sequence of the last chunk that the device named in what it signed."""
        reported = {stream: following - 1 for stream, (following, _) in self._reported.items()}
        signed = self._evidence.last_signed
        return {stream: max(signed.get(stream, -1), reported.get(stream, -1)) for stream in {*signed, *reported}}

    def _tails(self) -> None:
        """Whether every stream reaches the end that the device has named."""
        evidence = self._evidence
        latest = self._signed_until()
        # Health is not signed, nor is what the catalog kept of it: a signed closing says how many chunks there are.
        unsigned = {} if evidence.closing is not None else evidence.reported_heads
        noted = {stream for stream, (following, _) in unsigned.items() if following - 1 > latest.get(stream, -1)}
        for stream in noted:
            latest[stream] = unsigned[stream][0] - 1
        for stream, following in self._receipted.items():
            latest[stream] = max(latest.get(stream, -1), following - 1)
        for stream, last in sorted(latest.items()):
            chain = evidence.chosen.streams.get(stream, ())
            have = chain[-1].sequence if chain else -1
            where = f"stream {stream}, sequences {have + 1} to {last}"
            if have + 1 < self._receipted.get(stream, 0):
                self._find("heads", "tail-missing", where, "cut off: the device has signed that it has receipts")
            elif have < last and evidence.ended:
                message = "sealed and not received: cut off, or still in the PC's spool"
                if stream in noted:
                    message = f"{message}; only an unsigned row of the catalog says so"
                self._find("heads", "tail-missing", where, message)
            elif have < last:
                self._notes.append(f"stream {stream}: {last - have} chunks are still on their way")

    def _end(self, *, signed: bool) -> None:
        evidence = self._evidence
        if evidence.closing is not None:
            closed = heads_of(evidence.closing.fields.get("heads"))
            for stream, chain in evidence.chosen.streams.items():
                if chain[-1].sequence >= closed.get(stream, (0, ""))[0]:
                    self._find("heads", "beyond-closing", chain[-1], "the recording was closed before this chunk")
        elif evidence.end_signed_after_death:
            self._notes.append("the agent died in it, and signed at its next start where it ends")
        elif evidence.ended:
            self._notes.append("the agent ended without closing it: what it had not yet sealed is lost, as designed")
        elif self._reported_at is not None:
            self._notes.append(f"it is still open; its PC last signed a report at {iso(self._reported_at)}")
        else:
            self._notes.append("it is still open")
            if signed:
                self._leave_open("a PC that signs its chunks signs reports too, and none is here")

    def _after_end(self) -> None:
        """Of each stream the first chunk that goes on after the recording's end, as the closing gives its time."""
        if (end := self._evidence.end) is None:
            return
        for stream, chain in self._evidence.chosen.streams.items():
            late = (chunk for chunk in chain if stream != SCENE_STREAM and chunk.span.end > end + OVERRUN)
            if (first := next(late, None)) is not None:
                self._find("heads", "beyond-closing", first, "the recording ended before this chunk does")

    def _beyond(self, *, signed: bool) -> None:
        """What lies after the last signed head: of the end no more is known than the chunks themselves say."""
        until = self._signed_until()
        chains = self._evidence.chosen.streams.items()
        count = sum(chunk.sequence > until.get(stream, -1) for stream, chain in chains for chunk in chain)
        lie = "1 chunk lies" if count == 1 else f"{count} chunks lie"
        if count and signed:
            self._notes.append(f"{lie} after the last signed head: that no more followed, nothing says")
        elif count:
            self._leave_open(f"{lie} after the last signed head: that they are the device's, nothing says")

    def _loose(self) -> None:
        """First edition: what no signed head reaches from chunk to chunk every reader could have made, in a gap too."""
        until, named = self._signed_until(), self._evidence.signed_heads
        count = 0
        for stream, chain in self._evidence.chosen.streams.items():
            heads = dict(named.get(stream, {}))
            if stream in self._reported:
                following, sha256 = self._reported[stream]
                heads[following - 1] = sha256
            after: Stored | None = None  # the chunk that follows, where a head vouches for it
            for chunk in reversed(chain):
                tied = after is not None and _adjoins(chunk, after) and after.previous == chunk.sha256
                after = chunk if tied or heads.get(chunk.sequence) == chunk.sha256 else None
                count += after is None and chunk.sequence <= until.get(stream, -1)
        if count:
            lie = "1 chunk lies" if count == 1 else f"{count} chunks lie"
            self._leave_open(f"{lie} before a gap and under no signed head: that they are the device's, nothing says")

    def _leave_open(self, why: str) -> None:
        """The heads were compared, and say less than the check promises."""
        if any(finding.check == "heads" for finding in self._findings.values()):
            self._notes.append(why)
        else:
            before = self._skipped.get("heads")
            self._skipped["heads"] = why if before is None else f"{before}; {why}"

    def _account(self) -> None:
        """What is kept ends before the entry that closes, and begin after the one that opens: law 1, seen from here."""
        for stream, chain in self._evidence.chosen.streams.items():
            if stream == SCENE_STREAM:
                continue  # a scene that closes the eye is what it is for
            overlaps = overlapping(self._evidence.stated_then(lane_of(stream)))
            for chunk in chain:
                # A header is of no time; one that has a length is as good as a picture: an export writes it down.
                lasts = chunk.kind is Kind.MEDIA or chunk.span.start < chunk.span.end
                if lasts and overlaps(chunk.span):
                    self._find("account", "kept-while-closed", chunk, "the ledger says that the eye was closed then")

    def _alarms(self) -> None:
        for code, stream, sequence, _ in self._evidence.alarms:
            where = f"stream {stream}, sequence {sequence}" if stream is not None else "recording"
            self._find("alarm", code, where, "the store raised this alarm when it was received")


def examine_erased(erased: Tombstone, blobs: BlobStore) -> Report:
    """Of one that the catalog has no row of."""
    findings = []
    if not erased.explained:
        message = "the catalog has no row of it, and no order to erase it is signed by the audit log's key"
        findings.append(Defect(ERASURE, "unexplained", "recording", message))
    elif erased.step == erasure.Step.ERASED and (left := erasure.left_over(blobs, [erased.recording])):
        findings.append(Defect(ERASURE, "not-erased", "recording", f"{len(left)} files of it are here again"))
    words = str(erased)
    notes = (
        f"{words}; the key that signs such orders here has the fingerprint {erased.signer or '-'}",
        "the catalog has no row of it: compare the order with the audit log's entry of that position",
    )
    return Report(tuple(findings), (), tuple((check, words) for check in CHECKS), notes, erased=erased)


def overlapping(stated: Iterable[NotKept]) -> Callable[[Interval], bool]:
    """Whether a span starts before the end of any of the states, and ends after the start of the same."""
    ordered = sorted((one.start, float("inf") if one.end is None else one.end) for one in stated)
    starts = [start for start, _ in ordered]
    latest = list(accumulate((end for _, end in ordered), max))  # end of those up to there

    def overlaps(span: Interval) -> bool:
        begun = bisect_left(starts, span.end)
        return begun > 0 and span.start < latest[begun - 1]

    return overlaps


def _adjoins(before: Stored | None, chunk: Stored) -> bool:
    return before is not None and before.sequence + 1 == chunk.sequence


def examine(
    evidence: Evidence,
    blobs: BlobStore,
    recipient: RecipientPrivate | None,
    *,
    compliance: str,
    bundles: Bundles,
    ledger: SignedLedger,
    run: bool = True,
    advance: Callable[[int], None] = _ignore,
) -> Report:
    """Everything that can be checked. `compliance`: fingerprint of the key that signs bundles. `run`: also the entries
    of its run that came before it, for who has not checked the device's whole ledger."""
    return Examination(
        evidence, blobs, recipient, compliance=compliance, bundles=bundles, ledger=ledger, run=run, advance=advance
    ).report()
