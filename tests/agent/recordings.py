"""Recordings for tests: real sealers with real keys, and chunks of any size for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.model.media import Chunk, ChunkFlag, ChunkKind, Monitor
from agent.core.model.seen import Box
from agent.core.model.times import SECOND, Span
from agent.keys.home import HomeKeys
from agent.ports import Sealed
from agent.seal import Provenance, RecordingSealer
from protocol.bundle import Bundle
from protocol.keys import RecipientPrivate
from testkit.fakes.clock import NEW_YEAR_2026

START = 500 * SECOND  # of every recording here, ns of the clock
POLICY = "ab" * 32
MONITORS = (Monitor(0, Box(0, 0, 1920, 1080), "HDMI-1"), Monitor(1, Box(1920, 0, 1080, 1921), "DP-2"))

AUDITOR = RecipientPrivate.generate()
RECOVERY = RecipientPrivate.generate()
BUNDLE = Bundle(revision=3, recipients=(AUDITOR.public, RECOVERY.public), created=NEW_YEAR_2026)
EVIDENCE = Ed25519PrivateKey.generate()
KEYS = HomeKeys(Ed25519PrivateKey.generate(), EVIDENCE)


def origin(device: str = "device-1", evidence: Ed25519PrivateKey = EVIDENCE) -> Provenance:
    return Provenance(device, HomeKeys(evidence, evidence), host="pc-17", os_user="alice", agent_version="0.1.0")


def new_sealer(wall: int = NEW_YEAR_2026, who: Provenance | None = None) -> RecordingSealer:
    return RecordingSealer(who or origin(), BUNDLE, policy=POLICY, monitors=MONITORS, start=START, wall=wall)


def media(stream: int, at: int, length: int = 200, *, seconds: int = 4) -> Chunk:
    """A chunk that stands for `seconds` from `at` seconds after the recording's start on, of random bytes."""
    span = Span(START + at * SECOND, START + (at + seconds) * SECOND)
    return Chunk(stream, ChunkKind.MEDIA, span, os.urandom(length), ChunkFlag.KEY_FRAME)


def header(stream: int, at: int = 0) -> Chunk:
    return Chunk(stream, ChunkKind.HEADER, Span(START + at * SECOND, START + at * SECOND), b"ftypmoov")


def sealed_recording(chunks: int, wall: int = NEW_YEAR_2026, *, length: int = 200) -> Iterator[Sealed]:
    """A key packet, a stream's header, and media chunks of that stream: `chunks` objects in all."""
    sealer = new_sealer(wall)
    yield sealer.packet()
    if chunks > 1:
        yield sealer.seal(header(0))
    for number in range(chunks - 2):
        yield sealer.seal(media(0, 4 * number, length))
    sealer.forget()
