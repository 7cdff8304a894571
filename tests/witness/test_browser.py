"""The browser witness over its real socket: it asks, believes only what fits, and never claims what nobody told it."""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copy, which
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.browser import native_host
from agent.core.model import (
    MILLISECOND,
    Alarm,
    Attribute,
    Blind,
    Browsing,
    Glimpse,
    Look,
    Matcher,
    Page,
    Policy,
    Rule,
)
from agent.desktop.clock import BootClock
from agent.errors import EnvironmentFault, UserError
from agent.witness import browser as witness_module
from agent.witness.browser import ANSWER_WITHIN, BrowserWitness, Connected
from agent.witness.browser_peer import Parent
from agent.witness.browser_socket import FROM_BROWSER, PER_SECOND, WAITING
from tests.fakes.browser import LENGTH, WITHIN, FakeExtension, SocketExtension, frame, framed, tab, window

CLOCK = BootClock()
CART = window(1, tab(3, frame("https://shop.example.com/cart")))
CARD = window(2, tab(4, frame("https://pay.example.com/", ["cc-number"], [0])), title="Card")
Said = Look | Alarm | Glimpse
Kind = TypeVar("Kind", Look, Alarm, Glimpse)


def policy(name: str, *css: str) -> Policy:
    conditions = (Matcher(Attribute.FIELD, ("cc-number",)), *([Matcher(Attribute.CSS, css)] if css else []))
    return Policy(name, 1, "test", (Rule(0, "cards", "", conditions),))


FIRST = policy("first", "#pan")
SECOND = policy("second", ".card")


class Stage:
    """A witness, what it has delivered, and the extensions that were opened at it."""

    def __init__(self, folder: Path) -> None:
        self._said: queue.SimpleQueue[Said] = queue.SimpleQueue()
        self.path = folder / "home" / "browser.sock"
        self.troubles: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.parent: Parent | Blind = Parent(4242, "chromium")
        self._extensions: list[SocketExtension] = []
        self.failure: BaseException | None = None
        self.stalled = 0.0
        self.witness = BrowserWitness(
            self.path, CLOCK, self._said.put, self.troubles.put, self._parent_of, stalled=lambda: self.stalled
        )
        self.witness.start()

    def _parent_of(self, _: int) -> Parent | Blind:
        if self.failure is not None:
            raise self.failure
        return self.parent

    def next(self) -> Said:
        return self._said.get(timeout=WITHIN)

    def next_is(self, kind: type[Kind]) -> Kind:
        said = self.next()
        assert isinstance(said, kind), said
        return said

    def alarm(self) -> str:
        """Why the next thing is an alarm; it is never in the future."""
        alarm = self.next_is(Alarm)
        assert alarm.witness == "browser"
        assert alarm.at <= CLOCK.now()
        return alarm.why

    def look(self) -> Look:
        return self.next_is(Look)

    def ask(self) -> Look:
        """For a question that no extension is to answer."""
        self.witness.ask()
        return self.look()

    def extension(self, browser: str = "Chromium") -> SocketExtension:
        extension = SocketExtension(self.path, browser=browser)
        self._extensions.append(extension)
        return extension

    def connected(self, browser: str = "Chromium", taking: bool = True) -> SocketExtension:
        """An extension that has said hello and, if a policy is in force, taken it."""
        extension = self.extension(browser)
        extension.greet()
        assert self.alarm() == "browser-connected"
        if taking:
            extension.take_policy()
            self.until_heard(extension)
        return extension

    def until_heard(self, extension: FakeExtension) -> None:
        """Awaits that the witness has taken in all that the extension has said until now."""
        extension.event("mark:")
        while not isinstance(said := self.next(), Glimpse) or said.page.urls != ("mark:",):
            pass

    @property
    def silent(self) -> bool:
        return self._said.empty()

    def close(self) -> None:
        self.witness.close()
        for extension in self._extensions:
            extension.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with contextlib.closing(Stage(tmp_path)) as stage:
        stage.witness.judge_with(FIRST)
        yield stage


