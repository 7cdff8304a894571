"""The name under which a PC records is the account's, whatever the environment claims."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from protocol.os_user import os_user, whole
from protocol.system import ON_WINDOWS

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


@pytest.mark.skipif(ON_WINDOWS, reason="Windows has no account database that Python reads")
@pytest.mark.parametrize("claimed", ["somebody", "\udcff"])
def test_the_environment_is_not_believed(claimed: str) -> None:
    import pwd  # noqa: PLC0415 - Windows has none

    asked = "from protocol.os_user import os_user; print(os_user())"
    environment = {**os.environ, **dict.fromkeys(NAMES, claimed)}
    ran = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.skipif(ON_WINDOWS, reason="Windows has no account numbers")
def test_an_account_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)  # to become one, a test would have to be root
    assert os_user() == "4000000000"


def test_on_windows_its_own_word_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.os_user.ON_WINDOWS", True)  # the branch, not the system: this one is Linux
    monkeypatch.setenv("USERNAME", "alice")
    assert os_user() == "alice"


def test_what_is_no_text_can_still_be_written() -> None:
    assert whole("a\udcffb") == "a?b"
