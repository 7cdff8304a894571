"""An erasure that others had to approve: what people signed is checked here anew, whatever the custodian found.

From its folder come whose keys are whose (each line is signed by compliance) and what was signed, and when it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from protocol import personal
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from review.enrolled import People
from review.filed import Approved, Filed, Requests, erasure_terms, set_of
from review.governance.decide import decide
from review.governance.model import Act, Approval, Governance, Question, Reason
from review.lifecycle.facts import Known
from review.refusal import Refusal


def line_of(governance: Governance) -> str:
    """The first rule by which erasures are approved; "" where there is none."""
    return next((rule.where for rule in governance.approvals if Act.ERASE in rule.acts), "")


class Approvals:
    """`folder`: the custodian's. `compliance`: fingerprint of the key that signs who may be whom."""

    def __init__(self, folder: Path, compliance: str) -> None:
        """Raises ProtocolError, OSError."""
        self._requests = Requests(folder / "requests")
        said = Claims(parse_object((folder / "settings.json").read_bytes()), "settings.json", ProtocolError)
        self._people = People(
            folder / "keys.jsonl", compliance=compliance, custodian=said.text("name"), origin=said.text("origin")
        )

    def check(self, governance: Governance, id: str, chosen: Sequence[Known], request: str, now: int) -> Filed:  # noqa: A002
        """What was approved, with the approvals that count. Raises Refusal with the rule's line, ProtocolError."""
        where = line_of(governance)

        def refuse(code: str, says: str) -> Refusal:
            return Refusal(code, says, [Reason(says, where)])

        filed = self._requests.get(id)
        if filed is None or not filed.token:
            raise refuse("unknown-request", "no request of this id waits at the custodian")
        signed = self._signed(personal.REQUEST, filed.token, filed.person)
        terms = erasure_terms(signed.claims)
        if signed.id != id or terms != filed.terms or terms["act"] != Act.ERASE:
            raise refuse("other-request", "what the custodian keeps is not what was signed")
        if now >= int(terms["expires"]):
            raise refuse("stale", "the request has expired: file a new one")
        if terms["recordings"] != set_of(known.id for known in chosen):
            raise refuse("other-recordings", "it was signed for another set of recordings than these")
        if terms["request"] != request:
            raise refuse("other-request", f"it was signed for another request than {request}")
        if any(one.person == filed.person for one in filed.approvals):
            raise refuse("own-request", "who asks cannot approve it")
        counted = [one for one in filed.approvals if self._counts(one, id, terms)]
        question = Question(
            governance.person(filed.person), Act.ERASE, now, purpose=terms["purpose"], asked=filed.asked,
            approvals=tuple(Approval(governance.person(one.person), one.at) for one in counted),
        )  # fmt: skip
        # How long each is kept is not asked here: what may not go yet is noted, and goes when it may.
        rules = replace(governance, retention=())
        for known in chosen:
            decision = decide(rules, replace(question, recording=replace(known.recording, held=False)))
            if not decision.granted:
                raise Refusal.by(decision.reasons)
        return replace(filed, approvals=tuple(counted))

    def _counts(self, one: Approved, id: str, terms: dict[str, str]) -> bool:  # noqa: A002
        if one.key in self._people.keys and self._people.keys[one.key].removed:
            return False
        claims = self._signed(personal.APPROVAL, one.token, one.person).claims
        return (claims.text("filed"), claims.text("verdict"), erasure_terms(claims)) == (id, "approve", terms)

    def _signed(self, typ: str, token: str, person: str) -> personal.Signed:
        """Raises Refusal, SignatureError."""
        signed = personal.read(typ, token)
        by = self._people.of(signed.key)
        personal.check(signed, by.key)
        self._people.check_said(signed, by)
        if by.person != person:
            raise Refusal("other-person", "signed by another person than the request names")
        return signed
