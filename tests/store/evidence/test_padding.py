"""Silence that was put in is told apart from what was said, within what was kept."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from protocol.bundle import Bundle
from protocol.envelope import SOUND_STREAM, Kind
from store.evidence import picture
from store.evidence.account import Entry, Interval
from store.evidence.timeline import recording as timeline
from store.evidence.timeline.padding import padding
from tests.fakes.pc import SECOND, Pc
from tests.store.conftest import Gather
from tests.store.recorded import ZERO, close, make_filmed


def told(at: float, ms: object, channel: object = "microphone", kind: str = "sound") -> Entry:
    fields = {"what": "drift", "channel": channel, "filled_ms": ms}
    return Entry(1, ZERO + round(at * SECOND), kind, {name: one for name, one in fields.items() if one is not None})


WHOLE = [Interval(0, 100 * SECOND)]


@pytest.mark.parametrize(
    ("entries", "kept", "found"),
    [
        ([], WHOLE, {}),
        ([told(10, None), told(11, 0), told(12, "x"), told(13, 500, None), told(14, 500, kind="sealed")], WHOLE, {}),
        ([told(10, 500), told(20, 250), told(30, 40, "far-end")], WHOLE, {"microphone": 750, "far-end": 40}),
        ([told(10, 4000)], [Interval(0, 7 * SECOND), Interval(9 * SECOND, 20 * SECOND)], {"microphone": 2000}),
        ([told(1, 4000)], WHOLE, {"microphone": 1000}),  # of before the recording
        ([told(10, 4000), told(11, 4000)], WHOLE, {"microphone": 8000}),  # told late: the first lies before the second
        ([told(10, 4000)], [Interval(20 * SECOND, 30 * SECOND)], {}),
    ],
)
def test_what_lies_in_kept_time_is_counted(entries: list[Entry], kept: list[Interval], found: dict[str, int]) -> None:
    assert padding(entries, ZERO, kept) == {end: ms * 1_000_000 for end, ms in found.items()}


def test_the_timeline_tells_it_of_the_sound_and_not_of_the_screen(pc: Pc, bundle: Bundle, gathered: Gather) -> None:
    made = make_filmed(pc, bundle)
    made.sealed.append(made.recording.seal(b"header", kind=Kind.HEADER, length=0, stream=SOUND_STREAM))
    made.sealed.append(made.recording.seal(length=4 * SECOND, stream=SOUND_STREAM))
    pc.ledger.write("lane-open", at=ZERO, lane="audio")
    pc.ledger.write("sound", at=ZERO + 3 * SECOND, what="device-back", channel="microphone", filled_ms=1500)
    pc.ledger.write("sound", at=ZERO + 5 * SECOND, what="drift", channel="far-end", filled_ms=1200)
    close(made)
    made.put_all()
    assert pc.send_ledger().status_code == 200
    facts = timeline.facts(gathered(made.recording))
    assert facts["audio"]["kept_ns"] == 4 * SECOND
    assert facts["audio"]["silence_filled_ns"] == {"microphone": 1_500_000_000, "far-end": 200_000_000}
    assert "silence_filled_ns" not in facts
    console = Console(record=True, file=StringIO(), width=100)
    picture.show(console, gathered(made.recording))
    told = console.export_text()
    assert "sound: 1.5 s of what is kept is silence that was put in for the microphone" in told
    assert "sound: 0.2 s of what is kept is silence that was put in for the far end" in told
