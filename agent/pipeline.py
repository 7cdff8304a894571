"""How the stages of the recorder hand things on: bounded, in order, with the end as part of the type.

Linear only: one consumer a mailbox. A full mailbox is an answer (`put` says False), never a silent loss or a stall of
the thread that captures.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A bounded queue that can be closed. What was put before the close is still handed out."""

    def __init__(self, room: int) -> None:
        self._items: deque[T] = deque()
        self._room = room
        self._closed = False
        self._changed = threading.Condition()
        self.refused = 0

    def put(self, item: T, *, must: bool = False) -> bool:
        """False when there is no room or the mailbox is closed; the item is then not in it, and counted.

        `must` is for the few orders that no full mailbox may stop.
        """
        with self._changed:
            if self._closed or (len(self._items) >= self._room and not must):
                self.refused += 1
                return False
            self._items.append(item)
            self._changed.notify()
            return True

    def get(self, timeout: float | None = None) -> T | None:
        """The oldest item; None after `timeout` seconds, or when closed and empty (see `ended`)."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout)
            return self._items.popleft() if self._items else None

    def wait(self, timeout: float) -> None:
        """Until there is an item, but at most `timeout` seconds; takes none."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come than what is in it."""
        with self._changed:
            return self._closed

    @property
    def ended(self) -> bool:
        with self._changed:
            return self._closed and not self._items

    def __iter__(self) -> Iterator[T]:
        while True:
            item = self.get()
            if item is None:
                return
            yield item

    def __len__(self) -> int:
        return len(self._items)


class Stage(threading.Thread):
    """One thread of the recorder. A failure is reported at once, so that the eye closes."""

    def __init__(self, name: str, work: Callable[[], None], failed: Callable[[str, BaseException], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._failed = failed

    def run(self) -> None:
        try:
            self._work()
        except BaseException as failure:  # noqa: BLE001 - reported at once: a stage that died silently would be a lie
            self._failed(self.name, failure)
