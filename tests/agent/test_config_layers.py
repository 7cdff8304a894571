"""Who says a setting: machine policy before file before environment before default, each with its place."""

from __future__ import annotations

import json
import os
import plistlib
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.cli.main import main
from agent.config import Layer, keys, load, managed, resolve
from agent.config.settings import Config
from agent.errors import UserError

WRITTEN = {
    "home": "/var/lib/eyelid/alice",
    "policies": "/etc/eyelid/policies",
    "keys_socket": "/run/eyelid/keys.sock",
    "spool.max_bytes": "512 MiB",
    "spool.keep_free": "1.5 GB",
    "screen.fps": "2.5",
    "audio.microphone": "*Jabra*",
    "audio.far_end": "*Jabra*",
    "audio.through": "portaudio",
    "upload.max_kbit": "500",
    "upload.hours": "22:00-06:00, 12:00-13:00",
    "upload.parallel": "2",
    "upload.proxy": "http://alice:hunter2@proxy.example.com:3128",
    "upload.ca": "/etc/ssl/proxy.pem",
    "privacy_notice": "https://intranet.example/privacy",
    "chunk_seconds": "1",
    "log_level": "debug",
    "log_size": "1 MB",
}


@pytest.fixture
def pc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PC without any settings: its machine policy would be in etc/managed.yaml, its file in etc/agent.yaml."""
    for folder in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_STATE_HOME"):
        monkeypatch.setenv(folder, str(tmp_path / folder))
    for name in [name for name in os.environ if name.startswith("EYELID_")]:
        monkeypatch.delenv(name)
    etc = tmp_path / "etc"
    etc.mkdir(mode=0o755)

    def read() -> managed.Read:
        return read_managed(etc / "managed.yaml", etc / "agent.plist", owner=os.getuid())

    read_managed = managed.read_managed
    monkeypatch.setattr(managed, "read_managed", read)
    return tmp_path


def policy(pc: Path, text: str) -> Path:
    path = pc / "etc" / "managed.yaml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def file(pc: Path, text: str) -> dict[str, str]:
    path = pc / "etc" / "agent.yaml"
    path.write_text(text)
    return {"EYELID_CONFIG": str(path)}


def test_the_table_of_this_test_is_whole() -> None:
    assert list(WRITTEN) == list(keys())


@pytest.mark.parametrize("name", list(WRITTEN))
def test_each_key_obeys_the_order_of_the_layers(pc: Path, name: str) -> None:
    """Each can be said everywhere, and whoever stands above is believed."""
    key = keys()[name]
    section, _, last = name.rpartition(".")

    def yaml(text: str) -> str:
        value = json.dumps(text.split(", ")) if key.kind.several else json.dumps(text)
        return f"{section}: {{{last}: {value}}}" if section else f"{last}: {value}"

    default = resolve({}).settings[name]
    assert [one.layer for one in default] == [Layer.DEFAULT]
    environment = {key.variable: WRITTEN[name]}
    said = resolve(environment).settings[name]
    assert (said[0].layer, said[0].place) == (Layer.ENVIRONMENT, key.variable)
    assert said[0].value != default[0].value
    in_file = file(pc, yaml(WRITTEN[name])) | {key.variable: key.kind.write(default[0].value)}
    both = resolve(in_file).settings[name]
    assert (both[0].layer, both[0].value) == (Layer.FILE, said[0].value)
    assert both[0].place.startswith(f"{in_file['EYELID_CONFIG']}:1:")
    place = policy(pc, yaml(key.kind.write(default[0].value)))
    forced = resolve(in_file).settings[name]
    assert (forced[0].layer, forced[0].value) == (Layer.MANAGED, default[0].value)
    assert forced[0].place.startswith(f"{place}:1:")
    assert [one.layer for one in forced] == [Layer.MANAGED, Layer.FILE, Layer.ENVIRONMENT, Layer.DEFAULT]


def test_the_policies_follow_the_home_that_is_in_force(pc: Path) -> None:
    policy(pc, "home: /var/lib/eyelid")
    assert load({"EYELID_HOME": "/elsewhere"}).policies == Path("/var/lib/eyelid/policies")


def test_mistakes_of_all_sources_come_together(pc: Path) -> None:
    policy(pc, "screen: {fps: 99}")
    with pytest.raises(UserError) as raised:
        load(file(pc, "colour: red") | {"EYELID_UPLOAD_PARALLEL": "0"})
    managed_, file_, environment = str(raised.value).splitlines()
    assert managed_.startswith(f"{pc}/etc/managed.yaml:1:15 `screen.fps` must be")
    assert file_.startswith(f"{pc}/etc/agent.yaml:1:1 `colour` is no setting")
    assert environment == "EYELID_UPLOAD_PARALLEL `upload.parallel` must be a whole number from 1 to 16, not '0'"


# -- the machine's policy -----------------------------------------------------------------------------------------


def test_a_policy_that_a_user_can_write_is_none(pc: Path) -> None:
    path = policy(pc, "log_level: error")
    path.chmod(0o664)
    with pytest.raises(UserError, match=r"managed\.yaml can be changed by others than root.*chmod go-w"):
        load({})
    path.chmod(0o644)
    assert load({}).log_level == "error"
    (pc / "etc").chmod(0o777)
    with pytest.raises(UserError, match=r"etc can be changed by others than root"):
        load({})


def test_a_policy_of_another_owner_is_none(pc: Path) -> None:
    path = policy(pc, "log_level: error")
    assert managed._from_file(path, os.getuid() + 1).mistakes[0].startswith(f"{path} can be changed by others")


def test_a_profile_of_macos_is_read(pc: Path) -> None:
    properties: Mapping[str, Any] = {
        "upload.max_kbit": 500,
        "upload.hours": ["22:00-06:00"],
        "screen.fps": 2.5,
        "log_level": "error",
    }
    plist = pc / "etc" / "agent.plist"
    plist.write_bytes(plistlib.dumps(dict(properties), fmt=plistlib.FMT_BINARY))
    config = load({})
    assert (config.upload.max_kbit, config.screen.fps, config.log_level) == (500, 2.5, "error")
    assert [str(hours) for hours in config.upload.hours] == ["22:00-06:00"]
    plist.write_bytes(plistlib.dumps({"upload.paralel": 3, "screen.fps": ["1", "2"]}))
    with pytest.raises(UserError) as raised:
        load({})
    assert "`upload.paralel` is no setting: did you mean `upload.parallel`?" in str(raised.value)
    assert "`screen.fps` must be one value" in str(raised.value)
    plist.write_text("not a plist")
    with pytest.raises(UserError, match="no list of properties"):
        load({})


@pytest.mark.usefixtures("pc")
def test_a_registry_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls alone, as Python documents them: there is no registry here."""

    class Key:
        def __enter__(self) -> Key:
            return self

        def __exit__(self, *_: object) -> None: ...

    values = [("upload.parallel", 2, 4), ("upload.hours", ["22:00-06:00"], 7), ("log_level", "error", 1)]
    winreg = types.ModuleType("winreg")
    opened = []
    for name, value in {
        "HKEY_LOCAL_MACHINE": 1, "KEY_READ": 2, "KEY_WOW64_64KEY": 4,
        "OpenKey": lambda *where: opened.append(where) or Key(),
        "QueryInfoKey": lambda _: (0, len(values), 0),
        "EnumValue": lambda _, at: values[at],
    }.items():  # fmt: skip
        setattr(winreg, name, value)
    monkeypatch.setitem(sys.modules, "winreg", winreg)
    config = load({})
    assert (config.upload.parallel, config.log_level, len(config.upload.hours)) == (2, "error", 1)
    assert opened == [(1, r"Software\Policies\Eyelid\Agent", 0, 6)]


