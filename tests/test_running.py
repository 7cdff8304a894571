"""How the tests are run: what may be repeated and what not, how they are dealt out, and what a run says at its end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.account import Ran, failed, repeated, skipped, slowest, unmarked
from tests.account import left as said_to_be_left
from tests.moods import MOODS, mood, promised
from tests.quick import (
    EACH,
    EVERY,
    LEAST,
    MANY,
    RUNS,
    STARTED,
    STARTING,
    WHOLE,
    WHY,
    WHY_SOME,
    WHY_STARTED,
    fewer,
    left,
    left_of_starting,
    some,
)
from tests.second_look import LOGIC, MOST, SEEN, NoSecondLook, again
from tests.shares import APART, BY_PARAMETER, FIRST, HEAVY, chosen, company, share, turn

ROOT = Path(__file__).resolve().parent.parent
# What a file that starts a program of others has in it.
STARTS = ("mark.desktop", "mark.end_to_end", "sound_server", "import displays")


@cache
def all_files() -> dict[str, Path]:
    return {str(path.relative_to(ROOT)): path for path in sorted(ROOT.glob("*/**/test_*.py"))}


def files(start: str) -> list[Path]:
    """The files with tests whose names begin so."""
    return [path for name, path in all_files().items() if name.startswith(start)]


# -- what is repeated ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", MOODS)
def test_only_tests_that_start_programs_of_others_may_be_repeated(place: str) -> None:
    assert files(place)
    for path in files(place):
        assert any(word in path.read_text("utf-8") for word in STARTS), path


@pytest.mark.parametrize("folder", ["core", "protocol", "scenarios", "store", "agent", "encode", "vectors", "witness"])
def test_no_logic_has_moods(folder: str) -> None:
    assert not [place for place in MOODS if place.startswith(f"tests/{folder}")]


def test_a_promise_that_is_not_kept_in_time_is_broken() -> None:
    with pytest.raises(AssertionError, match="not as promised: it was closed"), promised():
        raise TimeoutError("it was closed")


def test_a_fake_has_no_moods() -> None:
    assert mood("tests/contract/test_sound.py::test_a[pipewire]")
    assert mood("tests/contract/test_sound.py::test_a[fake]") is None


TRIED = """
import pytest

times = []

def test_late_once():
    times.append(1)
    if len(times) == 1:
        raise TimeoutError("late")

def test_late_always():
    raise TimeoutError("late")

def test_wrong_once():
    times.append(1)
    assert len(times) > 3

@pytest.fixture
def ends_late():
    yield
    raise TimeoutError("late")

def test_wrong_and_late(ends_late):
    assert False
