"""The loop that empties the spool: one thread decides, a few others carry chunks.

Whatever the network, a proxy or the store does costs time, never a chunk.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agent.core import backoff
from agent.core.account.troubles import TroubleCode
from agent.core.model.times import SECOND
from agent.errors import Refused, Transient, Untrusted
from agent.ports import Clock, Sealed, Spool
from agent.state.identity import Identity, Trust
from agent.upload.alarms import Alarms, UploadCallbacks
from agent.upload.answers import NO_KEY_PACKET, SHUT_OUT_CODES, Disposition, ShutOut, later, settle, understood, weigh
from agent.upload.bearer import Bearer
from agent.upload.in_flight import Completion, InFlight
from agent.upload.packets import KeptPackets
from agent.upload.receipts import KeptReceipts
from agent.upload.sync_tasks import Account, SyncTasks, Texts
from agent.wire import Answer, Wire
from protocol import api, jws
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import ProtocolError
from protocol.receipt import Receipt

log = logging.getLogger(__name__)

IDLE: Final = 5.0  # seconds between looks at an empty queue, where no wake-up came
RETRIES: Final = 3  # failing answers after which a recording waits alone, ever longer, while the others go on
GLANCE: Final = 0.25  # seconds between looks at other duties while requests are under way
LANDING: Final = 1.5  # seconds that requests under way may still take at the end
STEADY: Final = 8  # chunks in a row that arrived, after which one more request at once is tried


@dataclass(slots=True)
class _RetryState:
    """A recording whose chunk got failing answers."""

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
        receipts: KeptReceipts,
        health: Callable[[], api.DeviceHealthRequest],
        callbacks: UploadCallbacks,
        clock: Clock,
        chance: Callable[[], float],
        parallel: int = 1,
        hours: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._identity = identity
        self._trust = trust
        self._wire = wire
        self._spool = spool
        self._packets = packets
        self._receipts = receipts
        self._callbacks = callbacks
        self._clock = clock
        self._chance = chance
        self._bearer = Bearer(identity, wire, clock)
        self._alarms = Alarms(callbacks)
        self._sync_tasks = SyncTasks(
            identity,
            trust,
            self._bearer,
            spool=spool,
            account=account,
            texts=texts,
            packets=packets,
            receipts=receipts,
            health=health,
            callbacks=callbacks,
            alarms=self._alarms,
            clock=clock,
            chance=chance,
        )
        self._parallel = parallel
        self._width = parallel  # how many at once now: fewer on a line that fails, for they share it
        self._steady = 0
        self._hours = hours
        self._failures = 0
        self._epoch = 0  # rises with every failure that counts; requests of the same epoch fail together
        self._retries: dict[UUID, _RetryState] = {}
        self._awake = threading.Event()
        self._in_flight = InFlight(self._put, self._awake.set, clock)

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

        For the end, when `run` has returned. Ends at the first failure, and once the clock is past `until` (ns).
        """
        self._sync_tasks.hurry()
        self._failures = 0
        while self.step() == 0.0 and not self._failures and self._clock.now() < until:
            pass
        self._land()
        return self._spool.waiting()[0] == 0 and self._sync_tasks.done

    @property
    def under_way(self) -> bool:
        """Whether a request is still out: the wire must then not be closed."""
        return bool(self._in_flight.recordings)

    def step(self) -> float:
        """Do the next thing, if there is one; seconds to wait before the one after it."""
        while True:
            completion = self._in_flight.next_completion()
            if completion is not None:
                return self._arrive(completion)
            pause = self._attempt(self._run_sync_task)
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
            self._alarms.sound(shut.code)
            self._failures += 1
            self._epoch += 1
            return backoff.CAP
        except Untrusted as lie:
            log.warning("%s", lie)
            return self._again(None)
        except Transient as failure:
            log.info("%s", failure)
            return self._again(failure.retry_after)

    def _run_sync_task(self) -> bool:
        done = self._sync_tasks.run_next()
        if done:
            self._went_well()
        return done

    def _again(self, retry_after: float | None) -> float:
        self._failures += 1
        self._epoch += 1
        return backoff.delay(self._failures - 1, self._chance(), retry_after)

    def _went_well(self) -> None:
        self._failures = 0
        self._alarms.clear(SHUT_OUT_CODES)

    def _land(self) -> None:
        """See those under way to their end, if it is near."""
        self._wire.break_off()  # what a limit holds back would outlast any patience
        try:
            while self.under_way:
                self._awake.clear()
                completion = self._in_flight.next_completion()
                if completion is not None:
                    self._arrive(completion)
                elif not self._awake.wait(LANDING):
                    return
        finally:
            self._wire.break_off(False)

    # -- chunks ---------------------------------------------------------------------------------------------------

    def _put(self, sealed: Sealed) -> Answer:
        """In any thread."""
        path = api.recording_path(sealed.recording, sealed.stream, sealed.sequence)
        return self._bearer.send("PUT", path, sealed.data)

    def _send_another(self) -> bool:
        """One more chunk on its way, if there is one whose turn it is."""
        busy = self._in_flight.recordings
        if len(busy) >= self._width or self._spool.waiting()[0] == 0 or not self._hours(self._clock.wall()):
            return False
        now = self._clock.now()
        waiting = {recording for recording, retry in self._retries.items() if now < retry.not_before}
        sealed = next(self._spool.pending(busy | waiting), None)
        if sealed is None:
            return False
        self._in_flight.start(sealed, self._epoch)
        return True

    def _arrive(self, completion: Completion) -> float:
        """Seconds to wait before anything else is sent."""
        known, epoch = self._failures, self._epoch
        pause = self._attempt(lambda: self._settle_chunk(completion))
        if completion.epoch == epoch:
            if pause:
                self._width, self._steady = max(1, self._width // 2), 0
            return pause or 0.0
        # Others that left when it did have failed meanwhile: together they are one failure, whose pause is over, and
        # what arrived nevertheless left before that. Only the store's own word may ask for more.
        self._failures, self._epoch = known, epoch
        return max(0.0, (completion.come_back_at - self._clock.now()) / SECOND) if pause else 0.0

    def _settle_chunk(self, completion: Completion) -> bool:
        sealed, answer = completion.sealed, completion.answer()
        match weigh(answer):
            case Disposition.ACCEPTED:
                self._forget(sealed, answer)
                self._grow()
            case Disposition.NEVER if answer.refusal() == NO_KEY_PACKET and self._send_packet_again(sealed):
                return True
            case Disposition.NEVER:
                self._alarms.sound(TroubleCode.CHUNK_REFUSED)
                self._set_aside(sealed, f"the store refused it: {answer.refusal()} ({answer.status})")
            case _:
                self._pass_by(sealed)
                raise later(answer)
        self._retries.pop(sealed.recording, None)
        self._alarms.settled(TroubleCode.STORE_FORGETS, sealed.recording)
        self._went_well()
        return True

    def _set_aside(self, sealed: Sealed, why: str) -> None:
        """Raises Transient while this PC's disk refuses: the others go on meanwhile, and make room on it."""
        try:
            self._spool.set_aside(sealed.name, why)
        except Transient:
            self._pass_by(sealed)
            raise
        log.warning("%s was set aside: %s", sealed.name, why)

    def _grow(self) -> None:
        self._steady += 1
        if self._steady >= STEADY:
            self._width, self._steady = min(self._parallel, self._width + 1), 0

    def _pass_by(self, sealed: Sealed) -> None:
        """Count a failing answer; after a few, the others go on without it. The whole recording waits, not this chunk
        alone: its key packet must come first, and each stream in order."""
        retry = self._retries.setdefault(sealed.recording, _RetryState())
        retry.failures += 1
        if retry.failures >= RETRIES:
            pause = backoff.delay(retry.failures, self._chance())
            retry.not_before = self._clock.now() + int(pause * SECOND)

    def _send_packet_again(self, sealed: Sealed) -> bool:
        """Whether the store has the key packet of the chunk's recording again, so that the chunk may follow.

        False where this PC has it no more, and where the store refuses it. Raises as any sending.
        """
        packet = self._packets.find(sealed.recording)
        if packet is None:
            return False
        log.warning("the store has forgotten a key packet that it had: it is sent again")
        self._pass_by(sealed)  # a store that forgets it again and again is asked ever more seldom
        if self._retries[sealed.recording].failures >= RETRIES:
            self._alarms.sound(TroubleCode.STORE_FORGETS, sealed.recording)
        answer = self._put(packet)
        if weigh(answer) is Disposition.NEVER:
            return False
        settle(answer, "a key packet")
        self._believe(packet, answer)
        return True

    def _forget(self, sealed: Sealed, answer: Answer) -> None:
        """Let the spool forget the chunk if this is the store's receipt for it; else raise Untrusted and keep it."""
        receipt = self._believe(sealed, answer)
        if sealed.stream == KEY_PACKET_STREAM:
            self._packets.keep(sealed)
        self._receipts.keep(sealed.recording, receipt)  # before the chunk goes: one of them says that it was sealed
        self._spool.forget(sealed.name)
        self._callbacks.receipt(self._clock.now())

    def _believe(self, sealed: Sealed, answer: Answer) -> str:
        """The store's receipt for it (JWS). Raises Untrusted, with an alarm, where this is none."""
        try:
            token = self._check_receipt(sealed, answer)
        except Untrusted:
            self._pass_by(sealed)
            self._alarms.sound(TroubleCode.STORE_LIES, sealed.recording)
            raise
        self._alarms.settled(TroubleCode.STORE_LIES, sealed.recording)
        return token

    def _check_receipt(self, sealed: Sealed, answer: Answer) -> str:
        token = understood(answer, lambda claims: claims.text("receipt"))
        try:
            if jws.read_header(jws.RECEIPT, token)["kid"] not in self._trust.store_keys:
                self._sync_tasks.adopt_bundle()  # the store may have a new key, vouched for by the one that we know
            receipt = Receipt.verify(token, self._trust.store_keys)
        except (ProtocolError, Refused) as problem:
            raise Untrusted(f"the store's receipt is worthless: {problem}") from problem
        promised = (receipt.recording, receipt.stream, receipt.sequence, receipt.sha256, receipt.device)
        if promised != (
            sealed.recording, sealed.stream, sealed.sequence, sealed.sha256.hex(), self._identity.device,
        ):  # fmt: skip
            raise Untrusted("the store gave a receipt for something else than it was sent")
        return token
