"""Reads the tests that live in a policy: what is open, and what must happen to the screen and to the sound."""

from __future__ import annotations

from agent.core.language.conditions import check_field
from agent.core.language.keys import EXPECT, SEEN, TEST
from agent.core.matching.address import BadAddressError, parse_address
from agent.core.model.media import Lane
from agent.core.model.rules import Effect, PolicyTest
from agent.core.model.seen import Box, Page, Scene, Window
from protocol.language.marks import Mark, Node, Table
from protocol.language.reading import Entries, Reading, quoted

_PAGE_KEYS = ("page", "frames", "field", "css")
_WINDOW_KEYS = ("app", "title")
_NO_FRAMES: tuple[str, ...] = ()
_SOMEWHERE = Box(0, 0, 800, 600)  # no rule looks at the place


def read_test(reading: Reading, node: Node) -> PolicyTest:
    table = reading.table(node, TEST, "a test")
    seen = [_read_seen(reading, node.mark, table, "a test")] if table else []
    if "beside" in table:
        for item in reading.items(table["beside"][1], "beside", "windows or pages"):
            beside = reading.table(item, SEEN, "an entry of beside")
            seen.append(_read_seen(reading, item.mark, beside, "an entry of beside"))
    return PolicyTest(
        name=reading.value(table, "name", Reading.text, ""),
        scene=Scene(
            windows=tuple(
                Window(number, one.app, one.title, number, one.box, one.shown)
                for number, one in enumerate(seen, start=1)
                if isinstance(one, Window)
            ),
            pages=tuple(one for one in seen if isinstance(one, Page)),
        ),
        expect=_read_expect(reading, table),
        where=str(node.mark),
    )


def _read_seen(reading: Reading, mark: Mark, table: Entries, what: str) -> Window | Page:
    of_page = [key for key in _PAGE_KEYS if key in table]
    of_window = [key for key in _WINDOW_KEYS if key in table]
    if of_page and of_window:
        both = f"{of_page[0]} and {of_window[0]}"
        reading.wrong(mark, f"{what} shows a page or a window, this one has {both}, put one of them under beside:")
    elif not of_window and "page" not in table:
        reading.wrong(mark, f"{what} shows nothing, add page: for a page, or app: and title: for a window")
    shown = reading.value(table, "when", _read_when, True)
    if of_window:
        app = reading.value(table, "app", Reading.text, "")
        title = reading.value(table, "title", _read_title, "")
        return Window(0, app, title, 0, _SOMEWHERE, shown)
    return Page(
        urls=(
            reading.value(table, "page", _read_address, ""),
            *reading.value(table, "frames", _read_addresses, _NO_FRAMES),
        ),
        fields=reading.value(table, "field", _read_fields, frozenset()),
        selectors=reading.value(table, "css", _read_selectors, frozenset()),
        shown=shown,
    )


def _read_when(reading: Reading, node: Node, name: str) -> bool:
    return reading.choice(node, name, ("shown", "open")) == "shown"


def _read_title(reading: Reading, node: Node, name: str) -> str:
    return reading.text(node, name, may_be_empty=True)


def _read_address(reading: Reading, node: Node, name: str) -> str:
    before = len(reading.mistakes)
    address = reading.text(node, name)
    if len(reading.mistakes) == before:
        _check_address(reading, node.mark, address)
    return address


def _read_addresses(reading: Reading, node: Node, name: str) -> tuple[str, ...]:
    words = reading.texts(node, name)
    for word in words:
        _check_address(reading, word.mark, word.text)
    return tuple(word.text for word in words)


def _check_address(reading: Reading, mark: Mark, address: str) -> None:
    """An address that does not exist would close the eye, and the test would pass for the wrong reason."""
    try:
        parse_address(address)
    except BadAddressError as problem:
        reading.wrong(mark, f"{quoted(address)} is no address: {problem}, write it as the browser shows it, whole")


def _read_fields(reading: Reading, node: Node, name: str) -> frozenset[str]:
    words = reading.texts(node, name)
    for word in words:
        check_field(reading, word)
    return frozenset(word.text for word in words)


def _read_selectors(reading: Reading, node: Node, name: str) -> frozenset[str]:
    return frozenset(word.text for word in reading.texts(node, name))


def _read_expect(reading: Reading, table: Entries) -> dict[Lane, Effect]:
    if "expect" not in table:
        return {}
    mark, node = table["expect"]
    lanes = reading.table(node, EXPECT, "expect")
    if not lanes and isinstance(node, Table):
        reading.wrong(mark, "expect says nothing, add screen: or audio: with pause or record")
    return {lane: Effect(reading.choice(lanes[lane][1], lane, list(Effect))) for lane in Lane if lane in lanes}
