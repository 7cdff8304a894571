"""`eyelid-review interactions` against a running store: from the finding key to the vCon with its recording."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from protocol import bundle as bundles
from protocol.bundle import Bundle
from protocol.carried import carried
from protocol.keyfile import load_private
from protocol.keys import signing_key
from protocol.packet import recording_id
from protocol.policyhash import policy_hash
from review import cli
from review.audit.bodies import bodies
from review.audit.operators import adopt
from review.interactions import sending
from review.interactions.sending import Sender, Stopped
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECOVERY
from store.admin.operators import OperatorsLog
from store.catalog import inserting, interactions, schema
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.review.audit.making import KEY, new_log
from tests.store import conftest
from tests.store.recorded import close, make_filmed

SECOND = 10**9
START = 1_800_000_000 * SECOND  # of the recording: 2027-01-15T08:00:00Z
RULES = b"""schema: 1
revision: 1
name: House
roles:
  privacy: { may: [list], of: all }
people:
  ada@example.com: { roles: [privacy] }
os_users:
  - { user: lovelace, person: ada@example.com }
retention:
  - { class: rest, keep: 10d }
...
"""
CALL: dict[str, Any] = {
    "vcon": "0.4.0",
    "uuid": "01a07e00-0ecc-81db-b9a2-279e0d16bc46",
    "created_at": "2027-01-15T08:00:00Z",
    "parties": [{"mailto": "ada@example.com"}, {"tel": "030 1234567890", "id": "C-17/4711", "name": "Kim Sommer"}],
    "dialog": [{"type": "recording", "start": "2027-01-15T08:00:02Z", "duration": 5, "parties": [0, 1]}],
    "eyelid": {"queue": "sales", "consent": {"voice": "given"}},
}
CHAT: dict[str, Any] = {
    "parties": [{"mailto": "kim@example.org"}],
    "dialog": [{"type": "text", "start": "2027-02-01T08:00:00Z", "body": "Guten Tag"}],
    "eyelid": {"agents": [{"user": "lovelace", "host": "pc-7"}]},
}
MAIL = (
    b"From: Kim Sommer <kim@example.org>\nTo: ada@example.com\nDate: Mon, 1 Feb 2027 09:00:00 +0000\nSubject: x\n\n"
    b"hello there\n"
)
Run = Callable[..., tuple[int, Any, str]]

made_home, home, clock, bundle, services, client, secret, new_pc, pc = (
    conftest.made_home, conftest.home, conftest.clock, conftest.bundle, conftest.services, conftest.client,
    conftest.secret, conftest.new_pc, conftest.pc,
)  # fmt: skip


@pytest.fixture
def run(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    (tmp_path / "pass").write_bytes(conftest.PASSPHRASE + b" battery staple\n")
    (tmp_path / "own").write_bytes(conftest.PASSPHRASE + b"\n")
    (tmp_path / "review" / "keys").mkdir(parents=True)
    monkeypatch.setenv("EYELID_STORE_HOME", str(home.folder))
    monkeypatch.setenv("EYELID_REVIEW_HOME", str(tmp_path / "review"))

    def command(*words: object, own: str | None = "pass") -> tuple[int, Any, str]:
        capsys.readouterr()
        more = ["--passphrase-file", str(tmp_path / own)] if own else []
        try:
            code = cli.main(["interactions", *map(str, words), *more, "--json"])
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, words_ = capsys.readouterr()
        return code, json.loads(out) if out else None, words_

    return command


@pytest.fixture
def phone(run: Run, client: httpx.Client, tmp_path: Path) -> Path:
    assert run("init")[0] == 0
    where = ("--house", "example.com", "--country", "49", "--address", str(client.base_url).rstrip("/"))
    code, _, words = run("add", "phone", *where, "-o", tmp_path / "phone.key")
    assert (code, words) == (0, "")
    return tmp_path / "phone.key"


def written(folder: Path, name: str, *values: Any) -> Path:
    path = folder / name
    path.write_bytes(
        b"".join(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n" for value in values)
    )
    return path


def test_what_is_imported_is_found_once_and_nothing_of_it_lies_in_clear(
    run: Run, phone: Path, tmp_path: Path, home: Home, services: Services
) -> None:
    files = (written(tmp_path, "a.jsonl", CALL, CHAT, b"\n"), written(tmp_path, "b.eml", MAIL))
    code, told, _ = run("import", *files, "--integration", phone, "--queue", "post")
    assert (code, [one["new"] for one in told["sent"]], told["failed"]) == (0, [True] * 3, [])
    code, again, _ = run("import", *files, "--integration", phone, "--queue", "post")
    assert [(one["id"], one["new"]) for one in again["sent"]] == [(one["id"], False) for one in told["sent"]]
    call, chat, mail = (one["id"] for one in told["sent"])

    def found(*words: str) -> list[str]:
        code, answer, _ = run("find", *words)
        assert code == 0
        return [one["id"] for one in answer["interactions"]]

    assert found("--tel", "+49 (0)30/1234567890") == found("--id", "c-17/4711") == found("--id", CALL["uuid"]) == [call]
    assert sorted(found("--address", "KIM@example.org")) == sorted([chat, mail])
    assert sorted(found("--agent", "Ada@example.com")) == sorted([call, mail])
    assert found("--tel", "+493012345678") == []
    assert run("find", "--address", "kim@example.org", "--limit", "1")[1]["more"] is True
    assert run("find", "--tel", "nobody")[0] == 2
    services.database.settle()
    everything = b"".join(path.read_bytes() for path in home.folder.rglob("*") if path.is_file())
    # Long enough that no key and no ciphertext spells them: "Kim" was in a certificate's Base64 now and then.
    for clear in ("1234567890", "kim@example", "Kim Sommer", "C-17/4711", "Guten Tag", "hello there", CALL["uuid"]):
        assert clear.encode() not in everything
    assert b"interactions-find" in (home.folder / "operators.jsonl").read_bytes()


def test_who_has_another_finding_key_finds_nothing(run: Run, phone: Path, tmp_path: Path) -> None:
    assert run("import", written(tmp_path, "a.vcon", CALL), "--integration", phone)[0] == 0
    other = tmp_path / "other.key"
    assert run("init", "--finding-key", other)[0] == 0
    assert run("find", "--tel", "0301234567890", "--finding-key", other)[1] == {
        "interactions": [],
        "more": False,
        "recordings": 0,
    }
    code, _, words = run("find", "--tel", "0301234567890", "--finding-key", phone)
    assert (code, "no finding key (integration)" in words) == (2, True)
    assert run("find", "--tel", "0301234567890", own="own")[0] == 1
    assert run("init")[0] == 1  # never over one that is there


@pytest.fixture
def recorded(pc: Pc, bundle: Bundle, home: Home, services: Services) -> str:
    """A recording of lovelace, whose user is Ada's by the rules that compliance signed."""
    files = {"all.yaml": RULES}
    key = signing_key(load_private(home.folder / home.key(COMPLIANCE).file, conftest.PASSPHRASE).raw)
    newer = replace(bundle, revision=bundle.revision + 1, governance=policy_hash(files))
    with services.database.writing() as connection:
        values = {"hash": newer.governance, "carried": carried(files), "added_at": 1}
        inserting.add_if_new(connection, schema.governance, **values)
        token = bundles.sign(newer, key)
        inserting.add_if_new(connection, schema.bundles, revision=newer.revision, token=token, added_at=1)
    made = make_filmed(pc, bundle, id=recording_id(START, bytes(10)))
    close(made)
    made.put_all()
    assert pc.send_ledger().status_code == 200
    return str(made.recording.id)


