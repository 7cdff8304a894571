"""Openings and exports that wait at the custodian for approvals: what a person asked, and what they may approve.

The custodian knows the signed rules alone, so what narrowing took from a session is left out here. People approve in
the player, which shows what was signed: this list is what the console heard of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.exchange import exchange
from review.governance.model import Act
from review.governance.narrowing import approves_by_taken
from review.people.service import Session
from review.search.facts import Listed
from review.search.find import Finder
from review.web.pages import Console

WITHIN: Final = 3.0  # s for the custodian to answer: the rest of the page does not wait for longer
SHOWN: Final = 50
ACTS: Final[Mapping[str, str]] = {Act.PLAY: "Opening", Act.EXPORT: "Export"}


@dataclass(frozen=True, slots=True)
class Waits:
    """`id`: of the request, for the player. `listed`: where this person may list the recording. `until`: ns, by when to
    approve it; without `missing`, by when it has to be done. `missing`: how many approvals, and by which roles.
    """

    id: str
    person: str
    act: str
    recording: str
    listed: Listed | None
    purpose: str
    case: str
    asked: int
    until: int
    approved_by: tuple[str, ...]
    missing: tuple[tuple[int, tuple[str, ...]], ...]
    own: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """What ends first comes first; SHOWN at most. `more`: how many beyond. None known: the custodian did not answer."""

    known: tuple[Waits, ...] | None = ()
    more: int = 0

    @property
    def to_approve(self) -> int:
        return sum(not one.own for one in self.known or ())


def waiting(console: Console, session: Session, finder: Finder) -> Waiting:
    """Nothing where the house has no player, in which people sign."""
    if not console.sign_in.people.settings.player:
        return Waiting()
    rules, whole = finder.governance, finder.governance.person(session.person)
    try:
        answer = exchange(console.custody.socket, "waiting", within=WITHIN, person=session.person)
        rows = Claims(answer, "what waits", ProtocolError).objects("waiting")
        known, may_list = finder.listed({one.text("recording") for one in rows})
        found = [_read(one, {name: known[name] for name in may_list}, session.person) for one in rows]
    except (OSError, ValueError):
        return Waiting(None)
    shown = [one for one in found if one.own or not approves_by_taken(rules, finder.person, whole, Act(one.act))]
    return Waiting(tuple(shown[:SHOWN]), max(0, len(shown) - SHOWN))


def _read(row: Claims, listed: Mapping[str, Listed], me: str) -> Waits:
    """Raises ValueError."""
    said: dict[str, Any] = {name: row.text(name) for name in ("person", "act", "recording", "purpose", "case")}
    if said["act"] not in ACTS:
        raise row.refuse("act", " or ".join(ACTS))
    missing = tuple((one.integer("need"), one.texts("by")) for one in row.objects("missing"))
    return Waits(
        id=row.hex256("filed"), listed=listed.get(said["recording"]), asked=row.integer("asked"),
        until=row.integer("until"), approved_by=row.texts("approved_by"), missing=missing,
        own=said["person"].lower() == me, **said,
    )  # fmt: skip
