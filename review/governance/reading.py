"""What every table of the governance files is read with: names that must be there, periods, waits, days, words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Final

from protocol.language.characters import first_odd, name_of
from protocol.language.joined import JoinedFiles
from protocol.language.keys import Keys
from protocol.language.marks import Mark, MarkedDocument, Node, Scalar, Table
from protocol.language.reading import Entries, Reading, quoted
from review.governance.keys import FILE, NAME, PERSON, ROLE, TEAM
from review.governance.times import DAY, HOUR, Period, end_of, start_of

LONGEST_WAIT: Final = 31 * DAY
LONGEST_KEPT: Final = 100  # years
FIRST_DAY: Final = date(1971, 1, 1)
LAST_DAY: Final = date(2261, 12, 31)


class Files(JoinedFiles):
    """The files of one set, and the names that its entries may use."""

    def __init__(self, documents: Sequence[MarkedDocument], *, whole: bool) -> None:
        entries = {"approvals": "approvals", "retention": "classes", "os_users": "OS users", "tests": "tests",
                   "reviews": "reviews"}  # fmt: skip
        super().__init__(Reading(), documents, FILE, "a governance file", entries, whole=whole)
        self.roles = self.named("roles", "a role", ROLE)
        self.teams = self.named("teams", "a team", TEAM)
        self.people = self.named("people", "an entry of people", PERSON)

    def named(self, key: str, what: str, keys: Keys) -> dict[str, tuple[Mark, Entries]]:
        """The tables under names of the author's, of all files: name -> (its place, its entries)."""
        found: dict[str, tuple[Mark, Entries]] = {}
        for table in self.tables:
            for name, value in names_in(self.reading, table[key][1], key) if key in table else ():
                entries = self.reading.table(value, keys, what)
                if name.text in found:
                    first = found[name.text][0]
                    self.reading.wrong(name.mark, f"{quoted(name.text)} is there already, in {first}, leave one out")
                else:
                    found[name.text] = (name.mark, entries)
        return found

    def known(self, word: Scalar, kind: str, names: Collection[str]) -> None:
        """That a name is one of those there are; where a file cannot be read, it may be in that."""
        if self.whole and word.text not in names:
            self.reading.wrong(word.mark, f"there is no {kind} {quoted(word.text)}, {meant(word.text, names)}")


def names_in(reading: Reading, node: Node, key: str) -> tuple[tuple[Scalar, Node], ...]:
    if not isinstance(node, Table) or not node.entries:
        reading.wrong(node.mark, f"{key} is names with what each has, write for example name: {{ … }}")
        return ()
    for name, _ in node.entries:
        if key == "people":
            check_plain(reading, name.mark, name.text)
        elif not re.fullmatch(NAME, name.text):
            reading.wrong(
                name.mark, f"a name cannot be {quoted(name.text)}, write small letters, digits and single hyphens"
            )
    return node.entries


def meant(word: str, names: Collection[str]) -> str:
    close = next(iter(get_close_matches(word.lower(), sorted(names))), None)
    if close is not None:
        return f"did you mean {close}?"
    return f"there is {', '.join(sorted(names))}" if names else "and none are there"


# -- times ----------------------------------------------------------------------------------------------------------


def _text(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _got(node: Node) -> str:
    return quoted(node.text) if isinstance(node, Scalar) else "a list or keys"


def read_period(reading: Reading, node: Node, name: str) -> Period:
    text = _text(node)
    written = re.fullmatch(r"([1-9][0-9]{0,4})([dwy])", text)
    longest = {"d": 366 * LONGEST_KEPT, "w": 53 * LONGEST_KEPT, "y": LONGEST_KEPT}
    if written is None or int(written[1]) > longest[written[2]]:
        how = f"write days, weeks or years up to {LONGEST_KEPT}y, such as 180d, 26w or 2y"
        reading.wrong(node.mark, f"{name} cannot be {_got(node)}, {how}")
        return Period(ns=DAY)
    number = int(written[1])
    return Period(years=number) if written[2] == "y" else Period(ns=number * (7 if written[2] == "w" else 1) * DAY)


def read_wait(reading: Reading, node: Node, name: str) -> int:
    """ns"""
    length = wait_of(_text(node))
    if length is None or length > LONGEST_WAIT:
        how = f"write minutes, hours or days up to {LONGEST_WAIT // DAY}d, such as 30m, 24h or 3d"
        reading.wrong(node.mark, f"{name} cannot be {_got(node)}, {how}")
        return HOUR
    return length


def wait_of(text: str) -> int | None:
    written = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    return None if written is None else int(written[1]) * {"m": HOUR // 60, "h": HOUR, "d": DAY}[written[2]]


def read_day(reading: Reading, node: Node, name: str) -> date:
    text = _text(node)
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    if day is not None and FIRST_DAY <= day <= LAST_DAY:
        return day
    reading.wrong(node.mark, f"{name} cannot be {_got(node)}, write a day as year-month-day, such as 2027-01-31")
    return FIRST_DAY


def read_since(reading: Reading, node: Node, name: str) -> int:
    return start_of(read_day(reading, node, name))


def read_until(reading: Reading, node: Node, name: str) -> int:
    return end_of(read_day(reading, node, name))


# -- words ----------------------------------------------------------------------------------------------------------


def read_words(reading: Reading, node: Node, name: str) -> tuple[Scalar, ...]:
    """One word, or several in a list."""
    if isinstance(node, Scalar):
        before = len(reading.mistakes)
        reading.text(node, name)
        return (node,) if len(reading.mistakes) == before else ()
    return reading.texts(node, name)


def word_set(reading: Reading, table: Entries, key: str) -> frozenset[str]:
    return frozenset(word.text for word in reading.texts(table[key][1], key)) if key in table else frozenset()


def choices_of(reading: Reading, node: Node, name: str, choices: Collection[str]) -> tuple[str, ...]:
    if not isinstance(node, Scalar):
        return tuple(
            reading.choice(item, f"an entry of {name}", choices) for item in reading.items(node, name, "words")
        )
    reading.texts(node, name)  # says how a list is written
    return ()


def lower(reading: Reading, node: Node, name: str) -> str:
    """The id of a person, or an OS user."""
    text = reading.text(node, name)
    check_plain(reading, node.mark, text)
    return text.lower()


def check_plain(reading: Reading, mark: Mark, text: str) -> None:
    """A character that looks like another, or like none, would name somebody who is not there."""
    place = first_odd(text)
    if place is not None:
        odd = name_of(text[place])
        reading.wrong(mark, f"character {place + 1} of {quoted(text)} is {odd}, write the plain one or delete it")
