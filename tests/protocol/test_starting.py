"""What the environment names reaches neither `eyelid` nor `eyelid-store`, tried as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from protocol import starting
from protocol.system import ON_LINUX, ON_WINDOWS

SEEN = """
from protocol.starting import isolate
isolate("eyelid")
import json, os, ssl, sys
print(json.dumps({
    "isolated": sys.flags.isolated,
    "environment": dict(os.environ),
    "keylog": ssl.create_default_context().keylog_filename,
    "maps": open("/proc/self/maps").read(),
    "words": sys.argv[1:],
    "pid": os.getpid(),
    "path": sys.path,
}))
"""

pytestmark = pytest.mark.skipif(ON_WINDOWS, reason="Windows cannot replace a process")


def started(environment: dict[str, str], *options: str) -> tuple[dict[str, object], str]:
    with subprocess.Popen(
        [sys.executable, *options, "-c", SEEN, "one", "two words"],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    seen = json.loads(out)
    assert seen["pid"] == process.pid
    assert seen["words"] == ["one", "two words"]
    return seen, err


@pytest.mark.skipif(not ON_LINUX, reason="the libraries of a process are read where Linux lists them")
def test_another_library_is_not_loaded(tmp_path: Path) -> None:
    library = Path(
        next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libm.so" in line)
    )
    other = tmp_path / "libother.so"
    other.write_bytes(library.read_bytes())
    seen, err = started({"LD_PRELOAD": str(other)})
    assert "LD_PRELOAD" not in seen["environment"]  # type: ignore[operator]
    assert str(other) not in str(seen["maps"])
    assert err == (
        "eyelid: cleared from the environment, since it can take in others' code or give out keys: LD_PRELOAD\n"
    )


@pytest.mark.parametrize(
    "name",
    [
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "LD_DEBUG_OUTPUT",
        "GCONV_PATH",
        "OPENSSL_CONF",
        "OPENSSL_MODULES",
        "SSLKEYLOGFILE",
    ],
)
def test_each_is_cleared_and_told_of_once(tmp_path: Path, name: str) -> None:
    seen, err = started({name: str(tmp_path / "theirs")})
    assert name not in seen["environment"]  # type: ignore[operator]
    assert seen["keylog"] is None
    assert err.count(name) == 1 or name == "LD_AUDIT"  # the loader complains of that one itself
    assert list(tmp_path.iterdir()) == []


def test_no_python_of_the_environment_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ssl.py").write_text("raise SystemExit('theirs')")
    seen, err = started({"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x", "PYTHONWARNINGS": "error"})
    assert str(tmp_path) not in seen["path"]  # type: ignore[operator]
    assert seen["isolated"] == 1
    assert not [name for name in seen["environment"] if name.startswith("PYTHON")]  # type: ignore[attr-defined]
    assert err == ""  # many have one, and none is honoured


def test_what_starts_isolated_and_clean_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, err = started({"EYELID_HOME": "/srv", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/bus"}, "-I")
    assert (seen["isolated"], err) == (1, "")
    assert {"EYELID_HOME", "DBUS_SESSION_BUS_ADDRESS"} <= set(seen["environment"])  # type: ignore[call-overload]
    for name, value in (("ON_WINDOWS", True), ("weakening", None)):
        with monkeypatch.context() as patched:
            # As on Windows, and as in the process that was started anew: neither asks for anything more.
            patched.setattr(starting, name, value)
            patched.setattr(sys, "_xoptions", {starting._STARTED: True} if name == "weakening" else {})
            starting.isolate("eyelid")


def test_the_same_within_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What it would start, seen where it is asked for: the processes above are not measured."""
    started_with: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _, words, environment: started_with.append((words, environment)))
    monkeypatch.setattr(os, "environ", {"LD_PRELOAD": "x", "PYTHONPATH": "y", "HOME": "/home/ada"})
    starting.isolate("eyelid-store")
    monkeypatch.setattr(os, "environ", {"HOME": "/home/ada"})
    starting.isolate("eyelid-store")
    assert [environment for _, environment in started_with] == [{"HOME": "/home/ada"}] * 2
    assert started_with[0][0][:4] == [sys.executable, "-I", "-X", starting._STARTED]
    assert capsys.readouterr().err.count("LD_PRELOAD") == 1
    monkeypatch.setattr(starting.sys, "flags", type("Flags", (), {"isolated": 1}))
    starting.isolate("eyelid-store")
    assert len(started_with) == 2


@pytest.mark.parametrize("program", ["eyelid", "eyelid-store"])
def test_the_commands_start_so(program: str, tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('theirs')")
    ran = subprocess.run(
        [Path(sys.executable).with_name(program), "--version"],
        env=os.environ | {"SSLKEYLOGFILE": str(tmp_path / "keys"), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith(f"{program} ")
    assert ran.stderr.startswith(f"{program}: cleared from the environment")
