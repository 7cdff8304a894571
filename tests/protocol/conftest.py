"""Properties are judged by what they find, never by how fast a busy machine runs them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
