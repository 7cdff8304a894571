"""Joining a store, and leaving it again."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agent import desktop, durable, users
from agent.app import LOG
from agent.browser.manifests import SOCKET_NAME
from agent.config import Config
from agent.control import control
from agent.control.control import AlreadyRunning
from agent.drain import DrainReport, DrainState, drain
from agent.errors import EnvironmentFault, EyelidError, Untrusted, UserError
from agent.keys.home import HomeKeys
from agent.keys.service import ServiceKeys
from agent.ledger import DiskLedger, has_unsent
from agent.ports import DeviceKeys
from agent.sending import RECEIPTS, VERSION
from agent.spool import SET_ASIDE
from agent.state import identity, in_force
from agent.state.identity import BEGUN, IDENTITY, TRUST, Admitted, Trust
from agent.state.rule_usage_file import NAME as RULE_USAGE
from agent.wire import Route
from protocol.enrolment import parse
from protocol.errors import EnrolmentError
from protocol.os_user import os_user
from protocol.system import ON_WINDOWS

# Where a file stands for each user whom `eyelid enroll --system` has enrolled: the unit's StateDirectory.
MARKS: Final = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/eyelid")) / "enrolled"
IS_ENROLLED: Final = "enrolled"
HANDING: Final = 60.0  # seconds that a user's process may take
_STOP_IT: Final = "stop it first, as with `systemctl --user stop eyelid.service`"

# All that a home holds of one enrolment, beside the identity. What `eyelid browser install` put there stays.
STATE: Final = (
    "spool", "ledger", "key-packets", RECEIPTS, "policy-texts", LOG, TRUST, BEGUN, in_force.NAME, RULE_USAGE,
    SOCKET_NAME,
)  # fmt: skip


def enrol(token: str, config: Config) -> str:
    """Join the store that issued the token; what to tell the person. Raises as `agent.state.identity.enrol`."""
    identity.refuse_enrolled(config.home)
    keys = identity.begun(config.home, token) if config.keys_socket is None else None
    try:
        admitted = _apply(token, config, os_user(), os.getuid(), keys=keys)
    except UserError:  # the store refused them for good, as where their device was revoked
        (config.home / BEGUN).unlink(missing_ok=True)
        raise
    return take(admitted, config)


def _apply(
    token: str, config: Config, user: str, uid: int, *, let_in: Callable[[], None] = lambda: None,
    keys: HomeKeys | None = None,
) -> Admitted:  # fmt: skip
    return identity.apply(
        token,
        desktop.current_clock(),
        host=socket.gethostname(),
        user=user,
        system=platform.platform(terse=True),
        agent_version=VERSION,
        route=Route(config.upload.proxy, config.upload.ca),
        keys=keys if config.keys_socket is None else ServiceKeys(config.keys_socket, uid),
        let_in=let_in,
    )


def take(admitted: Admitted, config: Config) -> str:
    """Put an enrolment on this user's disk; what to tell the person. Raises EnvironmentFault, Untrusted.

    A policy that the store's bundle carries is this PC's; it is written into its folder too, if that holds none.
    """
    joined = identity.keep(config.home, admitted)
    enrolled = f"This PC is now enrolled as {joined.device}."
    files = Trust(joined).bundle.policy_files
    if any(config.policies.glob("*.yaml")):
        if files:
            signed = "The policy that came signed with the store's bundle counts"
            return f"{enrolled} {signed}; what lies in {config.policies} does not."
        return f"{enrolled} Its policy is the one in {config.policies}."
    if odd := [name for name in files if Path(name).name != name or not name.endswith(".yaml")]:
        raise Untrusted(
            f"{enrolled} But the store's bundle names {len(odd)} policy files that are no plain `*.yaml` names"
        )
    if not files:
        return f"{enrolled} Put a policy into {config.policies}: without one nothing is recorded."
    try:
        durable.make_folder(config.policies)
        for name, text in files.items():
            durable.write(config.policies / name, text.encode("utf-8"))
    except OSError:  # as where IT manages the folder. The copy is for people to read: the signed one counts
        return f"{enrolled} The policy that came signed with the store's bundle counts."
    return f"{enrolled} The store's policy now lies in {config.policies}."


# -- for every user of this PC ----------------------------------------------------------------------------------------


def enrol_all(
    file: Path, config: Config, *, homes: Path = users.HOMES, marks: Path = MARKS
) -> Iterator[tuple[users.User, str]]:
    """Enrol each user who has a home here and was not enrolled by this before: (user, "" or what went wrong).

    For root, who alone can read the token: a user's process gets that user's keys and never the token, and what it
    says decides nothing but whether it is enrolled already. `config`: root's. What goes wrong with one user does
    not end the others' enrolment. Raises UserError for the token's file, EnvironmentFault where a mark cannot be
    written: uses would be spent without a record of it.
    """
    token = _token_of_the_machine(file)
    command = [sys.executable, "-I", "-m", "agent", "enroll", "--handed"]
    durable.make_folder(marks)
    for user in users.with_homes(homes):
        mark = marks / str(user.uid)
        if mark.exists():
            continue
        try:
            ready = users.run_as(user, command, seconds=HANDING)
            if ready is None or ready.strip() == IS_ENROLLED:
                continue
            # As soon as a use is spent: a later failure must not spend a second one.
            admitted = _apply(token, config, user.name, user.uid, let_in=partial(_mark, mark))
            handed = users.run_as(user, command, seconds=HANDING, given=admitted.as_json())
        except EnvironmentFault:
            raise
        except (EyelidError, OSError) as failure:
            reason = failure.strerror if isinstance(failure, OSError) else failure
            again = f"; to try again, remove {mark}" if mark.exists() else ""
            yield user, f"not enrolled: {reason}{again}"
            continue
        well = handed is not None and handed.strip() == IS_ENROLLED
        yield user, "" if well else f"{admitted.device} is not on its disk; to try again, remove {mark}"


def _mark(mark: Path) -> None:
    try:
        durable.write(mark, b"")
    except OSError as failure:
        raise EnvironmentFault(f"{mark} cannot be written: {failure.strerror}") from None


def _token_of_the_machine(file: Path) -> str:
    """Raises UserError unless root alone can read it, and change what it is."""
    if ON_WINDOWS or os.geteuid() != 0:
        raise UserError("only root can enrol other users: run it with sudo, or let eyelid-enroll.timer do it")
    try:
        seen = file.lstat()
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != 0 or seen.st_mode & 0o077:
            raise UserError(f"{file} must be root's alone: run `chown root {file}` and `chmod 600 {file}`")
        if file.absolute().parent.stat().st_uid != 0:
            raise UserError(f"{file} lies in a folder of another user: move it into one of root's, as /etc/eyelid")
        token = file.read_text("ascii")
        parse(token)
    except EnrolmentError as problem:
        raise UserError(f"{file}: {problem}") from None
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "no token is in it"
        raise UserError(f"{file}: the token cannot be read from this file: {reason}") from None
    return token


def handed(text: str, config: Config) -> bool:
    """In a user's own process: take what root's hands over, if it does; whether this user is enrolled then."""
    if text and not (config.home / IDENTITY).exists():
        try:
            take(Admitted.parse(text), config)
        except ValueError:
            raise UserError(
                "`eyelid enroll --handed` is for `eyelid enroll --system`, which says what to take"
            ) from None
    return (config.home / IDENTITY).exists()


# -- leaving ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remains:
    """What the store does not have, and would be lost. `refused`: chunks that it did not take for good. `why`: what
    stood in the way of sending, in words or as codes of alarms."""

    device: str
    chunks: int = 0
    bytes: int = 0
    refused: int = 0
    account: bool = False  # entries of the account
    why: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.chunks or self.refused or self.account)

    def __str__(self) -> str:
        parts = [
            f"{self.chunks} chunks of recordings, {self.bytes / 1e6:.1f} MB" if self.chunks else "",
            f"{self.refused} chunks that the store refused" if self.refused else "",
            "entries of the account" if self.account else "",
        ]
        return ", ".join(part for part in parts if part) or "nothing"


def drain_to_leave(config: Config) -> Remains:
    """Send what waits here. Raises UserError where this PC is not enrolled, or a recorder is at work."""
    home = config.home
    if not (home / IDENTITY).exists():
        raise UserError("this PC is not enrolled: there is nothing to leave")
    try:
        device, why = identity.load(home).device, ""
    except EyelidError as damage:
        device, why = "", str(damage)
    try:
        outcome = drain(config)
    except EyelidError as failure:
        outcome = DrainReport(DrainState.FAILED, troubles=(why or str(failure),))
    if outcome.state is DrainState.IN_USE:
        raise UserError(f"Eyelid is recording: {_STOP_IT}")
    troubles = outcome.troubles
    try:
        account = has_unsent(home / "ledger")
    except EnvironmentFault as damage:  # no one can say that the store has it
        account, troubles = True, tuple(dict.fromkeys((*troubles, str(damage))))
    chunks = [path for path in home.glob("spool/*/*-*") if path.parent.name != SET_ASIDE]
    return Remains(
        device,
        chunks=len(chunks),
        bytes=sum(path.lstat().st_size for path in chunks),
        refused=sum(path.suffix != ".why" for path in home.glob(f"spool/{SET_ASIDE}/*")),
        account=account,
        why=troubles,
    )


def leave(config: Config) -> tuple[bool, tuple[Path, ...]]:
    """Tell the store by a last entry of the account, and forget keys and state: (whether the store has heard it, what
    of a policy stays because it is not the store's).

    Raises UserError where a recorder has started meanwhile, Transient where the keys service cannot be reached,
    EnvironmentFault where something cannot be removed; without the identity nothing is sent or recorded any more.
    """
    home = config.home
    informed = _say_goodbye(config)
    try:
        lock = control.claim(home)
    except AlreadyRunning:
        raise UserError(
            "Eyelid has just started: stop it first, as with `systemctl --user stop eyelid.service`"
        ) from None
    with lock:
        ours = _stores_policy(home)
        _keys(config).forget()  # where that fails nothing is forgotten
        try:
            (home / IDENTITY).unlink()
            durable.sync_folder(home)  # first and on its own: half of an enrolment is none
            for name in STATE:
                _remove(home / name)
            return informed, tuple(_remove_policy(config.policies, ours))
        except OSError as failure:
            raise EnvironmentFault(f"{failure.filename} cannot be removed: {failure.strerror}") from None


def _say_goodbye(config: Config) -> bool:
    """An entry that ends the account in order, so that the store does not wait for this PC. Whether it arrived."""
    try:
        who = identity.load(config.home)
        with control.claim(config.home):
            ledger = DiskLedger(config.home / "ledger", desktop.current_clock(), device=who.device, keys=who.keys)
            ledger.write("stop", why="unenrolled")
        return drain(config).state is DrainState.DRAINED
    except AlreadyRunning:
        raise
    except EyelidError:
        return False


def _keys(config: Config) -> DeviceKeys:
    try:
        return identity.load(config.home).keys
    except EyelidError:
        return ServiceKeys(config.keys_socket) if config.keys_socket else HomeKeys.generate()


def _stores_policy(home: Path) -> dict[str, str]:
    try:
        return dict(Trust(identity.load(home)).bundle.policy_files)
    except EyelidError:
        return {}


def _remove(path: Path) -> None:
    """The thing itself; of a link the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_policy(folder: Path, ours: dict[str, str]) -> list[Path]:
    """Takes away the files that are as the store handed them out; what stays."""
    stays = []
    for path in sorted(folder.glob("*.yaml")):
        if path.is_file() and path.read_bytes() == ours.get(path.name, "").encode():
            path.unlink()
        else:
            stays.append(path)
    return stays
