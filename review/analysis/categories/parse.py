"""A file of categories -> Categories, or MistakesError with every mistake at once, each at its place.

Nothing is guessed: a word that could only be meant as a pattern, a key beside one that it says nothing about, and a
condition that never holds are refused. How much a file may say is bounded, so that reading and matching cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from protocol.language.characters import of_regular_expressions
from protocol.language.errors import MistakesError
from protocol.language.joined import JoinedFiles
from protocol.language.marks import Mark, MarkedDocument, Node, Scalar, Table
from protocol.language.reading import Entries, Reading, quoted
from protocol.language.yaml_marks import read_marks
from review.analysis.categories import keys
from review.analysis.categories.examples import read_tests
from review.analysis.categories.model import (
    AllOf,
    AnyOf,
    CallLength,
    Categories,
    Category,
    ClosedBy,
    Condition,
    Lasts,
    Not,
    Phrase,
    Phrases,
    Said,
    Window,
)
from review.analysis.categories.plain import Term, pieces_of
from review.analysis.categories.reading import read_bound, read_party, read_time
from review.governance.reading import check_plain, names_in, read_words

NEVER: Final = Said(())  # after a mistake


def parse_file(name: str, content: bytes) -> Categories:
    """`name`: what mistakes call the file. Its tests are read, and not run. Raises MistakesError."""
    if len(content) > keys.LARGEST:
        large = f"the file has {len(content)} bytes or more, at most {keys.LARGEST} are read, leave some categories out"
        raise MistakesError((f"{name}:1:1 {large}",))
    marked = read_marks(name, content)
    mistakes = [f"{mark} {mistake}" for mark, mistake in marked.mistakes]
    if marked.document is None:
        raise MistakesError(tuple(mistakes))
    if marked.nodes > keys.MOST_NODES:
        many = f"the file has {marked.nodes} words, lists and tables, at most {keys.MOST_NODES} are read"
        raise MistakesError((f"{name}:1:1 {many}",))
    reader = _Reader(marked.document)
    found = reader.read()
    mistakes += [f"{mark} {mistake}" for mark, mistake in sorted(reader.reading.mistakes)]
    if mistakes:
        raise MistakesError(tuple(mistakes))
    return found


class _Reader:
    def __init__(self, document: MarkedDocument) -> None:
        self.reading = Reading()
        self._file = JoinedFiles(
            self.reading, [document], keys.FILE, "a file of categories", {"tests": "tests"}, whole=True
        )
        self._conditions = 0
        self._phrases = 0
        self._open = 0

    def read(self) -> Categories:
        absent: tuple[Category, ...] = ()
        categories = self._file.one("category", lambda _, node, name: self._categories(node, name), absent)
        names = [category.name for category in categories]
        return Categories(categories, read_tests(self.reading, self._file.all("tests"), names))

    def _categories(self, node: Node, name: str) -> tuple[Category, ...]:
        found: dict[str, Category] = {}
        for key, value in names_in(self.reading, node, name):
            if key.text in found:
                first = found[key.text].where
                self.reading.wrong(key.mark, f"{quoted(key.text)} is there already, in {first}, leave one out")
            elif len(found) == keys.MOST_CATEGORIES:
                self.reading.wrong(key.mark, f"a file has at most {keys.MOST_CATEGORIES} categories, leave some out")
                break
            else:
                found[key.text] = self._category(key, value)
        return tuple(found.values())

    def _category(self, key: Scalar, node: Node) -> Category:
        table = self.reading.table(node, keys.CATEGORY, "a category")
        parts = [name for name in ("any", "all", "not") if name in table]
        condition: Condition = NEVER
        if parts:
            condition = self._part(parts[0], table, 1)
        if isinstance(node, Table) and len(parts) != 1:
            says = " and ".join(parts) if parts else "no condition"
            how = "write all: with both under it" if parts else "add any: with a list of conditions"
            self.reading.wrong(node.mark, f"a category has any, all or not, this one has {says}, {how}")
        return Category(key.text, condition, self.reading.value(table, "why", Reading.text, ""), str(key.mark))

    # -- conditions -------------------------------------------------------------------------------------------------

    def _part(self, name: str, table: Entries, depth: int) -> Condition:
        """What stands at any, all or not."""
        mark, node = table[name]
        if depth > keys.DEEPEST:
            self.reading.wrong(mark, f"any, all and not are more than {keys.DEEPEST} deep, make categories of some")
            return NEVER
        if name == "not":
            return Not(self._condition(node, depth), str(mark))
        items = self.reading.items(node, name, "conditions")
        conditions = tuple(self._condition(item, depth) for item in items)
        return AnyOf(conditions, str(mark)) if name == "any" else AllOf(conditions, str(mark))

    def _condition(self, node: Node, depth: int) -> Condition:
        self._conditions += 1
        if self._conditions > keys.MOST_CONDITIONS:
            if self._conditions == keys.MOST_CONDITIONS + 1:
                self.reading.wrong(node.mark, f"a file has at most {keys.MOST_CONDITIONS} conditions, leave some out")
            return NEVER
        table = self.reading.table(node, keys.CONDITION, "a condition")
        subjects = [name for name in keys.SUBJECTS if name in table]
        if len(subjects) != 1:
            if isinstance(node, Table) and (table or not node.entries):
                says = " and ".join(subjects) if subjects else "none"
                how = "begin the second with its own -" if subjects else "write for example { said: fonds }"
                one = ", ".join(keys.SUBJECTS)
                self.reading.wrong(node.mark, f"a condition has one of {one}; this one has {says}, {how}")
            return NEVER
        subject = subjects[0]
        for name in table.keys() - {subject} - keys.SUBJECTS[subject]:
            self.reading.wrong(table[name][0], f"{name} says nothing beside {subject}, leave it out")
        if subject in ("any", "all", "not"):
            return self._part(subject, table, depth + 1)
        return self._plain(subject, table, str(node.mark))

    def _plain(self, subject: str, table: Entries, where: str) -> Condition:
        reading = self.reading
        node = table[subject][1]
        if subject == "said":
            return self._said(table, where)
        if subject == "closed_by":
            return ClosedBy(frozenset(word.text for word in reading.texts(node, subject)), where)
        over, ns = read_bound(reading, node, subject, may_be_under=subject == "length")
        if subject == "length":
            return CallLength(over, ns, where)
        return Lasts(subject == "silence", ns, self._window(table), where)

    def _said(self, table: Entries, where: str) -> Said:
        reading = self.reading
        if "within" in table and "near" not in table:
            reading.wrong(table["within"][0], "within says nothing without near, add near or leave it out")
        within = reading.value(table, "within", Reading.whole_number, 10)
        if within > keys.FARTHEST:
            reading.wrong(table["within"][1].mark, f"within cannot be {within}, at most {keys.FARTHEST} words")
        return Said(
            phrases=self._read_phrases(table, "said"),
            by=reading.value(table, "by", read_party, None),
            near=self._read_phrases(table, "near"),
            within=within,
            window=self._window(table),
            where=where,
        )

    def _window(self, table: Entries) -> Window | None:
        if "first" in table and "last" in table:
            self.reading.wrong(table["last"][0], "first and last stand in one condition, write two")
        for name in ("first", "last"):
            if name in table:
                return Window(name == "first", read_time(self.reading, table[name][1], name))
        return None

    def _read_phrases(self, table: Entries, name: str) -> Phrases:
        words = read_words(self.reading, table[name][1], name) if name in table else ()
        before, self._phrases = self._phrases, self._phrases + len(words)
        if self._phrases > keys.MOST_PHRASES:
            if before <= keys.MOST_PHRASES:
                at = table[name][1].mark
                self.reading.wrong(at, f"a file has at most {keys.MOST_PHRASES} words and phrases, leave some out")
            return ()
        return tuple(self._phrase(word, name) for word in words)

    def _phrase(self, word: Scalar, name: str) -> Phrase:
        reading, wrong = self.reading, _wrong_at(self.reading, word.mark)
        check_plain(reading, word.mark, word.text)
        if pattern := of_regular_expressions(word.text):
            wrong(f"{name} is words and not a pattern: {quoted(pattern)}, write a list of words")
        terms: list[Term] = []
        for written in word.text.split():
            inner = written.removeprefix("*").removesuffix("*")
            pieces = pieces_of(inner)
            if "*" in inner:
                wrong(f"a * stands at the beginning or the end of a word, not as in {quoted(written)}")
            elif not pieces and "*" in written:
                wrong(f"{quoted(written)} would be any word, write some of its letters")
            starts, ends = written.startswith("*"), written.endswith("*") and len(written) > 1
            for at, piece in enumerate(pieces):
                terms.append(Term(piece, starts and at == 0, ends and at == len(pieces) - 1))
                if (terms[-1].starts_open or terms[-1].ends_open) and len(piece) < keys.SHORTEST_OPEN:
                    wrong(f"{quoted(written)} is too much, write at least {keys.SHORTEST_OPEN} letters beside a *")
                if len(piece) > keys.LONGEST_WORD:
                    wrong(f"{quoted(piece)} has {len(piece)} letters, a word has at most {keys.LONGEST_WORD}")
        self._count_open(terms, word.mark)
        if not terms and word.text.strip("* \t\n"):
            wrong(f"{name} cannot be {quoted(word.text)}, write a word with letters or digits")
        if len(terms) > keys.MOST_WORDS:
            wrong(f"a phrase has at most {keys.MOST_WORDS} words, this one has {len(terms)}, write two with near")
        return tuple(terms)

    def _count_open(self, terms: Sequence[Term], mark: Mark) -> None:
        before, self._open = self._open, self._open + sum(term.starts_open or term.ends_open for term in terms)
        if before <= keys.MOST_OPEN < self._open:
            self.reading.wrong(mark, f"a file has at most {keys.MOST_OPEN} words with a *, leave some out")


def _wrong_at(reading: Reading, mark: Mark) -> Callable[[str], None]:
    return lambda mistake: reading.wrong(mark, mistake)
