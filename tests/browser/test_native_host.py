"""The relay as the browser runs it: a process with two pipes, and an agent that is there or is not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.browser import native_host
from testkit.fakes.browser import LENGTH, WITHIN, framed

RELAY = Path(native_host.__file__)
HELLO = framed({"n": 1, "kind": "hello", "title": "Karte - Zürich"})


class Relay:
    """The process. What it reads and writes are bytes: it knows no message."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-I", "-S", str(RELAY), "--socket", str(path), "chrome-extension://abc/"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )

    def send(self, sent: bytes) -> None:
        assert self.process.stdin is not None
        while sent:
            sent = sent[self.process.stdin.write(sent) or 0 :]

    def receive(self, length: int) -> bytes:
        assert self.process.stdout is not None
        got = b""
        while len(got) < length:
            ready, _, _ = select.select([self.process.stdout], [], [], WITHIN)
            assert ready, "nothing came from the relay"
            piece = self.process.stdout.read(length - len(got))
            assert piece, "the relay has ended"
            got += piece
        return got

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said on stderr; the browser's end of the pipe stays open."""
        code = self.process.wait(WITHIN)
        assert self.process.stderr is not None
        return code, self.process.stderr.read().decode()

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        self.process.kill()
        self.process.wait()


class Agent:
    """A listening socket and, once it has come, the relay's connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(path))
        self._listening.listen()
        self._listening.settimeout(WITHIN)
        self._end: socket.socket | None = None

    @property
    def end(self) -> socket.socket:
        if self._end is None:
            self._end, _ = self._listening.accept()
            self._end.settimeout(WITHIN)
        return self._end

    def receive(self, length: int) -> bytes:
        got = b""
        while len(got) < length:
            piece = self.end.recv(length - len(got))
            assert piece, "the relay has let go"
            got += piece
        return got

    def let_go(self) -> None:
        """Ends the connection; the next one may come."""
        self.end.close()
        self._end = None

    def close(self) -> None:
        if self._end is not None:
            self._end.close()
        self._listening.close()
        self._path.unlink(missing_ok=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "browser.sock"


@pytest.fixture
def agent(path: Path) -> Iterator[Agent]:
    with contextlib.closing(Agent(path)) as agent:
        yield agent


@pytest.fixture
def relay(path: Path) -> Iterator[Relay]:
    with contextlib.closing(Relay(path)) as relay:
        yield relay


def test_messages_are_carried_unchanged_both_ways(agent: Agent, relay: Relay) -> None:
    assert agent.end
    relay.send(HELLO)
    assert agent.receive(len(HELLO)) == HELLO
    agent.end.sendall(HELLO * 3)
    assert relay.receive(3 * len(HELLO)) == HELLO * 3


def test_a_message_in_pieces_comes_whole(agent: Agent, relay: Relay) -> None:
    assert agent.end
    for byte in HELLO:
        relay.send(bytes([byte]))
    assert agent.receive(len(HELLO)) == HELLO


def test_the_largest_messages_pass(agent: Agent, relay: Relay) -> None:
    assert agent.end
    from_browser = LENGTH.pack(native_host.FROM_BROWSER) + b"x" * native_host.FROM_BROWSER
    relay.send(from_browser)
    assert agent.receive(len(from_browser)) == from_browser
    from_agent = LENGTH.pack(native_host.FROM_AGENT) + b"y" * native_host.FROM_AGENT
    agent.end.sendall(from_agent)
    assert relay.receive(len(from_agent)) == from_agent


@pytest.mark.parametrize("length", [0, native_host.FROM_BROWSER + 1, 2**32 - 1])
def test_a_length_from_the_browser_that_cannot_be_ends_it(agent: Agent, relay: Relay, length: int) -> None:
    assert agent.end
    relay.send(LENGTH.pack(length) + b"secret")
    code, said = relay.end()
    assert code == 4
    assert said.startswith("eyelid relay: the browser sent a message of")
    assert said.count("\n") == 1
    assert "secret" not in said
    assert agent.end.recv(1) == b""


@pytest.mark.parametrize("length", [0, native_host.FROM_AGENT + 1, 2**32 - 1])
def test_a_length_from_the_agent_that_cannot_be_ends_it(agent: Agent, relay: Relay, length: int) -> None:
    agent.end.sendall(LENGTH.pack(length))
    code, said = relay.end()
    assert code == 5
    assert said.startswith("eyelid relay: the agent sent a message of")


def test_a_length_that_cannot_be_is_refused_without_an_agent_too(relay: Relay) -> None:
    relay.send(LENGTH.pack(0))
    assert relay.end()[0] == 4


def test_too_many_messages_end_it(relay: Relay) -> None:
    with contextlib.suppress(BrokenPipeError):
        # So many fit into no two seconds, unless the machine stood still for one.
        for _ in range(10):
            relay.send(framed(1) * native_host.PER_SECOND)
    code, said = relay.end()
    assert code == 4
    assert said == "eyelid relay: the browser sent more than 2000 messages in a second\n"


def test_too_many_messages_from_the_agent_end_it(agent: Agent, relay: Relay) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        agent.end.sendall(framed(1) * native_host.PER_SECOND * 10)
    code, said = relay.end()
    assert code == 5
    assert "the agent sent more than 2000 messages" in said


def test_the_browsers_end_of_file_ends_it(agent: Agent, relay: Relay) -> None:
    assert agent.end
    assert relay.process.stdin is not None
    relay.process.stdin.close()
    assert relay.process.wait(WITHIN) == 0
    assert agent.end.recv(1) == b""


def test_an_end_of_file_ends_it_without_an_agent(relay: Relay) -> None:
    assert relay.process.stdin is not None
    relay.process.stdin.close()
    assert relay.process.wait(WITHIN) == 0


def test_an_end_of_file_amid_a_message_ends_it_silently(relay: Relay) -> None:
    relay.send(HELLO[:-1])
    assert relay.process.stdin is not None
    relay.process.stdin.close()
    assert relay.end() == (0, "")


def test_a_browser_that_no_longer_reads_ends_it(agent: Agent, relay: Relay) -> None:
    assert agent.end
    assert relay.process.stdout is not None
    relay.process.stdout.close()
    assert relay.process.wait(WITHIN) == 0


def test_it_starts_with_closed_pipes_and_ends(path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(RELAY), "--socket", str(path)]
    shell = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&- >&-', "sh", *command], check=False, timeout=WITHIN)
    assert shell.returncode == 0


def test_what_is_told_without_an_agent_is_thrown_away(path: Path, relay: Relay) -> None:
    relay.send(HELLO + HELLO[:7])  # the second message is completed after the agent has come: it comes whole
    _until_read(relay)
    with contextlib.closing(Agent(path)) as agent:
        assert agent.end
        relay.send(HELLO[7:])
        assert agent.receive(len(HELLO)) == HELLO
        after = framed({"n": 2})
        relay.send(after)
        assert agent.receive(len(after)) == after


def test_an_agent_that_comes_back_begins_with_whole_messages(agent: Agent, relay: Relay) -> None:
    agent.end.sendall(HELLO[:9])  # dies amid a message, which the browser never sees
    agent.let_go()
    assert agent.end
    after = framed({"kind": "welcome"})
    agent.end.sendall(after)
    assert relay.receive(len(after)) == after
    relay.send(HELLO)
    assert agent.receive(len(HELLO)) == HELLO


def test_an_agent_that_takes_nothing_is_let_go(agent: Agent, relay: Relay) -> None:
    assert agent.end
    large = LENGTH.pack(native_host.FROM_BROWSER) + b"x" * native_host.FROM_BROWSER
    for _ in range(native_host.WAITING // len(large) + 2):
        relay.send(large)
    with contextlib.suppress(ConnectionResetError):
        while agent.end.recv(2**20):
            pass  # what was on its way
    agent.let_go()
    assert agent.end  # the next connection
    relay.send(HELLO)
    assert agent.receive(len(HELLO)) == HELLO


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a socket of another user")
def test_a_socket_of_another_user_is_no_agent() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        path = Path(folder, "browser.sock")
        listen = (
            "import os, socket, sys\n"
            "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.setuid(65534); s.listen(); print(flush=True)\n"
            "while True: print(len(s.accept()[0].recv(1)), flush=True)\n"
        )
        stranger = subprocess.Popen([sys.executable, "-I", "-S", "-c", listen, str(path)], stdout=subprocess.PIPE)
        opened.callback(stranger.wait)
        opened.callback(stranger.kill)
        assert stranger.stdout is not None
        opened.enter_context(stranger.stdout)
        assert stranger.stdout.readline() == b"\n"
        relay = opened.enter_context(contextlib.closing(Relay(path)))
        relay.send(HELLO)
        assert stranger.stdout.readline() == b"0\n"  # it came, saw whose socket it is, and said nothing
        assert stranger.stdout.readline() == b"0\n"  # and tries again


def test_wrong_usage_is_told() -> None:
    command = [sys.executable, "-I", "-S", str(RELAY), "chrome-extension://abc/"]
    ended = subprocess.run(command, check=False, timeout=WITHIN, stdin=subprocess.DEVNULL, capture_output=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"usage: ")


def test_a_copy_runs_alone_and_loads_little(tmp_path: Path, path: Path) -> None:
    """Every browser waits for its start, which costs what it loads: 17 ms with these, some ten more for a big one."""
    copy = tmp_path / "copied.py"
    copy.write_bytes(RELAY.read_bytes())
    command = [sys.executable, "-I", "-S", "-X", "importtime", str(copy), "--socket", str(path)]
    ended = subprocess.run(
        command, check=True, timeout=WITHIN, stdin=subprocess.DEVNULL, cwd="/", capture_output=True, text=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "socket" in loaded
    assert not loaded & {"agent", "argparse", "asyncio", "json", "logging", "pathlib", "re", "subprocess", "typing"}


def _until_read(relay: Relay) -> None:
    """Awaits that the relay has taken everything out of its pipe."""
    assert relay.process.stdin is not None
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        # FIONREAD on the writing end tells what is still in the pipe.
        left = fcntl.ioctl(relay.process.stdin.fileno(), termios.FIONREAD, b"\0" * 4)
        if not any(left):
            return
        time.sleep(0.01)
    raise AssertionError("the relay reads nothing")
