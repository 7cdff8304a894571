"""The socket: who may not ask is hung up on, and who sends nonsense, much or slowly is answered or left."""

from __future__ import annotations

import os
import select
import shutil
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from protocol import local_socket
from protocol.errors import ProtocolError
from review import exchange
from review.audit.log import AuditLog
from review.custodian import service
from review.custodian.service import Service
from review.exchange import ask
from testkit.custody import House
from tests.agent.keys.services import fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel says who asks on Linux alone")
CONSOLE, STRANGER = 61_101, 61_102


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house", console=CONSOLE)


@pytest.fixture
def path(house: House) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    listening = local_socket.listen(folder / "s")
    custodian = house.ready()
    log = AuditLog(house.folder / "audit", house.signer, house.reading, clock=house.clock.wall)
    threading.Thread(target=Service(custodian, log, listening).run, daemon=True).start()
    yield folder / "s"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    shutil.rmtree(folder)


def sent(path: Path, raw: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def as_user(uid: int, path: Path, do: str, **fields: Any) -> str:
    """What another user is told, in a process of theirs: an error's code, "answered" or "hung up"."""
    reading, writing = os.pipe()
    child = fork()
    if not child:
        said = "failed"
        try:
            os.setuid(uid)
            said = "answered" if ask(path, do, **fields) else ""
        except ProtocolError as error:
            said = error.code
        except ConnectionError:
            said = "hung up"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        return told.read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_the_console_and_root_are_answered_and_nobody_else(path: Path) -> None:
    assert ask(path, "keys")["keys"]
    assert as_user(CONSOLE, path, "nonce") == "answered"
    assert as_user(CONSOLE, path, "keys") == "bad-field"  # root's
    assert as_user(CONSOLE, path, "remove", key="x") == "bad-field"
    assert as_user(STRANGER, path, "nonce") == "hung up"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_root_is_answered_whatever_the_console_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "WITHIN", 30.0)  # so that none of those held ends before root has asked
    reading, writing = os.pipe()
    asked, answered = os.pipe()
    child = fork()
    if not child:
        try:
            os.setuid(CONSOLE)
            held = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(service.CONNECTIONS + 1)]
            for connection in held:
                connection.connect(str(path))
            os.write(writing, b"held")
            os.read(asked, 1)
            ended = len(select.select(held, [], [], 0.0)[0])
            os.write(writing, b"%d" % ended)
        finally:
            os._exit(0)
    assert os.read(reading, 100) == b"held"
    assert ask(path, "keys")["keys"]
    os.write(answered, b"x")
    assert os.read(reading, 100) == b"1"  # what was beyond, and no other
    os.waitpid(child, 0)
    for end in (reading, writing, asked, answered):
        os.close(end)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no json", "malformed"),
        (b"[]", "malformed"),
        (b"{}", "bad-field"),
        (b'{"do": "everything"}', "bad-field"),
        (b'{"do": "open"}', "bad-field"),
        (b'{"do": "open", "request": 7, "papers": {}}', "bad-field"),
        (b'{"do": "enrol", "invitation": "x"}', "bad-field"),
        (b'{"do": "bundle", "bundle": "\xc3\xa9"}', "malformed"),
        (b'{"do": "nonce", "do": "nonce"}', "malformed"),
    ],
)
def test_what_is_no_request_is_refused_in_words(path: Path, body: bytes, code: str) -> None:
    answer = sent(path, struct.pack(">I", len(body)) + body)
    assert f'"error": "{code}"'.encode() in answer


def test_more_than_any_request_has_is_refused_before_it_is_read(path: Path) -> None:
    assert b'"error": "malformed"' in sent(path, struct.pack(">I", exchange.MAX_SIZE + 1))


def test_more_values_than_any_request_has_are_refused_before_they_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_VALUES", 100)  # the real bound takes long to reach
    body = b'{"do": "nonce", "more": [%s]}' % b",".join([b"[]"] * 100)
    assert b'"error": "malformed"' in sent(path, struct.pack(">I", len(body)) + body)


def test_where_no_thread_can_be_had_it_goes_on_and_keeps_no_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended then, and with it every opening of a recording."""
    starts = threading.Thread.start
    asking = iter(range(service.CONNECTIONS + 1))

    def start(self: threading.Thread) -> None:
        if next(asking, None) is not None:
            raise RuntimeError("can't start new thread")
        starts(self)

    with monkeypatch.context() as full:
        full.setattr(service, "PAUSE", 0.001)
        full.setattr(threading.Thread, "start", start)
        for _ in range(service.CONNECTIONS + 1):
            with suppress(ConnectionError):  # closed before it was written to
                assert sent(path, b"") == b""
        assert next(asking, None) is None
    body = b'{"do": "nonce"}'
    assert b"nonce" in sent(path, struct.pack(">I", len(body)) + body)


def test_large_requests_are_served_one_after_another_and_small_ones_beside_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, at_once = threading.Semaphore(0), threading.Event(), list[int]()
    busy = [0]

    def slowly(*_: Any) -> dict[str, object]:
        busy[0] += 1
        at_once.append(busy[0])
        begun.release()
        go_on.wait(30)
        busy[0] -= 1
        return {}

    monkeypatch.setitem(service._OF_ROOT, "file", slowly)
    body = b'{"do": "file", "much": "%s"}' % (b"x" * service.LARGE)
    large = [threading.Thread(target=sent, args=(path, struct.pack(">I", len(body)) + body)) for _ in range(3)]
    for one in large:
        one.start()
    assert begun.acquire(timeout=30)
    assert ask(path, "nonce")["nonce"]
    go_on.set()
    for one in large:
        one.join()
    assert at_once == [1, 1, 1]


def test_who_sends_half_is_left_and_others_are_answered(path: Path) -> None:
    assert sent(path, b"\0\0") == b""
    assert sent(path, struct.pack(">I", 100) + b"{") == b""
    assert ask(path, "nonce")["nonce"]


def test_an_opening_over_the_socket(path: Path, house: House) -> None:
    kept, ann = house.recording(), "ann@example.com"
    answer = ask(path, "open", request=house.request(ask(path, "nonce"), ann, kept.id), papers=kept.papers)
    assert house.received(ann, kept, house.released(answer)) == kept.stream_key(0)