def test_it_is_given_out_with_its_recording(run: Run, phone: Path, tmp_path: Path, home: Home, recorded: str) -> None:
    late = CALL | {"dialog": [CALL["dialog"][0] | {"start": "2027-01-15T09:00:02Z"}], "uuid": "another"}
    at_the_pc = CALL | {"uuid": "third", "eyelid": {"agents": [{"user": "Lovelace", "host": "pc-7"}]}}
    elsewhere = CALL | {"uuid": "fourth", "eyelid": {"agents": [{"user": "lovelace", "host": "pc-8"}]}}
    source = written(tmp_path, "a.jsonl", CALL, late, at_the_pc, elsewhere)
    code, told, _ = run("import", source, "--integration", phone)
    assert (code, len(told["sent"])) == (0, 4)
    _, listed, _ = run("find", "--id", "C-17/4711")
    linked = {one["id"]: one["recordings"] for one in listed["interactions"]}
    assert [linked[one["id"]] for one in told["sent"]] == [[recorded], [], [recorded], []]
    assert listed["recordings"] == 1

    key = home.folder / home.key(RECOVERY).file
    call, after = told["sent"][0]["id"], told["sent"][1]["id"]
    code, done, words = run("export", call, "--key", key, "-o", tmp_path / "case", own="own")
    assert (code, done["recordings"], done["missing"], words) == (0, 1, [], "")
    vcon = json.loads((tmp_path / "case" / "interaction.vcon").read_bytes())
    assert (vcon["uuid"], vcon["amended"], vcon["parties"]) == (call, {"uuid": CALL["uuid"]}, CALL["parties"])
    film = tmp_path / "case" / vcon["dialog"][1]["url"]
    hashed = base64.urlsafe_b64encode(hashlib.sha512(film.read_bytes()).digest()).rstrip(b"=").decode()
    assert vcon["dialog"][1]["content_hash"] == f"sha512-{hashed}"
    assert vcon["dialog"][:1] == CALL["dialog"]

    assert run("export", after, "--key", key, "-o", tmp_path / "alone", own="own")[0] == 0
    assert json.loads((tmp_path / "alone" / "interaction.vcon").read_bytes()) == late
    code, _, words = run("export", call, "--key", key, "-o", tmp_path / "case", own="own")
    assert (code, "is not empty" in words) == (2, True)


