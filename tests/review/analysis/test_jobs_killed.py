"""Real processes, really killed: no job is lost, none is done twice in effect, and no fence is given out twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork a worker to kill")


@pytest.mark.slow(reason="twenty-five workers are killed at work, and the rest is worked off")
def test_twenty_five_workers_are_killed_and_each_job_is_done_once(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "testkit.jobs_killed", str(tmp_path / "run"), "--kills", "25", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["settled"], found
    assert (found["jobs_lost"], found["jobs_doubled"], found["wrong"]) == (0, 0, [])
    assert found["kills"] > 15
    assert found["jobs"] > 20
