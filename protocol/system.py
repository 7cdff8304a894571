"""Which system this is: the only place that asks. What only one system has is imported where it is used."""

from __future__ import annotations

import sys
from typing import Final

ON_LINUX: Final = sys.platform == "linux"
ON_WINDOWS: Final = sys.platform == "win32"
