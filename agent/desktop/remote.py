"""Programs whose windows show another machine: what is inside cannot be known from here, so such a window is dirty.

Data: a family of programs, then its names. A name that is missing here opens the eye on somebody's chart,
so a name too many is the better mistake; a harmless one is listed in the policy's `allow_unseen`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# Process names without path and .exe, in lower case, as the programs' packages install them. Each family's name is
# where to look it up. None of these was run for this list.
PROCESSES: Final[dict[str, tuple[str, ...]]] = {
    "Citrix Workspace app for Linux, /opt/Citrix/ICAClient": ("wfica", "wfica_opt3", "icasessionmgr", "selfservice"),
    "Citrix Workspace app for Windows": ("wfica32", "cdviewer"),
    "Microsoft Remote Desktop and Windows App, also under wine": ("mstsc", "msrdc", "msrdcw", "windows365"),
    "FreeRDP 2 and 3": ("xfreerdp", "xfreerdp3", "sdl-freerdp", "sdl-freerdp3", "wlfreerdp", "wlfreerdp3"),
    "rdesktop": ("rdesktop",),
    "Remmina": ("remmina", "org.remmina.remmina"),
    "GNOME Connections, Vinagre, KDE KRDC": ("gnome-connections", "vinagre", "krdc"),
    "Thincast": ("thincast-client", "thincast-remote-desktop-client"),
    "TigerVNC, RealVNC": ("vncviewer", "xtigervncviewer"),
    "TightVNC": ("xtightvncviewer", "tvnviewer"),
    "other VNC viewers": ("xvnc4viewer", "gvncviewer", "ssvncviewer"),
    "virt-viewer, virt-manager, SPICE, GNOME Boxes": (
        "virt-viewer",
        "remote-viewer",
        "virt-manager",
        "spicy",
        "gnome-boxes",
    ),
    "VirtualBox": ("virtualboxvm", "virtualbox", "vboxsdl"),
    "VMware Workstation and Player": ("vmware", "vmware-vmx", "vmplayer"),
    "VMware and Omnissa Horizon": ("vmware-view", "vmware-remotemks", "horizon-client"),
    "QEMU, Hyper-V": ("qemu", "qemu-kvm", "kvm", "vmconnect"),
    "TeamViewer, AnyDesk, RustDesk, Splashtop": (
        "teamviewer",
        "teamviewer_desktop",
        "anydesk",
        "rustdesk",
        "splashtop",
    ),
    "NoMachine, X2Go, xpra": ("nxplayer", "nxplayer.bin", "nxclient", "nxproxy", "nxagent", "x2goclient", "xpra"),
    "HP Anyware, Amazon DCV and WorkSpaces": ("pcoip-client", "dcvviewer", "workspacesclient"),
    "Parsec, Moonlight": ("parsecd", "moonlight"),
    "X servers in a window": ("xephyr", "xnest", "xwin", "vcxsrv", "xming"),
    "phones": ("scrcpy",),
    "relays that windows of another machine's programs come through": ("ssh", "dbclient", "plink", "socat", "waypipe"),
}
QEMU: Final = "qemu-system-"  # one program for each machine type: qemu-system-x86_64, ...

# WM_CLASS where it is no process name: desktop file names, and what wine makes of a program's name.
WINDOW_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "Citrix Workspace app for Linux": ("icaclient", "wfica_seamless"),
    "applications by their desktop file": ("org.gnome.connections", "org.kde.krdc", "org.gnome.boxes"),
    "VirtualBox": ("virtualbox machine", "virtualbox manager"),
    "VMware": ("vmware-workstation", "vmware-player", "vmware-horizon"),
    "Amazon WorkSpaces": ("workspacesclient.linux",),
    "wine": ("mstsc.exe", "msrdc.exe", "wfica32.exe", "cdviewer.exe", "vncviewer.exe", "teamviewer.exe", "anydesk.exe"),
}

_PROCESSES: Final = frozenset(name for names in PROCESSES.values() for name in names)
_CLASSES: Final = _PROCESSES.union(*WINDOW_CLASSES.values())


def shows_another_machine(process: str, window_class: Iterable[str] = (), *, cut: bool = False) -> bool:
    """By process name (without path and `.exe`), or by either part of WM_CLASS. `cut`: the name may go on."""
    name = process.casefold()
    if name in _PROCESSES or name.startswith(QEMU) or any(part.casefold() in _CLASSES for part in window_class):
        return True
    return cut and any(f"{one}.exe".startswith(name) for one in _PROCESSES)
