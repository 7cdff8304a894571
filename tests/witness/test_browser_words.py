"""What an extension says becomes values exactly, or is refused without a word of its content."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model.marks import Answer as How
from agent.core.model.media import Lane
from agent.core.model.rules import AllOf, Attribute, LaneEffect, Matcher, Policy, Rule
from agent.core.model.seen import ANY, UNKNOWN_EXTENSION, Box, BrowserWindow, Document, Page, Tab
from agent.witness import browser_words as words
from agent.witness.browser_words import Answer, Event, Hello, Malformed, Marked, PolicyTaken
from testkit.fakes.browser import frame, tab, window

CSS = ("#pan", ".chart")
SECRET = "4111111111111111"
SHOP = window(
    1,
    tab(
        3,
        frame("https://shop.example.com/cart"),
        frame("https://js.stripe.com/v3/", ["cc-number"], [0], number=5, parent=0),
        frame("about:blank", number=5, parent=0),
    ),
    tab(4, frame("https://crm.example.com/"), visible=False, unread=True),
    title="Cart - Example Shop",
)
MESSAGES: dict[str, dict[str, Any]] = {
    "hello": {"n": 1, "kind": "hello", "protocol": 2, "browser": "Edge", "version": "1", "private": True,
              "extension": "1.0.0"},
    "policy": {"n": 2, "kind": "policy", "hash": "h", "refused": [1, 0, 1]},
    "event": {"n": 3, "kind": "event", "what": "field", "tab": 3, "frame": 0, "urls": ["https://a/"],
              "fields": ["cc-csc"], "css": [1]},
    "look": {"n": 4, "kind": "look", "id": 7, "policy": "h", "windows": [SHOP]},
    "marked": {"n": 5, "kind": "marked", "tab": 3, "mark": "a61c00ff", "how": "empty"},
}  # fmt: skip


MAY_BE_LEFT_OUT = {"extensions", "fullscreen"}  # by an extension that is older than the key


def read(message: object) -> tuple[int, words.Message]:
    return words.read(json.dumps(message).encode())


def windows_of(*windows: object, css: tuple[str, ...] | None = CSS) -> tuple[BrowserWindow, ...]:
    return words.windows_of(Answer(7, "h", list(windows)), css, browser="Edge/1", pid=42)


def read_whole(message: object) -> None:
    """A look with all that is in it."""
    _, told = read(message)
    if isinstance(told, Answer):
        words.windows_of(told, CSS, browser="Edge/1", pid=42)


# -- what is said, in values ------------------------------------------------------------------------------------------


def test_every_message_is_read() -> None:
    assert read(MESSAGES["hello"]) == (1, Hello("Edge", "1", True, "1.0.0"))
    assert read(MESSAGES["policy"]) == (2, PolicyTaken("h", (0, 1)))
    assert read(MESSAGES["event"]) == (3, Event(3, 0, ("https://a/",), frozenset({"cc-csc"}), frozenset({1})))
    assert read(MESSAGES["look"]) == (4, Answer(7, "h", [SHOP]))
    assert read(MESSAGES["marked"]) == (5, Marked(3, 0xA61C00FF, How.EMPTY))


def test_a_window_is_all_that_was_told_of_it() -> None:
    cart = Page(("https://shop.example.com/cart",))
    form = Page(("https://js.stripe.com/v3/", "about:blank"), frozenset({"cc-number"}), frozenset({"#pan"}))
    shop = Page((*cart.urls, *form.urls), form.fields, form.selectors)
    crm = Page(("https://crm.example.com/",), unread=True)
    tabs = (
        Tab(3, shop, visible=True, documents=(Document(0, -1, cart, 1), Document(5, 0, form, 1))),
        Tab(4, crm, visible=False, documents=(Document(0, -1, Page(crm.urls), 1),)),
    )
    assert windows_of(SHOP) == (
        BrowserWindow("Edge/1", 42, 1, "Cart - Example Shop", Box(60, 40, 1024, 700), False, tabs),
    )


@pytest.mark.parametrize("css", [None, (), ("#pan",)])
def test_a_place_in_another_list_leaves_its_page_unread(css: tuple[str, ...] | None) -> None:
    (shop,) = windows_of(window(1, tab(3, frame("https://a/", css=[0, 1])), tab(4, frame("https://b/"))), css=css)
    assert shop.tabs[0].page == Page(("https://a/",), selectors=frozenset(css or ()), unread=True)
    assert shop.tabs[1].page == Page(("https://b/",))


def test_a_box_on_a_scaled_desktop_and_a_tab_without_a_number_are_read() -> None:
    (tools,) = windows_of({**window(1, tab(-1, frame("devtools://x/"))), "box": [-7.5, 0.4, 800.6, 600]})
    assert (tools.box, tools.tabs[0].id) == (Box(-8, 0, 801, 600), -1)


def test_an_event_may_tell_of_what_cannot_be_read() -> None:
    _, event = read({**MESSAGES["event"], "unread": True})
    assert isinstance(event, Event)
    assert event.page(CSS) == Page(("https://a/",), frozenset({"cc-csc"}), frozenset({".chart"}), unread=True)
    with pytest.raises(Malformed, match="unread is neither true nor false"):
        read({**MESSAGES["event"], "unread": 1})


def test_an_event_may_tell_of_which_document_it_is() -> None:
    for more, top in (({}, ANY), ({"doc": 0}, 0), ({"doc": 7}, 7)):
        _, event = read({**MESSAGES["event"], **more})
        assert isinstance(event, Event)
        assert event.top == top
    with pytest.raises(Malformed, match="doc is not a whole number from 0"):
        read({**MESSAGES["event"], "doc": -1})


def test_a_frame_may_be_told_as_one_that_could_not_be_read() -> None:
    (shop,) = windows_of(window(1, tab(3, frame("https://a/"), {**frame("b:", number=5, parent=0), "unread": True})))
    assert shop.tabs[0].page == Page(("https://a/", "b:"), unread=True)
    assert [document.page.unread for document in shop.tabs[0].documents] == [False, True]
    with pytest.raises(Malformed, match="unread is neither true nor false"):
        windows_of(window(1, tab(3, {**frame("https://a/"), "unread": 1})))


@pytest.mark.parametrize("wrong", ["a61c00f", "A61C00FF", "a61c00ff0", "a61c00fg"])
def test_a_mark_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(Malformed, match="mark is not eight hexadecimal digits"):
        read({**MESSAGES["marked"], "mark": wrong})
    with pytest.raises(Malformed, match="how is none of shown, empty, outside"):
        read({**MESSAGES["marked"], "how": wrong})


def test_an_event_may_speak_of_places_of_the_policy_before() -> None:
    event = Event(3, 0, ("https://a/",), frozenset(), frozenset({1, 9}))
    assert event.page(CSS) == Page(("https://a/",), selectors=frozenset({".chart"}))


def test_an_event_may_tell_of_extensions_alone() -> None:
    _, event = read({**MESSAGES["event"], "extensions": ["b@x", "a" * 32, "b@x"]})
    assert isinstance(event, Event)
    assert event.shown_by_extensions() == tuple(Page((), unread=True, extension=one) for one in ("b@x", "a" * 32))


def test_a_look_tells_which_extensions_are_switched_on_and_which_may_show_something() -> None:
    _, answer = read({**MESSAGES["look"], "windows": [{**SHOP, "extensions": ["b@x"]}], "extensions": ["b@x", "c@x"]})
    assert isinstance(answer, Answer)
    assert answer.extensions == ("b@x", "c@x")
    (shop,) = windows_of(*answer.windows)
    assert shop.extensions == ("b@x",)


def test_an_older_extension_does_not_say_so_that_any_may() -> None:
    (shop,) = windows_of({key: value for key, value in SHOP.items() if key != "extensions"})
    assert shop.extensions == (UNKNOWN_EXTENSION,)


def test_more_extensions_than_anybody_has_are_refused() -> None:
    with pytest.raises(Malformed, match="extensions has more than 1000 entries"):
        read({**MESSAGES["look"], "extensions": [f"{one}@x" for one in range(1001)]})


def test_keys_of_a_newer_extension_are_passed_over() -> None:
    assert read({**MESSAGES["policy"], "since": 3})[1] == PolicyTaken("h", (0, 1))


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_all_that_the_policy_names_anywhere_is_asked_for_once_and_in_its_order() -> None:
    def matcher(attribute: Attribute, *patterns: str) -> Matcher:
        return Matcher(attribute, patterns)

    policy = Policy(
        "h",
        1,
        "test",
        rules=(
            Rule(
                0,
                "cards",
                "",
                any=(
                    matcher(Attribute.URL, "js.stripe.com"),
                    AllOf((matcher(Attribute.FIELD, "cc-number", "cc-csc"), matcher(Attribute.CSS, "#pan"))),
                ),
                unless=(matcher(Attribute.CSS, ".training"), matcher(Attribute.APP, "till")),
                lanes={Lane.SCREEN: LaneEffect()},
            ),
            Rule(1, "logins", "", any=(matcher(Attribute.FIELD, "current-password", "cc-csc"),)),
        ),
        record_when=(matcher(Attribute.CSS, "#call", "#pan"), matcher(Attribute.FIELD, "tel")),
        allow_unseen=(matcher(Attribute.CSS, ".harmless"),),
    )
    asked = words.scan_patterns(policy)
    assert asked == words.Scan(
        "h", ("cc-number", "cc-csc", "current-password", "tel"), ("#pan", ".training", "#call", ".harmless")
    )
    assert json.loads(words.scan_for(asked)) == {
        "kind": "policy",
        "hash": "h",
        "fields": ["cc-number", "cc-csc", "current-password", "tel"],
        "css": ["#pan", ".training", "#call", ".harmless"],
    }
    assert json.loads(words.welcome()) == {"kind": "welcome", "protocol": 2}
    assert json.loads(words.look(7)) == {"kind": "look", "id": 7}
    assert json.loads(words.mark(3, {0: 0xA6000001, 5: 0xA61C00FF})) == {
        "kind": "mark",
        "tab": 3,
        "marks": {"0": "a6000001", "5": "a61c00ff"},
    }


# -- what is refused --------------------------------------------------------------------------------------------------


def places_in(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a message that the protocol gives a shape."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            if key not in {"what", "parent"} or value[key] != -1:  # -1 is the parent of a top document
                found += places_in(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places_in(item, (*path, index))
    return found


EVERY_PLACE = [(kind, place) for kind, message in MESSAGES.items() for place in places_in(message)]


@pytest.mark.parametrize(("kind", "place"), EVERY_PLACE)
@pytest.mark.parametrize("wrong", [None, {"x": SECRET}, 1.5, -(2**60), [[SECRET]]], ids=repr)
def test_whatever_stands_where_it_should_not_is_refused_and_not_repeated(
    kind: str, place: tuple[Any, ...], wrong: object
) -> None:
    if "box" in place[:-1] and wrong == 1.5:
        wrong = "1.5"
    message = copy.deepcopy(MESSAGES[kind])
    inner: Any = message
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    with pytest.raises(Malformed) as refusal:
        read_whole(message)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, place) for kind, place in EVERY_PLACE if type(place[-1]) is str and place[-1] not in MAY_BE_LEFT_OUT],
)
def test_whatever_is_missing_is_refused(kind: str, place: tuple[Any, ...]) -> None:
    message = copy.deepcopy(MESSAGES[kind])
    inner: Any = message
    for step in place[:-1]:
        inner = inner[step]
    del inner[place[-1]]
    with pytest.raises(Malformed):
        read_whole(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b"[]",
        b'"look"',
        b"{",
        b"\xff",
        b'{"n": NaN}',
        b'{"n": 1e999, "kind": "look"}',
        b'{"n": true, "kind": "look", "id": 1, "policy": "", "windows": []}',
        b'{"n": 0, "kind": "look", "id": 1, "policy": "", "windows": []}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"n": 1, "kind": ["look"]}',
        b'{"n": 1, "kind": "hello", "protocol": 1}',
    ],
    ids=lambda message: message[:30].decode("latin-1"),
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(Malformed):
        words.read(message)


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_raise_anything_else(message: bytes) -> None:
    with pytest.raises(Malformed):
        words.read(message)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*SHOP, "frames", "url", "css"]), inner),
    max_leaves=20,
)


@given(st.lists(ANYTHING))
def test_no_windows_raise_anything_else(windows: list[object]) -> None:
    try:
        read_windows = windows_of(*windows)
    except Malformed:
        return
    assert len(read_windows) == len(windows)


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ([SHOP, SHOP], "windows has an id twice"),
        ([window(number) for number in range(words.MAX_WINDOWS + 1)], "windows has more than 500 entries"),
        (
            [window(number, *[tab(3)] * 2501) for number in range(2)],
            "tabs are more than 5000",
        ),
        ([window(1, *[tab(3, *[frame("a:")] * 5001)] * 4)], "frames are more than 20000"),
        ([window(1, title="x" * (words.MAX_TEXT + 1))], "title is longer than 65536 characters"),
        ([window(1, tab(3, frame("a:", css=[True])))], "css has an entry that is not a place in a list"),
        ([{**window(1), "box": [0, 0, 10]}], "box is not four numbers"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_too_much_and_impossible_is_refused(windows: list[object], why: str) -> None:
    with pytest.raises(Malformed) as refusal:
        windows_of(*windows)
    assert str(refusal.value) == why


def test_as_much_as_may_be_is_read() -> None:
    tabs = [tab(number, *[frame("a:")] * 4) for number in range(10)]
    windows = windows_of(*(window(number, *tabs, title="x" * words.MAX_TEXT) for number in range(words.MAX_WINDOWS)))
    assert sum(len(window.tabs) for window in windows) == words.MAX_TABS
