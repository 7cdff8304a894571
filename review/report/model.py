"""What a report says: figures alone, of which JSON, HTML and PDF are made. Times in ns unless they say otherwise.

A recording belongs whole to the day on which it began, so that every figure is a sum over accounts that others can ask
for one by one (`eyelid-store timeline ID --json`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

VERSION: Final = 1
MOST: Final = 500  # rows of a list; how many more there are is said
KINDS: Final = ("kept", "closed", "closed_margin", "held", "blind", "missing")


@dataclass(slots=True)
class Sums:
    """Of one lane. The six add up to `whole`."""

    recordings: int = 0
    whole: int = 0
    kept: int = 0
    closed: int = 0
    closed_margin: int = 0
    held: int = 0
    blind: int = 0
    missing: int = 0


@dataclass(slots=True)
class RuleSum:
    """`times`: how often it closed. Where several rules spoke at once, each has the whole time."""

    lane: str
    rule: str
    why: str
    recordings: int = 0
    times: int = 0
    closed: int = 0
    margin: int = 0


@dataclass(slots=True)
class Policy:
    """`readable`: whether its text is here and has this hash."""

    hash: str
    recordings: int
    first: int
    last: int
    readable: bool


@dataclass(frozen=True, slots=True)
class BundleRow:
    """A revision that was in force in the period, by when the store took it in."""

    revision: int
    added: int
    until: int | None
    policy: str
    governance: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """What a log says that somebody did with recordings. `log`: console or custodian. `played`: ns of it that its page
    reported as shown or heard, on any lane; None for no report.
    """

    at: int
    log: str
    entry: int
    who: str
    kind: str
    outcome: str
    recordings: tuple[str, ...]
    purpose: str
    rule: str
    played: int | None = None


@dataclass(slots=True)
class LogRead:
    """One audit log. `why_not`: why it could not be read; then nothing else counts. `entries`: all that were hashed.

    `counts`: act -> outcome -> how many in the period. `sealed`: entries of the period whose bodies are gone.
    """

    log: str
    origin: str = ""
    why_not: str = ""
    entries: int = 0
    size: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    people: dict[str, dict[str, int]] = field(default_factory=dict)
    shredded: int = 0
    changed: int = 0


@dataclass(slots=True)
class Verified:
    """By the store's own verify, without a key. `asked`: whether it was run. `unsound`: recordings with findings."""

    asked: bool
    at: int = 0
    recordings: int = 0
    sound: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    not_checked: dict[str, int] = field(default_factory=dict)
    unsound: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AlarmSum:
    code: str
    raised: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class ErasureRow:
    recording: str
    day: str
    basis: str
    reference: str
    position: int
    certificate: str


@dataclass(frozen=True, slots=True)
class HoldRow:
    """`act`: hold or release. `log`: whose entry it is."""

    at: int
    log: str
    act: str
    hold: str
    who: str
    recordings: int
    entry: int


@dataclass(slots=True)
class ReviewRow:
    """A month of a periodic review. `due`: the first moment that is late; 0 where no rule says it. `state`: done,
    unfinished, or "" where no one signed. `sums`: as `review.reviews.sums`. `log`, `entry`: where the signature is.
    """

    review: str
    month: str
    due: int
    state: str = ""
    late: bool = False
    who: str = ""
    at: int = 0
    log: str = ""
    entry: int = 0
    sums: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Listed:
    """A list that is cut at MOST: `left_out` says how many more there are."""

    rows: list[Any] = field(default_factory=list)
    left_out: int = 0

    def add(self, row: Any) -> None:
        if len(self.rows) < MOST:
            self.rows.append(row)
        else:
            self.left_out += 1


@dataclass(slots=True)
class Newest(Listed):
    """Acts of all logs, of which the newest stay, whichever log is read first."""

    def add(self, row: Any) -> None:
        self.rows.append(row)
        if len(self.rows) >= 2 * MOST:
            self.cut()

    def cut(self) -> None:
        """Puts them in order, the newest last."""
        self.rows.sort(key=lambda one: (one.at, one.log, one.entry))
        over = max(0, len(self.rows) - MOST)
        del self.rows[:over]
        self.left_out += over


@dataclass(slots=True)
class Model:
    """`first`, `last`: days, both within; `zone`: whose days. `start`, `end`: the same as moments, [start, end)."""

    first: str
    last: str
    zone: str
    start: int
    end: int
    made: int
    by: str
    origin: str
    key: str
    language: str
    lanes: dict[str, Sums] = field(default_factory=dict)
    days: dict[str, dict[str, Sums]] = field(default_factory=dict)
    groups: dict[str, dict[str, Sums]] = field(default_factory=dict)
    rules: list[RuleSum] = field(default_factory=list)
    reasons: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)  # lane -> kind -> reason -> ns
    states: dict[str, int] = field(default_factory=dict)
    unreadable: Listed = field(default_factory=Listed)
    policies: list[Policy] = field(default_factory=list)
    bundles: list[BundleRow] = field(default_factory=list)
    logs: list[LogRead] = field(default_factory=list)
    openings: Newest = field(default_factory=Newest)  # and exports
    played: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # log and entry of an opening -> spans
    looks: Newest = field(default_factory=Newest)  # at accounts: many, and never in the way of openings
    holds: Listed = field(default_factory=Listed)
    erasures: Listed = field(default_factory=Listed)
    reviews: list[ReviewRow] = field(default_factory=list)
    rules_read: bool = True  # whether the rules that demand reviews could be read
    unexplained: int = 0
    verified: Verified = field(default_factory=lambda: Verified(False))
    alarms: list[AlarmSum] = field(default_factory=list)
    overflow: dict[str, int] = field(default_factory=dict)  # what is counted together: PCs may name without end
    named: bool = False  # whether people stand there by name

    @property
    def recordings(self) -> int:
        return sum(self.states.values())

    def facts(self) -> dict[str, Any]:
        """JSON."""
        made = asdict(self)
        del made["played"]  # each opening has its own
        return {"type": "eyelid-report-of-period", "version": VERSION, **made}
