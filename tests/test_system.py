"""One place asks which system this is, and what only some systems have is imported where it is used: a command that
Windows or macOS may run must not fail at an import."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ASKS: Final = re.compile(r"\bsys\.platform\b|\bos\.name\b|\bplatform\.system\b|\bhasattr\(os\b")
NOT_EVERYWHERE: Final = frozenset({"fcntl", "grp", "msvcrt", "pwd", "resource", "termios", "winreg"})


def sources() -> list[Path]:
    return [
        path for folder in ("agent", "protocol", "review", "store") for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def test_one_place_asks_which_system_this_is() -> None:
    asking = [path.relative_to(ROOT).as_posix() for path in sources() if ASKS.search(path.read_text("utf-8"))]
    assert asking == ["protocol/system.py"]


def test_no_module_imports_at_its_head_what_only_some_systems_have() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for path in sources()
        for statement in ast.parse(path.read_text("utf-8")).body
        if (isinstance(statement, ast.Import) and NOT_EVERYWHERE & {alias.name for alias in statement.names})
        or (isinstance(statement, ast.ImportFrom) and statement.module in NOT_EVERYWHERE)
    ]
    assert found == []
