"""The local socket: one request, one answer, and clear words when nobody or somebody else is there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest

from agent.control import control
from agent.control.control import (
    FOLLOWERS,
    MAKE_WAY,
    AlreadyRunning,
    ControlSocket,
    NotRunning,
    claim,
    follow,
    request,
    socket_path,
    take_over,
)
from agent.errors import EnvironmentFault, EyelidError, UserError
from agent.pipeline import Mailbox


def answer(verb: str, asked: Mapping[str, object]) -> Mapping[str, object]:
    if verb == "refuse":
        raise UserError("not now")
    return {"verb": verb, **asked}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    served = ControlSocket(tmp_path, answer)
    yield tmp_path
    served.close()
    assert not socket_path(tmp_path).exists()


def test_a_request_is_answered(home: Path) -> None:
    assert request(home, "hold", seconds=5) == {"verb": "hold", "seconds": 5}
    assert request(home, "status") == {"verb": "status"}


def test_a_refusal_comes_in_its_own_words(home: Path) -> None:
    with pytest.raises(UserError, match="not now"):
        request(home, "refuse")


@pytest.mark.parametrize(
    "line", [b"\n", b"not json\n", b"[]\n", b'{"no": "verb"}\n', b"7\n", b"\xff\xfe\n", b"[" * 60_000 + b"\n"]
)
def test_nonsense_is_refused_and_the_socket_lives_on(home: Path, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path(home)))
        connection.sendall(line)
        assert b"no request that Eyelid understands" in connection.makefile("rb").readline()
    assert request(home, "status") == {"verb": "status"}


def test_an_asker_who_goes_away_harms_nobody(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path(home)))
    assert request(home, "status") == {"verb": "status"}


def test_an_answer_without_end_is_told_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_ANSWER", 2 * 2**20)  # the real bound takes long to send
    served = ControlSocket(tmp_path, lambda verb, _: {"verb": verb * 2**20})
    try:
        with pytest.raises(EyelidError, match="more than 2 MiB, of which nothing is read") as told:
            request(tmp_path, "status")
        assert told.value.exit_code == 1
    finally:
        served.close()


@pytest.mark.parametrize("said", [b'["a"]\n', b"EYL2 hello\n", b"7\n", b"\xff\n"])
def test_who_answers_in_words_of_another_version_is_there(tmp_path: Path, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(socket_path(tmp_path)))
        listening.listen()

        def speak() -> None:
            asker, _ = listening.accept()
            with asker, asker.makefile("rb") as lines:
                lines.readline()
                asker.sendall(said)

        speaker = threading.Thread(target=speak)
        speaker.start()
        with pytest.raises(EyelidError, match="not understood") as told:
            request(tmp_path, "status")
        speaker.join()
    assert told.value.exit_code == 1


def test_the_socket_is_the_users_own(home: Path) -> None:
    assert socket_path(home).stat().st_mode & 0o777 == 0o600


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="eyelid run"):
        request(tmp_path, "status")


def test_the_socket_of_a_dead_recorder_is_nobody_and_does_not_bar_the_next(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path(tmp_path)))
    with pytest.raises(NotRunning):
        request(tmp_path, "status")
    served = ControlSocket(tmp_path, answer)
    assert request(tmp_path, "status") == {"verb": "status"}
    served.close()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Path]:
    """The home of a recorder that hangs: its socket is there, and nobody takes a connection from it."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(socket_path(tmp_path)))
        silent.listen(1)
        yield tmp_path


