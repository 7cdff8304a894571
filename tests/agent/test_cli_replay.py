"""`eyelid replay`: what a compliance officer reads of a recording under another policy, and what a machine reads."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.core.account.scenes import Ended, Line, Sighting, written
from agent.core.model.seen import BROWSERS, WINDOWS, Blind, Box, Page, Scene, Window
from agent.core.model.times import SECOND
from protocol.policyhash import policy_hash

Out = pytest.CaptureFixture[str]

THEN = """schema: 1
revision: 2
name: Then
keep_scenes: true
rules:
  - { id: charts, why: w, any: [title: ["Chart *"]] }
...
"""
NEXT = """schema: 1
revision: 3
name: Next
rules:
  - { id: charts, why: w, any: [title: ["Chart *"]], dry_run: true }
  - { id: cards, why: w, any: [url: [shop.example/pay], field: [cc-csc], css: ["#pan"]] }
...
"""


def window(title: str | Blind, app: str | Blind = "epic", left: int = 0) -> Scene:
    return Scene((Window(1, app, title, 1, Box(left, 0, 9, 9), shown=True),))


SEEN: tuple[Line, ...] = (
    Sighting(0, WINDOWS, window("Notes")),
    Sighting(0, BROWSERS, Scene(pages_only=True)),
    Sighting(10 * SECOND, WINDOWS, window("Chart \x1b[2J of Ada")),
    Sighting(20 * SECOND, WINDOWS, window("Notes")),
    Sighting(30 * SECOND, BROWSERS, Scene(pages=(Page(("https://shop.example/pay?" + "x" * 99,)),), pages_only=True)),
    Sighting(35 * SECOND, BROWSERS, Scene(pages_only=True)),
    Ended(60 * SECOND),
)
PARTS = [
    {"from": 0, "to": 9 * SECOND, "what": "kept"},
    {"from": 9 * SECOND, "to": 21 * SECOND, "what": "closed"},
    {"from": 21 * SECOND, "to": 40 * SECOND, "what": "kept"},
    {"from": 40 * SECOND, "to": 45 * SECOND, "what": "held"},
    {"from": 45 * SECOND, "to": 46 * SECOND, "what": "blind", "why": "unproven"},
    {"from": 46 * SECOND, "to": 47 * SECOND, "what": "blind", "why": "died"},
    {"from": 47 * SECOND, "to": 660 * SECOND, "what": "kept"},
]
HEAD: dict[str, Any] = {
    "eyelid_scenes": 1,
    "recording": "0193a1b2",
    "start": "2026-11-24T10:00:00Z",
    "host": "pc-7",
    "length_ns": 660 * SECOND,
    "policy": policy_hash({"p.yaml": THEN.encode()}),
    "policy_files": {"p.yaml": THEN},
    "lanes": {"screen": PARTS, "audio": [{"from": 0, "to": 660 * SECOND, "what": "kept"}]},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "next.yaml").write_text(NEXT)
    (tmp_path / "then.yaml").write_text(THEN)
    return put(tmp_path)


def put(folder: Path, head: object = HEAD, lines: bytes = written(SEEN, 0)) -> Path:
    (folder / "scenes.jsonl").write_bytes(json.dumps(head).encode() + b"\n" + lines)
    return folder


def test_what_differs_is_told_in_words_the_possible_leaks_first(capsys: Out) -> None:
    assert main(["replay", "scenes.jsonl", "--with", "next.yaml"]) == 1
    told = capsys.readouterr().out.splitlines()
    screen = told[told.index("Screen") : told.index("Sound") - 1]
    assert screen == [
        "Screen",
        "  WOULD NEWLY OPEN: 12.0 s that were closed would be recorded. Possible leaks.",
        "    00:09.0 - 00:21.0  12.0 s  then: closed by charts (p.yaml:6:5); with: no rule closes",
        "      lets it pass: charts (next.yaml:5:5)",
        '      epic "Chart \N{REPLACEMENT CHARACTER}[2J of Ada"',
        "  Would newly close: 5.3 s, of which 5.3 s were recorded.",
        "    00:29.7 - 00:35.0  5.3 s  then: open; with: closed by cards (next.yaml:6:5)",
        "      page https://shop.example/pay?" + "x" * 64 + "…",
        "  The same under both: 36.7 s open, 0.0 s closed.",
        "  Not judged: 10:06 min, in which nothing tells what was in view, or it was held.",
    ]
    assert "Sound" in told
    assert told[:3] == [
        "Recording 0193a1b2, from 2026-11-24T10:00:00Z on pc-7, 11:00 min",
        "  then  Then, revision 2",
        "  with  Next, revision 3",
    ]
    assert told[-1].endswith("it may close more: field cc-csc, css #pan")


def test_the_same_as_facts_and_from_a_pipe(folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["replay", str(folder), "--with", "next.yaml", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["differs"] is True
    assert facts["not_looked_for"] == ["field cc-csc", "css #pan"]
    assert (facts["then"]["revision"], facts["with"]["revision"]) == (2, 3)
    assert facts["lanes"]["screen"]["newly_open_ns"] == 12 * SECOND
    [opened] = [one for one in facts["lanes"]["screen"]["spans"] if one["newly"] == "open"]
    assert all(lane["stretches"] == lane["spans"] for lane in facts["lanes"].values())  # the key's old name
    assert opened["let_pass_by"] == [{"id": "charts", "where": "next.yaml:5:5"}]
    assert opened["kept_ns"] == 0
    stdin = io.TextIOWrapper(io.BytesIO((folder / "scenes.jsonl").read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)  # the process that is tried is this one, without a pipe
    assert main(["replay", "-", "--with", "next.yaml", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == facts


def test_nothing_that_the_pc_or_a_policy_says_moves_the_cursor(folder: Path, capsys: Out) -> None:
    clears = "\x1b[2J"
    named = {f"p{clears}.yaml": THEN}  # what stands inside cannot have it
    policy = policy_hash({name: text.encode() for name, text in named.items()})
    put(folder, HEAD | {"recording": clears, "start": clears, "host": clears, "policy": policy, "policy_files": named})
    assert main(["replay", ".", "--with", "next.yaml"]) == 1
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if not line.isprintable()] == []
    assert told.count("\N{REPLACEMENT CHARACTER}[2J") >= 3


def test_without_a_difference_the_answer_is_0(capsys: Out) -> None:
    assert main(["replay", ".", "--with", "then.yaml"]) == 0
    told = capsys.readouterr().out
    assert "  No difference: 42.0 s open, 12.0 s closed.\n" in told
    assert "WOULD" not in told
    assert main(["replay", ".", "--with", "next.yaml", "--then", "next.yaml"]) == 0


def test_a_window_that_is_moved_is_named_once(folder: Path, capsys: Out) -> None:
    lines: tuple[Line, ...] = (
        Sighting(0, WINDOWS, window("Chart of Ada")),
        Sighting(10 * SECOND, WINDOWS, window("Chart of Ada", left=300)),
        Ended(20 * SECOND),
    )
    put(folder, HEAD | {"length_ns": 20 * SECOND}, written(lines, 0))
    assert main(["replay", ".", "--with", "next.yaml", "--json"]) == 1
    [opened] = json.loads(capsys.readouterr().out)["lanes"]["screen"]["spans"]
    assert opened["things"] == ['epic "Chart of Ada"']
    assert main(["replay", ".", "--with", "next.yaml"]) == 1
    assert capsys.readouterr().out.count("Chart of Ada") == 2  # once for each lane


def test_what_cannot_be_read_of_a_window_is_said(folder: Path, capsys: Out) -> None:
    lines: tuple[Line, ...] = (
        Sighting(0, WINDOWS, window(Blind.NO_TITLE)),
        Sighting(10 * SECOND, WINDOWS, Scene(window("").windows, (Page((), unread=True),))),
        Ended(20 * SECOND),
    )
    put(folder, HEAD | {"length_ns": 20 * SECOND}, written(lines, 0))
    (folder / "apps.yaml").write_text(NEXT.replace('title: ["Chart *"]', "app: [x]").replace(", dry_run: true", ""))
    assert main(["replay", ".", "--with", "apps.yaml", "--json"]) == 1
    screen = json.loads(capsys.readouterr().out)["lanes"]["screen"]["spans"]
    assert screen[0]["things"] == ['epic "(the window\'s title cannot be read)"']
    assert screen[0]["then"] == [{"id": "unreadable", "where": ""}]
    assert main(["replay", ".", "--with", "apps.yaml"]) == 1
    assert "then: closed by unreadable (Eyelid's own); with: no rule closes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("head", "lines", "says"),
    [
        (HEAD | {"eyelid_scenes": 2}, b"", "its format is 2, this Eyelid reads 1: upgrade the agent"),
        ({}, b"", "holds no scenes: give scenes.jsonl, which `eyelid-store export` writes"),
        ([], b"", "holds no scenes"),
        (HEAD | {"lanes": {"smell": []}}, b"", "holds no scenes"),
        (HEAD, b"{}\n", "scenes.jsonl: line 2 is none of scenes"),
        (HEAD | {"policy_files": {}}, b"", "is not at the store: give it with --then FILE"),
        (HEAD | {"policy": "0" * 64}, b"", "the policy's text is not that of 0000"),
        (HEAD | {"policy_files": {"p.yaml": "a: 1\n"}}, b"", "cannot be read any more, give one with --then:\n"),
    ],
)
def test_what_is_none_of_it_is_told_in_words(folder: Path, capsys: Out, head: object, lines: bytes, says: str) -> None:
    put(folder, head, lines)
    assert main(["replay", ".", "--with", "next.yaml"]) == 2
    told = capsys.readouterr()
    assert (told.out, says in told.err) == ("", True), told.err


def test_a_file_that_is_not_there_or_empty(folder: Path, capsys: Out) -> None:
    assert main(["replay", "gone", "--with", "next.yaml"]) == 2
    assert capsys.readouterr().err == "eyelid: gone cannot be read: No such file or directory\n"
    (folder / "scenes.jsonl").write_bytes(b"")
    assert main(["replay", ".", "--with", "next.yaml"]) == 2
    assert "holds no scenes" in capsys.readouterr().err
    assert main(["replay", ".", "--with", "gone.yaml"]) == 2
