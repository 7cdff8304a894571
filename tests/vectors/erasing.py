"""What an erasure leaves of a world, in order or by somebody with the store's disk: both programs must say the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.envelope import KEY_PACKET_STREAM
from protocol.erasure import Destroyed, Erasure
from protocol.keys import public_to_text
from tests.vectors.worlds import Disk, World

_LOG: Final = "log.example.com"
_KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\7")
_OTHER: Final = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x08")
_DONE: Final = Destroyed(9, ("c" * 64,), 3, 900, ("/mirror",), "2027-01-31", ("2026-12-01",))


def follow_log(disk: Disk) -> None:
    disk.insert("lifecycle", log=_LOG, key=public_to_text(_KEY.public_key()), applied=8, generation="g")


def _signed(world: World, key: Ed25519PrivateKey = _KEY, **changed: Any) -> str:
    said = {"recording": world.recording.id, "device": world.pc.device, "basis": "period", "rule": "rest"}
    said |= {"rules": "f" * 64, "reference": "", "log": _LOG, "position": 7, "at": 5}
    return Erasure(**said | changed).sign(key)


def _tombstone(
    world: World, step: str, order: str | None = None, certificate: str | None = None, **changed: object
) -> None:
    found = json.dumps({"packets": ["c" * 64], "objects": 3, "bytes": 900})
    order = _signed(world) if order is None else order
    row = {
        "recording": world.id,
        "device": world.pc.device,
        "position": 7,
        "order": order,
        "step": step,
        "found": found,
    }
    row |= {"shredded_at": None if step == "ordered" else 9, "certificate": certificate}
    world.disk.insert("erasures", **row | changed)


def _remove(world: World) -> None:
    folder = world.disk.blob(world.recording.id, KEY_PACKET_STREAM, 0, world.recording.packet).parent
    shutil.rmtree(folder)
    world.disk.run("DELETE FROM sealed WHERE recording = ?", world.id)


def erased(world: World) -> None:
    _remove(world)
    _tombstone(world, "erased", certificate=_signed(world, destroyed=_DONE))


def ordered(world: World) -> None:
    _tombstone(world, "ordered")


def shredded(world: World) -> None:
    world.disk.blob(world.recording.id, KEY_PACKET_STREAM, 0, world.recording.packet).unlink()
    _tombstone(world, "shredded")


def removed(world: World) -> None:
    _remove(world)
    _tombstone(world, "removed")


def erased_and_came_back(world: World) -> None:
    _tombstone(world, "erased", certificate=_signed(world, destroyed=_DONE))


def ordered_by_another_key(world: World) -> None:
    _remove(world)
    certificate = _signed(world, _OTHER, destroyed=_DONE)
    _tombstone(world, "erased", _signed(world, _OTHER), certificate)


def order_is_no_token(world: World) -> None:
    _remove(world)
    _tombstone(world, "removed", "none")


def _of_another(name: str, value: Callable[[], object]) -> Callable[[World], None]:
    def tamper(world: World) -> None:
        _remove(world)
        _tombstone(world, "removed", _signed(world, **{name: value()}))

    tamper.__name__ = f"order_of_another_{name}"
    return tamper


def certificate_is_an_order(world: World) -> None:
    _remove(world)
    _tombstone(world, "erased", certificate=_signed(world))


def files_of_one_without_an_order(world: World) -> None:
    """Nothing that was signed says that they should be gone."""
    _tombstone(world, "erased", _signed(world, _OTHER), _signed(world, _OTHER, destroyed=_DONE))


def certificate_is_missing(world: World) -> None:
    _remove(world)
    _tombstone(world, "erased")


def certificate_before_the_end(world: World) -> None:
    _remove(world)
    _tombstone(world, "removed", certificate=_signed(world, destroyed=_DONE))


def erased_with_its_row(world: World) -> None:
    erased(world)
    world.disk.run("DELETE FROM recordings WHERE id = ?", world.id)


def gone_with_its_row(world: World) -> None:
    ordered_by_another_key(world)
    world.disk.run("DELETE FROM recordings WHERE id = ?", world.id)


def erased_as_another_devices(world: World) -> None:
    """A recording of the same id, made by another PC and erased in order; this one's row stands again."""
    _remove(world)
    thief = {"device": str(uuid4())}
    _tombstone(world, "erased", _signed(world, **thief), _signed(world, **thief, destroyed=_DONE), **thief)


def opened_and_erased_as_another_devices(world: World) -> None:
    """The same, and the row is still the other's: the account of this PC alone tells of it."""
    erased_as_another_devices(world)
    world.disk.run("DELETE FROM recordings WHERE id = ?", world.id)


ERASING: Final[tuple[Callable[[World], None], ...]] = (
    erased, ordered, shredded, removed, erased_and_came_back, ordered_by_another_key, order_is_no_token,
    _of_another("recording", uuid4), _of_another("device", lambda: "d-0"), _of_another("position", lambda: 6),
    certificate_is_an_order, certificate_is_missing, certificate_before_the_end, erased_with_its_row,
    gone_with_its_row, files_of_one_without_an_order, erased_as_another_devices, opened_and_erased_as_another_devices,
)  # fmt: skip
