"""The player on this machine alone: its page, one recording and its keys, under an unguessable address."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.player.files import answer, headers, served
from review.player.handover import HandsOver
from review.player.source import Answers, routes

HERE: Final = "127.0.0.1"
_PROOF: Final = 32  # bytes
_HEADERS: Final = headers()


class Loopback:
    """`app` answers at `path`, and nothing else anywhere else."""

    def __init__(self, source: Answers, handover: HandsOver, files: Mapping[str, bytes]) -> None:
        self.path = f"/{secrets.token_urlsafe(16)}/"
        self._handover = handover
        self._files = served(files)
        inside = [
            *routes(lambda _: source), Route("/keys", self._keys, methods=["POST"]),
            Route("/", self._file), Route("/{name}", self._file),
        ]  # fmt: skip
        self.app = Starlette(routes=[Mount(self.path[:-1], routes=inside)], middleware=[Middleware(_Guard)])

    def address(self, served: str) -> str:
        """Of the page with its secret. `served`: scheme, host and port."""
        return f"{served}{self.path}#{self._handover.secret}"

    async def _file(self, request: Request) -> Response:
        return answer(self._files, request.path_params.get("name", ""))

    async def _keys(self, request: Request) -> Response:
        proof = b""
        async for piece in request.stream():
            proof += piece
            if len(proof) > _PROOF:
                break
        given = self._handover.take(proof)
        if not given:
            return PlainTextResponse("", 403 if given is None else 410)
        return Response(given, media_type="application/json")


class _Guard:
    """Who came by another name of this machine (a page elsewhere whose name leads here) or from another page is
    refused; every answer has the headers that keep the page to itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        host, port = scope["server"]
        here = f"{host}:{port}"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower(): value for name, value in message["headers"]}
                said |= {name.lower().encode(): value.encode() for name, value in _HEADERS.items()}
                message = {**message, "headers": list(said.items())}
            await send(message)

        elsewhere = request.headers.get("host") != here or request.headers.get("origin", f"http://{here}") != (
            f"http://{here}"
        )
        foreign = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        # To the page itself a link may lead from anywhere, as from the file that `--open` writes.
        if elsewhere or (foreign and request.headers.get("sec-fetch-mode") != "navigate"):
            await PlainTextResponse("", 403)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)
