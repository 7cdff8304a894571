"""The store's receipts, kept: they say after a death how much was sent, and convict a store that has lost what it took.

One file a recording in the folder, named by it: receipts (JWS), a line each, in the order in which they came.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from agent import durable
from agent.errors import EnvironmentFault
from protocol import base64url
from protocol.claims import parse_object
from protocol.envelope import KEY_PACKET_STREAM
from protocol.errors import ProtocolError
from protocol.jws import Keys
from protocol.receipt import Receipt

log = logging.getLogger(__name__)

MOST_NUMBERS: Final = 100_000  # chunks of a stream that are looked for; an hour has some thousands
MOST_BYTES: Final = 64 * 2**20  # of all; some weeks of work. The oldest recordings' go first
AT_HAND: Final = 4  # recordings of which the ends are remembered: one that is open, one that it takes over from

Heads = dict[int, tuple[int, str]]


class KeptReceipts:
    """For one thread, and for the one that makes it before."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Raises EnvironmentFault when the folder cannot be used."""
        self._folder = folder
        self._most_bytes = most_bytes
        try:
            durable.make_folder(folder)
            self._sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        except OSError as failure:
            raise EnvironmentFault(f"{folder} cannot be used: {failure.strerror}") from failure
        self._bytes = sum(self._sizes.values())
        self._ends: dict[UUID, Heads] = {}  # of the recordings that came last

    def keep(self, recording: UUID, receipt: str) -> None:
        """It outlives the process, not a power cut: a flush for each would cost more than all else that sending does.

        A disk that refuses is no reason to stop sending, which alone makes room on it.
        """
        name, line = str(recording), receipt.encode("ascii") + b"\n"
        try:
            self._make_room(name, len(line))
            opened = durable.open_regular(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            with os.fdopen(opened, "ab") as file:
                if _is_torn(opened):
                    line = b"\n" + line
                file.write(line)
        except OSError as failure:
            log.warning("a receipt could not be kept: %s", failure.strerror)
        else:
            self._sizes[name] = self._sizes.get(name, 0) + len(line)
            self._bytes += len(line)
        _note(self.ends(recording), receipt)

    def _make_room(self, name: str, size: int) -> None:
        while self._bytes + size > self._most_bytes:
            oldest = min(self._sizes, default=name)  # a UUIDv7 begins with its time
            if oldest == name:
                return
            (self._folder / oldest).unlink(missing_ok=True)
            self._bytes -= self._sizes.pop(oldest)

    def ends(self, recording: UUID) -> Heads:
        """stream -> (next sequence, hex SHA-256 of the last chunk) of what the store has taken of the recording."""
        found = self._ends.get(recording)
        if found is None:
            found = self._ends[recording] = {}
            for line in _lines(self._folder / str(recording)):
                _note(found, line)
            while len(self._ends) > AT_HAND:
                del self._ends[next(iter(self._ends))]
        return found


def _is_torn(opened: int) -> bool:
    """Whether a death or a full disk cut the last line off: what is added to it would be lost with it."""
    size = os.fstat(opened).st_size
    if not size:
        return False
    os.lseek(opened, size - 1, os.SEEK_SET)
    return os.read(opened, 1) != b"\n"


def _note(ends: Heads, receipt: str) -> None:
    match _payload(receipt):
        case {"stream": int(stream), "sequence": int(sequence), "sha256": str(sha256)}:
            if stream != KEY_PACKET_STREAM and ends.get(stream, (0, ""))[0] <= sequence:
                ends[stream] = (sequence + 1, sha256)
        case _:
            pass  # torn by a death


@dataclass(frozen=True, slots=True)
class Held:
    """What the store has signed for of one recording, the key packet left out.

    `missing`: (stream, sequence) below the last of its stream without a receipt here. `worthless`: lines that prove
    nothing. `first`, `last`: ns since 1970 by the store's clock; None without a receipt.
    """

    recording: str
    chunks: int
    missing: tuple[tuple[int, int], ...]
    worthless: int
    first: int | None
    last: int | None


def held(folder: Path, store: Keys, device: str) -> Iterator[Held]:
    """Of each recording, oldest first, every signature checked. A torn line is worthless, and no lie."""
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        receipts: list[Receipt] = []
        worthless = 0
        for line in _lines(path):
            try:
                receipt = Receipt.verify(line, store)
            except ProtocolError:
                worthless += 1
                continue
            if (str(receipt.recording), receipt.device) == (path.name, device):
                receipts.append(receipt)
            else:
                worthless += 1
        places = {(one.stream, one.sequence) for one in receipts if one.stream != KEY_PACKET_STREAM}
        ends = dict(sorted(places))  # the last of each stream
        whole = {(stream, number) for stream, end in ends.items() for number in range(min(end, MOST_NUMBERS))}
        times = sorted(one.at for one in receipts)
        first, last = (times[0], times[-1]) if times else (None, None)
        yield Held(path.name, len(places), tuple(sorted(whole - places)), worthless, first, last)


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from durable.read(path).decode("ascii", "replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as failure:
        log.warning("kept receipts cannot be read: %s", failure.strerror)


def _payload(line: str) -> dict[str, object]:
    """What it says; its signature was checked before it was kept."""
    try:
        return parse_object(base64url.decode(line.split(".")[1]))
    except (ValueError, IndexError):
        return {}
