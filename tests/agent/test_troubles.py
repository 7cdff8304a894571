"""Every trouble that a recorder can report makes an exit code, or is only reported; none is there for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import agent
from agent.control.recorder_state import exit_code
from agent.core.account import troubles
from agent.core.account.troubles import REPORTED_ONLY, TroubleCode, degrades
from agent.core.account.watch import Amiss
from agent.upload.answers import SHUT_OUT_CODES
from protocol import api
from testkit.played import status


@pytest.mark.parametrize("code", [*TroubleCode, "a-trouble-of-a-later-version"])
def test_a_trouble_that_somebody_must_mend_is_an_exit_code(code: str) -> None:
    said: dict[str, Any] = status(troubles={str(code): ""})
    assert exit_code(said) == int(degrades(code)) == int(code not in REPORTED_ONLY)
    assert exit_code({**said, "state": "held"}) == 3
    assert exit_code({**said, "state": "dreaming"}) == 1  # of a version that knows more


def test_every_trouble_can_come() -> None:
    root = Path(agent.__file__).parent
    sources = [path.read_text("utf-8") for path in root.rglob("*.py") if path != Path(troubles.__file__)]
    assert [code for code in TroubleCode if not any(f"TroubleCode.{code.name}" in text for text in sources)] == []


def test_a_store_that_shuts_a_pc_out_says_it_in_these_codes() -> None:
    assert {api.DEVICE_REVOKED, api.DEVICE_UNKNOWN, api.AGENT_UNSUPPORTED} == SHUT_OUT_CODES - {TroubleCode.NOT_LET_IN}


def test_what_is_amiss_with_a_rule_is_only_told() -> None:
    assert {TroubleCode(amiss) for amiss in Amiss} <= REPORTED_ONLY
