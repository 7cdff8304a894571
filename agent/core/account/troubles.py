"""Every trouble that a running recorder can report, by its code, and which of them make it a degraded one.

Degraded is a recorder of which something is not kept, closed, sealed or confirmed as settings and policy ask for, or
will not be after its next start, until somebody mends it. The rest is told of a policy by a recorder that does all that
the policy asks for. `tests/agent/test_troubles.py` finds the codes in the source: none may be missing here.
"""

from __future__ import annotations

from typing import Final

from agent.core.account.evidence import Deaf
from agent.core.account.watch import Amiss

DEGRADING: Final = frozenset({
    # what is recorded
    *(deaf.trouble for deaf in Deaf),  # the call, or one end of it
    "stage-failed-capture", "stage-failed-record",  # it ends; what starts it again begins anew
    "hold-not-remembered",  # a restart would forget it
    # what it is judged by
    "policy-mistakes",  # what was meant to be in force is not
    "silence-not-remembered",  # a rule that never fits may not be told of after one
    "policy-not-remembered",  # a restart could bring an older one back
    "css-refused", "policy-too-long",  # a browser's pages are not judged by it
    "bundle-refused",  # what compliance has changed since does not count here
    # what is on the disk
    "chunk-vanished", "chunk-unreadable", "chunk-damaged", "state-unreadable",
    # what is at the store
    "upload-died", "chunk-refused", "ledger-refused", "health-refused", "policy-refused", "store-lies", "store-forgets",
    "device-revoked", "unknown-device", "agent-unsupported", "not-let-in",
})  # fmt: skip

TOLD: Final = frozenset({
    *(amiss.value for amiss in Amiss),  # it closes as the rule says; whether that was meant, its author knows
    "rule-vanished", "rule-disarmed",  # by a policy that may do so
    "unsigned-policy",  # it lies in the folder and changes nothing
    "policy-unguarded",  # whoever is recorded may change it; the account has each that was in force
})  # fmt: skip


def degrades(code: str) -> bool:
    """One that is not known here does: a recorder of another version has its reasons."""
    return code not in TOLD
