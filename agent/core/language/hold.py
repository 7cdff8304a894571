"""Reads `user_hold`: whether the person in front may stop recording, for how long, and which reasons they choose from.

A reason is chosen and never typed: what a person types could be a customer's name, and the ledger holds no content.
"""

from __future__ import annotations

from typing import Final

from agent.core.language.keys import USER_HOLD
from agent.core.matching.text import fold
from agent.core.model.rules import HoldTerms
from agent.core.model.times import SECOND
from protocol.language.marks import Node, Scalar
from protocol.language.reading import UNITS, Entries, Reading, quoted

LONGEST_REASON: Final = 40  # characters: a menu's line
MOST_REASONS: Final = 12
LONGEST_HOLD: Final = 12 * 60 * UNITS["m"]


def read_user_hold(reading: Reading, node: Node, name: str) -> HoldTerms:
    table = reading.table(node, USER_HOLD, name)
    allowed = reading.value(table, "allow", _read_allow, True)
    if not allowed:
        for key in ("max", "reasons"):
            if key in table:
                reading.wrong(table[key][0], f"{key} says nothing beside allow: false, leave one of them out")
    return HoldTerms(
        allowed=allowed,
        longest=reading.value(table, "max", _read_max, None),
        reasons=_read_reasons(reading, table),
    )


def _read_allow(reading: Reading, node: Node, name: str) -> bool:
    if isinstance(node, Scalar) and node.reads_as in {"true", "false"}:  # also `yes` and `off`, which YAML takes so
        return node.reads_as == "true"
    got = quoted(node.text) if isinstance(node, Scalar) else "a list or keys"
    reading.wrong(node.mark, f"{name} cannot be {got}, write true or false, without quotes")
    return True


def _read_max(reading: Reading, node: Node, name: str) -> int | None:
    before = len(reading.mistakes)
    longest = reading.duration(node, name, LONGEST_HOLD)
    if longest < SECOND and len(reading.mistakes) == before:
        reading.wrong(node.mark, f"{name} is shorter than a second, write allow: false to forbid it")
    return longest


def _read_reasons(reading: Reading, table: Entries) -> tuple[str, ...]:
    if "reasons" not in table:
        return ()
    mark, node = table["reasons"]
    words = reading.texts(node, "reasons")
    first: dict[str, int] = {}
    for word in words:
        shown = fold(word.text)
        if len(word.text) > LONGEST_REASON or not word.text.isprintable():
            reading.wrong(
                word.mark,
                f"{quoted(word.text)} does not fit into a menu, write one line of {LONGEST_REASON} signs at most",
            )
        elif shown in first:
            reading.wrong(word.mark, f"{quoted(word.text)} stands here twice, first in line {first[shown]}")
        first.setdefault(shown, word.mark.line)
    if len(words) > MOST_REASONS:
        reading.wrong(mark, f"{len(words)} reasons are too many to choose from, write {MOST_REASONS} at most")
    return tuple(word.text for word in words)
