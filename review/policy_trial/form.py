"""What a browser sends of a form with files (RFC 7578): read where nothing can come of it, and as strictly as browsers
write it. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

MOST_PARTS: Final = 200
_BOUNDARY: Final = re.compile(r"multipart/form-data; *boundary=\"?([0-9A-Za-z'()+_,./:=?-]{1,70})\"?")
_NAMED: Final = re.compile(rb'form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?')
_ESCAPED: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}  # of a name, as browsers write it


class FormError(ValueError):
    """It is none."""


class TooManyParts(FormError):
    """It has more than one may have."""


@dataclass(slots=True)
class Form:
    """`texts`: by the field's name, the last. `files`: by the field's name, (name without folder, content) of each."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)


def boundary_of(content_type: str) -> str:
    """ "" for what is no such form."""
    found = _BOUNDARY.fullmatch(content_type.strip())
    return found[1] if found else ""


def read_form(body: bytes, boundary: str) -> Form:
    """Raises FormError, TooManyParts."""
    form = Form()
    delimiter = b"--" + boundary.encode("ascii")
    if not body.startswith(delimiter):
        raise FormError
    start = len(delimiter)
    for _ in range(MOST_PARTS + 1):
        if body[start : start + 2] == b"--":
            return form
        end = body.find(b"\r\n" + delimiter, start)
        head_end = body.find(b"\r\n\r\n", start, end)
        if end < 0 or head_end < 0:
            raise FormError
        _take(form, body[start:head_end], body[head_end + 4 : end])
        start = end + 2 + len(delimiter)
    raise TooManyParts


def _take(form: Form, head: bytes, content: bytes) -> None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            found = _NAMED.fullmatch(value.strip())
            if found is None:
                raise FormError
            of = _text(found[1])
            if found[2] is None:
                form.texts[of] = content.decode("utf-8", "replace")
            elif found[2]:  # a browser sends one without a name where none was chosen
                file = re.split(r"[/\\]", _text(found[2]))[-1]
                form.files.setdefault(of, []).append((file, content))


def _text(name: bytes) -> str:
    said = name.decode("utf-8", "replace")
    for written, sign in _ESCAPED.items():
        said = said.replace(written, sign)
    return said
