"""From the spool to the store, whatever the answer: a chunk leaves only against its own receipt."""

from __future__ import annotations

import errno
import logging
import threading
from pathlib import Path

import pytest

from agent import durable
from agent.core import backoff
from agent.core.model.times import SECOND
from agent.upload.uploader import IDLE, RETRIES
from protocol import api
from protocol.envelope import KEY_PACKET_STREAM
from testkit.fakes.clock import NEW_YEAR_2026
from testkit.fakes.store import Reply, problem
from tests.agent.upload.conftest import CHANCE, Killed, Pc, start_pc

CHUNKS = "/v1/recordings/"


# -- all is well --------------------------------------------------------------------------------------------------


def test_everything_arrives_oldest_first_once_and_is_forgotten(pc: Pc) -> None:
    later = pc.record(3, NEW_YEAR_2026 + SECOND)
    earlier = pc.record(3)
    assert pc.work() == IDLE
    assert [path for path in pc.store.paths("PUT") if path.startswith(CHUNKS)] == [
        api.recording_path(sealed.recording, sealed.stream, sealed.sequence) for sealed in (*earlier, *later)
    ]
    for sealed in (*earlier, *later):
        assert pc.store.chunks[sealed.recording, sealed.stream, sealed.sequence] == {sealed.sha256.hex(): sealed.data}
    assert pc.spool.waiting() == (0, 0)
    assert pc.heard == ["receipt"] * 8
    assert pc.store.connections == 2  # the enrolment's, and one for all of this


def test_an_empty_queue_asks_the_store_nothing(pc: Pc) -> None:
    pc.settle()
    assert pc.work() == IDLE
    assert pc.store.requests == []


# -- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        Reply(drop=True),
        Reply(302, headers={"Location": "http://hotel.example/login"}),
        Reply(403, b"<html>Blocked by your company's proxy</html>"),
        Reply(404, b'{"detail":"Not Found"}'),
        Reply(407, b""),
        problem(408, "slow-body"),
        problem(429, "busy"),
        problem(400, "wrong-digest"),
        problem(500, "store-fault"),
        Reply(502, b"<html>Bad Gateway</html>"),
        problem(503, "busy"),
        problem(507, "store-full"),
        problem(507, "over-quota"),
    ],
    ids=lambda reply: f"{reply.status}{' reset' * reply.drop}",
)
def test_what_may_pass_is_tried_again_with_the_same_bytes(pc: Pc, reply: Reply) -> None:
    pc.settle()
    packet, chunk = pc.record(1)
    pc.store.says(CHUNKS, reply)
    pause = pc.work()
    assert pause == CHANCE * backoff.BASE
    assert pc.waiting() == [packet.name, chunk.name]
    assert pc.heard == []
    assert pc.work() == IDLE
    assert pc.waiting() == []
    assert pc.heard == ["receipt"] * 2
    assert pc.store.chunks[packet.recording, packet.stream, 0] == {packet.sha256.hex(): packet.data}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad-digest"),
        (403, "foreign-recording"),
        (409, "other-bytes"),
        (413, "oversized"),
        (422, "bad-magic"),
    ],
)
def test_what_the_store_refuses_for_good_is_set_aside_and_the_queue_goes_on(pc: Pc, status: int, code: str) -> None:
    pc.settle()
    packet, refused, chunk = pc.record(2)
    pc.store.says(api.recording_path(packet.recording, 0, 0), problem(status, code))
    assert pc.work() == IDLE
    assert pc.waiting() == []
    assert pc.heard == ["receipt", "alarm chunk-refused", "receipt"]
    assert (refused.recording, 0, 0) not in pc.store.chunks
    assert (chunk.recording, 0, 1) in pc.store.chunks
    assert pc.spool.aside() == 1
    [reason] = (pc.identity.home / "spool" / "set_aside").glob("*.why")
    assert reason.read_text() == f"the store refused it: {code} ({status})\n"


