"""Each pack alone, in a real browser: what it is for closes the eye, and what looks like it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from agent.control.recorder_state import RecorderState
from testkit.browsers import chromium
from testkit.fleet import NewStore, Pc, pc
from testkit.stage import own_display
from tests.end_to_end.walk import Walk, walking

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
DEADLINE: Final = 30.0  # seconds
PACKS: Final = ("medical-records", "passwords", "identity")

# As the page's own source has it: the bar names the patient, the record is in a frame beside it.
OPENEMR: Final = """<div id="mainBox"><div id="attendantData" class="body_title acck">Example, Jane</div>
<iframe src="http://records.example/summary"></iframe></div>"""
SITE: Final = {
    "/orders": "<h1>Orders</h1><p>Order 17",
    "/login": "<h1>Log in</h1><form><input name=user><input type=password name=pw></form>",
    "/code": "<h1>Your code</h1><form><input autocomplete=one-time-code></form>",
    "/help": "<h1>Forgotten your password?</h1><form><input type=email autocomplete=username></form>",
    "/passport": "<h1>Your passport</h1><form><input name=PassportNumber></form>",
    "/licence": "<h1>Your licence</h1><form><input type=text name=driverslicense></form>",
    "/result": '<h1>Checked</h1><iframe src="http://verify.stripe.com/start/test_1"></iframe>',
    "/flight": """<h1>Your flight</h1><form><input name=flightNumber><input name=className>
<input type=radio name=driversLicense value=yes></form>""",
    "/openemr/interface/main/tabs/main.php": "<h1>Patients</h1>",
    "/records/main": OPENEMR,
    "/openemr/interface/login/login.php": "<h1>Welcome to OpenEMR</h1><form><input name=authUser></form>",
    "/wiki/openemr/interface/main/tabs": "<h1>How OpenEMR's tabs work</h1><p id=attendantData>the bar is called so",
}


@contextmanager
def watched(pack: str, new_store: NewStore, folder: Path) -> Iterator[tuple[Pc, Walk]]:
    """A PC with the one pack and nothing else, and a browser on the list of orders."""
    policy = {path.name: path.read_text("utf-8") for path in (ROOT / "policies" / pack).glob("*.yaml")}
    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        walking("crm.example", SITE, start="/orders") as site,
        own_display(folder / "display") as stage,
        new_store(folder) as services,
        pc(services, stage, Path(homes) / "pc", policy) as recorded,
        chromium(stage, folder / "browser", "http://crm.example/orders", eyes=recorded.home, flags=site.flags),
    ):
        yield recorded, site


@pytest.fixture(scope="module", params=PACKS)
def pack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def seen(pack: str, new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pc, Walk]]:
    with watched(pack, new_store, tmp_path_factory.mktemp(pack)) as both:
        yield both


def until(condition: Callable[[], bool], recorded: Pc, site: Walk) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, (site.next, site.asked, recorded.status())
        time.sleep(0.05)


def rules(recorded: Pc) -> set[str]:
    return set((recorded.status() or {"rules": ()})["rules"])


def stays_closed(recorded: Pc) -> bool:
    """For a second on end."""
    for _ in range(20):
        if recorded.state() is RecorderState.RECORDING:
            return False
        time.sleep(0.05)
    return True


CLOSES: Final = {
    "medical-records": {
        "/openemr/interface/main/tabs/main.php": "own-web-records",  # by its address
        "/records/main": "own-web-records",  # in a folder with another name: by what is in it
    },
    "passwords": {
        "/login": "login-forms",
        "/code": "login-forms",
    },
    "identity": {
        "/passport": "identity-fields",  # whatever its capitals
        "/licence": "identity-fields",
        "/result": "identity-services",
    },
}
STAYS_OPEN: Final = {
    "medical-records": ("/openemr/interface/login/login.php", "/wiki/openemr/interface/main/tabs", "/login"),
    "passwords": ("/help", "/records/main"),
    "identity": ("/flight", "/login"),
}


def test_what_the_pack_is_for_closes_the_eye(pack: str, seen: tuple[Pc, Walk]) -> None:
    recorded, site = seen
    for page, rule in CLOSES[pack].items():
        site.next = "/orders"
        until(lambda: recorded.state() is RecorderState.RECORDING, recorded, site)
        site.next = page
        until(lambda rule=rule: rule in rules(recorded), recorded, site)
        # A frame that is only about to come closes as well, and shows nothing yet: what counts is when it has come.
        until(lambda: stays_closed(recorded), recorded, site)
        assert stays_closed(recorded), page
    site.next = "/orders"
    until(lambda: recorded.state() is RecorderState.RECORDING, recorded, site)


def test_what_looks_like_it_is_recorded(pack: str, seen: tuple[Pc, Walk]) -> None:
    recorded, site = seen
    for page in STAYS_OPEN[pack]:
        site.next = "/orders"
        until(lambda: recorded.state() is RecorderState.RECORDING, recorded, site)
        asked = site.asked[page]
        site.next = page
        until(lambda page=page, asked=asked: site.asked[page] > asked, recorded, site)
        heard: set[str] = set()
        for _ in range(60):
            heard |= rules(recorded)
            time.sleep(0.05)  # 3 s in all: that no rule closes gives no event
        assert recorded.state() is RecorderState.RECORDING, page
        assert not heard & set(CLOSES[pack].values()), page
