"""Interactions live and die by the same rules as recordings: periods, holds, requests, and one shred for all of it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from protocol import api
from protocol.bundle import verify as verify_bundle
from protocol.erasure import Erasure
from protocol.interaction import Agent, Interaction, Received, sealed
from review.governance.model import Channel, Fact, Governance, RetentionClass
from review.governance.times import DAY, Period, day_of
from review.lifecycle.facts import Known
from store.admin.init import COMPLIANCE
from store.catalog import interactions, schema
from store.catalog.interactions import Integration
from store.catalog.queries import newest_bundle
from store.server.routes import interactions as routes
from store.server.services import Services
from testkit.lifecycle import BEGAN, PRIVATE, World

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WHO = str(uuid4())
SECRET = api.INTEGRATION_KEY + "a secret"
CHAT = Interaction(
    UUID("0193a1b2-0000-7000-8000-0000000000c1"), WHO, "chat", "inbound", "", BEGAN, BEGAN, {"chat": "given"},
    (Agent(user="lovelace"),), ("A" * 43,),
)  # fmt: skip
CALL = replace(CHAT, id=UUID("0193a1b2-0000-7000-8000-0000000000c2"), kind="call", consent={})
RULES = Governance(
    hash="f" * 64,
    retention=(
        RetentionClass("chats", (Fact("channel", frozenset({Channel.CHAT})),), keep=Period(ns=20 * DAY)),
        RetentionClass("rest", None, keep=Period(ns=10 * DAY)),
    ),
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World.found(tmp_path)
    with made.opened() as (database, _), database.writing() as connection:
        interactions.let_in(connection, Integration(WHO, "x", SIGNER.public_key(), (), "", 1, None), SECRET)
    return made


def body(world: World, about: Interaction) -> bytes:
    with world.opened() as (database, _), database.reading() as connection:
        newest = newest_bundle(connection)
    assert newest is not None
    bundle = verify_bundle(newest[1], world.home.key(COMPLIANCE).id)
    key, revision = secrets.token_bytes(32), bundle.revision
    return sealed(about, b"{}", bundle.recipients, key, SIGNER, bundle_revision=revision, version="0.1")


def post(world: World, content: bytes) -> httpx.Response:
    with world.serving() as pcs:
        answer: httpx.Response = pcs.client.post(
            api.INTERACTIONS, content=content, headers={"Authorization": f"Bearer {SECRET}"}
        )
        return answer


def known(world: World, about: Interaction) -> Known:
    with world.opened() as (database, _):
        found = world.facts(database, RULES).of(about.id, world.days())
    assert isinstance(found, Known), found
    return found


def test_it_is_kept_for_its_class_from_when_it_came_and_then_destroyed(world: World) -> None:
    chat = body(world, CHAT)
    assert post(world, chat).status_code == post(world, body(world, CALL)).status_code == 200
    world.mirror()
    assert known(world, CHAT).recording.consent == {Channel.CHAT: "given"}
    assert known(world, CALL).recording.consent == {Channel.VOICE: "missing"}
    world.days.pass_by(11)
    ids = [str(CHAT.id), str(CALL.id)]
    with world.opened() as (database, lifecycle):
        done = lifecycle.erase(world.facts(database, RULES), RULES, ids)
        assert list(done.erased) == [str(CALL.id)]
        assert done.kept == {str(CHAT.id): f"period until {day_of(BEGAN + 20 * DAY)}"}
        certificate = Erasure.verify(done.erased[str(CALL.id)], PRIVATE.public_key())
        assert certificate.destroyed is not None
        assert (len(certificate.destroyed.packets), certificate.destroyed.objects, certificate.device) == (1, 1, WHO)
        with database.reading() as connection:
            assert interactions.find(connection, str(CALL.id)) is None
            left = select(schema.interaction_names.c.interaction).distinct()
            assert list(connection.scalars(left)) == [str(CHAT.id)]
    assert (world.packets(CALL.id), world.files(CALL.id)) == ([], [])
    assert len(world.files(CHAT.id)) == 4
    assert post(world, body(world, CALL)).json()["error"] == "erased"
    assert world.files(CALL.id) == []
    assert post(world, chat).json()["new"] is False


def test_a_hold_wins_over_a_request_and_the_request_is_kept(world: World) -> None:
    assert post(world, body(world, CHAT)).status_code == 200
    world.mirror()
    name = str(CHAT.id)
    with world.opened() as (database, lifecycle):
        facts = world.facts(database, RULES)
        lifecycle.hold("case-17", [name], why="a letter", owner="ann@example.com", review=day_of(BEGAN + 90 * DAY))
        assert name in lifecycle.erase(facts, RULES, [name], "DSR-1").kept
        assert (known(world, CHAT).holds, known(world, CHAT).request) == (("case-17",), "DSR-1")
        lifecycle.release("case-17", why="settled", dies=None)
        assert list(lifecycle.erase(facts, RULES, [name]).erased) == [name]
    assert world.files(CHAT.id) == []


def test_one_that_comes_while_it_is_erased_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    content, write, here, asked = body(world, CHAT), routes._write, routes._here, []
    assert post(world, content).status_code == 200
    world.mirror()

    def not_yet(connection: Connection, received: Received) -> int | None:
        """At the first time it is asked, nothing is known of it."""
        asked.append(received)
        return None if len(asked) == 1 else here(connection, received)

    def erased_meanwhile(services: Services, received: Received) -> None:
        with world.opened() as (database, lifecycle):
            assert lifecycle.erase(world.facts(database, RULES), RULES, [str(CHAT.id)], "DSR-1").erased
        write(services, received)

    monkeypatch.setattr(routes, "_here", not_yet)  # the moment between two steps
    monkeypatch.setattr(routes, "_write", erased_meanwhile)  # likewise
    assert post(world, content).json()["error"] == "erased"
    assert world.files(CHAT.id) == []
