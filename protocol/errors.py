"""What the formats refuse, each with a short code that never changes: other programs and the test vectors match on it.

Messages say what is wrong, where and what to do. None quotes key material, plaintext, a token or recorded content.
"""

from __future__ import annotations


class ProtocolError(ValueError):
    """Bytes or text that are not what the protocol says. `code` is kebab-case and stable (docs/envelope.md)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EnvelopeError(ProtocolError):
    """A sealed chunk that cannot be read, opened or put in its place."""


class KeyProblem(ProtocolError):
    """A key, a wrapped key or a key file that does not fit."""


class SignatureError(ProtocolError):
    """A signed statement (JWS) that is malformed, of another type, or not signed by the key that must sign it."""


class LedgerError(ProtocolError):
    """Ledger lines that do not follow from one another. `seq` is the number that the line should have."""

    def __init__(self, code: str, message: str, *, seq: int) -> None:
        super().__init__(code, message)
        self.seq = seq


class BundleError(ProtocolError):
    """A bundle of recipients and policy that must not come into force."""


class EnrolmentError(ProtocolError):
    """An enrolment token that cannot be used; most often it was not pasted whole."""
