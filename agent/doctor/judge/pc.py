"""What sound, disk, memory and systemd of the PC come to."""

from __future__ import annotations

from typing import Final

from agent.doctor.facts import DiskFacts, EndFacts, Facts, MemoryFacts, SoundFacts, UnitsFacts
from agent.doctor.findings import Check, Finding, beside, good, warning, wrong
from agent.doctor.judge.words import several, size

SOUND: Final = "Sound"
PC: Final = "This PC"

QUIET: Final = -60.0  # dBFS; a live microphone in a silent room is above
NETWORKED: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs"}
)
IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
FEW_FILES: Final = 10_000


# -- sound --------------------------------------------------------------------------------------------------------


def sound(sound: SoundFacts, _: Facts) -> tuple[Finding, ...]:
    if not sound.wanted:
        return (beside("not recorded: `audio:` in agent.yaml says none at both ends"),)
    if sound.fault:
        return (wrong(sound.fault, "sudo apt install libpulse0"),)
    return _end(sound.microphone, "microphone", "source"), _end(sound.far_end, "far end", "sink")


def _end(end: EndFacts, name: str, kind: str) -> Finding:
    listing = f"pactl list short {kind}s"
    if end.wanted == "none":
        return beside("not recorded: none in agent.yaml", of=name)
    if not end.device:
        return wrong(
            f"no device: agent.yaml says {end.wanted}, and the sound server has none such, or does not answer",
            "pactl info",
            listing,
            of=name,
        )
    if end.peak is None or end.peak < QUIET:
        loud = "silence" if end.peak is None else f"{end.peak:.0f} dBFS"
        mute = f"pactl set-{kind}-mute @DEFAULT_{kind.upper()}@ 0"
        advice = "say something, and ask again" if kind == "source" else "play something, and ask again"
        return warning(f"{end.device}: {loud}, so it is muted, or nothing is heard just now", mute, advice, of=name)
    return good(f"{end.device}: {end.peak:.0f} dBFS", of=name)


# -- disk and memory ----------------------------------------------------------------------------------------------


def room(disk: DiskFacts, _: Facts) -> Finding:
    left = disk.free - disk.keep_free
    said = f"{size(disk.free)} of {size(disk.total)} free"
    if disk.refused:
        return wrong(f"{disk.home} takes no file: {disk.refused}", f"df -h {disk.home}", f"ls -ld {disk.home}")
    if disk.files_free is not None and disk.files_free < FEW_FILES:
        return wrong(f"room for {disk.files_free} more files only (inodes)", f"df -i {disk.home}")
    if left <= 0:
        return wrong(
            f"{said}, and {size(disk.keep_free)} are left to others: recording holds",
            f"df -h {disk.home}",
            "spool.keep_free in agent.yaml, or make room",
        )
    if left < disk.budget - disk.waiting:
        return warning(
            f"{said}: the spool may grow to {size(disk.budget)}, and has room for {size(left)} more",
            "spool.max_bytes in agent.yaml, or make room",
        )
    return good(f"{said}; the spool may grow to {size(disk.budget)}")


def spool(disk: DiskFacts, _: Facts) -> Finding:
    said = f"{several(disk.chunks, 'chunk')} waiting, {size(disk.waiting)} of {size(disk.budget)}"
    if disk.set_aside:
        return warning(
            f"{said}; the store refused {several(disk.set_aside, 'chunk')} for good",
            f"cat {disk.home}/spool/set_aside/*.why",
        )
    if disk.waiting >= disk.budget:
        return wrong(f"{said}: it is full and recording holds", "eyelid drain", "spool.max_bytes in agent.yaml")
    if disk.waiting > disk.budget / 2:
        return warning(f"{said}: it is more than half full", "eyelid status")
    return good("nothing waits for the store" if not disk.chunks else said)


def file_system(disk: DiskFacts, _: Facts) -> Finding:
    if disk.kind in IN_MEMORY:
        return wrong(
            f"{disk.kind}: what waits there is gone when the PC ends",
            "home: in agent.yaml, or EYELID_HOME: a folder on a disk",
        )
    if disk.kind in NETWORKED:
        return warning(
            f"{disk.kind}: what is durable there the server decides, and without the network recording holds",
            "home: in agent.yaml, or EYELID_HOME: a folder on a disk of this PC",
        )
    if not disk.kind:
        return beside("the system does not say which it is")
    return good(disk.kind)


def swap(memory: MemoryFacts, _: Facts) -> Finding:
    plain = [name for name, encrypted in memory.swaps if not encrypted]
    if plain:
        return warning(
            f"{', '.join(plain)} is not encrypted: pictures in memory may be written there as they are",
            f"sudo swapoff {' '.join(plain)}",
            "in /etc/crypttab: a swap with the option `swap` and /dev/urandom as its key (crypttab(5))",
        )
    if memory.swaps:
        return good(f"encrypted: {', '.join(name for name, _ in memory.swaps)}")
    return good("none")


def hibernation(memory: MemoryFacts, _: Facts) -> Finding:
    if not memory.hibernates:
        return good("off")
    if memory.swaps and all(encrypted for _, encrypted in memory.swaps):
        return good("on, to an encrypted swap")
    return warning(
        "on, and not to an encrypted swap: it writes all memory to the disk as it is",
        "sudo systemctl mask hibernate.target hybrid-sleep.target suspend-then-hibernate.target",
    )


# -- systemd ------------------------------------------------------------------------------------------------------


def unit(units: UnitsFacts, _: Facts) -> Finding:
    if not units.manager:
        return beside("no systemd manager of this user answers: the desktop's autostart must start `eyelid run`")
    if units.enabled in {"", "not-found"}:
        return warning(
            "eyelid.service is not installed",
            "sudo install -m 644 -D -t /usr/lib/systemd/user installer/linux/eyelid.service",
            "sudo systemctl --global enable eyelid.service",
        )
    if units.enabled not in {"enabled", "enabled-runtime", "static", "alias"}:
        return warning(f"eyelid.service is {units.enabled}", "sudo systemctl --global enable eyelid.service")
    if units.session != "active":
        return warning(
            "eyelid.service is enabled, but this desktop does not reach graphical-session.target, which starts it",
            "start `eyelid run` from the desktop's autostart: installer/linux/README.md",
        )
    if units.active != "active":
        return wrong(
            f"eyelid.service is enabled and {units.active or 'silent'}",
            "systemctl --user start eyelid.service",
            "journalctl --user -u eyelid.service -n 50",
        )
    return good("eyelid.service is enabled and active")


def drain(units: UnitsFacts, _: Facts) -> Finding:
    if units.drain in {"enabled", "enabled-runtime", "static"}:
        return good("eyelid-drain.timer is enabled")
    if not units.drain:
        return beside("systemd does not answer: nothing sends what an ended session has left")
    install = "sudo install -m 644 -D -t /usr/lib/systemd/system installer/linux/eyelid-drain.*"
    return warning(
        f"eyelid-drain.timer is {units.drain}: what an ended session has left waits for the next logon",
        *([install] if units.drain == "not-found" else []),
        "sudo systemctl enable --now eyelid-drain.timer",
    )


CHECKS: Final = (
    Check("sound", SOUND, "sound", "sound", sound),
    Check("disk", PC, "disk", "disk", room),
    Check("file-system", PC, "file system", "disk", file_system),
    Check("spool", PC, "spool", "disk", spool),
    Check("swap", PC, "swap", "memory", swap),
    Check("hibernation", PC, "hibernation", "memory", hibernation),
    Check("unit", PC, "start", "units", unit),
    Check("drain", PC, "drain", "units", drain),
)
