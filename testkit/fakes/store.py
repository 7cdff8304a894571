"""A small honest store on loopback that can be told to misbehave: real HTTP, real signatures, nothing on disk.

What a test scripts (`says`) happens once and in order; everything else is answered as the protocol says.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import secrets
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import api, bundle, enrolment, jws, successor
from protocol.application import Application
from protocol.bundle import Bundle
from protocol.claims import Claims, parse_object
from protocol.enrolment import Enrolment
from protocol.errors import ProtocolError
from protocol.keys import RecipientPrivate, thumbprint
from protocol.ledger import ZERO, Batch
from protocol.policyhash import policy_hash
from protocol.receipt import Receipt

SECOND = 1_000_000_000
TOKEN_LIFE = 600  # seconds


@dataclass(frozen=True)
class Reply:
    """`drop`: close the connection instead. `first`: do what was asked before answering otherwise."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    first: bool = False


def problem(status: int, code: str, **headers: str) -> Reply:
    """A refusal in the store's own words."""
    body: api.Problem = {"error": code, "message": f"scripted: {code}"}
    return Reply(status, json.dumps(body).encode(), headers)


@dataclass
class Device:
    token_key: Ed25519PublicKey
    evidence_key: Ed25519PublicKey
    lines: list[bytes] = field(default_factory=list)
    head: str = ZERO
    revoked: bool = False


