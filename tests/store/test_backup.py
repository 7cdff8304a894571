"""The commands of docs/upkeep.md back up a store that runs, and put it back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from store.admin.operators import OperatorsLog
from testkit import fleet
from testkit.disks import CannotMount, disk
from testkit.fakes.clock import HandClock
from tests.agent.upload.test_real_store import RealPc, enrol, pasted, sealed_in, served

BASH = shutil.which("bash") or "bash"
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "upkeep.md"


def commands(section: str, store: Path, backup: Path) -> str:
    text = PAGE.read_text("utf-8").partition(f"\n## {section}\n")[2]
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)
    assert block is not None
    here = f"{Path(sys.executable).parent}/"
    told = block[1].replace("/opt/eyelid/bin/", here).replace("\neyelid-store ", f"\n{here}eyelid-store ")
    return told.replace("/var/lib/eyelid-store", str(store)).replace("/backup/eyelid-store", str(backup))


def ran_by_bash(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BASH, "-e", "-c", script], capture_output=True, text=True, env=os.environ, check=False)


def carried_out(script: str) -> str:
    ran = ran_by_bash(script)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.slow(reason="the page's commands run as they stand there, and a store is served before and after them")
def test_the_page_backs_up_a_running_store_and_puts_it_back(founded: fleet.Founded, tmp_path: Path) -> None:
    folder, _ = fleet.found_like(founded, tmp_path)
    backup = tmp_path / "disk" / "backup"
    with served(folder, tmp_path / "1.log") as address:
        token, clock = pasted(folder, address), HandClock()
        who = enrol(token, tmp_path / "pc", clock, host="pc", user="a", system="d", agent_version="0.1.0")
        pc = RealPc(who, tmp_path / "pc", address)
        first, second, third = (pc.record(number) for number in range(3))
        pc.send(first)
        carried_out(commands("Backup", folder, backup))
        pc.send(second)
        log = OperatorsLog(folder)  # the first backup was of a store of which nobody had opened anything
        log.end(log.begin("recordings"), "done", exit=0)
        noted = log.check()
        carried_out(commands("Backup", folder, backup))  # the second time, over the first
    shutil.rmtree(folder)
    # What `verify` finds fault with is the test's own: its PC seals under a bundle that no store has.
    told = carried_out(commands("Restore", folder, backup).rstrip("\n") + " || true\n")
    assert set(re.findall(r" \(([a-z][a-z-]+)\)$", told, re.MULTILINE)) == {"unknown-bundle"}
    assert "1 acts, nothing was changed" in told
    assert OperatorsLog(folder).check(noted.head) == noted
    assert sealed_in(folder) == 42
    with served(folder, tmp_path / "2.log", int(address.rpartition(":")[2])):
        pc.send(third)
    pc.wire.close()
    assert (pc.receipts, pc.alarms) == (63, [])
    assert sealed_in(folder) == 63


def test_a_key_that_is_renewed_meanwhile_makes_no_backup(founded: fleet.Founded, tmp_path: Path) -> None:
    """PCs follow a new key by a statement that the older database lacks: those that were off would never come back."""
    folder, _ = fleet.found_like(founded, tmp_path)
    script = commands("Backup", folder, tmp_path / "backup")
    read = "$S/store.db $B/new/store.db\n"
    assert script.count(read) == 1
    renewed = script.replace(read, read + f"{Path(sys.executable).parent}/eyelid-store renew store-key --home $S\n")
    before = (folder / "keys" / "store.key").read_bytes()
    assert "The backup is whole." not in ran_by_bash(renewed).stdout
    assert (folder / "keys" / "store.key").read_bytes() != before  # so this is what the script noticed
    assert not (tmp_path / "backup" / "now").exists()
    assert carried_out(script).endswith("The backup is whole.\n")
    assert (tmp_path / "backup" / "now" / "keys" / "store.key").read_bytes() == (
        folder / "keys" / "store.key"
    ).read_bytes()


def test_a_backup_that_begins_while_another_runs_leaves_that_alone(founded: fleet.Founded, tmp_path: Path) -> None:
    folder, _ = fleet.found_like(founded, tmp_path)
    script = commands("Backup", folder, tmp_path / "backup")
    (second := tmp_path / "second.sh").write_text(script)
    at = "cd $S/blobs\n"
    assert script.count(at) == 1
    done = ran_by_bash(script.replace(at, f"! {BASH} {second}\n{at}"))
    assert (done.returncode, done.stdout.count("The backup is whole."), "still running" in done.stderr) == (0, 1, True)
    assert (tmp_path / "backup" / "now" / "store.db").exists()
    assert carried_out(script).endswith("The backup is whole.\n")


def blobs(folder: Path) -> dict[str, bytes]:
    root = folder / "blobs"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_backup_that_cannot_write_leaves_the_one_before_whole(founded: fleet.Founded, tmp_path: Path) -> None:
    folder, _ = fleet.found_like(founded, tmp_path)
    backup = tmp_path / "backup"
    script = commands("Backup", folder, backup)
    carried_out(script)
    before = all_of(backup)
    full = f'cp() {{ (ulimit -f 0; exec {shutil.which("cp")} "$@"); }}\n'  # as on a full disk: files of no bytes
    assert ran_by_bash(full + script).returncode != 0
    after = all_of(backup)
    assert {name: after.get(name) for name in before} == before
    carried_out(script)
    assert state(backup).keys() == {"store.json", "store.db", *under(folder, "tls"), *under(folder, "keys")}
    assert sorted(one.name for one in backup.iterdir()) == ["2", "blobs", "now"]


def state(backup: Path) -> dict[str, bytes]:
    """What would be put back, but for the blobs."""
    return all_of((backup / "now").resolve())


def under(folder: Path, name: str) -> list[str]:
    return [f"{name}/{one}" for one in all_of(folder / name)]


def test_a_backup_that_is_killed_anywhere_has_keys_and_database_of_one_time(
    founded: fleet.Founded, tmp_path: Path
) -> None:
    """PCs follow a new key by a statement in the database: one without the other would strand them."""
    folder, _ = fleet.found_like(founded, tmp_path)
    backup = tmp_path / "backup"
    script = commands("Backup", folder, backup)
    carried_out(script)
    before = state(backup)
    assert ran_by_bash(f"{Path(sys.executable).parent}/eyelid-store renew store-key --home {folder}").returncode == 0
    shutil.copytree(backup, tmp_path / "kept", symlinks=True)
    _, begun, last = script.rpartition("cd $B; rm here there;")
    acts = re.split(r"(?<=; )|(?<=\n)", begun + last)
    seen = set()
    for cut in range(len(acts)):
        shutil.rmtree(backup)
        shutil.copytree(tmp_path / "kept", backup, symlinks=True)
        killed = script.replace(begun + last, "".join(acts[:cut]) + "kill -9 $$\n")
        assert ran_by_bash(killed).returncode != 0
        found = state(backup)
        whole = found["keys/store.key"] != before["keys/store.key"]
        assert (found["store.db"] != before["store.db"]) == whole
        assert (found["store.json"] != before["store.json"]) == whole
        seen.add(whole)
        assert carried_out(script).endswith("The backup is whole.\n")
    assert seen == {False, True}


def test_what_the_store_takes_back_meanwhile_stops_no_backup(founded: fleet.Founded, tmp_path: Path) -> None:
    """The store gives refused bytes their name, and takes them back: one PC can have that done all the time."""
    folder, _ = fleet.found_like(founded, tmp_path)
    refused = folder / "blobs" / "refused"
    refused.parent.mkdir(exist_ok=True)
    refused.write_bytes(b"refused")
    goes = f'comm() {{ command comm "$@"; rm -f {refused}; }}\n'  # once it is listed
    assert carried_out(goes + commands("Backup", folder, tmp_path / "backup")).endswith("The backup is whole.\n")


def all_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow(reason="the backup is begun on a dozen disks that are too small")
def test_a_backup_that_a_full_disk_cut_short_is_whole_the_next_time(founded: fleet.Founded, tmp_path: Path) -> None:
    folder, _ = fleet.found_like(founded, tmp_path)
    with served(folder, tmp_path / "1.log") as address:
        token, clock = pasted(folder, address), HandClock()
        who = enrol(token, tmp_path / "pc", clock, host="pc", user="a", system="d", agent_version="0.1.0")
        pc = RealPc(who, tmp_path / "pc", address)
        for number in range(8):  # blobs that take more room than the database does while it is made
            pc.send(pc.record(number))
        pc.wire.close()
    whole = blobs(folder)
    try:
        with disk("tmpfs") as small:
            script = commands("Backup", folder, backup := small.root / "backup")
            left, torn = 0, False
            while not torn:
                small.make_room()
                small.fill(left := left + 65_536)
                assert ran_by_bash(script).returncode != 0
                torn = any(found != whole[name] for name, found in blobs(backup).items())
                assert not (backup / "now").exists()  # which would say that it is one
            small.make_room()
            assert carried_out(script).endswith("The backup is whole.\n")
            assert blobs(backup) == whole
            (there := tmp_path / "restored").mkdir()
            restored = ran_by_bash(commands("Restore", there, backup))
    except CannotMount as cannot:
        pytest.skip(str(cannot))
    assert set(re.findall(r" \(([a-z][a-z-]+)\)$", restored.stdout, re.MULTILINE)) == {"unknown-bundle"}
    assert blobs(there) == whole
