"""The units of the recorder and of its tray under a running systemd: they come and go with the desktop, are started
again when they are killed, and speak to the journal with priorities.

A user manager and a journal of their own, in a mount and cgroup namespace, with our Python as /opt/eyelid: the units
are the shipped files, unchanged.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from agent.control import control
from agent.errors import EyelidError
from testkit.fleet import NewStore, Store, enrol, entries, installed
from testkit.stage import Stage, own_display

SYSTEMD = Path("/lib/systemd/systemd")
NEEDED = (SYSTEMD, Path("/lib/systemd/systemd-journald"))

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.getuid() != 0, reason="a manager in a namespace of its own needs root"),
    pytest.mark.skipif(not all(path.exists() for path in NEEDED), reason="no systemd on this machine"),
]

UNITS = Path(__file__).resolve().parent.parent.parent / "installer" / "linux"
RECORDER, TRAY = "eyelid.service", "eyelid-tray.service"
TRAY_NAME = "org.eyelid.Tray"
BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
DEADLINE = 40.0  # seconds for anything that systemd does, on a busy machine

# $1: this Python's environment. What is in /run lives and dies with the namespace.
APART = """set -e
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/systemd/journal /run/user/0
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$3"
echo $$ > "/sys/fs/cgroup/$3/cgroup.procs"
mount -t tmpfs none /opt
mkdir /opt/eyelid
mount --bind "$1" /opt/eyelid
/lib/systemd/systemd-journald >/dev/null 2>&1 &
while ! [ -S /run/systemd/journal/stdout ]; do sleep 0.05; done
dbus-daemon --session --address="unix:path=/run/user/0/bus" --fork
exec /lib/systemd/systemd --user --log-target=console >"$2" 2>&1
"""

# As a desktop's own target pulls it in (gnome-session.target, plasma-workspace.target).
DESK = """[Unit]
Description=A desktop
BindsTo=graphical-session.target
Before=graphical-session.target
"""

POLICY = {
    "policy.yaml": """schema: 1
revision: 1
name: Unit
rules:
  - id: nothing
    why: a policy has a rule
    any:
      - app: [no-such-program]
...
"""
}


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come")
        time.sleep(0.1)
    return answer


class Manager:
    """A running user manager, asked from inside its namespace."""

    def __init__(self, pid: int, environment: dict[str, str]) -> None:
        self.pid = pid
        self._environment = environment

    def ran(self, *command: str) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", f"--target={self.pid}", "--mount", "--cgroup", *command]
        return subprocess.run(inside, env=self._environment, capture_output=True, text=True, timeout=60, check=False)

    def do(self, *words: str) -> str:
        ran = self.ran("systemctl", "--user", *words)
        assert ran.returncode == 0, f"systemctl --user {' '.join(words)}: {ran.stderr}"
        return ran.stdout.strip()

    def shows(self, name: str, unit: str = RECORDER) -> str:
        return self.do("show", "--value", "-p", name, unit)

    def journal(self) -> list[dict[str, Any]]:
        """What the unit's processes wrote."""
        told = self.ran("journalctl", "-D", "/run/log/journal", "-o", "json", "--no-pager").stdout
        lines = [json.loads(line) for line in told.splitlines()]
        return [line for line in lines if line.get("SYSLOG_IDENTIFIER") == "eyelid" and line["_TRANSPORT"] == "stdout"]

    def said(self, words: str) -> list[dict[str, Any]]:
        return [line for line in self.journal() if words in line["MESSAGE"]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_display(tmp_path_factory.mktemp("display")) as made, made.program("notes", (100, 100)):
        yield made


@pytest.fixture(scope="module")
def services(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("store")
    with new_store(folder) as made:
        yield made


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="eyelid-") as folder:
        yield Path(folder) / "pc"


@pytest.fixture
def manager(tmp_path: Path, stage: Stage) -> Iterator[Manager]:
    units = tmp_path / "config" / "systemd" / "user"
    units.mkdir(parents=True)
    for unit in (RECORDER, TRAY):
        shutil.copy(UNITS / unit, units)
    (units / "desk.target").write_text(DESK)
    cgroup = f"eyelid-test-{os.getpid()}-{tmp_path.name}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("EYELID_", "XDG_", "DBUS_"))},
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_RUNTIME_DIR": "/run/user/0",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/0/bus",
    }
    environment.pop("DISPLAY", None)
    (tmp_path / "home").mkdir()
    python = Path(installed("eyelid")[0]).parent.parent
    command = ["unshare", "--mount", "--cgroup", "sh", "-c", APART, "sh", str(python), str(tmp_path / "log"), cgroup]
    process = subprocess.Popen(command, env=environment)  # unshare and sh become the manager: one process
    try:
        made = Manager(process.pid, environment)
        try:
            until(
                lambda: made.ran("systemctl", "--user", "is-system-running").stdout.strip() == "running", "the manager"
            )
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {(tmp_path / 'log').read_text()[-2000:]}") from None
        # As a desktop does: dbus-update-activation-environment --systemd DISPLAY XAUTHORITY.
        made.do("set-environment", f"DISPLAY={stage.environment['DISPLAY']}", "XDG_SESSION_TYPE=x11")
        yield made
    finally:
        started = [one for one in psutil.process_iter() if _is_in(one, cgroup)]
        process.terminate()  # a user manager stops its units and ends
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for one in started:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(started, timeout=10)
        for mount in [part.mountpoint for part in psutil.disk_partitions(all=True) if part.fstype == "cgroup2"]:
            _remove_cgroup(Path(mount, cgroup))


