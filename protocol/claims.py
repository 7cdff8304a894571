"""JSON read strictly, so that two programs can never read two different things out of one signed text.

Refuses what RFC 8259 leaves open: a name twice, NaN and Infinity, half surrogates, numbers that do not fit 64 bits,
another shape than asked for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeGuard
from uuid import UUID

from protocol import base64url
from protocol.errors import ProtocolError
from protocol.numbers import is_integer

MAX_INTEGER: Final = 2**63 - 1
VERSION: Final = 1  # `v` of everything that is written here
FORMAT_NAMES: Final = frozenset({"v", "crit"})
_MOST_CRITICAL: Final = 16
_LONGEST_CRITICAL: Final = 64  # characters
_INTEGERS: Final = range(-(2**63), 2**64)  # what other languages have a type for; a larger one breaks its readers
# Of JSON that others send or sign: each takes up to forty times its bytes, and the time of who reads it. A report that
# names 256 streams has some 1,500, a batch one for each of its lines, a policy two for each of its files.
MOST_VALUES: Final = 8_192
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # one without an end: up to the text's
_HEX256: Final = re.compile(r"[0-9a-f]{64}")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name comes twice")
    return values


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _integer(digits: str) -> int:
    number = int(digits)
    if number not in _INTEGERS:
        raise ValueError("an integer of more than 64 bits")
    return number


def _fraction(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number beyond all doubles")
    return number


def parse_object(text: bytes) -> dict[str, object]:
    """The JSON object in `text` (UTF-8); ValueError for anything else, without quoting it."""
    try:
        values = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
        if b"\\u" in text:  # only an escape can smuggle half a surrogate pair in
            json.dumps(values, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object in UTF-8 with each name once") from None
    if not isinstance(values, dict):
        raise ValueError("JSON, but not an object")  # noqa: TRY004 - the fault is the text's, not the caller's
    return values


def has_values(text: bytes, most: int = MOST_VALUES) -> bool:
    """That JSON has no more values than that, known before any of it is read into objects."""
    outside = _STRING.sub(b"", text, 2 * most)  # more strings are values, or names of such
    return sum(map(outside.count, (b",", b"[", b"{"))) <= most


def is_uuid(value: object) -> TypeGuard[str]:
    """In its one spelling: lower case, with hyphens."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


class Claims:
    """The named values of one JSON object; every getter raises where the value has another shape ("bad-field").

    `what` names the thing for messages ("key packet"); `error` makes the error from a code and a message.
    Names that are not asked for are ignored: a later version may add some.
    """

    def __init__(self, values: Mapping[str, object], what: str, error: Callable[[str, str], ProtocolError]) -> None:
        self._values = values
        self._what = what
        self._error = error

    def refuse(self, name: str, wanted: str) -> ProtocolError:
        return self._error("bad-field", f"{self._what}: `{name}` must be {wanted}")

    def has(self, name: str) -> bool:
        return name in self._values

    def names(self) -> tuple[str, ...]:
        """The object's own names, for one that maps names of its author's choosing."""
        return tuple(self._values)

    def check_format(self, critical: frozenset[str] = frozenset()) -> None:
        """That this program may read the object: its version is known, and every name in its `crit` (RFC 7515, 4.1.11).

        `critical`: names that came after the first edition and are understood here. An object of the first edition has
        neither `v` nor `crit`. The error: unknown-version, unknown-critical, bad-field.
        """
        if self.has("v") and self.integer("v") != VERSION:
            raise self._error("unknown-version", f"{self._what}: of a version that this program cannot read")
        if not self.has("crit"):
            return
        names = self.texts("crit")
        lengths_fit = all(0 < len(name) <= _LONGEST_CRITICAL for name in names)
        if not 0 < len(names) <= _MOST_CRITICAL or len(set(names)) != len(names) or not lengths_fit:
            wanted = f"1 to {_MOST_CRITICAL} names, each once and of at most {_LONGEST_CRITICAL} characters"
            raise self.refuse("crit", wanted)
        if not critical.issuperset(names):
            message = "it may only be read by who understands a name that is not known here: update this program"
            raise self._error("unknown-critical", f"{self._what}: {message}")
        if not all(map(self.has, names)):
            raise self.refuse("crit", "names that are there")

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self.refuse(name, "text")
        return value

    def integer(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int:
        value = self._values.get(name)
        if not is_integer(value) or not least <= value <= most:
            raise self.refuse(name, f"an integer from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self.refuse(name, "true or false")
        return value

    def hex256(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not _HEX256.fullmatch(value):
            raise self.refuse(name, "64 lower-case hexadecimal digits (a SHA-256)")
        return value

    def raw(self, name: str, length: int | None = None) -> bytes:
        """Bytes written in base64url."""
        try:
            value = base64url.decode(self.text(name))
        except ValueError:
            raise self.refuse(name, "base64url without padding") from None
        if length is not None and len(value) != length:
            raise self.refuse(name, f"{length} bytes in base64url")
        return value

    def uuid(self, name: str) -> UUID:
        """A UUID in its one spelling: lower case, with hyphens."""
        value = self.text(name)
        try:
            uuid = UUID(value)
        except ValueError:
            raise self.refuse(name, "a UUID") from None
        if str(uuid) != value:
            raise self.refuse(name, "a UUID in lower case with hyphens")
        return uuid

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(name, "a list of texts")
        return tuple(value)

    def text_map(self, name: str) -> dict[str, str]:
        value = self._values.get(name)
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self.refuse(name, "an object of texts")
        return dict(value)

    def object(self, name: str) -> Claims:
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise self.refuse(name, "an object")
        return Claims(value, f"{self._what}, {name}", self._error)

    def objects(self, name: str) -> tuple[Claims, ...]:
        value = self._values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(name, "a list of objects")
        return tuple(Claims(item, f"{self._what}, {name}[{place}]", self._error) for place, item in enumerate(value))
