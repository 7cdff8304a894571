"""What files that people write are refused with: every mistake at once."""

from __future__ import annotations


class MistakesError(Exception):
    """Each as `file:line:column what is wrong, what was meant`, or without a place where it is about none."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes
