"""What a check finds: each kind of damage is done to a sound recording, and must be named, in order and alone.

The recordings come in over HTTPS like any other; what is wrong with them is done afterwards to database and files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import delete, insert, update

from protocol import api
from protocol.bundle import Bundle
from protocol.envelope import COMMITMENT_SIZE, SIGNATURE_SIZE, Edition, Kind, digest, sign_digest
from protocol.keys import RecipientPrivate, RecipientPublic, commitment, commitment_key
from protocol.packet import KeyPacket
from store.admin.home import Home
from store.catalog import schema
from store.catalog.blobs import sealed_name
from store.evidence.timeline import recording as timeline
from store.evidence.verify import recording as verify
from store.server.services import Services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.command_line import Run, run
from tests.store.conftest import Examine, Gather, SetClock
from tests.store.recorded import (
    POLICY,
    ZERO,
    Filmed,
    blob,
    close,
    codes,
    cut_off_the_tail,
    flip,
    make_filmed,
    sent_unlike_sealed,
    with_another_tag,
)

__all__ = ["run"]  # a fixture


def test_a_whole_recording_is_sound(filmed: Filmed, examined: Examine, readers: dict[str, RecipientPrivate]) -> None:
    for reader in readers.values():
        report = examined(filmed.recording, reader)
        assert codes(report) == []
        assert report.checked == tuple(verify.CHECKS)
        assert (report.not_checked, report.notes) == ((), ())


@pytest.mark.parametrize(
    ("host", "user", "noted"), [("pc-7", "ann", True), ("pc-8", "mallory", False), ("PC-8", "Mallory", False)]
)
def test_a_recording_has_the_name_that_its_device_enrolled_as(
    client: httpx.Client, secret: Callable[..., str], clock: SetClock, bundle: Bundle, examined: Examine,
    gathered: Gather, run: Run, monkeypatch: pytest.MonkeyPatch, host: str, user: str, noted: bool,
) -> None:  # fmt: skip
    """What its key packet says instead stands beside it: a PC may have been renamed, so that is a note."""
    pc = Pc(client)
    answer = client.post(api.ENROLL, json=pc.application(secret(), host="pc-8", user="mallory"))
    pc.device = answer.json()["device"]
    pc.ask_token(clock.seconds)
    make_packet = FakeRecording.make_packet
    monkeypatch.setattr(  # a packet by its device, with other names
        FakeRecording, "make_packet", lambda made, **told: make_packet(made, host=host, os_user=user, **told)
    )
    filmed = make_filmed(pc, bundle)
    filmed.put_all()
    close(filmed)
    pc.send_ledger()
    report, facts = examined(filmed.recording), timeline.facts(gathered(filmed.recording))
    assert codes(report) == []
    assert [("pc-7, ann" in note, "pc-8, mallory" in note) for note in report.notes] == [(True, True)] * noted
    assert (facts["host"], facts["os_user"]) == ("pc-8", "mallory")
    assert facts.get("says") == ({"host": host, "os_user": user} if noted else None)
    [listed] = json.loads(run("recordings", "--json").out)["recordings"]
    assert (listed["host"], listed["os_user"]) == ("pc-8", "mallory")
    assert ("pc-7, ann" in run("timeline", str(filmed.recording.id)).out) is noted
    assert ("pc-8" in run("recordings").out, "pc-7" in run("recordings").out) == (True, False)
    [swept] = [one for one in run("verify", "--all").out.splitlines() if str(filmed.recording.id) in one] or [""]
    assert "pc-7" not in swept


def test_without_a_private_key_it_says_what_it_could_not_check(filmed: Filmed, examined: Examine) -> None:
    report = examined(filmed.recording, None)
    assert report.sound
    assert [check for check, _ in report.not_checked] == ["commitment", "tags"]
    assert "--key" in report.not_checked[0][1]


def test_a_private_key_that_is_no_reader_s_opens_nothing(filmed: Filmed, examined: Examine) -> None:
    report = examined(filmed.recording, RecipientPrivate.generate())
    assert report.sound
    assert "was not sealed to" in dict(report.not_checked)["tags"]


def test_names_bytes_that_changed_and_bytes_that_are_gone(filmed: Filmed, examined: Examine, home: Home) -> None:
    flip(blob(home, filmed.recording, filmed.sealed[2], 2), 200)
    blob(home, filmed.recording, filmed.sealed[4], 4).unlink()
    report = examined(filmed.recording)
    assert codes(report) == [("bytes", "damaged"), ("bytes", "lost")]
    assert [finding.where for finding in report.findings] == ["stream 0, sequence 2", "stream 0, sequence 4"]


def test_names_a_tag_that_does_not_fit(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """Changed on the way to the store: hash and chain tell it as well, but only the tag says that it will not open."""
    made = make_filmed(pc, bundle)
    close(made)
    sent_unlike_sealed(made, 2, with_another_tag)
    pc.send_ledger()
    report = examined(made.recording)
    assert codes(report) == [("signatures", "bad-signature"), ("chain", "wrong-previous"), ("tags", "wrong-tag")]
    assert [finding.where[-1] for finding in report.findings] == ["2", "3", "2"]
    assert codes(examined(made.recording, None)) == [("signatures", "bad-signature"), ("chain", "wrong-previous")]


def test_of_the_first_edition_it_says_that_no_chunk_is_signed(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """An archive of earlier agents, and those that are not updated yet."""
    made = make_filmed(pc, bundle, edition=Edition.FIRST)
    close(made)
    made.put_all()
    pc.send_ledger()
    report = examined(made.recording)
    assert report.sound
    assert [check for check, _ in report.not_checked] == ["signatures"]


def test_names_a_chunk_without_a_signature_where_the_packet_promises_one(
    pc: Pc, bundle: Bundle, examined: Examine
) -> None:
    made = make_filmed(pc, bundle)
    made.recording.edition = Edition.FIRST
    made.sealed.append(made.recording.seal(b"unsigned", length=SECOND))
    close(made)
    made.put_all()
    pc.send_ledger()
    assert codes(examined(made.recording)) == [("signatures", "wrong-edition")]


def test_a_row_before_entry_0_is_no_entry_that_the_first_follows(
    filmed: Filmed, examined: Examine, services: Services
) -> None:
    row = {"device": filmed.pc.device, "seq": -1, "hash": "a" * 64, "kind": "start", "batch": 1, "line": "{}"}
    with services.database.writing() as connection:
        connection.execute(insert(schema.ledger_lines).values(**row))
    assert codes(examined(filmed.recording)) == [("ledger", "changed-catalog")]


def test_names_gaps(filmed: Filmed, examined: Examine, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence.in_((2, 3))))
    report = examined(filmed.recording)
    assert codes(report) == [("chain", "gap")]
    assert report.findings[0].where == "stream 0, sequences 2 to 3"


def blank(services: Services, recording: FakeRecording) -> None:
    """Every line that names the recording becomes another, and its end is deleted."""
    lines = schema.ledger_lines
    with services.database.writing() as connection:
        hidden = update(lines).where(lines.c.recording == str(recording.id))
        connection.execute(hidden.values(line="{}", kind="policy", recording=None))
        connection.execute(delete(schema.sealed).where(schema.sealed.c.stream == 0, schema.sealed.c.sequence >= 4))


def test_an_opening_that_became_another_line_is_named(filmed: Filmed, examined: Examine, services: Services) -> None:
    blank(services, filmed.recording)
    report = examined(filmed.recording)
    assert codes(report) == [("ledger", "unsigned")] * 2
    assert {check for check, _ in report.not_checked} >= {"ledger", "account"}


def test_without_an_opening_the_account_is_looked_through_as_far_back_as_it_can_begin(
    filmed: Filmed, bundle: Bundle, examined: Examine, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line whose hash alone was changed long before says nothing of a recording that began later."""
    lines = schema.ledger_lines
    with services.database.writing() as connection:
        connection.execute(update(lines).where(lines.c.seq == 1).values(hash="0" * 64))
    begun = filmed.pc.open_recording(bundle)
    assert codes(examined(begun)) == [("ledger", "changed-catalog")]
    monkeypatch.setattr(verify, "BEFORE_PACKET", -200 * SECOND)  # a day otherwise
    assert codes(examined(begun)) == []


