"""Policies that were in force, until the store has them: without their text an old ledger entry is a number."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from agent import durable
from agent.errors import EnvironmentFault
from protocol.claims import Claims, parse_object
from protocol.errors import ProtocolError
from protocol.policyhash import policy_hash

log = logging.getLogger(__name__)


class PolicyTexts:
    """One file a policy in `folder`, named by its hash, until the store has it. Any thread offers, one sends."""

    def __init__(self, folder: Path) -> None:
        """Raises EnvironmentFault when the folder cannot be used."""
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[str, str]] = {}
        self._sent: set[str] = set()
        try:
            durable.make_folder(folder)
            for path in sorted(folder.iterdir()):
                self._find(path)
        except OSError as failure:
            raise EnvironmentFault(f"{folder} cannot be used: {failure.strerror}") from failure

    def _find(self, path: Path) -> None:
        try:
            files = Claims(parse_object(durable.read(path)), "policy text", ProtocolError).text_map("files")
            if policy_hash({name: text.encode() for name, text in files.items()}) == path.name:
                self._waiting[path.name] = files
                return
        except ValueError:
            pass  # half written: it never counted
        path.unlink()

    def offer(self, files: Mapping[str, bytes]) -> None:
        """This policy (file name -> its UTF-8 text) comes into force."""
        policy = policy_hash(files)
        with self._lock:
            if policy in self._sent or policy in self._waiting:
                return
            texts = {name: text.decode("utf-8") for name, text in files.items()}
            self._waiting[policy] = texts
        try:
            durable.write(self._folder / policy, json.dumps({"files": texts}, ensure_ascii=False).encode())
        except OSError as failure:
            # Then only a restart before it is sent can lose it, and while it stays in force it is offered again.
            log.warning("a policy's text could not be kept for the store: %s", failure.strerror)

    def waiting(self) -> tuple[str, dict[str, str]] | None:
        """(hash, file name -> text) of one that the store does not have; None when it has all."""
        with self._lock:
            return next(iter(self._waiting.items()), None)

    def sent(self, policy: str) -> None:
        with self._lock:
            self._waiting.pop(policy, None)
            self._sent.add(policy)
        with contextlib.suppress(OSError):  # then it is sent once more after the next start
            (self._folder / policy).unlink(missing_ok=True)
