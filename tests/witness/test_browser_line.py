"""The browser witness's line: what it refuses, whom it lets in, how it begins and ends, and a relay in between."""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copy, which

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.browser import native_host
from agent.core.model.seen import Alarm, Blind, Browsing, Look, PageEvent
from agent.errors import EnvironmentFault, UserError
from agent.witness import browser as witness_module
from agent.witness.browser import BrowserWitness
from agent.witness.browser_peer import Parent
from agent.witness.browser_socket import FROM_BROWSER, PER_SECOND, WAITING
from testkit.fakes.browser import LENGTH, WITHIN, FakeExtension, framed
from tests.witness.browser_stage import CART, CLOCK, FIRST, SECOND, Said, Stage, policy


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with contextlib.closing(Stage(tmp_path)) as stage:
        stage.witness.judge_with(FIRST)
        yield stage


# -- what is refused --------------------------------------------------------------------------------------------------


MALFORMED: list[dict[str, object]] = [
    {"kind": "dance"},
    {"kind": "look", "id": 1, "policy": "first", "windows": []},  # nobody asked
    {"kind": "policy", "hash": "never sent", "refused": []},
    {"kind": "hello", "protocol": 1},
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
    assert extension.receive() in ({"kind": "welcome", "protocol": 2}, None)


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
        assert isinstance(said.get(timeout=WITHIN), PageEvent)
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
