"""The player on an origin of its own: the page's files, where the console is, and nothing else.

It has no session, no key and no recording. Who owns the console cannot change what is served here, if it runs as
another user.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.player.files import answer, headers, served

WHERE: Final = "console.json"
_YEAR: Final = 365 * 24 * 3600


def create_app(files: Mapping[str, bytes], console: str) -> ASGIApp:
    """`console`: its origin, which is all that the page may ask besides its own."""
    every_file = {**served(files), WHERE: json.dumps({"console": console}).encode()}

    async def file(request: Request) -> Response:
        return answer(every_file, request.path_params.get("name", ""))

    every = headers(console)
    if console.startswith("https:"):
        every["Strict-Transport-Security"] = f"max-age={_YEAR}"
    app = Starlette(routes=[Route("/", file), Route("/{name}", file)])
    app.router.redirect_slashes = False  # it sends on to the host that the request names
    return _Headers(app, every)


class _Headers:
    """Every answer has these headers, also that to what is not there."""

    def __init__(self, app: ASGIApp, every: Mapping[str, str]) -> None:
        self._app, self._headers = app, every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, sent)
