"""What other programs and pages of this machine get of a recording that is open: nothing that opens it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from review.player.files import PAGE, SUMS, page_files, served
from review.player.handover import Handover
from store.admin.home import Home
from store.admin.init import RECIPIENT
from store.admin.operators import NAME
from store.catalog.queries import recordings_after
from store.commands.audit import evidence_of
from store.errors import StoreError
from tests.review.player.conftest import Recorded, played
from tests.store.conftest import PASSPHRASE
from tests.vectors.make_store import HERE as VECTORS


def test_the_list_of_hashes_is_whole_and_true(tmp_path: Path) -> None:
    files = page_files()
    assert set(files) == {path.name for path in PAGE.iterdir()} - {SUMS}
    shutil.copytree(PAGE, tmp_path / "page")
    (tmp_path / "page" / "worker.js").write_text("0")
    with pytest.raises(StoreError, match=r"worker\.js is not the file that was installed"):
        page_files(tmp_path / "page")
    (tmp_path / "page" / "page.js").unlink()
    with pytest.raises(StoreError, match="install Eyelid anew"):
        page_files(tmp_path / "page")


def test_what_the_page_needs_at_once_is_two_files_with_the_lines_of_those_listed() -> None:
    """Who checks the list of hashes has checked what is served: a whole file has each line of its modules, once."""
    files = page_files()
    whole = {name: content.decode() for name, content in served(files).items() if name not in files}
    assert set(whole) == {"page.whole.js", "worker.whole.js"}
    assert not re.search(r"^export ", "".join(whole.values()), re.MULTILINE)
    assert re.findall(r'^import .*"(.*)"', "".join(whole.values()), re.MULTILINE) == ["./asking.js"]
    for content in whole.values():
        first, *parts = re.split(r"^// ([\w-]+\.js)\n", content, flags=re.MULTILINE)
        names = parts[::2]
        assert len(names) == len(set(names))
        for name, text in zip(names, parts[1::2], strict=True):
            listed = re.sub(r'^import [^;"]*"[^"]*";\n', "", files[name].decode(), flags=re.MULTILINE)
            assert text == re.sub(r"^export ", "", listed, flags=re.MULTILINE)
        assert first in ("", 'import { ask, listenToWorker, open, secret } from "./asking.js";\n')
    assert re.findall(r'src="([^"]+\.js)"', files["index.html"].decode()) == ["asking.js", "page.whole.js"]


@pytest.mark.parametrize("name", ["page.whole.js", "worker.whole.js"])
def test_no_two_modules_of_a_whole_file_declare_the_same_name(name: str) -> None:
    """It would not run at all, and say so only in the browser's own console."""
    whole = served(page_files())[name].decode()
    plain = re.findall(r"^(?:async )?(?:const|let|class|function\*?) ([\w$]+)", whole, re.MULTILINE)
    unpacked = re.findall(r"^(?:const|let) [{\[]([^}\]]*)[}\]] =", whole, re.MULTILINE)
    names = [*plain, *(one.rpartition(":")[2].strip() for names in unpacked for one in names.split(","))]
    assert len(names) > 60
    assert [one for one, times in Counter(names).items() if times > 1] == []


def test_keys_are_given_once_and_only_to_who_has_the_secret() -> None:
    handover = Handover(uuid4(), {0: bytes(32), 32768: b"k" * 32})
    assert handover.take(b"") is None
    assert handover.take(bytes(32)) is None
    proof = handover._proof
    given = handover.take(proof)
    assert given is not None
    assert set(json.loads(given)["streams"]) == {"0", "32768"}
    assert b"k" * 8 not in given
    assert handover.take(proof) == b""
    assert handover.take(bytes(32)) is None


@pytest.fixture
def base(recorded: Recorded) -> Iterator[str]:
    with played(recorded.home, recorded.id) as address:
        yield address.split("#")[0]


def test_it_answers_at_its_address_alone(base: str) -> None:
    here = base.rsplit("/", 2)[0]
    for wrong in ("/", "/papers", "/x/papers", "/index.html"):
        assert httpx.get(here + wrong).status_code == 404
    for unknown in ("keys.txt", "../source.py", "%2e%2e/source.py", "chunks/0?from=0", "chunks/0?from=0&to=99",
                    "chunks/0?from=3&to=3", "chunks/x?from=0&to=1", "chunks/7?from=0&to=1", "chunks/0?from=-1&to=1",
                    "account?from=x"):  # fmt: skip
        assert httpx.get(base + unknown).status_code == 404, unknown


