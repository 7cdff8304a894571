"""Where sealed chunks wait for the store: durable before they count, gone only against a receipt.

One process owns a spool; in it one thread puts and another takes. Every file is written once and never changed.

    <root>/<recording id>/<stream>-<sequence>      a sealed chunk; the key packet is 65535-0000000000
    <root>/set_aside/<name>-<hash>                 what the store refused for good or what is damaged, and <...>.why
"""

from __future__ import annotations

import bisect
import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from agent import durable
from agent.core.account.troubles import TroubleCode
from agent.errors import EnvironmentFault, SpoolFull, Transient
from agent.ports import Sealed
from protocol import base64url, jws
from protocol.claims import parse_object
from protocol.envelope import KEY_PACKET_STREAM, LEAST_READ, MAX_SEALED, Header
from protocol.errors import EnvelopeError, ProtocolError

log = logging.getLogger(__name__)

SET_ASIDE: Final = "set_aside"
# What no repetition changes: one such chunk must not keep the others here.
_FOR_GOOD: Final = frozenset({
    errno.EIO, errno.EISDIR, errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EACCES, errno.EPERM,
    errno.EBADMSG, getattr(errno, "EUCLEAN", errno.EIO),  # what Linux says of a file system that is damaged itself
})  # fmt: skip
_NAME: Final = re.compile(r"(\d{5})-(\d{10,})")


class Place(NamedTuple):
    """Where a chunk stands in the queue, in the order of its fields.

    Oldest recording first (a UUIDv7 begins with its time), its key packet before its chunks, and these in the order of
    the moments they show. No file time is asked: it follows the wall clock, which may jump.
    """

    recording: UUID
    is_chunk: bool
    start: int
    stream: int
    sequence: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.recording}/{self.stream:05d}-{self.sequence:010d}"


def place_of(recording: UUID, stream: int, sequence: int, content: bytes, size: int) -> Place:
    """The place that a name claims, if the bytes claim the same one (whether they are authentic only a key can tell).

    `content`: all of a key packet; of a sealed chunk, its first `LEAST_READ` bytes are enough. Raises ProtocolError.
    """
    if size > MAX_SEALED:
        raise EnvelopeError("oversized", f"{size} bytes, more than the {MAX_SEALED} allowed")
    if stream == KEY_PACKET_STREAM:
        claimed = (_recording_of_packet(content), KEY_PACKET_STREAM, 0)
        start = 0
    else:
        header = Header.parse(content)
        claimed = (header.recording, header.stream, header.sequence)
        start = header.start
    if claimed != (recording, stream, sequence):
        raise EnvelopeError("wrong-name", "the bytes say that they are another chunk than the one named")
    return Place(recording, stream != KEY_PACKET_STREAM, start, stream, sequence, size)


def _recording_of_packet(content: bytes) -> UUID:
    """The recording that a key packet says it is for; its signature is the store's and the auditor's to check."""
    try:
        token = content.decode("ascii")
        jws.read_header(jws.PACKET, token)
        return UUID(str(parse_object(base64url.decode(token.split(".")[1]))["recording"]))
    except (ValueError, KeyError) as error:
        raise EnvelopeError("bad-packet", "not a whole key packet") from error


