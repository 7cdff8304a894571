"""The policy folder on a real disk with real events: what counts at once, and what never counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.language.change import InForce
from agent.core.model.rules import Policy
from agent.witness import policy_folder
from agent.witness.policies import read_folder
from agent.witness.policy_folder import PolicyFolder
from protocol.language.folder import Files
from tests.witness.followed_folder import Reports, follow, place, text, told

__all__ = ["follow", "place", "told"]  # fixtures

Save = Callable[[Path, str], None]


def in_place(path: Path, content: str) -> None:
    path.write_text(content)


def by_rename(path: Path, content: str) -> None:
    temporary = path.with_name(".a.yaml.new")
    temporary.write_text(content)
    temporary.replace(path)


def from_elsewhere(path: Path, content: str) -> None:
    temporary = path.parent.parent / "elsewhere"
    temporary.write_text(content)
    temporary.replace(path)


def with_a_backup(path: Path, content: str) -> None:
    """As vim does: the old file becomes the backup, a new one is written, the backup goes."""
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    path.write_text(content)
    backup.unlink()


def in_small_pieces(path: Path, content: str) -> None:
    with path.open("w") as file:
        for letter in content:
            file.write(letter)
            file.flush()


@pytest.mark.parametrize("save", [in_place, by_rename, from_elsewhere, with_a_backup, in_small_pieces])
def test_a_save_is_in_force_within_a_second(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder], save: Save
) -> None:
    (place / "a.yaml").write_text(text(1))
    follow()
    assert told.next() == ("policy", 1)
    save(place / "a.yaml", text(2))
    assert told.next() == ("policy", 2)
    assert told.nothing_more()


def test_half_a_file_changes_nothing_while_it_is_written_nor_when_it_is_left_so(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(1, "till", "chart"))
    follow()
    assert told.next() == ("policy", 1)
    whole = text(2, "till", "chart", "card")
    with (place / "a.yaml").open("w") as file:
        file.write(whole[:120])  # a valid YAML file with fewer rules
        file.flush()
        # A whole second file makes the folder be read at this very moment.
        (place / "b.yaml").write_text("schema: 1\n...\n")
        kind, mistakes = told.next()
        assert kind == "mistakes"
        assert "does not end with the line ..." in str(mistakes)
        file.write(whole[120:])
    assert told.next() == ("policy", 2)


def test_a_broken_file_keeps_the_whole_last_set(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(1))
    follow()
    assert told.next() == ("policy", 1)
    (place / "a.yaml").write_text(text(2).replace("why", "wy"))
    kind, mistakes = told.next()
    assert (kind, mistakes) == (
        "mistakes",
        (
            "a.yaml:5:5 a rule without why, add why: … (The reason, for those who ask later)",
            'a.yaml:5:17 "wy" is not a key of a rule, did you mean why?',
        ),
    )
    # Taken back as it was, it is in force again, and whoever showed the mistakes hears of it.
    (place / "a.yaml").write_text(text(1))
    assert told.next() == ("policy", 1)


def test_a_fault_of_our_own_is_told_and_does_not_end_the_watch(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that died silently would leave an old policy in force for good, and nobody would know."""
    (place / "a.yaml").write_text(text(1))
    follow()
    assert told.next() == ("policy", 1)
    real = policy_folder.parse_files

    def broken(_: Files) -> Policy:
        monkeypatch.setattr(policy_folder, "parse_files", real)
        raise RuntimeError("a bug")

    monkeypatch.setattr(policy_folder, "parse_files", broken)
    (place / "a.yaml").write_text(text(2))
    kind, mistakes = told.next()
    assert kind == "mistakes"
    assert "RuntimeError, a fault of Eyelid's own" in str(mistakes)
    (place / "a.yaml").write_text(text(3))
    assert told.next() == ("policy", 3)


def test_saving_the_same_again_says_nothing(place: Path, told: Reports, follow: Callable[..., PolicyFolder]) -> None:
    (place / "a.yaml").write_text(text(1))
    folder = follow()
    assert told.next() == ("policy", 1)
    folder._read()
    (place / "b.yaml").write_text("half")
    assert told.next()[0] == "mistakes"
    folder._read()
    folder.close()
    assert told.nothing_more()


