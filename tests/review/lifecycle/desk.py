"""A store with recordings and the custodian that people sign for, on one clock."""

from __future__ import annotations

from pathlib import Path

from review.custodian.custodian import Custodian
from review.filed import Requests
from testkit.custody import SECOND, House
from testkit.lifecycle import World
from tests.review.lifecycle.test_lifecycle import made


class SigningDesk:
    def __init__(self, world: World, folder: Path, rules: str, recordings: int) -> None:
        self.world = world
        self.recordings = made(world, *["rest"] * recordings)[1]
        self.house = House(folder, compliance=world.compliance(), rules=rules)
        self.house.clock.now = world.days()
        self.custodian: Custodian = self.house.ready()
        self.requests = Requests(folder / "requests")
        world.custodian = folder

    def pass_by(self, hours: int) -> None:
        self.house.clock.pass_by(hours * 3600)
        self.world.days.now += hours * 3600 * SECOND
