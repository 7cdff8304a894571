"""What is read of the user's own folder is a file: a pipe is not waited for, and no link is followed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import durable
from agent.control import control
from agent.errors import EnvironmentFault, UserError
from agent.ledger import has_unsent
from agent.state import identity

Make = Callable[[Path], None]


@pytest.fixture(params=["pipe", "folder", "link", "device"])
def odd(request: pytest.FixtureRequest) -> Make:
    """Makes what is no file."""
    kinds: dict[str, Make] = {
        "pipe": os.mkfifo,
        "folder": Path.mkdir,
        "link": lambda path: path.symlink_to(Path(__file__)),
        "device": lambda path: path.symlink_to("/dev/zero"),
    }
    return kinds[request.param]


def test_only_a_regular_file_is_read(tmp_path: Path, odd: Make) -> None:
    odd(tmp_path / "odd")
    with pytest.raises(OSError, match="odd"):
        durable.read(tmp_path / "odd")
    with pytest.raises(OSError, match="odd"):
        durable.open_regular(tmp_path / "odd", os.O_WRONLY | os.O_CREAT)


def test_a_file_is_read_and_made_for_its_user_alone(tmp_path: Path) -> None:
    os.close(durable.open_regular(tmp_path / "new", os.O_WRONLY | os.O_CREAT))
    assert durable.read(tmp_path / "new") == b""
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    (tmp_path / "new").write_bytes(b"all of it")
    assert durable.read(tmp_path / "new") == b"all of it"


def test_a_lock_that_is_no_file_is_said_and_not_waited_for(tmp_path: Path, odd: Make) -> None:
    odd(tmp_path / "lock")
    with pytest.raises(EnvironmentFault, match="lock cannot be used"):
        control.claim(tmp_path)


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        control.claim(tmp_path / "file" / "home")


def test_an_account_that_is_no_file_is_said_and_not_waited_for(tmp_path: Path, odd: Make) -> None:
    odd(tmp_path / "segment-000000000000")
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        has_unsent(tmp_path)


def test_an_identity_that_is_no_file_is_said_and_not_waited_for(tmp_path: Path, odd: Make) -> None:
    odd(tmp_path / identity.IDENTITY)
    with pytest.raises((EnvironmentFault, UserError), match="cannot be read"):
        identity.load(tmp_path)
