"""Sign-in by an OpenID provider: authorization code with PKCE, state and nonce (OpenID Connect Core, RFC 7636, 9207).

A provider is trusted to say who somebody is among the people whom it may speak for, and nothing else: what it answers
is bounded in size and time, comes from the addresses that its issuer names, and its tokens are signed with keys that
it publishes there.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from protocol import base64url
from protocol.claims import Claims, parse_object
from protocol.numbers import is_integer
from review.people.names import person_id
from review.people.service import PROVIDER, Failed, People, Proof
from review.people.settings import ProviderSettings, is_safe
from store.clock import MINUTE, SECOND
from store.errors import Refusal

# No `none`, and nothing that a public key could be the secret of.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519")
WITHIN: Final = 10 * MINUTE  # a person may have to find their telephone
ANSWERS_WITHIN: Final = 10.0  # seconds
LARGEST: Final = 2**18  # bytes of an answer
SKEW: Final = 60  # seconds between this clock and the provider's
_KEPT: Final = 3600.0  # seconds that what it publishes is believed
AGAIN_AFTER: Final = 1.0  # seconds between two looks for a key that is not there
_AT_ONCE: Final = 8  # questions to it
_FLOW: Final = "oidc"


class Unavailable(Exception):
    """It does not answer, or not as a provider does. `str`: a word."""


@dataclass(slots=True)
class _Published:
    """`at`: seconds of a clock that never jumps."""

    metadata: Mapping[str, Any]
    keys: KeySet
    at: float


@dataclass(slots=True)
class Provider:
    """For the event loop. `name`: as in the settings."""

    name: str
    settings: ProviderSettings
    people: People
    _trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _published: _Published | None = None
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @property
    def callback(self) -> str:
        """An address of its own for each provider, so that no other one's answer is taken for its."""
        return f"{self.people.settings.address}/v1/oidc/{self.name}/callback"

    async def begin(self) -> tuple[str, str]:
        """Where the browser goes, and the cookie that it comes back with. Refusals: 503 provider-unavailable."""
        try:
            published = await self._publishes()
        except Unavailable:
            message = "the provider does not answer as it should: try later, or sign in another way"
            raise Refusal(503, "provider-unavailable", message, retry_after=30) from None
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code", "client_id": self.settings.client, "redirect_uri": self.callback,
            "scope": "openid email profile", "state": state, "nonce": nonce, "code_challenge_method": "S256",
            "code_challenge": base64url.encode(hashlib.sha256(verifier.encode()).digest()),
        }  # fmt: skip
        if self.settings.acr:
            query["acr_values"] = " ".join(self.settings.acr)
        address = str(published.metadata["authorization_endpoint"])
        flow = {"provider": self.name, "state": state, "nonce": nonce, "verifier": verifier,
                "ends": self.people.clock() + WITHIN}  # fmt: skip
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", self.people.sealer.seal(_FLOW, flow)

    async def finish(self, flow: str, answer: Mapping[str, str]) -> Proof:
        """`answer`: what the browser came back with. Raises Failed."""
        begun = self._begun(flow, answer)
        if "error" in answer or "code" not in answer:
            raise Failed("provider-refused")
        try:
            published = await self._publishes()
            self._check_issuer(published.metadata, answer)
            token = await self._token(published.metadata, answer["code"], begun.text("verifier"))
            claims = await self._verified(published, token)
        except Unavailable as error:
            raise Failed(str(error)) from None
        subject = self._checked(claims, begun.text("nonce"))
        return Proof(
            PROVIDER, self._person(claims), (self.settings.issuer, subject), self.settings.narrowing(claims),
            lambda connection: self.people.spend(connection, begun.text("state"), begun.integer("ends")),
        )  # fmt: skip

    # -- what comes back ------------------------------------------------------------------------------------------

    def _begun(self, flow: str, answer: Mapping[str, str]) -> Claims:
        try:
            begun = self.people.sealer.open(_FLOW, flow)
        except ValueError:
            raise Failed("no-flow") from None
        if begun.text("provider") != self.name:
            raise Failed("another-provider")
        if not hmac.compare_digest(begun.text("state").encode(), answer.get("state", "").encode("utf-8", "replace")):
            raise Failed("another-state")
        if self.people.clock() >= begun.integer("ends"):
            raise Failed("late")
        return begun

    def _check_issuer(self, metadata: Mapping[str, Any], answer: Mapping[str, str]) -> None:
        says = metadata.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", "" if says else self.settings.issuer) != self.settings.issuer:
            raise Failed("another-issuer")

    async def _token(self, metadata: Mapping[str, Any], code: str, verifier: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback,
                "client_id": self.settings.client, "code_verifier": verifier}  # fmt: skip
        basic = None
        if self.settings.secret:
            methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if isinstance(methods, list) and "client_secret_basic" not in methods:
                form["client_secret"] = self.settings.secret
            else:
                basic = httpx.BasicAuth(
                    *(urlencode({"": one})[1:] for one in (self.settings.client, self.settings.secret))
                )
        answered = await self._ask("POST", str(metadata["token_endpoint"]), data=form, auth=basic)
        token = answered.get("id_token")
        if not isinstance(token, str):
            raise Failed("no-token")
        return token

    async def _verified(self, published: _Published, token: str) -> Mapping[str, Any]:
        """What a key of the provider's signed. A key that is not known is looked for once more: keys change."""
        for attempt in range(2):
            try:
                return parse_object(jws.deserialize_compact(token, published.keys, list(ALGORITHMS)).payload)
            except (JoseError, ValueError, TypeError, LookupError, AttributeError):
                if attempt or time.monotonic() - published.at < AGAIN_AFTER:
                    break
                published = await self._publishes(anew=True)
        raise Failed("bad-signature")

    def _checked(self, claims: Mapping[str, Any], nonce: str) -> str:
        """The subject. OpenID Connect Core 3.1.3.7."""
        now, settings = self.people.clock() // SECOND, self.settings
        audience, ends, issued, subject = (claims.get(name) for name in ("aud", "exp", "iat", "sub"))
        of = audience if isinstance(audience, list) else [audience]
        methods, said, early = claims.get("amr"), claims.get("nonce"), claims.get("nbf", 0)
        checks = {
            "another-issuer": claims.get("iss") == settings.issuer,
            "another-audience": settings.client in of
            and claims.get("azp", settings.client if len(of) == 1 else None) == settings.client,
            "another-nonce": isinstance(said, str) and said == nonce,
            "late-token": is_integer(ends) and now - SKEW < ends,
            "early-token": all(is_integer(at) and at <= now + SKEW for at in (issued, early)),
            "no-subject": isinstance(subject, str) and 0 < len(subject) <= 255 and subject.isprintable(),
            "weak-acr": not settings.acr or claims.get("acr") in settings.acr,
            "weak-amr": not settings.amr or (isinstance(methods, list) and any(one in methods for one in settings.amr)),
        }  # fmt: skip
        for reason, holds in checks.items():
            if not holds:
                raise Failed(reason)
        return str(subject)

    def _person(self, claims: Mapping[str, Any]) -> str:
        name = claims.get(self.settings.claim)
        try:
            person = person_id(name if isinstance(name, str) else "")
        except ValueError:
            raise Failed("no-name") from None
        if self.settings.claim == "email" and claims.get("email_verified") is not True:
            raise Failed("not-verified", person)
        if not self.settings.speaks_for(person):
            raise Failed("not-of-provider", person)
        return person

    # -- what it publishes ----------------------------------------------------------------------------------------

    async def _publishes(self, *, anew: bool = False) -> _Published:
        """Raises Unavailable."""
        now = time.monotonic()
        if self._published and not anew and now - self._published.at < _KEPT:
            return self._published
        issuer = self.settings.issuer
        metadata = await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if metadata.get("issuer") != issuer or not all(is_safe(str(metadata.get(name))) for name in endpoints):
            raise Unavailable("bad-metadata")
        found = (await self._ask("GET", str(metadata["jwks_uri"]))).get("keys")
        try:
            usable = [one for one in found or () if one.get("kty") in {"RSA", "EC", "OKP"} and one.get("use") != "enc"]
            keys = KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, LookupError, AttributeError):
            raise Unavailable("bad-keys") from None
        self._published = _Published(metadata, keys, now)
        return self._published

    async def _ask(self, method: str, url: str, **named: Any) -> Mapping[str, Any]:
        """The JSON object that it answers. Raises Unavailable for anything else."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        body = b""
        try:
            async with (
                asyncio.timeout(ANSWERS_WITHIN),
                self._turn,
                httpx.AsyncClient(verify=self._trusted, timeout=ANSWERS_WITHIN) as client,
                client.stream(method, url, headers=headers, **named) as response,
            ):
                async for part in response.aiter_raw(2**14):
                    body += part
                    if len(body) > LARGEST:
                        raise Unavailable("oversized")
                if response.status_code != 200:
                    raise Unavailable("provider-error")
            return parse_object(body)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            raise Unavailable("no-answer") from None
        except ValueError:
            raise Unavailable("bad-answer") from None
