"""Governance files as their authors write them, for tests: text in, rules or mistakes out."""

from __future__ import annotations

import re
from textwrap import dedent

from protocol.language.errors import MistakesError
from review.governance.model import Governance
from review.rules import parse_files

HEAD = "schema: 1\nrevision: 3\nname: House\n"
ROLES = "roles: { clerk: { may: [list], of: own } }\n"
REST = "retention: [{ class: rest, keep: 180d }]\n"


def rules(text: str, *others: str, tested: bool = True) -> Governance:
    """The rules of a.yaml, whose head stands above the text, and of b.yaml and so on, which are whole."""
    texts = [HEAD + dedent(text).lstrip("\n"), *others]
    files = {f"{letter}.yaml": f"{one.rstrip()}\n...\n".encode() for letter, one in zip("abc", texts, strict=False)}
    return parse_files(files, tested=tested)


def wrong(text: str, *others: str, whole: bool = False) -> tuple[str, ...]:
    """The mistakes, without those of parts that the text leaves out (`whole`: with them)."""
    extra = (
        ""
        if whole
        else "".join(part for part in (ROLES, REST) if not re.search(f"(?m)^{part.partition(':')[0]}:", text))
    )
    try:
        rules(dedent(text).lstrip("\n") + extra, *others)
    except MistakesError as error:
        return error.mistakes
    return ()
