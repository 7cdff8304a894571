"""What goes through all PCs beside the pages, in a thread of its own, and only when somebody asks.

Thousands of PCs take many seconds, so who asks waits a little and is shown the last round meanwhile.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from store.clock import Clock, wall

WITHIN: Final = 5.0  # seconds that who asks waits for a new round
T = TypeVar("T")


class Beside(ABC, Generic[T]):
    """`name`: of the thread. A subclass says what a round is, and whether the last one is due for another."""

    def __init__(self, name: str, clock: Clock = wall) -> None:
        self._name, self._clock = name, clock
        self._turn = threading.Condition()
        self._asked = self._over = False
        self._last: T | None = None

    def ask(self, within: float = WITHIN) -> T | None:
        """The last round, a new one where that is done in time. None where there is none yet."""
        with self._turn:
            if self._last is None or self._due(self._last):
                self._asked = True
                self._turn.notify_all()
                self._turn.wait_for(lambda: not self._asked or self._over, within)
            return self._last

    @staticmethod
    def together(*several: Beside[Any], within: float = WITHIN) -> list[Any]:
        """As `ask` of each: their rounds go on at the same time, so that who asks waits once."""
        until = time.monotonic() + within
        for one in several:
            one.ask(0)
        return [one.ask(max(0.0, until - time.monotonic())) for one in several]

    @contextmanager
    def looking(self, failed: Callable[[str], None]) -> Iterator[None]:
        """`failed` gets the kind of an error; the last round stays what is shown."""
        thread = threading.Thread(target=self._run, args=(failed,), name=self._name)
        thread.start()
        try:
            yield
        finally:
            with self._turn:
                self._over = True
                self._turn.notify_all()
            thread.join()

    def _run(self, failed: Callable[[str], None]) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._asked or self._over)
                if self._over:
                    return
            found = None
            try:
                found = self._round()
            except Exception as error:  # noqa: BLE001 - a catalog that is locked or damaged ends no console
                failed(type(error).__name__)
            with self._turn:
                self._last, self._asked = found or self._last, False
                self._turn.notify_all()

    @abstractmethod
    def _due(self, last: T) -> bool:
        """Whether a round is to be made anew."""

    @abstractmethod
    def _round(self) -> T | None:
        """None where the console ends meanwhile."""