"""


@pytest.mark.parametrize("workers", [0, 2], ids=RUNS)
@pytest.mark.parametrize(
    ("place", "flags", "counted"),
    [
        # late once: passes; late always: three times; wrong: at once, and its teardown on its own
        ("tests/tray/test_panel.py", [], "3 failed, 1 passed, 1 error, 3 rerun"),
        ("tests/tray/test_panel.py", ["--no-repeats"], "4 failed, 1 error"),
        ("tests/core/proof/test_gate.py", [], "4 failed, 1 error"),
    ],
    ids=["a panel", "a hunt", "core"],
)
def test_a_wait_is_repeated_and_what_is_wrong_fails_at_once(
    tmp_path: Path, place: str, flags: list[str], counted: str, workers: int
) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(TRIED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  end_to_end: -\n  slow: -\n")
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider"]
    command += [f"--rootdir={tmp_path}", "-c", str(tmp_path / "pytest.ini"), f"-n{workers}", "--dist=loadscope", *flags]
    command += [f"--account={tmp_path / 'account'}", str(tmp_path / place)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 1
    assert f"{counted} in " in ran.stdout, ran.stdout + ran.stderr
    listed = [line for line in ran.stdout.splitlines() if line.startswith("repeated")]
    assert listed == (
        [
            f"repeated 2x: {place}::test_late_always ({mood(place)})",
            f"repeated 1x: {place}::test_late_once ({mood(place)})",
        ]
        if "rerun" in counted
        else []
    )
    said = [Ran(**json.loads(line)).why for line in (tmp_path / "account").read_text("utf-8").splitlines()]
    assert f"{Path(place).name}:12: TimeoutError: late" in said


# -- what CI runs again -------------------------------------------------------------------------------------------


def fell(name: str, why: str = "test_a.py:9: OSError: the port is taken", when: str = "call") -> Ran:
    return Ran(name, when, "failed", 1.0, 1.0, marked=False, why=why)


LATE, WRONG = "test_a.py:9: TimeoutError: late", "test_a.py:9: AssertionError: 1 picture of the form was kept"


@pytest.mark.parametrize("place", [*LOGIC, *SEEN])
def test_what_gets_no_second_look_is_there(place: str) -> None:
    assert files(f"tests/{place}/")


@pytest.mark.parametrize(
    "failures",
    [
        [fell("tests/review/web/test_a.py::test_a", WRONG)],
        [fell("tests/end_to_end/test_sound.py::test_a", LATE), fell("tests/tray/test_panel.py::test_b", "")],
        [fell("tests/desktop/test_a.py::test_a", LATE), fell("tests/desktop/test_a.py::test_a", LATE, "teardown")],
        [fell("tests/desktop/test_a.py::test_a", "test_a.py:9: Failed: Timeout (>300.0s) from pytest-timeout.")],
        [fell(f"tests/tray/test_panel.py::test_{number}") for number in range(MOST)],
    ],
)
def test_a_few_that_failed_are_run_again_alone(failures: list[Ran]) -> None:
    passed = Ran("tests/store/test_a.py::test_a", "call", "passed", 1.0, 1.0, marked=False)
    assert again([passed, *failures]) == sorted({one.name for one in failures})


@pytest.mark.parametrize(
    "failures",
    [
        [],  # the run was ended, or could not begin
        [fell(f"tests/tray/test_panel.py::test_{number}") for number in range(MOST + 1)],
        *([fell(f"tests/{folder}/test_a.py::test_a", LATE)] for folder in LOGIC),
        *([fell(f"tests/{folder}/test_a.py::test_a", WRONG)] for folder in SEEN),
        [fell("tests/browser/test_a.py::test_a", "test_a.py:9: assert 1 == 0")],
        [fell("tests/browser/test_a.py::test_a", "test_a.py:9: Failed: DID NOT RAISE")],
        [fell("tests/browser/test_a.py::test_a", "")],  # its worker died, say
    ],
)
def test_but_none_that_saw_what_must_not_be(failures: list[Ran]) -> None:
    with pytest.raises(NoSecondLook):
        again(failures)


# -- how they are dealt out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "goes_with"),
    [
        ("tests/core/proof/test_gate.py::test_a[b]", "tests/core/proof/test_gate.py"),
        ("tests/tray/test_panel.py::test_a[b]", "tests/tray/test_panel.py::test_a[b]"),
        ("tests/browser/test_extension.py::test_a[chromium]", "tests/browser/test_extension.py[chromium]"),
        ("tests/browser/test_extension.py::test_a[b-firefox]", "tests/browser/test_extension.py[firefox]"),
        ("tests/browser/test_extension.py::test_a", "tests/browser/test_extension.py"),
        ("tests/end_to_end/test_packs.py::test_a[medical-records]", "tests/end_to_end/test_packs.py[medical-records]"),
    ],
)
def test_a_test_is_dealt_out_with_those_that_share_something(name: str, goes_with: str) -> None:
    assert share(name) == goes_with


@pytest.mark.parametrize("place", [*APART, *BY_PARAMETER, *FIRST, *HEAVY])
def test_what_is_dealt_out_otherwise_is_there(place: str) -> None:
    assert files(place)


@pytest.mark.parametrize("place", APART)
def test_what_is_dealt_out_by_test_shares_nothing(place: str) -> None:
    assert 'scope="module"' not in (ROOT / place).read_text("utf-8")


def test_what_takes_longest_comes_first() -> None:
    names = [
        "tests/core/proof/test_gate.py::test_a",
        "tests/tray/test_panel.py::test_a",
        "tests/end_to_end/test_sound.py::a",
    ]
    assert sorted(names, key=turn) == names[::-1]


HEAVIER, LIGHTER = "tests/browser/test_pack.py", "tests/core/proof/test_gate.py"


@pytest.mark.parametrize(
    ("waiting", "busy", "next_one"),
    [
        ([HEAVIER, LIGHTER], 3, HEAVIER),
        ([HEAVIER, LIGHTER], 4, LIGHTER),
        ([LIGHTER, HEAVIER], 0, LIGHTER),
        ([HEAVIER], 4, HEAVIER),  # nothing else is left
    ],
)
def test_a_third_of_six_workers_has_no_heavy_work(waiting: list[str], busy: int, next_one: str) -> None:
    assert chosen(waiting, busy, 6) == next_one


OPENING, PLAYER = (f"tests/review/{folder}/test_a.py" for folder in ("opening", "player"))
BESIDE = "tests/review/opening/test_b.py"


@pytest.mark.parametrize(
    ("last", "others", "next_one"),
    [
        (f"{OPENING}[firefox]", [], f"{BESIDE}[firefox]"),  # its browser and its house are there
        (f"{OPENING}[firefox]", [f"{OPENING}[firefox]"], f"{BESIDE}[firefox]"),
        ("", [f"{OPENING}[chromium]"], f"{BESIDE}[firefox]"),
        ("", [f"{OPENING}[firefox]", f"{OPENING}[chromium]"], f"{PLAYER}[chromium]"),
        ("", [f"{OPENING}[firefox]", f"{OPENING}[chromium]", f"{PLAYER}[chromium]"], LIGHTER),
    ],
)
def test_one_worker_goes_on_with_a_browser_and_others_leave_it_to_that_one(
    last: str, others: list[str], next_one: str
) -> None:
    waiting = [f"{BESIDE}[chromium]", f"{BESIDE}[firefox]", f"{PLAYER}[chromium]", LIGHTER]
    assert chosen(waiting, 0, 6, last, others) == next_one


def test_at_the_end_others_help_with_a_browser() -> None:
    assert chosen([f"{BESIDE}[firefox]"], 0, 6, LIGHTER, [f"{OPENING}[firefox]"]) == f"{BESIDE}[firefox]"


def test_what_starts_no_browser_of_its_folder_has_no_company() -> None:
    assert company(LIGHTER) == company(HEAVIER) == company("tests/end_to_end/test_packs.py[identity]") == ""
    assert company("tests/browser/test_marks.py[firefox]") == company("tests/browser/test_extension.py[firefox]")


def test_one_worker_does_all() -> None:
    assert chosen([HEAVIER, LIGHTER], 0, 1) == HEAVIER


def test_what_is_left_to_all_is_there_and_ci_runs_it() -> None:
    [demo] = re.findall(r"(?m)^demo=(\S+)$", (ROOT / "scripts" / "test").read_text("utf-8"))
    assert files(demo)
    assert "\nscripts/test --all\n" in (ROOT / ".ci" / "run").read_text("utf-8")


# -- what runs under --all alone ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [*EACH, *dict.fromkeys(place for place, _ in WHOLE), *EVERY, *STARTING])
def test_what_runs_with_one_of_several_is_there(place: str) -> None:
    assert files(place)


@pytest.mark.parametrize(("place", "word"), WHOLE)
def test_what_runs_with_each_is_there(place: str, word: str) -> None:
    assert word in (ROOT / place).read_text("utf-8")


def test_of_each_test_one_of_two_is_left_and_either_browser_gets_some() -> None:
    names = [
        f"tests/browser/test_marks.py::test_{number}[{case}]"
        for number in range(40)
        for case in ("chromium-a", "firefox-a", "chromium-b", "firefox-b")
    ]
    others = left(names)
    pairs = [names[at : at + 2] for at in range(0, len(names), 2)]
    assert all(len(others.keys() & {*pair}) == 1 for pair in pairs)
    assert {name.partition("[")[2].partition("-")[0] for name in names if name not in others} == {"chromium", "firefox"}


def test_of_three_two_are_left() -> None:
    names = [f"tests/desktop/test_stale_pixels_seen.py::test_a[{row}]" for row in ("beside", "edge", "under")]
    assert len(left(names)) == 2


def test_of_many_parameters_each_test_tries_a_third_of_its_own() -> None:
    names = [f"tests/store/test_a.py::test_{test}[{case}]" for test in "ab" for case in range(3 * MANY)]
    others = left(names)
    assert {others[name] for name in others} == {WHY_SOME}
    tried = [{name.partition("[")[2] for name in names if name not in others and f"_{test}[" in name} for test in "ab"]
    assert len(tried[0]) == len(tried[1]) == MANY
    assert tried[0] != tried[1]


@pytest.mark.parametrize(
    "names",
    [
        [f"tests/store/test_a.py::test_a[{case}]" for case in range(MANY - 1)],
        [f"{EVERY[0]}a.py::test_a[{case}]" for case in range(MANY)],
        ["tests/browser/test_marks.py::test_a[chromium]"],  # alone
        ["tests/browser/test_marks.py::test_a[chromium]", "tests/browser/test_marks.py::test_b[firefox]"],
        [
            "tests/browser/test_marks.py::test_a[chromium-filtered]",
            "tests/browser/test_marks.py::test_a[firefox-filtered]",
        ],
        ["tests/browser/test_pack.py::test_a[chromium]", "tests/browser/test_pack.py::test_a[firefox]"],
        ["tests/core/test_a.py::test_a[chromium]", "tests/core/test_a.py::test_a[firefox]"],
    ],
)
def test_what_is_not_there_twice_is_never_left(names: list[str]) -> None:
    assert left(names) == {}


@pytest.mark.parametrize(("tests", "run"), [(1, 1), (2, 1), (STARTED, 1), (STARTED + 1, 2), (10 * STARTED, 10)])
def test_of_what_starts_programs_each_file_runs_in_part(tests: int, run: int) -> None:
    names = [f"{place}test_{file}.py::test_{test}" for place in STARTING for file in "ab" for test in range(tests)]
    others = left_of_starting([*names, "tests/core/test_a.py::test_a"])
    assert set(others.values()) <= {WHY_STARTED}
    by_file = Counter(name.partition("::")[0] for name in names if name not in others)
    assert set(by_file.values()) == {run}
    assert len(by_file) == 2 * len(STARTING)


def test_a_property_tries_some_examples_in_any_case() -> None:
    assert [fewer(examples) for examples in (300, 40, 9, 1)] == [100, 13, LEAST, 1]


def test_of_a_test_s_cases_each_third_is_tried_and_one_at_least() -> None:
    thirds = {tuple(some(range(9), str(of))) for of in range(50)}
    assert thirds == {(0, 3, 6), (1, 4, 7), (2, 5, 8)}
    assert all(some(range(1), str(of)) == [0] for of in range(50))
    assert some([], "") == []


QUICK = """
import pytest
from hypothesis import given, settings, strategies as st

