"""The units of installer/linux under a real systemd: they start, are started again when killed, and end in order."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.installer.machine import Machine, machine, missing
from tests.stage.displays import await_true

pytestmark = [pytest.mark.end_to_end, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

STORE_HOME = "/var/lib/eyelid-store"
EYELID, EYELID_STORE, PYTHON = (f"/opt/eyelid/bin/{name}" for name in ("eyelid", "eyelid-store", "python"))
ADDRESS = "https://127.0.0.1:8443"
ADAS = "/home/ada/.local/state/eyelid"


@pytest.fixture(scope="module")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("machine")) as made:
        yield made


def asked(pc: Machine, command: str, *words: str) -> dict[str, object]:
    said = pc.run(EYELID_STORE, command, "--home", STORE_HOME, *words, "--json", user="eyelid-store")
    return dict(json.loads(said))


@pytest.fixture(scope="module")
def store(pc: Machine) -> Machine:
    """The store as its README has it made and started."""
    pc.run("install", "-d", "-o", "eyelid-store", "-g", "eyelid-store", "-m", "700", STORE_HOME, "/run/operator")
    init = ("init", "--home", STORE_HOME, "--address", "127.0.0.1", "--key-file", "/run/operator/key")
    pc.run(EYELID_STORE, *init, user="eyelid-store")
    pc.systemctl("start", "eyelid-store.service")
    await_true(lambda: answers(pc), f"the store's first answer\n{pc.tail()}", 60)
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


def test_a_store_that_is_killed_serves_again_and_one_that_is_stopped_ends_in_order(store: Machine) -> None:
    first = store.show("eyelid-store.service", "MainPID")
    store.systemctl("kill", "--signal=KILL", "--kill-whom=main", "eyelid-store.service")
    await_true(lambda: store.show("eyelid-store.service", "MainPID") not in {"0", first}, "another process", 60)
    await_true(lambda: answers(store), "its answer", 60)
    assert store.show("eyelid-store.service", "NRestarts") == "1"
    store.systemctl("stop", "eyelid-store.service")
    assert store.show("eyelid-store.service", "ActiveState") == "inactive"
    assert (store.show("eyelid-store.service", "Result"), store.show("eyelid-store.service", "ExecMainStatus")) == (
        "success", "0",
    )  # fmt: skip
    store.systemctl("start", "eyelid-store.service")
    await_true(lambda: answers(store), "its answer", 60)


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


@pytest.fixture(scope="module")
def desk(store: Machine, bare_display: str) -> Machine:
    """ada's own manager, which knows her display."""
    store.systemctl("start", "ada.service")
    store.systemctl("set-environment", f"DISPLAY={bare_display}", of="ada")
    return store


def test_a_recorder_that_is_not_enrolled_says_so_and_is_not_started_again(desk: Machine) -> None:
    desk.systemctl("start", "eyelid.service", of="ada")
    desk.await_state("eyelid.service", "failed", "ada")
    assert desk.show("eyelid.service", "ExecMainStatus", "ada") == "2"
    assert desk.show("eyelid.service", "NRestarts", "ada") == "0"
    desk.systemctl("reset-failed", "eyelid.service", of="ada")


def test_the_recorder_comes_with_the_desktop_is_started_again_and_ends_in_order(
    desk: Machine, bare_display: str
) -> None:
    desk.run(EYELID, "enroll", token(desk), user="ada")
    desk.systemctl("enable", "--runtime", "eyelid.service", of="ada")
    desk.systemctl("start", "graphical-session.target", of="ada")
    await_true(lambda: status(desk), f"the recorder's answer\n{desk.tail()}", 60)
    first = desk.show("eyelid.service", "MainPID", "ada")
    second = desk.ran(EYELID, "run", user="ada", environment={"DISPLAY": bare_display})
    assert (second.returncode, "already recording" in second.stderr) == (2, True), second.stderr
    desk.systemctl("kill", "--signal=KILL", "--kill-whom=main", "eyelid.service", of="ada")
    await_true(lambda: desk.show("eyelid.service", "MainPID", "ada") not in {"0", first}, "another recorder", 60)
    await_true(lambda: status(desk), "its answer", 60)
    desk.systemctl("stop", "graphical-session.target", of="ada")  # the desktop goes
    desk.await_state("eyelid.service", "inactive", "ada")
    assert desk.show("eyelid.service", "Result", "ada") == "success"
    account = desk.run("sh", "-c", f"cat {ADAS}/ledger/segment-* | tr -d '\\0'", user="ada").splitlines()
    kinds = [json.loads(line)["kind"] for line in account]
    assert kinds.count("start") == 2
    assert "blind-since" in kinds  # of the one that was killed
    assert kinds[-1] == "stop"


def status(desk: Machine) -> bool:
    return desk.ran(EYELID, "status", "--json", user="ada").returncode == 0
