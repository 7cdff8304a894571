"""Documents inside a page into which the browser puts no script of ours: the page's own script reads them.

Every frame begins with an empty document. Where nothing else comes into it the page may write there what it likes.
"""

from __future__ import annotations

import pytest

from tests.browser.extension_live import CSS, Live, css, fields, read, urls
from tests.browser.extension_pages import CARD

pytestmark = pytest.mark.desktop

NOTHING_COMES = ["javascript:void 0", "/nothing", "/never"]
INNER = "document.getElementById('frame').contentDocument"
WITHIN = "doc.body.firstChild"
ROOTED = f"{WITHIN}.attachShadow({{mode: 'closed'}}).innerHTML = '{CARD}'"
WAYS = {
    "as a tree": f"{INNER}.body.innerHTML = '{CARD}'",
    "as a stream": f"{INNER}.write('{CARD}')",
    "as a whole": f"{INNER}.write('{CARD}'); {INNER}.close()",
    "after it was read": f"setTimeout(() => {{ {INNER}.body.innerHTML = '{CARD}' }}, 500)",
}
HIDDEN = {
    "a frame within": ("<iframe></iframe>", f"{WITHIN}.contentDocument.body.innerHTML = '{CARD}'"),
    "an empty frame within": ("<iframe src=/nothing></iframe>", f"{WITHIN}.contentDocument.body.innerHTML = '{CARD}'"),
    "a shadow root": ("<div></div>", ROOTED),
    "a late shadow root": ("<div></div>", f"setTimeout(() => {{ {ROOTED} }}, 500)"),
    "names in the way": (f"<form name=defaultView></form><a id=eyelid>a</a>{CARD}", ""),
}


def framed(source: str) -> str:
    return f'<iframe id=frame src="{source}"></iframe>'


@pytest.mark.parametrize("source", NOTHING_COMES)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_page_writes_into_the_empty_document_of_a_frame_is_found(live: Live, source: str, way: str) -> None:
    with live.opened("around", f"{framed(source)}<script>{WAYS[way]}</script>"):
        live.look_until_tab("/around", lambda tab: read(tab) and fields(tab) == {"cc-number"})
        live.site.order("around", "document.getElementById('frame').remove()")
        live.look_until_tab("/around", lambda tab: read(tab) and not fields(tab))


@pytest.mark.parametrize("source", NOTHING_COMES)
def test_an_empty_frame_leaves_its_page_read(live: Live, source: str) -> None:
    with live.opened("around", framed(source)) as address:
        assert urls(live.look_until_tab("/around", read)) == [address]


def test_it_is_told_as_it_happens(live: Live) -> None:
    with live.opened("around", framed("javascript:void 0")) as address:
        since = len(live.line.heard)
        live.site.order("around", WAYS["as a tree"])
        told = live.line.await_one(lambda message: message.get("what") == "field", since)
        assert (told["urls"][0], told["fields"]) == (address, ["cc-number"])


def test_selectors_fit_there_too(live: Live) -> None:
    with live.opened("around", framed("/nothing")):
        live.site.order("around", f"{INNER}.body.innerHTML = '<p class=secret><b class=amount>12</b>'")
        assert css(live.look_until_tab("/around", read)) == {CSS.index(".secret .amount")}


@pytest.mark.parametrize("place", HIDDEN)
def test_nothing_hides_in_there(live: Live, place: str) -> None:
    before, script = HIDDEN[place]
    with live.opened("around", framed("javascript:void 0")):
        live.site.order("around", f"const doc = {INNER}; doc.body.innerHTML = `{before}`; {script}")
        live.look_until_tab("/around", lambda tab: read(tab) and fields(tab) == {"cc-number"})


@pytest.mark.parametrize("body", ["<object id=frame data=/nothing></object>", "<embed src=/nothing>"])
def test_other_elements_than_frames_hold_documents_too(live: Live, body: str) -> None:
    with live.opened("around", body):
        loaded = "if (document.readyState !== 'complete') await new Promise((done) => addEventListener('load', done))"
        failed = live.site.attempt("around", f"{loaded}; window[0].document.body.innerHTML = '{CARD}'")
        if live.name == "firefox":
            assert "undefined" in failed  # it gives them none
        else:
            assert failed == ""
            live.look_until_tab("/around", lambda tab: read(tab) and fields(tab) == {"cc-number"})


@pytest.mark.parametrize("address", ["{other}/inner", "{here}/inner", "javascript:`" + CARD + "`"])
def test_a_document_that_comes_after_all_speaks_for_itself(live: Live, address: str) -> None:
    """What the empty one left behind is forgotten, and does not keep the page from answering."""
    live.site.serve({"/inner": CARD})
    with live.opened("around", framed("javascript:void 0")):
        live.site.order("around", f"{INNER}.body.innerHTML = '<span id=l>CVV</span><input aria-labelledby=l>'")
        live.look_until_tab("/around", lambda tab: fields(tab) == {"cc-csc"})
        comes = address.format(other=live.site.other, here=live.site.here)
        live.site.order("around", f"document.getElementById('frame').src = {comes!r}")
        tab = live.look_until_tab("/around", lambda tab: read(tab) and fields(tab) == {"cc-number"})
        assert len(tab["frames"]) == 2
        for _ in range(3):
            assert read(live.look_until_tab("/around"))
        if comes.startswith("http"):  # until its own script has come it may be spoken for twice
            live.look_until_tab("/around", lambda tab: read(tab) and not tab["frames"][0]["fields"])
