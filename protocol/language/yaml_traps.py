"""Why YAML could not read a file, in words for authors of rules, not of parsers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

import yaml
from yaml.reader import ReaderError

from protocol.language.characters import is_odd, name_of
from protocol.language.marks import Mark

LINE_UP: Final = "the lines of one list or rule begin in the same column, indented by spaces"
DEEPER: Final = (
    "this line is indented deeper than the one above, which has its value already, indent it as far as that one"
)
BARE: Final = "a word that begins with {sign} needs quotes, write '{word}'"
COMMAND: Final = "a line that begins with % is a command to YAML, put it in quotes or delete it"
UNCLOSED: Final = "YAML finds no end to this {sign}, close it (a word with # ! or a bracket in it needs quotes)"


class Look(Enum):
    """Where the author must look: where YAML gave up, where the thing began, or at the last bracket before."""

    AT = "at"
    BEGAN = "began"
    BRACKET = "bracket"
    COMMAND = "command"  # at the first word after that bracket that begins with a command to YAML


@dataclass(frozen=True, slots=True)
class Trap:
    """`problem` and `context`: parts of what PyYAML says. `before`: matches the line up to where it gave up.

    `words`: may name the {sign} and the {word} at the place to look at.
    """

    problem: str
    words: str
    look: Look = Look.AT
    context: str = ""
    before: str = ""


TRAPS: Final = (
    Trap(r"'\t'", "a tab stands here, YAML wants spaces, replace it"),
    Trap("cannot start any token", BARE),
    Trap("", BARE, Look.BEGAN, context="scanning an alias"),
    Trap("", BARE, Look.BEGAN, context="scanning an anchor"),
    Trap("", BARE, Look.BEGAN, context="a tag"),
    Trap("undefined tag handle", BARE),
    Trap("", BARE, Look.BEGAN, context="scanning a block scalar"),
    Trap("mapping values", "a colon and a space inside a sentence, put the whole sentence in quotes", before=r":\s"),
    Trap("mapping values", f"no colon is expected here, {LINE_UP}, and a space follows the colon of every key"),
    Trap(
        "escape",
        r"a backslash in double quotes begins a sign of YAML's own, write single quotes: '\…'",
        Look.BEGAN,
        context="quoted scalar",
    ),
    Trap("", "this quote is never closed, add the second one", Look.BEGAN, context="quoted scalar"),
    # [*card code*] is a reference to "card", and then a word where a comma should be.
    Trap("", BARE, Look.COMMAND, context="parsing a flow sequence"),
    Trap("", BARE, Look.COMMAND, context="parsing a flow mapping"),
    Trap("", UNCLOSED, Look.BEGAN, context="parsing a flow sequence"),
    Trap("", UNCLOSED, Look.BEGAN, context="parsing a flow mapping"),
    Trap("", UNCLOSED, Look.BRACKET, context="parsing a flow node"),
    Trap(
        "expected <block end>",
        "a word goes on after its closing quote, put all of it in quotes (and write '' for a ' inside)",
        before=r"\S",
    ),
    Trap("expected <block end>", f"this line is indented otherwise than those before it, {LINE_UP}"),
    Trap("found '<document end>'", "nothing stands above the end mark, write something there", context="a block node"),
    Trap("could not find expected ':'", "this line has no colon, write key: value", Look.BEGAN),
    Trap("<document start>', but found '<stream end>'", COMMAND),
    Trap("<document start>', but found '<document end>'", COMMAND),
    Trap("expected '<document start>'", "text after the end mark ..., nothing but comments may follow it"),
    Trap("", COMMAND, context="a directive"),
)


def first_word(text: str, index: int) -> str:
    """What stands unquoted at a place, as it looks between single quotes: to the end of its line, list or table."""
    word = re.compile(r"(?:(?!\s#)[^\n,\]}])*").match(text, index)
    assert word is not None  # noqa: S101 - the expression matches the empty string too
    return word[0].strip()[:40].replace("'", "''")


def explain_syntax(file: str, text: str, error: yaml.YAMLError) -> tuple[Mark, str]:
    """The place to look at, and what is wrong there, what was meant."""
    if isinstance(error, ReaderError):
        return _mark(file, text, error.position), "an invisible character stands here, delete it"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Mark(file, 1, 1), "YAML cannot read this file, compare it with one that works"
    at = error.problem_mark.index
    began = at if error.context_mark is None else error.context_mark.index
    problem, context = error.problem or "", error.context or ""
    odd = _odd_before(text, at)
    if odd is not None:
        return _mark(file, text, odd), f"{name_of(text[odd])} stands here, write the plain character instead"
    before = text[text.rfind("\n", 0, at) + 1 : at]
    if "mapping values" in problem and _continues(text, at):
        return _mark(file, text, at - len(before.lstrip())), DEEPER
    for trap in TRAPS:
        if trap.problem in problem and trap.context in context and re.search(trap.before, before):
            index = {
                Look.AT: at, Look.BEGAN: began, Look.BRACKET: _last_bracket(text, at),
                Look.COMMAND: _command(text, began, at),
            }[trap.look]  # fmt: skip
            if index is None:
                continue
            words = trap.words.format(sign=text[index : index + 1], word=first_word(text, index))
            return _mark(file, text, index), words
    return _mark(file, text, at), f"YAML stops here ({problem}), compare with a line that works"


def _last_bracket(text: str, index: int) -> int:
    return max(text.rfind("[", 0, index), text.rfind("{", 0, index), 0)


def _odd_before(text: str, index: int) -> int | None:
    """The first character up to a place that looks like one of those that give YAML its shape, and is none: a blank or
    a dash where a line begins, a blank after a colon."""
    end = text.find("\n", index)
    shape = re.compile(r"^[^\S\n]*?([^\x00-\x7f])|:([^\x00-\x7f])", re.MULTILINE)
    for found in shape.finditer(text, 0, len(text) if end < 0 else end):
        place = found.start(found.lastindex or 0)
        if is_odd(text[place]):
            return place
    return None


def _continues(text: str, index: int) -> bool:
    """Whether the line stands deeper than the one before it, which has a value already."""
    *before, here = text[: text.find(":", index) + 1].split("\n")
    above = next((line for line in reversed(before) if line.strip() and not line.lstrip().startswith("#")), "")
    value = re.match(r"[\s-]*[^\s:#]+:\s+[^\s#]", above)
    return value is not None and _indent(here) > _indent(above)


def _indent(line: str) -> int:
    """Of its key: that of a list's entry stands behind the dash."""
    return len(line) - len(line.lstrip(" -"))


def _command(text: str, began: int, index: int) -> int | None:
    """Where a list's or a table's word begins with one of YAML's own signs, and a further word follows it."""
    found = re.search(r"[\[{,:]\s*([*&])[^\s,\]}]*\s+\Z", text[began:index])
    return None if found is None else began + found.start(1)


def _mark(file: str, text: str, index: int) -> Mark:
    return Mark(file, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))
