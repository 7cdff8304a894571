"""The real recorder, of which the capture or the spool hangs for as long as a file says so.

    python -m testkit.wedged_recorder FOLDER      hangs while FOLDER/capture or FOLDER/spool exists

What hangs is the call itself, as where a display or a disk does not answer: nothing is raised and nothing is reported.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from agent.capture.screen import X11Screen
from agent.cli.main import main
from agent.spool import DiskSpool

P = ParamSpec("P")
T = TypeVar("T")


def hanging_while(exists: Path, call: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(call)
    def wedged(*arguments: P.args, **named: P.kwargs) -> T:
        while exists.exists():
            time.sleep(0.05)
        return call(*arguments, **named)

    return wedged


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    X11Screen.grab = hanging_while(folder / "capture", X11Screen.grab)  # type: ignore[method-assign]
    DiskSpool.put = hanging_while(folder / "spool", DiskSpool.put)  # type: ignore[method-assign]
    sys.exit(main(["run"]))
