"""What the tests of the custodian share: a house of its own, or a real store for it to open recordings of, whose
fixtures are those of the store's own tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from review.custodian import facts
from review.custodian.custodian import Custodian
from testkit.custody import House
from tests.store.conftest import bundle, client, clock, home, made_home, new_pc, pc, secret, services  # noqa: F401


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


@pytest.fixture
def custodian(house: House) -> Custodian:
    return house.ready()


Meanwhile = Callable[[Custodian, str, str, Callable[[], None]], None]
"""(custodian, at, verb, act): `act` happens while papers are read ("papers") or the verb's entry is written ("entry").
"""


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    def happens(custodian: Custodian, at: str, verb: str, act: Callable[[], None]) -> None:
        establish, append = facts.establish, custodian._log.append

        def reading(*papers: Any) -> Any:
            act()
            return establish(*papers)

        def noting(noted: Any) -> int:
            position = append(noted)
            if (noted.kind, noted.outcome) == (verb, "success"):
                act()
            return position

        if at == "papers":
            monkeypatch.setattr("review.custodian.custodian.establish", reading)  # long papers, in one moment
        else:
            monkeypatch.setattr(custodian._log, "append", noting)  # the moment when the entry is written

    return happens
