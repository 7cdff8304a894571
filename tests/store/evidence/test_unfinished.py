"""Exporters that are killed, as real processes, at drawn moments: nothing decrypted outlives the next sweep."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.system import ON_WINDOWS
from store.admin.home import Home
from store.evidence.unfinished import building, sweep
from tests.store.command_line import Run, key, passphrase_file, run
from tests.store.recorded import Filmed

__all__ = ["key", "passphrase_file", "run"]  # fixtures

pytestmark = pytest.mark.skipif(ON_WINDOWS, reason="without locks nothing says which exporter lives: nothing is swept")

WORK = """
import sys
from itertools import count
from pathlib import Path
from store.evidence.unfinished import building
register, target = map(Path, sys.argv[1:3])
for number in count():
    with building(register, target) as hidden:
        (hidden / "screen-0.mp4").write_bytes(b"decrypted")
        print(number, flush=True)
        hidden.rename(target / str(number))
"""


def hidden_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def exporter(register: Path, target: Path, *, through: int) -> subprocess.Popen[str]:
    """One that has finished so many exports, and goes on."""
    started = subprocess.Popen(
        [sys.executable, "-c", WORK, register, target], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert started.stdout is not None
    while int(started.stdout.readline()) < through:
        pass
    return started


def test_what_a_killed_exporter_left_is_swept_wherever_it_was(tmp_path: Path) -> None:
    register, drawn, left = tmp_path / "exports", random.Random(18), 0
    for turn in range(15):
        target = tmp_path / f"disk-{turn}" / "opened"
        target.mkdir(parents=True)
        with exporter(register, target, through=drawn.randrange(4)) as started:
            for _ in range(drawn.randrange(20_000)):
                pass  # some microseconds, so that the kill falls anywhere
            started.kill()
        left += len(hidden_in(target.parent))
        if turn % 3 == 2:
            assert sweep(register) == ()
            assert [name for disk in tmp_path.glob("disk-*") for name in hidden_in(disk)] == []
            assert list(register.iterdir()) == []
    assert left > 0, "no kill fell while something lay decrypted: the test shows nothing"


def test_an_exporter_that_lives_keeps_its_folder(tmp_path: Path) -> None:
    register = tmp_path / "exports"
    with building(register, tmp_path / "opened") as hidden:
        assert sweep(register) == ()
        assert hidden.is_dir()
    assert not hidden.exists()
    assert list(register.iterdir()) == []


def test_a_note_names_nothing_else(tmp_path: Path) -> None:
    """One that was cut off, or that somebody wrote, leads to no other folder."""
    register, other = tmp_path / "exports", tmp_path / "other"
    register.mkdir()
    other.mkdir()
    for number, text in enumerate(("", str(other), ".other", f"{other}/../other")):
        (register / str(number)).write_text(text)
    assert sweep(register) == ()
    assert other.is_dir()
    assert list(register.iterdir()) == []
    assert sweep(tmp_path / "never-made") == ()


def test_on_a_disk_that_is_not_there_it_stays_noted(tmp_path: Path) -> None:
    register, disk = tmp_path / "exports", tmp_path / "disk"
    register.mkdir()
    hidden = disk / ".opened.0123456789abcdef"
    (register / "0123456789abcdef").write_text(str(hidden))
    assert sweep(register) == (hidden,)
    hidden.mkdir(parents=True)
    assert sweep(register) == ()
    assert not hidden.exists()


@pytest.mark.slow(reason="eight exports as processes of their own, each of which starts Python and a decoder")
@pytest.mark.usefixtures("interruptible")
def test_an_export_that_is_killed_or_asked_to_end(
    run: Run, filmed: Filmed, key: Path, passphrase_file: Path, tmp_path: Path, home: Home
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    drawn = random.Random(3)
    command = [
        *(Path(sys.executable).with_name("eyelid-store"), "export", str(filmed.recording.id), "--home", home.folder),
        *("-o", work / "opened", "--key", key, "--passphrase-file", passphrase_file),
    ]
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        before = set(hidden_in(work))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
            while started.poll() is None and not set(hidden_in(work)) - before:
                pass  # until it has begun to build: then at once, or a while later
            for _ in range(drawn.choice((0, 10_000, 1_000_000))):
                pass
            started.send_signal(number)
            _, told = started.communicate()
        assert "Traceback" not in told
        if (work / "opened").exists():  # it was finished by then
            (work / "opened").rename(tmp_path / f"done-{drawn.random()}")
        elif number != signal.SIGKILL:
            assert started.returncode == (130 if number == signal.SIGINT else 128 + number)
            assert hidden_in(work) == []
    opening = ("--key", key, "--passphrase-file", passphrase_file)
    assert run("export", filmed.recording.id, "-o", work / "opened", *opening).code == 0
    assert hidden_in(work) == []
    assert [path.name for path in work.iterdir()] == ["opened"]
    assert list(home.exports.iterdir()) == []


def test_what_could_not_be_removed_is_told_of(run: Run, home: Home, tmp_path: Path) -> None:
    home.exports.mkdir()
    gone = tmp_path / "no-such-disk" / ".opened.0123456789abcdef"
    (home.exports / "0123456789abcdef").write_text(str(gone))
    told = run("gaps")
    assert f"an export that was killed left {gone}" in told.err
