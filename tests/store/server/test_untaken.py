"""What a client can do to the store by not taking its answers, while it serves and when it ends."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import pytest
import uvicorn

from store.admin.home import Home
from store.server import connections
from store.server.app import create_app
from store.server.connections import Connection
from store.server.services import Services
from store.server.web_server import make_server
from testkit import waits
from tests.store.server.test_connections import HEALTH, Store, everything, running

MUCH = 2**24  # bytes: more than the buffers of both sides take


@dataclass
class Untaken:
    """A client of which the store waits that it takes its answer. `failed`: what ended badly in the application."""

    store: Store
    client: socket.socket
    known: set[Connection]
    failed: list[str]
    server: uvicorn.Server


@contextmanager
def untaken(home: Home, times: int = 1, tls: bool = True, shared: bool = True, **settings: Any) -> Iterator[Untaken]:
    """The client asks so many times, and is there until the store has ended."""
    failed: list[str] = []
    body = bytes(MUCH)

    async def app(scope: object, receive: object, send: Any) -> None:  # noqa: ARG001 - the shape of ASGI
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % MUCH)]})
            await send({"type": "http.response.body", "body": body if shared else bytes(MUCH)})
        except Exception as error:
            failed.append(repr(error))
            raise

    server = make_server(app, home.tls if tls else None)
    vars(server.config).update(settings)
    known = known_to(server)
    with ExitStack() as client_after_store, running(home, server) as store:
        client = client_after_store.enter_context(store.connect(tls=tls))
        client.sendall((HEALTH + b"\r\n") * (times - 1) + HEALTH + b"Connection: close\r\n\r\n")
        waits.until(lambda: any(one._taking for one in known), "the store waits for its client")
        yield Untaken(store, client, known, failed, server)


def coming(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Every connection that the server has taken, also when it is cut off again."""
    came: list[Connection] = []
    made = Connection.connection_made

    def connection_made(self: Connection, transport: Any) -> None:
        made(self, transport)
        came.append(self)

    monkeypatch.setattr(Connection, "connection_made", connection_made)  # the server forgets those it cut off
    return came


