"""The keys service as others meet it: another user, one that hangs or sends nonsense, and death at any moment."""

from __future__ import annotations

import os
import random
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent import config, enrolment
from agent.doctor.ask.home import ask_keys
from agent.doctor.judge import eyelid as judge
from agent.errors import EyelidError, Refused, Transient, UserError
from agent.keys import server
from agent.keys.exchange import ANSWER, REQUEST, Answer, Verb
from agent.keys.server import CONNECTIONS, REQUESTS, listen
from agent.keys.service import ServiceKeys
from agent.seal import Provenance
from agent.state.identity import check_keys, enrol, load
from protocol.ledger import Batch
from protocol.local_socket import receive
from testkit.fakes.clock import HandClock
from testkit.fakes.store import FakeStore
from tests.agent.keys.services import APPLICANT, DEVICE, Service, application, enrolled, fork, running
from tests.agent.keys.test_signer import account, batch
from tests.agent.recordings import new_sealer
from tests.doctor.facts import GOOD

BOB = 61_002

as_root = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="becoming another user needs root")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user may enter, as /run/eyelid."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    with running(folder) as made:
        yield made


def as_user(uid: int, work: Callable[[], object]) -> str:
    """What came of it in a process of that user: "done", or the error's type."""
    reading, writing = os.pipe()
    pid = fork()
    if not pid:
        said = "done"
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            work()
        except EyelidError as failure:
            said = type(failure).__name__
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(pid, 0)
    return said


# -- who asks -----------------------------------------------------------------------------------------------------


@as_root
def test_another_user_gets_no_signature_of_mine_and_has_keys_of_their_own(service: Service) -> None:
    keys, mine = enrolled(service.path)
    lines = account(2)
    keys.batch(batch(lines))
    theirs = ServiceKeys(service.path, BOB, within=20)
    assert as_user(BOB, lambda: theirs.batch(batch(lines))) == "Refused"  # there are none
    assert as_user(BOB, lambda: ServiceKeys(service.path, 0, within=20).batch(batch(lines))) == "Refused"
    for ask in (keys.apply, keys.admitted):
        assert as_user(BOB, lambda ask=ask: ask(APPLICANT if ask == keys.apply else DEVICE)) == "Refused"
    assert as_user(BOB, keys.forget) == "Refused"
    assert as_user(BOB, lambda: enrolled(service.path)) == "done"
    assert as_user(BOB, lambda: theirs.batch(batch(account(3, kind="held")))) == "done"
    assert Batch.verify(keys.batch(batch(lines)), mine.evidence_key).last == 1
    assert sorted(path.name for path in service.folder.iterdir()) == ["0", str(BOB)]
    assert [path.stat().st_mode & 0o077 for path in service.folder.rglob("*")] == [0] * 6


@as_root
def test_root_enrols_another_user_and_signs_nothing_in_their_name(service: Service) -> None:
    for_bob = ServiceKeys(service.path, BOB, within=20)
    made = application(for_bob.apply(APPLICANT))
    for_bob.admitted(DEVICE)
    with pytest.raises(Refused, match="another user's keys"):
        for_bob.batch(batch(account(1)))
    with pytest.raises(Refused, match="another user's keys"):
        for_bob.forget()
    assert as_user(BOB, lambda: for_bob.batch(batch(account(1)))) == "done"
    assert made.user == APPLICANT.user


# -- hostile clients ----------------------------------------------------------------------------------------------


def ask(service: Service, sent: bytes) -> tuple[int, bytes]:
    """Again where it is closed as one connection too many: the service hears late that those before have ended."""
    while True:
        with service.connect() as connection, suppress(ConnectionError):
            connection.sendall(sent)
            answer, size = ANSWER.unpack(receive(connection, ANSWER.size, time.monotonic() + 30))
            return answer, receive(connection, size, time.monotonic() + 30)


