"""A PC as the store sees it: its keys, a recording sealed chunk by chunk, a ledger, requests over a real connection.

Everything is made by `protocol`, so a test changes one thing of something that is otherwise whole.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import api, base64url, jws
from protocol.application import NONCE_SIZE, Application
from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM, Edition, Flag, Header, Kind, digest, seal
from protocol.keys import RecipientPublic, stream_key
from protocol.ledger import ZERO, Batch, line, line_hash
from protocol.packet import KeyPacket, Monitor
from protocol.report import DeviceReport

SECOND = 1_000_000_000
POLICY = "c" * 64


@dataclass
class Stream:
    """Where a stream of the recording stands."""

    next: int = 0
    head: bytes = b""
    at: int = 0


@dataclass
class FakeRecording:
    """A recording with its key; `seal` gives the next chunk of a stream."""

    pc: Pc
    recipients: tuple[RecipientPublic, ...]
    id: UUID = field(default_factory=uuid4)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    policy: str = POLICY
    start: int = 1_800_000_000 * SECOND
    os_user: str = "lovelace"
    streams: dict[int, Stream] = field(default_factory=dict)
    packet: bytes = b""
    edition: Edition = Edition.KEYED  # as today's agents seal

    def __post_init__(self) -> None:
        if not self.packet:
            self.packet = self.make_packet()

    def make_packet(self, **changes: object) -> bytes:
        fields: dict[str, object] = {
            "recording": self.id,
            "bundle_revision": 1,
            "policy": self.policy,
            "start": self.start,
            "device": self.pc.device,
            "host": "pc-7",
            "os_user": self.os_user,
            "monitors": (Monitor(0, 0, 0, 640, 480, "one"),),
            "agent_version": "0.1.0",
            "edition": self.edition,
        } | changes
        packet = KeyPacket.build(self.key, self.recipients, **fields)  # type: ignore[arg-type]
        return packet.sign(self.pc.evidence_key).encode("ascii")

    def seal(
        self,
        plaintext: bytes = b"fragment",
        *,
        stream: int = 0,
        length: int = 4 * SECOND,
        gap: int = 0,
        kind: Kind = Kind.MEDIA,
        flags: Flag = Flag.NONE,
    ) -> bytes:
        """The next chunk, `gap` ns after the one before it. It counts as sealed whatever becomes of it."""
        place = self.streams.setdefault(stream, Stream(head=digest(self.packet)))
        start = place.at + gap
        header = Header(
            kind, flags, stream, self.id, place.next, start, start + length, place.head, edition=self.edition
        )
        signer = self.pc.evidence_key if self.edition.is_signed else None
        sealed = seal(self.stream_key(stream), header, plaintext, signer)
        place.next, place.head, place.at = place.next + 1, digest(sealed), start + length
        return sealed

    def stream_key(self, stream: int) -> bytes:
        return self.key if self.edition is Edition.FIRST else stream_key(self.key, self.id, stream)

    def heads(self) -> dict[str, list[object]]:
        return {str(stream): [place.next, place.head.hex()] for stream, place in self.streams.items()}


class FakeLedger:
    """The device's account: lines written here, batches signed from them."""

    def __init__(self, pc: Pc) -> None:
        self._pc = pc
        self.lines: list[bytes] = []
        self.sent = 0
        self.wall = 1_800_000_000 * SECOND  # when its clock was zero

    @property
    def head(self) -> str:
        return line_hash(self.lines[-1]) if self.lines else ZERO

    def write(self, kind: str, at: int, **fields: object) -> None:
        self.lines.append(line(len(self.lines), self.head, at=at, wall=self.wall + at, kind=kind, **fields))

    def batch(self, first: int | None = None, last: int | None = None) -> str:
        """Lines `first` to `last`, by default all that were not sent."""
        begin = self.sent if first is None else first
        end = len(self.lines) - 1 if last is None else last
        assert self._pc.device
        return Batch(self._pc.device, begin, end, tuple(self.lines[begin : end + 1])).sign(self._pc.evidence_key)


class StoreClient(httpx.Client):
    """`store`: thumbprint of the store's key, which a PC has from its token."""

    def __init__(self, store: str, **options: Any) -> None:
        super().__init__(**options)
        self.store = store


