"""How long a body may take to arrive, and whose room it takes meanwhile."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from protocol import api
from protocol.bundle import Bundle
from store.admin.home import Home
from store.errors import Refusal
from store.server.routes import bodies
from store.server.routes.bodies import Intake, body_of, read_body
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.conftest import SetClock, serving

LARGE = api.MAX_CHUNK_BODY


def a_request(
    content: bytes, pause: float = 0.0, intake: Intake | None = None, device: str = "pc", host: str = ""
) -> Any:
    """One whose body comes in two halves."""

    async def stream() -> AsyncIterator[bytes]:
        half = len(content) // 2
        yield content[:half]
        await asyncio.sleep(pause)
        yield content[half:]

    state = SimpleNamespace(intake=intake or Intake())
    return SimpleNamespace(
        headers={"Content-Length": str(len(content))},
        app=SimpleNamespace(state=state),
        state=SimpleNamespace(device=device),
        client=(host, 1),
        stream=stream,
    )


def refusal(request: Any, limit: int = LARGE, **named: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        asyncio.run(read_body(request, limit, **named))
    return caught.value


def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 1e9)
    assert refusal(a_request(b"ab", pause=30.0), patience=0.05).status == 408


def test_a_long_body_may_take_longer_than_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 100)  # so that 1,000 bytes may take ten seconds more
    body = asyncio.run(read_body(a_request(b"x" * 1000, pause=0.3), 1000, patience=0.05))
    assert body == b"x" * 1000


def test_one_that_stalls_is_refused_although_a_long_one_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "STALLED", 0.05)
    intake = Intake()
    assert refusal(a_request(b"x" * 10_000_000, pause=30.0, intake=intake)).code == "slow-body"
    assert intake.taken == 0


def test_room_is_taken_as_bytes_arrive_and_given_back_once_they_are_done_with() -> None:
    intake = Intake()

    async def read() -> None:
        async with body_of(a_request(b"x" * 1000, intake=intake), LARGE) as body:
            assert intake.taken == len(body) == 1000
        assert intake.taken == 0

    asyncio.run(read())


def test_one_device_has_no_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PER_SENDER", 1500)
    intake = Intake()

    async def read() -> None:
        async with body_of(a_request(b"x" * 1000, intake=intake), LARGE):
            with pytest.raises(Refusal) as caught:
                await read_body(a_request(b"x" * 1000, intake=intake), LARGE)
            assert (caught.value.code, intake.taken) == ("busy", 1000)
            assert await read_body(a_request(b"x" * 1000, intake=intake, device="other"), LARGE)

    asyncio.run(read())


def test_nor_has_one_address_before_it_is_known_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that this machine has are one: a local user leaves the PCs their room."""
    monkeypatch.setattr(bodies, "SMALL_PER_SENDER", 1500)  # the real one is 4 MiB
    intake = Intake()

    def small(host: str) -> Any:
        return a_request(b"x" * 1000, intake=intake, device="", host=host)

    async def read() -> None:
        async with body_of(small("127.0.0.1"), api.MAX_JSON_BODY):
            for host in ("127.0.0.1", "127.0.0.2", "::1", *own_addresses()):
                with pytest.raises(Refusal) as caught:
                    await read_body(small(host), api.MAX_JSON_BODY)
                assert (caught.value.code, intake.taken) == ("busy", 1000)
            assert await read_body(small("198.51.100.7"), api.MAX_JSON_BODY)
            assert await read_body(a_request(b"x" * 1000, intake=intake), api.MAX_JSON_BODY)

    asyncio.run(read())


def own_addresses() -> list[str]:
    """This machine's own, as many as it has."""
    families = {socket.AF_INET, socket.AF_INET6}
    return [one.address for ones in psutil.net_if_addrs().values() for one in ones if one.family in families]


def test_what_needs_no_token_takes_no_room_from_chunks() -> None:
    without_chunks, without_small = Intake(0, 1000), Intake(1000, 0)
    assert refusal(a_request(b"xx", intake=without_chunks)).code == "busy"
    assert asyncio.run(read_body(a_request(b"xx", intake=without_chunks), api.MAX_JSON_BODY)) == b"xx"
    assert refusal(a_request(b"xx", intake=without_small), api.MAX_JSON_BODY).code == "busy"
    assert asyncio.run(read_body(a_request(b"xx", intake=without_small), LARGE)) == b"xx"


def test_idle_bodies_of_one_pc_leave_the_others_their_room(
    home: Home, services: Services, clock: SetClock, bundle: Bundle, secret: Any
) -> None:
    """Twenty that announce 16 MiB each and send some bytes of it."""
    intake = Intake()
    with serving(home, services, intake) as client:
        hostile, honest = Pc(client), Pc(client)
        for pc in (hostile, honest):
            assert pc.enrol(secret()).is_success
            assert pc.ask_token(clock.seconds).is_success
        recording = honest.open_recording(bundle)
        head = (
            f"PUT /v1/recordings/{recording.id}/0/0 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {hostile.token}\r\n{api.CONTENT_DIGEST_HEADER}: {api.content_digest(b'')}\r\n"
            f"Content-Length: {LARGE}\r\n\r\n"
        )
        idle = [connect(client.base_url.port or 0, home) for _ in range(20)]
        for connection in idle:
            connection.sendall(head.encode() + b"x" * 1000)
        while intake.taken < 20 * 1000:  # until all of them are being read
            time.sleep(0.01)
        assert honest.put_sealed(recording.seal(bytes(100_000))).status_code == 200
        for connection in idle:
            connection.close()


def connect(port: int, home: Home) -> socket.socket:
    trust = ssl.create_default_context(cafile=home.ca_certificate)
    return trust.wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname="localhost")
