"""Erasures and legal holds that people signed: each signature is checked here anew, whatever the custodian found.

From its folder come whose keys are whose (each line is signed by compliance) and what was signed, and when it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from protocol import personal
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from review.enrolled import People
from review.filed import Approved, Filed, Requests, set_of, set_terms
from review.governance.decide import decide
from review.governance.model import Act, Approval, Governance, Question, Reason, Recording
from review.lifecycle.facts import Facts, Known
from review.refusal import Refusal

_UNKNOWN: Final = Recording()  # what cannot be read: only who covers all recordings decides on it


def _may_be(known: Known | str) -> list[Recording]:
    """What it may be: who decides on it must be allowed to in each case. No row makes it another's, or younger."""
    if isinstance(known, str) or known.whose or known.suspect:
        return [_UNKNOWN]
    one = replace(known.recording, held=False, start=min(known.since, known.recording.start))
    return [replace(one, person=name.person, teams=name.teams) for name in known.names] or [one]


def line_of(governance: Governance, act: Act) -> str:
    """The first rule by which it is approved, or by whose role it is done; "" where there is neither."""
    wanted = [rule.where for rule in governance.approvals if act in rule.acts]
    return next(iter([*wanted, *(role.where for role in governance.roles.values() if act in role.may)]), "")


def signs(governance: Governance, act: Act, *, custodian: bool) -> bool:
    """Whether people sign for it: the rules want it approved, or name who does it and there is a `custodian`."""
    return any(act in rule.acts for rule in governance.approvals) or (custodian and line_of(governance, act) != "")


class SignedBy(NamedTuple):
    """A request that a person signed at the custodian, by its id; and by which rules it is judged."""

    facts: Facts
    governance: Governance
    filed: str


class Approvals:
    """`folder`: the custodian's. `compliance`: fingerprint of the key that signs who may be whom."""

    def __init__(self, folder: Path, compliance: str) -> None:
        """Raises ProtocolError, OSError."""
        self._requests = Requests(folder / "requests")
        said = Claims(parse_object((folder / "settings.json").read_bytes()), "settings.json", ProtocolError)
        self._people = People(
            folder / "keys.jsonl", compliance=compliance, custodian=said.text("name"), origin=said.text("origin")
        )

    def check(
        self,
        governance: Governance,
        act: Act,
        id: str,  # noqa: A002
        chosen: Mapping[str, Known | str],
        *,
        request: str,
        now: int,
    ) -> Filed:
        """What was signed, with the approvals that count. Raises Refusal with the rule's line, ProtocolError."""
        where = line_of(governance, act)

        def refuse(code: str, says: str) -> Refusal:
            return Refusal(code, says, [Reason(says, where)])

        filed = self._requests.get(id)
        if filed is None or not filed.token:
            raise refuse("unknown-request", "no request of this id waits at the custodian")
        signed = self._signed(personal.REQUEST, filed.token, filed.person)
        terms = set_terms(signed.claims)
        if signed.id != id or terms != filed.terms or terms["act"] != act:
            raise refuse("other-request", "what the custodian keeps is not what was signed")
        if now >= int(terms["expires"]):
            raise refuse("stale", "the request has expired: file a new one")
        if terms["recordings"] != set_of(chosen):
            raise refuse("other-recordings", "it was signed for another set of recordings than these")
        if terms["request"] != request:
            raise refuse("other-request", f"it was signed for another request than {request}")
        if any(one.person == filed.person for one in filed.approvals):
            raise refuse("own-request", "who asks cannot approve it")
        counted = [one for one in filed.approvals if self._counts(one, id, terms)]
        question = Question(
            governance.person(filed.person), act, now, purpose=terms["purpose"], asked=filed.asked,
            approvals=tuple(Approval(governance.person(one.person), one.at) for one in counted),
        )  # fmt: skip
        # How long each is kept is not asked here: what may not go yet is noted, and goes when it may.
        rules = replace(governance, retention=())
        for recording in (one for known in chosen.values() for one in _may_be(known)):
            decision = decide(rules, replace(question, recording=recording))
            if not decision.granted:
                raise Refusal.by(decision.reasons)
        return replace(filed, approvals=tuple(counted))

    def _counts(self, one: Approved, id: str, terms: dict[str, str]) -> bool:  # noqa: A002
        if one.key in self._people.keys and self._people.keys[one.key].removed:
            return False
        claims = self._signed(personal.APPROVAL, one.token, one.person).claims
        return (claims.text("filed"), claims.text("verdict"), set_terms(claims)) == (id, "approve", terms)

    def _signed(self, typ: str, token: str, person: str) -> personal.Signed:
        """Raises Refusal, SignatureError."""
        signed = personal.read(typ, token)
        by = self._people.of(signed.key)
        personal.check(signed, by.key)
        self._people.check_said(signed, by)
        if by.person != person:
            raise Refusal("other-person", "signed by another person than the request names")
        return signed
