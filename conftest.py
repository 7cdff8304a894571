"""What many tests need, started once for a run; which tests are repeated, and in which order they are dealt out."""

from __future__ import annotations

import gc
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.remote import Producer

from testkit import displays
from tests.account import LEFT, Account
from tests.moods import RAN_OUT, REPEATS, mood
from tests.quick import Cases, fewer, left, left_of_starting, some
from tests.shares import Dealing, turn

if TYPE_CHECKING:
    from testkit.fleet import Founded, NewStore, Store

# A property holds or it does not; how fast depends on what else the machine is doing.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A run tries the same cases each time, so that one that fails fails again, and few: they are no news.
# `scripts/test --repeat` tries others, and a hundred of them, and explains what fails: for that Hypothesis traces
# hundreds of runs of the test, minutes of CPU for one that runs out of time on a busy machine.
FEW = 40
PHASES = [phase for phase in Phase if phase is not Phase.explain]
settings.register_profile("same", UNTIMED, derandomize=True, max_examples=FEW, phases=PHASES)
settings.register_profile("others", UNTIMED)
settings.register_profile("few", UNTIMED, derandomize=True, max_examples=fewer(FEW), phases=PHASES)
# For `scripts/bench mutants`: the same cases; that one fails is enough.
settings.register_profile(
    "unshrunk", UNTIMED, derandomize=True, max_examples=FEW, phases=[Phase.explicit, Phase.generate]
)

ITS_SETTINGS = "_hypothesis_internal_use_settings"  # a property's own; Hypothesis lets no profile change them


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--account", type=Path, help="a file to which what ran is added, for `python -m tests.account`")
    again = "let also the tests in tests/moods.py fail at once, and draw other cases than in every run"
    parser.addoption("--no-repeats", action="store_true", help=again)
    one = "as scripts/test does: a test with one of two browsers or servers, a third of the examples (tests/quick.py)"
    parser.addoption("--quick", action="store_true", help=one)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("hypothesis_profile") is None:
        usual = "few" if config.getoption("--quick") else "same"
        settings.load_profile("others" if config.getoption("--no-repeats") else usual)
    works_for_another = hasattr(config, "workerinput")
    account = Account(None if works_for_another else config.getoption("--account"))
    config.pluginmanager.register(account, "account")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Dealing | None:
    return Dealing(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        quicken(config, items)
    for item in items:
        marks = [*item.iter_markers()]
        names = {mark.name for mark in marks}
        if any(mark.name == "slow" and not mark.kwargs.get("reason") for mark in marks):
            raise pytest.UsageError(f"{item.nodeid} is marked slow without a reason")
        # Half of what a property costs would be the count of its branches. They must all be reached by examples alone.
        if not names.isdisjoint(("hypothesis", "slow")):
            item.add_marker("no_cover")
        if "end_to_end" in names:
            item.add_marker(pytest.mark.slow(reason="whole agents and stores are started, and take their time"))
        if mood(item.nodeid) and not config.getoption("--no-repeats"):
            again = pytest.mark.flaky(reruns=REPEATS, only_rerun=list(RAN_OUT), rerun_except=[AssertionError])
            item.add_marker(again)
    items.sort(key=lambda item: turn(item.nodeid))


def quicken(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is left to --all, and tries fewer of the examples where a property says how many."""
    others = left([item.nodeid for item in items])
    others |= left_of_starting(item.nodeid for item in items if item.nodeid not in others)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in others])
    items[:] = [item for item in items if item.nodeid not in others]
    config.stash[LEFT] = others
    for test in {item.function for item in items if isinstance(item, pytest.Function)}:
        said = getattr(test, ITS_SETTINGS, None)
        if said is not None and said.max_examples != fewer(FEW):
            setattr(test, ITS_SETTINGS, settings(said, max_examples=fewer(said.max_examples)))


def pytest_collection_finish() -> None:
    if "sqlalchemy" in sys.modules:
        from testkit.statements import compiled_once  # noqa: PLC0415 - imports sqlalchemy, which not every run needs

        compiled_once()
    # Some hundred thousand objects that stay until the end: no collection of garbage needs to go through them again.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def cases(pytestconfig: pytest.Config) -> Cases:
    """Of a test that goes through hundreds of cases: all of them, or a third under --quick."""
    return some if pytestconfig.getoption("--quick") else lambda cases, of: list(cases)  # noqa: ARG005 - as in Cases


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started heeds SIGINT. A shell starts what it runs in the background with SIGINT ignored, and whoever that
    starts inherits it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def bare_display() -> Iterator[str]:
    """An X server without a window manager; its name, `:N`."""
    with displays.xvfb() as name:
        yield name


@pytest.fixture(scope="session")
def openbox_display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An X server with openbox."""
    with displays.xvfb() as name, displays.openbox(name, tmp_path_factory.mktemp("openbox")):
        yield name


@pytest.fixture(scope="module")
def two_monitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Xorg with the dummy driver and openbox: DUMMY0 with 1280x800 at the origin; more can be plugged by xrandr."""
    folder: Path = tmp_path_factory.mktemp("xorg")
    with displays.xorg_dummy(folder) as name, displays.openbox(name, folder):
        yield name


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """A store as `eyelid-store init` makes it. It never serves: `found_like` makes others of it.

    Its keys are sealed with no strength, which takes the command seconds, and then each that opens one.
    """
    from store.admin.init import Plan, found  # noqa: PLC0415 - imports the store, which few runs of a test need

    folder = tmp_path_factory.mktemp("founded")
    home, secret = folder / "store", folder / "operator.key"
    secret.write_bytes(secrets.token_bytes(32))
    found(Plan(home, "https://127.0.0.1:8443", addresses=("127.0.0.1",), cost=10), secret.read_bytes())
    return home, secret


@pytest.fixture(scope="session")
def new_store(founded: Founded) -> NewStore:
    """Serves a new store in a folder; what is asked of it runs in this process."""

    from testkit import fleet  # noqa: PLC0415 - imports the agent, too

    @contextmanager
    def new(folder: Path) -> Iterator[Store]:
        with fleet.serving(*fleet.found_like(founded, folder), folder, within=True) as (store, _):
            yield store

    return new
