"""Who this PC is to its store: two device keys, whom it trusts there, and the newest bundle. All of it on disk.

    <home>/identity.json   made once by enrolling: device id, keys or where they are, address, CA, pins
    <home>/enrolling.json  of an enrolment that has not come to its end: its keys, and the store's
    <home>/trust.json      the bundle, the store's successor keys, where it is: signed statements, checked at every load

All are readable by this user alone (mode 0600). Where the keys lie in the home a process of this user can sign as
this PC; where the keys service has them it can have signed what follows (decision 40). No key opens a recording.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent import durable
from agent.errors import EnvironmentFault, Transient, Untrusted, UserError
from agent.keys.exchange import Applicant
from agent.keys.home import HomeKeys
from agent.keys.service import ServiceKeys
from agent.ports import Clock, DeviceKeys
from agent.wire import DIRECT, Answer, Place, Route, Wire
from protocol import api, base64url, bundle, enrolment, jws, successor
from protocol.application import NONCE_SIZE, Application
from protocol.bundle import Bundle
from protocol.claims import Claims, parse_object
from protocol.enrolment import Enrolment
from protocol.errors import EnrolmentError, KeyProblem, ProtocolError
from protocol.keys import public_from_text, public_to_text, signing_key, thumbprint
from protocol.location import Location
from protocol.system import ON_WINDOWS

IDENTITY: Final = "identity.json"
TRUST: Final = "trust.json"
BEGUN: Final = "enrolling.json"


@dataclass(frozen=True, slots=True)
class Identity:
    """`ca`: PEM. `store_key`: the one that the enrolment token pinned. `compliance`: fingerprint of its key."""

    home: Path
    device: str
    address: str
    ca: str = field(repr=False)
    store_key: Ed25519PublicKey = field(repr=False)
    compliance: str
    group: str
    keys: DeviceKeys = field(repr=False)


class Trust:
    """The bundle in force and the store's keys, which only ever grow. One thread adopts; any may read.

    `compliance`: the fingerprint of the key that must have signed the bundle.
    """

    def __init__(self, identity: Identity) -> None:
        """Raises UserError where the PC is not enrolled, EnvironmentFault where the file is damaged."""
        self._identity = identity
        self.compliance = identity.compliance
        self._path = identity.home / TRUST
        saved = _read(self._path)
        try:
            self._token = saved.text("bundle")
            self._statements = saved.texts("successors")
            self.bundle: Bundle = bundle.verify(self._token, identity.compliance)
            self.store_keys: Mapping[str, Ed25519PublicKey] = successor.trusted(identity.store_key, self._statements)
            self._location = saved.text("location") if saved.has("location") else ""
            self._place = Location.verify(self._location, self.store_keys) if self._location else None
        except ProtocolError as problem:
            raise _damaged(self._path, problem) from problem

    @property
    def location(self) -> int:
        """Number of the newest location that the store has signed; 0 where that is the one of the enrolment."""
        return 0 if self._place is None else self._place.number

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the store may be reached, the likeliest first."""
        if self._place is None:
            return ((self._identity.address, self._identity.ca),)
        # Where it was, as long as it does not answer elsewhere; but by the authorities that count now.
        newest, ca = (self._place.address, self._place.ca), self._place.ca
        return tuple(dict.fromkeys((newest, (self._identity.address, ca))))

    def adopt(self, token: str, successors: Iterable[str], location: str = "") -> bool:
        """Take over what the store hands out; whether the bundle is a new one.

        Raises Untrusted, and changes nothing, for a bundle that the compliance key did not sign, one that is older than
        the one here or another of the same revision, and for a lie about the store's keys or where it is; Transient for
        a busy disk. A location that is not newer, as after a restored backup, changes nothing.
        """
        newest, statements, keys = _check(
            self._identity.store_key, self.compliance, token, (*self._statements, *successors)
        )
        if token != self._token and newest.revision <= self.bundle.revision:
            raise Untrusted(
                f"the store hands out a bundle of revision {newest.revision}, revision {self.bundle.revision} is here "
                "already: a bundle's revision must rise with every change"
            )
        place = self._place
        if location:
            try:
                offered = Location.verify(location, keys)
            except ProtocolError as problem:
                raise Untrusted(f"where the store says that it is was not signed by it: {problem}") from problem
            place = offered if offered.number > self.location else place
        location = location if place is not self._place else self._location
        if (token, statements, location) == (self._token, self._statements, self._location):
            return False
        try:
            moved = {"location": location} if location else {}
            _write(self._path, {"bundle": token, "successors": statements, **moved})
        except OSError as failure:
            raise Transient(f"{self._path} cannot be written: {failure.strerror}") from failure
        changed = token != self._token
        self._location, self._place = location, place
        self._token, self._statements, self.bundle, self.store_keys = token, statements, newest, keys
        return changed


