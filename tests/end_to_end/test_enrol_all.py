"""Root enrols each user of a PC with a token that no user ever sees: a real store, real users, and hardly a right."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.end_to_end.users import AS_ROOT, Pc, pc, services

__all__ = ["pc", "services"]  # fixtures
pytestmark = [pytest.mark.end_to_end, AS_ROOT]


def token_file(pc: Pc, uses: int) -> Path:
    file = pc.folder / "enrolment-token"
    facts = pc.services.ask("enroll-token", "--uses", str(uses), "--address", pc.services.address)
    file.write_text(facts["token"] + "\n")
    file.chmod(0o600)
    return file


def enrol(pc: Pc, file: Path) -> tuple[int, str, str]:
    ran = pc.eyelid("enroll", "--system", str(file), STATE_DIRECTORY=str(pc.folder / "state"))
    return ran.returncode, ran.stdout, ran.stderr


def enrolled(pc: Pc, name: str) -> str:
    return str(json.loads((pc.home(name) / "identity.json").read_text())["device"])


def test_each_user_gets_keys_of_their_own_once_and_no_token(pc: Pc) -> None:
    pc.add("carol")  # who enrolled by hand before
    for name in ("alice", "bob"):
        pc.add_new(name)
    file, carols = token_file(pc, 5), enrolled(pc, "carol")
    status, out, err = enrol(pc, file)
    assert (status, sorted(line.partition(":")[0] for line in out.splitlines())) == (0, ["alice", "bob"]), err
    assert len({enrolled(pc, name) for name in ("alice", "bob", "carol")}) == 3
    assert enrolled(pc, "carol") == carols
    secret = file.read_text().strip()
    for name in ("alice", "bob"):
        files = [path for path in pc.home(name).rglob("*") if path.is_file()]
        assert {path.lstat().st_uid for path in files} == {pc.uids[name]}
        assert stat.S_IMODE((pc.home(name) / "identity.json").stat().st_mode) == 0o600
        assert not any(secret in path.read_text() for path in files)
    assert {one["user"] for one in pc.services.ask("devices")["devices"]} >= {"alice", "bob"}
    assert enrol(pc, file)[:2] == (0, "")  # nothing is left to do
    # A user who left, or whose folder is gone, is not enrolled again and again.
    shutil.rmtree(pc.home("alice"))
    assert enrol(pc, file)[:2] == (0, "")


def test_a_user_whose_disk_takes_nothing_spends_one_use_and_is_named(pc: Pc) -> None:
    pc.add_new("mallory")
    (pc.folder / "home" / "mallory" / ".local").write_text("")
    file = token_file(pc, 5)
    status, out, _ = enrol(pc, file)
    assert status == 1
    assert out.startswith("mallory: ")
    assert "to try again, remove" in out
    assert enrol(pc, file)[:2] == (0, "")


@pytest.mark.parametrize("fault", ["others read it", "another's", "a link", "missing", "no token"])
def test_a_token_that_is_not_roots_alone_enrols_nobody(pc: Pc, fault: str) -> None:
    pc.add_new("alice")
    file = token_file(pc, 1)
    match fault:
        case "others read it":
            file.chmod(0o640)
        case "another's":
            os.chown(file, pc.uids["alice"], -1)
        case "a link":
            file.rename(pc.folder / "elsewhere")
            file.symlink_to(pc.folder / "elsewhere")
        case "missing":
            file.unlink()
        case "no token":
            file.write_text("hello")
    status, out, err = enrol(pc, file)
    assert (status, out) == (2, "")
    assert "token" in err
    assert not pc.home("alice").exists()
