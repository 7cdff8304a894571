"""A PC of several users, whose homes lie in a folder of a test, and commands of the system with hardly a right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.fleet import NewStore, Store, installed
from tests.end_to_end.leaving import leave_behind

CHUNKS = 5
AS_ROOT = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="becoming other users needs root")
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

    def add_new(self, name: str) -> None:
        """A user who was never here."""
        self.uids[name] = uid = 61_001 + len(self.uids)
        (self.folder / "home" / name).mkdir(parents=True)
        (self.folder / "home").chmod(0o755)
        self.give(self.folder / "home" / name, uid)

    def give(self, folder: Path, uid: int) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)

    def drain(self) -> dict[str, dict[str, object]]:
        """What `eyelid drain --system` says of each user, run as its unit runs it."""
        ran = self.eyelid("drain", "--system", "--json")
        assert ran.stdout, ran.stderr
        return {one["user"]: one for one in json.loads(ran.stdout)["users"]}

    def eyelid(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the system's, run as the units run theirs."""
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
        return subprocess.run(
            [*apart, *installed("eyelid", *words)],
            env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=250, check=False,
        )  # fmt: skip


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
