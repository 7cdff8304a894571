"""A page in both schemes, wide and narrow: judged by axe, and kept as a picture for people who look at it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, Protocol

from testkit.axe import question

LOOKS: Final = (("light", 1280), ("dark", 1280), ("light", 800), ("light", 320))
"""Scheme and width, CSS pixels."""


class Runs(Protocol):
    """A page in any of the browsers."""

    def run(self, script: str, /) -> Any: ...


class Looked(Runs, Protocol):
    """`look`: from now on in this scheme and so wide."""

    name: str

    def look(self, scheme: str, width: int) -> None: ...

    def whole(self) -> bytes: ...


def faults(
    page: Looked, axe: str, name: str, looks: tuple[tuple[str, int], ...] = LOOKS, where: str = "document"
) -> list[Any]:
    """What axe finds in that part of the page, in each look. Fails where one has to be moved sideways."""
    found: list[Any] = []
    for scheme, width in looks:
        page.look(scheme, width)
        wide = page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} at {width}: {wide} px to the side"
        kept(page, name, scheme, width)
        page.run(f"(() => {{ {axe}; return 0; }})()")
        ran = page.run(f"{question(where)}.then(({{passes, violations}}) => ({{passes: passes.length, violations}}))")
        assert ran["passes"]
        found += [
            (name, scheme, width, one["id"], *(node["html"][:120] + node["failureSummary"] for node in one["nodes"]))
            for one in ran["violations"]
        ]
    return found


def kept(page: Looked, name: str, scheme: str, width: int) -> None:
    """A picture of the page as it is, where EYELID_PICTURES names a folder for those that people look at."""
    if folder := os.environ.get("EYELID_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        language = page.run("document.documentElement.lang")
        file = f"{re.sub('[^a-z]+', '-', name)}-{language}-{scheme}-{width}-{page.name}.png"
        (Path(folder) / file).write_bytes(page.whole())
