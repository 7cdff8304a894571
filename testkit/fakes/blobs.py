"""Blobs in memory, for tests of what stands on blobs. Passes the same contract suite as the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from uuid import UUID

from store.catalog.blobs import BlobFault, BlobMissing, check_name


class MemoryBlobs:
    """`fail_next` makes the next puts raise, as a broken disk would."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bodies: dict[str, bytes] = {}
        self.fail_next: list[BlobFault] = []

    def put(self, name: str, body: bytes) -> None:
        check_name(name)
        with self._lock:
            if self.fail_next:
                raise self.fail_next.pop(0)
            self._bodies[name] = bytes(body)

    def get(self, name: str) -> bytes:
        with self._lock:
            if name not in self._bodies:
                raise BlobMissing(name)
            return self._bodies[name]

    def size(self, name: str) -> int:
        return len(self.get(name))

    def names(self, prefix: str = "") -> Iterator[str]:
        with self._lock:
            found = sorted(self._bodies)
        yield from (name for name in found if name.startswith(prefix))

    def recordings(self) -> Iterator[UUID]:
        found = (name.split("/") for name in self.names())
        yield from dict.fromkeys(UUID(parts[1]) for parts in found if len(parts) == 3)

    def unfinished(self) -> Iterator[tuple[str, bytes]]:
        return iter(())

    def remove(self, name: str) -> None:
        check_name(name)
        with self._lock:
            self._bodies.pop(name, None)

    def shred(self, name: str) -> None:
        self.remove(name)