# -- looks ------------------------------------------------------------------------------------------------------------


def test_without_a_browser_nothing_is_open(stage: Stage) -> None:
    before = CLOCK.now()
    look = stage.ask()
    assert before <= look.asked <= look.answered <= CLOCK.now()
    assert (look.witness, look.policy, look.seen) == ("browser", "first", Browsing())
    assert stage.ask().seen is look.seen


def test_a_browser_is_told_what_to_scan_for_and_asked_what_is_open(stage: Stage) -> None:
    extension = stage.extension()
    extension.greet()
    assert stage.alarm() == "browser-connected"
    assert extension.take_policy() == {"kind": "policy", "hash": "first", "fields": ["cc-number"], "css": ["#pan"]}
    stage.until_heard(extension)
    before = CLOCK.now()
    stage.witness.ask()
    question = extension.expect_look()
    received = CLOCK.now()
    extension.answer(CART, CARD, policy="first", question=question)
    look = stage.look()
    assert before <= look.asked <= received <= look.answered
    assert look.policy == "first"
    assert isinstance(look.seen, Browsing)
    cart, card = look.seen.windows
    assert (cart.browser, cart.pid, cart.id, card.id) == ("Chromium/1", 4242, 1, 2)
    assert card.tabs[0].page == Page(("https://pay.example.com/",), frozenset({"cc-number"}), frozenset({"#pan"}))


def test_a_look_says_how_far_the_display_may_be_behind(stage: Stage) -> None:
    assert stage.ask().lag == 0
    stage.stalled = 0.5
    assert stage.ask().lag == 250 * MILLISECOND


def test_what_has_not_changed_is_the_very_same_object(stage: Stage) -> None:
    one, other = stage.connected(), stage.connected()

    def seen(first: FakeExtension, then: FakeExtension, title: str) -> Browsing:
        told = {one: window(1, title=title), other: CARD}
        stage.witness.ask()
        questions = {extension: extension.expect_look() for extension in (one, other)}
        first.answer(told[first], policy="first", question=questions[first])
        stage.until_heard(first)
        then.answer(told[then], policy="first", question=questions[then])
        seen = stage.look().seen
        assert isinstance(seen, Browsing)
        return seen

    before = seen(one, other, "Cart")
    assert [window.browser for window in before.windows] == ["Chromium/1", "Chromium/2"]
    assert seen(other, one, "Cart") is before
    after = seen(other, one, "Thanks")
    assert after.windows[0].title == "Thanks"
    assert after.windows[1] is before.windows[1]


def test_a_question_during_a_question_is_taken_up_after_it(stage: Stage) -> None:
    extension = stage.connected()
    stage.witness.ask()
    question = extension.expect_look()
    stage.witness.ask()
    stage.witness.ask()  # both are one
    stage.until_heard(extension)  # the second question has not been asked meanwhile
    extension.answer(CART, policy="first", question=question)
    first = stage.look()
    extension.answer(CART, policy="first")
    second = stage.look()
    assert first.answered <= second.asked
    assert second.seen is first.seen
    stage.until_heard(extension)
    assert stage.silent


def test_a_browser_that_does_not_answer_makes_one_answer_blind_and_is_then_left_out(stage: Stage) -> None:
    good, silent = stage.connected(), stage.connected()
    stage.witness.ask()
    question = silent.expect_look()
    good.answer(CART, policy="first")
    look = stage.look()
    assert (look.seen, look.policy) == (Blind.NO_ANSWER, "first")
    assert look.answered - look.asked >= ANSWER_WITHIN
    stage.witness.ask()
    good.answer(CART, policy="first")
    seen = stage.look().seen
    assert isinstance(seen, Browsing)
    assert [window.id for window in seen.windows] == [1]
    silent.answer(CARD, policy="first", question=question)  # too late to count, in time to be asked again
    stage.until_heard(silent)
    stage.witness.ask()
    good.answer(CART, policy="first")
    silent.answer(CARD, policy="first")
    seen = stage.look().seen
    assert isinstance(seen, Browsing)
    assert [window.id for window in seen.windows] == [1, 2]


