"""The server as a process: announced, ended in order, and killed in the middle of its work without losing a promise."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from protocol import api
from protocol.bundle import Bundle
from protocol.receipt import Receipt
from store.admin import ca
from store.admin.home import Home
from store.admin.init import COMPLIANCE, STORE
from store.catalog.blobs import sealed_name
from store.evidence.evidence import gather
from store.evidence.verify.ledger import SignedLedger
from store.evidence.verify.recording import examine
from store.server.enrolment import make_secret
from testkit.fakes.pc import SECOND, FakeRecording, Pc, StoreClient
from tests.agent.faults import breakable

PROGRAM = "import sys; from store.cli import main; sys.exit(main())"


class Process:
    def __init__(self, home: Home, *arguments: str, program: str = PROGRAM) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", program, "serve", "--home", str(home.folder), "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout is not None
        self.announced: dict[str, str] = json.loads(self.popen.stdout.readline())
        self.address = self.announced["address"]

    def end(self, number: int) -> tuple[int, str]:
        """(exit code, what it logged)."""
        self.popen.send_signal(number)
        _, logged = self.popen.communicate(timeout=30)
        return self.popen.returncode, logged


@contextmanager
def process(home: Home, *arguments: str, program: str = PROGRAM) -> Iterator[Process]:
    started = Process(home, *arguments, program=program)
    try:
        yield started
    finally:
        if started.popen.poll() is None:
            started.end(signal.SIGKILL)


def connect(home: Home, address: str) -> httpx.Client:
    trust = ssl.create_default_context(cafile=home.ca_certificate)
    where = address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    return StoreClient(home.key(STORE).id, base_url=where, verify=trust, timeout=30)


def enrolled(home: Home, client: httpx.Client) -> Pc:
    database = home.database()
    with database.writing() as connection:
        now = time.time_ns()
        secret = make_secret(connection, uses=1, expires_at=now + 60 * SECOND, group="", now=now)
    database.close()
    pc = Pc(client)
    assert pc.enrol(secret).status_code == 200
    assert pc.ask_token(int(time.time())).status_code == 200
    return pc


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_told(home: Home, number: int) -> None:
    with process(home, "--host", "127.0.0.1") as server:
        with connect(home, server.address) as client:
            assert client.get(api.HEALTH).json()["status"] == "ok"
        code, logged = server.end(number)
    assert code == 0
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert (events[0], events[-1]) == ("serving", "ended")


def test_it_speaks_tls_alone(home: Home) -> None:
    with process(home) as server:
        assert server.address.startswith("https://localhost:")
        port = server.address.rpartition(":")[2]
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}{api.HEALTH}")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://127.0.0.1:{port}{api.HEALTH}")
        with connect(home, server.address) as client:
            assert client.get(api.HEALTH).status_code == 200


def test_plain_http_on_loopback(home: Home) -> None:
    with process(home, "--host", "127.0.0.1", "--http") as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert httpx.get(server.address + api.HEALTH).status_code == 200


def test_more_connections_may_be_open_than_a_shell_allows(home: Home) -> None:
    """Where the soft limit is 1,024, the agents of one large floor would shut each other out."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 5000)); "
    with process(home, "--host", "127.0.0.1", program=limited + PROGRAM) as server:
        assert psutil.Process(server.popen.pid).rlimit(psutil.RLIMIT_NOFILE) == (5000, 5000)


def test_a_certificate_about_to_end_is_warned_of(home: Home) -> None:
    authority = ca.make_authority(time.time_ns())
    old = ca.make_server(authority, [], [], time.time_ns() - (ca.SERVER_LIFE.days - 10) * 86400 * SECOND)
    home.server_certificate.write_bytes(old.certificate)
    home.server_key.write_bytes(old.private)
    with process(home, "--host", "127.0.0.1") as server:
        _, logged = server.end(signal.SIGTERM)
    warning = next(json.loads(line) for line in logged.splitlines() if "certificate-ends" in line)
    assert warning["level"] == "warning"
    assert warning["days_left"] < 10


