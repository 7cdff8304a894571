"""The line to the store: whom it trusts, whose clock it goes by, and what becomes of answers that are none."""

from __future__ import annotations

import base64
import datetime as dt
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agent import wire as wires
from agent.core.model.times import SECOND
from agent.errors import Transient, Untrusted, UserError
from agent.wire import BESIDE, HEADERS, MAX_ANSWER, NO_PROXY, SYSTEM, Pace, Route, Wire, patience
from protocol import api
from store.server.routes import bodies
from testkit.fakes.clock import HandClock
from testkit.fakes.line import Line
from testkit.fakes.proxy import FakeProxy
from testkit.fakes.store import FakeStore, Reply, problem

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


# -- where it is --------------------------------------------------------------------------------------------------


def test_it_follows_and_comes_back_while_the_new_place_does_not_answer(store: FakeStore, wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = (f"http://127.0.0.1:{port}", "")  # nobody listens there any more
    wire.follow((nowhere, (store.address, "")))
    for _ in range(2):  # each failure goes to the other place, and the clients of both are kept
        with pytest.raises(Transient):
            wire.send("GET", api.HEALTH)
        assert wire.send("GET", api.HEALTH).status == 200
        wire.follow((nowhere, (store.address, "")))
    assert len(wire._clients) == 2
    with FakeStore() as moved:
        wire.follow(((moved.address, ""), (store.address, "")))
        assert wire.send("GET", api.HEALTH).status == 200
        assert [path for _, path, _ in moved.requests] == [api.HEALTH]


@pytest.mark.parametrize("nowhere", ["https://xn--a", "https://xn--zz--.example", "https://a\0b"])
def test_a_place_that_is_none_is_passed_over(store: FakeStore, wire: Wire, nowhere: str) -> None:
    """The store signed it and this PC keeps it: it must not end it at every start."""
    wire.follow(((nowhere, ""), (store.address, "")))
    with suppress(Transient):  # of some names only the first request tells
        wire.send("GET", api.HEALTH)
    assert wire.send("GET", api.HEALTH).status == 200


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


@pytest.mark.parametrize("days", [(-800, -400), (400, 800)], ids=["run out", "not begun"])
def test_a_public_certificate_is_judged_by_the_pcs_clock_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: tuple[int, int]
) -> None:
    """Without a CA of the enrolment the dates count, as everywhere on the web; the message must not blame others."""
    valid = (NOW + dt.timedelta(days=days[0]), NOW + dt.timedelta(days=days[1]))
    with FakeStore(tls=tmp_path, valid=valid) as store:
        system = tmp_path / "system.pem"
        system.write_text(store.ca)
        monkeypatch.setenv("SSL_CERT_FILE", str(system))
        with pytest.raises(Transient, match="not valid today by this PC's clock"):
            asked(store.address, "")


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


def test_a_chunk_of_any_size_may_take_its_time_on_a_slow_line() -> None:
    """Its last byte may leave a buffer on the way long after it was written: at 50 kbit/s a minute is 375 kB."""
    for size in (0, 400_000, 2_000_000, api.MAX_CHUNK_BODY):
        waits = patience(size).read
        assert waits is not None
        assert waits > size / (50_000 / 8)
        assert waits > bodies.BODY_WITHIN + size / bodies.SLOWEST  # else the store's own words would come too late


def test_a_body_goes_on_over_a_line_that_takes_it_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole body takes ten times as long as a write may: what must go on is each piece of it."""
    monkeypatch.setattr(wires, "WRITE_WITHIN", 0.4)
    with FakeStore(tls=tmp_path) as store, Line(store.address, tmp_path) as line:
        line.rate = 6_000_000
        wire = Wire(line.address, store.ca, HandClock(), agent_version="0.1.0")
        assert wire.send("PUT", api.RECORDING, body=bytes(15_000_000)).status == 401
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


# -- proxies ------------------------------------------------------------------------------------------------------


def asked_through(route: Route, address: str, ca: str) -> int:
    wire = Wire(address, ca, HandClock(), agent_version="0.1.0", route=route)
    try:
        return wire.send("GET", api.HEALTH).status
    finally:
        wire.close()


def test_a_proxy_of_the_settings_is_tunnelled_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody is there; and what is written counts
    monkeypatch.setenv("NO_PROXY", "*")
    with FakeStore(tls=tmp_path) as store, FakeProxy() as proxy:
        named = Route(proxy.address.replace("//", "//alice:secret@"))
        assert asked_through(named, store.address, store.ca) == 200
        assert proxy.asked == [store.address.removeprefix("https://")]
        assert proxy.credentials == ["Basic " + base64.b64encode(b"alice:secret").decode()]
        assert "secret" not in repr(named)


def test_the_systems_proxy_is_tunnelled_through_unless_the_settings_say_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeStore(tls=tmp_path) as store, FakeProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        assert asked_through(Route(NO_PROXY), store.address, store.ca) == 200
        assert proxy.asked == []
        assert asked_through(Route(SYSTEM), store.address, store.ca) == 200
        assert proxy.asked == [store.address.removeprefix("https://")]


def test_a_proxy_that_refuses_is_no_answer_of_the_store(tmp_path: Path) -> None:
    with FakeStore(tls=tmp_path) as store, FakeProxy(refuses=407) as proxy:
        with pytest.raises(Transient, match=r"the proxy refused: check upload\.proxy"):
            asked_through(Route(proxy.address), store.address, store.ca)
        assert len(proxy.asked) == 1
        assert store.requests == []


def test_a_proxy_that_opens_tls_is_let_in_only_by_name(tmp_path: Path) -> None:
    """It shows a certificate of its own CA for the store's address, as the other store here does."""
    (tmp_path / "other").mkdir()
    with FakeStore(tls=tmp_path) as store, FakeStore(tls=tmp_path / "other") as between:
        with FakeProxy(leads_to=("127.0.0.1", int(between.address.rpartition(":")[2]))) as proxy:
            with pytest.raises(Transient, match="certificate is not the enrolled store's"):
                asked_through(Route(proxy.address), store.address, store.ca)
            authority = tmp_path / "company.pem"
            authority.write_text(between.ca)
            assert asked_through(Route(proxy.address, authority), store.address, store.ca) == 200
        assert between.paths("GET") == [api.HEALTH]
        assert asked_through(Route(NO_PROXY, authority), store.address, store.ca) == 200  # the store's own still counts


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_a_ca_is_a_users_mistake(tmp_path: Path, clock: HandClock, content: bytes | None) -> None:
    authority = tmp_path / "company.pem"
    if content is not None:
        authority.write_bytes(content)
    with pytest.raises(UserError, match=r"company\.pem \(upload\.ca\) cannot be used: (No such|no certificate)"):
        Wire("https://store", "", clock, agent_version="0.1.0", route=Route(ca=authority))