# -- the command --------------------------------------------------------------------------------------------------


def write_all(pc: Path) -> Path:
    lines, section = [], ""
    for name, text in WRITTEN.items():
        within, _, last = name.rpartition(".")
        if within != section and within:
            lines.append(f"{within}:")
        section = within
        value = text.split(", ") if keys()[name].kind.several else text
        lines.append(f"{'  ' if within else ''}{last}: {json.dumps(value)}")
    return Path(file(pc, "\n".join(lines))["EYELID_CONFIG"])


@pytest.mark.parametrize("flags", [[], ["--origin"]])
def test_what_show_prints_is_a_file_of_the_same_settings(
    pc: Path, flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EYELID_CONFIG", str(write_all(pc)))
    before = load()
    assert main(["config", "show", *flags]) == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    (pc / "etc" / "agent.yaml").write_text(out.replace("***", "alice:hunter2"))
    assert load() == before


def test_show_says_who_said_it_and_what_that_overrules(
    pc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policy(pc, "log_level: error")
    monkeypatch.setenv("EYELID_CONFIG", file(pc, "log_level: debug\nscreen: {fps: 2}")["EYELID_CONFIG"])
    monkeypatch.setenv("EYELID_UPLOAD_PROXY", "http://alice:hunter2@proxy:3128")
    assert main(["config", "show", "--origin"]) == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    lines = {line.partition("#")[0].strip(): line.partition("# ")[2] for line in out.splitlines()}
    assert lines["log_level: error"] == f"machine policy {pc}/etc/managed.yaml:1:12"
    assert f"# overrules debug, file {pc}/etc/agent.yaml:1:12" in out
    assert lines["fps: 2"] == f"file {pc}/etc/agent.yaml:2:15"
    assert lines["proxy: http://***@proxy:3128"] == "environment EYELID_UPLOAD_PROXY"
    assert lines["parallel: 4"] == "default"
    assert main(["config", "show", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["settings"]
    assert said["upload.proxy"]["value"] == "http://***@proxy:3128"
    assert said["log_level"]["overrules"] == [
        {"value": "debug", "origin": "file", "place": f"{pc}/etc/agent.yaml:1:12"}
    ]
    assert list(said) == list(keys())


def test_check_tells_every_mistake(pc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(file(pc, "screen: {fps: 99}\nlog_levl: debug")["EYELID_CONFIG"])
    assert main(["config", "check", str(path)]) == 1
    assert "2 mistakes; Eyelid would not start" in capsys.readouterr().out
    assert main(["config", "check", str(path), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)["mistakes"]
    assert (first["file"], first["line"], first["column"], first["severity"]) == (str(path), 1, 15, "mistake")
    assert "suggestion" not in first
    assert (second["line"], second["suggestion"]) == (2, "log_level")
    path.write_text("screen: {fps: 9}\n")
    assert main(["config", "check", str(path)]) == 0
    assert "no mistake" in capsys.readouterr().out
    assert config.check(path) == ()


def test_a_configuration_is_built_from_all_lines() -> None:
    assert isinstance(load({"EYELID_HOME": "/tmp"}), Config)