def test_revisions_only_rise(place: Path, told: Reports, follow: Callable[..., PolicyFolder]) -> None:
    (place / "a.yaml").write_text(text(5, "till", "chart"))
    follow()
    assert told.next() == ("policy", 5)
    (place / "a.yaml").write_text(text(4, "till", "chart"))
    assert told.next() == (
        "mistakes",
        (
            "a.yaml:2:1 revision 4 is older than 5, which is in force, write 6 if this policy is meant to replace it",
        ),
    )  # fmt: skip
    (place / "a.yaml").write_text(text(5, "till"))
    assert told.next() == (
        "mistakes",
        ("a.yaml:2:1 the policy has changed and lost chart, but its revision is still 5, write 6 to put it in force",),
    )
    (place / "a.yaml").write_text(text(6, "till"))
    assert told.next() == ("vanished", ("chart",))
    assert told.next() == ("policy", 6)
    (place / "a.yaml").write_text(text(7, "till").replace("why: w", "why: w, dry_run: true"))
    assert told.next() == ("disarmed", ("till",))
    assert told.next() == ("policy", 7)


def test_what_was_in_force_before_a_restart_still_counts(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(4))
    follow(InForce(5, "of the policy before"))
    kind, _ = told.next()
    assert kind == "mistakes"
    (place / "a.yaml").write_text(text(6))
    assert told.next() == ("policy", 6)


def test_after_a_restart_the_same_policy_is_told_again(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(5))
    follow(InForce.of(read_folder(place)))
    assert told.next() == ("policy", 5)


def test_files_that_vanish_leave_the_last_policy_in_force(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(1))
    follow()
    assert told.next() == ("policy", 1)
    (place / "a.yaml").unlink()
    assert told.next() == (
        "mistakes",
        (f"{place} holds no policy, a policy is one or more files whose names end in .yaml",),
    )
    (place / "a.yaml").write_text(text(1))
    assert told.next() == ("policy", 1)


def test_a_folder_that_comes_later_and_one_that_is_replaced(
    tmp_path: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    """No event tells of these: the beat finds them, and events count again afterwards."""
    place = tmp_path / "policies"
    folder = follow(beat=0.05)
    assert told.next()[0] == "mistakes"
    place.mkdir()
    (place / "a.yaml").write_text(text(1))
    assert told.next() == ("policy", 1)
    place.rename(tmp_path / "before")
    new = tmp_path / "new"
    new.mkdir()
    (new / "a.yaml").write_text(text(2))
    new.rename(place)
    said = told.next()
    while said[0] == "mistakes":  # that the folder was gone for a moment
        said = told.next()
    assert said == ("policy", 2)
    folder._beat = 3600.0
    by_rename(place / "a.yaml", text(3))
    assert told.next() == ("policy", 3)


def test_a_change_without_an_event_is_found_by_the_beat(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    """On a network folder another PC's save makes no event."""
    (place / "a.yaml").write_text(text(1))
    folder = follow(beat=0.05)
    assert told.next() == ("policy", 1)
    folder._observer.unschedule_all()
    (place / "a.yaml").write_text(text(2))
    assert told.next() == ("policy", 2)


def test_a_folder_that_is_written_without_a_pause_is_read_nevertheless(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(1))
    follow()
    assert told.next() == ("policy", 1)
    done = threading.Event()

    def scribble() -> None:
        while not done.wait(0.02):
            (place / "notes.txt").write_text("x")

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        (place / "a.yaml").write_text(text(2))
        assert told.next() == ("policy", 2)
    finally:
        done.set()
        writer.join()


def test_closing_ends_the_threads(place: Path, told: Reports, follow: Callable[..., PolicyFolder]) -> None:
    (place / "a.yaml").write_text(text(1))
    before = set(threading.enumerate())
    follow().close()
    assert set(threading.enumerate()) <= before
    (place / "a.yaml").write_text(text(2))
    assert told.next() == ("policy", 1)
    assert told.nothing_more()
