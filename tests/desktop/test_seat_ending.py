"""An end that comes together with an event: the seat's thread must hear it, or closing waits for ever."""

import asyncio

import pytest

from agent.desktop.seat import LinuxSeat


async def _cancelled_after(turns: int) -> bool:
    """Whether a wait that is cancelled `turns` turns of the loop after its event ends as cancelled or before."""
    happened = asyncio.Event()
    waiting = asyncio.create_task(LinuxSeat._until(happened, 10.0))
    await asyncio.sleep(0.01)
    happened.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    heard = waiting.cancel()
    await asyncio.wait([waiting])
    return waiting.cancelled() or not heard


@pytest.mark.parametrize("turns", range(6))
def test_an_end_together_with_an_event_is_heard(turns: int) -> None:
    assert asyncio.run(_cancelled_after(turns))
