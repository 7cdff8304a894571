"""Silence in sound that counts as kept: what a device did not give the recorder put in itself, and told the ledger.

What was said then is not known. So the account names it apart, for each end of the call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from protocol.envelope import AUDIO
from store.evidence.account import Entry, Interval, Kept
from store.evidence.evidence import Evidence

_MS = 1_000_000


def padding_in(evidence: Evidence) -> dict[str, int]:
    """`microphone`, `far-end` -> ns of its kept time. Without what was put in less than a minute before the closing and
    told after it."""
    kept = [Interval(part.start, part.end) for part in evidence.account_of(AUDIO) if isinstance(part.cause, Kept)]
    return padding(evidence.entries, evidence.zero, kept)


def padding(entries: Iterable[Entry], zero: int, kept: Sequence[Interval]) -> dict[str, int]:
    """An entry names silence up to about its own time, and not exactly when: what it names lies right before it, or
    before what a later one tells."""
    reported: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for entry in entries:
        channel, length = entry.fields.get("channel"), entry.fields.get("filled_ms")
        if entry.kind == "sound" and isinstance(channel, str) and isinstance(length, int) and length > 0:
            reported[channel].append((entry.at - zero, length * _MS))
    found = {}
    for channel, spans in reported.items():
        total, before = 0, None
        for at, length in sorted(spans, reverse=True):
            end = at if before is None else min(at, before)
            before = end - length
            total += sum(max(0, min(end, one.end) - max(before, one.start)) for one in kept)
        if total:
            found[channel] = total
    return found
