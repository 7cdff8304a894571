"""Where the system does not let keys be kept from other processes, nothing is recorded, and the reason is said."""

from __future__ import annotations

import pytest

from agent.desktop import privacy
from agent.errors import EnvironmentFault


def test_a_refusal_of_the_system_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise OSError("not here")

    monkeypatch.setattr("protocol.dumps.refuse_dumps", refused)
    with pytest.raises(EnvironmentFault, match=r"Nothing is recorded here: not here\."):
        privacy.refuse_dumps()
