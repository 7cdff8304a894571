"""`eyelid-store tokens`: which tokens still let PCs in, how often each was used, and one that is taken back."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from protocol import enrolment
from protocol.os_user import os_user
from store.catalog import schema
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.command_line import Run, run

__all__ = ["run"]


def made(run: Run, *arguments: object) -> tuple[str, str]:
    """(id, secret) of a new token."""
    facts = run("enroll-token", *arguments, "--json").facts
    return facts["id"], enrolment.parse(facts["token"]).secret


def test_a_token_is_listed_with_its_uses_and_without_its_secret(run: Run, client: httpx.Client) -> None:
    assert "No token lets a PC in" in run("tokens").out
    number, secret = made(run, "--uses", 3, "--group", "leeds")
    assert Pc(client).enrol(secret).status_code == 200
    (facts,) = run("tokens", "--json").facts["tokens"]
    assert (facts["id"], facts["state"], facts["group"]) == (number, "good", "leeds")
    assert (facts["used"], facts["uses"], facts["withdrawn"]) == (1, 3, None)
    assert None not in (facts["made"], facts["expires"], facts["last_used"])
    told = run("tokens")
    assert all(part in told.out for part in (number, "1 of 3", "leeds"))
    assert secret not in told.out


def test_a_withdrawn_token_lets_no_further_pc_in_and_those_that_it_let_in_stay(
    run: Run, client: httpx.Client, services: Services
) -> None:
    number, secret = made(run, "--uses", 3)
    pc = Pc(client)
    assert pc.enrol(secret).status_code == 200
    assert "withdrawn" in run("tokens", "--withdraw", number[:8]).out
    refused = Pc(client).enrol(secret)
    assert (refused.status_code, refused.json()["error"]) == (403, "withdrawn-enrolment")
    assert pc.ask_token(services.clock() // 10**9).status_code == 200
    assert run("tokens", "--json").facts["tokens"] == []
    assert run("tokens", "--withdraw", number).code == 0  # again: nothing more happens
    with services.database.reading() as connection:
        (entry,) = connection.execute(select(schema.audit)).all()
    assert (entry.action, entry.reason, entry.operator) == ("withdraw-token", number, os_user())


def test_what_is_used_up_or_expired_is_listed_when_all_are_asked_for(run: Run, client: httpx.Client) -> None:
    _, secret = made(run)
    assert Pc(client).enrol(secret).status_code == 200
    made(run, "--expires", "1m")
    states = [one["state"] for one in run("tokens", "--all", "--json").facts["tokens"]]
    assert states == ["used up", "good"]
    assert [one["state"] for one in run("tokens", "--json").facts["tokens"]] == ["good"]


@pytest.mark.parametrize(("chosen", "words"), [("zzz", "no token"), ("", "no token")])
def test_a_token_that_is_none_cannot_be_withdrawn(run: Run, chosen: str, words: str) -> None:
    made(run)
    told = run("tokens", "--withdraw", chosen)
    assert (told.code, words in told.err) == (2, True)
