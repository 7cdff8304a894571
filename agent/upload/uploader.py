"""The loop that empties the spool: one thread, one connection, one request at a time.

Whatever the network, a proxy or the store does costs time, never a chunk.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from uuid import UUID

from agent.core import backoff
from agent.core.model import SECOND
from agent.errors import Refused, Transient, Untrusted
from agent.identity import Identity, Trust
from agent.ports import Clock, Sealed, Spool
from agent.upload.answers import SHUT_OUT_CODES, Fate, ShutOut, fate, later, settle, understood
from agent.upload.bearer import Bearer
from agent.wire import Answer, Wire
from protocol import api, jws
from protocol.bundle import Bundle
from protocol.claims import Claims
from protocol.errors import ProtocolError
from protocol.receipt import Receipt

log = logging.getLogger(__name__)

IDLE: Final = 5.0  # seconds between looks at an empty queue, where nobody says that something has come
HEALTH_EVERY: Final = 60 * SECOND
STUBBORN: Final = 3  # failing answers after which a recording waits until the others have been tried

STORE_LIES: Final = "store-lies"
CHUNK_REFUSED: Final = "chunk-refused"


class Account(Protocol):
    """What uploading asks of the ledger."""

    def due(self, *, at_once: bool = False) -> str | None:
        """The next signed batch, if one is due."""

    def confirmed(self, next_: int, head: str) -> None:
        """The store waits for entry `next_`, and the one before hashes to `head`. Raises Untrusted if that is no entry
        of this ledger."""


class Texts(Protocol):
    """What uploading asks of the policies that were in force."""

    def waiting(self) -> tuple[str, dict[str, str]] | None:
        """(hash, file name -> text) of a policy that the store does not have yet."""

    def sent(self, policy: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the uploader tells, from its own thread: callbacks that return at once. Alarms are short codes."""

    receipt: Callable[[int], None]  # ns of the clock
    alarm: Callable[[str], None]
    cleared: Callable[[str], None]
    bundle: Callable[[Bundle], None]


@dataclass(slots=True)
class _Errand:
    """Something small beside the chunks. `work` is False when nothing is to be done; a refusal delays only itself."""

    code: str  # of the alarm when the store refuses it
    work: Callable[[], bool]
    failures: int = 0
    not_before: int = 0


