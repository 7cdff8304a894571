"""Interactions over HTTP: sealed and by a key of its own, or not at all; once; found by what they go by."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import digest
from protocol.interaction import TEXT_STREAM, Agent, Interaction, Received, opened, sealed
from protocol.keys import RecipientPrivate
from protocol.receipt import Receipt
from store.admin.home import Home
from store.admin.init import RECOVERY
from store.admin.operators import NAME, OperatorsLog, outcomes
from store.catalog import interactions, queries, schema
from store.catalog.interactions import Integration
from store.clock import MINUTE
from store.server.routes import interactions as routes
from store.server.services import Services
from testkit.fakes.pc import FakeRecording, Pc
from tests.store.conftest import SetClock

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SECRET = api.INTEGRATION_KEY + "a secret"
ABOUT = Interaction(
    UUID("0193a1b2-0000-7000-8000-0000000000c1"), str(uuid4()), "call", "inbound", "sales", 1_800 * 10**15,
    1_800 * 10**15 + 10**12, {"voice": "given"}, (Agent("anna@example.com"),), ("A" * 43, "B" * 43),
)  # fmt: skip
Send = Callable[..., httpx.Response]


@pytest.fixture(autouse=True)
def integration(services: Services) -> Integration:
    made = Integration(ABOUT.integration, "phone", SIGNER.public_key(), ("example.com",), "49", 1, None)
    with services.database.writing() as connection:
        interactions.let_in(connection, made, SECRET)
    return made


@pytest.fixture
def body(bundle: Bundle) -> Callable[..., bytes]:
    def make(about: Interaction = ABOUT, content: bytes = b"what they said") -> bytes:
        key = secrets.token_bytes(32)
        revision = bundle.revision
        return sealed(about, content, bundle.recipients, key, SIGNER, bundle_revision=revision, version="0.1")

    return make


@pytest.fixture
def send(client: httpx.Client) -> Send:
    def post(content: bytes, secret: str = SECRET) -> httpx.Response:
        return client.post(api.INTERACTIONS, content=content, headers={"Authorization": f"Bearer {secret}"})

    return post


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_it_is_kept_once_and_its_receipt_is_signed(
    send: Send, body: Callable[..., bytes], services: Services, readers: dict[str, RecipientPrivate], home: Home
) -> None:
    content = body()
    answer = send(content)
    assert answer.status_code == 200
    assert answer.json()["new"] is True
    receipt = Receipt.verify(answer.json()["receipt"], home.store_key().public_key())
    with services.database.reading() as connection:
        (row,) = interactions.named(connection, "tag", ["B" * 43], 5)
        assert interactions.named(connection, "person", ["anna@example.com"], 5) == [row]
        assert interactions.named(connection, "tag", ["C" * 43], 5) == []
    about = Interaction.verify(row.statement, SIGNER.public_key())
    assert (receipt.recording, receipt.stream, receipt.sha256, receipt.at) == (
        about.id, TEXT_STREAM, about.sealed, row.received_at,
    )  # fmt: skip
    packet, chunk = map(services.blobs.get, interactions.names_of(about))
    said = opened(row.statement, packet, chunk, SIGNER.public_key(), readers[RECOVERY])
    assert said == (about, b"what they said")
    again = send(content)
    assert again.json() == {"receipt": answer.json()["receipt"], "new": False}
    assert code(send(body())) == (409, "exists")  # sealed anew: other bytes


@pytest.mark.parametrize("anew", [False, True], ids=["the same bytes", "sealed anew"])
def test_of_two_at_once_the_one_that_is_kept_has_its_bytes(
    send: Send, body: Callable[..., bytes], services: Services, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    first = body()
    packet, _, chunk = first.split(b"\n", 2)
    if anew:
        second = body()
    else:
        other = replace(ABOUT, queue="other", packet=digest(packet).hex(), sealed=digest(chunk).hex())
        second = b"\n".join((packet, other.sign(SIGNER).encode(), chunk))
    won: list[httpx.Response] = []
    write = routes._write

    def write_late(services: Services, received: Any) -> None:
        """The second comes and is kept between the first's files and its row."""
        write(services, received)
        monkeypatch.setattr(routes, "_write", write)  # the second waits for no third
        won.append(send(second))

    monkeypatch.setattr(routes, "_write", write_late)  # the moment between files and row
    assert code(send(first)) == (409, "exists")
    assert won[0].status_code == 200
    with services.database.reading() as connection:
        (row,) = interactions.beginning(connection, "")
        about, _ = interactions.said(connection, row)
    assert list(services.blobs.names()) == sorted(interactions.names_of(about))


