"""The leak bench plays given cases as a person starts it: real browsers, two recorders, and both recordings opened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.leaks_cases import Case, as_text
from bench.leaks_outcomes import kept

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]

# What the pages of a case need most of: a frame in a frame, the parent's doing, a root, an address, a hidden frame.
CASES = [
    Case("chromium", document="frame_in_frame", by="parent", after="light"),
    Case("chromium", document="shadow_root", comes="template", goes="replace"),
    Case("firefox", sensitive="address", comes="history", goes="navigate"),
    Case("firefox", document="near_frame", sensitive="frame_address", comes="reveal", by="parent"),
]


def test_each_case_is_seen_by_the_control_and_by_nobody_else(tmp_path: Path) -> None:
    cases, played = tmp_path / "cases", tmp_path / "plays.jsonl"
    cases.write_text("".join(as_text(case) + "\n" for case in CASES), "utf-8")
    command = [sys.executable, "-P", "-m", "bench.leaks", "--play", str(cases), "--add", str(played), "--json"]

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["plays"], found["leaked_frames"], found["leaked_plays"], found["untried"]) == (4, 0, 0, 0)
    assert found["control_leaked"] >= 4
    assert [one.case for one in kept(played)] == CASES
