"""One bit of anything that is kept turns over in the store: `eyelid-store verify` must name it. Case 6 of bench/loss.

Every class of bytes of a sealed chunk, a key packet, a bundle and a ledger, of a real recording in a real store; once
on the disk alone, once with the catalog changed to fit, as only somebody who means it can do. Each flip is a round, is
asked for twice (`verify REC` and `verify --all`), and is undone; what a store refuses while it is on its way, and what
happens in the catalog's other columns, is in tests/store/test_bit_flips.py.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.harness import LONG
from bench.loss_account import Round
from bench.loss_world import Case, World
from protocol.envelope import KEY_PACKET_STREAM
from store.catalog.blobs import sealed_name
from testkit.flipping import BATCH, BUNDLE, CHUNK, PACKET, flip, flip_in, flip_in_line
from testkit.stage import StageError
from testkit.waits import until

MEDIA: Final = 4  # chunks of the recording at least: the one that is damaged stands in the middle
QUICK: Final = 3  # of the flips: each is two sweeps of the store
LINE: Final = ("seq", "at", "wall", "kind", "recording", "policy", "zero", "prev")
DISK, BOTH = "on the disk", "on disk and in the catalog"


@dataclass(frozen=True)
class Target:
    """A finished recording in the store at `home`. `sequence`: of a chunk of `stream` that others follow."""

    home: Path
    recording: str
    stream: int
    sequence: int

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "store.db", timeout=30)) as catalog, catalog:
            asked = catalog.execute(query, values)
            found = asked.fetchall()
            if not found and asked.rowcount != 1:
                raise StageError(f"the store has nothing to turn a bit of: {query}")
            return found

    def blob(self, stream: int, sequence: int, sha256: str) -> Path:
        return self.home / "blobs" / sealed_name(UUID(self.recording), stream, sequence, sha256)

    @property
    def opening(self) -> int:
        """Number of the ledger's entry that opens the recording."""
        query = "SELECT seq FROM ledger_lines WHERE kind = 'recording-open' AND recording = ?"
        return int(self.ask(query, self.recording)[0][0])


@dataclass(frozen=True)
class Flip:
    """`turned`: while the block runs the bit is the other one. `named`: how a finding's place begins that names it."""

    name: str
    turned: Callable[[Target], AbstractContextManager[None]]
    named: Callable[[Target], tuple[str, ...]]


# -- where a bit may turn over ------------------------------------------------------------------------------------


