"""What travels beside the chunks, small and soon: the account, policies' texts, health with the heads, the bundle.

Whether media may be sent now is no matter to it: what the heads of every minute name cannot be cut off unnoticed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from uuid import UUID

from agent.core import backoff
from agent.core.account.troubles import TroubleCode
from agent.core.model.rules import Hold
from agent.core.model.times import SECOND
from agent.errors import Refused, Transient, Untrusted
from agent.ports import Clock, Spool
from agent.state.identity import Identity, Trust
from agent.upload.alarms import Alarms, UploadCallbacks
from agent.upload.answers import settle, understood
from agent.upload.bearer import Bearer
from agent.upload.packets import KeptPackets
from agent.upload.receipts import KeptReceipts
from agent.wire import Answer
from protocol import api
from protocol.claims import Claims
from protocol.report import DeviceReport

log = logging.getLogger(__name__)

HEALTH_EVERY: Final = 60 * SECOND


class Account(Protocol):
    """What uploading asks of the ledger."""

    def due(self, *, at_once: bool = False) -> str | None:
        """The next signed batch, if one is due."""

    def confirmed(self, next_: int, head: str) -> None:
        """The store waits for entry `next_`, and the one before hashes to `head`. Raises Untrusted if that is no entry
        of this ledger."""

    def sent(self) -> int:
        """Number of the first entry that the store has not confirmed."""


class Texts(Protocol):
    """What uploading asks of the policies that were in force."""

    def waiting(self) -> tuple[str, dict[str, str]] | None:
        """(hash, file name -> text) of a policy that the store does not have yet."""

    def sent(self, policy: str) -> None: ...


@dataclass(slots=True)
class _SyncTask:
    """Something small beside the chunks. `work` is False when nothing is to be done; a refusal delays only itself."""

    code: TroubleCode  # of the alarm when the store refuses it
    work: Callable[[], bool]
    failures: int = 0
    not_before: int = 0


class SyncTasks:
    """For one thread. `health`: what the store should know of this PC now."""

    def __init__(
        self,
        identity: Identity,
        trust: Trust,
        bearer: Bearer,
        *,
        spool: Spool,
        account: Account,
        texts: Texts,
        packets: KeptPackets,
        receipts: KeptReceipts,
        health: Callable[[], api.DeviceHealthRequest],
        callbacks: UploadCallbacks,
        alarms: Alarms,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._identity = identity
        self._trust = trust
        self._bearer = bearer
        self._spool = spool
        self._account = account
        self._texts = texts
        self._packets = packets
        self._receipts = receipts
        self._health = health
        self._callbacks = callbacks
        self._alarms = alarms
        self._clock = clock
        self._chance = chance
        self._sync_tasks = (
            _SyncTask(TroubleCode.LEDGER_REFUSED, self._send_ledger),
            _SyncTask(TroubleCode.POLICY_REFUSED, self._send_text),
            _SyncTask(TroubleCode.HEALTH_REFUSED, self._send_health),
            _SyncTask(TroubleCode.BUNDLE_REFUSED, self._fetch_bundle),
        )
        self._bundle_wanted = True
        self._health_at = clock.now() - HEALTH_EVERY
        self._all_at_once = False
        self._troubled: set[str] = set()  # tasks that this PC's disk is in the way of

    def hurry(self) -> None:
        """The end is near: what would wait for its time is due now."""
        self._all_at_once = True
        for task in self._sync_tasks:
            task.not_before = 0

    @property
    def done(self) -> bool:
        """Whether the store has the whole account."""
        try:
            return self._account.due(at_once=True) is None
        except (Refused, Transient):  # the keys service's
            return False

    def run_next(self) -> bool:
        """Whether one was due; it is done then, or its time has been put off. Raises ShutOut, Transient."""
        now = self._clock.now()
        for task in self._sync_tasks:
            if now < task.not_before:
                continue
            try:
                if not task.work():
                    continue
            except (Refused, Untrusted) as refused:
                self._alarms.sound(task.code)
                log.warning("%s", refused)
                task.not_before = now + int(backoff.CAP * SECOND)
                return True
            except OSError as failure:
                # This PC's own disk: what lies in the spool can still be sent, and that alone makes room.
                self._alarms.sound(TroubleCode.STATE_UNREADABLE)
                log.warning("a task for the store met a fault of this disk: %s", failure.strerror)
                task.not_before = now + int(backoff.CAP * SECOND)
                self._troubled.add(task.code)
                return True
            except Transient:
                task.not_before = now + int(backoff.delay(task.failures, self._chance()) * SECOND)
                task.failures += 1
                raise
            task.failures = 0
            self._alarms.clear({task.code})
            self._troubled.discard(task.code)
            if not self._troubled:
                self._alarms.clear({TroubleCode.STATE_UNREADABLE})
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
        health["report"] = self._identity.keys.report(self._report(health))
        answer = self._bearer.send("PUT", api.device_health_path(self._identity.device), dict(health))
        settle(answer, "this PC's health")
        self._health_at = self._clock.now()
        newest, place = understood(
            answer,
            lambda claims: (
                claims.integer("bundle_revision"),
                claims.integer("location") if claims.has("location") else 0,
            ),
        )
        # An older one too: asking for it raises the alarm that the store's bundle was put back.
        wanted = newest != self._trust.bundle.revision or place > self._trust.location
        self._bundle_wanted = self._bundle_wanted or wanted
        full = Hold.SPOOL_FULL in health["holds"]  # then sealed chunks wait for room, and they may be of any recording
        self._packets.drop_those_through(health.get("recording"), lambda: not full and self._spool.waiting()[0] == 0)
        return True

    def _report(self, health: api.DeviceHealthRequest) -> DeviceReport:
        """What the store must not lose. Signed, because its disk is in other hands."""
        recording = UUID(health["recording"]) if "recording" in health else None
        taken = self._receipts.ends(recording) if recording is not None else {}
        return DeviceReport(
            device=self._identity.device,
            wall=health["wall"],
            recording=recording,
            heads={int(stream): (head["next"], head["head"]) for stream, head in health["heads"].items()},
            receipted={stream: following for stream, (following, _) in taken.items()},
            ledger=(health["ledger"]["next"], health["ledger"]["head"]),
            confirmed=self._account.sent(),
        )

    def _fetch_bundle(self) -> bool:
        """The newest bundle, the store's successor keys and where it is: at the start, and when it has more."""
        if not self._bundle_wanted:
            return False
        self.adopt_bundle()
        self._bundle_wanted = False
        return True

    def adopt_bundle(self) -> None:
        """Raises Refused, Untrusted, Transient, ShutOut."""
        answer = self._bearer.send("GET", api.BUNDLE, b"")
        settle(answer, "the question for the bundle")
        token, successors, location = understood(
            answer,
            lambda claims: (
                claims.text("bundle"),
                claims.texts("successors"),
                claims.text("location") if claims.has("location") else "",
            ),
        )
        if self._trust.adopt(token, successors, location):
            self._callbacks.bundle(self._trust.bundle)
        if self._trust.location:  # else the store is where it was
            self._bearer.follow(self._trust.places)
