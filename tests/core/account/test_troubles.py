"""Which troubles make a recorder a degraded one."""

from __future__ import annotations

from agent.core.account.evidence import Deaf
from agent.core.account.troubles import TroubleCode, degrades


def test_what_somebody_must_mend_degrades_and_so_does_what_is_not_known_here() -> None:
    about_rules = {code for code in TroubleCode if code.startswith("rule-")}
    assert {code for code in TroubleCode if not degrades(code)} == about_rules | {
        TroubleCode.UNSIGNED_POLICY,
        TroubleCode.POLICY_UNGUARDED,
    }
    assert all(code.degrades == degrades(code.value) for code in TroubleCode)
    assert all(deaf.trouble.degrades for deaf in Deaf)
    assert degrades("a-trouble-of-a-later-version")
