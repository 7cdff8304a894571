"""One film of a recording to watch: every screen, the sound, and what was not kept, in step."""

from __future__ import annotations


class CannotPlay(Exception):
    """The media of the streams do not allow a film; in words."""
