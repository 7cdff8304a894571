"""Makes a store in a fresh folder, whole or not at all: keys, certificates, catalog, first bundle.

The keys that can read recordings or change who reads them are sealed under the operator's passphrase and never lie in
the store's folder: a store that holds them could be made to use them, and its backups would carry them.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from protocol import bundle
from protocol.keyfile import COST, save_private
from protocol.keys import RecipientPrivate, thumbprint
from protocol.policyhash import policy_hash
from store.admin.ca import make_authority, make_server
from store.admin.home import SETTINGS, Home, KeyRecord, private_pem
from store.catalog import schema
from store.catalog.blobs import BlobFault, LocalBlobs
from store.catalog.database import Database, upgrade
from store.clock import Clock, wall
from store.errors import StoreError, WrongUsage
from store.files import sync_folder, write_new

RECIPIENT: Final = "recipient"
RECOVERY: Final = "recovery"
COMPLIANCE: Final = "compliance"
STORE: Final = "store"

_OUTSIDE: Final = ".outside"  # of what is being built: the keys that lie elsewhere, so that a next `init` can name them

PURPOSES: Final = {
    RECIPIENT: "opens recordings: for those who export and verify",
    RECOVERY: "opens recordings when the recipient key is lost: belongs in a safe, away from here",
    COMPLIANCE: "signs who may read and what the eye closes for: belongs with compliance, away from here",
    STORE: "signs receipts and access tokens: stays here, readable by the server alone",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator asked for. `policies`: file name -> text. `cost`: of protocol.keyfile.

    `keys`: the folder for the private keys of people, None for the home's own; `recipient_here`: the recipient's goes
    into the home nevertheless, for exports on the store's machine.
    """

    folder: Path
    address: str
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)
    cost: int = COST
    keys: Path | None = None
    recipient_here: bool = False

    def key_file(self, name: str) -> Path:
        """As `KeyRecord.file` has it: within the home, or absolute."""
        away = self.keys is not None and name != STORE and not (name == RECIPIENT and self.recipient_here)
        return Path(self.keys.absolute() if self.keys and away else "keys") / f"{name}.key"