@contextmanager
def _replaced(there: Target, table: str, column: str, row: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """`row`: a condition of SQL."""
    [(honest,)] = there.ask(f"SELECT {column} FROM {table} WHERE {row}")  # noqa: S608 - words of this file
    query = f"UPDATE {table} SET {column} = ? WHERE {row}"  # noqa: S608 - words of this file
    there.ask(query, change(honest))
    try:
        yield
    finally:
        there.ask(query, honest)


@contextmanager
def _in_blob(there: Target, stream: int, sequence: int, change: Callable[[bytes], bytes], where: str) -> Iterator[None]:
    """`where` BOTH: the catalog's hash is that of the turned bytes, and they lie where it says."""
    row = f"recording = '{there.recording}' AND stream = {stream} AND sequence = {sequence}"
    [(sha256,)] = there.ask(f"SELECT sha256 FROM sealed WHERE {row}")  # noqa: S608 - words of this file
    path = there.blob(stream, sequence, sha256)
    honest = path.read_bytes()
    turned = change(honest)
    if where == DISK:
        path.write_bytes(turned)
        try:
            yield
        finally:
            path.write_bytes(honest)
        return
    other = hashlib.sha256(turned).hexdigest()
    there.blob(stream, sequence, other).write_bytes(turned)
    try:
        with _replaced(there, "sealed", "sha256", row, lambda _: other):
            yield
    finally:
        there.blob(stream, sequence, other).unlink()


def _chunk(name: str, place: tuple[int, int], where: str) -> Flip:
    return Flip(
        f"chunk: {name}, {where}",
        lambda there: _in_blob(there, there.stream, there.sequence, lambda body: flip(body, *place), where),
        lambda there: (f"stream {there.stream}, sequence {there.sequence}",),
    )


def _packet(part: int, name: str, where: str) -> Flip:
    return Flip(
        f"key packet: {_said(part, name)}, {where}",
        lambda there: _in_blob(
            there, KEY_PACKET_STREAM, 0, lambda body: flip_in(body.decode(), part, name).encode(), where
        ),
        lambda _: ("key packet",),
    )


def _token(what: str, table: str, row: str, named: tuple[str, ...], place: tuple[int, str]) -> Flip:
    part, name = place
    return Flip(
        f"{what}: {_said(part, name)}",
        lambda there: _replaced(
            there, table, "token", row.format(there.opening), lambda token: flip_in(token, part, name)
        ),
        lambda _: named,
    )


def _line(name: str) -> Flip:
    return Flip(
        f"ledger entry: {name}",
        lambda there: _replaced(
            there, "ledger_lines", "line", f"seq = {there.opening}", lambda text: flip_in_line(text, name)
        ),
        lambda there: (f"entry {there.opening}",),
    )


def _said(part: int, name: str) -> str:
    whole = ("header", "payload", "signature")[part]
    return f"{whole}'s {name}" if name else whole


NEWEST: Final = ("bundle", "bundles", "revision = (SELECT max(revision) FROM bundles)")
OPENS: Final = ("ledger batch", "ledger_batches", "id = (SELECT batch FROM ledger_lines WHERE seq = {})")
FLIPS: Final = (
    *(_chunk(name, place, where) for where in (DISK, BOTH) for name, place in CHUNK.items()),
    *(_packet(*place, where) for where in (DISK, BOTH) for place in PACKET),
    *(_token(*NEWEST, ("bundle revision", "newest bundle"), place) for place in BUNDLE),
    *(_token(*OPENS, ("batch ",), place) for place in BATCH),
    *(_line(name) for name in LINE),
)


# -- the case -----------------------------------------------------------------------------------------------------


def flips(made: World, rounds: int) -> Iterator[Round]:
    """`rounds` of them, evenly spread over all where they are fewer, and all again where they are more."""
    made.ready()
    # With its key packet and header.
    until(lambda: len(made.told().put) >= MEDIA + 2, "a recording of some chunks", LONG)
    yield from made.verdict()
    there = recorded(made)
    for turn in range(rounds):
        one = FLIPS[turn % len(FLIPS) if rounds >= len(FLIPS) else turn * len(FLIPS) // rounds]
        with one.turned(there):
            missed = list(_not_named(made, there, one))
        yield Round(faults=missed)
    [swept] = made.asked(("verify", "--all", *made.services.opened_by_recipient))
    if swept["unsound"]:
        yield Round(rounds=0, faults=["everything is as it was before the flips, and the store calls it unsound"])


def recorded(made: World) -> Target:
    """The recording with most chunks, and one of them in the middle of its first stream."""
    query = "SELECT recording, stream, max(sequence) FROM sealed WHERE stream <> ? GROUP BY recording, stream"
    home = made.services.home
    found = Target(home, "", 0, 0).ask(f"{query} ORDER BY count(*) DESC LIMIT 1", KEY_PACKET_STREAM)
    [(recording, stream, last)] = found
    if last < 3:
        raise StageError("the recording has too few chunks to damage one in the middle")
    return Target(home, recording, stream, 2)


def _not_named(made: World, there: Target, one: Flip) -> Iterator[str]:
    opened = made.services.opened_by_recipient
    swept, alone = made.asked(("verify", "--all", *opened), ("verify", there.recording, *opened))
    whole = [finding for thing in swept["unsound"] for finding in thing["findings"]]
    for command, findings in (("verify --all", whole), ("verify REC", alone["findings"])):
        if not any(finding["where"].startswith(one.named(there)) for finding in findings):
            said = ", ".join(f"{finding['where']} {finding['code']}" for finding in findings) or "nothing"
            yield f"{one.name}: {command} does not name it; it says {said}"


# First of all cases, and in the world that others share: whatever else lies in a store is read again for every flip.
CASES: Final = (Case("flips", "a bit turned over in what the store keeps", len(FLIPS), QUICK, flips),)
