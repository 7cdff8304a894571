"""Which program a process runs and whether it draws web pages, with real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from agent.core.model.seen import Blind
from agent.desktop.processes import GLANCE, LOADING, RESCAN, YOUNG, Process, Processes, numbers_in_namespaces

# A process that stays until its standard input ends, in the shape of any program.
WAITS = "import sys; sys.stdin.read()"


@pytest.fixture
def family() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


@pytest.fixture
def alone(family: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has no other processes: browsers that other tests start meanwhile are hosts, too."""

    def ours() -> list[int]:
        started = [psutil.Process(process.pid) for process in family]
        return [os.getpid(), *(each.pid for host in started for each in (host, *host.children(recursive=True)))]

    there = SimpleNamespace(**{**vars(psutil), "pids": ours})
    monkeypatch.setattr("agent.desktop.processes.psutil", there)


def start(family: list[subprocess.Popen[bytes]], *command: str) -> int:
    """Its pid, once the program itself runs: from then on the kernel knows its command line."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    family.append(process)
    while psutil.Process(process.pid).cmdline()[: len(command)] != list(command):
        os.sched_yield()
    return process.pid


def start_script(family: list[subprocess.Popen[bytes]], script: Path) -> int:
    """The id of a script's process, once it is the script's."""
    script.write_text(f"#!{Path(sys.executable).resolve()}\n{WAITS}\n")
    script.chmod(0o755)
    process = subprocess.Popen([script], stdin=subprocess.PIPE)
    family.append(process)
    while str(script) not in psutil.Process(process.pid).cmdline():
        os.sched_yield()
    return process.pid


def read(processes: Processes, pid: int) -> Process:
    found = processes.read(pid)
    assert isinstance(found, Process), found
    return found


def test_a_program_is_called_by_its_executable(family: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    till = tmp_path / "till.exe"
    shutil.copy("/bin/cat", till)
    assert read(Processes(), start(family, str(till))).name == "till"


def test_a_script_is_called_by_its_file_name_not_by_its_interpreter(
    family: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    assert read(Processes(), start_script(family, tmp_path / "chart-viewer")).name == "chart-viewer"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("patient-record", "patient-record"),
        ("patient-records", "patient-records\u2026"),  # the kernel would say the same of a longer one
        ("patient-records-viewer", "patient-records\u2026"),
        ("patient-recor\u00e9-viewer", "patient-recor\u00e9\u2026"),
        ("patient-record\u00e9", "patient-record\u2026"),  # cut within a sign
        ("hospitalviewer.exe", "hospitalviewer.\u2026"),  # as wine's are
        ("thunderbird.exe", "thunderbird\u2026"),
        ("viewer.exe", "viewer"),
    ],
)
def test_a_scripts_name_that_the_kernel_may_have_cut_says_so(
    family: list[subprocess.Popen[bytes]], tmp_path: Path, file: str, name: str
) -> None:
    assert read(Processes(), start_script(family, tmp_path / file)).called == name


def test_a_process_that_becomes_another_program_is_called_by_that(
    family: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    launcher, till = tmp_path / "launcher", tmp_path / "till"
    shutil.copy("/bin/dash", launcher)
    shutil.copy("/bin/cat", till)
    processes, pid = Processes(), start(family, str(launcher), "-c", f"read line; exec {till}")
    assert read(processes, pid).name == "launcher"
    stdin = family[0].stdin
    assert stdin is not None
    stdin.write(b"\n")
    stdin.flush()
    while psutil.Process(pid).exe() != str(till):
        os.sched_yield()
    assert read(processes, pid).name == "till"


def test_a_process_that_has_gone_has_vanished(family: list[subprocess.Popen[bytes]]) -> None:
    pid = start(family, "/bin/cat")
    ended = family.pop()
    assert ended.stdin is not None
    ended.stdin.close()
    ended.wait()
    assert Processes().read(pid) is Blind.VANISHED


@pytest.mark.usefixtures("alone")
def test_a_helper_makes_an_engine_of_the_process_it_works_for(family: list[subprocess.Popen[bytes]]) -> None:
    """A browser starts a zygote, which starts a renderer; the shell that started the browser is none."""
    renderer = f"{WAITS}"
    zygote = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {renderer!r}, '--type=renderer'])"
    browser = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {zygote!r}, '--type=zygote'])"
    processes = Processes()
    assert not processes.rescan(now=0.0)
    pid = start(family, sys.executable, "-c", browser)
    assert not read(processes, pid).engine
    while len(psutil.Process(pid).children(recursive=True)) < 2:
        os.sched_yield()
    for child in psutil.Process(pid).children(recursive=True):
        while not any(word.startswith("--type=") for word in child.cmdline()):
            os.sched_yield()
    assert processes.rescan(now=RESCAN)
    assert read(processes, pid).engine
    assert not read(processes, os.getpid()).engine
    assert not processes.rescan(now=2 * RESCAN)


def test_what_a_helper_made_an_engine_is_one_after_the_clock_was_set(
    family: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a time of day, a process's start is what the kernel says of its own, and that moves with the clock."""
    set_by = [0.0]

    class OnThatClock(psutil.Process):
        def create_time(self) -> float:
            return super().create_time() + set_by[0]

    there = SimpleNamespace(**{**vars(psutil), "Process": OnThatClock})
    monkeypatch.setattr("agent.desktop.processes.psutil", there)  # no test may set this machine's clock
    host = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS!r}, '--type=renderer'])"
    processes = Processes()
    processes.rescan(now=0.0)
    pid = start(family, sys.executable, "-c", host)
    while not any("--type=renderer" in child.cmdline() for child in psutil.Process(pid).children()):
        os.sched_yield()
    processes.rescan(now=RESCAN)
    processes.rescan(now=RESCAN + YOUNG)  # its helper is not looked at again
    assert read(processes, pid).engine
    set_by[0] = 1.0
    assert read(processes, pid).engine
    processes.rescan(now=2 * RESCAN + YOUNG)
    assert read(processes, pid).engine


