"""Interactions in the catalog of either engine: once, by what they go by, and with the recordings made meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert

from protocol.errors import SignatureError
from protocol.interaction import Agent, Interaction, Received
from protocol.packet import recording_id
from store.catalog import interactions, schema
from store.catalog.database import Database
from store.catalog.interactions import Integration
from tests.store.catalog import test_database

postgres, anew = test_database.postgres, test_database.anew

SECOND = 10**9
NOON = 1_800_000_000 * SECOND
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PHONE = Integration("p" * 36, "phone", SIGNER.public_key(), ("example.com", "example.org"), "49", 1, None)
DEVICE, OTHER = (f"0193a1b2-0000-7000-8000-00000000000{n}" for n in (1, 2))
CALL = Interaction(
    UUID(int=7), PHONE.id, "call", "inbound", "sales", NOON, NOON + 60 * SECOND,
    agents=(Agent("anna@example.com", host="desk-1"),), tags=("A" * 43, "B" * 43), packet="1" * 64, sealed="2" * 64,
)  # fmt: skip


@pytest.fixture
def connection(anew: Callable[[], Database]) -> Iterator[Connection]:
    with test_database.brought_up(anew) as database, database.writing() as connection:
        interactions.let_in(connection, PHONE, "a secret")
        yield connection


def received(about: Interaction, signer: Ed25519PrivateKey = SIGNER) -> Received:
    return Received(about, about.sign(signer), b"packet", b"chunk")


def test_a_key_lets_in_until_it_is_withdrawn(connection: Connection) -> None:
    assert interactions.by_secret(connection, "a secret") == PHONE
    assert interactions.by_secret(connection, "another\0") is None
    interactions.withdraw(connection, PHONE.id, 5)
    interactions.withdraw(connection, PHONE.id, 9)
    assert interactions.integrations(connection) == [replace(PHONE, withdrawn_at=5)]
    assert interactions.by_secret(connection, "a secret") == replace(PHONE, withdrawn_at=5)


def test_one_is_kept_once_found_and_forgotten(connection: Connection) -> None:
    assert interactions.keep(connection, received(CALL), 3)
    assert not interactions.keep(connection, received(replace(CALL, queue="other")), 4)
    bare = replace(CALL, id=UUID(int=8), agents=(), tags=(), start=NOON + 1)
    assert interactions.keep(connection, received(bare), 4)
    (row,) = interactions.named(connection, "tag", ["B" * 43, "C" * 43], 9)
    assert (row.id, row.queue, row.size, row.received_at) == (str(CALL.id), "sales", 11, 3)
    assert interactions.said(connection, row) == (CALL, PHONE)
    for kind, name in (("person", "anna@example.com"), ("host", "desk-1")):
        assert interactions.named(connection, kind, [name], 9) == [row]
    assert interactions.named(connection, "user", ["anna@example.com"], 9) == []
    assert len(interactions.beginning(connection, "00000000-")) == 2
    assert interactions.beginning(connection, "%") == []
    interactions.forget(connection, str(CALL.id))
    assert interactions.find(connection, str(CALL.id)) is None
    assert interactions.named(connection, "tag", ["A" * 43, "B" * 43], 9) == []
    assert interactions.find(connection, str(bare.id)) is not None


def test_what_the_integration_did_not_sign_is_not_believed(connection: Connection) -> None:
    assert interactions.keep(connection, received(CALL, Ed25519PrivateKey.generate()), 3)
    row = interactions.find(connection, str(CALL.id))
    assert row is not None
    with pytest.raises(SignatureError):
        interactions.said(connection, row)


def record(
    connection: Connection, start: int, *, device: str = DEVICE, host: str = "desk-1", user: str = "Anna"
) -> str:
    """A minute, of which the scenes go on for an hour."""
    name = recording_id(start, len(host).to_bytes(5, "big") + device[-1].encode() * 5)
    values = {"id": str(name), "device": device, "start": start, "host": host, "os_user": user}
    connection.execute(insert(schema.recordings).values(**values, policy="0" * 64, opened_at=1))
    for stream, end in ((0, 60 * SECOND), (0x8001, 3600 * SECOND)):
        sealed = {"recording": str(name), "stream": stream, "sequence": 0, "sha256": "0" * 64, "size": 1}
        connection.execute(insert(schema.sealed).values(**sealed, received_at=1, start=0, end=end))
    return str(name)


def let_in_devices(connection: Connection) -> None:
    enrolled = {"token_key": "", "token_kid": "", "evidence_key": "", "host": "x", "os": "x", "agent_version": "1"}
    connection.execute(
        insert(schema.enrolments).values(
            id="e", secret_sha256="0" * 64, group_name="", uses_left=1, expires_at=1, created_at=1
        )
    )
    for number, device in enumerate((DEVICE, OTHER)):
        keys = {name: str(number) for name in ("token_key", "token_kid", "evidence_key")}
        row = enrolled | keys | {"id": device, "group_name": "", "enrolment": "e", "enrolled_at": 1}
        connection.execute(insert(schema.devices).values(**row))


def test_its_recordings_are_those_of_its_agents_meanwhile(connection: Connection) -> None:
    let_in_devices(connection)
    before = record(connection, NOON - 3 * 60 * SECOND)
    early = record(connection, NOON - 60 * SECOND)  # its end is the call's beginning
    during = record(connection, NOON + 30 * SECOND, device=OTHER, host="desk-2", user="sam")
    after = record(connection, NOON + 60 * SECOND)
    record(connection, NOON + 61 * SECOND)
    gone = recording_id(NOON + 5 * SECOND, bytes(10))
    values = {"id": str(gone), "device": DEVICE, "start": NOON + 5 * SECOND, "host": "desk-1", "os_user": ""}
    connection.execute(insert(schema.recordings).values(**values, policy="0" * 64, opened_at=1))

    def found(*agents: Agent, start: int = NOON) -> list[str]:
        persons = {"anna": "anna@example.com", "sam": "sam@example.com"}
        rows = interactions.recordings_of(
            connection, agents, start, NOON + 60 * SECOND, lambda user: persons.get(user.lower(), "")
        )
        return [row.id for row in rows]

    assert found(Agent(host="DESK-1")) == [early, str(gone), after]
    assert found(Agent(device=DEVICE, user="anna")) == [early, after]
    assert found(Agent(user="sam"), Agent(host="desk-1", user="anna")) == [early, during, after]
    assert found(Agent("sam@example.com")) == [during]
    assert found(Agent("anna@example.com", host="desk-2")) == []
    assert found(Agent("kim@example.com", host="desk-1")) == [str(gone)]  # whose user is not known
    assert found(Agent()) == found() == []
    assert before in found(Agent(host="desk-1"), start=0)


def test_a_recording_belongs_to_those_whose_recordings_have_it(connection: Connection) -> None:
    """Both ways are asked of random agents, times and kinds, and say the same."""
    let_in_devices(connection)
    chance = random.Random(7)
    persons = {"anna": "anna@example.com", "sam": "sam@example.com"}

    def person_of(user: str) -> str:
        return persons.get(user.lower(), "")

    whose = [(DEVICE, "desk-1", "Anna"), (OTHER, "desk-2", "sam"), (OTHER, "desk-2", "SAM"), (DEVICE, "Desk-3", "")]
    recordings = {}
    for number in range(16):
        device, host, user = chance.choice(whose)
        start = NOON + number * 40 * SECOND
        recordings[record(connection, start, device=device, host=host, user=user)] = start
    wanted: dict[str, set[str]] = {name: set() for name in recordings}
    for number in range(150):
        agent = Agent(
            chance.choice(["", "anna@example.com", "sam@example.com"]), chance.choice(["", "", "anna", "Anna", "SAM"]),
            chance.choice(["", "", "desk-1", "DESK-2", "desk-3"]), chance.choice(["", "", DEVICE, OTHER]),
        )  # fmt: skip
        start = NOON + chance.randrange(-200, 800) * SECOND
        end = start + chance.randrange(0, 120) * SECOND
        name, kind = recording_id(start, number.to_bytes(10, "big")), chance.choice(["call", "chat", "mail"])
        about = replace(CALL, id=name, kind=kind, start=start, end=end, agents=(agent,), tags=())
        assert interactions.keep(connection, received(about), 3)
        for row in interactions.recordings_of(connection, about.agents, start, end, person_of):
            wanted[row.id].add(str(name))
    assert sum(map(len, wanted.values())) > 30
    for recording, names in wanted.items():
        found = interactions.of_recording(connection, recording, 60 * SECOND, person_of)
        assert {str(one.id) for one in found} == names
        assert [one.start for one in found] == sorted(one.start for one in found)
    assert interactions.of_recording(connection, "0" * 36, 1, person_of) == []


def test_a_damaged_one_hides_no_other(connection: Connection) -> None:
    let_in_devices(connection)
    recording = record(connection, NOON)
    names = [recording_id(NOON, number.to_bytes(10, "big")) for number in range(2)]
    keys = (Ed25519PrivateKey.generate(), SIGNER)
    for name, key in zip(names, keys, strict=True):
        about = replace(CALL, id=name, agents=(Agent(host="desk-1"),))
        assert interactions.keep(connection, received(about, key), 3)
    found = interactions.of_recording(connection, recording, 60 * SECOND, lambda _: "")
    assert [one.id for one in found] == names[1:]
