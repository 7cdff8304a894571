"""The line to the store: whom it trusts, whose clock it goes by, and what becomes of answers that are none."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import SECOND
from agent.errors import Transient, Untrusted, UserError
from agent.wire import MAX_ANSWER, Wire
from protocol import api
from tests.fakes.clock import HandClock
from tests.fakes.store import FakeStore, Reply, problem

NOW = dt.datetime.now(dt.UTC)
YEAR = dt.timedelta(days=366)


@pytest.fixture
def store() -> Iterator[FakeStore]:
    with FakeStore() as running:
        yield running


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def wire(store: FakeStore, clock: HandClock) -> Iterator[Wire]:
    made = Wire(store.address, "", clock, agent_version="0.1.0")
    yield made
    made.close()


def asked(address: str, ca: str) -> int:
    wire = Wire(address, ca, HandClock(), agent_version="0.1.0")
    try:
        return wire.send("GET", api.HEALTH).status
    finally:
        wire.close()


# -- trust --------------------------------------------------------------------------------------------------------


def test_trusts_the_ca_of_the_enrolment(tmp_path: Path) -> None:
    with FakeStore(tls=tmp_path) as store:
        assert asked(store.address, store.ca) == 200


@pytest.mark.parametrize("authority", ["the system's", "another store's"])
def test_trusts_nobody_else(tmp_path: Path, authority: str) -> None:
    (tmp_path / "other").mkdir()
    with FakeStore(tls=tmp_path) as store, FakeStore(tls=tmp_path / "other") as other:
        with pytest.raises(Transient, match="certificate is not the enrolled store's") as raised:
            asked(store.address, "" if authority == "the system's" else other.ca)
        assert "127.0.0.1" not in str(raised.value)


def test_a_certificate_for_another_address_is_refused(tmp_path: Path) -> None:
    with FakeStore(tls=tmp_path) as store, pytest.raises(Transient, match="not for its address"):
        asked(store.address.replace("127.0.0.1", "localhost"), store.ca)


@pytest.mark.parametrize(
    ("valid", "the_pc_is"),
    [((NOW - 2 * YEAR, NOW - YEAR), "a year ahead"), ((NOW + YEAR, NOW + 2 * YEAR), "a year behind")],
)
def test_a_wrong_clock_of_the_pc_does_not_void_the_stores_certificate(
    tmp_path: Path, valid: tuple[dt.datetime, dt.datetime], the_pc_is: str
) -> None:
    """Seen from a PC whose clock is off, a good certificate has run out or has not begun."""
    del the_pc_is
    with FakeStore(tls=tmp_path, valid=valid) as store:
        assert asked(store.address, store.ca) == 200


@pytest.mark.parametrize(
    ("address", "proxy"),
    [("https://store:nowhere", ""), ("https://store", "ftp://proxy"), ("https://store", "http://proxy:x")],
)
def test_an_address_that_is_none_is_a_users_mistake(
    monkeypatch: pytest.MonkeyPatch, clock: HandClock, address: str, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UserError):
        Wire(address, "", clock, agent_version="0.1.0")


# -- requests -----------------------------------------------------------------------------------------------------


def test_one_connection_is_kept(store: FakeStore, wire: Wire) -> None:
    for _ in range(5):
        wire.send("GET", api.HEALTH)
    assert (len(store.requests), store.connections) == (5, 1)


def test_every_request_says_who_asks_and_what_it_carries(store: FakeStore, wire: Wire) -> None:
    wire.send("PUT", api.RECORDING, body=b"sealed", bearer="secret-token")
    wire.send("POST", api.LEDGER, body={"batch": "ä"})
    wire.send("GET", api.BUNDLE)
    (_, _, put), (_, _, post), (_, _, get) = store.requests
    assert put["eyelid-agent-version"] == "0.1.0"
    assert put["content-digest"] == api.content_digest(b"sealed")
    assert (put["content-type"], put["authorization"]) == ("application/octet-stream", "Bearer secret-token")
    assert post["content-type"] == "application/json"
    assert "content-digest" not in get
    assert "authorization" not in get


def test_a_proxy_of_the_environment_is_used(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake is asked through itself: nobody listens where the request says that it goes."""
    monkeypatch.setenv("HTTP_PROXY", store.address)
    assert asked("http://127.0.0.1:9", "") == 200


