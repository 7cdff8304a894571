"""Requests in this PC's name: a short-lived bearer token, got with the device's token key (as in RFC 7523)."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Final

from agent.core.account.troubles import TroubleCode
from agent.core.model.times import SECOND
from agent.errors import Refused, Untrusted
from agent.ports import Clock
from agent.state.identity import Identity
from agent.upload.answers import SHUT_OUT, Disposition, ShutOut, later, understood, weigh
from agent.wire import Answer, Place, Wire
from protocol import api

ASSERTION_LIFETIME: Final = 60  # seconds
_WORD: Final = re.compile(r"[!-~]{1,4096}")  # what may stand in a header


class Bearer:
    """A wire that knows who is asking, for any thread.

    All times are the store's (`Wire.store_time`): the PC's may be years off.
    """

    def __init__(self, identity: Identity, wire: Wire, clock: Clock) -> None:
        self._identity = identity
        self._wire = wire
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0

    def send(self, method: str, path: str, body: Mapping[str, object] | bytes = b"") -> Answer:
        """The answer; to a second request with a new token where the store does not know the old one any more.

        Raises ShutOut when this PC is not let in, else as `Wire.send`.
        """
        token = self._good_token()
        answer = self._wire.send(method, path, body=body, bearer=token)
        if weigh(answer) is Disposition.NOT_KNOWN:
            self._drop(token)
            token = self._good_token()
            answer = self._wire.send(method, path, body=body, bearer=token)
        if weigh(answer) is Disposition.SHUT_OUT:
            self._drop(token)
            raise ShutOut(SHUT_OUT[answer.refusal()])
        return answer

    def follow(self, places: Sequence[Place]) -> None:
        """As `Wire.follow`."""
        self._wire.follow(places)

    def _good_token(self) -> str:
        with self._lock:  # one thread asks for a new token, the others wait for it
            if not self._token or self._clock.now() >= self._until:
                self._fetch()
            return self._token

    def _drop(self, token: str) -> None:
        with self._lock:
            if self._token == token:  # else another thread has got a new one meanwhile
                self._token = ""

    def _fetch(self) -> None:
        answer = self._ask()
        if weigh(answer) is Disposition.NOT_KNOWN:
            answer = self._ask()  # the first answer's date corrected our idea of the store's time
        match weigh(answer):
            case Disposition.ACCEPTED:
                token, lifetime = understood(
                    answer, lambda claims: (claims.text("token"), claims.integer("expires_in", most=86400))
                )
                if not _WORD.fullmatch(token):
                    raise Untrusted("the store's answer is not what it must be: its token is none")
                self._token = token
                self._until = self._clock.now() + lifetime * SECOND * 9 // 10
            case Disposition.SHUT_OUT:
                raise ShutOut(SHUT_OUT[answer.refusal()])
            case Disposition.NOT_KNOWN | Disposition.NEVER:
                raise ShutOut(TroubleCode.NOT_LET_IN)
            case Disposition.LATER:
                raise later(answer)

    def _ask(self) -> Answer:
        now = self._wire.store_time()
        claims: api.AuthClaims = {
            "device": self._identity.device,
            "iat": now,
            "exp": now + ASSERTION_LIFETIME,
            "jti": secrets.token_urlsafe(16),
        }
        request: api.TokenRequest = {"assertion": self._assertion(claims)}
        return self._wire.send("POST", api.TOKEN, body=dict(request))

    def _assertion(self, claims: api.AuthClaims) -> str:
        try:
            return self._identity.keys.assertion(claims)
        except Refused:  # the keys service has no keys of this device any more
            raise ShutOut(TroubleCode.NOT_LET_IN) from None
