"""The keys service: each user's keys behind a socket, where the kernel says who asks.

A connection is one request, in a thread of its own and with a bound for its time; a user has a bound for connections,
requests, bytes and work. So who sends slowly, much or nonsense keeps only themselves waiting.
"""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.errors import EnvironmentFault, Refused, Transient
from agent.keys.exchange import ANSWER, MAX_BODY, REQUEST, Answer, Verb
from agent.keys.signer import MAX_JSON, Bucket, Signer
from protocol import local_socket
from protocol.local_socket import receive

WITHIN: Final = 5.0  # seconds for a whole exchange
CONNECTIONS: Final = 4  # of a user at once
ALL_CONNECTIONS: Final = 256  # of all users at once; each is a thread and a descriptor or two
PAUSE: Final = 0.1  # seconds, where descriptors or threads have run out
REQUESTS: Final = (1000, 100)  # of a user at once, and then so many a second
BYTES: Final = (256 * 2**20, 32 * 2**20)
# Seconds of this process's work, which all users share: a chunk of 160 KB takes 0.003.
WORK: Final = (0.5, 0.05)
TOO_MUCH: Final = b"this user asks too much"
_ANSWERS: Final = {
    Verb.ABOUT: Signer.about,
    Verb.PACKET: Signer.packet,
    Verb.CHUNK: Signer.chunk,
    Verb.BATCH: Signer.batch,
    Verb.REPORT: Signer.report,
    Verb.ASSERTION: Signer.assertion,
}
_ENROLLING: Final = {Verb.APPLY: Signer.apply, Verb.ADMITTED: Signer.admitted, Verb.FORGET: Signer.forget}
_FOR_OTHERS: Final = frozenset({Verb.APPLY, Verb.ADMITTED})  # what root asks in another user's name


@dataclass(slots=True)
class _User:
    folder: Path
    connections: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(CONNECTIONS))
    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: Bucket = field(default_factory=lambda: Bucket(*REQUESTS))
    volume: Bucket = field(default_factory=lambda: Bucket(*BYTES))
    work: Bucket = field(default_factory=lambda: Bucket(*WORK))
    signer: Signer | None = None

    def answer(self, verb: Verb, body: bytes, peer: int) -> tuple[Answer, bytes]:
        with self.lock:
            if not self.work.take(0, time.monotonic()):
                return Answer.BUSY, TOO_MUCH
            began = time.thread_time()
            try:
                if self.signer is None:
                    self.signer = Signer(self.folder, wall=time.time, now=time.monotonic)
                if verb in _ENROLLING:
                    return Answer.DONE, _ENROLLING[verb](self.signer, body, peer)
                return Answer.DONE, _ANSWERS[verb](self.signer, body)
            except (Refused, ValueError) as refusal:
                return Answer.REFUSED, str(refusal).encode("utf-8", "replace")
            except Transient as trouble:
                return Answer.BUSY, str(trouble).encode("utf-8", "replace")
            except OSError as failure:
                return Answer.BUSY, f"its disk is in the way: {failure.strerror}".encode()
            finally:
                self.work.spend(time.thread_time() - began)


class KeysServer:
    """Serves `listening` until it is closed. `folder`: this service's alone, with a folder for each user number."""

    def __init__(self, listening: socket.socket, folder: Path) -> None:
        self._listening = listening
        self._folder = folder
        self._users: dict[int, _User] = {}
        self._lock = threading.Lock()
        self._connections = threading.Semaphore(ALL_CONNECTIONS)

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except ConnectionError:
                continue
            except OSError:  # as where descriptors run out, until one that is served ends
                time.sleep(PAUSE)
                continue
            uid = local_socket.peer(connection)
            user = self._user(uid)
            if not user.connections.acquire(blocking=False):
                connection.close()
                continue
            if not self._connections.acquire(blocking=False):
                user.connections.release()
                connection.close()
                continue
            try:
                threading.Thread(target=self._serve, args=(connection, uid, user), daemon=True).start()
            except RuntimeError:  # no more threads
                connection.close()
                self._release(user)
                time.sleep(PAUSE)

    def _release(self, user: _User) -> None:
        user.connections.release()
        self._connections.release()

    def _user(self, uid: int) -> _User:
        with self._lock:
            if uid not in self._users:
                self._users[uid] = _User(self._folder / str(uid))
            return self._users[uid]

    def _serve(self, connection: socket.socket, uid: int, user: _User) -> None:
        try:
            with connection:
                answer, body = self._exchange(connection, uid, user)
                connection.sendall(ANSWER.pack(answer, len(body)) + body)
        except OSError:
            pass  # it went away, or took too long
        finally:
            self._release(user)

    def _exchange(self, connection: socket.socket, uid: int, user: _User) -> tuple[Answer, bytes]:
        """Raises OSError."""
        until = time.monotonic() + WITHIN
        number, whose, size = REQUEST.unpack(receive(connection, REQUEST.size, until))
        now = time.monotonic()
        with user.lock:
            allowed = user.requests.take(1, now) and user.volume.take(size, now)
        if not allowed:
            return Answer.BUSY, TOO_MUCH
        if size > (MAX_BODY if number == Verb.CHUNK else MAX_JSON):
            return Answer.REFUSED, b"more than any statement has"
        body = receive(connection, size, until)
        try:
            verb = Verb(number)
        except ValueError:
            return Answer.REFUSED, b"not understood: is the agent of another version?"
        if whose != uid and not (uid == 0 and verb in _FOR_OTHERS):
            return Answer.REFUSED, b"these are another user's keys"
        connection.settimeout(WITHIN)
        return self._user(whose).answer(verb, body, uid)


def listen(path: Path | None) -> socket.socket:
    """The socket that systemd hands over (sd_listen_fds(3)), else one at `path`. Raises EnvironmentFault."""
    try:
        return local_socket.listen(path)
    except OSError as failure:
        if path is None:
            raise EnvironmentFault(
                "no socket: eyelid-keys.socket hands one over, or --socket names its place"
            ) from None
        raise EnvironmentFault(f"{path} cannot be listened at: {failure.strerror}") from failure
