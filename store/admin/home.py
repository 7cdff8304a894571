"""The one folder that is a store: what lies where, and how it is opened again.

store.json    address, and which keys there are
store.db      the catalog (SQLite)
blobs/        sealed bytes
tls/          CA and server certificate with their keys; the CA's key is sealed under the passphrase
generation    random word, also in the catalog; a restored catalog lacks the newest one. In no backup
operators.jsonl, operators.head: who opened or listed recordings (store/admin/operators.py)
exports/      a note of each export that is being written, so that what a killed one left is found
keys/         store.key signs receipts unattended, so it lies open (mode 0600); those of people lie elsewhere, sealed
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.system import ON_WINDOWS
from store.catalog import erasure
from store.catalog.blobs import LocalBlobs
from store.catalog.database import Database, Migration, upgrade
from store.errors import StoreError, WrongUsage
from store.files import write_new, write_over

FORMAT: Final = 1
SETTINGS: Final = "store.json"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key that `init` made. `id`: key id of a recipient, thumbprint of a signing key. `file`: within the home, or
    absolute: where `init` left it, until somebody has taken it away."""

    name: str
    purpose: str
    id: str
    file: str


@dataclass(frozen=True, slots=True)
class Home:
    """`address`: the base URL that PCs reach the store under."""

    folder: Path
    address: str
    keys: tuple[KeyRecord, ...]

    @property
    def database_path(self) -> Path:
        return self.folder / "store.db"

    @property
    def tls(self) -> Path:
        return self.folder / "tls"

    @property
    def ca_certificate(self) -> Path:
        return self.tls / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.tls / "ca.key"

    @property
    def server_certificate(self) -> Path:
        return self.tls / "server.crt"

    @property
    def server_key(self) -> Path:
        return self.tls / "server.key"

    @property
    def store_key_path(self) -> Path:
        return self.folder / "keys" / "store.key"

    def key(self, name: str) -> KeyRecord:
        return next(record for record in self.keys if record.name == name)

    def write_settings(self) -> None:
        write_new(self.folder / SETTINGS, self._settings())

    def replace_settings(self) -> None:
        write_over(self.folder / SETTINGS, self._settings())

    def _settings(self) -> bytes:
        settings = {"format": FORMAT, "address": self.address, "keys": [asdict(record) for record in self.keys]}
        return json.dumps(settings, indent=1).encode() + b"\n"

    @classmethod
    def open(cls, folder: Path) -> Home:
        """Raises WrongUsage where no store has been made, StoreError where its settings cannot be read."""
        path = folder / SETTINGS
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise WrongUsage(
                f"{folder} holds no store: make one with `eyelid-store init`, or say where it is with --home"
            ) from None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from None
        try:
            claims = Claims(parse_object(text), str(path), ProtocolError)
            if claims.integer("format") != FORMAT:
                raise StoreError(f"{path} was written by another version of eyelid-store: install that one")
            keys = tuple(
                KeyRecord(key.text("name"), key.text("purpose"), key.text("id"), key.text("file"))
                for key in claims.objects("keys")
            )
            return cls(folder, claims.text("address"), keys)
        except ValueError as error:
            raise StoreError(f"{path} is damaged ({error}): put it back from a backup") from None

    @property
    def generation_path(self) -> Path:
        """Has the word that the catalog has, too. No backup has the file, so that the word of one that was put back
        is not the newest."""
        return self.folder / "generation"

    def check_not_put_back(self, database: Database) -> None:
        """Raises StoreError for a catalog from a backup, which may hold what was erased since."""
        with database.reading() as connection:
            named = erasure.decider(connection)
        try:
            known = self.generation_path.read_text("ascii", "replace").strip()
        except OSError:
            known = ""
        if known != ("" if named is None else named.generation):
            raise StoreError(
                f"{self.database_path} does not go with {self.generation_path}: most likely it was put back from a "
                "backup, and it may have what was erased since. First run `eyelid-review restored --noted ...`"
            )

    def database(self) -> Database:
        """The catalog, brought to this version's tables. Raises StoreError."""
        return self.upgraded()[0]

    def upgraded(self) -> tuple[Database, tuple[Migration, ...]]:
        """The same, and what it lacked."""
        if not self.database_path.exists():
            raise StoreError(f"{self.database_path} is missing: put it back from a backup")
        database = Database.sqlite(self.database_path)
        return database, upgrade(database, str(self.database_path))

    @property
    def exports(self) -> Path:
        """Notes of exports that are not finished."""
        return self.folder / "exports"

    @property
    def blobs_folder(self) -> Path:
        return self.folder / "blobs"

    def blobs(self) -> LocalBlobs:
        return LocalBlobs(self.blobs_folder)

    def store_key(self) -> Ed25519PrivateKey:
        """The key that signs receipts and bearer tokens. Raises StoreError."""
        path = self.store_key_path
        try:
            if not ON_WINDOWS and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise StoreError(f"{path} can be read by others: run `chmod 600 {path}`")
            key = load_pem_private_key(path.read_bytes(), password=None)
        except FileNotFoundError:
            raise StoreError(f"{path} is missing: without it no receipt can be signed; put it back") from None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError):
            raise StoreError(f"{path} is no private key: put it back from a backup") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise StoreError(f"{path} is no Ed25519 key: put it back from a backup")
        return key


def url_of(host: str, port: int) -> str:
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def default_folder(environment: Mapping[str, str]) -> Path:
    """EYELID_STORE_HOME, else the user's data folder (XDG)."""
    if named := environment.get("EYELID_STORE_HOME"):
        return Path(named)
    data = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "eyelid-store"


def private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
