"""A small store with an audit log that decides what it erases; its days go by as a test says."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import api
from protocol.bundle import Bundle
from protocol.bundle import verify as verify_bundle
from protocol.carried import carried
from protocol.envelope import KEY_PACKET_STREAM, SOUND_STREAM
from protocol.keyfile import load_private
from protocol.keys import RecipientPublic, signing_key, thumbprint
from protocol.policyhash import policy_hash
from review.audit import journal
from review.audit.entries import Entry, ReadingKey
from review.audit.kinds import read_body
from review.audit.log import AuditLog
from review.audit.notes import Signer
from review.governance.model import Channel, Fact, Governance, RetentionClass
from review.governance.times import DAY, Period
from review.lifecycle.facts import Facts
from review.lifecycle.lifecycle import Houserules, Lifecycle
from review.lifecycle.pinned import Senders
from store.admin import signing
from store.admin.home import Home
from store.admin.init import COMPLIANCE, STORE, Plan, found
from store.catalog.blobs import LocalBlobs, folder_of
from store.catalog.database import Database
from store.catalog.statements import newest_bundle
from store.clock import SECOND
from store.server.app import create_app
from store.server.enrolment import make_secret
from store.server.services import Services
from store.server.serving import open_services
from store.server.web_server import listen, make_server, url
from testkit.fakes.pc import FakeRecording, Pc, StoreClient

ORIGIN: Final = "review.example.com/audit"
PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER: Final = Signer.of(ORIGIN, PRIVATE)
READING: Final = ReadingKey(bytes(range(32)))
BEGAN: Final = 1_800_000_000 * SECOND
POLICY_FILES: Final = {"p.yaml": "rules:\n  - {id: card-forms, why: PCI DSS}\n...\n"}
POLICY: Final = policy_hash({name: text.encode() for name, text in POLICY_FILES.items()})
RULES: Final = Governance(
    hash="f" * 64,
    retention=(
        RetentionClass(
            "cards",
            (Fact("closed_by", frozenset({"card-forms"})),),
            keep=Period(ns=60 * DAY),
            minimum=Period(ns=40 * DAY),
        ),
        RetentionClass("calls", (Fact("channel", frozenset({Channel.VOICE})),), keep=Period(ns=20 * DAY)),
        RetentionClass("rest", None, keep=Period(ns=10 * DAY)),
    ),
)
KEPT: Final = {"cards": (40, 60), "calls": (0, 20), "rest": (0, 10)}
"""Class of RULES -> days of minimum and period."""


class Days:
    """The store's clock and the log's: ns."""

    def __init__(self, now: int = BEGAN) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_by(self, days: int) -> None:
        self.now += days * DAY


def new_home(folder: Path) -> Home:
    """A store, with the keys that each in this process has: making them and its tables waits for the disk 27 times."""
    shutil.copytree(_founded(), folder)
    return Home.open(folder)


@cache
def _founded() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="eyelid-founded-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    found(_plan(folder / "home"), b"correct horse")
    return folder / "home"


def _plan(folder: Path) -> Plan:
    return Plan(folder, "https://localhost:8443", cost=10)


class World:
    """The store lies in `folder`/home, its log in `folder`/review/audit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.days = Days()
        self.home = Home.open(folder / "home")
        self.log_folder = folder / "review" / "audit"
        self.replica = folder / "replica"
        self.custodian: Path | None = None

    @classmethod
    def found(cls, folder: Path, *, anew: bool = False) -> World:
        """`anew`: with keys that no other world of this process has."""
        if anew:
            found(_plan(folder / "home"), b"correct horse")
        else:
            new_home(folder / "home")
        (folder / "replica").mkdir()
        AuditLog.create(folder / "review" / "audit", SIGNER)
        world = cls(folder)
        with world.opened() as (_, lifecycle):
            lifecycle.begin()
        return world

    @contextmanager
    def opened(self, log: Path | None = None) -> Iterator[tuple[Database, Lifecycle]]:
        kept = AuditLog(log or self.log_folder, SIGNER, READING, clock=self.days)
        with closing(self.home.database()) as database:
            house = Houserules(backups=35 * DAY, replicas=(self.replica,), custodian=self.custodian)
            yield (
                database,
                Lifecycle(self.home, database, kept, READING, PRIVATE, house=house, who="op@desk", origin="desk"),
            )

    def entries(self) -> list[dict[str, Any]]:
        """Bodies of the log, in order."""
        every = (one for group in journal.groups(self.log_folder, SIGNER.key) for one in group.entries)
        sealed = ((one, Entry.parse(one.raw)) for one in every)
        return [
            read_body(READING.open(ORIGIN, one.position, entry, one.rest)[0])
            for one, entry in sealed
            if not entry.statement
        ]

    def compliance(self, secret: bytes = b"correct horse") -> Ed25519PrivateKey:
        return signing_key(load_private(self.home.folder / self.home.key(COMPLIANCE).file, secret).raw)

    def facts(self, database: Database, governance: Governance = RULES) -> Facts:
        return Facts(database, self.home.blobs(), governance, Senders(self.log_folder.parent))

    @contextmanager
    def serving(self) -> Iterator[Pcs]:
        """The store takes what PCs send; on one clock with everything else."""
        with (
            closing(open_services(self.home, self.days)) as services,
            served(services) as address,
            StoreClient(self.home.key(STORE).id, base_url=address, timeout=30) as client,
        ):
            with services.database.writing() as connection:
                secret = make_secret(connection, uses=9, expires_at=self.days() + DAY, group="g", now=self.days())
            with services.database.reading() as connection:
                newest = newest_bundle(connection)
            assert newest is not None
            yield Pcs(client, secret, verify_bundle(newest[1], self.home.key(COMPLIANCE).id), self.days)

    def mirror(self) -> None:
        """The replica has all that the store has."""
        shutil.copytree(self.home.blobs_folder, self.replica, dirs_exist_ok=True)

    def packets(self, recording: UUID) -> list[str]:
        """Key packets of it that lie anywhere."""
        start = f"{folder_of(recording)}{KEY_PACKET_STREAM:05d}-"
        return [name for at in (self.home.blobs_folder, self.replica) for name in LocalBlobs(at).names(start)]

    def files(self, recording: UUID) -> list[str]:
        return [
            name for at in (self.home.blobs_folder, self.replica) for name in LocalBlobs(at).names(folder_of(recording))
        ]