def test_only_its_own_key_lets_it_in(
    send: Send, body: Callable[..., bytes], client: httpx.Client, services: Services, pc: Pc
) -> None:
    assert code(send(body(), api.INTEGRATION_KEY + "another")) == (401, "bad-key")
    assert code(send(body(), "another")) == (401, "no-key")
    assert code(client.post(api.INTERACTIONS, content=body())) == (401, "no-key")
    assert code(send(body(), pc.token)) == (401, "no-key")
    headers = {"Authorization": f"Bearer {SECRET}"}
    assert client.get(api.BUNDLE, headers=headers).status_code == 200
    assert code(client.get(api.BUNDLE, headers={"Authorization": "Bearer eyi1.x"})) == (401, "bad-key")
    assert code(client.put(api.recording_path(ABOUT.id, 0, 0), content=b"x", headers=headers))[0] == 401
    with services.database.writing() as connection:
        interactions.withdraw(connection, ABOUT.integration, 5)
    assert code(send(body())) == (403, "withdrawn-key")
    assert code(client.get(api.BUNDLE, headers=headers)) == (403, "withdrawn-key")


@pytest.mark.parametrize(
    "clear",
    [b'{"kind": "chat", "text": "my number is secret"}', b"From: kim@example.org\n\nhello\n\nworld", b"", b"\n\n\n"],
)
def test_what_is_in_clear_is_refused_and_nothing_is_written(send: Send, clear: bytes, services: Services) -> None:
    status, error = code(send(clear))
    assert (status, error in {"clear-body", "malformed"}) == (400, True)
    assert list(services.blobs.names()) == []
    with services.database.reading() as connection:
        assert interactions.beginning(connection, "") == []


def noted(home: Home) -> list[tuple[str, list[str], str, int, str]]:
    """What the operators' log has of refusals: act, of which integration, why, how many, outcome."""
    checked = OperatorsLog(home.folder).check()
    assert checked.findings == ()
    ends = outcomes(checked.entries)
    return [
        (one["act"], one["recordings"], one["why"], one["count"], ends[one["line"]]["outcome"])
        for one in checked.entries
        if one["what"] == "begin"
    ]


def test_what_is_too_large_is_refused_before_it_is_read(send: Send, home: Home) -> None:
    assert code(send(bytes(api.MAX_INTERACTION_BODY + 1))) == (413, "oversized")
    assert noted(home) == [("interactions-refused", [ABOUT.integration], "oversized", 1, "oversized")]


def test_what_is_refused_for_its_form_is_noted_once_a_minute_with_how_many(
    send: Send, body: Callable[..., bytes], home: Home, clock: SetClock
) -> None:
    clear, broken = b'{"kind": "chat", "text": "my number is secret"}', body()[:-1]
    assert [code(send(clear))[1], code(send(clear))[1], code(send(broken))[1]] == [
        "clear-body", "clear-body", "wrong-digest",
    ]  # fmt: skip
    assert [one[2:4] for one in noted(home)] == [("clear-body", 1), ("wrong-digest", 1)]
    clock.now += MINUTE
    send(clear)
    assert [one[2:4] for one in noted(home)][2:] == [("clear-body", 2)]
    clock.now -= 2 * MINUTE  # a clock that went back keeps nothing from being noted
    send(clear)
    assert [one[2:4] for one in noted(home)][3:] == [("clear-body", 1)]
    assert "secret" not in json.dumps(
        [one for one in OperatorsLog(home.folder).check().entries if one["what"] == "end"]
    )
    assert code(send(clear, api.INTEGRATION_KEY + "another")) == (401, "bad-key")
    assert len(noted(home)) == 4


