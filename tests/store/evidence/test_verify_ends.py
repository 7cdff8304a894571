"""What a check says of a recording's end: what signed heads, reports, receipts and a closing vouch for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import delete, insert, update

from protocol import api, ledger
from protocol.bundle import Bundle
from protocol.envelope import Edition, digest
from store.catalog import schema
from store.catalog.queries import last_health
from store.evidence import export
from store.evidence.account import totals
from store.evidence.chain import Chosen, Heads, Stored, choose
from store.evidence.verify import recording as verify
from store.server.services import Services
from testkit.fakes.pc import SECOND, Pc
from tests.store.conftest import Examine, Gather
from tests.store.recorded import (
    ZERO,
    Filmed,
    close,
    codes,
    cut_off_the_tail,
    make_filmed,
    sent_unlike_sealed,
    with_another_tag,
)


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
        if edition.is_signed:
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
    assert dict(report.not_checked)["heads"] == "the device's ledger has not reported it yet"
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


def test_a_pc_that_signs_its_chunks_and_no_report_is_named_after_ten_minutes(
    pc: Pc, bundle: Bundle, examined: Examine
) -> None:
    for edition, length, expected in (
        (Edition.SIGNED, 600, []),
        (Edition.SIGNED, 601, [("ledger", "no-report")]),
        (Edition.KEYED, 601, [("ledger", "no-report")]),
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


def test_a_recording_that_was_never_closed_is_noted(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    pc.ledger.write("start", at=1)
    pc.send_ledger()
    report = examined(made.recording)
    assert report.sound
    assert "without closing" in report.notes[0]


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
    assert before  # they are counted
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


def test_a_closing_alone_says_what_lies_beyond_it(pc: Pc, bundle: Bundle, examined: Examine) -> None:
    """Not an entry of a later start that names less."""
    filmed = make_filmed(pc, bundle)
    filmed.put_all()
    close(filmed)
    pc.ledger.write("start", at=ZERO + 20 * SECOND)
    pc.ledger.write("heads", at=ZERO + 20 * SECOND, recording=str(filmed.recording.id), heads={}, final=True)
    pc.send_ledger()
    assert codes(examined(filmed.recording)) == []
