"""The services of the running application, and the device behind a bearer token."""

from __future__ import annotations

from starlette.requests import Request

from protocol.api import AGENT_UNSUPPORTED, AGENT_VERSION_HEADER, INTEGRATION_KEY
from protocol.numbers import read_release
from store.catalog import interactions
from store.catalog.queries import Device
from store.errors import Refusal
from store.server.auth import authenticate, read_bearer
from store.server.services import Services

OLDEST_AGENT = (0, 1)  # major, minor: the store's own version and the one before it


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def check_agent(request: Request) -> None:
    """Refuses (426) an agent older than the version before the store's. One that names no version is asked nothing."""
    version = read_release(request.headers.get(AGENT_VERSION_HEADER, ""))
    if version is not None and version < OLDEST_AGENT:
        oldest = ".".join(map(str, OLDEST_AGENT))
        raise Refusal(426, AGENT_UNSUPPORTED, f"the agent is too old for this store: install {oldest} or newer")


def device_of(request: Request) -> Device:
    """The device behind the token. Asks the database, so it belongs in the thread pool."""
    check_agent(request)
    device = authenticate(services_of(request), request.headers.get("Authorization"))
    request.state.device = device.id  # for the log
    return device


def sender_of(request: Request) -> str:
    """Id of the device behind the token; whether it is enrolled and not revoked, the route has to ask."""
    check_agent(request)
    sender = read_bearer(services_of(request), request.headers.get("Authorization"))
    request.state.device = sender
    return sender


def is_integration(request: Request) -> bool:
    """Whether it shows an integration's key; whether that is good, the next function says."""
    return request.headers.get("Authorization", "").lower().startswith(f"bearer {INTEGRATION_KEY}")


def integration_of(request: Request) -> interactions.Integration:
    """Who sends interactions. Asks the database, so it belongs in the thread pool.

    Refusals: 401 no-key, bad-key; 403 withdrawn-key.
    """
    _, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not is_integration(request):
        raise Refusal(401, "no-key", "send `Authorization: Bearer` with the key of an integration")
    with services_of(request).database.reading() as connection:
        found = interactions.by_secret(connection, secret)
    if found is None:
        raise Refusal(401, "bad-key", "this store has no integration with this key")
    request.state.device = found.id  # for the log
    if found.withdrawn_at is not None:
        raise Refusal(403, "withdrawn-key", "this integration's key was withdrawn: ask the store's operator")
    return found