def test_a_browser_that_lost_a_question_is_asked_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_module, "ANSWER_WITHIN", 20 * MILLISECOND)
    monkeypatch.setattr(witness_module, "ASK_AGAIN", 20 * MILLISECOND)
    extension = stage.connected()
    stage.witness.ask()
    lost = extension.expect_look()
    assert stage.look().seen is Blind.NO_ANSWER
    assert stage.ask().seen == Browsing()  # not waited for, though asked
    again = extension.expect_look()
    assert again > lost
    extension.answer(CART, policy="first", question=again)
    stage.until_heard(extension)
    monkeypatch.undo()
    stage.witness.ask()
    extension.answer(CART, policy="first")
    assert isinstance(seen := stage.look().seen, Browsing)
    assert len(seen.windows) == 1


# -- policies ---------------------------------------------------------------------------------------------------------


def test_a_browser_counts_once_it_has_taken_the_policy_in_force(stage: Stage) -> None:
    extension = stage.connected(taking=False)
    assert stage.ask().seen == Browsing()
    extension.take_policy()
    stage.until_heard(extension)
    stage.witness.judge_with(SECOND)
    look = stage.ask()
    assert (look.policy, look.seen) == ("second", Browsing())
    assert extension.take_policy()["css"] == [".card"]
    stage.until_heard(extension)
    stage.witness.ask()
    extension.answer(CARD, policy="second")
    look = stage.look()
    assert look.policy == "second"
    assert isinstance(look.seen, Browsing)
    assert look.seen.windows[0].tabs[0].page.selectors == {".card"}


def test_policies_that_come_quickly_are_taken_in_their_order(stage: Stage) -> None:
    extension = stage.connected(taking=False)
    stage.witness.judge_with(SECOND)
    assert stage.ask().policy == "second"  # by now it has been sent
    stage.witness.judge_with(policy("second", ".other"))  # of the same hash: whose places count is the last
    stage.ask()
    for _ in range(3):
        extension.take_policy()
    extension.event("https://a/", css=[0])
    assert stage.next_is(Glimpse).page.selectors == {".other"}


def test_an_answer_made_for_another_policy_makes_the_look_one_of_that(stage: Stage) -> None:
    extension = stage.connected()
    for other in ("", "zeroth"):
        stage.witness.ask()
        extension.answer(CARD, policy=other)
        look = stage.look()
        assert look.policy == other
        assert isinstance(look.seen, Browsing)
        page = Page(("https://pay.example.com/",), frozenset({"cc-number"}), unread=True)
        assert look.seen.windows[0].tabs[0].page == page


@pytest.mark.parametrize("others", [("first", ""), ("", "first"), ("first", "second"), ("second", "first")])
def test_answers_made_for_different_policies_are_a_look_of_none(stage: Stage, others: tuple[str, str]) -> None:
    extensions = stage.connected(), stage.connected()
    stage.witness.ask()
    for extension, other in zip(extensions, others, strict=True):
        extension.answer(CART, policy=other)
    assert stage.look().policy == ""


def test_without_a_policy_nobody_is_asked(tmp_path: Path) -> None:
    with contextlib.closing(Stage(tmp_path)) as stage:
        extension = stage.connected(taking=False)
        look = stage.ask()
        assert (look.policy, look.seen) == ("", Browsing())
        stage.witness.judge_with(FIRST)
        assert extension.take_policy()["hash"] == "first"  # the first thing it hears after the welcome


