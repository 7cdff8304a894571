"""One question to every browser, and what the answers to it amount to together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agent.core.model.seen import BrowserWindow

Browser = TypeVar("Browser")


@dataclass(slots=True)
class Round(Generic[Browser]):
    """`policy`: the hash in force when it was asked; `waiting`: who has not answered yet and is waited for."""

    id: int
    asked: int
    policy: str
    waiting: set[Browser] = field(default_factory=set)
    _answers: dict[Browser, tuple[str, tuple[BrowserWindow, ...]]] = field(default_factory=dict)

    def answer(self, browser: Browser, policy: str, windows: tuple[BrowserWindow, ...]) -> None:
        """It has answered, made for the policy of that hash."""
        self.waiting.remove(browser)
        self._answers[browser] = (policy, windows)

    def leave(self, browser: Browser) -> None:
        """It is neither waited for nor counted any more."""
        self.waiting.discard(browser)
        self._answers.pop(browser, None)

    @property
    def scanned_with(self) -> str:
        """The hash that all answers were made for; "" where they differ, so that the look counts for none."""
        made_for = {policy for policy, _ in self._answers.values()} or {self.policy}
        return made_for.pop() if len(made_for) == 1 else ""

    def windows(self, order: Iterable[Browser]) -> tuple[BrowserWindow, ...]:
        """In the order of the browsers given, whichever was first to answer."""
        return tuple(window for browser in order if browser in self._answers for window in self._answers[browser][1])
