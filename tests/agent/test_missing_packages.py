"""A package that is missing ends a command in one line that names it, and not in a page of Python's own words."""

from __future__ import annotations

import subprocess
import sys

import pytest

# As if the package had never been installed, for a program that has imported nothing yet.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from {program} import main
sys.exit(main({words!r}))
"""


def without(package: str, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(package=package, program=program, words=list(words))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize(
    ("package", "program", "words"),
    [
        ("httpx", "agent.cli.main", ["enroll", "token"]),
        ("dbus_fast", "agent.cli.main", ["tray"]),
        ("av", "agent.cli.main", ["run"]),
        ("yaml", "agent.cli.main", ["policy", "check", "."]),
        ("rich", "agent.cli.main", ["replay"]),
        ("sqlalchemy", "store.cli", ["devices"]),
        ("rich", "store.cli", ["rules"]),
    ],
)
def test_it_is_named_in_one_line(package: str, program: str, words: list[str]) -> None:
    ended = without(package, program, *words)
    assert ended.returncode == 1, ended
    (line,) = ended.stderr.splitlines()
    assert f"the Python package {package} is missing here" in line


def test_a_defect_of_our_own_is_no_missing_package() -> None:
    ended = without("agent", "store.cli", "--version")  # the store needs nothing of the agent's
    assert ended.returncode == 0, ended.stderr
    broken = "import agent.cli, sys; sys.modules['agent.cli.tray'] = None; import agent.cli.main as m; m.main(['tray'])"
    ended = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True, timeout=100, check=False)
    assert "Traceback" in ended.stderr