def test_what_is_refused_for_good_while_the_disk_is_full_keeps_its_own_recording_alone(
    pc: Pc, monkeypatch: pytest.MonkeyPatch
) -> None:
    pc.settle()
    packet, refused, _ = pc.record(2)
    others = pc.record(2, NEW_YEAR_2026 + SECOND)
    pc.store.says(api.recording_path(packet.recording, 0, 0), *[problem(413, "oversized")] * 10)

    def refuse(path: Path, content: bytes) -> None:
        if path.suffix == ".why":
            raise OSError(errno.ENOSPC, "no space left")
        write(path, content)

    write = durable.write
    with monkeypatch.context() as patch:
        patch.setattr("agent.spool.durable.write", refuse)
        for _ in range(12):
            pc.clock.pass_by(pc.work())
        assert [one for one in others if (one.recording, one.stream, one.sequence) not in pc.store.chunks] == []
        assert pc.waiting()[0] == refused.name
    assert "alarm chunk-refused" in pc.heard
    for _ in range(12):
        pc.clock.pass_by(pc.work())
    assert (pc.waiting(), pc.spool.aside()) == ([], 1)


def test_a_bearer_that_is_no_longer_good_is_replaced_without_a_word(pc: Pc) -> None:
    pc.settle()
    pc.record(1)
    pc.store.says(CHUNKS, problem(401, "expired-token"))
    assert pc.work() == IDLE
    assert pc.heard == ["receipt"] * 2


def test_two_times_not_let_in_is_tried_later(pc: Pc) -> None:
    pc.settle()
    pc.record(0)
    pc.store.says(CHUNKS, problem(401, "bad-token"), problem(401, "bad-token"))
    assert pc.work() == CHANCE * backoff.BASE
    assert pc.spool.waiting()[0] == 1


@pytest.mark.parametrize("code", [api.DEVICE_REVOKED, api.DEVICE_UNKNOWN])
def test_a_pc_that_is_shut_out_says_so_keeps_everything_and_goes_on_when_it_is_let_in(pc: Pc, code: str) -> None:
    pc.settle()
    made = pc.record(2)
    device = pc.store.devices["device-1"]
    if code == api.DEVICE_REVOKED:
        device.revoked = True
    else:
        pc.store.devices.clear()
    for _ in range(3):
        assert pc.uploader.step() == backoff.CAP
        pc.outlast_everything()
    assert pc.heard == [f"alarm {code}"]
    assert pc.waiting() == [sealed.name for sealed in made]
    assert pc.store.chunks == {}
    assert pc.spool.aside() == 0
    device.revoked = False
    pc.store.devices["device-1"] = device
    assert pc.work() == IDLE
    assert sorted(pc.heard) == sorted([f"alarm {code}", f"cleared {code}", *["receipt"] * 3])


def test_an_agent_that_is_too_old_keeps_everything(pc: Pc) -> None:
    pc.settle()
    pc.record(1)
    pc.store.says(CHUNKS, problem(426, api.AGENT_UNSUPPORTED))
    assert pc.work() == backoff.CAP
    assert pc.heard == ["alarm agent-unsupported"]
    assert pc.spool.waiting()[0] == 2


# -- how long to wait ---------------------------------------------------------------------------------------------


def test_pauses_double_up_to_five_minutes_and_begin_anew_after_a_success(pc: Pc) -> None:
    pc.settle()
    pc.record(1)
    pc.store.says(CHUNKS, *[Reply(drop=True)] * 12)
    pauses = [pc.work() for _ in range(12)]
    assert pauses == [CHANCE * min(backoff.CAP, backoff.BASE * 2**attempt) for attempt in range(12)]
    assert pauses[-1] == CHANCE * backoff.CAP
    pc.uploader.step()
    pc.store.says(CHUNKS, Reply(drop=True))
    assert pc.work() == CHANCE * backoff.BASE


def test_the_stores_own_word_on_when_to_come_back_is_obeyed(pc: Pc) -> None:
    pc.settle()
    pc.record(0)
    pc.store.says(CHUNKS, problem(503, "busy", **{"Retry-After": "42"}))
    assert pc.work() == 42 + CHANCE * backoff.BASE


# -- an acknowledgement that was lost -----------------------------------------------------------------------------


def test_an_answer_that_was_eaten_after_the_commit_costs_a_second_try_and_nothing_else(pc: Pc) -> None:
    pc.settle()
    packet, chunk = pc.record(1)
    pc.store.says(CHUNKS, Reply(drop=True, first=True))
    assert pc.work() > 0
    place = (packet.recording, KEY_PACKET_STREAM, 0)
    [committed] = pc.store.receipts.values()
    assert pc.waiting() == [packet.name, chunk.name]
    assert pc.spool.forgotten == []
    pc.work()
    assert pc.store.receipts[*place, packet.sha256.hex()] == committed
    assert pc.store.chunks[place] == {packet.sha256.hex(): packet.data}
    assert pc.spool.forgotten == [packet.name, chunk.name]
    assert pc.heard == ["receipt"] * 2


