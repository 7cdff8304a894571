"""The eye in a real panel: seen in every state, clicked with a real pointer, there again when the panel comes back.

The recorder is played, the tray is the real command, and the panel is xfce4-panel under Xvfb.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from agent.tray.drawing import COLOURS, OFFLINE
from agent.tray.icon_state import Lid
from testkit import menus
from testkit.buses import Service
from testkit.fleet import installed
from testkit.panel import DARK, LIGHT, Pointer, box_of, desktop, missing, panel
from testkit.played import OFFER, Played, held, sound, status
from testkit.stage import Running, Stage, own_display, running
from tests.end_to_end.turning import Waits, served_by

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.slow(reason="a desktop, a panel and a tray are started for each test"),
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
]

ICON = 24
WIDTH, HEIGHT = 800, 500
DEADLINE = 90.0  # seconds: at a load of 40 on two cores a panel and a tray took more than 30 to be there
STATES: dict[Lid, dict[str, Any] | None] = {
    Lid.OPEN: status(),
    Lid.SHUT: status("closed", rules=("card-forms",)),
    Lid.HELD: held(240.0),
    Lid.FAULT: status("stalled"),
    Lid.GONE: status("stopping"),
}


class Notices(Service):
    """A desktop's notices: what each said, and which one it replaced."""

    def __init__(self, address: str) -> None:
        self.shown: list[tuple[str, str, int]] = []
        super().__init__(address, "org.freedesktop.Notifications")

    def answer(self, message: Message) -> tuple[str, Any] | None:
        if message.member != "Notify":
            return None
        _, replaced, _, title, body, *_ = message.body
        self.shown.append((title, body, replaced))
        return "u", len(self.shown)


