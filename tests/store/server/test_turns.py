"""One PC's flood waits behind itself: what others ask is answered meanwhile, and a flood of refusals is none either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from protocol.bundle import Bundle
from store.admin.home import Home
from store.errors import Refusal
from store.server import app, turns
from store.server.app import create_app
from store.server.services import Services
from store.server.turns import Allowance, Turns
from testkit.fakes.pc import Pc
from tests.store.conftest import SetClock, serving

TWO = Allowance(rate=2, burst=3)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock_() -> Clock:
    return Clock()


def test_a_burst_goes_at_once_and_what_follows_in_its_turn(clock_: Clock) -> None:
    made = Turns(clock_)
    assert [made.due("pc", TWO) for _ in range(5)] == [0, 0, 0, 0.5, 1.0]
    assert made.due("another", TWO) == 0
    clock_.now += 60
    assert [made.due("pc", TWO) for _ in range(4)] == [0, 0, 0, 0.5]  # no more than the burst is saved


def test_what_would_wait_long_is_refused_and_takes_no_turn(clock_: Clock) -> None:
    made = Turns(clock_)
    waits = [made.due("pc", TWO) for _ in range(23)]
    assert waits[-1] == turns.LONGEST
    with pytest.raises(Refusal, match="too often") as refused:
        made.due("pc", TWO)
    assert (refused.value.status, refused.value.retry_after) == (429, 1)
    clock_.now += 0.5
    assert made.due("pc", TWO) == turns.LONGEST


def test_what_is_larger_than_the_burst_has_its_turn_too(clock_: Clock) -> None:
    made = Turns(clock_)
    assert made.due("pc", TWO, 7) == 0
    assert made.due("pc", TWO) == 3.5 - 1.5 + 0.5


def test_a_large_body_counts_more() -> None:
    assert [TWO.units(size) for size in (0, 2**15, 2**21)] == [1, 2, 65]


def test_what_is_remembered_has_a_bound(clock_: Clock) -> None:
    made = Turns(clock_, most=10)
    for number in range(1000):
        made.due(f"pc-{number}", TWO)
        clock_.now += 0.4
    assert len(made._empty_at) <= 10
    assert [made.due("pc-999", TWO) for _ in range(2)][1] == 0


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse at once what would wait for its turn for ten seconds, so that no test has to."""
    monkeypatch.setattr(turns, "LONGEST", 0.2)


def joined(client: httpx.Client, secret: Callable[..., str], clock: SetClock) -> Pc:
    pc = Pc(client)
    assert pc.enrol(secret()).status_code == 200
    assert pc.ask_token(clock.seconds).status_code == 200
    return pc


def test_a_flood_of_health_is_slowed_and_the_others_are_served(
    home: Home, services: Services, secret: Callable[..., str], clock: SetClock, bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(app, "REST", Allowance(rate=0.1, burst=5))  # a dozen requests are a flood then
    be_impatient(monkeypatch)
    with serving(home, services) as client:
        flooding, honest = (joined(client, secret, clock) for _ in range(2))
        recording = honest.open_recording(bundle)

        def bundle_of(pc: Pc) -> httpx.Response:
            return client.get("/v1/bundle", headers=pc.bearer)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: bundle_of(flooding), range(12)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers].count(200) == 5
        assert {answer.json()["error"] for answer in refused} == {"too-many"}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        assert all(answer.elapsed.total_seconds() >= 0.1 for answer in refused)  # a late refusal
        assert bundle_of(honest).status_code == 200
        assert honest.put_sealed(recording.seal()).status_code == 200


def test_chunks_have_an_allowance_of_their_own(
    home: Home, services: Services, secret: Callable[..., str], clock: SetClock, bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(app, "CHUNKS", Allowance(rate=0.1, burst=2))  # less than a recording's first chunks
    be_impatient(monkeypatch)
    with serving(home, services) as client:
        pc = joined(client, secret, clock)
        recording = pc.open_recording(bundle)
        sealed = recording.seal()
        assert pc.put_sealed(sealed).status_code == 429
        assert client.get("/v1/bundle", headers=pc.bearer).status_code == 200


def test_one_device_gets_few_tokens_however_many_it_asks_for(
    pc: Pc, clock: SetClock, monkeypatch: pytest.MonkeyPatch, client: httpx.Client
) -> None:
    be_impatient(monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: pc.ask_token(clock.seconds).status_code, range(16)))
    assert sorted(set(answers)) == [200, 429]
    assert answers.count(200) == turns.TOKENS.burst - 1  # one was had before
    assert client.get("/v1/health").status_code == 200


def test_what_comes_before_a_pc_is_known_counts_for_its_address(
    home: Home, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_impatient(monkeypatch)
    counting = partial(create_app, per_address=10, counts_loopback=True)
    monkeypatch.setattr("tests.store.conftest.create_app", counting)
    with serving(home, services) as client:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get("/v1/health").status_code, range(16)))
        assert answers.count(200) == 10
        junk = client.get("/v1/bundle", headers={"Authorization": "Bearer junk"})
        assert junk.status_code == 429


def test_this_machines_own_are_not_counted_as_a_proxy_may_stand_there(
    home: Home, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.store.conftest.create_app", partial(create_app, per_address=5))
    monkeypatch.setattr(turns, "LONGEST", 0.0)
    with serving(home, services) as client:
        assert {client.get("/v1/health").status_code for _ in range(20)} == {200}


def test_but_they_have_a_rate_together_as_any_user_of_this_machine_may_ask(
    home: Home, services: Services, pc: Pc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "local_share", lambda _: 10)  # instead of a thousand
    monkeypatch.setattr(turns, "LONGEST", 0.0)  # refuse at once what would wait
    with serving(home, services) as client:
        answers = [client.get("/v1/health").status_code for _ in range(20)]
        assert answers[:10] == [200] * 10
        assert 429 in answers[10:]
        assert client.get("/v1/bundle", headers=pc.bearer).status_code == 200  # a PC has its own, wherever it comes by


def test_they_are_its_own_also_as_a_socket_of_both_families_writes_them(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.0)  # else what waits for its turn is answered in the end
    way = httpx.ASGITransport(create_app(services, per_address=5), client=("::ffff:127.0.0.1", 50_000))

    async def ask() -> set[int]:
        async with httpx.AsyncClient(transport=way, base_url="https://store.example.com") as client:
            return {(await client.get("/v1/health")).status_code for _ in range(20)}

    assert asyncio.run(ask()) == {200}
