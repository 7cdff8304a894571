"""Makes tests/vectors/store: a whole small store that a program in another language must open as Eyelid does.

`python -m tests.vectors.make_store` writes it anew, with fresh keys, through a real server. It has two PCs and four
recordings: closed (film, sound, scenes, holds, closings), died in and told of at the next start, still open, and one of
an earlier agent that another recording took over from.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Final

from protocol.bundle import Bundle
from protocol.bundle import verify as verify_bundle
from protocol.envelope import SCENE_STREAM, SOUND_STREAM, Edition, Flag, Kind
from protocol.packet import Monitor
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, Plan, found
from store.catalog.statements import newest_bundle
from store.clock import wall
from store.server.enrolment import make_secret
from store.server.services import Services
from store.server.serving import open_services
from testkit.cheap_keys import COST
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.conftest import PASSPHRASE, serving
from tests.store.recorded import POLICY, ZERO, close, make_filmed

HERE: Final = Path(__file__).parent / "store"
HOME: Final = "home"
PASSPHRASE_FILE: Final = "passphrase"
_MONITORS: Final = (Monitor(0, 0, 0, 640, 480, "left"), Monitor(1, 640, -20, 640, 480, "right"))


def build(folder: Path) -> None:
    """`folder` gets the store's home, as somebody would copy it for an auditor, and the passphrase of its key."""
    home = found(Plan(folder / HOME, "https://localhost:8443", cost=COST), PASSPHRASE)
    services = open_services(home, wall)
    with services.database.reading() as connection:
        newest = newest_bundle(connection)
    assert newest is not None
    bundle = verify_bundle(newest[1], home.key(COMPLIANCE).id)
    with serving(home, services) as client:
        first, second = _enrolled(Pc(client), services), _enrolled(Pc(client), services)
        _whole(first, bundle)
        _died_in(first, bundle)
        opened = _open(first, bundle)
        _taken_over(second, bundle)
        for pc, goes_on in ((first, opened), (second, None)):
            assert pc.send_ledger().is_success
            assert pc.put_health(pc.report(goes_on)).is_success
    services.close()
    _strip(home)
    (folder / PASSPHRASE_FILE).write_bytes(PASSPHRASE + b"\n")


