"""A private PostgreSQL for tests, started and ended by the test itself; it touches no server of the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

OWNER: Final = "postgres"  # whose server it is where root runs the tests: as root it does not start


def missing() -> str | None:
    """Why this machine cannot run one; None when it can."""
    if _programs() is None:
        return "PostgreSQL's initdb is not on this machine (scripts/setup installs it)"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "root cannot start a PostgreSQL without runuser"
    return None


def _programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: Debian keeps them off the path."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    newest = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]), default=None)
    return newest.parent if newest else None


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database, for SQLAlchemy; its server listens on a socket of its own alone.

    Raises CalledProcessError with the server's words where it does not start.
    """
    programs = _programs()
    assert programs is not None, missing()
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:  # short: it has a socket
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER)
        cluster = folder / "cluster"
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        _run(programs / "initdb", "-D", cluster, "-U", OWNER, "--auth=trust", "--no-sync", "--encoding=UTF8")
        _run(programs / "pg_ctl", "-D", cluster, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{OWNER}@/postgres?host={folder}"
        finally:
            _run(programs / "pg_ctl", "-D", cluster, "-m", "immediate", "stop")


def _run(*command: str | Path) -> None:
    as_owner = ["runuser", "-u", OWNER, "--"] if os.geteuid() == 0 else []
    # What it starts lives on: a pipe that it inherits would never end.
    with tempfile.TemporaryFile() as said:
        ran = subprocess.run(
            [*as_owner, *map(str, command)], stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, cwd="/"
        )
        said.seek(0)
        if ran.returncode:
            raise subprocess.CalledProcessError(ran.returncode, command, said.read().decode("utf-8", "replace"))
