"""Remembers which policy was in force, so that nothing older can follow it after a restart (law 8)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from agent import durable
from agent.core.language.change import InForce
from agent.errors import EnvironmentFault, Transient

NAME: Final = "policy-in-force.json"


def recall(home: Path) -> InForce | None:
    """None where no policy has been in force yet. Raises EnvironmentFault when the memory is damaged: without it an
    older policy could come back unnoticed."""
    path = home / NAME
    try:
        saved = json.loads(durable.read(path))
        return InForce(int(saved["revision"]), str(saved["hash"]), tuple(str(rule) for rule in saved["rules"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as damage:
        raise EnvironmentFault(
            f"{path} is damaged ({type(damage).__name__}): it says which policy was in force last. Make sure that the "
            "newest policy lies in the policy folder, then remove the file"
        ) from damage


def since(home: Path) -> int | None:
    """Since when that policy has been in force, wall clock, ns since 1970; None where that was not noted."""
    try:
        noted = json.loads(durable.read(home / NAME)).get("since")
    except (OSError, ValueError, AttributeError):
        return None
    return noted if isinstance(noted, int) else None


def remember(home: Path, in_force: InForce, now: int) -> None:
    """`now`: wall clock, ns since 1970. Durable when it returns. Raises Transient when the disk refuses."""
    try:
        last = recall(home)
    except EnvironmentFault:
        last = None  # it is written anew
    began = since(home) if last is not None and last.hash == in_force.hash else None
    saved = {
        "revision": in_force.revision,
        "hash": in_force.hash,
        "rules": list(in_force.rules),
        "since": now if began is None else began,
    }
    try:
        durable.make_folder(home)
        durable.write(home / NAME, json.dumps(saved).encode())
    except OSError as failure:
        raise Transient(f"{home / NAME} cannot be written: {failure.strerror}") from failure
