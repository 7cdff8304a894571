"""The account of a recording as facts for JSON: what the parts are, and what they come to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from protocol.envelope import AUDIO, SCREEN
from store.evidence.account import BlindCause, Closed, Held, Kept, Missing, Part, by_reason, by_rule, totals
from store.evidence.evidence import Evidence
from store.evidence.rules import RuleName, name_of, reason_of
from store.evidence.show import iso
from store.evidence.timeline.padding import padding_in


def rule_name(evidence: Evidence, policy: str, rule: int | str) -> RuleName:
    return name_of(rule, evidence.names_of(policy).rules)


def facts(evidence: Evidence) -> dict[str, Any]:
    """JSON. Members ending in `_ns` are exact and add up; `from` and `to` are ns since the recording's start.

    `host`, `os_user`: as its device enrolled; `says`: as its key packet says, where that is another.
    """
    packet_start = evidence.recording.start
    return {
        "recording": str(evidence.recording.id),
        "device": evidence.device.id,
        "host": evidence.host,
        "os_user": evidence.os_user,
        **({"says": {"host": other[0], "os_user": other[1]}} if (other := evidence.other_name) else {}),
        "policy": evidence.recording.policy,
        "start": iso(packet_start),
        "state": state(evidence),
        **({} if evidence.erased is None else {"erased": evidence.erased.facts()}),
        "whole_ns": evidence.length,
        **_lane(evidence, SCREEN),
        **({"audio": _sound(evidence)} if AUDIO in evidence.lanes else {}),
    }


def _sound(evidence: Evidence) -> dict[str, Any]:
    """Its kept time has silence in it that a device left: `silence_filled_ns`, for each end that has any."""
    return {**_lane(evidence, AUDIO), "silence_filled_ns": padding_in(evidence)}


def _lane(evidence: Evidence, lane: str) -> dict[str, Any]:
    parts = evidence.account_of(lane)
    sums = totals(parts)
    return {
        "lane": lane,
        **{f"{name}_ns": value for name, value in asdict(sums).items()},
        "rules": [
            {
                **asdict(rule_name(evidence, time.policy, time.rule)),
                "rule": time.rule,
                "policy": time.policy,
                "closed_ns": time.closed,
                "margin_ns": time.margin,
                "times": time.times,
            }
            for time in by_rule(parts)
        ],
        **{f"{name}_by": reasons for name, reasons in by_reason(parts).items()},
        "parts": [_part(evidence, part) for part in parts],
    }


def state(evidence: Evidence) -> str:
    """`closed`, `open`, or `broken-off` where the agent ended without closing it; `erased`, `erasing`, or `gone` where
    nothing signed says why."""
    if (erased := evidence.erased) is not None:
        return "gone" if not erased.explained else "erased" if erased.certificate else "erasing"
    return "closed" if evidence.closing else "broken-off" if evidence.ended else "open"


def _part(evidence: Evidence, part: Part) -> dict[str, Any]:
    fields: dict[str, Any] = {"from": part.start, "to": part.end, "margin": part.margin}
    match part.cause:
        case Kept():
            fields["what"] = "kept"
        case Closed(policy, rules):
            fields["what"] = "closed_margin" if part.margin else "closed"
            fields |= {"rules": [rule_name(evidence, policy, rule).id for rule in rules], "policy": policy}
        case Held(holds):
            fields |= {"what": "held", "holds": list(holds)}
            if reason := reason_of(part.cause, evidence.names_of):
                fields |= {"reason": reason}
        case BlindCause(why):
            fields |= {"what": "blind", "why": why}
        case Missing(why):
            fields |= {"what": "missing", "why": why}
    return fields
