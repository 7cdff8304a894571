"""A spool in memory, for tests of what stands on a spool. Passes the same contract suite as the one on disk."""

from __future__ import annotations

from collections.abc import Container, Iterator
from uuid import UUID

from agent.errors import SpoolFull
from agent.ports import Sealed
from protocol.envelope import KEY_PACKET_STREAM, Header


class MemorySpool:
    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: dict[str, Sealed] = {}
        self.reasons: dict[str, str] = {}
        self._aside: dict[str, Sealed] = {}

    def put(self, sealed: Sealed) -> None:
        known = self._waiting.get(sealed.name)
        if known is not None:
            if known.data != sealed.data:
                raise ValueError(f"two sealed chunks under one number: {sealed.name}")
            return
        held = sum(len(one.data) for one in (*self._waiting.values(), *self._aside.values()))
        if held + len(sealed.data) > self._max_bytes:
            raise SpoolFull("the memory spool is full")
        self._waiting[sealed.name] = sealed

    def pending(self, past: Container[UUID] = ()) -> Iterator[Sealed]:
        for sealed in sorted(self._waiting.values(), key=_age):
            if sealed.recording not in past and sealed.name in self._waiting:
                yield sealed

    def forget(self, name: str) -> None:
        self._waiting.pop(name, None)

    def set_aside(self, name: str, why: str) -> None:
        self._aside[name] = self._waiting.pop(name)
        self.reasons[name] = why

    def waiting(self) -> tuple[int, int]:
        return len(self._waiting), sum(len(one.data) for one in self._waiting.values())


def _age(sealed: Sealed) -> tuple[UUID, bool, int, int, int]:
    if sealed.stream == KEY_PACKET_STREAM:
        return (sealed.recording, False, 0, 0, 0)
    return (sealed.recording, True, Header.parse(sealed.data).start, sealed.stream, sealed.sequence)
