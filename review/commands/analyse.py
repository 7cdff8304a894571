"""`eyelid-review analyse`: the analyst's worker, and how far the analysis is (docs/analysis.md)."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from protocol.dumps import refuse_dumps
from protocol.errors import ProtocolError
from protocol.keys import signing_key
from protocol.language.errors import MistakesError
from protocol.terminal import printable
from review.analysis.job_report import facts, lines
from review.analysis.job_states import Kind, versions
from review.analysis.jobs import Jobs, Lease
from review.analysis.worker import Progress, Reader, Worker
from review.commands.open_log import console_home, private, public_key
from review.commands.opening import InForce, opened_store, with_store
from review.commands.people import INDEX
from review.commands.shared import SOCKET, Subcommands, answer, command, option
from review.commands.signed_papers import OPTION as PAPERS
from review.commands.signed_papers import Papers, papers_command
from review.leasing import Lending
from store.admin import passphrase
from store.admin.init import COMPLIANCE
from store.clock import wall
from store.errors import StoreError, WrongUsage
from store.evidence.show import progress as bar

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from review.analysis.derived import Shelf
    from review.governance.model import Governance

FOLDER: Final = "analysis"
TABLE: Final = "jobs.db"
DERIVED: Final = "derived"
PERSON: Final = "person"  # the kind of a key that compliance invited


def add(commands: Subcommands[ArgumentParser]) -> None:
    command(commands, "analyse", "analyse recordings, as far as the signed rules allow it; how far that is",
            "--as analyst@example.com --key analyst.key \\\n"
            "    --custodian-key /etc/eyelid/custodian.pub --key-file /run/analyst/key\n"
            "  eyelid-review analyse --status\n"
            "  eyelid-review analyse --request 0193a1b2-7c4d-7e5f-8a9b-0c1d2e3f4a5b", _analyse,
            option("--status", "say what waits, what failed and why, and how fast it goes", action="store_true"),
            option("--request", "have this recording analysed before all others, and what failed of it again",
                   "RECORDING", type=UUID),
            option("--as", "the worker, by the name that the rules give it", "NAME", dest="worker"),
            option("--key", "its private key, as `custodian enrol-key` made it", "FILE", type=Path),
            option("--custodian", "where the custodian listens (%(default)s)", "FILE", type=Path, default=SOCKET),
            option("--custodian-key", "the public key of the custodian's log, or a file with it", "KEY"),
            option("--models", "the folder of models, in place of the one that analysis.yaml names", "DIR", type=Path),
            PAPERS, passphrase.add_options,
            option("--home", "the console's folder (%(default)s)", "DIR", type=Path, default=console_home()),
            lambda parser: with_store(parser, "--store"),
            says="Analyse recordings until it is told to stop (SIGINT, SIGTERM): take jobs, one at a time, out of the "
            "table that `up` fills, ask the custodian for the keys of that recording alone, and seal what "
            "is made of it. Sound becomes words, with the model that analysis.yaml in the console's folder "
            "names; of words, rules tell where personal data is.")  # fmt: skip


def shelf(home: Path, signer: Ed25519PrivateKey | None = None) -> Shelf:
    """Of a console's folder. `signer`: a worker's key; without it nothing is put."""
    from review.analysis.derived import Shelf  # noqa: PLC0415 - slow to import

    return Shelf(home / FOLDER / DERIVED, signer)


def table(home: Path) -> Path:
    """Of a console's folder."""
    return home / FOLDER / TABLE


def readers_of(home: Path) -> Mapping[Kind, str]:
    """Kind -> version of what reads recordings here, as `analysis.yaml` in a console's folder says.

    Raises StoreError.
    """
    from review.analysis.speech.port import SpeechError  # noqa: PLC0415 - slow to import
    from review.redaction.reader import RULES  # noqa: PLC0415
    from review.transcripts.installed import readers  # noqa: PLC0415

    try:
        found = readers(home)
    except SpeechError as error:
        raise StoreError(str(error)) from None
    return {**found, Kind.PERSONAL: RULES} if found else found


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
        said = facts(jobs.status(), readers_of(asked.home).keys(), allowed=allowed)
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
        found = ToAnalyse(index, jobs, InForce(home, catalog), versions(readers_of(asked.home))).ask(recording)
    if not isinstance(found, int):
        raise StoreError(f"{recording} is not analysed: {'; '.join(one.says for one in found)}")
    left = f"{found} jobs of it come before all others" if found else "everything of it is done already"
    return answer(asked, {"recording": recording, "jobs": found}, f"{recording}: {left}.")


