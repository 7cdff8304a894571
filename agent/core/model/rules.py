"""What the policy says, and why a lane is closed or nothing recorded at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.model.media import Lane
from agent.core.model.seen import Scene


class Effect(StrEnum):
    PAUSE = "pause"
    RECORD = "record"


class Extent(StrEnum):
    """When a rule speaks: while the thing is shown, or also while it is only open in the background."""

    SHOWN = "shown"
    OPEN = "open"


class Attribute(StrEnum):
    """What a matcher looks at. `url`, `field` and `css` are answered by a browser witness, and so is `extension`, which
    only `allow_extensions` asks for.
    """

    APP = "app"
    TITLE = "title"
    URL = "url"
    FIELD = "field"
    CSS = "css"
    EXTENSION = "extension"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Fits when one of its patterns fits the attribute. `where` it stands: file:line:column; `places`: each pattern."""

    attribute: Attribute
    patterns: tuple[str, ...]
    where: str = field(default="", compare=False)
    places: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Fits when every matcher fits the same window, or the same page."""

    matchers: tuple[Matcher, ...]

    @property
    def where(self) -> str:
        """As a matcher has it: of the first."""
        return self.matchers[0].where


Condition = Matcher | AllOf


@dataclass(frozen=True, slots=True)
class LaneEffect:
    effect: Effect = Effect.PAUSE
    extent: Extent = Extent.SHOWN
    lead: int = 0  # ns dropped before the rule's first sign (sound: numbers are spoken before a form opens)


@dataclass(frozen=True, slots=True)
class Rule:
    """`number` is the rule's place in the policy of that hash, from 0: the ledger names rules by it.

    `where` it stands: file:line:column. `dry_run`: it closes nothing; where it would have is reported.
    `max_pause`: ns after which its closing without a break is worth an alarm, 0 for never.
    `never_matched`: days of looking after which its fitting nothing is worth one, 0 for never.
    """

    number: int
    id: str
    why: str
    any: tuple[Condition, ...]
    unless: tuple[Condition, ...] = ()
    lanes: Mapping[Lane, LaneEffect] = field(default_factory=dict)
    stay_closed: int = 0
    dry_run: bool = False
    max_pause: int = 0
    never_matched: int = 0
    where: str = field(default="", compare=False)

    def on(self, lane: Lane) -> LaneEffect:
        """A lane that a rule does not name is paused."""
        return self.lanes.get(lane, LaneEffect())


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What the policy says of holds by the person in front. `longest`: of one hold, ns; None: until they release it.

    `reasons`: what they choose from, which the ledger names by their number here; (): Eyelid's own (core.holding).
    """

    allowed: bool = True
    longest: int | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A test that lives in the policy file: one page or window and what must happen to each lane."""

    name: str
    scene: Scene
    expect: Mapping[Lane, Effect]
    where: str  # file:line:column


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy made of all files of the folder, with one hash over their bytes. `where` its revision stands, and
    `scenes_where` its keep_scenes: file:line:column.
    """

    hash: str
    revision: int
    name: str
    rules: tuple[Rule, ...]
    record_when: tuple[Condition, ...] | None = None  # None: always
    keep_recording: int = 0
    unlisted: Effect = Effect.RECORD  # PAUSE is written `close` in the file
    allow: tuple[tuple[Condition, ...], ...] = ()  # of each file that says it: each must name whatever is kept
    allow_unseen: tuple[Matcher, ...] = ()
    allow_extensions: tuple[Matcher, ...] = ()  # one id each
    parked_tabs_allowed: bool = False
    user_hold: HoldTerms = HoldTerms()
    tests: tuple[PolicyTest, ...] = ()
    where: str = field(default="", compare=False)
    keep_scenes: bool = False  # what was in view is kept too, sealed
    scenes_where: str = field(default="", compare=False)

    @property
    def closing(self) -> tuple[Rule, ...]:
        """The rules that count; the others are only tried."""
        return tuple(rule for rule in self.rules if not rule.dry_run)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a lane is closed: a rule of the policy by number, or one of Eyelid's own rules (`number` None)."""

    id: str
    number: int | None = None
    stay_closed: int = 0


class Hold(StrEnum):
    """A reason not to record at all. Holds are a set: releasing one never releases another."""

    NO_POLICY = "no-policy"
    BLIND = "blind"
    USER = "user"
    SPOOL_FULL = "spool-full"
    NO_SIGNATURE = "no-signature"  # the keys sign no new recording, or no more of this one
    LOCKED = "locked"
    NOT_IN_FRONT = "not-in-front"
    SEAT_UNKNOWN = "seat-unknown"  # who says whether it is locked or in front has fallen silent
    DISPLAY_OFF = "display-off"
    SUSPENDED = "suspended"
    LOGOFF = "logoff"  # the session has ended, this process not yet
    SHUTDOWN = "shutdown"
