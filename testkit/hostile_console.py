"""A proxy between a browser and the console: it passes everything on, and changes what a test says.

The player takes it for the console. So a test sees all that a page sends, and acts as the console's owner.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from store.server.web_server import listen, make_server

Change = Callable[[str, dict[str, Any], dict[str, Any]], dict[str, Any]]
"""(path, what was asked, what the console answered) -> what the browser gets."""


class _Cut(Response):
    """Fewer bytes than it says, and then the end, as of a server that is killed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})


@dataclass
class HostileConsole:
    """`origin`: the player's, as the console knows it. `seen`: (path, body) of each request, `given`: each answer.
    `withholds`: a verb of the custodian's that is not passed on; `keeps`: one that is once `goes_on` is set. `busy`:
    nothing of a recording is answered. `late`: of a path and its query, what its answer waits for. `cuts`: so many
    answers with chunks end in their middle.
    """

    console: str
    origin: str
    address: str = ""
    change: Change | None = None
    withholds: str = ""
    keeps: str = ""
    goes_on: threading.Event = field(default_factory=threading.Event)
    busy: bool = False
    late: Callable[[str], threading.Event | None] | None = None
    cuts: int = 0
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    given: list[tuple[str, bytes]] = field(default_factory=list)

    async def pass_on(self, request: Request) -> Response:
        path, body = request.url.path, await request.body()
        allowed = {
            "Access-Control-Allow-Origin": request.headers.get("Origin", "null"), "Vary": "Origin",
            "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "86400",  # as the console itself: a page that goes cannot wait for an answer
        }  # fmt: skip
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allowed)
        self.seen.append((f"{path}?{request.url.query}", body))
        verb = json.loads(body or b"{}").get("do")
        if (self.withholds and verb == self.withholds) or (self.busy and "/player/" in path):
            return Response(b'{"error": "no-custodian"}', 503, headers=allowed | {"Content-Type": "application/json"})
        if self.keeps and verb == self.keeps:
            assert await asyncio.to_thread(self.goes_on.wait, 120)
        where = f"{path}?{request.url.query}"
        if self.late is not None and (event := self.late(where)) is not None:
            assert await asyncio.to_thread(event.wait, 120)
        kept = {name: request.headers[name] for name in ("cookie", "content-type") if name in request.headers}
        asked = f"{self.console}{path}?{request.url.query}"
        async with httpx.AsyncClient(timeout=60) as client:
            headers = kept | {"Origin": self.origin}
            try:
                answer = await client.request(request.method, asked, content=body, headers=headers)
            except httpx.TransportError:  # as a proxy says that nothing is behind it
                return Response(status_code=502, headers=allowed)
        if self.cuts and "/player/chunks/" in path:
            self.cuts -= 1
            length = {"Content-Length": str(len(answer.content)), "Connection": "close"}
            return _Cut(answer.content[: len(answer.content) // 2], headers=allowed | length)
        content = answer.content
        kind = answer.headers.get("Content-Type", "")
        if self.change is not None and kind.startswith("application/json"):
            content = json.dumps(self.change(path, json.loads(body or b"{}"), answer.json())).encode()
        self.given.append((path, content))
        status = answer.status_code
        if content != answer.content:  # the change says what it is
            failed = status if status >= 400 else 503
            status = failed if b'"error"' in content else 200
        return Response(content, status, headers=allowed | {"Content-Type": kind})


@contextmanager
def between(console: str, origin: str, port: int) -> Iterator[HostileConsole]:
    """Serves on this port of localhost."""
    made = HostileConsole(console, origin, f"http://localhost:{port}")
    app = Starlette(routes=[Route("/{path:path}", made.pass_on, methods=["GET", "POST", "OPTIONS"])])
    server = make_server(app, None)
    with listen("127.0.0.1", port) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield made
        finally:
            server.should_exit = True
            thread.join()
