"""Key packets that the store has taken, for as long as it might still need them again.

A store that was put back from an old backup has forgotten the recordings opened since, and refuses their chunks. Their
key packets have left the spool; so a copy, which opens nothing here either, stays until the last chunk is receipted.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from agent import durable
from agent.errors import EnvironmentFault
from agent.ports import Sealed
from protocol.envelope import KEY_PACKET_STREAM

log = logging.getLogger(__name__)


class KeptPackets:
    """One file a recording in `folder`, named by it. For one thread."""

    def __init__(self, folder: Path) -> None:
        """Raises EnvironmentFault when the folder cannot be used."""
        self._folder = folder
        self._known: set[UUID] = set()
        self._maybe_through: set[UUID] = set()
        try:
            durable.make_folder(folder)
            for path in sorted(folder.iterdir()):
                try:
                    self._known.add(UUID(path.name))
                except ValueError:
                    path.unlink()  # half written: it never counted
        except OSError as failure:
            raise EnvironmentFault(f"{folder} cannot be used: {failure.strerror}") from failure

    def keep(self, packet: Sealed) -> None:
        """Durable when it returns, if the disk has room; without, only a store that forgets can do harm."""
        try:
            durable.write(self._folder / str(packet.recording), packet.data)
        except OSError as failure:
            log.warning("a key packet that the store has could not be kept here too: %s", failure.strerror)
            return
        self._known.add(packet.recording)

    def find(self, recording: UUID) -> Sealed | None:
        if recording not in self._known:
            return None
        try:
            data = durable.read(self._folder / str(recording))
        except OSError as failure:
            log.warning("a key packet that was kept here cannot be read: %s", failure.strerror)
            return None
        return Sealed(recording, KEY_PACKET_STREAM, 0, data, hashlib.sha256(data).digest())

    def drop_those_through(self, still_open: str | None, all_spooled_is_sent: Callable[[], bool]) -> None:
        """Forget the packets of recordings that are closed and receipted; to be called about once a minute.

        A recording counts as that when it was not open and nothing waited, twice in a row: one that is just being
        opened is not yet called open when its packet has arrived.
        """
        if not all_spooled_is_sent():
            return
        closed = {recording for recording in self._known if str(recording) != still_open}
        for recording in closed & self._maybe_through:
            with contextlib.suppress(OSError):  # then it goes at the next start
                (self._folder / str(recording)).unlink(missing_ok=True)
            self._known.discard(recording)
        self._maybe_through = closed & self._known
