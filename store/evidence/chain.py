"""Which of the sealed objects are the recording: with two bodies under one name, the device's signed heads decide.

Pure. Each chunk names the hash of the one before it, so one agreed hash fixes everything up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from protocol.envelope import KEY_PACKET_STREAM, Flag, Kind
from store.catalog.blobs import sealed_name
from store.evidence.account import Interval


@dataclass(frozen=True, slots=True)
class Stored:
    """One row of the catalog: sealed bytes under a name. The last five are None for a key packet.

    `start`, `end`: ns since the recording's start; `previous`, `sha256`: hex; `received_at`: the store's clock.
    """

    recording: UUID
    stream: int
    sequence: int
    sha256: str
    size: int
    received_at: int
    kind: Kind | None = None
    flags: Flag | None = None
    start: int | None = None
    end: int | None = None
    previous: str | None = None

    @property
    def blob(self) -> str:
        return sealed_name(self.recording, self.stream, self.sequence, self.sha256)

    @property
    def is_packet(self) -> bool:
        return self.stream == KEY_PACKET_STREAM

    @property
    def span(self) -> Interval:
        return Interval(self.start or 0, self.end or 0)

    def __str__(self) -> str:
        return "key packet" if self.is_packet else f"stream {self.stream}, sequence {self.sequence}"


Heads = Mapping[int, Mapping[int, str]]
"""stream -> sequence -> hash of the chunk with that number, as the device signed it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """`packet` is None where no key packet came. `streams`: one chunk a sequence number, in order.

    `rejected`: other bodies of the same names. `undecided`: names whose body nothing signed decides.
    """

    packet: Stored | None
    streams: Mapping[int, tuple[Stored, ...]]
    rejected: tuple[Stored, ...] = ()
    undecided: tuple[Stored, ...] = ()


def choose(stored: Iterable[Stored], heads: Heads) -> Chosen:
    """One body for each name. Signed heads count most, then the chunk that follows, then what came first."""
    ordered = sorted(stored, key=lambda one: (one.stream, one.sequence, one.received_at, one.sha256))
    packets = [one for one in ordered if one.is_packet]
    streams: dict[int, tuple[Stored, ...]] = {}
    rejected: list[Stored] = []
    undecided: list[Stored] = []
    roots: list[str] = []
    for stream, group in groupby((one for one in ordered if not one.is_packet), key=lambda one: one.stream):
        chain, others, doubtful = _choose_stream(list(group), heads.get(stream, {}), {one.sha256 for one in packets})
        streams[stream] = chain
        rejected += others
        undecided += doubtful
        if chain[0].sequence == 0 and chain[0].previous is not None:
            roots.append(chain[0].previous)
    packet = next((one for one in packets if one.sha256 in roots), packets[0] if packets else None)
    rejected += [one for one in packets if one is not packet]
    if len(packets) > 1 and packet is not None and packet.sha256 not in roots:
        undecided.append(packet)
    return Chosen(packet, streams, tuple(rejected), tuple(undecided))


def _choose_stream(
    stored: Sequence[Stored], signed: Mapping[int, str], roots: set[str]
) -> tuple[tuple[Stored, ...], list[Stored], list[Stored]]:
    by_sequence = {sequence: list(group) for sequence, group in groupby(stored, key=lambda one: one.sequence)}
    chain: list[Stored] = []
    rejected: list[Stored] = []
    undecided: list[Stored] = []
    for sequence in sorted(by_sequence, reverse=True):
        bodies = by_sequence[sequence]
        follower = chain[-1].previous if chain and chain[-1].sequence == sequence + 1 else None
        earlier = {one.sha256 for one in by_sequence.get(sequence - 1, ())} if sequence else roots
        decided = [one for one in bodies if one.sha256 == signed.get(sequence)] or [
            one for one in bodies if one.sha256 == follower
        ]
        chosen = (decided or [one for one in bodies if one.previous in earlier] or bodies)[0]
        if len(bodies) > 1 and not decided:
            undecided.append(chosen)
        chain.append(chosen)
        rejected += [one for one in bodies if one is not chosen]
    return tuple(reversed(chain)), rejected, undecided


def gaps(chain: Sequence[Stored]) -> list[tuple[int, int, Interval]]:
    """(first, last, time between) of each run of sequence numbers that is missing before a chunk of the stream."""
    found = []
    expected, at = 0, 0
    for one in chain:
        if one.sequence > expected:
            found.append((expected, one.sequence - 1, Interval(at, max(at, one.span.start))))
        expected, at = one.sequence + 1, max(at, one.span.end)
    return found