def test_a_browser_that_cannot_read_a_selector_is_left_out_and_told_of_once_a_policy(stage: Stage) -> None:
    good = stage.connected()
    for _ in range(2):
        refusing = stage.connected(taking=False)
        refusing.take_policy(refused=[0])
        stage.until_heard(refusing)
    assert stage.troubles.get(timeout=WITHIN) == "css-refused"
    assert stage.troubles.empty()
    stage.witness.ask()
    good.answer(CART, policy="first")
    seen = stage.look().seen
    assert isinstance(seen, Browsing)
    assert len(seen.windows) == 1
    stage.witness.judge_with(SECOND)
    good.take_policy()
    refusing.take_policy(refused=[])
    stage.until_heard(good)
    stage.until_heard(refusing)
    stage.witness.ask()
    good.answer(CART, policy="second")
    refusing.answer(CARD, policy="second")
    seen = stage.look().seen
    assert isinstance(seen, Browsing)
    assert len(seen.windows) == 2
    assert stage.troubles.empty()
    stage.witness.judge_with(FIRST)
    refusing.take_policy(refused=[0])
    assert stage.troubles.get(timeout=WITHIN) == "css-refused"


def test_a_browser_may_find_only_later_that_it_cannot_read_a_selector(stage: Stage) -> None:
    extension = stage.connected()
    extension.tell("policy", hash="first", refused=[0])
    extension.tell("policy", hash="first", refused=[])  # another page; what one cannot read none can vouch for
    stage.until_heard(extension)
    assert stage.troubles.get(timeout=WITHIN) == "css-refused"
    assert stage.ask().seen == Browsing()


def test_a_policy_too_long_for_a_message_is_a_trouble(stage: Stage) -> None:
    stage.connected()
    stage.witness.judge_with(policy("long", "#" + "x" * 2**20))
    assert stage.troubles.get(timeout=WITHIN) == "policy-too-long"
    look = stage.ask()
    assert (look.policy, look.seen) == ("long", Browsing())


# -- events and alarms ------------------------------------------------------------------------------------------------


def test_an_event_is_a_glimpse_of_the_page(stage: Stage) -> None:
    extension = stage.connected()
    before = CLOCK.now()
    extension.event("https://pay.example.com/", "https://shop.example.com/", fields=["cc-csc"], css=[0])
    glimpse = stage.next_is(Glimpse)
    assert before <= glimpse.at <= CLOCK.now()
    assert glimpse.witness == "browser"
    assert glimpse.page == Page(
        ("https://pay.example.com/", "https://shop.example.com/"), frozenset({"cc-csc"}), frozenset({"#pan"})
    )


def test_what_was_meant_for_an_agent_before_is_passed_over(stage: Stage) -> None:
    extension = stage.extension()
    extension.n = 40
    extension.event("https://pay.example.com/")
    extension.answer(CARD, policy="first", question=3)
    extension.greet()
    assert stage.alarm() == "browser-connected"
    extension.event("https://a/")
    assert stage.next_is(Glimpse).page.urls == ("https://a/",)


def test_a_second_hello_begins_anew(stage: Stage) -> None:
    """The first may have answered the welcome of an agent before this one."""
    extension = stage.connected()
    stage.witness.ask()
    question = extension.expect_look()
    extension.n = 0
    extension.hello()
    assert stage.alarm() == "browser-connected"
    assert stage.look().seen == Browsing()
    extension.answer(CART, policy="first", question=question)
    assert stage.alarm() == "browser-message-malformed"


def test_a_missing_number_is_an_alarm_and_the_end(stage: Stage) -> None:
    extension = stage.connected()
    extension.n += 1
    extension.event("https://a/")
    assert stage.alarm() == "browser-message-lost"
    assert extension.receive() is None
    assert stage.ask().seen == Browsing()


def test_a_number_that_comes_twice_is_an_alarm_and_the_end(stage: Stage) -> None:
    extension = stage.connected()
    extension.n -= 1
    extension.event("https://a/")
    assert stage.alarm() == "browser-message-lost"
    assert extension.receive() is None


def test_who_is_connected_is_told_at_any_moment(stage: Stage) -> None:
    silent = stage.extension()
    assert silent.receive() == {"kind": "welcome", "protocol": 1}
    assert stage.witness.connected == ()  # it has not said who it is
    extension = stage.connected()
    assert stage.witness.connected == (Connected("Chromium", "156.0", private=False),)
    extension.close()
    assert stage.alarm() == "browser-disconnected"
    assert stage.witness.connected == ()
    stage.connected()
    stage.witness.close()
    assert stage.witness.connected == ()


def test_a_browser_that_goes_is_an_alarm(stage: Stage) -> None:
    stage.connected().close()
    assert stage.alarm() == "browser-disconnected"
    assert stage.ask().seen == Browsing()


def test_a_browser_that_goes_during_a_question_is_an_alarm_before_the_look(stage: Stage) -> None:
    good, going = stage.connected(), stage.connected()
    stage.witness.ask()
    going.expect_look()
    good.answer(CART, policy="first")
    going.close()
    alarm = stage.next_is(Alarm)
    look = stage.look()
    assert look.asked <= alarm.at <= look.answered
    assert isinstance(look.seen, Browsing)
    assert len(look.seen.windows) == 1


def test_a_connection_that_never_said_hello_is_no_alarm(stage: Stage) -> None:
    stage.extension().close()
    extension = stage.connected()
    stage.until_heard(extension)
    assert stage.silent


# -- what is refused --------------------------------------------------------------------------------------------------


MALFORMED: list[dict[str, object]] = [
    {"kind": "dance"},
    {"kind": "look", "id": 1, "policy": "first", "windows": []},  # nobody asked
    {"kind": "policy", "hash": "never sent", "refused": []},
    {"kind": "hello", "protocol": 2},
    {"kind": "event", "what": "commit", "tab": 3, "urls": "https://a/", "fields": [], "css": []},
    {"kind": "event", "what": "commit", "tab": -2, "urls": [], "fields": [], "css": []},
]


@pytest.mark.parametrize("words", MALFORMED, ids=lambda words: str(words["kind"]))
def test_a_malformed_message_is_an_alarm_and_the_end(stage: Stage, words: dict[str, object]) -> None:
    extension = stage.connected()
    extension.send(framed({"n": extension.n + 1, **words}))
    assert stage.alarm() == "browser-message-malformed"
    assert extension.receive() is None
    assert stage.ask().seen == Browsing()


def test_a_malformed_answer_is_an_alarm_and_a_look_without_it(stage: Stage) -> None:
    extension = stage.connected()
    stage.witness.ask()
    extension.answer({**CART, "title": 1}, policy="first")
    assert stage.alarm() == "browser-message-malformed"
    assert stage.look().seen == Browsing()
    assert extension.receive() is None


def test_a_place_refused_that_was_not_sent_is_malformed(stage: Stage) -> None:
    stage.connected(taking=False).take_policy(refused=[1])
    assert stage.alarm() == "browser-message-malformed"


@pytest.mark.parametrize("length", [0, FROM_BROWSER + 1, 2**32 - 1])
def test_a_length_that_cannot_be_is_an_alarm_and_the_end(stage: Stage, length: int) -> None:
    extension = stage.connected()
    extension.send(LENGTH.pack(length))
    assert stage.alarm() == "browser-message-excess"
    assert extension.receive() is None


def test_too_many_messages_are_an_alarm_and_the_end(stage: Stage) -> None:
    extension = stage.extension()  # before its hello: nothing of it counts, so nothing but the number is wrong
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        extension.send(framed({"n": 1, "kind": "policy", "hash": "", "refused": []}) * PER_SECOND * 10)
    assert stage.alarm() == "browser-message-excess"
    assert extension.receive() in ({"kind": "welcome", "protocol": 1}, None)


def test_whatever_is_sent_the_witness_answers_on(tmp_path: Path) -> None:
    leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    anything = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
    words = st.fixed_dictionaries(
        {"kind": st.sampled_from(["policy", "look", "event"])},
        optional=dict.fromkeys(("id", "hash", "policy", "refused", "windows", "what", "urls", "fields"), anything),
    )
    raw = st.binary(min_size=1, max_size=30).map(lambda sent: LENGTH.pack(len(sent)) + sent)
    with contextlib.closing(Stage(tmp_path)) as stage:
        stage.witness.judge_with(FIRST)

        # Every one of these is wrong: "css" and a question that was asked are in none.
        @settings(max_examples=60)
        @given(words.map(lambda words: framed({"n": 3, **words})) | raw, st.booleans())
        def is_closed_upon(sent: bytes, during: bool) -> None:
            extension = stage.connected()
            if during:
                stage.witness.ask()
                extension.expect_look()
            extension.n += 1
            extension.send(sent.replace(b'"n": 3', b'"n": %d' % extension.n))
            assert stage.alarm() == "browser-message-malformed"
            assert extension.receive() is None
            if during:
                assert stage.look().seen == Browsing()
            assert stage.ask().seen == Browsing()

        is_closed_upon()


