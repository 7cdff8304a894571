"""The devices' ledgers, the policies they name, and the bundle they obey."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from protocol import api
from protocol.policyhash import policy_hash
from store.catalog import schema
from store.catalog.queries import Device, add_if_new, newest_bundle, successors
from store.errors import Refusal
from store.server import ledgers
from store.server.depot import Depot
from store.server.routes.access import CurrentDepot, CurrentDevice
from store.server.routes.bodies import read_claims
from store.server.routes.shapes import answers, json_body

router = APIRouter(tags=["account"])
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_ACCESS: Final = {401: "no-token, bad-token, expired-token", 403: "unknown-device, device-revoked"}


@router.post(
    api.LEDGER,
    openapi_extra=json_body(api.LedgerRequest),
    responses=answers(
        api.LedgerResponse,
        _ACCESS
        | {
            400: "bad-json, and the ledger's and signature's codes",
            409: "ledger-gap, ledger-fork: with `next` and `head`, from where the store goes on",
            413: "oversized",
        },
    ),
)
async def ledger(request: Request, depot: CurrentDepot, device: CurrentDevice) -> dict[str, Any]:
    """Continue the device's ledger with a signed batch. A batch may repeat what the store has."""
    claims = await read_claims(request, api.MAX_LEDGER_BODY, "ledger request")
    return dict(await run_in_threadpool(ledgers.accept, depot, device, claims.text("batch")))


@router.get(api.BUNDLE, responses=answers(api.BundleResponse, _ACCESS | {503: "no-bundle"}))
def bundle(depot: CurrentDepot, device: CurrentDevice) -> dict[str, Any]:
    """The newest bundle that compliance has signed."""
    del device  # any device may have it
    with depot.database.reading() as connection:
        newest = newest_bundle(connection)
        if newest is None:
            raise Refusal(503, "no-bundle", "the store has no bundle yet: ask its operator", retry_after=60)
        answer: api.BundleResponse = {"bundle": newest[1], "successors": successors(connection)}
        return dict(answer)


@router.put(
    api.POLICY,
    openapi_extra=json_body(api.PolicyRequest),
    responses=answers(api.PolicyResponse, _ACCESS | {400: "bad-json, bad-field, wrong-hash", 413: "oversized"}),
)
async def policy(request: Request, hash: str, depot: CurrentDepot, device: CurrentDevice) -> dict[str, Any]:  # noqa: A002 - the path's own word
    """Keep the text of a policy, so that a ledger entry of years ago still names its rule."""
    if not _HASH.fullmatch(hash):
        raise Refusal(400, "bad-path", "a policy goes by the 64 lower-case hexadecimal digits of its hash")
    claims = await read_claims(request, api.MAX_POLICY_BODY, "policy")
    files = claims.text_map("files")
    if policy_hash({name: text.encode("utf-8") for name, text in files.items()}) != hash:
        raise Refusal(400, "wrong-hash", "the files are not those of the policy with this hash")
    await run_in_threadpool(_keep_policy, depot, device, hash, files)
    answer: api.PolicyResponse = {"hash": hash}
    return dict(answer)


def _keep_policy(depot: Depot, device: Device, policy: str, files: dict[str, str]) -> None:
    values = {
        "hash": policy,
        "files": json.dumps(files, ensure_ascii=False),
        "received_at": depot.clock(),
        "device": device.id,
    }
    depot.writer.write(lambda connection: add_if_new(connection, schema.policies, **values))
