"""`eyelid windows` on a real display: what the recorder sees, what the rules say, and a second opinion by PyWinCtl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.stage.windows import program

pytestmark = pytest.mark.desktop

POLICY = """\
schema: 1
revision: 1
name: Tills
rules:
  - {id: tills, why: PCI DSS, any: [app: [till]]}
...
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, openbox_display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "tills.yaml").write_text(POLICY)
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    monkeypatch.delenv("EYELID_CONFIG", raising=False)
    monkeypatch.setenv("DISPLAY", openbox_display)


@pytest.mark.parametrize("backend", ["x11", "portable"])
def test_windows_and_what_the_rules_say(
    backend: str, openbox_display: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EYELID_DESKTOP", backend)
    with program(openbox_display, "till") as till:
        till.open(title="Payment")
        assert main(["windows", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [(w["app"], w["title"], w["screen"]) for w in told["windows"]] == [("till", "Payment", ["tills"])]
        assert told["screen"] == ["tills"]
        assert told["overlooked"] == 0
        assert main(["windows"]) == 0
        assert "screen: closed by tills" in capsys.readouterr().out