def test_a_process_that_becomes_a_helper_while_it_is_young_is_noticed(family: list[subprocess.Popen[bytes]]) -> None:
    becomes = f"os.execv(sys.executable, [sys.executable, '-c', {WAITS!r}, '-contentproc'])"
    late = f"import os, sys; sys.stdin.readline(); {becomes}"
    host = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {late!r}])"
    processes = Processes()
    processes.rescan(now=0.0)
    pid = start(family, sys.executable, "-c", host)
    while not psutil.Process(pid).children():
        os.sched_yield()
    processes.rescan(now=RESCAN)
    assert not read(processes, pid).engine
    assert family[-1].stdin is not None
    family[-1].stdin.write(b"now\n")
    family[-1].stdin.flush()
    [child] = psutil.Process(pid).children()
    while "-contentproc" not in child.cmdline():
        os.sched_yield()
    assert processes.rescan(now=RESCAN + YOUNG / 2)
    assert read(processes, pid).engine


def test_a_helper_that_has_just_started_is_noticed_at_the_next_glance(family: list[subprocess.Popen[bytes]]) -> None:
    host = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAITS!r}, '--type=renderer'])"
    processes = Processes()
    processes.rescan(now=10.0)
    pid = start(family, sys.executable, "-c", host)
    while not any("--type=renderer" in child.cmdline() for child in psutil.Process(pid).children()):
        os.sched_yield()
    assert not processes.rescan(now=10.0 + GLANCE / 2)
    assert processes.rescan(now=10.0 + GLANCE)
    assert read(processes, pid).engine


