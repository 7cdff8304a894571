"""What runs only under `scripts/test --all`, as in CI: the second browser, the second sound server, more examples, and
most of what starts programs.

Many tests run twice, with each browser or each sound server. Here each runs with one of the two, chosen by its name,
so that each gets about half of the tests. A property tries a third of its examples, a test with many parameters a third
of those, and a test that goes through hundreds of cases of its own and takes the fixture `cases` a third of those.

Where tests start browsers, desktops, sound servers, stores or whole agents, one in seven of each file runs here, and
one of each file in any case: all of them cost two cores half an hour. Each file is tried, and CI tries each test.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeVar
from zlib import crc32

SHARE: Final = 3  # one of so many examples of a property, or cases of a test
LEAST: Final = 5  # examples
MANY: Final = 12  # parameters of one test

T = TypeVar("T")


class Cases(Protocol):
    """Those of a test's cases that it tries in this run. `of`: what else makes it another test, such as a parameter."""

    def __call__(self, cases: Sequence[T], of: str) -> list[T]: ...


BROWSERS: Final = ("chromium", "firefox")
SERVERS: Final = ("pipewire", "pulseaudio")
DESKTOPS: Final = ("bare", "managed")
PANELS: Final = ("light panel", "dark panel")
LANGUAGES: Final = ("en", "de")
SEEDS: Final = ("1", "2", "3")
ROWS: Final = ("beside", "edge", "under")
RUNS: Final = ("in one process", "with workers")
# Where tests run with each of them, as their names begin.
EACH: Final[dict[str, tuple[str, ...]]] = {
    "tests/browser/": BROWSERS,
    "tests/review/cases/": BROWSERS,
    "tests/review/lifecycle/test_random_lives.py": SEEDS,
    "tests/review/opening/": BROWSERS,
    "tests/review/player/": BROWSERS,
    "tests/capture/test_sound_pulse.py": SERVERS,
    "tests/contract/test_sound.py": SERVERS,
    "tests/end_to_end/test_sound.py": SERVERS,
    "tests/desktop/test_stale_pixels_seen.py": ROWS,
    "tests/desktop/test_stale_pixels": DESKTOPS,
    "tests/review/web/test_in_chromium.py": LANGUAGES,
    "tests/test_running.py": RUNS,
    "tests/tray/test_panel.py": PANELS,
}
WHY: Final[dict[tuple[str, ...], str]] = {
    BROWSERS: "in the other browser",
    SERVERS: "with the other sound server",
    DESKTOPS: "with or without a window manager, the other of both",
    RUNS: "with workers or without, the other of both",
    PANELS: "on a panel of the other colour",
    LANGUAGES: "in the other language",
    SEEDS: "with two other random lives",
    ROWS: "with the other two rows of windows, some ten thousand histories each",
}
WHY_SOME: Final = "with the other two thirds of their parameters"
# Where most tests start programs, as their names begin, and how many of a file's tests share one that runs here.
STARTING: Final = (
    *("tests/browser/", "tests/capture/", "tests/contract/test_sound.py", "tests/desktop/", "tests/end_to_end/"),
    *("tests/installer/", "tests/tray/", "tests/agent/recorder/", "tests/agent/keys/", "tests/store/"),
    *(f"tests/review/{folder}/" for folder in ("cases", "commands", "custodian", "lifecycle", "opening", "player")),
    *("tests/review/web/", "tests/review/report/", "tests/review/people/"),
)
STARTED: Final = 7
WHY_STARTED: Final = "the other six of seven that start programs"
# With all parameters: they cost next to nothing, and each is another document or command; or few of them try most.
EVERY: Final = ("tests/test_", "tests/review/lifecycle/test_any_column.py")
# With each, as one of the two is skipped or the names mean something else: a test's name begins so and contains that.
WHOLE: Final = (
    ("tests/browser/test_developer_tools.py", "test_a_page_that_lost_much_of_its_place"),
    ("tests/browser/test_extension_fields.py", "test_a_custom_element_that_becomes_a_field_later"),
    ("tests/browser/test_found_late.py", "test_a_web_archive"),
    ("tests/browser/test_install.py", ""),
    ("tests/browser/test_lingering.py", "and is displayed a while"),
    ("tests/browser/test_marks.py", "a drawing"),
    ("tests/browser/test_marks.py", "filtered"),
    ("tests/browser/test_marks_prove.py", "test_nor_while_the_process_that_draws_hangs"),
    ("tests/browser/test_marks_prove.py", "view transition of a part"),
    ("tests/browser/test_other_extensions.py", ""),
    ("tests/browser/test_pack.py", ""),
    ("tests/browser/test_unserved_frames.py", "test_other_elements_than_frames"),
    ("tests/review/opening/test_by_keyboard.py", ""),
    ("tests/review/opening/test_comments.py", "test_a_comment_is_written_by_keyboard"),
    ("tests/review/opening/test_comments.py", "test_axe_finds_no_fault"),
    ("tests/review/opening/test_playing.py", "test_a_passkey_signs_each_opening"),
    ("tests/review/player/test_tools.py", "test_full_screen"),
    ("tests/capture/test_sound_pulse.py", "test_a_changed_default_that_this_connection_is_never_told"),
)


def left(names: Sequence[str]) -> dict[str, str]:
    """Of these tests those that are left to --all: name -> why."""
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        values = next((values for place, values in EACH.items() if name.startswith(place)), ())
        found = re.search(rf"[\[-]({'|'.join(values)})[\]-]", name) if values else None
        if found and not any(name.startswith(place) and word in name for place, word in WHOLE):
            same[name[: found.start(1)] + name[found.end(1) :], WHY[values]].append(name)
    others = {}
    for (common, why), twins in same.items():
        del twins[crc32(common.encode()) % len(twins)]  # the one that runs
        others.update(dict.fromkeys(twins, why))
    return others | dict.fromkeys(_left_of_many(name for name in names if name not in others), WHY_SOME)


def left_of_starting(names: Iterable[str]) -> dict[str, str]:
    """Six of seven of each file whose tests start programs, in an order without meaning, and never the whole file."""
    files: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if name.startswith(STARTING):
            files[name.partition("::")[0]].append(name)
    others = {}
    for some_of in files.values():
        ordered = sorted(some_of, key=lambda name: crc32(name.encode()))
        others.update(dict.fromkeys(ordered[-(-len(ordered) // STARTED) :], WHY_STARTED))
    return others


def _left_of_many(names: Iterable[str]) -> Iterator[str]:
    """Two thirds of each test's parameters, where it has many. In an order without meaning: every third of a table of
    routes and people would be the same people each time.
    """
    many: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if not name.startswith(EVERY):
            many[name.partition("[")[0]].append(name)
    for some_of in many.values():
        if len(some_of) >= MANY:
            yield from sorted(some_of, key=lambda name: crc32(name.encode()))[len(some_of) // SHARE :]


def some(cases: Sequence[T], of: str) -> list[T]:
    """A third of a test's cases, one at least; which third depends on `of`, so that alike tests try unlike cases."""
    return list(cases[crc32(of.encode()) % SHARE :: SHARE] or cases[:1])


def fewer(examples: int) -> int:
    """Of a property that tries so many."""
    return min(examples, max(LEAST, examples // SHARE))
