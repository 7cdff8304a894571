"""A PC on which everything is as it should be; tests change one thing at a time."""

from __future__ import annotations

from typing import Any, Final

from agent.doctor.facts import (
    BrowserFacts,
    DiskFacts,
    Display,
    EndFacts,
    Facts,
    KeyFile,
    KeysFacts,
    MemoryFacts,
    PolicyFacts,
    RecorderFacts,
    ScreenFacts,
    SeatFacts,
    SettingsFacts,
    SoundFacts,
    StoreFacts,
    UnitsFacts,
    WindowsFacts,
)

NOW: Final = 1_800_000_000
DAY: Final = 86_400
STATUS: Final[dict[str, Any]] = {
    "marks": {"seen": 12, "late": 0, "waiting": False},
    "state": "recording", "rules": [], "holds": [], "troubles": {}, "version": "0.1.0", "policy_hash": "ab" * 32,
    "browsers": [{"browser": "Chromium"}], "sound": None,
}  # fmt: skip

CHROMIUM: Final = BrowserFacts(
    name="chromium",
    title="Chromium",
    program="/usr/bin/chromium",
    sandbox="",
    ready=True,
    next=(),
    forced=True,
    private=True,
    profiles=1,
    carrying=1,
    previews_off=True,
    running=True,
    connected=1,
    others_blocked=True,
    extensions=(),
)

GOOD: Final = Facts(
    recorder=RecorderFacts("0.1.0", STATUS, pid=4711),
    settings=SettingsFacts("/etc/xdg/eyelid/agent.yaml"),
    keys=KeysFacts(
        "/home/a/eyelid",
        enrolled=True,
        files=(KeyFile("/home/a/eyelid", 0o700, True), KeyFile("/home/a/eyelid/identity.json", 0o600, True)),
        device="device-1",
        group="sales",
        store_key="0123456789abcdef",
        compliance="c" * 43,
        bundle=3,
    ),
    policy=PolicyFacts(
        "/etc/eyelid/policies", revision=7, hash="ab" * 32, rules=12, age=3 * DAY, last=(7, "ab" * 32),
        since=NOW - 2.0 * DAY, bundle=3, signer="0123456789abcdef",
    ),
    units=UnitsFacts(manager=True, enabled="enabled", active="active", session="active", drain="enabled"),
    screen=ScreenFacts(Display.X11, ":0", monitors=((1920, 1080),), pictures=1),
    windows=WindowsFacts("", seen=5, listed=4, shared=4),
    seat=SeatFacts((), ()),
    browsers=(CHROMIUM,),
    sound=SoundFacts(True, EndFacts("default", "Headset", -20.0), EndFacts("default", "Speakers", -30.0)),
    disk=DiskFacts(
        "/home/a/eyelid", "ext4", free=100 * 10**9, total=250 * 10**9, files_free=10**6, keep_free=10**9,
        budget=4 * 10**9, waiting=0, chunks=0, set_aside=0,
    ),
    memory=MemoryFacts((("/dev/dm-1", True),), hibernates=False),
    store=StoreFacts(
        "https://store.example.com", "system", now=NOW, ahead=0.4, begins=NOW - 100 * DAY, ends=NOW + 900 * DAY,
        ca_ends=NOW + 3000 * DAY, bundle_there=3,
    ),
)  # fmt: skip
