"""Which tests of a whole run that failed are run once more alone, and why no others.

A whole run is some 15,000 tests beside each other. One that fails there in one run of fifty, for a port, a clock or a
program of others, refuses every change of a day. In CI `scripts/test` therefore runs up to `MOST` such tests
again, alone, three times; each time must pass, and the run's end names them as unsteady, to be mended before anything
else (decision 81).

    python -m tests.second_look ACCOUNT     their names, a line each; exit code 1 and the reason where there is none
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.account import Ran

MOST: Final = 4  # more at once are no accident

# Logic of ours: what fails there is wrong, however seldom.
LOGIC: Final = ("core", "protocol", "review/governance", "review/audit", "review/custodian")
# Where a leak, a loss or a forgery would be seen. A failed assertion there counts at once; only what kept the test from
# looking, such as a wait that ran out, gets a second look.
SEEN: Final = (
    *("agent", "browser", "capture", "contract", "desktop", "encode", "end_to_end", "policies", "witness"),
    *("store/catalog", "store/evidence", "review/lifecycle", "review/opening"),
)
# A test that reached the time limit of all tests is a wait that ran out too, though pytest says "Failed" of it.
ASSERTION: Final = re.compile(r"\S+:\d+: (assert\b|AssertionError|Failed\b(?!: Timeout))")


class NoSecondLook(Exception):
    """Why the run stays failed."""


def again(ran: Iterable[Ran]) -> list[str]:
    """The tests to run once more, of those that failed. Raises `NoSecondLook` where one of them may not be."""
    failures = [one for one in ran if one.outcome == "failed"]
    names = sorted({one.name for one in failures})
    if not names:
        raise NoSecondLook("no test says that it failed")
    if len(names) > MOST:
        raise NoSecondLook(f"{len(names)} tests failed, and at most {MOST} get one")
    for one in failures:
        if one.file.startswith(tuple(f"tests/{folder}/" for folder in LOGIC)):
            raise NoSecondLook(f"{one.name} is about logic alone")
        if one.file.startswith(tuple(f"tests/{folder}/" for folder in SEEN)) and (
            not one.why or ASSERTION.match(one.why)
        ):
            raise NoSecondLook(f"{one.name} saw what must not be")
    return names


def _stands_in(one: Ran, folders: Iterable[str]) -> bool:
    return any(one.file.startswith(f"tests/{folder}/") for folder in folders)


def main(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    try:
        names = again(Ran(**json.loads(line)) for line in lines)
    except NoSecondLook as why:
        sys.exit(f"no second look: {why}")
    print("\n".join(names))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
