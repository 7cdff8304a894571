"""The key packet: who can open a recording, under which policy and on which PC it was made, signed by that PC.

It is durable before the first chunk and chained into it; destroying it destroys the recording wherever its chunks lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, jws, keys
from protocol.claims import Claims
from protocol.envelope import Edition
from protocol.errors import KeyProblem, SignatureError

_EDITIONS: Final = frozenset(Edition)
_PIXELS: Final = 2**31 - 1  # no desktop is wider


def recording_id(wall: int, chance: bytes) -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7): ids sort by the time they were made. The standard library has it from 3.14 on.

    `wall`: ns since 1970. `chance`: 10 random bytes.
    """
    milliseconds = (wall // 1_000_000) & (2**48 - 1)
    value = milliseconds << 80 | int.from_bytes(chance, "big")
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return UUID(int=value)


@dataclass(frozen=True, slots=True)
class Monitor:
    """One output as the recording numbers it; place and size in pixels of the whole desktop."""

    stream: int
    x: int
    y: int
    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class KeyPacket:
    """`wrapped`: recipient key id -> wrapped recording key (1,168 bytes). `start`: wall clock, ns since 1970.

    `policy`: hex hash (`protocol.policyhash`). `commitment`: 32 bytes (`protocol.keys.commitment`).
    """

    recording: UUID
    wrapped: dict[str, bytes]
    bundle_revision: int
    policy: str
    commitment: bytes
    start: int
    device: str
    host: str
    os_user: str
    monitors: tuple[Monitor, ...]
    agent_version: str
    edition: Edition = Edition.FIRST  # of its chunks
    kem: int = keys.KEM_ID
    kdf: int = keys.KDF_ID
    aead: int = keys.AEAD_ID

    def __post_init__(self) -> None:
        if not self.wrapped:
            raise KeyProblem("no-recipients", f"recording {self.recording}: without a recipient it could never be read")

    @classmethod
    def build(
        cls,
        key: bytes,
        recipients: Iterable[keys.RecipientPublic],
        *,
        recording: UUID,
        bundle_revision: int,
        policy: str,
        start: int,
        device: str,
        host: str,
        os_user: str,
        monitors: tuple[Monitor, ...],
        agent_version: str,
        edition: Edition = Edition.FIRST,
    ) -> KeyPacket:
        """The packet of a new recording: its key wrapped for every recipient, and committed to."""
        return cls(
            recording=recording,
            wrapped={recipient.key_id: keys.wrap(recipient, recording, key) for recipient in recipients},
            bundle_revision=bundle_revision,
            policy=policy,
            commitment=keys.commitment(_committing(key, recording, edition), recording),
            start=start,
            device=device,
            host=host,
            os_user=os_user,
            monitors=monitors,
            agent_version=agent_version,
            edition=edition,
        )

    def payload(self) -> dict[str, object]:
        payload: dict[str, object] = {
            "recording": str(self.recording),
            "suite": {"kem": self.kem, "kdf": self.kdf, "aead": self.aead},
            "wrapped": {key_id: base64url.encode(wrapped) for key_id, wrapped in self.wrapped.items()},
            "commitment": base64url.encode(self.commitment),
            "bundle_revision": self.bundle_revision,
            "policy": self.policy,
            "start": self.start,
            "device": self.device,
            "host": self.host,
            "os_user": self.os_user,
            "monitors": [asdict(monitor) for monitor in self.monitors],
            "agent_version": self.agent_version,
        }
        # A store from before `crit` ignores both names, and refuses the chunks with the word that has them kept.
        later = {"crit": ["envelope"], "envelope": int(self.edition)} if self.edition is not Edition.FIRST else {}
        return payload | later

    def sign(self, evidence_key: Ed25519PrivateKey) -> str:
        """Compact JWS, ASCII; its bytes are stream 0xFFFF, sequence 0 of the recording."""
        return jws.sign(jws.PACKET, self.payload(), evidence_key)

    @classmethod
    def verify(cls, token: str, key: jws.Keys) -> KeyPacket:
        """The packet, if the device's evidence key signed it.

        Raises SignatureError (as `jws.verify`; unknown-version, unknown-suite, bad-field), KeyProblem (no-recipients).
        """
        return cls.read(jws.verify(jws.PACKET, token, key))

    @classmethod
    def read(cls, payload: Mapping[str, object]) -> KeyPacket:
        """From a `payload`, whose signature is somebody else's business. Raises as `verify`."""
        claims = Claims(payload, "key packet", SignatureError)
        suite = claims.object("suite")
        kem, kdf, aead = (suite.integer(name, most=0xFFFF) for name in ("kem", "kdf", "aead"))
        if (kem, kdf, aead) != (keys.KEM_ID, keys.KDF_ID, keys.AEAD_ID):
            raise SignatureError(
                "unknown-suite", f"key packet: HPKE suite {kem:#06x}/{kdf:#06x}/{aead:#06x} is not ours"
            )
        envelope = claims.integer("envelope") if claims.has("envelope") else Edition.FIRST
        if envelope not in _EDITIONS:
            raise SignatureError("unknown-version", "key packet: its chunks are of an edition that is not known here")
        wrapped = Claims(claims.text_map("wrapped"), "key packet, wrapped", SignatureError)
        return cls(
            recording=claims.uuid("recording"),
            wrapped={key_id: wrapped.raw(key_id, keys.WRAPPED_SIZE) for key_id in claims.text_map("wrapped")},
            bundle_revision=claims.integer("bundle_revision"),
            policy=claims.hex256("policy"),
            commitment=claims.raw("commitment", 32),
            start=claims.integer("start"),
            device=claims.text("device"),
            host=claims.text("host"),
            os_user=claims.text("os_user"),
            monitors=tuple(
                Monitor(
                    stream=monitor.integer("stream", most=0xFFFE),
                    x=monitor.integer("x", least=-_PIXELS, most=_PIXELS),
                    y=monitor.integer("y", least=-_PIXELS, most=_PIXELS),
                    width=monitor.integer("width", most=_PIXELS),
                    height=monitor.integer("height", most=_PIXELS),
                    name=monitor.text("name"),
                )
                for monitor in claims.objects("monitors")
            ),
            agent_version=claims.text("agent_version"),
            edition=Edition(envelope),
        )

    def open_key(self, recipient: keys.RecipientPrivate) -> bytes:
        """The recording's key, checked against the commitment: nothing else may be opened before this has returned.

        Raises KeyProblem: not-a-recipient, wrong-key, wrong-commitment.
        """
        wrapped = self.wrapped.get(recipient.key_id)
        if wrapped is None:
            raise KeyProblem(
                "not-a-recipient", f"recording {self.recording} was not sealed to the private key {recipient.key_id}"
            )
        key = keys.unwrap(recipient, self.recording, wrapped)
        keys.check_commitment(_committing(key, self.recording, self.edition), self.recording, self.commitment)
        return key

    def stream_key(self, key: bytes, stream: int) -> bytes:
        """What `open_sealed` takes: in the first edition the recording's key itself. `key`: of `open_key`."""
        return key if self.edition is Edition.FIRST else keys.stream_key(key, self.recording, stream)


def _committing(key: bytes, recording: UUID, edition: Edition) -> bytes:
    return key if edition is Edition.FIRST else keys.commitment_key(key, recording)
