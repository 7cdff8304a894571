"""The promises of `agent.ports.Seat`, held by the Linux seat on private buses, a mock logind and real lockers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant

from agent.core.model.rules import Hold
from agent.desktop import seat as seats
from agent.desktop.null_seat import NullSeat
from agent.desktop.seat import LinuxSeat, dbus_calls
from agent.desktop.seat.display import DarkOrLocked
from testkit import displays
from testkit.buses import SESSION_PATH, Logind, ScreenSaver, Stranger, private_bus
from testkit.displays import await_true
from testkit.windows import program

pytestmark = pytest.mark.desktop

NOWHERE = "unix:path=/nonexistent/bus"


@pytest.fixture
def system_bus(tmp_path: Path) -> Iterator[str]:
    with private_bus(tmp_path, "system") as address:
        yield address


@pytest.fixture
def session_bus(tmp_path: Path) -> Iterator[str]:
    with private_bus(tmp_path, "session") as address:
        yield address


@pytest.fixture(autouse=True)
def no_session_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_SESSION_ID", raising=False)
    monkeypatch.setattr(seats, "RETRY", 0.05)


@contextlib.contextmanager
def seated(display: str, system_bus: str = NOWHERE, session_bus: str = NOWHERE) -> Iterator[LinuxSeat]:
    seat = LinuxSeat(display, system_bus=system_bus, session_bus=session_bus)
    try:
        yield seat
    finally:
        seat.close()


def await_holds(seat: LinuxSeat, *holds: Hold) -> None:
    await_true(lambda: seat.holds() == frozenset(holds), f"{holds or 'no hold'}")


# -- logind -----------------------------------------------------------------------------------------------------------


def test_nothing_holds_a_person_at_work(bare_display: str, system_bus: str, session_bus: str) -> None:
    with Logind(system_bus), seated(bare_display, system_bus, session_bus) as seat:
        assert seat.holds() == frozenset()
        assert seat.blind_to == ()


@pytest.mark.parametrize(
    ("name", "while_held", "hold"), [("LockedHint", True, Hold.LOCKED), ("Active", False, Hold.NOT_IN_FRONT)]
)
def test_logind_says_locked_and_switched_away(
    bare_display: str, system_bus: str, session_bus: str, name: str, while_held: bool, hold: Hold
) -> None:
    with Logind(system_bus) as logind, seated(bare_display, system_bus, session_bus) as seat:
        logind.set(name, while_held)
        await_holds(seat, hold)
        logind.set(name, not while_held)
        await_holds(seat)


def test_logind_says_about_to_sleep(bare_display: str, system_bus: str, session_bus: str) -> None:
    with Logind(system_bus) as logind, seated(bare_display, system_bus, session_bus) as seat:
        logind.sleep(True)
        await_holds(seat, Hold.SUSPENDED)
        logind.sleep(False)
        await_holds(seat)


def test_logind_says_about_to_shut_down_and_may_call_it_off(
    bare_display: str, system_bus: str, session_bus: str
) -> None:
    with Logind(system_bus) as logind, seated(bare_display, system_bus, session_bus) as seat:
        logind.shut_down(True)
        await_holds(seat, Hold.SHUTDOWN)
        with seated(bare_display, system_bus, session_bus) as late:
            assert late.holds() == {Hold.SHUTDOWN}
        logind.shut_down(False)
        await_holds(seat)


def test_no_stranger_can_fill_the_recorder_with_descriptors(
    bare_display: str, system_bus: str, session_bus: str
) -> None:
    """On the system bus any user of the PC may send a signal to any connection, with 16 descriptors in it."""
    with (
        Logind(system_bus) as logind,
        seated(bare_display, system_bus, session_bus) as seat,
        Stranger(system_bus) as stranger,
    ):
        before = open_descriptors()
        stranger.hand_descriptors(logind.name, times=10)
        assert open_descriptors() < before + 16
        logind.sleep(True)
        await_holds(seat, Hold.SUSPENDED)
        assert not logind.may_sleep()  # the one descriptor that is wanted was taken


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_logind_says_that_the_session_has_ended(bare_display: str, system_bus: str, session_bus: str) -> None:
    with Logind(system_bus) as logind, seated(bare_display, system_bus, session_bus) as seat:
        logind.log_off("/org/freedesktop/login1/session/of_somebody_else")
        logind.set("LockedHint", True)
        await_holds(seat, Hold.LOCKED)  # so the signal before it has been heard
        logind.log_off()
        await_holds(seat, Hold.LOCKED, Hold.LOGOFF)


MANAGER = "org.freedesktop.login1.Manager"
FORGED: dict[str, tuple[Any, ...]] = {
    "unlocked": (
        *(SESSION_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as"),
        *("org.freedesktop.login1.Session", {"LockedHint": Variant("b", False)}, []),
    ),
    "logged off": ("/org/freedesktop/login1", MANAGER, "SessionRemoved", "so", "7", SESSION_PATH),
    "about to sleep": ("/org/freedesktop/login1", MANAGER, "PrepareForSleep", "b", True),
    "about to end": ("/org/freedesktop/login1", MANAGER, "PrepareForShutdown", "b", True),
    "gone": (
        *("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss"),
        *("org.freedesktop.login1", ":1.0", ":1.99"),
    ),
    "nonsense": ("/org/freedesktop/login1", MANAGER, "PrepareForSleep", "", *()),
}


@pytest.mark.parametrize("said", FORGED.values(), ids=list(FORGED))
def test_a_stranger_on_the_system_bus_is_not_taken_for_logind(
    bare_display: str, system_bus: str, said: tuple[Any, ...]
) -> None:
    """Any user may send a signal to a connection by its own name."""
    with (
        Logind(system_bus, locked=True) as logind,
        Stranger(system_bus) as stranger,
        seated(bare_display, system_bus) as seat,
    ):
        stranger.signal_to_all(*said)
        logind.set("Active", False)
        await_holds(seat, Hold.LOCKED, Hold.NOT_IN_FRONT)  # so what came before it has been heard
        logind.set("LockedHint", False)
        await_holds(seat, Hold.NOT_IN_FRONT)  # and logind is still believed


def test_a_logind_that_starts_anew_is_asked_again(bare_display: str, system_bus: str) -> None:
    with contextlib.ExitStack() as first:
        first.enter_context(Logind(system_bus, locked=True))
        with seated(bare_display, system_bus) as seat:
            first.close()
            with Logind(system_bus) as again:
                await_holds(seat)
                again.set("LockedHint", True)
                await_holds(seat, Hold.LOCKED)


def test_a_session_that_is_locked_at_the_start_is_held_from_the_start(
    bare_display: str, system_bus: str, session_bus: str
) -> None:
    with Logind(system_bus, locked=True), seated(bare_display, system_bus, session_bus) as seat:
        assert seat.holds() == {Hold.LOCKED}


@pytest.mark.parametrize("named", [True, False], ids=["by XDG_SESSION_ID", "by the user's display"])
def test_a_service_that_is_in_no_session_finds_the_users(
    bare_display: str, system_bus: str, session_bus: str, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named:
        monkeypatch.setenv("XDG_SESSION_ID", "7")
    with Logind(system_bus, by_process=False, locked=True), seated(bare_display, system_bus, session_bus) as seat:
        assert seat.holds() == {Hold.LOCKED}
        assert seat.blind_to == ()


def test_what_logind_said_before_the_bus_went_is_not_claimed_and_nothing_is_kept(
    bare_display: str, tmp_path: Path, session_bus: str
) -> None:
    with contextlib.ExitStack() as first:
        system_bus = first.enter_context(private_bus(tmp_path, "passing"))
        first.enter_context(Logind(system_bus, locked=True))
        with seated(bare_display, system_bus, session_bus) as seat:
            first.close()
            await_true(lambda: any("logind" in deaf for deaf in seat.blind_to), "deafness to logind")
            assert seat.holds() == {Hold.SEAT_UNKNOWN}
            (tmp_path / "passing").unlink(missing_ok=True)
            with private_bus(tmp_path, "passing") as again, Logind(again):
                await_holds(seat)
                await_true(lambda: seat.blind_to == (), "logind answered all")


def test_a_logind_that_has_gone_leaves_it_unknown_who_is_in_front(bare_display: str, system_bus: str) -> None:
    with contextlib.ExitStack() as first:
        first.enter_context(Logind(system_bus))
        with seated(bare_display, system_bus) as seat:
            first.close()
            await_holds(seat, Hold.SEAT_UNKNOWN)
            with Logind(system_bus, locked=True):
                await_holds(seat, Hold.LOCKED)


def test_a_logind_that_does_not_answer_leaves_it_unknown_who_is_in_front(
    bare_display: str, system_bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbus_calls, "ANSWER", 0.2)  # the real one is ten seconds
    with Logind(system_bus) as logind:
        logind.mute = True
        with seated(bare_display, system_bus) as seat:
            assert seat.holds() == {Hold.SEAT_UNKNOWN}
            logind.mute = False
            await_holds(seat)


def test_the_end_of_a_session_stays_true_when_its_bus_goes(bare_display: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as first:
        system_bus = first.enter_context(private_bus(tmp_path, "passing"))
        logind = first.enter_context(Logind(system_bus, locked=True))
        with seated(bare_display, system_bus) as seat:
            logind.shut_down(True)
            await_holds(seat, Hold.LOCKED, Hold.SHUTDOWN)
            first.close()
            await_holds(seat, Hold.SHUTDOWN)


# 64 containers around an array of bytes, which libdbus counts as 64 and dbus-fast as 65; and a message of 1 MB.
DEEP = b"\1v\0" * 63 + b"\2ay\0" + b"\0" * 3 + b"\1\0\0\0z"
LONG = (1 << 20).to_bytes(4, "little") + b"\1y\0z" * (1 << 18)


@pytest.mark.parametrize(("signature", "body"), [("v", DEEP), ("av", LONG)], ids=["deep", "long"])
def test_no_stranger_can_make_the_seat_deaf(
    bare_display: str, system_bus: str, session_bus: str, signature: str, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "AT_ONCE", 60.0)  # a connection that was lost would not be back in time
    with Logind(system_bus) as logind, seated(bare_display, system_bus, session_bus) as seat:
        with Stranger(system_bus) as stranger:
            stranger.frame_to_others(logind.name, signature, body)
        logind.set("LockedHint", True)
        await_holds(seat, Hold.LOCKED)
        assert seat.blind_to == ()
        logind.sleep(True)
        await_holds(seat, Hold.LOCKED, Hold.SUSPENDED)


# -- screen savers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver", "org.xfce.ScreenSaver"])
def test_a_screen_saver_says_active(bare_display: str, session_bus: str, name: str) -> None:
    with ScreenSaver(session_bus, name) as saver, seated(bare_display, session_bus=session_bus) as seat:
        assert seat.holds() == frozenset()
        saver.set(True)
        await_holds(seat, Hold.LOCKED)
        saver.set(False)
        await_holds(seat)


def test_a_stranger_on_the_session_bus_is_not_taken_for_the_screen_saver(bare_display: str, session_bus: str) -> None:
    name = "org.gnome.ScreenSaver"
    with (
        ScreenSaver(session_bus, name, active=True) as saver,
        ScreenSaver(session_bus, "org.mate.ScreenSaver") as other,
        Stranger(session_bus) as stranger,
        seated(bare_display, session_bus=session_bus) as seat,
    ):
        bus = ("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", name, ":1.0", "")
        unlocked = ("/org/gnome/ScreenSaver", name, "ActiveChanged", "b", False)
        for said in (bus, unlocked):
            stranger.signal_to_all(*said)
            other.signal_to_all(*said)  # it may speak for its own name alone
        assert seat.holds() == {Hold.LOCKED}
        saver.set(False)
        await_holds(seat)


def test_a_screen_saver_that_is_active_at_the_start_holds_until_it_ends(bare_display: str, session_bus: str) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(ScreenSaver(session_bus, "org.gnome.ScreenSaver", active=True))
        with seated(bare_display, session_bus=session_bus) as seat:
            assert seat.holds() == {Hold.LOCKED}
            stack.close()
            await_holds(seat)


def test_a_session_bus_that_goes_with_a_screen_saver_on_it_leaves_the_lock_unknown(
    bare_display: str, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as first:
        session_bus = first.enter_context(private_bus(tmp_path, "passing"))
        with (
            ScreenSaver(session_bus, "org.gnome.ScreenSaver", active=True),
            seated(bare_display, session_bus=session_bus) as seat,
        ):
            assert seat.holds() == {Hold.LOCKED}
            first.close()
            await_holds(seat, Hold.SEAT_UNKNOWN)


def test_a_session_bus_without_a_screen_saver_leaves_nothing_unknown(bare_display: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as first:
        session_bus = first.enter_context(private_bus(tmp_path, "passing"))
        with seated(bare_display, session_bus=session_bus) as seat:
            assert len(seat.blind_to) == 1
            first.close()
            await_true(lambda: len(seat.blind_to) == 2, "deafness to the session's bus")
            assert seat.holds() == frozenset()


def test_asking_starts_no_screen_saver(bare_display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = tmp_path / "dbus-1" / "services"
    services.mkdir(parents=True)
    started = tmp_path / "started"
    (services / "saver.service").write_text(
        f"[D-BUS Service]\nName=org.gnome.ScreenSaver\nExec=/usr/bin/touch {started}\n"
    )
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with private_bus(tmp_path, "session") as session_bus, seated(bare_display, session_bus=session_bus) as seat:
        assert len(seat.blind_to) == 1  # logind: the session's bus has answered for all its savers
    assert not started.exists()


# -- the display ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [["/usr/bin/i3lock", "-n"], ["/usr/bin/xsecurelock"]], ids=lambda c: Path(c[0]).name
)
def test_a_real_locker_is_recognised(bare_display: str, command: list[str], tmp_path: Path) -> None:
    with seated(bare_display) as seat:
        with displays.running(command, env=displays.environment(bare_display), log=tmp_path / "locker.log"):
            await_holds(seat, Hold.LOCKED)
        await_holds(seat)


def test_a_locker_that_is_there_at_the_start_is_recognised(bare_display: str, tmp_path: Path) -> None:
    env = displays.environment(bare_display)
    with displays.running(["/usr/bin/i3lock", "-n"], env=env, log=tmp_path / "locker.log"):
        with seated(bare_display) as before:
            await_holds(before, Hold.LOCKED)
        with seated(bare_display) as seat:
            assert seat.holds() == {Hold.LOCKED}


def test_a_number_that_was_a_lockers_and_comes_again_is_no_locker() -> None:
    """A program that connects right after a locker has left gets the locker's window numbers."""
    with displays.xvfb() as display, contextlib.closing(DarkOrLocked(display)) as screen:
        lockers = set()
        for _ in range(10):  # a stranger that knocks at this display for a moment moves the numbers by one
            with program(display, "i3lock") as locker:
                lockers.add(locker.open(override=True, width=1280, height=800))
                screen.ask()
                screen.absorb()
                assert screen.holds() == {Hold.LOCKED}
            with program(display, "slides") as slides:
                number = slides.open(override=True, width=1280, height=800)
                screen.ask()
                screen.absorb()
                assert screen.holds() == frozenset()
                if number in lockers:
                    return
        pytest.fail("no window's number came again")


