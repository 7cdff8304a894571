"""The sound's thread: hands on what both ends of the call gave. It never decides; the gate of its lane does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from agent.core.model.media import Block
from agent.core.model.times import MILLISECOND
from agent.ports import Ledger, Mishap, Sound

SOUND_WITHIN: Final = 1.0  # seconds that the sound is waited for at a time


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound of both ends of the call, and what went wrong with it."""

    blocks: tuple[Block, ...]
    mishaps: tuple[Mishap, ...] = ()


def listen(sound: Sound, stopped: threading.Event, *, deliver: Callable[[Heard], None]) -> None:
    """The thread's work, until `stopped`."""
    while not stopped.is_set():
        blocks, mishaps = sound.take(SOUND_WITHIN)
        if blocks or mishaps:
            deliver(Heard(blocks, mishaps))


def tell(ledger: Ledger, mishaps: Iterable[Mishap]) -> None:
    """What the account says of them: names and lengths, and nothing of what was heard."""
    for mishap in mishaps:
        filled = {"filled_ms": mishap.padding // MILLISECOND} if mishap.padding else {}
        ledger.write("sound", what=mishap.what, channel=mishap.channel, **filled)
