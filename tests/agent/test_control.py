"""The local socket: one request, one answer, and clear words when nobody or somebody else is there."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent.control import MAKE_WAY, AlreadyRunning, ControlSocket, NotRunning, claim, request, socket_path, take_over
from agent.errors import UserError


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


@pytest.mark.parametrize("line", [b"\n", b"not json\n", b"[]\n", b'{"no": "verb"}\n', b"7\n", b"\xff\xfe\n"])
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
