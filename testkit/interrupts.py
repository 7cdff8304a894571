"""How a bench ends when it is told to (Ctrl-C, SIGTERM): what it started has ended too, and nothing of Python is shown.

An exception out of a signal's handler comes between any two steps of the main thread, so also in the middle of a
lock's. A main thread that waits for others all along is told of interrupts instead (`interrupts_told`).
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
        try:
            return main()
        finally:
            _at_interrupts(_heard)
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        # What comes of it in the middle of threading.Condition.wait: "release unlocked lock".
        if isinstance(error.__context__, KeyboardInterrupt):
            return 130
        raise


@contextmanager
def interrupts_told(tell: Callable[[], None]) -> Iterator[None]:
    """Within, SIGINT and SIGTERM call `tell` and raise nothing, so that they cannot break what threads share; and
    nothing afterwards, if there was one.

    `tell` runs in the main thread between any two steps of it: queue.SimpleQueue.put may be called there, a lock
    that the main thread may hold must not be taken.
    """
    told = False

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = True
        tell()

    before = _at_interrupts(hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, _heard if told else handler)


def _at_interrupts(handler: _Handler) -> dict[signal.Signals, _Handler | int | None]:
    """What was called at SIGINT and SIGTERM until now."""
    return {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    _at_interrupts(_heard)  # another must not break off what ends the rest
    raise KeyboardInterrupt


def _heard(_number: int, _frame: FrameType | None) -> None:
    """A handler, as SIG_IGN would be handed on to what is started meanwhile."""
