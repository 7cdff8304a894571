"""The disk under home: room, kind, whether it takes a file, and what waits on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from agent import durable
from agent.config import Config
from agent.doctor.facts import DiskFacts
from agent.spool import SET_ASIDE


def ask(config: Config) -> DiskFacts:
    home = config.home
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    vfs = os.statvfs(there)
    chunks = [path for path in home.glob("spool/*/*-*") if path.parent.name != SET_ASIDE]
    return DiskFacts(
        home=str(home),
        kind=_kind(there),
        free=usage.free,
        total=usage.total,
        files_free=vfs.f_favail if vfs.f_files else None,
        keep_free=config.spool.keep_free,
        budget=config.spool.max_bytes,
        waiting=sum(map(_size, chunks)),
        chunks=len(chunks),
        set_aside=sum(path.suffix != ".why" for path in home.glob(f"spool/{SET_ASIDE}/*")),
        refused=_refused(home) if home.exists() else "",
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # sent meanwhile


def _kind(folder: Path) -> str:
    """Of the file system that holds it, as the kernel calls it; "" where the system does not say."""
    whole = folder.resolve()
    mounts = [
        (len(Path(part.mountpoint).parts), number, part.fstype)
        for number, part in enumerate(psutil.disk_partitions(all=True))
        if whole.is_relative_to(part.mountpoint)
    ]
    return max(mounts, default=(0, 0, ""))[2]  # the deepest, and of two at one place the later, which covers the other


def _refused(home: Path) -> str:
    """Why a file cannot be made durable there; the file goes again at once."""
    probe = home / f"{durable.TEMPORARY}doctor"
    try:
        durable.write(probe, b"eyelid doctor\n")
        probe.unlink()
    except OSError as failure:
        return failure.strerror or "the system refused"
    return ""
