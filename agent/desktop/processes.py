"""Which program a process runs, and whether it draws web pages: what the window system does not say.

Kept by number and start, so that a number used again is never mistaken for the process before, and examined anew when
the process has become another program (exec changes neither). The start is as psutil compares it, in time since the
system's: as a time of day it changes whenever the clock is set, and what was known of an engine was lost then.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from agent.core.matching.text import CUT
from agent.core.model.seen import Blind
from agent.desktop import engines
from protocol.system import ON_WINDOWS

RESCAN: Final = 1.0  # seconds between two whole searches for new helper processes
GLANCE: Final = 0.05  # seconds between two glances at those started since: so late can an engine be noticed that
# neither shipped its files beside the program nor was loaded when its window came
LOADING: Final = 0.2  # seconds between two questions whether a process has loaded more since it was examined: less than
# the hindsight of windows. Only one that has is examined again; that costs a hundred times what the question does
YOUNG: Final = 3.0  # seconds in which a new process may still be changing its program or its command line
PROC: Final = Path("/proc")  # Linux; where it is missing, less evidence is found and nothing breaks

# The executable of a script is its interpreter, which identifies nothing. The kernel's `comm` is the script when it was
# started by its #! line, what the program chose (prctl) otherwise, and under wine the Windows program.
INTERPRETERS: Final = re.compile(
    r"(python|pypy|perl|ruby|lua|php|tclsh|wish|node|deno|bun|java|mono|dotnet|gjs|gjs-console|guile|"
    r"bash|sh|dash|zsh|fish|wine|wine64|wine-preloader|wine64-preloader|ld-linux[-\w]*)[\d.]*(\.so[\d.]*)?"
)

COMM: Final = 15  # bytes of it at most (proc_pid_comm(5)): a name of so many may be the beginning of a longer one


@dataclass(frozen=True, slots=True)
class Process:
    """`name` without path and `.exe`. `cut`: the name may go on."""

    key: psutil.Process
    name: str
    engine: bool
    cut: bool = False

    @property
    def called(self) -> str:
        """As rules compare it."""
        return self.name + CUT if self.cut else self.name


@dataclass(frozen=True, slots=True)
class _Memory:
    """What of a process changes when it loads a library, in pages as the kernel writes them (statm, proc_pid_statm(5)).

    `size`: of its address space. `shared`: what it has touched of files; where a library is put into addresses that
    were reserved before (wine), only that changes.
    """

    size: bytes = b""
    shared: bytes = b""


@dataclass(slots=True)
class _Examined:
    """`memory`: as it was before it was examined for an engine."""

    executable: Path
    process: Process
    memory: _Memory


class Processes:
    """One thread's view of the processes that own windows."""

    def __init__(self) -> None:
        self._known: dict[psutil.Process, _Examined] = {}
        self._hosts: set[psutil.Process] = set()  # processes that engine helpers work for
        self._seen: set[int] = set()
        self._young: dict[int, float] = {}
        self._commands: dict[int, bytes | None] = {}  # of the young, when they were last looked into
        self._scanned: float | None = None
        self._glanced = 0.0
        self._measured = self._measured_wholly = 0.0
        # Whose helpers may work for a window here; root's processes may still become anybody's.
        self._users = {0} if ON_WINDOWS else {0, os.geteuid()}
        self._newest = b""  # what the kernel last gave as the last number it used

    def read(self, pid: int) -> Process | Blind:
        """The process now; `Blind.VANISHED` when it has gone, `Blind.FOREIGN_PROCESS` when it may not be read.

        To be asked for every new window: a program loads its engine when it first needs it, after its login window.
        """
        self._note_user(pid)
        try:
            process = psutil.Process(pid)
            executable, name, cut = _called(process)
            known = self._known.get(process)
            if known is None or executable != known.executable:
                memory = _memory(pid)
                known = _Examined(executable, Process(process, name, _draws_pages(process, executable), cut), memory)
            elif not known.process.engine and (memory := _memory(pid)) != known.memory:
                _examine_again(known, memory)
        except psutil.NoSuchProcess:
            return Blind.VANISHED
        except psutil.AccessDenied:
            return Blind.FOREIGN_PROCESS
        known.process = Process(process, name, known.process.engine or process in self._hosts, cut)
        self._known[process] = known
        return known.process

    def rescan(self, *, now: float | None = None) -> bool:
        """Look for new engine helpers, and for engines that known processes have loaded; True when a process turned out
        to draw web pages that did not before.

        A second after the last search it is one of all processes: a directory listing, and a few reads for each that is
        new. Before that, of those started since, and only if the kernel says that any was (0.02 ms else). `now` in
        seconds of any steady clock.
        """
        now = time.monotonic() if now is None else now
        loaded = now - self._measured >= LOADING and self._have_loaded(now)
        return self._have_helpers(now) or loaded

    def _have_loaded(self, now: float) -> bool:
        """Whether a known process has loaded an engine. By touched file pages alone: once a second."""
        wholly = now - self._measured_wholly >= RESCAN
        self._measured = now
        self._measured_wholly = now if wholly else self._measured_wholly
        found = False
        for known in self._known.values():
            if known.process.engine:
                continue
            memory = _memory(known.process.key.pid)
            if memory.size == known.memory.size and not (wholly and memory != known.memory):
                continue
            try:
                found |= _examine_again(known, memory)
            except psutil.AccessDenied:
                found = True  # `read` says why
        return found

    def _have_helpers(self, now: float) -> bool:
        if self._scanned is not None and now - self._scanned < RESCAN:
            return now - self._glanced >= GLANCE and self._glance(now)
        first = self._scanned is None
        self._scanned = self._glanced = now
        self._newest = _newest()
        present = set(psutil.pids())
        for pid in filter(self._may_matter, present - self._seen):
            self._young[pid] = now - YOUNG if first else now
        self._seen = present
        before = len(self._hosts)
        for pid, since in list(self._young.items()):
            self._note_host(pid)
            if now - since >= YOUNG or pid not in present:
                del self._young[pid]
                self._commands.pop(pid, None)
        self._known = {key: known for key, known in self._known.items() if key.pid in present}
        grown = len(self._hosts) > before
        self._hosts = {key for key in self._hosts if key.pid in present}
        return grown

    def _glance(self, now: float) -> bool:
        """As `rescan`, at what was started since and at what is young: a fork changes its command line a moment later,
        a zygote's child names itself late."""
        newest = _newest()
        if newest == self._newest and newest and not self._young:
            return False
        self._glanced, self._newest = now, newest
        present = set(psutil.pids())
        self._young |= dict.fromkeys(filter(self._may_matter, present - self._seen), now)
        self._seen |= present
        before = len(self._hosts)
        for pid in self._young.keys() & present:
            command = _command(pid)
            if command is None or command != self._commands.get(pid):
                self._commands[pid] = command
                self._note_host(pid)
        return len(self._hosts) > before

    def due(self) -> bool:
        """Whether `rescan` would search."""
        return self._scanned is None or time.monotonic() - self._scanned >= RESCAN

    def _note_user(self, pid: int) -> None:
        """A window is theirs: their helpers are looked for from now on, also those that were passed over."""
        user = _user_of(pid)
        if user is not None and user not in self._users:
            self._users.add(user)
            self._seen.clear()
            self._scanned = None

    def _may_matter(self, pid: int) -> bool:
        """Any user of the PC may start processes by the hundred: nothing more is read of those who have no window here.

        A helper is of its browser's user from its first moment, for that is who forks it.
        """
        user = _user_of(pid)
        return user is None or user in self._users

    def _note_host(self, pid: int) -> None:
        """If `pid` is an engine's helper: climb to the process that it works for."""
        try:
            helper = psutil.Process(pid)
            if not engines.runs_as_helper(_program(helper), helper.cmdline()):
                return
            host = helper.parent()
            while host is not None and _serves(host):
                host = host.parent()
            if host is not None and host.pid > 1:
                self._hosts.add(host)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return  # gone, or another user's: no window of this session waits for it


