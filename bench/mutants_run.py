"""Runs the tests of one mutant after another, each in a fork of a process that has loaded what the tests need.

What the project itself has is not loaded beforehand: the mutant has to be in its module's place before anything
imports that module.
"""

from __future__ import annotations

import ast
import gc
import importlib
import os
import resource
import signal
import sys
import types
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

import pytest

from bench.mutants_changes import ROOT, mutated, source

# `plain`: nothing that a failure would look nicer with.
OPTIONS: Final = ("-x", "-q", "-p", "no:cacheprovider", "--assert=plain", "--hypothesis-profile=unshrunk")
OURS: Final = frozenset(place.name for place in ROOT.iterdir() if (place / "__init__.py").is_file()) | {"conftest"}
MEMORY: Final = 4 << 30  # bytes of addresses: a mutant that collects without end takes no more

Stages = list[list[str]]  # what pytest is given first, and what only if the first tests notice nothing
NO_TESTS: Final = 5  # pytest's status where none was chosen


@dataclass(frozen=True)
class Trial:
    """One of a module's mutants, or the module unchanged (`number` None). `longest`: what its tests may take of a
    core, in seconds; they have failed if they take more, for a mutant may loop without end.
    """

    module: str
    number: int | None
    stages: Stages
    longest: float


def loaded_by(tests: list[str]) -> list[str]:
    """What these tests load that is not the project's."""
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        _alone(None)
        _run(tests)
        with os.fdopen(told, "w") as pipe:
            pipe.write("\n".join(name for name in sys.modules if name.partition(".")[0] not in {*OURS, "__main__"}))
        os._exit(0)
    os.close(told)
    with os.fdopen(heard) as pipe:
        names = pipe.read().splitlines()
    os.waitpid(pid, 0)
    return names


def preload(names: Iterable[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            with suppress(Exception):  # some are made, not imported
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each fork would copy what it only counts


def tried(trials: Iterable[Trial], jobs: int) -> Iterator[tuple[Trial, bool, float]]:
    """Each as soon as it has ended, with whether all its tests passed and what it took of a core, s; `jobs` at once."""
    running: dict[int, Trial] = {}
    ahead = iter(trials)
    try:
        while True:
            while len(running) < jobs and (trial := next(ahead, None)) is not None:
                pid = os.fork()
                if pid == 0:
                    _try(trial)
                with suppress(PermissionError, ProcessLookupError):
                    os.setpgid(pid, pid)  # as it does itself: whichever comes first
                running[pid] = trial
            if not running:
                return
            pid, status, used = os.wait3(0)
            yield running.pop(pid), status == 0, used.ru_utime + used.ru_stime
    finally:
        for pid in running:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _try(trial: Trial) -> NoReturn:
    """In a fork: ends with 0 if all its tests pass."""
    with suppress(BaseException):
        os.setpgid(0, 0)
        _alone(trial.longest)
        tree = mutated(trial.module, trial.number)
        if _put_in_place(trial.module, tree) and all(_pass(stage) for stage in trial.stages):
            os._exit(0)
    os._exit(1)


def _alone(longest: float | None) -> None:
    """Nothing of this process reaches the terminal, and it ends when it is told to or has taken too long."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.chdir(ROOT)
    if longest is not None:
        # Of a core's time, not the clock's: how busy the machine is makes no difference.
        resource.setrlimit(resource.RLIMIT_CPU, (int(longest) + 1, int(longest) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _put_in_place(module: str, tree: ast.Module) -> bool:
    """Whether it could be loaded at all."""
    changed = types.ModuleType(module)
    changed.__file__ = str(source(module))
    package, _, name = module.rpartition(".")
    if module in sys.modules:
        raise RuntimeError(f"{module} is loaded already, so that its mutant comes too late")
    sys.modules[module] = changed
    setattr(importlib.import_module(package), name, changed)
    try:
        exec(compile(tree, changed.__file__, "exec"), changed.__dict__)  # noqa: S102
    except Exception:  # noqa: BLE001 - whatever it is that the mutant has broken
        return False
    return True


def _pass(tests: list[str]) -> bool:
    """In a fork of its own, for pytest finds each stage's tests anew. A negative status: it took too long."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            os._exit(_run(tests))
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in {0, NO_TESTS}


def _run(tests: list[str]) -> int:
    return int(pytest.main([*OPTIONS, *tests]))
