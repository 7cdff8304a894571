"""Which policy counts on this PC, in words: the signed one or the folder's, since when, and what does not count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from agent import config
from agent.control import control
from agent.core.model.times import SECOND
from agent.errors import EyelidError
from agent.witness.choice import SIGNER, Foretold, Kind, choose, foretell, signs
from protocol.language.findings import counted


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """`running`: (revision, hash) that a recorder judges with at this moment; None where none runs, or it has none."""

    foretold: Foretold
    running: tuple[int, str] | None

    @property
    def counts(self) -> bool:
        """Whether it is in force, or would be once a recorder runs."""
        policy = self.foretold.policy
        if policy is None or self.foretold.mistakes or self.foretold.refused:
            return False
        return self.running is None or self.running[1] == policy.hash

    def origin(self) -> str:
        """In a sentence or two."""
        signed = self.foretold.choice.signed
        origin = f"The policy of the folder {self.foretold.choice.folder}"
        if signed is not None:
            origin = f"Signed with bundle {signed.bundle} by the compliance key {signed.signer[:SIGNER]}"
        if self.foretold.since is not None:
            return f"{origin}, in force here since {_moment(self.foretold.since)}."
        return f"{origin}, not in force here {'yet' if self.counts else 'as it is'}."

    def doubts(self) -> tuple[str, ...]:
        """What does not count, and why; empty where bundle and folder are at one and the policy is in force."""
        return tuple(words for words in (self._mistaken(), self.runs_otherwise(), self._beside()) if words)

    def _mistaken(self) -> str:
        foretold = self.foretold
        if foretold.refused:
            return f"It changes nothing: {foretold.refused[0]}."
        if foretold.mistakes:
            asked = "" if foretold.choice.signed else ": `eyelid policy check` names them"
            mistakes = counted(len(foretold.mistakes), "mistake")
            return f"It has {mistakes} and does not come into force{asked}."
        return ""

    def runs_otherwise(self) -> str:
        """Whether a recorder goes on with another policy; "" if not."""
        policy = self.foretold.policy
        if self.running is None or (policy is not None and self.running[1] == policy.hash):
            return ""
        return f"The recorder that runs goes on with revision {self.running[0]}, another policy than this."

    def _beside(self) -> str:
        folder, beside = self.foretold.choice.folder, self.foretold.beside
        if beside.kind not in {Kind.OLDER, Kind.ANOTHER}:
            return ""
        if beside.revision is None:
            return f"The folder {folder} holds files with mistakes: they do not count, the signed policy does."
        which = "an older policy" if beside.kind is Kind.OLDER else "another policy without a signature"
        return f"The folder {folder} holds {which} (revision {beside.revision}): it does not count."

    def as_json(self) -> dict[str, object]:
        foretold, signed = self.foretold, self.foretold.choice.signed
        policy = foretold.policy
        return {
            "origin": "folder" if signed is None else "bundle",
            "bundle": None if signed is None else signed.bundle,
            "signer": None if signed is None else signed.signer,
            "folder": str(foretold.choice.folder),
            "name": None if policy is None else policy.name,
            "revision": None if policy is None else policy.revision,
            "hash": None if policy is None else policy.hash,
            "in_force": self.counts,
            "since": None if foretold.since is None else _when(foretold.since).isoformat(timespec="seconds"),
            "folder_holds": foretold.beside.kind.value if signed is not None else None,
            "doubts": list(self.doubts()),
        }


class Follower:
    """Which policy counts, again and again; its files are read anew only where one of them has changed."""

    def __init__(self) -> None:
        settings = config.load()
        self._home, self._folder = settings.home, settings.policies
        self._read: tuple[object, Foretold] | None = None

    def now(self) -> PolicyStatus:
        """Raises as `agent.witness.choice.foretell`."""
        seen = signs(self._home, self._folder)
        if self._read is None or self._read[0] != seen:
            self._read = (seen, foretell(self._home, self._folder))
        return PolicyStatus(self._read[1], _running(self._home))


def policy_status() -> PolicyStatus:
    """By the settings and the home of this user. Raises as `agent.witness.choice.foretell`."""
    return Follower().now()


def say_whether_the_folder_counts(out: Console) -> None:
    """The folder is checked and tested as it lies there, also where a signed policy counts instead."""
    settings = config.load()
    try:
        signed = choose(settings.home, settings.policies).signed
    except EyelidError:
        return  # `eyelid doctor` tells what is wrong with the keys
    if signed is not None:
        why = f"{settings.policies} does not count: bundle {signed.bundle} carries a signed policy, which does."
        out.print(why, style="yellow", markup=False)


def _running(home: Path) -> tuple[int, str] | None:
    try:
        answer: dict[str, Any] = control.request(home, "status")
        return (int(answer["policy_revision"]), str(answer["policy_hash"])) if answer["policy_hash"] else None
    except (EyelidError, KeyError, TypeError):
        return None


def _when(at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC).astimezone()


def _moment(at: int) -> str:
    return _when(at).strftime("%Y-%m-%d %H:%M")
