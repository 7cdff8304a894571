"""Which tests depend on the timing of a program that is not ours, and why. They alone are repeated when they fail.

Once in a thousand times a real browser, panel, window manager or sound server maps a window late, drops a click or
forgets a move. Then a test waits in vain. Such a test is repeated, at most twice, and each repeat is listed by name at
the end of the run. Only a wait that ran out is repeated. What was seen and is wrong, a leak above all, fails at once.
Core, protocol, store and all other logic of ours fail at once.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

REPEATS: Final = 2
RAN_OUT: Final = (TimeoutError, subprocess.TimeoutExpired)

# Where such tests stand, as a test's name begins -> what they start, and what it is known to do.
MOODS: Final[dict[str, str]] = {
    "tests/browser/test_captions.py": "real browsers: they name a window late",
    "tests/browser/test_developer_tools.py": "real browsers: they open their developer tools late",
    "tests/browser/test_error_pages.py": "real browsers: a key does not reach a window that has just come",
    "tests/browser/test_extension": "real browsers: they map a window or draw a page late",
    "tests/browser/test_found_late.py": "real browsers: they map a window or draw a page late",
    "tests/browser/test_install_in_browsers.py": "real browsers on a fresh profile: their first start takes long",
    "tests/browser/test_late_names.py": "real browsers: they name a window late",
    "tests/browser/test_lingering.py": "real browsers: what is to go late they may take away at once",
    "tests/browser/test_marks": "real browsers: what is to be drawn late they may draw at once",
    "tests/browser/test_other_extensions.py": "real browsers: a key does not reach a window that has just come",
    "tests/browser/test_share_dialog.py": "real browsers: a key does not reach a window that has just come",
    "tests/browser/test_unserved_frames.py": "real browsers: they show an error page late",
    "tests/capture/test_sound_pulse.py": "real sound servers: PipeWire forgets a move or a default while it links",
    "tests/contract/test_sound.py": "real sound servers: they open a stream late",
    **{
        f"tests/end_to_end/test_{name}.py": "whole agents and stores, with displays, browsers, panels and sound servers"
        for name in (
            "bundle",
            "demo",
            "doctor",
            "drain",
            "indicator",
            "lanes",
            "leaving",
            "life",
            "packs",
            "payments",
            "readme",
            "scenes",
            "silence",
            "sound",
        )
    },
    "tests/end_to_end/test_indicator_call.py": "whole agents and stores, with a panel and sound servers",
    "tests/installer/test_units_run.py": "whole agents and stores under a real systemd",
    "tests/installer/test_user_unit.py": "whole agents under a real systemd, with a desktop",
    "tests/tray/test_panel.py": "a real panel: it drops a click on a new menu",
    "tests/tray/test_pystray.py": "a real panel: it drops a click on a new menu",
}


@contextmanager
def promised() -> Iterator[None]:
    """Around a wait for what Eyelid promises, for example that it closes: that it did not come is a failure."""
    try:
        yield
    except RAN_OUT as late:
        raise AssertionError(f"not as promised: {late}") from None


def mood(name: str) -> str | None:
    """Why this test may be repeated; None where it may not, for example with a fake of ours."""
    if "[fake" in name:
        return None
    return next((why for place, why in MOODS.items() if name.startswith(place)), None)