@pytest.mark.parametrize("times", [1, 4])
def test_who_takes_no_answer_is_cut_off(home: Home, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    monkeypatch.setattr(connections, "TAKEN_WITHIN", 0.2)  # the real one is twenty
    with untaken(home, times) as one, one.client:
        waits.until(lambda: not one.known, "it is cut off")
        assert len(everything(one.client)) < MUCH
    assert one.failed == []


def test_who_takes_it_late_gets_it_all(home: Home) -> None:
    with untaken(home) as one, one.client:
        assert len(everything(one.client)) > MUCH


def test_who_takes_some_of_it_has_as_long_again(home: Home) -> None:
    with untaken(home) as one, one.client:
        (connection,) = one.known
        before = connection._taking
        while connection._taking is before:
            assert one.client.recv(2**16)
        assert before is not None
        assert before.cancelled()
        assert everything(one.client)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("times", [1, 4])
def test_an_answer_that_is_not_taken_costs_a_piece_of_it(home: Home, times: int, tls: bool) -> None:
    """Wherever it waits, and also the answers after it: they share the object that the application made."""
    with untaken(home, times, tls) as one, one.client:
        (connection,) = one.known
        assert held(connection) <= connections._HELD
        took = 0
        while took < (times - 1) * MUCH:
            took += len(one.client.recv(2**16))
            assert held(connection) <= connections._HELD
        assert took + len(everything(one.client)) > times * MUCH


def held(connection: Connection) -> int:
    """Bytes in the buffers of its transports, between two steps of its loop."""
    found: Future[int] = Future()
    connection.loop.call_soon_threadsafe(lambda: found.set_result(_held(connection)))
    return found.result()


def _held(connection: Connection) -> int:
    tls = getattr(connection.transport, "_ssl_protocol", None)
    if tls is None:
        return connection.transport.get_write_buffer_size()
    below = tls._transport
    return int(tls._outgoing.pending + tls._write_buffer_size) + (below.get_write_buffer_size() if below else 0)


def test_waiting_connections_of_an_address_have_a_bound(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "MOST_UNTAKEN", 1)  # the real one is 910
    came = coming(monkeypatch)
    with untaken(home) as one, one.client, one.store.connect() as other:
        other.sendall(HEALTH + b"Connection: close\r\n\r\n")
        waits.until(lambda: len(came) == 2 and len(one.known) == 1, "the one above it is cut off")
        assert len(everything(other)) < MUCH
        assert len(everything(one.client)) > MUCH
        one.client.close()  # or the store waits half a minute for its farewell
        waits.until(lambda: not one.known, "its answer is taken")
    assert caplog.messages == []


@pytest.mark.parametrize("shared", [True, False])
def test_answers_that_are_kept_have_a_bound_and_one_that_many_have_counts_once(
    home: Home, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    monkeypatch.setattr(connections, "MOST_KEPT", MUCH + MUCH // 2)  # the real one is 64 MB
    came = coming(monkeypatch)
    with untaken(home, shared=shared) as one, one.client, one.store.connect() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**18)  # or the system may take all of it
        other.sendall(HEALTH + b"Connection: close\r\n\r\n")
        waits.until(lambda: len(came) == 2 and len(one.known) == 2 - (not shared), "it has its answer, or was cut off")
        assert (len(everything(other)) > MUCH) == shared
        assert len(everything(one.client)) > MUCH
        one.client.close()  # or the store waits half a minute for its farewell
        other.close()
        waits.until(lambda: not one.known, "all is taken")
        kept: dict[Any, Any] = vars(one.server.server_state)["kept"]
        assert kept == {}


def test_a_client_that_is_cut_off_while_it_reads_leaves_no_trace_in_the_log(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its socket's transport is then in the middle of a write, and ended a second time after it."""
    with untaken(home) as one, one.client:
        monkeypatch.setattr(connections, "MOST_UNTAKEN", 0)  # the next time that it waits
        (connection,) = one.known
        before = connection._taking
        with suppress(OSError):  # it may be cut off meanwhile
            while connection._taking is before and one.client.recv(2**16):
                pass
        waits.until(lambda: not one.known, "it is cut off")
        assert len(everything(one.client)) < MUCH
    assert caplog.messages == []


# -- the end ----------------------------------------------------------------------------------------------------------


def test_who_takes_none_keeps_no_store_from_ending(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TAKEN_WITHIN", 1e6)  # so that it is the end which cuts it off
    with untaken(home, timeout_graceful_shutdown=None):
        pass


def test_a_client_that_stops_reading_at_shutdown_leaves_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does whose request waited for its turn when the end began."""
    monkeypatch.setattr(connections, "TAKEN_WITHIN", 1e6)  # so that it is the end which cuts it off
    ending = threading.Event()

    async def app(scope: object, receive: object, send: Any) -> None:  # noqa: ARG001 - the shape of ASGI
        await asyncio.get_running_loop().run_in_executor(None, ending.wait)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % MUCH)]})
        await send({"type": "http.response.body", "body": bytes(MUCH)})

    server = make_server(app, home.tls)
    server.config.timeout_graceful_shutdown = None
    with ExitStack() as client_after_store, running(home, server) as store:
        client = client_after_store.enter_context(store.connect())
        client.sendall(HEALTH + b"\r\n")
        waits.until(lambda: bool(server.server_state.tasks), "it is asked")
        server.should_exit = True
        waits.until(lambda: all(one._ending for one in known_to(server)), "the end has begun")
        ending.set()


def known_to(server: uvicorn.Server) -> set[Connection]:
    return cast("set[Connection]", server.server_state.connections)


@pytest.mark.parametrize("started", [False, True])
def test_a_request_that_is_not_answered_in_time_is_cut_off_at_the_end(
    home: Home, caplog: pytest.LogCaptureFixture, started: bool
) -> None:
    """uvicorn answers it 500, and waits until that is taken; it logs a fault."""
    server: uvicorn.Server

    async def app(scope: object, receive: object, send: Any) -> None:  # noqa: ARG001 - the shape of ASGI
        (one,) = known_to(server)
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        one.flow.pause_writing()  # as for a client that takes nothing, but one that no clock cuts off
        await asyncio.Event().wait()

    server = make_server(app, home.tls)
    server.config.timeout_graceful_shutdown = 0
    with ExitStack() as client_after_store, running(home, server) as store:
        client = client_after_store.enter_context(store.connect())
        client.sendall(HEALTH + b"\r\n")
        waits.until(lambda: any(one.flow.write_paused for one in known_to(server)), "it waits")
    assert [message for message in caplog.messages if "Cancel" not in message] == []
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("sent", [b"", HEALTH, HEALTH + b"\r\n"], ids=["nothing", "half a head", "a request"])
@pytest.mark.parametrize("turns", range(7))  # of the loop between coming and the end
def test_who_comes_as_the_store_ends_is_closed_with_it(
    home: Home, services: Services, monkeypatch: pytest.MonkeyPatch, tls: bool, sent: bytes, turns: int
) -> None:
    """It was accepted, and no protocol knew of it yet: it stayed open through the time of grace, and after it."""
    kept: list[socket.socket] = []
    accepted = connections._Counted.__init__

    def counted(self: connections._Counted, *given: Any) -> None:
        accepted(self, *given)
        kept.append(self)

    monkeypatch.setattr(connections._Counted, "__init__", counted)
    server = make_server(create_app(services), home.tls if tls else None)
    server.config.timeout_graceful_shutdown = None
    ends = server.shutdown
    with ExitStack() as clients:

        async def shutdown(sockets: list[socket.socket]) -> None:
            for _ in range(8):
                client = clients.enter_context(socket.create_connection(sockets[0].getsockname()))
                client.sendall(sent)  # over TLS that is no handshake, and half of one where it is nothing
            for _ in range(turns):
                await asyncio.sleep(0)
            await ends(sockets)

        server.shutdown = shutdown  # type: ignore[method-assign, assignment]
        with running(home, server):
            server.should_exit = True
        assert [one.fileno() for one in kept if one.fileno() != -1] == []


def test_of_a_connection_that_went_nothing_is_remembered(home: Home, services: Services) -> None:
    """In whatever way it went: the store runs for years."""
    server = make_server(create_app(services), home.tls)
    loops: list[asyncio.AbstractEventLoop] = []
    startup = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        loops.append(asyncio.get_running_loop())
        await startup(sockets)

    server.startup = started  # type: ignore[method-assign]
    with running(home, server) as store:
        for _ in range(20):
            for sent in (b"", b"x", b"\x16\x03\x01\x02\x00\x01", HEALTH + b"\r\n"):
                with store.connect(tls=False) as plain:
                    plain.sendall(sent)
            with store.connect() as whole:
                whole.sendall(HEALTH + b"Connection: close\r\n\r\n")
                assert b"200 OK" in everything(whole)
            with store.connect() as cut:
                cut.sendall(HEALTH)
        waits.until(lambda: not connections._of_loop(loops[0]), "all are forgotten")
