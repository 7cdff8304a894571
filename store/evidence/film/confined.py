"""What a process may still do that decodes what devices sent: compute, and read and write what it has open.

FFmpeg reads formats that a hostile PC may have written. An attacker who makes it run code finds no network, no file,
no other program and little memory there, and no key: docs/decisions/0037.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from protocol.dumps import refuse_dumps
from protocol.system import ON_LINUX, ON_WINDOWS

LANDLOCK: Final = "landlock"
SECCOMP: Final = "seccomp"

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_PR_SET_NO_NEW_PRIVS: Final = 38

# landlock(7); the numbers of its calls are the same on every architecture.
_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1  # flag
_FILES: Final = {1: 13, 2: 14, 3: 15, 5: 16}  # since which version so many rights over files are known
_NET_SINCE: Final = 4
_NET: Final = 0b11  # TCP: bind, connect
_SCOPE_SINCE: Final = 6
_SCOPE: Final = 0b11  # abstract sockets, and signals to others

# seccomp_init(3), seccomp_rule_add(3)
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_EPERM: Final = 1
_ENOSYS: Final = 38
_ALL_THREADS: Final = 4  # SCMP_FLTATR_CTL_TSYNC
_EQUAL: Final = 4
_MASKED_EQUAL: Final = 7
_CLONE_THREAD: Final = 0x00010000
# What Python, the C library and FFmpeg need to compute with threads, and to read and write what is open.
_CALLS: Final = (
    *("read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "lseek", "_llseek", "close"),
    *("fstat", "fstat64", "ftruncate", "ftruncate64", "fsync", "fdatasync"),
    *("mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "brk", "membarrier", "mincore"),
    *("futex", "futex_time64", "set_robust_list", "rseq", "set_tid_address", "gettid", "getpid", "getppid", "getcpu"),
    *("sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max"),
    *("sched_get_priority_min", "get_mempolicy", "getrandom", "sysinfo", "uname", "getrusage", "times", "getrlimit"),
    *("clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "time", "clock_nanosleep", "nanosleep"),
    *("clock_nanosleep_time64", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("exit", "exit_group"),
)
# Not F_SETOWN and F_SETSIG: with O_ASYNC the kernel kills another process on request.
_FCNTL: Final = ("fcntl", "fcntl64")
_FCNTL_COMMANDS: Final = (1, 2, 3)  # F_GETFD, F_SETFD, F_GETFL


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def end_with(parent: int) -> None:
    """This process is killed when its parent dies, where Linux can do that."""
    if ON_LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit(1)  # it died before that


def confine(*, memory: int, seconds: int, size: int) -> Sequence[str]:
    """From now on, for good: no further file or socket can be opened, and where the kernel has LANDLOCK and SECCOMP no
    other call than computing needs is answered. Gives which of the two it has.

    `memory`: bytes of address space. `seconds`: of CPU. `size`: bytes of a file. Raises OSError, and RuntimeError where
    this process has threads already, which would not be confined. Windows has none of this.
    """
    if ON_WINDOWS:
        return ()
    if ON_LINUX and len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("threads were started before")
    import resource  # noqa: PLC0415 - Windows has none

    refuse_dumps()
    seccomp = _library() if ON_LINUX else None  # while it can still be opened
    done = [LANDLOCK] if ON_LINUX and _landlock() else []
    limits = [(resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, size), (resource.RLIMIT_NOFILE, 0)]
    for which, limit in [(resource.RLIMIT_AS, memory), *limits] if ON_LINUX else limits:
        resource.setrlimit(which, (limit, limit))
    if seccomp is not None and _filter(seccomp):
        done.append(SECCOMP)
    return done


def _landlock() -> bool:
    """Every right over files, TCP and other processes that this kernel knows of, given up. Whether it knows any."""
    system = ctypes.CDLL(None, use_errno=True)
    version = system.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False  # the kernel was built without, or started without
    files = (1 << max(rights for since, rights in _FILES.items() if since <= version)) - 1
    fields = [files, *([_NET] if version >= _NET_SINCE else []), *([_SCOPE] if version >= _SCOPE_SINCE else [])]
    rules = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = system.syscall(_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0 or system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or system.syscall(_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "Landlock does not take its rules")
    os.close(ruleset)
    return True


def _library() -> Any:
    """libseccomp, which comes with systemd and apt; None where it is not there."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    for name in ("seccomp_attr_set", "seccomp_rule_add_array", "seccomp_load", "seccomp_release"):
        getattr(library, name).argtypes = {
            "seccomp_attr_set": [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32],
            "seccomp_rule_add_array": [
                *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
                ctypes.POINTER(_Comparison),
            ],
        }.get(name, [ctypes.c_void_p])
    return library


def _filter(library: Any) -> bool:
    """Whether the kernel takes the filter: every call that is not named answers that it is not permitted."""
    made = library.seccomp_init(_ERRNO | _EPERM)
    if not made:
        return False
    named = (*_CALLS, *_FCNTL, "clone", "clone3")
    numbers = {name: library.seccomp_syscall_resolve_name(name.encode()) for name in named}
    rules: list[tuple[int, int, _Comparison | None]] = [
        (_ALLOW, numbers[name], None) for name in _CALLS if numbers[name] >= 0
    ]
    # A thread, and no process. What `clone3` is asked for lies in memory, where no filter sees it: without it the C
    # library takes `clone`.
    thread = _Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, _CLONE_THREAD)
    rules += [(_ALLOW, numbers["clone"], thread), (_ERRNO | _ENOSYS, numbers["clone3"], None)]
    for name in _FCNTL:
        if numbers[name] >= 0:
            rules += [(_ALLOW, numbers[name], _Comparison(1, _EQUAL, command, 0)) for command in _FCNTL_COMMANDS]
    failed = library.seccomp_attr_set(made, _ALL_THREADS, 1)
    for action, number, only in rules:
        failed = failed or library.seccomp_rule_add_array(made, action, number, only is not None, only)
    failed = failed or library.seccomp_load(made)
    library.seccomp_release(made)
    return not failed