LONG = 900 * 2**10  # characters of a selector: more than a socket takes at once


def test_a_browser_that_reads_slowly_gets_all_in_the_end(stage: Stage) -> None:
    extension = stage.connected()
    for name in ("second", "third"):
        stage.witness.judge_with(policy(name, "#" + name[0] * LONG))
        assert stage.ask().policy == name  # by now it has been sent, as far as the socket takes it
    for name in ("second", "third"):
        assert extension.take_policy()["css"] == ["#" + name[0] * LONG]
    stage.until_heard(extension)
    stage.witness.ask()
    extension.answer(CART, policy="third")
    assert isinstance(seen := stage.look().seen, Browsing)
    assert len(seen.windows) == 1


def test_a_browser_that_reads_nothing_is_an_alarm_and_the_end(stage: Stage) -> None:
    stage.connected()
    alarms = []
    for number in range(WAITING // LONG + 2):
        stage.witness.judge_with(policy(str(number), "#" + "x" * LONG))
        stage.witness.ask()
        while isinstance(said := stage.next(), Alarm):  # the look: by now it has been sent
            alarms.append(said.why)
    assert alarms == ["browser-message-excess"]
    assert stage.ask().seen == Browsing()


def test_a_slow_browser_that_goes_is_an_alarm(stage: Stage) -> None:
    extension = stage.connected()
    stage.witness.judge_with(policy("second", "#" + "x" * LONG))
    stage.ask()
    extension.close()
    assert stage.alarm() == "browser-disconnected"
    assert stage.ask().seen == Browsing()


def test_more_browsers_than_may_be_are_sent_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_module, "MAX_CONNECTIONS", 1)
    first = stage.connected()
    assert stage.extension().receive() is None
    assert stage.alarm() == "browser-stranger"
    stage.until_heard(first)


# -- who is at the other end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", [Parent(7, "python3"), Parent(1, "systemd"), Blind.FOREIGN_PROCESS])
def test_whom_no_browser_started_is_sent_away_with_one_alarm(stage: Stage, parent: Parent | Blind) -> None:
    stage.parent = parent
    for _ in range(3):
        assert stage.extension().receive() is None
    assert stage.alarm() == "browser-stranger"
    stage.parent = Parent(4242, "chromium")
    stage.until_heard(stage.connected())
    assert stage.silent


def test_whoever_vanished_is_sent_away_without_one(stage: Stage) -> None:
    stage.parent = Blind.VANISHED
    assert stage.extension().receive() is None
    stage.parent = Parent(4242, "chromium")
    stage.connected()


@pytest.mark.parametrize(
    ("program", "browser"), [("chromium", "Firefox"), ("firefox-esr", "Chromium"), ("chrome", "Edge"), ("chrome", "")]
)
def test_a_browser_that_claims_to_be_another_is_sent_away(stage: Stage, program: str, browser: str) -> None:
    stage.parent = Parent(4242, program)
    for _ in range(2):
        extension = stage.extension(browser)
        extension.greet()
        assert extension.receive() is None
    assert stage.alarm() == "browser-stranger"
    assert stage.ask().seen == Browsing()


@pytest.mark.parametrize(
    ("program", "browser"),
    [("chromium", "Chromium"), ("chrome", "Chrome"), ("msedge", "Edge"), ("firefox-esr", "Firefox")],
)
def test_a_known_browser_is_welcome(stage: Stage, program: str, browser: str) -> None:
    stage.parent = Parent(4242, program)
    stage.connected(browser)