def test_an_importer_says_what_it_could_not_read(client: httpx.Client, home: Home) -> None:
    def say(said: object, secret: str = SECRET) -> httpx.Response:
        return client.post(api.INTERACTIONS_REFUSED, json=said, headers={"Authorization": f"Bearer {secret}"})

    assert say({"why": "oversized", "count": 3}).json() == {"noted": True}
    assert noted(home) == [("interactions-refused", [ABOUT.integration], "oversized", 3, "oversized")]
    for wrong in ({"why": "a title", "count": 1}, {"why": "oversized", "count": 0}, {"why": "oversized"}, []):
        assert say(wrong).status_code == 400
    assert code(say({"why": "oversized", "count": 3}, "another")) == (401, "no-key")
    assert len(noted(home)) == 1


def test_where_a_refusal_cannot_be_noted_it_is_refused_all_the_same(
    send: Send, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    (home.folder / NAME).mkdir()
    assert code(send(bytes(api.MAX_INTERACTION_BODY + 1))) == (413, "oversized")
    assert "not-noted" in caplog.messages


def test_what_does_not_fit_this_house_is_refused(send: Send, body: Callable[..., bytes]) -> None:
    assert code(send(body(replace(ABOUT, agents=(Agent("kim@example.org"),))))) == (400, "clear-party")
    assert code(send(body(replace(ABOUT, integration="another")))) == (400, "misplaced")
    assert code(send(body()[:-1])) == (400, "wrong-digest")


def test_what_was_erased_does_not_come_back(send: Send, body: Callable[..., bytes], services: Services) -> None:
    tombstone: dict[str, Any] = {"recording": str(ABOUT.id), "device": ABOUT.integration, "position": 1}
    with services.database.writing() as connection:
        connection.execute(insert(schema.erasures).values(**tombstone, order="", step="erased", found="{}"))
    assert code(send(body())) == (410, "erased")
    assert list(services.blobs.names()) == []


# -- one id, two kinds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [False, True])
def test_no_recording_is_opened_under_its_id(
    send: Send, body: Callable[..., bytes], services: Services, pc: Pc, bundle: Bundle, at_once: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert send(body()).status_code == 200
    taken, asked = interactions.taken, list[object]()

    def not_yet(connection: Connection, ids: Collection[str]) -> set[str]:
        """At the first time it is asked, none is there."""
        asked.append(ids)
        return set() if len(asked) == 1 else taken(connection, ids)

    if at_once:
        monkeypatch.setattr(interactions, "taken", not_yet)  # the moment between two steps
    recording = FakeRecording(pc, bundle.recipients, id=ABOUT.id)
    refused = (409, "no-key-packet") if at_once else (403, "foreign-recording")
    assert code(pc.put_packet(recording)) == refused
    assert len(list(services.blobs.names())) == 2
    with services.database.reading() as connection:
        assert queries.find_recording(connection, ABOUT.id) is None


@pytest.mark.parametrize("at_once", [False, True])
def test_it_is_refused_under_a_recordings_id(
    send: Send, body: Callable[..., bytes], services: Services, pc: Pc, bundle: Bundle, at_once: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    recording, write = FakeRecording(pc, bundle.recipients, id=ABOUT.id), routes._write

    def opened_meanwhile(services: Services, received: Received) -> None:
        write(services, received)
        assert pc.put_packet(recording).status_code == 200

    if at_once:
        monkeypatch.setattr(routes, "_write", opened_meanwhile)  # the moment between two steps
    else:
        assert pc.put_packet(recording).status_code == 200
    assert code(send(body())) == (409, "exists")
    assert len(list(services.blobs.names())) == 1
    with services.database.reading() as connection:
        assert interactions.find(connection, str(ABOUT.id)) is None
    assert pc.put_packet(recording).status_code == 200
