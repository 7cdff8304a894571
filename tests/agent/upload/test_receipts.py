"""Kept receipts: what was sent is known after a death, and a full disk or a torn line costs no more than itself."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.cli.main import main
from agent.errors import EnvironmentFault
from agent.sending import sign_last_heads
from agent.upload.receipts import AT_HAND, MOST_NUMBERS, Held, KeptReceipts, held
from protocol.envelope import KEY_PACKET_STREAM
from protocol.packet import recording_id
from protocol.receipt import Receipt
from protocol.report import DeviceReport
from testkit.fakes.clock import NEW_YEAR_2026, HandClock
from testkit.fakes.store import FakeStore
from tests.agent.ledgers import entries
from tests.agent.upload.conftest import Killed, Pc, start_pc

STORE = Ed25519PrivateKey.generate()


def recording(number: int) -> UUID:
    return recording_id(NEW_YEAR_2026 + number * 10**9, bytes(10))


def receipt(of: UUID, stream: int, sequence: int) -> str:
    return Receipt(of, stream, sequence, f"{sequence:064x}", 5, "device-1").sign(STORE)


def test_the_last_of_each_stream_is_known_also_after_a_death(tmp_path: Path) -> None:
    one, other = recording(1), recording(2)
    kept = KeptReceipts(tmp_path / "receipts")
    assert kept.ends(one) == {}
    for stream, sequence in ((KEY_PACKET_STREAM, 0), (0, 0), (0, 1), (7, 0), (0, 2)):
        kept.keep(one, receipt(one, stream, sequence))
    kept.keep(other, receipt(other, 0, 0))
    for known in (kept, KeptReceipts(tmp_path / "receipts")):
        assert known.ends(one) == {0: (3, f"{2:064x}"), 7: (1, f"{0:064x}")}
        assert known.ends(other) == {0: (1, f"{0:064x}")}


def test_a_line_that_a_death_tore_is_left_out(tmp_path: Path) -> None:
    one = recording(1)
    KeptReceipts(tmp_path).keep(one, receipt(one, 0, 0))
    with (tmp_path / str(one)).open("ab") as file:
        file.write(receipt(one, 0, 1).encode()[:100])
    assert KeptReceipts(tmp_path).ends(one) == {0: (1, f"{0:064x}")}


def test_a_torn_line_costs_the_next_receipts_nothing(tmp_path: Path) -> None:
    one = recording(1)
    KeptReceipts(tmp_path).keep(one, receipt(one, 0, 0))
    with (tmp_path / str(one)).open("ab") as file:
        file.write(receipt(one, 0, 1).encode()[:100])
    again = KeptReceipts(tmp_path)
    for sequence in (1, 2):  # the store gives the same receipt again
        again.keep(one, receipt(one, 0, sequence))
    assert KeptReceipts(tmp_path).ends(one) == {0: (3, f"{2:064x}")}
    assert list(held(tmp_path, STORE.public_key(), "device-1")) == [Held(str(one), 3, (), 1, 5, 5)]


def test_the_oldest_recordings_make_room(tmp_path: Path) -> None:
    size = len(receipt(recording(0), 0, 0)) + 1
    kept = KeptReceipts(tmp_path, 3 * size)
    for number in range(5):
        kept.keep(recording(number), receipt(recording(number), 0, 0))
    left = {str(recording(number)) for number in (2, 3, 4)}
    assert {path.name for path in tmp_path.iterdir()} == left
    again = KeptReceipts(tmp_path, 3 * size)
    again.keep(recording(5), receipt(recording(5), 0, 0))
    assert {path.name for path in tmp_path.iterdir()} == {str(recording(number)) for number in (3, 4, 5)}


def test_one_recording_alone_may_take_more_than_its_share(tmp_path: Path) -> None:
    """What is open now is the last to go."""
    kept = KeptReceipts(tmp_path, 1)
    kept.keep(recording(1), receipt(recording(1), 0, 0))
    kept.keep(recording(1), receipt(recording(1), 0, 1))
    assert len((tmp_path / str(recording(1))).read_text().splitlines()) == 2


def test_a_disk_that_refuses_keeps_no_receipt_and_stops_nothing(tmp_path: Path) -> None:
    one = recording(1)
    (tmp_path / str(one)).mkdir()
    kept = KeptReceipts(tmp_path)
    kept.keep(one, receipt(one, 0, 4))
    assert kept.ends(one) == {0: (5, f"{4:064x}")}


def test_only_the_last_recordings_are_at_hand(tmp_path: Path) -> None:
    kept = KeptReceipts(tmp_path)
    many = [recording(number) for number in range(3 * AT_HAND)]
    for one in many:
        kept.keep(one, receipt(one, 0, 0))
    assert all(kept.ends(one) == {0: (1, f"{0:064x}")} for one in many)


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "receipts").write_text("no folder")
    with pytest.raises(EnvironmentFault):
        KeptReceipts(tmp_path / "receipts")


def test_what_is_sent_leaves_its_receipt_before_the_chunk_goes(pc: Pc) -> None:
    """A death between the two must leave one of them."""
    made = pc.record(3)
    pc.spool.dying = True
    with pytest.raises(Killed):
        pc.work()
    lines = (pc.identity.home / "receipts" / str(made[0].recording)).read_text().splitlines()
    assert [Receipt.verify(line, pc.trust.store_keys).sha256 for line in lines] == [made[0].sha256.hex()]
    assert len(pc.waiting()) == len(made)


def test_health_says_signed_what_the_store_has_given_receipts_for(pc: Pc) -> None:
    made = pc.record(3)
    pc.open_recording = str(made[0].recording)
    pc.ledger.write("start")
    pc.work()
    pc.outlast(61)
    pc.work()
    token = str(pc.store.health[-1]["report"])
    report = DeviceReport.verify(token, pc.identity.keys.evidence.public_key())
    assert (report.device, report.recording) == (pc.identity.device, made[0].recording)
    assert report.receipted == {0: 3}
    assert (report.ledger, report.confirmed) == (pc.ledger.head(), 1)


@pytest.mark.parametrize("steps", range(10))
def test_the_start_after_a_death_signs_where_each_recording_ends(
    pc: Pc, store: FakeStore, clock: HandClock, steps: int
) -> None:
    """However much of it had been sent. One that was closed before has said so itself."""
    closed = pc.record(1, NEW_YEAR_2026)[0].recording
    made = pc.record(4, NEW_YEAR_2026 + 10**10)
    pc.ledger.write("start")
    for one in (closed, made[0].recording):
        pc.ledger.write("recording-open", recording=str(one), policy="", zero=0)
    pc.ledger.write("heads", recording=str(made[0].recording), heads={"0": [1, made[1].sha256.hex()]})
    pc.ledger.write("recording-closed", recording=str(closed), heads={}, why="stop")
    for _ in range(steps):
        pc.uploader.step()
    home = pc.identity.home
    for again in range(2):  # a second start, with nothing recorded meanwhile, tells it no more
        restarted = start_pc(store, clock, home, pc.identity)
        restarted.wire.close()
        sign_last_heads(restarted.ledger, restarted.spool, KeptReceipts(home / "receipts"))
        told = [entry for entry in entries(home / "ledger") if entry.get("final")]
        assert [(one["kind"], one["recording"]) for one in told] == [("heads", str(made[0].recording))], again
        assert told[0]["heads"] == {"0": [4, made[-1].sha256.hex()]}


def test_after_an_end_in_order_a_start_signs_none(pc: Pc) -> None:
    recording_ = pc.record(2)[0].recording
    pc.ledger.write("start")
    pc.ledger.write("recording-open", recording=str(recording_), policy="", zero=0)
    pc.ledger.write("stop", why="stop")
    sign_last_heads(pc.ledger, pc.spool, KeptReceipts(pc.identity.home / "receipts"))
    assert not any(entry.get("final") for entry in entries(pc.identity.home / "ledger"))


# -- checked ------------------------------------------------------------------------------------------------------


def test_receipts_are_checked_and_counted(tmp_path: Path) -> None:
    one, other = recording(1), recording(2)
    kept = KeptReceipts(tmp_path)
    for stream, sequence in ((KEY_PACKET_STREAM, 0), (0, 0), (0, 1), (0, 3), (7, 0)):
        kept.keep(one, receipt(one, stream, sequence))
    kept.keep(other, receipt(one, 0, 0))  # of another recording
    kept.keep(other, receipt(other, 0, 2**63))
    kept.keep(other, Receipt(other, 0, 0, "ab" * 32, 5, "device-1").sign(Ed25519PrivateKey.generate()))
    kept.keep(other, Receipt(other, 0, 0, "ab" * 32, 5, "device-2").sign(STORE))
    first, second = held(tmp_path, STORE.public_key(), "device-1")
    assert first == Held(str(one), 4, ((0, 2),), 0, 5, 5)
    assert (second.chunks, second.worthless, len(second.missing)) == (1, 3, MOST_NUMBERS)


def test_ten_times_the_receipts_are_not_a_hundred_times_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patch: streams that count how often they are compared, in place of a time."""
    compared = 0

    class Counted(int):
        __hash__ = int.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return int(self) == other

    def verified(line: str, _store: object) -> Receipt:
        return Receipt(recording(1), Counted(7), int(line), "ab" * 32, 5, "device-1")

    monkeypatch.setattr(Receipt, "verify", verified)  # counts, and verifies
    work = []
    for many in (100, 1000):
        (tmp_path / str(recording(1))).write_text("".join(f"{number}\n" for number in range(many)))
        before = compared
        [found] = held(tmp_path, STORE.public_key(), "device-1")
        assert (found.chunks, found.missing) == (many, ())
        work.append(compared - before)
    assert work[1] < 30 * work[0]


def test_without_receipts_there_is_nothing_to_check(tmp_path: Path) -> None:
    assert list(held(tmp_path / "nothing", STORE.public_key(), "device-1")) == []
    (tmp_path / str(recording(1))).write_text("torn")
    assert list(held(tmp_path, STORE.public_key(), "device-1")) == [Held(str(recording(1)), 0, (), 1, None, None)]


def test_the_command_says_what_the_store_cannot_deny(
    pc: Pc, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EYELID_HOME", str(pc.identity.home))
    made = pc.record(3)
    pc.work()
    assert main(["receipts", "verify"]) == 0
    assert "3 chunks of 1 recordings have receipts" in capsys.readouterr().out
    with (pc.identity.home / "receipts" / str(made[0].recording)).open("a") as file:
        file.write("a lie\n")
    assert main(["receipts", "verify"]) == 1
    assert "1 LINES PROVE NOTHING" in capsys.readouterr().out
    assert main(["receipts", "verify", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["recordings"][0]["chunks"] == 3
