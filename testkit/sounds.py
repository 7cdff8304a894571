"""Private sound servers: PulseAudio and PipeWire, each started and ended by the test itself, by process id.

A rig has two sinks for tests to play to. What is played to `micfeed` is what the microphone `agentmic` hears; what is
played to `farend`, the default sink, is the far end. Nothing here touches the sound of the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from testkit.waits import StageError

RATE: Final = 48_000  # samples a second of all that is played
SOON: Final = 20.0  # s: more than a server takes to start on a busy machine
SINKS: Final = ("micfeed", "farend")  # the microphone's and the far end's

NEEDED: Final = {
    "pulseaudio": ("pulseaudio", "pactl", "paplay"),
    "pipewire": ("pipewire", "wireplumber", "pipewire-pulse", "pactl", "paplay"),
}


def missing(kind: str) -> str | None:
    """Why this machine cannot run such a server; None when it can."""
    absent = [program for program in NEEDED[kind] if shutil.which(program) is None]
    return f"{', '.join(absent)} missing (scripts/setup installs them)" if absent else None


class SoundServer:
    """One of `pulseaudio` and `pipewire`, with the devices of a call. `address` is what $PULSE_SERVER would be."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        socket = folder / "native" if kind == "pulseaudio" else folder / "pulse" / "native"
        self.address = f"unix:{socket}"
        self._modules: dict[str, int] = {}

    def start(self, *, devices: bool = True) -> None:
        """Raises TimeoutError when it does not answer in time."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULSE_", "DBUS_"))},
            "XDG_RUNTIME_DIR": str(self._folder),
            "XDG_STATE_HOME": str(self._folder / "state"),
            "XDG_CONFIG_HOME": str(self._folder / "config"),
            "HOME": str(self._folder),
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        }
        if self.kind == "pulseaudio":
            environment |= {"PULSE_RUNTIME_PATH": str(self._folder), "PULSE_STATE_PATH": str(self._folder / "state")}
            script = self._folder / "test.pa"
            script.write_text(
                f"load-module module-native-protocol-unix auth-anonymous=1 socket={self._folder / 'native'}\n"
            )
            options = ["-n", "-F", str(script), "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
            commands = [["pulseaudio", *options]]
        else:
            commands = [["pipewire"], ["wireplumber"], ["pipewire-pulse"]]
        with (self._folder / "server.log").open("ab") as log:
            for command in commands:
                self._processes.append(
                    subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                )
                if command == ["pipewire"]:
                    self._await_socket()  # the others end when they find none
        self._await_answer()
        if devices:
            self.plug_sink("farend")
            self.plug_sink("micfeed")
            self.plug_microphone("agentmic")
            self.set_default_sink("farend")
            self.set_default_source("agentmic")

    def _await_socket(self) -> None:
        deadline = time.monotonic() + SOON
        while not (self._folder / "pipewire-0").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"pipewire made no socket:\n{(self._folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.02)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + SOON
        while self._run("pactl", "info", check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.kind} did not start:\n{(self._folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a crash: no client gets a message."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        self._processes = []
        self._modules = {}
        for leftover in ("native", "pulse/native", "pulse/pid", "pipewire-0", "pipewire-0.lock", "pipewire-0-manager"):
            (self._folder / leftover).unlink(missing_ok=True)

    def plug_sink(self, name: str) -> None:
        self._load(name, "module-null-sink", f"sink_name={name}", "rate=48000", "channels=2")

    def plug_microphone(self, name: str, hears: str = "micfeed") -> None:
        """A microphone that hears what is played to the sink `hears`."""
        self._load(name, "module-remap-source", f"source_name={name}", f"master={hears}.monitor")

    def _load(self, name: str, *module: str) -> None:
        self._modules[name] = int(self._run("pactl", "load-module", *module).stdout)

    def has(self, name: str) -> bool:
        """Whether it is plugged in."""
        return name in self._modules

    def unplug(self, name: str) -> None:
        self._run("pactl", "unload-module", str(self._modules.pop(name)))

    def set_default_sink(self, name: str) -> None:
        self._make_default("sink", name)

    def set_default_source(self, name: str) -> None:
        self._make_default("source", name)

    def _make_default(self, kind: str, name: str) -> None:
        """Until the server says so: in PipeWire a device is there a moment late, and is the default later still."""
        deadline = time.monotonic() + SOON
        while not self.attempt(f"set-default-{kind}", name) or self.pactl(f"get-default-{kind}").strip() != name:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.kind}: {name} does not become the default {kind}")
            time.sleep(0.05)

    @contextlib.contextmanager
    def playing(self, sink: str, hertz: float, level: float = 0.5) -> Iterator[subprocess.Popen[bytes]]:
        """A steady tone on the sink, for as long as the context lasts (a minute at most)."""
        file = self._folder / f"{sink}-{hertz:.0f}.wav"
        if not file.exists():
            tone(file, hertz, 60, level)
        with self.plays(sink, file) as player:
            yield player

    @contextlib.contextmanager
    def plays(self, sink: str, file: Path) -> Iterator[subprocess.Popen[bytes]]:
        command = ["paplay", f"--server={self.address}", f"--device={sink}", str(file)]
        player = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield player
        finally:
            player.terminate()
            player.wait()

    def pactl(self, *words: str) -> str:
        return self._run("pactl", *words).stdout

    def attempt(self, *words: str) -> bool:
        """Whether pactl could do it."""
        return self._run("pactl", *words, check=False).returncode == 0

    def _run(self, program: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [program, f"--server={self.address}", *words]
        return subprocess.run(command, check=check, capture_output=True, text=True, timeout=SOON)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]


@contextlib.contextmanager
def sound_server(kind: str, folder: Path, *, devices: bool = True) -> Iterator[SoundServer]:
    """A private server of that kind; it ends with the context. `folder`: short, a socket's path has 107 bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "pulse").mkdir(exist_ok=True)
    server = SoundServer(kind, folder)
    try:
        server.start(devices=devices)
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def played(server: SoundServer, files: Sequence[Path]) -> Iterator[None]:
    """One at each end, to its end unless the block fails. Raises StageError where the server plays nothing."""
    with contextlib.ExitStack() as stack:
        players = [stack.enter_context(server.plays(sink, file)) for sink, file in zip(SINKS, files, strict=True)]
        yield
        for player in players:
            if player.wait():
                raise StageError(f"the sound server plays nothing: paplay ended with {player.returncode}")


def tone(file: Path, hertz: float, seconds: float, level: float = 0.5) -> None:
    """Mono, 48 kHz, 16 bit; `level` of full scale."""
    write(file, np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE) * level * 32_767)


def write(file: Path, samples: np.ndarray[tuple[int, ...], np.dtype[Any]]) -> Path:
    """One end of a call, of 48 kHz and 16 bit, as a file that a server's player takes."""
    with wave.open(str(file), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples.astype("<i2").tobytes())
    return file
