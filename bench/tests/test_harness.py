"""What the benches share when they show runs that were kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("bench", ["ingest", "leaks", "loss", "sound"])
def test_a_file_of_runs_that_is_not_there_is_said_without_a_traceback(bench: str, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", f"bench.{bench}", "--table", str(tmp_path / "runs.jsonl")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"there is no file {tmp_path / 'runs.jsonl'}" in ran.stderr
    assert "Traceback" not in ran.stderr
