"""A YAML file -> its marked tree, or its mistakes in plain words, each at its place.

The tree is built from the parser's events, so that an alias is refused where it stands and never followed: aliases
that double at every level make gigabytes of a few lines. What YAML would turn an unquoted word into is noted, not done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import yaml

from protocol.language.marks import Mark, MarkedDocument, Node, Scalar, Series, Table
from protocol.language.yaml_traps import explain_syntax, first_word

DEEPEST: Final = 32  # nested lists and tables; the language needs 8
LONGEST_NUMBER: Final = 40

Mistake = tuple[Mark, str]


@dataclass(frozen=True, slots=True)
class Marked:
    """What one file says. Without a document the file could not be read to its end, and `mistakes` says why."""

    document: MarkedDocument | None
    mistakes: tuple[Mistake, ...] = ()
    nodes: int = 0  # words, lists and tables


def read_marks(file: str, content: bytes) -> Marked:
    """`file`: the name that mistakes are shown with."""
    undecodable = _why_not_text(file, content)
    if undecodable:
        return Marked(None, (undecodable,))
    text = content.decode("utf-8")
    mistakes = _missing_end(file, text)
    try:
        tree = _Tree(file, text)
        root = tree.read()
    except yaml.YAMLError as error:
        return Marked(None, (*mistakes, explain_syntax(file, text, error)))
    except _TooDeepError as error:
        return Marked(None, (*mistakes, (error.mark, f"more than {DEEPEST} levels deep, 8 are enough")))
    return Marked(MarkedDocument(file, root), (*mistakes, *tree.mistakes), tree.nodes)


# -- before YAML --------------------------------------------------------------------------------------------------


def _why_not_text(file: str, content: bytes) -> Mistake | None:
    """The mistake that makes a file no UTF-8 text; None for one that is."""
    start = Mark(file, 1, 1)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:64]:
        return start, 'the file is UTF-16 (Notepad calls it "Unicode"), save it as UTF-8'
    if content.startswith(b"\xef\xbb\xbf"):
        return start, "the file begins with an invisible byte-order mark, save it as UTF-8 without BOM"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        octet = content[error.start : error.start + 1]
        meant = octet.decode("cp1252", errors="replace")
        mark = Mark(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return mark, f'the byte 0x{octet.hex()} ("{meant}" in Windows-1252) is not UTF-8, save the file as UTF-8'
    return None


def _missing_end(file: str, text: str) -> tuple[Mistake, ...]:
    """A file that was cut off is often a valid, weaker policy. Its last line tells that it is whole; a line is whole
    only with its line break.
    """
    lines = text.split("\n")
    last = len(lines) - 1
    while last > 0 and (not lines[last].strip() or lines[last].lstrip().startswith("#")):
        last -= 1
    if lines[last].rstrip() != "...":
        wrong = "the file does not end with the line ... (three dots), add it, or save the file whole"
        return ((Mark(file, last + 1, 1), wrong),)
    if last == len(lines) - 1:
        return ((Mark(file, last + 1, 4), "the last line is not finished, press Enter after the three dots"),)
    return ()


# -- the tree -----------------------------------------------------------------------------------------------------


class _TooDeepError(Exception):
    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark


@dataclass(slots=True)
class _Open:
    """A list or table whose end has not come. In a table, `nodes` are keys and values in turn."""

    mark: Mark
    table: bool
    nodes: list[Node] = field(default_factory=list)


class _Tree:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._open: list[_Open] = []
        self._root: Node = Scalar(Mark(file, 1, 1), "", "nothing")
        self._documents = 0
        self.mistakes: list[Mistake] = []
        self.nodes = 0

    def read(self) -> Node:
        """The root of the first document. Raises yaml.YAMLError, _TooDeepError."""
        loader = yaml.SafeLoader(self._text)
        try:
            while loader.check_event():
                self._take(loader, loader.get_event())  # type: ignore[no-untyped-call]  # untyped in the stubs
        finally:
            loader.dispose()
        return self._root

    def _take(self, loader: yaml.SafeLoader, event: yaml.Event) -> None:
        place = event.start_mark
        assert place is not None  # noqa: S101 - a parser that reads text marks every event
        mark = Mark(self._file, place.line + 1, place.column + 1)
        match event:
            case yaml.AliasEvent():
                word = first_word(self._text, place.index)
                self.mistakes.append((mark, f"a word that begins with * needs quotes, write '{word}'"))
                self._add(Scalar(mark, word))
            case yaml.ScalarEvent():
                self._check_bare(event, mark, place.index)
                self._add(Scalar(mark, event.value, _reads_as(loader, event)))
            case yaml.CollectionStartEvent():
                self._check_bare(event, mark, place.index)
                if len(self._open) >= DEEPEST:
                    raise _TooDeepError(mark)
                self._open.append(_Open(mark, isinstance(event, yaml.MappingStartEvent)))
            case yaml.CollectionEndEvent():
                self._add(self._closed(self._open.pop()))
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents == 2:
                    self.mistakes.append((mark, "a second document begins here, one file holds one, leave the --- out"))
            case _:
                pass

    def _add(self, node: Node) -> None:
        self.nodes += 1
        if self._open:
            self._open[-1].nodes.append(node)
        elif self._documents == 1:
            self._root = node

    def _closed(self, collection: _Open) -> Node:
        nodes = collection.nodes
        if not collection.table:
            return Series(collection.mark, tuple(nodes))
        entries = []
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.mistakes.append((key.mark, "a key is one word, put a word that begins with [ or { in quotes"))
            elif key.text == "<<":
                self.mistakes.append((key.mark, "<< is YAML's merge key, which is not read, write the keys out"))
            else:
                entries.append((key, value))
        return Table(collection.mark, tuple(entries))

    def _check_bare(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, mark: Mark, index: int) -> None:
        """Anchors and tags have no meaning here; mostly a word was meant."""
        for sign, written in (("&", event.anchor), ("!", event.tag)):
            if written is not None:
                word = first_word(self._text, self._text.find(sign, index))
                self.mistakes.append((mark, f"a word that begins with {sign} needs quotes, write '{word}'"))


def _reads_as(loader: yaml.SafeLoader, event: yaml.ScalarEvent) -> str:
    """What YAML 1.1 makes of an unquoted word, in words; empty for text."""
    tag: str = loader.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "bool":
        return "true" if loader.construct_yaml_bool(yaml.ScalarNode(tag, event.value)) else "false"
    if kind in ("int", "float") and len(event.value) <= LONGEST_NUMBER:
        read = loader.construct_yaml_int if kind == "int" else loader.construct_yaml_float
        try:
            return f"the number {read(yaml.ScalarNode(tag, event.value)):g}"
        except (ValueError, OverflowError):
            return _KINDS[kind]  # `0x_` is a number to YAML's grammar alone
    return _KINDS.get(kind, "a sign of its own")


_KINDS: Final = {"str": "", "null": "nothing", "timestamp": "a date", "int": "a number", "float": "a number"}
