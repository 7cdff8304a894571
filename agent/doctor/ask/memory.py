"""Where memory may go: swap and hibernation, and whether a key lies between them and the disk.

From /proc/swaps, /sys/class/block/*/dm/uuid (which cryptsetup begins with CRYPT-) and /sys/power (kernel,
Documentation/admin-guide/pm/sleep-states.rst).
"""

from __future__ import annotations

import os
from pathlib import Path

from agent.desktop import privacy
from agent.doctor.facts import MemoryFacts


def ask(root: Path = Path("/")) -> MemoryFacts:
    """`root`: under which /proc and /sys lie."""
    names = privacy.swaps(root / "proc/swaps")
    return MemoryFacts(tuple((name, _encrypted(name, root)) for name in names), _hibernates(root))


def _encrypted(name: str, root: Path) -> bool:
    path = root / name.removeprefix("/")
    if not name.startswith("/dev/"):
        return _block_encrypted(_device_of(path, root), root)
    return _block_encrypted(path.resolve().name, root)


def _device_of(file: Path, root: Path) -> str:
    """The block device that a swap file lies on; "" where it lies on none."""
    try:
        device = file.stat().st_dev
        link = root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
        return link.resolve(strict=True).name
    except OSError:
        return ""


def _block_encrypted(device: str, root: Path) -> bool:
    """Whether it, or everything that it is made of, is a dm-crypt device."""
    if not device:
        return False
    block = root / "sys/class/block" / device
    try:
        if (block / "dm/uuid").read_text("ascii").startswith("CRYPT-"):
            return True
    except OSError:
        pass  # no device mapper's
    below = sorted(path.name for path in (block / "slaves").glob("*"))
    return bool(below) and all(_block_encrypted(name, root) for name in below)


def _hibernates(root: Path) -> bool:
    """Whether the kernel offers it and knows a place to write memory to."""
    try:
        states = (root / "sys/power/state").read_text("ascii").split()
        mode = (root / "sys/power/disk").read_text("ascii")
        place = (root / "sys/power/resume").read_text("ascii").strip()
    except OSError:
        return False
    return "disk" in states and "[disabled]" not in mode and place not in {"", "0:0"}
