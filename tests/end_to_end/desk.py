"""A desk with a real recorder, tray and panel, of which a test lets one thing hang after the other."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from agent.tray.drawing import COLOURS, OFFLINE
from agent.tray.icon_state import Lid
from testkit.fleet import Founded, Store, announced, enrol, found_like, installed, serve, status
from testkit.panel import Box, Pointer, box_of, desktop, panel
from testkit.stage import Running, own_display, running
from testkit.waits import BEAT
from tests.end_to_end.turning import Turning, served_by, turning, with_children
from tests.moods import promised

DEADLINE: Final = 30.0  # seconds for a busy machine; what is promised is judged by `Desk.turning`
ICON: Final = 24


@dataclass
class Desk:
    stage: Any
    home: Path
    wedge: Path
    environment: dict[str, str]
    store: Running
    store_again: Callable[[], Running]  # at the same address: the PCs' token carries it
    pointer: Pointer
    tray: Running
    around: tuple[int, ...]  # the processes between the tray and the picture: bus, panel, display
    recorder: Running | None = None

    def status(self) -> dict[str, Any]:
        """{} while nobody answers."""
        return status(self.home) or {}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            installed("eyelid", *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def sees(self, colour: tuple[int, int, int]) -> bool:
        return self._where(colour) is not None

    def icon(self, colour: tuple[int, int, int]) -> Box:
        """Where the icon of this colour is, once it is there."""
        found: Box = self.until(lambda: self._where(colour), f"{colour} was seen in the panel")
        return found

    def _where(self, colour: tuple[int, int, int]) -> Box | None:
        return box_of(self.pointer.picture((200, ICON + 8)), colour)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + DEADLINE
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: {json.dumps(self.status())}\n{self.tray.tail()}")
            time.sleep(BEAT)
        return found

    def until_state(self, state: str) -> dict[str, Any]:
        """The first status that says so."""
        with promised() if state == "closed" else contextlib.nullcontext():
            status: dict[str, Any] = self.until(
                lambda: said if (said := self.status()).get("state") == state else None, f"the recorder said {state}"
            )
        return status

    def until_seen(self, colour: tuple[int, int, int]) -> None:
        self.icon(colour)

    def turning(self, colour: tuple[int, int, int]) -> Turning:
        """From now, when the fault is there, until the icon shows this colour."""
        assert self.recorder is not None
        chain = (self.recorder.pid, self.tray.pid, *self.around)
        turned = turning(lambda: self.sees(colour), chain, lambda: f"{self.status()}\n{self.tray.tail()}")
        print(f"last picture without the sign after {turned.late:.1f} s, {turned.waited:.1f} s of it for a CPU")
        return turned

    def until_well(self) -> None:
        self.until(self._is_well, "all was well")
        self.until_seen(COLOURS[Lid.OPEN])
        self.until(lambda: not self.sees(OFFLINE) and not self.sees(COLOURS[Lid.FAULT]), "the marks had gone")

    def _is_well(self) -> bool:
        said = self.status()
        sound = said.get("sound")
        # At the start an end has some seconds to be heard for the first time, in which nobody says that it is not.
        ends = [] if sound is None else [sound["microphone"], sound["far_end"]]
        heard = all(end["captured_ago_s"] is not None for end in ends if end and end["device"])
        hears = sound is None or (sound["state"] == "recording" and not sound["fault"] and heard)
        return said.get("state") == "recording" and said["offline_s"] is None and hears


@contextmanager
def desk_of(
    founded: Founded,
    policy: Mapping[str, str],
    settings: Mapping[str, object] | None = None,
    more: Mapping[str, str] | None = None,
) -> Iterator[Desk]:
    """`founded`: what the fixture of that name gives. `more`: of the recorder's environment.

    `settings` of the recorder, which records no sound unless they say so.
    """
    with TemporaryDirectory(prefix="eye-") as name, ExitStack() as stack:
        folder = Path(name)
        stage = stack.enter_context(own_display(folder / "d", (900, 500)))
        around = stack.enter_context(desktop(stage, folder / "k"))
        store_home, secret = found_like(founded, folder)
        serving = stack.enter_context(running("the store", serve(store_home), folder / "store.log", os.environ))
        address = serving.until(lambda: announced(serving.log), "it said where it listens")
        port = int(address.rpartition(":")[2])

        def store_again() -> Running:
            return stack.enter_context(
                running("the store", serve(store_home, port), folder / "store-again.log", os.environ)
            )

        home, wedge = folder / "pc", folder / "wedge"
        wedge.mkdir()
        _, environment = enrol(Store(store_home, address, secret, within=True), stage, home, policy, settings)
        environment |= around | {"EYELID_CONFIG": environment["EYELID_CONFIG"], "PYTHONPATH": str(Path.cwd())}
        environment |= more or {}
        shown = stack.enter_context(panel(folder / "k", around, icon=ICON))
        stack.enter_context(stage.program("notes", (100, 150)))
        tray = stack.enter_context(running("the tray", installed("eyelid", "tray"), folder / "tray.log", environment))
        pointer = Pointer(stage.name)
        stack.enter_context(contextlib.closing(pointer))
        bus, display = folder / "k" / "bus", Path(f"/tmp/.X11-unix/X{stage.name.lstrip(':')}")
        between = (served_by(bus), *with_children(shown.pid), served_by(display))
        made = Desk(stage, home, wedge, environment, serving, store_again, pointer, tray, between)
        command = [sys.executable, "-P", "-m", "testkit.wedged_recorder", str(wedge)]
        with running("the recorder", command, home / "agent.log", environment) as recorder:
            made.recorder = recorder
            yield made