# -- a limit ------------------------------------------------------------------------------------------------------


def by_hand(clock: HandClock, kbit: float) -> Pace:
    def wait(seconds: float) -> bool:
        clock.pass_by(seconds + 1e-9)
        return False

    return Pace(kbit, clock, wait)


def most_in_a_second(sent: list[tuple[int, int]]) -> int:
    """Bytes, of (when, bytes)."""
    most = inside = first = 0
    for when, size in sent:
        inside += size
        while when - sent[first][0] >= SECOND:
            inside -= sent[first][1]
            first += 1
        most = max(most, inside)
    return most


@pytest.mark.parametrize("kbit", [16, 500, 8_000, 10_000_000])
def test_a_large_body_is_never_above_the_limit_in_any_second(clock: HandClock, kbit: float) -> None:
    pace = by_hand(clock, kbit)
    body = bytes(range(256)) * 16 * 1024 if kbit > 16 else bytes(20_000)
    sent: list[tuple[int, int]] = []
    begun = clock.now()
    for _ in range(2):
        pace.take(HEADERS)
        sent.append((clock.now(), HEADERS))
        sent.extend((clock.now(), len(piece)) for piece in pace.pieces(body))
    limit = kbit * 1000 / 8
    whole = 2 * (len(body) + HEADERS)
    assert sum(size for _, size in sent) == whole
    # A request's headers go in one piece, which counts where a limit is narrow.
    assert most_in_a_second(sent) <= max(limit, limit / BESIDE + HEADERS)
    assert (clock.now() - begun) / SECOND == pytest.approx(whole * BESIDE / limit, rel=0.01)  # and not far below it


def test_after_a_pause_nothing_is_caught_up(clock: HandClock) -> None:
    pace = by_hand(clock, 500)
    pace.take(1000)
    clock.pass_by(3600)
    begun = clock.now()
    pace.take(62_500)
    assert clock.now() - begun >= SECOND


def test_a_body_under_a_limit_arrives_whole_and_with_its_length(store: FakeStore, clock: HandClock) -> None:
    wire = Wire(store.address, "", clock, agent_version="0.1.0", pace=by_hand(clock, 500))
    body = bytes(range(256)) * 1000
    before = clock.now()
    assert wire.send("PUT", api.RECORDING, body=body).status == 401  # read whole, and no bearer
    assert clock.now() - before > len(body) * 8 * SECOND / 500_000
    [(_, _, headers)] = store.requests
    assert (headers["content-length"], headers.get("transfer-encoding")) == (str(len(body)), None)
    wire.close()


def test_one_large_body_at_a_time_under_a_limit(clock: HandClock) -> None:
    """Four that share a narrow line would each take four times as long as the store waits for."""
    pace = by_hand(clock, 500)
    order: list[str] = []
    end = pace.turn()

    def other() -> None:
        end_other = pace.turn()
        order.append("other")
        end_other()

    thread = threading.Thread(target=other)
    thread.start()
    order.append("first")
    end()
    end()  # once is enough, and twice does not end another's
    thread.join(30)
    assert order == ["first", "other"]


def test_what_a_limit_holds_back_gives_up_at_the_end(store: FakeStore, clock: HandClock) -> None:
    wire = Wire(store.address, "", clock, agent_version="0.1.0", pace=Pace(16, clock))  # this clock stands still
    told: list[str] = []

    def send() -> None:
        with pytest.raises(Transient) as raised:
            wire.send("PUT", api.RECORDING, body=bytes(100_000))
        told.append(str(raised.value))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    wire.break_off()
    for thread in threads:
        thread.join(30)
    assert ["broken off" in one for one in told] == [True, True]
    wire.break_off(False)
    wire.close()


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
