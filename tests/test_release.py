"""A release can be made again by anybody: one commit gives one wheel, and its sums are signed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RELEASE = str(ROOT / "scripts" / "release")
GIT, SHA256SUM = (shutil.which(name) or name for name in ("git", "sha256sum"))
HERE = {**os.environ, "EYELID_RELEASE_TOOLS": sys.prefix}  # hatchling as it is locked for tests

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout, so there is no commit to build")


def release(*words: str, tools: str = sys.prefix) -> subprocess.CompletedProcess[str]:
    environment = {**HERE, "EYELID_RELEASE_TOOLS": tools}
    return subprocess.run([RELEASE, *words], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow(reason="builds the wheel twice")
def test_two_builds_of_one_commit_are_the_same_wheel() -> None:
    made = release("--check")
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"[0-9a-f]{64}  eyelid-[0-9.]+-py3-none-any[.]whl\n", made.stdout)


def test_a_mistake_is_told_in_a_line() -> None:
    for words in ((), ("--nothing",), ("/tmp", "--key", "/nowhere/key")):
        made = release(*words)
        assert made.returncode == 2
        assert made.stderr.startswith("scripts/release: ")
    assert "SHA256SUMS.sig" in release("--help").stdout


@pytest.mark.slow(reason="builds the wheel twice, and lists what is in the locks")
def test_sums_and_lists_are_whole_and_signed(tmp_path: Path) -> None:
    tools = os.environ.get("EYELID_RELEASE_TOOLS", "")
    if not tools:
        pytest.skip("EYELID_RELEASE_TOOLS names no environment with what requirements/release.txt locks")
    if subprocess.run([GIT, "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True).stdout:
        pytest.skip("some changes are not committed, of which no release is made")
    keygen = shutil.which("ssh-keygen")
    assert keygen is not None, "openssh-client"
    key, out = tmp_path / "key", tmp_path / "out"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    made = release(str(out), "--key", str(key), tools=tools)
    assert made.returncode == 0, made.stderr
    signers = tmp_path / "signers"
    signers.write_text(f"release@eyelid {key.with_suffix('.pub').read_text()}")
    verify = [keygen, "-Y", "verify", "-f", str(signers), "-I", "release@eyelid", "-n", "eyelid"]
    sums = (out / "SHA256SUMS").read_bytes()
    for said, good in ((sums, True), (sums + b" ", False)):
        checked = subprocess.run(
            [*verify, "-s", str(out / "SHA256SUMS.sig")], input=said, capture_output=True, check=False
        )
        assert (checked.returncode == 0) is good
    subprocess.run([SHA256SUM, "-c", "SHA256SUMS"], cwd=out, capture_output=True, check=True)
    assert len(sums.splitlines()) == 5
    for part in ("agent", "store"):
        listed = {one["name"]: one for one in json.loads((out / f"{part}.cdx.json").read_text())["components"]}
        assert listed["cryptography"]["version"]
        assert "cryptography" in (out / f"{part}.txt").read_text()
