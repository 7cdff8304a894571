"""The settings of an installation, read once at the start into values that never change.

The machine's policy counts first, then the file, then the environment, then the default (docs/decisions/0023). Settings
are written by hand, so every mistake in them is told at once, with its place and what was meant.
"""

from agent.config.layers import Layer, Resolved, Setting, check, defaults, load, pinned, resolve
from agent.config.settings import (
    AudioSettings,
    Config,
    Key,
    ScreenSettings,
    SpoolSettings,
    UploadSettings,
    keys,
)
from agent.config.values import Hours

__all__ = [
    "AudioSettings",
    "Config",
    "Hours",
    "Key",
    "Layer",
    "Resolved",
    "ScreenSettings",
    "Setting",
    "SpoolSettings",
    "UploadSettings",
    "check",
    "defaults",
    "keys",
    "load",
    "pinned",
    "resolve",
]
