"""What Prometheus is told: how many, how fast, how full; and never who."""

from __future__ import annotations

import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from protocol import api
from protocol.policyhash import policy_hash
from store import cli
from store.admin.home import Home
from store.catalog import schema
from store.catalog.alarms import add_alarm
from store.clock import MINUTE
from store.evidence.rules import Bound, PolicyNames, read_names
from store.server import metrics, serving, turns
from store.server.listening import listen
from store.server.metrics import Metrics
from store.server.services import Services
from store.server.serving import scraped
from testkit.fakes.pc import SECOND, Pc
from tests.store.conftest import SetClock
from tests.store.evidence.test_device_status import report
from tests.store.recorded import POLICY, POLICY_FILES
from tests.store.server.test_connections import everything
from tests.store.server.test_serving import connect, enrolled, process

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(services: Services, home: Home) -> Iterator[Callable[[], Samples]]:
    with scraped(Metrics(services, home).app, "127.0.0.1", 0) as port:
        yield lambda: read(httpx.get(f"http://127.0.0.1:{port}/metrics").text)


def test_a_running_store_tells_of_its_requests_on_loopback_alone(home: Home) -> None:
    with process(home, "--host", "127.0.0.1", "--metrics", "127.0.0.1:0") as server:
        said = server.announced
        assert said["metrics"].startswith("http://127.0.0.1:")
        with connect(home, server.address) as client:
            pc = enrolled(home, client)
            assert client.get("/nothing/there").status_code == 404
            assert client.delete(api.HEALTH).status_code == 405
            assert client.get("/metrics").status_code == 404  # not where everybody can ask
        text = httpx.get(said["metrics"]).text
        told = read(text)
        code, _ = server.end(signal.SIGTERM)
    assert code == 0
    count = "eyelid_store_request_seconds_count"
    assert told[count, (("route", "POST /v1/enroll"), ("status", "200"))] == 1
    assert told[count, (("route", "other"), ("status", "404"))] == 2
    assert told[count, (("route", "other"), ("status", "405"))] == 1
    assert told["eyelid_store_devices", (("state", "never"),)] == 1
    for secret in (pc.device, "pc-7", "DELETE"):
        assert secret not in text


def test_pcs_are_counted_by_how_they_stand(
    scrape: Callable[[], Samples], new_pc: Callable[[], Pc], clock: SetClock, services: Services
) -> None:
    never, held, waiting, off, gone = (new_pc() for _ in range(5))
    report(held, clock, holds=["user", "of my own making"])
    report(waiting, clock, pending_chunks=3, pending_bytes=500)
    off.ledger.write("start", at=0)
    off.ledger.write("stop", at=SECOND, why="shutdown")
    assert off.send_ledger().is_success
    report(off, clock)
    with services.database.writing() as connection:
        connection.execute(update(schema.devices).where(schema.devices.c.id == gone.device).values(revoked_at=1))
        connection.execute(insert(schema.bundles).values(revision=2, token="x", added_at=1))
        for device in (never, held):
            add_alarm(connection, 1, "two-bodies", device.device)
    told = scrape()
    assert {state: told["eyelid_store_devices", (("state", state),)] for state in metrics.STATES} == {
        "heard": 2, "silent": 0, "off": 1, "never": 1, "revoked": 1, "unreadable": 0,
    }  # fmt: skip
    assert told["eyelid_store_devices_held", (("hold", "user"),)] == 1
    assert told["eyelid_store_devices_held", (("hold", "other"),)] == 1
    assert told["eyelid_store_alarms_open", (("code", "two-bodies"),)] == 2
    assert told["eyelid_store_waiting_chunks", ()] == 3
    assert told["eyelid_store_waiting_bytes", ()] == 500
    assert told["eyelid_store_bundle_revision", ()] == 2
    assert told["eyelid_store_devices_bundle_behind", ()] == 2
    assert told["eyelid_store_certificate_days", ()] > 100
    assert told["eyelid_store_free_bytes", ()] > 0
    assert ("eyelid_store_free_inodes", ()) in told