def load(home: Path) -> Identity:
    """Raises UserError where this PC is not enrolled or the file lies open, EnvironmentFault where it is damaged."""
    path = home / IDENTITY
    saved = _read(path)
    try:
        return Identity(
            home=home,
            device=saved.text("device"),
            address=saved.text("address"),
            ca=saved.text("ca"),
            store_key=public_from_text(saved.text("store_key")),
            compliance=saved.text("compliance"),
            group=saved.text("group"),
            keys=ServiceKeys(Path(saved.text("keys_socket")))
            if saved.has("keys_socket")
            else HomeKeys(signing_key(saved.raw("token_key")), signing_key(saved.raw("evidence_key"))),
        )
    except ProtocolError as problem:
        raise _damaged(path, problem) from problem


def check_keys(who: Identity, socket: Path | None) -> None:
    """Raises UserError where the settings want the keys in the service, and they are elsewhere."""
    if socket is not None and who.keys.where != str(socket):
        raise UserError(
            f"the keys of this PC lie in {who.keys.where or who.home}, and the settings want them in the service at "
            f"{socket}: run `eyelid unenroll`, which sends what waits, and then `eyelid enroll`"
        )


@dataclass(frozen=True, slots=True)
class Admitted:
    """What an enrolment gives a PC, checked and not on disk yet: the content of both files."""

    identity: Mapping[str, object] = field(repr=False)  # it has the device's keys
    trust: Mapping[str, object] = field(repr=False)

    @property
    def device(self) -> str:
        return str(self.identity["device"])

    def as_json(self) -> str:
        """For `parse`, in a process of the user whose it is."""
        return json.dumps({"identity": self.identity, "trust": self.trust})

    @classmethod
    def parse(cls, text: str) -> Admitted:
        """Raises ValueError. What it holds is checked when it is loaded."""
        fields = Claims(parse_object(text.encode("utf-8")), "enrolment", KeyProblem)
        identity, trust = fields.object("identity"), fields.object("trust")
        return cls(
            {name: identity.text(name) for name in identity.names()},
            {"bundle": trust.text("bundle"), "successors": trust.texts("successors")},
        )


class NewKeys(Protocol):
    def apply(self, applicant: Applicant) -> api.EnrollRequest:
        """Make two keys and prove them. Raises as `DeviceKeys`."""

    def admitted(self, device: str) -> Mapping[str, str]:
        """They are that device's from now on; what identity.json says of them. Raises as `DeviceKeys`."""


def apply(
    pasted: str, clock: Clock, *, host: str, user: str, system: str, agent_version: str, route: Route = DIRECT,
    keys: NewKeys | None = None, let_in: Callable[[], None] = lambda: None,
) -> Admitted:  # fmt: skip
    """Have a user of this PC made a device of the store that the token names. It is in the store when this returns.

    `system`: the operating system in words. `keys`: who makes them; without, they are for the home. `let_in`: called
    once the store has spent a use of the token, whatever becomes of its answer here. Raises UserError for a token that
    is not whole, used up or expired; Untrusted when the answer is not the store's, or has another bundle than the token
    vouches for; Transient when the store cannot be reached; and as `NewKeys`.
    """
    try:
        token = enrolment.parse(pasted)
    except EnrolmentError as problem:
        raise UserError(str(problem)) from None
    keys = keys or HomeKeys.generate()
    applicant = Applicant(
        secret=token.secret,
        store=thumbprint(token.store_key),
        host=host,
        user=user,
        os=system,
        agent_version=agent_version,
        nonce=base64url.encode(secrets.token_bytes(NONCE_SIZE)),
    )
    request = dict(keys.apply(applicant))
    application = Application.verify(Claims(request, "application", KeyProblem))
    wire = Wire(token.address, token.ca, clock, agent_version=agent_version, route=route)
    try:
        answer = wire.send("POST", api.ENROLL, body=request)
    except Transient as failure:
        raise Transient(f"{token.address}, of the token: {failure}") from failure
    finally:
        wire.close()
    if answer.accepted:
        let_in()
    device, bundle_token, statements = _let_in(token, application, answer)
    return Admitted(
        {
            "device": device,
            "address": token.address,
            "ca": token.ca,
            "store_key": public_to_text(token.store_key),
            "compliance": token.compliance,
            "group": token.group,
            **keys.admitted(device),
        },
        {"bundle": bundle_token, "successors": statements},
    )


def refuse_enrolled(home: Path) -> None:
    """Raises UserError where this user of the PC is enrolled already."""
    if (home / IDENTITY).exists():
        raise UserError(
            f"this PC is enrolled already, as {load(home).device}. To enrol it anew, run `eyelid unenroll` first: it "
            "sends what waits for the store, and then forgets the keys"
        )


