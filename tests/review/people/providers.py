"""An OpenID provider that misbehaves as a test says: a process's worth of it on a thread, over real sockets."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

KEYS = {name: RSAKey.generate_key(2048, {"kid": name, "use": "sig"}, private=True) for name in ("first", "second")}
OTHER = RSAKey.generate_key(2048, {"kid": "first"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, private=True)
Claims = dict[str, Any]


def by_hand(header: Claims, claims: Claims, sign: Callable[[bytes], bytes]) -> str:
    text = b".".join(urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, claims))
    return (text + b"." + urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


class Misbehaving:
    """`claims`: of the next token, beside what belongs into one. `sign`: makes it. `answers`: path -> what is answered
    there instead. `asked`: the paths, in order.
    """

    def __init__(self, address: str, now: Callable[[], int]) -> None:
        self.address = address
        self.now = now
        self.claims: Claims = {"email": "anna@example.com", "email_verified": True}
        self.without: tuple[str, ...] = ()
        self.metadata: Claims = {}
        self.published: list[Any] = [KEYS["first"]]
        self.sign: Callable[[Claims], str] = signed
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.form: dict[str, list[str]] = {}
        self.basic = ""
        self.nonce = ""
        self.ended = threading.Event()

    def documents(self) -> dict[str, Claims]:
        here = self.address
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        base = {"issuer": here, **{name: f"{here}/{path}" for name, path in names.items()}}
        token = {"iss": here, "aud": "eyelid", "sub": "s-1", "iat": self.now(), "exp": self.now() + 300}
        token |= {"nonce": self.nonce} | self.claims
        for name in self.without:
            token.pop(name, None)
        return {
            "/.well-known/openid-configuration": base | self.metadata,
            "/keys": {"keys": [one if isinstance(one, dict) else one.as_dict(private=False) for one in self.published]},
            "/token": {"id_token": self.sign(token)},
        }

    def answer(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        self.asked.append(path)
        if path in self.answers:
            self.answers[path](handler)
            return
        send(handler, json.dumps(self.documents()[path]).encode())


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def signed(claims: Claims, key: Any = None, **header: Any) -> str:
    key = key or KEYS["first"]
    algorithm = header.pop("alg", "RS256")
    return jwt.encode({"alg": algorithm, "kid": key.kid} | header, claims, key, algorithms=[algorithm])


@contextmanager
def misbehaving(now: Callable[[], int]) -> Iterator[Misbehaving]:
    """`now`: seconds."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            provider.answer(self, urlsplit(self.path).path)

        def do_POST(self) -> None:
            provider.form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            provider.basic = self.headers.get("Authorization", "")
            provider.answer(self, urlsplit(self.path).path)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """The console hangs up on what is too long."""

    with Server(("127.0.0.1", 0), Handler) as server:
        provider = Misbehaving(f"http://127.0.0.1:{server.server_port}", now)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            provider.ended.set()
            server.shutdown()
            thread.join()
