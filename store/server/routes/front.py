"""The way of nearly every request, a sealed chunk, past the web framework: the same steps, without the steps between.

The framework's route (routes/recordings.py) stays for whatever is spelt in another way, and for the description of the
API. Both call the same function, and refusals become answers in the same table (store/server/app.py).
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from protocol import api
from protocol.envelope import KEY_PACKET_STREAM
from store.server.routes.access import depot_of, sender_of
from store.server.routes.recordings import receive_sealed, router

# The one spelling that agents use; every other one is the framework's to judge.
_PLAIN: Final = re.compile(
    re.escape(api.RECORDING)
    .replace(r"\{recording\}", "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
    .replace(r"\{stream\}", "(0|[1-9][0-9]{0,4})")
    .replace(r"\{sequence\}", "(0|[1-9][0-9]{0,17})")
)
_ROUTE: Final = next(route for route in router.routes if getattr(route, "path", "") == api.RECORDING)


class Front:
    """ASGI application before another."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = _PLAIN.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if plain is None or int(plain[2]) > KEY_PACKET_STREAM:
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        request = Request(scope, receive)
        depot, sender = await depot_of(request), await sender_of(request)
        answer = await receive_sealed(request, depot, sender, (UUID(plain[1]), int(plain[2]), int(plain[3])))
        await answer(scope, receive, send)