def enrol(
    pasted: str, home: Path, clock: Clock, *, host: str, user: str, system: str, agent_version: str,
    route: Route = DIRECT, keys: NewKeys | None = None,
) -> Identity:  # fmt: skip
    """Make this PC a device of the store that the token names; on disk when it returns. Raises as `apply`, and
    UserError where it is enrolled already."""
    refuse_enrolled(home)
    return keep(home, apply(
        pasted, clock, host=host, user=user, system=system, agent_version=agent_version, route=route, keys=keys,
    ))  # fmt: skip


def begun(home: Path, pasted: str) -> HomeKeys:
    """Keys for the home, on disk before the store knows them: who is killed or loses the answer enrols with them again,
    as the device that the store has made of them, which spends no further use. Raises UserError, EnvironmentFault."""
    try:
        store = public_to_text(enrolment.parse(pasted).store_key)
    except EnrolmentError as problem:
        raise UserError(str(problem)) from None
    try:
        saved = _read(home / BEGUN)
        if saved.text("store") == store:
            return HomeKeys(signing_key(saved.raw("token_key")), signing_key(saved.raw("evidence_key")))
    except (EnvironmentFault, UserError, ProtocolError):
        pass  # none was begun, or what is left of it is of no use
    made = HomeKeys.generate()
    try:
        durable.make_folder(home)
        _write(home / BEGUN, {"store": store, **made.admitted("")})
    except OSError as failure:
        raise EnvironmentFault(f"{home} cannot be written: {failure.strerror}") from failure
    return made


def keep(home: Path, admitted: Admitted) -> Identity:
    """Put it on disk. Raises EnvironmentFault."""
    try:
        durable.make_folder(home)
        # The identity last: where it is, everything is.
        _write(home / TRUST, admitted.trust)
        _write(home / IDENTITY, admitted.identity)
        (home / BEGUN).unlink(missing_ok=True)
    except OSError as failure:
        raise EnvironmentFault(f"{home} cannot be written: {failure.strerror}") from failure
    return load(home)


def _let_in(token: Enrolment, application: Application, answer: Answer) -> tuple[str, str, tuple[str, ...]]:
    """(device id, bundle, successor statements), checked."""
    if not answer.accepted:
        if not answer.refusal() or answer.status >= 500 or answer.status == 429:
            raise Transient(f"the store cannot enrol this PC now (it answered {answer.status}): try again later")
        raise UserError(f"the store did not enrol this PC: {answer.words()} ({answer.refusal()})")
    claims = answer.claims()
    try:
        claims.check_format()
        device = claims.text("device")
        bundle_token = claims.text("bundle")
        _, statements, keys = _check(token.store_key, token.compliance, bundle_token, claims.texts("successors"))
        if not claims.has("proof"):
            raise Untrusted("the store did not sign that it enrolled this PC: bring the store up to date first")
        application.check_admission(claims.text("proof"), device, bundle_token, keys)
    except ProtocolError as problem:
        raise Untrusted(f"the store's answer is not an enrolment: {problem}") from problem
    return device, bundle_token, statements


def _check(
    store_key: Ed25519PublicKey, compliance: str, token: str, statements: tuple[str, ...]
) -> tuple[Bundle, tuple[str, ...], Mapping[str, Ed25519PublicKey]]:
    """The bundle, the statements that speak of the store's own line of keys, and these keys. Raises Untrusted."""
    try:
        checked = bundle.verify(token, compliance)
        keys = successor.trusted(store_key, statements)
        own = {s for s in statements if jws.read_header(jws.SUCCESSOR, s)["kid"] in keys}
    except ProtocolError as problem:
        raise Untrusted(f"what the store hands out is not signed by whom it must be: {problem}") from problem
    return checked, tuple(sorted(own)), keys


def _write(path: Path, fields: Mapping[str, object]) -> None:
    durable.write(path, json.dumps(fields, indent=1).encode("utf-8") + b"\n")


def _read(path: Path) -> Claims:
    try:
        text = durable.read(path)
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UserError("this PC is not enrolled: run `eyelid enroll` with a token from the store") from None
    except OSError as failure:
        raise UserError(f"{path} cannot be read: {failure.strerror}; does it belong to this user?") from None
    if not ON_WINDOWS and mode & 0o077:  # Windows keeps who may read elsewhere
        raise UserError(f"{path} holds this PC's keys and others can read it: run `chmod 600 {path}`")
    try:
        return Claims(parse_object(text), str(path), KeyProblem)
    except ValueError as problem:
        raise _damaged(path, problem) from problem


def _damaged(path: Path, problem: ValueError) -> EnvironmentFault:
    return EnvironmentFault(f"{path} is damaged ({problem}): put it back from a backup, or enrol this PC anew")
