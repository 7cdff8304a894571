"""Signed bundles of the store as a page shows them: their files, what they are called, and what changed from one to the
next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from protocol.bundle import verify
from protocol.carried import read_carried
from protocol.errors import ProtocolError
from protocol.language.errors import MistakesError
from protocol.policyhash import policy_hash
from review import policies
from review.governance import diff
from review.governance.model import Governance
from review.rules import parse_files
from store.catalog.queries import legible
from store.catalog.schema import bundles
from store.catalog.statements import governance_of


@dataclass(frozen=True, slots=True)
class Shown:
    """`added`, `signed`: ns; when it came, and when compliance says that it signed. `name`: as places in it begin.
    `wrong`: why it cannot be read; then it has no files.
    """

    revision: int
    added: int
    signed: int = 0
    rules: Mapping[str, bytes] = field(default_factory=dict)
    policy: Mapping[str, bytes] = field(default_factory=dict)
    wrong: str = ""

    @property
    def name(self) -> str:
        return f"bundle {self.revision}"

    @property
    def rules_hash(self) -> str:
        return policy_hash(self.rules) if self.rules else ""

    @property
    def policy_hash(self) -> str:
        return policy_hash(self.policy) if self.policy else ""

    @property
    def held(self) -> dict[str, bytes]:
        """The files of the rules, by the names that places have."""
        return {f"{self.name}/{name}": content for name, content in self.rules.items()}

    def governance(self) -> Governance:
        """Raises MistakesError."""
        return parse_files(self.rules, tested=False, shown_in=self.name) if self.rules else Governance()


@dataclass(frozen=True, slots=True)
class Changed:
    """Sentences by weight, the gravest first. `same`: the files are. `wrong`: why they cannot be compared."""

    changes: tuple[Any, ...] = ()
    same: bool = False
    wrong: tuple[str, ...] = ()


def newest(connection: Connection, compliance: str, count: int = 2) -> list[Shown]:
    """Newest first. `compliance`: fingerprint of the key that signs."""
    columns = bundles.c
    rows = connection.execute(select(bundles).order_by(columns.revision.desc()).limit(count)).all()
    return [_shown(connection, row, compliance) for row in rows]


def _shown(connection: Connection, row: Any, compliance: str) -> Shown:
    try:
        made = verify(legible(row.token), compliance)
        behind = governance_of(connection, made.governance) if made.governance else ""
        rules = read_carried(behind, made.governance) if made.governance else {}
    except ProtocolError as error:
        return Shown(row.revision, row.added_at, wrong=str(error))
    policy = {name: text.encode() for name, text in made.policy_files.items()}
    return Shown(row.revision, row.added_at, made.created, rules, policy)


def rules_changed(old: Shown, new: Shown) -> Changed:
    """As `eyelid-review governance diff` says it."""
    if unread := _unread(old, new):
        return unread
    if old.rules_hash == new.rules_hash:
        return Changed(same=True)
    return _compared(lambda: diff.changes(old.governance(), new.governance()))


def policy_changed(old: Shown, new: Shown) -> Changed:
    """As `eyelid policy diff` says it."""
    if unread := _unread(old, new):
        return unread
    if old.policy_hash == new.policy_hash:
        return Changed(same=True)
    if not (old.policy and new.policy):
        return Changed(wrong=(f"{old.name if new.policy else new.name} has no policy: each PC's own folder rules",))
    return _compared(lambda: policies.changes(*(policies.read(one.policy, one.name) for one in (old, new))))


def _unread(*both: Shown) -> Changed | None:
    """Of a bundle that cannot be read nothing is known: least of all that it has no rules."""
    wrong = tuple(f"{one.name} cannot be read: {one.wrong}" for one in both if one.wrong)
    return Changed(wrong=wrong) if wrong else None


def _compared(compare: Any) -> Changed:
    try:
        return Changed(compare())
    except MistakesError as error:
        return Changed(wrong=error.mistakes)
