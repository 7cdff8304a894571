"""Which troubles make a recorder a degraded one. That the table is whole: tests/agent/test_troubles.py."""

from __future__ import annotations

from agent.core.account.troubles import DEGRADING, TOLD, degrades


def test_what_somebody_must_mend_degrades_and_so_does_what_is_not_known_here() -> None:
    assert all(degrades(code) for code in DEGRADING)
    assert not any(degrades(code) for code in TOLD)
    assert degrades("a-trouble-of-a-later-version")
