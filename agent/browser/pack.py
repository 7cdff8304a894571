"""The extension as files that a browser installs: a signed CRX for Chromium's kind, an XPI for Firefox, and update.xml.

CRX3: Chromium, components/crx_file/crx3.proto and crx_creator.cc. The same source, key and addresses give the same
bytes: files in order of their names, without time stamps, stored (what zlib makes of them differs between its
versions), and RSA signatures of PKCS #1 v1.5 have no chance in them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from agent import durable
from agent.browser.manifests import EXTENSION, as_text, id_of
from agent.errors import EnvironmentFault, UserError

CRX: Final = "eyelid.crx"
XPI: Final = "eyelid.xpi"
UPDATE: Final = "update.xml"

_BITS: Final = 2048  # what `chromium --pack-extension` makes
_LARGEST_KEY: Final = 64 * 1024  # bytes of a PEM file
_SIGNED: Final = b"CRX3 SignedData\x00"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name


@dataclass(frozen=True, slots=True)
class Packed:
    """The bytes of one release, and the id by which Chromium's kind knows it."""

    crx: bytes
    xpi: bytes
    chromium_id: str
    firefox_id: str
    version: str


def pack(key: RSAPrivateKey, extension: Path = EXTENSION) -> Packed:
    """Raises EnvironmentFault when the extension's source is not whole."""
    files = _source(extension)
    try:
        manifest = json.loads(files["manifest.json"])
        version = str(manifest["version"])
        firefox_id = str(manifest["browser_specific_settings"]["gecko"]["id"])
    except (KeyError, ValueError, TypeError):
        raise EnvironmentFault(f"{extension} holds no whole extension: install Eyelid again") from None
    public = public_half(key)
    for_chromium = {**manifest, "key": base64.b64encode(public).decode("ascii")}
    for_firefox = {name: value for name, value in manifest.items() if name != "key"}  # it knows no such word
    return Packed(
        crx=crx(_zip({**files, "manifest.json": as_text(for_chromium).encode()}), key),
        xpi=_zip({**files, "manifest.json": as_text(for_firefox).encode()}),
        chromium_id=id_of(public),
        firefox_id=firefox_id,
        version=version,
    )


def _source(extension: Path) -> dict[str, bytes]:
    return {
        path.relative_to(extension).as_posix(): path.read_bytes()
        for path in extension.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(extension).parts)
    }


def _zip(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is packed
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return written.getvalue()


def crx(archive: bytes, key: RSAPrivateKey) -> bytes:
    """A zip with the header that says whose it is."""
    public = public_half(key)
    signed = _field(1, hashlib.sha256(public).digest()[:16])  # SignedData.crx_id
    signature = key.sign(
        _SIGNED + struct.pack("<I", len(signed)) + signed + archive, padding.PKCS1v15(), hashes.SHA256()
    )
    # CrxFileHeader: sha256_with_rsa = 2 (AsymmetricKeyProof: public_key = 1, signature = 2), signed_header_data = 10000
    header = _field(2, _field(1, public) + _field(2, signature)) + _field(10000, signed)
    return b"Cr24" + struct.pack("<II", 3, len(header)) + header + archive


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protocol buffer."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def update_xml(chromium_id: str, version: str, crx_url: str) -> str:
    """What Chromium's kind asks for to find the newest CRX. https://developer.chrome.com/docs/extensions/mv3/linux_hosting"""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gupdate xmlns="http://www.google.com/update2/response" protocol="2.0">\n'
        f"  <app appid={quoteattr(chromium_id)}>\n"
        f"    <updatecheck codebase={quoteattr(crx_url)} version={quoteattr(version)}/>\n"
        "  </app>\n"
        "</gupdate>\n"
    )


# -- the key -----------------------------------------------------------------------------------------------------------


def public_half(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def make_key(path: Path) -> RSAPrivateKey:
    """A new key in a file that only this user may read. Raises OSError."""
    key = generate_private_key(public_exponent=65537, key_size=_BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    durable.write(path, pem)
    return key


def read_key(path: Path) -> RSAPrivateKey:
    """Raises UserError when this is no key that a browser would take, OSError when it cannot be read."""
    if path.stat().st_size > _LARGEST_KEY:
        raise UserError(f"{path} is too large for a key: name the PEM file that an earlier `pack` made")
    try:
        key: Any = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except TypeError:
        raise UserError(f"{path} is locked with a password: unlock it first, for example with openssl pkey") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UserError(f"{path} is no private key in PEM: name the file that an earlier `pack` made") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _BITS:
        raise UserError(f"{path} is not an RSA key of {_BITS} bits or more, which browsers ask for")
    return key
