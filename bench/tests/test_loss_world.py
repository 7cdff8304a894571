"""The bench of losses, on a real store from which something was taken: if it finds nothing here, it proves nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bench.harness import LONG
from bench.loss import moving_screen
from bench.loss_world import Ground, World, world
from testkit.waits import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]


def chunks(made: World) -> list[str]:
    """Names of the chunks whose receipt the recorder has, in order."""
    return sorted(made.told().receipts)


def blob(made: World, name: str) -> Path:
    return next((made.services.home / "blobs").rglob(f"*{made.told().put[name]}*"))


def test_finds_what_the_store_lost_and_what_it_spoilt() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="eyelid-") as folder,  # short: a local socket's path may have 107 bytes
        moving_screen(Path(folder) / "display") as stage,
        world(Ground(stage, Path(folder) / "w")) as made,
    ):
        made.ready()
        until(lambda: len(chunks(made)) >= 5, "receipts for five chunks", LONG)
        (sound, *_) = made.verdict()
        gone, spoilt = chunks(made)[1:3]
        blob(made, gone).unlink()
        body = bytearray(blob(made, spoilt).read_bytes())
        body[-1] ^= 1
        blob(made, spoilt).write_bytes(body)
        (found, *_) = made.verdict()

    assert (sound.lost, sound.doubled, sound.unreadable, sound.unexplained_s, sound.faults) == (0, 0, 0, 0, [])
    assert sound.acknowledged >= 5
    assert (found.lost, found.doubled) == (1, 0)
    assert found.unreadable >= 1
