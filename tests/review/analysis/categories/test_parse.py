"""Files of categories: what they say, each mistake at its place, all at once; and that no file costs much."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import fastjsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.language.errors import MistakesError
from review.analysis.categories import keys
from review.analysis.categories.examples import run_tests
from review.analysis.categories.match import find
from review.analysis.categories.model import AllOf, AnyOf, CallLength, ClosedBy, Lasts, Not, Said, Window
from review.analysis.categories.parse import parse_file
from review.analysis.categories.plain import Term
from review.analysis.spans import MINUTE, SECOND, Span
from review.analysis.spoken import Call, Party, Speech
from tests.review.analysis.categories.written import written, wrong, wrong_in
from tests.review.analysis.raster import Word

WHOLE = """
category:
  investment-advice:
    why: MiFID II 16(7)
    any:
      - { said: [fonds, "*anleihe"], by: agent, near: "empfehl*", within: 5, first: 10m }
      - all:
          - { silence: over 20s, last: 90s }
          - { overlap: over 500ms }
          - { length: under 1h }
          - { closed_by: [cards] }
  no-greeting: { not: { said: "guten tag", first: 15s } }
tests:
  - name: advice
    call:
      - { by: agent, says: Guten Tag. Ich empfehle den Fonds., at: 1s }
      - { by: customer, says: Aha. }
      - { silence: 5s }
      - { closed: 20s, closed_by: [cards] }
    expect: [investment-advice]
  - { call: [{ silence: 1m }], expect: [no-greeting] }
  - { call: [{ by: agent, says: Guten Tag }], expect: [] }
