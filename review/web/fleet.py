"""How each PC stands, for who looks after them: what `eyelid-store devices` says, without a shell.

Thousands of PCs take many seconds to go through: review.web.beside.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Final

from review.governance.decide import decide
from review.governance.model import Act, Governance, Person, Question
from review.search.facts import Whose
from review.search.find import Meanings
from review.web.beside import Beside
from store.catalog.database import Database
from store.catalog.queries import Device, devices
from store.clock import MINUTE, Clock, wall
from store.evidence.evidence import Policies
from store.evidence.isolation import Unreadable, each, isolated
from store.evidence.timeline.device_status import DeviceStatus, Level, device_status, unreadable
from store.evidence.timeline.gaps import DeviceGaps, gaps

SIZE: Final = 100  # PCs of a page
FRESH: Final = MINUTE  # so long a round is shown before the next is begun
WEEK: Final = 7 * 24 * 60 * MINUTE  # of one PC is shown so much
LEVELS: Final = {
    Level.BROKEN: "broken", Level.LOOK: "to look at", Level.FINE: "fine", Level.AWAY: "off or shut out",
}  # fmt: skip
Key = tuple[int, str, str]
"""Level, host and id of the last PC of a page."""


@dataclass(frozen=True, slots=True)
class Round:
    """All PCs as they stood at `at` (ns), the broken ones first."""

    at: int
    devices: tuple[DeviceStatus, ...]


class Fleet(Beside[Round]):
    """Goes through all PCs once somebody has asked, in a thread of its own."""

    def __init__(self, database: Database, clock: Clock = wall) -> None:
        super().__init__("fleet", clock)
        self.database = database

    def _due(self, last: Round) -> bool:
        return abs(self._clock() - last.at) > FRESH

    def _round(self) -> Round | None:
        """None where the console ends meanwhile."""
        now = self._clock()
        with self.database.reading() as connection:
            known = devices(connection)
        ask = partial(device_status, self.database, now=now, store_version=version("eyelid"), policies=Policies())
        found = list[DeviceStatus]()
        for one in each(known, ask, unreadable):
            if self._over:
                return None
            found.append(one)
        return Round(now, tuple(sorted(found, key=_key)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """`text`: in the name of PC, user or group, whatever its case. `gone`: also those that left. `change`: one of
    CHANGES, from `since` (ns) on."""

    change: str = ""
    since: int = 0
    level: Level | None = None
    text: str = ""
    gone: bool = False
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`counts`: of all that this person may see, by level. `gone`: that have left, or were enrolled anew."""

    at: int
    rows: tuple[DeviceStatus, ...]
    count: int
    counts: Counter[Level]
    gone: int
    following: Key | None


@dataclass(slots=True)
class Sees:
    """Which PCs this person may see: by group and user, as it is with recordings of theirs."""

    rules: Governance
    person: Person
    now: int
    meanings: Meanings = field(default_factory=Meanings)
    _known: dict[tuple[bool, frozenset[str]], bool] = field(default_factory=dict)

    def __call__(self, device: Device) -> bool:
        return self.of(device.group, device.user)

    def of(self, group: str, user: str) -> bool:
        whose = Whose(group, user.lower())
        person, teams = self.meanings(self.rules, whose)
        same = (person != "" and person == self.person.id, teams)
        if same not in self._known:
            asked = Question(self.person, Act.SEE_FLEET, self.now, whose.recording(self.rules, self.now))
            self._known[same] = decide(self.rules, asked).granted
        return self._known[same]

    @property
    def some(self) -> bool:
        """Whether a role of theirs has the act at all."""
        names = {grant.role for grant in self.person.grants}
        return any(Act.SEE_FLEET in role.may for name, role in self.rules.roles.items() if name in names)


CAME, LEFT, STOPPED = "came", "left", "stopped"
CHANGES: Final = {CAME: "enrolled", LEFT: "gone, or shut out", STOPPED: "silent since"}


def changed(one: DeviceStatus, since: int) -> str:
    """One of CHANGES; "" for none. `since`: ns."""
    heard, revoked = one.heard or 0, one.device.revoked_at or 0
    if revoked >= max(since, 1) or (one.gone and heard >= since):
        return LEFT
    if one.state == "silent" and heard >= since:
        return STOPPED
    return CAME if one.device.enrolled_at >= since and not one.gone and not revoked else ""


def page(found: Round, sees: Sees, wanted: Wanted) -> Page:
    mine = [one for one in found.devices if sees(one.device)]
    here = [one for one in mine if not one.gone]
    text = wanted.text.casefold()
    fitting = [
        one for one in (mine if wanted.gone or wanted.change else here)
        if (not wanted.change or changed(one, wanted.since) == wanted.change)
        and wanted.level in (None, one.level) and any(text in name.casefold() for name in _names(one.device))
    ]  # fmt: skip
    rest = [one for one in fitting if wanted.after is None or _key(one) > wanted.after]
    rows = tuple(rest[:SIZE])
    following = _key(rows[-1]) if len(rest) > SIZE else None
    return Page(found.at, rows, len(fitting), Counter(one.level for one in here), len(mine) - len(here), following)


def _key(one: DeviceStatus) -> Key:
    return (int(one.level), one.device.host, one.device.id)


def _names(device: Device) -> tuple[str, ...]:
    return device.host, device.user, device.group


@dataclass(frozen=True, slots=True)
class OnePc:
    """`gaps`: of the last week."""

    status: DeviceStatus
    gaps: DeviceGaps | Unreadable


def one_pc(database: Database, sees: Sees, wanted: str) -> OnePc | None:
    """Read anew. None where there is none that this person may see."""
    with database.reading() as connection:
        device = next((one for one in devices(connection) if one.id == wanted), None)
    if device is None or not sees(device):
        return None
    ask = partial(device_status, database, now=sees.now, store_version=version("eyelid"))
    (status,) = each([device], ask, unreadable)
    look = partial(gaps, database, device, since=sees.now - WEEK, now=sees.now, zone=None)
    return OnePc(status, isolated(look))


__all__ = ["CHANGES", "LEVELS", "Fleet", "Level", "OnePc", "Page", "Sees", "Wanted", "one_pc", "page"]
