"""Whether the store works, for whoever watches it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter

from protocol import api
from store.catalog.queries import newest_bundle
from store.server.routes.access import CurrentDepot
from store.server.routes.shapes import answers

router = APIRouter(tags=["health"])


@router.get(api.HEALTH, responses=answers(api.HealthResponse, {503: "database-fault"}))
def health(depot: CurrentDepot) -> dict[str, Any]:
    """Answers `ok` once the catalog has answered."""
    with depot.database.reading() as connection:
        newest_bundle(connection)
    answer: api.HealthResponse = {"status": "ok", "version": version("eyelid")}
    return dict(answer)
