"""Whose homes lie on a PC: real folders, owned by whom they say; a link is nobody's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import users
from agent.users import User, run_as, with_homes

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="giving folders away needs root")

ALICE, BOB = 61_001, 61_002


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    for name, uid in (("alice", ALICE), ("DOMAIN/bob", BOB)):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        os.chown(folder, uid, uid)
    return tmp_path


def found(homes: Path) -> dict[Path, int]:
    return {user.home: user.uid for user in with_homes(homes) if user.home.is_relative_to(homes)}


def test_owners_of_homes_are_found_also_those_of_a_domain(homes: Path) -> None:
    assert found(homes) == {homes / "alice": ALICE, homes / "DOMAIN" / "bob": BOB}


def test_a_link_and_a_folder_within_somebodys_home_are_no_homes(homes: Path) -> None:
    (homes / "mallory").symlink_to(homes / "alice")
    inside = homes / "alice" / "inside"
    inside.mkdir()
    os.chown(inside, BOB, BOB)
    assert set(found(homes)) == {homes / "alice", homes / "DOMAIN" / "bob"}


def test_no_home_is_read_for_homes(homes: Path) -> None:
    """Its user may put any number of names there: each was read, and kept in memory, by a process of root's."""
    (homes / "alice" / "inside").mkdir()
    read = set(users._in_folders_of_the_system(homes))
    assert read == {homes / "alice", homes / "DOMAIN", homes / "DOMAIN" / "bob"}


def test_a_command_is_run_as_the_user_without_groups_and_with_little_of_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_OF_ROOT", "x")
    script = "id -u; id -G; pwd; echo $HOME; env"
    told = run_as(User("alice", ALICE, ALICE, Path("/home/alice")), ["/bin/sh", "-c", script], seconds=30)
    assert told is not None
    assert told.splitlines()[:4] == [str(ALICE), str(ALICE), "/", "/home/alice"]
    assert "SECRET_OF_ROOT" not in told


def test_a_users_process_has_no_hold_on_the_terminal_of_who_started_it() -> None:
    """Else it could type into root's shell (TIOCSTI): by hand it is `sudo eyelid drain --system`."""
    told = run_as(User("alice", ALICE, ALICE, Path("/")), ["/bin/sh", "-c", "ps -o sid= -p $$; echo $$"], seconds=30)
    assert told is not None
    session, process = told.split()
    assert session == process


def test_one_that_does_not_end_is_ended() -> None:
    assert run_as(User("alice", ALICE, ALICE, Path("/")), ["/bin/sleep", "60"], seconds=0.1) is None


# Traces the process that looks whether it is traced, as its user, until its own input ends.
UNTIL_TRACED = """until [ "$traced" ]; do
    while read -r name value; do [ "$name" = TracerPid: ] && [ "$value" != 0 ] && traced=so; done < /proc/$$/status
done; exit 7"""
TRACES = f"""import ctypes, os, select, sys
os.setresgid({ALICE}, {ALICE}, {ALICE})
os.setresuid({ALICE}, {ALICE}, {ALICE})
said = None
while said is None and not select.select([sys.stdin], [], [], 0)[0]:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{{pid}}/cmdline") as line:
                hers = line.read().startswith("/bin/sh\\0-c\\0until") and os.stat(f"/proc/{{pid}}").st_uid == {ALICE}
        except OSError:
            continue
        if hers:
            said = ctypes.CDLL(None).ptrace(0x4206, int(pid), None, None)  # PTRACE_SEIZE of ptrace(2)
            print(said, flush=True)
            break
sys.stdin.read()
"""


def test_one_whose_end_the_kernel_reports_to_another_alone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its user traces it. One that waits for a file system of its user's is like it: no signal ends that."""
    monkeypatch.setattr(users, "ENDS_WITHIN", 0.1)  # whom the kernel reports, ends at once
    with subprocess.Popen([sys.executable, "-c", TRACES], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tracer:
        alice = User("alice", ALICE, ALICE, Path("/"))
        assert run_as(alice, ["/bin/sh", "-c", UNTIL_TRACED], seconds=20) is None
        said, _ = tracer.communicate()
    if said.strip() != b"0":
        pytest.skip("this kernel lets no process of a user trace another")
    [left] = users._LEFT
    users._LEFT.clear()
    assert left.wait() == 7  # it had ended, and that is reported now


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd"], ids=["not there", "no program"])
def test_one_that_cannot_be_run_has_said_nothing(program: str) -> None:
    """Taken for an answer, it cost a use of the enrolment token, and a mark that an administrator had to remove."""
    with pytest.raises(OSError, match="could not be run"):
        run_as(User("alice", ALICE, ALICE, Path("/")), [program], seconds=30)


def test_one_that_writes_without_end_is_ended() -> None:
    with pytest.raises(OSError, match="wrote more than 65536 bytes"):
        run_as(User("alice", ALICE, ALICE, Path("/")), ["/bin/cat", "/dev/zero"], seconds=60)


def test_one_that_leaves_its_output_open_is_not_waited_for_longer() -> None:
    script = "echo begun; sleep 2 & exit 0"
    assert run_as(User("alice", ALICE, ALICE, Path("/")), ["/bin/sh", "-c", script], seconds=0.5) is None


def test_what_is_given_can_be_read_and_need_not_be() -> None:
    given = "x" * 300_000
    alice = User("alice", ALICE, ALICE, Path("/"))
    assert run_as(alice, ["/bin/sh", "-c", "wc -c"], seconds=30, given=given) == "300000\n"
    assert run_as(alice, ["/bin/true"], seconds=30, given=given) == ""
