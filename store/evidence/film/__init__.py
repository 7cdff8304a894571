"""One film of a recording to watch: every screen, the sound, and what was not kept, in step."""

from __future__ import annotations

from typing import Final

FORMAT: Final = "mp4"  # of the streams. One that FFmpeg guesses might be a list of other files to open


class CannotPlay(Exception):
    """The media of the streams do not allow a film; in words."""
