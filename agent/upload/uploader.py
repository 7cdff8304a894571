"""The loop that empties the spool: one thread decides, a few others carry chunks.

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
from agent.core.model import SECOND, Hold
from agent.errors import Refused, Transient, Untrusted
from agent.identity import Identity, Trust
from agent.ports import Clock, Sealed, Spool
from agent.upload.answers import NO_KEY_PACKET, SHUT_OUT_CODES, Fate, ShutOut, fate, later, settle, understood
from agent.upload.bearer import Bearer
from agent.upload.flights import Flights, Landed
from agent.upload.packets import KeptPackets
from agent.wire import Answer, Wire
from protocol import api, jws
from protocol.bundle import Bundle
from protocol.claims import Claims
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import ProtocolError
from protocol.receipt import Receipt

log = logging.getLogger(__name__)

IDLE: Final = 5.0  # seconds between looks at an empty queue, where nobody says that something has come
HEALTH_EVERY: Final = 60 * SECOND
STUBBORN: Final = 3  # failing answers after which a recording waits by itself, ever longer, while the others go on
GLANCE: Final = 0.25  # seconds between looks at other duties while requests are under way
LANDING: Final = 1.5  # seconds that requests under way may still take at the end
STEADY: Final = 8  # chunks in a row that arrived, after which one more request at once is tried

STORE_LIES: Final = "store-lies"
STORE_FORGETS: Final = "store-forgets"
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
class _Stubborn:
    """A recording whose chunk got failing answers."""

    failures: int = 0
    not_before: int = 0


@dataclass(slots=True)
class _Errand:
    """Something small beside the chunks. `work` is False when nothing is to be done; a refusal delays only itself."""

    code: str  # of the alarm when the store refuses it
    work: Callable[[], bool]
    failures: int = 0
    not_before: int = 0


class Uploader:
    """Give `run` a thread. `health`: what the store should know of this PC now.

    At most `parallel` recordings are sent at once, and none outside of `hours` (asked with the wall clock, ns).
    """

    def __init__(
        self,
        identity: Identity,
        trust: Trust,
        wire: Wire,
        *,
        spool: Spool,
        account: Account,
        texts: Texts,
        packets: KeptPackets,
        health: Callable[[], api.DeviceHealthRequest],
        told: Told,
        clock: Clock,
        chance: Callable[[], float],
        parallel: int = 1,
        hours: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._identity = identity
        self._trust = trust
        self._wire = wire
        self._spool = spool
        self._account = account
        self._texts = texts
        self._packets = packets
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
        self._parallel = parallel
        self._width = parallel  # how many at once now: fewer on a line that fails, for they share it
        self._steady = 0
        self._hours = hours
        self._failures = 0
        self._stubborn: dict[UUID, _Stubborn] = {}
        self._forgetful: set[UUID] = set()  # recordings whose key packet the store did not keep, though it said so
        self._alarms: set[str] = set()
        self._bundle_wanted = True
        self._health_at = clock.now() - HEALTH_EVERY
        self._all_at_once = False
        self._awake = threading.Event()
        self._flights = Flights(self._put, self._awake.set, clock)

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set and `wake` called, and no request is under way any more."""
        while not stop.is_set():
            pause = self.step()
            if pause == IDLE:
                self._awake.wait(pause)
                self._awake.clear()
            else:
                stop.wait(pause)  # a failure is not tried again earlier because more has come
        self._land()

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
        self._land()
        return self._spool.waiting()[0] == 0 and self._account.due(at_once=True) is None

    @property
    def under_way(self) -> bool:
        """Whether a request is still out: the wire must then not be closed."""
        return bool(self._flights.recordings)

    def step(self) -> float:
        """Do the next thing, if there is one; seconds to wait before the one after it."""
        while True:
            landed = self._flights.next_landed()
            if landed is not None:
                return self._arrive(landed)
            pause = self._attempt(self._run_errand)
            if pause is not None:
                return pause
            pause = self._attempt(self._send_another)
            if pause:
                return pause
            if pause is not None:
                continue
            if not self.under_way:
                return IDLE
            if not self._awake.wait(GLANCE):
                return 0.0
            self._awake.clear()

    def _attempt(self, work: Callable[[], bool]) -> float | None:
        """Seconds to wait, 0.0 where it did something, None where nothing was to be done."""
        try:
            return 0.0 if work() else None
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

    def _again(self, retry_after: float | None) -> float:
        self._failures += 1
        return backoff.delay(self._failures - 1, self._chance(), retry_after)

    def _went_well(self) -> None:
        self._failures = 0
        self._clear_alarms(SHUT_OUT_CODES)

    def _land(self) -> None:
        """See those under way to their end, if it is near."""
        self._wire.break_off()  # what a limit holds back would outlast any patience
        try:
            while self.under_way:
                self._awake.clear()
                landed = self._flights.next_landed()
                if landed is not None:
                    self._arrive(landed)
                elif not self._awake.wait(LANDING):
                    return
        finally:
            self._wire.break_off(False)

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
                self._went_well()  # an answer, though a sad one
                return True
            except Transient:
                errand.not_before = now + int(backoff.delay(errand.failures, self._chance()) * SECOND)
                errand.failures += 1
                raise
            errand.failures = 0
            self._went_well()
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
        health = self._health()
        answer = self._bearer.send("PUT", api.device_health_path(self._identity.device), dict(health))
        settle(answer, "this PC's health")
        self._health_at = self._clock.now()
        newest = understood(answer, lambda claims: claims.integer("bundle_revision"))
        self._bundle_wanted = self._bundle_wanted or newest > self._trust.bundle.revision
        full = Hold.SPOOL_FULL in health["holds"]  # then sealed chunks wait for room, and they may be of any recording
        self._packets.drop_those_through(health.get("recording"), lambda: not full and self._spool.waiting()[0] == 0)
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

    def _put(self, sealed: Sealed) -> Answer:
        """In any thread."""
        path = api.recording_path(sealed.recording, sealed.stream, sealed.sequence)
        return self._bearer.send("PUT", path, sealed.data)

    def _send_another(self) -> bool:
        """One more chunk on its way, if there is one whose turn it is."""
        busy = self._flights.recordings
        if len(busy) >= self._width or self._spool.waiting()[0] == 0 or not self._hours(self._clock.wall()):
            return False
        now = self._clock.now()
        waiting = {recording for recording, stubborn in self._stubborn.items() if now < stubborn.not_before}
        sealed = next(self._spool.pending(busy | waiting), None)
        if sealed is None:
            return False
        self._flights.start(sealed, self._failures)
        return True

    def _arrive(self, landed: Landed) -> float:
        """Seconds to wait before anything else is sent."""
        known = self._failures
        pause = self._attempt(lambda: self._settle_chunk(landed))
        if landed.attempt == known:
            if pause:
                self._width, self._steady = max(1, self._width // 2), 0
            return pause or 0.0
        # Others that left when it did have failed meanwhile: together they are one failure, whose pause is over, and
        # what arrived nevertheless left before that. Only the store's own word may ask for more.
        self._failures = known
        return max(0.0, (landed.come_back_at - self._clock.now()) / SECOND) if pause else 0.0

    def _settle_chunk(self, landed: Landed) -> bool:
        sealed, answer = landed.sealed, landed.answer()
        match fate(answer):
            case Fate.ACCEPTED:
                self._forget(sealed, answer)
                self._grow()
            case Fate.NEVER if answer.refusal() == NO_KEY_PACKET and self._send_packet_again(sealed):
                return True
            case Fate.NEVER:
                why = f"the store refused it: {answer.refusal()} ({answer.status})"
                self._spool.set_aside(sealed.name, why)
                log.warning("%s was set aside: %s", sealed.name, why)
                self._raise_alarm(CHUNK_REFUSED)
            case _:
                self._pass_by(sealed)
                raise later(answer)
        self._stubborn.pop(sealed.recording, None)
        self._forgetful.discard(sealed.recording)
        if not self._forgetful:
            self._clear_alarms({STORE_FORGETS})
        self._went_well()
        return True

    def _grow(self) -> None:
        self._steady += 1
        if self._steady >= STEADY:
            self._width, self._steady = min(self._parallel, self._width + 1), 0

    def _pass_by(self, sealed: Sealed) -> None:
        """Count a failing answer; after a few, the others go on without it. The whole recording waits, not this chunk
        alone: its key packet must come first, and each stream in order."""
        stubborn = self._stubborn.setdefault(sealed.recording, _Stubborn())
        stubborn.failures += 1
        if stubborn.failures >= STUBBORN:
            pause = backoff.delay(stubborn.failures, self._chance())
            stubborn.not_before = self._clock.now() + int(pause * SECOND)

    def _send_packet_again(self, sealed: Sealed) -> bool:
        """Whether the store has the key packet of the chunk's recording again, so that the chunk may follow.

        False where this PC has it no more, and where the store refuses it. Raises as any sending.
        """
        packet = self._packets.find(sealed.recording)
        if packet is None:
            return False
        log.warning("the store has forgotten a key packet that it had: it is sent again")
        self._pass_by(sealed)  # a store that forgets it again and again is asked ever more seldom
        if self._stubborn[sealed.recording].failures >= STUBBORN:
            self._forgetful.add(sealed.recording)
            self._raise_alarm(STORE_FORGETS)
        answer = self._put(packet)
        if fate(answer) is Fate.NEVER:
            return False
        settle(answer, "a key packet")
        self._believe(packet, answer)
        return True

    def _forget(self, sealed: Sealed, answer: Answer) -> None:
        """Let the spool forget the chunk if this is the store's receipt for it; else raise Untrusted and keep it."""
        self._believe(sealed, answer)
        if sealed.stream == KEY_PACKET_STREAM:
            self._packets.keep(sealed)
        self._spool.forget(sealed.name)
        self._told.receipt(self._clock.now())

    def _believe(self, sealed: Sealed, answer: Answer) -> None:
        """Raises Untrusted, with an alarm, unless this is the store's receipt for it."""
        try:
            self._check_receipt(sealed, answer)
        except Untrusted:
            self._pass_by(sealed)
            self._raise_alarm(STORE_LIES)
            raise
        self._clear_alarms({STORE_LIES})

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
