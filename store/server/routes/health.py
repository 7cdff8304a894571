"""Whether the store works, for those who monitor it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from protocol import api
from store.catalog.statements import newest_revision
from store.server.routes.access import services_of
from store.server.routes.openapi import Described


def health(request: Request) -> JSONResponse:
    """Answers once the catalog has: `ok`, or `full` while chunks are refused for want of room."""
    services = services_of(request)
    with services.database.reading() as connection:
        newest_revision(connection)
    answer: api.HealthResponse = {"status": "full" if services.room.is_full else "ok", "version": version("eyelid")}
    return JSONResponse(answer)


ROUTES: Final = (Described("GET", api.HEALTH, health, answers=api.HealthResponse, refusals={503: "database-fault"}),)
