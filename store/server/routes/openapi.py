"""A route and its part of the API's description in one, and the OpenAPI document of all of them.

The shapes are read off the very types that both sides are written against.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocol.api import Problem

Endpoint = Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]

_TOO_MANY: Final = "too-many: at the earliest as Retry-After says"
BYTES: Final = object()  # in place of a shape: the body is a sealed object

_PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Described(Route):
    """A route that says what it reads and answers.

    `reads`: the shape of the request's body; `answers`: of the answer with status 200; `refusals`: status -> codes;
    `path_schemas`: what a name in the path may be, where that is no text.
    """

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        *,
        reads: Any = None,
        answers: Any,
        refusals: Mapping[int, str],
        path_schemas: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.methods = {method}  # without the HEAD that Starlette adds to every GET
        schemas = path_schemas or {}
        responses = {"200": {"description": "done", "content": _json(answers)}}
        responses |= {
            str(status): {"description": codes, "content": _json(Problem)}
            for status, codes in {**refusals, 429: _TOO_MANY}.items()
        }
        self.described: dict[str, Any] = {
            "operationId": endpoint.__name__,
            "description": inspect.getdoc(endpoint),
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": schemas.get(name, {"type": "string"})}
                for name in self.param_convertors
            ],
            "responses": responses,
        }
        if reads is not None:
            sealed = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
            self.described["requestBody"] = {"required": True, "content": sealed if reads is BYTES else _json(reads)}


def document(info: Mapping[str, str], routes: Iterable[Described]) -> dict[str, Any]:
    """The OpenAPI document; every path has one method."""
    paths = {route.path: {method.lower(): route.described for method in route.methods or ()} for route in routes}
    return {"openapi": "3.1.0", "info": dict(info), "paths": paths}


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


def _json(shape: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema(shape)}}
