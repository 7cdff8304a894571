"""Exporters that are killed, as real processes, at drawn moments: nothing decrypted outlives the next sweep."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import ExitStack
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
    for turn in range(150):
        if turn >= 15 and left and turn % 3 == 0:
            break
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


TOKEN = "0123456789abcdef"


def test_a_note_names_nothing_else(tmp_path: Path) -> None:
    """One that somebody wrote leads to no other folder, and what is no note of ours stays."""
    register, other = tmp_path / "exports", tmp_path / "other"
    register.mkdir()
    other.mkdir()
    texts = (str(other), ".other", f"{other}/../other", f"1 2 {other}", str(tmp_path / f".other.{TOKEN}"))
    for number, text in enumerate(texts):
        (register / f"{number:016x}").write_text(text)
    (register / "readme").touch()
    (register / TOKEN).mkdir()
    os.mkfifo(register / f"{99:016x}")
    before = sorted(register.iterdir())
    assert sweep(register) == ()
    assert other.is_dir()
    assert sorted(register.iterdir()) == before
    assert sweep(tmp_path / "never-made") == ()


def test_a_note_that_was_cut_off_is_removed(tmp_path: Path) -> None:
    register = tmp_path / "exports"
    register.mkdir()
    (register / TOKEN).touch()
    assert sweep(register) == ()
    assert list(register.iterdir()) == []


def test_a_link_in_place_of_the_notes_folder_is_not_followed(tmp_path: Path) -> None:
    """The home is the store account's; root runs commands on it."""
    register, other = tmp_path / "home" / "exports", tmp_path / "roots"
    other.mkdir()
    (other / TOKEN).touch()
    register.parent.mkdir()
    register.symlink_to(other)
    with pytest.raises(OSError, match="directory"), building(register, tmp_path / "opened"):
        pass
    with pytest.raises(OSError, match="directory"):
        sweep(register)
    assert [path.name for path in other.iterdir()] == [TOKEN]


@pytest.mark.skipif(ON_WINDOWS or os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_away_what_it_has_made_and_nothing_else(tmp_path: Path) -> None:
    home, account = tmp_path / "home", 4711
    home.mkdir()
    os.chown(home, account, account)
    with building(home / "exports", tmp_path / "opened"):
        (note,) = (home / "exports").iterdir()
        assert {note.stat().st_uid, note.parent.stat().st_uid} == {account}
    os.chown(home / "exports", 0, 0)
    with building(home / "exports", tmp_path / "opened"):
        assert (home / "exports").stat().st_uid == 0
    (home / "exports" / TOKEN).touch()
    os.chown(home / "exports" / TOKEN, account + 1, account)
    sweep(home / "exports")
    assert (home / "exports" / TOKEN).exists()


def abandoned(register: Path, target: Path, token: str = TOKEN) -> Path:
    """What a killed exporter leaves: its folder, and its note as this version writes it."""
    register.mkdir(exist_ok=True)
    hidden = target.parent / f".{target.name}.{token}"
    hidden.mkdir(parents=True)
    (hidden / "screen-0.mp4").write_bytes(b"decrypted")
    inside = hidden.parent.stat()
    (register / token).write_bytes(b"%d %d " % (inside.st_dev, inside.st_ino) + os.fsencode(hidden))
    return hidden


def test_on_a_disk_that_is_not_there_it_stays_noted(tmp_path: Path) -> None:
    register, disk = tmp_path / "exports", tmp_path / "disk"
    register.mkdir()
    hidden = disk / f".opened.{TOKEN}"
    (register / TOKEN).write_text(str(hidden))
    assert [one.folder for one in sweep(register)] == [hidden]
    hidden.mkdir(parents=True)
    assert sweep(register) == ()
    assert not hidden.exists()


def test_at_an_empty_mount_point_it_stays_noted(tmp_path: Path) -> None:
    register, disk = tmp_path / "exports", tmp_path / "disk"
    hidden = abandoned(register, disk / "opened")
    disk.rename(tmp_path / "unmounted")
    disk.mkdir()  # where it was mounted
    assert [(one.folder, "another folder" in one.why) for one in sweep(register)] == [(hidden, True)]
    disk.rmdir()
    (tmp_path / "unmounted").rename(disk)
    assert sweep(register) == ()
    assert not hidden.exists()
    assert list(register.iterdir()) == []


def test_a_name_of_several_lines(tmp_path: Path) -> None:
    hidden = abandoned(tmp_path / "exports", tmp_path / "ticket\n4711")
    assert sweep(tmp_path / "exports") == ()
    assert not hidden.exists()


@pytest.mark.skipif(ON_WINDOWS or os.geteuid() != 0, reason="needs another user to be")
def test_what_another_user_cannot_look_at_stays_noted_and_the_rest_is_swept(tmp_path: Path) -> None:
    home, account = tmp_path / "home", 4711
    register = home / "exports"
    home.mkdir()
    unreadable, out_of_sight, plain = (f"{number:016x}" for number in range(3))
    (tmp_path / "theirs").mkdir()
    hidden = [
        abandoned(register, tmp_path / "theirs" / "first", unreadable),
        abandoned(register, tmp_path / "roots" / "second", out_of_sight),
        abandoned(register, tmp_path / "theirs" / "third", plain),
    ]
    (tmp_path / "roots").chmod(0o700)
    for folder in (home, register, tmp_path / "theirs", hidden[2], register / out_of_sight, register / plain):
        os.chown(folder, account, account)
    (register / unreadable).chmod(0o600)
    to_root = [folder for folder in tmp_path.parents if folder.stat().st_mode & 0o005 != 0o005]
    modes = [folder.stat().st_mode & 0o7777 for folder in (tmp_path, *to_root)]
    with ExitStack() as stack:  # pytest keeps its folders to itself
        for folder, mode in zip((tmp_path, *to_root), modes, strict=True):
            stack.callback(folder.chmod, mode)
            folder.chmod(0o755)
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(account)
            os.setuid(account)
            try:
                left = {one.note.name: one.why for one in sweep(register)}
            except OSError as error:
                left = {"raised": str(error)}
            (tmp_path / "theirs" / "said").write_text(repr(left))
            os._exit(0)
        os.waitpid(pid, 0)
    said = (tmp_path / "theirs" / "said").read_text()
    assert said == repr({unreadable: "Permission denied", out_of_sight: "Permission denied"})
    assert [folder.exists() for folder in hidden] == [True, True, False]
    assert sweep(register) == ()
    assert [folder.exists() for folder in hidden] == [False, False, False]


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
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
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
    assert f"an export that was killed left {gone} ({gone.parent} is not there): remove it" in told.err


def test_a_link_in_place_of_the_notes_folder_is_told_of(run: Run, home: Home, tmp_path: Path) -> None:
    home.exports.symlink_to(tmp_path)
    told = run("gaps")
    assert (told.code, f"{home.exports} cannot be read" in told.err) == (1, True)
