"""Errors by whose fault they are and whether they may pass.

Every message says what is wrong, where, and what to do. None may carry a title, a URL, a secret or recorded content:
they end in logs and support archives.
"""

from __future__ import annotations

from typing import Final

NOT_RECORDING: Final = 3  # exit code


class EyelidError(Exception):
    """Root of the agent's own errors; the command line prints the message and exits, without a traceback.

    `exit_code` follows the commands' contract: 1 failed, 2 wrong usage, 3 not recording.
    """

    exit_code = 1


class UserError(EyelidError):
    """The person who runs or configures Eyelid can mend it: a wrong path, a wrong key in a file, a missing step."""

    exit_code = 2


class PolicyError(UserError):
    """A policy that is not in force. Carries every mistake at once, each as `file:line:column what, what was meant`."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class EnvironmentFault(EyelidError):
    """The PC lacks something that no retry will bring: no display, Wayland, a missing library."""

    exit_code = NOT_RECORDING


class Transient(EyelidError):
    """May pass: the network, a busy disk. The code that catches it tries again with backoff."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds, when the other side said so


class Refused(EyelidError):
    """The store said no for good (a 4xx that no retry changes). The chunk goes aside; the queue goes on."""


class Untrusted(EyelidError):
    """The other side lied: a wrong signature, a receipt for another chunk. Keeps the chunk and raises an alarm."""


class SpoolFull(EyelidError):
    """No room for another sealed chunk: recording holds until the spool has drained."""
