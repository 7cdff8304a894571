"""What every request needs, in one place: the catalog, the one writer, the blobs, the store's key and its clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store.catalog.blobs import BlobStore
from store.catalog.database import Database
from store.catalog.writer import Writer
from store.clock import Clock
from store.server.bundles import Bundles
from store.server.refused import RefusedInteractions
from store.server.room import Quotas, Room
from store.server.turns import Turns

IO_THREADS: Final = 24  # threads that make sealed bytes durable: most of their time they wait for the disk


class OpenRecordings:
    """The recording that was last found open for each device, so that not every chunk has to ask the catalog.

    One for each: a device sends one recording after the other, and a server that runs for months would keep them all.
    Only a first word: the transaction that enters a chunk asks again, and what it refuses is forgotten here.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._last: dict[str, UUID] = {}
        self._lock = Lock()

    def __contains__(self, pair: tuple[str, UUID]) -> bool:
        device, recording = pair
        return self._last.get(device) == recording

    def add(self, pair: tuple[str, UUID]) -> None:
        device, recording = pair
        with self._lock:
            self._last[device] = recording
            if len(self._last) > self._most:
                del self._last[next(iter(self._last))]

    def forget(self, pair: tuple[str, UUID]) -> None:
        with self._lock:
            if pair in self:
                del self._last[pair[0]]


@dataclass(frozen=True, slots=True)
class Services:
    database: Database
    writer: Writer
    blobs: BlobStore
    store_key: Ed25519PrivateKey
    clock: Clock
    room: Room
    quotas: Quotas
    refused: RefusedInteractions
    io_pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(IO_THREADS, "io"))
    open_recordings: OpenRecordings = field(default_factory=OpenRecordings)
    turns: Turns = field(default_factory=Turns)
    bundles: Bundles = field(default_factory=Bundles)

    def close(self) -> None:
        """Finish what was submitted, then close the database."""
        self.io_pool.shutdown()
        self.writer.close()
        self.database.close()
