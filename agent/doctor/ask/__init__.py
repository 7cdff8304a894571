"""All questions at once, each in a thread of its own: what hangs is reported, and holds up the rest only briefly."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from agent.config import Resolved
from agent.doctor.ask import browsers, disk, home, memory, recorder, screen, sound, store, units
from agent.doctor.facts import Facts, RecorderFacts, SettingsFacts
from agent.doctor.findings import Unasked
from agent.errors import EyelidError

WITHIN: Final = 25.0  # seconds; PyWinCtl may take ten, and a store that does not answer as long

log = logging.getLogger(__name__)


def ask_all(resolved: Resolved, mistakes: tuple[str, ...] = (), within: float = WITHIN) -> Facts:
    """`mistakes`: of the settings, where they are not in force and `resolved` are the defaults."""
    config = resolved.config
    first = _Asked(lambda: recorder.ask(config.home))
    running = first.answer(within)
    status = running.status if isinstance(running, RecorderFacts) else None
    policy = str(status["policy_hash"]) if status else ""
    questions = {
        "settings": _Asked(lambda: settings(resolved, mistakes)),
        "keys": _Asked(lambda: home.ask_keys(config.home, config.keys_socket)),
        "policy": _Asked(lambda: home.ask_policy(config, policy)),
        "units": _Asked(units.ask),
        "screen": _Asked(screen.ask_screen),
        "windows": _Asked(screen.ask_windows),
        "seat": _Asked(screen.ask_seat),
        "browsers": _Asked(lambda: browsers.ask(status)),
        "sound": _Asked(lambda: sound.ask(config.audio, status)),
        "disk": _Asked(lambda: disk.ask(config)),
        "memory": _Asked(memory.ask),
        "store": _Asked(lambda: store.ask(config)),
    }
    return Facts(recorder=running, **{name: asked.answer(within) for name, asked in questions.items()})


def settings(resolved: Resolved, mistakes: tuple[str, ...]) -> SettingsFacts:
    proxy = resolved.settings["upload.proxy"][0]
    file = resolved.file
    open_password = ""
    if file is not None and proxy.place.startswith(str(file)) and "@" in proxy.value and file.stat().st_mode & 0o004:
        open_password = str(file)
    return SettingsFacts("" if file is None else str(file), mistakes, open_password)


class _Asked:
    """A question on its way."""

    def __init__(self, question: Callable[[], Any]) -> None:
        self._question = question
        self._answer: Any = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self._answer = self._question()
        except (EyelidError, OSError) as failure:
            words = failure.strerror or "the system refused" if isinstance(failure, OSError) else str(failure)
            self._answer = Unasked(words)
        except Exception as fault:  # whatever one question meets, the others are answered
            log.exception("a question of the doctor's has failed")
            self._answer = Unasked(f"a fault of Eyelid's own ({type(fault).__name__}): please report this")

    def answer(self, within: float) -> Any:
        self._thread.join(within)
        if self._answer is None:
            return Unasked(f"it did not answer within {within:.0f} s")
        return self._answer
