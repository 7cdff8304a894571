"""While a page asks for the picture of a screen, the browser's dialog shows pictures of anything."""

from __future__ import annotations

import pytest

from tests.browser.extension_live import Live, press, read, tabs_at

pytestmark = pytest.mark.desktop

BODIES = {
    "page": "<button id=ask onclick='ask(navigator)'>share</button>",
    "frame": "<iframe allow=display-capture srcdoc='<button onclick=parent.ask(navigator)>share</button>'></iframe>",
}
SCRIPT = """<script>
globalThis.ask = ({mediaDevices}) =>
  mediaDevices.getDisplayMedia({video: true}).catch(() => document.body.dataset.answered = "yes");
</script>"""
# Once the frame is there and the browser's window has what is pressed.
FOCUS = """
const soon = () => new Promise((then) => setTimeout(then, 10));
const button = () => (document.querySelector('iframe')?.contentDocument ?? document).querySelector('button');
while (document.readyState !== "complete" || !document.hasFocus()) await soon();
button().focus();
"""


def escape(live: Live) -> bool:
    """Once may be too early: the page's event comes before the dialog has the keys."""
    press(live.display, "Escape")
    return False


@pytest.mark.parametrize("where", BODIES)
def test_a_page_is_unread_until_the_dialog_has_gone(live: Live, where: str) -> None:
    with live.opened("share", SCRIPT + BODIES[where]):
        since = len(live.line.heard)
        live.site.order("share", FOCUS)
        press(live.display, "Return")
        event = live.line.await_one(lambda told: told.get("what") == "share", since)
        assert event["unread"]
        assert event["urls"][0].endswith("/share")
        for _ in range(5):
            assert not read(live.look_until_tab("/share"))
        live.site.order("share", "if (document.body.dataset.answered) throw 'the dialog has gone'")
        live.line.look_until(lambda look: all(map(read, tabs_at(look, "/share"))) or escape(live))


def test_a_page_whose_own_promises_are_broken_gets_its_answer_and_stays_unread(live: Live) -> None:
    with live.opened("broken", ""):
        since = len(live.line.heard)
        script = """let broken = true, refusal = '';
            const constructor = {get() { if (broken) throw 'ours'; return Promise; }};
            Object.defineProperty(Promise.prototype, 'constructor', constructor);
            const answer = navigator.mediaDevices.getDisplayMedia({video: false});
            broken = false;
            try { await answer; } catch ({name}) { refusal = name; }
            if (!['TypeError', 'InvalidStateError'].includes(refusal)) throw refusal;"""
        live.site.order("broken", script)
        live.line.await_one(lambda told: told.get("what") == "share", since)
        assert not read(live.look_until_tab("/broken"))


def test_a_call_without_a_dialog_fails_as_ever_and_is_over_soon(live: Live) -> None:
    with live.opened("refused", ""):
        since = len(live.line.heard)
        script = """let refusal = '';
            try { await navigator.mediaDevices.getDisplayMedia({video: false}); } catch ({name}) { refusal = name; }
            const own = MediaDevices.prototype.getDisplayMedia;
            if (!['TypeError', 'InvalidStateError'].includes(refusal)) throw refusal;
            if (own.name !== 'getDisplayMedia' || own.length !== 0) throw 'name';
            if (!/\\[native code\\]/.test(Function.prototype.toString.call(own))) throw 'source';"""
        live.site.order("refused", script)
        live.line.await_one(lambda told: told.get("what") == "share", since)
        live.look_until_tab("/refused", read)
