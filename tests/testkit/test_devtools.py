"""The browser of the tests that ends on its own."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from testkit import devtools


def test_a_browser_that_has_ended_hides_no_failure_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtools, "CHROMIUM", "true")  # ends at once
    before = set(psutil.Process().children())
    with pytest.raises(ZeroDivisionError), devtools.headless(tmp_path):
        _ = 1 / 0
    assert set(psutil.Process().children()) <= before
