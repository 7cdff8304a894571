"""Keys as people press them, in a page in Chromium or Firefox: by DevTools, or by WebDriver BiDi."""

from __future__ import annotations

from typing import Final

from testkit.bidi import Bidi
from testkit.devtools import DevTools

# Key -> its number for DevTools and its character for WebDriver.
NAMED: Final = {
    "Tab": (9, "\ue004"), "Shift+Tab": (9, "\ue004"), "Enter": (13, "\ue007"), "Escape": (27, "\ue00c"),
    "End": (35, "\ue010"), "Home": (36, "\ue011"), "ArrowLeft": (37, "\ue012"), "ArrowUp": (38, "\ue013"),
    "ArrowRight": (39, "\ue014"), "ArrowDown": (40, "\ue015"),
}  # fmt: skip
PUNCTUATION: Final = {".": 190, ",": 188, "?": 191}  # for DevTools; their own numbers are those of Delete and others
# Whether one sees where the focus is.
OUTLINED: Final = """(() => {const one = document.activeElement, s = getComputedStyle(one); return one === document.body
  || one.type === 'date' || parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none'})()"""
STEPS: Final = 60


def press(page: DevTools | Bidi, key: str) -> None:
    """A key by its name or its one character, or Shift+ one."""
    shift, name = key.startswith("Shift+"), key.removeprefix("Shift+")
    number, character = NAMED.get(key, (PUNCTUATION.get(name, ord(name[0].upper())), name))
    if isinstance(page, Bidi):
        keys = [{"type": kind, "value": character} for kind in ("keyDown", "keyUp")]
        if shift:
            keys = [{"type": "keyDown", "value": "\ue008"}, *keys, {"type": "keyUp", "value": "\ue008"}]
        page.act([{"type": "key", "id": "keyboard", "actions": keys}])
        return
    text = {"Enter": {"text": "\r"}}.get(name, {"text": name} if len(name) == 1 else {})
    common = {"key": name, "code": "Space" if name == " " else name, "modifiers": 8 if shift else 0}
    page.call("Input.dispatchKeyEvent", type="keyDown", windowsVirtualKeyCode=number, **common, **text)
    page.call("Input.dispatchKeyEvent", type="keyUp", windowsVirtualKeyCode=number, **common)


def write(page: DevTools | Bidi, text: str) -> None:
    """Where the focus is."""
    for character in text:
        press(page, character)


def tab_to(page: DevTools | Bidi, wanted: str, called: str) -> None:
    """By the Tab key alone, until `called`, a script, gives that; each step must show where the focus is."""
    passed = []
    for _ in range(STEPS):
        press(page, "Tab")
        passed.append(page.run(called))
        # The parts within a date's field are the browser's own, and so is what shows where one is.
        assert page.run(OUTLINED), passed[-1]
        if passed[-1] == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab, but {passed}")
