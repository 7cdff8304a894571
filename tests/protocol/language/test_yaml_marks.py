"""YAML's traps, each with what its author is told: to the letter, at the place to look at."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from protocol.language.marks import Mark, MarkedDocument, Scalar, Series, Table
from protocol.language.yaml_marks import DEEPEST, read_marks
from protocol.language.yaml_traps import explain_syntax

ROOT = Path(__file__).resolve().parents[3]


def told(content: str | bytes) -> list[str]:
    """What is wrong with a file; a text without its end mark gets one."""
    if isinstance(content, str):
        content = (content if "..." in content else f"{content}\n...\n").encode()
    return [f"{mark} {mistake}" for mark, mistake in read_marks("p.yaml", content).mistakes]


def scalar(word: str) -> Scalar:
    document = read_marks("p.yaml", f"{word}\n...\n".encode()).document
    assert document is not None
    assert isinstance(document.root, Scalar)
    return document.root


def test_a_tree_with_the_place_of_everything() -> None:
    text = "# a comment\nrules:\n  - id: x\n    any: [app, 'no']\n...\n# the end\n\n"
    name = "p.yaml"
    assert read_marks(name, text.encode()).document == MarkedDocument(
        name,
        Table(
            Mark(name, 2, 1),
            (
                (
                    Scalar(Mark(name, 2, 1), "rules"),
                    Series(
                        Mark(name, 3, 3),
                        (
                            Table(
                                Mark(name, 3, 5),
                                (
                                    (Scalar(Mark(name, 3, 5), "id"), Scalar(Mark(name, 3, 9), "x")),
                                    (
                                        Scalar(Mark(name, 4, 5), "any"),
                                        Series(
                                            Mark(name, 4, 10),
                                            (Scalar(Mark(name, 4, 11), "app"), Scalar(Mark(name, 4, 16), "no")),
                                        ),
                                    ),
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("word", "reads_as"),
    [
        ("off", "false"),
        ("Yes", "true"),
        ("007", "the number 7"),
        ("0x_", "a number"),  # to YAML's grammar; int() raises
        ("0b_", "a number"),
        ("1:30", "the number 90"),
        ("12", "the number 12"),
        ("1_000", "the number 1000"),
        ("0x1F", "the number 31"),
        ("1.50", "the number 1.5"),
        (".inf", "the number inf"),
        ("9" * 5000, "a number"),
        ("2026-11-24", "a date"),
        ("~", "nothing"),
        ("null", "nothing"),
        ("=", "a sign of its own"),
        ("'off'", ""),
        ('"007"', ""),
        ("card", ""),
        ("2s", ""),
        ("08", ""),
    ],
)
def test_what_yaml_makes_of_an_unquoted_word(word: str, reads_as: str) -> None:
    assert scalar(word).reads_as == reads_as
    assert scalar(word).text == word.strip("'\"")


BARE = "needs quotes, write"
DEEPER = "this line is indented deeper than the one above, which has its value already, indent it as far as that one"
INSTEAD = "stands here, write the plain character instead"
LINE_UP = "the lines of one list or rule begin in the same column, indented by spaces"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # signs that YAML takes for commands
        ("title: *chart*", f"p.yaml:1:8 a word that begins with * {BARE} '*chart*'"),
        ("title: [ *chart*, b ]", f"p.yaml:1:10 a word that begins with * {BARE} '*chart*'"),
        ("title: [*chart, b]", f"p.yaml:1:9 a word that begins with * {BARE} '*chart'"),
        ("title:\n  - *it's here # not there", f"p.yaml:2:5 a word that begins with * {BARE} '*it''s here'"),
        ("why: &co", f"p.yaml:1:6 a word that begins with & {BARE} '&co'"),
        ("why: & co", f"p.yaml:1:6 a word that begins with & {BARE} '& co'"),
        ("why: !secret", f"p.yaml:1:6 a word that begins with ! {BARE} '!secret'"),
        ("why: ! secret", f"p.yaml:1:6 a word that begins with ! {BARE} '! secret'"),
        ("why: !<x y", f"p.yaml:1:6 a word that begins with ! {BARE} '!<x y'"),
        ("why: !!python/name:x y", f"p.yaml:1:6 a word that begins with ! {BARE} '!!python/name:x y'"),
        ("why: !a!b c", f"p.yaml:1:6 a word that begins with ! {BARE} '!a!b c'"),
        ("why: @x", f"p.yaml:1:6 a word that begins with @ {BARE} '@x'"),
        ("why: `x`", f"p.yaml:1:6 a word that begins with ` {BARE} '`x`'"),
        ("why: %x", f"p.yaml:1:6 a word that begins with % {BARE} '%x'"),
        ("why: >x", f"p.yaml:1:6 a word that begins with > {BARE} '>x'"),
        ("why: | x", f"p.yaml:1:6 a word that begins with | {BARE} '| x'"),
        ("%x", "p.yaml:2:1 a line that begins with % is a command to YAML, put it in quotes or delete it"),
        ("%YAML 9 9", "p.yaml:1:8 a line that begins with % is a command to YAML, put it in quotes or delete it"),
        # colons, tabs, columns
        ("why: PCI: the code", "p.yaml:1:9 a colon and a space inside a sentence, put the whole sentence in quotes"),
        ("rules:\n- id: x\n    why: y", f"p.yaml:3:5 {DEEPER}"),
        ("rules:\n  - id: x\n\n    # of PCI\n    why: z\n      any: y", f"p.yaml:6:7 {DEEPER}"),
        ("a:\n\u00a0 b: c\n    d: e", f"p.yaml:2:1 a no-break space (U+00A0) {INSTEAD}"),
        ("ä: b\nc:\u00a0d", f"p.yaml:2:3 a no-break space (U+00A0) {INSTEAD}"),  # a letter stands before it
        ("a: b\nc:\u00a0d", f"p.yaml:2:3 a no-break space (U+00A0) {INSTEAD}"),
        ("a:\n  \u2013 b: c\n    d: e", f"p.yaml:2:3 an en dash (U+2013) {INSTEAD}"),
        ("a: \u201cb: c\u201d", "p.yaml:1:6 a colon and a space inside a sentence, put the whole sentence in quotes"),
        (
            "id:x\nwhy: y",
            f"p.yaml:2:4 no colon is expected here, {LINE_UP}, and a space follows the colon of every key",
        ),
        ("rules:\n  - id: x\n   why: y", f"p.yaml:3:4 this line is indented otherwise than those before it, {LINE_UP}"),
        ("rules:\n\t- id: x", "p.yaml:2:1 a tab stands here, YAML wants spaces, replace it"),
        ("id:\tx: y", "p.yaml:1:4 a tab stands here, YAML wants spaces, replace it"),
        ("schema: 1\nname\nrevision: 2", "p.yaml:2:1 this line has no colon, write key: value"),
        # quotes and brackets
        ('name: "x', "p.yaml:1:7 this quote is never closed, add the second one"),
        (
            "name: 'it's'",
            "p.yaml:1:11 a word goes on after its closing quote, put all of it in quotes (and write '' for a ' inside)",
        ),
        (
            r'name: "C:\Users"',
            r"p.yaml:1:7 a backslash in double quotes begins a sign of YAML's own, write single quotes: '\…'",
        ),
        (
            "css: [#pan]",
            "p.yaml:1:6 YAML finds no end to this [, close it (a word with # ! or a bracket in it needs quotes)",
        ),
        (
            "css: [a, #pan]\nb: c",
            "p.yaml:1:6 YAML finds no end to this [, close it (a word with # ! or a bracket in it needs quotes)",
        ),
        ("title: [a, *card code*]", "p.yaml:1:12 a word that begins with * needs quotes, write '*card code*'"),
        ("- { title: *card code* }", "p.yaml:1:12 a word that begins with * needs quotes, write '*card code*'"),
        (
            "- { page: https://a/{b} }",
            "p.yaml:1:3 YAML finds no end to this {, close it (a word with # ! or a bracket in it needs quotes)",
        ),
        ("{a: b}: c", "p.yaml:1:1 a key is one word, put a word that begins with [ or { in quotes"),
        # merge keys, several documents, the end mark
        ("a:\n  <<: b", "p.yaml:2:3 << is YAML's merge key, which is not read, write the keys out"),
        ("a: b\n---\nc: d", "p.yaml:2:1 a second document begins here, one file holds one, leave the --- out"),
        ("a: b\n...\nc: d\n...\n", "p.yaml:3:1 text after the end mark ..., nothing but comments may follow it"),
        ("a: b\n... c\n...\n", "p.yaml:2:5 text after the end mark ..., nothing but comments may follow it"),
        ("...\n", "p.yaml:1:1 nothing stands above the end mark, write something there"),
        ("a: \x07", "p.yaml:1:4 an invisible character stands here, delete it"),
        (f"a: {'[' * 40}", f"p.yaml:1:35 more than {DEEPEST} levels deep, 8 are enough"),
        (
            "why: ,",
            "p.yaml:1:6 YAML stops here (expected the node content, but found ','), compare with a line that works",
        ),
    ],
)  # fmt: skip
def test_traps(text: str, said: str) -> None:
    assert told(text) == [said]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "name: x\n...\n".encode("utf-16"),
            'p.yaml:1:1 the file is UTF-16 (Notepad calls it "Unicode"), save it as UTF-8',
        ),
        (
            "name: x\n...\n".encode("utf-16-le"),
            'p.yaml:1:1 the file is UTF-16 (Notepad calls it "Unicode"), save it as UTF-8',
        ),
        (
            b"\xef\xbb\xbfname: x\n...\n",
            "p.yaml:1:1 the file begins with an invisible byte-order mark, save it as UTF-8 without BOM",
        ),
        (
            "a: é\nname: Zürich ".encode() + b"\x96 x\n...\n",
            'p.yaml:2:14 the byte 0x96 ("\u2013" in Windows-1252) is not UTF-8, save the file as UTF-8',
        ),
        (b"name: x", "p.yaml:1:1 the file does not end with the line ... (three dots), add it, or save the file whole"),
        (b"name: x\n...", "p.yaml:2:4 the last line is not finished, press Enter after the three dots"),
    ],
)
def test_bytes(content: bytes, said: str) -> None:
    assert told(content) == [said]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"# nothing\n", b"name: x\n", b"name: x\n....\n", b"- a\n - ...\n"])
def test_a_file_without_its_end_mark_says_so(content: bytes) -> None:
    assert any("does not end with the line ..." in mistake for mistake in told(content))


@pytest.mark.parametrize(
    "content", [b"a: b\r\n...\r\n", b"a: b\n...  \n", b"a: b\n...\n# end\n\n   \n  # end", b"a: b\n...\n#"]
)
def test_what_may_follow_the_end_mark(content: bytes) -> None:
    assert told(content) == []


def test_an_error_that_says_no_place() -> None:
    assert explain_syntax("p.yaml", "", yaml.YAMLError()) == (
        Mark("p.yaml", 1, 1),
        "YAML cannot read this file, compare it with one that works",
    )


def test_several_mistakes_of_one_file() -> None:
    assert told(b"a: &x 1\nb: *x\nc: !y z\n") == [
        "p.yaml:3:1 the file does not end with the line ... (three dots), add it, or save the file whole",
        "p.yaml:1:4 a word that begins with & needs quotes, write '&x 1'",
        "p.yaml:2:4 a word that begins with * needs quotes, write '*x'",
        "p.yaml:3:4 a word that begins with ! needs quotes, write '!y z'",
    ]


def test_aliases_that_explode_are_not_followed() -> None:
    """Nine levels of nine: followed, this would be a billion words."""
    levels = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    said = told("\n".join(levels))
    assert len(said) == 10 + 81
    assert said[0] == "p.yaml:1:5 a word that begins with & needs quotes, write '&a0 [lol'"


LINES = st.lists(
    st.sampled_from(
        (
            "# ...",
            "- id: card-forms",
            "  why: ends with ...",
            "  any: [app: ['...']]",
            "  why: |",
            "    ...",
            "  why: '...",
            "    ... '",
            "name: Zürich",
            "",
        )
    ),
    max_size=8,
)


@given(LINES, st.integers(min_value=1))
def test_no_part_of_any_file_is_whole(lines: list[str], cut: int) -> None:
    """Whatever stands in a file, and wherever it was cut off: the missing end mark is told."""
    content = "\n".join([*lines, "...", ""]).encode()
    part = content[: -1 - cut % len(content)]
    assert read_marks("p.yaml", part).mistakes


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_explained(content: bytes) -> None:
    marked = read_marks("p.yaml", content)
    assert marked.document is not None or marked.mistakes


@given(st.text(alphabet="ab:-# \n\t[]{}'\"*&!|>%@`,?.\\", max_size=60))
def test_any_text_is_read_or_explained(text: str) -> None:
    marked = read_marks("p.yaml", text.encode())
    assert marked.document is not None or marked.mistakes
    for mark, mistake in marked.mistakes:
        assert mark.line >= 1
        assert mark.column >= 1
        assert mistake
