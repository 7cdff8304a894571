"""A PC without a screen that seals as fast as its store takes it: a write is under way at nearly every moment.

    python -m bench.loss_sealer HOME TOLD [AHEAD LONGEST]

The real session, recorder, sealer, spool, ledger and uploader, of a home that is enrolled; only what the chunks hold is
made up. So a power cut at a random instant falls into the middle of a write, which it rarely does where chunks are a
second apart. What the spool promises is appended to TOLD (see bench/loss_agent.py). AHEAD: chunks that
may wait for the store; LONGEST: bytes of a chunk at most. Until SIGTERM.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from agent import desktop
from agent.control import control
from agent.control.control import ControlSocket
from agent.core.model.media import Chunk, ChunkFlag, ChunkKind, Frame, Lane, Monitor
from agent.core.model.rules import Hold, Policy
from agent.core.model.seen import Box
from agent.core.model.times import SECOND, Span
from agent.core.session import (
    CloseRecording,
    Drained,
    Event,
    Finish,
    HoldsAre,
    LaneJudged,
    OpenRecording,
    PolicyInForce,
    Session,
    Started,
    StopAsked,
    Tick,
    Write,
    step,
)
from agent.errors import EyelidError
from agent.ledger import DiskLedger
from agent.pipeline import Mailbox, Stage
from agent.recorder.recording import Close, Factories, Gap, Open, Order, Recorder
from agent.seal import Provenance, RecordingSealer
from agent.sending import VERSION
from agent.spool import DiskSpool
from agent.state import identity
from agent.state.identity import Trust
from agent.upload.alarms import UploadCallbacks
from agent.upload.packets import KeptPackets
from agent.upload.texts import PolicyTexts
from agent.upload.uploader import Uploader
from agent.wire import Wire
from bench.loss_agent import listen
from protocol.api import DeviceHealthRequest
from protocol.policyhash import policy_hash

FILES: Final = {"made-up.yaml": b"schema: 1\nrevision: 1\nname: made up\nrules: []\n...\n"}
MONITOR: Final = Monitor(0, Box(0, 0, 640, 480), "made-up")
LONGEST: Final = 40_000  # bytes of a chunk at most
AHEAD: Final = 24  # chunks that may wait for the store
LASTS: Final = SECOND  # of a recording, so that new folders and new key packets come too


class MadeUp:
    """`agent.ports.Encoder`: a chunk for every frame, of any length up to `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._begun = False
        self._gap = False

    def encode(self, frame: Frame) -> Iterator[Chunk]:
        if not self._begun:
            self._begun = True
            start = Span(frame.span.start, frame.span.start)
            yield Chunk(frame.stream, ChunkKind.HEADER, start, b"made up")
        flags = ChunkFlag.KEY_FRAME | (ChunkFlag.AFTER_GAP if self._gap else ChunkFlag.NONE)
        self._gap = False
        yield Chunk(frame.stream, ChunkKind.MEDIA, frame.span, os.urandom(random.randrange(1, self._longest)), flags)

    def gap(self, until: int) -> Iterator[Chunk]:
        del until
        self._gap = True
        return iter(())

    def close(self, until: int) -> Iterator[Chunk]:
        del until
        return iter(())


class Pc:
    """What `agent.app.Recording` wires together, without anything that looks or listens."""

    def __init__(self, home: Path, spool: type[DiskSpool], ahead: int, longest: int) -> None:
        who = identity.load(home)
        self._clock = clock = desktop.current_clock()
        self._trust = Trust(who)
        self._orders: Mailbox[Order] = Mailbox(12)
        self._events: Mailbox[Event] = Mailbox(64)
        self._session = Session()
        self._finished = False
        self._ahead = ahead
        self._opened = 0  # when the open recording was
        self._at = 0  # where its next chunk begins
        self._ledger = DiskLedger(home / "ledger", clock, device=who.device, evidence=who.evidence_key)
        self._spool = spool(home / "spool", max_bytes=10**9, keep_free=0, alarm=self._alarm)
        self._origin = Provenance(who.device, who.evidence_key, "made-up", "nobody", VERSION)
        texts = PolicyTexts(home / "policy-texts")
        texts.offer(FILES)
        wire = Wire(who.address, who.ca, clock, agent_version=VERSION)
        self._uploader = Uploader(
            who,
            self._trust,
            wire,
            spool=self._spool,
            account=self._ledger,
            texts=texts,
            packets=KeptPackets(home / "key-packets"),
            health=self._health,
            callbacks=UploadCallbacks(lambda _: None, self._alarm, lambda _: None, lambda _: None),
            clock=clock,
            chance=random.random,
        )
        self._recorder = Recorder(
            self._orders,
            factories=Factories(sealer=self._new_sealer, encoder=lambda _: MadeUp(longest)),
            spool=self._spool,
            ledger=self._ledger,
            clock=clock,
            hold=lambda hold, on: self._put(HoldsAre(frozenset({hold}), frozenset({hold} if on else ()))),
            spooled=self._uploader.wake,
        )
        self._stop_upload = threading.Event()
        self._failed: list[str] = []
        self._home = home

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._put(StopAsked()))
        socket = ControlSocket(self._home, self._status)
        stages = {
            "record": Stage("record", self._recorder.run, self._stage_failed),
            "upload": Stage("upload", lambda: self._uploader.run(self._stop_upload), self._stage_failed),
        }
        for stage in stages.values():
            stage.start()
        policy = Policy(policy_hash(FILES), 1, "made up", ())
        for event in (Started(), PolicyInForce(policy), LaneJudged(Lane.SCREEN, ())):
            self._happen(event)
        self._at = self._clock.now()  # nothing before the lane was open
        while not self._finished and not self._failed:
            idle = self._session.held or self._spool.waiting()[0] >= self._ahead
            self._happen(self._events.get(0.005 if idle else 0.0) or Tick())
            if not idle:
                self._keep()
        self._orders.close()
        stages["record"].join()
        self._happen(Drained())
        self._stop_upload.set()
        self._uploader.wake()
        stages["upload"].join()
        self._uploader.flush(self._clock.now() + 5 * SECOND)
        socket.close()
        return 1 if self._failed else 0

    def _keep(self) -> None:
        """What has passed of the clock since the last chunk, once and without a gap."""
        if self._session.held:
            return
        now = self._clock.now()
        if now - self._opened >= LASTS:
            self._orders.put(Close(self._at, "hour"), must=True)
            self._open()
        elif self._orders.put(Frame(0, Span(self._at, now), 2, 2, b"")):
            self._at = now

    def _open(self) -> None:
        self._opened = self._clock.now()
        self._orders.put(Open(policy_hash(FILES), self._opened, (MONITOR,)), must=True)
        self._at = self._opened

    def _happen(self, event: Event) -> None:
        held = self._session.held
        self._session, commands = step(self._session, event, self._clock.now())
        for command in commands:
            match command:
                case Write(kind, fields):
                    self._ledger.write(kind, **fields)
                case OpenRecording():
                    self._open()
                case CloseRecording(why):
                    self._orders.put(Close(self._at, why), must=True)
                case Finish():
                    self._finished = True
                case _:
                    pass
        if held and not self._session.held:
            self._at = self._clock.now()
        elif self._session.held and not held:
            self._orders.put(Gap(self._at), must=True)

    def _status(self, verb: str, asked: Mapping[str, object]) -> Mapping[str, object]:
        del verb, asked
        return {"holds": sorted(self._session.holds)}

    def _put(self, event: Event) -> None:
        self._events.put(event, must=True)

    def _alarm(self, code: str) -> None:
        print(f"alarm {code}", file=sys.stderr, flush=True)

    def _stage_failed(self, stage: str, failure: BaseException) -> None:
        self._failed.append(stage)
        print(f"the {stage} stage has died: {failure}", file=sys.stderr, flush=True)

    def _new_sealer(self, order: Open) -> RecordingSealer:
        wall = self._clock.wall() - (self._clock.now() - order.start)
        return RecordingSealer(
            self._origin,
            self._trust.bundle,
            policy=order.policy,
            monitors=order.monitors,
            start=order.start,
            wall=wall,
        )

    def _health(self) -> DeviceHealthRequest:
        number, head = self._ledger.head()
        chunks, size = self._spool.waiting()
        recording, heads = self._recorder.stats.named()
        health: DeviceHealthRequest = {
            "wall": self._clock.wall(),
            "agent_version": VERSION,
            "heads": {str(stream): {"next": one[0], "head": one[1]} for stream, one in heads.items()},
            "ledger": {"next": number, "head": head},
            "holds": sorted(self._session.holds - {Hold.NO_POLICY}),
            "pending_chunks": chunks,
            "pending_bytes": size,
            "bundle_revision": self._trust.bundle.revision,
        }
        if recording is not None:
            health["recording"] = recording
        return health


def main() -> int:
    home, spool = Path(sys.argv[1]), listen(Path(sys.argv[2]))
    try:
        with control.claim(home):
            return Pc(home, spool, *(map(int, sys.argv[3:5]) if sys.argv[3:] else (AHEAD, LONGEST))).run()
    except EyelidError as failure:
        print(f"{type(failure).__name__}: {failure}", file=sys.stderr, flush=True)
        return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
