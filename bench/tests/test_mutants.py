"""What a mutant is, which tests it is tried with, what the list of equivalents may hold, and that a fork has it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.mutants import QUICK_WHOLE, MutantsTried, chosen, entries, listed, stages, subjects
from bench.mutants_changes import Mutant, Place, mutants, mutants_of, source

ROOT = Path(__file__).resolve().parents[2]
URL = "agent.core.matching.url"


def changes(text: str, enums: dict[str, list[str]] | None = None) -> list[tuple[str, str]]:
    return [(mutant.place.was, mutant.place.now) for mutant in mutants_of("m", text, enums or {})]


def now(text: str, enums: dict[str, list[str]] | None = None) -> set[str]:
    return {after for _, after in changes(text, enums)}


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("a < b", {"a <= b", "a > b"}),
        ("a <= b", {"a < b", "a >= b"}),
        ("a > b", {"a >= b", "a < b"}),
        ("a >= b", {"a > b", "a <= b"}),
        ("a == b", {"a != b"}),
        ("a != b", {"a == b"}),
        ("a is b", {"a is not b"}),
        ("a not in b", {"a in b"}),
        ("a < b < c", {"a <= b < c", "a > b < c", "a < b <= c", "a < b > c"}),
        ("a and b", {"a or b"}),
        ("a or b", {"a and b"}),
        ("not a", {"not (not a)", "not not a"}),
        ("a + b - c", {"a - b - c", "a + b + c"}),
        ("a |= b", {"a &= b"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = 0.5", {"x = 1.5", "x = -0.5"}),
        ("x = True", {"x = False"}),
        ("x = 'ab'", {"x = 'ab!'", "x = ''"}),
        ("x = ''", {"x = '!'"}),
        ("f'a{b}'", {"f'a!{b}'", "f'{b}'"}),
        ("max(a, b)", {"min(a, b)"}),
        ("any(a)", {"all(a)"}),
        ("a if b else c", {"a if not b else c"}),
        ("[a for a in b if c]", {"[a for a in b if not c]"}),
        ("x = None", set()),
    ],
)
def test_everything_that_decides_is_changed(text: str, others: set[str]) -> None:
    assert now(text) <= others
    assert {after.replace("not (not a)", "not not a") for after in now(text)} == {
        after.replace("not (not a)", "not not a") for after in others
    }


def test_conditions_of_statements_and_the_values_of_a_match_are_changed() -> None:
    assert now("if a:\n    pass") == {"if not a:"}
    assert now("while (a := b()):\n    pass") == {"while not (a := b()):"}
    assert now("match a:\n    case 1:\n        pass\n    case True:\n        pass") == {
        "case 2:",
        "case 0:",
        "case False:",
    }


def test_an_enums_member_becomes_the_next() -> None:
    three = {"Fit": ["NO", "DOUBT", "YES"]}
    assert now("x = Fit.NO", three) == {"x = Fit.DOUBT"}
    assert now("x = Fit.YES", three) == {"x = Fit.NO"}
    assert now("match a:\n    case Fit.DOUBT:\n        pass", three) == {"case Fit.YES:"}
    assert now("x = Fit.of", three) == set()


def test_the_members_of_an_imported_enum_are_known() -> None:
    assert ("if matcher.attribute is Attribute.URL:", "if matcher.attribute is Attribute.FIELD:") in {
        (mutant.place.was, mutant.place.now) for mutant in mutants("agent.core.matching.match")
    }


@pytest.mark.parametrize(
    "text",
    [
        '"""The module."""',
        'def f() -> Literal[1]:\n    """Doc."""\n    return a',
        "def f(a: Literal['x']) -> None:\n    pass",
        "x: Literal[1]",
        "@dataclass(frozen=True)\nclass A:\n    pass",
        "T = TypeVar('T', bound=int)",
        "raise ValueError('a message')",
        "raise ValueError(f'a {message}')",
    ],
)
def test_what_decides_nothing_is_left_alone(text: str) -> None:
    assert changes(text) == []


def test_an_error_that_is_raised_under_a_condition_is_changed_in_the_condition() -> None:
    assert now("if a < 0:\n    raise ValueError('below')") == {"if a <= 0:", "if a > 0:", "if a < 1:", "if a < -1:"}


def test_a_mutant_is_found_again_after_the_lines_above_it_have_moved() -> None:
    text = "class A:\n    def f(self):\n        return a < b\n    def g(self):\n        return a < b"
    before = [mutant.place for mutant in mutants_of("m", text, {})]
    assert before[0] == Place("m", "A.f", "return a < b", "return a <= b")
    assert {place.inside for place in before} == {"A.f", "A.g"}
    moved = mutants_of("m", "import a\n\n\n" + text.replace("class A:", "class A:\n    # a comment"), {})
    assert [mutant.place for mutant in moved] == before


def test_every_mutant_has_a_line() -> None:
    text = "a = 1\n\nb = [c for c in d\n     if e]\n"
    assert [mutant.line for mutant in mutants_of("m", text, {})] == [1, 1, 3]


def test_two_alike_in_one_function_are_counted() -> None:
    places = [mutant.place for mutant in mutants_of("m", "def f():\n    x(True)\n    x(True)", {})]
    assert [place.nth for place in places] == [1, 2]


def test_every_module_of_the_proof_and_the_matching_is_tried_and_each_place_is_one() -> None:
    modules = subjects()
    for package in ("proof", "matching"):
        for file in (ROOT / "agent" / "core" / package).glob("*.py"):
            module = f"agent.core.{package}.{file.stem}"
            assert source(module) == file
            assert (module in modules) is (file.stem != "__init__")
    places = [mutant.place for module in modules for mutant in mutants(module)]
    assert len(places) == len(set(places))
    assert set(QUICK_WHOLE) <= set(modules)


def test_a_modules_own_tests_come_first_then_all_others_of_its_package_and_the_slow_ones_last() -> None:
    every = sorted(f"tests/core/matching/{file.name}" for file in (ROOT / "tests/core/matching").glob("test_*.py"))
    (_, first, *own), (_, second, *others), (_, third, *slow) = stages("agent.core.matching.decide")
    assert (first, second, third) == ("not slow", "not slow", "slow")
    assert "tests/core/matching/test_decide.py" in own
    assert "tests/core/matching/test_decide_browsers.py" in own
    assert "tests/core/matching/test_url.py" in others
    assert sorted([*own, *others]) == slow == every
    for module in subjects():
        assert all(len(stage) > 2 for stage in stages(module))  # no file at all would be the whole project for pytest


def some(count: int) -> list[Mutant]:
    return [Mutant(Place("m", "f", f"x = {number}", "x = 0"), number, number) for number in range(count)]


def test_a_survivor_has_to_be_listed() -> None:
    every = some(100)
    outcome = MutantsTried(every, {}, {every[0]: True, every[1]: False})
    assert outcome.survived == [every[0]]
    assert not outcome.well
    assert MutantsTried(every, {every[0].place: "why"}, outcome.tried).well


def test_the_list_holds_nothing_that_is_caught_or_gone() -> None:
    every = some(100)
    reviewed = {every[0].place: "why"}
    assert MutantsTried(every, reviewed, {}).well  # it was not tried in this run
    caught = MutantsTried(every, reviewed, {every[0]: False})
    assert caught.stale == [every[0].place]
    assert not caught.well
    gone = MutantsTried(every[1:], reviewed, {})
    assert gone.stale == [every[0].place]
    assert not gone.well


def test_the_list_is_short() -> None:
    every = some(100)
    two = {mutant.place: "why" for mutant in every[:2]}
    assert MutantsTried(every, two, {}).well
    assert not MutantsTried(every, two | {every[2].place: "why"}, {}).well


def test_the_figures_say_how_each_mutant_ended() -> None:
    every = some(100)
    outcome = MutantsTried(every, {every[0].place: "why"}, {every[0]: True, every[1]: True, every[2]: False})
    expected = {"mutants": 100, "tried": 3, "caught": 1, "equivalent": 1, "survived": 1}
    assert outcome.figures() == {"m": expected, "all": expected}


def test_what_a_run_prints_of_survivors_can_be_put_into_the_list(tmp_path: Path) -> None:
    places = [Place("m", "f", "a: 'b' < 1", "a: 'b' <= 1"), Place("m", "", "x = 1", "x = 2", 2)]
    file = tmp_path / "list.yaml"
    file.write_text(entries(places), encoding="utf-8")
    with pytest.raises(SystemExit, match="without a reason"):
        listed(file)
    file.write_text(entries(places).replace("why: ''", "why: no one can tell"), encoding="utf-8")
    assert listed(file) == dict.fromkeys(places, "no one can tell")


def test_quick_runs_try_the_same_few_of_each_module_and_nothing_that_is_listed() -> None:
    every = [mutant for module in subjects() for mutant in mutants(module)]
    first = every[0].place
    few = chosen(every, {first: "why"}, quick=True)
    assert few == chosen(every, {first: "why"}, quick=True)
    assert {mutant.place.module for mutant in few} == set(subjects())
    assert {mutant for mutant in every if mutant.place.module in QUICK_WHOLE} <= set(few)
    assert first not in {mutant.place for mutant in few}
    assert chosen(every, {}, quick=False) == every


def test_the_help_says_what_a_quick_run_leaves_out() -> None:
    command = [sys.executable, "-P", "-m", "bench.mutants", "--help"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "all mutants of clearance and gate" in " ".join(ran.stdout.split())


FORKS = """
import ast, sys
from bench.mutants_changes import mutants
from bench.mutants_run import Trial, tried

