"""A payment app's own page is in a dialog of Chromium's, and in no tab: a card form that no look has."""

from __future__ import annotations

import json

import pytest

from tests.browser.extension_live import Live, press, press_button, read, tabs_at
from tests.browser.extension_pages import CARD, page

pytestmark = [pytest.mark.desktop, pytest.mark.parametrize("live", ["chromium"], indirect=True)]

SQUARE = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9' height='9'/></svg>"
WORKER = """
let pay;
onpaymentrequest = (asked) => {
  const answer = {methodName: asked.methodData[0].supportedMethods, details: {paid: true}};
  asked.respondWith(new Promise((done) => pay = () => done(answer)));
  asked.openWindow("card");
};
onmessage = () => pay();
"""
APP = {
    "name": "Wallet",
    "icons": [{"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    "serviceworker": {"src": "worker.js"},
}
# The app by which /wallet is paid; Chromium installs it by itself.
WALLET = {
    "/wallet": "",
    "/wallet.json": json.dumps({"default_applications": ["wallet/app.json"]}),
    "/wallet/app.json": json.dumps(APP),
    "/wallet/icon.svg": SQUARE,
    "/wallet/worker.js": WORKER,
    "/wallet/card": page("wallet", CARD),
}
ASK = """<button id=ask>pay</button><script>
const total = {label: "Total", amount: {currency: "EUR", value: "1.00"}};
document.querySelector("#ask").onclick = async ({target}) => {
  target.onclick = null;
  const request = new PaymentRequest([{supportedMethods: `${location.origin}/wallet`}], {total});
  globalThis.response = await request.show();
};
</script>"""
TYPE = "document.querySelector('[autocomplete=cc-number]').focus()"
PAY = "(await navigator.serviceWorker.ready).active.postMessage('pay')"
PAID = "while (!globalThis.response) await new Promise((then) => setTimeout(then, 10));"
LONGER_THAN_A_DIALOG = "await new Promise((then) => setTimeout(then, 1300));"


def ask(live: Live) -> None:
    """Until the app's page is there."""
    press_button(live, "pay")
    live.site.order("wallet", TYPE)


def is_read(live: Live) -> bool:
    look = live.line.look()
    assert not tabs_at(look, "/wallet/card")
    return all(map(read, tabs_at(look, "/pay")))


def test_a_page_is_unread_until_its_payment_is_complete(live: Live) -> None:
    live.site.serve(WALLET)
    with live.opened("pay", ASK):
        ask(live)
        assert not is_read(live)
        live.site.send("wallet", PAY)  # the page may go with its answer
        live.site.order("pay", PAID + LONGER_THAN_A_DIALOG)
        assert not is_read(live)
        live.site.order("pay", "await response.complete('success')")
        live.look_until_tab("/pay", read)


def test_a_page_is_unread_until_its_user_has_refused(live: Live) -> None:
    live.site.serve(WALLET)
    with live.opened("pay", ASK):
        ask(live)
        assert not is_read(live)
        press(live.display, "Escape")
        live.look_until_tab("/pay", read)


def test_the_calls_of_a_payment_look_and_fail_as_ever(live: Live) -> None:
    with live.opened("broken", ""):
        script = """let refusal = '';
            for (const [kind, name] of [[PaymentRequest, "show"], [PaymentResponse, "complete"]]) {
              const own = kind.prototype[name];
              if (own.name !== name || own.length !== 0) throw name;
              if (!/\\[native code\\]/.test(Function.prototype.toString.call(own))) throw 'source';
              try { await own.call({}); } catch (failure) { refusal = failure.constructor.name; }
              if (refusal !== 'TypeError') throw refusal;
            }"""
        live.site.order("broken", script)
        live.look_until_tab("/broken", read)