def test_a_recorder_that_hangs_is_nobody_however_often_it_is_asked(
    hanging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel keeps those who wait to be taken, and refuses whoever comes when its place for them is full."""
    monkeypatch.setattr(control, "HANGS_AFTER", 0.02)  # both are seconds, and nothing comes however long one waits
    monkeypatch.setattr(control, "EXCHANGE_WITHIN", 0.02)  # likewise
    for _ in range(4):
        with pytest.raises(NotRunning, match="does not answer"):
            next(follow(hanging))
        with pytest.raises(NotRunning, match="does not answer"):
            request(hanging, "status")


@pytest.mark.parametrize("said", [b'{"state": "recor', b"7", b"\xff"])
def test_a_word_that_breaks_off_is_nobodys(tmp_path: Path, said: bytes) -> None:
    """As when a recorder is killed while it speaks."""

    def speak() -> None:
        connection, _ = served.accept()
        with connection:
            connection.makefile("rb").readline()
            connection.sendall(said)

    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(socket_path(tmp_path)))
        served.listen()
        speaking = threading.Thread(target=speak)
        speaking.start()
        with pytest.raises(NotRunning):
            next(follow(tmp_path))
        speaking.join()


def test_a_home_that_is_closed_to_us_is_told_apart_from_one_where_nobody_is(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(EyelidError, match="cannot be reached") as told:
        request(tmp_path / "a-file", "status")
    assert told.value.exit_code == 1


def test_a_home_that_cannot_be_locked_is_told(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(EnvironmentFault, match="lock cannot be used: Is a directory"):
        control.claim(tmp_path)
    with pytest.raises(EnvironmentFault, match="cannot be used: File name too long"):
        control.claim(tmp_path / ("x" * 300))


def test_a_home_has_one_recorder(tmp_path: Path) -> None:
    with claim(tmp_path / "home"), pytest.raises(AlreadyRunning, match="eyelid status"):
        claim(tmp_path / "home")
    claim(tmp_path / "home").close()


def test_a_path_too_long_for_a_socket_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="EYELID_HOME"):
        socket_path(tmp_path / ("x" * 120))


def test_a_recorder_does_not_make_way(tmp_path: Path) -> None:
    def recorder(verb: str, _: Mapping[str, object]) -> Mapping[str, object]:
        raise UserError(f"no such request: {verb}")

    served = ControlSocket(tmp_path, recorder)
    with claim(tmp_path), pytest.raises(AlreadyRunning, match="eyelid status"):
        take_over(tmp_path)
    served.close()


def test_a_drain_makes_way_when_it_is_asked(tmp_path: Path) -> None:
    lock = claim(tmp_path)

    def drain(verb: str, _: Mapping[str, object]) -> Mapping[str, object]:
        assert verb == MAKE_WAY
        lock.close()
        return {}

    served = ControlSocket(tmp_path, drain)
    take_over(tmp_path).close()
    served.close()


def test_who_is_there_but_does_not_record_is_no_recorder(tmp_path: Path) -> None:
    def drain(_verb: str, _: Mapping[str, object]) -> Mapping[str, object]:
        raise NotRunning("just sending")

    served = ControlSocket(tmp_path, drain)
    with pytest.raises(NotRunning, match="just sending"):
        request(tmp_path, "status")
    served.close()


def test_a_follower_is_told_again_and_again_and_others_are_answered_meanwhile(tmp_path: Path) -> None:
    told: Mailbox[dict[str, object]] = Mailbox(8)
    served = ControlSocket(tmp_path, answer, lambda: iter(told))
    words = follow(tmp_path)
    told.put({"state": "recording"})
    assert next(words) == {"state": "recording"}
    assert request(tmp_path, "status") == {"verb": "status"}
    told.put({"state": "closed"})
    assert next(words) == {"state": "closed"}
    told.close()
    with pytest.raises(NotRunning, match="just ending"):
        next(words)
    served.close()


def test_a_recorder_that_falls_silent_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "HANGS_AFTER", 0.05)  # seconds, in which nothing comes
    told: Mailbox[dict[str, object]] = Mailbox(8)
    served = ControlSocket(tmp_path, answer, lambda: iter(told))
    words = follow(tmp_path)
    told.put({"state": "recording"})
    assert next(words) == {"state": "recording"}
    with pytest.raises(NotRunning, match="does not answer"):
        next(words)
    told.close()
    served.close()


def test_a_refusal_reaches_a_follower_in_its_own_words(tmp_path: Path) -> None:
    def busy() -> Iterator[Mapping[str, object]]:
        yield {"state": "recording"}
        raise UserError("the recorder is busy")

    served = ControlSocket(tmp_path, answer, busy)
    words = follow(tmp_path)
    assert next(words) == {"state": "recording"}
    with pytest.raises(UserError, match="busy"):
        next(words)
    served.close()


def test_followers_are_bounded_and_one_that_leaves_makes_room(tmp_path: Path) -> None:
    left = threading.Semaphore(0)

    def beating() -> Iterator[Mapping[str, object]]:
        try:
            while True:
                yield {"state": "recording"}
        finally:
            left.release()

    served = ControlSocket(tmp_path, answer, beating)
    all_of_them = [follow(tmp_path) for _ in range(FOLLOWERS)]
    assert [next(words)["state"] for words in all_of_them] == ["recording"] * FOLLOWERS
    with pytest.raises(UserError, match="follow already"):
        next(follow(tmp_path))
    all_of_them.pop().close()
    assert left.acquire(timeout=30)
    following = next_when_there_is_room(tmp_path)
    for words in (*all_of_them, following):
        words.close()
    served.close()


def next_when_there_is_room(home: Path) -> Generator[dict[str, object], None, None]:
    """The place is free a moment after the follower's words have ended."""
    deadline = time.monotonic() + 30
    while True:
        words = follow(home)
        try:
            next(words)
        except UserError:
            assert time.monotonic() < deadline
        else:
            return words


def test_a_drain_cannot_be_followed(home: Path) -> None:
    assert next(follow(home)) == {"verb": "follow"}  # the fake answers anything: nobody was handed on
