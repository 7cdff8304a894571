"""The uploader and the store that ships: side by side over TLS; after the store was put back from an old backup; and
when the store's key, authority, name and port change."""

from __future__ import annotations

import os
import shutil
import socket
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
from testkit import fleet
from testkit.cheap_keys import COST
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from tests.agent.recordings import media, new_sealer
from tests.store.conftest import PASSPHRASE, serving

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
        self.trust = trust = Trust(identity)
        if trust.location:
            self.wire.follow(trust.places)
        self.uploader = Uploader(
            identity,
            trust,
            self.wire,
            spool=self.spool,
            account=DiskLedger(home / "ledger", self.clock, device=identity.device, keys=identity.keys),
            texts=PolicyTexts(home / "policy-texts"),
            packets=KeptPackets(home / "key-packets"),
            receipts=KeptReceipts(home / "receipts"),
            health=lambda: {
                "wall": self.clock.wall(), "agent_version": "0.1.0", "heads": {}, "holds": [], "pending_chunks": 0,
                "pending_bytes": 0, "bundle_revision": 1, "location": trust.location,
                "ledger": {"next": 0, "head": "0" * 64},
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
        origin = Provenance(self.identity.device, self.identity.keys, "pc-17", "alice", "0.1.0")
        sealer = new_sealer(NEW_YEAR_2026 + number * SECOND, origin)
        return [sealer.packet(), *(sealer.seal(media(0, 4 * at, 2000)) for at in range(20))]

    def minute(self) -> None:
        """It tells of its health, and does what follows from the answer."""
        self.clock.pass_by(61)
        self.send([])

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
        identity = enrol(
            pasted(folder, address), home, HandClock(), host="pc-17", user="alice", system="d", agent_version="0.1.0"
        )
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


@contextmanager
def served(folder: Path, log: Path, port: int = 0) -> Iterator[str]:
    """The address of a store that serves this folder as a process of its own."""
    with fleet.running("the store", fleet.serve(folder, port), log, os.environ) as process:
        yield process.until(lambda: fleet.announced(log), "it said where it listens")


@pytest.mark.slow(reason="five stores are started one after the other, and eight commands")
def test_a_running_pc_follows_a_new_key_name_port_and_authority(founded: fleet.Founded, tmp_path: Path) -> None:
    """Between two parts the store's process ends and another begins; the PC's uploader goes on."""
    folder, secret = fleet.found_like(founded, tmp_path)
    words = ("--home", str(folder), "--key-file", str(secret), "--json")

    def changed(*command: str) -> None:
        made = fleet.run(fleet.installed("eyelid-store", *command, *words), os.environ)
        assert made.returncode == 0, made.stderr

    def refused(*command: str) -> str:
        made = fleet.run(fleet.installed("eyelid-store", *command, *words), os.environ)
        assert made.returncode == 2, made.stdout
        return made.stderr

    with served(folder, tmp_path / "1.log") as address:
        port = int(address.rpartition(":")[2])
        identity = enrol(
            pasted(folder, address), tmp_path / "pc", HandClock(), host="pc-17", user="a", system="d",
            agent_version="0.1.0",
        )  # fmt: skip
        pc = RealPc(identity, tmp_path / "pc", address)
        parts = iter([pc.record(number) for number in range(8)])
        pc.send(next(parts))
        changed("renew", "store-key")
        pc.send(next(parts))  # the process has the old key until its end
    with served(folder, tmp_path / "2.log", port):
        pc.send(next(parts))
        assert len(pc.trust.store_keys) == 2
        pc.minute()
        with socket.create_server(("127.0.0.1", 0)) as free:
            another = free.getsockname()[1]
        changed("rename", "--name", "localhost", "--port", str(another))
        pc.minute()  # told by the process that ran already, at the old place
        assert pc.trust.places[0][0] == f"https://localhost:{another}"
        pc.send(next(parts))  # which still answers alone
    with served(folder, tmp_path / "3.log", another):
        pc.send(next(parts))
        changed("renew", "ca")
        # A PC that has not heard of the new authority would be shut out.
        assert "pc-17" in refused("renew", "tls")
        pc.minute()
        pc.minute()  # says that it has it
        changed("renew", "tls")
        assert "still of" not in refused("renew", "ca")
    with served(folder, tmp_path / "4.log", another):
        pc.send(next(parts))
        changed("renew", "ca", "--drop-old")
        pc.minute()
        pc.send(next(parts))
    pc.wire.close()
    later = RealPc(identity, tmp_path / "pc", address)  # as after the PC's next start
    with served(folder, tmp_path / "5.log", another):
        later.send(next(parts))
    later.wire.close()
    assert (pc.receipts + later.receipts, pc.alarms, later.alarms) == (8 * 21, [], [])
    assert sealed_in(folder) == 8 * 21