def test_what_consent_was_withdrawn_of_stays_shut(run: Run, phone: Path, tmp_path: Path, home: Home) -> None:
    shut = CALL | {"eyelid": {"consent": {"voice": "withdrawn"}}}
    _, told, _ = run("import", written(tmp_path, "a.json", shut), "--integration", phone)
    key = home.folder / home.key(RECOVERY).file
    code, _, words = run("export", told["sent"][0]["id"][:35], "--key", key, "-o", tmp_path / "x", own="own")
    assert (code, "consent was withdrawn" in words, (tmp_path / "x").exists()) == (1, True, False)


def test_a_recording_stays_shut_where_consent_to_one_of_its_calls_was_withdrawn(
    run: Run, phone: Path, tmp_path: Path, home: Home, recorded: str
) -> None:
    shut = CALL | {"uuid": "shut", "eyelid": {"consent": {"voice": "withdrawn"}}}
    elsewhere = {"consent": {"voice": "withdrawn"}, "agents": [{"user": "lovelace", "host": "pc-8"}]}
    other = CALL | {"uuid": "other", "eyelid": elsewhere}
    key = home.folder / home.key(RECOVERY).file
    _, told, _ = run("import", written(tmp_path, "a.jsonl", CALL, other), "--integration", phone)
    call = told["sent"][0]["id"]
    assert run("export", call, "--key", key, "-o", tmp_path / "open", own="own")[1]["recordings"] == 1
    assert run("import", written(tmp_path, "b.json", shut), "--integration", phone)[0] == 0
    code, done, _ = run("export", call, "--key", key, "-o", tmp_path / "case", own="own")
    assert (code, done["recordings"], len(done["missing"])) == (1, 0, 1)
    assert f"recording {recorded}: consent was withdrawn for interaction" in done["missing"][0]
    assert [path.name for path in (tmp_path / "case").rglob("*")] == ["interaction.vcon"]


@pytest.mark.parametrize("content", [b"\xff no JSON", b'{"subject":"\\ud800"}'])
def test_content_of_any_kind_is_given_out(
    run: Run, phone: Path, tmp_path: Path, home: Home, recorded: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "as_bytes", lambda *_: content)  # an integration that seals what it will
    _, told, _ = run("import", written(tmp_path, "a.json", CALL), "--integration", phone)
    key = home.folder / home.key(RECOVERY).file
    code, done, words = run("export", told["sent"][0]["id"], "--key", key, "-o", tmp_path / "case", own="own")
    assert (code, done["recordings"], "is no vCon" in done["missing"][0], words) == (1, 1, True, "")
    assert (tmp_path / "case" / "interaction.vcon").read_bytes() == content
    assert list((tmp_path / "case" / "recordings" / recorded).iterdir())


def test_what_was_erased_is_told(run: Run, tmp_path: Path, home: Home, services: Services) -> None:
    name = str(recording_id(START, bytes(10)))
    facts = {"device": "x", "position": 1, "order": "", "step": "erased"}
    with services.database.writing() as connection:
        found = '{"packets":[],"objects":0,"bytes":0}'
        connection.execute(schema.erasures.insert().values(recording=name, found=found, **facts))
    key = home.folder / home.key(RECOVERY).file
    code, _, words = run("export", name[:20], "--key", key, "-o", tmp_path / "x", own="own")
    assert (code, f"{name}: GONE, AND NOTHING SIGNED SAYS WHY" in words) == (1, True)


