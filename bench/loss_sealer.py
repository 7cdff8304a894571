"""A PC without a screen that seals as fast as its store takes it: a write is under way at nearly every moment.

    python -m bench.loss_sealer TOLD [AHEAD LONGEST]

The real session, recorder, sealer, spool, ledger and uploader, wired and set as the shipped ones; only what the chunks
hold is made up. So a power cut at a random instant falls into the middle of a write, which it rarely does where chunks
are a second apart. What the spool promises is appended to TOLD (see bench/loss_agent.py). AHEAD: chunks that may wait
for the store; LONGEST: bytes of a chunk at most. Until SIGTERM.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from agent import desktop
from agent.config import Config, load
from agent.control import control
from agent.control.control import ControlSocket
from agent.core import session
from agent.core.model.media import Chunk, ChunkFlag, ChunkKind, Frame, Lane, Monitor
from agent.core.model.rules import Hold, Policy
from agent.core.model.seen import Box
from agent.core.model.times import SECOND, Span
from agent.errors import EyelidError
from agent.pipeline import Mailbox, Stage
from agent.recorder.recording import Close, Factories, Gap, Open, Order, Recorder
from agent.seal import Provenance, RecordingSealer
from agent.sending import VERSION, sending
from agent.state import identity
from agent.upload.alarms import UploadCallbacks
from bench.loss_agent import listen
from protocol.api import DeviceHealthRequest
from protocol.policyhash import policy_hash

FILES: Final = {"made-up.yaml": b"schema: 1\nrevision: 1\nname: made up\nrules: []\n...\n"}
MONITOR: Final = Monitor(0, Box(0, 0, 640, 480), "made-up")
LONGEST: Final = 40_000  # bytes of a chunk at most
AHEAD: Final = 24  # chunks that may wait for the store
LASTS: Final = SECOND  # of a recording, so that new folders and new key packets come too


say = partial(print, file=sys.stderr, flush=True)


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

    def __init__(self, config: Config, ahead: int, longest: int) -> None:
        who = identity.load(config.home)
        self._home = config.home
        self._clock = clock = desktop.current_clock()
        self._orders: Mailbox[Order] = Mailbox(12)
        self._events: Mailbox[session.Event] = Mailbox(64)
        self._session = session.Session()
        self._finished = False
        self._ahead = ahead
        self._opened = 0  # when the open recording was
        self._at = 0  # where its next chunk begins
        self._origin = Provenance(who.device, who.keys, "made-up", "nobody", VERSION)
        callbacks = UploadCallbacks(lambda _: None, lambda code: say(f"alarm {code}"), *[lambda _: None] * 2)
        self._sends = sends = sending(config, who, clock, keep_free=0, callbacks=callbacks, health=self._health)
        sends.texts.offer(FILES)
        self._recorder = Recorder(
            self._orders,
            factories=Factories(sealer=self._new_sealer, encoder=lambda _: MadeUp(longest)),
            spool=sends.spool,
            ledger=sends.ledger,
            clock=clock,
            hold=lambda hold, on: self._put(session.HoldsAre(frozenset({hold}), frozenset({hold} if on else ()))),
            spooled=sends.uploader.wake,
        )
        self._stop_upload = threading.Event()
        self._failed: list[str] = []

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._put(session.StopAsked()))
        socket = ControlSocket(self._home, lambda _verb, _asked: {"holds": sorted(self._session.holds)})
        uploader = self._sends.uploader
        record = Stage("record", self._recorder.run, self._stage_failed)
        upload = Stage("upload", lambda: uploader.run(self._stop_upload), self._stage_failed)
        record.start()
        upload.start()
        policy = Policy(policy_hash(FILES), 1, "made up", ())
        for event in (session.Started(), session.PolicyInForce(policy), session.LaneJudged(Lane.SCREEN, ())):
            self._happen(event)
        self._at = self._clock.now()  # nothing before the lane was open
        while not self._finished and not self._failed:
            idle = self._session.held or self._sends.spool.waiting()[0] >= self._ahead
            self._happen(self._events.get(0.005 if idle else 0.0) or session.Tick())
            if not idle:
                self._keep()
        self._orders.close()
        record.join()
        self._happen(session.Drained())
        self._stop_upload.set()
        uploader.wake()
        upload.join()
        uploader.flush(self._clock.now() + 5 * SECOND)
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
        self._at = self._opened = self._clock.now()
        self._orders.put(Open(policy_hash(FILES), self._opened, (MONITOR,)), must=True)

    def _happen(self, event: session.Event) -> None:
        held = self._session.held
        self._session, commands = session.step(self._session, event, self._clock.now())
        for command in commands:
            match command:
                case session.Write(kind, fields):
                    self._sends.ledger.write(kind, **fields)
                case session.OpenRecording():
                    self._open()
                case session.CloseRecording(why):
                    self._orders.put(Close(self._at, why), must=True)
                case session.Finish():
                    self._finished = True
                case _:
                    pass
        if held and not self._session.held:
            self._at = self._clock.now()
        elif self._session.held and not held:
            self._orders.put(Gap(self._at), must=True)

    def _put(self, event: session.Event) -> None:
        self._events.put(event, must=True)

    def _stage_failed(self, stage: str, failure: BaseException) -> None:
        self._failed.append(stage)
        say(f"the {stage} stage has died: {failure}")

    def _new_sealer(self, order: Open) -> RecordingSealer:
        return RecordingSealer(
            self._origin,
            self._sends.trust.bundle,
            policy=order.policy,
            monitors=order.monitors,
            start=order.start,
            wall=self._clock.wall() - (self._clock.now() - order.start),
        )

    def _health(self) -> DeviceHealthRequest:
        health = self._sends.health()
        recording, heads = self._recorder.stats.named()
        health["heads"] = {str(stream): {"next": one[0], "head": one[1]} for stream, one in heads.items()}
        health["holds"] = sorted(self._session.holds - {Hold.NO_POLICY})
        if recording is not None:
            health["recording"] = recording
        return health


def main() -> int:
    listen(Path(sys.argv[1]))
    config = load()
    try:
        with control.claim(config.home):
            return Pc(config, *(map(int, sys.argv[2:4]) if sys.argv[2:] else (AHEAD, LONGEST))).run()
    except EyelidError as failure:
        say(f"{type(failure).__name__}: {failure}")
        return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
