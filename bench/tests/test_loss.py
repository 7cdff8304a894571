"""The account of the bench of losses: a judge that overlooks a loss would find every spool innocent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from agent.core.model.media import Lane
from agent.core.proof.gate import PATIENCE as GATE
from bench import loss, loss_disks, tables
from bench.loss_account import (
    COLUMNS,
    PATIENCE,
    SECOND,
    Journal,
    Judge,
    Kept,
    LossCounts,
    Round,
    added_up,
    lines,
    read_journal,
    total,
    wrong,
)
from bench.loss_kills import where
from bench.loss_world import Case, World, stream_of
from protocol.envelope import SCENE_STREAM, SCREEN
from testkit.disks import CannotMount
from testkit.stage import Stage

RECORDING = "01a20f78-e055-718a-93dd-87db199f6e7e"
FIRST, SECOND_ONE = f"{RECORDING}/00000-0000000001", f"{RECORDING}/00000-0000000002"
SOUND: dict[str, Any] = {"unsound": []}
WHOLE: dict[str, Any] = {"devices": [{"recordings": [], "unexplained": []}]}


def row(sequence: int, start: float, end: float, sha256: str = "aa") -> tuple[Any, ...]:
    return RECORDING, 0, sequence, sha256, 1, int(start * SECOND), int(end * SECOND)


def kept(*rows: tuple[Any, ...]) -> Kept:
    return Kept.of(rows, {RECORDING: 100 * SECOND})


BOTH = kept(row(1, 0, 1), row(2, 1, 2))
TOLD = Journal(put={FIRST: "aa", SECOND_ONE: "aa"}, receipts={FIRST, SECOND_ONE})


def judged(
    tmp_path: Path,
    told: Journal = TOLD,
    there: Kept = BOTH,
    swept: dict[str, Any] = SOUND,
    gaps: dict[str, Any] = WHOLE,
) -> Round:
    return Judge().judge(told, there, swept, gaps, tmp_path)


# -- what was promised --------------------------------------------------------------------------------------------


def test_what_the_recorder_tells_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "told"
    file.write_text(f"putting {FIRST} aa\nput {FIRST} aa\nputting {SECOND_ONE} bb\nreceipt {FIRST}\n")

    told = read_journal(file)

    assert (told.put, told.receipts, told.waiting()) == ({FIRST: "aa"}, {FIRST}, set())
    assert told.putting.keys() - told.put.keys() == {SECOND_ONE}


def test_what_was_promised_while_the_power_went_is_no_promise(tmp_path: Path) -> None:
    file = tmp_path / "told"
    file.write_text(f"putting {FIRST} aa\nput {FIRST} aa\nvoid {FIRST}\n")

    told = read_journal(file)

    assert told.put == {}
    assert told.half_way() == {FIRST}


def test_only_the_kill_that_cut_off_a_write_counts_for_it() -> None:
    cut = Journal(putting={FIRST: "aa", SECOND_ONE: "aa"}, put={SECOND_ONE: "aa"}, receipts={SECOND_ONE})

    assert where(cut, set()) == {"in a write": 1}
    assert where(cut, {FIRST}) == {"in between": 1}
    assert where(replace(cut, receipts=set()), {FIRST}) == {"in a request": 1}


def test_nothing_is_told_before_the_first_life(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "told").put == {}


def test_one_name_promised_with_two_contents_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "told"
    file.write_text(f"put {FIRST} aa\nput {FIRST} aa\nput {FIRST} bb\n")

    assert read_journal(file).contradictions == [FIRST]


# -- the verdict --------------------------------------------------------------------------------------------------


def test_all_that_was_promised_is_there(tmp_path: Path) -> None:
    assert judged(tmp_path) == Round(rounds=0, acknowledged=2, receipted=2)


@pytest.mark.parametrize("there", [kept(row(1, 0, 1)), kept(row(1, 0, 1), row(2, 1, 2, "bb"))])
def test_a_promised_chunk_that_is_not_there_or_is_another_is_lost(tmp_path: Path, there: Kept) -> None:
    assert judged(tmp_path, there=there).lost == 1


def test_a_chunk_whose_bytes_are_gone_is_lost_although_the_catalog_has_it(tmp_path: Path) -> None:
    finding = {"where": "stream 0, sequence 2", "message": "the bytes are gone", "code": "lost"}
    swept = {"unsound": [{"kind": "recording", "id": RECORDING, "findings": [finding]}]}

    found = judged(tmp_path, swept=swept)

    assert (found.lost, found.unreadable) == (1, 0)


def test_a_hole_that_the_store_calls_lost_is_lost(tmp_path: Path) -> None:
    hole = {"stream": 0, "first": 3, "last": 3, "why": "lost"}
    short = {"recording": RECORDING, "why": "", "missing": [hole]}

    assert judged(tmp_path, gaps={"devices": [{"recordings": [short], "unexplained": []}]}).lost == 1


def test_a_hole_that_the_ledger_names_is_none(tmp_path: Path) -> None:
    hole = {"stream": 0, "first": 3, "last": 3, "why": "given-up"}
    short = {"recording": RECORDING, "why": "", "missing": [hole]}

    assert judged(tmp_path, gaps={"devices": [{"recordings": [short], "unexplained": []}]}).lost == 0


def test_two_bodies_and_time_kept_twice_are_doubled(tmp_path: Path) -> None:
    assert judged(tmp_path, there=kept(row(1, 0, 1), row(2, 1, 2), row(2, 1, 2, "bb"))).doubled == 2
    assert judged(tmp_path, there=kept(row(1, 0, 1), row(2, 0.5, 2))).doubled == 1


def test_whatever_else_verify_finds_is_unreadable(tmp_path: Path) -> None:
    finding = {"where": "stream 0, sequence 2", "message": "it does not open", "code": "wrong-tag"}
    swept = {"unsound": [{"kind": "recording", "id": RECORDING, "findings": [finding, {**finding, "where": "x"}]}]}

    assert judged(tmp_path, swept=swept).unreadable == 2


def test_unexplained_time_counts(tmp_path: Path) -> None:
    gaps = {"devices": [{"recordings": [], "unexplained": [{"ns": SECOND // 2}, {"ns": SECOND}]}]}

    assert judged(tmp_path, gaps=gaps).unexplained_s == 1.5


def test_what_is_left_in_the_spool_or_was_set_aside_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / RECORDING).mkdir()
    (tmp_path / RECORDING / "00000-0000000001").touch()

    waiting = judged(tmp_path, there=kept(row(2, 1, 2)))

    assert waiting.lost == 0
    assert "is left in the spool" in waiting.faults[0]
    assert "set aside" in " ".join(judged(tmp_path, told=replace(TOLD, aside={FIRST})).faults)


def test_a_verdict_speaks_of_what_is_new(tmp_path: Path) -> None:
    judge = Judge()
    gaps = {"devices": [{"recordings": [], "unexplained": [{"ns": SECOND}]}]}
    first = judge.judge(TOLD, kept(row(1, 0, 1)), SOUND, gaps, tmp_path)
    more = replace(TOLD, put={**TOLD.put, f"{RECORDING}/00000-0000000003": "aa"})

    again = judge.judge(more, kept(row(1, 0, 1), row(3, 2, 3)), SOUND, gaps, tmp_path)

    assert (first.acknowledged, first.lost, first.unexplained_s) == (2, 1, 1.0)
    assert again == Round(rounds=0, acknowledged=1)


@pytest.mark.parametrize(("moment", "last"), [(101.5, 101.5), (102.5, 102.0), (100.5, 100.5), (99.0, None)])
def test_the_last_moment_kept_before_a_kill(moment: float, last: float | None) -> None:
    assert BOTH.last_before(int(moment * SECOND), SCREEN) == (None if last is None else int(last * SECOND))


def test_scenes_are_kept_like_any_chunk_and_no_media() -> None:
    scenes = (RECORDING, SCENE_STREAM, 0, "aa", 1, 0, 3 * SECOND)

    found = kept(scenes, row(1, 0, 1))

    assert found.bodies.keys() == {f"{RECORDING}/32769-0000000000", FIRST}
    assert found.media.keys() == {0}


@pytest.mark.parametrize(
    ("name", "stream"),
    [("65535-0000000000", None), ("00000-0000000000", None), ("00000-0000000001", 0), ("32769-0000000000", 32769)],
)
def test_the_stream_of_a_chunk_that_is_more_than_a_header(name: str, stream: int | None) -> None:
    assert stream_of(f"{RECORDING}/{name}") == stream


# -- rounds and runs ----------------------------------------------------------------------------------------------


def test_the_patience_is_the_gates() -> None:
    assert GATE[Lane.SCREEN] == PATIENCE * SECOND


def counts(*rounds: Round, **fields: Any) -> LossCounts:
    made = LossCounts(case="kill-agent", title="kill -9 of the recorder", chunk=1.0, finished=True)
    for one in rounds or (Round(acknowledged=3, receipted=2, open_ends=[1.5]),):
        made.add(one)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_a_case_that_lost_nothing_passes() -> None:
    assert wrong(counts()) == []


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        ({"lost": 1}, "lost"),
        ({"doubled": 1}, "doubled"),
        ({"unreadable": 1}, "unreadable"),
        ({"unexplained_s": 0.001}, "unexplained"),
        ({"open_ends": [1.0, 3.01]}, "3.01 s, more than 3.0 s"),
        ({"faults": ["no kill"]}, "no kill"),
        ({"finished": False}, "did not come to its end"),
        ({"rounds": 0}, "nothing was tried"),
        ({"acknowledged": 0}, "nothing could have been lost"),
    ],
)
def test_a_case_fails_for_each_of_these(spoil: dict[str, Any], word: str) -> None:
    assert word in " ".join(wrong(counts(**spoil)))


def test_a_case_that_cannot_be_played_here_is_named_and_no_failure() -> None:
    skipped = counts(skipped="it needs root", finished=False)

    assert wrong(skipped) == []
    assert total([skipped])["skipped"] == {"kill-agent": "it needs root"}
    assert "it needs root" in lines([skipped])[0][2]


def test_runs_add_up_and_keep_the_lengths_of_chunks_apart() -> None:
    runs = [counts(), counts(chunk=4.0), counts(notes={"in a write": 1}), counts(skipped="no")]

    sums = added_up([LossCounts(**json.loads(json.dumps(asdict(run)))) for run in runs])

    assert [(one.chunk, one.rounds, one.acknowledged) for one in sums] == [(1.0, 2, 6), (4.0, 1, 3)]
    assert set(total(sums)) == {
        *("rounds", "acknowledged", "receipted", "lost", "doubled", "unreadable"),
        *("unexplained_s", "open_end_s_max", "cases", "skipped"),
    }
    assert list(total(sums)["cases"]) == ["kill-agent", "kill-agent (4 s)"]


def test_the_table_for_the_docs_has_a_line_for_each_case() -> None:
    table = tables.markdown(COLUMNS, lines([counts()]))
    assert "| kill -9 of the recorder | 1 s | 1 | 3 | 2 | 0 | 0 | 0 | 0 s | 1.5 / 1.5 s |" in table


def test_every_figure_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    Console().print(loss.table([counts(), counts(skipped="not root")]))
    said = " ".join(capsys.readouterr().out.split())
    assert all(
        word in said for word in ("kill -9 of the recorder", "acknowledged 3", "unexplained", "skipped: not root")
    )


def test_every_case_has_a_name_of_its_own_and_no_more_rounds_quickly_than_in_full() -> None:
    assert len({case.name for case in loss.CASES}) == len(loss.CASES)
    assert all(0 <= case.quick_rounds <= case.rounds for case in loss.CASES)
    assert {"kill-agent", "kill-store", "kill-both"} <= {case.name for case in loss.CASES if case.quick_rounds}


@pytest.mark.parametrize("rounds", [0, 1])
def test_a_machine_that_does_not_let_root_mount_is_a_skip_and_a_disk_that_goes_is_none(
    tmp_path: Path, rounds: int
) -> None:
    def run(_world: Any, _rounds: int) -> Iterator[Round]:
        yield from [Round(rounds=1)] * rounds
        raise CannotMount("this user may not mount a disk here")

    with closing(loss.Theatre(cast("Stage", None), tmp_path, 1.0)) as theatre:
        case = Case("power-spool", "power", 1, 0, run, lambda _: nullcontext(cast("World", None)))
        told = loss.play(case, 1, theatre, 1.0, lambda _: None)

    said = "this user may not mount a disk here"
    assert (told.skipped, told.faults) == (("", [said]) if rounds else (said, []))


def test_elsewhere_the_cases_say_why_they_are_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert {case.needs() for case in loss_disks.CASES} == {"it needs root, to mount a disk that it may break"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "no-such-tool is not on this machine" in loss_disks.needs("no-such-tool")()
