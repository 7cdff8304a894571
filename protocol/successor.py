"""How the store changes its key without stranding the fleet: each new key is signed by the one before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import jws
from protocol.claims import Claims
from protocol.errors import KeyProblem, SignatureError
from protocol.keys import public_from_text, public_to_text, thumbprint

MOST: Final = 256  # of one store: also what turns out to be outside of the line was read


def sign(successor: Ed25519PublicKey, predecessor: Ed25519PrivateKey, *, at: int) -> str:
    """The statement that `successor` may sign what `predecessor` may. `at`: wall clock, ns since 1970."""
    return jws.sign(jws.SUCCESSOR, {"key": public_to_text(successor), "at": at}, predecessor)


def trusted(pinned: Ed25519PublicKey, statements: Iterable[str]) -> dict[str, Ed25519PublicKey]:
    """Thumbprint -> key for the pinned key and all its descendants; the statements may come in any order.

    A statement by a key outside the line adds nothing. Raises SignatureError for one that claims to be signed by a
    key of the line and is not, or is no successor statement at all: someone lies; and for more than any store has.
    """
    statements = tuple(statements)
    if len(statements) > MOST:
        raise SignatureError("oversized", f"{len(statements)} successor statements, more than the {MOST} allowed")
    keys = {thumbprint(pinned): pinned}
    waiting = {token: str(jws.read_header(jws.SUCCESSOR, token)["kid"]) for token in statements}
    while ready := [token for token, signer in waiting.items() if signer in keys]:
        for token in ready:
            del waiting[token]
            claims = Claims(jws.verify(jws.SUCCESSOR, token, keys), "successor statement", SignatureError)
            claims.integer("at")
            try:
                key = public_from_text(claims.text("key"))
            except KeyProblem as error:
                raise SignatureError("bad-field", f"successor statement: {error}") from None
            keys[thumbprint(key)] = key
    return keys
