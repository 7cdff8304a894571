"""What governance files say, and what is asked of them; values only.

`where`: the rule's place as file:line:column. Times: wall clock, ns since 1970. Ids of people are in small letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from review.governance.times import FOR_EVER, NONE, Period


class Act(StrEnum):
    """What a person can do; there is nothing else."""

    LIST = "list"
    PLAY = "play"
    COMMENT = "comment"
    EXPORT = "export"
    ANALYSE = "analyse"
    REQUEST_LEGAL_HOLD = "request-legal-hold"
    LEGAL_HOLD = "legal-hold"
    RELEASE_HOLD = "release-hold"
    ERASE_REQUEST = "erase-request"
    ERASE = "erase"
    SUBJECT_ACCESS = "subject-access"
    READ_AUDIT = "read-audit"
    SEE_ACCESS = "see-access"
    CONSENT = "consent"
    SEE_FLEET = "see-fleet"


OPENS: Final = frozenset({Act.PLAY, Act.EXPORT, Act.ANALYSE})  # keys leave the custodian: rendition and consent count
# These need no purpose, nor a single recording.
OVERVIEWS: Final = frozenset({Act.LIST, Act.READ_AUDIT, Act.SEE_ACCESS, Act.SEE_FLEET})
PLAY_ORIGINAL: Final = "play-original"  # of approvals alone: play, where the original is released


class Kind(StrEnum):
    """What the analysis makes of a recording."""

    SPEECH = "speech"
    SCREEN_TEXT = "screen-text"
    TEXT = "text"
    PERSONAL = "personal"
    RENDITION = "rendition"
    INDEX = "index"


class Rendition(StrEnum):
    REDACTED = "redacted"
    ORIGINAL = "original"


class Channel(StrEnum):
    VOICE = "voice"
    SCREEN = "screen"
    CHAT = "chat"
    MAIL = "mail"


class Consent(StrEnum):
    GIVEN = "given"
    MISSING = "missing"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Reach:
    """Which recordings a role covers: all, one's own, one's own teams' and those of teams by name."""

    everything: bool = False
    own: bool = False
    own_teams: bool = False
    teams: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sample:
    """So many recordings per agent and month, drawn by the system; people cannot choose them."""

    per_agent_and_month: int
    where: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """`oldest`: how far back it reaches. `since_grant`: nothing from before the person was given the role, either.
    `until`: the role ends. `purposes`: one of them must be named; none: none is asked for. `analyses`: what the act
    analyse makes, and of how many recordings an hour.
    """

    name: str
    may: frozenset[Act]
    of: Reach
    where: str = ""
    oldest: Period | None = None
    since_grant: bool = False
    until: int = FOR_EVER
    rendition: Rendition = Rendition.REDACTED
    otherwise_original: bool = False
    purposes: frozenset[str] = frozenset()
    sample: Mapping[str, Sample] = field(default_factory=dict)
    analyses: Mapping[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """`need` different people, each for one of the roles in `by` (a role that is named twice takes two of them).

    They have `within` (ns) from the request on. The act waits for `delay` (ns), and must be done `within` after that.
    """

    acts: frozenset[str]
    by: tuple[str, ...]
    need: int
    within: int
    delay: int = 0
    where: str = ""


@dataclass(frozen=True, slots=True)
class Length:
    """Over (or under) so many ns."""

    over: bool
    ns: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One of `words` is the recording's. `key`: group, team, closed_by, category or channel."""

    key: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of them holds."""

    conditions: tuple[Fact | Length, ...]


Condition = Fact | Length | AllOf


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """`any`: which recordings belong to it; None: those of no other class."""

    name: str
    any: tuple[Condition, ...] | None
    keep: Period
    minimum: Period = NONE
    why: str = ""
    worm: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """Of each month from `since` on, people with role `by` look at what was drawn for the purpose `name`, and sign what
    became of it, within so many ns of the month's end.
    """

    name: str
    by: str
    since: int
    within: int
    why: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """By the groups of devices, and by OS users (in small letters)."""

    groups: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    where: str = ""


@dataclass(frozen=True, slots=True)
class PersonRule:
    """`person`: an id, or `*` before the end that all its people have in common."""

    person: str
    roles: frozenset[str]
    teams: frozenset[str] = frozenset()
    since: int = 0
    until: int = FOR_EVER
    where: str = ""


@dataclass(frozen=True, slots=True)
class UserRule:
    """Whose an OS user is. Both have one `*` for the same text, or none."""

    user: str
    person: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Consents:
    """The channels of which nothing is opened without consent, each with its line."""

    required: Mapping[Channel, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """That a person holds a role, in which teams, and from when till when."""

    role: str
    teams: frozenset[str] = frozenset()
    since: int = 0
    until: int = FOR_EVER
    where: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """`id` in small letters, so that no person counts twice. Raises ValueError for another."""

    id: str
    grants: tuple[Grant, ...] = ()

    def __post_init__(self) -> None:
        if self.id != self.id.lower():
            raise ValueError("the id of a person is in small letters")

    def narrowed(self, roles: frozenset[str], teams: frozenset[str]) -> Person:
        """With these roles and teams at most: what a sign-in or the catalog leaves of them."""
        return Person(
            self.id,
            tuple(replace(grant, teams=grant.teams & teams) for grant in self.grants if grant.role in roles),
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """`person`: whose work it is; empty where no rule maps the OS user. `categories`: None until it was analysed.

    `drawn`: the purposes that it was drawn for. `consent`: of each channel that it has.
    """

    person: str = ""
    group: str = ""
    teams: frozenset[str] = frozenset()
    start: int = 0
    end: int = 0
    closed_by: frozenset[str] = frozenset()
    categories: frozenset[str] | None = None
    consent: Mapping[Channel, Consent] = field(default_factory=dict)
    has_redacted: bool = False
    drawn: frozenset[str] = frozenset()
    held: bool = False
    erasure_asked: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    person: Person
    at: int


@dataclass(frozen=True, slots=True)
class Question:
    """`recording`: None where the act is on none. `asked`: when the request was filed that approvals answer. `kind`: of
    an analysis; None: of any.
    """

    person: Person
    act: Act
    now: int
    recording: Recording | None = None
    purpose: str = ""
    rendition: Rendition = Rendition.REDACTED
    asked: int | None = None
    approvals: tuple[Approval, ...] = ()
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """`missing`: it would be otherwise if that came; a refusal of other kinds stays."""

    says: str
    where: str = ""
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`reasons`: why it is granted, or what stands against it. `until`: the first instant at which it no longer holds.

    `rendition`: what may leave the custodian; None where the act opens nothing.
    """

    granted: bool
    reasons: tuple[Reason, ...]
    role: str = ""
    until: int = 0
    rendition: Rendition | None = None

    @property
    def missing(self) -> tuple[Reason, ...]:
        return tuple(reason for reason in self.reasons if reason.missing)


NO_CONSENTS: Final = Consents()


@dataclass(frozen=True, slots=True)
class Governance:
    """`signed`: when it was; a clock that says less is wrong."""

    hash: str = ""
    revision: int = 1
    name: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    approvals: tuple[ApprovalRule, ...] = ()
    retention: tuple[RetentionClass, ...] = ()
    teams: Mapping[str, Team] = field(default_factory=dict)
    people: tuple[PersonRule, ...] = ()
    users: tuple[UserRule, ...] = ()
    consent: Consents = NO_CONSENTS
    reviews: tuple[Review, ...] = ()
    notice: str = ""
    where: str = ""
    signed: int = 0
    tests: tuple[GovernanceTest, ...] = ()

    @property
    def purposes(self) -> frozenset[str]:
        return frozenset(purpose for role in self.roles.values() for purpose in role.purposes)

    def person(self, id: str) -> Person:  # noqa: A002 - what it is
        """With every role that a rule gives. An unknown person has none."""
        id = id.lower()  # noqa: A001
        grants = tuple(
            Grant(role, rule.teams, rule.since, rule.until, rule.where)
            for rule in self.people
            if _names(rule.person, id)
            for role in sorted(rule.roles)
        )
        return Person(id, grants)

    def person_of(self, user: str) -> str:
        """Whose an OS user is, by the first rule that names it; empty where none does."""
        user = user.lower()
        for rule in self.users:
            start, star, end = rule.user.partition("*")
            if rule.user == user:
                return rule.person
            if star and len(user) > len(start + end) and user.startswith(start) and user.endswith(end):
                return rule.person.replace("*", user[len(start) : len(user) - len(end)])
        return ""

    def teams_of(self, group: str, user: str) -> frozenset[str]:
        """The teams that what was recorded there belongs to."""
        return frozenset(
            name for name, team in self.teams.items() if group in team.groups or user.lower() in team.users
        )


@dataclass(frozen=True, slots=True)
class GovernanceTest:
    """`what` is asked, or None where it is about retention alone. `expect`: granted, refused, kept or deleted."""

    name: str
    question: Question
    expect: str
    retention_class: str = ""
    where: str = ""


def _names(pattern: str, id: str) -> bool:  # noqa: A002
    if pattern.startswith("*"):
        return len(id) >= len(pattern) and id.endswith(pattern[1:])
    return pattern == id
