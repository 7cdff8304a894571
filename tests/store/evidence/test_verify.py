"""What a check finds: each kind of damage is done to a sound recording, and must be named, in order and alone.

The recordings come in over HTTPS like any other; what is wrong with them is done afterwards to database and files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import httpx
import pytest
from sqlalchemy import delete, insert, update

from protocol import api, ledger
from protocol.bundle import Bundle
from protocol.envelope import COMMITMENT_SIZE, SIGNATURE_SIZE, Edition, Kind, digest
from protocol.keys import RecipientPrivate, RecipientPublic, commitment, commitment_key
from protocol.packet import KeyPacket
from store.admin.home import Home
from store.catalog import schema
from store.catalog.blobs import sealed_name
from store.catalog.queries import last_health
from store.evidence import export
from store.evidence.account import totals
from store.evidence.chain import Chosen, Heads, Stored, choose
from store.evidence.timeline import recording as timeline
from store.evidence.verify import recording as verify
from store.server.services import Services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from tests.store.command_line import Run, run
from tests.store.conftest import Examine, Gather, SetClock
from tests.store.recorded import POLICY, ZERO, Filmed, blob, close, flip, make_filmed

__all__ = ["run"]  # a fixture


def codes(report: verify.Report) -> list[tuple[str, str]]:
    return [(finding.check, finding.code) for finding in report.findings]


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


def sent_unlike_sealed(filmed: Filmed, sequence: int, change: Callable[[bytes], bytes]) -> None:
    filmed.sealed[sequence] = change(filmed.sealed[sequence])
    filmed.put_all()


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


def test_says_how_many_chunks_lie_after_the_last_signed_head(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    for edition in Edition:
        recording = pc.open_recording(bundle, edition=edition)
        write = partial(pc.ledger.write, recording=str(recording.id))
        pc.ledger.write("start", at=ZERO)
        write("recording-open", at=ZERO, policy=recording.policy, zero=ZERO)
        sealed = [recording.seal(length=SECOND) for _ in range(2)]
        write("heads", at=ZERO, heads=recording.heads())
        sealed += [recording.seal(length=SECOND) for _ in range(3)]
        for body in sealed:
            assert pc.put_sealed(body).is_success
        pc.ledger.write("start", at=ZERO)
        pc.send_ledger()
        report = examined(recording)
        assert report.sound
        said = "3 chunks lie after the last signed head"
        if edition is Edition.SIGNED:
            assert said in report.notes[-1]
        else:
            assert said in dict(report.not_checked)["heads"]
            assert "heads" not in report.checked


def test_what_the_next_start_signed_counts(pc: Pc, bundle: Bundle, examined: Examine, services: Services) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    pc.ledger.write("blind-since", at=5, why="died", to=5, **{"from": ZERO})
    heads = made.recording.heads()
    pc.ledger.write("heads", at=6, recording=str(made.recording.id), heads=heads, final=True)
    pc.ledger.write("start", at=7)
    pc.send_ledger()
    report = examined(made.recording)
    assert (report.sound, report.notes) == (True, ("the agent died in it, and signed at its next start where it ends",))
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence == 6))
    assert codes(examined(made.recording)) == [("heads", "tail-missing")]


def test_names_what_a_report_had_receipts_for(pc: Pc, bundle: Bundle, examined: Examine, services: Services) -> None:
    """Also while the recording goes on: then they are not on their way."""
    made = make_filmed(pc, bundle)
    made.put_all()
    pc.send_ledger()
    report = pc.report(made.recording)
    assert pc.put_health(replace(report, receipted={0: 6})).is_success
    assert examined(made.recording).sound
    cut_off_the_tail(services)
    assert misses_the_tail(examined(made.recording))


def test_names_what_only_the_receipts_of_a_report_speak_of(
    pc: Pc, bundle: Bundle, examined: Examine, services: Services
) -> None:
    """A stream without any head, and a recording whose opening has not come."""
    made = make_filmed(pc, bundle)
    made.put_all()
    assert pc.put_health(pc.report(made.recording)).is_success
    report = examined(made.recording)
    assert report.sound
    assert dict(report.not_checked)["heads"] == "the device's ledger has not told of it yet"
    cut_off_the_tail(services)
    assert misses_the_tail(examined(made.recording))
    pc.send_ledger()
    assert pc.put_health(pc.report(made.recording, heads={}, receipted={1: 3})).is_success
    places = [finding.where for finding in examined(made.recording).findings if finding.code == "tail-missing"]
    assert places == ["stream 1, sequences 0 to 2"]


def test_entries_that_a_report_named_and_that_are_not_here_are_noted(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    pc.send_ledger()
    following = pc.ledger.sent
    close(made)
    assert pc.put_health(pc.report(made.recording)).is_success
    report = examined(made.recording)
    assert report.sound
    assert report.notes[0].startswith(f"entries {following} to {following} of the ledger are not here")


def test_a_report_that_its_device_did_not_sign_is_named(
    pc: Pc, new_pc: Callable[[], Pc], bundle: Bundle, examined: Examine, services: Services
) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    pc.send_ledger()
    assert pc.put_health(pc.report(made.recording)).is_success
    body = health_of(services, pc) | {"report": new_pc().report().sign(new_pc().evidence_key)}
    with services.database.writing() as connection:
        connection.execute(update(schema.health).values(body=json.dumps(body)))
    assert codes(examined(made.recording)) == [("ledger", "wrong-signer")]


def test_a_row_before_entry_0_is_no_entry_that_the_first_follows(
    filmed: Filmed, examined: Examine, services: Services
) -> None:
    row = {"device": filmed.pc.device, "seq": -1, "hash": "a" * 64, "kind": "start", "batch": 1, "line": "{}"}
    with services.database.writing() as connection:
        connection.execute(insert(schema.ledger_lines).values(**row))
    assert codes(examined(filmed.recording)) == [("ledger", "changed-catalog")]


def cut_off_the_tail(services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence >= 5))


def misses_the_tail(report: verify.Report) -> bool:
    where = [finding.where for finding in report.findings]
    return (codes(report), where) == ([("heads", "tail-missing")], ["stream 0, sequences 5 to 6"])


def health_of(services: Services, pc: Pc) -> dict[str, object]:
    """The health that is kept of it."""
    with services.database.reading() as connection:
        last = last_health(connection, pc.device)
    assert last is not None
    kept: dict[str, object] = json.loads(last[1])
    return kept


def with_another_tag(body: bytes) -> bytes:
    at = len(body) - SIGNATURE_SIZE - COMMITMENT_SIZE - 1
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def test_names_gaps(filmed: Filmed, examined: Examine, services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence.in_((2, 3))))
    report = examined(filmed.recording)
    assert codes(report) == [("chain", "gap")]
    assert report.findings[0].where == "stream 0, sequences 2 to 3"


def test_names_a_tail_that_was_cut_off(filmed: Filmed, examined: Examine, services: Services) -> None:
    cut_off_the_tail(services)
    assert misses_the_tail(examined(filmed.recording))


def test_a_tail_on_its_way_is_no_fault(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    pc.ledger.write("heads", at=ZERO + 10 * SECOND, recording=str(made.recording.id), heads=made.recording.heads())
    for body in made.sealed[:-2]:
        pc.put_sealed(body)
    pc.send_ledger()
    report = examined(made.recording)
    assert report.sound
    assert report.notes == ("stream 0: 2 chunks are still on their way", "it is still open")


def test_heads_of_the_last_health_report_count(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    for body in made.sealed[:-2]:
        pc.put_sealed(body)
    pc.ledger.write("start", at=1)  # the agent died and came back
    pc.send_ledger()
    assert examined(made.recording).sound
    body = {
        "wall": 1, "agent_version": "0.1.0", "recording": str(made.recording.id), "holds": [],
        "heads": {"0": {"next": 7, "head": made.recording.streams[0].head.hex()}},
        "ledger": {"next": 0, "head": ledger.ZERO}, "pending_chunks": 2, "pending_bytes": 0, "bundle_revision": 1,
    }  # fmt: skip
    assert pc.client.put(api.device_health_path(pc.device), json=body, headers=pc.bearer).is_success
    assert codes(examined(made.recording)) == [("heads", "tail-missing")]


@pytest.mark.parametrize("closed", [True, False])
def test_an_unsigned_row_names_a_tail_only_where_no_closing_is_signed(
    pc: Pc, bundle: Bundle, examined: Examine, services: Services, *, closed: bool
) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    if closed:
        close(made)
    pc.ledger.write("start", at=ZERO + 60 * SECOND)  # it is over, closed or not
    pc.send_ledger()
    row = {"device": pc.device, "recording": str(made.recording.id), "stream": 0, "sequence": 99, "at": 5}
    with services.database.writing() as connection:
        connection.execute(insert(schema.reported_heads).values(**row, sha256="b" * 64))
    report = examined(made.recording)
    assert codes(report) == ([] if closed else [("heads", "tail-missing")])
    assert all("unsigned row" in finding.message for finding in report.findings)


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


def test_a_pc_that_signs_its_chunks_and_no_report_is_named_after_ten_minutes(
    pc: Pc, bundle: Bundle, examined: Examine
) -> None:
    for edition, length, expected in (
        (Edition.SIGNED, 600, []),
        (Edition.SIGNED, 601, [("ledger", "no-report")]),
        (Edition.FIRST, 601, []),
    ):
        recording = pc.open_recording(bundle, edition=edition)
        write = partial(pc.ledger.write, recording=str(recording.id))
        write("recording-open", at=ZERO, policy=recording.policy, zero=ZERO)
        write("recording-closed", at=ZERO + length * SECOND, heads={}, why="stop")
        assert pc.send_ledger().is_success
        assert codes(examined(recording)) == expected
    assert pc.put_health(pc.report()).is_success
    assert codes(examined(recording)) == []


def test_the_signed_heads_decide_between_two_bodies(filmed: Filmed, examined: Examine, gathered: Gather) -> None:
    recording = filmed.recording
    place = recording.streams[0]
    forged = replace(place, next=6, head=digest(filmed.sealed[5]))
    recording.streams[0] = forged
    other = recording.seal(b"another ending", length=SECOND)
    assert filmed.pc.put_sealed(other).status_code == 200
    report = examined(recording)
    assert codes(report) == [("alarm", "two-bodies")]
    assert export.in_the_way(report) == []
    assert report.notes == ("stream 0, sequence 6: another body of this name is kept as evidence",)
    assert gathered(recording).chosen.streams[0][6].sha256 == digest(filmed.sealed[6]).hex()


def test_a_head_that_signed_a_body_which_never_came(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    close(made)
    sent_unlike_sealed(made, 6, with_another_tag)
    pc.send_ledger()
    found = [("signatures", "bad-signature"), ("heads", "wrong-head"), ("tags", "wrong-tag")]
    assert codes(examined(made.recording)) == found


def test_a_head_that_was_signed_again_and_again_is_one_finding(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """A stream of which nothing is kept has the same head every ten seconds."""
    made = make_filmed(pc, bundle)
    for second in (1, 2):
        heads = made.recording.heads()
        pc.ledger.write("heads", at=ZERO + (9 + second) * SECOND, recording=str(made.recording.id), heads=heads)
    close(made, 12)
    sent_unlike_sealed(made, 6, with_another_tag)
    pc.send_ledger()
    found = [("signatures", "bad-signature"), ("heads", "wrong-head"), ("tags", "wrong-tag")]
    assert codes(examined(made.recording)) == found


def test_chunks_beyond_the_closing(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    close(made)
    made.sealed.append(made.recording.seal(b"late", length=SECOND))
    made.put_all()
    pc.send_ledger()
    assert codes(examined(made.recording)) == [("heads", "beyond-closing")]


@pytest.mark.parametrize(
    ("closed", "told", "where"),
    [
        (3, {}, "sequence 4"),
        (12, {"until": ZERO}, "sequence 2"),
        (12, {"until": ZERO + SECOND}, "sequence 3"),
        (12, {"until": ZERO + 8_999_999_999}, "sequence 6"),
        (12, {"until": ZERO + 9 * SECOND}, ""),
        (9, {}, ""),
    ],
)
def test_a_closing_takes_no_chunk_away(
    pc: Pc, bundle: Bundle, examined: Examine, gathered: Gather, closed: int, told: dict[str, int], where: str
) -> None:
    """What goes on after it is named, and stands in the account. A picture from before the end may go on for a second.

    Of one that was closed early the entries that follow are not of its run: a closing of the eye says nothing then."""
    filmed = make_filmed(pc, bundle)
    filmed.put_all()
    close(filmed, closed, **told)
    pc.send_ledger()
    report, evidence = examined(filmed.recording), gathered(filmed.recording)
    assert codes(report) == ([("heads", "beyond-closing")] if where else [])
    assert where in "".join(one.where for one in report.findings)
    assert (totals(evidence.parts).kept, evidence.length) == (6 * SECOND, 10 * SECOND)


def test_a_header_from_a_time_at_which_the_eye_was_closed_is_named(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """An export writes down what it holds, whatever its kind."""
    filmed = make_filmed(pc, bundle)
    pc.ledger.write("lane-closed", at=ZERO + 10 * SECOND, lane="screen", rules=[0], policy=POLICY)
    filmed.sealed.append(filmed.recording.seal(b"pictures", length=SECOND, kind=Kind.HEADER))
    filmed.put_all()
    close(filmed, 12)
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


def test_a_recording_that_was_never_closed_is_noted(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    pc.ledger.write("start", at=1)
    pc.send_ledger()
    report = examined(made.recording)
    assert report.sound
    assert "without closing" in report.notes[0]


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


def test_heads_cost_no_walk_through_the_chunks(
    filmed: Filmed, examined: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PC may name a million heads of a million chunks: each is looked up."""
    walks = 0

    class Chain(tuple[Stored, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[Stored]:
            nonlocal walks
            walks += 1
            return super().__iter__()

    def chosen(stored: Iterable[Stored], heads: Heads) -> Chosen:
        made = choose(stored, heads)
        return replace(made, streams={stream: Chain(chain) for stream, chain in made.streams.items()})

    recording = filmed.recording
    filmed.pc.ledger.write("recording-open", at=ZERO, recording=str(recording.id), policy=recording.policy)
    for _ in range(100):
        filmed.pc.ledger.write("heads", at=ZERO, recording=str(recording.id), heads=recording.heads())
    monkeypatch.setattr("store.evidence.evidence.choose", chosen)  # counts, and chooses
    assert examined(recording).sound
    before, walks = walks, 0
    filmed.pc.send_ledger()
    assert (examined(recording).sound, walks) == (True, before)


def test_of_the_first_edition_nothing_before_a_gap_is_vouched_for(
    pc: Pc, bundle: Bundle, examined: Examine, services: Services
) -> None:
    """With a reader's key a gap can be filled, but for the chunk before the next true one."""
    made = make_filmed(pc, bundle, edition=Edition.FIRST)
    close(made)
    made.put_all()
    pc.send_ledger()
    with services.database.writing() as connection:
        connection.execute(delete(schema.sealed).where(schema.sealed.c.sequence == 4))
    report = examined(made.recording)
    assert codes(report) == [("chain", "gap")]
    assert "4 chunks lie before a gap and under no signed head" in dict(report.not_checked)["heads"]


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


def test_a_closing_alone_says_what_lies_beyond_it(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """Not an entry of a later start that names less."""
    filmed = make_filmed(pc, bundle)
    filmed.put_all()
    close(filmed)
    pc.ledger.write("start", at=ZERO + 20 * SECOND)
    pc.ledger.write("heads", at=ZERO + 20 * SECOND, recording=str(filmed.recording.id), heads={}, final=True)
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == []
