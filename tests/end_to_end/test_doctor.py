"""A recorder at debug level among windows and pages whose words nobody could mistake: none of them is in any file that
it leaves, nor in the archive for support; and the doctor of a PC that records finds nothing wrong with it.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from agent.control.recorder_state import RecorderState
from testkit import web
from testkit.browsers import chromium
from testkit.fleet import NewStore, Pc, installed, pc, run
from testkit.stage import Stage, own_display
from testkit.windows import program

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

TITLE, RETITLE = "Quibblethorpe", "Marzipandra"  # of a window
HEADING, PATH, QUERY, FRAGMENT, WORDS = (
    "Zanzipolis",
    "flumoxia",
    "vexilquist",
    "grobnastic",
    "Hullabalorum",
)  # of a page
FIELD = "snickerdoodlium"
SAID: Final = (TITLE, RETITLE, HEADING, PATH, QUERY, FRAGMENT, WORDS, FIELD)
POLICY: Final = {
    "policy.yaml": """schema: 1
revision: 1
name: Words
rules:
  - id: cards
    why: a policy has a rule
    any:
      - field: [cc-number]
      - app: [no-such-program]
      - title: ["*no such title*"]
...
"""
}
PAGE: Final = f"<!doctype html><title>{HEADING}</title><h1>{WORDS}</h1><input name={FIELD} value={WORDS}>"


class _Request(web.Answer):
    def get(self, *_: object) -> None:
        self.send("text/html", PAGE)


@dataclass
class Left:
    """What a run left, and what was said of it while it went on."""

    files: dict[str, bytes]
    archive: Path
    told: dict[str, Any]
    code: int
    windows: str


def says(recorded: Pc, what: str) -> Any:
    """A field of its status; empty while it does not answer."""
    return (recorded.status() or {what: ()})[what]


def doctor(stage: Stage, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**stage.environment, "EYELID_CONFIG": str(home / "agent.yaml")}
    return run(installed("eyelid", *words), environment, patience=100)


@pytest.fixture(scope="module")
def left(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("doctor")
    with web.serving(_Request) as port, TemporaryDirectory(prefix="eyelid-") as homes:
        address = f"http://127.0.0.1:{port}/{PATH}?a={QUERY}#{FRAGMENT}"
        home = Path(homes) / "pc"
        with own_display(folder / "display") as stage, new_store(folder) as services:
            with (
                pc(services, stage, home, POLICY, settings={"log_level": "debug"}) as recorded,
                chromium(stage, folder / "browser", address, eyes=home),
                program(stage.name, "till") as till,
            ):
                window = till.open(title=TITLE, x=600, y=400)
                recorded.recorder.until(lambda: says(recorded, "browsers"), "it saw the browser")
                recorded.wait_for(RecorderState.RECORDING)
                till.retitle(window=window, title=RETITLE)
                # A broken policy is told too, and its mistakes quote it.
                (home / "policies" / "policy.yaml").write_text(
                    POLICY["policy.yaml"].replace("- field: [cc-number]", f"- url: ['{PATH} {QUERY}']")
                )
                recorded.recorder.until(lambda: "policy-mistakes" in says(recorded, "troubles"), "it had read it")
                (home / "policies" / "policy.yaml").write_text(POLICY["policy.yaml"])
                recorded.recorder.until(
                    lambda: (
                        "policy-mistakes" not in (recorded.status() or {"troubles": ("policy-mistakes",)})["troubles"]
                    ),
                    "it was whole again",
                )
                recorded.wait_for(RecorderState.RECORDING)
                windows = doctor(stage, home, "windows", "--json").stdout
                archive = folder / "support.tar.gz"
                said = doctor(stage, home, "doctor", "--json", "--bundle", str(archive))
            files = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return Left(files, archive, json.loads(said.stdout), said.returncode, windows)


def found(content: bytes) -> list[str]:
    return [word for word in SAID if word.lower().encode() in content.lower()]


def test_the_words_were_in_view(left: Left) -> None:
    """Else their absence would say nothing."""
    assert RETITLE in left.windows
    assert HEADING in left.windows


def test_no_file_that_a_run_leaves_has_a_word_of_them(left: Left) -> None:
    assert any(name.endswith("log/eyelid.jsonl") for name in left.files)
    assert any(name.endswith("agent.log") for name in left.files)  # standard error
    assert any("/ledger/segment-" in name for name in left.files)
    assert {name: found(content) for name, content in left.files.items() if found(content)} == {}


def test_the_log_says_what_happened(left: Left) -> None:
    [log] = [content for name, content in left.files.items() if name.endswith("log/eyelid.jsonl")]
    lines = [json.loads(line) for line in log.decode().splitlines()]
    said = "\n".join(line["message"] for line in lines)
    assert "starts as" in said
    assert "the policy in force has revision 1" in said
    assert "the policy has 1 mistakes and changes nothing" in said


def test_the_archive_has_not_a_word_either(left: Left) -> None:
    with tarfile.open(left.archive) as archive:
        files = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    assert sorted(name.partition("/")[2] for name in files) == [
        "README.txt", "doctor.json", "ledger.json", "log.jsonl", "settings.json", "versions.json",
    ]  # fmt: skip
    assert {name: found(content) for name, content in files.items() if found(content)} == {}
    assert b"PRIVATE" not in b"".join(files.values())
    keys = json.loads(next(content for name, content in left.files.items() if name.endswith("identity.json")))
    for secret in ("token_key", "evidence_key"):
        assert keys[secret].encode() not in b"".join(files.values())
    account = json.loads(files["eyelid-support/ledger.json"])
    assert account["kinds"]["start"] == 1
    assert account["causes"]["alarm what=policy-mistakes"] == 1
    assert b"starts as" in files["eyelid-support/log.jsonl"]
    assert json.loads(files["eyelid-support/settings.json"])["log_level"]["value"] == "debug"
    assert "cryptography" in json.loads(files["eyelid-support/versions.json"])["libraries"]


def test_the_doctor_of_a_pc_that_records_and_sends(left: Left) -> None:
    marks = {(one["id"], one["of"]): (one["mark"], one["found"]) for one in left.told["checks"]}
    for check in ("settings", "keys", "pins", "policy", "recorder", "display", "screen-permission", "window-witness"):
        assert marks[check, ""][0] == "good", (check, marks[check, ""])
    for check in ("cross-check", "disk", "store", "certificate", "clock", "let-in", "bundle"):
        assert marks[check, ""][0] == "good", (check, marks[check, ""])
    assert marks["recorder", ""][1] == "it records"
    assert left.code in {1, 3}  # this machine has no systemd manager, and its browser no policy
