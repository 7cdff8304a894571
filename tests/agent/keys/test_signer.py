"""What a user's keys sign in the service: what follows from what they signed, and no second account of it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from agent.core.model.times import SECOND
from agent.errors import Refused, Transient
from agent.keys import signer as signer_module
from agent.keys.exchange import Applicant
from agent.keys.signer import AROUND_NOW, MAX_JSON, MAX_STREAMS, MAX_VALUES, Bucket, Signer
from agent.ledger import BATCH_BYTES, BATCH_LINES, DiskLedger
from agent.seal import Provenance, RecordingSealer
from protocol.api import AuthClaims
from protocol.envelope import Unsigned
from protocol.errors import ProtocolError
from protocol.ledger import ZERO, Batch, line, line_hash
from protocol.packet import KeyPacket
from protocol.report import DeviceReport
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from tests.agent.keys.services import APPLICANT, DEVICE, application
from tests.agent.recordings import media, new_sealer

NOW = NEW_YEAR_2026 / 10**9


class Keys:
    """`DeviceKeys` without a socket between."""

    where = "here"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wall = NOW
        self.again()

    def again(self) -> None:
        """After a crash."""
        self.signer = Signer(self.folder, wall=lambda: self.wall, now=lambda: 0.0)

    def apply(self, applicant: Applicant) -> Any:
        return json.loads(self.signer.apply(json.dumps(asdict(applicant)).encode(), 1000))

    def admitted(self, device: str) -> None:
        self.signer.admitted(json.dumps({"device": device}).encode(), 1000)

    def packet(self, packet: KeyPacket) -> str:
        return self.signer.packet(json.dumps(packet.payload()).encode()).decode()

    def chunk(self, unsigned: Unsigned) -> bytes:
        return self.signer.chunk(b"".join(unsigned.parts))

    def batch(self, batch: Batch) -> str:
        return self.signer.batch(json.dumps(batch.payload()).encode()).decode()

    def report(self, report: DeviceReport) -> str:
        return self.signer.report(json.dumps(report.payload()).encode()).decode()

    def assertion(self, claims: AuthClaims) -> str:
        return self.signer.assertion(json.dumps(claims).encode()).decode()

    def forget(self) -> None:
        self.signer.forget(b"", 1000)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys(tmp_path / "1000")
    made.apply(APPLICANT)
    made.admitted(DEVICE)
    return made


def account(count: int, *, kind: str = "kept", after: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    lines = list(after)
    for seq in range(len(after), len(after) + count):
        lines.append(line(seq, line_hash(lines[-1]) if lines else ZERO, at=seq, wall=seq, kind=kind))
    return tuple(lines)


def batch(lines: tuple[bytes, ...], first: int = 0, device: str = DEVICE) -> Batch:
    return Batch(device, first, len(lines) - 1, lines[first:])


def sealer(keys: Keys, wall: int = NEW_YEAR_2026) -> RecordingSealer:
    return new_sealer(wall, Provenance(DEVICE, keys, "pc-17", "alice", "0.1.0"))


# -- the account --------------------------------------------------------------------------------------------------


def test_an_account_goes_on_and_any_part_of_it_is_signed_again(keys: Keys) -> None:
    lines = account(9)
    keys.batch(batch(lines[:4]))
    keys.batch(batch(lines, 2))
    keys.again()
    for first, end in ((0, 9), (0, 2), (3, 5), (8, 9)):
        keys.batch(batch(lines[:end], first))


def test_entries_that_no_store_takes_yet_are_signed_all_the_same(keys: Keys, tmp_path: Path) -> None:
    ledger = DiskLedger(tmp_path / "ledger", HandClock(), device=DEVICE, keys=keys)
    for _ in range(BATCH_LINES + 3):
        ledger.write("held")
    token = ledger.due(at_once=True)
    assert token is not None
    assert json.loads(_payload(token.encode()))["last"] == BATCH_LINES - 1
    with pytest.raises(Refused, match=f"up to entry {BATCH_LINES + 3}"):
        keys.batch(batch(account(BATCH_LINES + 3)))


@pytest.mark.parametrize("common", [0, 2, 3])
@pytest.mark.parametrize("crashed", [False, True])
def test_no_second_account_is_signed(keys: Keys, common: int, crashed: bool) -> None:
    lines = account(4)
    keys.batch(batch(lines))
    if crashed:
        keys.again()
    other = account(9, kind="held", after=lines[:common])
    for first, end in ((0, 9), (common, common + 1), (4, 9), (0, common + 1)):
        with pytest.raises(Refused, match="another account was signed already, up to entry 4"):
            keys.batch(batch(other[:end], first))
    keys.batch(batch(account(1, after=lines), 4))


def test_a_batch_with_a_gap_before_it_or_of_another_device_is_refused(keys: Keys) -> None:
    lines = account(4)
    keys.batch(batch(lines[:1]))
    with pytest.raises(Refused, match="ends before entry 1, and 2 comes next"):
        keys.batch(batch(lines, 2))
    with pytest.raises(Refused, match="of no other device"):
        keys.batch(batch(lines, device="device-2"))
    with pytest.raises(ProtocolError):
        keys.batch(Batch(DEVICE, 1, 3, (lines[1], lines[3], lines[2])))


def test_what_was_not_written_down_is_not_signed_and_changes_nothing(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = account(2)
    with monkeypatch.context() as full:  # a full disk, which only the system can be
        full.setattr(signer_module.durable, "write", _no_room)
        with pytest.raises(OSError, match="no room"):
            keys.batch(batch(lines))
    keys.batch(batch(account(3, kind="held")))
    with pytest.raises(Refused):
        keys.batch(batch(lines))


def _no_room(*_: object) -> None:
    raise OSError(28, "no room")


def test_a_disk_that_takes_a_part_gets_the_rest(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, at: whole(file, content[:7], at))  # as one nearly full
    lines = account(4)
    keys.batch(batch(lines))
    [file] = keys.folder.glob("lines-*")
    assert file.read_bytes().hex() == "".join(line_hash(one) for one in lines)


def test_lines_that_the_disk_has_lost_are_not_signed_anew(keys: Keys) -> None:
    lines = account(4)
    keys.batch(batch(lines))
    [file] = keys.folder.glob("lines-*")
    file.write_bytes(b"")
    with pytest.raises(Refused):
        keys.batch(batch(lines[:2]))
    keys.batch(batch(account(1, after=lines), 4))


def test_an_account_that_grows_without_end_has_to_wait(keys: Keys) -> None:
    keys.signer._lines = Bucket(3, 1)
    with pytest.raises(Transient):
        keys.batch(batch(account(4)))
    keys.batch(batch(account(3)))


def test_a_bucket_fills_again() -> None:
    bucket = Bucket(2, 0.5)
    assert [bucket.take(1, now) for now in (0, 0, 0, 2, 3, 99, 99, 99)] == [
        True, True, False, True, False, True, True, False,
    ]  # fmt: skip


# -- recordings ---------------------------------------------------------------------------------------------------


def test_a_recording_has_one_packet(keys: Keys) -> None:
    made = sealer(keys)
    packet = KeyPacket.read(json.loads(_payload(made.packet().data)))
    assert keys.packet(packet).encode() == made.packet().data
    with pytest.raises(Refused, match="another key packet"):
        keys.packet(replace(packet, policy="cd" * 32))


def _payload(token: bytes) -> bytes:
    import base64  # noqa: PLC0415 - here alone

    part = token.split(b".")[1]
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


@pytest.mark.parametrize("off", [-AROUND_NOW - 1, AROUND_NOW + 1])
def test_a_recording_begins_now(keys: Keys, off: int) -> None:
    with pytest.raises(Refused, match="does not begin now"):
        sealer(keys, NEW_YEAR_2026 + off * SECOND)


def test_chunks_follow_each_other_and_the_last_one_is_signed_again(keys: Keys) -> None:
    made = sealer(keys)
    seen: list[Unsigned] = []
    sign = keys.chunk
    keys.chunk = lambda unsigned: (seen.append(unsigned), sign(unsigned))[1]  # type: ignore[method-assign]
    for stream, at in ((0, 0), (1, 0), (0, 4)):
        made.seal(media(stream, at))
    keys.again()
    assert sign(seen[2]) == sign(seen[2])
    with pytest.raises(ProtocolError, match="the chunk says sequence 0"):
        sign(seen[0])
    made._streams[0].sequence = 1  # another content in the place of the last one
    with pytest.raises(ProtocolError):
        made.seal(media(0, 8))


def test_a_chunk_of_no_recording_or_of_too_many_streams_is_refused(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.seal.MAX_STREAMS", MAX_STREAMS + 1)  # a recorder that counts wrongly
    made = sealer(keys)
    made.recording = new_sealer().recording
    with pytest.raises(Refused, match="not begun here"):
        made.seal(media(0, 0))
    made = sealer(keys)
    for stream in range(MAX_STREAMS):
        made.seal(media(stream, 0))
    with pytest.raises(Refused, match="streams already"):
        made.seal(media(MAX_STREAMS, 0))


def test_a_recording_that_is_over_for_long_does_not_grow(keys: Keys) -> None:
    old = sealer(keys)
    for hour in range(1, 5):
        keys.wall = NOW + hour * 3600
        sealer(keys, NEW_YEAR_2026 + hour * 3600 * SECOND)
    with pytest.raises(Refused, match="long over"):
        old.seal(media(0, 0))
    assert len(json.loads((keys.folder / "state.json").read_bytes())["recordings"]) == 4


def test_recordings_that_begin_without_end_have_to_wait(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer_module, "MAX_RECORDINGS", 2)  # the real bound takes long to reach
    sealer(keys)
    sealer(keys)
    with pytest.raises(Transient):
        sealer(keys)


@pytest.mark.parametrize("length", [0, 3])
def test_a_chunk_of_hardly_any_content_is_signed_and_half_a_one_is_not(keys: Keys, length: int) -> None:
    sealer(keys).seal(media(0, 0, length))
    for hostile in (b"", b"EYL3" + bytes(50), b"EYL2" + bytes(50), b"EYL1" + bytes(500), bytes(300)):
        with pytest.raises(ProtocolError):
            keys.signer.chunk(hostile)


# -- reports, assertions, keys ------------------------------------------------------------------------------------


def test_a_report_contradicts_nothing(keys: Keys) -> None:
    lines = account(4)
    made = sealer(keys)
    ends = [made.seal(media(0, at)).sha256.hex() for at in (0, 4)]
    keys.batch(batch(lines))
    honest = DeviceReport(DEVICE, 1, made.recording, {0: (2, ends[1])}, {0: 2}, (4, line_hash(lines[3])), 4)
    for good in (
        honest,
        replace(honest, ledger=(0, ZERO)),
        replace(honest, ledger=(2, line_hash(lines[1]))),
        replace(honest, ledger=(6, "ab" * 32)),
        replace(honest, heads={0: (1, ends[0])}),  # signed, and the next one not durable yet
        replace(honest, recording=None, heads={}, receipted={}),
    ):
        keys.report(good)
    for bad in (
        replace(honest, ledger=(4, "ab" * 32)),
        replace(honest, ledger=(2, "ab" * 32)),
        replace(honest, heads={0: (1, "ab" * 32)}),
        replace(honest, ledger=(6, "cd" * 32)),
        replace(honest, heads={0: (2, ends[0])}),
        replace(honest, heads={0: (3, ends[1])}),
        replace(honest, heads={1: (1, ends[0])}),
        replace(honest, receipted={0: 3}),
        replace(honest, receipted={1: 1}),
        replace(honest, confirmed=5),
        replace(honest, recording=None),
        replace(honest, device="device-2"),
    ):
        with pytest.raises(Refused):
            keys.report(bad)


def test_a_batch_follows_what_a_report_has_named(keys: Keys) -> None:
    lines = account(6)
    keys.report(DeviceReport(DEVICE, 1, None, {}, {}, (3, line_hash(lines[2])), 0))
    keys.again()
    for first in (0, 2):
        with pytest.raises(Refused, match="a report that was signed names another account, at entry 3"):
            keys.batch(batch(account(6, kind="held", after=lines[:first])))
    keys.batch(batch(lines[:2]))
    keys.batch(batch(lines, 1))
    assert json.loads((keys.folder / "state.json").read_bytes())["named"] == {}


def test_ends_are_not_named_without_end(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer_module, "MOST_NAMED", 2)  # the real bound is 64 reports away
    for number in (3, 4, 3):
        keys.report(DeviceReport(DEVICE, 1, None, {}, {}, (number, "ab" * 32), 0))
    with pytest.raises(Transient):
        keys.report(DeviceReport(DEVICE, 1, None, {}, {}, (5, "ab" * 32), 0))


def test_an_assertion_lasts_a_minute(keys: Keys) -> None:
    keys.assertion({"device": DEVICE, "iat": 5, "exp": 65, "jti": "x"})
    for device, begins, ends in ((DEVICE, 5, 66), (DEVICE, 5, 4), ("device-2", 5, 6)):
        with pytest.raises(Refused):
            keys.assertion({"device": device, "iat": begins, "exp": ends, "jti": "x"})


def test_keys_count_once_they_are_admitted_and_never_again_once_forgotten(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "1000")
    with pytest.raises(Refused, match="eyelid enroll"):
        keys.batch(batch(account(1)))
    with pytest.raises(Refused, match="no application"):
        keys.admitted(DEVICE)
    made = application(keys.apply(APPLICANT))
    keys.again()
    keys.admitted(DEVICE)
    keys.admitted(DEVICE)  # asked again, for the answer was lost
    lines = account(2)
    assert Batch.verify(keys.batch(batch(lines)), made.evidence_key).last == 1
    keys.forget()
    keys.forget()
    assert list(keys.folder.iterdir()) == []
    keys.again()
    with pytest.raises(Refused, match="eyelid enroll"):
        keys.batch(batch(lines))


def test_what_root_applied_for_only_root_admits_replaces_or_forgets(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "1000")
    words = json.dumps(asdict(APPLICANT)).encode()
    made = application(json.loads(keys.signer.apply(words, 0)))
    with pytest.raises(Refused, match="no application"):
        keys.admitted("mine")
    keys.apply(APPLICANT)
    keys.admitted("mine")
    keys.forget()
    keys.again()
    keys.signer.admitted(json.dumps({"device": DEVICE}).encode(), 0)
    assert Batch.verify(keys.batch(batch(account(1))), made.evidence_key).last == 0


def test_a_devices_name_is_short(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "1000")
    keys.apply(APPLICANT)
    with pytest.raises(Refused, match="at most 200"):
        keys.admitted("x" * 201)
    keys.admitted("x" * 200)


def test_new_keys_begin_a_new_account(keys: Keys) -> None:
    keys.batch(batch(account(2)))
    other = application(keys.apply(APPLICANT))
    keys.batch(batch(account(2)))  # the old ones count until then
    keys.admitted("device-2")
    signed = keys.batch(batch(account(1, kind="held"), device="device-2"))
    assert Batch.verify(signed, other.evidence_key).last == 0
    assert len(list(keys.folder.glob("lines-*"))) == 1


def test_a_damaged_state_is_never_begun_anew(keys: Keys) -> None:
    for damaged in (b"", b"{}", b'{"v":2}'):
        (keys.folder / "state.json").write_bytes(damaged)
        with pytest.raises(Refused, match=r"state\.json is damaged"):
            keys.again()


HOSTILE = [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"a":1,"a":2}', b"{" + b" " * 5_000_000]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_refused(keys: Keys, body: bytes) -> None:
    for verb in ("packet", "batch", "report", "assertion"):
        with pytest.raises((Refused, ValueError)):
            getattr(keys.signer, verb)(body)
    for work in (keys.signer.apply, keys.signer.admitted):
        with pytest.raises((Refused, ValueError)):
            work(body, 1000)


@pytest.mark.parametrize("value", ["[]", "{}", '""', "1", '{"":[]}'])
def test_a_statement_of_very_many_values_is_not_read(keys: Keys, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """While Python reads one, every user's request waits."""
    monkeypatch.setattr(signer_module, "parse_object", pytest.fail)  # it must not come so far
    body = f'{{"lines":[{",".join([value] * MAX_VALUES)}]}}'.encode()
    for sign in (keys.signer.batch, keys.signer.packet, keys.signer.report, keys.signer.assertion):
        with pytest.raises(Refused, match="values"):
            sign(body)


@pytest.mark.parametrize("text", ['\\"', "\\", '"', "\\n", "a", ""])
def test_a_text_without_an_end_is_looked_through_once(keys: Keys, text: str) -> None:
    """Each of its quotes tried anew, it would take hours."""
    for opened in ("", '{"lines":"'):
        with pytest.raises((Refused, ValueError)):
            keys.signer.batch((opened + text * (MAX_JSON // 2 - 10)).encode())


@pytest.mark.parametrize("filling", ['"', "[,{", "\\", "ä"])
def test_the_largest_batch_of_a_recorder_is_signed(keys: Keys, filling: str) -> None:
    """In its lines' texts every sign may be escaped, or look like a value."""
    room = BATCH_BYTES // BATCH_LINES - 250
    lines: tuple[bytes, ...] = ()
    for _ in range(BATCH_LINES):
        lines = account(
            1, after=lines, kind=filling * (room // (len(json.dumps(filling, ensure_ascii=False).encode()) - 2))
        )
    assert BATCH_BYTES // 2 < sum(map(len, lines)) <= BATCH_BYTES
    keys.batch(batch(lines))
