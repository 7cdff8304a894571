"""Every way to tamper with a copy is named, or changes nothing that was written; and a verifier in another language,
written from the page alone, says the same.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from review.audit import cosigning, journal
from review.audit.entries import Entry, ReadingKey
from review.audit.errors import AuditError
from review.audit.kinds import CLOCK
from review.audit.log import AuditLog, _statement
from review.audit.notes import Checkpoint, KeyType, Note, Signer, sign
from review.audit.tree import Tree, leaf_hash
from review.audit.verify import Report, VerifyOptions, verify_log
from tests.review.audit.making import DAY, KEY, ORIGIN, PRIVATE, SIGNER, START, Clock, new_log, opening
from tests.review.audit.test_log import YEAR

COUNCIL = Signer.of("council.example.com", Ed25519PrivateKey.from_private_bytes(bytes(32)), KeyType.COSIGNER)
ASKED = VerifyOptions(SIGNER.key, KEY, COUNCIL.key)
PUBLIC = VerifyOptions(SIGNER.key)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blocks in groups of several sizes, of which the first bodies are shredded; published."""
    folder = tmp_path_factory.mktemp("audit") / "log"
    clock = Clock()
    log = new_log(folder, clock)
    log._published = float("inf")  # one set of partial tiles: the second verifier reads no older ones
    done = 0
    for size in (1, 2, 5, 1, 60, 1, 200):
        log.append_all([opening(number) for number in range(done, done + size)])
        done += size
    clock.now += 400 * DAY
    log.append(opening(done))
    log.shred(log.to_shred(YEAR)[:3], YEAR)
    log.append(opening(done + 1))
    log.publish()
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few bytes, so that each can be changed: three entries, a statement, a cosigned checkpoint."""
    folder = tmp_path_factory.mktemp("audit") / "log"
    clock = Clock()
    log = new_log(folder, clock)
    log._published = float("inf")
    log.append_all([opening(0), opening(1)])
    clock.now += 366 * DAY
    log.append(opening(2))
    log.shred(log.to_shred(YEAR)[:1], YEAR)
    log.publish()
    note, _ = cosigning.cosign_log(folder, SIGNER.key, COUNCIL, folder.with_name("last"), 1_900_000_000)
    cosigning.bring_back(folder, SIGNER.key, bytes(note))
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def content(folder: Path) -> object:
    """What the log says to who reads it. Bodies that were shredded say nothing, whatever stands there now."""
    try:
        found = (one for group in journal.groups(folder, SIGNER.key) for one in group.entries)
        entries = [(one.raw, one.rest if Entry.parse(one.raw).matches(one.rest) else b"gone") for one in found]
        return entries, Note.parse((folder / "checkpoint").read_bytes()).text
    except (AuditError, OSError):
        return "unreadable"


def codes(folder: Path, asked: VerifyOptions = PUBLIC) -> list[str]:
    return [one.code for one in verify_log(folder, asked).findings]


def strangers(folders: list[Path]) -> list[str]:
    program = Path(__file__).with_name("stranger.mjs")
    command = ["node", str(program), str(SIGNER.key), *map(str, folders)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_what_was_written_is_sound(written: Path, small: Path) -> None:
    report = verify_log(written, ASKED)
    assert (report.findings, report.remarks) == ([], [])
    assert report.bodies == {"opened": 269, "sealed": 0, "shredded": 3}
    assert verify_log(written, PUBLIC).bodies == {"opened": 0, "sealed": 269, "shredded": 3}
    assert verify_log(small, ASKED).cosigned == {"by": "council.example.com", "size": 4, "seconds": 1_900_000_000}
    assert strangers([written, small]) == ["sound", "sound"]


# -- at random ----------------------------------------------------------------------------------------------------


def flip(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def cut_out(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.choices(range(len(data) + 1), k=2))
    return data[:start] + data[end:]


def swap(data: bytes, chance: random.Random) -> bytes:
    first, second, third = sorted(chance.choices(range(len(data) + 1), k=3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def zero(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.choices(range(len(data) + 1), k=2))
    return data[:start] + bytes(end - start) + data[end:]


def swap_records(data: bytes, chance: random.Random) -> bytes:
    """Whole records change places, or one is left out, or comes twice."""
    parts = [data[one.offset : one.end] for one in journal.records(data)]
    if not parts:
        return data
    place = chance.randrange(len(parts))
    what = chance.choice(["swap", "drop", "double"])
    if what == "swap":
        other = chance.randrange(len(parts))
        parts[place], parts[other] = parts[other], parts[place]
    elif what == "drop":
        del parts[place]
    else:
        parts.insert(place, parts[place])
    return b"".join(parts)


CHANGES: list[Callable[[bytes, random.Random], bytes]] = [flip, cut, cut_out, swap, zero, swap_records, swap_records]


def tamper(folder: Path, chance: random.Random) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    path = chance.choice([*files, *(one for one in files if "journal" in one.parts)])
    what = chance.randrange(10)
    if what == 0:
        path.unlink()
    elif what == 1:
        other = chance.choice(files)
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)
    else:
        path.write_bytes(chance.choice(CHANGES)(path.read_bytes(), chance))


@pytest.mark.slow(reason="a hundred and fifty copies are changed, and verified by two programs")
def test_random_tampering_is_named_or_changes_nothing(written: Path, tmp_path: Path) -> None:
    chance = random.Random(18)
    before = content(written)
    for turn in range(3):
        folders = [Path(shutil.copytree(written, tmp_path / f"{turn}-{number}")) for number in range(50)]
        for folder in folders:
            tamper(folder, chance)
        named = [codes(folder) for folder in folders]
        for folder, found, second in zip(folders, named, strangers(folders), strict=True):
            assert bool(found) == (second != "sound"), (folder, found, second)
            if not found:
                assert content(folder) == before, folder
            assert bool(codes(folder, ASKED)) == bool(found), folder  # the key that reads finds no less and no more
            shutil.rmtree(folder)


@pytest.mark.slow(reason="each byte of a log is changed in turn")
def test_each_changed_byte_is_named(small: Path) -> None:
    chance, before = random.Random(7), content(small)
    for path in sorted(path for path in small.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
            report = verify_log(small, ASKED)
            if not report.findings:
                assert [one.code for one in report.remarks] == ["half-shredded"], f"{path}, byte {place}"
                assert content(small) == before
        path.write_bytes(whole)
    assert codes(small, ASKED) == []


@pytest.mark.slow(reason="each seventh length of each file is tried")
def test_each_cut_is_named(small: Path) -> None:
    for path in sorted(path for path in small.rglob("*") if path.stat().st_size and path.is_file()):
        whole = path.read_bytes()
        for length in {*range(0, len(whole), 7), len(whole) - 1}:
            path.write_bytes(whole[:length])
            assert codes(small, ASKED), f"{path}, {length} bytes"
        path.write_bytes(whole)
    assert codes(small, ASKED) == []


# -- by name ------------------------------------------------------------------------------------------------------


def rewritten(folder: Path, *, entries: int, private: Ed25519PrivateKey = PRIVATE, origin: str = ORIGIN) -> None:
    """Another history with the same or another key."""
    signer = Signer.of(origin, private)
    AuditLog.create(folder, signer)
    log = AuditLog(folder, signer, KEY, clock=Clock(START + DAY))
    log.append_all([opening(number + 7000) for number in range(entries)])
    log.publish()


def test_a_last_tile_that_is_missing(copy: Path) -> None:
    (copy / "tile/0/001.p/17").unlink()
    assert codes(copy) == ["tile-missing"]
    (copy / "tile/0/001.p/17").symlink_to("17")  # a link to itself
    assert codes(copy) == ["tile-missing"]


def test_a_tile_that_was_changed(copy: Path) -> None:
    for name in ("tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/17"):
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert codes(copy) == ["tile-changed"]
        (copy / name).write_bytes(whole)


def test_an_older_partial_tile_that_was_changed_is_named_and_other_files_are_no_part_of_it(copy: Path) -> None:
    (copy / "tile/0/001.p/3").write_bytes(bytes(96))
    (copy / "tile/entries/001.p/3").write_bytes(bytes(96))
    (copy / "tile/0/001.p/.4.new").write_bytes(b"half")
    assert codes(copy) == ["tile-changed", "tile-changed"]


def test_a_cut(copy: Path) -> None:
    journal.block_path(copy, 1).unlink()
    assert codes(copy) == ["cut"]
    journal.block_path(copy, 0).unlink()
    assert codes(copy) == ["cut"]


def test_a_block_that_is_missing(copy: Path) -> None:
    journal.block_path(copy, 0).unlink()
    assert codes(copy) == ["block-missing"]


def test_a_block_that_is_short(copy: Path) -> None:
    path = journal.block_path(copy, 0)
    whole = path.read_bytes()
    ends = [one.end for one in journal.records(whole) if one.kind == journal.SIGNED]
    path.write_bytes(whole[: ends[-2]])
    assert codes(copy) == ["cut"]
    path.write_bytes(whole + whole[ends[-2] :])
    assert codes(copy) == ["changed"]
    path.write_bytes(whole + b"E")
    assert codes(copy) == ["changed"]


def test_a_cut_and_a_fork_against_what_was_noted_elsewhere(copy: Path, written: Path, tmp_path: Path) -> None:
    """Checkpoint, tiles and journal go back to an older state together: only a checkpoint from elsewhere shows that."""
    noted = [("council.note", (written / "checkpoint").read_bytes())]
    rewritten(tmp_path / "short", entries=5)
    assert codes(tmp_path / "short") == []
    assert codes(tmp_path / "short", VerifyOptions(SIGNER.key, noted=noted)) == ["cut"]
    rewritten(tmp_path / "long", entries=300)
    assert codes(tmp_path / "long", VerifyOptions(SIGNER.key, noted=noted)) == ["forked"]
    assert codes(copy, VerifyOptions(SIGNER.key, noted=noted)) == []


def test_bytes_behind_a_last_block_that_is_full(tmp_path: Path) -> None:
    """Nothing can have been begun there: the next entry goes into a file of its own."""
    rewritten(tmp_path / "log", entries=256)
    path = journal.block_path(tmp_path / "log", 0)
    path.write_bytes(path.read_bytes() + b"E")
    assert codes(tmp_path / "log") == ["changed"]


def test_entries_that_change_places(copy: Path) -> None:
    path = journal.block_path(copy, 0)
    whole = path.read_bytes()
    parts = [whole[one.offset : one.end] for one in journal.records(whole)]
    # 0: entry 0, 1: its checkpoint, 2 and 3: entries 1 and 2
    path.write_bytes(b"".join([*parts[:2], parts[3], parts[2], *parts[4:]]))
    found = verify_log(copy, PUBLIC).findings
    assert [one.code for one in found] == ["reordered"]
    assert "entries 1 to 2" in found[0].message
    path.write_bytes(b"".join([*parts[:2], parts[3], *parts[4:]]))
    assert codes(copy) == ["reordered"]


def test_an_entry_that_was_changed_is_named(copy: Path) -> None:
    path = journal.block_path(copy, 0)
    whole = bytearray(path.read_bytes())
    one = [record for record in journal.records(bytes(whole)) if record.kind == journal.ENTRY][7]
    whole[one.rest_at - 1] ^= 1
    path.write_bytes(whole)
    found = verify_log(copy, PUBLIC).findings
    assert [(one.code, one.message[:8]) for one in found] == [("changed", "entry 7:")]
    (copy / "tile/0/000").unlink()  # then it is known only by its group
    assert verify_log(copy, PUBLIC).findings[0].message.startswith("entries 3 to 7:")


def test_checkpoints_of_other_logs_and_keys(copy: Path, tmp_path: Path) -> None:
    rewritten(tmp_path / "other", entries=3, origin="another.example.com")
    shutil.copy(tmp_path / "other/checkpoint", copy / "checkpoint")
    assert codes(copy) == ["other-log"]
    rewritten(tmp_path / "stranger", entries=3, private=Ed25519PrivateKey.generate())
    shutil.copy(tmp_path / "stranger/checkpoint", copy / "checkpoint")
    assert codes(copy) == ["not-signed"]
    (copy / "checkpoint").unlink()
    assert codes(copy) == ["no-checkpoint"]


def test_a_cosigned_checkpoint_needs_its_cosigner(small: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "copy"))
    shutil.copy(folder / "checkpoint", folder / "cosigned")
    assert codes(folder) == []
    assert codes(folder, ASKED) == ["not-signed"]


def test_a_body_that_was_overwritten_without_a_word(copy: Path) -> None:
    path = journal.block_path(copy, 0)
    whole = path.read_bytes()
    one = [record for record in journal.records(whole) if record.kind == journal.ENTRY][9]
    path.write_bytes(whole[: one.rest_at] + bytes(len(one.rest)) + whole[one.end :])
    found = verify_log(copy, PUBLIC).findings
    assert [one.code for one in found] == ["body-changed"]
    assert "no entry says that it was shredded" in found[0].message
    path.write_bytes(whole[: one.rest_at] + bytes(5) + whole[one.rest_at + 5 :])
    assert "changed" in verify_log(copy, PUBLIC).findings[0].message


def test_a_shredding_that_is_half_done_is_a_remark(copy: Path) -> None:
    path = journal.block_path(copy, 0)
    whole = bytearray(path.read_bytes())
    one = next(record for record in journal.records(bytes(whole)) if record.kind == journal.ENTRY)
    whole[one.rest_at] = 1
    path.write_bytes(whole)
    report = verify_log(copy, PUBLIC)
    assert (report.findings, [one.code for one in report.remarks]) == ([], ["half-shredded"])


def test_a_body_that_was_to_be_shredded_and_is_still_whole_is_a_remark(tmp_path: Path) -> None:
    """Its shredding died after the statement, or a backup brought it back."""
    clock = Clock()
    log = new_log(tmp_path / "log", clock)
    log.append_all([opening(number) for number in range(3)])
    clock.now += 400 * DAY
    log.append(opening(3))
    log.state({"kind": "shred", "ranges": [[0, 2], [1, 3], [2, 99]], "to": 0})
    log.append(opening(5))
    log.publish()
    for asked in (PUBLIC, ASKED):
        report = verify_log(tmp_path / "log", asked)
        assert (report.findings, [one.code for one in report.remarks]) == ([], ["half-shredded"])
        assert "4 bodies" in report.remarks[0].message
        assert "entry 0" in report.remarks[0].message
    log.shred(log.to_shred(YEAR), YEAR)
    assert "1 body" in verify_log(tmp_path / "log", PUBLIC).remarks[0].message  # entry 3, which is not old enough


def test_a_body_of_another_key_or_kind(copy: Path) -> None:
    assert set(codes(copy, VerifyOptions(SIGNER.key, ReadingKey(bytes(32))))) == {"other-key"}
    assert len(verify_log(copy, VerifyOptions(SIGNER.key, ReadingKey(bytes(32)))).findings) == 100  # and no thousands


def forged(folder: Path, *makers: object) -> Report:
    """With the log's own key: what only who holds it can do, and what the rules of the log still forbid."""
    tree, block, size = Tree(), b"", 0
    for made in makers:
        entry, rest = made(tree.size, START // 1_000_000 + tree.size)  # type: ignore[operator]
        tree.add(leaf_hash(entry if isinstance(entry, bytes) else bytes(entry)))
        block += journal.entry_record(entry if isinstance(entry, bytes) else bytes(entry), rest)
    text = Checkpoint(ORIGIN, tree.size + size, tree.root).text
    note = bytes(Note(text, (sign(text, SIGNER),)))
    (folder / "journal").mkdir(parents=True)
    (folder / "checkpoint").write_bytes(note)
    journal.block_path(folder, 0).write_bytes(block + journal.signed_record(note))
    return verify_log(folder, ASKED)


def body(index: int, now: int) -> tuple[Entry, bytes]:
    return KEY.seal(ORIGIN, index, now, opening().body(KEY))


def test_what_even_the_holder_of_the_key_cannot_hide(tmp_path: Path) -> None:
    def overwritten(index: int, now: int) -> tuple[Entry, bytes]:
        entry, rest = body(index, now)
        return entry, bytes(len(rest))

    shred = _statement({"kind": "shred", "ranges": [[0, 1]], "to": 0})
    early = forged(tmp_path / "early", overwritten, shred)
    assert "shredded-early" in [one.code for one in early.findings]
    beyond = forged(tmp_path / "beyond", body, overwritten, shred)  # it names the entry before
    assert "body-changed" in [one.code for one in beyond.findings]
    ahead = forged(tmp_path / "ahead", _statement({"kind": "shred", "ranges": [[1, 2]], "to": 0}), overwritten)
    assert "body-changed" in [one.code for one in ahead.findings]
    unknown = forged(tmp_path / "unknown", _statement({"kind": "else"}))
    assert "bad-entry" in [one.code for one in unknown.findings]
    no_entry = forged(tmp_path / "no", lambda *_: (b"\7", b""))
    assert [one.code for one in no_entry.findings] == ["bad-entry"]
    strange = forged(tmp_path / "strange", lambda index, now: KEY.seal(ORIGIN, index, now, b"{}"))
    assert "bad-body" in [one.code for one in strange.findings]
    beside = forged(
        tmp_path / "beside",
        lambda index, now: (_statement({"kind": CLOCK, "before": 1, "now": 0})(index, now)[0], b"x"),
    )
    assert "body-changed" in [one.code for one in beside.findings]
    crowded = forged(tmp_path / "crowded", *[body] * 257)
    assert [one.code for one in crowded.findings] == ["changed"]


def test_a_checkpoint_in_the_journal_has_one_signature(copy: Path) -> None:
    path = journal.block_path(copy, 1)
    whole = path.read_bytes()
    last = list(journal.records(whole))[-1]
    note = Note.parse(last.raw)
    more = Note(note.text, (*note.signatures, note.signatures[0]._replace(name="other")))
    path.write_bytes(whole[: last.offset] + journal.signed_record(bytes(more)))
    assert codes(copy) == ["malformed-note"]


def test_names_that_are_none_of_the_logs_do_not_confuse(copy: Path) -> None:
    for name in ("\N{SUPERSCRIPT TWO}", "x999/999999", "1", "tile", "x001/x002/x003/x004/x005/000"):
        (copy / "journal" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "journal" / name).write_bytes(b"x")
    (copy / "tile/0/000.p/a folder").mkdir(parents=True)
    (copy / "tile/0/000.p/7").mkdir()
    assert codes(copy) == ["tile-missing"]
    (copy / "journal/x000").mkdir()
    block = (copy / "journal/001").rename(copy / "journal/x000/001")
    assert codes(copy) == ["cut"]  # by that name nobody finds it
    block.rename(copy / "journal/001")
    (copy / "journal/x999/x999").mkdir()
    (copy / "journal/x999/x999/999").write_bytes(b"x")
    assert codes(copy) == ["cut"]  # block 1 is not full, and no longer the last


# -- files that are none ------------------------------------------------------------------------------------------


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def endless(path: Path) -> None:
    """As long as a disk can say: a reader without a bound asks for that much memory."""
    with path.open("ab") as file:
        file.truncate(2**40)


@pytest.mark.parametrize("spoil", [pipe, endless])
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("checkpoint", {"no-checkpoint"}),
        ("cosigned", set()),  # as if it were not there
        ("journal/000", {"block-missing", "changed"}),
        ("journal/001", {"block-missing", "changed", "cut"}),
        ("tile/0/000", {"tile-missing"}),
        ("tile/0/001.p/16", {"tile-missing"}),
        ("tile/entries/000", {"tile-missing"}),
    ],
)
def test_a_pipe_or_an_endless_file_is_no_file(
    copy: Path, spoil: Callable[[Path], None], name: str, wanted: set[str]
) -> None:
    spoil(copy / name)
    found = set(codes(copy))
    assert found <= wanted
    assert bool(found) == bool(wanted)
