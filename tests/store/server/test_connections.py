"""A stranger's connection: how long a head may be, how long it may take, and how many may be open at once."""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import api
from store.admin.home import Home
from store.server import connections, turns
from store.server.app import create_app
from store.server.connections import DRAINED, MAX_HEAD, Connection, Listener
from store.server.listening import listen, make_server
from store.server.services import Services

HEALTH = f"GET {api.HEALTH} HTTP/1.1\r\nHost: localhost\r\n".encode()


@dataclass
class Store:
    """A running one; its connections count although they come from this machine."""

    home: Home
    listener: Listener

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def connect(self, source: str = "127.0.0.1", *, tls: bool = True) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), 60, (source, 0))
        if not tls:
            return plain
        return ssl.create_default_context(cafile=self.home.ca_certificate).wrap_socket(
            plain, server_hostname="localhost"
        )

    def is_well(self, source: str = "127.0.0.1") -> bool:
        with self.connect(source) as connection:
            connection.sendall(HEALTH + b"Connection: close\r\n\r\n")
            return b"200 OK" in everything(connection)


def everything(connection: socket.socket) -> bytes:
    """All that comes up to the end; however that end looks."""
    parts = bytearray()
    try:
        while part := connection.recv(65536):
            parts += part
    except (ConnectionError, ssl.SSLError):
        pass
    return bytes(parts)


@contextmanager
def running(home: Home, server: uvicorn.Server) -> Iterator[Store]:
    with listen("127.0.0.1", 0) as listener:
        listener.counts_loopback = True
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Store(home, listener)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def store(home: Home, services: Services) -> Iterator[Store]:
    with running(home, make_server(create_app(services), home.tls)) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, home: Home, services: Services) -> Iterator[Store]:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 1.0)  # the real one is ten
    server = make_server(create_app(services), home.tls)
    server.config.timeout_keep_alive = 1  # the real one is a minute
    with running(home, server) as made:
        yield made


# -- bytes --------------------------------------------------------------------------------------------------------


MANY = b"".join(b"x-%d: %s\r\n" % (number, b"a" * 100) for number in range(20_000))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEALTH + MANY, id="many headers"),
        pytest.param(HEALTH + b"x: " + b"a" * 2_000_000, id="one header that does not end"),
        pytest.param(HEALTH + b"x" * 2_000_000, id="one name that does not end"),
        pytest.param(b"GET /" + b"a" * 2_000_000, id="a path that does not end"),
        pytest.param(HEALTH + b"x: " + b"a" * MAX_HEAD + b"\r\n\r\n", id="whole and too long"),
    ],
)
def test_a_head_that_is_too_long_ends_the_connection(store: Store, sent: bytes) -> None:
    with store.connect() as connection:
        try:
            connection.sendall(sent)
        except (ConnectionError, ssl.SSLError):
            return  # closed while it was still sending
        answer = everything(connection)
    assert b" 200 " not in answer
    assert store.is_well()


def test_too_long_is_said(store: Store) -> None:
    with store.connect() as connection:
        connection.sendall(HEALTH + b"x: " + b"a" * MAX_HEAD + b"\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 431 ")


def test_a_head_up_to_the_bound_is_answered_and_so_is_the_next(store: Store) -> None:
    with store.connect() as connection:
        for ending in (b"", b"Connection: close\r\n"):
            connection.sendall(HEALTH + b"x: " + b"a" * (MAX_HEAD - 200) + b"\r\n" + ending + b"\r\n")
        assert everything(connection).count(b"HTTP/1.1 200 OK") == 2


def test_bodies_are_not_counted(store: Store) -> None:
    with store.connect() as connection:
        body = b"x" * (api.MAX_JSON_BODY - 1)
        for _ in range(3):
            head = f"POST {api.TOKEN} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
        connection.sendall(HEALTH + b"Connection: close\r\n\r\n")
        answer = everything(connection)
    assert answer.count(b"HTTP/1.1 400") == 3
    assert answer.count(b"HTTP/1.1 200 OK") == 1


def test_a_body_says_how_long_it_is(store: Store) -> None:
    """In HTTP's own chunks a megabyte could be half a million to parse, and would go on after every refusal."""
    for path in (api.TOKEN.encode(), b"/v1/nothing"):
        with store.connect() as connection:
            connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert everything(connection).startswith(b"HTTP/1.1 411 ")


