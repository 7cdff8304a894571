"""The socket: who asks is told by the kernel, one request a connection, with bounds for its size and time.

request, answer    length (4 bytes, big-endian) · JSON
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from protocol import local_socket
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from review.audit.log import AuditLog
from review.custodian.custodian import Custodian
from review.refusal import Refusal

WITHIN: Final = 5.0  # seconds for a whole exchange
CONNECTIONS: Final = 32  # at once; each is a thread, and 16 MiB at the most
MAX_SIZE: Final = 16 * 2**20
PAUSE: Final = 0.1  # s
PUBLISHED_EVERY: Final = 10.0  # s
_SIZE: Final = struct.Struct(">I")


def _keys(custodian: Custodian, _asked: Claims, _peer: str) -> Mapping[str, object]:
    names = ("person", "key", "signs", "at", "removed")
    people = sorted(custodian.people.keys.values(), key=lambda one: (one.person, one.at))
    rows = ((one.person, one.key.id, one.key.algorithm, one.at, one.removed or None) for one in people)
    return {"keys": [dict(zip(names, row, strict=True)) for row in rows]}


_VERBS: Final[dict[str, Callable[[Custodian, Claims, str], Mapping[str, object]]]] = {
    "nonce": lambda custodian, _asked, _peer: custodian.nonce(),
    "bundle": lambda custodian, asked, peer: custodian.take_bundle(asked.text("bundle"), peer),
    "enrol": Custodian.enrol,
    "open": Custodian.open,
    "consent": Custodian.consent,
    "consent-of": lambda custodian, asked, _peer: {"consent": custodian.consents.shown(asked.uuid("recording"))},
    "file": Custodian.file,
    "filed": Custodian.filed,
    "approve": Custodian.approve,
}
_OF_ROOT: Final = _VERBS | {
    "keys": _keys,
    "remove": lambda custodian, asked, peer: custodian.remove(asked.text("key"), peer),
}


class Service:
    """Serves `listening` until it is closed. Only root, its own user and the console's are answered."""

    def __init__(self, custodian: Custodian, log: AuditLog, listening: socket.socket) -> None:
        self._custodian, self._log, self._listening = custodian, log, listening
        self._connections = threading.Semaphore(CONNECTIONS)
        self._asks = {0, os.getuid(), custodian.settings.console}

    def run(self) -> None:
        threading.Thread(target=self._publish, daemon=True).start()
        while self._listening.fileno() >= 0:
            try:
                connection, _ = self._listening.accept()
                uid = local_socket.peer(connection)
            except OSError:
                time.sleep(PAUSE)  # as where descriptors run out, until one that is served ends
                continue
            if uid not in self._asks or not self._connections.acquire(timeout=WITHIN):
                connection.close()  # who may not ask keeps no other waiting
                continue
            threading.Thread(target=self._serve, args=(connection, uid), daemon=True).start()

    def _publish(self) -> None:
        """What reads only the log's tiles sees an entry within seconds; and no month begins without a seed."""
        while True:
            with contextlib.suppress(ProtocolError, OSError):
                self._log.publish()
                self._custodian.commit_seeds()
            time.sleep(PUBLISHED_EVERY)

    def _serve(self, connection: socket.socket, uid: int) -> None:
        try:
            with connection:
                answer = json.dumps(self._answer(connection, uid), ensure_ascii=False).encode()
                connection.settimeout(WITHIN)
                connection.sendall(_SIZE.pack(len(answer)) + answer)
        except OSError:
            pass  # it went away, or took too long
        finally:
            self._connections.release()

    def _answer(self, connection: socket.socket, uid: int) -> Mapping[str, object]:
        """Raises OSError."""
        until = time.monotonic() + WITHIN
        (size,) = _SIZE.unpack(local_socket.receive(connection, _SIZE.size, until))
        body = local_socket.receive(connection, size, until) if size <= MAX_SIZE else b""
        try:
            try:
                asked = Claims(parse_object(body), "request", ProtocolError)
            except ValueError as error:
                raise Refusal("malformed", f"what came is {error}, or has more than {MAX_SIZE} bytes") from None
            verbs = _OF_ROOT if uid in {0, os.getuid()} else _VERBS
            verb = verbs.get(asked.text("do"))
            if verb is None:
                raise asked.refuse("do", " or ".join(sorted(verbs)))
            return verb(self._custodian, asked, f"uid {uid}")
        except ProtocolError as error:
            answer: dict[str, object] = {"error": error.code, "message": str(error)}
            if isinstance(error, Refusal):
                answer["reasons"] = [
                    {"says": one.says, "where": one.where, "missing": one.missing} for one in error.reasons
                ]
                answer["filed"] = error.filed
            return answer
        except OSError as error:
            return {"error": "not-written", "message": f"its disk is in the way ({error.strerror}): nothing was opened"}


def ask(path: Path, do: str, **fields: Any) -> dict[str, Any]:
    """For the console and for the commands. Raises ProtocolError with the answer's code; OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        until = time.monotonic() + 2 * WITHIN
        connection.settimeout(2 * WITHIN)
        connection.connect(str(path))
        sent = json.dumps({"do": do, **fields}).encode()
        connection.sendall(_SIZE.pack(len(sent)) + sent)
        (size,) = _SIZE.unpack(local_socket.receive(connection, _SIZE.size, until))
        answer: dict[str, Any] = parse_object(local_socket.receive(connection, min(size, MAX_SIZE), until))
    if "error" in answer:
        raise ProtocolError(str(answer["error"]), str(answer.get("message")))
    return answer
