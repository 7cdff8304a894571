"""The system's units under a real systemd: they start, are started again when killed, and end in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from testkit.displays import await_true
from testkit.stage import own_display
from tests.installer.machine import Machine, machine, missing

pytestmark = [pytest.mark.end_to_end, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

STORE_HOME = "/var/lib/eyelid-store"
EYELID, EYELID_STORE, PYTHON = "/opt/eyelid/bin/eyelid", "/opt/eyelid/bin/eyelid-store", "/opt/eyelid/bin/python"
ADDRESS = "https://127.0.0.1:8443"
ADAS = "/home/ada/.local/state/eyelid"
MANAGED = "policies: /etc/eyelid/policies\n"
POLICY = """schema: 1
revision: 1
name: Any
rules:
  - id: nothing
    why: a policy has a rule
    any:
      - app: [no-such-program]
...
"""


@pytest.fixture(scope="module")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("machine")) as made:
        yield made


def eventually(pc: Machine, condition: Callable[[], bool], what: str) -> None:
    try:
        await_true(condition, what, 150)
    except TimeoutError as late:
        raise AssertionError(f"{late}\n{pc.tail()}") from None


def asked(pc: Machine, command: str, *words: str) -> dict[str, object]:
    said = pc.run(EYELID_STORE, command, "--home", STORE_HOME, *words, "--json", user="eyelid-store")
    return dict(json.loads(said))


@pytest.fixture(scope="module")
def store(pc: Machine) -> Machine:
    """The store as its README has it made and started."""
    pc.run("install", "-d", "-o", "eyelid-store", "-g", "eyelid-store", "-m", "700", STORE_HOME, "/run/operator")
    init = (
        "init",
        "--home",
        STORE_HOME,
        "--address",
        "127.0.0.1",
        "--key-file",
        "/run/operator/key",
        "--keys",
        "/run/operator",
    )
    pc.run(EYELID_STORE, *init, user="eyelid-store")
    pc.systemctl("start", "eyelid-store.service")
    eventually(pc, lambda: answers(pc), "the store's first answer")
    return pc


def answers(pc: Machine) -> bool:
    ask = f"import socket; socket.create_connection(('127.0.0.1', {ADDRESS.rpartition(':')[2]}), 5).close()"
    return pc.ran(PYTHON, "-c", ask).returncode == 0


def token(store: Machine) -> str:
    return str(asked(store, "enroll-token", "--address", ADDRESS)["token"])


def test_a_store_that_was_never_made_is_not_started_again_and_again(pc: Machine) -> None:
    """Exit code 2 is a mistake that a person must mend."""
    pc.systemctl("start", "eyelid-store.service")
    pc.await_state("eyelid-store.service", "failed")
    assert (pc.show("eyelid-store.service", "ExecMainStatus"), pc.show("eyelid-store.service", "NRestarts")) == (
        "2",
        "0",
    )
    pc.systemctl("reset-failed", "eyelid-store.service")
    pc.run("rm", "-rf", STORE_HOME)


def test_prometheus_is_answered_on_the_machine_itself(store: Machine) -> None:
    ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9464/metrics').read().decode())"
    assert "eyelid_store_devices{" in store.run(PYTHON, "-c", ask)


def test_a_store_that_is_killed_serves_again_and_one_that_is_stopped_ends_in_order(store: Machine) -> None:
    first = store.show("eyelid-store.service", "MainPID")
    store.systemctl("kill", "--signal=KILL", "--kill-whom=main", "eyelid-store.service")
    eventually(store, lambda: store.show("eyelid-store.service", "MainPID") not in {"0", first}, "another process")
    eventually(store, lambda: answers(store), "its answer")
    assert store.show("eyelid-store.service", "NRestarts") == "1"
    store.systemctl("stop", "eyelid-store.service")
    assert store.show("eyelid-store.service", "ActiveState") == "inactive"
    assert (store.show("eyelid-store.service", "Result"), store.show("eyelid-store.service", "ExecMainStatus")) == (
        "success", "0",
    )  # fmt: skip
    store.systemctl("start", "eyelid-store.service")
    eventually(store, lambda: answers(store), "its answer")


def test_the_drain_sends_what_a_user_left_and_its_timer_waits_for_the_next_time(store: Machine) -> None:
    left = ("-m", "tests.end_to_end.leaving", ADAS, "ada", token(store), "5")
    device = store.run(PYTHON, *left, user="ada").strip()
    store.systemctl("start", "eyelid-drain.service")  # a oneshot: it has ended when this returns
    assert store.show("eyelid-drain.service", "Result") == "success", store.tail()
    recordings = asked(store, "recordings")["recordings"]
    assert isinstance(recordings, list)
    assert [one["chunks"] for one in recordings if one["device"] == device] == [4], store.tail()
    store.systemctl("start", "eyelid-drain.timer")
    assert store.show("eyelid-drain.timer", "SubState") == "waiting"
    store.systemctl("stop", "eyelid-drain.timer")
    store.run("rm", "-rf", ADAS)


def in_force(pc: Machine, *, unguarded: bool) -> bool:
    """Whether ada's recorder has the policy in force, and calls it so: the folder is judged before it is read."""
    told = json.loads(pc.ran(EYELID, "status", "--json", user="ada").stdout or "{}")
    return told.get("policy_name") == "Any" and ("policy-unguarded" in told["troubles"]) is unguarded


