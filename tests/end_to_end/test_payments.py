"""A stranger's shop needs no rule beyond the shipped pack: a provider's frame, a hosted field and a plain card form
close the eye, and the same shop without them does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from agent.control.recorder_state import RecorderState
from testkit.browsers import chromium
from testkit.fleet import NewStore, Pc, pc
from testkit.stage import Stage, own_display
from tests.end_to_end.walk import Walk, walking

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
DEADLINE: Final = 30.0  # seconds
STRIPE: Final = "http://js.stripe.com/v3/elements-inner-card-28d1a5db68bc.html"
CONTROLLER: Final = "http://js.stripe.com/v3/controller-with-preconnect-2b8c.html"
ADYEN: Final = "http://checkoutshopper-live.adyen.com/checkoutshopper/securedfields/live_A1/4.8.0/securedFields.html"
FIELDS: Final = "<input name=card_number placeholder='Card number'><input name=cvv placeholder=CVV>"
SHOP: Final = {
    "/cart": "<h1>Your cart</h1>",
    "/stripe": f'<h1>Pay</h1><iframe src="{STRIPE}"></iframe>',
    "/hosted": f'<h1>Pay</h1><iframe src="{ADYEN}"></iframe>',
    "/plain": f"<h1>Pay</h1><form>{FIELDS}</form>",
    "/telemetry": f'<h1>Your cart</h1><iframe src="{CONTROLLER}" style="position:absolute;left:-9999px"></iframe>',
}


@pytest.fixture(scope="module")
def shop() -> Iterator[Walk]:
    with walking("shop.example", SHOP, start="/cart") as server:
        yield server


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_display(tmp_path_factory.mktemp("display")) as made:
        yield made


@pytest.fixture(scope="module")
def watched(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory, shop: Walk, stage: Stage) -> Iterator[Pc]:
    """A PC with the payments pack and nothing else, and a browser on the shop's cart."""
    folder = tmp_path_factory.mktemp("payments")
    pack = {path.name: path.read_text("utf-8") for path in (ROOT / "policies" / "payments").glob("*.yaml")}
    with (
        TemporaryDirectory(prefix="eyelid-") as homes,
        new_store(folder) as services,
        pc(services, stage, Path(homes) / "pc", pack) as recorded,
        chromium(stage, folder / "browser", "http://shop.example/cart", eyes=recorded.home, flags=shop.flags),
    ):
        yield recorded


def until(condition: Callable[[], bool], recorded: Pc) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, recorded.status()
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("page", "rule"),
    [("/stripe", "hosted-card-fields"), ("/hosted", "hosted-card-fields"), ("/plain", "card-forms")],
)
def test_a_strangers_payment_page_closes_the_eye(watched: Pc, shop: Walk, page: str, rule: str) -> None:
    shop.next = "/cart"
    until(lambda: watched.state() is RecorderState.RECORDING, watched)
    shop.next = page
    until(lambda: rule in (watched.status() or {"rules": ()})["rules"], watched)
    shop.next = "/cart"
    until(lambda: watched.state() is RecorderState.RECORDING, watched)


def test_a_shop_with_a_providers_telemetry_alone_is_recorded(watched: Pc, shop: Walk) -> None:
    shop.next = "/cart"
    until(lambda: watched.state() is RecorderState.RECORDING, watched)
    shop.next = "/telemetry"
    heard: set[str] = set()
    for _ in range(60):
        heard.update((watched.status() or {"rules": ()})["rules"])
        time.sleep(0.05)
    assert watched.state() is RecorderState.RECORDING
    assert not heard & {"hosted-card-fields", "payment-pages", "card-forms", "card-confirmation"}


def test_windows_tells_what_each_rule_says_of_each_page(watched: Pc, shop: Walk, stage: Stage) -> None:
    """The tool with which one writes a rule, beside a recorder that runs: a page, its fields, and who closes for it."""
    command = [Path(sys.executable).with_name("eyelid"), "windows"]
    environment = {**stage.environment, "EYELID_HOME": str(watched.home), "COLUMNS": "150"}

    def told(*options: str) -> str:
        ran = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=True)
        return ran.stdout

    def payment_page() -> dict[str, Any] | None:
        pages = json.loads(told("--json"))["pages"]
        return next((page for page in pages if page["urls"] == ["http://shop.example/plain"] and page["fields"]), None)

    shop.next = "/plain"

    def judged() -> bool:
        """By its rule alone: on a busy PC the browser may just have been silent, and be judged for that as well."""
        return (payment_page() or {"screen": ()})["screen"] == ["card-forms"]

    until(judged, watched)
    page = payment_page() or {}
    assert page["fields"] == ["cc-csc", "cc-number"]
    assert (page["shown"], page["screen"], page["audio"]) == (True, ["card-forms"], ["card-forms"])
    assert {rule["does"] for rule in page["rules"]} == {"closes"}
    windows = json.loads(told("--json"))["windows"]
    assert [window["screen"] for window in windows if window["engine"]] == [[]]  # looked into: no web-engine
    table = told()
    assert "Screen: closed by card-forms" in table
    assert "looked into" in table
    shop.next = "/cart"
    until(lambda: watched.state() is RecorderState.RECORDING, watched)