class FakeStore:
    """Use as a context manager. `seconds` is its clock (Date header, tokens, receipts): the test turns it."""

    def __init__(self, *, tls: Path | None = None, valid: tuple[dt.datetime, dt.datetime] | None = None) -> None:
        """`tls`: a folder to keep certificates in; `valid`: from when to when they say they are."""
        self.seconds = 1_800_000_000
        self.store_key = Ed25519PrivateKey.generate()
        self.compliance_key = Ed25519PrivateKey.generate()
        self.recipient = RecipientPrivate.generate()
        self.pinned = self.store_key.public_key()
        self.successors: list[str] = []
        self.bundle = self.signed_bundle(1)
        self.bundle_revision = 1
        self.secrets = {secrets.token_urlsafe(16)}
        self.devices: dict[str, Device] = {}
        self.chunks: dict[tuple[UUID, int, int], dict[str, bytes]] = {}
        self.receipts: dict[tuple[UUID, int, int, str], str] = {}
        self.policies: dict[str, dict[str, str]] = {}
        self.health: list[dict[str, object]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.connections = 0
        self.admission: dict[str, object] = {}  # its last answer to an enrolment
        self.lies: list[Callable[[Receipt], str]] = []  # the next receipts, made from the honest ones
        self._script: list[tuple[str, Reply]] = []
        self._spent: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.ca = ""
        if tls is not None:
            self.ca = _put_tls(self._server, tls, valid)
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeStore:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- what a test does with it ---------------------------------------------------------------------------------

    def says(self, path: str, *replies: Reply) -> None:
        """The answers to the next requests whose path begins so."""
        self._script += [(path, reply) for reply in replies]

    def forgive(self, path: str) -> None:
        """Forget what was scripted for this path."""
        self._script = [(beginning, reply) for beginning, reply in self._script if beginning != path]

    def pasted(self, **changes: Any) -> str:
        """An enrolment token."""
        fields: dict[str, Any] = {
            "address": self.address,
            "ca": self.ca,
            "store_key": self.pinned,
            "compliance": thumbprint(self.compliance_key.public_key()),
            "secret": next(iter(self.secrets), "used up"),
        }
        return enrolment.make(Enrolment(**fields | changes))

    def signed_bundle(self, revision: int, key: Ed25519PrivateKey | None = None, **policy_files: str) -> str:
        made = Bundle(revision, (self.recipient.public,), revision * SECOND, policy_files)
        return bundle.sign(made, key or self.compliance_key)

    def new_bundle(self, revision: int) -> None:
        self.bundle, self.bundle_revision = self.signed_bundle(revision), revision

    def new_key(self) -> None:
        """Sign with a new key from now on, vouched for by the old one."""
        new = Ed25519PrivateKey.generate()
        self.successors.append(successor.sign(new.public_key(), self.store_key, at=self.seconds * SECOND))
        self.store_key = new

    def paths(self, method: str) -> list[str]:
        return [path for used, path, _ in self.requests if used == method]

    # -- answering ------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with self._lock:
            self.requests.append((method, path, headers))
            for place, (beginning, reply) in enumerate(self._script):
                if path.startswith(beginning):
                    del self._script[place]
                    if reply.first:
                        self._honest(method, path, headers, body)
                    return reply
            return self._honest(method, path, headers, body)

    def _honest(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        try:
            return self._route(method, path.removeprefix("/v1/").split("/"), headers, body)
        except ProtocolError as error:
            return problem(400, error.code)

    def _route(self, method: str, parts: list[str], headers: dict[str, str], body: bytes) -> Reply:  # noqa: PLR0911
        match method, parts:
            case "GET", ["health"]:
                return _json({"status": "ok", "version": "test"})
            case "POST", ["enroll"]:
                return self._enrol(Claims(parse_object(body), "request", ProtocolError))
            case "POST", ["token"]:
                return self._token(Claims(parse_object(body), "request", ProtocolError).text("assertion"))
        device = self._device(headers.get("authorization", ""))
        if isinstance(device, Reply):
            return device
        match method, parts:
            case "PUT", ["recordings", recording, stream, sequence]:
                if api.parse_content_digest(headers["content-digest"]).hex() != _sha256(body):
                    return problem(400, "wrong-digest")
                return self._keep(device, UUID(recording), int(stream), int(sequence), body)
            case "POST", ["ledger"]:
                return self._ledger(device, Claims(parse_object(body), "request", ProtocolError).text("batch"))
            case "GET", ["bundle"]:
                return _json({"bundle": self.bundle, "successors": self.successors})
            case "PUT", ["policies", policy]:
                files = Claims(parse_object(body), "request", ProtocolError).text_map("files")
                if policy_hash({name: text.encode() for name, text in files.items()}) != policy:
                    return problem(400, "wrong-hash")
                self.policies[policy] = files
                return _json({"hash": policy})
            case "PUT", ["devices", named, "health"] if named == device:
                self.health.append(parse_object(body))
                account = self.devices[device]
                ledger = {"next": len(account.lines), "head": account.head}
                return _json({"bundle_revision": self.bundle_revision, "ledger": ledger})
        return Reply(404, b'{"detail":"Not Found"}')

    def _enrol(self, claims: Claims) -> Reply:
        application = Application.verify(claims)
        own = thumbprint(application.evidence_key)
        known = [name for name, one in self.devices.items() if thumbprint(one.evidence_key) == own]
        if not known and application.secret not in self.secrets:
            return problem(403, "used-up")
        self.secrets.discard(application.secret)
        device = known[0] if known else f"device-{len(self.devices) + 1}"
        self.devices[device] = Device(application.token_key, application.evidence_key)
        proof = application.admit(device, self.bundle, self.store_key)
        self.admission = {"device": device, "bundle": self.bundle, "successors": self.successors, "proof": proof}
        return _json(self.admission)

    def _token(self, assertion: str) -> Reply:
        kid = str(jws.read_header(jws.AUTH, assertion)["kid"])
        known = [(n, d) for n, d in self.devices.items() if thumbprint(d.token_key) == kid]
        if not known:
            return problem(403, api.DEVICE_UNKNOWN)
        [(name, device)] = known
        claims = Claims(jws.verify(jws.AUTH, assertion, device.token_key), "assertion", ProtocolError)
        if device.revoked:
            return problem(403, api.DEVICE_REVOKED)
        if not claims.integer("iat") <= self.seconds + 5 or not self.seconds < claims.integer("exp"):
            return problem(401, "wrong-time")
        if claims.text("jti") in self._spent or claims.text("device") != name:
            return problem(401, "replayed-assertion")
        self._spent.add(claims.text("jti"))
        granted = {"device": name, "iat": self.seconds, "exp": self.seconds + TOKEN_LIFE}
        return _json({"token": jws.sign(jws.TOKEN, granted, self.store_key), "expires_in": TOKEN_LIFE})

    def _device(self, authorization: str) -> str | Reply:
        try:
            claims = jws.verify(jws.TOKEN, authorization.removeprefix("Bearer "), self.store_key.public_key())
        except ProtocolError:
            return problem(401, "bad-token")
        if int(str(claims["exp"])) <= self.seconds:
            return problem(401, "expired-token")
        device = self.devices.get(str(claims["device"]))
        if device is None:
            return problem(403, api.DEVICE_UNKNOWN)
        return problem(403, api.DEVICE_REVOKED) if device.revoked else str(claims["device"])

    def _keep(self, device: str, recording: UUID, stream: int, sequence: int, body: bytes) -> Reply:
        sha256 = _sha256(body)
        honest = Receipt(recording, stream, sequence, sha256, self.seconds * SECOND, device)
        if self.lies:
            return _json({"receipt": self.lies.pop(0)(honest)})
        self.chunks.setdefault((recording, stream, sequence), {})[sha256] = body
        receipt = self.receipts.setdefault((recording, stream, sequence, sha256), honest.sign(self.store_key))
        return _json({"receipt": receipt})

    def _ledger(self, name: str, token: str) -> Reply:
        device = self.devices[name]
        batch = Batch.verify(token, device.evidence_key)
        if batch.first == len(device.lines) and batch.prev == device.head:
            device.lines += batch.lines
            device.head = batch.head
            return _json({"next": len(device.lines), "head": device.head})
        body: api.LedgerProblem = {
            "error": "ledger-gap", "message": "go on from next", "next": len(device.lines), "head": device.head,
        }  # fmt: skip
        return Reply(409, json.dumps(body).encode())


def _sha256(body: bytes) -> str:
    return api.parse_content_digest(api.content_digest(body)).hex()


def _json(body: Mapping[str, object]) -> Reply:
    return Reply(200, json.dumps(body).encode())


# -- HTTP and TLS -------------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, store: FakeStore) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.store = store

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.store.connections += 1

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # broken off: no server hands on a part of a request
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        store = self.server.store
        reply = store.answer(self.command, urlsplit(self.path).path, headers, body)
        if reply.drop:
            # A reset, as from a middle box, and not an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        own = {"Date": formatdate(store.seconds, usegmt=True), "Content-Length": str(len(reply.body))}
        lines = [f"HTTP/1.1 {reply.status} scripted", *(f"{k}: {v}" for k, v in (own | dict(reply.headers)).items())]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
        if reply.headers.get("Connection") == "close":
            self.close_connection = True

    do_GET = do_PUT = do_POST = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Quiet."""


def _put_tls(server: _Server, folder: Path, valid: tuple[dt.datetime, dt.datetime] | None) -> str:
    """Serve TLS with a certificate of a new CA; the CA in PEM."""
    now = dt.datetime.now(dt.UTC)
    since, until = valid or (now - dt.timedelta(days=1), now + dt.timedelta(days=30))
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test CA")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test store")])
    usage = {"digital_signature": False, "content_commitment": False, "key_encipherment": False}
    usage |= {"data_encipherment": False, "key_agreement": False, "key_cert_sign": False, "crl_sign": False}
    usage |= {"encipher_only": False, "decipher_only": False}

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey, **uses: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number(), since, until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(**usage | uses), critical=True)
        )

    ca = (
        builder(ca_name, ca_key.public_key(), key_cert_sign=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = (
        builder(name, key.public_key(), digital_signature=True)
        .add_extension(addresses, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.crt").write_bytes(leaf.public_bytes(pem))  # as in the home of a store
    (folder / "server.key").write_bytes(private)
    (folder / "ca.crt").write_bytes(ca.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return ca.public_bytes(pem).decode()
