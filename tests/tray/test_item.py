"""What the icon says on the bus, and how often: no faster than a panel reads, however fast its state changes."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from agent.tray.indicator import IconView, Indicator
from agent.tray.item import APART, Item
from agent.tray.words import Words
from testkit.played import sound, status
from tests.tray.test_indicator import Reports


class Heard(Item):
    """Keeps when it said what; there is no bus."""

    def __init__(self, view: IconView) -> None:
        super().__init__(view, lambda: None)
        self.said: list[tuple[float, str]] = []

    def _tell(self, signal: str) -> None:
        self.said.append((asyncio.get_running_loop().time(), signal))


async def storm(shown: Indicator) -> Heard:
    item = Heard(shown.view)
    for _ in range(100):
        for state in (status("stalled"), status(sound=sound("stalled", fault="no-device")), status()):
            shown.take(state)
            item.show(shown.view)
            await asyncio.sleep(0.003)
    return item


def test_a_storm_of_changes_goes_out_one_signal_after_the_other(tmp_path: Path) -> None:
    said = asyncio.run(storm(Indicator(Reports(), Words("en"), tmp_path))).said
    assert {signal for _, signal in said} >= {"NewIcon", "NewAttentionIcon", "NewStatus", "words"}
    for (before, _), (after, _) in itertools.pairwise(said):
        assert after - before >= APART - 0.001  # a loop's clock has a tick