def trial(number, longest=60):
    return Trial("agent.core.matching.ternary", number, [["tests/core/matching/test_ternary.py"]], longest)
"""
UNCHANGED_AND_CHANGED = """
answer = next(one for one in mutants("agent.core.matching.ternary") if one.place.inside == "ternary")
print(sorted((one.number is None, passed) for one, passed, _ in tried([trial(None), trial(answer.number)], 2)))
"""
ENDLESS = """
from bench import mutants_run
from testkit.interrupts import in_order

mutants_run.mutated = lambda module, number: ast.parse("while True: pass")

def main():
    for _, passed, _ in tried([trial(None, 1), trial(None, 600)], 2):
        print(passed, flush=True)
    return 0

sys.exit(in_order(main))
"""


def test_a_fork_has_the_mutant() -> None:
    command = [sys.executable, "-P", "-c", FORKS + UNCHANGED_AND_CHANGED]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("[(False, False), (True, True)]\n", "")


def test_an_endless_loop_ends_and_an_interrupt_leaves_none_behind() -> None:
    command = [sys.executable, "-P", "-c", FORKS + ENDLESS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"False\n"
            (endless,) = psutil.Process(process.pid).children()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60) == (b"", b"")
            assert process.returncode == 130
            assert not endless.is_running()
        finally:
            process.kill()
