"""The devices' accounts over HTTPS: continued, repeated, with a gap, forked, and forged."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import Engine, event, select

from protocol import api, jws
from protocol.ledger import ZERO, line
from store.catalog import schema
from store.catalog.alarms import MOST_ALARMS
from store.catalog.queries import ledger_lines
from store.server.services import Services
from testkit.fakes.pc import Pc


@pytest.fixture
def writer(pc: Pc) -> Pc:
    """A PC with five entries in its ledger, none of them sent."""
    for number in range(5):
        pc.ledger.write("policy", at=number, policy="a" * 64, revision=number)
    return pc


def stored(services: Services, pc: Pc) -> list[bytes]:
    with services.database.reading() as connection:
        return [row.line.encode() for row in ledger_lines(connection, pc.device, 0, 10**6)]


def batches(services: Services) -> list[tuple[int, int, bool]]:
    with services.database.reading() as connection:
        found = connection.execute(select(schema.ledger_batches).order_by(schema.ledger_batches.c.id))
        return [(row.first, row.last, row.accepted) for row in found]


def alarms(services: Services) -> list[str]:
    with services.database.reading() as connection:
        return list(connection.scalars(select(schema.alarms.c.code)))


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_batches_continue_the_ledger(writer: Pc, services: Services) -> None:
    answer = writer.send_ledger(writer.ledger.batch(0, 2))
    assert answer.json() == {"next": 3, "head": writer.ledger_hash(2)}
    assert writer.send_ledger().json() == {"next": 5, "head": writer.ledger.head}
    assert stored(services, writer) == writer.ledger.lines
    assert batches(services) == [(0, 2, True), (3, 4, True)]


def test_a_batch_may_repeat_what_is_there(writer: Pc, services: Services) -> None:
    writer.send_ledger(writer.ledger.batch(0, 3))
    for first, last in ((0, 3), (1, 2), (3, 3), (2, 4), (0, 4)):
        assert writer.send_ledger(writer.ledger.batch(first, last)).status_code == 200
    assert stored(services, writer) == writer.ledger.lines
    assert batches(services) == [(0, 3, True), (2, 4, True)]
    assert alarms(services) == []


def test_a_gap_is_told_where_to_go_on(writer: Pc, services: Services) -> None:
    writer.send_ledger(writer.ledger.batch(0, 1))
    answer = writer.send_ledger(writer.ledger.batch(3, 4))
    assert refusal(answer) == (409, "ledger-gap")
    assert {name: answer.json()[name] for name in ("next", "head")} == {"next": 2, "head": writer.ledger_hash(1)}
    assert stored(services, writer) == writer.ledger.lines[:2]


def test_the_first_batch_must_begin_at_the_beginning(writer: Pc) -> None:
    answer = writer.send_ledger(writer.ledger.batch(1, 4))
    assert refusal(answer) == (409, "ledger-gap")
    assert answer.json()["next"] == 0
    assert answer.json()["head"] == ZERO


def forked(pc: Pc, at: int) -> Pc:
    """The same PC with another account from entry `at` on."""
    twin = Pc(pc.client)
    twin.device, twin.token, twin.evidence_key = pc.device, pc.token, pc.evidence_key
    twin.ledger.lines = pc.ledger.lines[:at]
    for number in range(at, 6):
        twin.ledger.write("stop", at=number)
    return twin


@pytest.mark.parametrize(
    ("at", "first"),
    [
        pytest.param(0, 0, id="from the start"),
        pytest.param(3, 1, id="within"),
        pytest.param(4, 5, id="only in what came before"),
    ],
)
def test_a_rewritten_ledger_is_kept_as_evidence_with_an_alarm(
    writer: Pc, services: Services, at: int, first: int
) -> None:
    writer.send_ledger()
    twin = forked(writer, at)
    batch = twin.ledger.batch(first, 5)
    for _ in range(2):
        answer = twin.send_ledger(batch)
        assert refusal(answer) == (409, "ledger-fork")
        assert (answer.json()["next"], answer.json()["head"]) == (5, writer.ledger.head)
    assert stored(services, writer) == writer.ledger.lines
    assert batches(services) == [(0, 4, True), (first, 5, False)]
    assert alarms(services) == ["ledger-fork"]
    writer.ledger.write("stop", at=9)
    assert writer.send_ledger().status_code == 200  # the account that came first goes on


def changed(batch: str) -> str:
    head, payload, signature = batch.split(".")
    return f"{head}.{payload[:-2]}{'A' if payload[-2] != 'A' else 'B'}{payload[-1]}.{signature}"


def claiming(pc: Pc, first: int, last: int, lines: list[bytes]) -> str:
    texts = [written.decode() for written in lines]
    return jws.sign(jws.LEDGER, {"device": pc.device, "first": first, "last": last, "lines": texts}, pc.evidence_key)


def with_key(pc: Pc) -> str:
    pc.evidence_key = pc.token_key
    return pc.ledger.batch()


def as_device(pc: Pc, device: str) -> str:
    own, pc.device = pc.device, device
    batch = pc.ledger.batch()
    pc.device = own
    return batch


BAD: dict[str, tuple[Callable[[Pc], str], int, set[str]]] = {
    "garbage": (lambda pc: pc.device, 400, {"malformed"}),
    "changed": (lambda pc: changed(pc.ledger.batch()), 400, {"bad-signature", "malformed"}),
    "another type": (lambda pc: pc.assertion(0), 400, {"wrong-type"}),
    "signed by the token key": (with_key, 400, {"wrong-signer"}),
    "of another device": (lambda pc: as_device(pc, "another"), 403, {"foreign-device"}),
    "without lines": (lambda pc: claiming(pc, 0, 0, []), 400, {"bad-count"}),
    "with too few lines": (lambda pc: claiming(pc, 0, 9, pc.ledger.lines), 400, {"bad-count"}),
    "with a line left out": (
        lambda pc: claiming(pc, 0, 1, [pc.ledger.lines[0], pc.ledger.lines[2]]),
        400,
        {"wrong-seq"},
    ),
    "with lines that are no JSON": (lambda pc: claiming(pc, 0, 0, [b"nothing"]), 400, {"bad-line"}),
    "with a kind too long": (
        lambda pc: claiming(pc, 0, 0, [line(0, ZERO, at=0, wall=0, kind="k" * 65)]),
        400,
        {"bad-line"},
    ),
    "with a recording that is none": (
        lambda pc: claiming(pc, 0, 0, [line(0, ZERO, at=0, wall=0, kind="heads", recording="../..")]),
        400,
        {"bad-line"},
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_is_no_batch_of_this_device_is_refused(writer: Pc, services: Services, case: str) -> None:
    make, status, codes = BAD[case]
    answer = writer.send_ledger(make(writer))
    assert answer.status_code == status
    assert answer.json()["error"] in codes
    assert stored(services, writer) == []
    assert batches(services) == []


def test_a_batch_that_is_too_large(writer: Pc) -> None:
    answer = writer.client.post(api.LEDGER, content=bytes(api.MAX_LEDGER_BODY + 1), headers=writer.bearer)
    assert refusal(answer) == (413, "oversized")


def test_entries_of_a_recording_are_found_by_it(writer: Pc, services: Services) -> None:
    recording = "0193a1b2-0000-7000-8000-000000000001"
    writer.ledger.write("recording-open", at=9, recording=recording, policy="a" * 64, zero=9)
    writer.send_ledger()
    with services.database.reading() as connection:
        found = connection.execute(
            select(schema.ledger_lines.c.seq, schema.ledger_lines.c.kind).where(
                schema.ledger_lines.c.recording == recording
            )
        ).all()
    assert [tuple(row) for row in found] == [(5, "recording-open")]


def test_alarms_without_end_cost_the_one_writer_no_more_than_a_few(writer: Pc, services: Services) -> None:
    asked: list[str] = []

    def note(*said: str) -> None:
        asked.append(said[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        costs = []
        for many in (2, MOST_ALARMS, 10 * MOST_ALARMS):
            asked.clear()
            for _ in range(many):
                for code in ("rule-flaps", "rule-vanished", "no alarm of a policy"):
                    writer.ledger.write("alarm", at=9, what=code)
            assert writer.send_ledger().is_success
            costs.append(len(asked))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert costs[0] == costs[1] >= costs[2]
    assert stored(services, writer) == writer.ledger.lines
    raised = alarms(services)
    assert sorted(raised) == MOST_ALARMS * ["rule-flaps"] + MOST_ALARMS * ["rule-vanished"]
