"""What lies on the disk: nothing in the clear nor of what was forgotten; damage, another key, a full disk, a kill."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from review.search.words.model import DocumentRefused, Reach, Wanted, WordsUnusable
from review.search.words.shards import Shards
from tests.agent import faults
from tests.review.search.words.worlds import BEGAN, document, recording

KEY = bytes(range(32))
ALL = [Reach(None)]
MONTH = 31 * 86_400 * 10**9
SECRET = [f"{letter}{number}geheimniskraemerei" for number in range(3) for letter in "bdfhjlnprtvxz"]


def decrypted(file: Path, to: Path) -> bytes:
    """All pages, with those that are free: a copy whose key is taken away."""
    shutil.copy(file, to)
    connection = apsw.Connection(str(to))
    connection.pragma("cipher", "chacha20")
    connection.pragma("key", f"raw:{KEY.hex()}")
    connection.pragma("journal_mode", "delete")
    connection.pragma("rekey", "")
    connection.close()
    plain = to.read_bytes()
    assert plain.startswith(b"SQLite format 3\0")
    return plain


def pieces(words: list[str]) -> Iterator[bytes]:
    """FTS5 cuts off what a word has in common with the one before: ends of them are searched for, too."""
    for word in words:
        yield word.encode()
        yield word[4:].encode()


def test_no_word_lies_there_in_the_clear(tmp_path: Path) -> None:
    with Shards(tmp_path / "words", KEY) as shards, shards._shard("2026-09").reading():
        shards.add([document(" ".join(SECRET), of=recording("r1-name", whose="north-team", agent="anna-maria"))])
        files = [one for one in (tmp_path / "words").iterdir() if one.stat().st_size]
        assert {one.name for one in files} >= {"2026-09.db-wal", "forgotten.db"}
        for one in files:
            if one.name.endswith("-shm"):
                continue  # numbers of pages
            content = one.read_bytes()
            for known in [*pieces(SECRET), b"r1-name", b"north-team", b"anna-maria", b"SQLite", b"CREATE", b"create"]:
                assert known not in content, (one.name, known)
        assert {one.stat().st_mode & 0o077 for one in files if not one.name.endswith("-shm")} == {0}


def test_what_is_forgotten_lies_on_no_page_even_for_who_has_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    with Shards(folder, KEY) as shards:
        shards.add([document(*SECRET, "bleibt hier")])
        shards.add([document("anderes", of=recording(f"r{number}", BEGAN + number)) for number in range(2, 50)])
        shards._shard("2026-09").emptied()
        assert any(one in decrypted(folder / "2026-09.db", tmp_path / "before") for one in pieces(SECRET))
        assert shards.forget("r1").documents == 1
        assert shards.search("anderes", ALL).count == 48
        assert shards.search(SECRET[0], ALL).count == 0
        plain = decrypted(folder / "2026-09.db", tmp_path / "after")
        assert not [one for one in pieces(SECRET) if one in plain]
        assert not shards._shard("2026-09").has_wal


def test_what_is_forgotten_is_not_added_again(tmp_path: Path) -> None:
    with Shards(tmp_path, KEY) as shards:
        assert shards.forget("r1").documents == 0
        with pytest.raises(DocumentRefused) as refused:
            shards.add([document("wort")])
        assert refused.value.code == "forgotten"
        shards.expect([recording()])
        assert shards.search("wort", ALL).coverage.missing == 0


def test_a_page_of_a_reader_is_named_and_goes_at_the_next_erasure(tmp_path: Path) -> None:
    with Shards(tmp_path, KEY) as shards:
        shards.add([document("wort")])
        with shards._shard("2026-09").reading() as connection:
            connection.execute("select count(*) from texts").fetchall()
            assert shards.forget("r1").in_wal == ("2026-09",)
            assert shards.search("wort", ALL).count == 0
        assert shards.forget("r1").in_wal == ()
        assert not shards._shard("2026-09").has_wal


def test_a_damaged_month_hides_nothing_of_the_others(tmp_path: Path) -> None:
    with Shards(tmp_path, KEY) as shards:
        for at in range(3):
            shards.add(document("wort " * 200, of=recording(f"r{at}-{n}", BEGAN + at * MONTH)) for n in range(30))
    damaged = tmp_path / "2026-10.db"
    content = bytearray(damaged.read_bytes())
    random.seed(7)
    for at in range(0, len(content), 512):
        content[at] ^= random.randint(1, 255)
    damaged.write_bytes(content)
    with Shards(tmp_path, KEY) as shards:
        found = shards.search("wort", ALL)
        assert (found.count, found.coverage.indexed, found.coverage.unread) == (60, 60, ("2026-10",))
        with pytest.raises(WordsUnusable, match=r"2026-10\.db: damaged.*rebuild") as unusable:
            shards.add([document("neu", of=recording("r9", BEGAN + MONTH))])
        assert unusable.value.code == "damaged"
        assert shards.forget("r1-0").left == ("2026-10",)
    damaged.unlink()
    with Shards(tmp_path, KEY) as shards:  # what was left is ended, once the month is rebuilt
        assert shards._hidden() == []
        assert shards.search("wort", ALL).coverage.unread == ()


def test_a_page_that_is_damaged_in_the_midst_is_seen(tmp_path: Path) -> None:
    with Shards(tmp_path, KEY) as shards:
        shards.add(document(f"wort w{n} " * 200, of=recording(f"r{n}", BEGAN + n)) for n in range(60))
    file = tmp_path / "2026-09.db"
    content = bytearray(file.read_bytes())
    for page in range(12, len(content) // 4096):
        content[page * 4096 + 100] ^= 1
    file.write_bytes(content)
    with Shards(tmp_path, KEY) as shards:
        assert shards.search("wort", ALL).coverage.unread == ("2026-09",)


def test_another_key_opens_nothing_and_destroys_nothing(tmp_path: Path) -> None:
    with Shards(tmp_path, KEY) as shards:
        shards.add([document("wort")])
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    with pytest.raises(WordsUnusable, match="another key") as unusable:
        Shards(tmp_path, bytes(32))
    assert unusable.value.code == "damaged"
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
    with pytest.raises(WordsUnusable, match="32 bytes"):
        Shards(tmp_path, b"short")


def test_another_versions_month_is_named(tmp_path: Path) -> None:
    with Shards(tmp_path, KEY) as shards:
        shards.add([document("wort")])
        with shards._shard("2026-09").writing() as connection:
            connection.execute("update shard_version set version = 99")
    with Shards(tmp_path, KEY) as shards:
        with pytest.raises(WordsUnusable) as unusable:
            shards.add([document("wort", version="2")])
        assert unusable.value.code == "another-version"
        assert shards.search("wort", ALL).coverage.unread == ("2026-09",)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("a file")
    with pytest.raises(WordsUnusable) as unusable:
        Shards(tmp_path / "words", KEY)
    assert unusable.value.code == "unreachable"


def fill(shards: Shards) -> None:
    for number in range(2, 200):
        shards.add([document(*(f"wort w{number}x{n}" for n in range(400)), of=recording(f"r{number}"))])


def test_a_full_disk_is_named_and_what_was_there_is_found() -> None:
    with faults.breakable("tmpfs", size=2 * 2**20) as disk, Shards(disk.home / "words", KEY) as shards:
        shards.add([document("wort")])
        with pytest.raises(WordsUnusable, match="make room") as unusable:
            fill(shards)
        assert unusable.value.code == "full"
        found = shards.search("wort", ALL, Wanted(first=1))
        assert found.hits
        assert found.coverage.missing == 0


ADDING = """
import sys
from pathlib import Path
from review.search.words.shards import Shards
from tests.review.search.words.worlds import document, recording
with Shards(Path(sys.argv[1]), bytes(range(32))) as shards:
    for number in range(int(sys.argv[2]), 10**6):
        shards.add([document(*[f"wort w{number}"] * 30, of=recording(f"r{number}")) ])
        print(number, flush=True)
"""


def test_a_process_killed_while_it_writes_loses_nothing_that_it_said_was_there(tmp_path: Path) -> None:
    chance, first = random.Random(5), 0
    for _ in range(5):
        words = [sys.executable, "-c", ADDING, str(tmp_path), str(first)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as adding:
            assert adding.stdout is not None
            said = [int(adding.stdout.readline()) for _ in range(chance.randint(1, 12))]
            adding.send_signal(signal.SIGKILL)
            said += [int(line) for line in adding.stdout if line.endswith("\n")]
        first = said[-1] + 1
        with Shards(tmp_path, KEY) as shards:
            found = shards.search("wort", ALL)
            indexed = found.coverage.indexed
            assert indexed in {first, first + 1}  # one more may be there than it came to say
            assert found.count == 30 * indexed
