"""The programs in another language beside the packages that they need: how tests run them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from testkit.node_packages import installed

VECTORS: Final = Path(__file__).parent


def lay_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs and the packages of tests/vectors/node."""
    folder = tmp_path_factory.mktemp("programs")
    packages = installed(VECTORS / "node", "vectors", tmp_path_factory.mktemp("node"))
    (folder / "node_modules").symlink_to(packages / "node_modules")
    for program in VECTORS.glob("*.mjs"):
        (folder / program.name).symlink_to(program)
    return folder


def run_program(folder: Path, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["node", "--preserve-symlinks", "--preserve-symlinks-main", program, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