class Senders:
    """Four threads that seal and send until the store is gone; `acknowledged` holds what it has signed for."""

    def __init__(self, pc: Pc, recording: FakeRecording) -> None:
        self.acknowledged: list[tuple[bytes, str]] = []
        self.enough = threading.Event()
        self._pc = pc
        self._recording = recording
        self._threads = [threading.Thread(target=self._send, args=(stream,)) for stream in range(4)]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self, stream: int) -> None:
        for _ in range(1000):
            sealed = self._recording.seal(bytes(20_000), stream=stream)
            try:
                answer = self._pc.put_sealed(sealed)
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                self.acknowledged.append((sealed, answer.json()["receipt"]))
            if len(self.acknowledged) >= 20:
                self.enough.set()


def test_killed_in_the_middle_it_loses_nothing_that_it_acknowledged(home: Home, bundle: Bundle) -> None:
    for _ in range(2):
        with process(home, "--host", "127.0.0.1") as server, connect(home, server.address) as client:
            pc = enrolled(home, client)
            recording = pc.open_recording(bundle)
            with Senders(pc, recording) as senders:
                assert senders.enough.wait(60)
                server.end(signal.SIGKILL)
        assert len(senders.acknowledged) >= 20
        hashes = {receipt_of(home, receipt).sha256 for _, receipt in senders.acknowledged}
        database = home.database()
        with database.reading() as connection:
            evidence = gather(connection, recording.id)
        assert hashes <= {stored.sha256 for stored in evidence.stored}
        report = examine(
            evidence, home.blobs(), None, compliance=home.key(COMPLIANCE).id, bundles=lambda _: None,
            ledger=SignedLedger(database, evidence.device),
        )  # fmt: skip
        database.close()
        assert [finding for finding in report.findings if finding.check == "bytes"] == []
        with process(home, "--host", "127.0.0.1") as server, connect(home, server.address) as client:
            pc.client = client
            for sealed, receipt in senders.acknowledged[-3:]:
                assert pc.put_sealed(sealed).json()["receipt"] == receipt


def receipt_of(home: Home, receipt: str) -> Receipt:
    return Receipt.verify(receipt, home.store_key().public_key())


@pytest.mark.parametrize(
    ("careless", "kept"),
    [
        pytest.param("", True, id="as it is"),
        # What the test would see of a store that forgets to sync its blobs: without this it would prove nothing.
        pytest.param("import os; os.fsync = lambda _: None; ", False, id="without fsync"),
    ],
)
def test_a_power_cut_takes_nothing_that_it_acknowledged(
    made_home: Path, bundle: Bundle, careless: str, kept: bool
) -> None:
    with breakable() as disk:
        shutil.copytree(made_home, disk.root / "home")
        home = Home.open(disk.root / "home")
        os.sync()  # what lay there before the store was started is not what is tested
        started = process(home, "--host", "127.0.0.1", program=careless + PROGRAM)
        with started as server, connect(home, server.address) as client:
            pc = enrolled(home, client)
            recording = pc.open_recording(bundle)
            with Senders(pc, recording) as senders:
                assert senders.enough.wait(60)
                server.end(signal.SIGKILL)
        disk.cut_power()
        disk.bring_back()
        lost = 0
        for sealed, receipt in senders.acknowledged:
            promised = receipt_of(home, receipt)
            name = sealed_name(promised.recording, promised.stream, promised.sequence, promised.sha256)
            path = home.folder / "blobs" / name
            lost += not path.exists() or path.read_bytes() != sealed
        assert (lost == 0) is kept
        if kept:
            database = home.database()
            with database.reading() as connection:
                rows = {stored.sha256 for stored in gather(connection, recording.id).stored}
            database.close()
            assert {receipt_of(home, receipt).sha256 for _, receipt in senders.acknowledged} <= rows
