"""The top keys of several files as one: lists follow one another, everything else stands in one file only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, TypeVar

from protocol.language.keys import Keys
from protocol.language.marks import Mark, MarkedDocument, Node, Scalar, Table
from protocol.language.reading import Entries, Reading, quoted

LANGUAGE: Final = 1  # what `schema:` says; counts up when an older Eyelid could misread a file

T = TypeVar("T")
Read = Callable[[Reading, Node, str], T]


class JoinedFiles:
    """`keys`: of a file; `what` a file is in words; `entries`: key of a list -> its entries in words.

    `whole`: False where further files cannot be read as YAML; what these lack may stand there, and is no mistake then.
    """

    def __init__(
        self,
        reading: Reading,
        documents: Sequence[MarkedDocument],
        keys: Keys,
        what: str,
        entries: Mapping[str, str],
        *,
        whole: bool,
    ) -> None:
        self.reading = reading
        self._keys = keys
        self._entries = entries
        self._beginning = documents[0].root.mark
        self.whole = whole and all(isinstance(document.root, Table) for document in documents)
        self.tables: list[Entries] = []
        for document in documents:
            table = self.reading.table(document.root, keys, what)
            self.tables.append(table)
            if "schema" in table:
                _check_language(self.reading, table["schema"][1])

    def place(self, key: str) -> Mark:
        """Where the key first stands; the beginning if nowhere."""
        return next((table[key][0] for table in self.tables if key in table), self._beginning)

    def has(self, key: str) -> bool:
        return any(key in table for table in self.tables)

    def one(self, key: str, read: Read[T], absent: T, *, required: bool = False) -> T:
        """The value of a key that all files share. Two files may repeat it, but not contradict each other."""
        found = [table[key] for table in self.tables if key in table]
        if not found:
            if required and self.whole:
                meaning = self._keys[key].meaning.rstrip(".")
                self.reading.wrong(self._beginning, f"no file has {key}, add {key}: … ({meaning})")
            return absent
        values = [read(self.reading, node, key) for _, node in found]
        for (mark, _), value in zip(found[1:], values[1:], strict=True):
            if value != values[0]:
                self.reading.wrong(mark, f"{key} is not the same as in {found[0][0]}, let it stand in one file only")
        return values[0]

    def all(self, key: str) -> tuple[Node, ...]:
        """The entries of a list, of all files."""
        return tuple(chain.from_iterable(self.each(key)))

    def each(self, key: str) -> Iterator[tuple[Node, ...]]:
        """The entries of a list, for each file that has it."""
        for table in self.tables:
            if key in table:
                yield self.reading.items(table[key][1], key, self._entries[key])


def _check_language(reading: Reading, node: Node) -> None:
    if not (isinstance(node, Scalar) and node.text == str(LANGUAGE) and node.reads_as):
        got = quoted(node.text) if isinstance(node, Scalar) else "a list or keys"
        reading.wrong(node.mark, f"schema cannot be {got}, this Eyelid reads schema: {LANGUAGE}")
