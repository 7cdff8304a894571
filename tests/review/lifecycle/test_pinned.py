"""Who owns the store's folder gives no PC another key, and no compliance either, unnoticed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.envelope import KEY_PACKET_STREAM
from protocol.keys import public_to_text, thumbprint
from review.governance.times import DAY
from review.lifecycle.pinned import Senders, check_compliance
from store.errors import StoreError
from testkit.fakes.pc import FakeRecording
from testkit.lifecycle import World
from tests.review.lifecycle.test_decided import sql
from tests.review.lifecycle.test_lifecycle import erased, founded, known, made, world

__all__ = ["founded", "world"]
OWN = Ed25519PrivateKey.generate()  # who owns the store's folder has it


def looked(world: World) -> None:
    with world.opened() as (database, _), database.reading() as connection:
        Senders(world.log_folder.parent).look(connection, world.days())


def predate(world: World, recording: FakeRecording, device: str) -> None:
    """The packet signed anew, as of 90 days before, and the store's clock with it."""
    sql(world, "update sealed set received_at = received_at - ?", 90 * DAY)
    signed_by = recording.pc.evidence_key.public_key()
    said = jws.verify(jws.PACKET, recording.packet.decode(), signed_by)
    body = jws.sign(jws.PACKET, said | {"start": int(str(said["start"])) - 90 * DAY, "device": device}, OWN).encode()
    name = hashlib.sha256(body).hexdigest()
    for folder in (world.home.blobs_folder, world.replica):
        [path] = folder.rglob(f"{KEY_PACKET_STREAM:05d}-*")
        path.with_name(f"{KEY_PACKET_STREAM:05d}-0000000000-{name}").write_bytes(body)
        path.unlink()
    sql(world, "update sealed set sha256 = ?, size = ? where stream = ?", name, len(body), KEY_PACKET_STREAM)


def test_a_pc_that_was_seen_with_another_key_has_nothing_erased(world: World) -> None:
    pc, [recording] = made(world, "cards")
    looked(world)
    world.days.pass_by(1)
    predate(world, recording, pc.device)
    sql(world, "update devices set evidence_key = ?", public_to_text(OWN.public_key()))
    assert erased(world, recording) == {}
    assert "another key of its sender" in " ".join(known(world, recording).unsure)
    assert known(world, recording).recording.end == world.days()  # so that no day comes on which it goes
    looked(world)
    assert erased(world, recording) == {}  # the first key counts


def test_a_pc_that_was_put_into_the_catalog_later_made_nothing_before(world: World) -> None:
    _, [recording] = made(world, "rest")
    looked(world)
    at = world.days()
    other = str(uuid4())
    columns = "host, os_user, os, agent_version, group_name, enrolment, enrolled_at"
    copy = f"insert into devices (id, token_key, token_kid, evidence_key, {columns}) select ?, 'k', 'k', ?, {columns}"
    sql(world, f"{copy} from devices", other, public_to_text(OWN.public_key()))
    predate(world, recording, other)
    sql(world, "update recordings set device = ?", other)
    world.days.pass_by(1)
    looked(world)
    assert known(world, recording).recording.end == world.days()  # its chunks are another's
    assert erased(world, recording) == {}
    # Without all that its sender signed: an attacker has destroyed it then, and no certificate comes early.
    for path in world.home.blobs_folder.rglob(f"{recording.id}/00000-*"):
        path.unlink()
    sql(world, "delete from sealed where stream != ?", KEY_PACKET_STREAM)
    sql(world, "delete from ledger_lines")
    assert known(world, recording).recording.end == at
    assert erased(world, recording) == {}


def test_what_a_known_pc_made_is_erased_in_its_time(world: World) -> None:
    looked(world)
    _, [recording] = made(world, "rest")
    world.days.pass_by(10)
    looked(world)
    assert list(erased(world, recording)) == [str(recording.id)]


def test_another_compliance_key_than_before_is_refused_by_name(tmp_path: Path) -> None:
    first, other = (thumbprint(key.public_key()) for key in (Ed25519PrivateKey.generate(), OWN))
    check_compliance(tmp_path, first)
    check_compliance(tmp_path, first)
    with pytest.raises(StoreError, match=f"{other}, and here it was {first}"):
        check_compliance(tmp_path, other)
    (tmp_path / "compliance-key").unlink()  # as the message says
    check_compliance(tmp_path, other)
