"""One bit of anything that is kept turns over in the store: `eyelid-store verify` must name it. Case 6 of bench/loss.

Every class of bytes of a sealed chunk, a key packet, a bundle and a ledger, of a real recording in a real store; once
on the disk alone, once with the catalog changed to fit, as only somebody who means it can do. Each flip is a round, is
asked for twice (`verify REC` and `verify --all`), and is undone; what a store refuses while it is on its way, and what
happens in the catalog's other columns, is in tests/store/test_bit_flips.py.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.loss_account import Round
from bench.loss_world import Case, World, expect
from protocol.envelope import KEY_PACKET_STREAM
from store.catalog.blobs import sealed_name
from testkit.flipping import CHUNK, flip, flip_in
from testkit.stage import StageError

MEDIA: Final = 4  # chunks of the recording at least: the one that is damaged stands in the middle
QUICK: Final = 3  # of the flips: each is two sweeps of the store
# (part of the JWS: 0 header, 1 payload, 2 signature; member, "" for the part's first letter)
HEADER: Final = ((0, ""), (0, "alg"), (0, "typ"), (0, "kid"))
PACKET: Final = (
    *HEADER,
    *((1, name) for name in ("recording", "wrapped", "commitment", "policy", "device", "host", "os_user", "monitors")),
    (2, ""),
)
BUNDLE: Final = (*HEADER, (0, "jwk"), *((1, name) for name in ("revision", "created", "recipients")), (2, ""))
BATCH: Final = (*HEADER, *((1, name) for name in ("device", "first", "last", "lines")), (2, ""))
LINE: Final = ("seq", "at", "wall", "kind", "recording", "policy", "zero", "prev")


@dataclass(frozen=True)
class Target:
    """A finished recording in the store at `home`. `sequence`: of a chunk of `stream` that others follow."""

    home: Path
    recording: str
    stream: int
    sequence: int

    @contextmanager
    def catalog(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.home / "store.db", timeout=30)) as connection, connection:
            yield connection

    def one(self, query: str, *values: object) -> tuple[Any, ...]:
        with self.catalog() as connection:
            found = connection.execute(query, values).fetchone()
        if found is None:
            raise StageError(f"the store has nothing to turn a bit of: {query}")
        return tuple(found)

    def change(self, query: str, *values: object) -> None:
        with self.catalog() as connection:
            if connection.execute(query, values).rowcount != 1:
                raise StageError(f"the bit was not turned over: {query}")

    def sha256(self, stream: int, sequence: int) -> str:
        query = "SELECT sha256 FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?"
        return str(self.one(query, self.recording, stream, sequence)[0])

    def blob(self, stream: int, sequence: int, sha256: str) -> Path:
        return self.home / "blobs" / sealed_name(UUID(self.recording), stream, sequence, sha256)


@dataclass(frozen=True)
class Flip:
    """`turned`: while the block runs the bit is the other one. `named`: how a finding's place begins that names it."""

    name: str
    turned: Callable[[Target], AbstractContextManager[None]]
    named: Callable[[Target], tuple[str, ...]]


# -- where a bit may turn over ------------------------------------------------------------------------------------

Change = Callable[[bytes], bytes]


@contextmanager
def _on_disk(there: Target, stream: int, sequence: int, change: Change) -> Iterator[None]:
    path = there.blob(stream, sequence, there.sha256(stream, sequence))
    honest = path.read_bytes()
    path.write_bytes(change(honest))
    try:
        yield
    finally:
        path.write_bytes(honest)


@contextmanager
def _in_catalog_too(there: Target, stream: int, sequence: int, change: Change) -> Iterator[None]:
    """The catalog's hash is that of the turned bytes, and they lie where it says."""
    sha256 = there.sha256(stream, sequence)
    turned = change(there.blob(stream, sequence, sha256).read_bytes())
    other = hashlib.sha256(turned).hexdigest()
    path = there.blob(stream, sequence, other)
    query = "UPDATE sealed SET sha256 = ? WHERE recording = ? AND stream = ? AND sequence = ?"
    path.write_bytes(turned)
    there.change(query, other, there.recording, stream, sequence)
    try:
        yield
    finally:
        there.change(query, sha256, there.recording, stream, sequence)
        path.unlink()


@contextmanager
def _in_column(there: Target, table: str, column: str, where: str, change: Callable[[str], str]) -> Iterator[None]:
    honest = str(there.one(f"SELECT {column} FROM {table} WHERE {where}")[0])  # noqa: S608 - words of this file
    query = f"UPDATE {table} SET {column} = ? WHERE {where}"  # noqa: S608 - words of this file
    there.change(query, change(honest))
    try:
        yield
    finally:
        there.change(query, honest)


def _chunk(name: str, at: int, bit: int, put: Callable[..., AbstractContextManager[None]], where: str) -> Flip:
    return Flip(
        f"chunk: {name}, {where}",
        lambda there: put(there, there.stream, there.sequence, lambda body: flip(body, at, bit)),
        lambda there: (f"stream {there.stream}, sequence {there.sequence}",),
    )