def _enrolled(pc: Pc, services: Services) -> Pc:
    now = wall()
    with services.database.writing() as connection:
        secret = make_secret(connection, uses=1, expires_at=now + 60 * SECOND, group="", now=now)
    assert pc.enrol(secret).is_success
    assert pc.ask_token(now // SECOND).is_success
    return pc


def _put(recording: FakeRecording, stream: int, content: bytes, **fields: Any) -> None:
    body = recording.seal(content, stream=stream, **{"length": SECOND, **fields})
    assert recording.pc.put_sealed(body).is_success


def _whole(pc: Pc, bundle: Bundle) -> None:
    """Film, sound and scenes; closed by the policy's rules and our own, held by the person and a locked screen."""
    filmed = make_filmed(pc, bundle)
    filmed.put_all()
    recording, write = filmed.recording, pc.ledger.write
    write("lane-open", at=ZERO - 5 * SECOND, lane="audio")
    _put(recording, SOUND_STREAM, b"header of the sound", kind=Kind.HEADER, length=0)
    for second in range(2):
        _put(recording, SOUND_STREAM, b"sound of second %d" % second, flags=Flag.KEY_FRAME)
    write("lane-closed", at=ZERO + 2_050_000_000, lane="audio", rules=[1], policy=POLICY)
    write("hold", at=ZERO + 4 * SECOND, hold="locked")
    write("release", at=ZERO + 5 * SECOND, hold="locked")
    write("lane-open", at=ZERO + 7 * SECOND, lane="audio")
    _put(
        recording,
        SOUND_STREAM,
        b"sound again",
        flags=Flag.KEY_FRAME | Flag.AFTER_GAP,
        gap=5_500_000_000,
        length=SECOND // 2,
    )
    lines: tuple[dict[str, object], ...] = (
        {"window": 0, "id": "w1", "app": "firefox", "title": "Orders", "box": [0, 0, 640, 480]},
        {"at": 0, "witness": "window", "windows": [0]},
        {"at": 9 * SECOND, "ended": True},
    )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    _put(recording, SCENE_STREAM, text.encode(), flags=Flag.KEY_FRAME, length=9 * SECOND)
    write("slept", at=ZERO + 10_500_000_000, to=ZERO + 10_400_000_000, **{"from": ZERO + 10_200_000_000})
    close(filmed, 11)
    write("stop", at=ZERO + 11 * SECOND, why="stop")


def _died_in(pc: Pc, bundle: Bundle) -> None:
    recording, write, zero = pc.open_recording(bundle, policy=POLICY), pc.ledger.write, 2 * ZERO
    write("start", at=zero - SECOND, boot="one")
    write("policy", at=zero - SECOND, policy=POLICY, revision=1)
    write("recording-open", at=zero, recording=str(recording.id), policy=POLICY, zero=zero)
    _put(recording, 0, b"header", kind=Kind.HEADER, length=0)
    for _ in range(2):
        _put(recording, 0, b"before the power went", length=2 * SECOND)
    write("heads", at=zero + 4_500_000_000, recording=str(recording.id), heads=recording.heads())
    write("hold", at=zero + 5 * SECOND, hold="user", reason="other")
    write("release", at=zero + 6 * SECOND, hold="user")
    _put(recording, 0, b"and after a gap", gap=3 * SECOND, flags=Flag.AFTER_GAP)
    told = {"from": zero + 8_200_000_000, "to": zero + 30 * SECOND, "boot": "one", "why": "died"}
    write("blind-since", at=zero + 30 * SECOND, **told)
    write("heads", at=zero + 30 * SECOND, recording=str(recording.id), heads=recording.heads(), final=True)


def _open(pc: Pc, bundle: Bundle) -> FakeRecording:
    recording, write, zero = pc.open_recording(bundle, policy=POLICY), pc.ledger.write, 3 * ZERO
    write("start", at=zero - SECOND, boot="one")
    write("lane-closed", at=zero - SECOND, lane="screen", rules=["blind"], policy=POLICY)
    write("recording-open", at=zero, recording=str(recording.id), policy=POLICY)
    write("lane-open", at=zero + SECOND, lane="screen")
    _put(recording, 0, b"header", kind=Kind.HEADER, length=0)
    _put(recording, 0, b"so far", gap=1_250_000_000)
    write("lane-closed", at=zero + 4 * SECOND, lane="screen", rules=[1, "web-engine"], policy=POLICY)
    return recording


def _taken_over(pc: Pc, bundle: Bundle) -> None:
    """By an earlier agent, which signs no chunk: two monitors of which one kept less."""
    recording = FakeRecording(pc, bundle.recipients, policy=POLICY, edition=Edition.FIRST)
    recording.packet = recording.make_packet(monitors=_MONITORS)
    assert pc.put_packet(recording).is_success
    write, zero = pc.ledger.write, ZERO
    write("start", at=zero - SECOND)
    write("recording-open", at=zero, recording=str(recording.id), policy=POLICY, zero=zero)
    for stream, seconds in ((0, 4), (1, 2)):
        _put(recording, stream, b"header", kind=Kind.HEADER, length=0)
        for second in range(seconds):
            _put(recording, stream, b"second %d" % second)
    heads = recording.heads()
    until = zero + 4_321_000_001
    write("recording-closed", at=until + SECOND, recording=str(recording.id), heads=heads, why="hour", until=until)


def _strip(home: Home) -> None:
    """What an auditor gets: no key but the one that opens recordings, and a catalog without its log."""
    kept = home.folder / home.key(RECIPIENT).file
    for path in [*(home.folder / "keys").iterdir(), *(home.folder / "tls").iterdir()]:
        if path != kept:
            path.unlink()
    database = sqlite3.connect(home.folder / "store.db")
    database.execute("PRAGMA journal_mode=DELETE")
    database.execute("PRAGMA page_size=1024")
    database.execute("VACUUM")
    database.close()
    for path in sorted(home.folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    kept.chmod(0o600)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch))
        shutil.rmtree(HERE, ignore_errors=True)
        shutil.copytree(scratch, HERE)
