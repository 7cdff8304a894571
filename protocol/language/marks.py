"""A file of YAML as a tree whose every key and value knows where it stands.

The core takes no YAML: the reader of the files hands over these values. A mistake can then be shown at its place, and
what YAML itself would have made of an unquoted word (`off`, `007`, `1:30`) can be explained.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1, the column in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or sentence. `reads_as`: what YAML makes of it if not text, such as "the number 7"; empty for text."""

    mark: Mark
    text: str
    reads_as: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A list."""

    mark: Mark
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, with every entry as written: a key that stands twice is here twice."""

    mark: Mark
    entries: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Series | Table


@dataclass(frozen=True, slots=True)
class MarkedDocument:
    """One file's whole content."""

    file: str
    root: Node
