"""Real processes, really killed: no acknowledged entry is lost, doubled or changed, and no history is signed twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from review.audit.log import AuditLog
from tests.review.audit.making import KEY, ORIGIN, SIGNER, START, Clock, new_log, opening
from tests.review.audit.test_log import YEAR, resources, sound

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="Windows cannot fork a writer to kill")


def run(folder: Path, kills: int, what: str, seed: int) -> tuple[int, int]:
    command = [sys.executable, "-P", "-m", "tests.review.audit.killing", str(folder), str(kills), what, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    acknowledged, torn = done.stdout.split()
    return int(acknowledged), int(torn)


@pytest.mark.slow(reason="fifty processes are killed, and the log is verified after each")
def test_fifty_writers_are_killed_and_every_acknowledged_entry_is_there(tmp_path: Path) -> None:
    new_log(tmp_path / "log")
    acknowledged, _ = run(tmp_path / "log", 50, "append", seed=20261128)
    assert acknowledged > 100
    assert sound(tmp_path / "log").entries >= acknowledged


@pytest.mark.slow(reason="twenty processes are killed, and the log is verified after each")
def test_a_shredding_that_is_killed_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    log = new_log(tmp_path / "log", clock)
    log.append_all([opening(number) for number in range(600)])
    clock.now = START + 380 * 86_400 * 10**9
    log.append(opening(600))
    run(tmp_path / "log", 20, "shred", seed=7)
    done = AuditLog(tmp_path / "log", SIGNER, KEY, clock=Clock(START + 401 * 86_400 * 10**9))
    done.shred(done.to_shred(YEAR), YEAR)
    found = resources(tmp_path / "log")
    assert found[:600] == ["shredded"] * 600
    assert found[600] == "600"
    assert set(found[601:]) == {"shred"}
    assert sound(tmp_path / "log").bodies["shredded"] == 600
    assert done.origin == ORIGIN
