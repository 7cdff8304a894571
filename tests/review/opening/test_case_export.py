"""A case by a person's own key: the command asks, two approve what they see; a hostile console changes nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from protocol import base64url
from protocol.envelope import SOUND_STREAM
from protocol.keyfile import save_private
from protocol.keys import RecipientPrivate
from review.cases import reading
from review.cli import main
from testkit.cheap_keys import COST
from testkit.player_page import faults_of
from tests.review.opening.conftest import RULES, House, Page, code, reach, text
from tests.review.opening.test_playing import ready
from tests.store.conftest import PASSPHRASE

__all__ = ["ready"]
pytestmark = pytest.mark.slow(reason="a house of four processes, and a command that waits for approvals")
EXPORTING: Final = RULES.format(
    more="approvals:\n  - { act: [export], by: [supervisor, privacy], need: 2, within: 24h }\n"
).replace("may: [list, play, consent]", "may: [list, play, consent, export]")
FILED: Final = re.compile(r"custodian approve ([0-9a-f]{64}) ")


@pytest.fixture
def exporting(house: House) -> Iterator[House]:
    house.between.change = None
    house.govern(EXPORTING)
    yield house
    house.between.change = None


@dataclass
class Export:
    """A command that waits. `reader`: whose key opens what it writes."""

    process: subprocess.Popen[str]
    filed: str
    folder: Path
    reader: RecipientPrivate

    def ended(self) -> tuple[int, str]:
        _, error = self.process.communicate(timeout=120)
        return self.process.returncode, error


@contextmanager
def export(house: House, folder: Path, who: str = "cleo", spans: str = "5-10") -> Iterator[Export]:
    """Until it says that it waits."""
    reader = RecipientPrivate.generate()
    (folder / "lawyer.pub").write_text(base64url.encode(reader.public.to_bytes()) + "\n")
    save_private(folder / "own.key", "person", house.keys(who).private_bytes_raw(), PASSPHRASE, cost=COST)
    (folder / "passphrase").write_bytes(PASSPHRASE)
    words = ["case", "export", "--spans", f"{house.recording}:{spans}", "--title", "Complaint 4711",
             "--purpose", "audit", "--as", f"{who}@example.com", "--key", folder / "own.key",
             "--passphrase-file", folder / "passphrase", "--to", folder / "lawyer.pub",
             "--socket", house.socket, "--home", house.home.folder,
             "-o", folder / "complaint", "--json"]  # fmt: skip
    command = [sys.executable, "-m", "review", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while (found := FILED.search(said)) is None:
            line = process.stderr.readline()
            assert line, said
            said += line
        try:
            yield Export(process, found[1], folder / "complaint", reader)
        finally:
            process.kill()


def test_two_people_approve_and_the_folder_has_the_keys_of_its_spans(
    exporting: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with export(exporting, tmp_path) as made:
        exporting.approve("ann", made.filed)
        exporting.approve("pia", made.filed)
        assert made.ended()[0] == 0
    save_private(tmp_path / "lawyer.key", "recipient", made.reader.to_bytes(), PASSPHRASE, cost=COST)
    verify = ["case", "verify", made.folder, "--key", tmp_path / "lawyer.key", "--passphrase-file",
              tmp_path / "passphrase", "--json"]  # fmt: skip
    capsys.readouterr()
    assert main(list(map(str, verify))) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sound"], said["opened"], said["title"]) == (True, True, "Complaint 4711")
    statement = reading.statement_of(made.folder)
    content = reading.content_of(made.folder, statement, reading.by_key(statement, made.reader))
    (part,) = content.parts
    assert part.keys.keys() == {0, 1, SOUND_STREAM}
    for stream, rows in part.rows.items():
        assert part.keys[stream].keys() == {one.sequence for one in rows}


def test_what_is_denied_leaves_nothing(exporting: House, tmp_path: Path) -> None:
    with export(exporting, tmp_path) as made:
        exporting.approve("ann", made.filed, "deny")
        status, error = made.ended()
    assert status != 0
    assert "no request of this id waits" in error
    assert not made.folder.exists()


def test_who_may_not_export_is_told_why_and_nothing_waits(exporting: House, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="may not export"), export(exporting, tmp_path, "ann"):
        pass


def wider(token: str) -> str:
    """The request with more time than was signed."""
    head, payload, signature = token.split(".")
    told = json.loads(base64url.decode(payload)) | {"spans": "0-24000000000"}
    return f"{head}.{base64url.encode(json.dumps(told).encode())}.{signature}"


# What a console's owner answers who is to approve -> the code with which the page refuses it; none: it shows the truth.
HOSTILE: Final[dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]]] = {
    "wider spans in the request": (lambda one: one | {"request": wider(one["request"])}, "other-request"),
    "wider spans beside it": (lambda one: one | {"terms": one["terms"] | {"spans": "0-24000000000"}}, ""),
    "another reader beside it": (lambda one: one | {"terms": one["terms"] | {"to": "t" * 43}}, ""),
}  # fmt: skip


def test_who_approves_sees_what_was_signed_and_a_hostile_console_changes_nothing_of_it(
    exporting: House, ready: House, page: Page, axe: str, tmp_path: Path
) -> None:
    assert ready is exporting
    exporting.govern(EXPORTING)
    with export(exporting, tmp_path) as made:
        for change, refused in HOSTILE.values():
            exporting.between.change = lambda path, _asked, given, change=change: (
                change(given) if path == "/v1/custodian" and "terms" in given else given
            )
            exporting.enter(page, "ann")
            exporting.show(page, "approve", made.filed)
            if refused:
                reach(page, "refused")
                assert code(page) == refused
                continue
            reach(page, "approve")
            said = text(page)
            assert "0:05.0 – 0:10.0" in said  # noqa: RUF001 - as the page writes a span
            assert re.findall(r"\d:\d\d\.\d", said) == ["0:05.0", "0:10.0"]
            assert "screen 1, screen 2, sound" in said
            assert made.reader.public.key_id in said
        exporting.between.change = None
        assert faults_of(page, axe, "a case's export to approve") == []
        page.run("document.querySelector('#custody .acts button').click()")
        exporting.approve("pia", made.filed)
        assert made.ended()[0] == 0
    statement = reading.statement_of(made.folder)
    assert reading.by_key(statement, made.reader)
