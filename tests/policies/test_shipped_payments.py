"""The pack for payments: closed for strangers' payment pages, and for how long."""

from __future__ import annotations

import pytest

from agent.core.matching.decide import Verdict
from agent.core.matching.match import attributes
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute
from agent.core.model.seen import Page
from tests.policies.shipped import SHOP, judged, pack

STRIPE_CARD = "https://js.stripe.com/v3/elements-inner-card-28d1a5db68bc8cd3492fc1f7b0717035.html"


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        (Page((SHOP, STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "https://shop.example.com/frame", STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "about:srcdoc", STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "https://js.stripe.com/v3/controller-1.html", STRIPE_CARD)), "hosted-card-fields"),
        (Page(("view-source:https://checkout.stripe.com/c/pay/1",)), "payment-pages"),
        (Page((SHOP,), frozenset({"cc-number"})), "card-forms"),
        (Page((SHOP,), frozenset({"name", "CC-CSC"})), "card-forms"),
        (Page((SHOP, "https://cards.example.net/form"), frozenset({"cc-exp-month"})), "card-forms"),
        (Page((SHOP,), selectors=frozenset({'[data-cse="encryptedCardNumber"]'})), "card-forms"),
        (Page((SHOP, "https://www.rsa3dsauth.co.uk/3ds2/cReqWebBased?issuer=1")), "card-confirmation"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_strangers_page_closes(page: Page, rule: str) -> None:
    verdict = judged(Page(("https://news.example/",)), page)
    assert [[reason.id for reason in verdict.on(lane)] for lane in Lane] == [[rule], [rule]]


def test_in_a_window_behind_others_it_closes_the_sound_alone() -> None:
    verdict = judged(Page(("https://news.example/",)), Page((SHOP, STRIPE_CARD), shown=False))
    assert [reason.id for reason in verdict.audio] == ["hosted-card-fields"]
    assert verdict.screen == ()


def test_in_a_tab_behind_another_it_closes_both() -> None:
    """Its picture is in the tab's preview, and nothing in the pack says that previews are off."""
    verdict = judged(Page(("https://news.example/",)), Page((SHOP, STRIPE_CARD), parked=True))
    assert [[reason.id for reason in verdict.on(lane)] for lane in Lane] == [["hosted-card-fields"]] * 2


def test_it_stays_closed_while_a_number_may_be_read_back() -> None:
    assert {rule.stay_closed for rule in pack("payments").rules} == {3_000_000_000}
    assert {rule.on(Lane.AUDIO).lead for rule in pack("payments").rules} == {3_000_000_000}


@pytest.mark.parametrize("url", ["chrome://newtab/", "chrome://new-tab-page/", "edge://newtab/", "about:newtab"])
def test_a_new_tab_into_which_nobody_may_look_closes_nothing(url: str) -> None:
    assert judged(Page((url,), unread=True)) == Verdict()


@pytest.mark.parametrize(
    "url",
    [
        "chrome://settings/payments",
        "chrome://newtab.example/",
        "edge://wallet/",
        "about:preferences",
        "about:blank",
        "https://newtab/",
        SHOP,
    ],
)
def test_any_other_page_into_which_nobody_may_look_closes_both(url: str) -> None:
    verdict = judged(Page((url,), unread=True))
    assert verdict.screen
    assert verdict.audio


def test_the_payments_pack_asks_for_nothing_that_a_window_alone_could_answer() -> None:
    asked = {attribute for rule in pack("payments").rules for any_of in rule.any for attribute in attributes(any_of)}
    assert asked == {Attribute.URL, Attribute.FIELD, Attribute.CSS}
