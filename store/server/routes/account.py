"""The devices' ledgers, the policies they name, and the bundle they obey."""

from __future__ import annotations

import json
import re
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from protocol import api
from protocol.language.folder import LARGEST_FOLDER, MOST_FILES
from protocol.policyhash import policy_hash
from store.catalog import schema
from store.catalog.inserting import add_if_new
from store.catalog.queries import Device
from store.catalog.statements import location, successors
from store.errors import Refusal
from store.server import ledgers
from store.server.routes.access import device_of, integration_of, is_integration, services_of
from store.server.routes.bodies import read_claims
from store.server.routes.openapi import Described
from store.server.services import Services

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_ACCESS: Final = {401: "no-token, bad-token, expired-token", 403: "unknown-device, device-revoked"}


async def ledger(request: Request) -> JSONResponse:
    """Continue the device's ledger with a signed batch. A batch may repeat what the store has."""
    services, device = services_of(request), await run_in_threadpool(device_of, request)
    claims = await read_claims(request, api.MAX_LEDGER_BODY, "ledger request")
    return JSONResponse(await run_in_threadpool(ledgers.accept, services, device, claims.text("batch")))


def bundle(request: Request) -> Response:
    """The newest bundle that compliance has signed, for any device or integration."""
    (integration_of if is_integration(request) else device_of)(request)
    services = services_of(request)
    with services.database.reading() as connection:
        newest = services.bundles.newest(connection)
        if newest is None:
            raise Refusal(503, "no-bundle", "the store has no bundle yet: ask its operator", retry_after=60)
        answer: api.BundleResponse = {"bundle": newest, "successors": successors(connection)}
        if (place := location(connection)) is not None:
            answer["location"] = place[1]
    return services.bundles.answer(answer)


async def policy(request: Request) -> JSONResponse:
    """Keep the text of a policy, so that a ledger entry of years ago still names its rule."""
    services, device = services_of(request), await run_in_threadpool(device_of, request)
    named: str = request.path_params["hash"]
    if not _HASH.fullmatch(named):
        raise Refusal(400, "bad-path", "a policy is named by the 64 lower-case hexadecimal digits of its hash")
    claims = await read_claims(request, api.MAX_POLICY_BODY, "policy")
    files = claims.text_map("files")
    contents = {name: text.encode("utf-8") for name, text in files.items()}
    if sum(map(len, contents.values())) > LARGEST_FOLDER or len(contents) > MOST_FILES:
        raise Refusal(413, "oversized", f"a policy has {MOST_FILES} files and {LARGEST_FOLDER} bytes at most")
    if policy_hash(contents) != named:
        raise Refusal(400, "wrong-hash", "the files are not those of the policy with this hash")
    await run_in_threadpool(_keep_policy, services, device, named, files)
    answer: api.PolicyResponse = {"hash": named}
    return JSONResponse(answer)


def _keep_policy(services: Services, device: Device, policy: str, files: dict[str, str]) -> None:
    services.room.check(account=True)
    text = json.dumps(files, ensure_ascii=False)
    services.quotas.take_account(device.id, len(text.encode("utf-8")))
    values = {
        "hash": policy,
        "files": text,
        "received_at": services.clock(),
        "device": device.id,
    }
    services.writer.write(lambda connection: add_if_new(connection, schema.policies, **values))


ROUTES: Final = (
    Described(
        "POST",
        api.LEDGER,
        ledger,
        reads=api.LedgerRequest,
        answers=api.LedgerResponse,
        refusals=_ACCESS
        | {
            400: "bad-json, and the ledger's and signature's codes",
            409: "ledger-gap, ledger-fork: with `next` and `head`, from where the store goes on",
            413: "oversized",
            426: "agent-unsupported, unknown-critical",
            507: "store-full, over-quota",
        },
    ),
    Described("GET", api.BUNDLE, bundle, answers=api.BundleResponse, refusals=_ACCESS | {503: "no-bundle"}),
    Described(
        "PUT",
        api.POLICY,
        policy,
        reads=api.PolicyRequest,
        answers=api.PolicyResponse,
        refusals=_ACCESS | {400: "bad-json, bad-field, wrong-hash", 413: "oversized", 507: "store-full, over-quota"},
    ),
)
