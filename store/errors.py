"""What the store refuses: an operator's mistake on the command line, or a device's request over HTTP.

Every message says what is wrong, where, and what to do. None carries a secret, a token, a title or a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DAMAGED: Final = "damaged"  # shown in place of what the catalog has and no store wrote


class StoreError(Exception):
    """An operator can mend it: the command prints the message and exits with `exit_code`, without a traceback."""

    exit_code = 1


class WrongUsage(StoreError):
    """The command line cannot be carried out as it stands."""

    exit_code = 2


class Refusal(Exception):
    """An answer of 4xx or 5xx. `code` is a stable kebab-case word; `extra` are further members of the problem body.

    `retry_after`: seconds, where the same request may succeed later.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.extra = dict(extra or {})
