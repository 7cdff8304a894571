"""How long each rule has fitted nothing, across restarts: thirty days are longer than any recorder runs.

<home>/silent-rules.json    ids of rules, numbers, and the hash of the policy; no title and no address
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from agent import durable
from agent.core.account.rule_usage import Quiet, Silence
from agent.errors import Transient

NAME: Final = "silent-rules.json"


class SilenceFile:
    def __init__(self, home: Path) -> None:
        self._path = home / NAME

    def recall(self) -> Silence:
        """What cannot be read begins anew: an alarm comes later then, and none is invented."""
        try:
            saved = json.loads(self._path.read_bytes())
            rules = {
                str(name): Quiet(int(quiet["days"]), int(quiet["day"]), told=bool(quiet["told"]))
                for name, quiet in saved["rules"].items()
            }
            return Silence(str(saved["policy"]), rules)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Silence()

    def remember(self, silence: Silence) -> None:
        """Durable when it returns. Raises Transient when the disk refuses."""
        rules = {
            name: {"days": quiet.days, "day": quiet.day, "told": quiet.told} for name, quiet in silence.rules.items()
        }
        try:
            durable.write(self._path, json.dumps({"policy": silence.policy, "rules": rules}).encode())
        except OSError as failure:
            raise Transient(f"{self._path} cannot be written: {failure.strerror}") from failure