def test_the_socket_is_this_users_alone(stage: Stage) -> None:
    assert stage.path.stat().st_mode & 0o777 == 0o600
    assert stage.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_enter_is_shut(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o755)
    with contextlib.closing(Stage(tmp_path)) as stage:
        assert stage.path.parent.stat().st_mode & 0o777 == 0o700


def test_questions_of_two_agents_have_different_numbers(tmp_path: Path) -> None:
    """So that an answer meant for the one before, which a relay still held, fits no question of this one."""
    numbers = []
    for _ in range(2):
        with contextlib.closing(Stage(tmp_path)) as stage:
            stage.witness.judge_with(FIRST)
            extension = stage.connected()
            stage.witness.ask()
            numbers.append(extension.expect_look())
    assert numbers[0] != numbers[1]


def test_a_path_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="EYELID_HOME"):
        Stage(tmp_path / ("x" * 100))


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_bytes(b"")
    with pytest.raises(EnvironmentFault, match="cannot be made"):
        Stage(tmp_path)


# -- beginning and end ------------------------------------------------------------------------------------------------


def test_a_dead_recorders_socket_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "home" / "browser.sock"))
    with contextlib.closing(Stage(tmp_path)) as stage:
        stage.connected(taking=False)


def test_close_ends_connections_and_removes_the_socket(stage: Stage) -> None:
    extension = stage.connected()
    stage.witness.close()
    assert extension.receive() is None
    assert not stage.path.exists()
    assert stage.ask().seen is Blind.NO_ANSWER


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_witness_that_died_says_so_and_sees_nothing(stage: Stage) -> None:
    extension = stage.connected()
    stage.failure = ZeroDivisionError("a mistake of our own")
    stage.extension()
    assert stage.alarm() == "browser-witness-died"
    look = stage.look()
    assert (look.seen, look.policy) == (Blind.NO_ANSWER, "first")
    assert extension.receive() is None
    assert stage.ask().seen is Blind.NO_ANSWER
    stage.witness.judge_with(SECOND)
    assert stage.ask().policy == "second"


# -- with the relay between -------------------------------------------------------------------------------------------


def test_a_relay_that_a_browser_started_is_believed_by_its_parent(tmp_path: Path) -> None:
    """The browser is a shell of that name: what counts is whose child the relay is."""
    shell = which("dash") or which("sh")
    assert shell is not None
    chromium = tmp_path / "chromium"
    copy(shell, chromium)
    said: queue.SimpleQueue[Said] = queue.SimpleQueue()
    path = tmp_path / "home" / "browser.sock"
    command = [sys.executable, "-I", "-S", native_host.__file__, "--socket", str(path), "chrome-extension://abc/"]
    browser = subprocess.Popen(
        [str(chromium), "-c", '"$@"; exit $?', "sh", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert browser.stdin is not None
    assert browser.stdout is not None
    # It is started before the agent: it has to find it.
    witness = BrowserWitness(path, CLOCK, said.put, lambda _: None, stalled=lambda: 0.0)
    witness.start()
    witness.judge_with(FIRST)
    extension = FakeExtension(browser.stdout, browser.stdin)
    try:
        extension.greet()
        assert isinstance(alarm := said.get(timeout=WITHIN), Alarm)
        assert alarm.why == "browser-connected"
        extension.take_policy()
        extension.event("https://a/")
        assert isinstance(said.get(timeout=WITHIN), Glimpse)
        witness.ask()
        extension.answer(CART, policy="first")
        look = said.get(timeout=WITHIN)
        assert isinstance(look, Look)
        assert isinstance(look.seen, Browsing)
        assert look.seen.windows[0].pid == browser.pid
        browser.stdin.close()
        assert browser.wait(WITHIN) == 0
        assert isinstance(alarm := said.get(timeout=WITHIN), Alarm)
        assert alarm.why == "browser-disconnected"
    finally:
        witness.close()
        browser.stdin.close()
        browser.stdout.close()
        browser.wait(WITHIN)
