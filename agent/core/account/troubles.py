"""Every trouble that a running recorder can report, by its code, and which of them make it a degraded one.

Degraded: the recorder falls short of policy or settings, now or after a restart, until that is mended. The other codes
are about a policy: the recorder does all that it asks for. Ledger, status and store have the codes as text.
"""

from __future__ import annotations

from enum import StrEnum


class TroubleCode(StrEnum):
    """A code, and whether it degrades: True unless said."""

    degrades: bool

    def __new__(cls, code: str, degrades: bool = True) -> TroubleCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.degrades = degrades
        return member

    # what is recorded
    CALL_NOT_RECORDED = "call-not-recorded"
    CALL_RECORDED_IN_PART = "call-recorded-in-part"
    NO_SOUND = "no-sound"  # this PC lacks what knows its sound
    SOUND_DIED = "sound-died"
    # It ends; what starts it again begins anew.
    CAPTURE_FAILED = "stage-failed-capture"
    SEEK_FAILED = "stage-failed-seek"
    RECORD_FAILED = "stage-failed-record"
    HOLD_NOT_REMEMBERED = "hold-not-remembered"  # a restart would forget it
    # what it is judged by
    POLICY_MISTAKES = "policy-mistakes"  # what was meant to be in force is not
    RULE_USAGE_NOT_REMEMBERED = "usage-not-remembered"  # a rule that never fits may raise no alarm after a restart
    POLICY_NOT_REMEMBERED = "policy-not-remembered"  # a restart could bring an older one back
    # A browser's pages are not judged by it.
    CSS_REFUSED = "css-refused"
    POLICY_TOO_LONG = "policy-too-long"
    BUNDLE_REFUSED = "bundle-refused"  # what compliance has changed since does not count here
    # what is on the disk
    CHUNK_VANISHED = "chunk-vanished"
    CHUNK_UNREADABLE = "chunk-unreadable"
    CHUNK_DAMAGED = "chunk-damaged"
    STATE_UNREADABLE = "state-unreadable"
    # what is at the store
    UPLOAD_DIED = "upload-died"
    CHUNK_REFUSED = "chunk-refused"
    LEDGER_REFUSED = "ledger-refused"
    HEALTH_REFUSED = "health-refused"
    POLICY_REFUSED = "policy-refused"
    STORE_LIES = "store-lies"
    STORE_FORGETS = "store-forgets"
    DEVICE_REVOKED = "device-revoked"
    DEVICE_UNKNOWN = "unknown-device"
    AGENT_UNSUPPORTED = "agent-unsupported"
    NOT_LET_IN = "not-let-in"  # no bearer token, for a reason that has no name here
    # A rule closes as it says; whether that was meant, its author knows.
    RULE_CLOSES_TOO_LONG = "rule-closes-too-long", False  # longer than its max_pause
    RULE_FLAPS = "rule-flaps", False
    RULE_CLOSES_MOST_OF_THE_DAY = "rule-closes-most-of-the-day", False
    RULE_NEVER_MATCHED = "rule-never-matched", False  # for as many days as it says (core.account.rule_usage)
    # by a policy that may do so
    RULE_VANISHED = "rule-vanished", False
    RULE_DISARMED = "rule-disarmed", False
    UNSIGNED_POLICY = "unsigned-policy", False  # it lies in the folder and changes nothing
    POLICY_UNGUARDED = "policy-unguarded", False  # the recorded person may change it; the account has each in force


def degrades(code: str) -> bool:
    """Also of another version's recorder: a code that is not known here has its reasons."""
    try:
        return TroubleCode(code).degrades
    except ValueError:
        return True
