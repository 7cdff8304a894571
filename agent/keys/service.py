"""Keys in the keys service: this process hands it what is to be signed, and never sees them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from agent.errors import Refused, Transient
from agent.keys.exchange import ANSWER, MAX_BODY, REQUEST, Answer, Applicant, Verb
from protocol import api
from protocol.claims import Claims, parse_object
from protocol.envelope import Unsigned
from protocol.errors import KeyProblem
from protocol.ledger import Batch
from protocol.local_socket import receive
from protocol.packet import KeyPacket
from protocol.report import DeviceReport

WITHIN: Final = 10.0  # seconds in which a service that is started again answers
_PAUSE: Final = 0.1  # between two attempts


class ServiceKeys:
    """`agent.ports.DeviceKeys` and `NewKeys`. `uid`: whose, where root asks in another user's name."""

    def __init__(self, path: Path, uid: int | None = None, *, within: float = WITHIN) -> None:
        self._path = path
        self._uid = os.getuid() if uid is None else uid
        self._within = within

    @property
    def where(self) -> str:
        return str(self._path)

    def device(self) -> str:
        """Whose keys it has for this user; "" where it has none."""
        return Claims(parse_object(self._ask(Verb.ABOUT)), "the keys service's answer", KeyProblem).text("device")

    def apply(self, applicant: Applicant) -> api.EnrollRequest:
        request: api.EnrollRequest = json.loads(self._ask(Verb.APPLY, _written(asdict(applicant))))
        return request

    def admitted(self, device: str) -> Mapping[str, str]:
        self._ask(Verb.ADMITTED, _written({"device": device}))
        return {"keys_socket": str(self._path)}

    def packet(self, packet: KeyPacket) -> str:
        return self._ask(Verb.PACKET, _written(packet.payload())).decode("ascii")

    def chunk(self, unsigned: Unsigned) -> bytes:
        return self._ask(Verb.CHUNK, *unsigned.parts)

    def batch(self, batch: Batch) -> str:
        return self._ask(Verb.BATCH, _written(batch.payload())).decode("ascii")

    def report(self, report: DeviceReport) -> str:
        return self._ask(Verb.REPORT, _written(report.payload())).decode("ascii")

    def assertion(self, claims: api.AuthClaims) -> str:
        return self._ask(Verb.ASSERTION, _written(claims)).decode("ascii")

    def forget(self) -> None:
        self._ask(Verb.FORGET)

    def _ask(self, verb: Verb, *parts: bytes) -> bytes:
        """Raises Refused, Transient.

        Asked again after a broken connection: the service answers the same request with the same signature.
        """
        until = time.monotonic() + self._within
        while True:
            try:
                answer, body = self._exchange(verb, parts, until)
            except OSError as failure:
                trouble = failure.strerror or type(failure).__name__
            else:
                if answer == Answer.DONE:
                    return body
                trouble = body.decode("utf-8", "replace")
                if answer == Answer.REFUSED:
                    raise Refused(f"the keys service does not sign this: {trouble}")
                if verb is Verb.PACKET:  # not waited for: the recorder holds at once, and says so
                    until = 0.0
            if time.monotonic() + _PAUSE > until:
                raise Transient(f"the keys service at {self._path} does not sign now: {trouble}")
            time.sleep(_PAUSE)

    def _exchange(self, verb: Verb, parts: tuple[bytes, ...], until: float) -> tuple[int, bytes]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            # The system bounds the wait for a place in the service's queue: with a bound of Python's, one that is full
            # is no wait but a failure, and who asks again later comes last each time.
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(max(_PAUSE, until - time.monotonic()))
            )
            connection.connect(str(self._path))
            connection.settimeout(max(_PAUSE, until - time.monotonic()))
            # It may answer, and close, before it has read all of what it does not want.
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"".join((REQUEST.pack(verb, self._uid, sum(map(len, parts))), *parts)))
            answer, size = ANSWER.unpack(receive(connection, ANSWER.size, until))
            if size > MAX_BODY:
                raise ConnectionError
            return answer, receive(connection, size, until)


def _timeval(seconds: float) -> bytes:
    """As struct timeval of setsockopt(2)."""
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 10**6))


def _written(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")  # which the service refuses
