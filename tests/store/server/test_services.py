"""What the server remembers between requests is bounded, and only ever a first word."""

from __future__ import annotations

from uuid import uuid4

from store.server.services import OpenRecordings


def test_of_each_device_the_last_recording_is_remembered() -> None:
    opened = OpenRecordings()
    first, second = uuid4(), uuid4()
    opened.add(("pc", first))
    opened.add(("other", first))
    assert ("pc", first) in opened
    opened.add(("pc", second))
    assert ("pc", first) not in opened
    assert ("pc", second) in opened
    assert ("other", first) in opened


def test_what_was_refused_is_forgotten_and_nothing_else() -> None:
    opened = OpenRecordings()
    first, second = uuid4(), uuid4()
    opened.add(("pc", second))
    for pair in (("pc", first), ("other", second)):
        opened.forget(pair)
    assert ("pc", second) in opened
    opened.forget(("pc", second))
    assert ("pc", second) not in opened


def test_of_more_devices_than_there_is_room_for_the_oldest_go() -> None:
    opened = OpenRecordings(most=2)
    pairs = [(name, uuid4()) for name in ("one", "two", "three")]
    for pair in pairs:
        opened.add(pair)
    assert [pair in opened for pair in pairs] == [False, True, True]
