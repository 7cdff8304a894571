"""The process that tries a policy: confined before it looks, bounded, and ended with its console; whatever is hostile
ends in a sentence.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from protocol.system import ON_LINUX
from review.policy_trial import apart
from review.policy_trial.apart import CODES, Judge, NotTried
from review.policy_trial.form import boundary_of
from review.web.policy_tried import WRONG
from store.evidence.film.apart import environment
from testkit.waits import until
from tests.review.policy_trial.test_oracle import form, sent

IN_FORCE = b"""schema: 1
revision: 2
name: In force
rules:
  - { id: charts, why: w, any: [title: ["Chart *"]], stay_closed: 2s }
  - { id: cards, why: w, any: [url: [shop.example/pay]] }
  - { id: gone, why: w, any: [app: [till]] }
  - { id: tried, why: w, any: [app: [crm]] }
...
"""
NEXT = """schema: 1
revision: 3
name: Next
rules:
  - { id: medical, why: other, any: [title: ["Chart *"]], stay_closed: 2s }
  - { id: cards, why: w, any: [url: [shop.example/pay]] }
  - { id: tried, why: w, any: [app: [crm]], dry_run: true }
...
"""
HEAD: dict[str, Any] = {
    "eyelid_scenes": 1, "recording": "r", "start": "s", "host": "h", "length_ns": 10**10, "policy": "x",
    "policy_files": {}, "lanes": {"screen": [{"from": 0, "to": 10**10, "what": "kept"}]},
}  # fmt: skip
SEEN = b"""{"at":0,"witness":"window","windows":[],"pages":[],"accounted":[],"pages_only":false}
{"at":5000000000,"ended":true}
"""


def tried(policy: dict[str, str], *scenes: bytes, **texts: str) -> dict[str, Any]:
    return Judge().try_policy({"p.yaml": IN_FORCE}, "bundle 4", *form(policy, *scenes, **texts))


def scenes(head: object = HEAD, lines: bytes = SEEN) -> bytes:
    return json.dumps(head).encode() + b"\n" + lines


def test_what_becomes_of_each_rule_in_force() -> None:
    said = tried({"a.yaml": NEXT})
    assert said["becomes"] == {
        "charts": ["renamed", "medical"], "cards": ["kept"], "gone": ["gone"], "tried": ["tried"],
    }  # fmt: skip
    assert said["ids"] == ["medical", "cards"]
    assert (said["name"], said["in_force"]) == ("Next", {"name": "In force", "revision": 2})


def test_one_file_of_several_may_be_tried_with_the_others_in_force() -> None:
    one = "schema: 1\nrules:\n  - { id: more, why: w, any: [app: [mail]] }\n...\n"
    assert "no file has revision" in str(tried({"b.yaml": one})["mistakes"])
    said = tried({"b.yaml": one}, rest="1")
    assert (said["mistakes"], said["ids"]) == ([], ["more", "charts", "cards", "gone", "tried"])
    pasted = tried({}, text=one.replace("\n", "\r\n"), name="b.yaml", rest="1")
    assert pasted["ids"] == said["ids"]
    assert tried({}, text=NEXT)["name"] == "Next"


def test_tests_that_do_not_hold_are_mistakes_and_scenes_are_tried_all_the_same() -> None:
    test = "tests:\n  - { name: t, app: till, title: x, expect: { screen: pause } }\n"
    said = tried({"a.yaml": NEXT.replace("...", f"{test}...")}, scenes())
    assert (said["tests"]["ran"], said["tests"]["failures"]) == (1, 1)
    assert (said["mistakes"][0]["file"], said["mistakes"][0]["line"]) == ("a.yaml", 9)
    assert len(said["recordings"][0]["lanes"]["screen"]["spans"]) == 2


# -- whatever is sent -------------------------------------------------------------------------------------------------

BOMB = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{'b' + str(n - 1) if n else 'a'}, *a]\n" for n in range(40))
HOSTILE: dict[str, tuple[dict[str, bytes], str]] = {
    "a bomb of aliases": ({"a.yaml": BOMB.encode()}, "mistakes"),
    "deep": ({"a.yaml": b"[" * 100_000 + b"\n...\n"}, "mistakes"),
    "nested flow": ({"a.yaml": b"a: " + b"{a: " * 5_000 + b"\n...\n"}, "mistakes"),
    "a huge table": ({"a.yaml": b"".join(b"k%d: 1\n" % n for n in range(120_000)) + b"...\n"}, "mistakes"),
    "too large": ({"a.yaml": b"#" * (2**20 + 1)}, "mistakes"),
    "many files": ({f"{n}.yaml": b"...\n" for n in range(101)}, "mistakes"),
    "no UTF-8": ({"a.yaml": NEXT.encode().replace(b"Next", b"\xff\xfe\x80")}, "mistakes"),
    "UTF-16": ({"a.yaml": NEXT.encode("utf-16")}, "mistakes"),
    "a zip": ({"a.yaml": b"PK\x03\x04" + bytes(range(256))}, "mistakes"),
    "named otherwise": ({"a.yml": NEXT.encode()}, "mistakes"),
    "nothing that is read": ({"notes.txt": b"x"}, "mistakes"),
    "an endless number": ({"a.yaml": NEXT.replace("revision: 3", f"revision: {'9' * 100_000}").encode()}, "mistakes"),
    "like a regular expression": (
        {"a.yaml": NEXT.replace('"Chart *"', '"(a+)+$' + "*a" * 2000 + '"').encode()}, "mistakes",
    ),
    "a tag": ({"a.yaml": b"a: !!python/object/apply:os.system [id]\n...\n"}, "mistakes"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_policy_ends_in_a_sentence(name: str) -> None:
    files, wanted = HOSTILE[name]
    told = [("policy", (file, content)) for file, content in files.items()]
    said = Judge().try_policy({"p.yaml": IN_FORCE}, "bundle 4", *sent([*told, ("scenes", ("s", scenes()))]))
    assert said[wanted]
    assert all(one["message"] for one in said["mistakes"])


GLOB = NEXT.replace('"Chart *"', '"' + "*a" * 30 + '*b"')
MANY = b"".join(
    json.dumps({"window": n, "id": n, "app": "crm", "title": "a" * 500, "pid": 1, "box": [0, 0, 1, 1], "shown": True,
                "focused": False, "kind": "normal", "engine": False, "remote": False}).encode() + b"\n"
    for n in range(200)
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\n" * 1000, b"\xff" * 1000, b"[" * 200_000, b"PK\x03\x04" + bytes(1000), b"{}", b"1" * 100_000,
        scenes(HEAD | {"length_ns": 10**30}), scenes(HEAD | {"length_ns": -1}),
        scenes(HEAD | {"eyelid_scenes": "\ud800"}),
        scenes(HEAD | {"length_ns": float("inf")}), scenes(HEAD | {"lanes": {"x": []}}),
        scenes(lines=b"{" * 100_000), scenes(lines=b'{"at":' + b"9" * 10_000 + b"}"), scenes(lines=b'{"window":1}'),
        scenes(HEAD | {"policy_files": {"a.yaml": "\ud800"}}),
    ],
)  # fmt: skip
def test_hostile_scenes_end_in_a_sentence(text: bytes) -> None:
    [one] = tried({"a.yaml": NEXT}, text, against="own")["recordings"]
    assert one["wrong"]
    assert "Traceback" not in one["wrong"]


def test_what_is_long_and_odd_is_judged_in_time() -> None:
    """A pattern of thirty stars, on titles that nearly fit."""
    looks = b"".join(
        json.dumps({"at": n * 10**7, "witness": "window", "windows": [n % 200], "pages": [], "accounted": [],
                    "pages_only": False}).encode() + b"\n"
        for n in range(900)
    )  # fmt: skip
    [one] = tried({"a.yaml": GLOB}, scenes(lines=MANY + looks))["recordings"]
    assert one["lanes"]["screen"]["open_ns"] + one["lanes"]["screen"]["not_judged_ns"] > 0
    for_ever = scenes(HEAD | {"lanes": {"screen": [{"from": -(10**40), "to": 10**40, "what": "kept"}]}})
    assert tried({"a.yaml": NEXT}, for_ever)["recordings"][0]["lanes"]


@pytest.mark.parametrize(
    ("told", "texts", "code"),
    [
        ([], {}, "no-policy"),
        ([("policy", ("a.yaml", b"x")), ("policy", ("folder/a.yaml", b"y"))], {}, "twice"),
        ([("policy", ("a.yaml", b"x"))] + [("scenes", (f"{n}", b"")) for n in range(21)], {}, "many-scenes"),
        ([("policy", (f"{n}.yaml", b"")) for n in range(300)], {}, "many-parts"),
    ],
)
def test_what_is_not_tried(told: Any, texts: dict[str, str], code: str) -> None:
    with pytest.raises(NotTried, match=f"^{code}$"):
        Judge().try_policy({}, "bundle 1", *sent([*told, ("other", ("", b""))], **texts))


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "a" * 99])
def test_what_is_no_form_starts_no_process(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "command", lambda: ["/nothing"])
    with pytest.raises(NotTried, match="no-form"):
        Judge().try_policy({}, "bundle 1", kind, b"")


def test_a_list_of_mistakes_is_cut() -> None:
    long = {"a.yaml": "".join(f"{'k' * 4000}{n}: 1\n" for n in range(200)) + "...\n"}
    assert len(json.dumps(tried(long))) < 2**23


# -- whatever the process does ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ("pass", "ended"),
        ("print('[' * 100000)", "ended"),
        ("print('{\"mistakes\": 1')", "ended"),
        ('print(\'{"why_not": "<b>"}\')', "ended"),
        ('print(\'{"why_not": "memory"}\')', "memory"),
        ("import sys; sys.stdout.write('x' * 2**25)", "ended"),
        ("import os; os.kill(os.getpid(), 9)", "ended"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "slow"),
        ("import threading; threading.Event().wait()", "slow"),
    ],
)
def test_whatever_the_process_says(monkeypatch: pytest.MonkeyPatch, says: str, code: str) -> None:
    """In its place runs what something hostile may have made of it; the time is short, as a test cannot wait for it."""
    monkeypatch.setattr(apart, "command", lambda: [sys.executable, "-c", f"import sys; sys.stdin.read(); {says}"])
    with pytest.raises(NotTried, match=f"^{code}$"):
        Judge(within=5).try_policy({}, "bundle 1", *form({"a.yaml": NEXT}))


SLEEPS = "import os, threading; os.write(1, b'{}\\n'); threading.Event().wait()"


def test_it_ends_with_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "command", lambda: [sys.executable, "-c", SLEEPS])
    judge, said = Judge(), list[str]()

    def ask() -> None:
        try:
            judge.try_policy({}, "bundle 1", *form({"a.yaml": NEXT}))
        except NotTried as error:
            said.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: judge.pid, "the process is at work")
    judge.close()
    thread.join(30)
    assert said == ["ended"]
    with pytest.raises(NotTried, match="ended"):  # one that begins while the console ends
        judge.try_policy({}, "bundle 1", *form({"a.yaml": NEXT}))


def started() -> subprocess.Popen[bytes]:
    """Confined, and reading a body."""
    kind, body = form({"a.yaml": NEXT})
    job = {"parent": os.getpid(), "boundary": boundary_of(kind), "in_force": {}, "shown_in": "x"}
    judge = subprocess.Popen(apart.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), cwd="/")
    assert judge.stdin is not None
    judge.stdin.write(json.dumps(job).encode() + b"\n" + body)
    judge.stdin.flush()
    return judge


@pytest.mark.skipif(not ON_LINUX, reason="only Linux tells of a process what it is confined by")
def test_it_is_confined_before_it_looks() -> None:
    """A stopped one, at the moment at which it has said that it is."""
    stop = (
        "import os, signal, sys; from review.policy_trial import judge\n"
        "judge.judged = lambda *_: os.read(0, 1) and {}\n"
        "judge._write = lambda line, real=judge._write: (real(line), __import__('time').sleep(60))\n"
        "judge.main()"
    )
    job = {"parent": os.getpid(), "boundary": "x", "in_force": {}, "shown_in": "x"}
    with subprocess.Popen(
        [sys.executable, "-c", stop], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment() | {"HOME": "x"}
    ) as judge:
        assert judge.stdin is not None
        assert judge.stdout is not None
        judge.stdin.write(json.dumps(job).encode() + b"\n")
        judge.stdin.close()
        assert b"confined" in judge.stdout.readline()
        proc = Path(f"/proc/{judge.pid}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines())
        limits = (proc / "limits").read_text()
        judge.kill()
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert line_of(limits, "Max open files")[:2] == ["0", "0"]
    assert line_of(limits, "Max file size")[:2] == ["0", "0"]
    assert "unlimited" not in line_of(limits, "Max address space") + line_of(limits, "Max cpu time")


def line_of(limits: str, name: str) -> Sequence[str]:
    return next(line for line in limits.splitlines() if line.startswith(name)).removeprefix(name).split()


PARENT = """
import sys
from tests.review.policy_trial.test_apart import started
print(started().pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow(reason="two processes that import this, one after the other")
@pytest.mark.skipif(not ON_LINUX, reason="only Linux ends a process with its parent")
def test_it_goes_with_its_parent() -> None:
    """Killed while the body is on its way: then its end is the end of that, and it says nothing more."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        text=True,
    ) as parent:
        assert parent.stdout is not None
        judge = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([judge], [], [], 60)
    os.close(judge)
    assert ended


def test_each_code_has_its_sentence() -> None:
    assert set(WRONG) >= CODES
