"""Which recording, or case, an address names."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.requests import Request

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
