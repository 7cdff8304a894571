"""The store, asked over the recorder's own line: is it there, whose certificate it shows, what time it has, and whether
it lets this PC in."""

from __future__ import annotations

import time
from datetime import datetime
from importlib.metadata import version

from cryptography import x509

from agent import desktop
from agent.config import Config, keys
from agent.doctor.facts import StoreFacts
from agent.doctor.findings import Unasked
from agent.errors import EnvironmentFault, EyelidError, Transient, Untrusted, UserError
from agent.state import identity
from agent.state.identity import Identity, Trust
from agent.upload.answers import ShutOut
from agent.upload.bearer import Bearer
from agent.wire import Route, Wire
from protocol import api, bundle
from protocol.errors import ProtocolError


def ask(config: Config) -> StoreFacts | Unasked:
    try:
        who = identity.load(config.home)
        address, ca = Trust(who).places[0]
    except (UserError, EnvironmentFault):
        return Unasked("not asked: without keys this PC has no store", follows=True)
    clock = desktop.current_clock()
    shown = keys()["upload.proxy"].kind.write(config.upload.proxy)
    wire = Wire(address, ca, clock, agent_version=version("eyelid"), route=Route(config.upload.proxy, config.upload.ca))
    try:
        return _ask(who, wire, StoreFacts(address, shown), Bearer(who, wire, clock), ca)
    finally:
        wire.close()


def _ask(who: Identity, wire: Wire, so_far: StoreFacts, bearer: Bearer, ca: str) -> StoreFacts:
    try:
        answer = wire.send("GET", api.HEALTH)
        if not answer.accepted:
            return StoreFacts(so_far.address, so_far.proxy, f"it answered {answer.status}")
        now = wire.store_time()
        ahead = time.time() - now
        shown = wire.certificate()
    except (Transient, Untrusted) as failure:
        return StoreFacts(so_far.address, so_far.proxy, str(failure))
    certificate = None if shown is None else x509.load_der_x509_certificate(shown)
    refused, there = _let_in(who, bearer)
    return StoreFacts(
        so_far.address,
        so_far.proxy,
        now=now,
        ahead=ahead,
        begins=None if certificate is None else _seconds(certificate.not_valid_before_utc),
        ends=None if certificate is None else _seconds(certificate.not_valid_after_utc),
        ca_ends=_seconds(x509.load_pem_x509_certificate(ca.encode()).not_valid_after_utc) if ca else None,
        refused=refused,
        bundle_there=there,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _let_in(who: Identity, bearer: Bearer) -> tuple[str, int | None]:
    """(why not, "" where it is let in; the revision of the bundle that the store hands out)."""
    try:
        answer = bearer.send("GET", api.BUNDLE)
    except ShutOut as shut:
        return shut.code, None
    except EyelidError as failure:
        return str(failure), None
    try:
        return "", bundle.verify(answer.claims().text("bundle"), who.compliance).revision
    except (ProtocolError, Untrusted):
        return "its bundle is not signed by the compliance key that the enrolment named", None
