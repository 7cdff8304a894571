"""What uploading reports: by callbacks, and each alarm once until it is over."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from agent.core.account.troubles import TroubleCode
from protocol.bundle import Bundle


@dataclass(frozen=True, slots=True)
class UploadCallbacks:
    """Called by the uploader's own thread; they return at once."""

    receipt: Callable[[int], None]  # ns of the clock
    alarm: Callable[[TroubleCode], None]
    cleared: Callable[[TroubleCode], None]
    bundle: Callable[[Bundle], None]


class Alarms:
    """For one thread."""

    def __init__(self, callbacks: UploadCallbacks) -> None:
        self._callbacks = callbacks
        self._sounding: set[TroubleCode] = set()
        self._because: dict[TroubleCode, set[UUID]] = {}

    def sound(self, code: TroubleCode, because: UUID | None = None) -> None:
        """`because`: the recording that it is about; it lasts until `settled` was said of each of them."""
        if because is not None:
            self._because.setdefault(code, set()).add(because)
        if code not in self._sounding:
            self._sounding.add(code)
            self._callbacks.alarm(code)

    def clear(self, codes: AbstractSet[TroubleCode]) -> None:
        for code in sorted(self._sounding & codes):
            self._sounding.remove(code)
            self._callbacks.cleared(code)

    def settled(self, code: TroubleCode, recording: UUID) -> None:
        """The alarm is no longer about this recording."""
        about = self._because.get(code, set())
        about.discard(recording)
        if not about:
            self.clear({code})
