"""A recording of ten known seconds as a PC would send it, with its ledger: what auditors' commands are tested on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import COMMITMENT_SIZE, SIGNATURE_SIZE, Flag, Kind, digest
from protocol.policyhash import policy_hash
from store.admin.home import Home
from store.catalog import schema
from store.catalog.blobs import sealed_name
from store.evidence.verify import recording as verify
from store.server.services import Services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.filmed import film

POLICY_FILES = {
    "p.yaml": "revision: 12\nrules:\n  - {id: card-forms, why: PCI DSS}\n  - {id: notes, why: HIPAA}\n"
    "user_hold: {reasons: [Lunch, Break]}\n...\n"
}
POLICY = policy_hash({name: text.encode() for name, text in POLICY_FILES.items()})
ZERO = 100 * SECOND  # the device's clock when the recording began


@dataclass
class Filmed:
    """Ten seconds: kept 0-3, closed by two rules, kept 6-8, held 8-9, kept 9-10; every chunk a second long."""

    pc: Pc
    recording: FakeRecording
    sealed: list[bytes]

    def put_all(self) -> None:
        for body in self.sealed:
            assert self.pc.put_sealed(body).status_code == 200


def start_run(pc: Pc) -> None:
    write = pc.ledger.write
    write("start", at=ZERO - 20 * SECOND)
    write("hold", at=ZERO - 20 * SECOND, hold="no-policy")
    write("lane-closed", at=ZERO - 20 * SECOND, lane="screen", rules=["blind"], policy="")
    write("policy", at=ZERO - 10 * SECOND, policy=POLICY, revision=1)
    write("release", at=ZERO - 10 * SECOND, hold="no-policy")
    write("lane-open", at=ZERO - 5 * SECOND, lane="screen")


def make_filmed(pc: Pc, bundle: Bundle, **fields: object) -> Filmed:
    """Everything sealed and told, the key packet sent, nothing else yet."""
    assert pc.client.put(api.policy_path(POLICY), json={"files": POLICY_FILES}, headers=pc.bearer).is_success
    recording = pc.open_recording(bundle, policy=POLICY, **fields)
    header, fragments = film(10)
    sealed = [recording.seal(header, kind=Kind.HEADER, length=0)]
    start_run(pc)
    write = pc.ledger.write
    write("recording-open", at=ZERO + SECOND // 10, recording=str(recording.id), policy=POLICY, zero=ZERO)
    for second in (0, 1, 2, 6, 7, 9):
        gap = second * SECOND - recording.streams[0].at
        flags = Flag.KEY_FRAME | (Flag.AFTER_GAP if gap else Flag.NONE)
        sealed.append(recording.seal(fragments[second], length=SECOND, gap=gap, flags=flags))
    write("lane-closed", at=ZERO + 3_200_000_000, lane="screen", rules=[0], policy=POLICY)
    write("lane-closed", at=ZERO + 4 * SECOND, lane="screen", rules=[0, "unreadable"], policy=POLICY)
    write("lane-open", at=ZERO + 5_500_000_000, lane="screen")
    write("hold", at=ZERO + 8 * SECOND, hold="user", reason=1, policy=POLICY)
    write("release", at=ZERO + 9 * SECOND, hold="user")
    return Filmed(pc, recording, sealed)


def close(filmed: Filmed, at: int = 10, **told: object) -> None:
    recording = filmed.recording
    heads = recording.heads()
    filmed.pc.ledger.write(
        "recording-closed", at=ZERO + at * SECOND, recording=str(recording.id), heads=heads, **{"why": "stop", **told}
    )


def flip(path: Path, at: int) -> None:
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    path.write_bytes(body)


def blob(home: Home, recording: FakeRecording, body: bytes, sequence: int) -> Path:
    return home.folder / "blobs" / sealed_name(recording.id, 0, sequence, digest(body).hex())


# -- what is done to one, and what a check says of it -----------------------------------------------------------------


def codes(report: verify.Report) -> list[tuple[str, str]]:
    return [(finding.check, finding.code) for finding in report.findings]


def sent_unlike_sealed(filmed: Filmed, sequence: int, change: Callable[[bytes], bytes]) -> None:
    filmed.sealed[sequence] = change(filmed.sealed[sequence])
    filmed.put_all()


def with_another_tag(body: bytes) -> bytes:
    at = len(body) - SIGNATURE_SIZE - 2 * COMMITMENT_SIZE - 1
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def cut_off_the_tail(services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence >= 5))