@pytest.mark.parametrize("runs", ["in one process", "with workers"])
@pytest.mark.parametrize("case", range(8))
def test_twice(runs, case):
    pass

tried = []

@settings(max_examples=60)
@given(st.integers())
def test_said(number):
    tried.append(number)

def test_as_many():
    assert 5 <= len(tried) <= {}

def test_many(cases):
    assert len(cases(range(60), "")) == {}
"""


@pytest.mark.parametrize("workers", [0, 2], ids=RUNS)
@pytest.mark.parametrize(("flags", "passed", "most"), [([], 19, 60), (["--quick"], 11, 20)], ids=["all", "quick"])
def test_a_quick_run_says_what_it_leaves(
    tmp_path: Path, flags: list[str], passed: int, most: int, workers: int
) -> None:
    place = "tests/test_running.py"
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(QUICK.replace("{}", str(most)))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  end_to_end: -\n  slow: -\n")
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider"]
    command += [f"--rootdir={tmp_path}", "-c", str(tmp_path / "pytest.ini"), f"-n{workers}", "--dist=loadfile", *flags]
    command += [f"--account={tmp_path / 'account'}", str(tmp_path / place)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert f"{passed} passed" in ran.stdout, ran.stdout + ran.stderr
    said = [Ran(**json.loads(line)) for line in (tmp_path / "account").read_text("utf-8").splitlines()]
    why = f"left to --all 8: they run here, and there also {WHY[EACH[place]]}"
    assert said_to_be_left(said) == ([why] if flags else [])


# -- what a run says ----------------------------------------------------------------------------------------------


def test_what_a_run_says() -> None:
    panel, gate = "tests/tray/test_panel.py::test_a", "tests/core/proof/test_gate.py::test_b"
    ran = [
        Ran(panel, "call", "rerun", 30.0, 6.0, marked=True),
        Ran(panel, "call", "failed", 10.0, 5.5, marked=True, why="test_panel.py:9: TimeoutError: late"),
        Ran(gate, "setup", "skipped", 0.0, 7.0, marked=False, why="no clock"),
        Ran(gate, "call", "passed", 6.0, 5.5, marked=False),
    ]
    assert repeated(ran) == [f"repeated 1x: {panel} ({MOODS['tests/tray/test_panel.py']})"]
    assert unmarked(ran) == [
        f"slow without a mark: {gate} took 5.5 s of CPU; mark it slow and say why, or make it quicker"
    ]
    assert skipped(ran) == ["skipped 1: no clock"]
    assert failed(ran) == [f"failed 1x: {panel} (test_panel.py:9: TimeoutError: late)"]
    assert slowest(ran) == [
        "    40 s,   12 s of CPU  tests/tray/test_panel.py",
        "     6 s,   12 s of CPU  tests/core/proof/test_gate.py",
    ]


def test_what_fails_beside_other_stages_is_named_in_the_summary(tmp_path: Path) -> None:
    whole = (ROOT / "scripts" / "test").read_text("utf-8")
    beside = whole[whole.index("besides=()") : whole.index("\ntrap ")]
    script = f"""set -euo pipefail
    work={tmp_path} failed=() times=()
    {beside}
    breaks() {{ echo begun; false; echo went on; }}
    beside "one that breaks" breaks
    beside "one that is in order" echo fine
    beside_ends
    printf 'failed: %s\\n' "${{failed[@]}}"
    """
    ran = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert "begun\n" in ran.stdout
    assert "went on" not in ran.stdout
    assert ran.stdout.endswith("fine\nfailed: one that breaks\n")
