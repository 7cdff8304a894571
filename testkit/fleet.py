"""A store and PCs that are enrolled with it: the real commands as real processes, in folders of their own.

Used by the demo, the benches and the end-to-end tests, so that all of them see what an operator and an agent would see.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, Final

import yaml

from agent import config, enrolment
from agent.control import control
from agent.control.recorder_state import RecorderState
from agent.errors import EyelidError
from agent.state import identity
from protocol.ledger import parse_line
from store.cli import main as store_main
from testkit.stage import Running, Stage, StageError, running

COMMAND: Final = 600.0  # seconds that one command of the store may take: `verify --all` reads all that a bench has kept
DEAF: Final = {"microphone": "none", "far_end": "none"}  # as `audio` of an agent.yaml
RECIPIENT: Final = "recipient"  # the key of `eyelid-store init` that reads recordings


def installed(command: str, *arguments: str) -> list[str]:
    """The command line of one of our commands, as installed beside this Python, whatever PATH says."""
    return [str(Path(sys.executable).with_name(command)), *arguments]


def run(
    command: Sequence[str], environment: Mapping[str, str], *, given: str = "", patience: float = COMMAND
) -> subprocess.CompletedProcess[str]:
    """The command, come to its end. Raises StageError when it does not within `patience` (s)."""
    try:
        return subprocess.run(
            command, env=dict(environment), input=given, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise StageError(f"{Path(command[0]).name} {command[1]} did not end within {patience:.0f} s") from None


def answer(name: str, ran: subprocess.CompletedProcess[str]) -> str:
    """What a command that must succeed printed. Raises StageError with its own words."""
    if ran.returncode:
        raise StageError(f"{name} ended with {ran.returncode}: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout


@dataclass(frozen=True)
class Store:
    """A running store. `secret`: the file whose bytes seal its private keys.

    `within`: what is asked of it, and `enrol` with it, runs in this process, where no other thread writes to stdout or
    stderr. To start Python for each, and to import, takes most of a second.
    """

    home: Path
    address: str
    secret: Path
    within: bool = False

    def ask(self, command: str, *arguments: str) -> Any:
        """The JSON answer of `eyelid-store COMMAND`. Raises StageError when it fails."""
        return json.loads(answer(f"eyelid-store {command}", self.ran(command, *arguments, "--json")))

    def ran(self, command: str, *arguments: str, patience: float = COMMAND) -> subprocess.CompletedProcess[str]:
        words = (command, "--home", str(self.home), *arguments)
        if self.within and command not in STARTERS:
            return _called(words)
        return run(installed("eyelid-store", *words), os.environ, patience=patience)

    @cached_property
    def opened_by_recipient(self) -> tuple[str, ...]:
        """The flags with which `export` and `verify` open a recording."""
        keys = {key["name"]: key["file"] for key in json.loads((self.home / "store.json").read_bytes())["keys"]}
        return "--key", str(self.home / keys[RECIPIENT]), "--key-file", str(self.secret)


STARTERS: Final = {"replay"}  # commands that start a program: its output is not caught within this process
Founded = tuple[Path, Path]  # a store's home, and the file that seals its private keys
NewStore = Callable[[Path], AbstractContextManager[Store]]


def _called(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """`eyelid-store WORDS` in this process."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try:
            status = store_main(words)
        except SystemExit as left:  # argparse
            status = int(left.code or 0)
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def found(folder: Path, home: Path | None = None) -> Founded:
    """A new store in `home` (default: a folder in `folder`)."""
    home, secret = home or folder / "store", folder / "operator.key"
    init = installed("eyelid-store", "init", "--home", str(home), "--address", "127.0.0.1", "--key-file", str(secret))
    init += ["--keys", str(folder / "keys")]
    answer("eyelid-store init", run(init, os.environ))
    return home, secret


def found_like(model: Founded, folder: Path, home: Path | None = None) -> Founded:
    """As `found`, with the keys and the CA of one that it made and that never served: making them takes seconds."""
    home, secret = home or folder / "store", folder / "operator.key"
    shutil.copytree(model[0], home, dirs_exist_ok=True)
    shutil.copy2(model[1], secret)
    return home, secret


def serve(home: Path, port: int = 0) -> list[str]:
    """The command line that serves it over TLS on the loopback, and says where (`announced`); port 0 takes a free one.

    Never another port than before where PCs are enrolled already: their token carried the address.
    """
    where = ("--host", "127.0.0.1", "--port", str(port))
    return installed("eyelid-store", "serve", "--home", str(home), *where, "--json")


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    """A new store in `folder`, served over TLS on a free port of the loopback."""
    with serving(*found(folder), folder) as (made, _):
        yield made


@contextmanager
def serving(home: Path, secret: Path, folder: Path, *, within: bool = False) -> Iterator[tuple[Store, Running]]:
    """A store that was founded, served the same way, and its process; its log goes to `folder`."""
    with running("the store", serve(home), folder / "store.log", os.environ) as process:
        address = process.until(lambda: announced(process.log), "it said where it listens")
        yield Store(home, address, secret, within), process