def test_another_window_that_covers_the_screen_is_no_locker(bare_display: str) -> None:
    with (
        seated(bare_display) as seat,
        program(bare_display, "slides") as slides,
        program(bare_display, "i3lock") as small,
    ):
        slides.open(override=True, width=1280, height=800)
        small.open(override=True, width=100, height=100)
        with displays.running(["/usr/bin/xset", "s", "activate"], env=displays.environment(bare_display)) as xset:
            xset.wait()
        await_holds(seat, Hold.DISPLAY_OFF)  # so the windows before it have been looked at
        with displays.running(["/usr/bin/xset", "s", "reset"], env=displays.environment(bare_display)) as xset:
            xset.wait()
        await_holds(seat)


def test_a_lost_display_is_named_and_keeps_the_last_word(tmp_path: Path) -> None:
    with contextlib.ExitStack() as server:
        display = server.enter_context(displays.xvfb(displays.own_number()))
        env = displays.environment(display)
        with displays.running(["/usr/bin/i3lock", "-n"], env=env, log=tmp_path / "log"), seated(display) as seat:
            await_holds(seat, Hold.LOCKED)
            server.close()
            await_true(lambda: any("display" in deaf for deaf in seat.blind_to), "deafness to the display")
            assert seat.holds() == {Hold.LOCKED}


