"""One user's keys, and what was signed with them: nothing is signed that does not follow from that.

    <folder>/state.json              the keys, where the account ends, where each stream of a recording ends
    <folder>/lines-<fingerprint>     SHA-256 of every line of the account that was signed, 32 bytes each

What will have been signed is on disk before the signature leaves. So one that is killed in between signs, after its
next start, the same again and nothing else in its place.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent import durable
from agent.errors import Refused, Transient
from agent.keys.exchange import Applicant
from agent.keys.home import HomeKeys
from protocol import envelope, jws
from protocol.claims import Claims, parse_object
from protocol.envelope import Header, Unsigned
from protocol.errors import KeyProblem
from protocol.keys import signing_key, thumbprint
from protocol.ledger import ZERO, Batch, line_hash
from protocol.packet import KeyPacket
from protocol.report import DeviceReport, Head

MAX_JSON: Final = 5 * 2**18  # bytes of a statement; a batch of 512 KB has twice as many where all its signs are escaped
# Texts, commas, brackets and braces that open, counted before it is read: a batch of 500 lines has 1,000 of them. All
# users' requests wait while Python reads one: with a million lists in it, for a third of a second.
MAX_VALUES: Final = 16_384
# A text that does not end goes to the end: else each of its quotes would be tried anew.
_VALUES: Final = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[,\[{]', re.DOTALL)
MAX_DEVICE: Final = 200  # characters; it is written with each signature
AROUND_NOW: Final = 600  # seconds that a new recording's start may lie from this PC's clock
KEPT: Final = 4  # recordings that may still grow, however old; at a seam two are open
MAX_RECORDINGS: Final = 200  # begun in twice AROUND_NOW
MAX_STREAMS: Final = 32  # of a recording
REMEMBERED: Final = 16  # earlier ends of a stream: what is durable, which reports name, lags behind what is signed
MOST_NAMED: Final = 64  # ends of the account that reports have named, and no batch has reached
ASSERTION_LIFETIME: Final = 60  # seconds
LINES_AT_ONCE: Final = 1_000_000  # of the account that the disk may be given, and then so many a second
LINES_A_SECOND: Final = 10
_HASH: Final = 32
_FILE: Final = "state.json"


@dataclass(slots=True)
class Bucket:
    """So much at once, and then so much a second. `now`: seconds."""

    burst: float
    rate: float
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.burst

    def take(self, amount: float, now: float) -> bool:
        self.left = min(self.burst, self.left + max(0.0, now - self.at) * self.rate)
        self.at = now
        if amount > self.left:
            return False
        self.left -= amount
        return True

    def spend(self, amount: float) -> None:
        """What was known only afterwards: nothing is taken until it has come in again."""
        self.left -= amount


@dataclass(frozen=True, slots=True)
class _Recording:
    packet: str  # hex SHA-256 of the signed packet
    ends: dict[int, Head] = field(default_factory=dict)
    earlier: dict[int, tuple[Head, ...]] = field(default_factory=dict)  # since the start: not on disk


@dataclass(frozen=True, slots=True)
class _Signed:
    device: str = ""
    keys: HomeKeys | None = None
    pending: Mapping[int, HomeKeys] = field(default_factory=dict)  # who applied, the user or root -> not admitted yet
    next: int = 0
    head: str = ZERO
    named: dict[int, str] = field(default_factory=dict)  # beyond `next`, by reports: number of the next -> head
    recordings: dict[UUID, _Recording] = field(default_factory=dict)

    def written(self) -> bytes:
        fields = {
            "v": 1,
            "device": self.device,
            "keys": {} if self.keys is None else dict(self.keys.admitted("")),
            "pending": {str(peer): dict(keys.admitted("")) for peer, keys in self.pending.items()},
            "next": self.next,
            "head": self.head,
            "named": {str(number): head for number, head in self.named.items()},
            "recordings": {
                str(number): {
                    "packet": one.packet,
                    "ends": {str(stream): _end(end) for stream, end in one.ends.items()},
                }
                for number, one in self.recordings.items()
            },
        }
        return json.dumps(fields).encode("ascii")

    @classmethod
    def parse(cls, text: bytes) -> _Signed:
        """Raises ValueError."""
        claims = Claims(parse_object(text), _FILE, KeyProblem)
        claims.check_format()
        recordings, pending = claims.object("recordings"), claims.object("pending")
        named = claims.object("named")
        return cls(
            claims.text("device"),
            _read_keys(claims.object("keys")),
            {int(name): _keys_of(pending.object(name)) for name in pending.names()},
            claims.integer("next"),
            claims.hex256("head"),
            {int(number): named.hex256(number) for number in named.names()},
            {UUID(name): _read_recording(recordings.object(name)) for name in recordings.names()},
        )


def _read_keys(claims: Claims) -> HomeKeys | None:
    return _keys_of(claims) if claims.names() else None


def _keys_of(claims: Claims) -> HomeKeys:
    return HomeKeys(signing_key(claims.raw("token_key")), signing_key(claims.raw("evidence_key")))


def _read_recording(claims: Claims) -> _Recording:
    ends = {int(name): claims.object("ends").object(name) for name in claims.object("ends").names()}
    return _Recording(
        claims.hex256("packet"), {stream: (end.integer("next"), end.hex256("head")) for stream, end in ends.items()}
    )


def _end(end: Head) -> dict[str, object]:
    return {"next": end[0], "head": end[1]}


class Signer:
    """For one user, one request at a time. `wall`: seconds since 1970, `now`: seconds that never jump.

    Everything raises Refused or ProtocolError for what may not be signed, Transient or OSError where rate or disk are
    in the way; nothing was signed then.
    """

    def __init__(self, folder: Path, *, wall: Callable[[], float], now: Callable[[], float]) -> None:
        self._folder = folder
        self._wall = wall
        self._now = now
        self._lines = Bucket(LINES_AT_ONCE, LINES_A_SECOND, now())
        self._state = _Signed()
        try:
            self._state = _Signed.parse(durable.read(folder / _FILE))
        except FileNotFoundError:
            pass
        except ValueError as damage:
            # Never begun anew: with the same keys that would be a second account.
            raise Refused(f"{folder / _FILE} is damaged: remove {folder}, and enrol this user anew") from damage

    # -- keys ---------------------------------------------------------------------------------------------------------

    def about(self, _: bytes) -> bytes:
        return json.dumps({"device": self._state.device}).encode("ascii")

    def apply(self, body: bytes, peer: int) -> bytes:
        """New keys, and an application that both have signed. They count once `admitted` says so.

        `peer`: number of the user who asks. No user admits, replaces or forgets what another applied for: else a user
        could spoil each enrolment that root begins for them, after the store has counted it.
        """
        applicant = Applicant.read(_claims(body))
        pending = HomeKeys.generate()
        request = pending.apply(applicant)
        self._keep(replace(self._state, pending={**self._state.pending, peer: pending}))
        return json.dumps(request).encode("utf-8")

    def admitted(self, body: bytes, peer: int) -> bytes:
        """The store has taken the keys of this peer's last application. What was signed with earlier ones is over."""
        device = _claims(body).text("device")
        if len(device) > MAX_DEVICE:
            raise Refused(f"a device's name has at most {MAX_DEVICE} characters")
        pending = dict(self._state.pending)
        keys = pending.pop(peer, None)
        if keys is None:
            if device == self._state.device:
                return b""  # asked again, for the answer was lost
            raise Refused("no application was signed since the last one was admitted")
        old = self._lines_file()
        self._keep(_Signed(device=device, keys=keys, pending=pending))
        if old is not None:
            old.unlink(missing_ok=True)
        return b""

    def forget(self, _: bytes, peer: int) -> bytes:
        old = self._lines_file()
        others = {who: keys for who, keys in self._state.pending.items() if who != peer}
        if others:
            self._keep(_Signed(pending=others))
        else:
            (self._folder / _FILE).unlink(missing_ok=True)
            durable.sync_folder(self._folder)
            self._state = _Signed()
        if old is not None:
            old.unlink(missing_ok=True)
        return b""

    # -- statements ---------------------------------------------------------------------------------------------------

    def packet(self, body: bytes) -> bytes:
        """A recording of now, and each recording's only one."""
        packet = KeyPacket.read(_object(body))
        token = packet.sign(self._evidence(packet.device)).encode("ascii")
        digest = envelope.digest(token).hex()
        known = self._state.recordings.get(packet.recording)
        if known is not None and known.packet != digest:
            raise Refused(f"recording {packet.recording} has another key packet already")
        if known is None:
            now = self._wall()
            if max(abs(packet.start / 10**9 - now), abs(_began(packet.recording) - now)) > AROUND_NOW:
                raise Refused(f"recording {packet.recording} does not begin now, by this PC's clock")
            # What is dropped here began so long ago that it cannot begin again.
            recordings = dict(self._state.recordings)
            for old in list(recordings)[: -(KEPT - 1)]:
                if abs(_began(old) - now) > 2 * AROUND_NOW:
                    del recordings[old]
            if len(recordings) >= MAX_RECORDINGS:
                raise Transient("too many recordings have just begun")
            self._keep(replace(self._state, recordings={**recordings, packet.recording: _Recording(digest)}))
        return token

    def chunk(self, body: bytes) -> bytes:
        """The next of its stream, or the last one again."""
        evidence = self._evidence()
        header = Header.parse_unsigned(body)
        known = self._state.recordings.get(header.recording)
        if known is None:
            raise Refused(f"recording {header.recording} was not begun here, or is long over")
        if header.stream not in known.ends and len(known.ends) >= MAX_STREAMS:
            raise Refused(f"recording {header.recording} has {MAX_STREAMS} streams already")
        following, previous = known.ends.get(header.stream, (0, known.packet))
        unsigned = Unsigned(header.edition, body)
        signature = envelope.sign_digest(unsigned.sha256, evidence, header.edition)
        digest = unsigned.signed(signature)[1].hex()
        if following and (header.sequence, digest) == (following - 1, previous):
            return signature
        envelope.expect(
            header,
            recording=header.recording,
            stream=header.stream,
            sequence=following,
            previous=bytes.fromhex(previous),
        )
        earlier = (*known.earlier.get(header.stream, ()), (following, previous))[-REMEMBERED:] if following else ()
        longer = _Recording(
            known.packet,
            {**known.ends, header.stream: (following + 1, digest)},
            {**known.earlier, header.stream: earlier},
        )
        self._keep(replace(self._state, recordings={**self._state.recordings, header.recording: longer}))
        return signature

    def batch(self, body: bytes) -> bytes:
        """Lines that go on where the account ends, and with them any that were signed before, as they were."""
        batch = Batch.read(_object(body))
        evidence = self._evidence(batch.device)
        state = self._state
        hashes = [line_hash(written) for written in batch.lines]
        if batch.first > state.next:
            raise Refused(f"the account that was signed ends before entry {state.next}, and {batch.first} comes next")
        again = self._signed(batch.first, min(batch.last + 1, state.next))
        if hashes[: len(again)] != again or (batch.first == state.next and batch.prev != state.head):
            raise Refused(f"another account was signed already, up to entry {state.next}")
        new = hashes[len(again) :]
        for number, head in state.named.items():
            if state.next < number <= batch.last + 1 and hashes[number - 1 - batch.first] != head:
                raise Refused(f"a report that was signed names another account, at entry {number}")
        if new:
            if not self._lines.take(len(new), self._now()):
                raise Transient("the account grows too fast")
            self._append(new)
            named = {number: head for number, head in state.named.items() if number > batch.last + 1}
            self._keep(replace(state, next=batch.last + 1, head=hashes[-1], named=named))
        return batch.sign(evidence).encode("ascii")

    def report(self, body: bytes) -> bytes:
        """One that contradicts nothing. It may know of lines that no batch has yet, which bind the batch then."""
        report = DeviceReport.read(_object(body))
        evidence = self._evidence(report.device)
        number, head = report.ledger
        state = self._state
        known_head = self._head(number) if number <= state.next else state.named.get(number, head)
        if known_head != head:
            raise Refused(f"the report names another account than the one that was signed, at entry {number}")
        if report.confirmed > state.next:
            raise Refused(f"the report says that the store has {report.confirmed} entries; {state.next} were signed")
        known = None if report.recording is None else self._state.recordings.get(report.recording)
        ends, earlier = ({}, {}) if known is None else (known.ends, known.earlier)
        for stream, end in report.heads.items():
            if end != ends.get(stream) and end not in earlier.get(stream, ()):
                raise Refused(f"the report names chunks of stream {stream} that were not signed, or not lately")
        for stream, following in report.receipted.items():
            if following > ends.get(stream, (0, ""))[0]:
                raise Refused(f"the report says that the store has chunks of stream {stream} that were not signed")
        if number > state.next and number not in state.named:
            if len(state.named) >= MOST_NAMED:
                raise Transient("too many ends of the account were named that no batch has reached")
            self._keep(replace(state, named={**state.named, number: head}))
        return report.sign(evidence).encode("ascii")

    def assertion(self, body: bytes) -> bytes:
        claims = _claims(body)
        begins, ends = claims.integer("iat"), claims.integer("exp")
        self._evidence(claims.text("device"))
        if not begins <= ends <= begins + ASSERTION_LIFETIME:
            raise Refused(f"an assertion holds for at most {ASSERTION_LIFETIME} s")
        assert self._state.keys is not None  # noqa: S101 - `_evidence` has looked
        payload = {"device": self._state.device, "iat": begins, "exp": ends, "jti": claims.text("jti")}
        return jws.sign(jws.AUTH, payload, self._state.keys.token).encode("ascii")

    # -- what was signed ----------------------------------------------------------------------------------------------

    def _evidence(self, device: str | None = None) -> Ed25519PrivateKey:
        if self._state.keys is None:
            raise Refused("there are no keys of this user here: run `eyelid enroll`")
        if device not in (None, self._state.device):
            raise Refused(f"these are the keys of {self._state.device}, and of no other device")
        return self._state.keys.evidence

    def _keep(self, state: _Signed) -> None:
        durable.make_folder(self._folder)
        durable.write(self._folder / _FILE, state.written())
        self._state = state

    def _lines_file(self) -> Path | None:
        keys = self._state.keys
        return None if keys is None else self._folder / f"lines-{thumbprint(keys.evidence.public_key())}"

    def _append(self, hashes: list[str]) -> None:
        """Beyond `next` nothing in the file counts, whatever a crash has left there."""
        path = self._lines_file()
        assert path is not None  # noqa: S101 - `_evidence` has looked
        opened = os.open(path, os.O_WRONLY | os.O_CREAT, durable.FILE_MODE)
        try:
            left, at = memoryview(bytes.fromhex("".join(hashes))), self._state.next * _HASH
            while left:  # a disk that is nearly full takes a part
                written = os.pwrite(opened, left, at)
                left, at = left[written:], at + written
            os.fsync(opened)
        finally:
            os.close(opened)

    def _signed(self, first: int, end: int) -> list[str]:
        """Hashes of the lines from `first` on, before `end`. Where the disk lost them they fit no line."""
        path = self._lines_file()
        if first >= end or path is None:
            return []
        with path.open("rb") as file:
            file.seek(first * _HASH)
            found = file.read((end - first) * _HASH).ljust((end - first) * _HASH, b"\0")
        return [found[at : at + _HASH].hex() for at in range(0, len(found), _HASH)]

    def _head(self, number: int) -> str:
        """Hash of entry `number` - 1, of those that were signed."""
        if number == self._state.next:
            return self._state.head
        return ZERO if number == 0 else self._signed(number - 1, number)[0]


def _object(body: bytes) -> Mapping[str, object]:
    if len(body) > MAX_JSON:
        raise Refused(f"a statement of {len(body)} bytes; at most {MAX_JSON} are signed")
    if any(islice(_VALUES.finditer(body), MAX_VALUES, None)):
        raise Refused(f"a statement of more than {MAX_VALUES} values")
    return parse_object(body)


def _claims(body: bytes) -> Claims:
    return Claims(_object(body), "request", KeyProblem)


def _began(recording: UUID) -> float:
    """Seconds since 1970, as a UUIDv7 says it."""
    return (recording.int >> 80) / 1000
