"""What waits for approvals, in a folder of the custodian's: who asked for what, and who approved it, as they signed it.

A file each. Erasures and legal holds are asked for here, too; the lifecycle carries them out, and checks every
signature anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.folder import sync_folder, write_over
from review import extracts
from review.governance.decide import lacks
from review.governance.model import PLAY_ORIGINAL, Act, Approval, ApprovalRule, Governance, Question, Reason, Rendition
from review.refusal import Refusal

REFERENCE: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
LONGEST: Final = 2 * 86_400 * 10**9  # ns for which what needs no approval waits
_TERMS: Final = ("act", "recording", "purpose", "rendition", "session")
SETS: Final = frozenset({Act.ERASE, Act.LEGAL_HOLD, Act.RELEASE_HOLD})  # acts on a set of recordings
_SET: Final = {"recordings": re.compile(r"[0-9a-f]{64}"), "request": REFERENCE, "purpose": WORD,
               "expires": re.compile(r"[1-9][0-9]{17,18}")}  # fmt: skip


def set_of(recordings: Iterable[str]) -> str:
    """Which recordings, as people sign it: SHA-256, hex, of their ids in order, a line each."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(recordings)).encode()).hexdigest()


def purpose_of(claims: Claims) -> str:
    """ "" where none is named. Raises SignatureError ("bad-field")."""
    purpose = claims.text("purpose")
    if purpose and not WORD.fullmatch(purpose):
        raise claims.refuse("purpose", "lower-case letters, digits and hyphens")
    return purpose


def set_terms(claims: Claims) -> dict[str, str]:
    """`recordings`: as `set_of`. `request`: its number, or the hold's name. `expires`: wall clock, ns.

    Raises SignatureError (bad-field).
    """
    terms = {name: claims.text(name) for name in ("act", *_SET)}
    for name, pattern in _SET.items():
        if not pattern.fullmatch(terms[name]):
            raise claims.refuse(name, f"as {pattern.pattern}")
    return terms


def terms_of(claims: Claims) -> dict[str, str]:
    """What is asked, in words that the log can take. Raises SignatureError ("bad-field")."""
    if claims.text("act") in SETS:
        return set_terms(claims)
    terms = {name: claims.text(name) for name in _TERMS}
    claims.uuid("recording")
    for name, known in (("act", set(Act)), ("rendition", set(Rendition))):
        if terms[name] not in known:
            raise claims.refuse(name, " or ".join(sorted(known)))
    purpose_of(claims)
    return terms | extracts.terms_of(claims)


@dataclass(frozen=True, slots=True)
class Approved:
    """`key`: by which it was signed. `at`: wall clock, ns. `token`: what was signed."""

    person: str
    key: str
    at: int
    token: str


@dataclass(frozen=True, slots=True)
class Filed:
    """A request that waits for approvals. `terms`: what it asks; approval and opening must say the same."""

    person: str
    terms: Mapping[str, str]
    asked: int
    token: str
    approvals: tuple[Approved, ...] = ()


def _token(claims: Claims) -> str:
    return claims.text("token") if claims.has("token") else ""  # an earlier version kept none


class Requests:
    """`id` is 64 hexadecimal digits; what is not has no file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, id: str, filed: Filed) -> None:  # noqa: A002 - what it is
        write_over(self._folder / id, json.dumps(asdict(filed)).encode())

    def get(self, id: str) -> Filed | None:  # noqa: A002
        try:
            if not re.fullmatch(r"[0-9a-f]{64}", id):
                return None
            claims = Claims(parse_object((self._folder / id).read_bytes()), "request", ProtocolError)
        except FileNotFoundError:
            return None
        return Filed(
            claims.text("person"), claims.text_map("terms"), claims.integer("asked"), _token(claims),
            tuple(
                Approved(one.text("person"), one.text("key"), one.integer("at"), _token(one))
                for one in claims.objects("approvals")
            ),
        )  # fmt: skip

    def drop(self, id: str) -> None:  # noqa: A002
        (self._folder / id).unlink(missing_ok=True)
        sync_folder(self._folder)  # or a power cut brings back what was used

    def waiting(self, rules: Governance, now: int) -> dict[str, Filed]:
        """By id; those whose time is over go."""
        waits = {}
        for id in [path.name for path in self._folder.iterdir() if not path.name.startswith(".")]:  # noqa: A001
            filed = self.get(id)
            if filed is None or ends(rules, filed) < now:
                self.drop(id)
            else:
                waits[id] = filed
        return waits


# -- by the rules -----------------------------------------------------------------------------------------------------


def rules_of_approval(rules: Governance, terms: Mapping[str, str]) -> list[ApprovalRule]:
    original = terms["act"] == Act.PLAY
    return [one for one in rules.approvals if terms["act"] in one.acts or (original and PLAY_ORIGINAL in one.acts)]


def ends(rules: Governance, filed: Filed) -> int:
    """When it waits no longer, ns."""
    lasts = [rule.delay + rule.within for rule in rules_of_approval(rules, filed.terms)]  # without: as was signed
    return filed.asked + max(lasts) if lasts else int(filed.terms.get("expires", filed.asked + LONGEST))


def approving(rules: Governance, person: str, terms: Mapping[str, str], now: int) -> str:
    """The role by which they may approve it. Raises Refusal."""
    roles = {one.role for one in rules.person(person).grants if one.since <= now < one.until}
    asked = rules_of_approval(rules, terms)
    if count := [one for rule in asked for one in rule.by if one in roles and now < rules.roles[one].until]:
        return count[0]
    where = asked[0].where if asked else rules.where
    raise Refusal.by([Reason(f"{person} has no role whose approval counts here", where)])


def waiting_for(rules: Governance, person: str, filed: Filed, now: int) -> dict[str, object] | None:
    """What a list says of an opening or an export that waits: to who asked, and to who has a role whose approval is
    still missing; None for everybody else, and once it can no longer be granted. `until`: ns, by when to approve it;
    once no approval is missing, by when it has to be done. `filed`: with the approvals that count.
    """
    if filed.terms["act"] in SETS:
        return None
    given = tuple(Approval(rules.person(one.person), one.at) for one in filed.approvals)
    question = Question(rules.person(filed.person), Act(filed.terms["act"]), now, approvals=given)
    me = rules.person(person)
    mine = replace(question, approvals=(*given, Approval(me, now)))
    missing, until, counts = [], ends(rules, filed), False
    for rule in rules_of_approval(rules, filed.terms):
        need, by = lacks(rules, question, filed.asked, rule)
        if need > 0:
            missing.append({"need": need, "by": list(dict.fromkeys(by))})
            until = min(until, filed.asked + rule.within)
            counts |= lacks(rules, mine, filed.asked, rule)[0] < need
    if until <= now or not (counts or me.id == question.person.id):
        return None
    return {
        "person": filed.person, "act": filed.terms["act"], "recording": filed.terms["recording"],
        "purpose": filed.terms["purpose"], "case": filed.terms.get("case", ""), "asked": filed.asked, "until": until,
        "approved_by": [one.person for one in filed.approvals], "missing": missing,
    }  # fmt: skip
