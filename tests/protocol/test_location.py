"""Where a store is comes from its key alone, and is a place that one may connect to."""

from __future__ import annotations

import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.errors import SignatureError
from protocol.keys import thumbprint
from protocol.location import Location
from store.admin.ca import make_authority

STORE, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {thumbprint(STORE.public_key()): STORE.public_key()}
CA = make_authority(1_800_000_000 * 10**9).certificate.decode()


_DER = ssl.PEM_cert_to_DER_cert(CA).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)
OF_A_VERSION_THAT_IS_NONE = ssl.DER_cert_to_PEM_cert(_DER)


@pytest.mark.parametrize("ca", ["", CA, CA + CA])
def test_what_the_store_signed_is_read_back(ca: str) -> None:
    made = Location(3, "https://new.example.com:8443", ca)
    assert Location.verify(made.sign(STORE), KEYS) == made


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"address": "http://new.example.com"}, "bad-field"),
        ({"address": ""}, "bad-field"),
        ({"address": "https://a\0b"}, "bad-field"),
        ({"address": "https://a b"}, "bad-field"),
        ({"address": "https://\u200ba"}, "bad-field"),
        ({"address": "https://" + "a" * 3000}, "bad-field"),
        ({"ca": OF_A_VERSION_THAT_IS_NONE}, "bad-field"),
        ({"ca": "no certificate"}, "bad-field"),
        ({"number": -1}, "bad-field"),
        ({"number": None}, "bad-field"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, object], code: str) -> None:
    token = jws.sign(jws.LOCATION, {"number": 1, "address": "https://a", "ca": ""} | fields, STORE)
    with pytest.raises(SignatureError) as refused:
        Location.verify(token, KEYS)
    assert refused.value.code == code


def test_nobody_else_moves_a_store() -> None:
    with pytest.raises(SignatureError, match="another key"):
        Location.verify(Location(1, "https://a", "").sign(OTHER), KEYS)
