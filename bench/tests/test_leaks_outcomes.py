"""What the random plays of the leak bench come to: a judge that counts what was not tried finds everything sound."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from bench import leaks_outcomes, leaks_random
from bench.leaks import main
from bench.leaks_account import MS, Interval, Run
from bench.leaks_acts import acted
from bench.leaks_cases import DIMENSIONS, Case, drawn
from bench.leaks_outcomes import PlayOutcome, faults, kept, next_index, outcome_of, pairs_possible, total
from bench.leaks_random import LOT, Runner, Say
from bench.leaks_scene import Transition
from bench.leaks_table import of_plays

PLAIN = Case("chromium")
HEAVY = Case("chromium", document="frame", after="svg")


def outcome(case: Case = PLAIN, index: int = 0, **more: object) -> PlayOutcome:
    said = {"leaked": 0, "control": 2, "opened": True, "over_pauses": (300.0,), **more}
    return PlayOutcome(seed=1, index=index, case=case, **said)  # type: ignore[arg-type]


def test_the_one_object_of_the_bench() -> None:
    played = [
        outcome(index=0),
        outcome(HEAVY, index=1, leaked=2, over_pauses=(100.0,)),
        outcome(index=2, control=0),
        outcome(replace(PLAIN, load=5), index=3, over_pauses=(9000.0,)),
        outcome(replace(PLAIN, meanwhile="hang_renderer", hung=4), index=4, over_pauses=(5000.0,)),
    ]

    found = total(played)

    assert {name: found[name] for name in found if name != "cells"} == {
        "plays": 5,
        "leaked_frames": 2,
        "leaked_plays": 1,
        "control_leaked": 8,
        "untried": 1,
        "over_pause_ms": {"p50": 200.0, "p95": 300.0},
    }
    assert found["cells"]["after"]["svg"] == {"plays": 1, "leaked_plays": 1, "untried": 0}
    assert found["cells"]["document"]["top"] == {"plays": 4, "leaked_plays": 0, "untried": 1}
    assert {name: set(row) for name, row in found["cells"].items()} == {
        name: set(map(str, among)) for name, among in DIMENSIONS.items()
    }


@pytest.mark.parametrize(
    ("more", "tried"),
    [
        ({}, True),
        ({"control": 0}, False),
        ({"opened": False}, False),
        ({"control": 0, "opened": False, "leaked": 1}, True),
    ],
)
def test_what_counts_as_tried(more: dict[str, object], tried: bool) -> None:
    assert outcome(**more).tried is tried  # type: ignore[arg-type]


def test_a_play_that_leaked_is_told_as_a_line_that_plays_it_again() -> None:
    (fault,) = faults([outcome(), outcome(HEAVY, index=7, leaked=1)])

    said = """scripts/bench leaks --play '{"browser": "chromium", "document": "frame", "after": "svg"}'"""
    assert fault == f"seed 1, play 7 leaked 1 frame: {said}"
    assert faults([replace(outcome(leaked=3), seed=None)])[0].startswith("play 0 leaked 3 frames")


def test_one_in_twenty_may_be_untried_and_no_more() -> None:
    sound = [outcome(index=index) for index in range(19)]
    untried = outcome(index=19, control=0)

    assert faults([*sound, untried]) == []
    found = faults([*sound[:18], untried])
    assert "seed 1, play 19 was not tried: the control shows nothing of it" in found[0]
    assert found[-1] == "1 of 19 plays were not tried, at most 5% may be"
    assert "the eye was closed before it came" in faults([outcome(opened=False)])[0]
    assert "nothing was seen" in faults([outcome(control=0, faults=("a: nothing was seen",))])[0]


def test_nothing_played_proves_nothing() -> None:
    assert faults([]) == ["no play at all: nothing was tried"]


def test_an_outcome_is_of_the_intervals_of_its_play() -> None:
    run = Run(
        setting="plain",
        intervals=[
            Interval("chromium/case_1", 0, 10 * MS, before=100, after=200, control=1),
            Interval("chromium/case_1", 20 * MS, 30 * MS, before=None, after=5, leaked=2, control=1),
            Interval("chromium/case_11", 40 * MS, 50 * MS, before=1, after=1, leaked=9, control=9),
        ],
        faults=["chromium/case_1: it did not go", "chromium/case_11: another one"],
    )

    found = outcome_of(run, "chromium/case_1", PLAIN, seed=3, index=1, load=0.5)

    assert (found.leaked, found.control, found.opened, found.over_pauses) == (2, 2, True, (300,))
    assert found.faults == ("chromium/case_1: it did not go",)
    assert not outcome_of(run, "chromium/case_2", PLAIN, seed=3, index=2, load=0.5).tried


def test_runs_add_up_and_go_on_where_they_ended(tmp_path: Path) -> None:
    file = tmp_path / "plays.jsonl"
    performed: list[int] = []

    def perform(transitions: Sequence[Transition], _: Say) -> Run:
        performed.append(len(transitions))
        keys = [f"{one.browsers[0]}/{one.name}" for one in transitions]
        return Run("plain", [Interval(key, 0, 1, before=1, after=1, control=1) for key in keys], faults=["unsound"])

    for plays in (LOT + 2, 3):
        runner = Runner(perform, lambda _: None, file)
        runner.random(5, next_index(kept(file), 5, None), plays, None)
        assert set(runner.faults) == {"unsound"}

    written = kept(file)
    assert performed == [LOT, 2, 3]
    assert [one.index for one in written] == [*range(LOT + 5)]
    assert [one.case for one in written] == [drawn(5, index) for index in range(LOT + 5)]
    assert next_index(written, 6, None) == 0
    assert f"{LOT + 5} plays, 0 of them untried: 0 frames leaked in 0 plays" in of_plays(written).markdown()


def test_what_was_not_tried_is_played_once_more() -> None:
    lots: list[list[str]] = []

    def perform(transitions: Sequence[Transition], _: Say) -> Run:
        """The control shows case 2 the second time, and case 3 never."""
        lots.append([one.name for one in transitions])
        seen = {"case_0", "case_1"} if len(lots) == 1 else {"case_2"}
        return Run(
            "plain",
            [
                Interval(f"{one.browsers[0]}/{one.name}", 0, 1, before=1, after=1, control=int(one.name in seen))
                for one in transitions
            ],
        )

    runner = Runner(perform, lambda _: None)
    runner.random(1, 0, 4, None)

    assert lots == [["case_0", "case_1", "case_2", "case_3"], ["case_2", "case_3"]]
    assert [one.index for one in runner.outcomes] == [0, 1, 2, 3]
    assert [one.tried for one in runner.outcomes] == [True, True, True, False]


def test_frames_of_a_run_in_which_nothing_was_seen_are_no_less_leaked() -> None:
    runs = iter([Run("plain", [], unplaced=3), Run("plain", [])])
    runner = Runner(lambda *_: next(runs), lambda _: None)
    runner.random(1, 0, 4, "firefox")
    assert sum(one.leaked for one in runner.outcomes) == 3
    assert {one.case.browser for one in runner.outcomes} == {"firefox"}


def test_a_leak_that_has_no_second_try_is_not_forgotten() -> None:
    def perform(transitions: Sequence[Transition], _: Say) -> Run:
        found = [Interval(f"{one.browsers[0]}/{one.name}", 0, 1, leaked=1) for one in transitions]
        return Run("plain", found)

    runner = Runner(perform, lambda _: None)
    runner.given([PLAIN])
    assert [one.leaked for one in runner.outcomes] == [1]


def test_a_case_is_shrunk_by_playing_what_is_simpler_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    def perform(transitions: Sequence[Transition], _: Say) -> Run:
        """Every third play of what draws an SVG leaks."""
        found = [
            Interval(f"{one.browsers[0]}/{one.name}", 0, 1, before=1, control=1, leaked=_leaks(one))
            for one in transitions
        ]
        return Run("plain", found)

    def _leaks(one: Transition) -> int:
        return int(cases[one.name].after == "svg" and one.name.endswith(("2", "5", "8")))

    def noted(name: str, case: Case) -> Transition:
        cases[name] = case
        return acted(name, case)

    cases: dict[str, Case] = {}
    monkeypatch.setattr(leaks_random, "acted", noted)

    begun = Case("chromium", document="frame", comes="navigate", after="svg", load=3)
    runner = Runner(perform, lambda _: None)

    assert list(runner.shrunk(begun))[-1] == Case("chromium", after="svg")
    assert runner.outcomes == []  # those plays are no random ones


def test_the_table_has_every_value_with_its_plays_and_says_how_many_pairs_were_tried() -> None:
    lines = of_plays([outcome(), outcome(HEAVY, leaked=1)]).markdown().splitlines()

    assert "| after | svg | 1 | 1 | 0 |" in lines
    assert "| document | frame in frame | 0 | 0 | 0 |" in lines
    assert f"Of {len(pairs_possible())} pairs of values that go together" in lines[0]


def test_pairs_that_cannot_go_together_are_not_waited_for() -> None:
    pairs = pairs_possible()
    assert ("document", "frame", "after", "svg") in pairs
    assert ("browser", "firefox", "goes", "crossing") not in pairs


@pytest.fixture
def written(tmp_path: Path) -> Path:
    file = tmp_path / "plays.jsonl"
    file.write_text("".join(json.dumps(asdict(one)) + "\n" for one in (outcome(), outcome(HEAVY, index=1, leaked=1))))
    return file


def test_a_file_of_plays_is_judged_by_the_same_option_as_one_of_runs(
    written: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["leaks", "--table", str(written)])
    assert main() == 1
    assert "| after | svg | 1 | 1 | 0 |" in capsys.readouterr().out


@pytest.mark.parametrize("more", [["--busy"], ["--only", "navigation"], ["--cost", "1"]])
def test_what_is_for_transitions_is_refused_beside_random_plays(
    more: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["leaks", "--random", "1", *more])
    assert main() == 2
    assert "for transitions" in capsys.readouterr().err


def test_a_file_of_runs_is_no_file_of_plays(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text(json.dumps(asdict(Run("plain", []))) + "\n", "ascii")
    assert not leaks_random.are_in(file)
    with pytest.raises(ValueError, match="no"):
        kept(file)


def test_cases_are_given_as_json_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cases"
    file.write_text('{"browser": "firefox"}\n\n{"browser": "chromium", "load": 2}\n')

    assert leaks_random.cases_in(str(file)) == [Case("firefox"), Case("chromium", load=2)]
    assert leaks_random.cases_in('{"browser": "firefox"}') == [Case("firefox")]
    for wrong in ('{"browser": "lynx"}', "{", str(tmp_path / "none")):
        with pytest.raises(argparse.ArgumentTypeError):
            leaks_random.cases_in(wrong)


def test_what_was_found_is_said_before_it_is_shrunk(capsys: pytest.CaptureFixture[str]) -> None:
    """Shrinking takes many minutes: who breaks it off has the figures."""
    told: list[str] = []

    def perform(transitions: Sequence[Transition], _: Say) -> Run:
        """Only the drawn case itself leaks."""
        told.append(capsys.readouterr().out)
        key = f"{transitions[0].browsers[0]}/{transitions[0].name}"
        return Run("plain", [Interval(key, 0, 1, before=1, after=1, control=1, leaked=int(len(told) < 3))])

    arguments = argparse.Namespace(
        random=1, plays=1, play=None, add=None, json=True, quick=False, shrink=1, browser=None, rounds=1
    )

    said_to = io.StringIO()

    assert leaks_random.play(arguments, perform, Console(file=said_to)) == 1
    assert json.loads(told[1])["leaked_plays"] == 1
    said = said_to.getvalue()
    assert said.index("seed 1, play 0 leaked 1 frame") < said.index("this leaked, too: scripts/bench leaks --play '{")
    assert "none that is simpler than seed 1, play 0 was seen to leak" in said
    assert leaks_outcomes.UNTRIED == 0.05
