"""A command that asks for a passphrase holds keys from then on: neither ends in a core file."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from protocol.system import ON_LINUX
from store import cli
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT

PROGRAM = Path(sys.executable).with_name("eyelid-store")


@pytest.mark.skipif(not ON_LINUX, reason="only Linux shows a process's limits under /proc")
@pytest.mark.parametrize(
    "command",
    [
        ["init", "--home", "{new}", "--keys", "{new}-keys", "--address", "127.0.0.1"],
        ["bundle", "reader", "-o", "{new}"],
        ["bundle", "sign", "--key", "{compliance}", "--from", "{bundle}", "--no-policy", "-o", "{new}"],
        ["verify", "--all", "--home", "{home}", "--key", "{recipient}"],
        ["renew", "tls", "--home", "{home}"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_who_asks_for_a_passphrase_leaves_no_core(command: list[str], home: Home, tmp_path: Path) -> None:
    """The passphrase is a pipe of which nothing comes: the command waits for it."""
    places = {name: home.folder / home.key(name).file for name in (COMPLIANCE, RECIPIENT)}
    places |= {"home": home.folder, "new": tmp_path / "new", "bundle": tmp_path / "bundle"}
    cli.main(["bundle", "show", "--home", str(home.folder), "--save", str(places["bundle"])])
    os.mkfifo(tmp_path / "never")
    words = [word.format(**places) for word in command]
    with subprocess.Popen([PROGRAM, *words, "--passphrase-file", tmp_path / "never"]) as started:
        writer = None
        while writer is None and started.poll() is None:
            with suppress(OSError):  # nobody reads it yet
                writer = os.open(tmp_path / "never", os.O_WRONLY | os.O_NONBLOCK)
        assert writer is not None, "it ended without asking"
        limits = Path(f"/proc/{started.pid}/limits").read_text("utf-8")
        started.kill()
        os.close(writer)
    [core] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
