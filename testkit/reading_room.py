"""A console with recordings of several teams: a real store, what its PCs sent, the rules, and `eyelid-review up`."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from protocol import api
from protocol.envelope import SOUND_STREAM
from protocol.packet import recording_id
from protocol.policyhash import policy_hash
from review.cli import main as review_main
from review.people.settings import read_settings
from store.clock import wall
from testkit.cheap_keys import cheap_keys
from testkit.fakes.pc import SECOND, Pc
from testkit.free_ports import free_ports
from testkit.lifecycle import Days, Pcs, World, govern

MARKUP: Final = "<img src=x onerror=alert(1)>\"'&{{7*7}}"  # where a PC may write a text of its own
POLICY_FILES: Final = {
    "p.yaml": "revision: 7\nrules:\n  - {id: card-forms, why: PCI DSS 3.2}\n  - {id: patient-charts, why: HIPAA}\n"
    f"  - {{id: {json.dumps(MARKUP)}, why: {json.dumps(MARKUP)}}}\nuser_hold: {{reasons: [Break]}}\n...\n"
}
POLICY: Final = policy_hash({name: text.encode() for name, text in POLICY_FILES.items()})
RULES: Final = """\
schema: 1
revision: 1
name: House
roles:
  lead:
    may: [list, play, request-legal-hold, see-fleet, read-audit]
    of: { team: own }
    from: 30d
    purposes: [coaching, complaint]
    otherwise: original
  agent: { may: [list, play, see-access], of: own }
  compliance:
    may: [list, play, export, see-access, legal-hold, see-fleet, read-audit]
    of: all
    rendition: original
    purposes: [audit]
  clerk: { may: [erase-request], of: all }
  privacy: { may: [list, erase-request, subject-access], of: all, purposes: [request] }
  it: { may: [see-fleet], of: all }
  auditor: { may: [list, play, read-audit], of: all, purposes: [audit] }
people:
  lena@example.com: { roles: [lead], teams: [north], since: 2026-01-01 }
  sam@example.com: { roles: [lead], teams: [south], since: 2026-01-01 }
  cleo@example.com: { roles: [compliance] }
  kim@example.com: { roles: [clerk] }
  paula@example.com: { roles: [privacy] }
  ian@example.com: { roles: [it] }
  otto@example.com: { roles: [auditor] }
  "*@example.com": { roles: [agent] }
teams:
  north: { users: [anna, bert] }
  south: { users: [carl] }
os_users:
  - { user: "*", person: "*@example.com" }
retention:
  - { class: cards, any: [{ closed_by: [card-forms] }], keep: 2y, minimum: 1y, why: PCI DSS }
  - { class: rest, keep: 180d }
notice: |
  Example Ltd records screens and calls of its support, for coaching and complaints.
  You may ask for access, erasure and correction: privacy@example.com
