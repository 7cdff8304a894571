"""What a worker of the analysis signs to be given keys for one lease of a job, and which keys these are.

They are those of the lanes, or of the results of others, that its kind is made of, and one under which it seals what
it makes. None of them gives the recording's key, another lane's, or that of what another kind or rendition is sealed
under.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from protocol import base64url
from protocol.envelope import SOUND_STREAM
from protocol.errors import KeyProblem
from protocol.keys import derived_key
from protocol.packet import KeyPacket
from protocol.personal import Signed
from protocol.released import DERIVED, DERIVED_KEY, STREAM_KEY, release, session_key
from review.governance.decide import decide
from review.governance.model import (
    Act,
    Consent,
    Decision,
    Governance,
    Kind,
    Person,
    Question,
    Recording,
    Rendition,
)
from review.refusal import Refusal, granted, rule_id

LONGEST: Final = 3600 * 10**9  # ns: no lease of a job is longer (review.analysis.jobs)
_VERSION: Final = re.compile(r"[A-Za-z0-9_.:/(),+-]{1,200}")
# Of which streams it is made.
_LANES: Final[Mapping[Kind, Callable[[int], bool]]] = {
    Kind.SPEECH: lambda stream: stream == SOUND_STREAM,
    Kind.SCREEN_TEXT: lambda stream: stream < SOUND_STREAM,
}
# Of which results of others. What is made of the others has no keys yet.
_RESULTS: Final[Mapping[Kind, tuple[Kind, ...]]] = {Kind.PERSONAL: tuple(_LANES)}


def label(kind: Kind, rendition: Rendition) -> str:
    """Of the key that seals it: who is given the words of one rendition has no key to another's."""
    return f"{kind}/{rendition}"


def readable(rendition: Rendition | None, streams: Collection[int], there: Collection[int]) -> list[str]:
    """Labels of what a person may read who opens these `streams` in this rendition: what is made of no others.

    `there`: all streams of the recording. `rendition`: as in a Decision.
    """
    made = {kind: set(filter(of, there)) for kind, of in _LANES.items()}
    made |= {kind: {one for source in of for one in made[source]} for kind, of in _RESULTS.items()}
    return [label(kind, rendition) for kind, of in made.items() if rendition and of and of <= set(streams)]


@dataclass(frozen=True, slots=True)
class Needs:
    """Whose keys a lease is given. `lanes`: streams. `results`: labels."""

    lanes: tuple[int, ...] = ()
    results: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """`request`: id of what was signed. `version`, `fence`: of the job. `expires`: wall clock, ns."""

    request: str
    recording: UUID
    kind: Kind
    version: str
    fence: int
    session: X25519PublicKey
    expires: int

    @classmethod
    def read(cls, signed: Signed) -> Lease:
        """Raises SignatureError ("bad-field"), KeyProblem ("bad-key")."""
        claims = signed.claims
        kind, version, session = claims.text("kind"), claims.text("version"), session_key(claims.text("session"))
        if kind not in set(Kind):
            raise claims.refuse("kind", " or ".join(Kind))
        if not _VERSION.fullmatch(version):
            raise claims.refuse("version", f"as {_VERSION.pattern}")
        if not isinstance(session, X25519PublicKey):
            raise KeyProblem("bad-key", "a worker's session key must be X25519")
        fence, expires = claims.integer("fence", least=1), claims.integer("expires")
        return cls(signed.id, claims.uuid("recording"), Kind(kind), version, fence, session, expires)

    @property
    def facts(self) -> dict[str, object]:
        """For the log."""
        return {"kind": str(self.kind), "version": self.version, "fence": self.fence}

    def decided(self, rules: Governance, person: Person, now: int, recording: Recording) -> Decision:
        """Raises Refusal; "no-consent" where nothing but a consent that may still come stands against it."""
        asked = Question(person, Act.ANALYSE, now, recording, kind=self.kind)
        decision = decide(rules, asked)
        if not decision.granted and Consent.MISSING in recording.consent.values():
            given = {
                one: Consent.GIVEN if state is Consent.MISSING else state for one, state in recording.consent.items()
            }
            if decide(rules, replace(asked, recording=replace(recording, consent=given))).granted:
                raise Refusal("no-consent", "; ".join(one.says for one in decision.reasons), decision.reasons)
        return granted(rules, asked)

    def needs(self, streams: Collection[int], now: int) -> Needs:
        """Of a recording with these streams. Raises Refusal."""
        if not now < self.expires <= now + LONGEST:
            raise Refusal("stale", "the lease is over, or longer than any can be: take another")
        if self.kind not in _LANES.keys() | _RESULTS.keys():
            raise Refusal("not-here", f"there are no keys to make {self.kind} with yet")
        lanes = tuple(sorted(filter(_LANES[self.kind], streams))) if self.kind in _LANES else ()
        sources = [one for one in _RESULTS.get(self.kind, ()) if any(map(_LANES[one], streams))]
        if not lanes and not sources:
            raise Refusal("unknown-stream", f"its device signed nothing that {self.kind} is made of")
        return Needs(lanes, tuple(label(one, Rendition.ORIGINAL) for one in sources))

    def noted(self, decision: Decision, needs: Needs) -> dict[str, object]:
        """The rest of what the log says of it."""
        rule, until = rule_id(decision.reasons[0].where), min(decision.until, self.expires)
        given = {"lanes": [str(one) for one in needs.lanes], "opens": list(needs.results)}
        return {"rule": rule, "until": until, "seals": self.seals, **{name: of for name, of in given.items() if of}}

    @property
    def seals(self) -> str:
        """The label of the key under which it seals what it makes."""
        return label(self.kind, Rendition.ORIGINAL)

    def keys(self, packet: KeyPacket, key: bytes, needs: Needs, workers: Sequence[str]) -> dict[str, object]:
        """What leaves, each sealed to the session. `key`: the recording's, which does not. `workers`: whose signature
        on a result counts.
        """

        def sealed(own: bytes, stream: int, use: bytes) -> str:
            made = release(self.session, own, request=self.request, recording=self.recording, stream=stream, label=use)
            return base64url.encode(made)

        def derived(name: str) -> str:
            return sealed(derived_key(key, self.recording, name), DERIVED, DERIVED_KEY)

        opens = {"opens": {one: derived(one) for one in needs.results}, "workers": workers} if needs.results else {}
        return {
            "keys": {str(one): sealed(packet.stream_key(key, one), one, STREAM_KEY) for one in needs.lanes},
            "seals": {self.seals: derived(self.seals)},
            **opens,
        }
