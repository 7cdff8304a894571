"""The one line to the store: TLS against the CA that the enrolment named, the store's time, failures by whose fault.

Nothing here or below writes an address, a header or a body to a log.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from agent.core.model import SECOND
from agent.errors import Transient, Untrusted, UserError
from agent.ports import Clock
from protocol import api
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError

MAX_ANSWER: Final = 16 * 2**20  # bytes; the largest honest one is a bundle with its policy files
TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
MAX_ANSWERING: Final = 120 * SECOND  # the timeouts are a part's, so one byte at a time could take for ever
KEEP_ALIVE: Final = 30.0  # seconds; a chunk comes every four

_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# X509_V_FLAG_NO_CHECK_TIME (OpenSSL x509_vfy.h), which the ssl module has no name for.
_NO_CHECK_TIME: Final = 0x200000

# httpx writes every address to its log, httpcore every header.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after`: seconds, where the other side named them."""

    status: int
    body: bytes
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    def claims(self) -> Claims:
        """The JSON object of an answer; its getters raise ProtocolError. Raises Untrusted where there is none."""
        try:
            return Claims(parse_object(self.body), f"the store's answer ({self.status})", ProtocolError)
        except ValueError:
            raise Untrusted(f"the store's answer ({self.status}) is not what a store answers") from None

    def refusal(self) -> str:
        """The code of a refusal in the store's own words (`protocol.api.Problem`), "" where the words are another's.

        Only the store can refuse for good: a proxy's 403 or a portal's 404 says nothing about a chunk.
        """
        try:
            problem = Claims(parse_object(self.body), "problem", ProtocolError)
            problem.text("message")
            code = problem.text("error")
        except ValueError:
            return ""
        return code if _CODE.fullmatch(code) else ""  # it ends in logs and reasons

    def words(self) -> str:
        """What the store says to a person about a refusal, fit for a terminal; "" where it says nothing."""
        try:
            message = Claims(parse_object(self.body), "problem", ProtocolError).text("message")
        except ValueError:
            return ""
        return "".join(letter if letter.isprintable() else " " for letter in message)[:500]


class Wire:
    """Requests over one kept connection; proxies come from the environment (HTTPS_PROXY, NO_PROXY)."""

    def __init__(self, address: str, ca: str, clock: Clock, *, agent_version: str) -> None:
        """`address`: https, or http on loopback (`protocol.enrolment` saw to it). `ca`: PEM; "" for one that this PC
        trusts anyway. Raises UserError where the address or the proxy's is none."""
        self._clock = clock
        self._ahead: int | None = None  # store's wall clock minus our clock, ns
        try:
            self._client = httpx.Client(
                base_url=address,
                verify=_trust(ca),
                timeout=TIMEOUT,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE),
                headers={
                    api.AGENT_VERSION_HEADER: agent_version,
                    "User-Agent": "eyelid",
                    "Accept-Encoding": "identity",  # little comes back, and little must not unpack to much
                },
            )
        except (httpx.InvalidURL, ValueError):
            raise UserError("the store's address or a proxy's (HTTPS_PROXY, HTTP_PROXY) is no address") from None

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | bytes = b"",
        bearer: str = "",
    ) -> Answer:
        """Whatever the store answered. Raises Transient when there was no answer, Untrusted when it had no end."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if isinstance(body, bytes):
            content = body
            if body:
                headers |= {"Content-Type": "application/octet-stream"}
                headers |= {api.CONTENT_DIGEST_HEADER: api.content_digest(body)}
        else:
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
            headers |= {"Content-Type": "application/json"}
        try:
            with self._client.stream(method, path, content=content, headers=headers) as response:
                self._learn_time(response.headers.get("Date", ""))
                received = bytearray()
                begun = self._clock.now()
                for part in response.iter_raw():
                    received += part
                    if len(received) > MAX_ANSWER or self._clock.now() - begun > MAX_ANSWERING:
                        raise Untrusted("the store's answer has no end")
                return Answer(response.status_code, bytes(received), self._retry_after(response.headers))
        except httpx.HTTPError as failure:
            raise Transient(_in_words(failure)) from failure

    def store_time(self) -> int:
        """Seconds since 1970 by the store's clock. Raises Transient when the store cannot be asked.

        It is carried on by our clock that never jumps, so that setting the PC's wall clock changes nothing.
        """
        if self._ahead is None:
            self.send("GET", api.HEALTH)
        if self._ahead is None:
            raise Transient("the store's answer has no date, so no token can be made out")
        return (self._clock.now() + self._ahead) // SECOND

    def _learn_time(self, date: str) -> None:
        try:
            self._ahead = int(parsedate_to_datetime(date).timestamp()) * SECOND - self._clock.now()
        except ValueError:
            return  # a proxy's answer without a date: the next one will do

    def _retry_after(self, headers: httpx.Headers) -> float | None:
        """RFC 9110 section 10.2.3: seconds, or a date, which counts from the answer's own."""
        value = headers.get("Retry-After", "")
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            until = parsedate_to_datetime(value).timestamp()
            return max(0.0, until - parsedate_to_datetime(headers.get("Date", "")).timestamp())
        except ValueError:
            return None

    def close(self) -> None:
        """Once no request is under way."""
        self._client.close()


def _trust(ca: str) -> ssl.SSLContext:
    if not ca:
        return ssl.create_default_context()
    context = ssl.create_default_context(cadata=ca)
    # The CA is the store's own and was named by the enrolment; the dates in its certificates would be judged by the
    # PC's wall clock, and a wrong one must not strand the queue (docs/decisions/0007).
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context


def _in_words(failure: httpx.HTTPError) -> str:
    """What failed, without an address: httpx's own messages can carry one."""
    if isinstance(_root(failure), ssl.SSLCertVerificationError):
        return "the store's certificate is not the enrolled store's, or not for its address: is something in between?"
    match failure:
        case httpx.TimeoutException():
            return "the store did not answer in time: check the network and the proxy"
        case httpx.ProxyError():
            return "the proxy refused: check HTTPS_PROXY"
        case _:
            return f"the store cannot be reached ({type(failure).__name__}): check the network and the proxy"


def _root(failure: BaseException) -> BaseException:
    while (cause := failure.__cause__ or failure.__context__) is not None:
        failure = cause
    return failure
