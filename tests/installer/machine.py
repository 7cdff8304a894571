"""A machine of its own for systemd: namespaces in which systemd is process 1 and the units of installer/linux run.

Its processes, mounts, network (the loopback alone) and accounts are nobody else's; the file system is this machine's,
but for /run, /opt, /home, /var/lib and a copy of /etc. Needs root, cgroup v2 and systemd.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from testkit.displays import await_true

ROOT: Final = Path(__file__).resolve().parent.parent.parent
UNITS: Final = ROOT / "installer" / "linux"
SYSTEMD: Final = "/lib/systemd/systemd"
TOOLS: Final = ("unshare", "nsenter", "setpriv", "ip", "systemctl", "systemd-run")
PEOPLE: Final = {
    "root": 0, "eyelid-store": 61_001, "ada": 61_002, "eyelid-keys": 61_003, "eyelid-custodian": 61_004,
    "eyelid-review": 61_005,
}  # fmt: skip
# What our units' dependencies name; the machine has no other units.
TARGETS: Final = (
    "sysinit",
    "basic",
    "network-online",
    "shutdown",
    "sockets",
    "timers",
    "paths",
    "slices",
    "multi-user",
)

APART: Final = ["/usr/bin/unshare", "-mpnCf", "--mount-proc", "--kill-child"]
CGROUPS: Final = "umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"

BOOT: Final = """set -e
mount --make-rprivate /
for folder in /run /opt /home /var/lib; do mount -t tmpfs -o mode=755 none $folder; done
cp -a /etc /run/etc
mount --bind /run/etc /etc
{CGROUPS}
ip link set lo up
mkdir -p /run/lock /run/systemd /opt/eyelid/python /opt/eyelid/site /opt/eyelid/src
cp -r "$1/system" /run/systemd/system
cp -r "$1/bin" /opt/eyelid/bin
mount --bind "$2" /opt/eyelid/python
mount --bind "$3" /opt/eyelid/site
mount --bind "$4" /opt/eyelid/src
ln -s /opt/eyelid/python/bin/$5 /opt/eyelid/bin/python
echo "home = /opt/eyelid/python/bin" > /opt/eyelid/pyvenv.cfg
mkdir -p /opt/eyelid/lib/$5/site-packages
printf '%s\\n' /opt/eyelid/site /opt/eyelid/src > /opt/eyelid/lib/$5/site-packages/eyelid.pth
ldconfig -C /run/ld.so.cache /opt/eyelid/python/lib
mount --bind /run/ld.so.cache /etc/ld.so.cache
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
install -d -o ada -g ada -m 700 /home/ada
exec env -i PATH="$PATH" container=other SYSTEMD_UNIT_PATH=/run/systemd/system \\
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
"""

# As installed: an environment of its own, whose commands say nothing of where anything else lies.
COMMAND: Final = """#!/opt/eyelid/bin/python
import sys
from {module} import main
sys.exit(main())
"""

# Of every service: there is no journal.
LOG: Final = """[Service]
StandardOutput=append:/run/%n.log
StandardError=inherit
"""


def missing() -> str:
    """Why there can be no such machine here; "" where there can."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return "namespaces with a systemd of their own need root"
    if lacking := [tool for tool in TOOLS if not shutil.which(tool)]:
        return f"no {', '.join(lacking)} on this machine"
    if not Path(SYSTEMD).exists():
        return "no systemd on this machine"
    tried = subprocess.run([*APART, "sh", "-c", f"set -e; {CGROUPS}"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "namespaces with a cgroup2 of their own cannot be made here"


class Machine:
    def __init__(self, init: int, log: Path) -> None:
        self._inside = ["nsenter", "-t", str(init), "-m", "-p", "-n", "-C", "--wd=/"]
        self._log = log

    def ran(self, *command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        become = ["setpriv", f"--reuid={PEOPLE[user]}", f"--regid={PEOPLE[user]}", "--clear-groups"]
        who = [] if user == "root" else become
        env = {"PATH": os.environ["PATH"], "HOME": f"/home/{user}"}
        return subprocess.run(
            [*self._inside, *who, *command], env=env, capture_output=True, text=True, timeout=100, check=False
        )

    def run(self, *command: str, user: str = "root") -> str:
        """What a command that must succeed printed."""
        ran = self.ran(*command, user=user)
        assert ran.returncode == 0, f"{command}: {ran.stderr}\n{self.tail()}"
        return ran.stdout

    def systemctl(self, *words: str) -> str:
        return self.run("systemctl", *words)

    def start(self, unit: str, *command: str, user: str, **environment: str) -> None:
        """As a service that systemd makes for it; `systemctl("stop", unit)` ends it."""
        words = [f"--setenv={name}={value}" for name, value in environment.items()]
        self.run("systemd-run", f"--unit={unit}", f"--uid={user}", "--collect", *words, *command)

    def show(self, unit: str, name: str) -> str:
        return self.systemctl("show", "--property", name, "--value", unit).strip()

    def await_state(self, unit: str, state: str) -> None:
        try:
            await_true(lambda: self.show(unit, "ActiveState") == state, f"{unit} {state}", 150)
        except TimeoutError as late:
            raise AssertionError(f"{late}: it is {self.show(unit, 'ActiveState')}\n{self.tail()}") from None

    def tail(self) -> str:
        """The last words of systemd and of every service."""
        ran = self.ran("sh", "-c", "tail -n 20 /run/*.log")
        return self._log.read_text("utf-8", "replace")[-1000:] + ran.stdout


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    _furnish(folder)
    log = folder / "console"
    boot = BOOT.replace("{CGROUPS}", CGROUPS)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = [str(folder), str(Path(sys.base_prefix).resolve()), sysconfig.get_path("purelib"), str(ROOT), python]
    with log.open("wb") as console:
        process = subprocess.Popen([*APART, "sh", "-c", boot, "sh", *ours], stdout=console, stderr=console)
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            await_true(lambda: bool(children.read_text("ascii").strip()), "the first process")
            made = Machine(int(children.read_text("ascii").split()[0]), log)
            await_true(
                lambda: made.ran("systemctl", "is-active", "multi-user.target").returncode == 0, "systemd's start"
            )
            yield made
        finally:
            process.kill()  # and with it the first process, and with that one all others
            process.wait()


def _furnish(folder: Path) -> None:
    units = folder / "system"
    for made in (units, folder / "bin", units / "service.d"):
        made.mkdir()
    (units / "service.d" / "log.conf").write_text(LOG, "utf-8")
    for target in TARGETS:
        text = f"[Unit]\nDescription={target}\nDefaultDependencies=no\n"
        (units / f"{target}.target").write_text(text, "utf-8")
    for path in UNITS.iterdir():
        if (
            path.suffix in {".service", ".socket", ".timer"} and path.name != "eyelid.service"
        ):  # a unit of each user's manager
            shutil.copy(path, units)
    for name, module in (("eyelid", "agent"), ("eyelid-store", "store"), ("eyelid-review", "review")):
        (folder / "bin" / name).write_text(COMMAND.format(module=f"{module}.__main__"), "utf-8")
    for path in (folder / "bin").iterdir():
        path.chmod(0o755)
    passwd = "".join(f"{name}:x:{uid}:{uid}::/home/{name}:/bin/sh\n" for name, uid in PEOPLE.items())
    (folder / "passwd").write_text(passwd, "utf-8")
    (folder / "group").write_text("".join(f"{name}:x:{uid}:\n" for name, uid in PEOPLE.items()), "utf-8")
