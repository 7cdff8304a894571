"""What a reader of the analysis is given for one lease, and where what it makes of a recording is kept.

Ports alone: `review.leasing` asks the custodian for keys, `review.analysis.derived` keeps what was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from review.analysis.jobs import Lease


@dataclass(frozen=True, slots=True)
class Lent:
    """Keys of one lease, forgotten with it. `label`: of what is sealed, such as "speech/original". `workers`: whose
    signature counts on what `results` open.
    """

    streams: Mapping[int, bytes] = field(repr=False)  # number of a stream: its key, 32 bytes
    label: str
    seals: bytes = field(repr=False)  # key under which it is sealed, 32 bytes
    results: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # label of another's result: its key
    workers: tuple[Ed25519PublicKey, ...] = ()


class Lender(Protocol):
    def lend(self, lease: Lease) -> Lent:
        """Keys for one lease. Raises ReadError."""


class Keeper(Protocol):
    """The shelf, as a reader sees it."""

    def put(self, lease: Lease, lent: Lent, content: bytes) -> str:
        """Seals content; SHA-256 in hex of the sealed file, which is durable. Raises ReadError (no-room)."""
