"""The pauses of a day from the ledger's entries, in the words of the ledger."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from agent.core.account.day import Pause, pauses

WALL = 1_000_000  # wall time minus the device's clock


def entry(at: int, kind: str, **fields: object) -> Mapping[str, object]:
    return {"at": at, "wall": at + WALL, "kind": kind, **fields}


def hold(at: int, name: str) -> Mapping[str, object]:
    return entry(at, "hold", hold=name)


def release(at: int, name: str) -> Mapping[str, object]:
    return entry(at, "release", hold=name)


def opened(at: int, lane: str = "screen") -> Mapping[str, object]:
    return entry(at, "lane-open", lane=lane)


def closed(at: int, *rules: int | str, lane: str = "screen") -> Mapping[str, object]:
    return entry(at, "lane-closed", lane=lane, rules=list(rules), policy="p")


def pause(began: int, length: int, kind: str, *names: str) -> Pause:
    return Pause(began + WALL, length, kind, names)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([opened(10)], [], id="open all the time"),
        pytest.param([entry(10, "start")], [pause(10, 90, "blind")], id="blind since the start"),
        pytest.param(
            [entry(10, "start"), opened(12), closed(20, 3), opened(25)],
            [pause(10, 2, "blind"), pause(20, 5, "closed", "p/3")],
            id="a rule",
        ),
        pytest.param([opened(10), closed(90, 3)], [pause(90, 10, "closed", "p/3")], id="one that goes on"),
        pytest.param(
            [opened(10), closed(20, 1), closed(30, 1, 2), opened(40)],
            [pause(20, 10, "closed", "p/1"), pause(30, 10, "closed", "p/1", "p/2")],
            id="another rule joins in",
        ),
        pytest.param(
            [opened(10), closed(20, "web-engine"), opened(30), closed(40, "blind"), opened(50)],
            [pause(20, 10, "closed", "web-engine"), pause(40, 10, "blind")],
            id="rules of its own",
        ),
        pytest.param(
            [opened(10), hold(20, "user"), closed(25, 1), release(30, "user"), opened(40)],
            [pause(20, 10, "held", "user"), pause(30, 10, "closed", "p/1")],
            id="a hold weighs more than a rule",
        ),
        pytest.param(
            [opened(10), hold(20, "user"), hold(25, "user"), release(30, "user"), release(35, "user")],
            [pause(20, 10, "held", "user")],
            id="a hold asked for twice",
        ),
        pytest.param([opened(10), hold(20, "blind"), release(30, "blind")], [pause(20, 10, "blind")], id="held blind"),
        pytest.param(
            [opened(10), closed(20, 1), entry(30, "stop"), entry(50, "start"), opened(55)],
            [pause(20, 10, "closed", "p/1"), pause(50, 5, "blind")],
            id="what nobody records is nobody's pause",
        ),
        pytest.param([opened(10), entry(20, "blind-since"), opened(30)], [], id="died"),
        pytest.param([opened(10), closed(20, 1, lane="audio"), opened(30, "audio")], [], id="sound has its own lane"),
        pytest.param([hold(10, "locked"), hold(10, "user")], [pause(10, 90, "held", "locked", "user")], id="two holds"),
        pytest.param([opened(10), entry(20, "heads", heads={})], [], id="anything else"),
    ],
)
def test_a_day(entries: list[Mapping[str, object]], expected: list[Pause]) -> None:
    assert pauses(entries, 0, 100, lambda policy, rule: f"{policy}/{rule}") == tuple(expected)


def test_only_what_reaches_into_the_day() -> None:
    entries = [opened(5), closed(10, 1), opened(20), closed(30, 1), opened(50), closed(60, 1), opened(70)]
    found = pauses(entries, WALL + 40, 100, lambda _, rule: f"{rule}")
    assert found == (pause(30, 20, "closed", "1"), pause(60, 10, "closed", "1"))
