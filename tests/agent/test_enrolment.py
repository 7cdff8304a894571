"""Enrolling as a person does it: which policy a newly enrolled PC has, and what it says of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agent import users
from agent.config import Config
from agent.enrolment import drain_to_leave, enrol, enrol_all
from agent.errors import Refused, Untrusted, UserError
from agent.keys.exchange import Applicant
from agent.keys.home import HomeKeys
from agent.state import identity
from agent.state.identity import apply
from agent.users import User
from protocol import api
from protocol.errors import ProtocolError
from testkit.fakes.clock import HandClock
from testkit.fakes.store import FakeStore, Reply
from tests.agent.keys.services import running


@pytest.fixture
def store() -> Iterator[FakeStore]:
    with FakeStore() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(home=tmp_path / "home", policies=tmp_path / "home" / "policies")


def test_the_stores_policy_becomes_the_pcs(store: FakeStore, config: Config) -> None:
    store.bundle = store.signed_bundle(1, None, **{"cards.yaml": "schema: 1\n...\n"})
    assert "device-1" in enrol(store.pasted(), config)
    assert (config.policies / "cards.yaml").read_text() == "schema: 1\n...\n"


def test_a_policy_that_lies_there_already_stays(store: FakeStore, config: Config) -> None:
    config.policies.mkdir(parents=True)
    (config.policies / "own.yaml").write_text("own")
    assert f"Its policy is the one in {config.policies}." in enrol(store.pasted(), config)
    assert [path.name for path in config.policies.iterdir()] == ["own.yaml"]


def test_a_policy_that_lies_there_does_not_count_beside_a_signed_one(store: FakeStore, config: Config) -> None:
    config.policies.mkdir(parents=True)
    (config.policies / "own.yaml").write_text("own")
    store.bundle = store.signed_bundle(1, None, **{"cards.yaml": "schema: 1\n...\n"})
    assert f"counts; what lies in {config.policies} does not." in enrol(store.pasted(), config)
    assert [path.name for path in config.policies.iterdir()] == ["own.yaml"]


def test_a_folder_that_only_it_may_write_is_no_failure(store: FakeStore, config: Config, tmp_path: Path) -> None:
    store.bundle = store.signed_bundle(1, None, **{"cards.yaml": "schema: 1\n...\n"})
    (tmp_path / "file").write_text("")  # root, who may run this, is let into every folder; into a file nobody is
    managed = replace(config, policies=tmp_path / "file" / "policies")
    assert "The policy that came signed with the store's bundle counts." in enrol(store.pasted(), managed)


def test_without_any_policy_it_says_that_nothing_is_recorded(store: FakeStore, config: Config) -> None:
    assert "without one nothing is recorded" in enrol(store.pasted(), config)


@pytest.mark.parametrize("name", ["../cards.yaml", "/etc/cards.yaml", "cards.sh", ".."])
def test_a_bundle_writes_nowhere_else(store: FakeStore, config: Config, name: str) -> None:
    store.bundle = store.signed_bundle(1, None, **{name: "x"})
    with pytest.raises(Untrusted, match="no plain"):
        enrol(store.pasted(), config)
    assert not config.policies.exists()


def test_an_answer_with_a_part_that_must_be_understood_enrols_nothing(store: FakeStore, config: Config) -> None:
    answer = {"device": "device-1", "bundle": store.bundle, "successors": [], "crit": ["later"], "later": 1}
    store.says(api.ENROLL, Reply(200, json.dumps(answer).encode()))
    with pytest.raises(Untrusted, match="not an enrolment") as refused:
        enrol(store.pasted(), config)
    assert isinstance(refused.value.__cause__, ProtocolError)
    assert refused.value.__cause__.code == "unknown-critical"
    assert not (config.home / "identity.json").exists()


class SpoiltKeys(HomeKeys):
    """Of a user who takes care that nothing is admitted."""

    def admitted(self, device: str) -> Mapping[str, str]:
        raise Refused(f"no application was signed for {device}")


@pytest.mark.parametrize("cut", ["the answer is lost", "it is killed before it is on disk"])
def test_one_that_is_cut_short_leaves_no_other_device(
    store: FakeStore, config: Config, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    """The store knows the keys again, which are on disk before it has seen them."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    asked: list[object] = []
    token = store.pasted()
    real = identity.HomeKeys.apply

    def apply(self: HomeKeys, applicant: Applicant) -> api.EnrollRequest:
        asked.append((self.token.private_bytes_raw(), self.evidence.private_bytes_raw()))
        return real(self, applicant)

    monkeypatch.setattr(identity.HomeKeys, "apply", apply)
    with monkeypatch.context() as broken:
        broken.setattr(identity, "keep" if "disk" in cut else "_let_in", killed)
        with pytest.raises(KeyboardInterrupt):
            enrol(token, config)
    assert (config.home / "enrolling.json").stat().st_mode & 0o077 == 0
    enrol(token, config)
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert list(store.devices) == ["device-1"]
    assert not (config.home / "enrolling.json").exists()
    who = identity.load(config.home).keys
    assert isinstance(who, HomeKeys)
    assert (who.token.private_bytes_raw(), who.evidence.private_bytes_raw()) == asked[0]