def test_what_is_changed_in_the_store_is_not_given_out(
    run: Run, phone: Path, tmp_path: Path, home: Home, services: Services
) -> None:
    _, told, _ = run("import", written(tmp_path, "a.json", CALL), "--integration", phone)
    name = told["sent"][0]["id"]
    key = home.folder / home.key(RECOVERY).file
    (packet, chunk) = sorted(services.blobs.names())[::-1]
    assert name in packet
    path = home.folder / "blobs" / chunk
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    code, _, words = run("export", name, "--key", key, "-o", tmp_path / "x", own="own")
    assert (code, "not the one that was signed" in words) == (1, True)
    path.unlink()
    code, _, words = run("export", name, "--key", key, "-o", tmp_path / "x", own="own")
    assert (code, "gone" in words, (tmp_path / "x").exists()) == (1, True, False)


MEASURED = """
import sys, tracemalloc
from review import cli
from review.commands import interactions
tracemalloc.start()
code = cli.main(sys.argv[1:])
sys.stderr.write(f"{tracemalloc.get_traced_memory()[1]}")
sys.exit(code)
"""


def test_a_hundred_megabytes_are_refused_in_little_memory_and_noted(phone: Path, tmp_path: Path, home: Home) -> None:
    big = tmp_path / "big.vcon"
    with big.open("wb") as file:
        file.truncate(100 * 2**20)
    lines = written(tmp_path, "a.jsonl", b"[" * (60 * 2**20) + b"\n", CALL, b'{"a":' * 90_000 + b"\n")
    bad = written(tmp_path, "bad.vcon", CALL | {"eyelid": {"queue": "+49 30 123456"}})
    long = written(tmp_path, "long.vcon", CALL | {"dialog": [CALL["dialog"][0] | {"duration": 90_000}]})
    files = (
        big,
        lines,
        bad,
        long,
        written(tmp_path, "b.eml", b"From: x\n\n"),
        tmp_path / "none.json",
        tmp_path / "note.txt",
    )
    (tmp_path / "note.txt").write_text("x")
    # In a process of its own: other threads of the tests' process have memory too.
    words = ["interactions", "import", *files, "--integration", phone, "--passphrase-file", tmp_path / "pass", "--json"]
    ended = subprocess.run([sys.executable, "-c", MEASURED, *map(str, words)], capture_output=True, check=False)
    told, peak = json.loads(ended.stdout), int(ended.stderr.split()[-1])
    assert (ended.returncode, len(told["sent"])) == (1, 1)
    assert [Path(one["from"]).name for one in told["failed"]] == [
        "big.vcon", "a.jsonl:1", "a.jsonl:3", "bad.vcon", "long.vcon", "b.eml", "none.json", "note.txt",
    ]  # fmt: skip
    assert "123456" not in json.dumps([one["error"] for one in told["failed"]])
    assert peak < 90 * 2**20
    entries = [one for one in OperatorsLog(home.folder).check().entries if one.get("act") == "interactions-refused"]
    assert [(one["why"], one["count"]) for one in entries] == [("oversized", 2), ("unreadable", 5)]
    log = new_log(tmp_path / "audit")
    adopt(log, KEY, home.folder)
    refused = [one.said for one in bodies(log.folder, log.verifier, KEY) if one.said.get("outcome") == "failure"]
    assert [(one["kind"], one["reason"], one["resource"]) for one in refused] == [
        ("operator", one["why"], one["recordings"]) for one in entries
    ]