def _packet(part: int, name: str, put: Callable[..., AbstractContextManager[None]], where: str) -> Flip:
    return Flip(
        f"key packet: {_said(part, name)}, {where}",
        lambda there: put(there, KEY_PACKET_STREAM, 0, lambda body: flip_in(body.decode(), part, name).encode()),
        lambda _: ("key packet",),
    )


def _bundle(part: int, name: str) -> Flip:
    return Flip(
        f"bundle: {_said(part, name)}",
        lambda there: _in_column(
            there,
            "bundles",
            "token",
            "revision = (SELECT max(revision) FROM bundles)",
            lambda token: flip_in(token, part, name),
        ),
        lambda _: ("bundle revision", "newest bundle"),
    )


def _opening(there: Target) -> int:
    query = "SELECT seq FROM ledger_lines WHERE kind = 'recording-open' AND recording = ?"
    return int(there.one(query, there.recording)[0])


def _batch(part: int, name: str) -> Flip:
    def where(there: Target) -> str:
        return f"id = (SELECT batch FROM ledger_lines WHERE seq = {_opening(there)})"  # noqa: S608 - a number

    return Flip(
        f"ledger batch: {_said(part, name)}",
        lambda there: _in_column(
            there, "ledger_batches", "token", where(there), lambda token: flip_in(token, part, name)
        ),
        lambda _: ("batch ",),
    )


def _line(name: str) -> Flip:
    def change(text: str) -> str:
        value = json.dumps(json.loads(text)[name], separators=(",", ":")).lstrip('"[')
        place = text.index(value, text.index(f'"{name}":') + len(name) + 3)
        return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]

    return Flip(
        f"ledger entry: {name}",
        lambda there: _in_column(there, "ledger_lines", "line", f"seq = {_opening(there)}", change),
        lambda there: (f"entry {_opening(there)}",),
    )


def _said(part: int, name: str) -> str:
    whole = ("header", "payload", "signature")[part]
    return f"{whole}'s {name}" if name else whole


DISK, BOTH = "on the disk", "on disk and in the catalog"

FLIPS: Final = (
    *(_chunk(name, *place, _on_disk, DISK) for name, place in CHUNK.items()),
    *(_chunk(name, *place, _in_catalog_too, BOTH) for name, place in CHUNK.items()),
    *(_packet(*place, _on_disk, DISK) for place in PACKET),
    *(_packet(*place, _in_catalog_too, BOTH) for place in PACKET),
    *(_bundle(*place) for place in BUNDLE),
    *(_batch(*place) for place in BATCH),
    *(_line(name) for name in LINE),
)


# -- the case -----------------------------------------------------------------------------------------------------


def flips(made: World, rounds: int) -> Iterator[Round]:
    """`rounds` of them, evenly spread over all where they are fewer, and all again where they are more."""
    made.ready()
    expect(lambda: len(made.told().put) >= MEDIA + 2, "a recording of some chunks")  # with its key packet and header
    yield from made.verdict()
    there = recorded(made)
    for turn in range(rounds):
        one = FLIPS[turn % len(FLIPS) if rounds >= len(FLIPS) else turn * len(FLIPS) // rounds]
        with one.turned(there):
            missed = list(_not_named(made, there, one))
        yield Round(faults=tuple(missed))
    if made.asked("verify", "--all", *made.services.opened_by_recipient)["unsound"]:
        yield Round(rounds=0, faults=("everything is as it was before the flips, and the store calls it unsound",))


def recorded(made: World) -> Target:
    """The recording with most chunks, and one of them in the middle of its first stream."""
    with closing(sqlite3.connect(f"file:{made.services.home / 'store.db'}?mode=ro", uri=True, timeout=30)) as catalog:
        row = catalog.execute(
            "SELECT recording, stream, max(sequence) FROM sealed WHERE stream <> ?"
            " GROUP BY recording, stream ORDER BY count(*) DESC LIMIT 1",
            (KEY_PACKET_STREAM,),
        ).fetchone()
    if row is None or row[2] < 3:
        raise StageError("the recording has too few chunks to damage one in the middle")
    return Target(made.services.home, row[0], row[1], 2)


def _not_named(made: World, there: Target, one: Flip) -> Iterator[str]:
    opened = made.services.opened_by_recipient
    swept, alone = made.asked_at_once(("verify", "--all", *opened), ("verify", there.recording, *opened))
    whole = [finding for thing in swept["unsound"] for finding in thing["findings"]]
    for command, findings in (("verify --all", whole), ("verify REC", alone["findings"])):
        if not any(finding["where"].startswith(one.named(there)) for finding in findings):
            said = ", ".join(f"{finding['where']} {finding['code']}" for finding in findings) or "nothing"
            yield f"{one.name}: {command} does not name it; it says {said}"


# First of all cases, and in the world that others share: whatever else lies in a store is read again for every flip.
CASES: Final = (Case("flips", "a bit turned over in what the store keeps", len(FLIPS), QUICK, flips),)
