"""The player on this machine alone: its page, one recording and its keys, under an unguessable address."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.player.handover import Handover
from review.player.source import Source, routes
from store.errors import StoreError

HERE: Final = "127.0.0.1"
PAGE: Final = Path(__file__).with_name("page")
SUMS: Final = "SHA256SUMS"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; media-src blob:; "
    "connect-src 'self'; require-trusted-types-for 'script'; trusted-types eyelid; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_PROOF: Final = 32  # bytes


def page_files(folder: Path = PAGE) -> dict[str, bytes]:
    """Name -> content, as the list of hashes has them. Raises StoreError where one is another."""
    files = {}
    try:
        for line in (folder / SUMS).read_text("ascii").splitlines():
            sha256, _, name = line.partition("  ")
            files[name] = (folder / name).read_bytes()
            if hashlib.sha256(files[name]).hexdigest() != sha256:
                raise StoreError(f"{folder / name} is not the file that was installed: install Eyelid anew")
    except OSError as error:
        raise StoreError(f"{error.filename} cannot be read: install Eyelid anew") from None
    return files


class Loopback:
    """`app` answers at `path`, and nothing else anywhere else."""

    def __init__(self, source: Source, handover: Handover, files: Mapping[str, bytes]) -> None:
        self.path = f"/{secrets.token_urlsafe(16)}/"
        self._handover = handover
        self._files = files
        inside = [
            *routes(lambda _: source), Route("/keys", self._keys, methods=["POST"]),
            Route("/", self._file), Route("/{name}", self._file),
        ]  # fmt: skip
        self.app = Starlette(routes=[Mount(self.path[:-1], routes=inside)], middleware=[Middleware(_Guard)])

    def address(self, served: str) -> str:
        """Of the page with its secret. `served`: scheme, host and port."""
        return f"{served}{self.path}#{self._handover.secret}"

    def _file(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            return PlainTextResponse("", 404)
        kind = _TYPES.get(Path(name).suffix, "text/plain")
        return Response(self._files[name], media_type=kind)

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
                said |= {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
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
