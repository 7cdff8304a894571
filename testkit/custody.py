"""A house with a custodian: compliance, a store's key, people with keys, PCs and recordings, all of them made here.

Everything is made by `protocol`, so that a test changes one thing of something that is otherwise whole.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import base64url, bundle, jws, personal
from protocol.carried import carried
from protocol.claims import Claims
from protocol.envelope import SOUND_STREAM, Edition
from protocol.errors import ProtocolError
from protocol.keys import RecipientPrivate, public_to_text, stream_key, thumbprint
from protocol.ledger import ZERO, Batch, line
from protocol.origin import Origin
from protocol.packet import KeyPacket, Monitor
from protocol.policyhash import policy_hash
from protocol.released import receive
from review.audit import journal
from review.audit.entries import Entry, ReadingKey
from review.audit.kinds import read_body
from review.audit.log import AuditLog
from review.audit.notes import Signer
from review.custodian.custodian import Custodian
from review.custodian.home import Settings, new_review_key
from review.enrolled import invite, take_up
from review.filed import set_of

NAME: Final = "review.example.com/custodian"
PAGE: Final = "https://review.example.com"
SECOND: Final = 10**9
DAY: Final = 86_400 * SECOND
SECRET: Final = b"a passphrase of a test"
RULES: Final = """\
schema: 1
revision: 1
name: House
roles:
  supervisor:
    may: [list, play, comment]
    of: { team: own }
    from: 30d
    otherwise: original
    purposes: [coaching, complaint]
  compliance: { may: [list, play, export], of: all, rendition: original, purposes: [audit, complaint] }
  privacy: { may: [list], of: all }
approvals:
  - { act: [export], by: [compliance, privacy], need: 2, within: 24h }
retention: [{ class: rest, keep: 180d }]
teams:
  north: { groups: [north desk] }
  south: { groups: [south desk] }
people:
  ann@example.com: { roles: [supervisor], teams: [north], since: 2026-01-01 }
  sam@example.com: { roles: [supervisor], teams: [south], since: 2026-01-01 }
  cleo@example.com: { roles: [compliance] }
  carl@example.com: { roles: [compliance] }
  pia@example.com: { roles: [privacy] }
os_users:
  - { user: "*", person: "*@example.com" }
