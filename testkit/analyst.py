"""A house that analyses what was said: store, custodian, console and worker as they run, calls of recorded speech."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, enrolment
from protocol.keyfile import load_private, save_private
from protocol.keys import RecipientPublic, signing_key
from review.analysis.derived import Shelf
from review.analysis.jobs import Jobs
from review.analysis.speech.port import RATE as HEARD_RATE
from review.analysis.speech.settings import NAME as SETTINGS
from review.cli import main
from review.commands.analyse import PERSON, shelf, table
from review.commands.open_log import public_key
from review.enrolled import invite, take_up
from review.exchange import ask
from store.admin.init import COMPLIANCE
from store.clock import wall
from testkit.cheap_keys import COST, cheap_keys
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from testkit.free_ports import free_ports
from testkit.lifecycle import Days, Pcs, World, govern
from testkit.reading_room import RULES, up
from testkit.recorded_call import RATE, record_call
from testkit.speech_models import TINY, models
from testkit.spoken import prompts

WORKER: Final = "analyst@example.com"
SECRET: Final = b"x" * 40
RULED: Final = RULES.replace(
    "people:\n",
    "  analyst:\n    may: [analyse]\n    of: all\n    rendition: original\n"
    "    analyses: { speech: 600 per hour, personal: 600 per hour }\n"
    f"people:\n  {WORKER}: {{ roles: [analyst] }}\n",
    1,
)


@dataclass
class AnalystHouse:
    """`key`: the worker's. `temporary`: where processes put temporary files, if they put any."""

    folder: Path
    world: World
    pcs: Pcs
    pc: Pc
    socket: Path
    key: Ed25519PrivateKey

    @property
    def console(self) -> Path:
        return self.folder / "console"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def log_key(self) -> Path:
        return self.folder / "c" / "keys" / "audit.pub"

    @property
    def shelf(self) -> Shelf:
        return shelf(self.console)

    def record(self, agent: Sequence[str], customer: Sequence[str], **how: Any) -> FakeRecording:
        """Each end says these of `SENTENCES`, both at once."""
        ends = [_at_48(prompts("en", *names, pause=HEARD_RATE)) for names in (agent, customer)]
        length = -(-max(map(len, ends)) // RATE) * RATE
        both = np.stack([np.pad(one, (0, length - len(one))) for one in ends], axis=1)
        return record_call(self.pcs, self.pc, both, start=wall() - length * SECOND // RATE - 5 * SECOND, **how)

    def worker_words(self, *more: str) -> list[str]:
        where = ["--home", self.console, "--store", self.world.home.folder, "--custodian", self.socket]
        who = ["--as", WORKER, "--key", self.folder / "analyst.key", "--custodian-key", self.log_key]
        return ["analyse", *map(str, (*where, *who, "--key-file", self.folder / "secret")), *more]

    @contextmanager
    def working(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        """`eyelid-review analyse`, as a process; at the end it is asked to end, and has to in good order."""
        words = [sys.executable, "-m", "review", *self.worker_words(*more)]
        environment = os.environ | {"TMPDIR": str(self.temporary)}
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as running:
            try:
                yield running
            finally:
                if running.poll() is None:
                    running.send_signal(signal.SIGTERM)
                _, said = running.communicate(timeout=120)
                sys.stderr.write(said)
                assert "Traceback" not in said

    @contextmanager
    def jobs(self) -> Iterator[Jobs]:
        with closing(Jobs(table(self.console))) as opened:
            yield opened


def _at_48(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate = HEARD_RATE
    made = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([one.to_ndarray().reshape(-1) for one in made])


@contextmanager
def analyst_house(folder: Path) -> Iterator[AnalystHouse]:
    """With a console that serves, and the small English model. Nothing is recorded yet, and no worker works."""
    world = World.found(folder)
    world.days = Days(wall())
    (folder / "secret").write_bytes(SECRET)
    (folder / "tmp").mkdir()
    console, player = _console(folder)
    short = Path(tempfile.mkdtemp())  # a socket's name has 107 characters at the most
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, short)
        with cheap_keys():
            _custodian(folder, world, player)
        stack.enter_context(_custodian_serving(folder, short / "s"))
        (public,) = (folder / "c" / "keys").glob("review-*.pub")
        review = RecipientPublic.from_bytes(base64url.decode(public.read_text().strip()))
        ask(short / "s", "bundle", bundle=govern(world.home, RULED, readers=(review,)))
        key = _enrolled(folder, world, short / "s")
        paths = ("--home", str(folder / "console"), "--store", str(world.home.folder), "--key-file",
                 str(folder / "secret"), "--custodian", str(short / "s"), "--no-player")  # fmt: skip
        stack.enter_context(up(console.rpartition(":")[2], *paths))
        pcs = stack.enter_context(world.serving())
        yield AnalystHouse(folder, world, pcs, pcs.pc(), short / "s", key)


def _console(folder: Path) -> tuple[str, str]:
    """Its folder, without keys; the addresses of console and player."""
    console, player = (f"http://localhost:{port}" for port in free_ports(2))
    (folder / "console").mkdir()
    (folder / "console" / "people.yaml").write_text(f"schema: 1\naddress: {console}\nplayer: {player}\n...\n")
    (folder / "console" / SETTINGS).write_text(f"schema: 1\nmodels: models\nspeech: {TINY}\nlanguage: en\n...\n")
    models(folder / "console" / "models")
    return console, player


def _custodian(folder: Path, world: World, page: str) -> None:
    home = world.home
    named = enrolment.Enrolment("https://localhost", "", home.store_key().public_key(), home.key(COMPLIANCE).id, "s")
    (folder / "token").write_text(enrolment.make(named))
    secret = ["--key-file", str(folder / "secret")]
    log = ["--log", str(folder / "console" / "audit"), "--keys", str(folder / "console" / "keys")]
    words = ["custodian", "init", "--home", str(folder / "c"), "--name", "review.example.com/custodian", "--token",
             str(folder / "token"), "--origin", page, "--console", "nobody", "--cap", "1000", *secret]  # fmt: skip
    assert main(words) == 0
    assert main(["audit", "init", "--name", "review.example.com/console", *log, *secret]) == 0


@contextmanager
def _custodian_serving(folder: Path, socket: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "review", "custodian", "serve", "--home", str(folder / "c"), "--key-file",
             str(folder / "secret"), "--socket", str(socket)]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("the custodian listens")
            yield
        finally:
            process.kill()


def _enrolled(folder: Path, world: World, socket: Path) -> Ed25519PrivateKey:
    made, to = Ed25519PrivateKey.generate(), public_key(str(folder / "c" / "keys" / "audit.pub"))
    compliance = world.home.folder / world.home.key(COMPLIANCE).file
    signer = signing_key(load_private(compliance, b"correct horse").raw)
    invitation, secret = invite(WORKER, to.name, to.public, wall() + 3600 * SECOND, signer)
    ask(socket, "enrol", **take_up(invitation, secret, made))
    save_private(folder / "analyst.key", PERSON, made.private_bytes_raw(), SECRET, cost=COST)
    return made