def govern(
    home: Home, *rules: str, secret: bytes = b"correct horse", readers: Iterable[RecipientPublic] = (),
    policy: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Puts the next bundle into the store, with these files of rules, or none, and further readers; its file's text.

    `policy`: files of a pause policy; None for those of the bundle before.
    """
    key = signing_key(load_private(home.folder / home.key(COMPLIANCE).file, secret).raw)
    files = {f"{number}.yaml": text.encode() for number, text in enumerate(rules)}
    with closing(home.database()) as database, database.writing() as connection:
        newest = newest_bundle(connection)
        assert newest is not None
        before = verify_bundle(newest[1], home.key(COMPLIANCE).id)
        made = replace(before, revision=before.revision + 1, governance=policy_hash(files) if files else "")
        made = replace(made, recipients=(*before.recipients, *readers))
        made = made if policy is None else replace(made, policy_files=policy)
        token = signing.sign(made, key)
        assert not signing.take(
            connection, signing.Said(token, thumbprint(key.public_key()), made, files), operator="test", at=1
        )
    return "\n".join([token, *([carried(files)] if files else [])])


@contextmanager
def served(services: Services) -> Iterator[str]:
    server = make_server(create_app(services), None)
    with listen("127.0.0.1", 0) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield url("127.0.0.1", listener.getsockname()[1], tls=False)
        finally:
            server.should_exit = True
            thread.join()


class Pcs:
    """Makes PCs and their recordings."""

    def __init__(self, client: StoreClient, secret: str, bundle: Bundle, days: Days) -> None:
        self.client, self.secret, self.bundle, self._days = client, secret, bundle, days
        self.ahead = 0  # ns by which their clocks are before the store's

    def pc(self) -> Pc:
        made = Pc(self.client)
        assert made.enrol(self.secret).status_code == 200
        assert made.ask_token(self._days() // SECOND).status_code == 200
        assert made.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=made.bearer).is_success
        return made

    def record(self, pc: Pc, kind: str, **fields: Any) -> tuple[FakeRecording, list[bytes]]:
        """Ten seconds of the class `kind`, closed and received; its chunks."""
        began = self._days() + self.ahead - 10 * SECOND
        made = pc.open_recording(self.bundle, policy=POLICY, **{"start": began, **fields})
        at = (len(pc.ledger.lines) + 1) * 100 * SECOND
        pc.ledger.wall = began - at
        write = pc.ledger.write
        if not pc.ledger.lines:
            write("start", at=at)
        write("recording-open", at=at + 1, recording=str(made.id), policy=POLICY, zero=at)
        sealed = [made.seal(b"picture", length=3 * SECOND)]
        if kind == "cards":
            write("lane-closed", at=at + 4 * SECOND, lane="screen", rules=[0], policy=POLICY)
            write("lane-open", at=at + 6 * SECOND, lane="screen")
        sealed.append(made.seal(b"picture", length=3 * SECOND, gap=4 * SECOND))
        if kind == "calls":
            sealed.append(made.seal(b"voice", stream=SOUND_STREAM, length=3 * SECOND))
        write("recording-closed", at=at + 10 * SECOND, recording=str(made.id), heads=made.heads(), why="stop")
        for body in sealed:
            assert pc.put_sealed(body).status_code == 200
        assert pc.send_ledger().status_code == 200
        return made, sealed
