"""The documents name what is there: every link leads somewhere, and every path in backticks exists."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from scripts.showcase.console import SIZE

ROOT = Path(__file__).resolve().parent.parent
TOPS = "agent|protocol|review|store|policies|testkit|tests|bench|docs|scripts|installer|requirements|.ci"
PATH = re.compile(rf"`((?:{TOPS})/[^`\s]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
MADE = {"agent/desktop/NAME.py"}  # what a reader is told to write


def documents() -> list[Path]:
    folders = ("docs", "installer", "policies", "bench", "tests")
    return sorted([*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))])


HEADING = re.compile(r"(?m)^(#+) (.+)$")
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
BLOCK = re.compile(r"(?ms)^```.*?^```$")


def anchors(document: Path, level: int | None = None) -> list[str]:
    """What a link to each heading, or to each of one level, has after its "#", as GitHub makes it."""
    text = BLOCK.sub("", document.read_text("utf-8"))
    headings = HEADING.findall(text)
    said = [re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", one) for marks, one in headings if level in (None, len(marks))]
    named = ANCHOR.findall(text) if level is None else []
    return [*named, *(re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in said)]


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    lost = []
    for link in [link for link in LINK.findall(document.read_text("utf-8")) if "://" not in link]:
        name, _, anchor = link.partition("#")
        there = document.parent / name if name else document
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            lost.append(link)
    assert lost == []


LONG = 200  # lines, about four screens
CONTENTS = re.compile(r"(?ms)^Contents: .+?\n\n")


def of_many_lines() -> list[Path]:
    """But the changelog: it is read from its top, newest first."""
    pages = [path for path in documents() if path.name != "CHANGELOG.md"]
    return [path for path in pages if len(path.read_text("utf-8").splitlines()) > LONG]


@pytest.mark.parametrize("document", of_many_lines(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_long_page_begins_with_its_contents(document: Path) -> None:
    """Each of its sections, in their order."""
    text = document.read_text("utf-8")
    found = CONTENTS.search(text, 0, text.index("\n## ") + 1)
    assert found, 'it needs a paragraph "Contents: [...](#...) · ..." before its first section'
    linked = [link.removeprefix("#") for link in LINK.findall(found.group())]
    sections = anchors(document, 2)
    assert [link for link in linked if link in sections] == sections


WIDTH = 120
# A row of a table cannot be broken, nor can an image's text or an address. What a terminal prints (```console, ```text)
# and what a machine says (```json, ```jsonc) stands as it is.
UNBROKEN = re.compile(r"\s*(?:\||!\[.*\]\(\S+\)$|\S+$)")
VERBATIM = ("console", "text", "json", "jsonc")


def wide(text: str) -> list[str]:
    """The lines over 120 characters that could have been broken, each with its number."""
    found, block = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            block = line.strip(" `") if block is None else None
        elif len(line) > WIDTH and block not in VERBATIM and not UNBROKEN.match(line):
            found.append(f"line {number} has {len(line)}: {line[:40]}")
    return found


def test_only_what_cannot_be_broken_may_be_wide() -> None:
    long = "x " * 70
    assert wide(f"{long}\n| {long} |\n![{long}](a.png)\n- [{'x' * 130}](b)\n") == [
        f"line 1 has 140: {long[:40]}",
        f"line 4 has 137: - [{'x' * 37}",
    ]
    assert wide(f"```console\n{long}\n```\n```\n{long}\n```\n") == [f"line 5 has 140: {long[:40]}"]


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_have_at_most_120_characters(document: Path) -> None:
    assert wide(document.read_text("utf-8")) == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_backticks_exist(document: Path) -> None:
    named = {path.split("::")[0].rstrip("/.,:") for path in PATH.findall(document.read_text("utf-8"))} - MADE
    assert sorted(path for path in named if not list(ROOT.glob(path))) == []


COMMAND = re.compile(r"(?m)(?:^|`)(eyelid(?:-review|-store)? [a-z-]+(?: (?:check|test)\b)?)")
COMMANDS = sorted(set(COMMAND.findall((ROOT / "README.md").read_text("utf-8"))))


NAMED = re.compile(rf"`((?:{TOPS})/[\w/.]+\.py)::([\w.]+)`")
TEST = re.compile(r"`((?:[\w/]+/)?test_\w+\.py)::(\w+)`")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_code_that_is_named_exists(document: Path) -> None:
    """A class or a function, and of `Class.method` both."""
    for file, name in NAMED.findall(document.read_text("utf-8")):
        text = (ROOT / file).read_text("utf-8")
        for part in name.split("."):
            assert re.search(rf"(?m)^ *(?:async )?(?:class|def) {part}\b", text), f"{file}::{name}"


def test_the_architecture_says_where_to_look() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("## Where to look\n")[1].split("\n## ")[0]
    assert len(NAMED.findall(table)) > 10


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_that_are_named_exist(document: Path) -> None:
    """With its folder, or by the name of its file alone."""
    for file, name in TEST.findall(document.read_text("utf-8")):
        files = [ROOT / file] if "/" in file else [*ROOT.glob(f"tests/**/{file}")]
        assert [path for path in files if f"\ndef {name}(" in path.read_text("utf-8")], f"{file}::{name}"


def test_each_statement_of_the_proof_names_the_test_that_would_fail() -> None:
    said = re.findall(r"(?ms)^\d+\. \*\*.*?(?=^\d+\. |^#|^[^\s\d])", (ROOT / "docs" / "proof.md").read_text("utf-8"))
    assert len(said) > 10
    assert [statement for statement in said if not TEST.search(statement)] == []


def test_the_readme_lists_commands() -> None:
    assert len(COMMANDS) > 8


PATHS = re.findall(r"(?ms)^```\n((?:export|eyelid).+?)^```", (ROOT / "README.md").read_text("utf-8"))


def test_the_readme_has_a_path_of_ten_lines_for_each_of_three_people() -> None:
    assert len(PATHS) == 3


@pytest.mark.parametrize("block", PATHS, ids=["IT", "agents", "compliance"])
def test_a_path_can_be_pasted_as_one_block(block: str) -> None:
    """A shell reads all of it; what runs on does so in the background; nothing asks."""
    assert len(block.splitlines()) <= 10
    subprocess.run(["/bin/bash", "-n"], input=block, text=True, check=True)
    for line in block.splitlines():
        command = line.split("#")[0]
        assert "&" in command or not re.search(r" (serve|run|tray|up)\b", command), f"it blocks what is pasted: {line}"
        assert "verify" not in command or "--passphrase-file" in command, f"it asks: {line}"


PROGRAMS = {
    point.name: point
    for point in entry_points(group="console_scripts")
    if point.name in ("eyelid", "eyelid-review", "eyelid-store")
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_programs_are_installed(program: str) -> None:
    started = [str(Path(sys.executable).with_name(program)), "--help"]
    ran = subprocess.run(started, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_the_readme_lists_only_commands_that_exist(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `eyelid` and `eyelid-store` line of the README is a command that knows its own --help.

    Asked of what the installed program calls, as a process for each would take a minute.
    """
    program, *words = line.split()
    with pytest.raises(SystemExit) as ended:
        PROGRAMS[program].load()([*words, "--help"])
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    assert said.out.startswith(f"usage: {line}")