def test_strangers_are_refused_and_every_answer_keeps_the_page_to_itself(base: str) -> None:
    refused = (
        {"Host": "evil.example"}, {"Host": "localhost"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    )  # fmt: skip
    for headers in refused:
        answer = httpx.get(base + "papers", headers=headers)
        assert (answer.status_code, answer.content) == (403, b"")
    assert httpx.post(base + "keys", content=bytes(32)).status_code == 403
    assert httpx.post(base + "keys", content=bytes(10_000)).status_code == 403
    assert httpx.get(base + "keys").status_code == 404
    for answer in (httpx.get(base), httpx.get(base + "worker.js"), httpx.get(base + "nothing"),
                   httpx.get(base, headers={"Host": "evil.example"})):  # fmt: skip
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}  # a person's click, from anywhere
    assert httpx.get(base, headers=followed).status_code == 200


def test_nothing_that_is_served_opens_anything(recorded: Recorded, base: str) -> None:
    everything = b"".join(
        httpx.get(base + path).content for path in ("papers", "index", "account", "chunks/0?from=0&to=5")
    )
    for key in (recorded.made.recording.key, *map(recorded.made.recording.stream_key, (0, 1, 32768))):
        assert key not in everything
        assert key.hex().encode() not in everything


# -- the command ------------------------------------------------------------------------------------------------------


@contextmanager
def running(recorded: Recorded, folder: Path, *more: str, **around: str) -> Iterator[subprocess.Popen[str]]:
    (folder / "passphrase").write_bytes(PASSPHRASE)
    command = [sys.executable, "-m", "review", "open", recorded.id[:13], "--home", str(recorded.home.folder),
               "--key", str(recorded.key), "--passphrase-file", str(folder / "passphrase"), *more]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **around}) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def log_of(recorded: Recorded) -> list[dict[str, object]]:
    return [json.loads(line) for line in (recorded.home.folder / NAME).read_text("utf-8").splitlines()]


@pytest.mark.slow(reason="it starts the command as a process, which imports what a server needs")
def test_the_command_notes_serves_and_ends(recorded: Recorded, tmp_path: Path) -> None:
    with running(recorded, tmp_path, "--json", "--purpose", "ticket 4711") as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
                          + process.stdout.readline())  # fmt: skip
        assert said["recording"] == recorded.id
        begun = log_of(recorded)[-1]
        assert (begun["act"], begun["what"], begun["purpose"]) == ("open", "begin", "ticket 4711")
        assert begun["recordings"] == [recorded.id]
        address, secret = said["address"].split("#")
        assert httpx.get(address + "papers").json()["recording"] == recorded.id
        assert secret not in Path("/proc", str(process.pid), "cmdline").read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert log_of(recorded)[-1]["outcome"] == "done"


@pytest.mark.slow(reason="as above")
def test_the_browser_is_started_without_the_secret_on_its_command_line(recorded: Recorded, tmp_path: Path) -> None:
    browser, fifo = tmp_path / "browser", tmp_path / "asked"
    os.mkfifo(fifo)
    browser.write_text(f'#!/bin/sh\necho "$@" > {fifo}\n')
    browser.chmod(0o700)
    with running(recorded, tmp_path, "--open", BROWSER=f"{browser} %s", TMPDIR=str(tmp_path)) as process:
        asked = fifo.read_text().strip()
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.split("#")[1] not in asked
        file = Path(asked.removeprefix("file://"))
        assert address in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not file.exists()


def refusal(home: Path, recording: str, key: Path, passphrase: Path) -> str:
    command = [sys.executable, "-m", "review", "open", recording, "--home", str(home), "--key", str(key)]
    done = subprocess.run([*command, "--passphrase-file", str(passphrase)], capture_output=True, text=True, check=False,
                          timeout=60)  # fmt: skip
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.slow(reason="it starts the command as a process, four times")
def test_what_cannot_be_opened_is_refused_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    shutil.copytree(VECTORS / "home", folder, copy_function=shutil.copy2)
    home, passphrase = Home.open(folder), VECTORS / "passphrase"
    key = folder / home.key(RECIPIENT).file
    database = home.database()
    with database.reading() as connection:
        known = [str(one.id) for one in recordings_after(connection, "", 10)]
    database.close()
    read = {one: evidence_of(home, one) for one in known}
    [still_open] = [one for one, evidence in read.items() if not evidence.ended]
    assert "has no end that its device signed yet" in refusal(folder, still_open, key, passphrase)
    [earlier] = [
        one for one, evidence in read.items()
        if home.blobs().get(evidence.chosen.streams[0][0].blob).startswith(b"EYL1")
    ]  # fmt: skip
    assert "of an earlier agent, with one key for all of it" in refusal(folder, earlier, key, passphrase)
    assert "has no recording 'ffff'" in refusal(folder, "ffff", key, passphrase)
    (tmp_path / "wrong").write_text("wrong")
    [*good] = set(known) - {still_open, earlier}
    assert "passphrase" in refusal(folder, good[0], key, tmp_path / "wrong")