class Desk:
    """A desktop with a played recorder; trays and panels come and go."""

    def __init__(self, stage: Stage, folder: Path, around: dict[str, str]) -> None:
        self.folder = folder
        self.around = {**around, "EYELID_HOME": str(folder / "pc")}
        self.address = around["DBUS_SESSION_BUS_ADDRESS"]
        self.recorder = Played(folder / "pc")
        self.pointer = Pointer(stage.name)
        self.notices = Notices(self.address)

    def close(self) -> None:
        self.recorder.close()
        self.pointer.close()
        self.notices.close()

    def tray(self, *arguments: str) -> Any:
        return running("the tray", installed("eyelid", "tray", *arguments), self.folder / "tray.log", self.around)

    def panel(self, colour: str = LIGHT) -> Any:
        return panel(self.folder, self.around, icon=ICON, colour=colour)

    def where(self, colour: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
        """Where in the panel this colour is to be seen."""
        return box_of(self.pointer.picture((WIDTH, ICON + 8)), colour)

    def seen(self, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
        return until(lambda: self.where(colour), f"{colour} was seen")

    def open_menu(self, lid: Lid = Lid.OPEN) -> menus.Popup:
        return menus.open_menu(self.pointer, self.seen(COLOURS[lid]))


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {DEADLINE} s")
        time.sleep(0.05)
    return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    with TemporaryDirectory(prefix="eye-") as folder, own_display(Path(folder), (WIDTH, HEIGHT)) as made:
        yield made


@pytest.fixture
def desk(stage: Stage) -> Iterator[Desk]:
    with (
        TemporaryDirectory(prefix="eye-", ignore_cleanup_errors=True) as folder,
        desktop(stage, Path(folder)) as around,
    ):
        made = Desk(stage, Path(folder), around)
        yield made
        made.close()


@pytest.mark.parametrize("colour", [LIGHT, DARK], ids=["light panel", "dark panel"])
def test_every_state_is_seen_in_a_panel(desk: Desk, colour: str) -> None:
    with desk.panel(colour), desk.tray():
        for lid, said in STATES.items():
            desk.recorder.say(said or {})
            left, top, right, bottom = desk.seen(COLOURS[lid])
            assert right - left <= ICON
            assert bottom - top <= ICON
            assert desk.where(OFFLINE) is None
        desk.recorder.say(status(troubles={"store-lies": ""}))
        desk.seen(COLOURS[Lid.FAULT])  # the triangle
        desk.seen(COLOURS[Lid.OPEN])
        desk.recorder.say(status(offline_s=60.0, waiting_s=60.0))
        until(lambda: desk.where(COLOURS[Lid.FAULT]) is None, "the triangle had gone")
        desk.seen(OFFLINE)
        desk.seen(COLOURS[Lid.OPEN])
        desk.recorder.close()
        desk.seen(COLOURS[Lid.GONE])


@pytest.mark.parametrize(("number", "seconds"), [(1, 300.0), (2, None)], ids=["five minutes", "until I release"])
def test_a_hold_is_asked_for_with_two_clicks_and_released_with_one(
    desk: Desk, number: int, seconds: float | None
) -> None:
    with desk.panel(), desk.tray():
        menus.click_first(desk.pointer, menus.open_submenu(desk.pointer, desk.open_menu(), number))
        until(lambda: desk.recorder.asked, "the recorder was asked")
        assert desk.recorder.asked == [("hold", {"seconds": seconds, "reason": "break"})]
        until(lambda: not desk.pointer.popups(), "the menu was closed")
        desk.recorder.say(held(seconds))
        menus.click_upwards(desk.pointer, desk.seen(COLOURS[Lid.HELD]), lambda: bool(desk.recorder.asked[1:]))
        assert desk.recorder.asked[1:] == [("release", {})]


@pytest.mark.parametrize("language", ["en", "de"])
def test_help_is_read_in_the_menu_also_while_nobody_records(desk: Desk, language: str) -> None:
    """And starts no browser, which closes the eye until its extension has connected."""
    opened = desk.folder / "opened"
    browser = desk.folder / "browser"
    browser.write_text(f"#!/bin/sh\ntouch {opened}\n")
    browser.chmod(0o755)
    desk.around["BROWSER"] = f"{browser} %s"
    desk.recorder.close()  # before the tray asks: what it shows first is what it goes on to show
    with desk.panel(), desk.tray("--language", language):
        menu = desk.open_menu(Lid.GONE)
        _, _, width, height = menus.open_submenu(desk.pointer, menu, upwards=True)
        assert width > menu[2]
        assert height > menu[3]
        menus.click_last(desk.pointer, menu)
    assert not opened.exists()
    assert desk.recorder.asked == []


def test_the_privacy_notice_is_opened_with_a_click(desk: Desk) -> None:
    opened = desk.folder / "opened"
    browser = desk.folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    desk.around["BROWSER"] = f"{browser} %s"  # as whoever has another browser than the desktop's sets it
    desk.around["EYELID_PRIVACY_NOTICE"] = "https://intranet.example/privacy"
    desk.recorder.close()  # before the tray asks: what it shows first is what it goes on to show
    with desk.panel(), desk.tray():
        menus.click_last(desk.pointer, desk.open_menu(Lid.GONE))
        until(opened.exists, "the browser was started")
        assert opened.read_text("utf-8") == "https://intranet.example/privacy"
        until(lambda: not desk.pointer.popups(), "the menu was closed")
    assert desk.recorder.asked == []


def test_the_notice_that_compliance_signed_is_read_in_the_menu(desk: Desk) -> None:
    notice = "\n".join(f"Line {number} of what we record, and of your rights." for number in range(12))
    desk.recorder.say(status(notice=notice))  # before the tray asks: the eye looks the same without it
    with desk.panel(), desk.tray():
        menu = desk.open_menu()
        _, _, _, height = menus.open_submenu(desk.pointer, menu, upwards=True)  # the last entry that has one
        assert height > 12 * 15  # pixels: all of its lines
    assert desk.recorder.asked == []


def test_a_refusal_comes_as_a_notice(desk: Desk) -> None:
    desk.recorder.refusal = "the policy in force allows 2 min at most"
    with desk.panel(), desk.tray():
        menus.click_first(desk.pointer, menus.open_submenu(desk.pointer, desk.open_menu()))
        until(lambda: any("2 min at most" in body for _, body, _ in desk.notices.shown), "the refusal was shown")


def test_it_is_there_again_when_the_panel_has_come_back(desk: Desk) -> None:
    with desk.tray() as tray:
        with desk.panel():
            desk.seen(COLOURS[Lid.OPEN])
        until(lambda: desk.where(COLOURS[Lid.OPEN]) is None, "the panel had gone")
        desk.recorder.say(status("closed", rules=("card-forms",)))
        with desk.panel():
            desk.seen(COLOURS[Lid.SHUT])
        assert tray.alive()


def test_where_no_tray_is_a_notice_says_so_once(desk: Desk) -> None:
    desk.recorder.say(status("closed", rules=("card-forms",)))
    with desk.tray() as tray:
        until(lambda: desk.notices.shown, "the notice was shown")
        assert "eyelid status" in desk.notices.shown[0][1]
        assert tray.alive()
    desk.notices.shown.clear()
    with desk.tray("--language", "de"), desk.panel():
        desk.seen(COLOURS[Lid.SHUT])  # a panel that comes late is served all the same
    assert desk.notices.shown == []


def test_the_first_start_says_that_recording_is_on_and_a_hold_that_it_ends(desk: Desk) -> None:
    with desk.panel(), desk.tray("--language", "de"):
        until(lambda: desk.notices.shown, "the first notice was shown")
        assert desk.notices.shown[0][0] == "Ihr Bildschirm wird aufgenommen"
        for said in (status("closed", rules=("card-forms",)), status(), held(20.0, since=280.0), status()):
            desk.recorder.say(said)
            lid = {"closed": Lid.SHUT, "recording": Lid.OPEN, "held": Lid.HELD}[said["state"]]
            desk.seen(COLOURS[lid])
        until(lambda: len(desk.notices.shown) == 3, "the hold's end was announced")
        ends, over = desk.notices.shown[1:]
        assert ends[0] == "Die Aufnahme geht in 20 s weiter"
        assert over[0] == "Die Aufnahme geht weiter"
        assert over[2] == 2  # takes the place of the second notice


def test_a_screen_reader_is_told_in_words(desk: Desk) -> None:
    desk.recorder.say(status("stalled"))
    with desk.panel(), desk.tray() as tray:
        desk.seen(COLOURS[Lid.FAULT])
        item = properties(desk.address, item_of(tray))
        assert item["Title"].value == "Eyelid: not recording, something is wrong"
        assert item["Status"].value == "NeedsAttention"
        for name in ("IconAccessibleDesc", "AttentionAccessibleDesc"):
            assert "no picture of the screen reaches the disk" in item[name].value
            assert "Log off and on again" in item[name].value
        _, _, title, text = item["ToolTip"].value
        assert title == item["Title"].value
        assert text in item["IconAccessibleDesc"].value
        for name in ("IconPixmap", "AttentionIconPixmap"):
            assert [size for size, _, _ in item[name].value] == [16, 22, 24, 32, 48, 64]


def item_of(tray: Running) -> str:
    return f"org.kde.StatusNotifierItem-{tray.pid}-1"


def properties(address: str, name: str) -> dict[str, Variant]:
    question = Message(
        destination=name, path="/StatusNotifierItem", interface="org.freedesktop.DBus.Properties", member="GetAll",
        signature="s", body=["org.kde.StatusNotifierItem"],
    )  # fmt: skip
    return dict(asyncio.run(answered(address, question)))


def layout(address: str, name: str) -> list[tuple[int, dict[str, Variant], list[Variant]]]:
    """The menu's entries, each with those below it."""
    question = Message(
        destination=name, path=properties(address, name)["Menu"].value, interface="com.canonical.dbusmenu",
        member="GetLayout", signature="iias", body=[0, -1, []],
    )  # fmt: skip
    _, (_, _, entries) = asyncio.run(answered(address, question, whole=True))
    return [entry.value for entry in entries]


async def answered(address: str, question: Message, *, whole: bool = False) -> Any:
    bus = await MessageBus(bus_address=address).connect()
    answer = await bus.call(question)
    bus.disconnect()
    assert answer is not None
    return answer.body if whole else answer.body[0]


def test_a_storm_of_changes_does_not_break_the_bus_off(desk: Desk) -> None:
    """A panel reads all pictures anew at each signal, which is more than a socket takes of several at once."""
    with desk.panel() as shown, desk.tray() as tray:
        desk.seen(COLOURS[Lid.OPEN])
        waits = Waits((tray.pid, shown.pid, served_by(desk.folder / "bus")))
        for _ in range(100):
            for said in (status("stalled"), status(sound=sound("stalled", fault="no-device")), status()):
                desk.recorder.say(said)
                time.sleep(0.03)
        desk.recorder.say(status("closed", rules=("card-forms",)))
        desk.seen(COLOURS[Lid.SHUT])
        waits.note()
        # Signals go out slowly enough for a panel (tests/tray/test_item.py), but not for one that waits for a CPU.
        assert "broke off" not in tray.log.read_text("utf-8") or waits.seconds > 1


def test_one_eye_a_session_and_none_without_a_bus(desk: Desk) -> None:
    with desk.panel(), desk.tray():
        desk.seen(COLOURS[Lid.OPEN])
        second = subprocess.run(
            installed("eyelid", "tray"), env=desk.around, capture_output=True, text=True, timeout=60, check=False
        )
    assert (second.returncode, second.stderr) == (2, "eyelid: The eye is already shown in this session.\n")
    nowhere = {**desk.around, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={desk.folder / 'nothing'}"}
    alone = subprocess.run(
        installed("eyelid", "tray"), env=nowhere, capture_output=True, text=True, timeout=60, check=False
    )
    assert alone.returncode == 3
    assert "no session bus" in alone.stderr


def test_a_forbidden_hold_is_not_offered(desk: Desk) -> None:
    desk.recorder.say(status(user_hold={**OFFER, "allow": False}))
    with desk.panel(), desk.tray() as tray:
        menu = desk.open_menu()
        assert len(menus.submenus(desk.pointer, menu, 2)) == 1  # help
        # On a busy machine one might open later than that. The panel has none to open.
        entries = layout(desk.address, item_of(tray))
        assert len(entries) > 2
        assert len([below for _, _, below in entries if below]) == 1


@pytest.mark.parametrize("name", ["org.eyelid.Tray", "org.kde.StatusNotifierItem-{pid}-1"])
def test_told_to_end_as_soon_as_it_is_on_the_bus_it_ends(desk: Desk, name: str) -> None:
    """A desktop that ends at once: between its first word on the bus and its last there are some milliseconds."""
    for _ in range(4):
        with desk.tray() as tray:
            asyncio.run(owned(desk.address, name.format(pid=tray.pid)))
            assert tray.end() == 0


async def owned(address: str, name: str) -> None:
    """Waits until somebody has this name: the bus says so in the moment in which it is given."""
    bus = await MessageBus(bus_address=address).connect()
    given = asyncio.Event()

    def hear(message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.body[0] == name and message.body[2]:
            given.set()

    bus.add_message_handler(hear)
    rule = f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{name}'"
    await bus.call(on_bus("AddMatch", rule))
    answer = await bus.call(on_bus("NameHasOwner", name))
    assert answer is not None
    if not answer.body[0]:
        async with asyncio.timeout(DEADLINE):
            await given.wait()
    bus.disconnect()


def on_bus(member: str, word: str) -> Message:
    return Message(
        destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus",
        member=member, signature="s", body=[word],
    )  # fmt: skip


def test_told_to_end_it_ends(desk: Desk) -> None:
    with desk.panel(), ExitStack() as stack:
        tray: Running = stack.enter_context(desk.tray())
        desk.seen(COLOURS[Lid.OPEN])
        assert tray.end() == 0
        until(lambda: desk.where(COLOURS[Lid.OPEN]) is None, "the icon had gone")
