"""What the tests know of their browser: when a page has loaded, and that it has ended."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from testkit import devtools
from testkit.waits import until


def test_a_browser_that_has_ended_hides_no_failure_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtools, "CHROMIUM", "true")  # ends at once
    before = set(psutil.Process().children())
    with pytest.raises(ZeroDivisionError), devtools.headless(tmp_path):
        _ = 1 / 0
    assert set(psutil.Process().children()) <= before


def loaded(loader: str) -> dict[str, Any]:
    return {"method": "Page.lifecycleEvent", "params": {"loaderId": loader, "name": "load"}}


def opened(*messages: dict[str, Any]) -> None:
    """A page of a browser that says this, whatever it is asked, and ends."""
    reads, says = os.pipe()
    with os.fdopen(says, "wb") as browser:
        browser.write(b"".join(json.dumps(message).encode() + b"\0" for message in messages))
    with closing(devtools.DevTools(reads, os.open(os.devnull, os.O_WRONLY))) as asks:
        asks.open("http://localhost")


BEGUN = [
    {"id": 1, "result": {"targetId": "t"}}, {"id": 2, "result": {"sessionId": "s"}}, {"id": 3, "result": {}},
    {"id": 4, "result": {}}, loaded("of about:blank"),
]  # fmt: skip
ANSWER = {"id": 5, "result": {"loaderId": "its own"}}


def test_a_page_is_open_once_its_own_document_has_loaded() -> None:
    opened(*BEGUN, ANSWER, loaded("its own"))
    opened(*BEGUN, loaded("its own"), ANSWER)
    with pytest.raises(EOFError):
        opened(*BEGUN, ANSWER, loaded("of about:blank"))


@pytest.mark.slow(reason="a browser starts")
def test_a_page_goes_once_another_is_open(tmp_path: Path) -> None:
    with devtools.headless(tmp_path) as browser:

        def pages() -> set[str]:
            found = browser.call("Target.getTargets")["targetInfos"]
            return {one["targetId"] for one in found if one["type"] == "page"}

        before = pages()
        for number in range(3):
            browser.open("about:blank")
            assert browser.run(f"{number}") == number
        until(lambda: len(pages() - before) == 1, "the others' end")
        assert browser.run("document.readyState") == "complete"