...
"""
PEOPLE: Final = ("ann", "sam", "cleo", "carl", "pia")


class Clock:
    """Wall clock in ns, and the same in seconds as one that never jumps."""

    def __init__(self) -> None:
        self.now = time.time_ns()
        self.passed = 0.0

    def wall(self) -> int:
        return self.now

    def ticks(self) -> float:
        return self.passed

    def pass_by(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        self.passed += seconds


@dataclass
class Kept:
    """A recording, and what the console is to show of it."""

    id: UUID
    key: bytes
    papers: dict[str, Any]

    def stream_key(self, stream: int) -> bytes:
        return stream_key(self.key, self.id, stream)


@dataclass
class House:
    folder: Path
    clock: Clock = field(default_factory=Clock)
    cap: int = 1000
    console: int = field(default_factory=os.getuid)
    compliance: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    rules: str = RULES

    def __post_init__(self) -> None:
        self.store, self.evidence = (Ed25519PrivateKey.generate() for _ in range(2))
        self.people = {f"{name}@example.com": Ed25519PrivateKey.generate() for name in PEOPLE}
        self.sessions = {name: X25519PrivateKey.generate() for name in self.people}
        for name in ("keys", "adopted", "requests"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.settings = Settings(
            NAME, thumbprint(self.compliance.public_key()), public_to_text(self.store.public_key()), PAGE,
            self.console, self.cap,
        )  # fmt: skip
        self.settings.write(self.folder)
        self.review = new_review_key(self.folder, SECRET)
        self.recovery = RecipientPrivate.generate()
        self.signer = Signer.of(NAME, Ed25519PrivateKey.generate())
        self.reading = ReadingKey(secrets.token_bytes(32))
        AuditLog.create(self.folder / "audit", self.signer)

    def start(self) -> Custodian:
        """As after a start."""
        log = AuditLog(self.folder / "audit", self.signer, self.reading, clock=self.clock.wall)
        keys = {self.review.key_id: self.review}
        return Custodian(self.folder, keys, log, clock=self.clock.wall, ticks=self.clock.ticks)

    def ready(self) -> Custodian:
        """With the bundle, everybody's key, and seeds of samples."""
        made = self.start()
        made.commit_seeds()
        made.take_bundle(self.bundle(rules=self.rules), "test")
        for person, key in self.people.items():
            made.enrol(Claims(take_up(*self.invitation(person), key), "test", ProtocolError), "test")
        return made

    def invitation(self, person: str, **changed: Any) -> tuple[str, str]:
        told: dict[str, Any] = {
            "custodian": NAME, "key": self.signer.key.public,
            "expires": self.clock.now + DAY, "signer": self.compliance,
        }  # fmt: skip
        return invite(person, **told | changed)

    def bundle(self, revision: int = 1, rules: str = RULES, signer: Ed25519PrivateKey | None = None) -> str:
        """A bundle's file, with the rules that it carries; without rules where they are empty."""
        files = {"rules.yaml": rules.encode()}
        recipients = (self.review.public, self.recovery.public)
        created = self.clock.now - DAY
        made = bundle.Bundle(revision, recipients, created, governance=policy_hash(files) if rules else "")
        return bundle.sign(made, signer or self.compliance) + (f"\n{carried(files)}" if rules else "")

    # -- recordings -----------------------------------------------------------------------------------------------

    def recording(
        self, group: str = "north desk", *, user: str = "agent", age: float = 60.0, revision: int = 1,
        evidence: Ed25519PrivateKey | None = None, store: Ed25519PrivateKey | None = None, device: str = "d-1",
        streams: Iterable[int] = (0, SOUND_STREAM), recipients: Iterable[RecipientPrivate] | None = None,
        of: Kept | None = None, edition: Edition = Edition.KEYED, ended: bool = True, **origin: Any,
    ) -> Kept:  # fmt: skip
        """`age`: seconds since its start. `of`: claims to be this one, with its key. `origin`: what the store says."""
        evidence, start = evidence or self.evidence, self.clock.now - int(age * SECOND)
        id = of.id if of else UUID(int=secrets.randbits(128))  # noqa: A001 - what it is
        key = of.key if of else secrets.token_bytes(32)
        readers = [one.public for one in recipients or (self.review, self.recovery)]
        packet = KeyPacket.build(
            key, readers, recording=id, bundle_revision=revision, policy="c" * 64, start=start, device=device,
            host="pc", os_user=user, monitors=(Monitor(0, 0, 0, 640, 480, "one"),), agent_version="1", edition=edition,
        ).sign(evidence)  # fmt: skip
        heads = {str(one): [1, "a" * 64] for one in streams}
        kind = "recording-closed" if ended else "heads"
        entry = line(0, ZERO, at=1, wall=start + SECOND, kind=kind, recording=str(id), heads=heads)
        told: dict[str, Any] = {
            "recording": id, "packet": _sha256(packet), "device": device, "evidence_key": evidence.public_key(),
            "group": group, "at": start,
        }  # fmt: skip
        papers = {
            "origin": Origin(**told | origin).sign(store or self.store),
            "packet": packet,
            "closing": Batch(device, 0, 0, (entry,)).sign(evidence),
            "successors": [],
        }
        return Kept(id, key, papers)

    def entries(self) -> list[dict[str, Any]]:
        """Bodies of the log, in order."""
        found = []
        for group in journal.groups(self.folder / "audit", self.signer.key):
            for one in group.entries:
                entry = Entry.parse(one.raw)
                if not entry.statement:
                    found.append(read_body(self.reading.open(NAME, one.position, entry, one.rest)[0]))
        return found

    # -- what people sign -----------------------------------------------------------------------------------------

    def terms(self, person: str, recording: UUID, /, **changed: Any) -> dict[str, Any]:
        session = self.sessions[person].public_key().public_bytes_raw()
        told = {"act": "play", "recording": str(recording), "purpose": "complaint", "rendition": "redacted"}
        return told | {"session": base64url.encode(session), "person": person} | changed

    def request(self, nonce: dict[str, Any], person: str, recording: UUID, /, **changed: Any) -> str:
        told = self.terms(person, recording, streams=["0"]) | nonce | changed
        return personal.sign(personal.REQUEST, told, self.people[person])

    def approval(self, nonce: dict[str, Any], person: str, filed: str, terms: dict[str, Any], **changed: Any) -> str:
        told = terms | {"filed": filed, "verdict": "approve"} | nonce | {"person": person} | changed
        return personal.sign(personal.APPROVAL, told, self.people[person])

    def erasure(
        self, custodian: Custodian, person: str, recordings: Iterable[str], /, **changed: Any
    ) -> dict[str, Any]:
        """A request to erase them, filed: its terms, and its id as `filed`."""
        terms = {"act": "erase", "recordings": set_of(recordings), "request": "DSR-1", "purpose": "request",
                 "expires": str(self.clock.now + 2 * DAY)} | changed  # fmt: skip
        token = personal.sign(personal.REQUEST, {**terms, **custodian.nonce(), "person": person}, self.people[person])
        return {**terms, **custodian.file(Claims({"request": token}, "request", ProtocolError), "test")}

    def consent(self, custodian: Custodian, person: str, kept: Kept, state: str, /, **changed: Any) -> dict[str, Any]:
        """That it was given or withdrawn, as the console hands it in. Raises Refusal, ProtocolError."""
        return self.hand_in_consent(custodian, kept, self.consent_token(custodian, person, kept, state, **changed))

    def consent_token(self, custodian: Custodian, person: str, kept: Kept, state: str, /, **changed: Any) -> str:
        told = {"recording": str(kept.id), "channel": "voice", "state": state, "purpose": "request", "reference": "F-1"}
        return personal.sign(
            personal.CONSENT, {**told, **custodian.nonce(), "person": person, **changed}, self.people[person]
        )

    def hand_in_consent(self, custodian: Custodian, kept: Kept, token: str) -> dict[str, Any]:
        return custodian.consent(Claims({"consent": token, "papers": kept.papers}, "request", ProtocolError), "test")

    def open(self, custodian: Custodian, person: str, kept: Kept, **changed: Any) -> dict[str, Any]:
        """As the console hands it in. Raises Refusal, ProtocolError."""
        asked = {"request": self.request(custodian.nonce(), person, kept.id, **changed), "papers": kept.papers}
        return self.released(custodian.open(Claims(asked, "request", ProtocolError), "test"))

    def released(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What the custodian signed. Raises SignatureError."""
        return jws.verify(jws.RELEASE, answer["release"], self.signer.key.public)

    def received(self, person: str, kept: Kept, answer: dict[str, Any], stream: int = 0) -> bytes:
        """The stream's key, with the session's."""
        sealed = base64url.decode(answer["keys"][str(stream)])
        told = {"request": answer["request"], "recording": kept.id, "stream": stream}
        return receive(self.sessions[person], sealed, **told)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