def test_a_header_from_a_time_at_which_the_eye_was_closed_is_named(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """An export writes down what it holds, whatever its kind."""
    filmed = make_filmed(pc, bundle)
    pc.ledger.write("lane-closed", at=ZERO + 10 * SECOND, lane="screen", rules=[0], policy=POLICY)
    filmed.sealed.append(filmed.recording.seal(b"pictures", length=SECOND, kind=Kind.HEADER))
    filmed.put_all()
    close(filmed, 12)
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == [("account", "kept-while-closed")]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (11 * SECOND, []),  # before a chunk: the entry that opened the eye for it may be on its way
        (12 * SECOND + 1, [("account", "kept-while-closed")]),  # in the midst of it
    ],
)
def test_a_closing_that_nothing_ended_counts_as_far_as_the_account_is_here(
    pc: Pc, bundle: Bundle, examined: Examine, at: int, code: list[tuple[str, str]]
) -> None:
    filmed = make_filmed(pc, bundle)
    filmed.sealed.append(filmed.recording.seal(b"pictures", length=SECOND, gap=2 * SECOND))
    filmed.put_all()
    pc.ledger.write("lane-closed", at=ZERO + at, lane="screen", rules=[0], policy=POLICY)
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == code
    pc.ledger.write("lane-open", at=ZERO + 20 * SECOND, lane="screen")
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == [("account", "kept-while-closed")]


