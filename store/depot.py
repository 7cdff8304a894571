"""What every request needs, in one place: the catalog, the one writer, the blobs, the store's key and its clock."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from store.blobs import BlobStore
from store.clock import Clock
from store.database import Database
from store.writer import Writer


@dataclass(frozen=True, slots=True)
class Depot:
    database: Database
    writer: Writer
    blobs: BlobStore
    store_key: Ed25519PrivateKey
    clock: Clock

    def close(self) -> None:
        """Finish what was submitted, then let go of the database."""
        self.writer.close()
        self.database.close()
