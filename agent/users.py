"""Whose homes lie on this PC, and how the system does something in one of them: as its owner, with no right beyond.

A recorded user may put a link anywhere in a folder of theirs. A process that follows it with the system's rights reads
or writes for them what they may not; a process of theirs cannot.
"""

from __future__ import annotations

import errno
import os
import selectors
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEAST_UID: Final = 1000  # below are the system's own (UID_MIN of login.defs(5))
NOBODY: Final = 65534
HOMES: Final = Path("/home")
MOST_TOLD: Final = 64 * 1024  # bytes of what a user's process may write to us
ENDS_WITHIN: Final = 5.0  # seconds that a process is waited for once it has closed its output, or was killed
NOT_RUN: Final = 126  # exit code, as of shells, where the user's number or the program could not be had

# What becomes the user and runs the command. It starts as root: while a process with the user's number has not begun
# its program, who started it waits for that without a bound (subprocess), and its user may stop it then.
_BECOME: Final = f"""import os, sys
uid, gid = map(int, sys.argv[1:3])
try:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.execvp(sys.argv[3], sys.argv[3:])
except OSError as failure:
    print(f"{{sys.argv[3]}} could not be run: {{failure.strerror}}", file=sys.stderr)
    sys.exit({NOT_RUN})
"""

# What a child learns of the unit's environment: how the network is crossed and where settings lie.
PASSED_ON: Final = (
    *("PATH", "LANG", "EYELID_CONFIG", "XDG_CONFIG_DIRS", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


@dataclass(frozen=True, slots=True)
class User:
    """`name` is for reports only."""

    name: str
    uid: int
    gid: int
    home: Path


def with_homes(homes: Path = HOMES) -> tuple[User, ...]:
    """Everybody who is no part of the system and has a folder of their own here.

    The account database does not list accounts of a directory service (sssd.conf(5), `enumerate`), so owners of the
    folders in `homes`, and one below as in /home/DOMAIN/alice, count as well.
    """
    found = {(user.uid, user.home): user for user in (*_listed(), *_owning(homes))}
    return tuple(found[key] for key in sorted(found))


def _listed() -> Iterator[User]:
    import pwd  # noqa: PLC0415 - Windows has none

    for entry in pwd.getpwall():
        home = Path(entry.pw_dir)
        if _owner(home) == entry.pw_uid and _is_person(entry.pw_uid):
            yield User(entry.pw_name, entry.pw_uid, entry.pw_gid, home)


def _owning(homes: Path) -> Iterator[User]:
    import pwd  # noqa: PLC0415 - Windows has none

    for folder in _in_folders_of_the_system(homes):
        try:
            seen = folder.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(seen.st_mode) and _is_person(seen.st_uid):
            try:
                name = pwd.getpwuid(seen.st_uid).pw_name
            except KeyError:
                name = str(seen.st_uid)
            yield User(name, seen.st_uid, seen.st_gid, folder)


def _in_folders_of_the_system(homes: Path) -> Iterator[Path]:
    """Only the system can make folders in a folder of the system's: what is inside alice's home is hers to name, and as
    many names as she likes."""
    for folder in _inside(homes):
        yield folder
        yield from _inside(folder)


def _inside(folder: Path) -> Iterator[Path]:
    if _owner(folder) != 0:
        return
    try:
        yield from list(folder.iterdir())
    except OSError:
        return


def _is_person(uid: int) -> bool:
    return uid >= LEAST_UID and uid != NOBODY


def _owner(folder: Path) -> int | None:
    """None for what is no folder, or a link to one."""
    try:
        seen = folder.lstat()
    except OSError:
        return None
    return seen.st_uid if stat.S_ISDIR(seen.st_mode) else None


def run_as(user: User, command: Sequence[str], *, seconds: float, given: str = "") -> str | None:
    """What the command wrote to standard output, run as the user, without any group but theirs, for at most so long.
    `given`: what it reads from standard input.

    None where it did not end by itself. What it wrote is that user's to choose. Raises OSError when it cannot be run,
    PermissionError where this process may not become other users, or OSError when it writes more than any report has.
    """
    if os.geteuid() != 0:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    until = time.monotonic() + seconds
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with os.fdopen(os.memfd_create("given"), "w+b") as stdin:  # no pipe, which the child could leave full
        stdin.write(given.encode("utf-8"))
        stdin.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", _BECOME, str(user.uid), str(user.gid), *command],
            # Not in the session of root's terminal: its user can steer this process, and would type there (TIOCSTI).
            start_new_session=True,
            umask=0o077,
            cwd="/",
            env={**passed_on, "HOME": str(user.home), "USER": user.name, "LOGNAME": user.name},
            stdin=stdin,
            stdout=subprocess.PIPE,
        )
    try:
        output = _output(child, until)
        child.wait(max(0.0, min(until - time.monotonic(), ENDS_WITHIN)))
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(child)
    if child.returncode == NOT_RUN:  # and no answer: an enrolment would be spent on it
        raise OSError(errno.ENOEXEC, "its program could not be run; the journal has why")
    return output.decode("utf-8", "replace")


_LEFT: Final[list[subprocess.Popen[bytes]]] = []  # processes that were killed, and of which the kernel says no end


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill it. Its end is not waited for without a bound: its user may trace it, and the kernel then reports the end to
    the tracer alone; or have it wait for a file system of theirs (FUSE), and it ends when that answers."""
    child.kill()
    assert child.stdout is not None  # noqa: S101 - a pipe
    child.stdout.close()
    try:
        child.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        _LEFT.append(child)


def _output(child: subprocess.Popen[bytes], until: float) -> bytes:
    """Raises TimeoutExpired, OSError where it is too much."""
    output = b""
    assert child.stdout is not None  # noqa: S101 - a pipe
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while waiting.select(max(0.0, until - time.monotonic())):
            part = os.read(child.stdout.fileno(), MOST_TOLD)
            if not part:
                return output
            output += part
            if len(output) > MOST_TOLD:
                raise OSError(errno.EFBIG, f"its process wrote more than {MOST_TOLD} bytes")
    raise subprocess.TimeoutExpired(child.args, 0)
