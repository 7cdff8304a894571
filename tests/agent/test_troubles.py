"""Every trouble that the source can report is in the one table that says whether it makes a recorder degraded."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import agent
from agent.control.status import exit_code
from agent.core.account.evidence import Deaf
from agent.core.account.troubles import DEGRADING, TOLD, degrades
from agent.core.account.watch import Amiss
from agent.upload.answers import SHUT_OUT_CODES
from bench.played import status

ROOT = Path(agent.__file__).parent
# Whoever reports, and which argument is the code.
REPORTING = {
    "Trouble": 0, "_Errand": 0, "_be_troubled": 0, "_alarms.sound": 0, "_alarm": 0, "_told.alarm": 0, "_put_by": 2,
}  # fmt: skip
# Alarms of the proof, which end a run of looks, are no troubles; who speaks of them has other names for troubles.
OF_THE_PROOF = ("core/", "witness/", "recorder/daemon.py")
# Codes that come from elsewhere, as the source has them: what they can be is below, or was found where they come from.
HANDED_ON = {"code", "code.value", "shut.code", "errand.code", "deaf.trouble", "alarm"}


def reported() -> Iterator[tuple[str, ast.expr, str]]:
    """(module, what a call that reports a trouble gives as its code, where)."""
    for path in sorted(ROOT.rglob("*.py")):
        module = ".".join(("agent", *path.relative_to(ROOT).with_suffix("").parts))
        of_the_proof = path.relative_to(ROOT).as_posix().startswith(OF_THE_PROOF)
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            called = call.func.body if isinstance(call.func, ast.IfExp) else call.func
            name = ast.unparse(called).removeprefix("self.")
            if name in REPORTING and not (of_the_proof and name == "_alarm"):
                yield module, call.args[REPORTING[name]], f"{path.name}:{call.lineno}"


def codes() -> set[str]:
    found = {*SHUT_OUT_CODES, *(amiss.value for amiss in Amiss), *(deaf.trouble for deaf in Deaf)}
    for module, given, where in reported():
        match given:
            case ast.Constant(str(code)):
                found.add(code)
            case ast.JoinedStr([ast.Constant(str(stem)), *_]):
                known = {code for code in DEGRADING | TOLD if code.startswith(stem)}
                assert known, f"{where} reports {stem}... which the table does not have"
                found |= known
            case ast.Name(name) if isinstance(code := getattr(importlib.import_module(module), name, None), str):
                found.add(code)
            case _ if ast.unparse(given) in HANDED_ON or isinstance(given, ast.Call):
                pass
            case _:
                pytest.fail(f"{where}: say in HANDED_ON where the codes of {ast.unparse(given)} come from")
    return found


def test_the_table_has_every_trouble_that_the_source_reports_and_no_other_each_once() -> None:
    assert codes() == DEGRADING | TOLD
    assert not DEGRADING & TOLD


@pytest.mark.parametrize("code", sorted(DEGRADING | TOLD | {"a-trouble-of-a-later-version"}))
def test_a_trouble_that_somebody_must_mend_is_an_exit_code(code: str) -> None:
    said: dict[str, Any] = status(troubles={code: ""})
    assert exit_code(said) == int(degrades(code)) == int(code not in TOLD)
    assert exit_code({**said, "state": "held"}) == 3
    assert exit_code({**said, "state": "dreaming"}) == 1  # of a version that knows more
