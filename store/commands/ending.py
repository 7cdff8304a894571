"""A command that is asked to end puts in order what it began: nothing decrypted stays, and its outcome is noted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ASKED: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def in_order() -> Iterator[None]:
    """SIGTERM and a terminal that goes end what is inside by SystemExit, as Ctrl-C does by KeyboardInterrupt. Once:
    what is put in order then is not disturbed. For the main thread.
    """
    before = {number: signal.signal(number, _end) for number in ASKED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    for one in ASKED:
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(128 + number)
