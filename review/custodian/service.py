"""The socket: the kernel says which user asks; one request a connection, bounded in size and time."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict
from typing import Final

from protocol import local_socket
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.ledger import values_of
from review.audit.log import AuditLog
from review.custodian.custodian import Custodian
from review.exchange import MAX_SIZE, SIZE, WITHIN
from review.refusal import Refusal

CONNECTIONS: Final = 32  # at once, and as many of root; each is a thread
LARGE: Final = 128 * 2**10  # bytes, above which the console's come one after another, and so do root's
MOST_VALUES: Final = 500_000  # each may take a hundred bytes of memory
PAUSE: Final = 0.1  # s
PUBLISHED_EVERY: Final = 10.0  # s


_VERBS: Final[dict[str, Callable[[Custodian, Claims, str], Mapping[str, object]]]] = {
    "nonce": lambda custodian, _asked, _peer: custodian.nonce(),
    "bundle": lambda custodian, asked, peer: custodian.take_bundle(asked.text("bundle"), peer),
    "enrol": Custodian.enrol,
    "open": Custodian.open,
    "lease": Custodian.lease,
    "watched": Custodian.watched,
    "consent": Custodian.consent,
    "comment": Custodian.comment,
    "consent-of": lambda custodian, asked, _peer: {"consent": custodian.consents.shown(asked.uuid("recording"))},
    "drawn": Custodian.drawn,
    "sampled": Custodian.sampled,
    "review": Custodian.review,
    "file": Custodian.file,
    "filed": Custodian.filed,
    "waiting": Custodian.waiting,
    "approve": Custodian.approve,
}
_OF_ROOT: Final = _VERBS | {
    "keys": lambda custodian, _asked, _peer: {"keys": custodian.people.shown()},
    "remove": lambda custodian, asked, peer: custodian.remove(asked.text("key"), peer),
}


class Service:
    """Serves `listening` until it is closed. Only root, its own user and the console's are answered."""

    def __init__(self, custodian: Custodian, log: AuditLog, listening: socket.socket) -> None:
        self._custodian, self._log, self._listening = custodian, log, listening
        self._root = {0, os.getuid()}
        console = dict.fromkeys({custodian.settings.console}, threading.Semaphore(CONNECTIONS))
        # By user: whatever the console holds, root can take a stolen key away.
        self._places = console | dict.fromkeys(self._root, threading.Semaphore(CONNECTIONS))
        self._large = {True: threading.Lock(), False: threading.Lock()}  # by whether it is root's

    def run(self) -> None:
        threading.Thread(target=self._publish, daemon=True).start()
        while self._listening.fileno() >= 0:
            try:
                connection, _ = self._listening.accept()
                uid = local_socket.peer(connection)
            except OSError:
                time.sleep(PAUSE)  # as where descriptors run out, until one that is served ends
                continue
            if uid not in self._places or not self._places[uid].acquire(blocking=False):
                connection.close()  # who may not ask, or asks too much, keeps no other waiting
                continue
            try:
                threading.Thread(target=self._serve, args=(connection, uid), daemon=True).start()
            except RuntimeError:  # no more threads
                connection.close()
                self._places[uid].release()

    def _publish(self) -> None:
        """What reads only the log's tiles sees an entry within seconds; and no month begins without a seed."""
        while True:
            with suppress(ProtocolError, OSError):
                self._log.publish()
                self._custodian.commit_seeds()
            time.sleep(PUBLISHED_EVERY)

    def _serve(self, connection: socket.socket, uid: int) -> None:
        try:
            with connection:
                answer = json.dumps(self._answer(connection, uid), ensure_ascii=False).encode()
                connection.settimeout(WITHIN)
                connection.sendall(SIZE.pack(len(answer)) + answer)
        except OSError:
            pass  # it went away, or took too long
        finally:
            self._places[uid].release()

    def _answer(self, connection: socket.socket, uid: int) -> Mapping[str, object]:
        """Raises OSError."""
        (size,) = SIZE.unpack(local_socket.receive(connection, SIZE.size, time.monotonic() + WITHIN))
        with self._large[uid in self._root] if size > LARGE else nullcontext():
            until = time.monotonic() + WITHIN  # not while others before it were read
            return self._done(local_socket.receive(connection, size, until) if size <= MAX_SIZE else b"", uid)

    def _done(self, body: bytes, uid: int) -> Mapping[str, object]:
        try:
            try:
                asked = Claims(parse_object(body if values_of(body) <= MOST_VALUES else b""), "request", ProtocolError)
            except ValueError as error:
                raise Refusal("malformed", f"what came is {error}, or has more than is allowed") from None
            verbs = _OF_ROOT if uid in self._root else _VERBS
            verb = verbs.get(asked.text("do"))
            if verb is None:
                raise asked.refuse("do", " or ".join(sorted(verbs)))
            return verb(self._custodian, asked, f"uid {uid}")
        except ProtocolError as error:
            answer: dict[str, object] = {"error": error.code, "message": str(error)}
            if isinstance(error, Refusal):
                answer |= {"reasons": [asdict(one) for one in error.reasons], "filed": error.filed}
            return answer
        except OSError as error:
            return {"error": "not-written", "message": f"its disk is in the way ({error.strerror}): nothing was opened"}
