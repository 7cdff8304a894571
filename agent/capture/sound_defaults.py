"""What PipeWire calls its default devices, asked every few seconds over a connection of its own.

Some connections to PipeWire's pulse server are never told again that a default has changed, and are answered with the
old one for good, while every new connection is told the new one: 12 of 1,400, ten at a time on two cores (PipeWire
1.4.2, 27 Nov 2026). A listener on such a one would go on recording the microphone that the person has left.
"""

from __future__ import annotations

from typing import Any, Final

from agent.capture import sound_libpulse as pulse
from agent.core.model.times import SECOND

EVERY: Final = 4 * SECOND  # and as long as an answer may take


class Defaults:
    """All of it in the thread of the loop that it is given: `look` whenever that has turned."""

    def __init__(self, library: Any, loop: int, address: bytes | None) -> None:
        self._pulse = library
        self._loop = loop
        self._address = address
        self._connection: int | None = None
        self._asked = self._over = False
        self._next_at: int | None = None
        self._answer: tuple[str, str] | None = None
        self._on_server = pulse.ServerCallback(self._hear)

    def look(self, now: int) -> int:
        """Do what is due; when to come back at the latest, ns."""
        if self._next_at is None:
            self._next_at = now + EVERY
        if self._connection is None:
            if now >= self._next_at:
                self._next_at = now + EVERY
                self._connect()
            return self._next_at
        state = self._pulse.pa_context_get_state(self._connection)
        if self._over or state in pulse.CONTEXT_OVER or now >= self._next_at:
            self._disconnect()
        elif state == pulse.CONTEXT_READY and not self._asked:
            self._asked = True
            if question := self._pulse.pa_context_get_server_info(self._connection, self._on_server, None):
                self._pulse.pa_operation_unref(question)  # not needed: the answer comes all the same
        return self._next_at

    def take(self) -> tuple[str, str] | None:
        """The default source and sink, each answer once."""
        answer, self._answer = self._answer, None
        return answer

    def close(self) -> None:
        self._disconnect()
        self._next_at = self._answer = None

    def _connect(self) -> None:
        self._asked = self._over = False
        self._connection = self._pulse.pa_context_new(self._pulse.pa_mainloop_get_api(self._loop), b"Eyelid")
        self._pulse.pa_context_connect(self._connection, self._address, pulse.NO_AUTOSPAWN, None)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._pulse.pa_context_disconnect(self._connection)
            self._pulse.pa_context_unref(self._connection)
            self._connection = None

    def _hear(self, _connection: int, answer: Any, _: int) -> None:
        if answer:
            self._answer = (
                pulse.text(answer.contents.default_source_name),
                pulse.text(answer.contents.default_sink_name),
            )
        self._over = True
