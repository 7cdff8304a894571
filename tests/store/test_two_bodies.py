"""Two different bodies under one name, over HTTPS and up to the film: both are kept, an alarm is raised, and what the
device signed decides, whichever came first.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from protocol.bundle import Bundle
from protocol.envelope import KEY_PACKET_STREAM, Flag, Header, Kind, digest, seal
from protocol.receipt import Receipt
from store.catalog import schema
from store.catalog.alarms import MOST_ALARMS
from store.catalog.blobs import sealed_name
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.command_line import Run, key, passphrase_file, run
from tests.store.conftest import Gather, SetClock
from tests.store.filmed import film, seconds_seen
from tests.store.recorded import ZERO, Filmed, close, make_filmed

__all__ = ["key", "passphrase_file", "run"]  # fixtures

WHITE = 29  # the second whose grey the forged chunks show: in no honest one


@dataclass
class Forger:
    """Has the keys of recording and device, as a PC put back to an image has, and seals others under old names."""

    made: Filmed

    def forge(self, *sequences: int) -> dict[int, bytes]:
        """Chained among themselves, the first to the honest one before it."""
        fragments = film(WHITE + 1)[1]
        own = self.made.recording.stream_key(0)
        forged: dict[int, bytes] = {}
        for sequence in sequences:
            honest = Header.parse(self.made.sealed[sequence])
            before = forged.get(sequence - 1, self.made.sealed[sequence - 1])
            header = replace(honest, previous=digest(before), nonce=bytes(12))
            forged[sequence] = seal(own, header, fragments[WHITE], self.made.pc.evidence_key)
        return forged


@pytest.fixture
def made(pc: Pc, bundle: Bundle) -> Filmed:
    return make_filmed(pc, bundle)


def send(made: Filmed, clock: SetClock, order: list[bytes], services: Services) -> None:
    """Each a second after the other, and each against a receipt of its own."""
    for body in order:
        clock.pass_by(1)
        answer = made.pc.put_sealed(body)
        assert answer.is_success
        receipt = Receipt.verify(answer.json()["receipt"], services.store_key.public_key())
        assert receipt.sha256 == digest(body).hex()


def tell(made: Filmed) -> None:
    close(made)
    assert made.pc.send_ledger().is_success


FORGED = {
    "in the middle": (3,),
    "at the end": (6,),
    "a whole tail": (4, 5, 6),
    "all but the header": (1, 2, 3, 4, 5, 6),
}


@pytest.mark.parametrize("sequences", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("first", ["forged", "honest"])
def test_the_signed_heads_decide(
    made: Filmed,
    run: Run,
    key: Path,
    passphrase_file: Path,
    tmp_path: Path,
    services: Services,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
    sequences: tuple[int, ...],
    first: str,
) -> None:
    forged = Forger(made).forge(*sequences)
    order = [*forged.values(), *made.sealed] if first == "forged" else [*made.sealed, *forged.values()]
    with caplog.at_level(logging.WARNING):
        send(made, clock, order, services)
    tell(made)

    # An alarm for each, in the catalog and in the log.
    with services.database.reading() as connection:
        raised = connection.execute(select(schema.alarms.c.code, schema.alarms.c.sequence)).all()
    assert sorted(tuple(row) for row in raised) == [("two-bodies", sequence) for sequence in sequences]
    said = [record.facts["sequence"] for record in caplog.records if record.message == "alarm"]  # type: ignore[attr-defined]
    assert sorted(said) == list(sequences)

    # Both are kept.
    for sequence, body in forged.items():
        for one in (body, made.sealed[sequence]):
            name = sealed_name(made.recording.id, 0, sequence, digest(one).hex())
            assert services.blobs.get(name) == one

    # The check names them and nothing else; the film is the honest one.
    opening = ("--key", key, "--passphrase-file", passphrase_file)
    checked = run("verify", made.recording.id, "--json", *opening)
    assert checked.code == 1
    assert {(finding["check"], finding["code"]) for finding in checked.facts["findings"]} == {("alarm", "two-bodies")}
    assert checked.facts["notes"] == [
        f"stream 0, sequence {sequence}: another body of this name is kept as evidence"
        for sequence in sorted(sequences, reverse=True)
    ]
    exported = run("export", made.recording.id, "-o", tmp_path / "out", *opening)
    assert exported.code == 0, exported.err
    shown = {second for _, second in seconds_seen(tmp_path / "out" / "screen-0.mp4")}
    assert shown == {0, 1, 2, 6, 7, 9}
    assert json.loads((tmp_path / "out" / "timeline.json").read_bytes())["export"]["complete"]
    assert f"{len(sequences)} ALARMS" in run("recordings").out


def test_until_something_signed_decides_nothing_is_exported_in_silence(
    made: Filmed, run: Run, key: Path, passphrase_file: Path, tmp_path: Path, services: Services, clock: SetClock
) -> None:
    send(made, clock, [*Forger(made).forge(6).values(), *made.sealed], services)
    opening = ("--key", key, "--passphrase-file", passphrase_file)
    refused = run("export", made.recording.id, "-o", tmp_path / "out", *opening)
    assert refused.code == 1
    assert "two bodies under one name, and nothing signed says which is right" in refused.err
    assert not (tmp_path / "out").exists()
    tell(made)
    assert run("export", made.recording.id, "-o", tmp_path / "out", *opening).code == 0
    assert WHITE not in {second for _, second in seconds_seen(tmp_path / "out" / "screen-0.mp4")}


def test_heads_on_the_way_decide_up_to_where_they_reach(
    made: Filmed, gathered: Gather, services: Services, clock: SetClock
) -> None:
    """`heads` every ten seconds fixes all before it; what was forged behind stays open until the next."""
    forged = Forger(made).forge(3, 4, 5, 6)
    send(made, clock, [*forged.values(), *made.sealed], services)
    heads = {"0": [5, digest(made.sealed[4]).hex()]}
    made.pc.ledger.write("heads", at=ZERO + 10 * SECOND, recording=str(made.recording.id), heads=heads)
    assert made.pc.send_ledger().is_success
    chosen = gathered(made.recording).chosen
    assert [one.sha256 for one in chosen.streams[0][:5]] == [digest(body).hex() for body in made.sealed[:5]]
    assert [one.sequence for one in chosen.undecided] == [6]


def test_a_head_that_names_what_never_came_chooses_nothing_else_in_silence(
    made: Filmed, run: Run, services: Services, clock: SetClock
) -> None:
    forged = Forger(made).forge(6)
    send(made, clock, [*made.sealed[:6], forged[6]], services)
    tell(made)
    checked = run("verify", made.recording.id, "--json")
    assert {finding["code"] for finding in checked.facts["findings"]} == {"wrong-head"}


def test_two_key_packets(
    made: Filmed, run: Run, key: Path, passphrase_file: Path, services: Services, clock: SetClock
) -> None:
    """The first chunk names the one that it was sealed under."""
    clock.pass_by(1)
    other = made.recording.make_packet()
    assert other != made.recording.packet
    assert made.pc.put(made.recording.id, KEY_PACKET_STREAM, 0, other).is_success
    send(made, clock, made.sealed, services)
    tell(made)
    checked = run("verify", made.recording.id, "--json", "--key", key, "--passphrase-file", passphrase_file)
    assert [(finding["code"], finding["where"]) for finding in checked.facts["findings"]] == [
        ("two-bodies", f"stream {KEY_PACKET_STREAM}, sequence 0")
    ]


def test_a_pc_that_begins_its_stream_again_under_the_same_recording(
    new_pc: Callable[[], Pc], bundle: Bundle, gathered: Gather, services: Services, clock: SetClock
) -> None:
    """A virtual machine put back to an image from an hour ago, and its ledger with it: the fork is kept as evidence."""
    made = make_filmed(new_pc(), bundle)
    before = list(made.pc.ledger.lines)
    made.put_all()
    tell(made)
    stream = made.recording.streams[0]
    made.recording.streams[0] = replace(stream, next=3, head=digest(made.sealed[2]), at=2 * SECOND)
    clock.pass_by(60)
    again = [made.recording.seal(b"again", length=SECOND, kind=Kind.MEDIA, flags=Flag.KEY_FRAME) for _ in range(3)]
    send(made, clock, again, services)
    made.pc.ledger.lines = before
    close(made, at=11)
    assert made.pc.send_ledger(made.pc.ledger.batch(0)).status_code == 409
    chosen = gathered(made.recording).chosen
    assert [one.sha256 for one in chosen.streams[0]] == [digest(body).hex() for body in made.sealed]
    assert sorted(one.sequence for one in chosen.rejected) == [3, 4, 5]
    with services.database.reading() as connection:
        raised = [row.code for row in connection.execute(select(schema.alarms).order_by(schema.alarms.c.id))]
    assert raised == ["two-bodies"] * 3 + ["ledger-fork"]


def test_an_operator_acknowledges_an_alarm_with_a_reason_that_stays(made: Filmed, run: Run, clock: SetClock) -> None:
    forged = Forger(made).forge(3)
    for body in [*made.sealed, *forged.values()]:
        clock.pass_by(1)
        assert made.pc.put_sealed(body).is_success
    tell(made)
    raised = run("alarms", "--json")
    assert (raised.code, raised.facts["open"]) == (1, 1)
    (alarm,) = raised.facts["alarms"]
    assert (alarm["code"], alarm["sequence"], alarm["acknowledged"]) == ("two-bodies", 3, None)

    assert run("alarms", "--ack", alarm["id"]).code == 2
    assert run("alarms", "--ack", alarm["id"] + 1, "--reason", "none of it").code == 2
    assert run("alarms", "--ack", alarm["id"], "--reason", "an older image, ticket 4711").code == 0
    assert run("alarms", "--ack", alarm["id"], "--reason", "once more").code == 2

    settled = run("alarms", "--all", "--json")
    assert (settled.code, settled.facts["open"]) == (0, 0)
    assert settled.facts["alarms"][0]["acknowledged"]["reason"] == "an older image, ticket 4711"
    assert "No alarm is open." in run("alarms").out
    assert "ticket 4711" in run("alarms", "--all").out
    # What was acknowledged is no finding any more; that another body lies there is still said.
    checked = run("verify", made.recording.id, "--json")
    assert checked.code == 0
    assert checked.facts["notes"] == ["stream 0, sequence 3: another body of this name is kept as evidence"]
    assert "ALARMS" not in run("recordings").out


def test_many_alarms_of_one_kind_end_somewhere_and_are_acknowledged_at_once(
    made: Filmed, bundle: Bundle, run: Run
) -> None:
    other = make_filmed(made.pc, bundle)
    for recording in (made, other):
        assert recording.pc.put_sealed(recording.sealed[3]).is_success
        header = Header.parse(recording.sealed[3])
        for number in range(MOST_ALARMS + 8):  # of three names, as one takes thirty-two
            forged = replace(header, nonce=number.to_bytes(12, "big"), sequence=header.sequence + number % 3)
            body = seal(recording.recording.stream_key(0), forged, film(WHITE + 1)[1][WHITE], recording.pc.evidence_key)
            assert recording.pc.put_sealed(body).is_success
    raised = run("alarms", "--json").facts["alarms"]
    assert Counter(alarm["recording"] for alarm in raised) == {
        str(one.recording.id): MOST_ALARMS for one in (made, other)
    }
    last = raised[-1]["id"]
    for wrong in (f"7-{last} {last + 1}", "9-7", "7-", "-7", "7-8-9", "x"):
        refused = run("alarms", "--ack", *wrong.split(), "--reason", "none of it")
        assert refused.code == 2
    assert run("alarms", "--json").facts["open"] == 2 * MOST_ALARMS
    assert run("alarms", "--ack", "1", f"3-{last}", "--reason", "ticket 4711").code == 0
    assert [alarm["id"] for alarm in run("alarms", "--json").facts["alarms"]] == [2]
