"""One integration: its keys in one sealed file, and its way to the store. It seals what it sends, and opens nothing."""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import time
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import api, base64url, bundle, successor
from protocol.claims import Claims, parse_object
from protocol.errors import KeyProblem, ProtocolError, SignatureError
from protocol.interaction import TEXT_STREAM, Interaction, check_length, interaction_id, sealed, tag
from protocol.keyfile import load_private, save_private
from protocol.keys import public_from_text, signing_key
from protocol.receipt import Receipt
from review.interactions.vcon import Conversation, as_bytes
from store.errors import StoreError

KIND: Final = "integration"
_TRIES: Final = 6  # of one that the store has no room for now
_LONGEST_WAIT: Final = 60.0  # seconds
_WITHIN: Final = httpx.Timeout(60.0, connect=10.0)


def _chance() -> str:
    return base64url.encode(secrets.token_bytes(32))


@dataclass(frozen=True, slots=True)
class Credentials:
    """`house`: the house's own domains, blanks between. `store_key`, `compliance`: whom to trust, as in an enrolment
    token. `finding`, `secret`, `signer`: 32 bytes each, base64url."""

    id: str
    name: str
    house: str
    country: str
    address: str
    ca: str
    store_key: str
    compliance: str
    finding: str = field(repr=False)
    secret: str = field(default_factory=lambda: api.INTEGRATION_KEY + _chance(), repr=False)
    signer: str = field(default_factory=_chance, repr=False)

    @property
    def key(self) -> Ed25519PrivateKey:
        return signing_key(base64url.decode(self.signer))

    def save(self, path: Path, passphrase: bytes) -> None:
        """Raises KeyProblem, OSError."""
        save_private(path, KIND, json.dumps(asdict(self)).encode(), passphrase)

    @classmethod
    def load(cls, path: Path, passphrase: bytes) -> Credentials:
        """Raises KeyProblem, StoreError."""
        key = load_private(path, passphrase)
        if key.kind != KIND:
            raise StoreError(f"{path} holds no integration's keys ({key.kind}): give what `interactions add` wrote")
        claims = Claims(parse_object(key.raw), str(path), KeyProblem)
        return cls(**{one.name: claims.text(one.name) for one in fields(cls)})


class Stopped(StoreError):
    """Nothing more can be sent now."""


class Sender:
    """To be closed. Raises Stopped."""

    def __init__(self, own: Credentials) -> None:
        self._own = own
        trust = ssl.create_default_context(cadata=own.ca) if own.ca else ssl.create_default_context()
        headers = {"Authorization": f"Bearer {own.secret}", "User-Agent": "eyelid", "Accept-Encoding": "identity"}
        self._client = httpx.Client(base_url=own.address, verify=trust, headers=headers, timeout=_WITHIN)
        self._known: tuple[bundle.Bundle, dict[str, Ed25519PublicKey]] | None = None

    def whom(self) -> tuple[bundle.Bundle, dict[str, Ed25519PublicKey]]:
        """Whom to seal to, by compliance's word, and whose receipts count. Raises Stopped, SignatureError."""
        if self._known is None:
            said, own = Claims(self._asked("GET", api.BUNDLE), "bundle", ProtocolError), self._own
            stores = successor.trusted(public_from_text(own.store_key), said.texts("successors"))
            self._known = bundle.verify(said.text("bundle"), own.compliance), stores
        return self._known

    def close(self) -> None:
        self._client.close()

    def send(self, read: Conversation, source: bytes) -> tuple[str, bool]:
        """(id, whether it is new there). `source`: what it was read from; the same is sent once.

        Raises ProtocolError for words that no interaction has, StoreError.
        """
        own, (readers, stores) = self._own, self.whom()
        finding, signer = base64url.decode(own.finding), own.key
        tags = {tag(finding, kind, text, own.country) for kind, text in read.goes_by}
        about = Interaction(
            id=interaction_id(finding, read.start, hashlib.sha256(source).digest()),
            integration=own.id,
            kind=read.kind,
            direction=read.direction,
            queue=read.queue,
            start=read.start,
            end=read.end,
            consent=read.consent,
            agents=read.agents,
            tags=tuple(sorted(found for found in tags if found)),
        )
        body = sealed(
            about, as_bytes(read, about.id), readers.recipients, secrets.token_bytes(32), signer,
            bundle_revision=readers.revision, version=version("eyelid"),
        )  # fmt: skip
        statement = body.split(b"\n", 2)[1].decode("ascii")
        said = Interaction.verify(statement, signer.public_key())  # what the store would refuse is told here
        check_length(said)
        answer = self._asked("POST", api.INTERACTIONS, body)
        if answer.get("error") == "exists":
            return str(about.id), False
        receipt = Receipt.verify(Claims(answer, "answer", ProtocolError).text("receipt"), stores)
        if (receipt.recording, receipt.stream, receipt.sha256) != (about.id, TEXT_STREAM, said.sealed):
            raise SignatureError("misplaced", "the store's receipt is for something else")
        return str(about.id), answer.get("new") is True

    def refused(self, why: str, count: int) -> None:
        """So that the store has a note of what was not sent. Raises StoreError."""
        self._asked("POST", api.INTERACTIONS_REFUSED, json.dumps({"why": why, "count": count}).encode())

    def _asked(self, method: str, path: str, body: bytes = b"") -> dict[str, object]:
        """The answer, and that of "exists"."""
        for attempt in range(_TRIES):
            try:
                answer = self._client.request(method, path, content=body)
                said = parse_object(answer.content)
            except httpx.HTTPError as error:
                raise Stopped(f"the store cannot be reached ({type(error).__name__}): try again") from None
            except ValueError:
                raise Stopped("what answers there is no store of Eyelid") from None
            if answer.status_code not in {429, 503} or attempt == _TRIES - 1:
                break
            wait = answer.headers.get("Retry-After", "")
            time.sleep(min(_LONGEST_WAIT, float(wait) if wait.isdecimal() else 5.0))
        if answer.is_success or (method == "POST" and said.get("error") == "exists"):
            return said
        stops = answer.status_code in {401, 403, 426, 429, 503, 507}
        raise (Stopped if stops else StoreError)(f"{said.get('message')} ({said.get('error')})")
