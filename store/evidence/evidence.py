"""All that the catalog holds about one recording, read in one transaction: for the timeline, the check and the export.

A recording lies within one run of the agent, because the device's clock may begin again at the next. A run begins with
`start`; what follows a death begins with `blind-since`, which says since when nothing was looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from protocol.claims import MAX_INTEGER, Claims
from protocol.envelope import AUDIO, KEY_PACKET_STREAM, SCENE_STREAM, SCREEN, Flag, Kind, lane_of
from protocol.errors import ProtocolError
from protocol.numbers import is_integer, read_number
from protocol.policyhash import policy_hash
from store.catalog import erasure, queries, reported, schema, statements
from store.catalog.alarms import alarms_of
from store.catalog.erasure import Tombstone
from store.catalog.queries import Device, Recording
from store.errors import StoreError
from store.evidence.account import BLIND, BlindCause, Entry, Interval, Missing, NotKept, Part, account, states
from store.evidence.chain import Chosen, Heads, Stored, choose, gaps
from store.evidence.earlier import (
    MOST_ENTRIES,
    MOST_WAITING,
    MOST_WITHIN,
    Allowance,
    Earlier,
    ReadLines,
    TooManyEntries,
    entries_between,
)
from store.evidence.rules import UNREAD, WHOLE, Bound, PolicyNames, at_most, read_names

_KINDS: Final = frozenset(Kind)
AFTER_RUN: Final = 50  # entries after its first that may tell how a run ended
# Policies whose names are read for one recording, or one PC, and that are remembered: 0.3 s and 8 MB each at the most.
# A recording ends when another policy comes, so that an honest one names two or three.
MOST_POLICIES: Final = 32


class TooManyChunks(TooManyEntries):
    """One recording has more of them than an agent seals in an hour, many times over: each takes 2 KB of its reader."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Numbers of entries: the first of the run, the recording's opening, the last before its closing or the run's end,
    and the first after the run; None where that may go on."""

    start: int
    first: int
    last: int
    following: int | None


@dataclass(frozen=True)
class Evidence:
    """`lines`: where its entries are; None without its opening. `entries`: from its opening to its closing, or to the
    end of the agent's run. `earlier`: what of the run before still counts. `later_entries`: after the run.
    """

    recording: Recording
    device: Device
    stored: tuple[Stored, ...]
    alarms: tuple[tuple[str, int | None, int | None, str | None], ...]  # code, stream, sequence, sha256
    lines: Lines | None
    earlier: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    later_entries: tuple[Entry, ...]
    policies: Mapping[str, PolicyNames]  # by hash; see `names_of`
    newest_bundle: int | None  # its revision
    reported_heads: Mapping[int, tuple[int, str]]  # named by health, and not here yet
    device_report: str | None  # JWS: what the device last reported, signed; older agents sign none
    ledger_next: int  # number of the entry that the store waits for
    ledger_whole: bool  # whether the catalog has one row for each entry before that, and no other
    erased: Tombstone | None = None  # why nothing of it is here

    def names_of(self, policy: str) -> PolicyNames:
        return self.policies.get(policy, UNREAD)

    @property
    def host(self) -> str:
        """As its device enrolled: a PC may write any name into a key packet."""
        return self.device.host

    @property
    def os_user(self) -> str:
        """The same; "" is of one that enrolled before it was asked."""
        return self.device.user or queries.legible(self.recording.os_user)

    @property
    def other_name(self) -> tuple[str, str] | None:
        """(host, user) of its key packet where its device enrolled as another: renamed since, or in another's name."""
        if self.erased is not None:
            return None  # the user was erased with it
        said = queries.legible(self.recording.host), queries.legible(self.recording.os_user)
        return None if [*map(str.lower, said)] == [*map(str.lower, (self.host, self.os_user))] else said

    @cached_property
    def opening(self) -> Entry | None:
        return _first(self.entries, "recording-open", self.recording.id)

    @cached_property
    def closing(self) -> Entry | None:
        return _first(self.entries, "recording-closed", self.recording.id)

    @cached_property
    def head_entries(self) -> tuple[tuple[int, Mapping[int, tuple[int, str]]], ...]:
        """(ledger number, stream -> (next sequence, hash)) of each entry that tells this recording's heads."""
        own = str(self.recording.id)
        return tuple(
            (entry.seq, heads_of(entry.fields.get("heads")))
            for entry in (*self.entries, *self.later_entries)
            if entry.kind in ("heads", "recording-closed") and entry.fields.get("recording") == own
        )

    @cached_property
    def last_signed(self) -> dict[int, int]:
        """stream -> sequence of the last chunk that an entry names."""
        return {stream: max(signed) for stream, signed in self.signed_heads.items()}

    @cached_property
    def end_signed_after_death(self) -> bool:
        """Whether the device signed at its next start where this recording ends, as far as it knew."""
        own = str(self.recording.id)
        return any(
            entry.kind == "heads" and entry.fields.get("final") is True and entry.fields.get("recording") == own
            for entry in self.later_entries
        )

    @cached_property
    def signed_heads(self) -> Heads:
        signed: dict[int, dict[int, str]] = {}
        for _, heads in self.head_entries:
            for stream, (following, head) in heads.items():
                signed.setdefault(stream, {})[following - 1] = head
        return signed

    @cached_property
    def chosen(self) -> Chosen:
        return choose(self.stored, self.signed_heads)

    @property
    def ended(self) -> bool:
        """Whether no more of it can come into being: closed, or its agent's run is over."""
        return self.closing is not None or (self.lines is not None and self.lines.following is not None)

    @cached_property
    def zero(self) -> int:
        """The device's clock when the recording began, ns; 0 where its opening has not arrived.

        The entry names it, since it is written a moment later: a recording that takes over from another begins with
        what was still waiting at the gate.
        """
        return 0 if self.opening is None else zero_of(self.opening)

    @cached_property
    def end(self) -> int | None:
        """ns from the recording's opening to where its closing says that it ends; None without one of them.

        One that another took over from ends where that begins, though it is closed later: its last picture may have
        been on its way by then.
        """
        if self.opening is None or self.closing is None:
            return None
        until = self.closing.time("until")
        taken_over = until is not None and self.zero <= until <= self.closing.at
        return (until if taken_over and until is not None else self.closing.at) - self.zero

    @cached_property
    def length(self) -> int:
        """ns from the recording's opening to its end, or to that of its last chunk: what a closing says takes none
        away. Scenes do not count: one that another took over from has some that came while both were open."""
        chains = (chain for stream, chain in self.chosen.streams.items() if stream != SCENE_STREAM)
        last = max((chunk.span.end for chain in chains for chunk in chain), default=0)
        if self.opening is None:
            return last
        ended = max(entry.at for entry in self.entries) - self.zero if self.end is None else self.end
        return max(last, ended)

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """The screen, and sound where the PC recorded it or has said why it did not."""
        before = (entry for entry in self.earlier if entry.kind in ("lane-closed", "lane-open"))
        accounted = any(entry.fields.get("lane") == AUDIO for entry in (*before, *self.entries))
        heard = any(lane_of(stream) == AUDIO for stream in (*self.chosen.streams, *self.signed_heads))
        return (SCREEN, AUDIO) if accounted or heard else (SCREEN,)

    def chains(self, lane: str) -> tuple[tuple[Stored, ...], ...]:
        """Of each stream in the lane."""
        return tuple(tuple(chain) for stream, chain in self.chosen.streams.items() if lane_of(stream) == lane)

    def kept(self, lane: str) -> tuple[Interval, ...]:
        return tuple(chunk.span for chain in self.chains(lane) for chunk in chain if chunk.kind is Kind.MEDIA)

    def stated(self, lane: str) -> tuple[NotKept, ...]:
        """When the lane was not open, as the ledger says; after a death, also what its next start took for blind."""
        if self.opening is None:
            return ()
        found = states((*self.earlier, *self.entries), lane, self.zero)
        return found if self._died is None else (*found, self._died)

    @cached_property
    def _died(self) -> NotKept | None:
        """What the next start said of this run's end: the first entry after it. A later one is about a later run, whose
        clock may be another. So may that of its `to` be; nothing of the recording came after its `from`."""
        first = self.later_entries[0] if self.later_entries else None
        if first is None or self.lines is None or first.seq != self.lines.following or first.kind != "blind-since":
            return None
        since = first.time("from")
        return NotKept((first.at if since is None else since) - self.zero, None, BlindCause(first.text("why", BLIND)))

    def stated_then(self, lane: str) -> tuple[NotKept, ...]:
        """The same without what was told later: that begins with the last entry, and chunks may have followed it.

        Where more can be told, a state that nothing ended counts up to the last entry that is here: a chunk may come
        before the entry that opened the eye for it.
        """
        if self.opening is None:
            return ()
        arrived = (*self.earlier, *self.entries)
        found = states(arrived, lane, self.zero)
        if self.ended:
            return found
        last = max(entry.at for entry in arrived) - self.zero
        return tuple(replace(one, end=max(last, one.start + 1)) if one.end is None else one for one in found)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The account of the screen, whole."""
        return self.account_of(SCREEN)

    def account_of(self, lane: str) -> tuple[Part, ...]:
        otherwise = {} if self.opening is not None else {"otherwise": Missing("no-ledger")}
        return account(self.length, self.kept(lane), self.stated(lane), self._missing(lane), **otherwise)

    def _missing(self, lane: str) -> list[tuple[Interval, Missing]]:
        if self.erased is not None and self.erased.explained:
            return [(Interval(0, self.length), Missing("erased"))]
        missing = [(interval, Missing("lost")) for chain in self.chains(lane) for _, _, interval in gaps(chain)]
        for stream, signed in self.signed_heads.items():
            chain = self.chosen.streams.get(stream, ())
            if lane_of(stream) == lane and max(signed) > (chain[-1].sequence if chain else -1):
                # The device sealed more than came: whatever no state explains after the last chunk was recorded.
                why = "lost" if self.ended else "not-here-yet"
                missing.append((Interval(chain[-1].span.end if chain else 0, self.length), Missing(why)))
        if not self.ended:
            last = max((interval.end for interval in self.kept(lane)), default=0)
            missing.append((Interval(last, self.length), Missing("not-here-yet")))
        return missing


def _first(entries: tuple[Entry, ...], kind: str, recording: UUID) -> Entry | None:
    own = str(recording)
    return next((entry for entry in entries if entry.kind == kind and entry.fields.get("recording") == own), None)


def zero_of(opening: Entry) -> int:
    """What a recording's spans count from, on the device's clock: the entry is written when that has passed."""
    zero = opening.time("zero")
    return zero if zero is not None and zero <= opening.at else opening.at


def heads_of(value: object) -> dict[int, tuple[int, str]]:
    """{"0": [next sequence, hash]} as the ledger writes it; members of another shape count as not told."""
    found: dict[int, tuple[int, str]] = {}
    for name, head in value.items() if isinstance(value, dict) else ():
        stream = read_number(name, KEY_PACKET_STREAM - 1)
        if stream is None or str(stream) != name:
            continue
        match head:
            case [following, str(sha256)] if is_integer(following) and 0 < following <= MAX_INTEGER:
                found[stream] = (following, sha256)
            case _:
                pass
    return found


def texts_of(files: str) -> dict[str, str]:
    """File name -> text of a policy as the catalog keeps it. Raises ValueError for what was damaged since."""
    return Claims({"files": json.loads(files)}, "policy", ProtocolError).text_map("files")


# -- reading ------------------------------------------------------------------------------------------------------


def gather(
    connection: Connection,
    recording: UUID,
    *,
    whole: bool | None = None,
    runs: Earlier | None = None,
    most: int = MOST_ENTRIES,
    policies: bool = True,
    entries: bool = True,
    read: ReadLines = entries_between,
) -> Evidence:
    """Raises StoreError where the catalog has no such recording, TooManyEntries or TooManyChunks where it has more than
    `most` of either.

    `whole`: whether the device's ledger is, for who knows or does not ask; it is counted otherwise, and it is long.
    `runs`: for who reads many recordings. `policies`: whether the names in them are read, for who shows any.
    `entries`: whether its entries are read at all. `read`: for who compares each line as it is read.
    """
    known = queries.find_recording(connection, recording)
    if known is None:
        raise StoreError(f"there is no recording {recording}")
    device = queries.find_device(connection, schema.devices.c.id == known.device)
    if device is None:
        raise StoreError(f"the device of recording {recording} is not in the catalog: the database is damaged")
    rows = queries.sealed_rows(connection, recording, most + 1)
    if len(rows) > most:
        raise TooManyChunks
    lines = _lines(connection, device.id, recording)
    earlier, own, later = (
        _entries(connection, known, lines, runs, most=most, lines_of=read) if lines and entries else ((), (), ())
    )
    named = (known.policy, *(entry.policy for entry in (*earlier, *own))) if policies else ()
    names_of = at_most(MOST_POLICIES, partial(Policies().names_of, connection))
    return Evidence(
        recording=known,
        device=device,
        stored=tuple(map(_stored, rows)),
        alarms=tuple((row.code, row.stream, row.sequence, row.sha256) for row in alarms_of(connection, recording)),
        lines=lines,
        earlier=earlier,
        entries=own,
        later_entries=later,
        policies={policy: names_of(policy) for policy in dict.fromkeys(filter(None, named))},
        newest_bundle=statements.newest_revision(connection),
        device_report=queries.device_report(connection, device.id),
        ledger_next=queries.ledger_head(connection, device.id).next,
        ledger_whole=queries.ledger_is_whole(connection, device.id) if whole is None else whole,
        reported_heads=reported.heads(connection, device.id).get(str(recording), {}),
        erased=erasure.tombstone(connection, recording, device.id),
    )


def _lines(connection: Connection, device: str, recording: UUID) -> Lines | None:
    opening = queries.opening_entry(connection, device, recording)
    if opening is None:
        return None
    start, following = queries.run_around(connection, device, opening)
    end = queries.closing_entry(connection, device, recording, opening)
    if end is None or (following is not None and following < end):
        end = following - 1 if following is not None else queries.ledger_head(connection, device).next - 1
    return Lines(start, opening, end, following)


def _entries(
    connection: Connection, recording: Recording, lines: Lines, runs: Earlier | None, *, most: int, lines_of: ReadLines
) -> tuple[tuple[Entry, ...], tuple[Entry, ...], tuple[Entry, ...]]:
    """(what still counts of the run before, the recording's own, what came after the run)."""
    if lines.last - lines.first >= most:
        raise TooManyEntries
    within = 0 if runs is None else queries.openings_between(
        connection, recording.device, lines.first, lines.last, MOST_WITHIN
    )  # fmt: skip
    if within > MOST_WITHIN:
        raise TooManyEntries
    read, kept = partial(lines_of, connection, recording.device), Allowance(most)
    own = tuple(map(kept.take, read(lines.first - 1, lines.last + 1)))
    if runs is not None:
        kept.narrow(MOST_WAITING)
    # Where the opening's line cannot be read no state counts, and of those before it the lanes that they name.
    opening = _first(own, "recording-open", recording.id)
    runs, zero = runs or Earlier(), MAX_INTEGER + 1 if opening is None else zero_of(opening)
    earlier = runs.before(read, recording.device, lines.start, lines.first, zero=zero, kept=kept)
    following = lines.following
    later = () if following is None else tuple(map(kept.take, read(following - 1, following + AFTER_RUN + 1)))
    return earlier, own, later


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        recording=UUID(row.recording),
        stream=row.stream,
        sequence=row.sequence,
        sha256=row.sha256,
        size=row.size,
        received_at=row.received_at,
        kind=Kind(row.kind) if row.kind in _KINDS else None,  # another one is damage, which `verify` names
        flags=None if row.flags is None else Flag(row.flags),
        start=row.start,
        end=row.end,
        previous=row.previous,
    )


