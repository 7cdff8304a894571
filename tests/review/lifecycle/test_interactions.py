"""Interactions live and die by the same rules as recordings: periods, holds, requests, and one shred for all of it."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select, update

from protocol import api
from protocol.bundle import verify as verify_bundle
from protocol.erasure import Erasure
from protocol.interaction import Agent, Interaction, Received, sealed
from protocol.keys import public_to_text
from review.commands.choosing import _doubt, each_known, only
from review.governance.model import Channel, Fact, Governance, RetentionClass
from review.governance.times import DAY, Period, day_of
from review.lifecycle.every import EVER
from review.lifecycle.facts import Known
from store.admin.init import COMPLIANCE
from store.catalog import interactions, schema
from store.catalog.interactions import Integration
from store.catalog.statements import newest_bundle
from store.server.routes import interactions as routes
from store.server.services import Services
from testkit.lifecycle import BEGAN, PRIVATE, World

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WHO, DEVICE = str(uuid4()), str(uuid4())
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


def read(world: World, name: UUID, rules: Governance = RULES) -> Known | str:
    with world.opened() as (database, _):
        return world.facts(database, rules).of(name, world.days())


def known(world: World, about: Interaction, rules: Governance = RULES) -> Known:
    found = read(world, about.id, rules)
    assert isinstance(found, Known), found
    return found


def sql(world: World, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(world.home.database_path)) as database, database:
        assert database.execute(statement, values).rowcount


def erased(world: World, *names: UUID, rules: Governance = RULES) -> list[str]:
    with world.opened() as (database, lifecycle):
        return list(lifecycle.erase(world.facts(database, rules), rules, list(map(str, names))).erased)


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
        assert done.kept == {str(CHAT.id): f"class chats until {day_of(BEGAN + 20 * DAY)}"}
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


# -- one id, two kinds --------------------------------------------------------------------------------------------


def test_a_recordings_id_is_no_interactions(world: World) -> None:
    with world.serving() as pcs:
        recording = pcs.record(pcs.pc(), "calls")[0]
    files = world.files(recording.id)
    answer = post(world, body(world, replace(CHAT, id=recording.id)))
    assert (answer.status_code, answer.json()["error"]) == (409, "exists")
    assert world.files(recording.id) == files


def test_rows_of_an_interaction_make_no_recording_die_sooner(world: World) -> None:
    """They are put there by who owns the catalog: the recording's packet says what it is."""
    with world.serving() as pcs:
        recording = pcs.record(pcs.pc(), "calls")[0]
    world.mirror()
    mine = Ed25519PrivateKey.generate()
    packet = next(name.rpartition("-")[2] for name in world.packets(recording.id))
    about = replace(CHAT, id=recording.id, start=0, end=0, packet=packet, sealed="0" * 64)
    sql(world, "update integrations set evidence_key = ?", public_to_text(mine.public_key()))
    put_row(world, about, about.sign(mine))
    long = Governance(hash="f" * 64, retention=(
        RetentionClass("calls", (Fact("channel", frozenset({Channel.VOICE})),), keep=Period(ns=40 * DAY)),
        RetentionClass("rest", None, keep=Period(ns=10 * DAY)),
    ))  # fmt: skip
    world.days.pass_by(11)
    facts = known(world, about, long)
    assert "an interaction" in facts.unsure[0]
    assert erased(world, recording.id, rules=long) == []
    world.days.pass_by(30)
    assert erased(world, recording.id, rules=long) == [str(recording.id)]
    assert world.files(recording.id) == []


def test_a_folder_of_both_is_a_recordings_and_goes_by_request_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an earlier store took them."""
    assert post(world, body(world, CHAT)).status_code == 200
    monkeypatch.setattr(interactions, "taken", lambda *_: set())  # that store did not ask
    with world.serving() as pcs:
        pcs.record(pcs.pc(), "rest", id=CHAT.id)
    world.mirror()
    assert known(world, CHAT).device != WHO
    world.days.pass_by(400)
    assert erased(world, CHAT.id) == []
    with world.opened() as (database, lifecycle):
        assert lifecycle.erase(world.facts(database, RULES), RULES, [str(CHAT.id)], "DSR-1").erased
    assert world.files(CHAT.id) == []


def put_row(world: World, about: Interaction, statement: str) -> None:
    sql(world, "insert into interactions values (?, ?, ?, 'inbound', '', 0, 0, 1, 1, ?)", str(about.id), WHO,
        about.kind, statement)  # fmt: skip


def test_an_id_of_both_is_one_for_the_commands(world: World) -> None:
    with world.serving() as pcs:
        recording = pcs.record(pcs.pc(), "calls")[0]
    put_row(world, replace(CHAT, id=recording.id), "")
    with world.opened() as (database, _):
        assert only(database, str(recording.id)[:8]) == recording.id
        seen = list(each_known(database, world.facts(database), world.days()))
    assert [one.id for one in seen] == [str(recording.id)]


@pytest.mark.parametrize("at", [-1, "x", 0])
def test_no_time_in_a_row_hides_a_recording(world: World, at: object) -> None:
    with world.serving() as pcs:
        recording = pcs.record(pcs.pc(), "calls")[0]
    sql(world, "update recordings set opened_at = ?", at)
    with world.opened() as (database, _):
        for opened in (EVER, range(world.days() + 1)):
            seen = each_known(database, world.facts(database), world.days(), opened)
            assert [one.id for one in seen] == [str(recording.id)]


def test_what_is_refused_leaves_the_key_packet_of_what_came_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have one key packet, and come at once."""
    content, here, asked = body(world, CHAT), routes._here, []
    packet, statement, chunk = content.split(b"\n", 2)
    other = replace(Interaction.verify(statement.decode(), SIGNER.public_key()), queue="sales").sign(SIGNER).encode()
    assert post(world, content).status_code == 200

    def not_yet(connection: Connection, received: Received) -> int | None:
        asked.append(received)
        return None if len(asked) == 1 else here(connection, received)

    monkeypatch.setattr(routes, "_here", not_yet)  # the moment between two steps
    assert post(world, b"\n".join((packet, other, chunk))).status_code == 409
    assert len(world.files(CHAT.id)) == 2


# -- who owns the database alone ----------------------------------------------------------------------------------


def test_a_row_that_says_it_came_long_ago_erases_nothing_early(world: World) -> None:
    assert post(world, body(world, CALL)).status_code == 200
    world.mirror()
    sql(world, "update interactions set received_at = 1")
    world.days.pass_by(19)
    facts = known(world, CALL)
    assert (facts.recording.end, len(facts.unsure)) == (CALL.end, 1)
    assert erased(world, CALL.id) == []
    world.days.pass_by(2)
    assert erased(world, CALL.id) == [str(CALL.id)]


def test_another_key_or_statement_in_its_row_is_not_believed(world: World) -> None:
    """What is on the disk is signed by its integration, and neither can be."""
    assert post(world, body(world, CHAT)).status_code == post(world, body(world, CALL)).status_code == 200
    world.mirror()
    world.days.pass_by(11)
    mine, rows = Ed25519PrivateKey.generate(), dict(statements(world))
    was = Interaction.verify(rows[str(CHAT.id)], SIGNER.public_key())
    for key, statement in (
        (SIGNER, rows[str(CALL.id)]),
        (SIGNER, replace(was, kind="call", packet="0" * 64).sign(SIGNER)),
        (mine, replace(was, kind="call").sign(mine)),
    ):
        sql(world, "update integrations set evidence_key = ?", public_to_text(key.public_key()))
        sql(world, "update interactions set statement = ? where id = ?", statement, str(CHAT.id))
        assert isinstance(read(world, CHAT.id), str)
        assert erased(world, CHAT.id) == []
    assert len(world.files(CHAT.id)) == 4


def statements(world: World) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(world.home.database_path)) as database:
        return database.execute("select id, statement from interactions").fetchall()


def test_one_whose_key_packet_is_gone_is_kept(world: World) -> None:
    assert post(world, body(world, CALL)).status_code == 200
    for name in world.packets(CALL.id):
        (world.home.blobs_folder / name).unlink()
    world.days.pass_by(11)
    assert read(world, CALL.id) == "in its folder is no key packet, or another one"


def test_one_that_says_that_it_ends_in_days_to_come_is_unsure(world: World) -> None:
    late = replace(CALL, start=BEGAN + 5 * DAY - 60 * 10**9, end=BEGAN + 5 * DAY)
    assert post(world, body(world, late)).status_code == 200
    facts = known(world, late)
    assert (facts.recording.end, facts.since) == (late.end, 0)
    assert facts.disposal(RULES, world.days()).at == late.end + 20 * DAY


# -- which holds take it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [("agent", "ADA@example.com"), ("user", "LoveLace"), ("host", "PC-7"), ("device", WHO), ("device", DEVICE)],
)
def test_a_hold_takes_it_by_what_it_says_of_its_agents(world: World, wanted: tuple[str, str]) -> None:
    agents = (Agent("Ada@example.com", "LOVELACE", "pc-7", DEVICE),)
    with world.opened() as (database, _), database.writing() as connection:
        connection.execute(update(schema.integrations).values(house='["example.com"]'))
    assert post(world, body(world, replace(CHAT, agents=agents))).status_code == 200
    assert _doubt(known(world, CHAT), [wanted]) is None
    with world.opened() as (database, _), database.reading() as connection:
        assert len(interactions.named(connection, "person", ["ada@example.com"], 5)) == 1
    assert _doubt(known(world, CHAT), [(wanted[0], "another")]) == ""


def test_one_of_several_agents_is_held_and_named(world: World) -> None:
    agents = (Agent(user="lovelace"), Agent(host="pc-8"))
    assert post(world, body(world, replace(CHAT, agents=agents))).status_code == 200
    assert _doubt(known(world, CHAT), [("user", "lovelace")]) == "it is said to be of lovelace and of pc-8"
