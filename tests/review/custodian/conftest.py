"""What the tests of the custodian share: a house of its own, or a real store for it to open recordings of, whose
fixtures are those of the store's own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.custodian.custodian import Custodian
from testkit.custody import House
from tests.store.conftest import bundle, client, clock, home, made_home, new_pc, pc, secret, services  # noqa: F401


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


@pytest.fixture
def custodian(house: House) -> Custodian:
    return house.ready()