def test_keys_that_the_store_refused_are_not_kept(store: FakeStore, config: Config) -> None:
    token = store.pasted()
    store.secrets.clear()
    with pytest.raises(UserError, match="used-up"):
        enrol(token, config)
    assert not (config.home / "enrolling.json").exists()


@pytest.mark.parametrize("left", [b"", b"{}", b'{"store": "x"}', b"\xff"])
def test_what_another_enrolment_left_is_not_used(store: FakeStore, config: Config, left: bytes) -> None:
    config.home.mkdir(parents=True)
    (config.home / "enrolling.json").write_bytes(left)
    assert "device-1" in enrol(store.pasted(), config)
    assert not (config.home / "enrolling.json").exists()


def test_a_use_of_the_token_is_noted_as_soon_as_the_store_has_spent_it(store: FakeStore) -> None:
    words = {"host": "pc-17", "user": "alice", "system": "Debian 13", "agent_version": "0.1.0"}
    noted: list[int] = []
    made = HomeKeys.generate()
    with pytest.raises(Refused):
        apply(
            store.pasted(), HandClock(), **words, keys=SpoiltKeys(made.token, made.evidence),
            let_in=lambda: noted.append(len(store.devices)),
        )  # fmt: skip
    assert noted == [1]
    store.says(api.ENROLL, Reply(403, b'{"error": "used-up-enrolment", "message": "ask for another"}'))
    with pytest.raises(UserError):
        apply(store.pasted(), HandClock(), **words, let_in=lambda: noted.append(0))
    assert noted == [1]


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="becoming other users needs root")
def test_one_user_for_whom_it_fails_keeps_nobody_else_from_being_enrolled(
    store: FakeStore, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = (User(name, uid, uid, tmp_path / name) for name, uid in (("alice", 61_001), ("bob", 61_002)))
    monkeypatch.setattr(users, "with_homes", lambda _: (alice, bob))  # no account of the machine that runs this
    # Their processes, as themselves, are run end to end; Python need not lie where other users may go.
    monkeypatch.setattr(users, "run_as", lambda *_, **__: "not enrolled")
    file, marks = tmp_path / "token", tmp_path / "marks"
    file.write_text(store.pasted())
    file.chmod(0o600)
    with running(tmp_path) as service:
        (service.folder / str(alice.uid)).mkdir(parents=True)
        (service.folder / str(alice.uid) / "state.json").write_text("damaged")
        told = dict(enrol_all(file, replace(config, keys_socket=service.path), marks=marks))
    assert "not enrolled: " in told[alice]
    assert "is damaged" in told[alice]
    assert list(told) == [alice, bob]
    assert [path.name for path in marks.iterdir()] == [str(bob.uid)]
    assert len(store.devices) == 1


def test_who_leaves_with_an_account_that_cannot_be_read_is_told_what_is_lost(store: FakeStore, config: Config) -> None:
    enrol(store.pasted(), config)
    (config.home / "ledger" / "segment-000000000000").mkdir(parents=True)
    remains = drain_to_leave(config)
    assert remains.account
    assert any("account, cannot be read: it is no regular file" in why for why in remains.why)