class Uploader:
    """Give `run` a thread. `health`: what the store should know of this PC now."""

    def __init__(
        self,
        identity: Identity,
        trust: Trust,
        wire: Wire,
        *,
        spool: Spool,
        account: Account,
        texts: Texts,
        health: Callable[[], api.DeviceHealthRequest],
        told: Told,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._identity = identity
        self._trust = trust
        self._wire = wire
        self._spool = spool
        self._account = account
        self._texts = texts
        self._health = health
        self._told = told
        self._clock = clock
        self._chance = chance
        self._bearer = Bearer(identity, wire, clock)
        self._errands = (
            _Errand("ledger-refused", self._send_ledger),
            _Errand("policy-refused", self._send_text),
            _Errand("health-refused", self._send_health),
            _Errand("bundle-refused", self._fetch_bundle),
        )
        self._failures = 0
        self._stubborn: dict[UUID, int] = {}  # failing answers for chunks of a recording
        self._passed: set[UUID] = set()
        self._alarms: set[str] = set()
        self._bundle_wanted = True
        self._health_at = clock.now() - HEALTH_EVERY
        self._all_at_once = False
        self._awake = threading.Event()

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set and `wake` called."""
        while not stop.is_set():
            pause = self.step()
            if pause == IDLE:
                self._awake.wait(pause)
                self._awake.clear()
            else:
                stop.wait(pause)  # a failure is not tried again earlier because more has come

    def wake(self) -> None:
        """Something has come, or the end. Any thread."""
        self._awake.set()

    def flush(self, until: int) -> bool:
        """Send what waits, this moment's ledger entries included; whether all of it is sent.

        For the end, when `run` has returned. Gives up at the first failure, and once the clock is past `until` (ns).
        """
        self._all_at_once = True
        for errand in self._errands:
            errand.not_before = 0
        self._failures = 0
        while self.step() == 0.0 and not self._failures and self._clock.now() < until:
            pass
        return self._spool.waiting()[0] == 0 and self._account.due(at_once=True) is None

    def step(self) -> float:
        """Do the next thing, if there is one; seconds to wait before the one after it."""
        try:
            busy = self._run_errand() or self._send_chunk()
        except ShutOut as shut:
            log.warning("%s", shut)
            self._raise_alarm(shut.code)
            self._failures += 1
            return backoff.CAP
        except Untrusted as lie:
            log.warning("%s", lie)
            return self._again(None)
        except Transient as failure:
            log.info("%s", failure)
            return self._again(failure.retry_after)
        self._failures = 0
        if not busy:
            return IDLE
        self._clear_alarms(SHUT_OUT_CODES)
        return 0.0

    def _again(self, retry_after: float | None) -> float:
        self._failures += 1
        return backoff.delay(self._failures - 1, self._chance(), retry_after)

    # -- errands --------------------------------------------------------------------------------------------------

    def _run_errand(self) -> bool:
        now = self._clock.now()
        for errand in self._errands:
            if now < errand.not_before:
                continue
            try:
                if not errand.work():
                    continue
            except (Refused, Untrusted) as refused:
                self._raise_alarm(errand.code)
                log.warning("%s", refused)
                errand.not_before = now + int(backoff.CAP * SECOND)
                return True
            except Transient:
                errand.not_before = now + int(backoff.delay(errand.failures, self._chance()) * SECOND)
                errand.failures += 1
                raise
            errand.failures = 0
            self._clear_alarms({errand.code})
            return True
        return False

    def _send_ledger(self) -> bool:
        batch = self._account.due(at_once=self._all_at_once)
        if batch is None:
            return False
        request: api.LedgerRequest = {"batch": batch}
        answer = self._bearer.send("POST", api.LEDGER, dict(request))
        if answer.status == HTTPStatus.CONFLICT:
            # The store says where its copy ends, and the batch from there must fit. It did not get our last batch, or
            # it did and we did not get its answer.
            self._confirm(answer)
            batch = self._account.due(at_once=True)
            if batch is None:
                return True
            answer = self._bearer.send("POST", api.LEDGER, {"batch": batch})
        settle(answer, "a ledger batch")
        self._confirm(answer)
        return True

    def _confirm(self, answer: Answer) -> None:
        def read(claims: Claims) -> tuple[int, str]:
            return claims.integer("next"), claims.text("head")

        self._account.confirmed(*understood(answer, read))

    def _send_text(self) -> bool:
        waiting = self._texts.waiting()
        if waiting is None:
            return False
        policy, files = waiting
        request: api.PolicyRequest = {"files": files}
        settle(self._bearer.send("PUT", api.policy_path(policy), dict(request)), "a policy's text")
        self._texts.sent(policy)
        return True

    def _send_health(self) -> bool:
        if self._clock.now() - self._health_at < HEALTH_EVERY:
            return False
        answer = self._bearer.send("PUT", api.device_health_path(self._identity.device), dict(self._health()))
        settle(answer, "this PC's health")
        self._health_at = self._clock.now()
        newest = understood(answer, lambda claims: claims.integer("bundle_revision"))
        self._bundle_wanted = self._bundle_wanted or newest > self._trust.bundle.revision
        return True

    def _fetch_bundle(self) -> bool:
        """The newest bundle and the store's successor keys: at the start, and when the store says that it has more."""
        if not self._bundle_wanted:
            return False
        self._adopt_bundle()
        self._bundle_wanted = False
        return True

    def _adopt_bundle(self) -> None:
        answer = self._bearer.send("GET", api.BUNDLE, b"")
        settle(answer, "the question for the bundle")
        token, successors = understood(answer, lambda claims: (claims.text("bundle"), claims.texts("successors")))
        if self._trust.adopt(token, successors):
            self._told.bundle(self._trust.bundle)

    # -- chunks ---------------------------------------------------------------------------------------------------

    def _send_chunk(self) -> bool:
        sealed = self._oldest()
        if sealed is None:
            return False
        path = api.recording_path(sealed.recording, sealed.stream, sealed.sequence)
        answer = self._bearer.send("PUT", path, sealed.data)
        match fate(answer):
            case Fate.ACCEPTED:
                self._forget(sealed, answer)
            case Fate.NEVER:
                why = f"the store refused it: {answer.refusal()} ({answer.status})"
                self._spool.set_aside(sealed.name, why)
                log.warning("%s was set aside: %s", sealed.name, why)
                self._raise_alarm(CHUNK_REFUSED)
            case _:
                self._pass_by(sealed)
                raise later(answer)
        self._stubborn.pop(sealed.recording, None)
        return True

    def _oldest(self) -> Sealed | None:
        if self._spool.waiting()[0] == 0:
            return None
        sealed = next(self._spool.pending(frozenset(self._passed)), None)
        if sealed is None and self._passed:
            self._passed.clear()  # all the others have been tried: from the beginning
            sealed = next(self._spool.pending(), None)
        return sealed

    def _pass_by(self, sealed: Sealed) -> None:
        """Count a failing answer; after a few, the others first. The whole recording waits, not this chunk alone: its
        key packet must come first, and each stream in order."""
        tries = self._stubborn.pop(sealed.recording, 0) + 1
        if tries < STUBBORN:
            self._stubborn[sealed.recording] = tries
        else:
            self._passed.add(sealed.recording)

    def _forget(self, sealed: Sealed, answer: Answer) -> None:
        """Let the spool forget the chunk if this is the store's receipt for it; else raise Untrusted and keep it."""
        try:
            self._check_receipt(sealed, answer)
        except Untrusted:
            self._pass_by(sealed)
            self._raise_alarm(STORE_LIES)
            raise
        self._spool.forget(sealed.name)
        self._clear_alarms({STORE_LIES})
        self._told.receipt(self._clock.now())

    def _check_receipt(self, sealed: Sealed, answer: Answer) -> None:
        token = understood(answer, lambda claims: claims.text("receipt"))
        try:
            if jws.read_header(jws.RECEIPT, token)["kid"] not in self._trust.store_keys:
                self._adopt_bundle()  # the store may have a new key, vouched for by the one that we know
            receipt = Receipt.verify(token, self._trust.store_keys)
        except (ProtocolError, Refused) as problem:
            raise Untrusted(f"the store's receipt is worthless: {problem}") from problem
        promised = (receipt.recording, receipt.stream, receipt.sequence, receipt.sha256, receipt.device)
        if promised != (
            sealed.recording, sealed.stream, sealed.sequence, sealed.sha256.hex(), self._identity.device,
        ):  # fmt: skip
            raise Untrusted("the store gave a receipt for something else than it was sent")

    # -- alarms ---------------------------------------------------------------------------------------------------

    def _raise_alarm(self, code: str) -> None:
        if code not in self._alarms:
            self._alarms.add(code)
            self._told.alarm(code)

    def _clear_alarms(self, codes: AbstractSet[str]) -> None:
        for code in sorted(self._alarms & codes):
            self._alarms.remove(code)
            self._told.cleared(code)