@pytest.mark.parametrize("announced", [DRAINED + 1, 2**40])
def test_a_refusal_ends_a_connection_whose_body_would_go_on(store: Store, announced: int) -> None:
    with store.connect() as connection:
        connection.sendall(b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % announced)
        answer = everything(connection).lower()
    assert answer.startswith(b"http/1.1 404 ")
    assert b"\r\nconnection: close\r\n" in answer


def test_what_is_left_of_a_small_body_is_passed_over_and_the_next_request_answered(store: Store) -> None:
    with store.connect() as connection:
        head = f"POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: {DRAINED}\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 404 " in connection.recv(65536)
        connection.sendall(bytes(DRAINED) + HEALTH + b"Connection: close\r\n\r\n")
        assert b" 200 OK" in everything(connection)


# -- what is no HTTP --------------------------------------------------------------------------------------------------

KEY_UPDATE = b"\x18\0\0\1\0\x16"  # a message of five bytes, and its type


class Records:
    """A client of TLS 1.3 that makes its records itself, after a handshake by OpenSSL."""

    def __init__(self, store: Store, keys: Path) -> None:
        context = ssl.create_default_context(cafile=store.home.ca_certificate)
        context.keylog_filename = str(keys)
        self.plain = store.connect(tls=False)
        self._incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._openssl = context.wrap_bio(self._incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                self._openssl.do_handshake()
            except ssl.SSLWantReadError:
                self.plain.sendall(outgoing.read())
                self._incoming.write(self.plain.recv(65536))
            else:
                break
        self.plain.sendall(outgoing.read())
        named = (line.split() for line in keys.read_text().splitlines() if not line.startswith("#"))
        self._secret = next(bytes.fromhex(secret) for name, _, secret in named if name == "CLIENT_TRAFFIC_SECRET_0")
        self._sequence = 0

    def made(self, inner: bytes) -> bytes:
        """`inner`: content and its type."""
        nonce = int.from_bytes(self._expand(b"iv", 12), "big") ^ self._sequence
        head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        key = self._expand(b"key", 32 if len(self._secret) == 48 else 16)
        self._sequence += 1
        record = head + AESGCM(key).encrypt(nonce.to_bytes(12, "big"), inner, head)
        if inner.startswith(KEY_UPDATE):
            self._secret, self._sequence = self._expand(b"traffic upd", len(self._secret)), 0
        return record

    def answered(self) -> bytes:
        """All that comes up to the end."""
        self._incoming.write(everything(self.plain))
        try:
            return self._openssl.read(65536)
        except ssl.SSLWantReadError:
            return b""

    def _expand(self, label: bytes, size: int) -> bytes:
        info = size.to_bytes(2, "big") + bytes([6 + len(label)]) + b"tls13 " + label + b"\0\1"
        return hmac.digest(self._secret, info, "sha384" if len(self._secret) == 48 else "sha256")[:size]


@pytest.mark.parametrize(
    ("inner", "number"),
    [
        pytest.param(KEY_UPDATE, 1000, id="key updates"),
        pytest.param(KEY_UPDATE + bytes(400), 1000, id="padded ones"),
        pytest.param(b"\x17", 31, id="empty ones, fewer in a row than OpenSSL allows"),
        pytest.param(b"\n\x17", 1000, id="records of one byte"),
    ],
)
def test_records_without_content_end_the_connection(store: Store, tmp_path: Path, inner: bytes, number: int) -> None:
    client = Records(store, tmp_path / "keys")
    with client.plain as connection:
        sent = [client.made(inner) for _ in range(number)]
        while len(sent) < 1000:
            sent += [client.made(KEY_UPDATE), *(client.made(inner) for _ in range(number))]
        sent.append(client.made(HEALTH + b"Connection: close\r\n\r\n\x17"))
        with suppress(ConnectionError):
            connection.sendall(b"".join(sent))
        assert client.answered() == b""
    assert store.is_well()


def test_nor_is_a_handshake_in_parts_of_a_byte_taken(store: Store) -> None:
    whole = hello("prime256v1")
    with store.connect(tls=False) as connection, suppress(ConnectionError):
        connection.sendall(b"".join(whole[:3] + b"\0\1" + whole[at : at + 1] for at in range(5, len(whole))))
        assert connection.recv(1) == b""
    assert len(whole) > connections.RECORDS


def test_the_smallest_records_that_clients_make_of_much_go_on(store: Store) -> None:
    body = bytes(50 * 1186)
    with store.connect() as connection:
        for _ in range(5):
            connection.sendall(b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
            for place in range(0, len(body), 1186):
                connection.sendall(body[place : place + 1186])
        connection.sendall(HEALTH + b"Connection: close\r\n\r\n")
        answer = everything(connection)
    assert (answer.count(b" 404 "), answer.count(b" 200 OK")) == (5, 1)


def test_and_so_do_many_small_requests(store: Store) -> None:
    with store.connect() as connection, connection.makefile("rb") as answers:
        for _ in range(100):
            for part in (b"HEAD /v1/nothing HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n"):
                connection.sendall(part)
            assert b" 404 " in next(answers)
            while next(answers) != b"\r\n":
                pass


# -- memory -------------------------------------------------------------------------------------------------------


@contextmanager
def busy(home: Home) -> Iterator[tuple[Store, set[Connection]]]:
    """One that lets nobody in yet, and its connections."""

    async def app(scope: object, receive: object, send: object) -> None:  # noqa: ARG001 - the shape of ASGI
        await asyncio.Event().wait()

    server = make_server(app, home.tls)
    server.config.timeout_graceful_shutdown = 0
    with running(home, server) as made:
        yield made, cast("set[Connection]", server.server_state.connections)


def test_a_body_before_its_turn_stays_where_it_is(home: Home) -> None:
    """One address has 512 connections, and the store is to stay below 256 MB more whatever they send."""
    with busy(home) as (store, connections_of), store.connect() as client:
        client.sendall(f"PUT /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: {2**24}\r\n\r\n".encode())
        client.settimeout(0.1)
        while not connections_of:
            time.sleep(0.01)
        (one,) = connections_of
        tls: Any = one.transport._ssl_protocol  # type: ignore[attr-defined]
        while not tls._ssl_reading_paused:
            with suppress(TimeoutError):
                client.send(bytes(2**14))
        held = len(tls._ssl_buffer) + tls._incoming.pending + len(one.cycle.body)
    assert held * connections.PER_ADDRESS <= 64 * 2**20


def test_many_requests_at_once_are_no_way_to_fill_it(home: Home) -> None:
    with busy(home) as (store, connections_of), store.connect() as client:
        client.sendall((HEALTH + b"\r\n") * 300)  # one TLS record: what is not read yet would reset the connection
        assert everything(client).startswith(b"HTTP/1.1 400 ")
        assert all(len(one.pipeline) <= connections.AHEAD for one in connections_of)


# -- seconds ------------------------------------------------------------------------------------------------------


def test_a_connection_that_says_nothing_is_closed(hasty: Store) -> None:
    with hasty.connect() as connection:
        assert everything(connection) == b""


def test_one_that_does_not_finish_its_handshake_is_closed(hasty: Store) -> None:
    with hasty.connect(tls=False) as connection:
        assert everything(connection) == b""


@pytest.mark.parametrize("sent", [b"GET /v1/hea", HEALTH, b"\r\n"])
def test_one_that_does_not_finish_its_head_is_closed(hasty: Store, sent: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(sent)
        assert everything(connection) == b""


@pytest.mark.parametrize("sent", [b"GET /v1/hea", b"\r\n"])
def test_nor_may_a_later_head_take_for_ever(hasty: Store, sent: bytes) -> None:
    with hasty.connect() as connection:
        connection.sendall(HEALTH + b"\r\n" + sent)
        assert everything(connection).count(b"HTTP/1.1 200 OK") == 1


# -- how many -----------------------------------------------------------------------------------------------------


def test_an_address_has_so_many_connections_and_others_have_theirs(store: Store) -> None:
    store.listener.per_address = 3
    held = [store.connect() for _ in range(3)]
    with store.connect(tls=False) as fourth:
        assert everything(fourth) == b""
    assert store.is_well("127.0.0.2")
    for connection in held:
        connection.close()
    with httpx.Client(verify=ssl.create_default_context(cafile=store.home.ca_certificate)) as client:
        answered = 0
        while not answered:  # until the store has seen that they are gone
            try:
                answered = client.get(f"https://localhost:{store.port}{api.HEALTH}").status_code
            except httpx.TransportError:
                continue
    assert answered == 200


def test_an_address_makes_so_many_anew_however_soon_it_closes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "connections", lambda most: turns.Allowance(rate=0.001, burst=2 * most))
    with listen("127.0.0.1", 0) as listener:
        listener.per_address, listener.counts_loopback = 2, True
        listener.setblocking(False)

        def come(address: str = "127.0.0.1") -> None:
            with socket.create_connection(listener.getsockname(), source_address=(address, 0)):
                listener.accept()[0].close()

        for _ in range(4):
            come()
        with pytest.raises(BlockingIOError):  # it was closed, and no other waits
            come()
        come("127.0.0.2")


def test_and_so_do_this_machines_own_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "own_connections", lambda most: turns.Allowance(rate=0.001, burst=most))  # no refill
    with listen("127.0.0.1", 0) as listener:
        listener.local = 2
        listener.setblocking(False)

        def come(address: str) -> None:
            with socket.create_connection(listener.getsockname(), source_address=(address, 0)):
                listener.accept()[0].close()

        for address in ("127.0.0.1", "127.0.0.2"):
            come(address)
        with pytest.raises(BlockingIOError):
            come("127.0.0.3")


def test_handshakes_of_this_machine_are_three_quarters_of_its_share_at_most() -> None:
    with listen("127.0.0.1", 0) as listener:
        allowed = turns.own_connections(listener.local)
        assert allowed.burst + connections.HEAD_WITHIN * allowed.rate == 768


def hello(group: str) -> bytes:
    """What a client sends first whose key is of this group."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_ecdh_curve(group)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(coming, going).do_handshake()
    return going.read()


@pytest.mark.parametrize(("group", "answered"), [("prime256v1", b"\x16"), ("secp384r1", b""), ("secp521r1", b"")])
def test_a_handshake_costs_what_the_store_chooses(store: Store, group: str, answered: bytes) -> None:
    """It goes on, with a first byte of 22, or ends."""
    with store.connect(tls=False) as connection:
        connection.sendall(hello(group))
        assert connection.recv(1) == answered
    assert store.is_well()  # whose client offers what OpenSSL does


def test_all_together_have_so_many(store: Store) -> None:
    store.listener.in_all = 2
    with store.connect("127.0.0.2"), store.connect("127.0.0.3"), store.connect("127.0.0.4", tls=False) as third:
        assert everything(third) == b""


def test_this_machines_own_and_the_others_take_nothing_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "is_loopback", lambda who: who != "127.0.0.9")  # as another machine
    monkeypatch.setattr(turns, "own_connections", lambda _: turns.Allowance(rate=1000, burst=1000))  # unbounded
    with listen("127.0.0.1", 0) as listener, ExitStack() as held:
        listener.in_all, listener.local = 1, 2
        listener.setblocking(False)

        def comes(address: str) -> bool:
            held.enter_context(socket.create_connection(listener.getsockname(), source_address=(address, 0)))
            try:
                held.enter_context(listener.accept()[0])
            except BlockingIOError:  # it was closed, and no other waits
                return False
            return True

        assert [comes(address) for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4")] == [True, True, False]
        assert [comes("127.0.0.9"), comes("127.0.0.9")] == [True, False]
        held.pop_all().close()
        assert [comes("127.0.0.9"), comes("127.0.0.9"), comes("127.0.0.4")] == [True, False, True]


@pytest.mark.parametrize(("per_address", "local"), [(5, 1024), (512, 1024), (5000, 8192)])
def test_a_proxy_on_this_machine_has_more_where_an_address_has(per_address: int, local: int) -> None:
    with listen("127.0.0.1", 0) as listener:
        listener.allow(per_address)
        assert (listener.local, listener.in_all) == (local, connections.IN_ALL - local)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
    ],
)
def test_who_counts_as_one(address: str, network: str) -> None:
    assert connections.network(address) == network