def _user_of(pid: int) -> int | None:
    """Who started it; None where the system does not tell. /proc shows root as the owner of what may not be dumped (a
    browser's helpers, and whatever asks for it) or runs set-user-ID: there it is the real user."""
    folder = PROC / str(pid)
    try:
        owner = folder.stat().st_uid
        if owner == 0:
            status = (folder / "status").read_bytes()
            owner = int(status.partition(b"\nUid:")[2].split(maxsplit=1)[0])
    except (OSError, ValueError, IndexError):
        return None
    return owner


def _newest() -> bytes:
    """Changes whenever a process or thread was started (the last number of proc_loadavg(5)); empty where not told."""
    try:
        with (PROC / "loadavg").open("rb", buffering=0) as load:
            return load.read(128).rpartition(b" ")[2]
    except OSError:
        return b""


def _command(pid: int) -> bytes | None:
    """The command line as it is now, in whatever form; None where the system does not tell."""
    try:
        with (PROC / str(pid) / "cmdline").open("rb", buffering=0) as line:
            return line.read(4096)
    except OSError:
        return None


def _serves(process: psutil.Process) -> bool:
    program = _program(process)
    return engines.stands_between(program) or engines.runs_as_helper(program, process.cmdline())


def _program(process: psutil.Process) -> str:
    """The executable's base name, without `.exe`; empty for a kernel thread."""
    return Path(process.exe()).name.removesuffix(".exe")


