"""The keys of the vectors, as inputs.json holds them, and the few values that every vector shares."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import keys

FILE: Final = Path(__file__).with_name("inputs.json")
INPUTS: Final = json.loads(FILE.read_text())

RECORDING: Final = UUID(INPUTS["recording"])
OTHER_RECORDING: Final = UUID(INPUTS["other_recording"])
KEY: Final = bytes.fromhex(INPUTS["recording_key"])
OTHER_KEY: Final = bytes.fromhex(INPUTS["other_recording_key"])
AUDITOR, RECOVERY, STRANGER = (
    keys.RecipientPrivate.from_bytes(bytes.fromhex(INPUTS[name])) for name in ("auditor", "recovery", "stranger")
)
EVIDENCE, OTHER_EVIDENCE, STORE, NEXT_STORE, THIRD_STORE, COMPLIANCE = (
    keys.signing_key(bytes.fromhex(INPUTS[name]))
    for name in ("evidence", "other_evidence", "store", "next_store", "third_store", "compliance")
)
POLICY: Final = hashlib.sha256(b"the policy of the vectors").hexdigest()
START: Final = 1_767_225_600_000_000_000  # 1 January 2026, 00:00 UTC
SECOND: Final = 1_000_000_000

Case = dict[str, Any]


def public(key: Ed25519PrivateKey) -> str:
    return keys.public_to_text(key.public_key())
