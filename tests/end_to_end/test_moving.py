"""A recorder that runs follows its store to another port, certificate and signing key: it is not enrolled again."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.control.recorder_state import RecorderState
from testkit import fleet
from testkit.fleet import installed, pc, run
from testkit.stage import Running, own_display, running

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]

A_MINUTE = 90.0  # s: a PC asks once a minute, and a busy machine takes its time
POLICY = {
    "a.yaml": "schema: 1\nrevision: 1\nname: A\nrules: [{ id: till, why: w, any: [app: [till]] }]\n...\n",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_recorder_follows_its_store_with_no_hand_on_the_pc(founded: fleet.Founded, tmp_path: Path) -> None:
    folder, secret = fleet.found_like(founded, tmp_path)
    key = ("--home", str(folder), "--key-file", str(secret))

    def changed(*command: str) -> None:
        made = run(installed("eyelid-store", *command, *key), os.environ)
        assert made.returncode == 0, made.stderr

    def served(number: int, port: int) -> Any:
        return running("the store", fleet.serve(folder, port), tmp_path / f"{number}.log", os.environ)

    def listening(process: Running) -> str:
        return process.until(lambda: fleet.announced(process.log), "it said where it listens")

    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        own_display(tmp_path / "display") as stage,
        stage.program("notes", (20, 20)),
        served(1, 0) as first,
    ):
        services = fleet.Store(folder, listening(first), secret, within=True)
        with pc(services, stage, Path(homes) / "pc", POLICY) as recorded:
            recorded.wait_for(RecorderState.RECORDING)
            another = free_port()
            changed("rename", "--name", "localhost", "--port", str(another))
            trust = recorded.home / "trust.json"
            recorded.recorder.until(lambda: "location" in json.loads(trust.read_text()), "it knew the place", A_MINUTE)
            changed("renew", "store-key")
            assert first.end() == 0
            before = (recorded.status() or {})["chunks"]
            with served(2, another) as second:
                listening(second)

                def arrived() -> bool:
                    said = recorded.status() or {"waiting_chunks": 1, "chunks": 0}
                    return said["chunks"] > before and said["waiting_chunks"] == 0

                recorded.recorder.until(arrived, "all of it had arrived at the new place", A_MINUTE)
                assert len(json.loads(trust.read_text())["successors"]) == 1
                [device] = services.ask("devices")["devices"]
                assert (device["device"], device["alarms"]) == (recorded.device, [])
                recorded.stop()
