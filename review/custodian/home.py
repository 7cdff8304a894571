"""What the custodian keeps in its own folder, which is its user's alone.

settings.json  whom it believes: compliance, the store, the page of passkeys; what was found compromised
bundle         the newest that came, with the rules; an older one is refused
keys/          review keys and the log's, each sealed under the passphrase
keys.jsonl     people's keys (review.enrolled)
adopted/       wraps of recordings from before the review key was a recipient
requests/      what waits for approvals (review.filed)
consent/       what people signed of consent (review.consented)
samples/       months, and what was drawn (review.samples)
watching/      openings whose pages may still report what they play (review.played)
clock          the latest time that was seen, about
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from protocol import base64url
from protocol.claims import Claims, parse_object
from protocol.errors import KeyProblem, ProtocolError
from protocol.folder import write_over
from protocol.keyfile import load_private, save_private
from protocol.keys import RecipientPrivate, wrap
from protocol.packet import KeyPacket

KIND: Final = "review"


@dataclass(frozen=True, slots=True)
class Settings:
    """`name`: of this custodian and its log. `compliance`: fingerprint. `store_key`: public key. `origin`: the page
    that people's passkeys sign for. `console`: number of the user that may ask. `cap`: openings a person and hour.
    """

    name: str
    compliance: str
    store_key: str
    origin: str
    console: int
    cap: int
    compromised: tuple[str, ...] = ()

    def write(self, home: Path) -> None:
        write_over(home / "settings.json", json.dumps(asdict(self), indent=1).encode() + b"\n")

    @classmethod
    def read(cls, home: Path) -> Settings:
        """Raises ProtocolError, OSError; ValueError for what is no JSON."""
        claims = Claims(parse_object((home / "settings.json").read_bytes()), "settings.json", ProtocolError)
        return cls(
            claims.text("name"),
            claims.text("compliance"),
            claims.text("store_key"),
            claims.text("origin"),
            claims.integer("console"),
            claims.integer("cap"),
            claims.texts("compromised"),
        )


# -- review keys ----------------------------------------------------------------------------------------------------


def review_keys(home: Path, passphrase: bytes) -> dict[str, RecipientPrivate]:
    """Key id -> key, the newest last: it, and those that it took the place of. Raises KeyProblem, OSError."""
    found = (load_private(path, passphrase) for path in sorted((home / "keys").glob("review-*.key")))
    return {one.key_id: one for one in (RecipientPrivate.from_bytes(key.raw) for key in found if key.kind == KIND)}


def new_review_key(home: Path, passphrase: bytes) -> RecipientPrivate:
    """Raises KeyProblem, OSError."""
    made = RecipientPrivate.generate()
    number = len(list((home / "keys").glob("review-*.key"))) + 1
    save_private(home / "keys" / f"review-{number:03}.key", KIND, made.to_bytes(), passphrase)
    return made


def recording_key(home: Path, keys: Mapping[str, RecipientPrivate], packet: KeyPacket) -> bytes:
    """Checked against what the packet commits to. Raises KeyProblem."""
    adopted = home / "adopted" / str(packet.recording)
    if not keys.keys() & packet.wrapped.keys() and adopted.exists():
        made = Claims(parse_object(adopted.read_bytes()), "adopted", KeyProblem)
        packet = replace(packet, wrapped={made.text("key"): made.raw("wrapped")})
    for key_id in keys.keys() & packet.wrapped.keys():
        return packet.open_key(keys[key_id])
    message = "it was sealed to no review key: `eyelid-review custodian adopt` takes it over with a key that opens it"
    raise KeyProblem("not-a-recipient", message)


def adopt(home: Path, packet: KeyPacket, reader: RecipientPrivate, review: RecipientPrivate) -> bool:
    """Whether the review key opens it only from now on. Raises KeyProblem, OSError."""
    path = home / "adopted" / str(packet.recording)
    if review.key_id in packet.wrapped or path.exists():
        return False
    wrapped = wrap(review.public, packet.recording, packet.open_key(reader))
    write_over(path, json.dumps({"key": review.key_id, "wrapped": base64url.encode(wrapped)}).encode())
    return True


# -- what outlives a start --------------------------------------------------------------------------------------------


class Latest:
    """The time, and the latest that was ever seen (to ten minutes): a clock that was set back opens nothing."""

    STEP: Final = 600 * 10**9

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self.path, self._clock = path, clock
        self._latest = int(path.read_text()) if path.exists() else 0

    def now(self) -> int:
        """Raises ProtocolError ("clock-set-back")."""
        now = self._clock()
        if now < self._latest - self.STEP:
            message = f"the clock was set back: set it right. If it was wrong before, remove {self.path} and start anew"
            raise ProtocolError("clock-set-back", message)
        if now > self._latest + self.STEP:
            write_over(self.path, str(now).encode())
            self._latest = now
        return now
