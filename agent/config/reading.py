"""One source of settings, read: each value with its place, and every mistake at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from agent.config.settings import Key, keys
from agent.config.values import Kind, Private
from agent.errors import UserError

MAX_FILE: Final = 64 * 2**10  # bytes
MOST_MISTAKES: Final = 50  # of one file
LONGEST_KEY: Final = 60  # signs; what is longer is like no setting


@dataclass(slots=True)
class Read:
    """`values`: by name, (value, place). `mistakes`: each as `place what is wrong, what was meant`."""

    values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def read_file(path: Path) -> Read:
    """Places are `file:line:column`, relative paths begin at the file's folder."""
    try:
        root = yaml.compose(_text(path), Loader=yaml.SafeLoader)
    except UserError as unreadable:
        return Read(mistakes=[str(unreadable)])
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        return Read(mistakes=[f"{where} this is not YAML: {error.problem or error.context}"])
    except RecursionError:
        return Read(mistakes=[f"{path} is nested too deeply: settings have two levels"])
    except yaml.YAMLError:
        return Read(mistakes=[f"{path} this is not YAML: it has characters that text does not have"])
    reading = _Reading(path)
    if root is not None:
        reading.whole(root)
    return reading.read


def read_words(given: Mapping[str, tuple[Sequence[str], str]], folder: Path) -> Read:
    """Values that lie flat: name -> (words, place), as in the environment, a registry or a list of properties."""
    read = Read()
    known = keys()
    for name, (texts, place) in given.items():
        if name not in known:
            read.mistakes.append(f"{place} `{name}` is no setting{_suggest(name, known)}")
            continue
        try:
            read.values[name] = _parse(known[name].kind, texts, name, folder), place
        except ValueError as mistake:
            read.mistakes.append(f"{place} {mistake}")
    return read


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE:
            raise UserError(f"{path} is larger than {MAX_FILE // 1024} KiB: this cannot be a file of settings")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; is EYELID_CONFIG right?") from None


def _parse(kind: Kind, texts: Sequence[str], name: str, folder: Path) -> Any:
    """Raises ValueError with the whole mistake."""
    if len(texts) != 1 and not kind.several:
        raise ValueError(f"`{name}` must be one value")
    try:
        value = kind.parse(list(texts) if kind.several else texts[0])
    except Private as wanted:
        raise ValueError(f"`{name}` must be {wanted}") from None
    except ValueError as wanted:
        raise ValueError(f"`{name}` must be {wanted}, not {', '.join(map(repr, texts)) or 'nothing'}") from None
    return (folder / value).absolute() if isinstance(value, Path) else value


def _suggest(key: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1) if len(key) <= LONGEST_KEY else ()
    return f": did you mean `{near[0]}`?" if near else f"; settings here are {', '.join(names)}"


_Tree = dict[str, "Key | _Tree"]


def _tree() -> _Tree:
    """The keys as a file nests them."""
    tree: _Tree = {}
    for key in keys().values():
        section, _, name = key.name.rpartition(".")
        within = tree if not section else tree.setdefault(section, {})
        assert isinstance(within, dict)  # noqa: S101 - no setting is a section too
        within[name] = key
    return tree


class _Enough(Exception):
    """More mistakes than are told."""


class _Reading:
    """Walks one file and gathers its values and mistakes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.read = Read()

    def _place(self, node: yaml.Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def _mistake(self, node: yaml.Node, what: str) -> None:
        """No more than a person mends at once. What was written cannot move a terminal's cursor."""
        if len(self.read.mistakes) == MOST_MISTAKES:
            raise _Enough
        self.read.mistakes.append(f"{self._place(node)} {''.join(one if one.isprintable() else '?' for one in what)}")

    def whole(self, root: yaml.Node) -> None:
        try:
            self.section(root, _tree(), "")
        except _Enough:
            self.read.mistakes.append(f"{self._path} has more mistakes than these")

    def section(self, node: yaml.Node, known: _Tree, within: str) -> None:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return  # a heading whose keys are all commented out
        if not isinstance(node, yaml.MappingNode):
            self._mistake(node, f"{within or 'the file'} must be keys and values, one `key: value` a line")
            return
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            name = f"{within}.{key}" if within else key
            if key not in known:
                self._mistake(key_node, f"`{name[: 2 * LONGEST_KEY]}` is no setting{_suggest(key, known)}")
            elif key in seen:
                self._mistake(key_node, f"`{name}` comes twice; which one was meant?")
            else:
                self._value(value_node, known[key], name)
            seen.add(key)

    def _value(self, node: yaml.Node, known: Key | _Tree, name: str) -> None:
        if isinstance(known, dict):
            self.section(node, known, name)
            return
        several = known.kind.several
        items = node.value if isinstance(node, yaml.SequenceNode) and several else [node]
        if not several and not isinstance(node, yaml.ScalarNode):
            self._mistake(node, f"`{name}` must be one value")
            return
        texts = [item.value if isinstance(item, yaml.ScalarNode) else "" for item in items]
        try:
            self.read.values[name] = _parse(known.kind, texts, name, self._path.parent), self._place(node)
        except ValueError as mistake:
            self._mistake(node, str(mistake))
