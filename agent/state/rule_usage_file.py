"""How long each rule has matched nothing, across restarts: thirty days are longer than any recorder runs.

<home>/silent-rules.json    ids of rules, numbers, and the hash of the policy; no title and no address
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from agent import durable
from agent.core.account.rule_usage import RuleUsage, Unused
from agent.errors import Transient

NAME: Final = "silent-rules.json"


class RuleUsageFile:
    def __init__(self, home: Path) -> None:
        self._path = home / NAME

    def recall(self) -> RuleUsage:
        """What cannot be read begins anew: an alarm comes later then, and none is invented."""
        try:
            saved = json.loads(durable.read(self._path))
            rules = {
                str(name): Unused(int(unused["days"]), int(unused["day"]), reported=bool(unused["told"]))
                for name, unused in saved["rules"].items()
            }
            return RuleUsage(str(saved["policy"]), rules)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return RuleUsage()

    def remember(self, usage: RuleUsage) -> None:
        """Durable when it returns. Raises Transient when the disk refuses."""
        rules = {
            name: {"days": unused.days, "day": unused.day, "told": unused.reported}
            for name, unused in usage.rules.items()
        }
        try:
            durable.write(self._path, json.dumps({"policy": usage.policy, "rules": rules}).encode())
        except OSError as failure:
            raise Transient(f"{self._path} cannot be written: {failure.strerror}") from failure
