"""The line to the store: TLS against the CA that the enrolment named, through the proxy that the network wants, no
faster than it may be; the store's time, and failures by whose fault.

Nothing here or below writes an address, a header or a body to a log.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx

from agent.core.model.times import SECOND
from agent.errors import Transient, Untrusted, UserError
from agent.ports import Clock
from protocol import api
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError

log = logging.getLogger(__name__)

MAX_ANSWER: Final = 16 * 2**20  # bytes; the largest honest one is a bundle with its policy files
WRITE_WITHIN: Final = 30.0  # seconds in which a piece of a body must find room in the buffers on the way
# A slow line empties this PC's send buffer, or a proxy's, long after the last byte was written to it. So the wait for
# an answer grows with the body, as the store's for the body does (store/server/routes/bodies.py), and is always the
# longer.
ANSWER_WITHIN: Final = 75.0  # seconds, and more for a long body:
SLOWEST: Final = 4096  # bytes a second; a chunk must arrive at 50 kbit/s
MAX_ANSWERING: Final = 120 * SECOND  # the timeouts are a part's, so one byte at a time could take for ever
KEEP_ALIVE: Final = 30.0  # seconds; a chunk comes every four
PIECES: Final = 40  # a second: what is sent under a limit goes in pieces of a fortieth of it, so no moment is above it
# Bytes. Also without a limit: TLS takes a piece whole, and the timeout of writing counts for the whole of it.
MAX_PIECE: Final = 16 * 2**10
HEADERS: Final = 800  # bytes, about what a request has in headers
BESIDE: Final = 1.05  # TCP, IP and TLS add some four in a hundred, and the limit is the network's

Place = tuple[str, str]
"""Address of a store, and the PEM certificates that its TLS must chain to ("" for the system's)."""

SYSTEM: Final = "system"  # whatever proxy this PC's system names, if any
NO_PROXY: Final = "none"

_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# X509_V_FLAG_NO_CHECK_TIME (OpenSSL x509_vfy.h), which the ssl module has no name for.
_NO_CHECK_TIME: Final = 0x200000
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of the same file.
_DATES: Final = frozenset({9, 10})

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


class Pace:
    """No more than `kbit` thousand bits a second, over all threads; None is no limit.

    `wait` sleeps so many seconds, or answers True at once where the sleep is to be broken off.
    """

    def __init__(self, kbit: float | None, clock: Clock, wait: Callable[[float], bool] | None = None) -> None:
        self._rate = None if kbit is None else kbit * 1000 / 8 / BESIDE  # bytes a second
        self._clock = clock
        self._broken_off = threading.Event()
        self._wait = wait or self._broken_off.wait
        self._lock = threading.Lock()
        self._free_at = 0
        self._turn = threading.Lock()

    def take(self, size: int) -> None:
        """Returns when so many bytes may go. Raises Transient where the wait was broken off."""
        if self._rate is None:
            return
        with self._lock:
            self._free_at = max(self._clock.now(), self._free_at) + int(size / self._rate * SECOND)
            until = self._free_at
        while (left := until - self._clock.now()) > 0:
            if self._wait(left / SECOND):
                raise Transient("sending was broken off, as the end is near: it is sent after the next start")

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """The body, each part when it may go."""
        size = MAX_PIECE if self._rate is None else max(1, min(MAX_PIECE, int(self._rate / PIECES)))
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            self.take(len(piece))
            yield piece

    def turn(self) -> Callable[[], None]:
        """Wait until no other large body is under way under the limit; to be called when this one is.

        Four that share a narrow line would each take four times as long, and the store waits only so long for a body.
        """
        if self._rate is None:
            return lambda: None
        while not self._turn.acquire(timeout=0.1):
            if self._broken_off.is_set():
                raise Transient("sending was broken off, as the end is near: it is sent after the next start")
        ended = threading.Event()

        def end() -> None:
            if not ended.is_set():
                ended.set()
                self._turn.release()

        return end

    def break_off(self, off: bool = True) -> None:
        """Every request that waits now, or from now on, ends at once; False lifts it."""
        if off:
            self._broken_off.set()
        else:
            self._broken_off.clear()


@dataclass(frozen=True, slots=True)
class Route:
    """How this PC's network wants to be crossed.

    `proxy`: an address, SYSTEM or NO_PROXY. `ca`: a PEM file with CAs that count beside the store's own, as that of a
    proxy which opens TLS (docs/decisions/0012).
    """

    proxy: str = field(default=SYSTEM, repr=False)  # may hold a password
    ca: Path | None = None


DIRECT: Final = Route()


class Wire:
    """Requests over kept connections, from any thread."""

    def __init__(
        self,
        address: str,
        ca: str,
        clock: Clock,
        *,
        agent_version: str,
        route: Route = DIRECT,
        pace: Pace | None = None,
        connections: int = 1,
    ) -> None:
        """`address`: https, or http on loopback (`protocol.enrolment` saw to it). `ca`: PEM; "" for one that this PC
        trusts anyway. `connections`: most requests at once. Raises UserError where the address, the proxy's or the
        route's CA is none."""
        self._clock = clock
        self._pace = pace or Pace(None, clock)
        self._ahead: int | None = None  # store's wall clock minus our clock, ns
        self._agent_version, self._route, self._connections = agent_version, route, connections
        self._moving = threading.Lock()
        self._places: tuple[Place, ...] = ((address, ca),)
        self._client = self._connect(address, ca)
        # One for each place that there was: other threads may still use those that were left.
        self._clients: dict[Place, httpx.Client] = {(address, ca): self._client}

    def follow(self, places: Sequence[Place]) -> None:
        """Where the store may be from now on, the likeliest first; where one cannot be connected to, the next request
        goes to the next. Any thread. Raises as the constructor."""
        with self._moving:
            if (places := tuple(places)) != self._places:
                self._move(places)

    def _move(self, places: tuple[Place, ...]) -> None:
        if places[0] not in self._clients:
            try:
                self._clients[places[0]] = self._connect(*places[0])
            except UserError:
                if len(places) == 1:
                    raise
                # The store has signed an address that is none. Without the next this PC would never start again.
                log.warning("where the store says that it is cannot be used: it is looked for where it was")
                self._move(places[1:])
                return
        self._client, self._places = self._clients[places[0]], places

    def _elsewhere(self, client: httpx.Client) -> None:
        """This one did not get a connection."""
        with self._moving:
            if client is self._client and len(self._places) > 1:
                self._move((*self._places[1:], self._places[0]))

    def _connect(self, address: str, ca: str) -> httpx.Client:
        route, connections = self._route, self._connections
        trust = _trust(ca, route.ca)
        try:
            return httpx.Client(
                base_url=address,
                verify=trust,
                proxy=_proxy(route),
                trust_env=route.proxy == SYSTEM,
                timeout=patience(0),
                limits=httpx.Limits(
                    max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_ALIVE
                ),
                headers={
                    api.AGENT_VERSION_HEADER: self._agent_version,
                    "User-Agent": "eyelid",
                    "Accept-Encoding": "identity",  # little comes back, and little must not unpack to much
                },
            )
        except (httpx.InvalidURL, ValueError):
            raise UserError(
                "the store's address or a proxy's (upload.proxy, HTTPS_PROXY, HTTP_PROXY) is no address"
            ) from None

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
        if content:
            headers |= {"Content-Length": str(len(content))}  # else httpx would send pieces in HTTP's own chunks
        end_turn = self._pace.turn() if isinstance(body, bytes) and body else _nothing
        try:
            self._pace.take(HEADERS)
            pieces = _ending(self._pace.pieces(content), end_turn) if content else None
            waits = patience(len(content))
            client = self._client
            with client.stream(method, path, content=pieces, headers=headers, timeout=waits) as response:
                self._learn_time(response.headers.get("Date", ""))
                received = bytearray()
                begun = self._clock.now()
                for part in response.iter_raw():
                    received += part
                    if len(received) > MAX_ANSWER or self._clock.now() - begun > MAX_ANSWERING:
                        raise Untrusted("the store's answer has no end")
                return Answer(response.status_code, bytes(received), self._retry_after(response.headers))
        except httpx.HTTPError as failure:
            if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout):
                self._elsewhere(client)
            raise Transient(_in_words(failure)) from failure
        except (httpx.InvalidURL, httpx.StreamError, UnicodeError) as failure:
            # An answer that httpx itself trips over, and does not count among the network's failures; or an address
            # that it takes at first and cannot ask for: what the store signed of where it is must not strand this PC.
            self._elsewhere(client)
            raise Transient(f"the answer cannot be read ({type(failure).__name__}): is that a proxy?") from failure
        finally:
            end_turn()

    def certificate(self) -> bytes | None:
        """What the store showed on a connection made for this question, DER; None over plain http.

        It was checked as every connection is, but for the dates. Raises Transient.
        """
        try:
            with self._client.stream("GET", api.HEALTH, headers={"Connection": "close"}) as response:
                line = response.extensions["network_stream"].get_extra_info("ssl_object")
                return (
                    None if line is None else line.getpeercert(True)
                )  # positional: it is OpenSSL's own object, or ssl's
        except httpx.HTTPError as failure:
            raise Transient(_in_words(failure)) from failure

    def break_off(self, off: bool = True) -> None:
        """Bodies that a limit holds back fail (Transient), until this is called with False."""
        self._pace.break_off(off)

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
        moment = _moment(date)
        if moment is not None:  # else a proxy's answer without a date: the next one will do
            self._ahead = int(moment) * SECOND - self._clock.now()

    def _retry_after(self, headers: httpx.Headers) -> float | None:
        """RFC 9110 section 10.2.3: seconds, or a date, which counts from the answer's own."""
        value = headers.get("Retry-After", "")
        if value.isascii() and value.isdigit():
            return float(value)
        until, since = _moment(value), _moment(headers.get("Date", ""))
        return None if until is None or since is None else max(0.0, until - since)

    def close(self) -> None:
        """Once no request is under way."""
        for client in self._clients.values():
            client.close()


