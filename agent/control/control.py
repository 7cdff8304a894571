"""How `eyelid status`, `hold`, `release` and the tray reach the running recorder: JSON lines on a local socket.

One line each way; after the request `follow` the recorder goes on to say its state, whenever it changes and as a beat.

Only the user who runs the recorder is heard: the socket lies in a folder of theirs with mode 0700, and the kernel says
who is at the other end.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from agent import durable
from agent.errors import NOT_RECORDING, EnvironmentFault, EyelidError, UserError
from protocol import local_socket

MAX_LINE: Final = 64 * 1024
MAX_ANSWER: Final = 16 * 1024**2  # every address of every tab
EXCHANGE_WITHIN: Final = 5.0  # seconds for one exchange, and for a drain to make way
LAST_ANSWER: Final = 0.2  # seconds; the end waits no longer for one that is being asked
FOLLOW: Final = "follow"  # the request that is answered again and again
HANGS_AFTER: Final = 3.0  # seconds; a recorder that says nothing for so long hangs (its beat is a second)
FOLLOWERS: Final = 8  # at once; a tray and a terminal or two
MAKE_WAY: Final = "make-way"  # what a recorder that starts asks of a drain that is at work in its home
NOT_RUNNING: Final = "Eyelid is not running here; `eyelid run` starts it"
NO_ANSWER: Final = "Eyelid does not answer; its log says why"
_IN_USE: Final = "Eyelid is already recording for this user; `eyelid status` shows it"
_PATH_LIMIT: Final = 107  # bytes in sockaddr_un, Linux unix(7)


class NotRunning(EyelidError):
    """No recorder answers at the socket."""

    exit_code = NOT_RECORDING


class AlreadyRunning(UserError):
    """Another recorder uses this home."""


def socket_path(home: Path) -> Path:
    """Raises UserError when the home's path is too long for a socket."""
    path = home / "control.sock"
    if len(os.fsencode(path)) > _PATH_LIMIT:
        raise UserError(
            f"the path of the home is too long for a local socket ({path}): set EYELID_HOME to a shorter one"
        )
    return path