def test_what_is_no_request_is_refused_in_words_and_leaves_no_trace(
    service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    uid = os.getuid()
    hostile = [REQUEST.pack(200, uid, 0), REQUEST.pack(Verb.BATCH, uid, 2**32 - 1), REQUEST.pack(Verb.BATCH, 7, 0)]
    hostile += [REQUEST.pack(verb, uid, 9) + b"\xff" * 9 for verb in Verb if verb not in (Verb.ABOUT, Verb.FORGET)]
    for sent in hostile:
        answer, words = ask(service, sent)
        assert answer in (Answer.REFUSED, Answer.BUSY)
        assert b"Traceback" not in words
    with service.connect() as connection:
        connection.sendall(b"\x01")
    assert enrolled(service.path)[0].device() == DEVICE
    assert capfd.readouterr().err == ""


@as_root
def test_one_who_holds_all_their_connections_keeps_only_themselves_waiting(service: Service) -> None:
    def stall() -> None:
        held = [service.connect() for _ in range(2 * CONNECTIONS)]
        for connection in held[:CONNECTIONS]:
            connection.sendall(REQUEST.pack(Verb.CHUNK, BOB, 100))
        assert held[-1].recv(1) == b""  # one too many
        ServiceKeys(service.path, within=0).forget()

    assert as_user(BOB, stall) == "Transient"
    enrolled(service.path)


def test_a_service_without_descriptors_waits_until_there_are_some(folder: Path) -> None:
    service = Service(folder)
    service.start(spare=CONNECTIONS)
    try:
        held = [service.connect() for _ in range(2 * CONNECTIONS)]
        for connection in held:
            connection.close()
        enrolled(service.path)
    finally:
        service.kill()
        service.close()


def test_all_users_together_have_a_bound_of_connections(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ALL_CONNECTIONS", 2)  # the real bound takes a hundred users
    with running(folder) as service:
        held = [service.connect() for _ in range(3)]
        assert held[-1].recv(1) == b""
        for connection in held:
            connection.close()
        enrolled(service.path)


def test_a_service_without_threads_waits_until_there_are_some(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, failures = threading.Thread.start, [1] * 2 * CONNECTIONS

    def scarce(thread: threading.Thread) -> None:
        if failures and thread._target.__name__ == "_serve":  # type: ignore[attr-defined]
            failures.pop()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)  # what the system does where it has none; root has many
    with running(folder) as service:
        enrolled(service.path)


def test_one_who_asks_without_end_has_to_wait(service: Service) -> None:
    request = REQUEST.pack(Verb.ABOUT, os.getuid(), 0)
    for _ in range(20 * REQUESTS[0]):
        with suppress(ConnectionError):  # those before it have not all been let go yet
            if ask(service, request) == (Answer.BUSY, b"this user asks too much"):
                return
    pytest.fail("it was answered each time")


@as_root
def test_one_whose_requests_are_much_work_keeps_only_themselves_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WORK", (0.0, 0.0))  # the real bound takes seconds of work
    with running(folder) as service:
        request = REQUEST.pack(Verb.ABOUT, os.getuid(), 0)
        assert ask(service, request)[0] == Answer.DONE
        assert ask(service, request) == (Answer.BUSY, server.TOO_MUCH)
        assert as_user(BOB, lambda: ServiceKeys(service.path, BOB).device()) == "done"


def test_a_recording_that_the_service_does_not_sign_now_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.keys.signer.MAX_RECORDINGS", 1)  # the real bound takes long to reach
    with running(folder) as service:
        keys, _ = enrolled(service.path)
        who = Provenance(DEVICE, keys, "pc-17", "alice", "0.1.0")
        new_sealer(time.time_ns(), who)
        never = SimpleNamespace(monotonic=time.monotonic, sleep=pytest.fail)
        monkeypatch.setattr("agent.keys.service.time", never)  # it must not wait
        with pytest.raises(Transient, match="too many recordings"):
            new_sealer(time.time_ns(), who)


def test_a_service_that_is_away_is_waited_for_and_then_named(folder: Path) -> None:
    keys = ServiceKeys(folder / "keys.sock", within=0.3)
    with pytest.raises(Transient, match=r"keys\.sock does not sign now: No such file"):
        keys.forget()


def test_who_finds_the_queue_full_waits_for_a_place_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who failed there, and tried again later, came last each time while another user filled it without end."""
    path = folder / "keys.sock"
    never = SimpleNamespace(monotonic=time.monotonic, sleep=pytest.fail)
    monkeypatch.setattr("agent.keys.service.time", never)  # the system waits, so that who came first is next
    with listen(path), ExitStack() as filling:
        with suppress(BlockingIOError):
            while True:
                one = filling.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                one.setblocking(False)
                one.connect(str(path))
        with pytest.raises(Transient, match="does not sign now: Resource temporarily unavailable"):
            ServiceKeys(path, within=0.2).device()


def test_without_a_socket_there_is_no_service(folder: Path) -> None:
    with pytest.raises(EyelidError, match="no socket"):
        listen(None)
    with pytest.raises(EyelidError, match="cannot be listened at"):
        listen(folder / "no" / "such")


# -- death --------------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_it_never_signs_two_accounts(folder: Path) -> None:
    """Between what is written down and what is answered too: what got no answer is signed again, or not at all."""
    chance = random.Random(4)
    service = Service(folder)
    service.start()
    _, made = enrolled(service.path)
    service.kill()
    signed: dict[int, set[bytes]] = {}

    def try_(lines: tuple[bytes, ...], within: float) -> bool:
        try:
            token = ServiceKeys(service.path, within=within).batch(batch(lines, max(0, len(lines) - 3)))
        except (Refused, Transient):
            return False
        for seq, written in enumerate(Batch.verify(token, made.evidence_key).lines, max(0, len(lines) - 3)):
            signed.setdefault(seq, set()).add(written)
        return True

    kept: tuple[bytes, ...] = ()
    died = 0
    for round_ in range(30):
        service.start(dies_after=chance.uniform(0, 0.08))
        while try_(account(1, after=kept, kind=f"kept-{round_}"), within=0):
            kept = account(1, after=kept, kind=f"kept-{round_}")
        service.await_death()
        died += 1
        service.start()
        mine, other = (account(1, after=kept, kind=f"{kind}-{round_}") for kind in ("kept", "invented"))
        first, second = (mine, other) if chance.random() < 0.5 else (other, mine)
        if not try_(first, within=20):
            assert try_(second, within=20)
            first = second
        assert not try_(mine if first is other else other, within=20)
        kept = first
        service.kill()
    service.close()
    assert died == 30
    assert len(signed) >= 30
    assert all(len(lines) == 1 for lines in signed.values())


# -- the agent ----------------------------------------------------------------------------------------------------


def test_a_pc_is_enrolled_with_keys_that_its_home_never_sees(service: Service, tmp_path: Path) -> None:
    words = {"host": "pc-17", "user": "alice", "system": "Debian 13", "agent_version": "0.1.0"}
    with FakeStore() as store:
        who = enrol(store.pasted(), tmp_path, HandClock(), **words, keys=ServiceKeys(service.path))
        device = store.devices[who.device]
    assert '_key": "' not in (tmp_path / "identity.json").read_text("utf-8").replace("store_key", "")
    assert load(tmp_path).keys.where == str(service.path)
    assert Batch.verify(load(tmp_path).keys.batch(batch(account(1), device=who.device)), device.evidence_key).last == 0
    check_keys(who, service.path)
    check_keys(who, None)


def test_keys_in_the_home_are_not_enough_where_the_service_is_demanded(tmp_path: Path) -> None:
    words = {"host": "pc-17", "user": "alice", "system": "Debian 13", "agent_version": "0.1.0"}
    with FakeStore() as store:
        who = enrol(store.pasted(), tmp_path, HandClock(), **words)
    with pytest.raises(UserError, match="eyelid unenroll"):
        check_keys(who, Path("/run/eyelid/keys.sock"))


def test_doctor_says_where_the_keys_are_and_what_is_wrong_there(service: Service, tmp_path: Path) -> None:
    words = {"host": "pc-17", "user": "alice", "system": "Debian 13", "agent_version": "0.1.0"}
    with FakeStore() as store:
        enrol(store.pasted(), tmp_path, HandClock(), **words, keys=ServiceKeys(service.path))
    tmp_path.chmod(0o700)
    finding = judge.keys(ask_keys(tmp_path, service.path), GOOD)
    assert (finding.mark, finding.found.endswith(f"the keys are in the service at {service.path}")) == ("good", True)
    ServiceKeys(service.path).forget()
    finding = judge.keys(ask_keys(tmp_path, service.path), GOOD)
    assert (finding.mark, "has no keys of device-1" in finding.found) == ("wrong", True)
    finding = judge.keys(ask_keys(tmp_path, Path("/run/eyelid/keys.sock")), GOOD)
    assert "the settings want them in the service at /run/eyelid/keys.sock" in finding.found


def test_leaving_takes_the_keys_out_of_the_service(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYELID_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EYELID_KEYS_SOCKET", str(service.path))
    with FakeStore() as store:
        enrolment.enrol(store.pasted(), config.load())
        assert ServiceKeys(service.path).device() == "device-1"
        assert enrolment.drain_to_leave(config.load()).nothing
        enrolment.leave(config.load())
    assert ServiceKeys(service.path).device() == ""
    assert not (tmp_path / "home" / "identity.json").exists()
