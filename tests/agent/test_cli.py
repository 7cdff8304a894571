"""The command line: facts on stdout, mistakes in one line each, exit codes for scripts, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import COMMANDS, build_parser, main
from agent.cli.status_table import WORDS
from agent.control.control import ControlSocket
from agent.tray.icon_state import icon_state_of
from protocol.enrolment import PREFIX
from testkit.played import sound
from tests.agent.policy_commands import RULES
from tests.commands import are_found_by_their_names, every

NO_DEVICE = {"wanted": True, "device": "", "peak_dbfs": None, "heard_ago_s": None, "captured_ago_s": None}
STATUS: dict[str, Any] = {
    "state": "closed", "rules": ["card-forms"], "since_s": 4.0, "holds": [], "policy_name": "Cards",
    "policy_revision": 3, "policy_hash": "ab", "recording_s": 100.0, "frames": 7, "chunks": 5, "bytes": 1_500_000,
    "sealed_ago_s": 200.0, "receipt_ago_s": None, "waiting_chunks": 2, "waiting_bytes": 80_000, "monitors": 1,
    "browsers": [{"browser": "Chromium", "version": "156.0", "private": False}],
    "troubles": {"rule-flaps": "cards"}, "offline_s": None, "waiting_s": None,
    "hold": {"reason": "private", "since_s": 1.0, "left_s": 299.0},
    "user_hold": {"allow": True, "max_s": None, "reasons": ["break"], "own": True},
    "tried": [
        {"id": "chats", "lane": "audio", "times": 3, "seconds": 61.0, "now": True},
        {"id": "mails", "lane": "screen", "times": 1, "seconds": 2.0, "now": False},
        {"id": "notes", "lane": "screen", "times": 0, "seconds": 0.0, "now": False},
    ],
    "sound": sound("closed", rules=["cards"], far_end=NO_DEVICE),
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EYELID_HOME", str(tmp_path))
    monkeypatch.delenv("EYELID_CONFIG", raising=False)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "cards.yaml").write_text(RULES)
    return tmp_path


@pytest.fixture
def asked(home: Path) -> Iterator[list[tuple[str, Mapping[str, object]]]]:
    """What a recorder that answers with STATUS was asked."""
    heard: list[tuple[str, Mapping[str, object]]] = []

    def answer(verb: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        heard.append((verb, dict(arguments)))
        return STATUS

    served = ControlSocket(home, answer)
    yield heard
    served.close()


def test_status_says_the_same_in_words_and_in_json(
    asked: list[tuple[str, Mapping[str, object]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for words in (
        "the rule card-forms. Nothing on the screen is being kept",
        "and nothing of the call either: the rule cards.",
        "call closed by cards, for 60 s; last sealed 3 s ago",
        "microphone Headset: -24 dBFS, last heard 1 s ago",
        "far end no device",
        "card-forms, for 4 s",
        "Cards, revision 3",
        "3 min ago",
        "not yet",
        "trouble rule-flaps: cards",
        "Chromium 156.0; private windows close the eye",
        "chats would have closed the sound 3 times, for 61 s in all; it would now",
        "mails would have closed the screen once, for 2 s in all",
        "notes would not have closed the screen yet",
    ):
        assert words in out
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS
    assert asked == [("status", {}), ("status", {})]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"state": "recording", "rules": []}, 0, "(o) The eye is open: your screen is being recorded. The call is not"),
        ({"state": "recording", "sound": None}, 0, "call not recorded: both ends are none in agent.yaml"),
        ({"sound": sound()}, 0, "(-). The eye has been closed"),
        ({"sound": sound()}, 0, "but the call goes on being recorded"),
        ({"sound": sound()}, 0, "call recorded; last sealed 3 s ago"),
        ({"sound": sound("stalled", fault="no-device")}, 1, "(-)! The eye has been closed"),
        ({"sound": sound("stalled", fault="no-device")}, 1, "call NOT recorded: no-device"),
        ({"state": "recording", "sound": sound(fault="far-end")}, 1, "call recorded, but an end is missing: far-end"),
        ({"sound": sound("closed", fault="far-end", rules=["cards"])}, 1, "60 s, but an end is missing: far-end"),
        (
            {"state": "recording", "sound": sound("blind", rules=["unreadable"])},
            1,
            "not being recorded: a window that Eyelid cannot read",
        ),
        ({"sound": sound(far_end={**NO_DEVICE, "wanted": False})}, 0, "far end not recorded: none in agent.yaml"),
        ({"sound": sound(far_end={**NO_DEVICE, "device": "Hub"})}, 0, "Hub: silence, last heard not yet; gave Eyelid"),
        (
            {"sound": sound(far_end={**NO_DEVICE, "device": "Hub", "padding_s": 130.0})},
            0,
            "silence put in for 2 min since the start",
        ),
        ({"state": "recording", "offline_s": 40.0, "waiting_s": 60.0}, 1, "confirmed nothing for 40 s"),
        ({"state": "stalled"}, 1, "no picture of the screen reaches the disk"),
        ({"state": "blind", "rules": ["web-engine"]}, 1, "browser extension"),
        ({"state": "held", "holds": ["user"]}, 3, "user (private, 5 min left)"),
        ({"state": "held", "holds": ["spool-full"], "hold": None}, 3, "Free some disk space"),
        ({"state": "stopping"}, 3, "is ending"),
        ({"state": "recording", "rules": [], "troubles": {"store-lies": ""}}, 1, "trouble store-lies"),
        ({"state": "recording", "scenes": True}, 0, "Titles and addresses of open windows"),
    ],
)
def test_the_state_is_an_exit_code_and_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], more: dict[str, Any], code: int, words: str
) -> None:
    served = ControlSocket(home, lambda _verb, _: {**STATUS, **more})
    assert main(["status"]) == code
    served.close()
    assert words in " ".join(capsys.readouterr().out.split())


def test_json_has_what_was_renamed_under_both_names(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = {"sound": sound(far_end={**NO_DEVICE, "padding_s": 1.5}), "troubles": {"usage-not-remembered": "full"}}
    served = ControlSocket(home, lambda _verb, _: {**STATUS, **more})
    assert main(["status", "--json"]) == 1
    served.close()
    told = json.loads(capsys.readouterr().out)
    assert told["sound"]["far_end"]["filled_s"] == told["sound"]["far_end"]["padding_s"] == 1.5
    assert told["troubles"] == {"usage-not-remembered": "full", "silence-not-remembered": "full"}


def test_json_goes_on_as_it_changes_until_the_recorder_ends(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served = ControlSocket(home, lambda _verb, _: STATUS, lambda: iter([STATUS, {**STATUS, "state": "recording"}]))
    assert main(["status", "--json", "--watch"]) == 3
    served.close()
    told = capsys.readouterr()
    assert [json.loads(line)["state"] for line in told.out.splitlines()] == ["closed", "recording", "not-running"]
    assert "just ending" in told.err


def test_in_a_file_each_new_sentence_is_a_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = {**STATUS, "state": "recording"}
    served = ControlSocket(home, lambda _verb, _: STATUS, lambda: iter([STATUS, recording, recording]))
    assert main(["status", "--watch"]) == 3
    served.close()
    told = capsys.readouterr()
    assert [line.split("  ")[1] for line in told.out.splitlines()] == [
        WORDS.sentence(icon_state_of(status), status) for status in (STATUS, recording)
    ]
    assert "just ending" in told.err


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("eyelid 0.")


def test_hold_and_release(asked: list[tuple[str, Mapping[str, object]]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hold", "--for", "5m"]) == 0
    assert main(["hold"]) == 0
    assert main(["release"]) == 0
    assert asked == [
        ("hold", {"seconds": 300, "reason": ""}),
        ("hold", {"seconds": None, "reason": ""}),
        ("release", {}),
    ]
    assert "It ends in 5 min" in capsys.readouterr().out
    assert main(["hold", "--for", "5m", "--reason", "private"]) == 0
    assert asked[-1] == ("hold", {"seconds": 300, "reason": "private"})


@pytest.mark.parametrize("duration", ["5", "m", "0m", "-5m", "five minutes", "1.5h"])
def test_a_duration_that_is_none(duration: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hold", f"--for={duration}"]) == 2
    assert "90s, 5m or 1h" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["status"], ["hold"], ["release"]])
def test_nobody_is_recording(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 3
    assert "eyelid run" in capsys.readouterr().err


def test_nobody_is_recording_told_to_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 3
    told = capsys.readouterr()
    assert json.loads(told.out) == {"state": "not-running"}
    assert "eyelid run" in told.err


def test_run_on_a_pc_that_is_not_enrolled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    assert "eyelid enroll" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["file", "standard input", "person"])
def test_enroll_takes_the_token_from_a_file_standard_input_or_the_person(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[str] = []
    # What comes of a token is tried against a real store elsewhere; here only where it comes from.
    monkeypatch.setattr("agent.enrolment.enrol", lambda token, _: given.append(token) or "Done.")  # as above
    pasted = f"{PREFIX}eyJh\n  ZGRy\n"
    words = ["enroll"]
    if source == "file":
        file = tmp_path / "token.txt"
        file.write_text(pasted)
        file.chmod(0o600)
        words.append(str(file))
    elif source == "standard input":
        monkeypatch.setattr("sys.stdin", StringIO(pasted))  # the process that is tried is this one, without a pipe
        words.append("-")
    else:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)  # a test's process has no terminal
        monkeypatch.setattr("getpass.getpass", lambda _: pasted)  # it asks at the terminal
    assert main(words) == 0
    assert given == [pasted]  # blanks are `protocol.enrolment`'s to drop
    assert PREFIX not in capsys.readouterr().out


def test_enroll_refuses_a_token_on_the_command_line_and_repeats_none_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enroll", f"{PREFIX}secretsecret"]) == 2
    said = capsys.readouterr().err
    assert all(part in said for part in ("every user of this PC", "withdraw it", "`eyelid enroll` asks", "file"))
    assert "secretsecret" not in said


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_enroll_takes_no_token_that_others_can_read(
    mode: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token.txt"
    file.write_text(f"{PREFIX}secretsecret")
    file.chmod(mode)
    assert main(["enroll", str(file)]) == 2
    said = capsys.readouterr().err
    assert f"chmod 600 {file}" in said
    assert "secretsecret" not in said


def test_enroll_without_a_terminal_says_where_the_token_can_come_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))  # pytest's own stdin cannot be read at all
    assert main(["enroll"]) == 2
    assert "`eyelid enroll FILE`" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"hello", b"\xff"])
def test_enroll_with_a_file_that_holds_no_token(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token.txt"
    if content is not None:
        file.write_bytes(content)
    assert main(["enroll", str(file)]) == 2
    assert "token" in capsys.readouterr().err


def test_a_setting_that_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = home / "agent.yaml"
    settings.write_text("hom: /tmp\n")
    monkeypatch.setenv("EYELID_CONFIG", str(settings))
    assert main(["status"]) == 2
    assert f"{settings}:1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["--help"], ["run", "--help"], ["policy", "explain", "--help"], ["hold", "--help"]]
)
def test_help_has_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [80, 60])
def test_no_help_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for parser in every(build_parser()):
        prose = [line for line in parser.format_help().splitlines() if columns == 80 or not line.startswith(" ")]
        assert [line for line in prose if len(line) > columns] == []


def test_each_command_is_found_with_its_module_alone() -> None:
    are_found_by_their_names(COMMANDS, build_parser)


def test_what_is_asked_often_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    asked = "from agent.cli.main import main; import sys; print(main(['status']), *sys.modules)"
    environment = {"EYELID_HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, timeout=100, check=True
    )
    code, *modules = ran.stdout.split()
    assert code == "3", ran.stderr
    assert {"av", "numpy", "httpx", "Xlib", "dbus_fast"} & set(modules) == set()


def test_a_mistyped_flag_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["status", "--jsno"])
    assert ended.value.code == 2
