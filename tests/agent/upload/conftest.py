"""An enrolled PC with a real spool, ledger and uploader, and the fake store that it was enrolled at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.core import backoff
from agent.ledger import DiskLedger
from agent.ports import Sealed
from agent.seal import Provenance
from agent.spool import DiskSpool
from agent.state.identity import Identity, Trust, enrol
from agent.upload.alarms import UploadCallbacks
from agent.upload.packets import KeptPackets
from agent.upload.receipts import KeptReceipts
from agent.upload.texts import PolicyTexts
from agent.upload.uploader import Uploader
from agent.wire import Wire
from protocol import api
from protocol.bundle import Bundle
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from testkit.fakes.store import FakeStore
from tests.agent.recordings import media, new_sealer

CHANCE = 0.3  # of every draw; no pause of the backoff is then like the pause of an empty queue


class Killed(BaseException):
    """The process ends here."""


class WatchedSpool(DiskSpool):
    """The real one; a test sees what was forgotten, and can have the process die just before."""

    forgotten: list[str]
    dying = False

    def forget(self, name: str) -> None:
        if self.dying:
            raise Killed
        self.forgotten.append(name)
        super().forget(name)


@dataclass
class Pc:
    """`heard`: what the uploader told, in order."""

    store: FakeStore
    clock: HandClock
    identity: Identity
    trust: Trust
    wire: Wire
    spool: WatchedSpool
    ledger: DiskLedger
    texts: PolicyTexts
    parallel: int = 1
    let_through: bool = True  # by the hours
    open_recording: str | None = None
    holds: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    received: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.uploader = Uploader(
            self.identity,
            self.trust,
            self.wire,
            spool=self.spool,
            account=self.ledger,
            texts=self.texts,
            packets=KeptPackets(self.identity.home / "key-packets"),
            receipts=KeptReceipts(self.identity.home / "receipts"),
            health=self._health,
            callbacks=UploadCallbacks(self._receipt, self._say("alarm"), self._say("cleared"), self._bundle),
            clock=self.clock,
            chance=lambda: CHANCE,
            parallel=self.parallel,
            hours=lambda _: self.let_through,
        )

    def _say(self, what: str) -> Callable[[str], None]:
        return lambda code: self.heard.append(f"{what} {code}")

    def _receipt(self, at: int) -> None:
        assert at == self.clock.now()
        self.heard.append("receipt")
        self.received.set()

    def _bundle(self, bundle: Bundle) -> None:
        self.heard.append(f"bundle {bundle.revision}")

    def _health(self) -> api.DeviceHealthRequest:
        chunks, size = self.spool.waiting()
        number, head = self.ledger.head()
        health: api.DeviceHealthRequest = {
            "wall": self.clock.wall(),
            "agent_version": "0.1.0",
            "heads": {},
            "ledger": {"next": number, "head": head},
            "holds": list(self.holds),
            "pending_chunks": chunks,
            "pending_bytes": size,
            "bundle_revision": self.trust.bundle.revision,
        }
        if self.open_recording is not None:
            health["recording"] = self.open_recording
        return health

    def record(self, chunks: int, wall: int = NEW_YEAR_2026) -> list[Sealed]:
        """Seal and spool a recording of this PC: its key packet and chunks."""
        sealer = new_sealer(wall, Provenance(self.identity.device, self.identity.keys, "pc-17", "alice", "0.1.0"))
        made = [sealer.packet(), *(sealer.seal(media(0, 4 * number)) for number in range(chunks))]
        for sealed in made:
            self.spool.put(sealed)
        return made

    def waiting(self) -> list[str]:
        return [sealed.name for sealed in self.spool.pending()]

    def work(self) -> float:
        """Steps until there is something to wait for; how long, in seconds."""
        for _ in range(10_000):
            pause = self.uploader.step()
            if pause:
                return pause
        raise AssertionError("the uploader never rests")

    def settle(self) -> None:
        """What it asks and tells by itself after a start is through."""
        self.work()
        self.store.requests.clear()
        self.heard.clear()

    def outlast(self, pause: float) -> None:
        """Let so much time pass on both clocks."""
        self.clock.pass_by(pause)
        self.store.seconds += int(pause)

    def outlast_everything(self) -> None:
        self.outlast(backoff.CAP + 1)


@pytest.fixture
def store() -> Iterator[FakeStore]:
    with FakeStore() as running:
        yield running


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def start_pc(store: FakeStore, clock: HandClock, home: Path, identity: Identity, parallel: int = 1) -> Pc:
    trust = Trust(identity)
    wire = Wire(identity.address, identity.ca, clock, agent_version="0.1.0", connections=parallel + 1)
    spool = WatchedSpool(home / "spool", max_bytes=10**9, keep_free=0, alarm=pytest.fail)
    spool.forgotten = []
    ledger = DiskLedger(home / "ledger", clock, device=identity.device, keys=identity.keys)
    return Pc(store, clock, identity, trust, wire, spool, ledger, PolicyTexts(home / "outbox"), parallel)


@pytest.fixture
def pc(store: FakeStore, clock: HandClock, tmp_path: Path) -> Iterator[Pc]:
    home = tmp_path / "home"
    identity = enrol(store.pasted(), home, clock, host="pc-17", user="alice", system="Debian 13", agent_version="0.1.0")
    store.requests.clear()
    made = start_pc(store, clock, home, identity)
    yield made
    made.wire.close()
