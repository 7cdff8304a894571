"""When a policy may follow another: revisions only rise, so that yesterday's weaker policy cannot come back.

The revision is what puts a change in force. An author may save as often as it takes, in as many files as it takes;
nothing changes before the revision has been counted up.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.model.rules import Policy


@dataclass(frozen=True, slots=True)
class InForce:
    """What must be remembered of the policy in force, also over a restart."""

    revision: int
    hash: str
    rules: tuple[str, ...] = ()  # ids of those that close; empty when only the ledger remembers

    @classmethod
    def of(cls, policy: Policy) -> InForce:
        return cls(policy.revision, policy.hash, tuple(rule.id for rule in policy.closing))


def refusals(last: InForce, new: Policy) -> tuple[str, ...]:
    """Why the new policy must not follow the last, as mistakes at the place of its revision; empty if it may."""
    if new.hash == last.hash or new.revision > last.revision:
        return ()
    next_revision = last.revision + 1
    if new.revision < last.revision:
        older = f"revision {new.revision} is older than {last.revision}, which is in force"
        return (f"{new.where} {older}, write {next_revision} if this policy is meant to replace it",)
    gone = vanished(last, new)
    lost = f" and lost {', '.join(gone)}" if gone else ""
    tried = disarmed(last, new)
    lost += f" and closes no more for {', '.join(tried)} (dry_run)" if tried else ""
    changed = f"the policy has changed{lost}, but its revision is still {last.revision}"
    return (f"{new.where} {changed}, write {next_revision} to put it in force",)


def disarmed(last: InForce, new: Policy) -> tuple[str, ...]:
    """Ids of rules that closed and are only tried from now on: what they closed for will be recorded."""
    return tuple(rule.id for rule in new.rules if rule.dry_run and rule.id in last.rules)


def vanished(last: InForce, new: Policy) -> tuple[str, ...]:
    """Ids of rules that were in force and are no more: worth an alarm, even where it was meant."""
    kept = {rule.id for rule in new.rules}
    return tuple(rule for rule in last.rules if rule not in kept)
