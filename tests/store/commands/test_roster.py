"""The list of PCs on terminals of every width: who is broken, since when and what to do, and the id in one piece."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from store.catalog.queries import Device
from store.clock import MINUTE
from store.commands.roster import print_devices
from store.evidence.timeline.device_status import DeviceStatus, Level

NOW = 1_800_000_000 * 10**9
KEY = "k" * 43


def pc(number: int, host: str, level: Level, words: str, **changes: Any) -> DeviceStatus:
    device = Device(f"{number:08x}-1b2c-7d3e-8f40-51627384a5b6", KEY, KEY, host, "Linux", "0.1.0", "leeds", 1, None)
    facts: dict[str, Any] = {
        "state": "heard", "version": "0.1.0", "heard": NOW - MINUTE, "receipt": NOW - 2 * MINUTE, "blind_share": 0.0,
        "pending_chunks": 0, "pending_bytes": 0, "holds": (), "alarms": (), "reported": (), "bundle_revision": 1,
        "next_step": "", "others": (),
    }  # fmt: skip
    return DeviceStatus(device=device, level=level, words=words, **(facts | changes))


FLEET = [
    pc(1, "desk-01", Level.FINE, "recording"),
    pc(2, "desk-02", Level.FINE, "held: by the person (Private call)"),
    pc(
        3,
        "desk-03.reception.leeds.example.com",
        Level.BROKEN,
        "ALARM two-bodies",
        alarms=("two-bodies",),
        reported=("rule-closes-most-of-the-day",),
        others=("reported rule-closes-most-of-the-day", "mostly blind"),
        blind_share=0.86,
        receipt=NOW - 3 * 24 * 60 * MINUTE,
        pending_chunks=7,
        pending_bytes=3_100_000,
        next_step="look into it, then settle it: eyelid-store alarms",
    ),
    pc(
        4,
        "desk-04",
        Level.BROKEN,
        "SILENT",
        receipt=None,
        next_step="is it on, is the network there?",
    ),
    pc(5, "desk-05", Level.AWAY, "off", receipt=NOW - 20 * 60 * MINUTE),
]


def shown(width: int, listed: list[DeviceStatus] = FLEET, *, wide: bool = False) -> list[str]:
    out = io.StringIO()
    print_devices(Console(file=out, width=width, highlight=False), listed, NOW, wide=wide)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_id_is_in_one_piece_and_no_line_is_broken(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    for one in FLEET:
        assert sum(one.device.id in line for line in lines) == 1
    assert [heading in lines[0] for heading in ("host", "state", "blind", "last receipt", "alarms")] == [True] * 5


@pytest.mark.parametrize("width", [80, 120, 200, 400])
def test_broken_pcs_come_first_with_what_to_do_and_every_alarm(width: int) -> None:
    told = "\n".join(shown(width))
    places = [told.index(words) for words in ("desk-03", "desk-04", "desk-01", "desk-02", "desk-05")]
    assert places == sorted(places)
    for words in (
        "ALARM two-bodies",
        "two-bodies, rule-closes-most-of-the-day",
        "look into it, then settle it: eyelid-store alarms",
        "is it on, is the network there?",
        "86 %",
        "3.1 MB",
        "5 PCs: 2 broken, 2 fine, 1 off or shut out.",
    ):
        assert words in told


def test_at_80_columns_the_list_reads_so() -> None:
    assert shown(80)[:12] == [
        "host                            state                blind  last receipt  alarms",
        "desk-03.reception.leeds.exampl  ALARM two-bodies      86 %    3 days ago       2",
        "e.com                           (and 2 more)",
        "    → look into it, then settle it: eyelid-store alarms",
        "    also: reported rule-closes-most-of-the-day, mostly blind",
        "    alarms: two-bodies, rule-closes-most-of-the-day",
        "    00000003-1b2c-7d3e-8f40-51627384a5b6  0.1.0  leeds  3.1 MB waiting there",
        "desk-04                         SILENT                   -             -       -",
        "    → is it on, is the network there?",
        "    00000004-1b2c-7d3e-8f40-51627384a5b6  0.1.0  leeds",
        "desk-01                         recording                -     2 min ago       -",
        "    00000001-1b2c-7d3e-8f40-51627384a5b6  0.1.0  leeds",
    ]


def test_where_there_is_room_and_where_it_is_asked_for_a_pc_is_one_line() -> None:
    whole = [line.split()[0] for line in shown(400) if line]
    assert whole == ["host", FLEET[2].device.host, "desk-04", "desk-01", "desk-02", "desk-05", "5"]
    assert [line.rstrip() for line in shown(80, wide=True)] == [line.rstrip() for line in shown(400)]


def test_those_that_are_gone_are_counted_and_listed_when_asked_for() -> None:
    left = pc(6, "desk-06", Level.AWAY, "left", gone=True)
    told = shown(80, [*FLEET, left])
    assert told[0] == "1 left or was enrolled anew: --all lists them."
    assert not any("desk-06" in line for line in told)
    out = io.StringIO()
    print_devices(Console(file=out, width=80), [*FLEET, left], NOW, gone=True)
    assert "desk-06" in out.getvalue()
    assert shown(80, [left]) == [told[0], ""]


def test_a_pc_of_several_users_counts_once() -> None:
    users = [replace(FLEET[0], device=replace(FLEET[0].device, user=name)) for name in ("alice", "bob")]
    for width in (80, 400):
        told = shown(width, users)
        assert told[-1].startswith("2 users of 1 PC: 2 fine.")
        assert [sum(name in line for line in told) for name in ("alice", "bob")] == [1, 1]


def test_what_a_pc_calls_itself_cannot_move_the_cursor() -> None:
    odd = pc(9, "\x1b[2J[red]x", Level.LOOK, "reported \x07", reported=("\x1b]0;",), next_step="look")
    for width in (80, 400):
        told = "".join(shown(width, [odd]))
        assert "\x1b" not in told
        assert "\x07" not in told
        assert "[red]x" in told
