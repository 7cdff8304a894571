"""What a file of categories is read with: a party, a time, a bound of time."""

from __future__ import annotations

import re
from typing import Final

from protocol.language.marks import Node, Scalar
from protocol.language.reading import HOUR, SECOND, UNITS, Reading, quoted
from review.analysis.spoken import Party

LONGEST: Final = 24 * HOUR


def read_party(reading: Reading, node: Node, name: str) -> Party:
    return Party(reading.choice(node, name, [party.value for party in Party]))


def read_time(reading: Reading, node: Node, name: str) -> int:
    """ns, at least 1 ms."""
    before = len(reading.mistakes)
    length = reading.duration(node, name)
    if not length and len(reading.mistakes) == before:
        reading.wrong(node.mark, f"{name} cannot be nothing, write for example 20s")
    return length


def read_bound(reading: Reading, node: Node, name: str, *, may_be_under: bool) -> tuple[bool, int]:
    """(over and not under, ns)"""
    text = node.text if isinstance(node, Scalar) else ""
    written = re.fullmatch(r"(over|under) ([1-9][0-9]{0,5})(ms|s|m|h)", text)
    length = int(written[2]) * {**UNITS, "h": HOUR}[written[3]] if written else 0
    if written is None or length > LONGEST or (written[1] == "under" and not may_be_under):
        got = quoted(node.text) if isinstance(node, Scalar) else "a list or keys"
        bounds, example = ("over or under", "under 1m") if may_be_under else ("over", "over 20s")
        how = f"{bounds} and a time up to 24h, such as {example}"
        reading.wrong(node.mark, f"{name} cannot be {got}, write {how}")
        return True, SECOND
    return written[1] == "over", length
