"""A person's hold across a restart: who holds and is forgotten would be recorded."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from agent.core.holding import UserHold
from agent.core.model.rules import Hold, HoldTerms
from agent.core.model.times import SECOND
from agent.errors import Transient
from agent.pipeline import Mailbox
from agent.recorder.daemon import Daemon
from agent.recorder.messages import PolicyArrived
from agent.recorder.shutter import Shutter
from agent.state.hold_file import NAME, HoldFile
from tests.agent.recorder.daemon_rig import POLICY, Asked, EmptySeat, Pages
from tests.fakes.clock import HandClock


class NextBoot(HandClock):
    def boot(self) -> str:
        return "boot-2"


class NoBoot(HandClock):
    def boot(self) -> str:
        return ""


HOLDS = (
    UserHold(900 * SECOND),
    UserHold(900 * SECOND, 2000 * SECOND, "break"),
    UserHold(900 * SECOND, 2000 * SECOND, 1, "ab" * 32),
)


@pytest.mark.parametrize("hold", HOLDS)
def test_within_one_start_of_the_pc_it_is_the_same_whatever_the_wall_clock_says(tmp_path: Path, hold: UserHold) -> None:
    clock = HandClock()
    HoldFile(tmp_path, clock).remember(hold)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    clock.ahead += 10**6 * SECOND
    assert HoldFile(tmp_path, clock).recall() == hold


@pytest.mark.parametrize("later", [NextBoot, NoBoot])
@pytest.mark.parametrize("hold", HOLDS)
def test_across_starts_of_the_pc_the_wall_clock_counts(tmp_path: Path, hold: UserHold, later: type[HandClock]) -> None:
    HoldFile(tmp_path, HandClock()).remember(hold)
    clock = later(time=5 * SECOND, ahead=HandClock().wall() + 55 * SECOND)  # a minute later
    found = HoldFile(tmp_path, clock).recall()
    assert found is not None
    assert clock.time - found.began == 160 * SECOND
    assert found.until == (None if hold.until is None else clock.time + 940 * SECOND)
    HoldFile(tmp_path, clock).remember(found)  # it began before the clock's zero
    assert HoldFile(tmp_path, clock).recall() == found


def test_one_that_is_over_is_none(tmp_path: Path) -> None:
    clock = HandClock()
    file = HoldFile(tmp_path, clock)
    assert file.recall() is None
    file.remember(HOLDS[1])
    clock.pass_by(1000)
    assert file.recall() is None
    file.remember(HOLDS[0])
    file.remember(None)
    file.remember(None)
    assert file.recall() is None


def test_a_wall_clock_that_was_set_back_makes_it_no_longer(tmp_path: Path) -> None:
    HoldFile(tmp_path, HandClock()).remember(HOLDS[0])
    clock = NextBoot(time=5 * SECOND, ahead=0)
    assert HoldFile(tmp_path, clock).recall() == UserHold(5 * SECOND)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"boot": 1}', b"\xff", b"[" * 5000, b'{"boot": "boot-1"}'])
def test_what_cannot_be_read_was_a_hold(tmp_path: Path, text: bytes) -> None:
    clock = HandClock()
    (tmp_path / NAME).write_bytes(text)
    assert HoldFile(tmp_path, clock).recall() == UserHold(clock.time)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        HoldFile(tmp_path / "gone", HandClock()).remember(HOLDS[0])


# -- the recorder -------------------------------------------------------------------------------------------------


class Start:
    """One start of the recorder in this home."""

    def __init__(self, home: Path, clock: HandClock) -> None:
        self.ledger = Pages()
        self.daemon = Daemon(
            Mailbox(8),
            clock=clock,
            witnesses=(Asked(),),
            seat=EmptySeat(),
            shutter=Shutter(clock),
            wake_capture=lambda: None,
            orders=Mailbox(64),
            ledger=self.ledger,
            drain=lambda: None,
            memory=HoldFile(home, clock),
        )
        self.daemon.start()

    @property
    def held(self) -> bool:
        return Hold.USER in self.daemon.session.holds


def test_a_hold_outlives_a_restart_until_its_end(tmp_path: Path) -> None:
    clock = HandClock()
    first = Start(tmp_path, clock)
    first.daemon.turn(PolicyArrived(POLICY))
    first.daemon.hold(UserHold(clock.time, clock.time + 60 * SECOND, "break"))
    clock.pass_by(20)
    second = Start(tmp_path, clock)
    assert ("hold", {"hold": "user", "reason": "break", "for_ms": 60_000}) in second.ledger.entries
    second.daemon.turn(PolicyArrived(POLICY))
    assert second.held
    clock.pass_by(40)
    second.daemon.turn(None)
    assert not second.held
    assert not Start(tmp_path, clock).held


def test_a_released_hold_is_forgotten(tmp_path: Path) -> None:
    clock = HandClock()
    first = Start(tmp_path, clock)
    first.daemon.hold(UserHold(clock.time))
    first.daemon.hold(None)
    assert not Start(tmp_path, clock).held


@pytest.mark.parametrize(
    ("terms", "lasts"), [(HoldTerms(allowed=False), False), (HoldTerms(longest=30 * SECOND), True)]
)
def test_only_as_the_policy_that_counts_allows(tmp_path: Path, terms: HoldTerms, *, lasts: bool) -> None:
    clock = HandClock()
    Start(tmp_path, clock).daemon.hold(UserHold(clock.time))
    clock.pass_by(20)
    again = Start(tmp_path, clock)
    assert again.held
    again.daemon.turn(PolicyArrived(replace(POLICY, user_hold=terms)))
    assert again.held is lasts
    clock.pass_by(10)
    again.daemon.turn(None)
    assert not again.held
    assert not Start(tmp_path, clock).held


def test_a_hold_that_the_disk_does_not_take_counts_and_is_told(tmp_path: Path) -> None:
    start = Start(tmp_path / "gone", HandClock())
    start.daemon.hold(UserHold(0))
    assert start.held
    assert "hold-not-remembered" in start.daemon.troubles
    (tmp_path / "gone").mkdir()
    start.daemon.hold(None)
    assert start.daemon.troubles == {}