@pytest.mark.parametrize(("counted", "told"), [((7, 9), 7), ((0, 0), math.nan)])
def test_inodes_are_told_where_the_disk_counts_them(
    scrape: Callable[[], Samples], monkeypatch: pytest.MonkeyPatch, counted: tuple[int, int], told: float
) -> None:
    monkeypatch.setattr("store.server.metrics.inodes", lambda _: counted)  # a disk that counts none, or so many
    assert scrape()["eyelid_store_free_inodes", ()] == pytest.approx(told, nan_ok=True)


def test_the_catalog_is_asked_once_a_minute_at_most(
    scrape: Callable[[], Samples], new_pc: Callable[[], Pc], clock: SetClock
) -> None:
    assert scrape()["eyelid_store_devices", (("state", "never"),)] == 0
    new_pc()
    assert scrape()["eyelid_store_devices", (("state", "never"),)] == 0
    clock.now += MINUTE
    assert scrape()["eyelid_store_devices", (("state", "never"),)] == 1


def test_a_clock_that_is_set_back_hides_nothing(
    scrape: Callable[[], Samples], new_pc: Callable[[], Pc], clock: SetClock
) -> None:
    pc = new_pc()
    report(pc, clock)
    assert scrape()["eyelid_store_devices", (("state", "heard"),)] == 1
    clock.now -= 60 * MINUTE
    told = scrape()
    assert [told["eyelid_store_devices", (("state", state),)] for state in ("heard", "silent")] == [0, 1]
    report(pc, clock)
    clock.now += MINUTE
    assert scrape()["eyelid_store_devices", (("state", "heard"),)] == 1


def test_holds_by_the_person_are_counted_by_their_reason(
    scrape: Callable[[], Samples], new_pc: Callable[[], Pc], clock: SetClock
) -> None:
    """A PC may say what it likes of itself: a label takes what a policy names, or the agent's own words."""
    told: list[dict[str, object]] = [
        {"reason": 1, "policy": POLICY},
        {"reason": 1, "policy": POLICY},
        {"reason": 9, "policy": POLICY},
        {"reason": "break"},
        {"reason": "of my own making"},
        {},
    ]
    for fields in told:
        pc = new_pc()
        assert pc.ask_token(clock.seconds).is_success
        assert pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer).is_success
        pc.ledger.write("start", at=0)
        pc.ledger.write("hold", at=1, hold="user", reason="private")
        pc.ledger.write("release", at=2, hold="user")
        pc.ledger.write("hold", at=3, hold="user", **fields)
        pc.ledger.write("hold", at=4, hold="locked")
        assert pc.send_ledger().is_success
        report(pc, clock, holds=["user", "locked"])
    report(new_pc(), clock, holds=["user"])  # its account has not come yet
    samples = scrape()
    assert samples["eyelid_store_devices_held", (("hold", "user"),)] == 7
    found = {
        labels[0][1]: value for (name, labels), value in samples.items() if name.endswith("devices_held_by_person")
    }
    assert found == {"Break": 2, "break": 1, "other": 1, "none": 3}