def check_free(folder: Path) -> None:
    """Raises WrongUsage where a store, or anything else, lies already."""
    if (folder / SETTINGS).exists():
        raise WrongUsage(f"{folder} holds a store already: `eyelid-store serve` starts it")
    if left := _left_behind(folder):
        inside = [path for path in folder.iterdir() if path not in left] if left[0].parent == folder else []
        several = ", ".join(map(str, (*left, *inside, *(key for one in left for key in _keys_of(one)))))
        raise WrongUsage(
            f"an `init` that did not come to its end left these, and no store uses them: {several}. "
            "If none runs now, delete them, and start it again"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUsage(f"{folder} is not empty: give --home a folder of its own")


def _left_behind(folder: Path) -> list[Path]:
    """What was being built there when a process was killed, in the store's folder or beside it."""
    name = re.compile(re.escape(f".{folder.name}.") + "[0-9a-f]{8}")
    return [
        path for where in (folder, folder.parent) if where.is_dir()
        for path in sorted(where.iterdir()) if name.fullmatch(path.name)
    ]  # fmt: skip


def _keys_of(building: Path) -> list[Path]:
    """Those outside of the store's folder that were made with it."""
    with suppress(OSError, ValueError):
        return [path for text in json.loads((building / _OUTSIDE).read_bytes()) if (path := Path(text)).exists()]
    return []


def _check_keys(plan: Plan) -> list[Path]:
    """Where keys go that lie outside of the home. Raises WrongUsage where they lie inside, or something is there."""
    outside = [path for name in PURPOSES if (path := plan.key_file(name)).is_absolute()]
    for path in outside:
        if path.resolve().is_relative_to(plan.folder.resolve()):
            raise WrongUsage(f"{path.parent} lies in the store's folder: give --keys another, as on a USB stick")
        if path.exists():
            raise WrongUsage(f"{path} is there already, and a key is never overwritten: give --keys another folder")
    return outside


def found(plan: Plan, passphrase: bytes, clock: Clock = wall) -> Home:
    """The new store. Raises StoreError and WrongUsage, and then leaves nothing behind."""
    check_free(plan.folder)
    outside = _check_keys(plan)
    # A folder that is there already may lie where its owner can make nothing else, as below /var/lib.
    ready = plan.folder.is_dir()
    building = (plan.folder if ready else plan.folder.parent) / f".{plan.folder.name}.{secrets.token_hex(4)}"
    try:
        plan.folder.parent.mkdir(parents=True, exist_ok=True)
        building.mkdir(mode=0o700)
        write_new(building / _OUTSIDE, json.dumps(list(map(str, outside))).encode())
        for path in outside:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = _build(plan, building, passphrase, clock())
        for folder in (building / "tls", building / "keys", building):
            sync_folder(folder)
        if ready:
            _move_in(building, plan.folder)
        else:
            building.rename(plan.folder)
            (plan.folder / _OUTSIDE).unlink()
            sync_folder(plan.folder.parent)
    except BaseException as error:  # also Ctrl-C: no private key stays behind of a store that was not made
        for path in outside:
            with suppress(OSError):
                path.unlink()
        match error:
            case OSError():
                where = error.filename or plan.folder
                raise StoreError(f"{where} cannot be made: {error.strerror or error}") from None
            case BlobFault():
                raise StoreError(f"{plan.folder} cannot be made: {error}") from None
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Home(plan.folder, home.address, home.keys)


def _move_in(building: Path, folder: Path) -> None:
    """The settings last: without them there is no store. What was moved is taken back where one cannot be."""
    folder.chmod(0o700)
    parts = sorted(
        (path for path in building.iterdir() if path.name != _OUTSIDE), key=lambda path: path.name == SETTINGS
    )
    try:
        for path in parts:
            path.rename(folder / path.name)
    except OSError:
        for path in parts:
            with suppress(FileNotFoundError):
                (folder / path.name).rename(path)
        raise
    sync_folder(folder)


def _build(plan: Plan, folder: Path, passphrase: bytes, now: int) -> Home:
    for name in ("tls", "keys"):
        (folder / name).mkdir(mode=0o700)
    readers = {name: RecipientPrivate.generate() for name in (RECIPIENT, RECOVERY)}
    signers = {name: Ed25519PrivateKey.generate() for name in (COMPLIANCE, STORE)}
    ids = {name: reader.key_id for name, reader in readers.items()}
    ids |= {name: thumbprint(signer.public_key()) for name, signer in signers.items()}
    records = tuple(KeyRecord(name, PURPOSES[name], ids[name], str(plan.key_file(name))) for name in PURPOSES)
    home = Home(folder, plan.address, records)

    for name, reader in readers.items():
        save_private(folder / home.key(name).file, RECIPIENT, reader.to_bytes(), passphrase, cost=plan.cost)
    compliance = signers[COMPLIANCE]
    compliance_file = folder / home.key(COMPLIANCE).file
    save_private(compliance_file, COMPLIANCE, compliance.private_bytes_raw(), passphrase, cost=plan.cost)
    write_new(home.store_key_path, private_pem(signers[STORE]))

    authority = make_authority(now)
    server = make_server(authority, plan.names, plan.addresses, now)
    write_new(home.ca_certificate, authority.certificate, 0o644)
    save_private(home.ca_key, "ca", authority.private, passphrase, cost=plan.cost)
    write_new(home.server_certificate, server.certificate, 0o644)
    write_new(home.server_key, server.private)

    first = bundle.Bundle(1, tuple(reader.public for reader in readers.values()), now, dict(plan.policies))
    _write_catalog(home, bundle.sign(first, compliance), plan.policies, now)
    LocalBlobs(folder / "blobs").prepare()
    home.write_settings()
    return home


def _write_catalog(home: Home, token: str, policies: Mapping[str, str], now: int) -> None:
    database = Database.sqlite(home.database_path)
    try:
        upgrade(database, str(home.database_path))
        with database.writing() as connection:
            connection.execute(insert(schema.bundles).values(revision=1, token=token, added_at=now))
            if policies:
                connection.execute(
                    insert(schema.policies).values(
                        hash=policy_hash({name: text.encode() for name, text in policies.items()}),
                        files=json.dumps(policies, ensure_ascii=False),
                        received_at=now,
                    )
                )
    finally:
        database.close()
    home.database_path.chmod(0o600)