def _is_in(process: psutil.Process, cgroup: str) -> bool:
    try:
        return cgroup in Path(f"/proc/{process.pid}/cgroup").read_text()
    except OSError:
        return False


def _remove_cgroup(folder: Path) -> None:
    if folder.is_dir():
        for below in [path for path in folder.iterdir() if path.is_dir()]:
            _remove_cgroup(below)
        folder.rmdir()


def status(home: Path) -> dict[str, Any]:
    try:
        return control.request(home, "status")
    except EyelidError:
        return {}


def test_the_recorder_comes_and_goes_with_the_desktop(
    manager: Manager, services: Store, stage: Stage, home: Path
) -> None:
    _, environment = enrol(services, stage, home, POLICY)
    manager.do("set-environment", f"EYELID_CONFIG={environment['EYELID_CONFIG']}")
    manager.do("enable", RECORDER)
    assert manager.shows("ActiveState") == "inactive"  # nobody has logged on
    manager.do("start", "desk.target")
    until(lambda: status(home).get("state") == "recording", "a recording")
    first = int(manager.shows("MainPID"))
    assert manager.shows("Result") == "success"

    os.kill(first, signal.SIGKILL)
    until(lambda: manager.shows("MainPID") not in {"0", str(first)}, "another start")
    until(lambda: status(home).get("state") == "recording", "a recording again")
    assert manager.shows("NRestarts") == "1"
    assert [entry["why"] for entry in entries(home, "blind-since")] == ["died"]

    doctor = manager.ran(
        "env", f"EYELID_CONFIG={environment['EYELID_CONFIG']}", f"DISPLAY={stage.environment['DISPLAY']}",
        "/opt/eyelid/bin/eyelid", "doctor", "--json",
    )  # fmt: skip
    marks = {(one["id"], one["of"]): one["mark"] for one in json.loads(doctor.stdout)["checks"]}
    assert marks["unit", ""] == "good"
    assert marks["recorder", ""] == "good"

    lines = manager.journal()
    assert [line["PRIORITY"] for line in lines if "starts as" in line["MESSAGE"]] == ["6", "6"]
    assert not [line for line in lines if line["MESSAGE"].startswith("<")]

    manager.do("stop", "desk.target", "graphical-session.target")
    until(lambda: manager.shows("ActiveState") == "inactive", "the end")
    assert manager.shows("Result") == "success"
    assert entries(home)[-1]["kind"] == "stop"


def test_a_mistake_that_a_person_must_mend_is_not_tried_again(manager: Manager, home: Path) -> None:
    manager.do("set-environment", f"EYELID_HOME={home}")  # not enrolled
    manager.do("enable", RECORDER)
    manager.do("start", "desk.target")
    until(lambda: manager.shows("ActiveState") == "failed", "the refusal")
    assert (manager.shows("ExecMainStatus"), manager.shows("NRestarts")) == ("2", "0")
    [said] = until(lambda: manager.said("not enrolled"), "its words")
    assert said["PRIORITY"] == "3"
    assert said["MESSAGE"].startswith("eyelid: this PC is not enrolled")


def shown_on_the_bus(manager: Manager) -> int:
    """The process that answers to the tray's name; 0 while none does."""
    told = manager.ran("busctl", "--user", "--json=short", "call", *BUS, "GetConnectionUnixProcessID", "s", TRAY_NAME)
    return int(json.loads(told.stdout)["data"][0]) if told.returncode == 0 else 0


def test_the_tray_stays_without_a_panel_comes_back_and_goes_with_the_desktop(manager: Manager, home: Path) -> None:
    """No panel, nobody who shows notices and no recorder are here: the eye waits for all three."""
    manager.do("set-environment", f"EYELID_HOME={home}")
    manager.do("enable", TRAY)
    assert manager.shows("ActiveState", TRAY) == "inactive"  # nobody has logged on
    manager.do("start", "desk.target")
    first = until(lambda: shown_on_the_bus(manager), "the tray")
    assert first == int(manager.shows("MainPID", TRAY))
    [said] = until(lambda: manager.said("this desktop shows no notices"), "the end of its wait for a panel")
    assert said["PRIORITY"] == "4"
    assert said["MESSAGE"].startswith("tray.panel: ")  # the journal has a clock of its own
    assert (shown_on_the_bus(manager), manager.shows("NRestarts", TRAY)) == (first, "0")

    os.kill(first, signal.SIGKILL)
    second = until(lambda: (now := shown_on_the_bus(manager)) != first and now, "the tray again")
    assert second == int(manager.shows("MainPID", TRAY))
    assert (manager.shows("ActiveState", TRAY), manager.shows("NRestarts", TRAY)) == ("active", "1")

    os.kill(second, signal.SIGSTOP)  # it hangs, and its last picture would stand for ever
    third = until(lambda: (now := shown_on_the_bus(manager)) not in {first, second} and now, "the tray once more")
    assert third == int(manager.shows("MainPID", TRAY))
    assert (manager.shows("ActiveState", TRAY), manager.shows("NRestarts", TRAY)) == ("active", "2")

    manager.do("stop", "desk.target", "graphical-session.target")
    until(lambda: manager.shows("ActiveState", TRAY) == "inactive", "the end")
    assert (manager.shows("Result", TRAY), manager.shows("ExecMainStatus", TRAY)) == ("success", "0")
    assert shown_on_the_bus(manager) == 0
