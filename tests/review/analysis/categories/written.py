"""Files of categories as their authors write them, for tests: text in, categories or mistakes out."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

from protocol.language.errors import MistakesError
from review.analysis.categories.model import Categories
from review.analysis.categories.parse import parse_file


def written(text: str) -> Categories:
    return parse_file("a.yaml", f"schema: 1\n{dedent(text).strip()}\n...\n".encode())


def rule(condition: Any) -> Categories:
    """One category c with this condition; what JSON writes is YAML, too."""
    return written(f"category: {{ c: {{ any: [{json.dumps(condition)}] }} }}")


def wrong(text: str) -> tuple[str, ...]:
    """The mistakes, with places of the whole file: the first line says schema: 1."""
    try:
        written(text)
    except MistakesError as error:
        return error.mistakes
    return ()


def wrong_in(condition: str) -> tuple[str, ...]:
    """The mistakes of one condition, as it stands in YAML; each without its place."""
    found = wrong(f"category:\n  c:\n    any:\n      - {condition}")
    assert all(mistake.startswith("a.yaml:5:") for mistake in found), found
    return tuple(mistake.partition(" ")[2] for mistake in found)
