"""What logged-off users left is sent by the system, as themselves: a real store, real users, and hardly a right."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.control import control
from testkit.fleet import NewStore, Store, installed
from tests.end_to_end.leaving import leave_behind

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="becoming other users needs root"),
]

CHUNKS = 5
ROOT = Path(__file__).resolve().parent.parent.parent

# In a mount namespace of its own: accounts that nobody else sees, and our Python where those accounts can reach it.
APART = """set -e
mount --bind "$1" /etc/passwd
mount --bind "$2" /etc/group
kept=$3 hidden=$4; shift 4
if [ -n "$hidden" ]; then
  mount --rbind "$hidden" "$kept"
  mount -t tmpfs -o mode=755 none "$hidden"
  for path in "$kept_paths"; do mkdir -p "$path"; mount --bind "$kept${path#"$hidden"}" "$path"; done
fi
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+setuid,+setgid,+kill "$@"
"""


class Pc:
    """A PC of several users who have logged off."""

    def __init__(self, folder: Path, services: Store) -> None:
        self.folder = folder
        self.services = services
        self.uids: dict[str, int] = {}

    def home(self, name: str) -> Path:
        return self.folder / "home" / name / ".local" / "state" / "eyelid"

    def add(self, name: str, *, chunks: int = CHUNKS) -> str:
        """A user with a recording in the spool and an account, none of it sent; the device's id."""
        self.uids[name] = uid = 61_001 + len(self.uids)
        home = self.home(name)
        token = self.services.ask("enroll-token", "--address", self.services.address)["token"]
        device = leave_behind(home, name, token, chunks)
        (self.folder / "home").chmod(0o755)
        self.give(self.folder / "home" / name, uid)
        return device

    def give(self, folder: Path, uid: int) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)

    def drain(self) -> dict[str, dict[str, object]]:
        """What `eyelid drain --system` says of each user, run as its unit runs it."""
        people = [(name, uid) for name, uid in self.uids.items()]
        passwd, group = self.folder / "passwd", self.folder / "group"
        lines = [f"{name}:x:{uid}:{uid}::{self.folder / 'home' / name}:/bin/sh\n" for name, uid in people]
        passwd.write_text("root:x:0:0:root:/root:/bin/sh\n" + "".join(lines))
        group.write_text("root:x:0:\n" + "".join(f"{name}:x:{uid}:\n" for name, uid in people))
        kept = self.folder / "kept"
        kept.mkdir(exist_ok=True)
        hidden, paths = _hidden_from_others()
        script = APART.replace('"$kept_paths"', " ".join(f"'{path}'" for path in paths))
        apart = ["unshare", "--mount", "sh", "-c", script, "sh", str(passwd), str(group), str(kept), hidden]
        ran = subprocess.run(
            [*apart, *installed("eyelid", "drain", "--system", "--json")],
            env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert ran.stdout, ran.stderr
        return {one["user"]: one for one in json.loads(ran.stdout)["users"]}


def _hidden_from_others() -> tuple[str, list[str]]:
    """The folder that keeps other users from our Python ("" for none), and what of ours lies below it."""
    needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT]
    shut = [
        next((folder for folder in reversed((path, *path.parents)) if not folder.stat().st_mode & 0o001), None)
        for path in needed
    ]
    hidden = {folder for folder in shut if folder is not None}
    if len(hidden) > 1:
        pytest.skip("Python and this checkout lie in different folders that other users may not enter")
    return (str(next(iter(hidden), "")), [str(path) for path, folder in zip(needed, shut, strict=True) if folder])


@pytest.fixture(scope="module")
def services(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with new_store(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def pc(services: Store) -> Iterator[Pc]:
    folder = Path(tempfile.mkdtemp(prefix="eyelid-"))  # others must be able to enter it, unlike pytest's own
    folder.chmod(0o755)
    yield Pc(folder, services)
    shutil.rmtree(folder)


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
