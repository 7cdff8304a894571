"""What a connection may cost before it is its turn, and after: bytes, seconds, and how many at once.

A body stays in buffers of a fixed size until the application asks for it: `PER_ADDRESS` of them are some 60 MB. An
answer goes out in pieces, the next once the client has taken most of the last: a client that takes none of it costs
`_HELD` and the answer itself, of which an address may have `MOST_KEPT`. An object that many connections answer with
counts once: so is a bundle given out (store/server/bundles.py).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from asyncio import constants, sslproto
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import Any, Final, NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from protocol.claims import MAX_INTEGER
from protocol.numbers import read_number
from protocol.system import ON_WINDOWS
from store.server import turns
from store.server.turns import Turns

MAX_HEAD: Final = 32 * 2**10  # bytes of a request besides its body; an agent's have one
HEAD_WITHIN: Final = 10.0  # seconds for the TLS handshake, and again for each head
TAKEN_WITHIN: Final = 20.0  # seconds in which a client must take a piece of its answer
_PIECE: Final = 32 * 2**10  # bytes of an answer that are given to the connection at once
_UNTAKEN: Final = 32 * 2**10  # bytes that wait for the client before the application does; it goes on at half of them
_HELD: Final = 72 * 2**10  # bytes that wait for it at most: up to _UNTAKEN, a piece, a head, and the records' share
MOST_UNTAKEN: Final = 2**26 // _HELD  # connections of one address that wait, and half of all that do: 64 and 128 MB
MOST_KEPT: Final = 2**26  # bytes of answers on their way to one address, and half of those to all
PER_ADDRESS: Final = 512  # connections
IN_ALL: Final = 16_384
_LOCAL_SHARE: Final = 2  # addresses' worth that this machine's own have together: 1,024, so that 256 MB hold them
DRAINED: Final = 2**20  # bytes of a body that is refused: an honest one's connection is kept, and its answer heard
AHEAD: Final = 8  # requests that wait behind the one under way; agents send none
# TLS records beyond those that content and heads account for. A reader's 64 KB come in 54 of Go's, the smallest that a
# client makes of much; the store's time for 128 is that of a handshake.
RECORDS: Final = 128
_CONTENT_EACH: Final = 1024  # bytes of content that account for one; agents have 16 KB in each
_HEAD_EACH: Final = 8  # records that a head accounts for, however short it is
_TURNS: Final = 8  # of the loop until what was accepted is a connection, or what was aborted is closed: asyncio has 3
_SLICE: Final = 16 * 2**10
_READ: Final = 32 * 2**10  # bytes read at once, and kept undecrypted. asyncio has 256 KB
_AT_ONCE: Final = 64  # refused before other work has its turn
_RECORD_HEADER: Final = 5  # bytes: type, version, length
LOCAL: Final = "this machine"

_OVERSIZED: Final = b"431 Request Header Fields Too Large"
_NO_LENGTH: Final = b"411 Length Required"
_TOO_MANY: Final = b"400 Bad Request"


class _Unfit(Exception):
    """The parser stops at it, and uvicorn answers."""


class Connection(HttpToolsProtocol):
    """uvicorn's, and what it leaves out: it bounds no head, nor the time that one takes, nor what follows it."""

    records_left = float(RECORDS)
    _taking: asyncio.TimerHandle | None = None  # runs while the application waits for the client
    _ending = False  # the server is stopping

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.max_size = _READ  # type: ignore[attr-defined] # without TLS: of asyncio's transport, for one recv
        transport.set_write_buffer_limits(_UNTAKEN, _UNTAKEN // 2)
        self._in_body = self._keeps = False
        self._unfit: bytes | None = None  # the status of the answer that ends it
        self._announced: int | None = 0  # bytes of the present body; no number is none that is small
        self._head = 0  # bytes of the present one, as far as they were parsed
        self._unparsed = 0  # bytes since the parser last gave anything out
        self._deadline: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None
        # Of each host, its connections for which `_taking` runs; one count for each server.
        self._waiting: Counter[str] = vars(self.server_state).setdefault("waiting", Counter())
        # Host and `id` of each answer of more than a piece: how many connections have it, and its size.
        self._kept: dict[tuple[str, int], tuple[int, int]] = vars(self.server_state).setdefault("kept", {})
        self._expect_head()
        if getattr(self.server_state, "ending", False):
            self._cut_off()  # accepted before the end began: uvicorn has shut those that it knew

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._taken()
        if self._answered is not None:
            self._answered.disconnected = True  # uvicorn tells the last request alone, which may wait behind this one
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, partial(self._answer, cycle, app))

    async def _answer(self, cycle: RequestResponseCycle, app: Any, scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, partial(self._in_pieces, send))
        except asyncio.CancelledError:
            # The server's time to end is over. uvicorn would log a fault and answer it, and wait until that is taken.
            cycle.disconnected = True
            self.transport.abort()

    async def _in_pieces(self, send: Any, message: Any) -> None:
        """uvicorn waits before each message until the client has taken enough of those before it."""
        body = message.get("body", b"")
        if len(body) <= _PIECE:
            await send(message)
            return
        with self._keeping(body):
            whole = memoryview(body)
            for at in range(0, len(body), _PIECE):
                more = at + _PIECE < len(body) or message.get("more_body", False)
                await send(message | {"body": whole[at : at + _PIECE], "more_body": more})

    @contextmanager
    def _keeping(self, body: bytes) -> Iterator[None]:
        key, size = (self.host, id(body)), len(body)
        self._kept[key] = (self._kept.get(key, (0, size))[0] + 1, size)
        own = sum(size for (host, _), (_, size) in self._kept.items() if host == self.host)
        if own > MOST_KEPT or sum({of: size for (_, of), (_, size) in self._kept.items()}.values()) > 2 * MOST_KEPT:
            self._cut_off()
        try:
            yield
        finally:
            times, _ = self._kept.pop(key)
            if times > 1:
                self._kept[key] = (times - 1, size)

    # -- the time that it takes -----------------------------------------------------------------------------------

    def _expect_head(self) -> None:
        if self._deadline is None:
            # Without a farewell: over TLS that would wait for the other side's.
            self._deadline = self.loop.call_later(HEAD_WITHIN, self.transport.abort)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._taking is not None:
            return
        self._taking = self.loop.call_later(TAKEN_WITHIN, self._cut_off)
        self._waiting[self.host] += 1
        most = self._waiting[self.host] > MOST_UNTAKEN or self._waiting.total() > 2 * MOST_UNTAKEN
        if most or self._ending:
            self._cut_off()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def _cut_off(self) -> None:
        # Later: asyncio's transports may be in the middle of a write, and would end a second time after it.
        self.loop.call_soon(self.transport.abort)

    @property
    def host(self) -> str:
        return host_of(self.client)

    def _taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
            self._waiting[self.host] -= 1
            if not self._waiting[self.host]:
                del self._waiting[self.host]

    # -- the bytes that it takes ----------------------------------------------------------------------------------

    def _account_for(self, records: float) -> None:
        self.records_left = min(self.records_left + records, RECORDS)

    def data_received(self, data: bytes) -> None:
        self._account_for(len(data) / _CONTENT_EACH)
        place = 0
        while place < len(data) and not self.transport.is_closing():
            part = data if self._in_body and not place else data[place : place + _SLICE]
            place += len(part)
            self._unparsed += len(part)
            super().data_received(part)
            if self._unparsed > MAX_HEAD and not self.transport.is_closing():
                self._unfit = _OVERSIZED
                self.send_400_response("")
        if self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()  # uvicorn stops its own clock at the first byte, and that may be a line feed

    def _refuse(self, status: bytes) -> NoReturn:
        self._unfit = status
        raise _Unfit

    def send_400_response(self, msg: str) -> None:
        if self._unfit is None:
            super().send_400_response(msg)
            return
        self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % self._unfit)
        self.transport.close()

    def _take(self, size: int) -> None:
        self._head += size
        self._unparsed = 0
        if self._head > MAX_HEAD:
            self._refuse(_OVERSIZED)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= AHEAD:
            self._refuse(_TOO_MANY)
        self._head = self._unparsed = self._announced = 0
        self._expect_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._take(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._take(len(name) + len(value) + 4)
        match name.lower():
            case b"content-length":
                self._announced = read_number(value.decode("latin-1"), MAX_INTEGER)
            case b"transfer-encoding":
                # In HTTP's own chunks each byte may be one, and costs what a head does. No agent sends them.
                self._refuse(_NO_LENGTH)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_body, self._unparsed = True, 0
        self._account_for(_HEAD_EACH)
        self._head_came()
        super().on_headers_complete()
        self.flow.pause_reading()  # until the application asks for the body, or has answered
        self._keeps = self.cycle.keep_alive
        if self._announced is None or self._announced > DRAINED:
            self.cycle.keep_alive = False  # an answer that comes before its end closes

    def shutdown(self) -> None:
        self._keeps, self._ending = False, True
        if self._taking is None:
            super().shutdown()
        else:
            self._cut_off()  # stopping would wait for a client that reads nothing

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body, self._unparsed = False, 0
        self.cycle.keep_alive = self._keeps
        super().on_message_complete()


# -- what is no HTTP --------------------------------------------------------------------------------------------------


class _Tls(sslproto.SSLProtocol):
    """asyncio's, which ends no connection for what it sends beside content: key updates, empty records, alerts.

    Nothing of that reaches `Connection`, and a key update of 27 bytes costs 17 us. What a record is shows only once it
    was decrypted; how many there are, before.
    """

    _transport: asyncio.WriteTransport | None  # asyncio's own: the socket's
    _begun = b""  # of a record's header
    _beyond = 0  # bytes of a record that are still to come

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # it has no other
        _of_loop(self._loop).add(transport)
        # Half of the application's: what waits above it then waits here, and its going on is the application's.
        transport.set_write_buffer_limits(_UNTAKEN // 2)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._transport is not None:
            _of_loop(self._loop).discard(self._transport)
        super().connection_lost(exc)

    def _get_write_buffer_size(self) -> int:
        """asyncio leaves out what the socket's transport holds, and lets the application fill both."""
        below = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return int(super()._get_write_buffer_size()) + below  # type: ignore[misc] # not in the stubs

    def resume_writing(self) -> None:
        # Later: the socket's transport is in the middle of a write, and would end a second time after it.
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._transport is not None:
            super().resume_writing()

    def buffer_updated(self, nbytes: int) -> None:
        connection = self._app_protocol
        if isinstance(connection, Connection):
            data = self._begun + self.get_buffer(nbytes)[:nbytes]
            place = self._beyond
            while place + _RECORD_HEADER <= len(data) and connection.records_left >= 0:
                place += _RECORD_HEADER + int.from_bytes(data[place + 3 : place + _RECORD_HEADER], "big")
                connection.records_left -= 1
            if connection.records_left < 0:
                self._fatal_error(ConnectionAbortedError("too many records without content"))
                return
            self._begun, self._beyond = data[place:], max(0, place - len(data))
        super().buffer_updated(nbytes)


def _of_loop(loop: asyncio.AbstractEventLoop) -> set[asyncio.WriteTransport]:
    """Its open connections with TLS, those in their handshake too, of which uvicorn knows nothing."""
    found: set[asyncio.WriteTransport] = vars(loop).setdefault("with_tls", set())
    return found


# -- the end ----------------------------------------------------------------------------------------------------------


class Server(uvicorn.Server):
    """uvicorn's, which at its end leaves open what it does not know, and what its time of grace was too short for."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        vars(self.server_state)["ending"] = True
        for listener in sockets or ():
            if isinstance(listener, Listener):
                listener.in_all = listener.local = 0
        await _turns()  # what was accepted gets its transport, which asyncio makes for no server that is closed
        await super().shutdown(sockets)
        for connection in self.server_state.connections:
            connection.transport.abort()
        for transport in _of_loop(asyncio.get_running_loop()):
            transport.abort()
        await _turns()


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


# -- how many ---------------------------------------------------------------------------------------------------------


def local_share(per_address: int) -> int:
    """Connections of this machine's own addresses together."""
    return min(_LOCAL_SHARE * max(per_address, PER_ADDRESS), IN_ALL // 2)


class Listener(socket.socket):
    """Accepts as many connections as may be open at once, and closes the others before they cost anything.

    `per_address`: of one IPv4 address or IPv6 network of 64 bits. `in_all`: of all other machines. `local`: of this
    machine's own addresses together, as a proxy may stand there; none of it is the others'. New ones have a rate.
    """

    counts_loopback = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._open: Counter[str] = Counter()
        self._turns = Turns()
        self._total = 0
        self.allow(PER_ADDRESS)

    def allow(self, per_address: int) -> None:
        """So many of one address. All of them stay `IN_ALL`, of which at most half are this machine's own."""
        self.per_address = per_address
        self.local = local_share(per_address)
        self.in_all = IN_ALL - self.local

    def accept(self) -> tuple[socket.socket, Any]:
        for _ in range(_AT_ONCE):
            connection, address = super().accept()
            who = self._counted_as(address[0])
            if self._may_come(who):
                self._total += 1
                self._open[who] += 1
                return _Counted(self, who, connection), address
            connection.close()
        raise BlockingIOError

    def _counted_as(self, address: str) -> str:
        who = network(address)
        return LOCAL if is_loopback(who) and not self.counts_loopback else who

    def _may_come(self, who: str) -> bool:
        local = self._open[LOCAL]
        if who == LOCAL:
            return local < self.local and self._turns.is_free(who, turns.own_connections(self.local))
        if self._total - local >= self.in_all or self._open[who] >= self.per_address:
            return False
        return self._turns.is_free(who, turns.connections(self.per_address))

    def left(self, who: str) -> None:
        self._total -= 1
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]


class _Counted(socket.socket):
    def __init__(self, listener: Listener, who: str, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._listener: Listener | None = listener
        self._who = who

    def close(self) -> None:
        super().close()
        if self._listener is not None:
            self._listener.left(self._who)
            self._listener = None


def host_of(client: Sequence[Any] | None) -> str:
    """`network` of a peer's address; one name for all addresses of this machine, and for its sockets that have none."""
    address = client[0] if client else ""
    return network(address) if address and not _is_own(address) else LOCAL


@lru_cache(maxsize=4096)
def _is_own(address: str) -> bool:
    """Loopback, or one that this machine's other interfaces have: from there alone the way to it begins at itself."""
    if is_loopback(network(address)) or address.startswith("fe80:"):  # whose link is not said, and few PCs come by it
        return True
    (found, *_) = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    with suppress(OSError), socket.socket(*found[:3]) as probe:
        probe.connect(found[4])  # sends nothing
        return bool(probe.getsockname()[0] == address)
    return False


def is_loopback(who: str) -> bool:
    """Of an address, or of what `network` makes of one."""
    return ipaddress.ip_network(who.partition("%")[0]).is_loopback


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """What is counted as one: an IPv4 address, or an IPv6 network of 64 bits."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.is_loopback:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


# -- the loop ---------------------------------------------------------------------------------------------------------


class _Loop(asyncio.SelectorEventLoop):
    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.Server:
        if named.get("ssl") is not None:
            named["ssl_handshake_timeout"] = HEAD_WITHIN
        return await super().create_server(*arguments, **named)


def event_loop() -> asyncio.AbstractEventLoop:
    """For uvicorn, which has no setting for the time that a handshake may take: asyncio gives it a minute.

    Nor has asyncio one for its buffers of TLS, that each connection has. On Windows, whose own loop accepts in another
    way, that minute and no bound on their number are what there is.
    """
    _Tls.max_size = _READ
    sslproto.SSLProtocol = _Tls  # type: ignore[misc] # it has no setting for it
    constants.FLOW_CONTROL_HIGH_WATER_SSL_READ = _READ // 2**10  # type: ignore[misc] # Final in the stubs alone
    return asyncio.new_event_loop() if ON_WINDOWS else _Loop()