# -- nobody to ask ----------------------------------------------------------------------------------------------------


def test_without_any_bus_the_seat_knows_what_the_display_tells_and_says_so(bare_display: str) -> None:
    with seated(bare_display) as seat:
        assert seat.holds() == frozenset()
        assert [deaf.partition(" ")[0] for deaf in seat.blind_to] == ["logind", "the"]


def test_a_bus_without_logind_is_no_logind(bare_display: str, system_bus: str, session_bus: str) -> None:
    with seated(bare_display, system_bus, session_bus) as seat:
        assert [deaf.partition(" ")[0] for deaf in seat.blind_to] == ["logind"]
        with Logind(system_bus):
            await_true(lambda: seat.blind_to == (), "logind being heard")


@pytest.mark.parametrize("address", ["nonsense", "unix:path=/nonexistent", "tcp:host=localhost,port=1"])
def test_an_address_that_is_none_is_a_bus_that_is_not_there(bare_display: str, address: str) -> None:
    with seated(bare_display, address, address) as seat:
        assert len(seat.blind_to) == 2


def test_close_ends_the_thread_and_may_be_repeated(bare_display: str) -> None:
    with seated(bare_display) as seat:
        seat.close()
        seat.close()
        assert "seat" not in {thread.name for thread in threading.enumerate()}


def test_a_seat_that_cannot_be_watched_says_so() -> None:
    seat = NullSeat()
    assert seat.holds() == frozenset()
    assert seat.blind_to
    seat.close()
