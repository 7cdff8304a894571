"""The operators' log: what was changed in it is named, what a power cut tore is mended, and an act it cannot take is
refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.system import ON_WINDOWS
from store.admin.operators import HEAD, NAME, OperatorsLog, outcomes
from store.errors import StoreError

CONCURRENT = """
import sys
from pathlib import Path
from store.admin.operators import OperatorsLog
log = OperatorsLog(Path(sys.argv[1]))
sys.stdin.readline()
for _ in range(10):
    log.end(log.begin("timeline", recordings=["r"]), "done", exit=0)
"""

CRAMPED = """
import resource, sys
from pathlib import Path
from store.admin.operators import NAME, OperatorsLog
from store.errors import StoreError
home = Path(sys.argv[1])
size = (home / NAME).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, size + 40))
try:
    OperatorsLog(home).begin("export")
except StoreError as error:
    print(error)
"""


def filled(home: Path, acts: int = 3) -> OperatorsLog:
    log = OperatorsLog(home)
    for number in range(acts):
        log.end(log.begin("export", recordings=[f"recording-{number}"], streams=[0]), "done", exit=0)
    return log


def test_what_is_noted(tmp_path: Path) -> None:
    log = filled(tmp_path, 1)
    begun, ended = log.check().entries
    assert (begun["line"], begun["what"], begun["act"]) == (1, "begin", "export")
    assert begun["recordings"] == ["recording-0"]
    assert begun["host"]
    assert ON_WINDOWS or begun["uid"] == os.getuid()
    assert (ended["of"], ended["outcome"], ended["exit"]) == (1, "done", 0)
    assert outcomes((begun, ended)) == {1: ended}
    assert log.check().findings == ()
    assert log.check(noted=log.check().head).findings == ()
    assert ON_WINDOWS or stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_who_sudo_says_asked_is_noted_beside_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_USER", "alice\n" + "x" * 100)
    entry = filled(tmp_path, 1).check().entries[0]
    assert (entry["sudo_uid"], len(entry["sudo_user"])) == ("1000", 64)
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 2


def test_a_name_that_is_no_text_leaves_the_log_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice \udcff")
    log = filled(tmp_path, 1)
    assert log.check().findings == ()
    assert log.check().entries[0]["sudo_user"] == "alice ?"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = ("what", "of", "why", "was", "line", "before", "recordings")


@settings(max_examples=60)  # each writes a log to the disk
@given(st.sampled_from(("begin", "end", "mended")), st.dictionaries(st.sampled_from(FIELDS), VALUES))
@example("end", {"of": [1]})
@example("begin", {"recordings": 5})
def test_whatever_a_line_has_it_can_be_checked(what: str, forged: dict[str, object]) -> None:
    with TemporaryDirectory() as folder:
        log = filled(Path(folder), 1)
        log._append({"what": what, "why": "changed"} | forged)
        checked = log.check()
        outcomes(checked.entries)
        assert checked.findings or what == "begin"


def test_a_begin_without_a_list_of_recordings_is_no_entry(tmp_path: Path) -> None:
    log = OperatorsLog(tmp_path)
    log.begin("export", recordings=5)
    assert [str(one) for one in log.check().findings] == ["line 1: is no entry of this log"]


def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    assert OperatorsLog(tmp_path).check().findings == ()


def flipped(lines: list[bytes], line: int, place: int) -> list[bytes]:
    changed = bytearray(lines[line])
    changed[place % len(changed)] ^= 1 + place % 255
    return [*lines[:line], bytes(changed), *lines[line + 1 :]]


def swapped(lines: list[bytes], line: int, other: int) -> list[bytes]:
    other = (line + 1 + other % (len(lines) - 1)) % len(lines)
    mixed = list(lines)
    mixed[line], mixed[other] = mixed[other], mixed[line]
    return mixed


CHANGES: dict[str, Callable[[list[bytes], int, int], list[bytes]]] = {
    "flipped": flipped,
    "removed": lambda lines, line, _: [*lines[:line], *lines[line + 1 :]],
    "cut": lambda lines, line, _: lines[:line],
    "swapped": swapped,
    "doubled": lambda lines, line, _: [*lines[: line + 1], *lines[line:]],
    "added": lambda lines, line, _: [*lines[:line], b"{}\n", *lines[line:]],
}


@settings(max_examples=60)  # each writes a log to the disk, a dozen times
@given(st.sampled_from(sorted(CHANGES)), st.integers(0, 5), st.integers(0, 1000))
def test_whatever_is_changed_removed_or_swapped_is_named(change: str, line: int, place: int) -> None:
    with TemporaryDirectory() as folder:
        log = filled(Path(folder))
        lines = log.path.read_bytes().splitlines(keepends=True)
        changed = CHANGES[change](lines, line, place)
        log.path.write_bytes(b"".join(changed))
        found = [one.line for one in log.check().findings]
        # Named on its line or on the next, whose hash says it; an end that is missing has no line.
        pairs = enumerate(zip_longest(lines, changed))
        first = next(number for number, (was, now) in pairs if was != now)
        assert set(found) & {0, first + 1, first + 2}
        log.begin("timeline")
        assert log.check().findings, "it goes on being named, whatever is noted later"


@settings(max_examples=30)
@given(st.integers(1, 10_000))
def test_a_line_that_a_power_cut_tore_is_mended_and_kept(place: int) -> None:
    with TemporaryDirectory() as folder:
        log = filled(Path(folder), 1)
        head = (Path(folder) / HEAD).read_bytes()
        whole = log.path.read_bytes()
        log.begin("export", recordings=["r"])
        torn = log.path.read_bytes()[len(whole) :]
        torn = torn[: 1 + place % (len(torn) - 1)]
        log.path.write_bytes(whole + torn)  # as on disk when the power went, before the head was written
        (Path(folder) / HEAD).write_bytes(head)
        assert "cut off while it was written" in str(log.check().findings[0])
        line = log.begin("verify")
        assert log.check().findings == ()
        assert log.path.read_bytes().startswith(whole + torn + b"\n")
        mended, begun = log.check().entries[-2:]
        assert (mended["why"], mended["bytes"], begun["line"]) == ("torn", len(torn), line)


def test_a_head_that_is_older_than_the_log_is_no_finding(tmp_path: Path) -> None:
    """The power went between the two."""
    log = filled(tmp_path, 1)
    head = (tmp_path / HEAD).read_bytes()
    log.begin("export")
    (tmp_path / HEAD).write_bytes(head)
    assert log.check().findings == ()
    log.begin("export")
    assert log.check().findings == ()


@pytest.mark.parametrize("gone", [HEAD, NAME])
def test_one_of_the_two_files_is_gone(tmp_path: Path, gone: str) -> None:
    log = filled(tmp_path)
    (tmp_path / gone).unlink()
    assert "the end of the log was changed or removed" in str(log.check().findings[0])
    log.begin("export")
    assert "not as it was left" in str(log.check().findings[0])


def test_a_log_that_was_written_anew_lacks_the_head_that_was_noted(tmp_path: Path) -> None:
    log = filled(tmp_path)
    noted = log.check().head
    for name in (NAME, HEAD):
        (tmp_path / name).unlink()
    filled(tmp_path, 2)
    assert log.check().findings == ()
    assert "written anew" in str(log.check(noted=noted).findings[0])


def test_acts_at_the_same_time_are_one_chain(tmp_path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", CONCURRENT, tmp_path], stdin=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    for one in started:
        one.communicate()
        assert one.returncode == 0
    checked = OperatorsLog(tmp_path).check()
    assert checked.findings == ()
    assert len(checked.entries) == 80
    assert len(outcomes(checked.entries)) == 40


def test_where_it_cannot_be_written_the_act_must_not_be(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StoreError, match="nothing was opened or shown"):
        OperatorsLog(tmp_path).begin("export")
    with pytest.raises(StoreError, match="its end is not noted"):
        OperatorsLog(tmp_path).end(1, "done")
    with pytest.raises(StoreError, match="cannot be read"):
        OperatorsLog(tmp_path).check()


@pytest.mark.skipif(ON_WINDOWS, reason="Windows has no limit of a file's size")
def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = filled(tmp_path)
    before = log.path.read_bytes()
    ran = subprocess.run([sys.executable, "-c", CRAMPED, tmp_path], capture_output=True, text=True, check=True)
    assert "nothing was opened or shown" in ran.stdout
    assert log.path.read_bytes() == before
    assert log.check().findings == ()


def test_an_entry_of_another_kind_is_named(tmp_path: Path) -> None:
    """Written by somebody who keeps the chain: what it says is still no entry of this log."""
    log = filled(tmp_path, 1)
    log._append({"what": "forged"})
    log.end(1, "done")
    assert [str(one) for one in log.check().findings] == [
        "line 3: is no entry of this log",
        "line 4: ends what did not begin, or has ended before",
    ]