def test_a_store_that_hangs_up_is_no_answer(store: FakeStore, wire: Wire) -> None:
    store.says(api.HEALTH, Reply(drop=True))
    with pytest.raises(Transient, match="cannot be reached"):
        wire.send("GET", api.HEALTH)
    assert wire.send("GET", api.HEALTH).status == 200


def test_a_store_that_is_not_there_is_no_answer(clock: HandClock) -> None:
    with FakeStore() as gone:
        address = gone.address
    wire = Wire(address, "", clock, agent_version="0.1.0")
    with pytest.raises(Transient, match="cannot be reached"):
        wire.send("GET", api.HEALTH)
    with pytest.raises(Transient, match="cannot be reached"):
        wire.store_time()
    wire.close()


def test_an_answer_without_end_is_no_answer(store: FakeStore, wire: Wire) -> None:
    store.says(api.HEALTH, Reply(body=bytes(MAX_ANSWER + 1)))
    with pytest.raises(Untrusted, match="has no end"):
        wire.send("GET", api.HEALTH)
    assert wire.send("GET", api.HEALTH).status == 200


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "Wed, 01 Jan 2025 00:00:40 GMT", "Date": "Wed, 01 Jan 2025 00:00:00 GMT"}, 40),
        ({"Retry-After": "Wed, 01 Jan 2025 00:00:00 GMT", "Date": "Wed, 01 Jan 2025 00:00:40 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
    ],
)
def test_how_long_to_wait_in_either_spelling(
    store: FakeStore, wire: Wire, headers: dict[str, str], seconds: float | None
) -> None:
    store.says(api.HEALTH, Reply(503, headers=headers))
    assert wire.send("GET", api.HEALTH).retry_after == seconds


def test_a_refusal_is_one_only_in_the_stores_own_words(store: FakeStore, wire: Wire) -> None:
    store.says(
        api.HEALTH,
        problem(403, "foreign-recording"),
        Reply(403, b"<html>Blocked by your company's proxy</html>"),
        Reply(403, b'{"error": "foreign-recording"}'),
        Reply(403, b'{"error": "Go to https://evil.example", "message": "now"}'),
        Reply(403, b'["error"]'),
    )
    assert [wire.send("GET", api.HEALTH).refusal() for _ in range(5)] == ["foreign-recording", "", "", "", ""]


def test_what_the_store_says_to_a_person_cannot_drive_a_terminal(store: FakeStore, wire: Wire) -> None:
    store.says(api.HEALTH, Reply(400, b'{"error": "no", "message": "used up\\u001b[2J\\n"}'), Reply(400, b"none"))
    assert wire.send("GET", api.HEALTH).words() == "used up [2J "
    assert wire.send("GET", api.HEALTH).words() == ""


# -- time ---------------------------------------------------------------------------------------------------------


def test_the_time_is_the_stores_whatever_the_pc_believes(store: FakeStore, wire: Wire, clock: HandClock) -> None:
    clock.ahead -= 365 * 86400 * SECOND
    assert wire.store_time() == store.seconds
    assert store.paths("GET") == [api.HEALTH]
    clock.pass_by(100)
    clock.ahead += 5 * 365 * 86400 * SECOND
    assert wire.store_time() == store.seconds + 100
    assert len(store.requests) == 1


def test_every_answer_corrects_the_time(store: FakeStore, wire: Wire) -> None:
    wire.store_time()
    store.seconds += 5000
    wire.send("GET", api.HEALTH)
    assert wire.store_time() == store.seconds


def test_without_any_date_there_is_no_time(store: FakeStore, wire: Wire) -> None:
    store.says(api.HEALTH, Reply(headers={"Date": "today"}))
    with pytest.raises(Transient, match="no date"):
        wire.store_time()


# -- logs ---------------------------------------------------------------------------------------------------------


def test_no_log_at_any_level_has_an_address_or_a_token(
    store: FakeStore, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store.says(api.HEALTH, Reply(), Reply(503), Reply(drop=True))
    wire.send("GET", api.HEALTH, bearer="secret-token")
    wire.send("GET", api.HEALTH, bearer="secret-token")
    with pytest.raises(Transient):
        wire.send("GET", api.HEALTH, bearer="secret-token")
    for forbidden in ("secret-token", "127.0.0.1", "/v1/"):
        assert forbidden not in caplog.text
