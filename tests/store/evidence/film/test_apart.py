"""The process that makes the film: confined before it decodes, held to what it may say, and gone with its parent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from protocol.envelope import SCREEN, SOUND_STREAM
from protocol.system import ON_LINUX
from store.clock import SECOND
from store.evidence.account import Interval
from store.evidence.film import CannotPlay, apart, making
from store.evidence.film.files import OpenFile
from store.evidence.film.layout import lay_out
from store.evidence.film.maker import plan_of
from store.evidence.film.plan import Plan
from tests.store.evidence.film.test_making import GREEN, RED, call, planned, screen, spans

LONG = Plan({}, {SCREEN: ()}, (Interval(0, 3600 * SECOND),))  # an hour of slates: it is at work for a while


def test_the_film_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    kept = spans((0, 3000), (5000, 8000))
    screens = {0: screen(tmp_path, 0, [(0, 3000, RED), (5000, 8000, GREEN)])}
    sound = call(tmp_path, [(0, 3000), (5000, 8000)])
    plan = planned(8000, {0: kept, SOUND_STREAM: kept})
    seconds: list[int] = []
    apart.make(plan, [], screens, (SOUND_STREAM, sound), tmp_path / "apart.mp4", advance=seconds.append)
    layout = lay_out([], making.sizes(screens), plan.kept)
    sources = making.Sources(screens, (SOUND_STREAM, sound))
    making.make(plan, layout, sources, OpenFile.new(tmp_path / "here.mp4"), advance=lambda _: None)
    assert (tmp_path / "apart.mp4").read_bytes() == (tmp_path / "here.mp4").read_bytes()
    assert (tmp_path / "apart.mp4").stat().st_mode & 0o777 == 0o600
    assert sum(seconds) == 8


def test_a_plan_crosses_whole() -> None:
    plan = planned(8000, {0: spans((0, 3000)), SOUND_STREAM: spans((1000, 8000))})
    assert plan_of(apart.plan_facts(plan)) == plan


def test_what_no_decoder_takes_is_said(tmp_path: Path) -> None:
    odd = tmp_path / "screen-0.mp4"
    odd.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    plan = planned(2000, {0: spans((0, 2000))})
    with pytest.raises(CannotPlay, match=r"screen-0\.mp4 is no film"):
        apart.make(plan, [], {0: odd}, None, tmp_path / "recording.mp4", advance=lambda _: None)


def test_a_film_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "recording.mp4").touch()
    with pytest.raises(CannotPlay, match="ended before it was done"):
        apart.make(LONG, [], {}, None, tmp_path / "recording.mp4", advance=lambda _: None)


@pytest.mark.parametrize(
    ("says", "error", "words"),
    [
        ("print('{\"errno\": 28}')", CannotPlay, "No space left"),
        ("print('{\"errno\": 9223372036854775807}')", CannotPlay, "exit code 0"),
        ("print('{\"errno\": -1}')", CannotPlay, "exit code 0"),
        ('print(\'{"why_not": "\\\\u001b[2Jmade up"}\')', CannotPlay, "^\N{REPLACEMENT CHARACTER}\\[2Jmade up$"),
        ('print(\'{"more": "many"}\\n{"made": 1}\')', CannotPlay, "exit code 0"),
        ("print('[' * 100000)", CannotPlay, "ended before it was done"),
        ("print('{\"made\": false}')", CannotPlay, "ended before it was done"),
        ("import os; os.kill(os.getpid(), 9)", CannotPlay, "exit code -9"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", CannotPlay, "more time than"),
    ],
)
def test_whatever_the_process_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, error: type[Exception], words: str
) -> None:
    """In its place runs what a hostile stream may have made of it."""
    monkeypatch.setattr(apart, "command", lambda: [sys.executable, "-c", says])
    with pytest.raises(error, match=words):
        apart.make(LONG, [], {}, None, tmp_path / "recording.mp4", advance=lambda _: None)


@pytest.mark.parametrize("says", ["pass", "print('{\"more\": 0}' * 1, flush=True)"])
def test_one_that_sleeps_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """In its place runs one that waits for what never comes; the deadline is short, since a test cannot wait for it."""
    sleeps = f"{says}\nimport threading; threading.Event().wait()"
    monkeypatch.setattr(apart, "command", lambda: [sys.executable, "-c", sleeps])
    monkeypatch.setattr(apart, "STALLED_AFTER", 1)
    with pytest.raises(CannotPlay, match="got no further"):
        apart.make(LONG, [], {}, None, tmp_path / "recording.mp4", advance=lambda _: None)


def started(to: Path, screens: dict[int, Path] | None = None) -> subprocess.Popen[bytes]:
    """At work, and confined: it has said so."""
    maker = subprocess.Popen(
        apart.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=apart.environment(), cwd="/"
    )
    assert maker.stdin is not None
    assert maker.stdout is not None
    maker.stdin.write(apart.job(LONG, [], screens or {}, None, to))
    maker.stdin.close()
    assert b"confined" in maker.stdout.readline()
    return maker


@pytest.mark.skipif(not ON_LINUX, reason="only Linux tells of a process what it is confined by")
def test_it_is_confined_before_it_decodes(tmp_path: Path) -> None:
    with started(tmp_path / "recording.mp4") as maker:
        proc = Path(f"/proc/{maker.pid}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines())
        limits = (proc / "limits").read_text()
        environment = (proc / "environ").read_bytes() if os.geteuid() == 0 else b""
        maker.kill()
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert line_of(limits, "Max open files")[:2] == ["0", "0"]
    assert "unlimited" not in line_of(limits, "Max address space") + line_of(limits, "Max cpu time")
    assert b"HOME" not in environment


def line_of(limits: str, name: str) -> Sequence[str]:
    return next(line for line in limits.splitlines() if line.startswith(name)).removeprefix(name).split()


PARENT = """
import subprocess, sys
from pathlib import Path
from tests.store.evidence.film.test_apart import started
print(started(Path(sys.argv[1])).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not ON_LINUX, reason="only Linux ends a process with its parent")
def test_it_goes_with_its_parent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "recording.mp4"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        text=True,
    ) as parent:
        assert parent.stdout is not None
        maker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    import select  # noqa: PLC0415 - for what only Linux has

    ended, _, _ = select.select([maker], [], [], 60)
    os.close(maker)
    assert ended
