"""How long a body may take to arrive: a short one not for ever, a long one as long as a slow line needs for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from store.errors import Refusal
from store.server.routes import bodies


def a_request(content: bytes, pause: float) -> Any:
    async def stream() -> AsyncIterator[bytes]:
        half = len(content) // 2
        yield content[:half]
        await asyncio.sleep(pause)
        yield content[half:]

    state = SimpleNamespace(intake=bodies.Intake())
    return SimpleNamespace(
        headers={"Content-Length": str(len(content))}, app=SimpleNamespace(state=state), stream=stream
    )


def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 1e9)
    with pytest.raises(Refusal, match="did not arrive within") as caught:
        asyncio.run(bodies.read_body(a_request(b"ab", pause=30.0), 100, patience=0.05))
    assert caught.value.status == 408


def test_a_long_body_may_take_longer_than_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 100)  # so that 1,000 bytes may take ten seconds more
    body = asyncio.run(bodies.read_body(a_request(b"x" * 1000, pause=0.3), 1000, patience=0.05))
    assert body == b"x" * 1000
