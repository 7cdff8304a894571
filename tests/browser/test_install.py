"""`eyelid browser install`, `remove` and `status`: what stands where afterwards, and what is said of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.browser import install, manifests, places
from agent.browser.manifests import FIREFOX_ID, HOST_NAME, chromium_id
from agent.cli.main import main
from agent.control.control import ControlSocket
from agent.errors import UserError

OTHER_ID = "abcdefghijklmnopabcdefghijklmnop"
CHROMIUM = f".config/chromium/NativeMessagingHosts/{HOST_NAME}.json"
FIREFOX = f".mozilla/native-messaging-hosts/{HOST_NAME}.json"

REQUIRE_FOR_ALL = install._require_for_all

Out = Callable[..., str]


@pytest.fixture
def home() -> Iterator[Path]:
    """Short, because a socket's path must be."""
    with tempfile.TemporaryDirectory(prefix="eyelid-") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of the test's own: its root, its user's HOME, and two browsers on the PATH."""
    for name in [name for name in os.environ if name.startswith(("XDG_", "EYELID_", "SUDO_"))]:
        monkeypatch.delenv(name)
    root, programs = tmp_path / "root", tmp_path / "root/usr/bin"
    programs.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("EYELID_HOME", str(home / "eyelid"))
    monkeypatch.setattr(places, "ROOT", root)
    monkeypatch.setattr(places.shutil, "which", lambda name: _which(programs, name))
    monkeypatch.setattr(install, "_require_for_all", lambda: None)  # a checkout may lie in a private folder
    for name in ("chromium", "firefox-esr"):
        program(programs / name)
    return root


def _which(programs: Path, name: str) -> str | None:
    return str(programs / name) if (programs / name).exists() else None


def program(path: Path, text: str = "#!/bin/sh\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Out:
    def run(*arguments: str, code: int = 0) -> str:
        assert main(["browser", *arguments]) == code
        return capsys.readouterr().out

    return run


def told(out: Out, name: str, code: int = 0) -> dict[str, Any]:
    (one,) = json.loads(out("status", "--browser", name, "--json", code=code))["browsers"]
    return dict(one)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_for_this_user_there_and_back_again(home: Path, out: Out) -> None:
    written = json.loads(out("install", "--json"))["written"]
    assert files(home) == {"eyelid/browser-relay", CHROMIUM, FIREFOX}
    assert set(written) == {str(home / name) for name in files(home)}
    for name in ("chromium", "firefox"):
        assert told(out, name)["ready"] is True
    before = {name: ((home / name).read_bytes(), (home / name).stat().st_mode) for name in files(home)}
    out("install")
    assert {name: ((home / name).read_bytes(), (home / name).stat().st_mode) for name in files(home)} == before
    assert set(json.loads(out("remove", "--json"))["removed"]) == set(written)
    assert files(home) == set()
    assert not (home / ".mozilla").exists()  # it was not there before
    assert told(out, "chromium", code=1)["ready"] is False
    assert "nothing to remove" in out("remove")


def test_what_the_browsers_read(home: Path, out: Out) -> None:
    out("install")
    chromium, firefox = (json.loads((home / name).read_text()) for name in (CHROMIUM, FIREFOX))
    assert chromium["allowed_origins"] == [f"chrome-extension://{chromium_id()}/"]
    assert firefox["allowed_extensions"] == [FIREFOX_ID]
    for manifest in (chromium, firefox):
        assert (manifest["name"], manifest["type"]) == (HOST_NAME, "stdio")
        assert manifest["path"] == str(home / "eyelid/browser-relay")


def test_the_launcher_becomes_the_relay_for_the_socket_of_this_home(home: Path, out: Out) -> None:
    """Its process is the relay's, so that the relay's parent is who started it."""
    out("install", "--browser", "chromium")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.bind(str(home / "eyelid/browser.sock"))
        agent.listen()
        with subprocess.Popen(
            [home / "eyelid/browser-relay", "chrome-extension://x/"], stdin=subprocess.PIPE
        ) as started:
            connection, _ = agent.accept()
            with connection:
                peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                assert int.from_bytes(peer[:4], sys.byteorder) == started.pid
    assert started.returncode == 0


@pytest.mark.parametrize(
    ("variables", "socket"),
    [
        ({"EYELID_HOME": "/e h"}, "/e h/browser.sock"),
        ({"XDG_STATE_HOME": "/x"}, "/x/eyelid/browser.sock"),
        ({"EYELID_HOME": ""}, "/h/.local/state/eyelid/browser.sock"),
        ({}, "/h/.local/state/eyelid/browser.sock"),
    ],
)
def test_the_launcher_for_everybody_finds_each_users_home(variables: dict[str, str], socket: str) -> None:
    text = manifests.launcher(None).replace("exec ", "printf '%s\\n' ")
    ran = subprocess.run(
        ["/bin/sh", "-c", text, "sh", "one two"], env={"HOME": "/h", **variables}, capture_output=True, check=True
    )
    assert ran.stdout.decode().splitlines()[-3:] == ["--socket", socket, "one two"]


def test_for_everybody_there_and_back_again(root: Path, home: Path, out: Out) -> None:
    before = files(root)
    out("install", "--system", "--id", OTHER_ID)
    added = files(root) - before
    assert added == {
        "usr/lib/eyelid/browser-relay",
        f"etc/chromium/native-messaging-hosts/{HOST_NAME}.json",
        f"etc/opt/chrome/native-messaging-hosts/{HOST_NAME}.json",
        f"etc/opt/edge/native-messaging-hosts/{HOST_NAME}.json",
        f"usr/lib/mozilla/native-messaging-hosts/{HOST_NAME}.json",
    }
    for name in added:
        assert (root / name).stat().st_mode & 0o777 == (0o755 if name.endswith("relay") else 0o644)
        assert all(above.stat().st_mode & 0o055 == 0o055 for above in (root / name).parents if root in above.parents)
    chrome = json.loads((root / f"etc/opt/chrome/native-messaging-hosts/{HOST_NAME}.json").read_text())
    assert chrome["allowed_origins"] == [f"chrome-extension://{OTHER_ID}/"]
    assert files(home) == set()
    assert told(out, "chromium")["manifests"][0]["scope"] == "system"
    out("remove", "--system", "--browser", "chrome", "edge")
    assert len(files(root) - before) == 3  # the launcher stays for the others
    out("remove", "--system")
    assert files(root) == before


def test_whoever_may_not_write_is_told_where_and_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)  # root may write anywhere, and tests may run as root
    assert main(["browser", "install", "--system"]) == 2
    said = capsys.readouterr().err
    assert f"{root / 'etc'} may not be changed by you: try it with sudo" in said


def test_what_other_users_cannot_start_is_not_installed_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_require_for_all", REQUIRE_FOR_ALL)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "native_host.py").touch()
    monkeypatch.setattr(manifests, "RELAY", private / "native_host.py")
    with pytest.raises(UserError, match="closed to them"):
        install.install([places.named("chromium")], "system", tmp_path)


def test_sudo_without_system_is_most_likely_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["browser", "install"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("SUDO_UID", "1000")
    assert main(["browser", "install"]) == 0
    assert "without sudo for yours" in capsys.readouterr().err
    assert main(["browser", "install", "--system"]) == 0
    assert capsys.readouterr().err == ""


def test_a_home_that_no_socket_fits_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EYELID_HOME", "/tmp/" + "x" * 100)
    assert main(["browser", "install"]) == 2
    assert "too long for a local socket" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["snap", "flatpak", "a script that calls a snap"])
def test_a_browser_in_a_sandbox_is_refused_and_why(
    kind: str, root: Path, home: Path, out: Out, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "usr/bin/chromium").unlink()
    if kind == "flatpak":
        (home / ".var/app/org.chromium.Chromium").mkdir(parents=True)
    else:
        program(root / "snap/bin/chromium")
    if kind == "a script that calls a snap":
        program(root / "usr/bin/chromium-browser", '#!/bin/sh\nexec /snap/bin/chromium "$@"\n')
    assert main(["browser", "install", "--browser", "chromium"]) == 2
    assert "through a portal" in capsys.readouterr().err
    out("install")  # without a name the others are served
    assert files(home) == {"eyelid/browser-relay", FIREFOX}
    one = told(out, "chromium", code=1)
    assert (one["program"], one["sandbox"]["kind"], one["ready"]) == (None, kind.rsplit(maxsplit=1)[-1], False)
    assert "ordinary package" in one["next"][0]


def test_no_browser_at_all(root: Path, out: Out, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("chromium", "firefox-esr"):
        (root / "usr/bin" / name).unlink()
    assert main(["browser", "install"]) == 2
    assert "--browser chromium" in capsys.readouterr().err
    assert "Chromium: not installed" in out("status")
    out("install", "--browser", "chromium")  # but for one that is yet to come


def spoil(home: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = home / CHROMIUM
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        (lambda content: content.pop("type"), "it is damaged"),
        (lambda content: content.update(name="other"), "it is damaged"),
        (lambda content: content.update(allowed_origins=[]), "it lets no extension in"),
        (lambda content: content.update(allowed_origins=[7]), "it is damaged"),
        (lambda content: content.update(path="/nowhere/relay"), "it names /nowhere/relay, which is not there"),
        (lambda content: content.update(path="/etc/passwd"), "it names /etc/passwd, which you may not start"),
        (lambda content: content.update(path="/bin/true"), "/bin/true is damaged"),
    ],
)
def test_a_manifest_that_would_not_work(
    home: Path, out: Out, change: Callable[[dict[str, Any]], object], trouble: str
) -> None:
    out("install")
    spoil(home, change)
    one = told(out, "chromium", code=1)
    assert (one["ready"], one["manifests"][0]["trouble"]) == (False, trouble)
    assert one["next"][0] == "eyelid browser install --browser chromium"
    out("install", "--browser", "chromium")
    assert told(out, "chromium")["ready"] is True


def test_an_agent_that_has_moved_away(home: Path, out: Out) -> None:
    out("install")
    relay = home / "eyelid/browser-relay"
    relay.write_text(relay.read_text().replace("native_host.py", "gone.py"))
    trouble = told(out, "chromium", code=1)["manifests"][0]["trouble"]
    assert trouble.endswith("gone.py, which is not there any more")


# -- enterprise policy -------------------------------------------------------------------------------------------------


def put_in_force(root: Path, name: str, content: str, file: str = "eyelid.json") -> Path:
    folder = root / places.named(name).policies
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(content)
    return folder / file


def test_the_printed_policy_leaves_nothing_to_do(root: Path, out: Out) -> None:
    out("install", "--system")
    program(root / "usr/bin/microsoft-edge")
    for name in ("chromium", "edge", "firefox"):
        assert f"put its policy in force: eyelid browser policy --browser {name}" in told(out, name)["next"]
        file = "policies.json" if name == "firefox" else "eyelid.json"
        put_in_force(root, name, out("policy", "--browser", name), file)
        one = told(out, name)
        assert one["next"] == []
        assert (one["policy"]["extension"], one["policy"]["private"]) == (True, True)
        assert one["policy"]["others_blocked"] is True
    assert told(out, "chromium")["policy"]["previews_off"] is None  # it has no policy for them
    assert told(out, "edge")["policy"]["previews_off"] is True


def test_a_policy_that_ignores_manifests_of_users(root: Path, out: Out) -> None:
    out("install")
    put_in_force(root, "chromium", out("policy", "--browser", "chromium"))
    one = told(out, "chromium", code=1)
    assert one["next"] == [
        "its policy ignores manifests of a single user: sudo eyelid browser install --system --browser chromium"
    ]
    out("install", "--system", "--browser", "chromium")
    assert told(out, "chromium")["ready"] is True


def test_a_policy_with_holes(root: Path, out: Out) -> None:
    out("install")
    put_in_force(root, "chromium", json.dumps({"ExtensionInstallForcelist": [f"{chromium_id()};http://x/"]}), "a.json")
    assert told(out, "chromium")["next"] == ["let no private window escape: eyelid browser policy shows the entry"]
    put_in_force(root, "chromium", json.dumps({"IncognitoModeAvailability": 1}), "b.json")
    assert told(out, "chromium")["next"] == []
    put_in_force(root, "chromium", json.dumps({"NativeMessagingBlocklist": ["*"]}), "c.json")
    one = told(out, "chromium", code=1)
    assert one["next"] == [f"let the relay start: {HOST_NAME} belongs in NativeMessagingAllowlist"]
    broken = put_in_force(root, "chromium", "{", "d.json")
    assert f"mend {broken}" in told(out, "chromium", code=1)["next"][0]

    put_in_force(root, "firefox", out("policy", "--browser", "firefox").replace("true", "false"), "policies.json")
    assert "no private window" in told(out, "firefox")["next"][0]


def test_the_last_file_wins_as_in_chromium(root: Path, out: Out) -> None:
    out("install")
    put_in_force(root, "chromium", json.dumps({"NativeMessagingUserLevelHosts": False}), "a.json")
    assert told(out, "chromium", code=1)["policy"]["user_manifests"] is False
    put_in_force(root, "chromium", json.dumps({"NativeMessagingUserLevelHosts": True}), "b.json")
    assert told(out, "chromium")["policy"]["user_manifests"] is True


def test_a_manifest_for_another_package_is_mentioned(out: Out) -> None:
    out("install", "--id", OTHER_ID)
    assert f"its manifest lets in {OTHER_ID} alone" in told(out, "chromium")["next"][0]


# -- the running recorder ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"browsers": [{"browser": "Chromium"}, {"browser": "Chromium"}]}, {"chromium": 2, "firefox": 0}),
        ({"state": "recording"}, {"chromium": None, "firefox": None}),
    ],
)
def test_who_is_connected_is_shown_where_the_recorder_says_so(
    home: Path, out: Out, status: dict[str, Any], said: dict[str, int | None]
) -> None:
    out("install")
    served = ControlSocket(home / "eyelid", lambda *_: status)
    try:
        assert {name: told(out, name).get("connected") for name in said} == said
        assert ("2 profiles" in out("status")) is (said["chromium"] == 2)
    finally:
        served.close()
    assert "connected" not in told(out, "chromium")


def test_an_id_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["browser", "install", "--id", "nonsense"])
    assert ended.value.code == 2
    assert "32 letters from a to p" in capsys.readouterr().err
