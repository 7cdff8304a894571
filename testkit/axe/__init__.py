"""axe-core in a page: what is missing for people who see it badly or use no mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from testkit.node_packages import installed

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def script(scratch: Path) -> str:
    """To be run in the page first. `scratch`: an empty folder."""
    packages = installed(Path(__file__).parent, "axe", scratch)
    return (packages / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def question(where: str = "document") -> str:
    """Of that part of the page; its answer's `violations` are what is wrong."""
    return f"axe.run({where}, {{runOnly: {TAGS}}})"
