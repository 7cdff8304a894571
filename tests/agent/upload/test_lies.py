"""A store that lies, or whose yes has no receipt: nothing is forgotten for it, and an alarm says so."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core import backoff
from agent.core.model.times import SECOND
from agent.upload.uploader import IDLE
from protocol import api, jws
from protocol.receipt import Receipt
from testkit.fakes.clock import NEW_YEAR_2026
from testkit.fakes.store import Reply
from tests.agent.upload.conftest import CHANCE, Pc, start_pc

CHUNKS = "/v1/recordings/"


def another(**changes: object) -> Callable[[Pc], Callable[[Receipt], str]]:
    """A receipt that is signed, and for something else."""

    def lie(pc: Pc) -> Callable[[Receipt], str]:
        def made(honest: Receipt) -> str:
            fields = {name: getattr(honest, name) for name in Receipt.__slots__}
            return Receipt(**fields | changes).sign(pc.store.store_key)

        return made

    return lie


def wrong_key(pc: Pc) -> Callable[[Receipt], str]:
    del pc
    return lambda honest: honest.sign(Ed25519PrivateKey.generate())


def wrong_signature(pc: Pc) -> Callable[[Receipt], str]:
    def made(honest: Receipt) -> str:
        head, payload, signature = honest.sign(pc.store.store_key).split(".")
        return f"{head}.{payload}.{('B' if signature[0] == 'A' else 'A') + signature[1:]}"

    return made


def wrong_type(pc: Pc) -> Callable[[Receipt], str]:
    return lambda honest: jws.sign(jws.TOKEN, {"sha256": honest.sha256}, pc.store.store_key)


def not_understood(pc: Pc) -> Callable[[Receipt], str]:
    """What this agent cannot read promises it nothing."""

    def made(honest: Receipt) -> str:
        payload = jws.verify(jws.RECEIPT, honest.sign(pc.store.store_key), pc.store.store_key.public_key())
        return jws.sign(jws.RECEIPT, payload | {"crit": ["later"], "later": 1}, pc.store.store_key)

    return made


LIES = {
    "another recording": another(recording=UUID(int=7)),
    "another stream": another(stream=3),
    "another sequence": another(sequence=9),
    "another content": another(sha256="ab" * 32),
    "another device": another(device="device-2"),
    "wrong key": wrong_key,
    "wrong signature": wrong_signature,
    "wrong type": wrong_type,
    "not understood": not_understood,
    "no receipt": lambda _: lambda _: "thanks",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_lies_gets_nothing_forgotten_and_an_alarm(pc: Pc, lie: str) -> None:
    pc.settle()
    [packet] = pc.record(0)
    pc.store.lies.append(LIES[lie](pc))
    assert pc.work() == CHANCE * backoff.BASE
    assert pc.waiting() == [packet.name]
    assert pc.heard == ["alarm store-lies"]
    assert pc.work() == IDLE
    assert pc.waiting() == []
    assert pc.heard == ["alarm store-lies", "cleared store-lies", "receipt"]


@pytest.mark.parametrize("body", [b"", b"<html>Welcome</html>", b'{"receipt": 1}', b"[]"])
def test_a_yes_without_a_receipt_is_no_yes(pc: Pc, body: bytes) -> None:
    pc.settle()
    [packet] = pc.record(0)
    pc.store.says(CHUNKS, Reply(200, body))
    assert pc.work() > 0
    assert pc.waiting() == [packet.name]
    assert pc.heard == ["alarm store-lies"]


def test_a_new_key_of_the_store_is_believed_when_the_old_one_vouches_for_it(pc: Pc) -> None:
    pc.settle()
    pc.record(1)
    pc.store.new_key()
    pc.work()
    assert pc.waiting() == []
    assert pc.heard == ["receipt"] * 2
    assert len(start_pc(pc.store, pc.clock, pc.identity.home, pc.identity).trust.store_keys) == 2


def test_a_new_key_that_nobody_vouches_for_is_a_lie(pc: Pc) -> None:
    pc.settle()
    pc.record(0)
    pc.store.new_key()
    pc.store.successors.clear()
    assert pc.work() > 0
    assert pc.heard == ["alarm store-lies"]
    assert pc.spool.waiting()[0] == 1


@pytest.mark.parametrize("lie", ["another content", "wrong signature", "wrong key", "no receipt"])
def test_a_store_that_goes_on_lying_about_one_is_asked_ever_more_seldom_and_the_others_go_on(pc: Pc, lie: str) -> None:
    pc.settle()
    [packet] = pc.record(0)
    path = api.recording_path(packet.recording, packet.stream, 0)
    made = LIES[lie](pc)
    honest_keep = pc.store._keep

    def lying(device: str, recording: UUID, stream: int, sequence: int, body: bytes) -> Reply:
        if recording == packet.recording:
            pc.store.lies.append(made)
        return honest_keep(device, recording, stream, sequence, body)

    pc.store._keep = lying  # type: ignore[method-assign]
    until = pc.clock.now() + 3600 * SECOND
    number = 0
    while pc.clock.now() < until:
        number += 1
        pc.record(1, NEW_YEAR_2026 + number * SECOND)
        pc.work()
        pc.outlast_everything() if number % 10 == 0 else pc.outlast(4)
    for _ in range(3):
        pc.outlast(pc.work())
    assert pc.waiting() == [packet.name]
    assert len(pc.store.chunks) == 2 * number
    assert pc.spool.aside() == 0
    assert 5 < pc.store.paths("PUT").count(path) < 3600 / (CHANCE * backoff.CAP) + 20
    # Honest receipts for others end no alarm about this one.
    assert [told for told in pc.heard if told != "receipt"] == ["alarm store-lies"]
    pc.store._keep = honest_keep  # type: ignore[method-assign]
    pc.outlast_everything()
    assert pc.work() == IDLE
    assert pc.waiting() == []
    assert "cleared store-lies" in pc.heard