def test_what_was_kept_after_the_last_entry_before_a_death_is_sound(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """The next start knows only that nothing was written down from then on, not that the eye was closed."""
    filmed = make_filmed(pc, bundle)
    filmed.put_all()
    last = ZERO + 9 * SECOND  # the second after it was kept
    pc.ledger.write("blind-since", at=last + 60 * SECOND, why="died", to=last + 60 * SECOND, **{"from": last})
    pc.ledger.write("start", at=last + 60 * SECOND)
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == []


def test_names_what_was_kept_although_the_ledger_says_closed(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    filmed = make_filmed(pc, bundle)
    pc.ledger.write("lane-closed", at=ZERO + 9_200_000_000, lane="screen", rules=[0], policy=POLICY)
    filmed.put_all()
    close(filmed)
    pc.send_ledger()
    report = examined(filmed.recording, None)
    assert codes(report) == [("account", "kept-while-closed")]
    assert "sequence 6" in report.findings[0].where


def test_a_ledger_that_has_not_come_is_said(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    report = examined(made.recording)
    assert report.sound
    assert [check for check, _ in report.not_checked] == ["ledger", "account", "heads"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda text: text.replace('"rules":[0]', '"rules":[1]'),
            {"entry 7": {"unsigned", "changed-catalog"}, "entry 8": {"broken-chain"}},
        ),
        (
            lambda text: text.replace('"seq":7', '"seq":9'),
            {"entry 7": {"unsigned", "changed-catalog", "wrong-seq"}, "entry 10": {"wrong-seq"}},
        ),
        (lambda _: "nonsense", {"entry 7": {"unsigned", "bad-line"}, "entry 8": {"broken-chain"}}),
    ],
)
def test_names_lines_of_the_ledger_that_were_changed(
    filmed: Filmed,
    examined: Examine,
    services: Services,
    change: Callable[[str], str],
    expected: dict[str, set[str]],
) -> None:
    text = filmed.pc.ledger.lines[7].decode()
    assert change(text) != text
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_lines).where(schema.ledger_lines.c.seq == 7).values(line=change(text)))
    report = examined(filmed.recording)
    assert {finding.check for finding in report.findings} == {"ledger"}
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        found.setdefault(finding.where, set()).add(finding.code)
    assert found == expected


def test_names_lines_of_the_ledger_that_were_taken_out(filmed: Filmed, examined: Examine, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.ledger_lines).where(schema.ledger_lines.c.seq == 7))
    assert codes(examined(filmed.recording)) == [("ledger", "changed-catalog"), ("ledger", "wrong-seq")]


def test_names_a_batch_that_the_device_did_not_sign(
    filmed: Filmed, examined: Examine, services: Services, new_pc: Callable[[], Pc]
) -> None:
    other = new_pc()
    other.device = filmed.pc.device
    other.ledger.lines = filmed.pc.ledger.lines
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_batches).values(token=other.ledger.batch(0)))
    found = codes(examined(filmed.recording))
    assert found[0] == ("ledger", "wrong-signer")
    assert set(found[1:]) == {("ledger", "unsigned")}