def _moment(date: str) -> float | None:
    """A header's date in seconds since 1970; None where it is none, or of a year that no calendar here has."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def patience(size: int) -> httpx.Timeout:
    """How long to wait for the parts of a request with so many bytes of body."""
    return httpx.Timeout(WRITE_WITHIN, connect=10.0, read=ANSWER_WITHIN + size / SLOWEST)


def _nothing() -> None:
    pass


def _ending(pieces: Iterator[bytes], end: Callable[[], None]) -> Iterator[bytes]:
    yield from pieces
    end()  # the next body may go while this one's answer is awaited


def _trust(ca: str, beside: Path | None) -> ssl.SSLContext:
    if ca:
        context = ssl.create_default_context(cadata=ca)
        # The CA is the store's own and was named by the enrolment; the dates in its certificates would be judged by
        # the PC's wall clock, and a wrong one must not strand the queue (docs/decisions/0007).
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    else:
        context = ssl.create_default_context()
    if beside is not None:
        try:
            context.load_verify_locations(cafile=beside)
        except (OSError, ssl.SSLError) as failure:
            reason = "no certificate in PEM is in it" if isinstance(failure, ssl.SSLError) else failure.strerror
            raise UserError(f"{beside} (upload.ca) cannot be used: {reason}") from None
    return context


def _proxy(route: Route) -> httpx.Proxy | None:
    """None also for the system's, which httpx finds by itself. Raises ValueError where the address is none."""
    if route.proxy in {SYSTEM, NO_PROXY}:
        return None
    own = ssl.create_default_context()  # a proxy that is spoken to by TLS is not the store, and none of its CA's
    if route.ca is not None:
        own.load_verify_locations(cafile=route.ca)
    return httpx.Proxy(route.proxy, ssl_context=own if route.proxy.lower().startswith("https:") else None)


def _in_words(failure: httpx.HTTPError) -> str:
    """What failed, without an address: httpx's own messages can carry one."""
    root = _root(failure)
    if isinstance(root, ssl.SSLCertVerificationError):
        if root.verify_code in _DATES:
            return (
                "the store's certificate is not valid today by this PC's clock: set the clock, or renew the certificate"
            )
        return "the store's certificate is not the enrolled store's, or not for its address: is something in between?"
    match failure:
        case httpx.TimeoutException():
            return "the store did not answer in time: check the network and the proxy"
        case httpx.ProxyError():
            return "the proxy refused: check upload.proxy, or HTTPS_PROXY where it is the system's"
        case _:
            return f"the store cannot be reached ({type(failure).__name__}): check the network and the proxy"


def _root(failure: BaseException) -> BaseException:
    while (cause := failure.__cause__ or failure.__context__) is not None:
        failure = cause
    return failure
