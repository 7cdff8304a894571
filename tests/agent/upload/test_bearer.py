"""Being let in: with the store's time and not the PC's, once more when a token is no longer good, and not for ever."""

from __future__ import annotations

import pytest

from agent.core.model.times import SECOND
from agent.errors import Transient, Untrusted
from agent.upload.answers import ShutOut
from agent.upload.bearer import Bearer
from protocol import api
from testkit.fakes.store import TOKEN_LIFE, Reply, problem
from tests.agent.upload.conftest import Pc

YEAR = 366 * 86400


@pytest.fixture
def bearer(pc: Pc) -> Bearer:
    return Bearer(pc.identity, pc.wire, pc.clock)


def test_one_token_serves_until_it_is_nearly_over(pc: Pc, bearer: Bearer) -> None:
    assert bearer.send("GET", api.BUNDLE).status == 200
    pc.outlast(TOKEN_LIFE * 0.8)
    assert bearer.send("GET", api.BUNDLE).status == 200
    assert pc.store.paths("POST") == [api.TOKEN]
    pc.outlast(TOKEN_LIFE * 0.15)
    assert bearer.send("GET", api.BUNDLE).status == 200
    assert pc.store.paths("POST") == [api.TOKEN] * 2


@pytest.mark.parametrize("off_by", [-YEAR, YEAR])
def test_a_wrong_clock_of_the_pc_changes_nothing(pc: Pc, bearer: Bearer, off_by: int) -> None:
    pc.clock.ahead += off_by * SECOND
    assert bearer.send("GET", api.BUNDLE).status == 200
    pc.clock.ahead -= 2 * off_by * SECOND  # somebody corrects it the wrong way while the agent runs
    pc.outlast(TOKEN_LIFE)
    assert bearer.send("GET", api.BUNDLE).status == 200
    assert pc.store.paths("POST") == [api.TOKEN] * 2  # neither had to be asked for twice


def test_a_store_whose_own_clock_was_set_is_followed(pc: Pc, bearer: Bearer) -> None:
    """The assertion is out of date by what we knew; the refusal carries the new date."""
    bearer.send("GET", api.BUNDLE)
    pc.store.seconds += YEAR
    assert bearer.send("GET", api.BUNDLE).status == 200


def test_a_token_that_the_store_no_longer_knows_is_replaced_once(pc: Pc, bearer: Bearer) -> None:
    bearer.send("GET", api.BUNDLE)
    pc.store.says(api.BUNDLE, problem(401, "bad-token"))
    assert bearer.send("GET", api.BUNDLE).status == 200
    assert pc.store.paths("POST") == [api.TOKEN] * 2
    pc.store.says(api.BUNDLE, problem(401, "bad-token"), problem(401, "bad-token"))
    assert bearer.send("GET", api.BUNDLE).status == 401  # and not again and again
    assert pc.store.paths("POST") == [api.TOKEN] * 3


def test_a_revoked_pc_is_shut_out_and_comes_back_when_it_is_let_in(pc: Pc, bearer: Bearer) -> None:
    bearer.send("GET", api.BUNDLE)
    pc.store.devices["device-1"].revoked = True
    for _ in range(2):  # with the token it has, and when it asks for another
        with pytest.raises(ShutOut, match="device-revoked") as raised:
            bearer.send("GET", api.BUNDLE)
        assert raised.value.code == api.DEVICE_REVOKED
    pc.store.devices["device-1"].revoked = False
    assert bearer.send("GET", api.BUNDLE).status == 200


def test_a_store_that_does_not_know_this_pc_shuts_it_out(pc: Pc, bearer: Bearer) -> None:
    pc.store.devices.clear()
    with pytest.raises(ShutOut, match="unknown-device"):
        bearer.send("GET", api.BUNDLE)


@pytest.mark.parametrize(("status", "times"), [(401, 2), (400, 1), (404, 1)])
def test_a_store_that_gives_no_token_for_a_reason_without_a_name_shuts_out(
    pc: Pc, bearer: Bearer, status: int, times: int
) -> None:
    pc.store.says(api.TOKEN, *[problem(status, "bad-assertion")] * times)
    with pytest.raises(ShutOut, match="not-let-in"):
        bearer.send("GET", api.BUNDLE)


def test_a_store_that_cannot_give_a_token_now_is_asked_later(pc: Pc, bearer: Bearer) -> None:
    pc.store.says(api.TOKEN, Reply(503, headers={"Retry-After": "9"}))
    with pytest.raises(Transient) as raised:
        bearer.send("GET", api.BUNDLE)
    assert raised.value.retry_after == 9


@pytest.mark.parametrize("body", [b"", b'{"token": 1, "expires_in": 600}', b'{"token": "t", "expires_in": 1000000}'])
def test_a_token_that_is_none_is_not_believed(pc: Pc, bearer: Bearer, body: bytes) -> None:
    pc.store.says(api.TOKEN, Reply(200, body))
    with pytest.raises(Untrusted):
        bearer.send("GET", api.BUNDLE)
