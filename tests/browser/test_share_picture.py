"""A page that was granted the picture of a screen may show what no window in view has: also of hidden windows, tabs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.extension_live import Live, browser, press_button, read

pytestmark = pytest.mark.desktop

# How a page is granted a picture, and what it calls its `picture`.
CALLS = {
    "display": "picture = await display()",
    "copy of the stream": """const stream = await display();
        picture = stream.clone(); stream.getTracks()[0].stop()""",
    "copy of the track": """const [track] = (await display()).getTracks();
        picture = new MediaStream([track.clone()]); track.stop()""",
    "user media": "picture = await navigator.mediaDevices.getUserMedia({video: {mediaSource: 'window'}})",
}
BODY = """<button id=ask>share</button><script>
let picture;
const display = () => {{
  const controller = globalThis.CaptureController && new CaptureController();
  controller?.setFocusBehavior("no-focus-change"); // or Chromium shows the tab of which the picture is
  return navigator.mediaDevices.getDisplayMedia({{video: true, controller}});
}};
document.querySelector("#ask").onclick = async ({{target}}) => {{
  target.onclick = null;
  {call};
  document.body.dataset.granted = "yes";
}};
</script>"""
GRANTED = "while (!document.body.dataset.granted) await new Promise((then) => setTimeout(then, 10));"
LONGER_THAN_A_DIALOG = "await new Promise((then) => setTimeout(then, 1300));"
END = "for (const track of picture.getTracks()) track.stop();"  # no event tells of this


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def granting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A browser that grants a page the picture that it asks for without a dialog."""
    name = request.param
    without = {"media.navigator.permission.disabled": True} if name == "firefox" else None
    flags = ["--auto-select-tab-capture-source-by-title=desk"]
    with browser(name, tmp_path_factory.mktemp(name), without, flags=flags) as live:
        yield live


@pytest.mark.parametrize("call", CALLS)
def test_a_page_is_unread_as_long_as_it_has_a_picture_of_a_screen(granting: Live, call: str) -> None:
    live = granting
    if call == "user media" and live.name == "chromium":
        pytest.skip("Chromium gives no page the picture of a screen that way, unless an extension lets it")
    with live.opened("share", BODY.format(call=CALLS[call])):
        press_button(live, "share")
        live.site.order("share", GRANTED)
        live.site.order("share", LONGER_THAN_A_DIALOG)
        assert not read(live.look_until_tab("/share"))
        live.site.order("share", END)
        live.look_until_tab("/share", read)


def test_a_page_with_a_camera_is_read(granting: Live) -> None:
    """A camera, not a screen: refused here, for there is none."""
    with granting.opened("camera", ""):
        granting.site.order("camera", "await navigator.mediaDevices.getUserMedia({video: true}).catch(() => {});")
        assert read(granting.look_until_tab("/camera"))
