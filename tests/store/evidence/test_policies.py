"""Names in the policies that PCs sent: each text read once, within bounds, and only the one that has the hash."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection, insert

from protocol.policyhash import policy_hash
from store.catalog import schema, statements
from store.evidence.evidence import MOST_POLICIES, Policies
from store.evidence.rules import UNREAD, Bound
from store.server.services import Services


def keep(connection: Connection, text: str) -> str:
    """Its hash."""
    policy = policy_hash({"p.yaml": text.encode()})
    connection.execute(insert(schema.policies).values(hash=policy, files=json.dumps({"p.yaml": text}), received_at=0))
    return policy


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Policies that the catalog was asked for."""
    found: list[str] = []
    ask = statements.policy_files

    def noted(connection: Connection, policy: str, largest: int | None = None) -> str | None:
        found.append(policy)
        return ask(connection, policy, largest)

    monkeypatch.setattr(statements, "policy_files", noted)  # what is read is counted
    return found


def test_a_text_is_read_once_whatever_it_says_and_one_that_may_come_is_asked_for_again(
    services: Services, asked: list[str]
) -> None:
    with services.database.writing() as connection:
        good, bad = keep(connection, "user_hold: {reasons: [Lunch]}\n...\n"), keep(connection, "{")
    policies = Policies()
    with services.database.reading() as connection:
        for _ in range(3):
            assert policies.names_of(connection, good).reasons == ("Lunch",)
            assert policies.names_of(connection, bad) is UNREAD
        assert asked == [good, bad]
        for _ in range(3):
            assert policies.names_of(connection, "f" * 64) is UNREAD
        assert len(asked) == 5


def test_a_text_beyond_the_bound_is_not_even_loaded(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    with services.database.writing() as connection:
        large = keep(connection, "user_hold: {reasons: [Lunch]}\n" + "#" * 3000)
        long = keep(connection, "user_hold: {reasons: [" + "a," * 30 + "]}")
    policies = Policies(Bound(1000, 20))
    with services.database.reading() as connection:
        assert policies.names_of(connection, long) is UNREAD
        monkeypatch.setattr("store.evidence.evidence.hash_of", lambda _: pytest.fail("loaded"))  # must not be asked
        assert policies.names_of(connection, large) is UNREAD


def test_so_many_are_remembered(services: Services, asked: list[str]) -> None:
    policies = Policies()
    with services.database.writing() as connection:
        kept = [keep(connection, f"rules: [{{id: of-{number}}}]") for number in range(MOST_POLICIES + 1)]
    with services.database.reading() as connection:
        for _ in range(2):
            for policy in kept[:MOST_POLICIES]:
                policies.names_of(connection, policy)
        assert len(asked) == MOST_POLICIES
        policies.names_of(connection, kept[-1])
        assert policies.names_of(connection, kept[0]).rules[0].id == "of-0"
        assert len(asked) == MOST_POLICIES + 2