class Pc:
    """`client` talks to the store. `device` is empty before `enrol`."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.token_key = Ed25519PrivateKey.generate()
        self.evidence_key = Ed25519PrivateKey.generate()
        self.device = ""
        self.token = ""
        self.ledger = FakeLedger(self)

    # -- being known ----------------------------------------------------------------------------------------------

    def application(self, secret: str, **changes: Any) -> api.EnrollRequest:
        """Signed with its keys. `changes`: of `Application`."""
        fields: dict[str, Any] = {
            "secret": secret,
            "store": self.client.store if isinstance(self.client, StoreClient) else "",
            "token_key": self.token_key.public_key(),
            "evidence_key": self.evidence_key.public_key(),
            "host": "pc-7",
            "user": "lovelace",
            "os": "Linux",
            "agent_version": "0.1.0",
            "nonce": base64url.encode(secrets.token_bytes(NONCE_SIZE)),
        }
        return Application(**fields | changes).sign(self.token_key, self.evidence_key)

    def enrol(self, secret: str) -> httpx.Response:
        answer = self.client.post(api.ENROLL, json=self.application(secret))
        if answer.is_success:
            self.device = answer.json()["device"]
        return answer

    def assertion(self, now: int, **changes: object) -> str:
        """`now`: seconds by the store's clock."""
        claims = {"device": self.device, "iat": now, "exp": now + 60, "jti": secrets.token_hex(16)} | changes
        return jws.sign(jws.AUTH, claims, self.token_key)

    def ask_token(self, now: int, **changes: object) -> httpx.Response:
        answer = self.client.post(api.TOKEN, json={"assertion": self.assertion(now, **changes)})
        if answer.is_success:
            self.token = answer.json()["token"]
        return answer

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    # -- sending --------------------------------------------------------------------------------------------------

    def put(
        self, recording: UUID | str, stream: int | str, sequence: int | str, body: bytes, **headers: str
    ) -> httpx.Response:
        """`headers` by name with _ for -; an empty one is not sent."""
        sent = self.bearer | {api.CONTENT_DIGEST_HEADER: api.content_digest(body)}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        return self.client.put(f"/v1/recordings/{recording}/{stream}/{sequence}", content=body, headers=sent)

    def open_recording(self, bundle: Bundle, **fields: object) -> FakeRecording:
        """A recording whose key packet the store has."""
        recording = FakeRecording(self, bundle.recipients, **fields)  # type: ignore[arg-type]
        assert self.put_packet(recording).status_code == 200
        return recording

    def put_packet(self, recording: FakeRecording) -> httpx.Response:
        return self.put(recording.id, KEY_PACKET_STREAM, 0, recording.packet)

    def put_sealed(self, sealed: bytes) -> httpx.Response:
        """A chunk under the name that it says itself."""
        header = Header.parse(sealed)
        return self.put(header.recording, header.stream, header.sequence, sealed)

    def report(self, recording: FakeRecording | None = None, **changes: Any) -> DeviceReport:
        """What this PC knows of its ends; `recording`: the one that is open."""
        heads = {} if recording is None else {n: (one.next, one.head.hex()) for n, one in recording.streams.items()}
        fields: dict[str, Any] = {
            "device": self.device,
            "wall": 1_800_000_000 * SECOND,
            "recording": None if recording is None else recording.id,
            "heads": heads,
            "receipted": {stream: following for stream, (following, _) in heads.items()},
            "ledger": (len(self.ledger.lines), self.ledger.head),
            "confirmed": self.ledger.sent,
        }
        return DeviceReport(**fields | changes)

    def put_health(self, report: DeviceReport, token: str | None = None, *, pending_chunks: int = 0) -> httpx.Response:
        """The minute's health with this report; `token`: the signed one, where it is to be another."""
        body: dict[str, Any] = {
            "wall": report.wall,
            "agent_version": "0.1.0",
            "holds": [],
            "heads": {str(stream): {"next": one[0], "head": one[1]} for stream, one in report.heads.items()},
            "ledger": {"next": report.ledger[0], "head": report.ledger[1]},
            "pending_chunks": pending_chunks,
            "pending_bytes": 0,
            "bundle_revision": 1,
            "report": report.sign(self.evidence_key) if token is None else token,
        }
        if report.recording is not None:
            body["recording"] = str(report.recording)
        return self.client.put(api.device_health_path(self.device), json=body, headers=self.bearer)

    def ledger_hash(self, seq: int) -> str:
        return line_hash(self.ledger.lines[seq])

    def send_ledger(self, batch: str | None = None) -> httpx.Response:
        answer = self.client.post(api.LEDGER, json={"batch": batch or self.ledger.batch()}, headers=self.bearer)
        if answer.is_success:
            self.ledger.sent = answer.json()["next"]
        return answer