def test_what_the_store_refuses_is_named_and_the_rest_goes_on(
    run: Run, phone: Path, tmp_path: Path, services: Services
) -> None:
    _, told, _ = run("import", written(tmp_path, "a.json", CALL), "--integration", phone)
    facts = {"device": "x", "position": 1, "order": "", "step": "erased"}
    with services.database.writing() as connection:
        found = '{"packets":[],"objects":0,"bytes":0}'
        connection.execute(schema.erasures.insert().values(recording=told["sent"][0]["id"], found=found, **facts))
    stranger = CALL | {"eyelid": {"agents": [{"person": "ada@example.org"}]}}
    erased, chat, mail = json.dumps(CALL).encode() + b"\n", CHAT, written(tmp_path, "b.eml", MAIL)
    for new in (True, False):
        lines = written(tmp_path, "a.jsonl", stranger, erased, chat)
        code, told, _ = run("import", lines, mail, "--integration", phone)
        assert (code, [one["new"] for one in told["sent"]]) == (1, [new, new])
        assert [(Path(one["from"]).name, one["error"][-14:]) for one in told["failed"]] == [
            ("a.jsonl:1", " (clear-party)"), ("a.jsonl:2", "again (erased)"),
        ]  # fmt: skip


def test_where_nothing_more_can_be_sent_it_is_said_what_was(
    run: Run, phone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, left = Sender.send, [1]

    def once(self: Sender, *read: Any) -> tuple[str, bool]:
        if not left:
            raise Stopped("the store is full (store-full)")
        left.pop()
        return send(self, *read)

    monkeypatch.setattr(Sender, "send", once)  # a disk that is full after the first
    code, told, _ = run("import", written(tmp_path, "a.jsonl", CALL, CHAT, CALL), "--integration", phone)
    assert (code, len(told["sent"]), len(told["failed"])) == (1, 1, 1)
    assert told["failed"][0]["from"].endswith("a.jsonl:2")
    assert "from here on nothing was sent" in told["failed"][0]["error"]


def test_a_key_that_was_withdrawn_sends_no_more(run: Run, phone: Path, tmp_path: Path, services: Services) -> None:
    _, listed, _ = run("keys", own=None)
    (one,) = listed["integrations"]
    assert (one["name"], one["house"], one["withdrawn_at"]) == ("phone", ["example.com"], None)
    assert run("keys", "--withdraw", "x", own=None)[0] == 2
    assert run("keys", "--withdraw", one["id"][:8], own=None)[1]["integrations"][0]["withdrawn_at"]
    code, _, words = run("import", written(tmp_path, "a.json", CALL), "--integration", phone)
    assert (code, "withdrawn" in words) == (1, True)
    with services.database.reading() as connection:
        assert interactions.beginning(connection, "") == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "phone", "--house", "no domain", "-o", "x"), 2),
        (("add", "+49301234567", "--house", "example.com", "-o", "x"), 2),
        (("add", "phone", "--house", "example.com", "--country", "0", "-o", "x"), 2),
        (("find", "--tel", "1", "--id", "2"), 2),
        (("export", "zz", "--key", "x", "-o", "y"), 2),
        (("import", "a.json", "--integration", "none.key"), 1),
    ],
)
def test_mistakes_are_told_in_a_line(
    run: Run, words: tuple[str, ...], code: int, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init")[0] == 0
    ended, _, said = run(*words)
    assert (ended, "Traceback" in said, said != "") == (code, False, True)


def test_a_store_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    assert run("init")[0] == 0
    where = ("--house", "example.com", "--address", "http://127.0.0.1:9")
    assert run("add", "phone", *where, "-o", tmp_path / "phone.key")[0] == 0
    code, _, words = run("import", written(tmp_path, "a.json", CALL), "--integration", tmp_path / "phone.key")
    assert (code, "cannot be reached" in words) == (1, True)


@contextmanager
def answering(*answers: tuple[int, bytes]) -> Iterator[str]:
    """Something else than a store: it gives these answers in turn, the last again and again."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


BUSY = (503, b'{"error":"busy","message":"come back"}')


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((BUSY,), "come back (busy)"),
        ((BUSY, BUSY, (200, b"hello")), "no store of Eyelid"),
        ((BUSY, (200, b'{"bundle":"x","successors":[]}')), "not a compact JWS"),
        (((200, b"{}"),), "successors"),
        (((404, b'{"error":"no-such-path","message":"see"}'),), "no-such-path"),
    ],
)
def test_what_answers_something_else_is_told(
    run: Run, tmp_path: Path, answers: tuple[tuple[int, bytes], ...], says: str
) -> None:
    assert run("init")[0] == 0
    with answering(*answers) as address:
        where = ("--house", "example.com", "--address", address)
        assert run("add", "phone", *where, "-o", tmp_path / "phone.key")[0] == 0
        code, _, words = run("import", written(tmp_path, "a.json", CALL), "--integration", tmp_path / "phone.key")
    assert (code, says in words) == (1, True), words