def test_names_a_catalog_that_says_another_thing_than_the_chunks(
    filmed: Filmed, examined: Examine, services: Services
) -> None:
    columns = schema.sealed.c
    with services.database.writing() as connection:
        connection.execute(update(schema.sealed).where(columns.sequence == 3).values(end=columns.end + 1))
        connection.execute(update(schema.recordings).values(start=1))
    report = examined(filmed.recording)
    assert codes(report) == [("key-packet", "changed-catalog"), ("headers", "changed-catalog")]


def test_names_a_key_packet_that_is_gone(filmed: Filmed, examined: Examine, home: Home) -> None:
    recording = filmed.recording
    (home.folder / "blobs" / sealed_name(recording.id, 0xFFFF, 0, digest(recording.packet).hex())).unlink()
    report = examined(recording)
    assert codes(report) == [("bytes", "lost")]
    assert dict(report.not_checked)["tags"] == "there is no key packet to be trusted"
    assert "key-packet" not in report.checked  # what was not read was not found good


def test_what_could_not_be_read_is_not_called_good(filmed: Filmed, examined: Examine, home: Home) -> None:
    blob(home, filmed.recording, filmed.sealed[3], 3).unlink()
    report = examined(filmed.recording)
    assert dict(report.not_checked) == dict.fromkeys(
        ("headers", "signatures", "commitment", "tags"), "1 chunk could not be read so far"
    )
    assert report.checked == ("bytes", "key-packet", "chain", "ledger", "heads", "account")


def test_an_opening_that_is_hidden_is_named(filmed: Filmed, examined: Examine, services: Services) -> None:
    """One column, and the recording seems to lie in no run: no head would be compared."""
    opening = schema.ledger_lines.c.kind == "recording-open"
    with services.database.writing() as connection:
        connection.execute(update(schema.ledger_lines).where(opening).values(kind="policy"))
    cut_off_the_tail(services)
    report = examined(filmed.recording)
    assert (codes(report), report.findings[0].where) == ([("ledger", "changed-catalog")], "entry 6")


