"""The bench of the store's intake: what it must notice, on things that are wrong; its figures, on made-up runs."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.ingest import Window, check, markdown, slope, total
from bench.ingest_fleet import Agent, Item, chunks, enrolled, recipients
from bench.ingest_load import Answer, Volley, connected
from bench.ingest_load import sent as sent_over
from protocol.envelope import Header, check_signature, committed, expect
from protocol.keys import stream_commitment
from protocol.receipt import Receipt
from store.admin.home import Home
from store.admin.init import Plan, found
from testkit.stage import StageError

SIZE = 3000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return found(Plan(tmp_path_factory.mktemp("ingest") / "home", "https://127.0.0.1:8443", cost=10), b"words")


def opened(home: Home) -> list[Agent]:
    agents = enrolled(home, 2)
    for agent in agents:
        agent.open(recipients(home))
    return agents


def sent(home: Home) -> list[Item]:
    return list(chunks(opened(home), 6, SIZE))


def receipted(home: Home, item: Item, **changes: object) -> Answer:
    receipt = Receipt(item.recording, item.stream, item.sequence, item.sha256, 1, "device")
    token = replace(receipt, **changes).sign(home.store_key())  # type: ignore[arg-type]
    return Answer(item.request, 200, b'{"receipt": "%s"}' % token.encode("ascii"), 0.01)


def test_the_chunks_are_envelopes_that_follow_from_one_another(home: Home) -> None:
    agents = opened(home)
    for place, item in enumerate(chunks(agents, 6, SIZE)):
        request = item.request
        body = (request.head + request.rest + request.tail).partition(b"\r\n\r\n")[2]
        assert len(body) == SIZE
        header = Header.parse(body)
        previous = header.previous
        expect(header, recording=item.recording, stream=0, sequence=item.sequence, previous=previous)
        assert hashlib.sha256(body).hexdigest() == item.sha256
        check_signature(body, agents[place % len(agents)].pc.evidence_key.public_key())
        assert committed(body) == stream_commitment(agents[place % len(agents)].key, item.recording, 0)


def test_chunks_may_be_due_over_a_time(home: Home) -> None:
    agents = enrolled(home, 1)
    agents[0].open(recipients(home))
    assert [item.request.due for item in chunks(agents, 4, SIZE, seconds=2.0)] == [0.0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        (lambda _, item: Answer(item.request, 503, b"{}", 0.01), ["no receipt"]),
        (lambda home, item: replace(receipted(home, item), body=b"what?"), ["another chunk", "no row", "on disk"]),
        (lambda home, item: receipted(home, item, sha256="0" * 64), ["another chunk", "no row", "on disk"]),
        (receipted, ["no row", "on disk"]),  # a store that signs and keeps nothing
    ],
)
def test_what_is_missing_or_wrong_is_named(
    home: Home, answer: Callable[[Home, Item], Answer], faults: list[str]
) -> None:
    item = sent(home)[0]
    found = check(home, home.store_key().public_key(), [item], Volley((answer(home, item),), 1.0, 0.1))
    assert len(found) == len(faults)
    for fault, word in zip(found, faults, strict=True):
        assert word in fault


def test_a_request_without_any_answer_is_named(home: Home) -> None:
    item = sent(home)[0]
    assert check(home, home.store_key().public_key(), [item], Volley((), 1.0, 0.1)) == [
        "stream 0, sequence 0: no receipt (no answer)"
    ]


def test_the_load_goes_to_the_loopback_alone() -> None:
    with pytest.raises(StageError, match="alone"), connected("http://192.0.2.1:80", "", 1):
        pass


def test_a_server_that_does_not_answer_is_no_figure(home: Home, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with connected(address, str(tmp_path), 2) as line, pytest.raises(StageError, match="no answer"):
            sent_over(line, (item.request for item in sent(home)), at_once=2, patience=0.1)


def a_window(server: str, seconds: float, rss: float = 100.0) -> dict[str, object]:
    return {
        name: getattr(Window(server, 100, 200_000, seconds, 5.0, 9.0, 2.0, 0.3, rss, 1.5), name)
        for name in Window.__dataclass_fields__
    }


def test_figures_are_medians_over_all_runs() -> None:
    run = {
        "agents": 10,
        "windows": [a_window("bare", 0.1), a_window("store", 0.2), a_window("store", 0.4), a_window("store", 0.5)],
        "paced": [],
        "small": [],
        "faults": [],
    }
    found = total([run])
    assert found["servers"]["store"]["chunks_s"] == 250.0
    assert found["servers"]["store"]["of_bare"] == 0.25
    assert "| store, TLS | 250 | 50 | 5 | 9 | 2.00 | 0.30 |" in markdown([run])


def test_memory_is_the_slope_of_the_second_half() -> None:
    grown = [a_window("store", 1.0, rss) for rss in (50.0, 90.0, 100.0, 101.0)]
    assert slope(grown) == 100.0  # 1 MB for 100 chunks
    assert slope(grown[:1]) == 0.0
