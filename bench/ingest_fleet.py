"""The agents that bench/ingest plays: enrolled devices with a token and an open recording, and their sealed chunks.

Devices are made by the store's own code before it serves; key packets and chunks go through its API. A chunk has a
header of its own, chained to the one before, and its device's signature; the ciphertext is the same chance for all,
since the store cannot open it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from bench.ingest_load import Request
from protocol import api, bundle, jws
from protocol.application import Application
from protocol.claims import Claims
from protocol.envelope import KEY_PACKET_STREAM, TAG_SIZE, Edition, Flag, Header, Kind, digest, sign_digest
from protocol.errors import ProtocolError
from protocol.keys import RecipientPublic, chunk_commitment, chunk_key, stream_commitment
from store.admin.home import Home
from store.admin.init import COMPLIANCE, STORE
from store.catalog.statements import newest_bundle
from store.clock import SECOND
from store.server.enrolment import enrol, make_secret
from store.server.serving import open_services
from testkit.fakes.pc import FakeRecording, Pc, StoreClient

LENGTH: Final = 4 * SECOND  # of a chunk, as shipped
AN_HOUR: Final = 3600  # seconds that the tokens are good for: longer than any run, so that none is renewed in it


@dataclass(frozen=True, slots=True)
class Item:
    """What a request carries, as its receipt must name it. `sha256`: hex."""

    agent: int
    recording: UUID
    stream: int
    sequence: int
    sha256: str
    request: Request


@dataclass
class Agent:
    """A device; from `recording` on all is its open recording's. `bearer`: its Authorization."""

    number: int
    pc: Pc
    bearer: str
    recording: UUID = field(default_factory=uuid4)
    sequence: int = 0
    previous: bytes = b""
    at: int = 0
    key: bytes = b""  # the screen's

    def open(self, recipients: tuple[RecipientPublic, ...]) -> Item:
        """The key packet of a new recording."""
        opened = FakeRecording(self.pc, recipients, start=time.time_ns())
        self.recording, self.sequence, self.previous, self.at = opened.id, 0, digest(opened.packet), 0
        self.key = opened.stream_key(0)
        return self._item(KEY_PACKET_STREAM, 0, opened.packet)

    def chunk(self, ciphertext: bytes, due: float = 0.0) -> Item:
        """The next sealed chunk of the open recording."""
        span = (self.at, self.at + LENGTH)
        place = (self.recording, 0, self.sequence)
        header = Header(
            Kind.MEDIA, Flag.KEY_FRAME, 0, self.recording, self.sequence, *span, self.previous, edition=Edition.KEYED
        ).pack()  # fmt: skip
        commitments = stream_commitment(self.key, *place[:2]) + chunk_commitment(chunk_key(self.key, *place), *place)
        signature = sign_digest(digest(header + ciphertext + commitments), self.pc.evidence_key, Edition.KEYED)
        item = self._item(0, self.sequence, header, ciphertext, tail=commitments + signature, due=due)
        self.sequence, self.previous, self.at = self.sequence + 1, bytes.fromhex(item.sha256), span[1]
        return item

    def _item(
        self, stream: int, sequence: int, own: bytes, rest: bytes = b"", *, tail: bytes = b"", due: float = 0.0
    ) -> Item:
        content = hashlib.sha256(own)
        content.update(rest)
        content.update(tail)
        head = (
            f"PUT {api.recording_path(self.recording, stream, sequence)} HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\nAuthorization: {self.bearer}\r\n{api.AGENT_VERSION_HEADER}: 0.1.0\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(own) + len(rest) + len(tail)}\r\n"
            f"{api.CONTENT_DIGEST_HEADER}: sha-256=:{base64.b64encode(content.digest()).decode('ascii')}:\r\n\r\n"
        ).encode("ascii")
        request = Request(self.number, head + own, rest, due, tail)
        return Item(self.number, self.recording, stream, sequence, content.hexdigest(), request)


def enrolled(home: Home, count: int) -> list[Agent]:
    """So many devices in a store that does not serve yet, each with a token."""
    with (
        closing(open_services(home)) as services,
        StoreClient(home.key(STORE).id) as unused,
        ThreadPoolExecutor(16) as pool,
    ):
        with services.database.writing() as connection:
            now = services.clock()
            secret = make_secret(connection, uses=count, expires_at=now + AN_HOUR * SECOND, group="bench", now=now)

        def admit(number: int) -> Agent:
            pc = Pc(unused)
            application = Application.verify(Claims(pc.application(secret, host=f"desk-{number}"), "", ProtocolError))
            pc.device = enrol(services, application)["device"]
            issued = now // SECOND
            claims = {"device": pc.device, "iat": issued, "exp": issued + AN_HOUR}
            return Agent(number, pc, f"Bearer {jws.sign(jws.TOKEN, claims, services.store_key)}")

        return list(pool.map(admit, range(count)))


def recipients(home: Home) -> tuple[RecipientPublic, ...]:
    """Whom the store's bundle has recordings sealed to."""
    with closing(home.database()) as database, database.reading() as connection:
        newest = newest_bundle(connection)
    assert newest is not None, "init has made one"
    return bundle.verify(newest[1], home.key(COMPLIANCE).id).recipients


def chunks(agents: Sequence[Agent], count: int, size: int, seconds: float = 0.0) -> Iterator[Item]:
    """`count` chunks of `size` bytes, from each agent in turn; with `seconds` evenly due over that time."""
    ciphertext = os.urandom(size - Edition.KEYED.overhead + TAG_SIZE)
    for number in range(count):
        yield agents[number % len(agents)].chunk(ciphertext, seconds * number / count)
