"""Whose key is whose: a file of lines, each an invitation that compliance signed and the key that took it up.

What was not signed counts nothing, in this file as on the socket: it is checked whenever it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import base64url, jws, personal
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError, SignatureError
from protocol.folder import write_over
from protocol.keys import public_to_text, strong_from_text
from review.governance.model import Governance
from review.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`removed`: wall clock, ns; 0 while it is good."""

    person: str
    key: personal.PersonKey
    invitation: str
    at: int
    removed: int = 0


def invite(
    person: str, custodian: str, key: Ed25519PublicKey, expires: int, signer: Ed25519PrivateKey
) -> tuple[str, str]:
    """(invitation, secret): the secret goes to the person by another way than through the console.

    It is the private key of what the invitation names, so that who passes the new key on cannot put in another. `key`:
    the custodian's, so that the person knows what it releases from what who passes it on has made.
    """
    once = Ed25519PrivateKey.generate()
    while (secret := base64url.encode(once.private_bytes_raw())).startswith("-"):  # a command line's option
        once = Ed25519PrivateKey.generate()
    payload = {
        "person": person.lower(),
        "custodian": custodian,
        "custodian_key": public_to_text(key),
        "expires": expires,
        "once": public_to_text(once.public_key()),
    }
    return jws.sign(jws.INVITATION, payload, signer, with_key=True), secret


def take_up(invitation: str, secret: str, key: personal.PersonPrivate) -> dict[str, str]:
    """What a person sends to have their new key enrolled. ValueError for a secret that is none."""
    payload = {"invitation": _hash(invitation), "key": personal.PersonKey(key.public_key()).text}
    token = personal.sign(personal.NEW_KEY, payload, key)
    once = Ed25519PrivateKey.from_private_bytes(base64url.decode(secret))
    return {"invitation": invitation, "key": token, "proof": base64url.encode(once.sign(token.encode()))}


class People:
    """`origin`: the page that passkeys sign for. Raises ProtocolError, OSError where the file is not what it was."""

    def __init__(self, path: Path, *, compliance: str, custodian: str, origin: str) -> None:
        self._path = path
        self._compliance, self._custodian, self._origin = compliance, custodian, origin
        self.keys: dict[str, Enrolled] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            self._take(parse_object(line))

    def of(self, key: str) -> Enrolled:
        """Raises Refusal: unknown-key, key-removed."""
        found = self.keys.get(key)
        if found is None:
            raise Refusal("unknown-key", "signed by a key that is not enrolled here")
        if found.removed:
            raise Refusal("key-removed", "signed by a key that was removed: enrol another by a new invitation")
        return found

    def workers(self, rules: Governance) -> list[str]:
        """Good keys of those whom the rules let make something of recordings: what these signed counts, in base64url.

        One whose time in the rules is over counts still: what it made then stays readable. A removed key does not.
        """
        makers = {name for name, role in rules.roles.items() if role.analyses}
        people = {rule.person for rule in rules.people if rule.roles & makers}
        keys = [one.key.public for one in self.keys.values() if one.person in people and not one.removed]
        return [public_to_text(one) for one in keys if isinstance(one, Ed25519PublicKey)]

    def shown(self) -> list[dict[str, object]]:
        """Each key, for who looks after them."""
        people = sorted(self.keys.values(), key=lambda one: (one.person, one.at))
        return [
            {"person": one.person, "key": one.key.id, "signs": one.key.algorithm, "at": one.at,
             "removed": one.removed or None}
            for one in people
        ]  # fmt: skip

    def check_said(self, signed: personal.Signed, by: Enrolled) -> None:
        """That it is in the name of the key's own person, and to this custodian. Raises Refusal, SignatureError."""
        if signed.claims.text("person") != by.person:
            raise Refusal("other-person", "signed in another person's name")
        if signed.claims.text("custodian") != self._custodian:
            raise Refusal("other-custodian", "signed for another custodian")

    def proven(self, claims: Claims, now: int) -> Enrolled:
        """Whom a new key is of; nothing is kept yet. Raises Refusal, ProtocolError."""
        invitation, token = claims.text("invitation"), claims.text("key")
        invited = Claims(jws.verify_by(jws.INVITATION, invitation, self._compliance), "invitation", SignatureError)
        if invited.text("custodian") != self._custodian:
            raise Refusal("other-custodian", "this invitation is to another custodian")
        if now >= invited.integer("expires"):
            raise Refusal("expired", "this invitation has expired: ask compliance for another")
        hashed = _hash(invitation)
        if any(one.invitation == hashed for one in self.keys.values()):
            raise Refusal("used", "this invitation was taken up already")
        signed = personal.read(personal.NEW_KEY, token)
        passkey = signed.algorithm == personal.PASSKEY
        key = personal.PersonKey.read(signed.claims.text("key"), passkey=passkey, origin=self._origin)
        personal.check(signed, key)
        try:
            strong_from_text(invited.text("once")).verify(claims.raw("proof"), token.encode())
        except InvalidSignature:
            raise Refusal("wrong-secret", "not by the secret that compliance handed out with the invitation") from None
        if signed.claims.text("invitation") != hashed or key.id in self.keys:
            raise Refusal("other-invitation", "this key was made for another invitation")
        return Enrolled(invited.text("person").lower(), key, hashed, now)

    def enrol(self, claims: Claims, now: int) -> Enrolled:
        line = {"at": now, **{name: claims.text(name) for name in ("invitation", "key", "proof")}}
        enrolled = self._take(line)
        self._append(line)
        return enrolled

    def remove(self, key: str, now: int) -> Enrolled:
        line = {"at": now, "removed": key}
        self.of(key)
        self._append(line)
        return self._take(line)

    def _take(self, line: Mapping[str, object]) -> Enrolled:
        claims = Claims(line, str(self._path), ProtocolError)
        at = claims.integer("at")
        if claims.has("removed"):
            before = self.of(claims.text("removed"))
            enrolled = Enrolled(before.person, before.key, before.invitation, before.at, at)
        else:
            enrolled = self.proven(claims, at)
        self.keys[enrolled.key.id] = enrolled
        return enrolled

    def _append(self, line: Mapping[str, object]) -> None:
        before = self._path.read_bytes() if self._path.exists() else b""
        write_over(self._path, before + json.dumps(line, separators=(",", ":")).encode() + b"\n")


def _hash(invitation: str) -> str:
    return hashlib.sha256(invitation.encode()).hexdigest()
