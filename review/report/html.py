"""The report as HTML: a part of a page of the console, or a whole file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from review.report.document import Document
from review.report.words import visible

_TEMPLATES: Final = Environment(
    loader=PackageLoader("review.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_STYLE: Final = (resources.files("review.report") / "templates" / "report.css").read_text("utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'"


_TEMPLATES.filters["visible"] = visible


def part(made: Document) -> Markup:
    """For a page that has the console's style."""
    return Markup(_TEMPLATES.get_template("part.html").render(document=made))  # noqa: S704 - it escapes all it is given


def page(made: Document) -> bytes:
    """A whole file."""
    styled = {"style": Markup(_STYLE), "policy": Markup(POLICY)}  # noqa: S704 - both are our own
    return _TEMPLATES.get_template("report.html").render(document=made, part=part(made), **styled).encode("utf-8")
