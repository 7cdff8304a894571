"""The words of a language: which keys there are, what each means, what may stand there.

The reader refuses what is not listed, and the schema that editors complete from is made of the same lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Shape = Mapping[str, object]  # a fragment of JSON Schema draft 7


@dataclass(frozen=True, slots=True)
class Key:
    """`meaning` is what an editor shows beside the key."""

    meaning: str
    shape: Shape
    required: bool = False


Keys = Mapping[str, Key]

WORD: Final[Shape] = {"type": "string", "minLength": 1}
WORDS: Final[Shape] = {"type": "array", "items": WORD, "minItems": 1}
TRUTH: Final[Shape] = {"type": "boolean"}


def one_of(*words: str) -> Shape:
    return {"type": "string", "enum": [str(word) for word in words]}  # plain, not members of an enum


def ref(name: str) -> Shape:
    return {"$ref": f"#/definitions/{name}"}


def list_of(name: str) -> Shape:
    return {"type": "array", "items": ref(name), "minItems": 1}


def table_schema(keys: Keys) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {name: {"description": key.meaning, **_wrapped(key.shape)} for name, key in keys.items()},
        "required": [name for name, key in keys.items() if key.required],
        "additionalProperties": False,
    }


def one_key_schema(keys: Keys) -> dict[str, object]:
    return {**table_schema(keys), "minProperties": 1, "maxProperties": 1}


def _wrapped(shape: Shape) -> Shape:
    """In draft 7 nothing beside a $ref is heard, so a reference with a description needs a wrapper."""
    return {"allOf": [shape]} if "$ref" in shape else shape