def announced(log: Path) -> str:
    for line in log.read_text("utf-8").splitlines():
        if line.startswith("{") and "address" in (said := json.loads(line)):
            return str(said["address"])
    return ""


def status(home: Path) -> dict[str, Any] | None:
    """What `eyelid status --json` says; None while the recorder does not answer yet."""
    try:
        return dict(control.request(home, "status"))
    except EyelidError:
        return None


class Pc:
    """An enrolled PC whose recorder runs."""

    def __init__(self, device: str, home: Path, recorder: Running) -> None:
        self.device = device
        self.home = home
        self.recorder = recorder

    def status(self) -> dict[str, Any] | None:
        return status(self.home)

    def state(self) -> RecorderState | None:
        status = self.status()
        return None if status is None else RecorderState(status["state"])

    def wait_for(self, state: RecorderState) -> None:
        """Returns when the recorder says that it is so. Raises StageError with what it says instead."""
        try:
            self.recorder.until(lambda: self.state() is state, f"it was {state.value}")
        except StageError as error:
            # That it closes is a promise: where it does not come, it was broken and is not late.
            kind = StageError if state is RecorderState.CLOSED else type(error)
            raise kind(f"{error}\n    its last status: {json.dumps(self.status())}") from None

    def stop(self) -> None:
        """Tell the recorder to end; returns when it has drained and ended. Raises StageError when it failed at that."""
        if status := self.recorder.end():
            raise StageError(f"the recorder ended with {status}:\n{self.recorder.tail()}")


def entries(home: Path, *kinds: str) -> list[dict[str, Any]]:
    """The account as it stands on a PC's disk, in order, each entry once; of these kinds alone where any are named."""
    found: dict[int, dict[str, Any]] = {}
    for segment in sorted(home.joinpath("ledger").glob("segment-*")):
        whole, _, _ = segment.read_bytes().rstrip(b"\0").rpartition(b"\n")
        for line in whole.split(b"\n") if whole else ():
            entry = dict(parse_line(line, seq=0))
            found[int(str(entry["seq"]))] = entry
    return [found[seq] for seq in sorted(found) if not kinds or found[seq]["kind"] in kinds]


def zeros(home: Path) -> dict[str, int]:
    """Recording -> where its time begins on the PC's clock, ns."""
    return {str(entry["recording"]): int(entry["zero"]) for entry in entries(home, "recording-open")}


def enrol(
    store: Store,
    stage: Stage,
    home: Path,
    policy: Mapping[str, str],
    settings: Mapping[str, object] | None = None,
    *,
    group: str = "",
) -> tuple[str, dict[str, str]]:
    """A PC on `stage` joins: (its device id, the environment in which its recorder runs).

    `policy`: file name -> text. `settings`: what its agent.yaml says besides home and spool.keep_free, and instead of
    recording no sound. `group`: of PCs, as the store lists them.
    """
    (home / "policies").mkdir(parents=True, mode=0o700, exist_ok=True)
    for name, text in policy.items():
        (home / "policies" / name).write_text(text, "utf-8")
    file = home / "agent.yaml"
    # JSON is YAML too.
    written = {"home": str(home), "spool": {"keep_free": "50 MB"}, "audio": DEAF, **(settings or {})}
    file.write_text(json.dumps(written), "utf-8")
    environment = {**stage.environment, "EYELID_CONFIG": str(file)}
    token = store.ask("enroll-token", "--address", store.address, "--group", group)["token"]
    if store.within:
        enrolment.enrol(token, config.load(environment))
    else:
        answer("eyelid enroll", run(installed("eyelid", "enroll", "-"), environment, given=token + "\n"))
    return identity.load(home).device, environment


def without_rules(policy: Mapping[str, str]) -> dict[str, str]:
    """The same policy files with every rule taken out, and with the tests that need them.

    A policy must have a rule, so each file gets one that fits nothing here.
    """
    bare = {}
    for number, (name, text) in enumerate(policy.items()):
        fields = yaml.safe_load(text)
        fields.pop("tests", None)
        nothing = {
            "id": f"nothing-{number}",
            "why": "the control run, without the rules",
            "any": [{"app": ["no-such-program"]}],
        }
        bare[name] = yaml.safe_dump({**fields, "rules": [nothing]}, sort_keys=False) + "...\n"
    return bare


@contextmanager
def pc(
    store: Store,
    stage: Stage,
    home: Path,
    policy: Mapping[str, str],
    *,
    settings: Mapping[str, object] | None = None,
    more: Mapping[str, str] | None = None,
    group: str = "",
) -> Iterator[Pc]:
    """A PC on `stage`, newly enrolled, whose recorder answers and has the policy files (name -> text) to judge by.

    `settings`, `group`: as in `enrol`. `more`: of the recorder's environment, such as a sound server's address. When
    the context ends without an error, the recorder has been told to end, has drained, and has ended.
    """
    device, environment = enrol(store, stage, home, policy, settings, group=group)
    environment |= more or {}
    with running("the recorder", installed("eyelid", "run"), home / "agent.log", environment) as recorder:
        enrolled = Pc(device, home, recorder)
        recorder.until(enrolled.status, "it answered")
        yield enrolled
        enrolled.stop()
