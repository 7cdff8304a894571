"""What of a store wears out or changes its name: its signing key, its certificate, its authority, its address.

Each step leaves something that PCs already trust: a new key is signed by the old one, a new address or authority is
told, signed by the store's key, before the old one goes. A server that runs takes the files over at its next start.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, insert, select

from protocol import successor
from protocol.keyfile import load_private, save_private
from protocol.keys import thumbprint
from protocol.location import Location
from store.admin.ca import Authority, make_authority, make_server
from store.admin.home import Home, private_pem
from store.admin.init import STORE
from store.catalog import queries, schema
from store.errors import StoreError, WrongUsage
from store.files import write_over

LOOPBACK = ("localhost", "127.0.0.1", "::1")  # `make_server` adds them itself


def new_store_key(home: Home, connection: Connection, now: int) -> Ed25519PrivateKey:
    """Vouched for by the one until now. It counts from `put_store_key` on, when the transaction has ended: a key that
    nobody vouches for would strand PCs, one that nobody holds does no harm."""
    new = Ed25519PrivateKey.generate()
    statement = successor.sign(new.public_key(), home.store_key(), at=now)
    connection.execute(insert(schema.successors).values(token=statement, added_at=now))
    return new


def put_store_key(home: Home, new: Ed25519PrivateKey) -> None:
    write_over(home.store_key_path, private_pem(new))
    record = replace(home.key(STORE), id=thumbprint(new.public_key()))
    replace(home, keys=tuple(record if one.name == STORE else one for one in home.keys)).replace_settings()


def authority(home: Home, passphrase: bytes) -> Authority:
    """The newest, with its key. Raises KeyProblem, StoreError."""
    try:
        return Authority(home.ca_certificate.read_bytes(), load_private(home.ca_key, passphrase).raw)
    except OSError as fault:
        raise StoreError(f"{home.ca_certificate} cannot be read: {fault.strerror}") from None


def names_of(home: Home) -> tuple[list[str], list[str]]:
    """Host names and IP addresses that the server's certificate is good for, this machine's own left out."""
    certificate = x509.load_pem_x509_certificate(home.server_certificate.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = [name for name in found.get_values_for_type(x509.DNSName) if name not in LOOPBACK]
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return names, [address for address in addresses if address not in LOOPBACK]


def renew_certificate(home: Home, issuer: Authority, names: Iterable[str], addresses: Iterable[str], now: int) -> None:
    """Of the server. Cut short between its two files it is made again by the next call."""
    made = make_server(issuer, names, addresses, now)
    write_over(home.server_key, made.private)
    write_over(home.server_certificate, made.certificate, 0o644)


def renew_authority(home: Home, passphrase: bytes, now: int) -> None:
    """A new one beside the old, both of which PCs are to trust. The server's certificate stays as it is."""
    old = _certificates(home)
    if len(old) > 1:
        raise WrongUsage("two authorities count already: first `renew tls`, then `renew ca --drop-old`")
    load_private(home.ca_key, passphrase)  # the same passphrase seals the new one
    new = make_authority(now)
    beside = home.ca_key.with_name(".ca.key.new")
    beside.unlink(missing_ok=True)
    save_private(beside, "ca", new.private, passphrase)
    write_over(home.ca_certificate, new.certificate + old[0].public_bytes(Encoding.PEM), 0o644)
    beside.replace(home.ca_key)


def drop_old_authority(home: Home) -> None:
    newest, *old = _certificates(home)
    if not old:
        raise WrongUsage("there is only one authority: nothing is to be dropped")
    shown = x509.load_pem_x509_certificate(home.server_certificate.read_bytes())
    try:
        shown.verify_directly_issued_by(newest)
    except Exception as fault:
        raise WrongUsage("the server's certificate is still of the old authority: first `renew tls`") from fault
    write_over(home.ca_certificate, newest.public_bytes(Encoding.PEM), 0o644)


def has_two_authorities(home: Home) -> bool:
    return len(_certificates(home)) > 1


def _certificates(home: Home) -> list[x509.Certificate]:
    """Of the authorities, the newest first."""
    return x509.load_pem_x509_certificates(home.ca_certificate.read_bytes())


def publish(home: Home, connection: Connection, now: int) -> int:
    """Tell PCs where the store is and whom to trust there, as its files say; the number of the statement."""
    newest = queries.location(connection)
    # Above what any PC says, too: a store that was put back from a backup has forgotten its last ones.
    known = [int(json.loads(body).get("location", 0)) for body in connection.scalars(select(schema.health.c.body))]
    number = max([0 if newest is None else newest[0], *known]) + 1
    ca = home.ca_certificate.read_text("ascii") if home.address.startswith("https://") else ""
    token = Location(number, home.address, ca).sign(home.store_key())
    connection.execute(insert(schema.locations).values(number=number, token=token, added_at=now))
    return number


def not_followed(connection: Connection) -> list[str]:
    """Hosts of PCs, let in and heard of, that have not said that they have the newest location."""
    newest = queries.location(connection)
    devices, health = schema.devices.c, schema.health.c
    rows = connection.execute(
        select(devices.host, health.body)
        .join_from(schema.devices, schema.health)
        .where(devices.revoked_at.is_(None))
        .order_by(devices.host)
    )
    number = 0 if newest is None else newest[0]
    return [row.host for row in rows if int(json.loads(row.body).get("location", 0)) < number]
