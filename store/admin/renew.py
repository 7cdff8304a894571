"""What of a store wears out or changes its name: its signing key, its certificate, its authority, its address.

Each step leaves something that PCs already trust: a new key is signed by the old one, a new address or authority is
told, signed by the store's key, before the old one goes. A server that runs takes the files over at its next start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, insert

from protocol import base64url, successor
from protocol.claims import parse_object
from protocol.keyfile import load_private, save_private
from protocol.keys import thumbprint
from protocol.location import Location
from store.admin.ca import Authority, make_authority, make_server
from store.admin.home import Home, private_pem
from store.admin.init import STORE
from store.catalog import queries, schema, statements
from store.clock import SECOND
from store.errors import StoreError, WrongUsage
from store.files import write_over

LOOPBACK = ("localhost", "127.0.0.1", "::1")  # `make_server` adds them itself


def new_store_key(home: Home, connection: Connection, now: int) -> Ed25519PrivateKey:
    """Vouched for by the one until now. It counts from `put_store_key` on, when the transaction has ended: a key that
    is not vouched for would strand PCs, one without a holder does no harm."""
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
        found = Authority(home.ca_certificate.read_bytes(), load_private(home.ca_key, passphrase).raw)
    except OSError as fault:
        raise StoreError(f"{home.ca_certificate} cannot be read: {fault.strerror}") from None
    if not found.fits():
        raise StoreError(f"{home.ca_key} is not the key of {home.ca_certificate}: run `renew ca`, which was cut short")
    return found


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


def new_authority(home: Home, passphrase: bytes, now: int, *, published: bool) -> bytes | None:
    """Certificates (PEM) of a new authority and of the one before it: PCs are to trust both before `put_authority`.

    The server's certificate stays as it is. None: the files have both already, and PCs are to be told again.
    `published`: as `is_published` says. A call that was cut short before or within `put_authority` is made again with
    another authority.
    """
    certificates = _certificates(home)
    if len(certificates) > 1 and published:
        raise WrongUsage("two authorities count already: first `renew tls`, then `renew ca --drop-old`")
    held = load_private(home.ca_key, passphrase)  # the same passphrase seals the new one
    if len(certificates) > 1 and Authority(home.ca_certificate.read_bytes(), held.raw).fits():
        return None
    new = make_authority(now)
    _next_key(home).unlink(missing_ok=True)
    save_private(_next_key(home), "ca", new.private, passphrase)
    return new.certificate + certificates[-1].public_bytes(Encoding.PEM)


def put_authority(home: Home, certificates: bytes) -> None:
    """The key first: `renew ca` mends a key without its certificate, and `authority` refuses it until then."""
    write_over(home.ca_key, _next_key(home).read_bytes())
    write_over(home.ca_certificate, certificates, 0o644)
    _next_key(home).unlink()


def without_old_authority(home: Home) -> bytes:
    """The certificate (PEM) of the newest authority. Raises WrongUsage where the server still needs the old one."""
    newest, *old = _certificates(home)
    if not old:
        raise WrongUsage("there is only one authority: nothing is to be dropped")
    shown = x509.load_pem_x509_certificate(home.server_certificate.read_bytes())
    try:
        shown.verify_directly_issued_by(newest)
    except (InvalidSignature, TypeError, ValueError) as fault:
        raise WrongUsage("the server's certificate is still of the old authority: first `renew tls`") from fault
    return newest.public_bytes(Encoding.PEM)


def drop_old_authority(home: Home, certificate: bytes) -> None:
    write_over(home.ca_certificate, certificate, 0o644)


def _next_key(home: Home) -> Path:
    return home.ca_key.with_name(".ca.key.next")


def has_two_authorities(home: Home) -> bool:
    return len(_certificates(home)) > 1


def _certificates(home: Home) -> list[x509.Certificate]:
    """Of the authorities, the newest first."""
    return x509.load_pem_x509_certificates(home.ca_certificate.read_bytes())


def publish(home: Home, connection: Connection, now: int, certificates: bytes | None = None) -> int:
    """Tell PCs where the store is and whom to trust there; the number of the statement.

    `certificates`: PEM of the authorities; by default those in the home. The number is the time: a store that was
    put back from a backup has forgotten its last ones, and what PCs say they know is no proof that it gave them.
    """
    newest = statements.location(connection)
    number = max(0 if newest is None else newest[0] + 1, now // SECOND)
    ca = (certificates or home.ca_certificate.read_bytes()).decode("ascii")
    token = Location(number, home.address, ca if home.address.startswith("https://") else "").sign(home.store_key())
    connection.execute(insert(schema.locations).values(number=number, token=token, added_at=now))
    return number


def is_published(home: Home, connection: Connection) -> bool:
    """Whether the newest statement to PCs names the newest authority."""
    if not home.address.startswith("https://"):
        return True
    newest = statements.location(connection)
    if newest is None:
        return False
    # The catalog is the store's own, and the key that has signed this may have a successor by now: not verified here.
    ca = str(parse_object(base64url.decode(newest[1].split(".")[1]))["ca"])
    return bool(ca) and _certificates(home)[0] in x509.load_pem_x509_certificates(ca.encode("ascii"))


def not_followed(connection: Connection) -> list[str]:
    """Hosts of PCs, let in and heard of, that have not said that they have the newest location."""
    newest = statements.location(connection)
    number = 0 if newest is None else newest[0]
    # A higher one is none that this store gave: it says nothing about what the PC knows.
    heard = queries.health_of_those_let_in(connection)
    return [host for host, body in heard if int(body.get("location", 0)) != number]
