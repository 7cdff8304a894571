"""What goes beside the chunks: the ledger, texts of policies, health and bundles. None of it holds up a chunk."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core import backoff
from agent.core.model.times import SECOND
from agent.upload.sync_tasks import HEALTH_EVERY
from agent.upload.uploader import IDLE
from protocol import api, jws
from protocol.policyhash import policy_hash
from testkit.fakes.store import Reply, problem
from tests.agent.upload.conftest import Pc


def test_the_ledger_arrives_in_batches_and_is_confirmed(pc: Pc) -> None:
    for number in range(1200):
        pc.ledger.write("note", number=number)
    pc.outlast(10)
    pc.work()
    pc.outlast(10)
    pc.work()
    account = pc.store.devices["device-1"]
    assert len(account.lines) == 1200
    assert (1200, account.head) == pc.ledger.head()
    assert pc.ledger.due(at_once=True) is None


@pytest.mark.parametrize("more", [0, 1])
def test_a_ledger_answer_that_was_eaten_is_found_out_by_the_next_batch(pc: Pc, more: int) -> None:
    pc.settle()
    pc.ledger.write("start")
    pc.outlast(10)
    pc.store.says(api.LEDGER, Reply(drop=True, first=True))
    pc.work()
    for _ in range(more):
        pc.ledger.write("hold", hold="user")
    pc.outlast_everything()
    pc.work()
    assert len(pc.store.devices["device-1"].lines) == 1 + more
    assert pc.ledger.due(at_once=True) is None
    assert pc.heard == []


def test_a_store_with_another_ledger_raises_an_alarm_and_still_gets_the_chunks(pc: Pc) -> None:
    pc.settle()
    pc.ledger.write("start")
    pc.record(1)
    pc.store.devices["device-1"].lines = [b"{}"] * 7
    pc.outlast(10)
    pc.work()
    assert pc.heard == ["alarm ledger-refused", "receipt", "receipt"]
    assert pc.ledger.due(at_once=True) is not None
    pc.store.devices["device-1"].lines = []
    pc.outlast_everything()
    pc.work()
    assert pc.heard[3:] == ["cleared ledger-refused"]
    assert len(pc.store.devices["device-1"].lines) == 1


@pytest.mark.parametrize("reply", [problem(500, "store-fault"), problem(422, "bad-line")])
def test_trouble_with_the_ledger_does_not_hold_up_the_chunks(pc: Pc, reply: Reply) -> None:
    pc.settle()
    pc.ledger.write("start")
    pc.record(3)
    pc.outlast(10)
    pc.store.says(api.LEDGER, *[reply] * 100)
    pc.work()
    assert pc.work() == IDLE
    assert pc.spool.waiting() == (0, 0)
    assert pc.ledger.due(at_once=True) is not None


def test_texts_of_policies_arrive_before_the_ledger_would_be_old(pc: Pc) -> None:
    files = {"demo.yaml": b"rules: []\n..."}
    pc.texts.offer(files)
    pc.work()
    assert pc.store.policies == {policy_hash(files): {"demo.yaml": "rules: []\n..."}}
    assert pc.texts.waiting() is None


def test_health_is_told_every_minute(pc: Pc) -> None:
    pc.work()
    pc.outlast(HEALTH_EVERY / SECOND - 1)
    pc.work()
    assert len(pc.store.health) == 1
    pc.outlast(1)
    pc.work()
    assert len(pc.store.health) == 2
    assert pc.store.health[0]["bundle_revision"] == 1


def test_a_newer_bundle_is_fetched_when_the_store_has_one(pc: Pc) -> None:
    pc.settle()
    pc.store.new_bundle(2)
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()
    assert pc.heard == ["bundle 2"]
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()
    assert pc.heard == ["bundle 2"]
    assert pc.store.paths("GET") == [api.BUNDLE]


def test_a_store_that_puts_its_bundle_back_raises_an_alarm_until_it_has_a_newer_one(pc: Pc) -> None:
    pc.settle()
    pc.store.new_bundle(3)
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()
    pc.store.new_bundle(2)
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()
    assert pc.heard == ["bundle 3", "alarm bundle-refused"]
    assert pc.trust.bundle.revision == 3
    pc.store.new_bundle(4)
    pc.outlast(backoff.CAP)
    pc.work()
    assert pc.heard == ["bundle 3", "alarm bundle-refused", "bundle 4", "cleared bundle-refused"]


def test_a_bundle_that_this_agent_does_not_understand_raises_an_alarm_and_changes_nothing(pc: Pc) -> None:
    pc.settle()
    key = pc.store.compliance_key
    payload = jws.verify(jws.BUNDLE, pc.store.signed_bundle(2), key.public_key(), with_key=True)
    pc.store.bundle = jws.sign(jws.BUNDLE, payload | {"crit": ["later"], "later": 1}, key, with_key=True)
    pc.store.bundle_revision = 2
    pc.record(1)
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()
    assert pc.heard == ["alarm bundle-refused", "receipt", "receipt"]
    assert pc.trust.bundle.revision == 1


def test_a_bundle_that_compliance_did_not_sign_raises_an_alarm_and_changes_nothing(pc: Pc) -> None:
    pc.settle()
    pc.store.bundle, pc.store.bundle_revision = pc.store.signed_bundle(2, Ed25519PrivateKey.generate()), 2
    pc.record(1)
    pc.outlast(HEALTH_EVERY / SECOND)
    pc.work()
    assert pc.heard == ["alarm bundle-refused", "receipt", "receipt"]
    assert pc.trust.bundle.revision == 1
