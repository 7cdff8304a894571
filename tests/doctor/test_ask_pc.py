"""Disk, memory and systemd as the doctor asks them: a full disk, a disk in memory, swap with and without a key."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.config import load
from agent.doctor.ask import disk, memory, recorder, units
from agent.spool import DiskSpool
from testkit.fleet import installed
from tests.agent.recordings import sealed_recording


def test_what_waits_and_what_was_set_aside_is_counted(tmp_path: Path) -> None:
    spool = DiskSpool(tmp_path / "spool", max_bytes=10**9, keep_free=0, alarm=pytest.fail)
    chunks = list(sealed_recording(4))
    for sealed in chunks:
        spool.put(sealed)
    spool.set_aside(chunks[-1].name, "refused")
    seen = disk.ask(load({"EYELID_HOME": str(tmp_path)}))
    assert (seen.chunks, seen.set_aside, seen.refused) == (3, 1, "")
    assert seen.waiting == sum(len(sealed.data) for sealed in chunks[:-1])
    assert 0 < seen.free <= seen.total
    assert not list(tmp_path.glob(".part-*"))


def test_a_home_that_is_not_made_yet_is_asked_where_it_will_be(tmp_path: Path) -> None:
    seen = disk.ask(load({"EYELID_HOME": str(tmp_path / "a" / "b")}))
    assert (seen.chunks, seen.refused) == (0, "")
    assert not (tmp_path / "a").exists()


FULL = """set -e
mount -t tmpfs -o size=256k none "$1"
shift
head -c 300k /dev/zero > "$EYELID_HOME/full" 2>/dev/null || true
exec "$@"
"""


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a disk in a namespace of its own needs root")
def test_a_full_disk_in_memory(tmp_path: Path) -> None:
    command = ["unshare", "--mount", "sh", "-c", FULL, "sh", str(tmp_path), *installed("eyelid", "doctor", "--json")]
    environment = {**os.environ, "EYELID_HOME": str(tmp_path)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 3
    marks: dict[str, Any] = {one["id"]: one for one in json.loads(ran.stdout)["checks"]}
    assert marks["disk"]["mark"] == "wrong"
    assert "No space left on device" in marks["disk"]["found"]
    assert marks["file-system"]["mark"] == "wrong"
    assert marks["file-system"]["found"].startswith("tmpfs")


# -- memory: the kernel's own files, as they look on a PC ----------------------------------------------------------


def a_pc(root: Path, *, swaps: str, resume: str = "0:0", disk_: str = "[platform] shutdown reboot") -> Path:
    for folder in ("proc", "sys/power", "sys/class/block"):
        (root / folder).mkdir(parents=True)
    (root / "proc/swaps").write_text(f"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n{swaps}")
    (root / "sys/power/state").write_text("freeze mem disk\n")
    (root / "sys/power/disk").write_text(f"{disk_}\n")
    (root / "sys/power/resume").write_text(f"{resume}\n")
    return root


def a_device(root: Path, name: str, uuid: str = "", below: str = "") -> None:
    block = root / "sys/class/block" / name
    (block / "slaves").mkdir(parents=True)
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev" / name).touch()
    if uuid:
        (block / "dm").mkdir()
        (block / "dm/uuid").write_text(f"{uuid}\n")
    if below:
        (block / "slaves" / below).touch()


def test_swap_on_a_bare_partition_is_not_encrypted(tmp_path: Path) -> None:
    root = a_pc(tmp_path, swaps="/dev/sda2 partition 8388604 0 -2\n", resume="8:2")
    a_device(root, "sda2")
    assert memory.ask(root) == memory.MemoryFacts((("/dev/sda2", False),), hibernates=True)


def test_swap_on_a_crypt_device_is_encrypted(tmp_path: Path) -> None:
    root = a_pc(tmp_path, swaps="/dev/dm-1 partition 8388604 0 -2\n")
    a_device(root, "dm-1", "CRYPT-PLAIN-cryptswap")
    assert memory.ask(root) == memory.MemoryFacts((("/dev/dm-1", True),), hibernates=False)


def test_a_volume_is_as_good_as_what_it_is_made_of(tmp_path: Path) -> None:
    root = a_pc(tmp_path, swaps="/dev/dm-2 partition 1 0 -2\n/dev/dm-4 partition 1 0 -3\n")
    a_device(root, "dm-2", "LVM-abc", below="dm-0")
    a_device(root, "dm-0", "CRYPT-LUKS2-abc", below="sda3")
    a_device(root, "dm-4", "LVM-def", below="sda4")
    a_device(root, "sda4")
    assert memory.ask(root).swaps == (("/dev/dm-2", True), ("/dev/dm-4", False))


def test_a_swap_file_is_as_good_as_its_disk(tmp_path: Path) -> None:
    root = a_pc(tmp_path, swaps="/swapfile file 1 0 -2\n")
    (root / "swapfile").touch()
    seen = (root / "swapfile").stat().st_dev
    links = root / "sys/dev/block"
    links.mkdir(parents=True)
    a_device(root, "dm-0", "CRYPT-LUKS2-abc")
    assert memory.ask(root).swaps == (("/swapfile", False),)  # nobody says which device it lies on
    (links / f"{os.major(seen)}:{os.minor(seen)}").symlink_to(root / "sys/class/block/dm-0")
    assert memory.ask(root).swaps == (("/swapfile", True),)


def test_compressed_memory_is_no_swap(tmp_path: Path) -> None:
    assert memory.ask(a_pc(tmp_path, swaps="/dev/zram0 partition 1 0 100\n")).swaps == ()


@pytest.mark.parametrize(
    ("resume", "disk_", "hibernates"),
    [("8:2", "[platform] shutdown", True), ("0:0", "[platform] shutdown", False), ("8:2", "[disabled]", False)],
)
def test_hibernation_needs_a_place_and_a_kernel_that_may(
    tmp_path: Path, resume: str, disk_: str, hibernates: bool
) -> None:
    assert memory.ask(a_pc(tmp_path, swaps="", resume=resume, disk_=disk_)).hibernates is hibernates


def test_this_machines_own_files_are_read() -> None:
    assert isinstance(memory.ask().swaps, tuple)


# -- systemd and other recorders ----------------------------------------------------------------------------------


def test_a_user_without_a_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one: tests/installer/test_user_unit.py."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    assert units.ask().manager is False


def test_a_pc_without_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert units.ask() == units.UnitsFacts(manager=False)


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["/usr/bin/python3", "/opt/eyelid/bin/eyelid", "run"], True),
        (["python3", "-I", "-m", "agent", "run"], True),
        (["eyelid", "run"], True),
        (["eyelid", "drain"], False),
        (["vim", "eyelid", "run", "notes"], False),
        (["python3", "agent", "run"], False),
        ([], False),
    ],
)
def test_which_commands_are_recorders(words: list[str], runs: bool) -> None:
    assert recorder._runs_a_recorder(words) is runs


def test_another_recorder_of_this_user_is_found(tmp_path: Path) -> None:
    script = tmp_path / "eyelid"
    script.write_text("#!/bin/sh\necho here\nread _\n")
    script.chmod(0o755)
    with subprocess.Popen([str(script), "run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        assert other.pid in recorder.ask(tmp_path / "home").others
        other.communicate(b"\n")
    assert other.pid not in recorder.ask(tmp_path / "home").others
