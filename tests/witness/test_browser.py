"""The browser witness over its real socket: what it asks and believes of looks, policies and events."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model.marks import Answer, Marked, Request
from agent.core.model.seen import Alarm, Blind, Browsing, Page, PageEvent
from agent.core.model.times import MILLISECOND
from agent.witness import browser as witness_module
from agent.witness.browser import ANSWER_WITHIN, Connected
from testkit.fakes.browser import WITHIN, FakeExtension, window
from tests.witness.browser_stage import CARD, CART, CLOCK, FIRST, SECOND, Stage, policy


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
        scan_patterns = {extension: extension.expect_look() for extension in (one, other)}
        first.answer(told[first], policy="first", question=scan_patterns[first])
        stage.until_heard(first)
        then.answer(told[then], policy="first", question=scan_patterns[then])
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
    assert stage.next_is(PageEvent).page.selectors == {".other"}


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
    page_event = stage.next_is(PageEvent)
    assert before <= page_event.at <= CLOCK.now()
    assert page_event.witness == "browser"
    assert page_event.page == Page(
        ("https://pay.example.com/", "https://shop.example.com/"), frozenset({"cc-csc"}), frozenset({"#pan"})
    )


def test_an_event_of_extensions_is_a_glimpse_of_each_and_of_no_page(stage: Stage) -> None:
    extension = stage.connected()
    nothing: dict[str, list[str]] = {"urls": [], "fields": [], "css": []}
    extension.tell("event", what="extension", tab=-1, frame=0, **nothing, extensions=["a@x", "b@x"])
    page_events = [stage.next_is(PageEvent) for _ in range(2)]
    assert [page_event.page for page_event in page_events] == [
        Page((), unread=True, extension=one) for one in ("a@x", "b@x")
    ]
    assert {page_event.tab for page_event in page_events} == {-1}


def test_the_extensions_that_a_browser_has_switched_on_are_known(stage: Stage) -> None:
    extension = stage.connected()
    stage.witness.ask()
    extension.tell("look", id=extension.expect_look(), policy="first", windows=[], extensions=["a@x"])
    stage.look()
    assert [browser.extensions for browser in stage.witness.connected] == [("a@x",)]


def test_what_was_meant_for_an_agent_before_is_passed_over(stage: Stage) -> None:
    extension = stage.extension()
    extension.n = 40
    extension.event("https://pay.example.com/")
    extension.answer(CARD, policy="first", question=3)
    extension.greet()
    assert stage.alarm() == "browser-connected"
    extension.event("https://a/")
    assert stage.next_is(PageEvent).page.urls == ("https://a/",)


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
    assert silent.receive() == {"kind": "welcome", "protocol": 2}
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


def test_a_document_is_asked_for_a_mark_and_what_it_says_is_delivered(stage: Stage) -> None:
    extension = stage.connected()
    stage.witness.show(Request("Firefox/7", 3, {0: 0xA6000002}))  # a browser that has gone
    stage.witness.show(Request("Chromium/1", 3, {0: 0xA6000001}))
    assert extension.expect_marks() == (3, {"0": "a6000001"})
    extension.tell("marked", tab=3, frame=0, mark="a6000001", how="outside")
    marked = stage.next_is(Marked)
    assert (marked.browser, marked.tab, marked.mark, marked.how) == ("Chromium/1", 3, 0xA6000001, Answer.OUTSIDE)
