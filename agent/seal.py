"""One recording's key and what is sealed with it: made here, kept in memory only, given up when the recording closes.

A thief of this PC has ciphertext afterwards; only the recipients' private keys, which were never here, open it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

from agent.core.model.media import Chunk, Monitor
from agent.core.model.times import Span
from agent.errors import EnvironmentFault, Refused
from agent.keys.signer import MAX_STREAMS
from agent.ports import DeviceKeys, Sealed
from protocol import envelope, keys, packet
from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM, Edition, Flag, Header, Kind
from protocol.errors import KeyProblem
from protocol.keys import RECORDING_KEY_SIZE, RecipientPrivate


def _as_text(name: str) -> str:
    """A name as the system gives it may hold bytes that are no text; a packet that cannot be signed keeps nothing."""
    return name.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who records, as every key packet of this PC says it. `device` and `keys` come from the enrolment."""

    device: str
    keys: DeviceKeys = field(repr=False)
    host: str
    os_user: str
    agent_version: str


@dataclass(slots=True)
class _Stream:
    sequence: int
    previous: bytes
    key: bytes = field(repr=False)


class RecordingSealer:
    """`agent.ports.Sealer`: a new recording id, a new key, wrapped for every recipient of the bundle."""

    def __init__(
        self, origin: Provenance, bundle: Bundle, *, policy: str, monitors: tuple[Monitor, ...], start: int, wall: int
    ) -> None:
        """`policy`: its hash. `start`: ns of the clock, the zero of the spans; `wall`: that moment in ns since 1970.

        Raises KeyProblem when a recipient's key is worthless, EnvironmentFault when what is sealed does not open, and
        as `DeviceKeys`.
        """
        self.recording = packet.recording_id(wall, os.urandom(10))
        self._start = start
        self._device = origin.keys
        self._key: bytes = os.urandom(RECORDING_KEY_SIZE)
        # Self-test, as the recipients' private keys are not here: wrap to a throw-away key too, unwrap it, and drop it.
        throw_away = RecipientPrivate.generate()
        tried = packet.KeyPacket.build(
            self._key,
            (*bundle.recipients, throw_away.public),
            recording=self.recording,
            bundle_revision=bundle.revision,
            policy=policy,
            start=wall,
            device=origin.device,
            host=_as_text(origin.host),
            os_user=_as_text(origin.os_user),
            monitors=tuple(
                packet.Monitor(m.stream, m.box.x, m.box.y, m.box.width, m.box.height, _as_text(m.name))
                for m in monitors
            ),
            agent_version=origin.agent_version,
            edition=Edition.KEYED,
        )
        try:
            tried.open_key(throw_away)
        except KeyProblem as problem:
            raise EnvironmentFault(f"what this PC seals cannot be opened again: {problem}") from problem
        theirs = {key_id: wrapped for key_id, wrapped in tried.wrapped.items() if key_id != throw_away.key_id}
        data = origin.keys.packet(replace(tried, wrapped=theirs)).encode("ascii")
        self._packet = Sealed(self.recording, KEY_PACKET_STREAM, 0, data, envelope.digest(data))
        self._streams: dict[int, _Stream] = {}

    def packet(self) -> Sealed:
        return self._packet

    def seal(self, chunk: Chunk) -> Sealed:
        """The chunk in its stream's next place. That number is then spent, whatever becomes of the bytes: sealing
        something else under it would give two contents one name. Raises EnvelopeError for what fits no envelope,
        Refused for more streams than a recording may have, and as `DeviceKeys`."""
        if not self._key:
            raise RuntimeError(f"recording {self.recording} is closed: its key is gone")
        stream = self._streams.get(chunk.stream)
        if stream is None:
            if len(self._streams) >= MAX_STREAMS:
                raise Refused(f"recording {self.recording} has {MAX_STREAMS} streams already")
            own = keys.stream_key(self._key, self.recording, chunk.stream)
            stream = self._streams[chunk.stream] = _Stream(0, self._packet.sha256, own)
        span = Span(chunk.span.start - self._start, chunk.span.end - self._start)
        header = Header(
            kind=Kind(chunk.kind.value),
            flags=Flag(chunk.flags.value),
            stream=chunk.stream,
            recording=self.recording,
            sequence=stream.sequence,
            start=span.start,
            end=span.end,
            previous=stream.previous,
            edition=Edition.KEYED,
        )
        unsigned = envelope.seal_unsigned(stream.key, header, chunk.data)
        data, sha256 = unsigned.signed(self._device.chunk(unsigned))
        sealed = Sealed(self.recording, chunk.stream, stream.sequence, data, sha256)
        stream.sequence, stream.previous = stream.sequence + 1, sha256
        return sealed

    def forget(self) -> None:
        """Give up the keys. The last reference goes; Python cannot promise that no copy of its bytes lies in freed
        memory until that is used again (docs/threat-model.md)."""
        self._key = b""
        self._streams.clear()