def test_the_glossary_is_alphabetical_and_found_from_where_readers_begin() -> None:
    rows = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs" / "glossary.md").read_text("utf-8"))[1:]
    words = [word for word, _ in rows]
    assert len(words) > 40
    assert words == sorted(set(words), key=str.lower)
    assert [means for _, means in rows if not means.endswith(".")] == []
    assert "(docs/glossary.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(glossary.md)" in (ROOT / "docs" / "architecture.md").read_text("utf-8")


# Kept runs of a bench, the page that shows them, and whether with all its tables or with their first line alone.
RUNS = {
    "ingest": ("docs/performance.md", False),
    "loss": ("docs/loss.md", True),
    "loss-all-lanes": ("docs/loss.md", True),
    "sound": ("docs/sound.md", True),
    "sound-call": ("docs/sound.md", True),
    "sound-half-hour": ("docs/sound.md", False),
}


LEAKS = sorted(path.stem for path in (ROOT / "docs" / "runs").glob("leaks*.jsonl"))

# Each bench as `python -m` starts it, one after another in one process: starting them costs most of the time.
TABLES = """
import runpy, sys

for runs in sys.argv[1:]:
    print("==", runs, flush=True)
    sys.argv = ["", "--table", f"docs/runs/{runs}.jsonl"]
    try:
        runpy.run_module(f"bench.{runs.partition('-')[0]}", run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
"""


@cache
def all_printed() -> dict[str, list[str]]:
    """Kept runs -> what the bench prints. Some are beyond a bound, which its exit code says: that is no fault."""
    program = [sys.executable, "-c", TABLES, *RUNS, *LEAKS]
    ran = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT)
    found: dict[str, list[str]] = {}
    for line in [" ".join(line.split()) for line in ran.stdout.splitlines() if line.strip()]:
        if line.startswith("== "):
            lines = found[line.removeprefix("== ")] = []
        else:
            lines.append(line)
    assert ran.returncode == 0, ran.stderr
    return found


def printed(runs: str) -> list[str]:
    lines = all_printed()[runs]
    assert lines, f"the bench says nothing of docs/runs/{runs}.jsonl"
    return lines


@pytest.mark.parametrize("runs", RUNS)
def test_published_tables_are_those_of_the_kept_runs(runs: str) -> None:
    """What a bench prints of docs/runs is what its page says, to the letter: no figure is written by hand."""
    name, whole = RUNS[runs]
    page = " ".join((ROOT / name).read_text("utf-8").split())  # a sentence is wrapped there
    missing = [line for line in printed(runs)[: None if whole else 1] if line not in page]
    assert missing == [], f"{name} says something else: paste what `bench --table docs/runs/{runs}.jsonl` prints"


SUMMARY = re.compile(
    r"(?P<played>\d+) (?:intervals in \d+ runs?|plays, \d+ of them untried): (?P<leaked>\d+) frames leaked"
    r".*? leaked (?P<control>\d+)\. Over-pause, before and after together: (?P<over>[-\d /]+) ms\."
)


@pytest.mark.parametrize("runs", LEAKS)
def test_each_kept_run_of_leaks_is_a_row_of_the_page(runs: str) -> None:
    found = SUMMARY.match(printed(runs)[0])
    assert found is not None
    row = f"| {' | '.join(found.group('played', 'leaked', 'control', 'over'))} | [{runs}](runs/{runs}.jsonl) |"
    page = (ROOT / "docs" / "leaks.md").read_text("utf-8").splitlines()
    assert [line for line in page if line.endswith(row)], f"docs/leaks.md has no row that ends with {row}"


def test_readme_begins_with_the_player_as_the_demo_leaves_it() -> None:
    first, *_ = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert first == "docs/images/demo-player.png"
    data = (ROOT / first).read_bytes()
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == SIZE
