"""The store's own certificate authority: PCs trust it by their enrolment token, so TLS works from the first start."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from store.clock import SECOND
from store.errors import WrongUsage

CA_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=1825)
_EARLIER: Final = timedelta(hours=1)  # a PC's clock may be behind
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")

_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Authority:
    """`certificate`: PEM. `private`: PKCS #8, DER; its holder can pass for the store."""

    certificate: bytes
    private: bytes

    def fits(self) -> bool:
        """Whether the key is that of the certificate, the first where there are several."""
        certificate = x509.load_pem_x509_certificate(self.certificate)
        return _ca_key(self.private).public_key() == certificate.public_key()


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Both PEM; `certificate` is the server's alone: PCs have the CA's."""

    certificate: bytes
    private: bytes


def check_name(name: str) -> str:
    """A host name in lower case. Raises WrongUsage."""
    lowered = name.lower().rstrip(".")
    if len(lowered) > 253 or not all(_LABEL.fullmatch(label) for label in lowered.split(".")):
        raise WrongUsage(f"{name!r} is no host name: give one like store.example.com, an address with --address")
    return lowered


def check_address(address: str) -> str:
    """An IP address in its one spelling. Raises WrongUsage."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise WrongUsage(f"{address!r} is no IP address: a host name goes with --name") from None


def make_authority(now: int) -> Authority:
    """`now`: ns since 1970."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Eyelid store CA")])
    certificate = (
        _builder(name, name, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return Authority(certificate.public_bytes(Encoding.PEM), private)


def make_server(authority: Authority, names: Iterable[str], addresses: Iterable[str], now: int) -> ServerIdentity:
    """A certificate for these host names and IP addresses, and for this machine under its loopback names."""
    ca = x509.load_pem_x509_certificate(authority.certificate)
    ca_key = _ca_key(authority.private)
    key = ec.generate_private_key(ec.SECP256R1())
    all_names = dict.fromkeys([*names, "localhost"])
    all_addresses = dict.fromkeys([*addresses, "127.0.0.1", "::1"])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Eyelid store")])
    alternatives = [
        *(x509.DNSName(name) for name in all_names),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in all_addresses),
    ]
    certificate = (
        _builder(subject, ca.subject, key.public_key(), now, SERVER_LIFE)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ServerIdentity(certificate.public_bytes(Encoding.PEM), private)


def days_left(certificate: bytes, now: int) -> int:
    """Whole days until a PEM certificate ends; negative once it has."""
    end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    return (end - datetime.fromtimestamp(now / SECOND, UTC)).days


def _ca_key(private: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(private, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise WrongUsage("the CA's key is not an elliptic-curve key: put tls/ca.key back from a backup")
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: int, life: timedelta
) -> x509.CertificateBuilder:
    begin = datetime.fromtimestamp(now // SECOND, UTC) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + life)
    )


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in _USAGES})
