"""What root is told to install is fetched with a hash, or not fetched at all."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ("README.md", "installer/README.md", "installer/linux/README.md", "docs/upkeep.md", "docs/operations-agent.md")


def test_nothing_is_installed_without_its_hash() -> None:
    told = [line for page in PAGES for line in re.findall(r"pip install [^`\n]*", (ROOT / page).read_text("utf-8"))]
    assert len(told) >= 4
    assert [line for line in told if "--require-hashes" not in line and "--no-index" not in line] == []
    built = [line for line in told if line.endswith(" .")]
    assert all("--no-build-isolation" in line for line in built)  # else pip fetches the build tools for itself
