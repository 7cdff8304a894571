"""A bad line to a real store: it is slow, breaks off in mid-body, swallows answers, falls silent, or answers itself.

It ends TLS with the store's own certificate, so that a fault can be aimed at a chunk, and passes everything else on, as
it comes, to the store that is really there. Agent and store see what a bad network or a bad proxy does to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from protocol.envelope import KEY_PACKET_STREAM
from testkit.fleet import Store

PIECE: Final = 4096  # bytes passed on at a time; a slow line's granularity
BUFFER: Final = 16 * 2**10  # bytes that the line itself holds: the rest must wait at the agent
NO_LINGER: Final = struct.pack("ii", 1, 0)  # closing then sends a reset


@dataclass(frozen=True)
class Says:
    """The line answers instead of the store, which never hears of it. Where that is no HTTP the connection breaks."""

    answer: bytes
    name: str

    @classmethod
    def http(cls, status: int, body: bytes, *headers: str) -> Says:
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}", *headers, "", ""]
        return cls("\r\n".join(head).encode("ascii") + body, str(status))


@dataclass(frozen=True)
class EatAnswer:
    """The store has taken it and said so; the connection breaks before the agent hears it."""


@dataclass(frozen=True)
class ResetAt:
    """The connection is reset on both sides after this share of the body."""

    share: float


@dataclass(frozen=True)
class BlackHole:
    """Nothing passes any more, in no direction, on any connection, until `Line.lift`; connections stay open."""


Fault = Says | EatAnswer | ResetAt | BlackHole


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    head: bytes
    length: int

    @property
    def is_chunk(self) -> bool:
        parts = self.path.split("/")
        return self.method == "PUT" and "recordings" in parts and parts[-2] != str(KEY_PACKET_STREAM)


class _Broken(Exception):
    """The connection is over, as a fault or an end wants it."""


@dataclass
class Line:
    """Use as a context manager. `rate`: bytes a second towards the store, over all connections; None is no limit."""

    store: Store
    rate: float | None = None
    happened: Counter[type[Fault]] = field(default_factory=Counter)
    squeezed: int = 0  # bytes that went while there was a limit
    hung_up: int = 0  # connections that the recorder left while the line was silent
    address: str = ""
    _armed: list[tuple[Fault, Callable[[Request], bool]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        where = urlsplit(self.store.address)
        self._to = (str(where.hostname), int(where.port or 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line")
        self._free_at = 0.0
        self._silent = False
        self._speaks = asyncio.Event()

    def __enter__(self) -> Line:
        self._thread.start()
        self.address = self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- what a case does with it ---------------------------------------------------------------------------------

    def arm(self, fault: Fault, fits: Callable[[Request], bool] = lambda one: one.is_chunk) -> None:
        """Do this to the next request that fits, by default to a chunk."""
        self._armed.append((fault, fits))

    def lift(self) -> None:
        """End every fault that lasts, and forget what was armed and has not happened."""

        async def lift() -> None:
            self._armed.clear()
            self._silent = False
            self.rate = None
            self.hung_up = 0
            self._speaks.set()

        self._do(lift())

    # -- the loop -------------------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> str:
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls = self.store.home / "tls"
        shown.load_cert_chain(tls / "server.crt", tls / "server.key")
        self._trusted = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        listener = socket.create_server(("127.0.0.1", 0))
        # Before anybody connects: what the line cannot hold must wait in the agent, as behind a real narrow line.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._server = await asyncio.start_server(self._serve, sock=listener, ssl=shown, limit=BUFFER)
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    async def _close(self) -> None:
        self._server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection(*self._to, ssl=self._trusted)
            while request := await _read_head(reader):
                await self._pass_on(request, reader, writer, answers, upstream)
        except (_Broken, OSError, EOFError, ssl.SSLError):
            pass
        finally:
            for side in (writer, upstream):
                if side is not None:
                    side.transport.abort()

    async def _pass_on(
        self,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        fault = self._due(request)
        match fault:
            case Says(answer):
                async for _ in self._body(request, reader):
                    pass
                writer.write(answer)
                await writer.drain()
                if not answer.startswith(b"HTTP/"):
                    raise _Broken
                return
            case BlackHole():
                self._silent = True
                self._speaks.clear()
        await self._while_silent(reader)
        upstream.write(request.head)
        gone = 0
        async for piece in self._body(request, reader):
            upstream.write(piece)
            await upstream.drain()
            gone += len(piece)
            if isinstance(fault, ResetAt) and gone >= fault.share * request.length:
                for side in (writer, upstream):
                    side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                raise _Broken
        status, answer = await _read_answer(answers)
        if isinstance(fault, EatAnswer):
            if status != HTTPStatus.OK:
                self.happened[type(fault)] -= 1  # nothing was committed: this is another fault
            raise _Broken
        await self._while_silent(reader)
        writer.write(answer)
        await writer.drain()

    def _due(self, request: Request) -> Fault | None:
        for armed in self._armed:
            fault, fits = armed
            if fits(request):
                self._armed.remove(armed)
                self.happened[type(fault)] += 1
                return fault
        return None

    async def _left(self, reader: asyncio.StreamReader) -> None:
        """Returns when the recorder has closed its side: what it sends until then is swallowed."""
        with contextlib.suppress(OSError, ssl.SSLError):
            while await reader.read(PIECE):
                pass

    async def _while_silent(self, reader: asyncio.StreamReader) -> None:
        if self._silent:
            speaks = asyncio.create_task(self._speaks.wait())
            leaves = asyncio.create_task(self._left(reader))
            _, rest = await asyncio.wait({speaks, leaves}, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            if leaves not in rest:
                self.hung_up += 1
            raise _Broken  # whoever sent it has long given up, or will: a line that comes back knows no old connection

    async def _body(self, request: Request, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        left = request.length
        while left:
            await self._while_silent(reader)
            piece = await reader.read(min(PIECE, left))
            if not piece:
                raise EOFError
            left -= len(piece)
            if self.rate is not None:
                self.squeezed += len(piece)
                now = self._loop.time()
                self._free_at = max(now, self._free_at) + len(piece) / self.rate
                await asyncio.sleep(self._free_at - now)
            yield piece


async def _read_head(reader: asyncio.StreamReader) -> Request | None:
    """None where the other side has ended the connection in order."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return Request(method, path, head, int(_header(head, b"content-length") or 0))


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(_header(head, b"content-length") or 0))
    return int(head.split(b" ", 2)[1]), head + body


def _header(head: bytes, name: bytes) -> bytes | None:
    for row in head.split(b"\r\n")[1:]:
        key, _, value = row.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None
