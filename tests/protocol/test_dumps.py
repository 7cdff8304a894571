"""A process that holds keys can neither be dumped nor looked into."""

from __future__ import annotations

import subprocess
import sys

import pytest

from protocol import dumps
from protocol.system import ON_LINUX

SEEN = """
import resource
from protocol import dumps
before = dumps._prctl(dumps._PR_GET_DUMPABLE)
dumps.refuse_dumps()
print(before, dumps._prctl(dumps._PR_GET_DUMPABLE), resource.getrlimit(resource.RLIMIT_CORE))
"""


@pytest.mark.skipif(not ON_LINUX, reason="only Linux has prctl")
def test_a_process_that_refuses_is_not_dumpable() -> None:
    ran = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True)
    assert ran.stdout == "1 0 (0, 0)\n"


@pytest.mark.parametrize("answers", [{4: -1}, {4: 0, 3: 1}], ids=["refused", "without effect"])
def test_a_system_that_does_not_do_it_is_named(answers: dict[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "ON_LINUX", True)
    monkeypatch.setattr(dumps, "_prctl", answers.get)
    with pytest.raises(OSError, match="does not let this process refuse"):
        dumps.refuse_dumps()


def test_another_system_has_nothing_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "ON_LINUX", False)
    monkeypatch.setattr(dumps, "_prctl", None)
    dumps.refuse_dumps()
