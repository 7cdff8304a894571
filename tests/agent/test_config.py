"""Settings: defaults, where they come from, and every mistake with its place and what was meant."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.config import AudioSettings, Config, Hours, ScreenSettings, SpoolSettings, UploadSettings, keys, load
from agent.errors import UserError

EXAMPLE = Path(__file__).parents[2] / "installer" / "linux" / "agent.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "agent.yaml"


def config_of(file: Path, text: str) -> Config:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return load({"EYELID_CONFIG": str(file), "EYELID_HOME": str(file.parents[1] / "home")})


def mistakes_of(file: Path, text: str) -> list[str]:
    with pytest.raises(UserError) as raised:
        config_of(file, text)
    return [line.removeprefix(f"{file}:") for line in str(raised.value).splitlines()]


def test_without_a_file_the_environment_and_the_defaults_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_STATE_HOME"):
        monkeypatch.setenv(folder, str(tmp_path / folder))
    assert load({}) == Config(
        home=tmp_path / "XDG_STATE_HOME" / "eyelid", policies=tmp_path / "XDG_STATE_HOME" / "eyelid" / "policies"
    )
    assert load({"EYELID_HOME": str(tmp_path / "here")}).home == tmp_path / "here"


def test_the_machines_file_counts_before_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "machine"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    for place, fps in (("user", 2), ("machine", 3)):
        (tmp_path / place / "eyelid").mkdir(parents=True)
        (tmp_path / place / "eyelid" / "agent.yaml").write_text(f"screen: {{fps: {fps}}}")
        assert load({"EYELID_HOME": str(tmp_path)}).screen.fps == fps


def test_every_setting_can_be_written(file: Path) -> None:
    config = config_of(
        file,
        """
home: ../state
policies: /etc/eyelid/policies
spool: {max_bytes: 512 MiB, keep_free: 1.5GB}
screen:
  fps: 2.5
