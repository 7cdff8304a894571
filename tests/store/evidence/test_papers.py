"""What the custodian wants to see of a recording: each part signed by whom it is to come from, or a clear error."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from protocol.bundle import Bundle
from protocol.ledger import Batch
from protocol.origin import Origin
from protocol.packet import KeyPacket
from store.admin.home import Home
from testkit.fakes.pc import Pc
from tests.store.command_line import Run, run  # noqa: F401 - a fixture
from tests.store.conftest import SetClock
from tests.store.recorded import Filmed, make_filmed


def test_each_part_is_signed_by_whom_it_comes_from(run: Run, home: Home, filmed: Filmed) -> None:  # noqa: F811
    papers = run("papers", filmed.recording.id, "--json").facts
    origin = Origin.verify(papers["origin"], home.store_key().public_key())
    evidence = filmed.pc.evidence_key.public_key()
    assert (origin.recording, origin.device, origin.group) == (filmed.recording.id, filmed.pc.device, "")
    assert origin.packet == hashlib.sha256(papers["packet"].encode()).hexdigest()
    assert KeyPacket.verify(papers["packet"], evidence).recording == filmed.recording.id
    assert b"recording-closed" in Batch.verify(papers["closing"], evidence).lines[-1]
    assert papers["successors"] == []


def test_a_recording_that_goes_on_has_none_yet(run: Run, pc: Pc, bundle: Bundle) -> None:  # noqa: F811
    made = make_filmed(pc, bundle)
    made.put_all()
    assert pc.send_ledger().status_code == 200
    ended = run("papers", made.recording.id)
    assert (ended.code, "no end that its device signed yet" in ended.err) == (1, True)


def test_ids_that_come_on_stdin_are_answered_a_line_each(
    run: Run,  # noqa: F811
    filmed: Filmed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = str(filmed.recording.id)
    # As the console's process writes them: one that is not there hides no other.
    asked = io.StringIO(f"0193ffff-0000-7000-8000-0000000000a1\n{own}\n\n")
    monkeypatch.setattr(sys, "stdin", asked)  # what the console writes there
    ended = run("papers", "-")
    assert ended.code == 0
    missing, there, nothing = map(json.loads, ended.out.splitlines())
    assert (missing["error"], nothing["error"]) == ("no-papers", "no-papers")
    assert there.keys() == {"origin", "packet", "closing", "successors", "recording"}
    assert (there["recording"], nothing["recording"]) == (own, "")


def test_one_that_ended_with_its_agent_is_shown_by_what_the_next_start_signed(
    run: Run,  # noqa: F811
    pc: Pc,
    bundle: Bundle,
) -> None:
    made = make_filmed(pc, bundle)
    made.put_all()
    own = str(made.recording.id)
    pc.ledger.write("start", at=1)
    pc.ledger.write("heads", at=2, recording=own, heads=made.recording.heads(), final=True)
    assert pc.send_ledger().status_code == 200
    papers = run("papers", own).facts
    assert b'"final"' in Batch.verify(papers["closing"], pc.evidence_key.public_key()).lines[-1]


def test_of_a_month_all_are_shown_also_those_that_go_on_and_one_that_lacks_its_packet_hides_none(
    run: Run,  # noqa: F811
    home: Home,
    pc: Pc,
    bundle: Bundle,
    clock: SetClock,
) -> None:
    made = [pc.open_recording(bundle) for _ in range(3)]
    month = datetime.fromtimestamp(clock.seconds, UTC)
    shown = [json.loads(line) for line in run("papers", "--month", f"{month:%Y-%m}").out.splitlines()]
    store = home.store_key().public_key()
    assert {Origin.verify(one["origin"], store).recording for one in shown} == {one.id for one in made}
    assert all(one.keys() == {"origin", "packet", "successors"} for one in shown)
    for other in (month - timedelta(70), month + timedelta(70)):
        ended = run("papers", "--month", f"{other:%Y-%m}")
        assert (ended.code, ended.out) == (0, "")
    for path in (home.folder / "blobs").rglob("*"):
        if path.is_file() and path.read_bytes() == made[0].packet:
            path.unlink()
    ended = run("papers", "--month", f"{month:%Y-%m}")
    assert (ended.code, len(ended.out.splitlines()), str(made[0].id) in ended.err) == (1, 2, True)


@pytest.mark.parametrize("words", [("--month", "2026-13"), ("--month", "0001-01"), ("0193", "--month", "2026-11"), ()])
def test_which_is_not_said_or_said_twice_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:  # noqa: F811
    assert run("papers", *words).code == 2