def test_names_a_key_that_was_not_committed_to(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    recording = FakeRecording(pc, bundle.recipients)
    recording.packet = lying_packet(recording, bundle.recipients)
    assert pc.put_packet(recording).status_code == 200
    pc.put_sealed(recording.seal())
    report = examined(recording)
    assert ("commitment", "wrong-commitment") in codes(report)
    assert "commitment" in report.checked
    assert [check for check, _ in report.not_checked] == ["tags", "ledger", "account", "heads"]


def test_names_a_chunk_under_another_key_than_its_stream_s(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """A device that seals one chunk for other eyes. That it is another key can be told without any key."""
    made = make_filmed(pc, bundle)
    recording = made.recording
    honest, recording.key = recording.key, bytes(32)
    made.sealed.append(recording.seal(b"for other eyes", length=SECOND))
    recording.key = honest
    close(made)
    made.put_all()
    pc.send_ledger()
    assert codes(examined(recording)) == [("chain", "other-key"), ("commitment", "wrong-commitment")]
    assert codes(examined(recording, None)) == [("chain", "other-key")]


def test_names_a_chunk_that_commits_to_another_key_than_its_own(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """Who is given the chunk's own key alone could not open it. Its device has signed the lie."""
    made = make_filmed(pc, bundle)
    behind = SIGNATURE_SIZE + COMMITMENT_SIZE
    lie = made.recording.seal(length=SECOND)[:-behind] + bytes(COMMITMENT_SIZE)
    lie += sign_digest(digest(lie), pc.evidence_key, made.recording.edition)
    made.recording.streams[0].head = digest(lie)
    made.sealed.append(lie)
    close(made)
    made.put_all()
    pc.send_ledger()
    assert codes(examined(made.recording)) == [("commitment", "wrong-commitment")]
    assert codes(examined(made.recording, None)) == []


@pytest.mark.parametrize("edition", Edition)
def test_recordings_of_every_edition_are_found_good(
    edition: Edition, pc: Pc, bundle: Bundle, examined: Examine
) -> None:
    made = make_filmed(pc, bundle, edition=edition)
    close(made)
    made.put_all()
    pc.send_ledger()
    report = examined(made.recording)
    assert report.sound
    assert {"tags", "commitment"} <= set(report.checked)


def lying_packet(recording: FakeRecording, recipients: tuple[RecipientPublic, ...]) -> bytes:
    """Commits to one key and wraps another."""
    honest, recording.key = recording.key, bytes(32)
    wrapped = recording.make_packet()
    recording.key = honest
    packet = KeyPacket.verify(wrapped.decode(), recording.pc.evidence_key.public_key())
    assert len(packet.wrapped) == len(recipients)
    lie = replace(packet, commitment=commitment(commitment_key(honest, recording.id), recording.id))
    return lie.sign(recording.pc.evidence_key).encode()


# -- the seldom ones ----------------------------------------------------------------------------------------------


def test_names_an_opening_under_another_policy(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    other = pc.open_recording(bundle, policy="d" * 64)
    pc.ledger.write("recording-open", at=ZERO, recording=str(other.id), policy="e" * 64, zero=ZERO)
    pc.send_ledger()
    assert codes(examined(other)) == [("key-packet", "other-policy")]
    assert made.sealed


def test_names_two_bodies_that_nothing_signed_decides(
    pc: Pc, bundle: Bundle, examined: Examine, home: Home, clock: SetClock
) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    recording = made.recording
    recording.streams[0] = replace(recording.streams[0], next=6, head=digest(made.sealed[5]))
    other = recording.seal(b"another ending", length=SECOND)
    clock.pass_by(1)
    pc.put_sealed(other)
    blob(home, recording, other, 6).unlink()
    report = examined(recording)
    assert codes(report) == [("bytes", "lost"), ("chain", "undecided"), ("alarm", "two-bodies")]
    assert report.findings[0].where == "stream 0, sequence 6 (the body not chosen)"


def test_names_a_place_in_the_catalog_that_is_not_the_chunk_s(
    filmed: Filmed, examined: Examine, services: Services, home: Home
) -> None:
    """Row and file moved together: only the chunk itself knows where it belongs."""
    body = filmed.sealed[6]
    columns = schema.sealed.c
    with services.database.writing() as connection:
        connection.execute(update(schema.sealed).where(columns.sequence == 6).values(stream=1))
    moved = home.folder / "blobs" / sealed_name(filmed.recording.id, 1, 6, digest(body).hex())
    blob(home, filmed.recording, body, 6).rename(moved)
    assert ("headers", "wrong-stream") in codes(examined(filmed.recording))


def test_names_bytes_that_the_disk_does_not_give_back(filmed: Filmed, examined: Examine, home: Home) -> None:
    path = blob(home, filmed.recording, filmed.sealed[2], 2)
    path.unlink()
    path.mkdir()
    assert codes(examined(filmed.recording)) == [("bytes", "unreadable")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda packet: b"\xff" + packet[1:], "malformed"),
        (lambda packet: packet[:-3] + (b"AAA" if packet[-3:] != b"AAA" else b"BBB"), "bad-signature"),
    ],
)
def test_names_a_key_packet_that_is_not_the_device_s(
    filmed: Filmed, examined: Examine, services: Services, home: Home, change: Callable[[bytes], bytes], code: str
) -> None:
    """Swapped in blob and catalog alike, as the store's own operator could."""
    swapped = change(filmed.recording.packet)
    home.blobs().put(sealed_name(filmed.recording.id, 0xFFFF, 0, digest(swapped).hex()), swapped)
    columns = schema.sealed.c
    with services.database.writing() as connection:
        connection.execute(
            update(schema.sealed)
            .where(columns.stream == 0xFFFF)
            .values(sha256=digest(swapped).hex(), size=len(swapped))
        )
    found = codes(examined(filmed.recording))
    assert found[0] in (("key-packet", code), ("key-packet", "malformed"))
    assert found[1:] == [("chain", "wrong-previous")]


def test_names_what_is_kept_of_no_length_within_a_closing_that_nothing_ended(
    pc: Pc, bundle: Bundle, examined: Examine
) -> None:
    filmed = make_filmed(pc, bundle)
    pc.ledger.write("lane-closed", at=ZERO + 10 * SECOND, lane="screen", rules=[0], policy=POLICY)
    filmed.sealed.append(filmed.recording.seal(b"one picture", length=0, gap=SECOND))
    filmed.put_all()
    close(filmed, 12)
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == [("account", "kept-while-closed")]
