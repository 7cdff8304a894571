"""Where recordings lie: the store's own blobs, replicas of them, and the custodian's wraps of those that it took over.

Replicas and wraps must be there when something is destroyed: else it would come back with them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from protocol.folder import unfinished
from store.catalog import erasure
from store.catalog.blobs import LocalBlobs, shred_file
from store.catalog.database import Database
from store.errors import StoreError

ADOPTED: Final = "adopted"  # folder of the custodian's
_SHARD: Final = re.compile(r"[0-9a-f]{2}")  # a folder of `blobs`


class Places:
    """`own`: the store's blobs. `replicas`: folders that are laid out as they are. `custodian`: its folder, or None.

    `each`: the name and the blobs of each, the store's own first.
    """

    def __init__(self, own: Path, replicas: Sequence[Path], custodian: Path | None) -> None:
        self.each = [(str(path), LocalBlobs(path)) for path in (own, *replicas)]
        self._replicas = replicas
        self._wraps = custodian and custodian / ADOPTED

    def reach(self) -> None:
        """Raises StoreError where a replica or the wraps are not there."""
        for path in (*self._replicas, *([self._wraps] if self._wraps else [])):
            if not path.is_dir():
                raise StoreError(f"the folder {path} is not there: what lies in it cannot be destroyed yet")
        for path in self._replicas:
            try:
                folders = [one.name for one in path.iterdir()]
            except OSError as error:
                raise StoreError(f"the replica {path} cannot be listed: {error.strerror}") from None
            if not any(map(_SHARD.fullmatch, folders)):
                message = "holds nothing of a store: is its disk mounted? Else copy the store's `blobs` to it"
                raise StoreError(f"the replica {path} {message}")

    def shred_wrap(self, recording: str) -> int:
        """The wrap by which the custodian took it over; how many files."""
        if self._wraps is None:
            return 0
        wrap = self._wraps / recording
        return sum(map(shred_file, (wrap, unfinished(wrap))))

    def sweep_wraps(self, database: Database) -> None:
        """Wraps of what was erased: a `custodian adopt` that was killed may have made one meanwhile."""
        if self._wraps is None or not self._wraps.is_dir():
            return
        there = {path.name.removeprefix(".").removesuffix(".new") for path in self._wraps.iterdir()}
        with database.reading() as connection:
            gone = erasure.certified(connection, there)
        for recording in gone:
            self.shred_wrap(recording)

    def destroy(self, recordings: Collection[str]) -> int:
        """What lies there of recordings that were erased; how many files. Raises StoreError, BlobFault."""
        count = 0
        if recordings:
            self.reach()
        for recording in recordings:
            count += self.shred_wrap(recording)
            for _, blobs in self.each:
                for name in erasure.left_over(blobs, [recording]):
                    blobs.shred(name)
                    count += 1
        return count
