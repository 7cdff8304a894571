"""Every trouble that a recorder can report makes an exit code, or is only reported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agent.control.recorder_state import exit_code
from agent.core.account.troubles import TroubleCode, degrades
from agent.core.account.watch import Amiss
from agent.upload.answers import SHUT_OUT_CODES
from protocol import api
from testkit.played import status


@pytest.mark.parametrize("code", [*TroubleCode, "a-trouble-of-a-later-version"])
def test_a_trouble_that_somebody_must_mend_is_an_exit_code(code: str) -> None:
    said: dict[str, Any] = status(troubles={str(code): ""})
    assert exit_code(said) == int(degrades(code))
    assert exit_code({**said, "state": "held"}) == 3
    assert exit_code({**said, "state": "dreaming"}) == 1  # of a version that knows more


def test_each_trouble_is_in_the_table_for_those_who_have_to_mend_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "indicator.md").read_text("utf-8")
    degrading = [code for code in TroubleCode if code.degrades and not code.startswith("stage-failed-")]
    assert [code for code in degrading if not re.search(rf"(?m)^\|[^|]*`{code}`", page)] == []


def test_a_store_that_shuts_a_pc_out_says_it_in_these_codes() -> None:
    assert {api.DEVICE_REVOKED, api.DEVICE_UNKNOWN, api.AGENT_UNSUPPORTED} == SHUT_OUT_CODES - {TroubleCode.NOT_LET_IN}


def test_what_is_amiss_with_a_rule_is_only_told() -> None:
    assert not any(TroubleCode(amiss).degrades for amiss in Amiss)
