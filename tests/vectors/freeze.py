"""Keeps today's vectors as those of the protocol's version, so that the code of tomorrow still answers them alike.

`python -m tests.vectors.freeze` writes tests/vectors/<version>/ where it is not there yet. It never writes over one:
what old agents have sealed does not change. Where the protocol changes, its version in `protocol.api` does first.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Final

from protocol.api import VERSION
from tests.vectors.make import build

HERE: Final = Path(__file__).parent
SUMS: Final = "SHA256SUMS"


def sums(files: dict[str, str]) -> str:
    """As `sha256sum` writes and checks it."""
    return "".join(
        f"{hashlib.sha256(content.encode('utf-8')).hexdigest()}  {name}\n" for name, content in sorted(files.items())
    )


if __name__ == "__main__":
    folder = HERE / VERSION
    if folder.exists():
        sys.exit(f"{folder.name} is frozen already: raise VERSION in protocol/api.py for a protocol that differs")
    folder.mkdir()
    frozen = build()
    for name, content in (frozen | {SUMS: sums(frozen)}).items():
        (folder / name).write_text(content, encoding="utf-8")