def test_a_process_that_becomes_a_helper_after_a_glance_is_noticed_at_another(
    family: list[subprocess.Popen[bytes]],
) -> None:
    becomes = f"os.execv(sys.executable, [sys.executable, '-c', {WAITS!r}, '-contentproc'])"
    late = f"import os, sys; sys.stdin.readline(); {becomes}"
    host = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {late!r}])"
    processes = Processes()
    processes.rescan(now=10.0)
    pid = start(family, sys.executable, "-c", host)
    while not psutil.Process(pid).children():
        os.sched_yield()
    [child] = psutil.Process(pid).children()
    while child.cmdline()[-1:] != [late]:
        os.sched_yield()
    processes.rescan(now=10.0 + GLANCE)
    assert not read(processes, pid).engine
    assert family[-1].stdin is not None
    family[-1].stdin.write(b"now\n")
    family[-1].stdin.flush()
    while "-contentproc" not in child.cmdline():
        os.sched_yield()
    assert processes.rescan(now=10.0 + 3 * GLANCE)
    assert read(processes, pid).engine


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize("hidden", [False, True], ids=["plain", "not dumpable"])
def test_nothing_is_read_of_another_users_processes_until_a_window_is_theirs(
    family: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, hidden: bool
) -> None:
    """One that may not be dumped is root's in /proc."""
    leave = f"import ctypes, os; os.setuid({NOBODY}); ctypes.CDLL(None).prctl(4, {int(not hidden)})"
    processes = Processes()
    processes._users = {1}  # of the recorder, which is root in this test
    processes.rescan(now=10.0)
    process = subprocess.Popen(
        [sys.executable, "-c", f"{leave}; print(flush=True); {WAITS}", "--type=renderer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    family.append(process)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    read_of: list[int] = []
    monkeypatch.setattr(processes, "_note_host", read_of.append)  # notes what is read
    processes.rescan(now=10.0 + GLANCE)
    processes.rescan(now=10.0 + RESCAN)
    assert process.pid not in read_of
    read(processes, process.pid)
    processes.rescan(now=10.0 + RESCAN + GLANCE)
    assert process.pid in read_of


@pytest.mark.usefixtures("alone")
def test_rescans_keep_their_distance() -> None:
    processes = Processes()
    processes.rescan(now=10.0)
    seen = processes._scanned
    assert not processes.rescan(now=10.0 + RESCAN / 2)
    assert processes._scanned == seen


@pytest.mark.parametrize("files", [("icudtl.dat", "v8_context_snapshot.bin"), ("omni.ja",)], ids=["Chromium", "Gecko"])
def test_an_engine_is_known_by_the_files_beside_its_program(
    family: list[subprocess.Popen[bytes]], tmp_path: Path, files: tuple[str, ...]
) -> None:
    shutil.copy("/bin/cat", tmp_path / "renamed")
    for name in files:
        (tmp_path / name).touch()
    assert read(Processes(), start(family, str(tmp_path / "renamed"))).engine


# Maps the files that its standard input names, a line each, and says so.
MAPS = (
    "import mmap, sys; kept = []\n"
    "for line in sys.stdin:\n"
    "    with open(line.rstrip(), 'r+b') as file: kept.append(mmap.mmap(file.fileno(), 0))\n"
    "    print(flush=True)\n"
)


class Loader:
    """A process that maps a file by any name: a library as the kernel lists it."""

    def __init__(self, family: list[subprocess.Popen[bytes]], folder: Path) -> None:
        self._process = subprocess.Popen([sys.executable, "-c", MAPS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        family.append(self._process)
        self._folder = folder
        self.pid = self._process.pid

    def load(self, name: str) -> None:
        library = self._folder / name
        library.write_bytes(b"\0" * 4096)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{library}\n".encode())
        self._process.stdin.flush()
        self._process.stdout.readline()


@pytest.fixture
def loader(family: list[subprocess.Popen[bytes]], tmp_path: Path) -> Iterator[Loader]:
    loader = Loader(family, tmp_path)
    loader.load("libgtk-3.so.0")  # it has started
    yield loader
    assert loader._process.stdout is not None
    loader._process.stdout.close()


# As Debian 13's packages name them, unless the name of another family; and what is none.
ENGINES = [
    "libwebkit2gtk-4.1.so.0",
    "libwebkitgtk-6.0.so.4",
    "libWPEWebKit-2.0.so.1",
    "libjfxwebkit.so",
    "libQt5WebKit.so.5",
    "libQtWebKit.so.4",
    "libQt5WebEngineCore.so.5",
    "libQt6WebEngineCore.so.6",
    "libKF5KHTML.so.5",
    "libcef.so",
    "libnw.so",
    "libxul.so",
    "xul.dll",
    "mshtml.dll",
    "libsciter-gtk.so",
    "libUltralightCore.so",
    "liblagom-web.so.0",
    "liblitehtml.so.0",
    "gb.form.htmlview.so.0",
    "v8_context_snapshot.bin",
    "chrome_100_percent.pak",
    "omni.ja",
]
NO_ENGINES = ["libQt6WebSockets.so.6", "libQt5WebChannel.so.5", "icudtl.dat", "libmozjs-128.so.0", "libwebp.so.7"]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_known_by_what_it_has_mapped(loader: Loader, name: str) -> None:
    loader.load(name)
    assert read(Processes(), loader.pid).engine


def test_other_libraries_are_no_engine(loader: Loader) -> None:
    for name in NO_ENGINES:
        loader.load(name)
    assert not read(Processes(), loader.pid).engine


def test_a_folder_called_like_an_engine_is_none(family: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    (tmp_path / "webkit").mkdir()
    loader = Loader(family, tmp_path / "webkit")
    loader.load("libgtk-3.so.0")
    assert not read(Processes(), loader.pid).engine
    assert loader._process.stdout is not None
    loader._process.stdout.close()


def test_an_engine_that_is_loaded_later_is_known_when_the_process_is_read_again(loader: Loader) -> None:
    """As for each new window: a login window first, the web view in the next one."""
    processes = Processes()
    assert not read(processes, loader.pid).engine
    loader.load("libjfxwebkit.so")
    assert read(processes, loader.pid).engine


def test_an_engine_that_is_loaded_behind_a_window_is_noticed_in_less_than_a_hindsight(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes()
    processes.rescan(now=10.0)
    assert not read(processes, loader.pid).engine
    loader.load("libjfxwebkit.so")
    monkeypatch.setattr(processes, "_have_helpers", lambda now: now < 0)  # other processes may be, too
    assert not processes.rescan(now=10.0 + LOADING / 2)
    assert processes.rescan(now=10.0 + LOADING * 1.5)
    assert not processes.rescan(now=10.0 + LOADING * 3)
    assert read(processes, loader.pid).engine


def test_a_process_that_loads_nothing_is_examined_once(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of what is mapped is long: 1 to 3 ms for a Java program."""
    processes = Processes()
    processes.rescan(now=10.0)
    read(processes, loader.pid)
    asked: list[int] = []
    monkeypatch.setattr("agent.desktop.processes._mapped", lambda pid: asked.append(pid) or b"")  # notes what is asked
    for turn in range(1, 20):
        processes.rescan(now=10.0 + turn * LOADING)
        read(processes, loader.pid)
    assert loader.pid not in asked


def test_numbers_in_namespaces_include_the_outer_one() -> None:
    assert os.getpid() in numbers_in_namespaces(os.getpid())
    assert numbers_in_namespaces(2**22 + 1) == {2**22 + 1}
