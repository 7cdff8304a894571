"""What of an agent's run still counts in a recording of it: what held or closed the eye when the recording began.

A run lasts as long as a person stays logged on, for weeks on some PCs, and has recordings by the hundred. So no reader
holds the run: its states are followed entry by entry, and only those that last are kept.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from protocol.envelope import AUDIO, SCREEN
from protocol.errors import LedgerError
from protocol.ledger import MAX_TEXT, parse_line, values_of
from store.catalog import queries
from store.evidence.account import MOST_HOLDS, Entry

PAGE: Final = 100  # lines that are asked for at once
EVERY: Final = 5_000  # entries from one remembered place to the next
RUNS: Final = 100  # of which the places are remembered
MOST_ENTRIES: Final = 500_000  # of a recording that is asked for alone: what its reader has memory for
# Of each, where many are read: more than an agent writes in an hour, with a closing and an opening of both lanes every
# half second. A PC that lies must not delay the others' readers.
MOST_EACH: Final = 50_000
# Of others, that begin within one, where many are read: of an agent's begins one, which takes over from it. So no entry
# is read for more than so many and one, whichever are asked for, and in whatever order.
MOST_WITHIN: Final = 8
# From what was still waiting at the gate when a recording began to its opening, where many are read: ten minutes.
MOST_WAITING: Final = 5_000
MEMORY: Final = 2_048  # bytes for each of those entries: more than an agent's own take on average
_VALUE: Final = 64  # bytes that a value takes beside its text, with its place in a list or an object
MOST_AHEAD: Final = 100  # entries of a run that name a time after their own: an agent writes none


# Of what a line says, the names that an account is made of. Any other may have 64 KiB, and is dropped at once.
_TOLD: Final = (
    "lane", "policy", "hold", "reason", "why", "wall", "recording", "zero", "until", "from", "to", "final", "channel",
    "filled_ms",
)  # fmt: skip
_LISTS: Final = {"rules": list, "heads": dict}


class TooManyEntries(ValueError):
    """One recording has more of them than an agent can write in the hour that a recording lasts, or larger ones, or
    others within."""


class Allowance:
    """What may be kept of one recording: so many entries, and as much memory as an agent's own would take."""

    def __init__(self, most: int) -> None:
        self._entries = most
        self._memory = most * MEMORY

    def narrow(self, most: int) -> None:
        """No more entries than that from here on."""
        self._entries = min(self._entries, most)

    def take(self, entry: Entry) -> Entry:
        """Raises TooManyEntries."""
        self._entries -= 1
        self._memory -= entry.size
        if self._entries < 0 or self._memory < 0:
            raise TooManyEntries
        return entry


def entry_of(seq: int, text: str) -> Entry | None:
    """What the line says, or None for a damaged one: `verify` names it, the account does without."""
    written = text.encode("utf-8")
    try:
        fields = parse_line(written, seq=seq)
    except LedgerError:
        return None
    fields_kept = {name: value for name in _TOLD if (value := fields.get(name)) is not None and _is_short(value)}
    fields_kept |= {name: value for name, shape in _LISTS.items() if isinstance(value := fields.get(name), shape)}
    # A text that is kept takes as many bytes a character as its line does in memory.
    size = sys.getsizeof(text) + _VALUE * values_of(written)
    return Entry(seq, int(str(fields["at"])), str(fields["kind"]), fields_kept, size)


def _is_short(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MAX_TEXT)


@dataclass
class RunStates:
    """The states after entry `seq` of a run, as the entries that say so. `latest`: ns, the highest `at` up to there."""

    seq: int
    latest: int = -1
    holds: dict[str, Entry] = field(default_factory=dict)  # in the order in which they came
    lanes: dict[str, Entry] = field(default_factory=dict)
    ahead: tuple[Entry, ...] = ()

    def copy(self) -> RunStates:
        return replace(self, holds=dict(self.holds), lanes=dict(self.lanes))

    def add(self, entry: Entry) -> None:
        """Raises TooManyEntries."""
        match entry.kind:
            case "hold" if entry.hold in self.holds or len(self.holds) < MOST_HOLDS:
                self.holds[entry.hold] = entry
            case "release":
                self.holds.pop(entry.hold, None)
            case "lane-closed" | "lane-open" if (lane := entry.text("lane")) in (SCREEN, AUDIO):
                self.lanes[lane] = entry
            case "slept" | "blind-since" if (entry.time("to") or 0) > entry.at:
                self.ahead = (*self.ahead, entry)
                if len(self.ahead) > MOST_AHEAD:
                    raise TooManyEntries
        self.seq, self.latest = entry.seq, max(self.latest, entry.at)

    def entries(self) -> tuple[Entry, ...]:
        """From which the same states follow."""
        return (*self.lanes.values(), *self.holds.values(), *self.ahead)


Read = Callable[[int, int], Iterator[Entry]]
"""The entries of a run after one number and before another, in order."""
ReadLines = Callable[[Connection, str, int, int], Iterator[Entry]]
"""The same, of a device."""


class Earlier:
    """Follows the runs of many recordings, and remembers places in each, so that none is followed twice."""

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, int], list[RunStates]] = OrderedDict()

    def before(
        self, read: Read, device: str, start: int, opening: int, *, zero: int, kept: Allowance | None = None
    ) -> tuple[Entry, ...]:
        """Entries from which the states at `zero` follow, and those from there to the entry `opening`.

        `start`: number of the run's first entry. `zero`: ns of the device's clock. `kept`: what the entries may take;
        raises TooManyEntries.
        """
        kept = kept or Allowance(MOST_ENTRIES)
        places = self._places_of(device, start)
        near = [place for place in places if place.seq < opening and place.latest < zero]
        states = near[-1].copy() if near else RunStates(start - 1)
        rest: list[Entry] = []
        for followed, entry in enumerate(read(states.seq, opening), 1):
            if rest or entry.at >= zero:
                rest.append(kept.take(entry))
                continue
            states.add(entry)
            if followed % EVERY == 0 and (not places or places[-1].seq < states.seq):
                places.append(states.copy())
        return (*states.entries(), *rest)

    def _places_of(self, device: str, start: int) -> list[RunStates]:
        places = self._places.setdefault((device, start), [])
        self._places.move_to_end((device, start))
        if len(self._places) > RUNS:
            self._places.popitem(last=False)
        return places


def entries_between(connection: Connection, device: str, after: int, until: int) -> Iterator[Entry]:
    """As `Read`, from the catalog."""
    while rows := queries.ledger_lines_after(connection, device, after, PAGE, until=until):
        for row in rows:
            if (entry := entry_of(row.seq, row.line)) is not None:
                yield entry
        after = rows[-1].seq
