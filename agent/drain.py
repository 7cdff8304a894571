"""Sending what a session left behind: no screen, no witness, nothing recorded.

It runs as the user whose home it is, holds that home's lock, and makes way for a recorder that starts meanwhile.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from agent import desktop, users
from agent.config import Config
from agent.control import control
from agent.control.control import AlreadyRunning, ControlSocket, NotRunning
from agent.errors import EnvironmentFault, EyelidError
from agent.ledger import has_unsent
from agent.sending import RECEIPTS, sending
from agent.spool import SET_ASIDE
from agent.state import identity
from agent.state.identity import IDENTITY, TRUST
from agent.upload.alarms import UploadCallbacks
from protocol.api import DeviceHealthRequest

FOR_EVER: Final = 2**63
LONGEST: Final = 900.0  # seconds for one user in a turn: so long may a user's line or trick keep the others waiting
MAX_REPORT: Final = 64 * 1024  # characters of a child's report that are looked at
OWN: Final = ("spool", f"spool/{SET_ASIDE}", "ledger", "key-packets", RECEIPTS, "policy-texts", IDENTITY, TRUST, "lock")


class DrainState(StrEnum):
    DRAINED = "drained"  # the store has all of it
    WAITING = "waiting"  # the store cannot be reached, or it is not the hour: the next time
    IN_USE = "in-use"  # a recorder runs here, and sends what there is
    NOT_ENROLLED = "not-enrolled"
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        return 1 if self in {DrainState.WAITING, DrainState.FAILED} else 0


@dataclass(frozen=True, slots=True)
class DrainReport:
    """`sent`: chunks for which receipts came. `troubles`: codes of alarms, or what was wrong in words."""

    state: DrainState
    sent: int = 0
    waiting_chunks: int = 0
    waiting_bytes: int = 0
    troubles: tuple[str, ...] = ()

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> DrainReport:
        """From a process that another user could have put words into. Raises ValueError."""
        try:
            report = json.loads(text[:MAX_REPORT])
            sent, chunks, size = (_count(report[name]) for name in ("sent", "waiting_chunks", "waiting_bytes"))
            troubles = tuple(_printable(str(trouble)) for trouble in list(report["troubles"])[:20])
            return cls(DrainState(report["state"]), sent, chunks, size, troubles)
        except (KeyError, TypeError, ArithmeticError, RecursionError) as odd:
            raise ValueError("no report") from odd


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("no number of chunks")
    return value


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:500]


def drain(config: Config) -> DrainReport:
    """Send what waits in this home, as far as the store takes it now. Raises EnvironmentFault, UserError."""
    if not (config.home / IDENTITY).exists():
        return DrainReport(DrainState.NOT_ENROLLED)
    _refuse_links(config.home)
    if not _something_waits(config.home):
        return DrainReport(DrainState.DRAINED)
    try:
        lock = control.claim(config.home)
    except AlreadyRunning:
        return DrainReport(DrainState.IN_USE)
    return _Draining(config, lock).run()


def _refuse_links(home: Path) -> None:
    for path in (home, *(home / name for name in OWN)):
        try:
            seen = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as failure:
            raise EnvironmentFault(f"{path} cannot be looked at: {failure.strerror}") from None
        if stat.S_ISLNK(seen.st_mode) or seen.st_uid != os.getuid():
            raise EnvironmentFault(
                f"{path} is a link or somebody else's, so nothing is sent: Eyelid's folder must be the user's own"
            )


def _something_waits(home: Path) -> bool:
    """Asked before the ledger is opened: opening says what is known of a recorder's death, and once is enough."""
    chunks = (path for path in home.glob("spool/*/*-*") if path.parent.name != SET_ASIDE)
    return any(chunks) or has_unsent(home / "ledger")


class _Draining:
    """`lock` is released when all is done; else it ends with the process, whose threads may still use it."""

    def __init__(self, config: Config, lock: IO[str]) -> None:
        self._config = config
        self._lock = lock
        self._over = threading.Event()
        self._receipts = 0
        self._troubles: dict[str, None] = {}
        self._sending = sending(
            config,
            identity.load(config.home),
            desktop.current_clock(),
            keep_free=0,
            callbacks=UploadCallbacks(self._received, self._trouble, lambda _: None, lambda _: None),
            health=self._health,
        )

    def run(self) -> DrainReport:
        served = ControlSocket(self._config.home, self._answer)
        done: list[bool] = []

        def send() -> None:
            try:
                done.append(self._sending.uploader.flush(FOR_EVER))
            except EyelidError as failure:
                self._trouble(str(failure))
            finally:
                self._over.set()

        threading.Thread(target=send, name="drain", daemon=True).start()
        self._over.wait()
        served.close()
        chunks, size = self._sending.spool.waiting()
        if done and not self._sending.uploader.under_way:
            self._sending.wire.close()
            self._lock.close()
        else:
            _KEPT.append(self._lock)
        state = DrainState.DRAINED if done == [True] else DrainState.WAITING
        return DrainReport(state, self._receipts, chunks, size, tuple(self._troubles))

    def _answer(self, verb: str, _: Mapping[str, object]) -> Mapping[str, object]:
        if verb != control.MAKE_WAY:
            raise NotRunning("Eyelid is not recording; what an earlier session left is just being sent")
        self._over.set()
        return {}

    def _received(self, _: int) -> None:
        self._receipts += 1

    def _trouble(self, code: str) -> None:
        self._troubles[code] = None

    def _health(self) -> DeviceHealthRequest:
        return self._sending.health()


_KEPT: Final[list[IO[str]]] = []  # locks that end with the process


# -- for every user of this PC ----------------------------------------------------------------------------------------


def drain_all(homes: Path = users.HOMES) -> dict[users.User, DrainReport]:
    """The same for every user who has a home here, one after the other, each as themselves. For root.

    Raises EnvironmentFault where this process may not become other users.
    """
    command = [sys.executable, "-I", "-m", "agent", "drain", "--json"]
    found = {}
    for user in users.with_homes(homes):
        try:
            report = users.run_as(user, command, seconds=LONGEST)
        except PermissionError:
            raise EnvironmentFault(
                "only root may send for other users: run it with sudo, or let eyelid-drain.timer do it"
            ) from None
        except OSError as failure:
            found[user] = DrainReport(DrainState.FAILED, troubles=(f"it could not be run: {failure.strerror}",))
            continue
        found[user] = _reported(report)
    return found


def _reported(report: str | None) -> DrainReport:
    if report is None:
        return DrainReport(
            DrainState.WAITING, troubles=(f"it took more than {LONGEST / 60:.0f} minutes; the rest goes next time",)
        )
    try:
        return DrainReport.parse(report)
    except ValueError:
        return DrainReport(DrainState.FAILED, troubles=("it ended without a report; the journal has its words",))