def test_a_pc_that_died_before_it_forgot_sends_again_and_forgets_once(pc: Pc) -> None:
    pc.settle()
    pc.record(2)
    pc.spool.dying = True
    with pytest.raises(Killed):
        pc.uploader.step()
    restarted = start_pc(pc.store, pc.clock, pc.identity.home, pc.identity)
    assert restarted.work() == IDLE
    restarted.wire.close()
    assert restarted.spool.waiting() == (0, 0)
    assert all(len(contents) == 1 for contents in pc.store.chunks.values())
    assert len(pc.store.chunks) == 3


# -- one that fails does not hold up the others -------------------------------------------------------------------


def test_a_recording_that_the_store_cannot_take_lets_the_others_pass(pc: Pc) -> None:
    pc.settle()
    [poison, *rest] = pc.record(2)
    good = pc.record(2, NEW_YEAR_2026 + SECOND)
    pc.store.says(api.recording_path(poison.recording, poison.stream, 0), *[problem(500, "store-fault")] * RETRIES)
    for _ in range(RETRIES):
        assert pc.work() != IDLE
        assert len(pc.waiting()) == 6
    assert pc.work() == IDLE
    assert pc.waiting() == [sealed.name for sealed in (poison, *rest)]
    pc.outlast_everything()
    assert pc.work() == IDLE
    sent = [path for path in pc.store.paths("PUT") if path.startswith(CHUNKS)][RETRIES:]
    # The good recording first; then the other from its beginning, never a chunk before its key packet.
    assert sent == [api.recording_path(s.recording, s.stream, s.sequence) for s in (*good, poison, *rest)]
    assert pc.waiting() == []


def test_a_network_that_is_down_passes_nothing_over(pc: Pc) -> None:
    pc.settle()
    made = [*pc.record(1), *pc.record(1, NEW_YEAR_2026 + SECOND)]
    pc.store.says(CHUNKS, *[Reply(drop=True)] * 10)
    for _ in range(10):
        pc.work()
    pc.work()
    sent = [path for path in pc.store.paths("PUT") if path.startswith(CHUNKS)]
    assert sent[10:] == [api.recording_path(s.recording, s.stream, s.sequence) for s in made]


# -- the thread ---------------------------------------------------------------------------------------------------


def test_it_runs_until_it_is_told_to_stop(pc: Pc) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=pc.uploader.run, args=(stop,))
    thread.start()
    pc.record(0)
    assert pc.received.wait(30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert pc.spool.waiting() == (0, 0)


def test_at_the_end_everything_goes_at_once(pc: Pc) -> None:
    pc.record(2)
    pc.ledger.write("stop")
    assert pc.uploader.flush(pc.clock.now() + 10 * SECOND)
    assert pc.spool.waiting() == (0, 0)
    assert len(pc.store.devices["device-1"].lines) == 1


@pytest.mark.parametrize("path", [api.LEDGER, CHUNKS, api.TOKEN])
@pytest.mark.parametrize("reply", [Reply(drop=True), problem(422, "bad-line")])
def test_an_end_without_the_store_is_not_waited_for(pc: Pc, path: str, reply: Reply) -> None:
    pc.record(2)
    pc.ledger.write("stop")
    pc.store.says(path, *[reply] * 20)
    whole = pc.uploader.flush(pc.clock.now() + 10 * SECOND)
    assert whole == (path == CHUNKS and not reply.drop)  # set aside: nothing waits


def test_an_end_has_a_limit(pc: Pc) -> None:
    pc.record(50)
    assert not pc.uploader.flush(pc.clock.now())
    assert pc.spool.waiting()[0] > 40


def test_no_log_at_any_level_has_an_address_or_a_token(pc: Pc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pc.record(3)
    pc.ledger.write("start")
    pc.outlast(10)
    pc.store.says(CHUNKS, Reply(drop=True), problem(403, "foreign-recording"), Reply(200, b"<html>"), Reply(503))
    pc.store.says(api.LEDGER, Reply(500), problem(422, "bad-line"))
    for _ in range(8):
        pc.work()
        pc.outlast_everything()
    pc.store.devices["device-1"].revoked = True
    pc.record(0, NEW_YEAR_2026 + SECOND)
    pc.work()
    assert caplog.text
    sent = {headers["authorization"] for _, _, headers in pc.store.requests if "authorization" in headers}
    assert sent
    for forbidden in ("127.0.0.1", "/v1/", "http", *sent):
        assert forbidden not in caplog.text
