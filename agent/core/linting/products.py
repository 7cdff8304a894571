"""Names under which people know programs, and the processes that show them: no process is called "SAP GUI".

A help for authors and no proof: not every one was tried, so the advice names `eyelid windows`, which shows the name
that counts. Names of processes stand without `.exe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.core.matching.text import fold

_BY_PROCESS: Final[Mapping[str, str]] = {
    # offices and mail
    "winword": "word, microsoft word, ms word",
    "excel": "microsoft excel, ms excel",
    "powerpnt": "powerpoint, microsoft powerpoint",
    "outlook, olk": "microsoft outlook, ms outlook, new outlook, outlook for windows",
    "onenote": "microsoft onenote, one note",
    "msaccess": "access, microsoft access, ms access",
    "mspub": "publisher, microsoft publisher",
    "visio": "microsoft visio",
    "soffice.bin, soffice": "libreoffice, libre office, libreoffice writer, libreoffice calc, openoffice",
    "thunderbird": "mozilla thunderbird",
    "winproj": "microsoft project, ms project",
    "onedrive": "microsoft onedrive, one drive",
    "googledrivefs": "google drive, google drive for desktop",
    "nlnotes, notes2": "lotus notes, hcl notes, ibm notes",
    "evolution": "gnome evolution",
    # browsers
    "chrome": "google chrome, chrome browser",
    "msedge": "edge, microsoft edge, ms edge",
    "firefox, firefox-esr": "mozilla firefox, firefox browser",
    "iexplore": "internet explorer, ie, ie11",
    "chromium, chromium-browser": "chromium browser",
    "brave": "brave browser",
    "opera": "opera browser",
    "vivaldi": "vivaldi browser",
    # calls and chats
    "ms-teams, teams": "microsoft teams, ms teams, teams classic, new teams",
    "zoom": "zoom workplace, zoom meetings, zoom client",
    "slack": "slack desktop",
    "ciscocollabhost, webex": "cisco webex, webex meetings, webex app",
    "ciscojabber": "cisco jabber, jabber",
    "lync": "skype for business, skype business, microsoft lync",
    "skype": "skype desktop",
    "whatsapp": "whatsapp desktop",
    "telegram": "telegram desktop",
    "signal": "signal desktop",
    "discord": "discord desktop",
    "mattermost": "mattermost desktop",
    "phoneexperiencehost": "phone link, your phone",
    "3cxdesktopapp": "3cx, 3cx client, 3cx desktop app",
    "swyxit!": "swyx, swyxit",
    "interactionworkspace": "genesys, genesys workspace, workspace desktop edition",
    # business
    "saplogon, saplgpad, sapgui": "sap, sap gui, sapgui for windows, sap logon, sap frontend",
    "nwbc, nwbccore": "sap business client, netweaver business client, sap nwbc",
    "ax32": "dynamics ax, microsoft dynamics ax",
    "qbw32, qbw": "quickbooks, intuit quickbooks",
    "tableau": "tableau desktop",
    "pbidesktop": "power bi, power bi desktop, microsoft power bi",
    "pcsws": "ibm personal communications, ibm pcomm, pcomm",
    "javaw, java": "java, java client",
    # records of patients
    "powerchart": "cerner, cerner powerchart, oracle health",
    # documents
    "acrobat, acrord32": "adobe acrobat, acrobat reader, adobe reader, adobe acrobat reader",
    "foxitpdfreader": "foxit, foxit reader, foxit pdf reader",
    "sumatrapdf": "sumatra, sumatra pdf",
    "pdfxedit": "pdf-xchange, pdf-xchange editor, pdf xchange editor",
    "photoshop": "adobe photoshop",
    "illustrator": "adobe illustrator",
    "indesign": "adobe indesign",
    "acad": "autocad, autodesk autocad",
    "evince": "document viewer, gnome document viewer",
    "okular": "kde okular",
    # passwords
    "keepass": "kee pass, keepass 2, keepass password safe",
    "keepassxc": "kee pass xc",
    "1password": "1 password, one password",
    "bitwarden": "bit warden",
    "lastpass": "last pass",
    "dashlane": "dashlane desktop",
    # other machines
    "mstsc": "remote desktop, rdp, remote desktop connection, remotedesktop",
    "msrdc": "remote desktop client, windows app, azure virtual desktop",
    "wfica32, wfcrun32, selfserviceplugin": "citrix, citrix receiver, citrix workspace, citrix workspace app",
    "vmware-view": "vmware horizon, horizon client, omnissa horizon",
    "virtualboxvm": "virtualbox, oracle virtualbox, virtual box",
    "vmware, vmplayer": "vmware workstation, vmware player",
    "vmconnect": "hyper-v, hyper-v manager, virtual machine connection",
    "vncviewer, tvnviewer": "vnc, vnc viewer, realvnc, tightvnc",
    "teamviewer": "team viewer",
    "anydesk": "any desk",
    "putty": "putty ssh",
    # the system
    "explorer": "windows explorer, file explorer",
    "nautilus, org.gnome.nautilus": "files, gnome files",
    "dolphin": "kde dolphin",
    "notepad": "windows notepad, text editor of windows",
    "notepad++": "notepad plus plus, notepadplusplus",
    "gnome-text-editor, gedit": "text editor, gnome text editor",
    "cmd": "command prompt, windows command prompt",
    "powershell, pwsh": "windows powershell, power shell",
    "windowsterminal": "windows terminal, microsoft terminal",
    "gnome-terminal-server": "gnome terminal, terminal",
    "taskmgr": "task manager",
    "regedit": "registry editor",
    "mspaint": "microsoft paint, ms paint, windows paint",
    "obs64": "obs, obs studio",
    "7zfm": "7-zip, 7zip",
    "snippingtool": "snipping tool",
    "calculatorapp": "calculator, windows calculator",
    "systemsettings": "windows settings",
    "code": "vs code, vscode, visual studio code",
    "devenv": "visual studio, microsoft visual studio",
    "idea64, idea": "intellij, intellij idea",
    "dbeaver": "d beaver, dbeaver community",
    "ssms": "sql server management studio, microsoft ssms",
    "spotify": "spotify desktop",
    "vlc": "vlc media player, vlc player",
}

_PROCESSES: Final[Mapping[str, str]] = {
    fold(name): processes for processes, names in _BY_PROCESS.items() for name in names.split(", ")
}


def processes_of(name: str) -> str | None:
    """The processes of the product that people call so, separated by commas; None where it is none of them."""
    processes = _PROCESSES.get(fold(name))
    return None if processes is None or fold(name) in processes.split(", ") else processes