...
"""
PEOPLE: Final = ("lena", "sam", "cleo", "kim", "paula", "ian", "otto", "anna", "bert", "carl")
NUMBER: Final = "+49 (0)30 1234567"  # called Anna, and then Carl
CUSTOMER: Final = "kim.sommer@example.org"  # wrote to Bert
MINUTE: Final = 60 * SECOND


@dataclass
class ReadingRoom:
    """`recordings`: whose -> ids, the newest last; `computers`: whose -> id. `home`: the console's folder."""

    world: World
    home: Path
    recordings: dict[str, list[str]] = field(default_factory=dict)
    computers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return read_settings(self.home).address

    @property
    def player(self) -> str:
        return read_settings(self.home).player

    @property
    def paths(self) -> list[str]:
        return ["--home", str(self.home), "--store", str(self.world.folder / "home"), "--key-file",
                str(self.home / "secret")]  # fmt: skip

    @property
    def finding(self) -> Path:
        return self.home / "keys" / "finding.key"

    def record(self, pcs: Pcs, pc: Pc, user: str, start: int, *, length: int, rules: tuple[int, ...]) -> str:
        """One of `user`: kept, and in its middle closed by each rule in turn, held, and a chunk that never came."""
        name = recording_id(start, secrets.token_bytes(10))  # as a real one, so that calls find it by its time
        made = pc.open_recording(pcs.bundle, id=name, policy=POLICY, start=start, os_user=user)
        at = (len(pc.ledger.lines) + 1) * 4000 * SECOND
        pc.ledger.wall = start - at
        write, third = pc.ledger.write, length // 3
        if not pc.ledger.lines:
            write("start", at=at)
            write("policy", at=at, policy=POLICY)
        write("recording-open", at=at + 1, recording=str(made.id), policy=POLICY, zero=at)
        sealed = [made.seal(length=third)]
        begin, every = third, third // max(len(rules), 1)
        for rule in rules:
            write("lane-closed", at=at + begin, lane="screen", rules=[rule], policy=POLICY)
            begin += every
            write("lane-open", at=at + begin, lane="screen")
        if not rules:
            write("hold", at=at + third, hold="user", reason=0, policy=POLICY)
            write("release", at=at + 2 * third, hold="user")
        sealed.append(made.seal(length=third // 2, gap=third))
        lost = made.seal(length=third // 4)
        sealed.append(made.seal(length=third // 4))
        sealed.append(made.seal(stream=SOUND_STREAM, length=length))
        assert lost
        write("recording-closed", at=at + length, recording=str(made.id), heads=made.heads(), why="stop")
        for body in sealed:
            assert pc.put_sealed(body).status_code == 200
        assert pc.send_ledger().status_code == 200
        self.recordings.setdefault(user, []).append(str(made.id))
        return str(made.id)

    @contextmanager
    def up(self, *words: str) -> Iterator[dict[str, Any]]:
        """`eyelid-review up` at the port of people.yaml, as a process; what it says once it serves."""
        key = ("--finding-key", str(self.finding))
        with served(self.address.rpartition(":")[2], *self.paths, *key, *words) as said:
            yield said


@contextmanager
def served(port: str, *words: str) -> Iterator[dict[str, Any]]:
    """`eyelid-review up` on loopback, as a process; what it says once it serves."""
    with up(port, *words) as (_, said):
        yield said


@contextmanager
def up(port: str, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The same, and the process, which may be killed."""
    command = [sys.executable, "-m", "review", "up", "--http", "--host", "127.0.0.1", "--port", port, "--json"]
    with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        try:
            yield running, json.loads(line)
        finally:
            if running.poll() != -signal.SIGKILL:
                running.send_signal(signal.SIGTERM)
                assert running.wait(60) == 0


def _call_in(room: ReadingRoom, address: str, now: int) -> None:
    """A telephone system that sends three: to Anna, to Carl by the same number, and a mail to Bert."""
    day = 24 * 60 * MINUTE
    called = (("anna", {"tel": NUMBER, "id": "C-17"}, 50 * MINUTE), ("carl", {"tel": NUMBER}, day + 104 * MINUTE))
    lines = [
        vcon(agent, party, now - ago + 30 * SECOND, 120) for agent, party, ago in called
    ] + [vcon("bert", {"mailto": CUSTOMER}, now - 56 * MINUTE, 60)]  # fmt: skip
    import_calls(room.home, room.world.folder / "home", room.home / "secret", address, lines)


def import_calls(home: Path, store: Path, secret: Path, address: str, lines: list[dict[str, Any]]) -> Path:
    """As a telephone system of the house sends them; the finding key, which is made. `home`: the console's."""
    finding, own, calls = home / "keys" / "finding.key", home / "phone.key", home / "calls.jsonl"
    calls.write_text("".join(json.dumps(one) + "\n" for one in lines))
    words = ["--finding-key", finding, "--key-file", secret, "--json"]
    add = ["phone", "--house", "example.com", "--country", "49", "--address", address, "--home", store, "-o", own]
    imported = [calls, "--integration", own, "--queue", "support", "--key-file", secret, "--json"]
    with cheap_keys():
        for verb, asked in (("init", words), ("add", [*add, *words]), ("import", imported)):
            assert review_main(["interactions", verb, *map(str, asked)]) == 0
    return finding


def vcon(agent: str, party: dict[str, str], start: int, seconds: int) -> dict[str, Any]:
    """One that began at `start`, ns."""
    began = datetime.fromtimestamp(start // SECOND, UTC).isoformat()
    dialog = {"type": "recording", "start": began, "duration": seconds, "parties": [0, 1]}
    return {"vcon": "0.4.0", "uuid": str(uuid4()), "created_at": began, "dialog": [dialog],
            "parties": [{"mailto": f"{agent}@example.com"}, party],
            "eyelid": {"kind": "call", "direction": "inbound"}}  # fmt: skip


def furnish(folder: Path) -> ReadingRoom:
    """A store with eleven recordings of three agents in two teams, and a console's folder on a port that is free."""
    world = World.found(folder)
    now = wall() // SECOND * SECOND
    world.days = Days(now)
    govern(world.home, RULES)
    room = ReadingRoom(world, folder / "console")
    room.home.mkdir()
    (room.home / "secret").write_text("x" * 40)
    ports = free_ports(2)
    lines = (f"{name}: http://localhost:{port}\n" for name, port in zip(("address", "player"), ports, strict=True))
    (room.home / "people.yaml").write_text(f"schema: 1\n{''.join(lines)}idle: 60m\n...\n")
    keys = [
        "--log",
        str(room.home / "audit"),
        "--keys",
        str(room.home / "keys"),
        "--key-file",
        str(room.home / "secret"),
    ]
    with cheap_keys():
        assert review_main(["audit", "init", "--name", "review.example.com/audit", *keys]) == 0
    with world.serving() as pcs:
        for place, user in enumerate(("anna", "bert", "carl")):
            pc = Pc(pcs.client)
            enrolled = pcs.client.post(api.ENROLL, json=pc.application(pcs.secret, user=user, host=f"desk-{place}<b>"))
            pc.device = room.computers[user] = enrolled.json()["device"]
            assert pc.ask_token(world.days() // SECOND).status_code == 200
            put = pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer)
            assert put.is_success
            day = 24 * 60 * MINUTE
            for ago, rules in ((40 * day, ()), (2 * day, (1,)), (day + 90 * MINUTE, (0, 2)), (50 * MINUTE, (0,))):
                start = now - ago - place * 7 * MINUTE
                room.record(pcs, pc, user, start, length=(4 + 5 * place) * MINUTE, rules=rules)
        _call_in(room, str(pcs.client.base_url).rstrip("/"), now)
    return room
