"""A PC leaves its store: what waits is sent first, the store hears of it, and nothing of the enrolment stays."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import config, enrolment
from agent.control import control
from agent.desktop import current_clock
from agent.ledger import DiskLedger
from agent.seal import Provenance
from agent.spool import DiskSpool
from agent.state.identity import load
from testkit.fakes.clock import NEW_YEAR_2026
from testkit.fleet import NewStore, Store, installed, run, serving
from tests.agent.recordings import media, new_sealer

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]

CHUNKS = 4
OWN_POLICY = "# mine\n"


@pytest.fixture(scope="module")
def services(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with new_store(tmp_path_factory.mktemp("store")) as running_store:
        yield running_store


class Pc:
    """A PC with a recording and an account that wait for the store, and a policy file of its own."""

    def __init__(self, services: Store, home: Path, *, by_command: bool = False) -> None:
        self.services = services
        self.home = home
        self.environment = {**os.environ, "EYELID_HOME": str(home)}
        token = services.ask("enroll-token", "--address", services.address)["token"]
        if by_command:
            assert self.eyelid("enroll", "-", given=token).returncode == 0
        else:
            enrolment.enrol(token, config.load(self.environment))
        who = load(home)
        self.device = who.device
        spool = DiskSpool(home / "spool", max_bytes=10**9, keep_free=0, alarm=pytest.fail)
        sealer = new_sealer(NEW_YEAR_2026, Provenance(who.device, who.keys, "pc-17", "alice", "0.1.0"))
        for sealed in (sealer.packet(), *(sealer.seal(media(0, 4 * at, 2000)) for at in range(CHUNKS - 1))):
            spool.put(sealed)
        ledger = DiskLedger(home / "ledger", current_clock(), device=who.device, keys=who.keys)
        ledger.write("start")
        ledger.write("stop", why="logoff")
        (home / "log").mkdir()
        (home / "log" / "eyelid.jsonl").write_text("{}\n")
        (home / "policies").mkdir(exist_ok=True)
        (home / "policies" / "own.yaml").write_text(OWN_POLICY)

    def eyelid(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return run(installed("eyelid", *words), self.environment, given=given, patience=100)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file())

    def at_store(self) -> dict[str, Any]:
        """What `eyelid-store gaps` says of it: it exits with 1 where anything is missing anywhere."""
        told = json.loads(self.services.ran("gaps", "--json").stdout)
        [device] = [one for one in told["devices"] if one["device"] == self.device]
        return dict(device)


def test_leaving_sends_everything_first_and_the_store_hears_of_it(services: Store, tmp_path: Path) -> None:
    pc = Pc(services, tmp_path / "home", by_command=True)
    left = pc.eyelid("unenroll", "--yes")
    assert left.returncode == 0, left.stderr
    assert f"it was {pc.device}" in left.stdout
    assert "has not heard" not in left.stdout
    [recording] = [one for one in services.ask("recordings")["recordings"] if one["device"] == pc.device]
    assert recording["chunks"] == CHUNKS - 1  # and the key packet
    assert pc.at_store()["state"] == "off"
    assert pc.files() == ["lock", "policies/own.yaml"]
    assert f"{pc.home}/policies/own.yaml stays" in left.stdout
    again = pc.eyelid("unenroll", "--yes")
    assert again.returncode == 2
    assert "not enrolled" in again.stderr
    assert "not enrolled" in pc.eyelid("run").stderr


def test_the_policy_that_came_from_the_store_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "cards.yaml").write_text(
        "schema: 1\nrevision: 1\nname: Cards\nrules: [{id: a, why: b, any: [{app: [c]}]}]\n...\n"
    )
    home = tmp_path / "store"
    init = installed("eyelid-store", "init", "--home", str(home), "--address", "127.0.0.1")
    flags = [
        "--keys",
        str(tmp_path / "keys"),
        "--key-file",
        str(tmp_path / "key"),
        "--policies",
        str(tmp_path / "policies"),
    ]
    assert run([*init, *flags], os.environ).returncode == 0
    with serving(home, tmp_path / "key", tmp_path) as (services, _):
        pc = Pc(services, tmp_path / "home")
        assert "policies/cards.yaml" in pc.files()
        assert pc.eyelid("unenroll", "--yes").returncode == 0
        assert pc.files() == ["lock", "policies/own.yaml"]


def test_without_the_store_nothing_is_forgotten_unless_it_is_meant(new_store: NewStore, tmp_path: Path) -> None:
    with new_store(tmp_path) as services:
        pc = Pc(services, tmp_path / "home")
    before = pc.files()
    kept = pc.eyelid("unenroll", "--yes")
    assert kept.returncode == 1
    assert f"does not have {CHUNKS} chunks of recordings, 0.0 MB, entries of the account" in kept.stderr
    assert "nothing was forgotten" in kept.stderr
    assert set(before) <= set(pc.files())
    lost = pc.eyelid("unenroll", "--yes", "--force")
    assert lost.returncode == 0
    assert f"does not have {CHUNKS} chunks" in lost.stderr
    assert f"eyelid-store revoke {pc.device}" in lost.stdout
    assert pc.files() == ["lock", "policies/own.yaml"]


def test_keys_that_cannot_be_read_can_be_forgotten(services: Store, tmp_path: Path) -> None:
    pc = Pc(services, tmp_path / "home")
    (pc.home / "identity.json").write_text("{}")
    assert pc.eyelid("unenroll", "--yes").returncode == 1
    gone = pc.eyelid("unenroll", "--yes", "--force")
    assert gone.returncode == 0, gone.stderr
    assert "is damaged" in gone.stderr
    assert pc.files() == ["lock", "policies/own.yaml"]


def test_a_recorder_at_work_is_not_left_without_keys(services: Store, tmp_path: Path) -> None:
    pc = Pc(services, tmp_path / "home")
    with control.claim(pc.home):
        refused = pc.eyelid("unenroll", "--yes", "--force")
    assert refused.returncode == 2
    assert "Eyelid is recording: stop it first" in refused.stderr
    assert (pc.home / "identity.json").exists()


@pytest.mark.parametrize(("answer", "leaves"), [("n", False), ("", False), ("y", True)])
def test_it_asks(services: Store, tmp_path: Path, answer: str, leaves: bool) -> None:
    pc = Pc(services, tmp_path / "home")
    here, there = pty.openpty()
    with subprocess.Popen(
        installed("eyelid", "unenroll"), env=pc.environment, stdin=there, stdout=subprocess.PIPE, text=True
    ) as asking:
        os.write(here, f"{answer}\n".encode())
        out, _ = asking.communicate(timeout=100)
    os.close(here)
    os.close(there)
    assert f"This PC, {pc.device}, leaves its store" in out
    assert "The store has all of it. Go on?" in out
    assert asking.returncode == (0 if leaves else 1)
    assert (pc.home / "identity.json").exists() is not leaves


def test_nobody_to_ask_is_no_yes(services: Store, tmp_path: Path) -> None:
    pc = Pc(services, tmp_path / "home")
    refused = pc.eyelid("unenroll")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert (pc.home / "identity.json").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_an_account_that_is_no_file_keeps_nobody_waiting(
    services: Store, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    pc = Pc(services, tmp_path)
    for segment in (pc.home / "ledger").glob("segment-*"):
        segment.unlink()
        make(segment)
    drained = pc.eyelid("drain")
    assert drained.returncode != 0
    assert "no regular file" in drained.stderr + drained.stdout
    kept = pc.eyelid("unenroll", "--yes")
    assert kept.returncode == 1
    assert "entries of the account" in kept.stderr
    assert pc.eyelid("unenroll", "--yes", "--force").returncode == 0
    assert not (pc.home / "ledger").exists()
