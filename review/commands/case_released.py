"""`eyelid-review case export --as`: a person signs for the spans, others approve, the custodian gives the chunks' keys.

No key that opens more than these chunks comes here, so nothing here has to be trusted with one (docs/cases.md). Each
recording of a case is a request of its own, as the rules speak of recordings.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import base64url, personal
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.keys import signing_key
from protocol.released import CHUNK_KEYS, COMMENTS, receive
from protocol.terminal import printable
from review.cases.selecting import Row, edges
from review.cases.spans import Case
from review.cases.writing import Chosen
from review.commands.open_log import private
from review.exchange import MAX_SIZE, ask, exchange
from store.admin import passphrase
from store.errors import StoreError
from store.evidence.opening import read_body

EVERY: Final = 3.0  # s between two looks at what waits, as the player's page does
RARELY: Final = 60.0  # s after which it is asked for again although no approval came: a delay may be over
_KEY: Final = 32  # bytes
_MOST: Final = MAX_SIZE // 4 * 3 - 2**20  # bytes of chunks in one request, beside the papers


def with_keys(
    asked: Namespace, case: Case, to: str, chosen: Sequence[Chosen], papers: Mapping[UUID, dict[str, Any]]
) -> list[Chosen]:
    """The same, once all were released. `to`: id of the reader's key. Raises StoreError, ProtocolError, OSError."""
    key = signing_key(private(asked.key, "person", passphrase.existing(asked, str(asked.key))))
    asking = [_Asking(asked, case, to, one, papers[one.recording], key) for one in chosen]
    waiting = [one for one in asking if not one.ask()]
    if waiting:
        _tell(waiting)
    while waiting:
        time.sleep(EVERY)
        waiting = [one for one in waiting if not one.look()]
    return [replace(one.chosen, keys=one.key_of, comments=one.comments) for one in asking]


def _tell(waiting: Sequence[_Asking]) -> None:
    say = sys.stderr.write
    say("The rules want approvals. Others open #approve=ID at the player's address, or run\n")
    for one in waiting:
        say(f"  eyelid-review custodian approve {one.filed} --as PERSON --key FILE --verdict approve\n")
        say("".join(f"    {printable(reason)}\n" for reason in one.reasons))
    say("This command goes on when they have; what is approved counts for it alone (Ctrl-C gives it up).\n")
    sys.stderr.flush()


@dataclass
class _Asking:
    """One recording. `filed`: id of the request that waits; "" where none does."""

    asked: Namespace
    case: Case
    to: str
    chosen: Chosen
    papers: dict[str, Any]
    person: Ed25519PrivateKey
    filed: str = ""
    reasons: tuple[str, ...] = ()
    comments: bytes = b""
    _session: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    _keys: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _approved: int = 0
    _tried: float = 0.0

    def __post_init__(self) -> None:
        chunks = self.chosen.chunks()
        at_edges = [
            read_body(self.chosen.source.blobs, chain[place])
            for chain in chunks.values()
            for place in edges(list(map(Row.of, chain)), self.chosen.spans)
        ]
        if sum(map(len, at_edges)) > _MOST:
            raise StoreError(
                f"recording {self.chosen.recording}: its spans begin and end in more than the custodian reads at once: "
                "make several cases of them"
            )
        self._edges = list(map(base64url.encode, at_edges))
        session = self._session.public_key().public_bytes_raw()
        # Where nothing was kept, nothing is released.
        streams = chunks or filter(self.chosen.gives, self.chosen.source.rows)
        self._terms: dict[str, Any] = {
            "act": "export", "recording": str(self.chosen.recording), "purpose": self.asked.purpose,
            "rendition": "original", "session": base64url.encode(session), "case": str(self.case.id), "to": self.to,
            "spans": " ".join(f"{start}-{until}" for start, until in self.chosen.spans),
            "streams": " ".join(map(str, sorted(streams))),
        }  # fmt: skip

    def ask(self) -> bool:
        """Whether its keys are here. Raises ProtocolError for what no approval helps."""
        self._tried = time.monotonic()
        said = self._terms | ({"filed": self.filed} if self.filed else {})
        nonce = ask(self.asked.socket, "nonce")
        token = personal.sign(personal.REQUEST, {**said, **nonce, "person": self.asked.person.lower()}, self.person)
        answer = exchange(self.asked.socket, "open", request=token, papers=self.papers, chunks=self._edges)
        if "error" not in answer:
            self._take(personal.read(personal.REQUEST, token).id, str(answer["release"]))
            return True
        self.reasons = tuple(str(one.get("says")) for one in answer.get("reasons", ()))
        self.filed = self.filed or str(answer.get("filed", ""))
        if not self.filed or not self.reasons:
            raise ProtocolError(str(answer["error"]), str(answer.get("message")))
        return False

    def look(self) -> bool:
        """As `ask`, as soon as that may have changed."""
        approved = len(ask(self.asked.socket, "filed", filed=self.filed)["approved_by"])
        if approved == self._approved and (not approved or time.monotonic() < self._tried + RARELY):
            return False
        self._approved = approved
        return self.ask()

    def _take(self, request: str, release: str) -> None:
        # Its signature is not looked at: each key is compared with what the device committed to, before it is used.
        malformed = ProtocolError("malformed", "the custodian's answer is no release")
        try:
            values: dict[str, Any] = parse_object(base64url.decode(release.split(".")[1]))
        except (IndexError, ValueError):
            raise malformed from None
        said = Claims(values, "release", ProtocolError)
        if not said.has("chunks"):
            raise ProtocolError("other-release", "the custodian is of an earlier version: it gives keys of streams")
        try:
            given = {int(stream): list(map(int, sequences)) for stream, sequences in values["chunks"].items()}
        except (AttributeError, TypeError, ValueError):
            raise malformed from None
        keys, place = said.object("keys"), {"request": request, "recording": self.chosen.recording}
        for stream, sequences in given.items():
            opened = receive(self._session, keys.raw(str(stream)), stream=stream, label=CHUNK_KEYS, **place)  # type: ignore[arg-type]
            for at, sequence in enumerate(sequences):
                self._keys[stream, sequence] = opened[at * _KEY : (at + 1) * _KEY]
        self.comments = receive(self._session, said.raw("comments"), stream=COMMENTS, **place)  # type: ignore[arg-type]

    def key_of(self, stream: int, sequence: int) -> bytes:
        """Raises StoreError."""
        if (key := self._keys.get((stream, sequence))) is None:
            which = f"recording {self.chosen.recording}, stream {stream}, sequence {sequence}"
            raise StoreError(f"{which}: the custodian gave no key of it")
        return key
