"""What the line to the store comes to: reachable, certified, at which time, and whether it lets this PC in."""

from __future__ import annotations

from typing import Final

from agent.doctor.facts import Facts, KeysFacts, StoreFacts
from agent.doctor.findings import Check, Finding, beside, good, warning, wrong
from agent.doctor.judge.words import DAY, day, span
from protocol import api

GROUP: Final = "Store"

SOON: Final = 30 * DAY
OFF: Final = 60.0  # seconds; an answer's Date has whole seconds, and the answer was on its way


def reachable(store: StoreFacts, _: Facts) -> Finding:
    way = "" if store.proxy in {"none", "system"} else f" through the proxy {store.proxy}"
    if store.trouble:
        return wrong(
            f"{store.address}{way}: {store.trouble}",
            f"curl -vk {store.address}/v1/health",
            "upload.proxy in agent.yaml, where the network wants one: eyelid config show --origin",
        )
    return good(f"{store.address}{way} answers")


def certificate(store: StoreFacts, _: Facts) -> Finding:
    if store.trouble:
        return beside("not seen: the store cannot be reached")
    if store.begins is None or store.ends is None:
        return beside("none: plain http, which only the loopback may use")
    return _dated(store, store.begins, store.ends)


def _dated(store: StoreFacts, begins: int, ends: int) -> Finding:
    """By the store's clock: this PC's may be the one that is wrong. The recorder itself minds no dates of its store's
    own CA (docs/decisions/0007), so nothing else would notice."""
    renew = "on the store's machine: sign a new certificate with the store's own CA, for the same names"
    if store.now > ends:
        return wrong(f"it ran out on {day(ends)}, {span(store.now - ends)} ago", renew)
    if store.now < begins:
        return wrong(f"it is not valid for another {span(begins - store.now)}", renew)
    if store.ca_ends is not None and store.ca_ends - store.now < SOON:
        return warning(f"the CA that the enrolment named ends on {day(store.ca_ends)}", "enrol this PC anew before")
    if ends - store.now < SOON:
        return warning(f"it runs out on {day(ends)}, in {span(ends - store.now)}", renew)
    issuer = "the CA that the enrolment named" if store.ca_ends is not None else "a CA that this PC trusts"
    return good(f"from {issuer}, until {day(ends)}")


def clock(store: StoreFacts, _: Facts) -> Finding:
    if store.trouble:
        return beside("not compared: the store cannot be reached")
    if abs(store.ahead) <= OFF:
        return good("agrees with the store's")
    side = "ahead of" if store.ahead > 0 else "behind"
    return warning(
        f"{span(abs(store.ahead))} {side} the store's: nothing is lost by it, but the timeline shows the wrong hour",
        "sudo timedatectl set-ntp true",
        "timedatectl timesync-status",
    )


def let_in(store: StoreFacts, facts: Facts) -> Finding:
    if store.trouble:
        return beside("not asked: the store cannot be reached")
    device = facts.keys.device if isinstance(facts.keys, KeysFacts) else "DEVICE"
    match store.refused:
        case "":
            return good("the store knows this PC and takes what it sends")
        case api.DEVICE_REVOKED:
            return wrong(
                "the store's operator has revoked this PC: nothing more is taken from it",
                "ask the operator why",
                "eyelid unenroll --force",
                "eyelid enroll",
            )
        case api.DEVICE_UNKNOWN:
            return wrong(
                "the store does not know this PC, as after a restore from an old backup; nothing is lost yet",
                f"ask the operator to restore the row of {device}, or enrol anew: eyelid unenroll --force",
            )
        case api.AGENT_UNSUPPORTED:
            return wrong("the store wants another version of Eyelid", "update Eyelid on this PC or on the store")
        case code:
            return wrong(f"the store does not let this PC in: {code}", "eyelid status", "ask the store's operator")


def bundle(store: StoreFacts, facts: Facts) -> Finding:
    here = facts.keys.bundle if isinstance(facts.keys, KeysFacts) else None
    if store.bundle_there is None or here is None:
        return beside("not compared: the store has handed out none")
    if store.bundle_there < here:
        return wrong(
            f"the store hands out revision {store.bundle_there} of who may read, and {here} is in force here",
            "ask the store's operator: was it put back from an old backup?",
        )
    if store.bundle_there > here:
        return warning(
            f"revision {store.bundle_there} of who may read is there, {here} is here",
            "systemctl --user restart eyelid.service",
        )
    return good(f"revision {here} of who may read, as at the store")


CHECKS: Final = (
    Check("store", GROUP, "reachable", "store", reachable),
    Check("certificate", GROUP, "certificate", "store", certificate),
    Check("clock", GROUP, "clock", "store", clock),
    Check("let-in", GROUP, "this PC there", "store", let_in),
    Check("bundle", GROUP, "readers", "store", bundle),
)
