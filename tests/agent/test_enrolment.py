"""Enrolling as a person does it: which policy a newly enrolled PC has, and what it says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.config import Config
from agent.enrolment import enrol
from agent.errors import Untrusted
from protocol import api
from protocol.errors import ProtocolError
from testkit.fakes.store import FakeStore, Reply


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
