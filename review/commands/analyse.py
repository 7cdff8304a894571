"""`eyelid-review analyse`: the analyst's worker, and how far the analysis is (docs/analysis.md)."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from review.analysis.job_report import facts, lines
from review.analysis.job_states import Kind, versions
from review.analysis.jobs import Jobs
from review.analysis.worker import READERS, Worker
from review.commands.open_log import console_home
from review.commands.opening import InForce, opened_store, with_store
from review.commands.people import INDEX
from review.commands.shared import Subcommands, answer, command, option
from store.clock import wall
from store.errors import StoreError

FOLDER: Final = "analysis"
TABLE: Final = "jobs.db"
MODELS: Final = versions({one.kind: one.model for one in READERS})


def add(commands: Subcommands[ArgumentParser]) -> None:
    command(commands, "analyse", "analyse recordings, as far as the signed rules allow it; how far that is",
            "--status\n  eyelid-review analyse --request 0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5b", _analyse,
            option("--status", "say what waits, what failed and why, and how fast it goes", action="store_true"),
            option("--request", "have this recording analysed before all others, and what failed of it again",
                   "RECORDING", type=UUID),
            option("--home", "the console's folder (%(default)s)", "DIR", type=Path, default=console_home()),
            lambda parser: with_store(parser, "--store"),
            says="Analyse recordings until it is told to stop (SIGINT, SIGTERM): take jobs, one at a time, out of the "
            "table that `eyelid-review up` fills. It ends at once where nothing that reads a recording is "
            "installed.")  # fmt: skip


def table(home: Path) -> Path:
    """Of a console's folder."""
    return home / FOLDER / TABLE


def _analyse(asked: Namespace) -> int:
    if asked.request:
        return _request(asked)
    return _status(asked) if asked.status else _work(asked)


@contextmanager
def _opened(home: Path) -> Iterator[Jobs]:
    if not table(home).exists():
        raise StoreError(f"{table(home)} is not there yet: `eyelid-review up` makes and fills it")
    with closing(Jobs(table(home))) as jobs:
        yield jobs


def _status(asked: Namespace) -> int:
    from review.search.to_analyse import analysts  # noqa: PLC0415 - slow to import

    with opened_store(asked.store) as (home, catalog), _opened(asked.home) as jobs:
        allowed = bool(analysts(InForce(home, catalog)(), wall()))
        said = facts(jobs.status(), {one.kind for one in READERS}, allowed=allowed)
    return answer(asked, said, *lines(said))


def _request(asked: Namespace) -> int:
    from review.search import schema  # noqa: PLC0415 - slow to import
    from review.search.to_analyse import ToAnalyse  # noqa: PLC0415

    recording = str(asked.request)
    with (
        opened_store(asked.store) as (home, catalog),
        _opened(asked.home) as jobs,
        closing(schema.opened(asked.home / INDEX)) as index,
    ):
        found = ToAnalyse(index, jobs, InForce(home, catalog), MODELS).ask(recording)
    if not isinstance(found, int):
        raise StoreError(f"{recording} is not analysed: {'; '.join(one.says for one in found)}")
    left = f"{found} jobs of it come before all others" if found else "everything of it is done already"
    return answer(asked, {"recording": recording, "jobs": found}, f"{recording}: {left}.")


def _work(asked: Namespace) -> int:
    if not READERS:
        raise StoreError(
            "nothing that reads a recording is installed here, so that all jobs stay waiting: `--status` says how many"
        )
    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stop.set())

    def failed(kind: Kind, error: str) -> None:
        sys.stderr.write(f"{kind}: {error}\n")

    with _opened(asked.home) as jobs:
        Worker(jobs, READERS, socket.gethostname(), failed).work(stop)
    return 0
