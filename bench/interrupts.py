"""How a bench ends when it is told to (Ctrl-C, SIGTERM): what it started has ended too, and nothing of Python is shown.

An exception out of a signal's handler comes between any two steps of the main thread, so also in the middle of a
lock's. Where threads share anything, interrupts are told instead (`interrupts_told`).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_Handler = Callable[[int, FrameType | None], object]


def in_order(main: Callable[[], int]) -> int:
    """The exit status of a bench's `main`; 130 at SIGINT and SIGTERM, once what it started has ended, too.

    Also where a shell has put it in the background and SIGINT is ignored.
    """
    _at_interrupts(_interrupted)
    try:
        return main()
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        # What comes of it in the middle of threading.Condition.wait: "release unlocked lock".
        if isinstance(error.__context__, KeyboardInterrupt):
            return 130
        raise
    finally:
        _at_interrupts(_heard)


@contextmanager
def interrupts_told(tell: Callable[[], None]) -> Iterator[None]:
    """Within, SIGINT and SIGTERM call `tell` and raise nothing, so that they cannot break what threads share.

    `tell` runs in the main thread between any two steps of it: queue.SimpleQueue.put may be called there, a lock
    that the main thread may hold must not be taken.
    """
    before = _at_interrupts(lambda _number, _frame: tell())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _at_interrupts(handler: _Handler) -> dict[signal.Signals, _Handler | int | None]:
    """What was called at SIGINT and SIGTERM until now."""
    return {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    _at_interrupts(_heard)  # another must not break off what ends the rest
    raise KeyboardInterrupt


def _heard(_number: int, _frame: FrameType | None) -> None:
    """A handler, as SIG_IGN would be handed on to what is started meanwhile."""