def claim(home: Path) -> IO[str]:
    """The home's lock, held while the returned file is open. Raises AlreadyRunning, EnvironmentFault.

    A lock, not a pid file: it goes with the process, however that dies.
    """
    import fcntl  # noqa: PLC0415 - Windows has none

    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.fdopen(durable.open_regular(home / "lock", os.O_WRONLY | os.O_CREAT), "w", encoding="ascii")
    except OSError as failure:
        raise EnvironmentFault(
            f"{failure.filename or home} cannot be used: {failure.strerror}; is the home right, and yours?"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(_IN_USE) from None
    return lock


def take_over(home: Path) -> IO[str]:
    """`claim` for a recorder: a drain that is at work there makes way, and one that just ends is waited for.

    Raises AlreadyRunning.
    """
    until = time.monotonic() + EXCHANGE_WITHIN
    while True:
        try:
            return claim(home)
        except AlreadyRunning:
            if time.monotonic() > until:
                raise
        try:
            request(home, MAKE_WAY)
        except NotRunning:
            time.sleep(0.05)  # it has not begun to listen, or has ended listening
        except UserError:
            raise AlreadyRunning(_IN_USE) from None  # a recorder, and it stays
        else:
            time.sleep(0.05)


def request(home: Path, verb: str, **arguments: object) -> dict[str, object]:
    """Ask the running recorder.

    Raises NotRunning, UserError with its own words when it refuses, EyelidError where what it says is not understood.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(EXCHANGE_WITHIN)
        with _ask(connection, home, verb, arguments) as lines:
            return _understood(lines.readline)


def follow(home: Path) -> Generator[dict[str, object], None, None]:
    """The recorder's state as it changes, and at least once a second. Raises as `request`, and when it falls silent."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(HANGS_AFTER)
        with _ask(connection, home, FOLLOW, {}) as lines:
            while True:
                yield _understood(lines.readline)


def _ask(connection: socket.socket, home: Path, verb: str, arguments: Mapping[str, object]) -> IO[bytes]:
    """The lines that answer. Raises NotRunning, and EyelidError where that is not known."""
    try:
        connection.connect(str(socket_path(home)))
        connection.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
    except (FileNotFoundError, ConnectionError):
        raise NotRunning(NOT_RUNNING) from None
    except (TimeoutError, BlockingIOError):  # refused at once where others already wait for one that hangs
        raise NotRunning(NO_ANSWER) from None
    except OSError as failure:  # it may be there, and running
        raise EyelidError(f"Eyelid cannot be reached in {home}: {failure.strerror}") from None
    return connection.makefile("rb")


def _understood(readline: Callable[[int], bytes]) -> dict[str, object]:
    try:
        line = readline(MAX_ANSWER)
    except ConnectionError:
        raise NotRunning(NOT_RUNNING) from None
    except TimeoutError:
        raise NotRunning(NO_ANSWER) from None
    if not line:
        raise NotRunning("Eyelid is just ending")
    if len(line) == MAX_ANSWER and not line.endswith(b"\n"):
        raise EyelidError(f"Eyelid answers with more than {MAX_ANSWER // 2**20} MiB, of which nothing is read")
    if not line.endswith(b"\n"):  # it was killed while it spoke
        raise NotRunning("Eyelid broke off in the middle of its answer; its log says why")
    try:
        answer = dict(json.loads(line))
    except (ValueError, TypeError):
        raise EyelidError("Eyelid runs, and what it answers is not understood: it is of another version") from None
    if "error" in answer:
        raise (NotRunning if answer.get("code") == NotRunning.exit_code else UserError)(str(answer["error"]))
    return answer


Answer = Callable[[str, Mapping[str, object]], Mapping[str, object]]
Follow = Callable[[], Iterator[Mapping[str, object]]]


class ControlSocket:
    """Serves one request at a time, and followers beside it; `answer` raises EyelidError for what it refuses.

    `follow`: the lines for a follower, in a thread of its own; None where following is not offered.
    """

    def __init__(self, home: Path, answer: Answer, follow: Follow | None = None) -> None:
        self._path = socket_path(home)
        self._answer = answer
        self._follow = follow
        self._followers = threading.Semaphore(FOLLOWERS)
        self._path.unlink(missing_ok=True)  # the home is claimed, so what lies here is a dead recorder's
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(self._path))
        self._path.chmod(0o600)
        self._listening.listen(8)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(LAST_ANSWER)  # a client that is slow to ask gets no answer
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return  # closed
            connection.settimeout(EXCHANGE_WITHIN)
            try:
                handed_on = self._exchange(connection)
            except OSError:
                handed_on = False  # the asker went away
            if not handed_on:
                connection.close()

    def _exchange(self, connection: socket.socket) -> bool:
        """Whether the connection now belongs to the thread of a follower."""
        pid, uid = local_socket.credentials(connection)
        if uid not in (os.getuid(), 0) or pid <= 0:
            return False
        with connection.makefile("rb") as lines:
            line = lines.readline(MAX_LINE)
        answer: Mapping[str, object] = {
            "error": "this is no request that Eyelid understands; is the command of another version?"
        }
        try:
            asked = json.loads(line)
            if isinstance(asked, dict) and asked.get("verb") == FOLLOW and self._follow is not None:
                if self._followers.acquire(blocking=False):
                    tell = threading.Thread(target=self._tell, args=(connection, self._follow), daemon=True)
                    tell.start()
                    return True
                answer = {"error": f"{FOLLOWERS} others follow already: `eyelid status` without --watch shows it once"}
            elif isinstance(asked, dict) and isinstance(asked.get("verb"), str):
                answer = self._answer(asked.pop("verb"), asked)
        except EyelidError as refusal:
            answer = {"error": str(refusal), "code": refusal.exit_code}
        except (ValueError, RecursionError):
            pass  # not JSON: answered with what stands there already
        connection.sendall(json.dumps(answer).encode() + b"\n")
        return False

    def _tell(self, connection: socket.socket, follow: Follow) -> None:
        """Until it goes away, does not read, or nothing more is to be told."""
        with connection, contextlib.suppress(OSError):
            try:
                for word in follow():
                    connection.sendall(json.dumps(word).encode() + b"\n")
            except EyelidError as refusal:
                connection.sendall(json.dumps({"error": str(refusal), "code": refusal.exit_code}).encode() + b"\n")
            finally:
                self._followers.release()
