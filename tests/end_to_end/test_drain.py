"""What logged-off users left is sent by the system, as themselves: a real store, real users, and hardly a right."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess

import pytest

from agent.control import control
from testkit.fleet import Store, installed
from tests.end_to_end.users import AS_ROOT, CHUNKS, Pc, pc, services

__all__ = ["pc", "services"]  # fixtures
pytestmark = [pytest.mark.end_to_end, AS_ROOT]


def chunks_of(services: Store, device: str) -> int:
    return sum(one["chunks"] for one in services.ask("recordings")["recordings"] if one["device"] == device)


def test_what_two_users_left_is_sent_as_themselves(pc: Pc) -> None:
    devices = {name: pc.add(name) for name in ("alice", "bob")}
    outcomes = pc.drain()
    assert {name: (one["state"], one["sent"], one["troubles"]) for name, one in outcomes.items()} == {
        name: ("drained", CHUNKS, []) for name in devices
    }
    for name, device in devices.items():
        assert chunks_of(pc.services, device) == CHUNKS - 1  # and the key packet
        assert not list(pc.home(name).glob("spool/*/0*"))
        owners = {path.lstat().st_uid for path in pc.home(name).rglob("*")}
        assert owners == {pc.uids[name]}  # nothing was written by root
    assert {one["sent"] for one in pc.drain().values()} == {0}


def test_nobodys_link_is_followed_and_the_others_are_sent(pc: Pc) -> None:
    pc.add("mallory")
    pc.add("alice")
    precious = pc.folder / "precious"
    shutil.move(pc.home("mallory") / "spool", precious)
    os.chown(precious, 0, 0)
    before = sorted(precious.rglob("*"))
    (pc.home("mallory") / "spool").symlink_to(precious)
    pc.give(pc.folder / "home" / "mallory", pc.uids["mallory"])
    outcomes = pc.drain()
    assert outcomes["mallory"]["state"] == "failed"
    assert "is a link" in str(outcomes["mallory"]["troubles"])
    assert sorted(precious.rglob("*")) == before
    assert outcomes["alice"]["state"] == "drained"


def test_a_home_that_is_a_link_to_somebody_elses_is_nobodys(pc: Pc) -> None:
    device = pc.add("alice")
    pc.add("mallory")
    shutil.rmtree(pc.home("mallory"))
    pc.home("mallory").symlink_to(pc.home("alice"))
    outcomes = pc.drain()
    assert outcomes["mallory"]["state"] in {"failed", "not-enrolled"}
    assert outcomes["alice"]["sent"] == CHUNKS
    assert chunks_of(pc.services, device) == CHUNKS - 1


def test_a_home_in_which_a_recorder_is_at_work_is_left_to_it(pc: Pc) -> None:
    pc.add("alice")
    with control.claim(pc.home("alice")):
        pc.give(pc.folder / "home" / "alice", pc.uids["alice"])
        assert pc.drain()["alice"]["state"] == "in-use"
    assert pc.drain()["alice"]["sent"] == CHUNKS


def test_a_drain_makes_way_for_a_recorder_although_its_network_hangs(pc: Pc) -> None:
    pc.add("alice")
    home = pc.home("alice")
    pc.give(pc.folder, os.getuid())  # run by hand, as this user
    with socket.create_server(("127.0.0.1", 0)) as nobody_answers:
        identity = json.loads((home / "identity.json").read_text())
        identity["address"] = f"https://127.0.0.1:{nobody_answers.getsockname()[1]}"
        (home / "identity.json").write_text(json.dumps(identity))
        draining = subprocess.Popen(
            installed("eyelid", "drain", "--json"),
            env={**os.environ, "EYELID_HOME": str(home)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        accepted, _ = nobody_answers.accept()  # so it is at work
        with accepted, control.take_over(home):
            told, _ = draining.communicate(timeout=30)
    assert json.loads(told)["state"] == "waiting"
    assert json.loads(told)["waiting_chunks"] == CHUNKS
