"""The API's shapes for OpenAPI, read off the very types that both sides are written against.

pydantic could do it, but reads the standard library's TypedDict only from Python 3.12 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from protocol.api import Problem

_PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema(shape: Any) -> dict[str, Any]:
    """JSON Schema of a TypedDict, or of what its members are made of."""
    if is_typeddict(shape):
        members = get_type_hints(shape, include_extras=True)
        required = [name for name, member in members.items() if get_origin(member) is not NotRequired]
        properties = {name: schema(member) for name, member in members.items()}
        return {"title": shape.__name__, "type": "object", "properties": properties, "required": required}
    match get_origin(shape), get_args(shape):
        case None, _:
            return {"type": _PLAIN[shape]}
        case origin, (member,) if origin is NotRequired:
            return schema(member)
        case origin, (member,) if origin is list:
            return {"type": "array", "items": schema(member)}
        case origin, (_, member) if origin is dict:
            return {"type": "object", "additionalProperties": schema(member)}
    raise TypeError(f"no schema for {shape}")


def json_body(shape: Any) -> dict[str, Any]:
    """`openapi_extra` of a route that reads this shape."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema(shape)}}}}


def answers(shape: Any, refusals: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: 200 with this shape, and refusals (status -> codes) with a problem."""
    problem = {"application/json": {"schema": schema(Problem)}}
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "done", "content": {"application/json": {"schema": schema(shape)}}}
    }
    return found | {status: {"description": codes, "content": problem} for status, codes in refusals.items()}
