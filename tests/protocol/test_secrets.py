"""No error of this package shows key material, a passphrase, a token or content, not even in its traceback."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, enrolment, jws, keyfile, keys, ledger
from protocol.envelope import Flag, Header, Kind, open_sealed, seal
from protocol.errors import ProtocolError
from protocol.packet import KeyPacket

CANARY = b"canary-canary-canary-canary-abcd"  # 32 bytes, as long as every private key here
RECORDING = UUID(int=7)
HEADER = Header(Kind.MEDIA, Flag.NONE, 0, RECORDING, 0, 0, 1, bytes(32))
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def open_saved_key(folder: Path, *, field: str, value: object) -> None:
    path = folder / "k"
    keyfile.save_private(path, "recipient", CANARY, CANARY[:20], cost=10)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    keyfile.load_private(path, CANARY[:20])


def damaged_enrolment(**changed: object) -> None:
    fields = {
        "address": "https://x",
        "ca": "",
        "store_key": "",
        "compliance": "",
        "secret": CANARY.decode(),
        "group": "",
    }
    enrolment.parse(enrolment.PREFIX + base64url.encode(json.dumps({**fields, **changed}).encode()))


FAILURES: dict[str, Callable[[Path], object]] = {
    "sealing with half a key": lambda _: seal(CANARY[:31], HEADER, b"x"),
    "opening with half a key": lambda _: open_sealed(CANARY[:31], seal(CANARY, HEADER, b"x")),
    "opening with another key": lambda _: open_sealed(CANARY, seal(bytes(32), HEADER, CANARY)),
    "opening changed content": lambda _: open_sealed(CANARY, seal(CANARY, HEADER, CANARY)[:-1]),
    "a signing key too long": lambda _: keys.signing_key(CANARY + b"x"),
    "a seed too long": lambda _: keys.RecipientPrivate.from_bytes(CANARY + b"x"),
    "wrapping half a key": lambda _: keys.wrap(keys.RecipientPrivate(CANARY).public, RECORDING, CANARY[:31]),
    "unwrapping for another": lambda _: keys.unwrap(
        keys.RecipientPrivate(CANARY), RECORDING, keys.wrap(keys.RecipientPrivate(bytes(32)).public, RECORDING, CANARY)
    ),
    "another commitment": lambda _: keys.check_commitment(CANARY, RECORDING, bytes(32)),
    "a changed key file": lambda folder: open_saved_key(folder, field="kind", value="store"),
    "a damaged key file": lambda folder: open_saved_key(folder, field="salt", value=CANARY.decode()),
    "an enrolment token cut short": lambda _: damaged_enrolment(address=7),
    "an enrolment token with a wrong key": lambda _: damaged_enrolment(store_key=CANARY.decode() + "!"),
    "an enrolment token that is no JSON": lambda _: enrolment.parse(enrolment.PREFIX + base64url.encode(CANARY)),
    "a token that is none": lambda _: jws.verify(jws.TOKEN, CANARY.decode(), SIGNER.public_key()),
    "a token of another type": lambda _: jws.verify(
        jws.RECEIPT, jws.sign(jws.TOKEN, {"secret": CANARY.decode()}, SIGNER), SIGNER.public_key()
    ),
    "a signed packet of another shape": lambda _: KeyPacket.verify(
        jws.sign(jws.PACKET, {"v": 1, "suite": CANARY.decode()}, SIGNER), SIGNER.public_key()
    ),
    "a ledger line that is none": lambda _: ledger.parse_line(CANARY, seq=0),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_no_error_shows_a_secret(failure: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(ProtocolError) as refused:
        failure(tmp_path)
    said = "".join(traceback.format_exception_only(refused.value)) + str(refused.value.args)
    cause = refused.value.__cause__ or (None if refused.value.__suppress_context__ else refused.value.__context__)
    said += "" if cause is None else "".join(traceback.format_exception_only(cause))
    for spelling in (CANARY.decode(), CANARY.hex(), base64url.encode(CANARY), repr(CANARY)[2:-1]):
        for length in (8, len(spelling)):
            assert spelling[:length] not in said


def test_no_key_shows_itself() -> None:
    recipient = keys.RecipientPrivate.from_bytes(CANARY)
    stored = keyfile.PrivateKey("recipient", CANARY)
    for shown in (repr(recipient), str(recipient), repr(stored), str(stored)):
        assert "canary" not in shown
