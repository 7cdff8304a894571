"""Reads typed values out of a marked tree and remembers every mistake, so that the author hears of all at once.

Each reading returns something usable even after a mistake; the policy that is made of it is thrown away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

from protocol.language.characters import first_odd, is_control, name_of
from protocol.language.keys import Keys
from protocol.language.marks import Mark, Node, Scalar, Series, Table

MILLISECOND: Final = 1_000_000  # ns
SECOND: Final = 1000 * MILLISECOND
UNITS: Final = {"ms": MILLISECOND, "s": SECOND, "m": 60 * SECOND}
HOUR: Final = 3600 * SECOND
MOST_DAYS: Final = 365
Entries = Mapping[str, tuple[Mark, Node]]  # of a table: by key, each with the place of the key
T = TypeVar("T")
_NOTHING: Final = "nothing"  # what YAML makes of an empty place


class Reading:
    """`mistakes` in the order found; each is a place and what is wrong there, what was meant.

    `inner`: (keys of a table, keys of another, the other in words) where entries of the other often stand in the
    first, as they were not indented far enough.
    """

    def __init__(self, *inner: tuple[Keys, Keys, str]) -> None:
        self._inner = inner
        self.mistakes: list[tuple[Mark, str]] = []

    def wrong(self, mark: Mark, mistake: str) -> None:
        self.mistakes.append((mark, mistake))

    # -- tables and lists -----------------------------------------------------------------------------------------

    def table(self, node: Node, keys: Keys, what: str) -> Entries:
        """The known entries. `what`: the thing in words, such as "a rule"."""
        if not isinstance(node, Table):
            self.wrong(node.mark, f"{what} is keys with values, not {_kind(node)}, write {_sample(keys)}")
            return {}
        known = self._known(node, keys, what)
        for name, key in keys.items():
            if key.required and name not in known:
                self.wrong(node.mark, f"{what} without {name}, add {name}: … ({key.meaning.rstrip('.')})")
        return known

    def _known(self, table: Table, keys: Keys, what: str) -> Entries:
        seen: dict[str, Mark] = {}
        known: dict[str, tuple[Mark, Node]] = {}
        for key, value in table.entries:
            if key.text in seen:
                first = seen[key.text].line
                self.wrong(key.mark, f"{quoted(key.text)} stands twice here, first in line {first}, leave one out")
            elif key.text not in keys and (inner := self._meant_deeper(key.text, keys)):
                self.wrong(key.mark, f"{quoted(key.text)} is a key of {inner}")
            elif key.text not in keys:
                place = first_odd(key.text)
                has = "" if place is None else f" (character {place + 1} is {name_of(key.text[place])})"
                self.wrong(key.mark, f"{quoted(key.text)} is not a key of {what}{has}, {_meant(key.text, keys)}")
            else:
                known[key.text] = (key.mark, value)
            seen.setdefault(key.text, key.mark)
        return known

    def _meant_deeper(self, key: str, outer: Keys) -> str:
        return next((words for keys, inner, words in self._inner if keys is outer and key in inner), "")

    def one_entry(self, node: Node, keys: Keys, what: str) -> tuple[str, Mark, Node] | None:
        """The one key of a list entry, None after a mistake."""
        if not isinstance(node, Table):
            self.wrong(
                node.mark, f"{what} is one key with a list, not {_kind(node)}, write for example {_sample(keys)}"
            )
            return None
        known = self._known(node, keys, what)
        if len(node.entries) > 1:
            both = " and ".join(quoted(key.text) for key, _ in node.entries[:2])
            how = "write all: with both under it, or begin the second with its own -"
            self.wrong(node.mark, f"an entry has one key, this one has {both}, {how}")
        for name, (mark, value) in known.items():
            return name, mark, value
        if not node.entries:
            self.wrong(node.mark, f"an empty entry, write for example {_sample(keys)}")
        return None

    def items(self, node: Node, name: str, what: str) -> tuple[Node, ...]:
        """The entries of a list that must not be empty. `what`: its entries in words."""
        if not isinstance(node, Series):
            deeper = ", indented deeper than it" if _kind(node) == _NOTHING else ""
            self.wrong(node.mark, f"{name} is a list of {what}, not {_kind(node)}, begin each entry with -{deeper}")
            return ()
        if not node.items:
            self.wrong(node.mark, f"{name} is empty and would never fit, name {what} or leave {name} out")
        return node.items

    def value(self, table: Entries, key: str, read: Callable[[Reading, Node, str], T], absent: T) -> T:
        """What stands at the key, `absent` if the key is missing."""
        return read(self, table[key][1], key) if key in table else absent

    # -- words ----------------------------------------------------------------------------------------------------

    def text(self, node: Node, name: str, *, may_be_empty: bool = False) -> str:
        if not isinstance(node, Scalar):
            self.wrong(node.mark, f"{name} is a word or a sentence, not {_kind(node)}")
            return ""
        if node.reads_as == _NOTHING and not node.text:
            self.wrong(node.mark, f"{name} has no value, write a word (one that begins with # needs quotes)")
        elif node.reads_as:
            self.wrong(node.mark, f'YAML reads {node.text} as {node.reads_as}, write it in quotes: "{node.text}"')
        elif not node.text.strip() and not may_be_empty:
            self.wrong(node.mark, f"{name} is empty, write a word")
        elif not may_be_empty and (control := next(filter(is_control, node.text), None)):  # it may move a cursor
            self.wrong(node.mark, f"{name} has {name_of(control)} in it, write it without")
        return node.text

    def texts(self, node: Node, name: str) -> tuple[Scalar, ...]:
        """The words of a list that must not be empty."""
        if isinstance(node, Scalar) and node.text:
            self.wrong(node.mark, f"{name} is a list, write [{_for_a_list(node.text)}]")
            return ()
        words = []
        for item in self.items(node, name, "words"):
            before = len(self.mistakes)
            self.text(item, f"an entry of {name}")
            if isinstance(item, Scalar) and len(self.mistakes) == before:
                words.append(item)
        return tuple(words)

    def choice(self, node: Node, name: str, choices: Collection[str]) -> str:
        """One of the words, the first of them after a mistake."""
        wanted = " or ".join(choices)
        if not isinstance(node, Scalar):
            self.wrong(node.mark, f"{name} is one word, not {_kind(node)}, write {wanted}")
        elif node.text in choices and not node.reads_as:
            return node.text
        elif not node.text:
            self.wrong(node.mark, f"{name} has no value, write {wanted}")
        elif node.reads_as:
            self.wrong(node.mark, f"YAML reads {node.text} as {node.reads_as}, write {wanted}")
        else:
            self.wrong(node.mark, f"{name} cannot be {quoted(node.text)}, {_meant(node.text, choices)}")
        return next(iter(choices))

    def truth(self, node: Node, name: str) -> bool:
        """true or false, as YAML has them, and none of its other words for them."""
        if isinstance(node, Scalar) and node.reads_as in ("true", "false"):
            if node.text != node.reads_as:
                self.wrong(node.mark, f"YAML reads {node.text} as {node.reads_as}, write {node.reads_as}")
            return node.reads_as == "true"
        self.wrong(node.mark, f"{name} cannot be {_kind(node)}, write true or false, without quotes")
        return False

    # -- numbers --------------------------------------------------------------------------------------------------

    def whole_number(self, node: Node, name: str) -> int:
        if isinstance(node, Scalar) and node.reads_as and re.fullmatch(r"[1-9][0-9]{0,17}", node.text):
            return int(node.text)
        got = quoted(node.text) if isinstance(node, Scalar) else _kind(node)
        self.wrong(node.mark, f"{name} cannot be {got}, write a whole number from 1 up, without quotes")
        return 1

    def duration(self, node: Node, name: str, most: int = HOUR) -> int:
        """ns; `most` is the longest that makes sense there."""
        text = node.text if isinstance(node, Scalar) else ""
        written = re.fullmatch(r"([0-9]{1,9})(ms|s|m)", text)
        if written is None:
            got = quoted(text) if isinstance(node, Scalar) else _kind(node)
            self.wrong(node.mark, f"{name} cannot be {got}, {_duration_meant(text)}")
            return 0
        length = int(written[1]) * UNITS[written[2]]
        if length > most:
            self.wrong(node.mark, f"{name} cannot be {text}, at most {most // SECOND}s makes sense here")
        return length

    def days(self, node: Node, name: str) -> int:
        """Whole days from 1 to 365; 0 for `ignore`."""
        text = node.text if isinstance(node, Scalar) else ""
        if text == "ignore":
            return 0
        written = re.fullmatch(r"([1-9][0-9]{0,2})d", text)
        if written is None or int(written[1]) > MOST_DAYS:
            got = quoted(text) if isinstance(node, Scalar) else _kind(node)
            meant = f"{text}d" if re.fullmatch(r"[1-9][0-9]{0,2}", text) else "30d"
            self.wrong(node.mark, f"{name} cannot be {got}, write days up to {MOST_DAYS}d, such as {meant}, or ignore")
            return 0
        return int(written[1])


def quoted(text: str) -> str:
    """The author's own word, short and on one line."""
    line = "".join(sign if sign.isprintable() else "?" for sign in text)
    return f'"{line if len(line) <= 40 else line[:39] + "…"}"'


def _meant(word: str, choices: Collection[str]) -> str:
    close = get_close_matches(word.lower(), choices, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"write {' or '.join(choices)}" if len(choices) < 8 else f"write one of {', '.join(choices)}"


def _duration_meant(text: str) -> str:
    how = "write a whole number with ms, s or m"
    if clock := re.fullmatch(r"([0-9]{1,4}):([0-5][0-9])", text):  # YAML would count it in sixties and drop the unit
        return f"{how}: {int(clock[1]) * 60 + int(clock[2])}s"
    if re.fullmatch(r"[0-9]{1,9}", text):
        return f"{how}: {text}s"
    if fraction := re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,3})s", text):
        return f"{how}: {fraction[1]}{fraction[2]:0<3}ms".replace(": 0", ": ")
    return f"{how}, such as 2s"


def _for_a_list(text: str) -> str:
    return text if re.fullmatch(r"[\w./-]+", text) else quoted(text)


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return quoted(node.text) if node.text else _NOTHING
    return "a list" if isinstance(node, Series) else "keys with values"


def _sample(keys: Keys) -> str:
    required = [name for name, key in keys.items() if key.required]
    name = (required or list(keys))[0]
    return f"{name}: …"
