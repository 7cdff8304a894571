"""A keys service for tests: the real server in a process of its own, behind a socket that outlives it, as systemd's."""

from __future__ import annotations

import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.keys.exchange import Applicant
from agent.keys.server import KeysServer, listen
from agent.keys.service import ServiceKeys
from protocol import api
from protocol.application import Application
from protocol.claims import Claims
from protocol.errors import KeyProblem

DEVICE = "device-1"
APPLICANT = Applicant("secret", "store", "pc-17", "alice", "Debian 13", "0.1.0", "A" * 22)


def fork() -> int:
    """`os.fork`, of which Python warns from 3.12 on where other threads run: those of the test runner hold nothing that
    the child uses. A new interpreter would take a second, and the service dies sixty times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


class Service:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "keys"
        self.path = folder / "keys.sock"
        self._listening = listen(self.path)
        self._pid = 0

    def start(self, dies_after: float | None = None, spare: int | None = None) -> None:
        """`dies_after`: seconds, until it kills itself without a word. `spare`: descriptors that it may open."""
        self._pid = fork()
        if not self._pid:
            if dies_after is not None:
                threading.Timer(dies_after, os.kill, (os.getpid(), signal.SIGKILL)).start()
            try:
                if spare is not None:
                    _allow_descriptors(spare)
                KeysServer(self._listening, self.folder).run()
            finally:
                os._exit(1)

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.await_death()

    def await_death(self) -> None:
        os.waitpid(self._pid, 0)

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(self.path))
        return connection

    def close(self) -> None:
        self._listening.close()


def _allow_descriptors(more: int) -> None:
    import resource  # noqa: PLC0415 - Windows has none

    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(more)]  # the lowest that are free
    for one in opened:
        os.close(one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[-1] + 1, opened[-1] + 1))


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    service.start()
    try:
        yield service
    finally:
        service.kill()
        service.close()


def application(request: api.EnrollRequest) -> Application:
    """Raises ProtocolError where one of the keys did not sign it."""
    return Application.verify(Claims(dict(request), "application", KeyProblem))


def enrolled(path: Path, *, within: float = 10) -> tuple[ServiceKeys, Application]:
    keys = ServiceKeys(path, within=within)
    made = application(keys.apply(APPLICANT))
    keys.admitted(DEVICE)
    return keys, made
