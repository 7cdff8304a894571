"""What is left of a drawn sample, for one person: by the draw, and by what the custodian's log says was opened of it.

The log is read once, from the first month that was drawn on, and then as it grows. Without a draw it is not read.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocol.claims import Claims
from review.audit.bodies import Body
from review.audit.kinds import SUCCESS
from review.audit.log import AuditLog
from review.governance.model import Governance, Recording
from review.samples import Month, drawn_months, drawn_of, numbers

_OPENED: Final = frozenset({"open", "export"})
_NONCE: Final = 16  # bytes, which the page makes: what the custodian signed before answers no later question
_MS: Final = 1_000_000


@dataclass
class Sampled:
    """`folder`: samples/ of the custodian. `log`: its own. Of any thread."""

    folder: Path
    log: AuditLog
    _from: int | None = None  # ms: what is older is about no month that was drawn
    _next: int = 0
    _opened: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    _noted: dict[str, list[tuple[int, str, int]]] = field(default_factory=lambda: defaultdict(list))
    _candidates: dict[str, Counter[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self) -> None:
        """Reads what the log has by now. Raises ProtocolError, OSError."""
        with self._lock:
            self._read()

    def left(self, rules: Governance, of: Recording, asked: Claims) -> dict[str, object]:
        """What the custodian signs: of how many candidates of the recording's agent and month how many were drawn,
        how many of these the person opened, how many are left, and whether the recording is `among` them. Without
        these where the month is not drawn.

        Raises ProtocolError, OSError.
        """
        purpose, person, month = asked.text("purpose"), asked.text("person"), Month.of(of.start)
        asked.raw("nonce", _NONCE)
        said: dict[str, object] = {name: asked.text(name) for name in ("recording", "purpose", "person", "nonce")}
        said |= {"month": month.name, "drawn": None}
        drawn = drawn_of(self.folder, purpose, of.person, month) if purpose in numbers(rules) else None
        if drawn is None:
            return said
        who, agent = self.log.pseudonym(person.lower()), self.log.pseudonym(of.person) if of.person else ""
        with self._lock:
            self._read()
            opened = self._opened.get((purpose, who), set()) & set(drawn)
            candidates = self._candidates.get(month.name, Counter())[agent]
        return said | {
            "candidates": max(candidates, len(drawn)), "drawn": len(drawn), "opened": len(opened),
            "left": len(drawn) - len(opened), "among": said["recording"] in drawn,
        }  # fmt: skip

    def _read(self) -> None:
        months = drawn_months(self.folder)
        if not months:
            return
        since = min(one.start for one in months) // _MS
        if self._from is None or since < self._from:  # an earlier month was drawn after a later one
            self._from, self._next = since, 0
            for known in (self._opened, self._noted, self._candidates):
                known.clear()
        for one in self.log.bodies(self._next, since):
            self._take(one)
            self._next = one.position + 1

    def _take(self, one: Body) -> None:
        said = one.said
        if not said or said["outcome"] != SUCCESS:
            return
        facts = said["facts"]
        if said["kind"] in _OPENED:
            self._opened[facts["purpose"], said["who"]].update(said["resource"])
        elif said["kind"] == "sample" and facts["step"] == "candidates":
            self._noted[facts["month"]].append((one.position, facts["person"], len(said["resource"])))
        elif said["kind"] == "sample" and facts["step"] == "drawn":
            counts = Counter[str]()  # of this draw alone: one that was killed noted candidates as well
            for position, agent, count in self._noted.pop(facts["month"], []):
                counts[agent] += count if position >= facts["first"] else 0
            self._candidates[facts["month"]] = counts
