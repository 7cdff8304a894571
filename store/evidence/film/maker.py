"""The process that makes the film: it opens its files, drops all its other rights, and then decodes.

Its job comes on stdin, as JSON; what becomes of it goes to stdout, a line of JSON each (store/evidence/film/apart.py).
It never has the recording's key.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final

import av

from protocol.packet import Monitor
from store.clock import SECOND
from store.evidence.account import Interval
from store.evidence.film import CannotPlay, making
from store.evidence.film.confined import confine, end_with
from store.evidence.film.files import OpenFile
from store.evidence.film.layout import lay_out
from store.evidence.film.plan import Gap, Plan
from store.evidence.film.slate import slate

GB: Final = 10**9
# Address space, of which a film takes a part: measured, 0.7 GB for one screen of 1920x1080 on two cores. Each further
# core is a thread of the encoder and of each decoder, with its pictures and its stack.
MEMORY: Final = 4 * GB
MEMORY_EACH_CORE: Final = GB // 4
# CPU, of which a second of film of 1920x1080 takes 0.15 s.
CPU: Final = 600
CPU_EACH_SECOND: Final = 20
# The film's size: 3.6 times that of pictures full of text.
SIZE: Final = 8 * GB
SIZE_EACH_BYTE: Final = 16


def main() -> None:
    job = json.loads(sys.stdin.buffer.read())
    end_with(job["parent"])
    plan = plan_of(job["plan"])
    screens = {int(stream): OpenFile.reading(Path(path)) for stream, path in job["screens"].items()}
    sound = None if job["sound"] is None else (job["sound"][0], OpenFile.reading(Path(job["sound"][1])))
    sources = making.Sources(screens, sound)
    to = OpenFile.new(Path(job["to"]))
    _import_all()
    received = sum(Path(path).stat().st_size for path in job["screens"].values())
    by = confine(
        memory=MEMORY + MEMORY_EACH_CORE * (os.cpu_count() or 1),
        seconds=CPU + CPU_EACH_SECOND * plan.length // SECOND,
        size=SIZE + SIZE_EACH_BYTE * received,
    )
    _say(confined=by)
    try:
        layout = lay_out([Monitor(*one) for one in job["monitors"]], making.sizes(screens), plan.kept)
        making.make(plan, layout, sources, to, advance=lambda more: _say(more=more))
    except CannotPlay as error:
        _say(why_not=str(error))
    except MemoryError:
        _say(why_not="it needs more memory than it may have")
    except OSError as error:
        _say(errno=error.errno)
    else:
        _say(made=True)


def _import_all() -> None:
    """What PyAV and Pillow import only when they need it: then they could not."""
    for module in walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    slate(320, 240, "words", "1 s")


def plan_of(facts: Mapping[str, Any]) -> Plan:
    """What `apart.plan_facts` made of it."""
    return Plan(
        {int(stream): tuple(Interval(*span) for span in spans) for stream, spans in facts["kept"].items()},
        {lane: tuple(Gap(*gap) for gap in gaps) for lane, gaps in facts["gaps"].items()},
        tuple(Interval(*span) for span in facts["shown"]),
    )


def _say(**what: object) -> None:
    os.write(1, json.dumps(what).encode("ascii") + b"\n")


if __name__ == "__main__":
    main()
