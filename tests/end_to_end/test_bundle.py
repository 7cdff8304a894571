"""Compliance signs, the store carries, the PC obeys: the real commands, a real store and a real recorder.

What somebody puts into the PC's own policy folder meanwhile changes nothing and raises an alarm.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agent.control.recorder_state import RecorderState
from protocol import base64url
from testkit.fleet import NewStore, Pc, Store, answer, installed, pc, run
from testkit.stage import own_display

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

A_MINUTE = 75.0  # s: a PC asks once a minute, and a busy machine takes its time


def policy(revision: int, *rules: str) -> str:
    listed = "".join(f"  - {{ id: {rule}, why: w, any: [app: [{rule}]] }}\n" for rule in rules)
    return f"schema: 1\nrevision: {revision}\nname: Signed\nrules:\n{listed}...\n"


class Compliance:
    """A laptop with the compliance key, and without a store."""

    def __init__(self, services: Store, folder: Path) -> None:
        self._services = services
        self._folder = folder
        (folder / "policies").mkdir()
        keys = {key["name"]: Path(key["private_half"]) for key in services.ask("keys")["keys"]}
        keys["compliance"].rename(folder / "compliance.key")
        services.ran("bundle", "show")
        self._bundle("show", "--home", str(services.home), "--save", str(folder / "1"))
        self._signed = 1

    def change(self, text: str, *flags: str) -> None:
        """Sign this policy, and what else these flags ask for, and put it into the store."""
        (self._folder / "policies" / "cards.yaml").write_text(text)
        before, self._signed = self._signed, self._signed + 1
        self._bundle(
            "sign", "--key", str(self._folder / "compliance.key"), "--key-file", str(self._services.secret),
            "--from", str(self._folder / str(before)), "--policies", str(self._folder / "policies"), *flags,
            "-o", str(self._folder / str(self._signed)),
        )  # fmt: skip
        self._bundle("put", "--home", str(self._services.home), str(self._folder / str(self._signed)))

    @staticmethod
    def _bundle(*words: str) -> None:
        answer(f"bundle {words[0]}", run(installed("eyelid-store", "bundle", *words), {}))


def says(recorded: Pc) -> dict[str, Any]:
    return recorded.status() or {"policy_revision": None, "troubles": {}}


def test_a_signed_policy_is_in_force_within_a_minute_and_an_unsigned_one_never(
    new_store: NewStore, tmp_path: Path
) -> None:
    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        own_display(tmp_path / "display") as stage,
        stage.program("notes", (20, 20), still=True),
        new_store(tmp_path) as services,
    ):
        laptop = tmp_path / "laptop"
        laptop.mkdir()
        compliance = Compliance(services, laptop)
        compliance.change(policy(1, "till", "chart"))
        with pc(services, stage, Path(homes) / "pc", {}) as recorded:
            recorded.wait_for(RecorderState.RECORDING)
            assert says(recorded)["policy_revision"] == 1

            folder = recorded.home / "policies"
            (folder / "weaker.yaml").write_text(policy(9, "nothing"))
            recorded.recorder.until(lambda: "unsigned-policy" in says(recorded)["troubles"], "it raised the alarm")
            assert says(recorded)["policy_revision"] == 1

            compliance.change(policy(2, "till"))
            recorded.recorder.until(
                lambda: says(recorded)["policy_revision"] == 2, "the signed policy was in force", A_MINUTE
            )
            assert "rule-vanished" in says(recorded)["troubles"]

            for path in folder.iterdir():
                path.unlink()
            recorded.recorder.until(lambda: "unsigned-policy" not in says(recorded)["troubles"], "the alarm was over")
            assert says(recorded)["policy_revision"] == 2

            # Governance goes with the bundle, and of it the PC gets the notice alone.
            assert says(recorded)["notice"] == ""
            governance = laptop / "governance"
            answer(
                "governance init",
                run(
                    installed("eyelid-review", "governance", "init", "--template", "small", "--into", str(governance)),
                    {},
                ),
            )
            compliance.change(policy(3, "till"), "--governance", str(governance))
            recorded.recorder.until(
                lambda: says(recorded)["notice"].startswith("Example"), "the signed notice reached the tray", A_MINUTE
            )
            token = json.loads((recorded.home / "trust.json").read_bytes())["bundle"]
            signed = json.loads(base64url.decode(token.split(".")[1]))
            assert set(signed["policy_files"]) == {"cards.yaml"}
            assert (len(signed["governance"]), "may:" in json.dumps(signed)) == (64, False)