def _called(process: psutil.Process) -> tuple[Path, str, bool]:
    """The executable, what the process is called now, and whether that may be the beginning of its name alone."""
    executable = Path(process.exe())
    name = executable.name
    if not name or INTERPRETERS.fullmatch(name):
        name = process.name()
        if len(os.fsencode(name)) == COMM:
            return executable, _without_ending(_whole_signs(name)), True
    return executable, _without_ending(name), False


def _without_ending(name: str) -> str:
    return name[:-4] if name.casefold().endswith(".exe") else name


def _whole_signs(name: str) -> str:
    """Without the bytes of a sign that was cut in two."""
    return os.fsencode(name).decode("utf-8", "ignore")


def _draws_pages(process: psutil.Process, executable: Path) -> bool:
    return (
        engines.runs_as_helper(executable.name.removesuffix(".exe"), process.cmdline())
        or engines.ships_an_engine(executable.parent)
        or engines.has_loaded_an_engine(_mapped(process.pid))
    )


def _examine_again(known: _Examined, memory: _Memory) -> bool:
    """Whether it has loaded an engine since. Raises psutil.AccessDenied."""
    known.memory = memory
    known.process = replace(known.process, engine=engines.has_loaded_an_engine(_mapped(known.process.key.pid)))
    return known.process.engine


def _memory(pid: int) -> _Memory:
    """The same at all times where the system does not tell."""
    try:
        with (PROC / str(pid) / "statm").open("rb", buffering=0) as statm:
            size, _, shared, *_ = statm.read(128).split()
    except (OSError, ValueError):
        return _Memory()
    return _Memory(size, shared)


def _mapped(pid: int) -> bytes:
    """What the process has mapped, as the system lists it; empty where it has no such list."""
    try:
        return (PROC / str(pid) / "maps").read_bytes()
    except PermissionError:
        raise psutil.AccessDenied(pid) from None
    except OSError:
        return b""


def numbers_in_namespaces(pid: int) -> frozenset[int]:
    """All numbers that the process has: a program in a container knows only its own (NSpid, proc_pid_status(5))."""
    try:
        status = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset({pid})
    line = re.search(r"^NSpid:([\d\s]*)$", status, re.MULTILINE)
    return frozenset({pid, *(int(number) for number in line[1].split())}) if line else frozenset({pid})
