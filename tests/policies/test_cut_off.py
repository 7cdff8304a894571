"""No part of a shipped policy is a policy: a recorder may see one half copied."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import pytest
import yaml

from protocol.language import yaml_marks
from protocol.language.marks import Mark, Scalar
from protocol.language.yaml_marks import read_marks

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = pytest.mark.parametrize("path", sorted((ROOT / "policies").rglob("*.yaml")), ids=lambda path: path.name)


@SHIPPED
def test_no_part_of_a_shipped_policy_is_a_policy(path: Path) -> None:
    content = path.read_bytes()
    assert read_marks(path.name, content).mistakes == ()
    for end in cuts(content):
        assert read_marks(path.name, content[:end]).mistakes, f"the first {end} bytes pass"


def cuts(content: bytes) -> Iterable[int]:
    """At most sixty ends of lines at which a list or a table opens or ends, from everywhere in the file, and what
    surrounds its end: the parser would take minutes to read all beginnings. The test that follows tries every byte of
    every file, without the parser.
    """
    lines = content.splitlines(keepends=True)
    indents = [len(line) - len(line.lstrip(b" ")) for line in lines]
    ends = accumulate(len(line) for line in lines)
    turns = [end for end, here, there in zip(ends, indents, indents[1:], strict=False) if here != there]
    return sorted({*turns[:: len(turns) // 60 + 1], *range(len(content) - 12, len(content))})


def test_every_beginning_of_a_short_policy_is_read_and_is_none() -> None:
    content = (ROOT / "policies" / "payments" / "policy.yaml").read_bytes()
    for end in range(len(content)):
        assert read_marks("policy.yaml", content[:end]).mistakes, f"the first {end} bytes pass"


class NoParser:
    """In place of the parser: it has read the file, or fails in one of its two ways."""

    mistakes = ()
    nodes = 0

    def __init__(self, file: str, text: str) -> None: ...

    def read(self) -> Scalar:
        return Scalar(Mark("p.yaml", 1, 1), "")


class Refuses(NoParser):
    def read(self) -> Scalar:
        raise yaml.YAMLError


class FindsItDeep(NoParser):
    def read(self) -> Scalar:
        raise yaml_marks._TooDeepError(Mark("p.yaml", 1, 1))


@pytest.mark.parametrize("parser", [NoParser, Refuses, FindsItDeep])
@SHIPPED
def test_that_a_policy_was_cut_off_is_told_at_every_byte_whatever_the_parser_says(
    monkeypatch: pytest.MonkeyPatch, path: Path, parser: type[NoParser]
) -> None:
    monkeypatch.setattr(yaml_marks, "_Tree", parser)  # the check under test must hold without it
    content = path.read_bytes()
    for end in range(len(content)) if parser is NoParser else cuts(content):
        said = read_marks("p.yaml", content[:end]).mistakes
        cut_off = [what for _, what in said if re.search("end with the line|last line is not|is not UTF-8", what)]
        assert len(cut_off) == 1, f"the first {end} bytes pass"
    assert (read_marks("p.yaml", content).mistakes == ()) == (parser is NoParser)
