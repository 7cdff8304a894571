"""A payment app's own page is in a dialog of Chromium's, and in no tab: a card form that no look has."""

from __future__ import annotations

import pytest

from tests.browser.extension_live import Live, press, read

pytestmark = pytest.mark.desktop

ASK = """<button id=ask>pay</button><script>
const total = {label: "Total", amount: {currency: "EUR", value: "1.00"}};
document.querySelector("#ask").onclick = ({target}) => {
  target.onclick = null;
  globalThis.request = new PaymentRequest([{supportedMethods: `${location.origin}/never`}], {total});
  request.show().catch(({name}) => document.body.dataset.refused = name);
};
</script>"""
FOCUS = """
while (document.readyState !== "complete" || !document.hasFocus()) await new Promise((then) => setTimeout(then, 10));
document.querySelector("button").focus();
"""
ABORT = """
await request.abort();
while (!document.body.dataset.refused) await new Promise((then) => setTimeout(then, 10));
if (document.body.dataset.refused !== "AbortError") throw document.body.dataset.refused;
"""


def enter(live: Live) -> bool:
    """Once may be too early: the page may have the focus before its window has the keys."""
    press(live.display, "Return")
    return False


@pytest.mark.parametrize("live", ["chromium"], indirect=True)
def test_a_page_is_unread_while_it_asks_for_a_payment(live: Live) -> None:
    with live.opened("pay", ASK):
        since = len(live.line.heard)
        live.site.order("pay", FOCUS)
        live.line.look_until(lambda _: any(told.get("what") == "share" for told in live.line.heard[since:]) or enter(live))
        assert not read(live.look_until_tab("/pay"))
        live.site.order("pay", ABORT)
        live.look_until_tab("/pay", read)


@pytest.mark.parametrize("live", ["chromium"], indirect=True)
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
