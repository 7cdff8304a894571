"""What a browser is told with every answer: no other host, no script or style but ours, in no frame, in no cache."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store.errors import Refusal

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR: Final = 365 * 24 * 3600
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOLDER: Final = resources.files("review.web") / "static"
STATIC: Final = {one.name: one.read_bytes() for one in _FOLDER.iterdir() if one.name.partition(".")[2] in _TYPES}
VERSION: Final = hashlib.sha256(b"".join(content for _, content in sorted(STATIC.items()))).hexdigest()[:16]
"""Of all of them: in their address, so that a browser keeps them for good."""


class Headers:
    """`secure`: browsers find the console by TLS, and are to use nothing else."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": f"max-age={_YEAR}"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, sent)


async def static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC or request.path_params["version"] != VERSION:
        raise Refusal(404, "no-such-path", "there is no such thing")
    caching = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return Response(STATIC[name], media_type=_TYPES[name.partition(".")[2]], headers=caching)
