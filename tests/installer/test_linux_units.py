"""The systemd units: systemd itself finds nothing wrong in them, and they start commands that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import build_parser
from protocol.starting import WEAKENING
from review.cli import parser as review_parser
from store.cli import parser as store_parser

UNITS = Path(__file__).resolve().parent.parent.parent / "installer" / "linux"
NAMES = sorted(path.name for path in UNITS.iterdir() if path.suffix in {".service", ".socket", ".timer"})
INSTALLED = "/opt/eyelid/bin/"

ANALYZE = shutil.which("systemd-analyze") or ""

pytestmark = pytest.mark.skipif(not ANALYZE, reason="no systemd on this machine")


def commands(name: str) -> list[str]:
    lines = (UNITS / name).read_text("utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]


@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    here = f"{Path(sys.executable).parent}/"
    for unit in NAMES:  # a timer is checked together with its service
        (tmp_path / unit).write_text((UNITS / unit).read_text("utf-8").replace(INSTALLED, here), "utf-8")
    whose = ["--user"] if name in {"eyelid.service", "eyelid-tray.service"} else []
    ran = subprocess.run(
        [ANALYZE, *whose, "verify", str(tmp_path / name)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_command_of_the_agents_units_is_one_of_eyelids() -> None:
    others = {"eyelid-store.service", "eyelid-custodian.service"}
    for command in [each for name in NAMES if name not in others for each in commands(name)]:
        *program, words = command.partition(f"{INSTALLED}eyelid ")
        assert program == [f"{INSTALLED}python -I ", f"{INSTALLED}eyelid "]
        build_parser().parse_args(words.split())
    [command] = commands("eyelid-store.service")
    python, isolated, program, *words = command.split()
    assert (python, isolated, program) == (f"{INSTALLED}python", "-I", f"{INSTALLED}eyelid-store")
    [metrics] = re.findall(
        r"\nEnvironment=EYELID_STORE_METRICS=(.*)", (UNITS / "eyelid-store.service").read_text("utf-8")
    )
    asked = store_parser().parse_args([word.replace("${EYELID_STORE_METRICS}", metrics) for word in words])
    assert asked.metrics == ("127.0.0.1", 9464)
    [command] = commands("eyelid-custodian.service")
    python, isolated, program, *words = command.split()
    assert (python, isolated, program) == (f"{INSTALLED}python", "-I", f"{INSTALLED}eyelid-review")
    assert review_parser().parse_args(words).socket == Path("/run/eyelid-custodian/socket")


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".service")])
def test_no_unit_hands_on_what_weakens(name: str) -> None:
    """The names that are one variable each; of the loader's those that bring in a library."""
    lines = (UNITS / name).read_text("utf-8").splitlines()
    cleared = {
        word for line in lines if line.startswith("UnsetEnvironment=") for word in line.partition("=")[2].split()
    }
    loader = {"LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"}
    assert cleared >= loader | {one for one in WEAKENING if not one.endswith("_")}
    assert ("DBUS_SYSTEM_BUS_ADDRESS" in cleared) == (name == "eyelid.service")


def test_the_drain_has_three_rights_and_no_more() -> None:
    """Those with which tests/end_to_end/test_drain.py runs it."""
    text = (UNITS / "eyelid-drain.service").read_text("utf-8")
    assert "\nCapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL\n" in text
    assert "\nNoNewPrivileges=yes\n" in text
