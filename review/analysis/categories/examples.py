"""The tests inside a file of categories: calls in a few words, made to speech and words, and whether they come out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from protocol.language.marks import Node, Series
from protocol.language.reading import MILLISECOND, Entries, Reading, quoted
from review.analysis.categories import keys
from review.analysis.categories.match import Found, find
from review.analysis.categories.model import Categories, CategoryTest
from review.analysis.categories.reading import read_party, read_time
from review.analysis.spans import Span
from review.analysis.spoken import Call, Party, Speech
from review.governance.cautions import Caution
from review.governance.reading import meant, word_set
from review.governance.words import listed

A_WORD: Final = 400 * MILLISECOND  # 150 words a minute


@dataclass(frozen=True, slots=True)
class TestWord:
    """A word of a test's call."""

    text: str
    start_ns: int
    end_ns: int


@dataclass(slots=True)
class _Made:
    """A call while its turns are read; it begins at 0."""

    end: int = 0
    longest: int = 0
    speech: dict[Party, list[Span]] = field(default_factory=lambda: {party: [] for party in Party})
    words: dict[Party, list[TestWord]] = field(default_factory=lambda: {party: [] for party in Party})
    closed: list[Span] = field(default_factory=list)
    closed_by: set[str] = field(default_factory=set)

    def to(self, end: int) -> None:
        self.end, self.longest = end, max(self.longest, end)

    def call(self) -> Call:
        agent, customer = (tuple(self.speech[party]) for party in Party)
        speech = Speech(0, self.longest, agent, customer, tuple(self.closed))
        return Call(speech, self.words, closed_by=frozenset(self.closed_by))


def read_tests(reading: Reading, nodes: Sequence[Node], names: Collection[str]) -> tuple[CategoryTest, ...]:
    """`names`: of the file's categories."""
    if len(nodes) > keys.MOST_TESTS:
        reading.wrong(nodes[keys.MOST_TESTS].mark, f"a file has at most {keys.MOST_TESTS} tests, leave some out")
    tests = tuple(_read_test(reading, node, names) for node in nodes[: keys.MOST_TESTS])
    said = 0
    for test in tests:
        before, said = said, said + sum(map(len, test.call.words.values()))
        if before <= keys.MOST_TEST_WORDS < said:
            many = f"at most {keys.MOST_TEST_WORDS} words are said in all tests, leave some out"
            reading.wrong(nodes[tests.index(test)].mark, many)
    return tests


def _read_test(reading: Reading, node: Node, names: Collection[str]) -> CategoryTest:
    table = reading.table(node, keys.TEST, "a test")
    made = _Made()
    for turn in reading.items(table["call"][1], "call", "turns") if "call" in table else ():
        _read_turn(reading, turn, made)
    return CategoryTest(
        name=reading.value(table, "name", Reading.text, ""),
        call=made.call(),
        expect=_read_expect(reading, table["expect"][1], names) if "expect" in table else frozenset(),
        where=str(node.mark),
    )


def _read_expect(reading: Reading, node: Node, names: Collection[str]) -> frozenset[str]:
    if isinstance(node, Series) and not node.items:
        return frozenset()
    words = reading.texts(node, "expect")
    for word in words:
        if word.text not in names:
            reading.wrong(word.mark, f"there is no category {quoted(word.text)}, {meant(word.text, names)}")
    return frozenset(word.text for word in words)


def _read_turn(reading: Reading, node: Node, made: _Made) -> None:
    table = reading.table(node, keys.TURN, "a turn")
    kinds = [name for name in ("says", "silence", "closed") if name in table]
    if len(kinds) != 1:
        if table:
            had = " and ".join(kinds) or "none"
            reading.wrong(node.mark, f"a turn has says, silence or closed, this one has {had}, write one of them")
        return
    needless = {"says": {"closed_by"}, "silence": {"by", "closed_by"}, "closed": {"by"}}[kinds[0]]
    for name in sorted(needless & table.keys()):
        reading.wrong(table[name][0], f"{name} says nothing beside {kinds[0]}, leave it out")
    start = reading.value(table, "at", Reading.duration, made.end)
    if kinds[0] == "says":
        _read_says(reading, node, table, made, start)
        return
    end = start + read_time(reading, table[kinds[0]][1], kinds[0])
    made.to(end)
    if kinds[0] == "closed":
        made.closed.append(Span(start, end))
        made.closed_by |= word_set(reading, table, "closed_by")


def _read_says(reading: Reading, node: Node, table: Entries, made: _Made, start: int) -> None:
    if "by" not in table:
        reading.wrong(node.mark, "says without by, add by: agent or by: customer")
        return
    party = read_party(reading, table["by"][1], "by")
    texts = reading.text(table["says"][1], "says").split()
    said = made.words[party]
    said += [TestWord(text, at, at + A_WORD) for number, text in enumerate(texts) for at in [start + number * A_WORD]]
    end = start + len(texts) * A_WORD
    made.speech[party].append(Span(start, end))
    made.to(end)


# -- running them ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tested:
    """`found`: every category of the file."""

    test: CategoryTest
    found: tuple[Found, ...]

    @property
    def got(self) -> frozenset[str]:
        return frozenset(one.category for one in self.found if one.holds)

    @property
    def passed(self) -> bool:
        return self.got == self.test.expect


def run_tests(categories: Categories) -> tuple[Tested, ...]:
    return tuple(Tested(test, find(categories, test.call)) for test in categories.tests)


def failed_tests(tried: Sequence[Tested]) -> tuple[str, ...]:
    """As mistakes: `file:line:column what is wrong, what was meant`."""
    return tuple(
        f"{one.test.where} the test expects {_names(one.test.expect)}, the rules say {_names(one.got)}, "
        "correct one of them"
        for one in tried
        if not one.passed
    )


def _names(names: Collection[str]) -> str:
    return listed(names) if names else "no category"


def cautions(categories: Categories) -> Iterator[Caution]:
    """Categories that no test has, or none is without: a rule that never fits, or always, passes unseen."""
    for category in categories.categories:
        having = sum(category.name in test.expect for test in categories.tests)
        if not having:
            yield Caution(f"no test expects {category.name}, add one", category.where)
        elif having == len(categories.tests):
            yield Caution(f"every test expects {category.name}, add one that does not", category.where)