def test_a_pc_s_policy_costs_a_scrape_little(
    scrape: Callable[[], Samples], pc: Pc, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two million bytes of it, each second one a node, are not even loaded, and a text that is smaller is read once."""
    loaded: list[int] = []

    def counted(files: dict[str, str], bound: Bound) -> PolicyNames:
        loaded.append(sum(map(len, files.values())))
        return read_names(files, bound)

    monkeypatch.setattr("store.evidence.evidence.read_names", counted)  # what is read is counted
    texts = ["user_hold: {reasons: [x]}\nz: {" + "a," * number + "}\n...\n" for number in (1_000_000, 100_000, 100)]
    pc.ledger.write("start", at=0)
    for text in texts:
        policy = policy_hash({"p.yaml": text.encode()})
        assert pc.client.put(api.policy_path(policy), json={"files": {"p.yaml": text}}, headers=pc.bearer).is_success
        pc.ledger.write("hold", at=1, hold="user", reason=0, policy=policy)
        assert pc.send_ledger().is_success
        for _ in range(2):
            report(pc, clock, holds=["user"])
            found = scrape()
            clock.pass_by(61)
    assert found["eyelid_store_devices_held_by_person", (("reason", "x"),)] == 1
    assert loaded == [len(texts[1]), len(texts[2])]


@pytest.mark.parametrize("where", ["0.0.0.0:9464", "9464", "store.example.com:9464", "127.0.0.1:x", ":9464"])
def test_it_is_served_to_nobody_elsewhere(home: Home, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["serve", "--home", str(home.folder), "--metrics", where])
    assert left.value.code == 2
    assert "--metrics" in capsys.readouterr().err


def test_a_user_of_the_machine_costs_it_little(services: Services, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads without an end, and connections that say nothing: they come to no thread and to no memory of their own."""
    monkeypatch.setattr(serving, "SCRAPERS", 3)  # the real bound is 64 connections away
    monkeypatch.setattr(turns, "own_connections", lambda _: turns.Allowance(rate=1000, burst=1000))  # unbounded
    with scraped(Metrics(services, home).app, "127.0.0.1", 0) as port, ExitStack() as stack:

        def come() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))

        with come() as endless:
            with suppress(ConnectionError):  # closed while it was still sending
                endless.sendall(b"GET /metrics HTTP/1.1\r\n" + b"a: %s\r\n" % (b"x" * 60_000) * 90)
            assert b" 200 " not in everything(endless)
        before = threading.active_count()
        silent = []
        while not silent or everything_soon(silent[-1]) is None:
            silent.append(come())
        assert (len(silent), threading.active_count()) == (4, before)  # the fourth was closed
        silent[0].close()
        answered = 0
        while not answered:  # until it has been seen that one has gone
            with suppress(httpx.TransportError):
                answered = httpx.get(f"http://127.0.0.1:{port}/metrics").status_code
        assert answered == 200


def everything_soon(connection: socket.socket) -> bytes | None:
    """None where it stays open without a word."""
    connection.settimeout(0.5)
    try:
        return everything(connection)
    except TimeoutError:
        return None


def test_a_port_that_is_taken_is_said_and_tried_again(
    services: Services, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serving, "AGAIN", 0.05)  # the real one is a minute
    with closing(listen("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with scraped(Metrics(services, home).app, "127.0.0.1", port) as answered_at:
            assert answered_at is None
            (said, *_) = [record for record in caplog.records if record.getMessage() == "no-metrics"]
            assert said.levelname == "ERROR"
            assert "choose another port" in said.facts["reason"]  # type: ignore[attr-defined]
            other.close()
            answered = 0
            while not answered:  # until it was tried again
                with suppress(httpx.TransportError):
                    answered = httpx.get(f"http://127.0.0.1:{port}/metrics").status_code
            assert answered == 200


def test_a_store_starts_and_ends_while_another_program_has_the_port(home: Home) -> None:
    with closing(listen("127.0.0.1", 0)) as other:
        metrics = f"127.0.0.1:{other.getsockname()[1]}"
        with process(home, "--host", "127.0.0.1", "--metrics", metrics) as server:
            assert "metrics" not in server.announced
            with connect(home, server.address) as client:
                assert client.get(api.HEALTH).status_code == 200
            code, log = server.end(signal.SIGTERM)
    assert code == 0
    assert "no-metrics" in log


def test_a_damaged_certificate_hides_nothing_else(scrape: Callable[[], Samples], home: Home) -> None:
    home.server_certificate.write_bytes(b"no certificate")
    told = scrape()
    assert told["eyelid_store_certificate_days", ()] != told["eyelid_store_certificate_days", ()]  # not a number
    assert told["eyelid_store_bundle_revision", ()] == 1