upload: {max_kbit: 500, hours: ["22:00-06:00", 12:00-13:00], parallel: 2, proxy: http://u:p@proxy:3128, ca: ../ca.pem}
chunk_seconds: 1
log_level: debug
""",
    )
    assert config == Config(
        home=file.parent / ".." / "state",
        policies=Path("/etc/eyelid/policies"),
        spool=SpoolSettings(max_bytes=512 * 2**20, keep_free=1_500_000_000),
        screen=ScreenSettings(fps=2.5),
        upload=UploadSettings(
            max_kbit=500,
            hours=(Hours(22 * 60, 6 * 60), Hours(12 * 60, 13 * 60)),
            parallel=2,
            proxy="http://u:p@proxy:3128",
            ca=file.parent / ".." / "ca.pem",
        ),
        chunk_seconds=1,
        log_level="debug",
    )


@pytest.mark.parametrize(
    ("written", "notice"),
    [
        ("none", None),
        ("https://intranet.example/privacy", "https://intranet.example/privacy"),
        ('"Intranet, Data protection: dpo@example.com"', "Intranet, Data protection: dpo@example.com"),
    ],
)
def test_the_privacy_notice_is_an_address_or_a_line(file: Path, written: str, notice: str | None) -> None:
    assert config_of(file, f"privacy_notice: {written}\n").privacy_notice == notice


@pytest.mark.parametrize("written", ["file:///etc/privacy.html", "https://", '" "', '"two\\nlines"', "x" * 121])
def test_a_privacy_notice_that_no_menu_shows_and_no_extension_sees(file: Path, written: str) -> None:
    [said] = mistakes_of(file, f"privacy_notice: {written}\n")
    assert "privacy_notice" in said
    assert "an address that begins with https://, a line of at most 120 signs, or none" in said


def test_the_file_counts_before_the_environment(file: Path) -> None:
    assert config_of(file, "home: /var/lib/eyelid").policies == Path("/var/lib/eyelid/policies")
    assert config_of(file, "log_level: error").home == file.parents[1] / "home"


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "spool:\n", "\ufeffscreen:\n  fps: 5\n"])
def test_an_empty_file_or_heading_means_the_defaults(file: Path, text: str) -> None:
    assert config_of(file, text).spool == SpoolSettings()
    assert config_of(file, text).screen == ScreenSettings()


def test_every_mistake_is_told_at_once_with_its_place_and_what_was_meant(file: Path) -> None:
    assert mistakes_of(
        file,
        """\
spol: {max_bytes: 1 GB}
spool:
  max_byte: 1 GB
  keep_free: plenty
screen: fast
log_level: verbose
log_level: info
colour: red
chunk_seconds: [4]
""",
    ) == [
        "1:1 `spol` is no setting: did you mean `spool`?",
        "3:3 `spool.max_byte` is no setting: did you mean `max_bytes`?",
        "4:14 `spool.keep_free` must be a size such as 500 MB or 4 GB, not 'plenty'",
        "5:9 screen must be keys and values, one `key: value` a line",
        "6:12 `log_level` must be one of debug, info, warning, error, not 'verbose'",
        "7:1 `log_level` comes twice; which one was meant?",
        "8:1 `colour` is no setting; settings here are home, policies, keys_socket, spool, screen, audio, upload, privacy_notice, chunk_seconds, log_level, log_size",  # noqa: E501 - the message, as it is printed
        "9:16 `chunk_seconds` must be one value",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("- home", "1:1 the file must be keys and values, one `key: value` a line"),
        ("? [a]\n: b", "1:3 `` is no setting; settings here are"),
        ("home: ''", "1:7 `home` must be a path, not ''"),
        ("screen: {fps: nan}", "1:15 `screen.fps` must be a number from 0.2 to 30, not 'nan'"),
        ("screen: {fps: fast}", "1:15 `screen.fps` must be a number from 0.2 to 30, not 'fast'"),
        ("screen: {fps: 31}", "1:15 `screen.fps` must be a number from 0.2 to 30, not '31'"),
        ("spool: {max_bytes: -1}", "1:20 `spool.max_bytes` must be a size such as"),
        ("spool: {max_bytes: 1 XB}", "1:20 `spool.max_bytes` must be a size such as"),
        ("upload: {max_kbit: 8}", "1:20 `upload.max_kbit` must be a number from 16 to 1e+07, or none, not '8'"),
        ("upload: {parallel: 0}", "1:20 `upload.parallel` must be a whole number from 1 to 16, not '0'"),
        ("upload: {parallel: 2.5}", "1:20 `upload.parallel` must be a whole number from 1 to 16, not '2.5'"),
        ("upload: {hours: 22-6}", '1:17 `upload.hours` must be hours such as "22:00-06:00", a list of such, or always'),
        ("upload: {hours: 06:00-06:00}", "1:17 `upload.hours` must be hours such as"),
        ("upload: {hours: 06:00-24:30}", "1:17 `upload.hours` must be hours such as"),
        ("upload: {hours: []}", "1:17 `upload.hours` must be hours such as"),
        ("upload: {hours: [[a], always]}", "1:17 `upload.hours` must be hours such as"),
        ("upload: {hours: {from: 1}}", "1:17 `upload.hours` must be hours such as"),
        ("upload: {proxy: 'socks5://proxy'}", "1:17 `upload.proxy` must be system, none, or an address such as http:"),
        ("home: [", "1:8 this is not YAML: "),
        ("home:\n\t- x", "2:1 this is not YAML: found character '\\t' that cannot start any token"),
        ("home: *a", "1:7 this is not YAML: found undefined alias"),
        ("home: \x07", " this is not YAML: it has characters that text does not have"),
    ],
)
def test_one_mistake(file: Path, text: str, mistake: str) -> None:
    [told] = mistakes_of(file, text)
    assert told.removeprefix(str(file)).startswith(mistake)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml cannot be read: No such file"):
        load({"EYELID_CONFIG": str(tmp_path / "nowhere.yaml")})


def test_another_encoding_is_told(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes("home: /var/lib/eyelid".encode("utf-16"))
    with pytest.raises(UserError, match="is not UTF-8 text"):
        load({"EYELID_CONFIG": str(file)})


def test_a_file_far_too_large_is_not_read(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"#" * (64 * 1024 + 1))
    with pytest.raises(UserError, match="larger than 64 KiB"):
        load({"EYELID_CONFIG": str(file)})


def test_the_example_names_every_setting_at_its_default(tmp_path: Path) -> None:
    environment = {"EYELID_HOME": str(tmp_path)}
    assert load({**environment, "EYELID_CONFIG": str(EXAMPLE)}) == load(environment)
    section, written = "", []
    for line in EXAMPLE.read_text().splitlines():
        if match := re.match(r"(?:# )?(  )?([a-z_]+):(.*)", line):
            inside, name, rest = match.groups()
            if not inside and not rest.partition("#")[0].strip() and not line.startswith("#"):
                section = f"{name}."
            else:
                written.append(f"{section if inside else ''}{name}")
    assert written == list(keys())


@pytest.mark.parametrize(
    "proxy", ["ftp://u:hunter2@proxy", "http://u:hunter2@proxy:port", "u:hunter2@proxy", "http://"]
)
def test_a_proxys_password_is_not_repeated(file: Path, proxy: str) -> None:
    [told] = mistakes_of(file, f"upload: {{proxy: '{proxy}'}}")
    assert "hunter2" not in told
    assert "upload.proxy" in told
    assert "hunter2" not in repr(config_of(file, "upload: {proxy: 'http://u:hunter2@proxy'}"))


@pytest.mark.parametrize(
    ("hours", "open_", "shut"),
    [
        ("always", ["00:00", "12:00", "23:59"], []),
        ("22:00-06:00", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "21:59", "12:00"]),
        ("09:00-17:30", ["09:00", "17:29"], ["08:59", "17:30", "00:00"]),
        ("18:00-24:00", ["18:00", "23:59"], ["00:00", "17:59"]),
        ("['12:00-13:00', '22:00 - 06:00']", ["12:30", "23:00"], ["13:00", "21:00"]),
    ],
)
def test_hours_are_the_pcs_own(
    file: Path, monkeypatch: pytest.MonkeyPatch, hours: str, open_: list[str], shut: list[str]
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # five and a half hours ahead of UTC
    time.tzset()
    try:
        upload = config_of(file, f"upload: {{hours: {hours}}}").upload
        day = dt.datetime(2026, 3, 3, tzinfo=ZoneInfo("Asia/Kolkata"))
        for moments, expected in ((open_, True), (shut, False)):
            for moment in moments:
                hour, minute = moment.split(":")
                at = day.replace(hour=int(hour), minute=int(minute))
                assert upload.open_at(int(at.timestamp()) * 10**9) is expected, moment
    finally:
        monkeypatch.undo()
        time.tzset()


def test_settings_that_may_not_be_looked_at_are_no_missing_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shut(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setattr(Path, "is_file", shut)  # root, who runs this, may look at everything
    with pytest.raises(UserError, match="cannot be read"):
        load({})


def test_the_sound_system_is_one_of_three(file: Path) -> None:
    assert config_of(file, "audio:\n  through: portaudio\n").audio.through == "portaudio"
    assert mistakes_of(file, "audio:\n  through: alsa\n") == [
        "2:12 `audio.through` must be one of auto, pulse, portaudio, not 'alsa'"
    ]


def test_both_ends_are_recorded_unless_both_are_said_not_to_be(file: Path) -> None:
    assert config_of(file, "log_level: info\n").audio == AudioSettings("default", "default", "auto")
    assert config_of(file, "audio: {microphone: none}\n").audio.wanted
    assert not config_of(file, "audio: {microphone: none, far_end: none}\n").audio.wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 20_000, "is nested too deeply"),
        ("{a: " * 10_000, "is nested too deeply"),
        (f"spool: {{max_bytes: {'9' * 400}}}", "a size that a disk can have"),
        (f"spool: {{max_bytes: 9{'0' * 306} TB}}", "a size that a disk can have"),
        (f"spool: {{max_bytes: {2**63}}}", "a size that a disk can have"),
        (f"upload: {{parallel: {'1' * 5000}}}", "a whole number from 1 to 16"),
        ("home: ~nosuchuser/x", "no user has the name after ~"),
        ('home: "\\0x"', "characters that files can have"),
        ('policies: "a\\0b"', "characters that files can have"),
        ('home: "\\ud800"', "characters that files can have"),
        (f"home: /tmp/{'a/' * 3000}", "a path of at most"),
        (f"home: /tmp/{'a' * 256}", "255 for each name"),
    ],
)
def test_what_no_setting_can_be_is_a_mistake_with_its_place(file: Path, text: str, says: str) -> None:
    (mistake,) = mistakes_of(file, text)
    assert says in mistake


def test_no_more_mistakes_are_told_than_a_person_mends_at_once(file: Path) -> None:
    """Comparing each key with all settings would take minutes: pytest's time limit is the judge."""
    mistakes = mistakes_of(file, "".join(f"k{number}: 1\n" for number in range(7000)))
    assert len(mistakes) == 51
    assert mistakes[-1].endswith("has more mistakes than these")


def test_a_mistake_moves_no_cursor_and_repeats_no_long_key(file: Path) -> None:
    (mistake,) = mistakes_of(file, '"\\e[2J": 1')
    assert mistake.isprintable()
    (mistake,) = mistakes_of(file, f"{'k' * 1000}: 1")
    assert "k" * 100 in mistake
    assert "k" * 200 not in mistake