def test_a_policy_that_whoever_is_recorded_may_change_is_an_alarm_until_root_has_it(
    store: Machine, tmp_path: Path
) -> None:
    def put(text: str, path: str, user: str) -> None:
        store.run("sh", "-c", f'mkdir -p {path.rpartition("/")[0]} && printf %s "$1" > {path}', "sh", text, user=user)

    with own_display(tmp_path) as stage:
        desk = {"DISPLAY": stage.environment["DISPLAY"], "HOME": "/home/ada"}
        record = partial(store.start, "recorder", EYELID, "run", user="ada", **desk)
        put(token(store), f"{ADAS}/token", "ada")
        store.run("chmod", "600", f"{ADAS}/token")
        store.run(EYELID, "enroll", f"{ADAS}/token", user="ada")
        put(POLICY, f"{ADAS}/policies/policy.yaml", "ada")
        record()
        eventually(store, lambda: in_force(store, unguarded=True), "the alarm")
        store.systemctl("stop", "recorder")
        put(POLICY, "/etc/eyelid/policies/policy.yaml", "root")
        put(MANAGED, "/etc/eyelid/managed.yaml", "root")
        record()
        eventually(store, lambda: in_force(store, unguarded=False), "a guarded policy")
        store.systemctl("stop", "recorder")


def test_keys_that_the_recorded_user_never_has(store: Machine, tmp_path: Path) -> None:
    """Root enrols ada; what she leaves is sent although the service was killed meanwhile. Her home has no key."""
    store.run("rm", "-rf", ADAS)
    for text, path in (
        (f"keys_socket: /run/eyelid/keys.sock\n{MANAGED}", "/etc/eyelid/managed.yaml"),
        (POLICY, "/etc/eyelid/policies/policy.yaml"),
        (token(store), "/etc/eyelid/enrolment-token"),
    ):
        store.run("sh", "-c", f'mkdir -p {path.rpartition("/")[0]} && printf %s "$1" > {path}', "sh", text)
    store.run("chmod", "600", "/etc/eyelid/enrolment-token")
    store.systemctl("start", "eyelid-keys.socket")
    store.systemctl("start", "eyelid-enroll.service")  # a oneshot
    assert store.show("eyelid-enroll.service", "Result") == "success", store.tail()
    identity = json.loads(store.run("cat", f"{ADAS}/identity.json", user="ada"))
    assert identity["keys_socket"] == "/run/eyelid/keys.sock"
    assert not {"token_key", "evidence_key"} & identity.keys()
    assert store.ran("ls", "/var/lib/eyelid-keys", user="ada").returncode != 0

    def status() -> dict[str, object]:
        return dict(json.loads(store.ran(EYELID, "status", "--json", user="ada").stdout or "{}"))

    with own_display(tmp_path) as stage:
        desk = {"DISPLAY": stage.environment["DISPLAY"], "HOME": "/home/ada"}
        store.start("recorder", EYELID, "run", user="ada", **desk)
        eventually(store, lambda: status().get("receipt_ago_s") is not None, "a receipt")
        assert status()["keys"] == "/run/eyelid/keys.sock"
        store.systemctl("stop", "recorder")
    store.run(PYTHON, "-m", "tests.end_to_end.leaving", ADAS, "ada", "", "5", user="ada")
    first = store.show("eyelid-keys.service", "MainPID")
    store.systemctl("kill", "--signal=KILL", "--kill-whom=main", "eyelid-keys.service")
    store.run(EYELID, "unenroll", "--yes", user="ada")  # the store has all of it, or this fails
    assert store.show("eyelid-keys.service", "MainPID") != first
    recordings = asked(store, "recordings")["recordings"]
    assert isinstance(recordings, list)
    assert [one["chunks"] for one in recordings if one["device"] == identity["device"] and one["chunks"]] == [4]
    assert json.loads(store.run("sh", "-c", "cat /var/lib/eyelid-keys/*/state.json || echo {}")) == {}
