"""What the doctor can know of a PC: values alone, without a title, an address of a page, or content."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agent.doctor.findings import Unasked


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """`file`: "" where none was read. `mistakes`: each with its place. `open_password`: a file that others may read and
    that holds a proxy's password."""

    file: str
    mistakes: tuple[str, ...] = ()
    open_password: str = ""


class Display(StrEnum):
    X11 = "x11"
    WAYLAND = "wayland"
    MISSING = "missing"  # this process has no display
    REFUSED = "refused"  # one is named, and does not let us in
    UNVOUCHED = "unvouched"  # a system whose windows no witness vouches for


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """`words`: why there is no display. `monitors`: (width, height). `pictures`: how many were taken, and dropped."""

    display: Display
    name: str = ""
    words: str = ""
    monitors: tuple[tuple[int, int], ...] = ()
    pictures: int = 0
    no_picture: str = ""  # why none could be taken
    composited: bool = False


@dataclass(frozen=True, slots=True)
class WindowsFacts:
    """Counts of windows. `blind`: why the recorder sees none, "" where it does. `listed`: those of PyWinCtl, None where
    it gave no list; `overlooked`: that it lists and the recorder does not see, look after look; `differing`: of which
    the two say another process or title."""

    blind: str
    seen: int = 0
    unreadable: int = 0
    engines: int = 0
    remote: int = 0
    listed: int | None = None
    shared: int = 0
    overlooked: int = 0
    differing: int = 0


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """`deaf_to`: who does not answer. `holds`: why nothing would be recorded at this moment."""

    deaf_to: tuple[str, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrowserFacts:
    """`forced`: by enterprise policy. `profiles`, `carrying`: those of this user, and how many have the extension.
    `previews_off`: None where not known. `connected`: profiles that speak to the recorder, None without one.
    `others_blocked`: by enterprise policy, every extension that it does not name. `extensions`: ids of the others that
    are switched on, by what the connected ones told the recorder; None where none has told."""

    name: str
    title: str
    program: str
    sandbox: str
    ready: bool
    next: tuple[str, ...]
    forced: bool
    private: bool
    profiles: int
    carrying: int
    previews_off: bool | None
    running: bool
    connected: int | None
    others_blocked: bool
    extensions: tuple[str, ...] | None

    @property
    def here(self) -> bool:
        return bool(self.program or self.sandbox)


@dataclass(frozen=True, slots=True)
class EndFacts:
    """One end of the call. `wanted`: as in agent.yaml. `device`: "" while there is none. `peak`: dBFS, None for
    silence."""

    wanted: str
    device: str
    peak: float | None


@dataclass(frozen=True, slots=True)
class SoundFacts:
    wanted: bool
    microphone: EndFacts
    far_end: EndFacts
    fault: str = ""  # why nothing can be heard at all


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """Bytes. `kind`: of the file system. `refused`: why home cannot be written, "" where it can."""

    home: str
    kind: str
    free: int
    total: int
    files_free: int | None
    keep_free: int
    budget: int
    waiting: int
    chunks: int
    set_aside: int
    refused: str = ""


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """`swaps`: (device or file, whether what is on it is encrypted)."""

    swaps: tuple[tuple[str, bool], ...]
    hibernates: bool


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """Times in seconds since 1970. `trouble`: why it cannot be reached. `refused`: the store's code for not letting
    this PC in, or why it cannot be asked. `now`: by the store's Date; `ahead`: this PC's clock minus it."""

    address: str
    proxy: str  # "none", "system" or the address without a password
    trouble: str = ""
    now: int = 0
    ahead: float = 0.0
    begins: int | None = None  # the certificate; None over plain http
    ends: int | None = None
    ca_ends: int | None = None  # None where the enrolment named no CA
    refused: str = ""
    bundle_there: int | None = None


@dataclass(frozen=True, slots=True)
class KeyFile:
    """`mode`: permission bits."""

    path: str
    mode: int
    mine: bool


@dataclass(frozen=True, slots=True)
class KeysFacts:
    """`trouble`: why what is there cannot be used. Fingerprints are of public keys. `socket`: the keys service's, ""
    where the keys lie in the home; `service`: what is wrong with it."""

    home: str
    enrolled: bool
    files: tuple[KeyFile, ...] = ()
    trouble: str = ""
    device: str = ""
    group: str = ""
    store_key: str = ""
    compliance: str = ""
    bundle: int | None = None
    socket: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Of the policy that counts. `bundle`: the revision of the bundle that it came signed with, by the compliance key
    `signer`; None where the folder's own counts. `beside`: what the folder holds while it does not count (`Kind` of
    agent/witness/choice.py), and `beside_revision` of it.
    `places`: `file:line:column` of mistakes, without what they quote. `age`: seconds since the newest change of the
    files, or since it was signed. `last`: (revision, hash) that was in force last here, `since` then, in seconds since
    1970: None where that is another policy."""

    folder: str
    places: tuple[str, ...] = ()
    revision: int | None = None
    hash: str = ""
    rules: int = 0
    age: float = 0.0
    last: tuple[int, str] | None = None
    memory: str = ""  # why it is not known what was in force last
    since: float | None = None
    bundle: int | None = None
    signer: str = ""
    beside: str = "nothing"
    beside_revision: int | None = None
    mine: bool = False  # the person who is recorded can change it
    pinned: bool = False  # the machine's policy names the folder: they cannot name another
    root: bool = False  # root asks, who can change anything
    parked_tabs: bool = False
    extensions: tuple[str, ...] = ()  # of other extensions, those that the policy names


@dataclass(frozen=True, slots=True)
class RecorderFacts:
    """`status`: what it says of itself; None where none runs here, and `words` say so. `others`: process numbers
    of further recorders of this user. `version`: of this command."""

    version: str
    status: dict[str, Any] | None
    words: str = ""
    pid: int | None = None
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitsFacts:
    """What systemd says: words such as `enabled`, `active`, `not-found`; `manager` is False without one of the user."""

    manager: bool
    enabled: str = ""
    active: str = ""
    session: str = ""  # graphical-session.target
    drain: str = ""  # eyelid-drain.timer, enabled or not


@dataclass(frozen=True, slots=True)
class Facts:
    recorder: RecorderFacts | Unasked
    settings: SettingsFacts | Unasked
    keys: KeysFacts | Unasked
    policy: PolicyFacts | Unasked
    units: UnitsFacts | Unasked
    screen: ScreenFacts | Unasked
    windows: WindowsFacts | Unasked
    seat: SeatFacts | Unasked
    browsers: tuple[BrowserFacts, ...] | Unasked
    sound: SoundFacts | Unasked
    disk: DiskFacts | Unasked
    memory: MemoryFacts | Unasked
    store: StoreFacts | Unasked