class Policies:
    """The names in policies, each text read once and remembered: for the length of a command, or of the server."""

    def __init__(self, bound: Bound = WHOLE) -> None:
        self._bound = bound
        self._known: dict[str, PolicyNames] = {}

    def names_of(self, connection: Connection, policy: str) -> PolicyNames:
        if (known := self._known.get(policy)) is not None:
            return known
        # As JSON a text is longer, though not twice as long but for one of line breaks and quotation marks alone.
        texts = policy_texts(connection, policy, 2 * self._bound.size)
        if not texts:
            return UNREAD  # and not remembered: it may be on its way
        if len(self._known) >= MOST_POLICIES:
            del self._known[next(iter(self._known))]
        self._known[policy] = read_names(texts, self._bound)
        return self._known[policy]


def policy_texts(connection: Connection, policy: str, largest: int | None = None) -> dict[str, str]:
    """File name -> text. Empty where its text is not here, or is not the one with this hash: `verify --all` names that.

    Without the comparison who can write the catalog could give every rule another name.
    `largest`: characters as the catalog keeps it, which longer ones are not even loaded for.
    """
    files = statements.policy_files(connection, policy, largest)
    return {} if files is None or hash_of(files) != policy else texts_of(files)


def hash_of(files: str) -> str:
    """Hash of a policy as the catalog keeps it; "" for what cannot be one any more."""
    try:
        return policy_hash({name: content.encode("utf-8") for name, content in texts_of(files).items()})
    except ValueError:
        return ""
