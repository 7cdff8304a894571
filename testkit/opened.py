"""A recording as its recipient finds it: exported, verified and accounted for by the store's own commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from testkit import detector
from testkit.fleet import Store
from testkit.stage import StageError

SECOND: Final = 1_000_000_000
FOUND: Final = (0, 1)  # exit statuses of `verify`: sound, or something is wrong


@dataclass(frozen=True, slots=True)
class SheetSpan:
    """Seconds of the recording's time; `what` as the store's timeline has it; `why`: the rules, or other reasons."""

    start: float
    end: float
    what: str
    why: str

    @property
    def kept(self) -> bool:
        return self.what == "kept"


@dataclass(frozen=True)
class OpenedRecording:
    """`listed`: the recording's line in `eyelid-store recordings`; `folder`: where `export` put it."""

    listed: Mapping[str, Any]
    timeline: Mapping[str, Any]
    verdict: Mapping[str, Any]
    folder: Path

    @property
    def recording(self) -> str:
        return str(self.listed["recording"])

    @property
    def videos(self) -> tuple[Path, ...]:
        """One playable file for each stream."""
        return tuple(sorted(self.folder.glob("screen-*.mp4")))

    @property
    def film(self) -> Path:
        """All of them in step, with a slate where nothing was kept."""
        return self.folder / "recording.mp4"

    @property
    def verified(self) -> bool:
        return self.verdict["sound"] is True

    @property
    def seconds(self) -> float:
        return float(self.timeline["whole_ns"] / SECOND)

    @property
    def kept(self) -> float:
        return float(self.timeline["kept_ns"] / SECOND)

    @property
    def closed(self) -> float:
        """Seconds that rules closed, with the margins that the proof gave up for them."""
        return float((self.timeline["closed_ns"] + self.timeline["closed_margin_ns"]) / SECOND)

    @property
    def rules(self) -> dict[str, float]:
        """Rule id -> seconds, margins included. Where several spoke at once each has the whole time."""
        return {rule["id"]: (rule["closed_ns"] + rule["margin_ns"]) / SECOND for rule in self.timeline["rules"]}

    @property
    def reasons(self) -> dict[str, str]:
        """Rule id -> why the policy has it."""
        return {rule["id"]: rule["why"] for rule in self.timeline["rules"]}

    @property
    def stretches(self) -> tuple[SheetSpan, ...]:
        return tuple(
            SheetSpan(part["from"] / SECOND, part["to"] / SECOND, part["what"], _why(part))
            for part in self.timeline["parts"]
        )

    @cached_property
    def counted(self) -> detector.Count:
        """Every frame of every stream, decoded. Raises StageError when there is none: nothing seen proves nothing."""
        counted = detector.count_all(self.videos)
        if not counted.frames:
            raise StageError(f"recording {self.recording} has no frame: nothing was kept, so nothing can be judged")
        return counted


def _why(part: Mapping[str, Any]) -> str:
    return ", ".join(part.get("rules") or part.get("holds") or [part.get("why", "")])


def open_longest(store: Store, device: str, folder: Path) -> OpenedRecording:
    """Export the device's longest recording to `folder`, and check it. Raises StageError when there is none."""
    longest = max(_recordings(store, device), key=lambda recording: int(recording["whole_ns"]))
    return _open(store, longest, folder, gaps="slate")


def open_all(store: Store, device: str, folder: Path) -> list[OpenedRecording]:
    """As `open_longest`, every recording of the device, each in a folder of its own below `folder`, without a film."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_open(store, one, folder / str(one["recording"]), gaps="no-film") for one in _recordings(store, device)]


def _recordings(store: Store, device: str) -> list[Mapping[str, Any]]:
    listed: list[Mapping[str, Any]] = store.ask("recordings", "--device", device)["recordings"]
    if not listed:
        raise StageError("the store has no recording of this PC: nothing was kept, or nothing arrived")
    return listed


def _open(store: Store, listed: Mapping[str, Any], folder: Path, *, gaps: str) -> OpenedRecording:
    recording, opening = listed["recording"], store.opened_by_recipient
    verify = store.ran("verify", recording, *opening, "--json")
    if verify.returncode not in FOUND:
        raise StageError(f"eyelid-store verify could not judge: {verify.stderr.strip()}")
    store.ask("export", recording, *opening, "-o", str(folder), "--gaps", gaps)
    timeline = json.loads((folder / "timeline.json").read_text("utf-8"))  # what the command of that name says, too
    return OpenedRecording(listed, timeline, json.loads(verify.stdout), folder)
