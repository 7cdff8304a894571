"""The composition root: it names the concrete classes, and the order in which they start and end.

What sends is wired in agent.sending, which drain needs too.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from types import FrameType
from typing import Final

from agent import desktop
from agent.browser.manifests import SOCKET_NAME
from agent.capture.marks import Glass, numbers
from agent.capture.screen import X11Screen
from agent.capture.sound_feed import NONE, Devices
from agent.capture.sound_systems import system_sound
from agent.config import Config, pinned
from agent.control import control
from agent.control.control import ControlSocket
from agent.control.control_service import ControlService, Sources
from agent.core.account.evidence import Promise
from agent.core.account.troubles import TroubleCode
from agent.core.language.change import InForce
from agent.core.model.marks import Marked, Sighted
from agent.core.model.media import Block, Frame
from agent.core.model.rules import Hold, Policy
from agent.core.model.seen import Alarm, Look, PageEvent
from agent.core.model.times import SECOND
from agent.core.session import HoldsAre
from agent.desktop.pressure import Pressure
from agent.desktop.privacy import refuse_dumps
from agent.encode.audio import SoundEncoder
from agent.encode.video import ScreenEncoder
from agent.errors import EnvironmentFault, Transient
from agent.log import log_last_words, write_log
from agent.pipeline import Mailbox, Stage
from agent.ports import Encoder, Sealer, Sound
from agent.recorder.audio_loop import Heard, listen
from agent.recorder.daemon import Daemon
from agent.recorder.messages import Cleared, Failed, GrabWanted, Message, PolicyArrived, Stop, Trouble
from agent.recorder.recording import Factories, Open, Order, Recorder
from agent.recorder.seeking import Seeker
from agent.recorder.shutter import REPEAT_EVERY, Grabbed, Shutter, Still, capture
from agent.seal import Provenance, RecordingSealer
from agent.sending import VERSION, sending
from agent.state import identity
from agent.state.hold_file import HoldFile
from agent.state.identity import Identity
from agent.state.in_force import recall, remember
from agent.state.rule_usage_file import RuleUsageFile
from agent.upload.alarms import UploadCallbacks
from agent.witness.browser import BrowserWitness
from agent.witness.choice import signed_by
from agent.witness.policy_folder import PolicyFolder
from agent.witness.window import WindowWitness
from protocol.api import DeviceHealthRequest
from protocol.bundle import Bundle
from protocol.os_user import os_user
from protocol.system import ON_WINDOWS

log = logging.getLogger(__name__)

LOG: Final = "log"  # the folder in home
SOUND_ENDS_WITHIN: Final = 0.5  # seconds; a sound server that hangs does not keep the recorder from ending
INBOX: Final = 256  # messages; more waiting ones mean that the loop hangs, and each one refused is an alarm
WAITING_FRAMES: Final = 12  # released pictures that the encoder has not taken yet; 3 MB each at 1080p
ENDING: Final = 2 * SECOND  # from the word to end until the process has gone, whatever the network does
LEAVING: Final = SECOND // 2  # of it, for Python's own end: 0.28 s of a busy machine (bench/capture_delays.py)


def run(config: Config) -> int:
    """Record until SIGTERM or SIGINT; the exit code. Raises UserError or EnvironmentFault before anything is kept."""
    refuse_dumps()
    write_log(None, config.log_level)
    with control.take_over(config.home):
        write_log(config.home / LOG, config.log_level, config.log_size)
        who = identity.load(config.home)
        identity.check_keys(who, config.keys_socket)
        log.info("eyelid %s starts as %s", VERSION, who.device)
        return Recording(config, who).run()


class Recording:
    """All the parts of one run of the recorder, wired together."""

    def __init__(self, config: Config, who: Identity) -> None:
        self._config = config
        self._clock = clock = desktop.current_clock()
        self._inbox: Mailbox[Message] = Mailbox(INBOX)
        self._orders: Mailbox[Order] = Mailbox(WAITING_FRAMES)
        self._stop_upload = threading.Event()
        self._end_by: int | None = None  # once it is to end
        self._receipt_at: int | None = None

        self._desktop = desktop.current_desktop()
        self._seat = desktop.current_seat()
        self._screen = X11Screen(clock, fps=config.screen.fps)
        self._sound = self._open_sound() if config.audio.wanted else None
        self._deaf = threading.Event()
        self._sending = sends = sending(
            config,
            who,
            clock,
            keep_free=config.spool.keep_free,
            callbacks=UploadCallbacks(
                receipt=self._receipted, alarm=self._alarm, cleared=self._cleared, bundle=self._bundle_came
            ),
            health=self._health,
        )
        self._keys = who.keys.where
        self._origin = Provenance(who.device, who.keys, socket.gethostname(), os_user(), VERSION)
        self._windows = WindowWitness(self._desktop, clock, self._deliver)
        self._browsers = BrowserWitness(
            config.home / SOCKET_NAME, clock, self._deliver, self._alarm, stalled=Pressure(clock.now).stalled
        )
        self._shutter = Shutter(clock)
        self._glass = Glass(self._screen.display)
        self._seeker = Seeker(clock, self._deliver)
        self._policies = PolicyFolder(
            config.policies,
            on_policy=self._policy_arrived,
            on_mistakes=self._policy_wrong,
            on_vanished=lambda _: self._alarm(TroubleCode.RULE_VANISHED),
            on_disarmed=lambda _: self._alarm(TroubleCode.RULE_DISARMED),
            last=recall(config.home),
            signed=lambda: signed_by(sends.trust),
            on_unsigned=lambda there: (self._alarm if there else self._cleared)(TroubleCode.UNSIGNED_POLICY),
            uid=0 if ON_WINDOWS else os.getuid(),
            pinned=pinned("policies"),
            on_unguarded=self._guarded_or_not,
        )
        self._recorder = Recorder(
            self._orders,
            factories=Factories(
                sealer=self._new_sealer,
                encoder=self._new_encoder,
                sound=self._new_sound_encoder if self._sound else None,
            ),
            spool=sends.spool,
            ledger=sends.ledger,
            clock=clock,
            hold=self._hold,
            spooled=sends.uploader.wake,
            rested=self._seat.let_sleep,
        )
        promise = Promise.of(
            round(config.chunk_seconds * SECOND), REPEAT_EVERY, limited=config.upload.max_kbit is not None
        )
        self._service = ControlService(self._inbox, clock, promise, self._sources())
        self._daemon = Daemon(
            self._inbox,
            clock=clock,
            witnesses=(self._windows, self._browsers),
            seat=self._seat,
            shutter=self._shutter,
            wake_capture=self._screen.wake,
            orders=self._orders,
            ledger=sends.ledger,
            drain=self._drain,
            monitors=self._screen.monitors(),
            listen=None if self._sound is None else self._switch_sound,
            memory=HoldFile(config.home, clock),
            usage=RuleUsageFile(config.home),
            turned=self._service.turned,
            numbers=numbers(),
            show=self._browsers.show,
            seek=self._seeker.seek,
        )
        self._service.connect(self._daemon)
        self._stages = {
            "capture": Stage("capture", self._capture, partial(self._stage_failed, TroubleCode.CAPTURE_FAILED)),
            "seek": Stage(
                "seek",
                lambda: self._seeker.run(self._glass),
                partial(self._stage_failed, TroubleCode.SEEK_FAILED),
            ),
            "record": Stage("record", self._recorder.run, partial(self._stage_failed, TroubleCode.RECORD_FAILED)),
            "upload": Stage("upload", self._upload, self._upload_failed),
        }
        if self._sound is not None:
            self._stages["sound"] = Stage("sound", self._listen, self._sound_failed)

    # -- start and end --------------------------------------------------------------------------------------------

    def run(self) -> int:
        log_last_words()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        control_socket = ControlSocket(self._config.home, self._service.answer, self._service.follow)
        try:
            self._windows.start()
            self._browsers.start()
            for stage in self._stages.values():
                stage.start()
            self._policies.start()
            self._daemon.run()
        finally:
            self._service.end()
            control_socket.close()
            self._policies.close()
            self._seeker.stop()
            self._stop_upload.set()
            self._sending.uploader.wake()
            self._browsers.close()
            self._windows.close()
            self._screen.close()
            self._close_sound()
            self._seat.close()
        upload = self._stages["upload"]
        upload.join(max(0, self._last_moment() - self._clock.now()) / SECOND)
        # Else a request is stuck in the network; what waits is in the spool.
        if not upload.is_alive() and not self._sending.uploader.under_way:
            self._sending.wire.close()
        return 1 if self._daemon.failed else 0

    def _drain(self) -> None:
        """Called by the daemon when nothing more will be released: seal and spool what was."""
        self._orders.close()
        self._stages["record"].join()

    def _upload(self) -> None:
        """Until the end, and then the last words. In this thread, for a network that hangs must not hold up the end."""
        self._sending.uploader.run(self._stop_upload)
        self._sending.uploader.flush(self._last_moment())

    def _last_moment(self) -> int:
        if self._end_by is None:  # it ends by itself: a stage has died
            self._end_by = self._clock.now() + ENDING - LEAVING
        return self._end_by

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self._last_moment()
        self._inbox.put(Stop(), must=True)

    # -- what the stages tell -------------------------------------------------------------------------------------

    def _deliver(self, sight: Look | PageEvent | Alarm | Marked | Sighted) -> None:
        self._inbox.put(sight)  # one that finds no room is counted, and the daemon takes it for an alarm

    def _capture(self) -> None:
        def ask() -> None:
            self._inbox.put(GrabWanted())

        def deliver(sight: Grabbed | Still) -> None:
            self._inbox.put(sight)

        capture(self._screen, self._shutter, self._clock, ask=ask, deliver=deliver)

    def _open_sound(self) -> Sound | None:
        """None where this PC has no library that knows its sound; the screen is recorded all the same."""
        audio = self._config.audio
        try:
            return system_sound(self._clock, Devices(audio.microphone, audio.far_end), audio.through)
        except EnvironmentFault as fault:
            log.warning("%s", fault)
            self._inbox.put(Trouble(TroubleCode.NO_SOUND, str(fault)), must=True)
            return None

    def _listen(self) -> None:
        assert self._sound is not None  # noqa: S101 - the stage exists only then

        def deliver(heard: Heard) -> None:
            self._inbox.put(heard)

        listen(self._sound, self._deaf, deliver=deliver)

    def _switch_sound(self, on: bool) -> None:
        if self._sound is not None:
            self._sound.listen(on=on)

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._deaf.set()
            self._sound.wake()
            self._stages["sound"].join(SOUND_ENDS_WITHIN)
            self._sound.close()

    def _sound_failed(self, stage: str, failure: BaseException) -> None:
        """The screen goes on; status, tray and store say that nothing is heard."""
        log.error("the %s stage has died of %s", stage, type(failure).__name__)
        self._alarm(TroubleCode.SOUND_DIED)

    def _stage_failed(self, code: TroubleCode, stage: str, failure: BaseException) -> None:
        log.error("the %s stage has died of %s", stage, type(failure).__name__)
        self._inbox.put(Failed(code), must=True)

    def _upload_failed(self, stage: str, failure: BaseException) -> None:
        """Recording goes on: what is sealed waits in the spool."""
        log.error("the %s stage has died of %s", stage, type(failure).__name__)
        self._alarm(TroubleCode.UPLOAD_DIED)

    def _hold(self, hold: Hold, on: bool) -> None:
        self._inbox.put(HoldsAre(frozenset({hold}), frozenset({hold} if on else ())), must=True)

    def _alarm(self, code: TroubleCode, message: str = "") -> None:
        log.warning("alarm: %s", code)
        self._inbox.put(Trouble(code, message), must=True)

    def _cleared(self, code: TroubleCode) -> None:
        log.info("over: %s", code)
        self._inbox.put(Cleared(code), must=True)

    def _receipted(self, at: int) -> None:
        self._receipt_at = at

    def _bundle_came(self, newest: Bundle) -> None:
        """Its policy counts at once, its readers from the next recording on."""
        log.info("the bundle in force has revision %d", newest.revision)
        self._policies.reread()

    def _policy_arrived(self, policy: Policy, files: Mapping[str, bytes]) -> None:
        try:
            remember(self._config.home, InForce.of(policy), self._clock.wall())
        except Transient as failure:
            # It counts all the same: what it replaces is older. Only a restart could bring that one back.
            log.warning("%s", failure)
            self._alarm(TroubleCode.POLICY_NOT_REMEMBERED)
        log.info("the policy in force has revision %d and hash %s", policy.revision, policy.hash)
        self._sending.texts.offer(files)
        for mended in (TroubleCode.POLICY_MISTAKES, TroubleCode.CSS_REFUSED, TroubleCode.POLICY_TOO_LONG):
            self._inbox.put(Cleared(mended), must=True)  # said anew if it is still so
        self._inbox.put(PolicyArrived(policy), must=True)

    def _guarded_or_not(self, unguarded: bool) -> None:
        if unguarded:
            self._alarm(
                TroubleCode.POLICY_UNGUARDED,
                "the agent who is recorded may change the policy; `eyelid doctor` says how to prevent it",
            )
        else:
            self._cleared(TroubleCode.POLICY_UNGUARDED)

    def _policy_wrong(self, mistakes: tuple[str, ...]) -> None:
        # What is wrong may quote an address that a rule names: that is for the status, and for no file.
        log.warning("the policy has %d mistakes and changes nothing; `eyelid policy check` names them", len(mistakes))
        self._inbox.put(Trouble(TroubleCode.POLICY_MISTAKES, "\n".join(mistakes)), must=True)

    # -- what a recording is made with ----------------------------------------------------------------------------

    def _new_sealer(self, order: Open) -> Sealer:
        return RecordingSealer(
            self._origin,
            self._sending.trust.bundle,
            policy=order.policy,
            monitors=order.monitors,
            start=order.start,
            wall=self._clock.wall() - (self._clock.now() - order.start),
        )

    def _new_encoder(self, order: Open) -> Encoder[Frame]:
        length = round(self._config.chunk_seconds * SECOND)
        return ScreenEncoder(order.start, chunk_length=length, hurry=lambda: self._orders.closed)

    def _new_sound_encoder(self, order: Open) -> Encoder[Block]:
        return SoundEncoder(order.start, chunk_length=round(self._config.chunk_seconds * SECOND))

    # -- what others ask ------------------------------------------------------------------------------------------

    def _sources(self) -> Sources:
        return Sources(
            version=VERSION,
            keys=self._keys,
            stats=lambda: self._recorder.stats,
            receipt_at=lambda: self._receipt_at,
            waiting=self._sending.spool.waiting,
            oldest=self._sending.spool.oldest,
            sending=lambda: self._config.upload.open_at(self._clock.wall()),
            monitors=lambda: len(self._screen.monitors()),
            browsers=lambda: tuple(asdict(browser) for browser in self._browsers.connected),
            hears=(self._config.audio.microphone != NONE, self._config.audio.far_end != NONE),
            sound=self._sound,
            entries=self._sending.ledger.entries,
            notice=lambda: self._sending.trust.bundle.notice,
        )

    def _health(self) -> DeviceHealthRequest:
        session, health = self._daemon.session, self._sending.health()
        recording, heads = self._recorder.stats.named()
        health["heads"] = {str(stream): {"next": head[0], "head": head[1]} for stream, head in heads.items()}
        health["holds"] = sorted(session.holds)
        health["troubles"] = sorted(self._daemon.troubles)
        if recording is not None:
            health["recording"] = recording
        if session.policy is not None:
            health["policy"] = session.policy.hash
        return health