class DiskSpool:
    """`agent.ports.Spool` in the folder `root`: at most `max_bytes` in it, and `keep_free` bytes of the disk left over.

    `alarm` is told when a chunk was lost or set aside here.
    Opening recovers: what was half written goes, what does not say what its name says is set aside, the rest waits.
    Raises EnvironmentFault when the folder cannot be used.
    """

    def __init__(self, root: Path, *, max_bytes: int, keep_free: int, alarm: Callable[[TroubleCode], None]) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._keep_free = keep_free
        self._alarm = alarm
        self._lock = threading.Lock()
        self._queue: list[Place] = []  # sorted
        self._by_name: dict[str, Place] = {}
        self._bytes = 0
        self._aside_bytes = 0
        self._folders: set[UUID] = set()  # durable ones: a put need not make sure of them again
        self._unreadable: set[str] = set()  # reported, once each
        try:
            self._recover()
        except OSError as failure:
            raise EnvironmentFault(f"the spool in {root} cannot be used: {failure.strerror}") from failure

    # -- in -------------------------------------------------------------------------------------------------------

    def put(self, sealed: Sealed) -> None:
        """Durable when it returns. The very same chunk again is no mistake: it may have been half way.

        Raises SpoolFull (nothing of it is kept), Transient (try the same bytes again), and ValueError when the bytes
        are not the chunk that they are named for: a number is spent once, for one content.
        """
        place = place_of(sealed.recording, sealed.stream, sealed.sequence, sealed.data, len(sealed.data))
        path = self._root / sealed.name
        with self._lock:
            if sealed.name in self._by_name:
                if durable.read(path) != sealed.data:
                    raise ValueError(f"two sealed chunks under one number: {sealed.name}")
                return
            self._check_room(place.size)
            try:
                self._open_folder(sealed.recording)
                durable.write(path, sealed.data)
            except OSError as failure:
                self._folders.discard(sealed.recording)  # if it was taken away, the next try makes it anew
                if durable.is_full(failure):
                    raise SpoolFull("the disk is full: free some space, and recording goes on by itself") from failure
                raise Transient(f"the spool's disk refused a chunk ({_reason(failure)})") from failure
            self._enter(place)

    def _check_room(self, size: int) -> None:
        held = self._bytes + self._aside_bytes
        if held + size > self._max_bytes:
            raise SpoolFull(
                f"{held} bytes wait for the store, spool.max_bytes allows {self._max_bytes}: "
                "recording goes on when the store has taken some; is the network up?"
            )
        free = shutil.disk_usage(self._root).free
        if free - size < self._keep_free:
            raise SpoolFull(
                f"the disk has {free} bytes left, spool.keep_free wants {self._keep_free}: "
                "free some space, and recording goes on by itself"
            )

    def _open_folder(self, recording: UUID) -> None:
        if recording in self._folders:
            return
        durable.make_folder(self._root / str(recording))
        self._folders.add(recording)
        # Folders of recordings that are through are swept here and not when they empty: while the store keeps up,
        # that would cost a new durable folder for every chunk.
        busy = {place.recording for place in self._queue} | {recording}
        for old in self._folders - busy:
            with contextlib.suppress(OSError):  # something else lies in it: the next start looks at that
                (self._root / str(old)).rmdir()
        self._folders &= busy

    def _enter(self, place: Place) -> None:
        bisect.insort(self._queue, place)
        self._by_name[place.name] = place
        self._bytes += place.size

    # -- out ------------------------------------------------------------------------------------------------------

    def pending(self, past: Container[UUID] = ()) -> Iterator[Sealed]:
        """Oldest first, without the recordings in `past`; read one at a time, so what changes meanwhile is seen.

        What cannot be read now keeps the rest of its recording with it, and no other. Raises Transient where there was
        nothing else.
        """
        hindered: Transient | None = None
        any_read = False
        place = self._at(0)
        while place is not None:
            if place.recording in past:
                place = self._beyond(place.recording)
                continue
            try:
                sealed = self._read(place)
            except Transient as failure:
                hindered = failure
                place = self._beyond(place.recording)
                continue
            if sealed is not None:
                any_read = True
                yield sealed
            place = self._after(place)
        if hindered is not None and not any_read:
            raise hindered

    def _read(self, place: Place) -> Sealed | None:
        """None where the chunk is no more, or cannot be had: it has then left the queue. Raises Transient."""
        try:
            data = durable.read(self._root / place.name)
        except FileNotFoundError:
            # It was removed. The ledger's heads name it, so the store will miss it; here it can only be reported.
            if self._leave(place.name) is not None:
                log.warning("a sealed chunk has vanished from the spool: %s", place.name)
                self._alarm(TroubleCode.CHUNK_VANISHED)
            return None
        except OSError as failure:
            if failure.errno not in _FOR_GOOD:
                raise Transient(f"the spool cannot be read ({_reason(failure)})") from failure
            if place.name not in self._unreadable:  # also when it cannot even be set aside
                self._unreadable.add(place.name)
                self._alarm(TroubleCode.CHUNK_UNREADABLE)
            self.set_aside(place.name, _unreadable(failure))
            return None
        return Sealed(place.recording, place.stream, place.sequence, data, hashlib.sha256(data).digest())

    def _at(self, position: int) -> Place | None:
        with self._lock:
            return self._queue[position] if position < len(self._queue) else None

    def _after(self, last: Place) -> Place | None:
        with self._lock:
            at = bisect.bisect_right(self._queue, last)
            return self._queue[at] if at < len(self._queue) else None

    def _beyond(self, recording: UUID) -> Place | None:
        """The first chunk of the next recording: thousands may wait in this one."""
        with self._lock:
            at = bisect.bisect_right(self._queue, recording, key=lambda place: place.recording)
            return self._queue[at] if at < len(self._queue) else None

    def forget(self, name: str) -> None:
        """The store has it. The unlink is not made durable: a chunk that comes back is sent again, and the store
        answers with the same receipt."""
        if self._leave(name) is not None:
            try:
                (self._root / name).unlink(missing_ok=True)
            except OSError as failure:
                log.warning(
                    "a chunk that the store has cannot be removed (%s); it will be sent again", _reason(failure)
                )

    def _leave(self, name: str) -> Place | None:
        """Out of the queue; None when it had left already."""
        with self._lock:
            place = self._by_name.pop(name, None)
            if place is not None:
                del self._queue[bisect.bisect_left(self._queue, place)]
                self._bytes -= place.size
            return place

    def set_aside(self, name: str, why: str) -> None:
        """Out of the queue, with its reason beside it; its bytes still count, so that this can never fill a disk.

        Raises Transient, and leaves it in the queue, when the disk refuses.
        """
        try:
            self._move_aside(self._root / name, why)
        except OSError as failure:
            raise Transient(f"the spool's disk refused to set a chunk aside ({_reason(failure)})") from failure
        self._leave(name)

    def waiting(self) -> tuple[int, int]:
        """(chunks, bytes) not yet receipted; asks no disk."""
        with self._lock:
            return len(self._queue), self._bytes

    def ends(self, recording: UUID) -> dict[int, tuple[int, str]]:
        """stream -> (next sequence, hex SHA-256 of the last chunk) of what waits here; without what cannot be read."""
        with self._lock:
            places = [place for place in self._queue if place.recording == recording and place.is_chunk]
        last = {place.stream: place for place in sorted(places, key=lambda place: place.sequence)}
        found = {}
        for stream, place in last.items():
            with contextlib.suppress(OSError):
                content = durable.read(self._root / place.name)
                found[stream] = (place.sequence + 1, hashlib.sha256(content).hexdigest())
        return found

    def oldest(self) -> int | None:
        """When what has waited longest was recorded, ns since 1970 as the PC believed it; None where nothing waits."""
        with self._lock:
            if not self._queue:
                return None
            first = self._queue[0]
            return (first.recording.int >> 80) * 10**6 + first.start  # a UUIDv7 begins with its milliseconds

    def aside(self) -> int:
        """How many chunks lie aside: a person should look at them."""
        try:
            return sum(1 for path in (self._root / SET_ASIDE).iterdir() if path.suffix != ".why")
        except OSError:
            return 0  # named when the spool was opened

    def _move_aside(self, path: Path, why: str) -> None:
        try:
            with os.fdopen(durable.open_regular(path, os.O_RDONLY), "rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()[:16]
            size = path.stat().st_size
        except OSError:
            content, size = "unreadable", 0
        # With its hash in the name: two different chunks under one number both stay.
        target = self._root / SET_ASIDE / f"{path.parent.name}-{path.name}-{content}"
        durable.make_folder(target.parent)  # it may have been tidied away
        # The reason first: dying between the two leaves the chunk in the queue, to be refused again.
        durable.write(target.with_name(f"{target.name}.why"), f"{why}\n".encode())
        path.replace(target)
        durable.sync_folder(target.parent)
        durable.sync_folder(path.parent)
        with self._lock:
            self._aside_bytes += size

    # -- at the start ---------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        durable.make_folder(self._root)
        aside = self._root / SET_ASIDE
        with self._passing_over(aside):
            durable.make_folder(aside)
            self._aside_bytes = sum(_size(path) for path in aside.iterdir())
        for temporary in self._root.rglob(f"{durable.TEMPORARY}*"):
            with self._passing_over(temporary):
                temporary.unlink()
        for folder in sorted(self._root.iterdir()):
            try:
                recording = UUID(folder.name)
            except ValueError:
                if folder.name != SET_ASIDE:
                    log.warning("the spool holds something that is none of its own: %s", folder.name)
                continue
            with self._passing_over(folder):
                self._recover_recording(recording, folder)
        self._queue.sort()
        # The process before may have died between a rename and making it durable.
        durable.sync_folder(self._root)

    @contextlib.contextmanager
    def _passing_over(self, path: Path) -> Iterator[None]:
        """What no repetition makes usable stays for a person, by name: the rest must be sent."""
        try:
            yield
        except OSError as failure:
            if failure.errno not in _FOR_GOOD | {errno.ENOENT, errno.EEXIST}:  # a link to nothing, a file as a folder
                raise
            log.warning("passed over in the spool: %s: %s", path.name, _unreadable(failure))
            self._alarm(TroubleCode.CHUNK_UNREADABLE)

    def _recover_recording(self, recording: UUID, folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            try:
                place = _found(recording, path)
            except ProtocolError as mistake:
                self._put_by(path, str(mistake), TroubleCode.CHUNK_DAMAGED)
            except OSError as failure:
                if failure.errno not in _FOR_GOOD:
                    raise
                self._put_by(path, _unreadable(failure), TroubleCode.CHUNK_UNREADABLE)
            else:
                self._queue.append(place)
                self._by_name[place.name] = place
                self._bytes += place.size
        durable.sync_folder(folder)
        self._folders.add(recording)

    def _put_by(self, path: Path, why: str, alarm: TroubleCode) -> None:
        """Aside; where the disk refuses that too, it stays for the next start. The others must be sent: on a full disk
        that alone makes room."""
        log.warning("set aside from the spool: %s/%s: %s", path.parent.name, path.name, why)
        self._alarm(alarm)
        try:
            self._move_aside(path, f"found at the start: {why}")
        except OSError as failure:
            log.warning("it stays where it is: the disk refused (%s)", _reason(failure))
            self._aside_bytes += _size(path)


def _size(path: Path) -> int:
    """0 where the disk cannot tell."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _unreadable(failure: OSError) -> str:
    return f"the disk cannot read it ({_reason(failure)})"


def _found(recording: UUID, path: Path) -> Place:
    """The place of a file that was found in a recording's folder. Raises ProtocolError if it has none."""
    match = _NAME.fullmatch(path.name)
    if match is None or path.is_symlink() or not path.is_file():
        raise EnvelopeError("wrong-name", "no name of a sealed chunk")
    stream, sequence = int(match[1]), int(match[2])
    with path.open("rb") as file:
        content = file.read(-1 if stream == KEY_PACKET_STREAM else LEAST_READ)
    place = place_of(recording, stream, sequence, content, path.stat().st_size)
    if path.parent.name != str(recording) or place.name.rpartition("/")[2] != path.name:
        raise EnvelopeError("wrong-name", "a chunk's name in another spelling")
    return place


def _reason(failure: OSError) -> str:
    return errno.errorcode.get(failure.errno or 0, type(failure).__name__)
