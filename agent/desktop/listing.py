"""Lists the open windows once through PyWinCtl and prints them as JSON: a program of its own, run by `portable`.

PyWinCtl connects to the display when it is imported, can hang there, shares one connection between threads that then
block each other, and raises whatever the system raises when a window dies while it is read. In a process of its own
all of that ends with the process.
"""

from __future__ import annotations

import json
import sys

import pywinctl


def main() -> None:
    windows = [
        {
            "id": int(window.getHandle()),
            "title": window.title,
            "pid": window.getPID(),
            "box": [window.left, window.top, window.width, window.height],
            "shown": not window.isMinimized,
            "focused": window.isActive,
        }
        for window in pywinctl.getAllWindows()  # type: ignore[no-untyped-call]
    ]
    json.dump(windows, sys.stdout)


if __name__ == "__main__":
    main()
