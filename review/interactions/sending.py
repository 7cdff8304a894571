"""One integration: its keys in one sealed file, and its way to the store. It seals what it sends, and opens nothing."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import ssl
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import api, base64url, bundle, successor
from protocol.claims import Claims, parse_object
from protocol.errors import KeyProblem, ProtocolError, SignatureError
from protocol.interaction import KEY_SIZE, TEXT_STREAM, Interaction, interaction_id, sealed, tag
from protocol.keyfile import load_private, save_private
from protocol.keys import public_from_text, signing_key
from protocol.receipt import Receipt
from review.interactions.vcon import Conversation, as_bytes
from store.errors import StoreError

KIND: Final = "integration"
_TRIES: Final = 6  # of one that the store has no room for now
_LONGEST_WAIT: Final = 60.0  # seconds
_WITHIN: Final = httpx.Timeout(60.0, connect=10.0)
_TEXTS: Final = ("id", "name", "country", "secret", "address", "ca", "store_key", "compliance")


def _new_secret() -> str:
    return api.INTEGRATION_KEY + base64url.encode(secrets.token_bytes(32))


@dataclass(frozen=True, slots=True)
class Credentials:
    """`house`: the house's own domains. `store_key`, `compliance`: whom to trust, as in an enrolment token."""

    id: str
    name: str
    house: tuple[str, ...]
    country: str
    address: str
    ca: str
    store_key: str
    compliance: str
    finding: bytes = field(repr=False)
    secret: str = field(
        default_factory=lambda: api.INTEGRATION_KEY + base64url.encode(secrets.token_bytes(32)), repr=False
    )
    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    def save(self, path: Path, passphrase: bytes) -> None:
        """Raises KeyProblem, OSError."""
        facts: dict[str, object] = {name: getattr(self, name) for name in _TEXTS}
        facts |= {"house": list(self.house), "finding": base64url.encode(self.finding)}
        facts["signer"] = base64url.encode(self.signer.private_bytes_raw())
        save_private(path, KIND, json.dumps(facts).encode(), passphrase)

    @classmethod
    def load(cls, path: Path, passphrase: bytes) -> Credentials:
        """Raises KeyProblem, StoreError."""
        key = load_private(path, passphrase)
        if key.kind != KIND:
            raise StoreError(f"{path} holds no integration's keys ({key.kind}): give what `interactions add` wrote")
        claims = Claims(parse_object(key.raw), str(path), KeyProblem)
        return cls(
            house=claims.texts("house"),
            finding=claims.raw("finding", KEY_SIZE),
            signer=signing_key(claims.raw("signer", 32)),
            **{name: claims.text(name) for name in _TEXTS},
        )


class Declined(StoreError):
    """The store takes it not. `for_good`: and nothing else of this integration either."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.for_good = status in {401, 403, 426, 429, 503, 507}


class Sender:
    """To be closed. Raises StoreError where the store cannot be reached or says what it should not."""

    def __init__(self, own: Credentials) -> None:
        self._own = own
        trust = ssl.create_default_context(cadata=own.ca) if own.ca else ssl.create_default_context()
        headers = {"Authorization": f"Bearer {own.secret}", "User-Agent": "eyelid", "Accept-Encoding": "identity"}
        self._client = httpx.Client(base_url=own.address, verify=trust, headers=headers, timeout=_WITHIN)
        self._known: tuple[bundle.Bundle, dict[str, Ed25519PublicKey]] | None = None

    def _whom(self) -> tuple[bundle.Bundle, dict[str, Ed25519PublicKey]]:
        """Whom to seal to, by compliance's word, and whose receipts count."""
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
        own, (readers, stores) = self._own, self._whom()
        tags = {tag(own.finding, kind, text, own.country) for kind, text in read.goes_by}
        about = Interaction(
            id=interaction_id(own.finding, read.start, hashlib.sha256(source).digest()),
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
            about, as_bytes(read, about.id), readers.recipients, os.urandom(32), own.signer,
            bundle_revision=readers.revision, version=version("eyelid"),
        )  # fmt: skip
        statement = body.split(b"\n", 2)[1].decode("ascii")
        said = Interaction.verify(statement, own.signer.public_key())  # what the store would refuse is told here
        answer = self._asked("POST", api.INTERACTIONS, body)
        if answer.get("error") == "exists":
            return str(about.id), False
        receipt = Receipt.verify(Claims(answer, "answer", ProtocolError).text("receipt"), stores)
        if (receipt.recording, receipt.stream, receipt.sha256) != (about.id, TEXT_STREAM, said.sealed):
            raise SignatureError("misplaced", "the store's receipt is for something else")
        return str(about.id), answer.get("new") is True

    def _asked(self, method: str, path: str, body: bytes = b"") -> dict[str, object]:
        """The answer, and that of "exists"."""
        for attempt in range(_TRIES):
            try:
                answer = self._client.request(method, path, content=body)
                said = parse_object(answer.content)
            except httpx.HTTPError as error:
                raise StoreError(f"the store cannot be reached ({type(error).__name__}): try again") from None
            except ValueError:
                raise StoreError("what answers there is no store of Eyelid") from None
            if answer.status_code not in {429, 503} or attempt == _TRIES - 1:
                break
            wait = answer.headers.get("Retry-After", "")
            time.sleep(min(_LONGEST_WAIT, float(wait) if wait.isdecimal() else 5.0))
        if answer.is_success or (method == "POST" and said.get("error") == "exists"):
            return said
        raise Declined(answer.status_code, str(said.get("error")), str(said.get("message")))
