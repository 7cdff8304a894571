"""Real browsers take what IT is given: the package from a web server, by the printed policy, and the installed relay.

Enterprise policy is the whole machine's. So each browser runs in a mount namespace of its own, in which folders of the
test stand where the machine's would be: nothing outside is read or changed.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.browser import install, places
from agent.browser.manifests import SOCKET_NAME
from agent.cli.main import main
from testkit import displays
from testkit.fakes.browser import LENGTH, framed

WITHIN = 90.0  # seconds: a browser makes a profile, fetches and installs, on two busy cores

CHROMIUM = [
    "chromium", "--headless=new", "--no-first-run", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--disable-breakpad", "--disable-crash-reporter",
    "--no-default-browser-check", "--password-store=basic", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address on a web server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def namespace() -> list[str]:
    """What a command begins with to have mounts of its own; whoever is not root becomes it in there."""
    command = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this system lets this user make no mount namespace")
    return command


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """HOME of the user and, inside, of Eyelid; short, because a socket's path must be."""
    with tempfile.TemporaryDirectory(prefix="eyelid-") as folder:
        for name in [name for name in os.environ if name.startswith(("XDG_", "EYELID_", "MOZ_", "DBUS_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("EYELID_HOME", f"{folder}/eyelid")
        (Path(folder) / "eyelid").mkdir()
        # A checkout may lie in a private folder; who else could start the relay is tested elsewhere.
        monkeypatch.setattr(install, "_require_for_all", lambda: None)
        yield Path(folder)


@pytest.fixture
def listening(home: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(home / "eyelid" / SOCKET_NAME))
        listener.listen()
        listener.settimeout(WITHIN)
        yield listener


def mounted(namespace: list[str], ours: Path, theirs: str, command: list[str]) -> list[str]:
    """The command in a namespace in which `ours` stands in the place of `theirs`."""
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    return [*namespace, "sh", "-c", script, "sh", str(ours), theirs, *command]


def hello(listening: socket.socket, browser: psutil.Process) -> dict[str, Any]:
    """What the extension says first to an agent that listens, through a relay that this browser started itself."""
    connection, _ = listening.accept()
    with connection:
        connection.settimeout(WITHIN)
        pid = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        assert psutil.Process(int.from_bytes(pid[:4], sys.byteorder)).ppid() == browser.pid
        connection.sendall(framed({"kind": "welcome", "protocol": 1}))
        with connection.makefile("rb") as reading:
            (length,) = LENGTH.unpack(reading.read(LENGTH.size))
            said: dict[str, Any] = json.loads(reading.read(length))
    return said


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["browser", *arguments]) == 0
    return capsys.readouterr().out


def test_chromium_carries_the_package_by_policy_and_starts_the_relay_of_the_machine(
    namespace: list[str],
    home: Path,
    listening: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, web = tmp_path / "root", tmp_path / "web"
    monkeypatch.setattr(places, "ROOT", root)
    managed = root / "etc/chromium/policies/managed"
    managed.mkdir(parents=True)
    web.mkdir()
    with served(web) as address:
        key = str(tmp_path / "key.pem")
        packed = json.loads(out(capsys, "pack", "--key", key, "-o", str(web), "--url", address, "--json"))
        id_ = packed["chromium_id"]
        out(capsys, "install", "--system", "--browser", "chromium", "--id", id_)
        policy = out(capsys, "policy", "--browser", "chromium", "--id", id_, "--crx-url", f"{address}update.xml")
        (managed / "eyelid.json").write_text(policy)
        told = json.loads(out(capsys, "status", "--browser", "chromium", "--json"))["browsers"][0]
        assert (told["ready"], told["next"]) == (True, [])

        command = [*CHROMIUM, f"--user-data-dir={home}/profile", "--no-sandbox", "about:blank"]
        command = mounted(namespace, root / "etc/chromium", "/etc/chromium", command)
        with displays.running(command, log=tmp_path / "chromium.log") as process:
            said = hello(listening, psutil.Process(process.pid))
    assert (said["n"], said["kind"], said["browser"]) == (1, "hello", "Chromium")
    assert said["private"] is False  # force-installed is not in private windows: hence the Mandatory... policy
    assert said["extension"] == packed["version"]


def test_firefox_carries_the_xpi_by_policy_in_private_windows_too(
    namespace: list[str],
    home: Path,
    listening: socket.socket,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    policies, web = tmp_path / "policies", tmp_path / "web"
    policies.mkdir()
    web.mkdir()
    with served(web) as address:
        key = str(tmp_path / "key.pem")
        packed = json.loads(out(capsys, "pack", "--key", key, "-o", str(web), "--url", address, "--json"))
        out(capsys, "install", "--browser", "firefox")
        policy = json.loads(out(capsys, "policy", "--browser", "firefox", "--xpi-url", f"{address}eyelid.xpi"))
        # As installer/browser/README.md has it for ESR: nobody but Mozilla can sign.
        unsigned = {"xpinstall.signatures.required": {"Value": False, "Status": "locked", "Type": "boolean"}}
        policy["policies"]["Preferences"] |= unsigned
        (policies / "policies.json").write_text(json.dumps(policy))

        machine = Path("/etc/firefox/policies")
        theirs = machine if machine.is_dir() else Path("/usr/lib/firefox-esr/distribution")
        (home / "profile").mkdir()
        command = ["firefox-esr", "--headless", "--new-instance", "--profile", f"{home}/profile", "about:blank"]
        command = mounted(namespace, policies, str(theirs), command)
        with displays.running(command, log=tmp_path / "firefox.log") as process:
            said = hello(listening, psutil.Process(process.pid))
    assert (said["n"], said["kind"], said["browser"]) == (1, "hello", "Firefox")
    assert said["private"] is True
    assert said["extension"] == packed["version"]
