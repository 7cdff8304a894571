"""Which acts are noted, and what each says: a table, without I/O. What is not in it is refused.

Every entry has what PCI DSS 10.2.2 asks for: who, what kind, when, success or failure, where it came from, and which
resource. People and what they searched for never leave this module in the clear: `Hider` makes names of them that only
the holder of the log's reading key can make again.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from protocol.claims import MAX_INTEGER, parse_object
from protocol.numbers import is_integer
from review.audit.errors import AuditError

SUCCESS: Final = "success"
FAILURE: Final = "failure"
MOST: Final = 10_000  # resources, or spans, of one entry
LARGEST_BODY: Final = 2**20  # bytes


class Hider(Protocol):
    def person(self, name: str) -> str: ...
    def search(self, text: str) -> str: ...


Check = Callable[[object, Hider], object]
"""The value as it is written; ValueError with what it must be."""


def _pattern(expression: str, wanted: str) -> Check:
    compiled = re.compile(expression)

    def check(value: object, _hider: Hider) -> object:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(wanted)
        return value

    return check


def _printable(value: object, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError(f"1 to {longest} characters that can be printed")
    return value


def _text(value: object, _hider: Hider) -> object:
    return _printable(value, 200)


def compared(value: object) -> str:
    """A person's name in the form in which names are compared: as the rules do, in small letters. Where case is folded,
    weiß and weiss would be one. Raises ValueError.
    """
    return unicodedata.normalize("NFC", _printable(value, 200)).lower()


def pseudonym(value: object, hider: Hider) -> str:
    """Of a person, as entries have it. Raises ValueError."""
    return hider.person(compared(value))


def _search(value: object, hider: Hider) -> object:
    return hider.search(" ".join(unicodedata.normalize("NFC", _printable(value, 4000)).casefold().split()))


def _number(value: object, _hider: Hider) -> object:
    if not is_integer(value) or not 0 <= value <= MAX_INTEGER:
        raise ValueError("an integer from 0 on")
    return value


def _span(value: object, _hider: Hider) -> object:
    start, end = value if isinstance(value, (list, tuple)) and len(value) == 2 else (None, None)
    if not is_integer(start) or not is_integer(end) or not 0 <= start < end <= MAX_INTEGER:
        raise ValueError("pairs of start and end in ns, each start before its end")
    return [start, end]


def _several(one: Check) -> Check:
    def check(value: object, hider: Hider) -> object:
        if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MOST:
            raise ValueError(f"a list of 1 to {MOST}")
        return [one(item, hider) for item in value]

    return check


WORD: Final = _pattern(r"[a-z0-9][a-z0-9-]{0,63}", "a word of lower-case letters, digits and hyphens")
ID: Final = _pattern(r"[A-Za-z0-9_.:/-]{1,128}", "an id: letters, digits, and _ . : / -")
DAY: Final = _pattern(r"\d{4}-\d\d-\d\d", "a day, such as 2027-01-31")
TEXT: Final = _text
PERSON: Final = pseudonym
SEARCH: Final = _search
NUMBER: Final = _number
SPANS: Final = _several(_span)
PEOPLE: Final = _several(PERSON)
IDS: Final = _several(ID)


@dataclass(frozen=True, slots=True)
class Kind:
    """`resource`: what its resources are. `must`, `may`: names of its own facts, and what each must be.

    `ocsf`: class and activity of the Open Cybersecurity Schema Framework (review.audit.ocsf).
    """

    resource: str
    ocsf: tuple[int, int]
    must: Mapping[str, Check]
    may: Mapping[str, Check]


def _kind(resource: str, ocsf: tuple[int, int], must: Mapping[str, Check] | None = None, **may: Check) -> Kind:
    return Kind(resource, ocsf, must or {}, may)


# Who signed it with their own key, who approved it, under which id; the rule's line where it was refused.
_SIGNED: Final[Mapping[str, Check]] = {"person": PERSON, "approvals": PEOPLE, "approval": ID, "rule": ID}

KINDS: Final[Mapping[str, Kind]] = {
    "sign-in": _kind("service", (3002, 1), {"method": WORD}),
    "sign-out": _kind("service", (3002, 2), {"by": WORD}),  # the person, another session of theirs, idleness
    "account": _kind("account", (3004, 3), {"change": WORD}, person=PERSON, role=WORD),
    "search": _kind("archive", (6001, 5), {"query": SEARCH, "results": NUMBER}),
    "list": _kind("archive", (6001, 2), {"results": NUMBER}, of=WORD, recordings=IDS, devices=IDS),
    "open": _kind(
        "recording", (6001, 2), {"purpose": WORD, "rule": ID, "rendition": WORD},
        approvals=PEOPLE, reference=TEXT, lanes=IDS, until=NUMBER,
    ),
    # Keys for a worker of the analysis (review.leases). `version`, `fence`: of its job.
    "lease": _kind(
        "recording", (6001, 2), {"kind": WORD, "rule": ID}, version=TEXT, fence=NUMBER, lanes=IDS, opens=IDS, seals=ID,
        until=NUMBER,
    ),
    # What a page says that it played (review.played). `opening`: its entry. `lanes`: of each span.
    "watched": _kind("recording", (6001, 2), {"spans": SPANS, "opening": NUMBER}, lanes=IDS),
    "export": _kind(
        "recording", (6001, 7), {"purpose": WORD, "rule": ID, "rendition": WORD},
        approvals=PEOPLE, reference=TEXT, to=PERSON, spans=SPANS,
    ),
    "comment": _kind("recording", (6001, 3), {"comment": ID}, purpose=WORD, rule=ID, spans=SPANS),
    "request": _kind("recording", (6001, 8), {"act": WORD, "request": ID}, purpose=WORD, reference=TEXT),
    # To a request of the console (review.requests): answer, refuse, withdraw.
    "answer": _kind("recording", (6001, 3), {"act": WORD, "request": ID, "step": WORD}),
    # To a case of the console (review.requests.cases): made, looked, added, removed, and its own steps.
    "case": _kind("case", (6001, 3), {"step": WORD}, recordings=IDS, spans=SPANS, purpose=WORD),
    # To a month of a review (review.requests.reviews): looked, judged, and signed, which the custodian notes as well.
    "review": _kind(
        "review", (6001, 3), {"step": WORD, "month": ID}, recordings=IDS, outcome=WORD, state=WORD, outcomes=ID,
        drawn=NUMBER, fine=NUMBER, finding=NUMBER, escalated=NUMBER, missing=NUMBER, rule=ID,
    ),
    # To a privacy request of the console (review.requests.privacy): made, looked, case, extend, decide, end.
    "privacy": _kind(
        "privacy-request", (6001, 3), {"act": WORD, "step": WORD},
        due=DAY, verdict=WORD, grounds=IDS, recordings=IDS, reference=ID,
    ),
    "approve": _kind("request", (6001, 3), {"act": WORD, "verdict": WORD, "role": WORD}, reference=TEXT),
    "consent": _kind(
        "recording", (6001, 3), {"channel": WORD, "state": WORD, "rule": ID}, purpose=WORD, reference=ID,
    ),
    "hold": _kind("recording", (6001, 3), {"hold": ID, "why": TEXT, "review": DAY}, owner=PERSON, **_SIGNED),
    "release": _kind("recording", (6001, 3), {"hold": ID}, why=TEXT, dies=DAY, **_SIGNED),
    "erase": _kind(
        "recording", (6001, 4), {"step": WORD, "basis": WORD}, certificate=ID, approvals=PEOPLE, person=PERSON,
        device=ID, rule=ID, rules=ID, request=ID, approval=ID,
    ),
    "rules": _kind("rules", (3004, 3), {"revision": NUMBER, "hash": ID}, before=ID),
    "key": _kind("key", (3004, 3), {"use": WORD}, recordings=NUMBER),
    "interaction": _kind("interaction", (6001, 6), {"change": WORD}, count=NUMBER),
    # Steps: committed (of a month), candidates (recordings), drawn (of a month). review.samples
    "sample": _kind(
        "sample", (6001, 3), {"step": WORD, "month": ID},
        commitment=ID, since=NUMBER, person=PERSON, first=NUMBER, seed=ID, count=NUMBER, refused=NUMBER, rules=ID,
        purposes=IDS,
    ),
    "read-log": _kind("log", (6001, 2), {"first": NUMBER, "end": NUMBER}, query=SEARCH),
    "report": _kind("log", (6001, 7), {"first": DAY, "last": DAY, "sha256": ID}),  # review.report
    "export-log": _kind("log", (1008, 3), {"first": NUMBER, "end": NUMBER, "format": WORD}, following=NUMBER),
    "shred-log": _kind("log", (1008, 2), {"bodies": NUMBER, "why": WORD}),
    # What the store's own log of operators had (review.audit.operators): its lines and their hashes as they were.
    "operator": _kind(
        "archive", (6005, 1), {"line": NUMBER, "before": ID, "hash": ID, "at": TEXT, "what": WORD},
        act=WORD, of=NUMBER, purpose=TEXT, said_by=PERSON,
    ),
}  # fmt: skip

# What the log itself says of itself: no person, no resource, never sealed, so that a stranger can read it.
MENDED, CLOCK, SHRED, ADOPTED = "mended", "clock", "shred", "adopted"
STATEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    MENDED: ("bytes",),  # so many of an entry that was never acknowledged were cut off
    CLOCK: ("before", "now"),  # ms; the clock was set back
    ADOPTED: ("line", "hash"),  # so far the store's log of operators was taken in
    SHRED: ("ranges", "to"),  # the bodies of these entries, [first, end) each; all of them are older than `to` (ms)
}
_COMMON: Final = frozenset({"kind", "who", "outcome", "origin", "resource", "facts"})


@dataclass(frozen=True, slots=True)
class Act:
    """`who`: a person by the name under which they sign in, or a part of the system. `origin`: where they did it from,
    such as an address. `resource`: ids of what it was done to. `reason`: a word, where it failed.
    """

    kind: str
    who: str
    origin: str
    resource: Sequence[str]
    facts: Mapping[str, object]
    outcome: str = SUCCESS
    reason: str | None = None

    def body(self, hider: Hider) -> bytes:
        """As it is written. Raises AuditError: unknown-kind, unknown-field, missing-field, bad-field, too-large."""
        kind = KINDS.get(self.kind)
        if kind is None:
            raise AuditError("unknown-kind", f"the audit log knows no act {self.kind!r}: {', '.join(sorted(KINDS))}")
        allowed = {**kind.must, **kind.may}
        if unknown := self.facts.keys() - allowed.keys():
            raise AuditError("unknown-field", f"{self.kind}: has no fact {', '.join(sorted(unknown))}")
        if missing := kind.must.keys() - self.facts.keys():
            raise AuditError("missing-field", f"{self.kind}: must say {', '.join(sorted(missing))}")
        if self.outcome not in {SUCCESS, FAILURE} or (self.reason is None) == (self.outcome == FAILURE):
            message = "the outcome is success, or failure with a reason"
            raise AuditError("bad-field", f"{self.kind}: {message}")
        facts = {name: self._checked(name, allowed[name], value, hider) for name, value in self.facts.items()}
        common: dict[str, object] = {
            "kind": self.kind,
            "who": self._checked("who", PERSON, self.who, hider),
            "outcome": self.outcome,
            "origin": self._checked("origin", TEXT, self.origin, hider),
            "resource": self._checked("resource", IDS, self.resource, hider),
            "facts": facts,
        }
        if self.reason is not None:
            common["reason"] = self._checked("reason", WORD, self.reason, hider)
        written = written_as_json(common)
        if len(written) > LARGEST_BODY:
            raise AuditError("too-large", f"{self.kind}: an entry has at most {LARGEST_BODY} bytes: make several of it")
        return written

    def _checked(self, name: str, check: Check, value: object, hider: Hider) -> object:
        try:
            return check(value, hider)
        except ValueError as error:
            raise AuditError("bad-field", f"{self.kind}: `{name}` must be {error}") from None


def written_as_json(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def read_body(body: bytes) -> dict[str, Any]:
    """A body that was opened. Raises AuditError ("bad-body") for one that this version cannot have written."""
    try:
        values: dict[str, Any] = parse_object(body)
        facts, kind = values.get("facts"), KINDS[str(values.get("kind"))]
        named = values.keys() - {"reason"} == _COMMON
        if (
            not named
            or not isinstance(facts, dict)
            or not kind.must.keys() <= facts.keys() <= kind.must.keys() | kind.may.keys()
        ):
            raise ValueError("other fields")  # noqa: TRY301 - told below
    except (ValueError, KeyError):
        raise AuditError("bad-body", "its body is of a kind, or has fields, that this version does not know") from None
    return values


def read_statement(text: bytes) -> dict[str, Any]:
    """What the log says of itself. Raises AuditError ("bad-entry")."""
    try:
        values: dict[str, Any] = parse_object(text)
        names = STATEMENTS[str(values.get("kind"))]
        fits = all(_STATED.get(name, is_integer)(values.get(name)) for name in names)
        if not fits or values.keys() != {"kind", *names}:
            raise ValueError("other fields")  # noqa: TRY301 - told below
    except (ValueError, KeyError):
        raise AuditError("bad-entry", "it says something of the log that this version does not know") from None
    return values


def _is_ranges(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and all(map(is_integer, one)) for one in value
    )


_STATED: Final[Mapping[str, Callable[[object], bool]]] = {
    "ranges": _is_ranges,
    "hash": lambda value: isinstance(value, str),
}