def _work(asked: Namespace) -> int:
    from review.analysis.speech.port import SpeechError  # noqa: PLC0415 - slow to import
    from review.redaction.reader import PersonalReader  # noqa: PLC0415
    from review.transcripts.installed import installed  # noqa: PLC0415
    from review.transcripts.reader import SpeechReader  # noqa: PLC0415
    from review.transcripts.sound import SoundStore  # noqa: PLC0415

    try:
        here = installed(asked.home, asked.models)
    except SpeechError as error:
        raise StoreError(f"nothing is analysed, and all jobs stay waiting: {error}") from None
    if not (asked.worker and asked.key and asked.custodian_key):
        raise WrongUsage(
            "to work it needs --as, --key and --custodian-key: compliance invites a worker as it invites people "
            "(`custodian invite`), and a role of the signed rules says what it may make"
        )
    refuse_dumps()
    key = signing_key(private(asked.key, PERSON, passphrase.existing(asked, str(asked.key))))
    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stop.set())
    with (
        opened_store(asked.store) as (home, catalog),
        _opened(asked.home) as jobs,
        closing(Papers(papers_command(asked.papers, asked.store))) as papers,
    ):
        lending = Lending(
            asked.custodian, asked.worker, key, public_key(asked.custodian_key).public, papers,
            lambda kind, code: _say(f"{kind}: no keys were lent ({code})"),
        )  # fmt: skip
        sounds = SoundStore(catalog, home.blobs(), home.key(COMPLIANCE).id)
        keeper = shelf(asked.home, key)
        readers: list[Reader] = [
            SpeechReader(sounds, lending, keeper, here.versions, here.speech.settings, here.load, _say),
            PersonalReader(jobs, lending, keeper, versions(readers_of(asked.home))),
        ]
        Worker(
            jobs, [*map(_Shown, readers)], f"{socket.gethostname()}-{os.getpid()}",
            lambda kind, error: _say(f"{kind}: {error}"),
            may=Allowed(InForce(home, catalog), asked.worker, {reader.kind for reader in readers}),
        ).work(stop)  # fmt: skip
    return 0


@dataclass
class Allowed:
    """What of `read` the signed rules let a worker make now: nothing where they cannot be read. A change is said."""

    rules: Callable[[], Governance]
    worker: str
    read: Collection[Kind]
    _said: str = ""

    def __call__(self) -> Collection[Kind]:
        from review.search.to_analyse import makes  # noqa: PLC0415 - slow to import

        found, why = frozenset[Kind](), f"no role of it makes {' or '.join(sorted(self.read))} by the signed rules"
        try:
            found = makes(self.rules(), self.worker, wall()).intersection(self.read)
        except (ProtocolError, StoreError, MistakesError, SQLAlchemyError) as error:
            why = f"the signed rules cannot be read ({type(error).__name__})"
        line = f"{self.worker} makes {', '.join(sorted(found)) or f'nothing now: {why}'}"
        if line != self._said:
            self._said = line
            _say(line)
        return found


@dataclass(frozen=True, slots=True)
class _Shown:
    """A reader whose progress a person at a terminal sees."""

    reader: Reader

    @property
    def kind(self) -> Kind:
        return self.reader.kind

    @property
    def model(self) -> str:
        return self.reader.model

    def read(self, lease: Lease, progress: Progress) -> str:
        done = 0
        with bar(f"{lease.kind} of {lease.recording}, of a hundred", 100) as advance:

            def shown(share: float) -> None:
                nonlocal done
                advance(round(100 * share) - done)
                done = round(100 * share)
                progress(share)

            return self.reader.read(lease, shown)


def _say(line: str) -> None:
    sys.stderr.write(f"{printable(line)}\n")
    sys.stderr.flush()
