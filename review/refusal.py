"""Why nothing was opened or erased, with the rules' lines where they say so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from protocol.errors import ProtocolError
from review.governance.decide import decide
from review.governance.model import Act, Decision, Governance, Question, Reason


class Refusal(ProtocolError):
    """`code` is kebab-case and stable. `filed`: id of the request that waits for approvals."""

    def __init__(self, code: str, message: str, reasons: Sequence[Reason] = (), filed: str = "") -> None:
        super().__init__(code, message)
        self.reasons = tuple(reasons)
        self.filed = filed

    @classmethod
    def by(cls, reasons: Sequence[Reason], filed: str = "") -> Refusal:
        missing = all(reason.missing for reason in reasons)
        return cls("not-yet" if missing else "refused", "; ".join(one.says for one in reasons), reasons, filed)

    @property
    def line(self) -> str:
        """Of the rules, the first that speaks against it; "-" where none does."""
        return next((reason.where for reason in self.reasons if reason.where), "-")


def rule_id(where: str) -> str:
    """A rule's place, as the log writes it."""
    return re.sub(r"[^A-Za-z0-9_.:/-]", "_", where)[:128] or "-"


def granted(rules: Governance, question: Question) -> Decision:
    """Raises Refusal."""
    decision = decide(rules, question)
    if not decision.granted:
        raise Refusal.by(decision.reasons)
    return decision


def granting(rules: Governance, question: Question) -> str:
    """The rule's place that grants it, as the log writes it. Raises Refusal."""
    return rule_id(granted(rules, question).reasons[0].where)


def check_role(rules: Governance, person: str, act: Act, now: int) -> None:
    """Raises Refusal where no role of theirs has the act now, whatever recordings it is about."""
    grants = [one for one in rules.person(person).grants if one.role in rules.roles and one.since <= now < one.until]
    if not any(act in rules.roles[one.role].may and now < rules.roles[one.role].until for one in grants):
        where = next((role.where for role in rules.roles.values() if act in role.may), rules.where)
        raise Refusal.by([Reason(f"{person} has no role that may {act}", where)])
