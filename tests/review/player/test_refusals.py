"""Each refusal that reaches a person in the player is a sentence in both languages.

The codes are read out of the source of what can refuse: the custodian with all that it imports, what the console's
routes for the player are made of, and the player's own pages. A code that is new there fails here until it has one.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from review.custodian import service
from review.web import custody, transcript

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = ROOT / "review" / "player" / "page"
NODE: Final = shutil.which("node")
CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RAISES: Final = re.compile(r"\w*(Error|Problem|Refusal)|cls|_error")
# Of the pages before a picture, and of what the worker does for them.
SCRIPTS: Final = (
    "approving", "bytes", "comments", "custody", "derived", "desk", "enrolling", "opening", "person", "released",
    "review", "sealed", "statements", "transcript", "worker",
)  # fmt: skip
# What throws, up to its code; in parts of it between two codes is chosen.
THROWN: Final = re.compile(r"new (?:Trouble|Refused)\(([^)]*)\)|refusal\(([^)]*)\)|\?\? (\"failed\")")
REFUSED: Final = re.compile(r"(?:refuseIf|fromBase64url|parseObject)\((?:[^;]*?),\s*\"([a-z0-9-]+)\",?\s*\)+[;.,]")
QUOTED: Final = re.compile(r'"([a-z0-9-]+)"')


def imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (node.module, *(f"{node.module}.{one.name}" for one in node.names)):
                file = ROOT / Path(*name.split(".")).with_suffix(".py")
                if file.exists():
                    yield file


def closure(start: Iterable[Path]) -> set[Path]:
    found, left = set[Path](), list(start)
    while left:
        if (path := left.pop()) not in found:
            found.add(path)
            left += imported(path)
    return found


def raised(path: Path) -> Iterator[str]:
    """Codes are the first or, after a status, the second of what makes an error; some are chosen between two."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if RAISES.fullmatch(name):
                for one in node.args[:2]:
                    yield from (
                        part.value
                        for part in ((one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,))
                        if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value)
                    )


def scripts() -> set[str]:
    found = set[str]()
    for name in SCRIPTS:
        text = (PAGE / f"{name}.js").read_text("utf-8")
        found.update(REFUSED.findall(text))
        for parts in THROWN.findall(text):
            found.update(QUOTED.findall(" ".join(parts)))
    return found - {"comments", "string", "transcript"}


def codes() -> set[str]:
    of_console = [Path(one.__file__) for one in (custody, transcript)]
    python = closure([Path(service.__file__)]).union(of_console, *map(imported, of_console))
    return {code for path in python for code in raised(path)} | set(custody._NO_PAPERS) | scripts()


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """Language -> its table, and by code what is said of it, and of it as a comment's."""
    if NODE is None:
        pytest.skip("no Node on this machine")
    asked = f"""
      import {{ refusal, SENTENCES }} from {json.dumps((PAGE / "refusal-words.js").as_uri())};
      const codes = {json.dumps([*sorted(codes()), "never-heard-of"])};
      const of = (language, about) => Object.fromEntries(codes.map((one) => [one, refusal(one, language, about)]));
      const parts = (one) => ({{comments: of(one, "comments"), transcript: of(one, "transcript")}});
      const all = (one) => [one, {{table: SENTENCES[one], said: of(one, ""), ...parts(one)}}];
      console.log(JSON.stringify(Object.fromEntries(Object.keys(SENTENCES).map(all))));
    """
    command = [NODE, "--input-type=module", "-e", asked]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(made.stdout))


def test_codes_of_each_origin_are_found() -> None:
    """As the test would find none where it looked in the wrong place."""
    wanted = {
        "approved-before", "refused", "not-yet", "bad-field", "unknown-opening",  # the custodian's
        "narrowed", "no-custodian", "no-session", "too-many", "no-papers",  # the console's
        "other-comment", "no-passkey", "other-house", "wrong-key", "unreachable",  # the page's
    }  # fmt: skip
    assert wanted - codes() == set()


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_has_a_sentence(said: dict[str, Any], language: str) -> None:
    otherwise = said[language]["table"]["otherwise"]
    for about in ("said", "comments", "transcript"):
        without = [one for one, sentence in said[language][about].items() if sentence == f"{otherwise} ({one})"]
        assert without == ["never-heard-of"]
        assert all(re.search(r"[.!?]( \([a-z0-9-]+\))?$", one) for one in said[language][about].values())


def test_both_languages_have_the_same(said: dict[str, Any]) -> None:
    english, german = (said[one]["table"] for one in ("en", "de"))
    for part in ("codes", "comments", "transcript", "groups"):
        assert english[part].keys() == german[part].keys()
        assert [code for code, sentence in english[part].items() if sentence == german[part][code]] == []


def test_what_is_said_of_a_comment_is_about_comments(said: dict[str, Any]) -> None:
    assert said["en"]["comments"]["wrong-key"] == "It is sealed with another key than this recording's."
    assert said["en"]["said"]["wrong-key"] == "The keys that came are not for this page. It was not opened."
    assert said["de"]["comments"]["narrowed"].startswith("Die Konsole hat Ihre Rechte eingeschränkt")
    assert said["en"]["said"]["bad-line"].endswith("The operator has to look at it. (bad-line)")


def test_no_sentence_is_for_a_code_that_nothing_gives(said: dict[str, Any]) -> None:
    table = said["en"]["table"]
    assert set(table["codes"]).union(table["comments"], table["transcript"]) - codes() == set()