"""


def test_what_a_file_says() -> None:
    advice, greeting = written(WHOLE).categories
    assert (advice.name, advice.why, advice.where) == ("investment-advice", "MiFID II 16(7)", "a.yaml:3:3")
    said, both = advice.condition.conditions  # type: ignore[union-attr]
    assert said == Said(
        ((Term("fonds"),), (Term("anleihe", starts_open=True),)),
        Party.AGENT,
        ((Term("empfehl", ends_open=True),),),
        5,
        Window(True, 10 * MINUTE),
        "a.yaml:6:9",
    )
    assert both == AllOf(
        (
            Lasts(True, 20 * SECOND, Window(False, 90 * SECOND), "a.yaml:8:13"),
            Lasts(False, SECOND // 2, None, "a.yaml:9:13"),
            CallLength(False, 60 * MINUTE, "a.yaml:10:13"),
            ClosedBy(frozenset({"cards"}), "a.yaml:11:13"),
        ),
        "a.yaml:7:9",
    )
    assert isinstance(advice.condition, AnyOf)
    inner = Said(((Term("guten"), Term("tag")),), window=Window(True, 15 * SECOND), where="a.yaml:12:23")
    assert greeting.condition == Not(inner, "a.yaml:12:18")


def test_a_test_is_a_call() -> None:
    first, second, _ = written(WHOLE).tests
    assert (first.name, first.expect, first.where) == ("advice", frozenset({"investment-advice"}), "a.yaml:14:5")
    speech = first.call.speech
    assert speech.agent == (Span(SECOND, 3_400_000_000),)
    assert speech.customer == (Span(3_400_000_000, 3_800_000_000),)
    assert (speech.closed, speech.end_ns) == ((Span(8_800_000_000, 28_800_000_000),), 28_800_000_000)
    assert [word.text for word in first.call.words[Party.AGENT]][:2] == ["Guten", "Tag."]
    assert first.call.closed_by == {"cards"}
    assert second.call.speech.end_ns == MINUTE
    assert all(tested.passed for tested in run_tests(written(WHOLE)))


BOUND = "write over or under and a time up to 24h, such as under 1m"


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("{ sad: fonds }", '"sad" is not a key of a condition, did you mean said?'),
        ("{ said: fonds, by: agnet }", 'by cannot be "agnet", did you mean agent?'),
        ("{ said: fonds, within: 3 }", "within says nothing without near, add near or leave it out"),
        ("{ said: fonds, near: a, within: 101 }", "within cannot be 101, at most 100 words"),
        ("{ said: fonds, near: a, within: 0 }", 'within cannot be "0", write a whole number from 1 up, without quotes'),
        ("{ said: fonds, first: 10s, last: 10s }", "first and last stand in one condition, write two"),
        ("{ said: fonds, first: 0s }", "first cannot be nothing, write for example 20s"),
        ("{ said: fonds, first: 2h }", 'first cannot be "2h", write a whole number with ms, s or m, such as 2s'),
        ("{ silence: over 3s, by: agent }", "by says nothing beside silence, leave it out"),
        ("{ closed_by: [a], first: 3s }", "first says nothing beside closed_by, leave it out"),
        ("{ silence: under 3s }", 'silence cannot be "under 3s", write over and a time up to 24h, such as over 20s'),
        ("{ length: 3s }", f'length cannot be "3s", {BOUND}'),
        ("{ length: over 25h }", f'length cannot be "over 25h", {BOUND}'),
        ("{ length: [over] }", f"length cannot be a list or keys, {BOUND}"),
        ("{ said: f*nds }", 'a * stands at the beginning or the end of a word, not as in "f*nds"'),
        ("{ said: 'der *' }", '"*" would be any word, write some of its letters'),
        ("{ said: fo* }", '"fo*" is too much, write at least 3 letters beside a *'),
        ("{ said: '--' }", 'said cannot be "--", write a word with letters or digits'),
        ("{ said: 'fonds|etf' }", 'said is words and not a pattern: "|", write a list of words'),
        ("{ said: 007 }", 'YAML reads 007 as the number 7, write it in quotes: "007"'),
        ('{ said: "fon\\u200bds" }',
         'character 4 of "fon?ds" is a zero width space (U+200B), write the plain one or delete it'),
        ("{ said: a b c d e f g h i j k l m }", "a phrase has at most 12 words, this one has 13, write two with near"),
        ("{ closed_by: cards }", "closed_by is a list, write [cards]"),
        ("{ any: [] }", "any is empty and would never fit, name conditions or leave any out"),
        ("fonds", 'a condition is keys with values, not "fonds", write said: …'),
    ],
)  # fmt: skip
def test_mistakes_in_a_condition(condition: str, says: str) -> None:
    assert wrong_in(condition) == (says,)


def test_a_condition_is_about_one_thing() -> None:
    one = "a condition has one of said, silence, overlap, length, closed_by, any, all, not; this one has"
    assert wrong_in("{ said: a, silence: over 3s }") == (f"{one} said and silence, begin the second with its own -",)
    assert wrong_in("{ by: agent }") == (f"{one} none, write for example {{ said: fonds }}",)
    assert wrong_in("{}") == (f"{one} none, write for example {{ said: fonds }}",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("category: { a: { any: [{ said: x }], all: [{ said: y }] } }",
         "a.yaml:2:16 a category has any, all or not, this one has any and all, write all: with both under it"),
        ("category: { a: { why: law } }",
         "a.yaml:2:16 a category has any, all or not, this one has no condition, add any: with a list of conditions"),
        ("category: { Fonds: { not: { said: x } } }",
         'a.yaml:2:13 a name cannot be "Fonds", write small letters, digits and single hyphens'),
        ("category: { a: { not: { said: x } }, a: { not: { said: y } } }",
         'a.yaml:2:38 "a" is there already, in a.yaml:2:13, leave one out'),
        ("category: []", "a.yaml:2:11 category is names with what each has, write for example name: { … }"),
        ("tests: [{ call: [{ silence: 1s }], expect: [] }]",
         f"a.yaml:1:1 a file of categories without category, add category: … ({keys.FILE['category'].meaning[:-1]})"),
    ],
)  # fmt: skip
def test_mistakes_in_a_category(text: str, says: str) -> None:
    assert wrong(text) == (says,)


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("{ call: [{ silence: 1s }], expect: [fond] }", 'there is no category "fond", did you mean fonds?'),
        ("{ call: [{ says: a }], expect: [] }", "says without by, add by: agent or by: customer"),
        ("{ call: [{ says: a, silence: 1s }], expect: [] }",
         "a turn has says, silence or closed, this one has says and silence, write one of them"),
        ("{ call: [{ by: agent }], expect: [] }",
         "a turn has says, silence or closed, this one has none, write one of them"),
        ("{ call: [{ silence: 1s, by: agent }], expect: [] }", "by says nothing beside silence, leave it out"),
        ("{ call: [{ silence: 0s }], expect: [] }", "silence cannot be nothing, write for example 20s"),
        ("{ call: [{ silence: 1s }] }",
         f"a test without expect, add expect: … ({keys.TEST['expect'].meaning[:-1]})"),
    ],
)  # fmt: skip
def test_mistakes_in_a_test(test: str, says: str) -> None:
    found = wrong(f"category: {{ fonds: {{ any: [{{ said: fonds }}] }} }}\ntests:\n  - {test}")
    assert [re.sub(r"^a\.yaml:4:\d+ ", "", mistake) for mistake in found] == [says]


# -- no file breaks it, or costs much -------------------------------------------------------------------------------

TEXT = f"schema: 1\n{WHOLE.strip()}\n...\n"
signs = st.sampled_from([*":{}[],-*&!#|>'\"%@ \n\t", "...", "over 5s", "any", "said", "é", "\u200b", "\0", "0", "~"])


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    text = TEXT
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(signs) + text[start + draw(st.integers(0, 6)) :]
    return text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["over 5s", "agent", "*", "10s"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*keys.CONDITION, *keys.TEST, *keys.TURN, "x"]), inner, max_size=4),
    ),
)


def tolerated(content: bytes) -> None:
    """It is read, and its tests run; or each of its mistakes has a place."""
    mistakes = None
    try:
        run_tests(parse_file("a.yaml", content))
    except MistakesError as error:
        mistakes = error.mistakes
    assert mistakes != ()
    assert [one for one in mistakes or () if not re.match(r"a\.yaml:[1-9]\d*:[1-9]\d* \S", one)] == []


@given(spoilt())
def test_a_spoilt_file_is_read_or_its_mistakes_are_named(text: str) -> None:
    tolerated(text.encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_their_mistakes_are_named(content: bytes) -> None:
    tolerated(content)


@given(values, values)
@settings(max_examples=60)
def test_any_values_are_read_or_their_mistakes_are_named(category: Any, tests: Any) -> None:
    content = {"schema": 1, "category": {"c": category}, "tests": tests}
    tolerated(f"{json.dumps(content)}\n...\n".encode())
    deeper = {"schema": 1, "category": {"c": {"any": [category]}}, "tests": [{"call": [tests], "expect": []}]}
    tolerated(f"{json.dumps(deeper)}\n...\n".encode())


def file_of(conditions: Any, **more: Any) -> bytes:
    return f"{json.dumps({'schema': 1, 'category': {'c': {'any': conditions}}, **more})}\n...\n".encode()


def nested(depth: int) -> Any:
    """As many any, all and not as it says, with that of the category."""
    return {"said": "a"} if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda more: file_of([{"length": "over 1s"}] * (1_000 + more)), "a file has at most 1000 conditions"),
        (lambda more: file_of([{"said": ["a"] * (3_999 + more), "near": "b"}]), "a file has at most 4000 words and"),
        (lambda more: file_of([{"said": ["abc*"] * (1_000 + more)}]), "a file has at most 1000 words with a *"),
        (lambda more: file_of([{"said": "a" * (40 + more)}]), "has 41 letters, a word has at most 40"),
        (lambda more: file_of([nested(6 + more)]), "any, all and not are more than 6 deep"),
        (lambda more: file_of([{"said": "a"}], tests=[{"call": [{"silence": "1s"}], "expect": []}] * (100 + more)),
         "a file has at most 100 tests"),
        (lambda more: file_of([{"said": "a"}], tests=[
            {"call": [{"by": "agent", "says": "b " * 5_000}], "expect": []},
            {"call": [{"by": "agent", "says": "b " * (5_000 + more)}], "expect": []}]),
         "at most 10000 words are said in all tests"),
        (lambda more: json.dumps({"schema": 1, "category": {
            f"c{number}": {"not": {"said": "a"}} for number in range(200 + more)}}).encode() + b"\n...\n",
         "a file has at most 200 categories"),
    ],
)  # fmt: skip
def test_how_much_a_file_may_say(content: Any, says: str) -> None:
    parse_file("a.yaml", content(0))
    with pytest.raises(MistakesError) as caught:
        parse_file("a.yaml", content(1))
    assert len(caught.value.mistakes) == 1
    assert says in caught.value.mistakes[0]


def test_how_large_a_file_may_be() -> None:
    body = file_of([{"said": "a"}])
    comment = b"#" * (keys.LARGEST - len(body) - 1)
    parse_file("a.yaml", body + comment + b"\n")
    for content, says in (
        (body + comment + b"#\n", "a.yaml:1:1 the file has 262145 bytes or more, at most 262144 are read"),
        (file_of([[0] * 20_000]), "a.yaml:1:1 the file has 20010 words, lists and tables, at most 20000 are read"),
    ):
        with pytest.raises(MistakesError) as caught:
            parse_file("a.yaml", content)
        assert caught.value.mistakes[0].startswith(says)


def test_a_hostile_file_costs_little_over_a_long_call() -> None:
    """Two hours of words over and over, and as many rules as a file may have that each fit almost everywhere."""
    words = [Word(("ja", "neindanke")[at % 2], at * SECOND // 3, at * SECOND // 3 + 1) for at in range(20_000)]
    call = Call(Speech(0, 7_000 * SECOND, (), ()), dict.fromkeys(Party, words))
    phrase = "ja neindanke " * 6
    said = [{"said": [phrase] * 2, "near": ["ja", phrase], "within": 100} for _ in range(500)]
    said += [{"said": [f"*dank* {phrase[13:]}ja"] * 2, "near": "ja", "within": 100} for _ in range(250)]
    categories = parse_file("a.yaml", file_of(said))
    before = time.process_time()
    assert find(categories, call)[0].holds is True
    assert time.process_time() - before < 4


# -- the schema -----------------------------------------------------------------------------------------------------


def test_the_schema_is_of_one_mind_with_the_reader() -> None:
    judge = fastjsonschema.compile(keys.schema())
    judge(yaml.safe_load(TEXT))
    for was, becomes in (("why", "whi"), ("by: agent, near", "by: all, near"), ("within: 5", "within: 0"),
                         ("first: 10m", "first: 10"), ("expect: []", "expect: ''")):  # fmt: skip
        assert was in TEXT
        text = TEXT.replace(was, becomes, 1)
        with pytest.raises(fastjsonschema.JsonSchemaException):
            judge(yaml.safe_load(text))
        with pytest.raises(MistakesError):
            parse_file("a.yaml", text.encode())
