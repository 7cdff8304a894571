"""What compliance signed counts before the policy folder, and a folder that whoever is recorded can change is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from agent.witness.policy_folder import PolicyFolder
from tests.witness.followed_folder import Reports, follow, place, text, told

__all__ = ["follow", "place", "told"]  # fixtures


def test_a_policy_that_whoever_is_recorded_may_change_is_told_of_until_they_may_not(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    """It is in force all the same: whether what it says was meant is for whoever reads the account."""
    (place / "a.yaml").write_text(text(1))
    place.chmod(0o777)
    follow(uid=os.getuid() + 61_000, beat=0.05)
    assert [told.next(), told.next()] == [("unguarded", True), ("policy", 1)]
    (place / "a.yaml").write_text(text(2))
    assert told.next() == ("policy", 2)
    place.chmod(0o755)  # no event tells of it, nor does what lies in the folder
    assert told.next() == ("unguarded", False)
    place.parent.chmod(0o777)
    assert told.next() == ("unguarded", True)
    place.parent.chmod(0o700)
    assert told.next() == ("unguarded", False)


def test_a_folder_that_only_a_setting_of_theirs_names_is_not_guarded(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    (place / "a.yaml").write_text(text(1))
    follow(uid=os.getuid() + 61_000, pinned=False)
    assert [told.next(), told.next()] == [("unguarded", True), ("policy", 1)]


def test_a_signed_policy_is_guarded_wherever_the_folder_lies(
    place: Path, told: Reports, follow: Callable[..., PolicyFolder]
) -> None:
    place.chmod(0o777)
    follow(uid=os.getuid() + 61_000, pinned=False, signed=lambda: {"a.yaml": text(1).encode()})
    assert told.next() == ("policy", 1)
    assert told.nothing_more()


# -- signed -------------------------------------------------------------------------------------------------------


def test_while_compliance_signs_a_policy_the_folder_changes_nothing(
    follow: Callable[..., PolicyFolder], told: Reports, tmp_path: Path
) -> None:
    mine = tmp_path / "policies"
    mine.mkdir()
    signed = {"cards.yaml": text(5, "till", "chart").encode()}
    following = follow(signed=lambda: signed)
    assert told.next() == ("policy", 5)
    for weaker in (text(9), text(5), "half a file"):
        (mine / "mine.yaml").write_text(weaker)
        assert told.next() == ("unsigned", True)
        (mine / "mine.yaml").unlink()
        assert told.next() == ("unsigned", False)
    for harmless in (text(5, "till", "chart"), text(4)):  # the same, and one that was left there
        (mine / "cards.yaml").write_text(harmless)
        following.reread()
    signed = {"cards.yaml": text(6, "till", "chart").encode()}
    following.reread()
    assert told.next() == ("policy", 6)  # and of the two before nothing was told


def test_what_is_signed_anew_counts_and_what_is_older_or_wrong_does_not(
    follow: Callable[..., PolicyFolder], told: Reports
) -> None:
    signed = {"cards.yaml": text(5, "till", "chart").encode()}
    following = follow(signed=lambda: signed)
    assert told.next() == ("policy", 5)
    signed = {"cards.yaml": text(6, "till").encode()}
    following.reread()
    assert told.next() == ("vanished", ("chart",))
    assert told.next() == ("policy", 6)
    signed = {"cards.yaml": text(4, "till").encode()}
    following.reread()
    kind, mistakes = told.next()
    assert kind == "mistakes"
    assert "revision 4 is older than 6" in str(mistakes)
    signed = {"cards.yaml": b"schema: 1\n"}
    following.reread()
    assert told.next()[0] == "mistakes"
    signed = {"cards.yaml": text(7, "till").encode()}
    following.reread()
    assert told.next() == ("policy", 7)


def test_signing_begins_and_ends_by_a_bundle_alone(
    follow: Callable[..., PolicyFolder], told: Reports, tmp_path: Path
) -> None:
    mine = tmp_path / "policies"
    mine.mkdir()
    (mine / "mine.yaml").write_text(text(1))
    signed: dict[str, bytes] = {}
    following = follow(signed=lambda: signed)
    assert told.next() == ("policy", 1)
    signed = {"cards.yaml": text(2, "till").encode()}
    following.reread()
    assert told.next() == ("policy", 2)  # what lies in the folder is older and harmless
    (mine / "mine.yaml").write_text(text(3))
    assert told.next() == ("unsigned", True)
    signed = {}
    following.reread()
    assert told.next() == ("unsigned", False)
    assert told.next() == ("policy", 3)
