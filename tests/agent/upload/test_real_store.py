"""The uploader and the store that ships: side by side over TLS, and after the store was put back from an old backup."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.core.model.times import SECOND
from agent.ledger import DiskLedger
from agent.ports import Sealed
from agent.seal import Provenance
from agent.spool import DiskSpool
from agent.state.identity import Identity, Trust, enrol
from agent.upload.alarms import UploadCallbacks
from agent.upload.packets import KeptPackets
from agent.upload.receipts import KeptReceipts
from agent.upload.texts import PolicyTexts
from agent.upload.uploader import IDLE, Uploader
from agent.wire import Wire
from protocol import enrolment
from protocol.enrolment import Enrolment
from store.admin.home import Home
from store.admin.init import COMPLIANCE, Plan, found
from store.catalog.schema import sealed
from store.clock import wall
from store.server.enrolment import make_secret
from store.server.serving import open_services
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from tests.agent.recordings import media, new_sealer
from tests.store.conftest import COST, PASSPHRASE, serving

PARALLEL = 4


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of a store that serves this folder."""
    home = Home.open(folder)
    services = open_services(home)
    try:
        with serving(home, services) as client:
            yield str(client.base_url)
    finally:
        services.close()


def pasted(folder: Path, address: str) -> str:
    home = Home.open(folder)
    database = home.database()
    with database.writing() as connection:
        secret = make_secret(connection, uses=1, expires_at=wall() + 3600 * SECOND, group="", now=wall())
    database.close()
    return enrolment.make(
        Enrolment(
            address=address,
            ca=home.ca_certificate.read_text("ascii"),
            store_key=home.store_key().public_key(),
            compliance=home.key(COMPLIANCE).id,
            secret=secret,
            group="",
        )
    )


def sealed_in(folder: Path) -> int:
    database = Home.open(folder).database()
    with database.reading() as connection:
        found_ = connection.execute(select(func.count()).select_from(sealed)).scalar_one()
    database.close()
    return int(found_)


class RealPc:
    """`heard`: alarms, and how many receipts."""

    def __init__(self, identity: Identity, home: Path, address: str) -> None:
        self.clock = HandClock()
        self.identity = identity
        self.wire = Wire(address, identity.ca, self.clock, agent_version="0.1.0", connections=PARALLEL + 1)
        self.spool = DiskSpool(home / "spool", max_bytes=10**9, keep_free=0, alarm=pytest.fail)
        self.alarms: list[str] = []
        self.receipts = 0
        trust = Trust(identity)
        self.uploader = Uploader(
            identity,
            trust,
            self.wire,
            spool=self.spool,
            account=DiskLedger(home / "ledger", self.clock, device=identity.device, evidence=identity.evidence_key),
            texts=PolicyTexts(home / "policy-texts"),
            packets=KeptPackets(home / "key-packets"),
            receipts=KeptReceipts(home / "receipts"),
            health=lambda: {
                "wall": self.clock.wall(), "agent_version": "0.1.0", "heads": {}, "holds": [], "pending_chunks": 0,
                "pending_bytes": 0, "bundle_revision": 1, "ledger": {"next": 0, "head": "0" * 64},
            },
            callbacks=UploadCallbacks(self._received, self.alarms.append, lambda _: None, lambda _: None),
            clock=self.clock,
            chance=lambda: 0.3,
            parallel=PARALLEL,
        )  # fmt: skip

    def _received(self, _: int) -> None:
        self.receipts += 1

    def record(self, number: int) -> list[Sealed]:
        """A recording of 21 objects, nothing of it spooled yet."""
        origin = Provenance(self.identity.device, self.identity.evidence_key, "pc-17", "alice", "0.1.0")
        sealer = new_sealer(NEW_YEAR_2026 + number * SECOND, origin)
        return [sealer.packet(), *(sealer.seal(media(0, 4 * at, 2000)) for at in range(20))]

    def send(self, made: list[Sealed]) -> None:
        for one in made:
            self.spool.put(one)
        for _ in range(10_000):
            pause = self.uploader.step()
            if pause == IDLE:
                return
            self.clock.pass_by(pause)
        raise AssertionError("the uploader never rests")


def test_recordings_travel_side_by_side_and_survive_a_restored_backup(tmp_path: Path) -> None:
    folder, home = tmp_path / "store", tmp_path / "pc"
    found(Plan(folder, "https://127.0.0.1:8443", cost=COST), PASSPHRASE)
    with running(folder) as address:
        identity = enrol(pasted(folder, address), home, HandClock(), host="pc-17", system="d", agent_version="0.1.0")
    shutil.copytree(folder, tmp_path / "backup")
    with running(folder) as address:
        pc = RealPc(identity, home, address)
        many = [pc.record(number) for number in range(6)]
        pc.send([one for recording in many for one in recording[:-1]])
        assert (pc.receipts, pc.alarms) == (120, [])
        pc.wire.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    assert sealed_in(folder) == 0
    with running(folder) as address:
        again = RealPc(identity, home, address)
        again.send([recording[-1] for recording in many])
        assert (again.receipts, again.alarms) == (6, [])
        assert again.spool.waiting() == (0, 0)
        assert again.spool.aside() == 0
        again.wire.close()
    assert sealed_in(folder) == 6 + 6  # and their key packets
