"""Which recording, or case, an address names; which recordings a form names."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.requests import Request

from protocol.claims import Claims, is_uuid
from review.search.find import SIZE
from store.errors import Refusal

NOT_HERE: Final = "there is no such page, or you may not see it"


def wanted_id(request: Request, name: str = "recording") -> UUID:
    """In its one spelling. Refusals: 404."""
    text = request.path_params[name]
    try:
        found = UUID(text)
    except ValueError:
        raise Refusal(404, "no-such-path", NOT_HERE) from None
    if str(found) != text:
        raise Refusal(404, "no-such-path", NOT_HERE)
    return found


def wanted_ids(body: Claims) -> list[str]:
    """Of recordings that are posted, at most those of a page. Refusals: 422."""
    ids = body.text("recordings").split()
    if not 0 < len(ids) <= SIZE or not all(map(is_uuid, ids)):
        raise Refusal(422, "bad-question", f"name 1 to {SIZE} recordings")
    return ids
